/* Recording what became of parcels, and what is done while that can't be: on the runner's thread.
 */
#include "smtpd/outbound/runner_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>

#define RECORD_FIRST_MS 1000 /* until results that could not be recorded are tried again */
#define RECORD_MAX_MS 30000
#define KEPT_DAMAGED_MAX 16 /* results lost to a damaged file before nothing more is sent */
#define DAMAGE_TOLD_MS 3600000

/* -- trouble ----------------------------------------------------------------------------------- */

void
runner_tell_damage(struct runner *r)
{
	int64_t now = clock_mono_ms(), told = atomic_load(&r->damage_told_ms);
	char path[PATH_MAX];

	if ((told && now - told < DAMAGE_TOLD_MS) ||
	    !atomic_compare_exchange_strong(&r->damage_told_ms, &told, now))
		return;
	snprintf(path, sizeof(path), "%s/queue.db", r->first_conf->data_dir);
	log_error("queue_damaged", F_CSTR("file", path),
	    F_CSTR("advice",
		"what of it can be read is still sent; run `pillarbox check`, then stop Pillarbox "
		"and mend or replace the file as smtpd(8) says under DAMAGE"));
}

void
runner_back_off(int64_t *at_ms, int64_t *span_ms, int64_t first_ms, int64_t max_ms)
{
	*span_ms = *span_ms ? *span_ms * 2 : first_ms;
	if (*span_ms > max_ms)
		*span_ms = max_ms;
	*at_ms = clock_mono_ms() + *span_ms;
}

int64_t
runner_until(int64_t at_ms)
{
	int64_t now = clock_mono_ms();

	return at_ms > now ? at_ms - now : 0;
}

/* -- recording --------------------------------------------------------------------------------- */

/* What was sent and is not recorded is sent again after a kill: so nothing more is begun while
 * nothing can be written. What a damaged page keeps from being recorded is no reason to stop, as
 * long as it is little. */
static bool
must_stop(const struct runner *r)
{
	size_t damaged = 0;

	for (const struct list *l = r->kept.next; l != &r->kept; l = l->next)
		if (LIST_OWNER(l, struct parcel, turn)->trouble != ERR_CORRUPT ||
		    ++damaged > KEPT_DAMAGED_MAX)
			return true;
	return false;
}

void
runner_note_kept(struct runner *r)
{
	enum err e = LIST_OWNER(r->kept.next, struct parcel, turn)->trouble;
	bool stop = must_stop(r);

	if (e == ERR_CORRUPT)
		runner_tell_damage(r);
	if (stop && !r->blocked)
		log_error("outbound", F_CSTR("op", "record"), F_ERR(e),
		    F_CSTR("detail",
			"what was sent can't be recorded; nothing more is sent until it is"));
	r->blocked = stop;
	scheduler_block(r->scheduler, stop);
}

static void
note_all_recorded(struct runner *r)
{
	r->record_span_ms = 0;
	if (!r->blocked)
		return;
	log_info("outbound", F_CSTR("op", "record"), F_CSTR("detail", "recorded; sending goes on"));
	r->blocked = false;
	scheduler_block(r->scheduler, false);
}

void
runner_record(struct runner *r, struct list *done, bool now)
{
	bool had = !list_is_empty(&r->kept);
	bool again = had && (now || !runner_until(r->record_ms));
	struct list these;

	list_init(&these);
	if (again)
		list_move_all(&r->kept, &these);
	list_move_all(done, r->blocked && !again ? &r->kept : &these);
	if (list_is_empty(&these))
		return;
	parcel_record_all(r, &these, &r->kept);
	if (list_is_empty(&r->kept)) {
		note_all_recorded(r);
		return;
	}
	runner_note_kept(r);
	if (again || !had)
		runner_back_off(&r->record_ms, &r->record_span_ms, RECORD_FIRST_MS, RECORD_MAX_MS);
}

/* Times in the queue are dates, what passes is told by the monotonic clock: when somebody sets the
 * date, the queue follows. */
#include "smtpd/outbound/runner_private.h"

#include "common/base/clock.h"
#include "common/base/log.h"

#define SLACK_MS 5000 /* less is no jump */
#define AGAIN_MS 5000 /* after a failure of the store */
#define AGAIN_MAX_MS 600000 /* after many of them */

static int64_t
ahead_now_ms(void)
{
	return clock_real_us() / 1000 - clock_mono_ms();
}

int64_t
runner_queue_ahead_ms(struct runner *r)
{
	return atomic_load(&r->queue_ahead_ms);
}

void
runner_begin_clock(struct runner *r)
{
	r->ahead_ms = ahead_now_ms();
	atomic_store(&r->queue_ahead_ms, r->ahead_ms);
	r->owed_ms = 0;
	r->bounded = false;
}

static void
failed(struct runner *r, enum err e)
{
	runner_back_off(&r->clock_ms, &r->clock_span_ms, AGAIN_MS, AGAIN_MAX_MS);
	log_error("outbound", F_CSTR("op", "clock"), F_ERR(e));
}

/* Nothing waits longer than attempts are apart, whatever clock its time came from. */
static void
bound_waits(struct runner *r)
{
	CLEANUP(conf_unref) struct conf *conf = runner_conf(r);
	int64_t longest_ms = (int64_t)conf->outbound.retry_max_s * 1000;
	uint64_t n = 0;
	enum err e = queue_clock_bound(r->store, longest_ms + longest_ms / 4, &n);

	if (e) {
		failed(r, e);
		return;
	}
	r->bounded = true;
	r->clock_span_ms = 0;
	if (n)
		log_warn("clock_jumped", F_UINT("recipients", n));
}

/* What the runner has in hand is of the old clock until this is done, or, where that one was
 * ahead, of the new one from now on: so nothing is too old by a clock that is not its own. */
static void
move_queue(struct runner *r)
{
	uint64_t n = 0;

	if (r->owed_ms < 0)
		atomic_store(&r->queue_ahead_ms, r->ahead_ms);
	enum err e = queue_clock_moved(r->store, r->owed_ms, &n);
	if (e) {
		failed(r, e);
		return;
	}
	atomic_store(&r->queue_ahead_ms, r->ahead_ms);
	log_warn("clock_jumped", F_INT("by_ms", r->owed_ms), F_UINT("recipients", n));
	r->owed_ms = 0;
	r->clock_span_ms = 0;
}

void
runner_follow_clock(struct runner *r)
{
	int64_t ahead_ms = ahead_now_ms(), by_ms = ahead_ms - r->ahead_ms;

	r->ahead_ms = ahead_ms;
	if (by_ms < -SLACK_MS || by_ms > QUEUE_CLOCK_JUMP_MS)
		r->owed_ms += by_ms;
	else if (by_ms > SLACK_MS) /* attempts come a little early, which harms nobody */
		log_info("clock_jumped", F_INT("by_ms", by_ms));
	if (!r->owed_ms)
		atomic_store(&r->queue_ahead_ms, ahead_ms);
	if (runner_until(r->clock_ms))
		return;
	if (r->owed_ms)
		move_queue(r);
	if (!r->owed_ms && !r->bounded)
		bound_waits(r);
}

/* COPY and MOVE into another account: its database gets rows of its own, its blobs/ a second name
 * for each file.
 *
 * What takes long, the octets, is staged in small transactions (message_stage.h), between which the
 * caller may let others have their turn; then one transaction gives all messages their entries: so
 * it is all or nothing for whoever looks, and also where a process is killed. Readers wait for
 * nobody, so two that copy to each other can't stop one another; no thread ever holds two write
 * locks. A MOVE takes out of the source what is durable in the target: killed in between, or when
 * the source can't be written, the messages are in both, never in none. */
#include "store/message_copy.h"
#include "store/message_stage.h"

#include "common/base/log.h"

#include <stdlib.h>

struct transfer_run {
	struct transfer x;
	struct account *from, *to; /* references */
	struct copied copied;
	struct stage stage;
	struct rows rows; /* as they were at the beginning */
	struct seen_marks marks;
	struct keyword_names keywords;
	int64_t *made; /* the message of each row in the target, 0: is no more */
	size_t staged; /* rows that are done with */
	bool committed;
};

/* -- beginning */

static uint64_t
sum_octets(const struct rows *rows)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < rows->n; i++)
		sum += rows->r[i].size;
	return sum;
}

/* Refused before octets are written; the last transaction decides again. */
static enum err
check_room(struct transfer_run *r)
{
	struct quota q;
	enum err e = account_quota(r->to, &q);
	uint64_t octets = sum_octets(&r->rows);

	if (e)
		return e;
	bool fits = !q.bytes_limit || q.bytes_used + octets <= q.bytes_limit;
	fits &= !q.messages_limit || q.messages_used + r->rows.n <= q.messages_limit;
	return fits ? ERR_OK : ERR_OVER_QUOTA;
}

static enum err
find_rows(struct transfer_run *r)
{
	CLEANUP(read_end) struct handle *source = NULL;
	enum err e = account_read(r->from, &source);

	if (!e)
		e = copy_find_rows(source->db, &r->x, &r->rows, &r->marks);
	return e ? e : keyword_names_load(source->db, r->x.from, &r->keywords);
}

enum err
transfer_begin(const struct transfer *x, struct arena *arena, struct transfer_run **ret)
{
	CLEANUP(transfer_free) struct transfer_run *r = calloc(1, sizeof(*r));

	if (!r)
		return ERR_NOMEM;
	r->x = *x;
	r->from = account_ref(x->from_account);
	r->to = account_ref(x->to_account);
	r->stage = (struct stage){.from = r->from, .to = r->to};
	uidset_init(&r->copied.from, arena);
	uidset_init(&r->copied.to, arena);
	enum err e = find_rows(r);
	if (!e && r->rows.n > 0)
		e = check_room(r);
	if (e)
		return e;
	r->made = calloc(r->rows.n ? r->rows.n : 1, sizeof(*r->made));
	if (!r->made)
		return ERR_NOMEM;
	*ret = MOVE_PTR(r);
	return ERR_OK;
}

void
transfer_free(struct transfer_run **rp)
{
	struct transfer_run *r = MOVE_PTR(*rp);

	if (!r)
		return;
	if (!r->committed)
		stage_drop(&r->stage);
	stage_done(&r->stage);
	rows_done(&r->rows);
	seen_marks_done(&r->marks);
	keyword_names_done(&r->keywords);
	free(r->made);
	account_unref(&r->from);
	account_unref(&r->to);
	free(r);
}

/* -- step by step */

/* How many rows from `at` on make a batch. */
static size_t
batch_size(const struct rows *rows, size_t at)
{
	uint64_t octets = 0;
	size_t n = 0;

	while (at + n < rows->n && n < STAGE_MESSAGES && octets < STAGE_OCTETS) {
		uint64_t size = rows->r[at + n++].size;
		octets += size < SPOOL_MEMORY ? size : SPOOL_MEMORY;
	}
	return n;
}

enum err
transfer_step(struct transfer_run *r, bool *ret_ready)
{
	size_t n = batch_size(&r->rows, r->staged);
	enum err e = ERR_OK;

	if (n > 0)
		e = stage_messages(&r->stage, r->rows.r + r->staged, n, r->made + r->staged);
	for (size_t i = 0; i < n && !e && r->x.count; i++)
		if (!r->made[r->staged + i]) /* expunged since the beginning */
			e = ERR_STALE;
	if (e)
		return e;
	r->staged += n;
	*ret_ready = r->staged == r->rows.n;
	return ERR_OK;
}

uint64_t
transfer_done(const struct transfer_run *r)
{
	return r->staged;
}

uint64_t
transfer_total(const struct transfer_run *r)
{
	return r->rows.n;
}

/* -- the end */

/* Leaves out the rows whose messages were expunged and swept meanwhile. */
static void
drop_missing(struct transfer_run *r)
{
	size_t out = 0;

	for (size_t i = 0; i < r->rows.n; i++) {
		if (!r->made[i])
			continue;
		r->rows.r[out] = r->rows.r[i];
		r->made[out++] = r->made[i];
	}
	r->rows.n = r->staged = out;
}

static enum err
enter_in_txn(struct txn *t, void *arg)
{
	struct transfer_run *r = arg;
	const struct transfer *x = &r->x;
	CLEANUP(rows_done) struct rows copies = {0};
	CLEANUP(seen_marks_done) struct seen_marks fresh = {0};
	struct mailbox_change change = {0};
	uint64_t modseq, map[KEYWORDS_MAX];
	uint32_t first;
	enum err e = txn_take_uids(t, x->to, (uint32_t)r->rows.n, &first, &r->copied.uidvalidity);

	if (e || r->rows.n == 0)
		return e;
	e = txn_next_modseq(t, &modseq);
	if (!e)
		e = keywords_map(t, &r->keywords, x->to, copy_used_flags(x, &r->rows), map);
	if (!e)
		e = copy_entries(x, &r->rows, &r->marks, map, first, modseq, &copies, &fresh);
	for (size_t i = 0; i < copies.n && !e; i++) {
		copies.r[i].message = r->made[i];
		change_count(&change, copies.r[i].flags, copies.r[i].size, 1);
	}
	if (!e)
		e = txn_change_mailbox(t, x->to, &change, modseq);
	if (!e)
		e = stage_settle(t, &r->stage);
	if (!e)
		e = entries_append(t->db, x->to, copies.r, copies.n);
	if (!e && fresh.n > 0)
		e = seen_write(t, x->to, x->actor.viewer, &fresh, modseq);
	return e ? e : copy_report(&r->rows, first, &r->copied);
}

/* Keeps of *copied the messages that `gone` has or (`keep` false) has not. */
static enum err
pick(const struct copied *copied, const struct uidset *gone, bool keep, struct copied *ret)
{
	uint32_t to = copied->to.n ? copied->to.r[0].lo : 0; /* they follow each other */
	enum err e = ERR_OK;

	*ret = (struct copied){.uidvalidity = copied->uidvalidity};
	uidset_init(&ret->from, copied->from.arena);
	uidset_init(&ret->to, copied->to.arena);
	for (size_t i = 0; i < copied->from.n; i++) {
		struct uid_range r = copied->from.r[i];
		for (uint64_t uid = r.lo; uid <= r.hi && !e; uid++, to++) {
			if (uidset_has(gone, (uint32_t)uid) != keep)
				continue;
			e = uidset_add(&ret->from, (uint32_t)uid, (uint32_t)uid);
			if (!e)
				e = uidset_add(&ret->to, to, to);
		}
	}
	return e;
}

/* The rest of a MOVE. What another has expunged or moved from the source meanwhile is taken out of
 * the target again: a message is moved once. */
static enum err
remove_source(const struct transfer *x, struct copied *copied)
{
	struct uidset gone;
	struct copied moved = {0}, again = {0};

	uidset_init(&gone, copied->from.arena);
	enum err e = message_remove_told(x->from_account, x->from, &copied->from, &gone);
	if (e == ERR_GONE)
		e = ERR_OK; /* the mailbox, with all that was in it */
	if (!e)
		e = pick(copied, &gone, false, &again);
	if (!e && again.to.n > 0)
		e = message_remove(x->to_account, x->to, &again.to);
	if (!e)
		e = pick(copied, &gone, true, &moved);
	if (!e) {
		*copied = moved;
		return ERR_OK;
	}
	/* it may be that nothing is gone from the source */
	if (gone.n == 0 && message_remove(x->to_account, x->to, &copied->to))
		log_warn("store", F_CSTR("op", "move"), F_ERR(e),
		    F_INT("from", x->from_account->id), F_INT("to", x->to_account->id),
		    F_CSTR("detail", "the messages are in both accounts now"));
	return e;
}

/* Between the entry in the target and the removal from the source the message is in both. Were it
 * moved on from the target then, while a second mover takes it out of the source, it could not be
 * taken back any more, and there would be two: so the ends of MOVEs, of whatever accounts, follow
 * one another. Only one process moves. The lock is waited for as the disk is. */
enum err
transfer_end(struct transfer_run *r, struct copied *ret)
{
	CLEANUP(mutex_unlock)
	pthread_mutex_t *held = r->x.move ? mutex_lock(&r->to->store->moves) : NULL;

	drop_missing(r);
	enum err e = account_write(r->to, enter_in_txn, r, DURABLE_NOW);

	if (!e)
		r->committed = true;
	if (!e && r->x.move && r->rows.n > 0)
		e = remove_source(&r->x, &r->copied);
	if (!e)
		*ret = r->copied;
	return e;
}

enum err
copy_elsewhere(const struct transfer *x, struct arena *arena, struct copied *ret)
{
	CLEANUP(transfer_free) struct transfer_run *r = NULL;
	bool ready = false;
	enum err e = transfer_begin(x, arena, &r);

	while (!e && !ready)
		e = transfer_step(r, &ready);
	return e ? e : transfer_end(r, ret);
}

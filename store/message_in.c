/* Messages into mailboxes: delivery and APPEND. */
#include "store/cleaner.h"
#include "store/from_queue.h"
#include "store/message_insert.h"

#include "common/base/clock.h"
#include "common/metrics/metrics.h"
#include "store/helpers.h"
#include "store/seen.h"
#include "store/spool_private.h"

#include <stdlib.h>
#include <time.h>

/* Accounts whose databases are open and unsynced for one message at a time: what is unsynced can't
 * be closed, however many handles there are. */
#define DELIVER_AT_ONCE 64

/* -- delivery */

struct deliver_op {
	struct insert insert;
	struct str mailbox; /* canonical, or empty */
	struct queued_key key; /* of the queue; message 0: none */
	struct from_queue_gone gone;
	bool had; /* the account has it from an earlier delivery */
	uint32_t uid;
};

static enum err
find_target(struct txn *t, struct str name, int64_t *ret)
{
	enum err e = ERR_NOT_FOUND;

	if (name.n)
		e = db_get_int(t->db, "SELECT id FROM mailbox WHERE name = ?1 AND NOT noselect",
		    ret, DB_TEXT(name));
	if (e == ERR_NOT_FOUND)
		e = db_get_int(t->db, "SELECT id FROM mailbox WHERE name = 'INBOX'", ret);
	return e == ERR_NOT_FOUND ? ERR_CORRUPT : e;
}

static enum err
deliver_in_txn(struct txn *t, void *arg)
{
	struct deliver_op *op = arg;
	int64_t mailbox, message;
	uint32_t uidvalidity;
	uint64_t modseq;
	struct mailbox_change change = {0};
	enum err e = from_queue_forget(t, &op->gone);

	if (!e && op->key.message)
		e = from_queue_note(t, &op->key, &op->had);
	if (e || op->had)
		return e;
	e = find_target(t, op->mailbox, &mailbox);
	if (!e)
		e = txn_take_uids(t, mailbox, 1, &op->uid, &uidvalidity);
	if (!e)
		e = txn_next_modseq(t, &modseq);
	if (e)
		return e;
	/* quota first: it decides before the octets are written */
	change_count(&change, 0, op->insert.index->size, 1);
	e = txn_change_mailbox(t, mailbox, &change, modseq);
	if (!e)
		e = insert_message(t, &op->insert, &message);
	if (e)
		return e;
	const struct entry made = entry_new(op->uid, message, op->insert.index->size, 0, modseq);
	return entries_append(t->db, mailbox, &made, 1);
}

static void
note_stored(const struct insert *in)
{
	METRICS_COUNT(messages_stored, 0);
	METRICS_ADD(messages_stored_bytes, 0, in->index->size);
}

static void
set_now(struct insert *in)
{
	time_t now = (time_t)clock_real_s();
	struct tm tm;

	in->internal_s = now;
	in->internal_zone_s = localtime_r(&now, &tm) ? (int32_t)tm.tm_gmtoff : 0;
}

static enum err
deliver_to(struct account *a, struct spool *spool, struct delivery *d, struct promise *p)
{
	CLEANUP(arena_free) struct arena *arena = NULL;
	CLEANUP(mem_free) struct deliver_op *op = calloc(1, sizeof(*op));

	if (!op || (d->mailbox.n && !(arena = arena_new(16 * 1024))))
		return ERR_NOMEM;
	if (d->mailbox.n && mailbox_check_name(d->mailbox, arena, &op->mailbox))
		op->mailbox = (struct str){NULL, 0}; /* no such name: INBOX */
	enum err e = insert_prepare(a, spool, &op->insert);
	if (e)
		return e;
	set_now(&op->insert);
	op->key = (struct queued_key){d->queued, d->queued_s};
	if (op->key.message)
		from_queue_find_gone(a, &op->gone);
	e = account_write_promised(a, deliver_in_txn, op, p);
	insert_undo(&op->insert, op->had ? ERR_EXISTS : e);
	if (!e) {
		d->uid = op->uid;
		if (!op->had)
			note_stored(&op->insert);
	}
	return e;
}

/* A delivery under way: committed, then durable. */
struct step {
	struct delivery *d;
	struct account *account;
	struct promise promise;
};

struct round {
	struct store *store;
	struct spool *spool;
	struct step step[DELIVER_AT_ONCE];
};

static enum err
open_account(struct store *s, struct step *st)
{
	enum err e = account_open(s, st->d->account, &st->account);

	return e == ERR_NOT_FOUND ? ERR_GONE : e;
}

static void
commit_step(void *arg, size_t i)
{
	struct round *r = arg;
	struct step *st = &r->step[i];

	st->d->result = open_account(r->store, st);
	if (!st->d->result)
		st->d->result = deliver_to(st->account, r->spool, st->d, &st->promise);
	/* The disk gets to work while the others are still being committed. */
	promise_begin(&st->promise);
}

static void
keep_step(void *arg, size_t i)
{
	struct round *r = arg;
	struct step *st = &r->step[i];
	enum err e = promise_keep(&st->promise);

	if (!st->d->result)
		st->d->result = e;
	account_unref(&st->account);
}

/* First all are committed, then all are synced: the file system does most of the work of many syncs
 * at once for about the price of one. */
static void
run_round(struct round *r, size_t n)
{
	helpers_run(r->store->helpers, commit_step, r, n);
	helpers_run(r->store->helpers, keep_step, r, n);
	memset(r->step, 0, n * sizeof(r->step[0]));
}

static int
compare_accounts(const void *va, const void *vb)
{
	const struct delivery *const *a = va, *const *b = vb;

	if ((*a)->account != (*b)->account)
		return (*a)->account < (*b)->account ? -1 : 1;
	return (*a > *b) - (*a < *b);
}

/* What the helpers share is only read: all that changes the spool is done before. */
static enum err
deliver_to_many(struct store *s, struct spool *spool, struct delivery **d, size_t n)
{
	CLEANUP(mem_free) struct round *r = calloc(1, sizeof(*r));
	const struct message_index *index;
	struct str octets;
	enum err e = r ? spool_finish(spool, &index) : ERR_NOMEM;

	if (!e && !spool_in_memory(spool, &octets))
		e = spool_sync(spool);
	if (e)
		return e;
	r->store = s;
	r->spool = spool;
	size_t steps = 0;
	for (size_t i = 0; i < n; i++) {
		if (i && d[i]->account == d[i - 1]->account)
			continue;
		r->step[steps++].d = d[i];
		if (steps == DELIVER_AT_ONCE) {
			run_round(r, steps);
			steps = 0;
		}
	}
	run_round(r, steps);
	return ERR_OK;
}

static void
deliver_to_one(struct store *s, struct spool *spool, struct delivery *d)
{
	struct step st = {.d = d};

	d->result = open_account(s, &st);
	if (!d->result)
		d->result = deliver_to(st.account, spool, d, NULL);
	account_unref(&st.account);
}

void
message_deliver(struct store *s, struct spool *spool, struct delivery *d, size_t n)
{
	if (n == 1) {
		deliver_to_one(s, spool, d);
		return;
	}
	// NOLINTNEXTLINE(bugprone-sizeof-expression): its elements are pointers
	CLEANUP(mem_free) struct delivery **sorted = calloc(n ? n : 1, sizeof(*sorted));
	for (size_t i = 0; i < n; i++) {
		d[i].result = ERR_NOMEM;
		if (sorted)
			sorted[i] = &d[i];
	}
	if (!sorted)
		return;
	// NOLINTNEXTLINE(bugprone-sizeof-expression): as above
	qsort(sorted, n, sizeof(*sorted), compare_accounts);
	enum err e = deliver_to_many(s, spool, sorted, n);
	for (size_t i = 0; i < n; i++) {
		bool same = i && sorted[i]->account == sorted[i - 1]->account;
		if (e) {
			sorted[i]->result = e;
		} else if (same) {
			sorted[i]->result = sorted[i - 1]->result;
			sorted[i]->uid = sorted[i - 1]->uid;
		}
	}
}

/* -- APPEND */

struct append_op {
	int64_t mailbox;
	struct append *items;
	struct insert *inserts;
	struct entry *entries;
	size_t n;
	int64_t replaced_in; /* mailbox of the message that goes, 0: none does */
	uint32_t replaced;
	uint32_t first_uid, uidvalidity;
	struct seen_marks marks; /* of the viewer that appends */
};

/* \Seen is the viewer's own where it is not the owner who appends. */
static enum err
take_seen(struct append_op *op, size_t i, uint64_t *flags)
{
	if (!op->items[i].viewer || !(*flags & FLAG_SEEN))
		return ERR_OK;
	*flags &= ~FLAG_SEEN;
	return seen_marks_add(
	    &op->marks, (struct seen_mark){.uid = op->first_uid + (uint32_t)i, .seen = true});
}

static enum err
append_one(struct txn *t, struct append_op *op, size_t i, uint64_t flags, uint64_t modseq)
{
	int64_t message = 0;
	enum err e = insert_message(t, &op->inserts[i], &message);

	op->entries[i] = entry_new(
	    op->first_uid + (uint32_t)i, message, op->inserts[i].index->size, flags, modseq);
	return e;
}

/* Before the new one comes, so that quota sees what is left of it. */
static enum err
remove_replaced(struct txn *t, const struct append_op *op)
{
	struct uid_range range = {op->replaced, op->replaced};
	const struct uidset uids = {.r = &range, .n = 1};
	CLEANUP(rows_done) struct rows rows = {0};
	uint64_t modseq;
	enum err e = mailbox_must_exist(t->db, op->replaced_in);

	if (!e)
		e = rows_find(t->db, op->replaced_in, &uids, 0, &rows);
	if (!e && rows.n == 0)
		e = ERR_STALE;
	if (!e)
		e = txn_next_modseq(t, &modseq);
	return e ? e : rows_remove(t, op->replaced_in, &rows, modseq, false);
}

static enum err
append_in_txn(struct txn *t, void *arg)
{
	struct append_op *op = arg;
	uint64_t modseq, keep = 0;
	enum err e = op->replaced_in ? remove_replaced(t, op) : ERR_OK;

	if (!e)
		e = txn_take_uids(
		    t, op->mailbox, (uint32_t)op->n, &op->first_uid, &op->uidvalidity);
	if (!e)
		e = txn_next_modseq(t, &modseq);
	for (size_t i = 0; i < op->n && !e; i++) {
		struct mailbox_change change = {0};
		uint64_t flags;
		e = keywords_to_bits(t, op->mailbox, &op->items[i].flags, true, keep, &flags);
		if (!e)
			e = take_seen(op, i, &flags);
		if (e)
			break;
		keep |= flags;
		change_count(&change, flags, op->inserts[i].index->size, 1);
		e = txn_change_mailbox(t, op->mailbox, &change, modseq);
		if (!e)
			e = append_one(t, op, i, flags, modseq);
	}
	if (!e && op->marks.n > 0)
		e = seen_write(t, op->mailbox, op->items[0].viewer, &op->marks, modseq);
	return e ? e : entries_append(t->db, op->mailbox, op->entries, op->n);
}

enum err
message_append(
    struct account *a, int64_t mailbox, struct append *items, size_t n, uint32_t *ret_uidvalidity)
{
	return message_append_promised(a, mailbox, items, n, ret_uidvalidity, NULL);
}

static enum err
run_append(struct account *a, struct append_op *op, uint32_t *ret_uidvalidity, struct promise *p)
{
	size_t n = op->n;
	struct append *items = op->items;
	CLEANUP(mem_free) struct insert *inserts = calloc(n ? n : 1, sizeof(struct insert));
	CLEANUP(mem_free) struct entry *entries = calloc(n ? n : 1, sizeof(struct entry));
	enum err e = inserts && entries ? ERR_OK : ERR_NOMEM;
	size_t prepared = 0;

	if (n > UINT32_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < n && !e; i++) {
		e = insert_prepare(a, items[i].spool, &inserts[i]);
		inserts[i].internal_s = items[i].internal_s;
		inserts[i].internal_zone_s = items[i].internal_zone_s;
		prepared += !e;
	}
	op->inserts = inserts;
	op->entries = entries;
	if (!e)
		e = account_write_promised(a, append_in_txn, op, p);
	seen_marks_done(&op->marks);
	for (size_t i = 0; i < prepared; i++)
		insert_undo(&inserts[i], e);
	if (e)
		return e;
	for (size_t i = 0; i < n; i++)
		items[i].ret_uid = op->first_uid + (uint32_t)i;
	for (size_t i = 0; i < n; i++)
		note_stored(&inserts[i]);
	*ret_uidvalidity = op->uidvalidity;
	return ERR_OK;
}

enum err
message_append_promised(struct account *a, int64_t mailbox, struct append *items, size_t n,
    uint32_t *ret_uidvalidity, struct promise *p)
{
	struct append_op op = {.mailbox = mailbox, .items = items, .n = n};

	return run_append(a, &op, ret_uidvalidity, p);
}

/* *ret_gone: it may be that it went, whatever is returned. */
static enum err
remove_one(struct account *a, int64_t mailbox, uint32_t uid, bool *ret_gone)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4096);
	struct uid_range range = {uid, uid};
	const struct uidset uids = {.r = &range, .n = 1};
	struct uidset gone;

	*ret_gone = false;
	if (!arena)
		return ERR_NOMEM;
	uidset_init(&gone, arena);
	enum err e = message_remove_told(a, mailbox, &uids, &gone);
	*ret_gone = gone.n > 0;
	return e;
}

/* Two databases know no common transaction: where the old message can't go, the new one goes again.
 * It stays where that is in doubt: after a failed sync the old one may be gone all the same. */
static enum err
replace_elsewhere(const struct message_place *was, struct account *to, struct append_op *op,
    uint32_t *ret_uidvalidity)
{
	bool gone, again;
	enum err e = run_append(to, op, ret_uidvalidity, NULL);

	if (e)
		return e;
	e = remove_one(was->account, was->mailbox, was->uid, &gone);
	if (!e && !gone)
		e = ERR_STALE;
	if (e && !gone && remove_one(to, op->mailbox, op->items->ret_uid, &again))
		return e == ERR_GONE ? ERR_IO : e;
	return e;
}

enum err
message_replace_promised(const struct message_place *was, struct account *to, int64_t mailbox,
    struct append *item, uint32_t *ret_uidvalidity, struct promise *p)
{
	struct append_op op = {.mailbox = mailbox, .items = item, .n = 1};

	if (was->account != to)
		return replace_elsewhere(was, to, &op, ret_uidvalidity);
	op.replaced_in = was->mailbox;
	op.replaced = was->uid;
	enum err e = run_append(to, &op, ret_uidvalidity, p);
	account_note_unswept(to); /* also where it may have been committed after all */
	return e;
}

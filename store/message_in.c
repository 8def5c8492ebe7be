/* Messages into mailboxes: delivery and APPEND. */
#include "store/message_insert.h"

#include "common/base/clock.h"

#include <stdlib.h>
#include <time.h>

/* -- delivery */

struct deliver_op {
	struct insert insert;
	struct str mailbox; /* canonical, or empty */
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
	enum err e = find_target(t, op->mailbox, &mailbox);

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
	return e ? e : entry_add(t, mailbox, op->uid, message, 0, modseq);
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
deliver_to(struct account *a, struct spool *spool, struct delivery *d, enum durability durability)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(16 * 1024);
	CLEANUP(mem_free) struct deliver_op *op = calloc(1, sizeof(*op));

	if (!arena || !op)
		return ERR_NOMEM;
	if (d->mailbox.n && mailbox_check_name(d->mailbox, arena, &op->mailbox))
		op->mailbox = (struct str){NULL, 0}; /* no such name: INBOX */
	enum err e = insert_prepare(a, spool, &op->insert);
	if (e)
		return e;
	set_now(&op->insert);
	e = account_write(a, deliver_in_txn, op, durability);
	insert_undo(&op->insert, e);
	if (!e)
		d->uid = op->uid;
	return e;
}

/* The delivery before `i` that has the same account already, or NULL. */
static const struct delivery *
earlier(const struct delivery *d, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (d[j].account == d[i].account)
			return &d[j];
	return NULL;
}

void
message_deliver(struct store *s, struct spool *spool, struct delivery *d, size_t n)
{
	CLEANUP(mem_free) struct account **accounts = calloc(n ? n : 1, sizeof(struct account *));

	for (size_t i = 0; i < n; i++) {
		if (earlier(d, i))
			continue;
		d[i].result = accounts ? account_open(s, d[i].account, &accounts[i]) : ERR_NOMEM;
		if (d[i].result == ERR_NOT_FOUND)
			d[i].result = ERR_GONE;
		/* with several accounts all are committed before the first is waited for */
		if (!d[i].result)
			d[i].result = deliver_to(
			    accounts[i], spool, &d[i], n == 1 ? DURABLE_NOW : DURABLE_LATER);
	}
	for (size_t i = 0; i < n; i++) {
		const struct delivery *same = earlier(d, i);
		if (same) {
			d[i].result = same->result;
			d[i].uid = same->uid;
		} else if (!d[i].result && n > 1) {
			d[i].result = account_sync(accounts[i]);
		}
	}
	for (size_t i = 0; accounts && i < n; i++)
		account_unref(&accounts[i]);
}

/* -- APPEND */

struct append_op {
	int64_t mailbox;
	struct append *items;
	struct insert *inserts;
	size_t n;
	uint32_t first_uid, uidvalidity;
};

static enum err
append_one(struct txn *t, struct append_op *op, size_t i, uint64_t flags, uint64_t modseq)
{
	int64_t message = 0;
	enum err e = insert_message(t, &op->inserts[i], &message);

	return e ? e
		 : entry_add(t, op->mailbox, op->first_uid + (uint32_t)i, message, flags, modseq);
}

static enum err
append_in_txn(struct txn *t, void *arg)
{
	struct append_op *op = arg;
	uint64_t modseq;
	enum err e =
	    txn_take_uids(t, op->mailbox, (uint32_t)op->n, &op->first_uid, &op->uidvalidity);

	if (!e)
		e = txn_next_modseq(t, &modseq);
	for (size_t i = 0; i < op->n && !e; i++) {
		struct mailbox_change change = {0};
		uint64_t flags;
		e = keywords_to_bits(t, op->mailbox, &op->items[i].flags, true, &flags);
		if (e)
			break;
		change_count(&change, flags, op->inserts[i].index->size, 1);
		e = txn_change_mailbox(t, op->mailbox, &change, modseq);
		if (!e)
			e = append_one(t, op, i, flags, modseq);
	}
	return e;
}

enum err
message_append(
    struct account *a, int64_t mailbox, struct append *items, size_t n, uint32_t *ret_uidvalidity)
{
	CLEANUP(mem_free) struct insert *inserts = calloc(n ? n : 1, sizeof(struct insert));
	struct append_op op = {.mailbox = mailbox, .items = items, .inserts = inserts, .n = n};
	enum err e = inserts ? ERR_OK : ERR_NOMEM;
	size_t prepared = 0;

	if (n > UINT32_MAX)
		return ERR_LIMIT;
	for (size_t i = 0; i < n && !e; i++) {
		e = insert_prepare(a, items[i].spool, &inserts[i]);
		inserts[i].internal_s = items[i].internal_s;
		inserts[i].internal_zone_s = items[i].internal_zone_s;
		prepared += !e;
	}
	if (!e)
		e = account_write(a, append_in_txn, &op, DURABLE_NOW);
	for (size_t i = 0; i < prepared; i++)
		insert_undo(&inserts[i], e);
	if (e)
		return e;
	for (size_t i = 0; i < n; i++)
		items[i].ret_uid = op.first_uid + (uint32_t)i;
	*ret_uidvalidity = op.uidvalidity;
	return ERR_OK;
}

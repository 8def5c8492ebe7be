/* What is remembered of expunged entries, and for how long. */
#include "store/message_private.h"

#include "common/base/clock.h"

#define DAY_S 86400

/* How many of the oldest tombstones, up to `limit`, were laid before `before_s`, and the modseq of
 * the last of them. They are looked at in the order of their modseq, which is that of their time
 * unless the clock was set: then they stay a little longer. */
static enum err
count_old(struct db *db, int64_t mailbox, int64_t before_s, size_t limit, size_t *ret_n,
    uint64_t *ret_modseq)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(db,
	    "SELECT modseq, expunged_s FROM tombstone INDEXED BY tombstone_modseq"
	    " WHERE mailbox = ?1 ORDER BY modseq, uid LIMIT ?2",
	    &st, DB_INT(mailbox), DB_INT(limit));

	*ret_n = 0;
	while (!e && !(e = stmt_step(st, &row)) && row && stmt_int(st, 1) < before_s) {
		*ret_modseq = (uint64_t)stmt_int(st, 0);
		++*ret_n;
	}
	return e;
}

enum err
txn_prune_tombstones(struct txn *t, int64_t mailbox, size_t limit)
{
	uint32_t days = t->account->store->tombstone_days;
	size_t n = 0;
	uint64_t modseq = 0;

	if (!days)
		return ERR_OK;
	enum err e =
	    count_old(t->db, mailbox, clock_real_s() - (int64_t)days * DAY_S, limit, &n, &modseq);
	if (e || n == 0)
		return e;
	e = db_run(t->db,
	    "DELETE FROM tombstone WHERE mailbox = ?1 AND uid IN (SELECT uid FROM tombstone"
	    " INDEXED BY tombstone_modseq WHERE mailbox = ?1 ORDER BY modseq, uid LIMIT ?2)",
	    DB_INT(mailbox), DB_INT(n));
	return e ? e
		 : db_run(t->db,
		       "UPDATE mailbox SET pruned_modseq = max(pruned_modseq, ?2) WHERE id = ?1",
		       DB_INT(mailbox), DB_INT(modseq));
}

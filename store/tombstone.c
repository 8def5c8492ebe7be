/* What is remembered of expunged entries, and for how long. */
#include "store/message_private.h"

#include "common/base/clock.h"
#include "store/damage.h"

#define DAY_S 86400

/* -- laying them */

static enum err
add_row(struct txn *t, int64_t mailbox, struct str octets, uint64_t modseq, bool moved)
{
	enum err e = db_run(t->db,
	    "INSERT INTO tombstone (mailbox, modseq, expunged_s, entries) VALUES (?1, ?2, ?3, ?4)",
	    DB_INT(mailbox), DB_INT(modseq), DB_INT(clock_real_s()), DB_BLOB(octets));

	if (!e && !moved)
		e = db_run(t->db, "INSERT INTO unswept (tombstone) VALUES (?1)",
		    DB_INT(db_last_id(t->db)));
	return e;
}

enum err
txn_add_tombstone(
    struct txn *t, int64_t mailbox, const struct rows *rows, uint64_t modseq, bool moved)
{
	size_t most = rows->n < TOMBSTONE_ENTRIES ? rows->n : TOMBSTONE_ENTRIES;
	CLEANUP(mem_free) char *octets = malloc(most ? most * ENTRY_OCTETS : 1);
	enum err e = octets ? ERR_OK : ERR_NOMEM;

	for (size_t done = 0; done < rows->n && !e;) {
		size_t n = rows->n - done < most ? rows->n - done : most;
		for (size_t i = 0; i < n; i++)
			entry_encode(&rows->r[done + i], octets + i * ENTRY_OCTETS);
		e = add_row(t, mailbox, str_make(octets, n * ENTRY_OCTETS), modseq, moved);
		done += n;
	}
	return e;
}

/* -- reading them */

enum err
tombstone_count(struct db *db, int64_t id, struct str octets, size_t *ret)
{
	if (octets.n % ENTRY_OCTETS == 0) {
		*ret = octets.n / ENTRY_OCTETS;
		return ERR_OK;
	}
	return damage_found("store", db_path(db), "not a whole number of entries",
	    F_CSTR("op", "read_tombstone"), F_INT("tombstone", id));
}

struct entry
tombstone_entry(struct str octets, size_t i)
{
	return entry_decode(octets.p + i * ENTRY_OCTETS);
}

/* -- forgetting them */

/* The last of the oldest tombstones, up to `limit`, that were laid before `before_s`. They are
 * looked at in the order of their modseq, which is that of their time unless the clock was set:
 * then they stay a little longer. One whose messages the cleaner has not seen to stays, too. */
static enum err
find_old(struct db *db, int64_t mailbox, int64_t before_s, size_t limit, int64_t *ret_id,
    uint64_t *ret_modseq)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(db,
	    "SELECT id, modseq, expunged_s, EXISTS (SELECT 1 FROM unswept WHERE tombstone = id)"
	    " FROM tombstone INDEXED BY tombstone_modseq"
	    " WHERE mailbox = ?1 ORDER BY modseq, id LIMIT ?2",
	    &st, DB_INT(mailbox), DB_INT(limit));

	while (!e && !(e = stmt_step(st, &row)) && row && stmt_int(st, 2) < before_s &&
	       !stmt_int(st, 3)) {
		*ret_id = stmt_int(st, 0);
		*ret_modseq = (uint64_t)stmt_int(st, 1);
	}
	return e;
}

enum err
txn_prune_tombstones(struct txn *t, int64_t mailbox, size_t limit)
{
	uint32_t days = t->account->store->tombstone_days;
	int64_t id = 0;
	uint64_t modseq = 0;

	if (!days)
		return ERR_OK;
	enum err e =
	    find_old(t->db, mailbox, clock_real_s() - (int64_t)days * DAY_S, limit, &id, &modseq);
	if (e || !id)
		return e;
	e = db_run(t->db,
	    "DELETE FROM tombstone INDEXED BY tombstone_modseq"
	    " WHERE mailbox = ?1 AND modseq <= ?2 AND id <= ?3",
	    DB_INT(mailbox), DB_INT(modseq), DB_INT(id));
	return e ? e
		 : db_run(t->db,
		       "UPDATE mailbox SET pruned_modseq = max(pruned_modseq, ?2) WHERE id = ?1",
		       DB_INT(mailbox), DB_INT(modseq));
}

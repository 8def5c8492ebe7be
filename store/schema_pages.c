/* From version 2 of mail.db, where each entry and each tombstone was a row, to pages. */
#include "store/entries.h"
#include "store/message_private.h"
#include "store/schema.h"

/* What is gathered for one page, or one tombstone. */
struct pack {
	int64_t mailbox, modseq, expunged_s;
	size_t n;
	struct entry e[TOMBSTONE_ENTRIES];
	char octets[TOMBSTONE_ENTRIES * ENTRY_OCTETS];
};

static enum err
flush_entries(struct db *db, struct pack *p)
{
	size_t n = p->n;

	p->n = 0;
	return entries_append(db, p->mailbox, p->e, n);
}

/* A message that is not there is what account_check() tells of. */
static enum err
pack_entries(struct db *db, struct pack *p)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e = db_query(db,
	    "SELECT e.mailbox, e.uid, e.saved_s, e.flags, e.modseq, e.message, m.size"
	    " FROM entry e LEFT JOIN message m ON m.id = e.message ORDER BY e.mailbox, e.uid",
	    &st);

	while (!e && !(e = stmt_step(st, &row)) && row) {
		int64_t mailbox = stmt_int(st, 0);
		if (p->n == PAGE_ENTRIES || mailbox != p->mailbox)
			e = flush_entries(db, p);
		p->mailbox = mailbox;
		p->e[p->n++] = (struct entry){.uid = (uint32_t)stmt_int(st, 1),
		    .saved_s = (uint32_t)stmt_int(st, 2),
		    .flags = (uint64_t)stmt_int(st, 3),
		    .modseq = (uint64_t)stmt_int(st, 4),
		    .message = stmt_int(st, 5),
		    .size = (uint64_t)stmt_int(st, 6)};
	}
	return e ? e : flush_entries(db, p);
}

static enum err
flush_tombstone(struct db *db, struct pack *p)
{
	if (p->n == 0)
		return ERR_OK;
	for (size_t i = 0; i < p->n; i++)
		entry_encode(&p->e[i], p->octets + i * ENTRY_OCTETS);
	struct str all = str_make(p->octets, p->n * ENTRY_OCTETS);
	p->n = 0;
	return db_run(db,
	    "INSERT INTO tombstone (mailbox, modseq, expunged_s, entries) VALUES (?1, ?2, ?3, ?4)",
	    DB_INT(p->mailbox), DB_INT(p->modseq), DB_INT(p->expunged_s), DB_BLOB(all));
}

static enum err
pack_tombstones(struct db *db, struct pack *p)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e = db_query(db,
	    "SELECT mailbox, modseq, uid, expunged_s FROM tombstone_2"
	    " ORDER BY mailbox, modseq, uid",
	    &st);

	while (!e && !(e = stmt_step(st, &row)) && row) {
		int64_t mailbox = stmt_int(st, 0), modseq = stmt_int(st, 1);
		if (p->n == TOMBSTONE_ENTRIES || mailbox != p->mailbox || modseq != p->modseq)
			e = flush_tombstone(db, p);
		p->mailbox = mailbox;
		p->modseq = modseq;
		p->expunged_s = stmt_int(st, 3);
		p->e[p->n++] = (struct entry){.uid = (uint32_t)stmt_int(st, 2)};
	}
	return e ? e : flush_tombstone(db, p);
}

enum err
schema_pack_entries(struct db *db)
{
	CLEANUP(mem_free) struct pack *p = calloc(1, sizeof(*p));
	enum err e = p ? pack_entries(db, p) : ERR_NOMEM;

	return e ? e : pack_tombstones(db, p);
}

/* From version 2 of mail.db, where each entry and each tombstone was a row, to pages; and from
 * those of version 3, where each entry took 40 octets, to columns. */
#include "store/damage.h"
#include "store/entries.h"
#include "store/message_private.h"
#include "store/schema.h"

#define PAGE_3_ENTRIES 96

/* What is gathered for one page, or one tombstone. */
struct pack {
	int64_t mailbox, modseq, expunged_s;
	size_t n;
	struct entry e[TOMBSTONE_ENTRIES];
	char octets[TOMBSTONE_ENTRIES * ENTRY_OCTETS];
};

static struct str
fixed_width(struct pack *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		entry_encode(&p->e[i], p->octets + i * ENTRY_OCTETS);
	return str_make(p->octets, n * ENTRY_OCTETS);
}

/* As pages were in version 3. */
static enum err
flush_entries(struct db *db, struct pack *p)
{
	size_t n = p->n;
	uint64_t modseq = 0;

	p->n = 0;
	if (n == 0)
		return ERR_OK;
	for (size_t i = 0; i < n; i++)
		modseq = p->e[i].modseq > modseq ? p->e[i].modseq : modseq;
	return db_run(db,
	    "INSERT INTO entry_page (id, mailbox, modseq, count, entries)"
	    " VALUES (?1, ?2, ?3, ?4, ?5)",
	    DB_INT(page_key(p->mailbox, p->e[0].uid)), DB_INT(p->mailbox), DB_INT(modseq),
	    DB_INT(n), DB_BLOB(fixed_width(p, n)));
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
		if (p->n == PAGE_3_ENTRIES || mailbox != p->mailbox)
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
	struct str all = fixed_width(p, p->n);
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

/* -- version 6 */

static enum err
refuse_page(struct db *db, int64_t key)
{
	return damage_found("store", db_path(db), "not a page of entries", F_CSTR("op", "migrate"),
	    F_INT("page", key));
}

/* The entries of a row: id, count, entries. */
static enum err
read_page_3(struct db *db, struct stmt *st, struct pack *p)
{
	int64_t key = stmt_int(st, 0), count = stmt_int(st, 1), mailbox = key >> 32;
	struct str octets = stmt_str(st, 2);
	uint32_t last = 0;

	if (mailbox < 1 || mailbox > MAILBOX_ID_MAX || count < 1 || count > PAGE_3_ENTRIES ||
	    (size_t)count * ENTRY_OCTETS > octets.n)
		return refuse_page(db, key);
	p->mailbox = mailbox;
	p->n = (size_t)count;
	for (size_t i = 0; i < p->n; i++) {
		p->e[i] = entry_decode(octets.p + i * ENTRY_OCTETS);
		if (p->e[i].uid <= last || p->e[i].message <= 0)
			return refuse_page(db, key);
		last = p->e[i].uid;
	}
	return ERR_OK;
}

enum err
schema_pack_columns(struct db *db)
{
	CLEANUP(mem_free) struct pack *p = calloc(1, sizeof(*p));
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e =
	    p ? db_query(db, "SELECT id, count, entries FROM entry_page_3 ORDER BY id", &st)
	      : ERR_NOMEM;

	while (!e && !(e = stmt_step(st, &row)) && row) {
		e = read_page_3(db, st, p);
		if (!e)
			e = entries_append(db, p->mailbox, p->e, p->n);
	}
	return e;
}

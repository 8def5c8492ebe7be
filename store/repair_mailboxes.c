/* Mailboxes of a damaged account: their entries in new pages, what belongs to none, counters. */
#include "common/base/clock.h"
#include "store/message_private.h"
#include "store/repair_private.h"

#include <stdio.h>
#include <stdlib.h>

/* -- meta */

/* Beyond what may have been given out, where that is not known any more. */
#define UIDVALIDITY_LEAP 100000
#define MODSEQ_LEAP (INT64_C(1) << 32)

/* Once more than what was given out last, whatever else was lost. */
static const char raise_meta[] =
    "UPDATE meta SET boot = 'repaired', threaded = 0,"
    " uidvalidity = max(uidvalidity, (SELECT ifnull(max(uidvalidity), 0) FROM mailbox)),"
    " modseq = max(modseq, (SELECT ifnull(max(highest_modseq), 0) FROM mailbox),"
    " (SELECT ifnull(max(modseq), 0) FROM tombstone),"
    " (SELECT ifnull(max(modseq), 0) FROM annotation),"
    " (SELECT ifnull(max(highest_modseq), 0) FROM viewer))";

static enum err
mend_meta(struct repair *r)
{
	uint64_t modseq = 1;

	for (size_t i = 0; i < r->n; i++)
		if (r->entries[i].e.modseq > modseq)
			modseq = r->entries[i].e.modseq;
	enum err e = db_run(r->db,
	    "INSERT OR IGNORE INTO meta (id, account, created_s, uidvalidity, modseq)"
	    " VALUES (1, ?1, ?2, ?2 + ?3, ?4)",
	    DB_INT(r->account), DB_INT(clock_real_s()), DB_INT(UIDVALIDITY_LEAP),
	    DB_INT((int64_t)modseq + MODSEQ_LEAP));
	if (!e)
		e = db_run(r->db,
		    "UPDATE meta SET account = ?1, removed = 0, modseq = max(modseq, ?2)",
		    DB_INT(r->account), DB_INT(modseq));
	return e ? e : db_run(r->db, raise_meta);
}

/* -- mailboxes */

/* A mailbox of this name and identifier (0: a new one). One that is there already is fine. */
static enum err
make_mailbox(struct repair *r, int64_t id, struct str name)
{
	enum err e = db_run(r->db,
	    "INSERT OR IGNORE INTO mailbox (id, name, uidvalidity, highest_modseq)"
	    " SELECT ?1, ?2, uidvalidity + 1, modseq FROM meta",
	    id ? DB_INT(id) : DB_NULL, DB_TEXT(name));

	return e ? e : db_run(r->db, "UPDATE meta SET uidvalidity = uidvalidity + 1");
}

static enum err
is_mailbox(struct repair *r, int64_t id, bool *ret)
{
	int64_t n = 0;
	enum err e =
	    db_get_int(r->db, "SELECT count(*) FROM mailbox WHERE id = ?1", &n, DB_INT(id));

	*ret = n > 0;
	/* what can't hold messages does when there are some */
	return e || !n ? e
		       : db_run(r->db, "UPDATE mailbox SET noselect = 0 WHERE id = ?1", DB_INT(id));
}

static enum err
provide_mailbox(struct repair *r, int64_t id)
{
	char name[64];
	bool is = false;
	enum err e = is_mailbox(r, id, &is);

	if (e || is)
		return e;
	snprintf(name, sizeof(name), REPAIR_MAILBOX " %lld", (long long)id);
	sbuf_printf(
	    r->report, "the name of mailbox %lld is lost: it is \"%s\" now\n", (long long)id, name);
	return make_mailbox(r, id, str_of(name));
}

/* -- entries */

static int
compare_entries(const void *a, const void *b)
{
	const struct repair_entry *x = a, *y = b;

	if (x->mailbox != y->mailbox)
		return x->mailbox < y->mailbox ? -1 : 1;
	if (x->e.uid != y->e.uid)
		return x->e.uid < y->e.uid ? -1 : 1;
	return (x->e.modseq < y->e.modseq) - (x->e.modseq > y->e.modseq);
}

static enum err
put_entries(struct repair *r, int64_t mailbox, const struct entry *e, size_t n)
{
	struct mailbox_change c = {0};
	uint64_t modseq = 0;

	for (size_t i = 0; i < n; i++) {
		change_count(&c, e[i].flags, e[i].size, 1);
		modseq = e[i].modseq > modseq ? e[i].modseq : modseq;
	}
	if (!n)
		return ERR_OK;
	r->result->kept += n;
	enum err failed = entries_append(r->db, mailbox, e, n);
	return failed
		   ? failed
		   : db_run(r->db,
			 "UPDATE mailbox SET messages = messages + ?2, unseen = unseen + ?3,"
			 " deleted = deleted + ?4, bytes = bytes + ?5,"
			 " uidnext = max(uidnext, ?6), highest_modseq = max(highest_modseq, ?7)"
			 " WHERE id = ?1",
			 DB_INT(mailbox), DB_INT(c.messages), DB_INT(c.unseen), DB_INT(c.deleted),
			 DB_INT(c.bytes), DB_INT((int64_t)e[n - 1].uid + 1), DB_INT(modseq));
}

/* Whether the message is still there; the size is the row's. */
static enum err
look_up(struct repair *r, struct entry *e, bool *ret)
{
	int64_t size;
	enum err failed =
	    db_get_int(r->db, "SELECT size FROM message WHERE id = ?1", &size, DB_INT(e->message));

	*ret = !failed;
	if (failed)
		return failed == ERR_NOT_FOUND ? ERR_OK : failed;
	e->size = (uint64_t)size;
	return db_run(r->db, "INSERT OR IGNORE INTO temp.named VALUES (?1)", DB_INT(e->message));
}

static enum err
tell_of(struct repair *r, const char *what, int64_t mailbox, uint32_t uid)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e =
	    db_query(r->db, "SELECT name FROM mailbox WHERE id = ?1", &st, DB_INT(mailbox));

	if (!e)
		e = stmt_step(st, &row);
	if (!e && row)
		sbuf_printf(
		    r->report, "%s: UID %u of \"%.*s\"\n", what, uid, STR_ARG(stmt_str(st, 0)));
	return e;
}

static enum err
tell_state(struct repair *r, const struct entry *e, bool there, int64_t mailbox)
{
	int64_t mended = 0;

	if (!there) {
		r->result->lost++;
		return tell_of(r, "lost", mailbox, e->uid);
	}
	enum err failed = db_get_int(r->db,
	    "SELECT EXISTS (SELECT 1 FROM temp.mended WHERE id = ?1)", &mended, DB_INT(e->message));
	if (failed || !mended)
		return failed;
	r->result->damaged++;
	return tell_of(r, "only a part is left", mailbox, e->uid);
}

static enum err
put_all(struct repair *r)
{
	CLEANUP(mem_free) struct entry *keep = calloc(r->n + 1, sizeof(*keep));
	enum err e = keep ? ERR_OK : ERR_NOMEM;
	uint32_t uid;

	if (r->n > 1)
		qsort(r->entries, r->n, sizeof(*r->entries), compare_entries);
	for (size_t i = 0, n; i < r->n && !e;) {
		int64_t mailbox = r->entries[i].mailbox;
		e = provide_mailbox(r, mailbox);
		for (n = 0, uid = 0; !e && i < r->n && r->entries[i].mailbox == mailbox; i++) {
			struct entry *one = &r->entries[i].e;
			bool there = false;
			if (one->uid == uid)
				continue;
			uid = one->uid;
			e = look_up(r, one, &there);
			if (there)
				keep[n++] = *one;
			if (!e)
				e = tell_state(r, one, there, mailbox);
		}
		if (!e)
			e = put_entries(r, mailbox, keep, n);
	}
	return e;
}

/* -- tombstones */

/* Messages that were expunged and not yet deleted are not lost ones. UIDs stay given out. */
static enum err
read_tombstones(struct repair *r)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e = db_query(r->db,
	    "SELECT id, mailbox, entries, mailbox = 0 OR id IN (SELECT tombstone FROM unswept)"
	    " FROM tombstone",
	    &st);

	while (!e && !(e = stmt_step(st, &row)) && row) {
		struct str octets = stmt_str(st, 2);
		int64_t top = 0;
		for (size_t i = 0; i < octets.n / ENTRY_OCTETS && !e; i++) {
			struct entry gone = entry_decode(octets.p + i * ENTRY_OCTETS);
			top = gone.uid > top ? gone.uid : top;
			if (gone.message && stmt_int(st, 3))
				e = db_run(r->db, "INSERT OR IGNORE INTO temp.named VALUES (?1)",
				    DB_INT(gone.message));
		}
		if (!e)
			e = db_run(r->db,
			    "UPDATE mailbox SET uidnext = max(uidnext, ?2) WHERE id = ?1",
			    DB_INT(stmt_int(st, 1)), DB_INT(top + 1));
	}
	return e;
}

/* -- messages in no mailbox */

static enum err
recovered_mailbox(struct repair *r, int64_t *ret, int64_t *ret_uid)
{
	enum err e = make_mailbox(r, 0, STR(REPAIR_MAILBOX));

	if (!e)
		e = db_run(r->db, "INSERT OR IGNORE INTO subscription (name) VALUES (?1)",
		    DB_TEXT(STR(REPAIR_MAILBOX)));
	if (!e)
		e = db_get_int(r->db, "SELECT id FROM mailbox WHERE name = ?1", ret,
		    DB_TEXT(STR(REPAIR_MAILBOX)));
	if (!e)
		e = db_get_int(
		    r->db, "SELECT uidnext FROM mailbox WHERE id = ?1", ret_uid, DB_INT(*ret));
	return e;
}

static enum err
collect_unnamed(struct repair *r, int64_t mailbox, uint32_t uid)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	int64_t modseq = 1;
	bool row;
	enum err e = db_get_int(r->db, "SELECT modseq FROM meta", &modseq);

	if (!e)
		e = db_query(r->db,
		    "SELECT id, size FROM message WHERE id NOT IN (SELECT id FROM temp.named)"
		    " ORDER BY id",
		    &st);
	r->n = 0;
	while (!e && !(e = stmt_step(st, &row)) && row)
		e = repair_add_entry(r, (struct repair_entry){mailbox,
					    entry_new(uid++, stmt_int(st, 0),
						(uint64_t)stmt_int(st, 1), 0, (uint64_t)modseq)});
	return e;
}

static enum err
put_unnamed(struct repair *r)
{
	int64_t n = 0, mailbox = 0, uid = 1;
	enum err e = db_get_int(
	    r->db, "SELECT count(*) FROM message WHERE id NOT IN (SELECT id FROM temp.named)", &n);

	if (e || n == 0)
		return e;
	e = recovered_mailbox(r, &mailbox, &uid);
	r->n = 0;
	if (!e)
		e = collect_unnamed(r, mailbox, (uint32_t)uid);
	CLEANUP(mem_free) struct entry *all = calloc(r->n + 1, sizeof(*all));
	for (size_t i = 0; all && i < r->n; i++)
		all[i] = r->entries[i].e;
	if (!e)
		e = all ? put_entries(r, mailbox, all, r->n) : ERR_NOMEM;
	r->result->recovered = r->n;
	return e;
}

/* -- the rest */

static const char without_counters[] =
    "UPDATE mailbox SET messages = 0, unseen = 0, deleted = 0, bytes = 0;"
    "CREATE TEMP TABLE named (id INTEGER PRIMARY KEY);";

static const char without_mailbox[] =
    "DELETE FROM keyword WHERE mailbox NOT IN (SELECT id FROM mailbox);"
    "DELETE FROM acl WHERE mailbox NOT IN (SELECT id FROM mailbox);"
    "DELETE FROM annotation WHERE mailbox <> 0 AND mailbox NOT IN (SELECT id FROM mailbox);"
    "DELETE FROM viewer WHERE mailbox NOT IN (SELECT id FROM mailbox);"
    "DELETE FROM seen_page WHERE NOT EXISTS (SELECT 1 FROM viewer v WHERE v.mailbox ="
    " seen_page.mailbox AND v.viewer = seen_page.viewer AND v.highest_modseq >="
    " seen_page.modseq);"
    "DELETE FROM tombstone WHERE mailbox <> 0 AND mailbox NOT IN (SELECT id FROM mailbox)"
    " AND id NOT IN (SELECT tombstone FROM unswept);"
    "DELETE FROM unswept WHERE tombstone NOT IN (SELECT id FROM tombstone);"
    "UPDATE mailbox SET pruned_modseq = (SELECT modseq FROM meta),"
    " highest_modseq = (SELECT modseq FROM meta);"
    "UPDATE meta SET bytes = (SELECT ifnull(sum(bytes), 0) FROM mailbox),"
    " messages = (SELECT ifnull(sum(messages), 0) FROM mailbox);"
    "DROP TABLE temp.named;"
    "DROP TABLE temp.mended;"
    "DROP TABLE temp.broken;";

enum err
repair_mailboxes(struct repair *r)
{
	enum err e = db_script(r->db, without_counters);

	if (!e)
		e = mend_meta(r);
	/* the first that an account gets, so its mail stays in it */
	if (!e)
		e = make_mailbox(r, 1, STR("INBOX"));
	if (!e)
		e = make_mailbox(r, 0, STR("INBOX"));
	if (!e)
		e = put_all(r);
	if (!e)
		e = read_tombstones(r);
	if (!e)
		e = put_unnamed(r);
	return e ? e : db_script(r->db, without_mailbox);
}

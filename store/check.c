/* account_check() and directory_check(): is what a database says of itself and of files true? All
 * is recounted in one consistent read, so it may run beside daemons at work. */
#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/check_private.h"
#include "store/directory.h"
#include "store/file.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

/* A file that no row names may belong to a delivery that is about to commit; from this age on it is
 * what a crash left. */
#define ORPHAN_S 3600

/* A query that must have no row: column 0 says what (a name or number), 1 is found, 2 is right. */
struct claim {
	const char *problem;
	const char *sql;
};

static const struct claim account_claims[] = {
    {"meta rows", "SELECT 'all', count(*), 1 FROM meta HAVING count(*) <> 1"},
    {"mailbox highest modseq",
	"SELECT b.name, b.highest_modseq, max(t.modseq) FROM mailbox b JOIN tombstone t"
	" ON t.mailbox = b.id WHERE b.highest_modseq < t.modseq GROUP BY b.id"},
    {"mailbox modseq beyond the account's",
	"SELECT b.name, b.highest_modseq, meta.modseq FROM mailbox b, meta"
	" WHERE b.highest_modseq > meta.modseq"},
    {"mailbox uidvalidity beyond the account's",
	"SELECT b.name, b.uidvalidity, meta.uidvalidity FROM mailbox b, meta"
	" WHERE b.uidvalidity > meta.uidvalidity"},
    {"INBOX missing", "SELECT 'INBOX', 0, 1 WHERE NOT EXISTS"
		      " (SELECT 1 FROM mailbox WHERE name = 'INBOX' AND NOT noselect)"},
    {"pages without a mailbox",
	"SELECT mailbox, count(*), 0 FROM entry_page WHERE mailbox NOT IN (SELECT id FROM mailbox)"
	" GROUP BY mailbox"},
    {"mailbox of a page", "SELECT id, mailbox, id >> 32 FROM entry_page WHERE mailbox <> id >> 32"},
    {"tombstones without a mailbox", /* 0: message_stage.h */
	"SELECT mailbox, count(*), 0 FROM tombstone WHERE mailbox <> 0"
	" AND mailbox NOT IN (SELECT id FROM mailbox)"
	" AND id NOT IN (SELECT tombstone FROM unswept) GROUP BY mailbox"},
    {"message without its octets",
	"SELECT m.id, ifnull(length(h.octets), 0) + ifnull(length(b.octets), 0), m.size"
	" FROM message m LEFT JOIN header h ON h.message = m.id"
	" LEFT JOIN body b ON b.message = m.id WHERE m.blob = ''"
	" AND ifnull(length(h.octets), 0) + ifnull(length(b.octets), 0) <> m.size"},
    {"octets without a message",
	"SELECT message, 1, 0 FROM header WHERE message NOT IN (SELECT id FROM message)"
	" UNION ALL SELECT message, 1, 0 FROM body WHERE message NOT IN (SELECT id FROM message)"},
    {"annotations without a mailbox",
	"SELECT mailbox, count(*), 0 FROM annotation WHERE mailbox <> 0"
	" AND mailbox NOT IN (SELECT id FROM mailbox) GROUP BY mailbox"},
    {"keywords without a mailbox",
	"SELECT mailbox, count(*), 0 FROM keyword WHERE mailbox NOT IN (SELECT id FROM mailbox)"
	" GROUP BY mailbox"},
    {"rights without a mailbox",
	"SELECT mailbox, count(*), 0 FROM acl WHERE mailbox NOT IN (SELECT id FROM mailbox)"
	" GROUP BY mailbox"},
    {"threads without a message",
	"SELECT message, 1, 0 FROM thread WHERE message NOT IN (SELECT id FROM message)"},
    {"Message IDs of a thread that is no more",
	"SELECT thread, count(*), 0 FROM thread_id WHERE thread NOT IN (SELECT thread FROM thread)"
	" GROUP BY thread"},
    {"marks without a mailbox",
	"SELECT mailbox, count(*), 0 FROM seen_page WHERE mailbox NOT IN (SELECT id FROM mailbox)"
	" GROUP BY mailbox"},
    {"marks beyond the viewer's modseq",
	"SELECT p.viewer, max(p.modseq), ifnull(v.highest_modseq, 0) FROM seen_page p"
	" LEFT JOIN viewer v USING (mailbox, viewer) GROUP BY p.mailbox, p.viewer"
	" HAVING max(p.modseq) > ifnull(v.highest_modseq, 0)"},
};

void
check_problem(struct check *c, const char *what, struct str where, int64_t is, int64_t should_be)
{
	c->damaged = true;
	sbuf_printf(c->report, "%s: %s of %.*s is %lld, should be %lld\n", db_path(c->db), what,
	    STR_ARG(where), (long long)is, (long long)should_be);
}

static enum err
check_claims(struct check *c, const struct claim *claims, size_t n)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < n && !e; i++) {
		CLEANUP(stmt_done) struct stmt *st = NULL;
		bool row = false;
		e = db_query(c->db, claims[i].sql, &st);
		while (!e && !(e = stmt_step(st, &row)) && row)
			check_problem(c, claims[i].problem, stmt_str(st, 0), stmt_int(st, 1),
			    stmt_int(st, 2));
	}
	return e;
}

/* -- files */

/* Whether a message names the file now: the consistent read may be older than its expunge. */
static enum err
is_named_now(struct account *a, struct str blob, bool *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t named;
	enum err e = account_read(a, &h);

	if (!e)
		e = db_get_int(h->db, "SELECT EXISTS (SELECT 1 FROM message WHERE blob = ?1)",
		    &named, DB_TEXT(blob));
	if (!e)
		*ret = named != 0;
	return e;
}

static enum err
check_file(struct check *c, struct str blob, int64_t size)
{
	char path[PATH_MAX];
	struct stat st;
	bool named = true;
	enum err e = account_blob_path(c->account, blob, path);

	if (e == ERR_CORRUPT) {
		check_problem(c, "file name", blob, 0, size);
		return ERR_OK;
	}
	if (e)
		return e;
	bool there = stat(path, &st) == 0;
	if (there && st.st_size == size)
		return ERR_OK;
	e = is_named_now(c->account, blob, &named);
	if (!e && named)
		check_problem(
		    c, "size of the file", str_of(path), there ? (int64_t)st.st_size : -1, size);
	return e;
}

static enum err
check_files(struct check *c)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(c->db, "SELECT blob, size FROM message WHERE blob <> ''", &st);

	while (!e && !(e = stmt_step(st, &row)) && row)
		e = check_file(c, stmt_str(st, 0), stmt_int(st, 1));
	return e;
}

static enum err
sweep_file(struct account *a, const char *path, const char *name)
{
	struct stat st;
	bool named = true;

	if (lstat(path, &st) || !S_ISREG(st.st_mode) || clock_real_s() - st.st_ctime < ORPHAN_S)
		return ERR_OK;
	enum err e = is_named_now(a, str_of(name), &named);
	if (!e && !named && unlink(path) == 0)
		log_info("store", F_CSTR("op", "sweep"), F_CSTR("file", path));
	return e;
}

/* Removes what a crash left between linking a file and committing its row, or the other way. */
static enum err
// NOLINTNEXTLINE(misc-no-recursion): two levels, `top` and what is in it
sweep_dir(struct account *a, const char *dir, bool top)
{
	CLEANUP(dir_close) DIR *d = opendir(dir);
	struct dirent *entry;
	enum err e = ERR_OK;

	// NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own
	while (d && !e && (entry = readdir(d))) {
		char path[PATH_MAX];
		if (entry->d_name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", dir, entry->d_name) >= (int)sizeof(path))
			continue;
		e = top ? sweep_dir(a, path, false) : sweep_file(a, path, entry->d_name);
	}
	return e;
}

/* The limits stand in both databases; a crash between two commits may leave them different. */
static enum err
check_limits(struct check *c)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct quota q;
	bool row = false;
	enum err e = account_quota(c->account, &q);

	if (!e)
		e = read_begin(&c->account->store->directory, &h);
	if (!e)
		e = db_query(h->db, "SELECT quota_bytes, quota_messages FROM account WHERE id = ?1",
		    &st, DB_INT(c->account->id));
	if (!e)
		e = stmt_step(st, &row);
	if (e || !row)
		return e;
	if (q.bytes_limit != (uint64_t)stmt_int(st, 0))
		check_problem(c, "limit", STR("bytes"), (int64_t)q.bytes_limit, stmt_int(st, 0));
	if (q.messages_limit != (uint64_t)stmt_int(st, 1))
		check_problem(
		    c, "limit", STR("messages"), (int64_t)q.messages_limit, stmt_int(st, 1));
	return ERR_OK;
}

enum err
account_check(struct account *a, struct sbuf *report)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct check c = {.account = a, .report = report};
	enum err e = account_read(a, &h);

	if (e)
		return e;
	c.db = h->db;
	e = db_integrity(c.db, report);
	/* What a damaged file says elsewhere is worth nothing, but its problems are told. */
	if (!e)
		e = check_claims(&c, account_claims, ARRAY_LEN(account_claims));
	if (!e)
		e = check_pages(&c);
	if (!e)
		e = check_limits(&c);
	if (!e)
		e = check_files(&c);
	read_end(&h);
	if (!e && !c.damaged)
		e = sweep_dir(a, a->blobs, true);
	return !e && c.damaged ? ERR_CORRUPT : e;
}

/* -- the directory */

static const struct claim directory_claims[] = {
    {"account without a domain",
	"SELECT local, domain, 0 FROM account WHERE domain NOT IN (SELECT id FROM domain)"},
    {"alias without a domain",
	"SELECT local, domain, 0 FROM alias WHERE domain NOT IN (SELECT id FROM domain)"},
    {"alias without targets",
	"SELECT local, 0, 1 FROM alias WHERE id NOT IN (SELECT alias FROM alias_target)"},
    {"target without an alias",
	"SELECT address, alias, 0 FROM alias_target WHERE alias NOT IN (SELECT id FROM alias)"},
    {"forward of no account",
	"SELECT address, account, 0 FROM forward WHERE account NOT IN (SELECT id FROM account)"},
    {"signing key without a domain",
	"SELECT selector, domain, 0 FROM signing_key WHERE domain NOT IN (SELECT id FROM domain)"},
    {"account that is also an alias",
	"SELECT a.local, b.id, 0 FROM account a JOIN alias b USING (domain, local)"},
};

static enum err
check_databases(struct check *c, const struct store *s)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(c->db, "SELECT id FROM account", &st);

	while (!e && !(e = stmt_step(st, &row)) && row) {
		char path[PATH_MAX];
		struct stat file;
		if (snprintf(path, sizeof(path), "%s/accounts/%lld/mail.db", s->data_dir,
			(long long)stmt_int(st, 0)) >= (int)sizeof(path))
			return ERR_TOO_LONG;
		if (stat(path, &file))
			check_problem(c, "number of files", str_of(path), 0, 1);
	}
	return e;
}

enum err
directory_check(struct store *s, struct sbuf *report)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct check c = {.report = report};
	enum err e = read_begin(&s->directory, &h);

	if (e)
		return e;
	c.db = h->db;
	e = db_integrity(c.db, report);
	if (!e)
		e = check_claims(&c, directory_claims, ARRAY_LEN(directory_claims));
	if (!e)
		e = check_databases(&c, s);
	return !e && c.damaged ? ERR_CORRUPT : e;
}

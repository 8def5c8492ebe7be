/* Messages of a damaged account: a row for all octets, octets for all rows. */
#include "common/base/clock.h"
#include "store/file.h"
#include "store/message_insert.h"
#include "store/repair_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REPAIR_HALF_MAX (256 << 20)

static enum err
insert_rebuilt(struct repair *r, int64_t id, const char *email_id, const char *blob,
    const struct message_index *x, int64_t when_s)
{
	return db_run(r->db,
	    "INSERT INTO message (id, email_id, size, header_size, internal_s, blob, envelope,"
	    " bodystructure, parts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
	    id ? DB_INT(id) : DB_NULL, DB_TEXT(str_of(email_id)), DB_INT(x->size),
	    DB_INT(x->header_size), DB_INT(when_s), DB_TEXT(str_of(blob)), DB_BLOB(x->envelope),
	    DB_BLOB(x->bodystructure), DB_BLOB(x->parts));
}

/* `octets`: message, header, body. */
static enum err
rebuild_row(struct repair *r, struct stmt *octets)
{
	struct index_builder *b = index_builder_new();
	struct message_index x;
	struct insert name;

	if (!b)
		return ERR_NOMEM;
	for (int i = 1; i <= 2; i++)
		index_builder_feed(b, stmt_str(octets, i).p, stmt_str(octets, i).n);
	enum err e = index_builder_finish(b, &x);
	if (!e)
		e = insert_make_name(&name);
	if (!e)
		e = insert_rebuilt(r, stmt_int(octets, 0), name.email_id, "", &x, clock_real_s());
	index_builder_free(&b);
	return e;
}

static enum err
rebuild_rows(struct repair *r)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e = db_query(r->db,
	    "SELECT h.message, h.octets, b.octets FROM header h JOIN body b USING (message)"
	    " WHERE message NOT IN (SELECT id FROM message)",
	    &st);

	while (!e && !(e = stmt_step(st, &row)) && row)
		e = rebuild_row(r, st);
	return e;
}

/* -- halves */

#define LOST_HEADER "X-Lost: "
#define LOST_LINE "(lost)\r\n"

/* As many octets as there were, so that what is known of the message's parts stays true. */
static void
fill_in(char *to, size_t n, bool header)
{
	size_t first = sizeof(LOST_HEADER) - 1, line = sizeof(LOST_LINE) - 1;

	memset(to, header ? '-' : ' ', n);
	if (header && n >= first + 5)
		memcpy(to, LOST_HEADER, first);
	if (header && n >= 4)
		memcpy(to + n - 4, "\r\n\r\n", 4);
	for (size_t at = 0; !header && at + line <= n; at += line)
		memcpy(to + at, LOST_LINE, line);
}

/* `row`: id, octets that are missing, whether they are the header's. */
static enum err
mend_half(struct repair *r, struct stmt *row)
{
	int64_t id = stmt_int(row, 0), n = stmt_int(row, 1);
	bool header = stmt_int(row, 2) != 0;

	if (n < 0 || n > REPAIR_HALF_MAX)
		return ERR_OK;
	CLEANUP(mem_free) char *octets = malloc((size_t)n + 1);
	if (!octets)
		return ERR_NOMEM;
	fill_in(octets, (size_t)n, header);
	struct str half = str_make(octets, (size_t)n);
	enum err e =
	    header
		? db_run(r->db, "INSERT OR REPLACE INTO header (message, octets) VALUES (?1, ?2)",
		      DB_INT(id), DB_BLOB(half))
		: db_run(r->db, "INSERT OR REPLACE INTO body (message, octets) VALUES (?1, ?2)",
		      DB_INT(id), DB_BLOB(half));
	return e ? e : db_run(r->db, "INSERT INTO temp.mended VALUES (?1)", DB_INT(id));
}

static enum err
mend_halves(struct repair *r)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e = db_query(r->db,
	    "SELECT id, CASE WHEN has_body THEN header_size ELSE size - header_size END, has_body"
	    " FROM (SELECT m.id, m.size, m.header_size,"
	    " ifnull(length(h.octets), -1) = m.header_size AS has_header,"
	    " ifnull(length(b.octets), -1) = m.size - m.header_size AS has_body"
	    " FROM message m LEFT JOIN header h ON h.message = m.id"
	    " LEFT JOIN body b ON b.message = m.id WHERE m.blob = '')"
	    " WHERE has_header <> has_body ORDER BY id",
	    &st);

	while (!e && !(e = stmt_step(st, &row)) && row)
		e = mend_half(r, st);
	return e;
}

/* -- files */

static enum err
rebuild_file(struct repair *r, const char *path, const char *name)
{
	CLEANUP(fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct index_builder *b = NULL;
	struct message_index x;
	struct stat st;
	char buf[65536];
	ssize_t n = -1;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return ERR_OK;
	if (!(b = index_builder_new()))
		return ERR_NOMEM;
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		index_builder_feed(b, buf, (size_t)n);
	enum err e = index_builder_finish(b, &x);
	if (!e && n == 0)
		e = insert_rebuilt(r, 0, name, name, &x, st.st_mtime);
	index_builder_free(&b);
	return e;
}

/* Files that no row names: theirs was lost. */
static enum err
// NOLINTNEXTLINE(misc-no-recursion): two levels, `top` and what is in it
rebuild_files(struct repair *r, const char *dir, bool top)
{
	CLEANUP(dir_close) DIR *d = opendir(dir);
	struct dirent *entry;
	enum err e = ERR_OK;

	// NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own
	while (d && !e && (entry = readdir(d))) {
		char path[PATH_MAX];
		int64_t named = 1;
		const char *name = entry->d_name;
		if (name[0] == '.' ||
		    snprintf(path, sizeof(path), "%s/%s", dir, name) >= (int)sizeof(path))
			continue;
		if (!top)
			e = db_get_int(r->db,
			    "SELECT EXISTS (SELECT 1 FROM message WHERE blob = ?1)", &named,
			    DB_TEXT(str_of(name)));
		if (!e && (top || !named))
			e = top ? rebuild_files(r, path, false) : rebuild_file(r, path, name);
	}
	return e;
}

static bool
has_file(const struct repair *r, struct str blob, int64_t size)
{
	char path[PATH_MAX];
	struct stat st;

	return blob.n >= 3 && str_find(blob, '/') == STR_NONE &&
	       snprintf(path, sizeof(path), "%s/%.2s/%.*s", r->blobs, blob.p, STR_ARG(blob)) <
		   (int)sizeof(path) &&
	       stat(path, &st) == 0 && st.st_size == size;
}

static enum err
drop_without_file(struct repair *r)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	enum err e = db_query(r->db, "SELECT id, blob, size FROM message WHERE blob <> ''", &st);

	while (!e && !(e = stmt_step(st, &row)) && row)
		if (!has_file(r, stmt_str(st, 1), stmt_int(st, 2)))
			e = db_run(r->db, "INSERT OR IGNORE INTO temp.broken VALUES (?1)",
			    DB_INT(stmt_int(st, 0)));
	return e;
}

static const char drop_broken[] =
    "INSERT OR IGNORE INTO temp.broken SELECT m.id FROM message m"
    " LEFT JOIN header h ON h.message = m.id LEFT JOIN body b ON b.message = m.id"
    " WHERE m.blob = '' AND (h.octets IS NULL OR b.octets IS NULL"
    " OR length(h.octets) <> m.header_size OR length(h.octets) + length(b.octets) <> m.size);"
    "DELETE FROM message WHERE id IN (SELECT id FROM temp.broken);"
    "DELETE FROM header WHERE message NOT IN (SELECT id FROM message);"
    "DELETE FROM body WHERE message NOT IN (SELECT id FROM message WHERE blob = '');"
    "DELETE FROM thread WHERE message NOT IN (SELECT id FROM message);"
    /* nobody gets an identifier that a lost message had */
    "INSERT INTO sqlite_sequence (name, seq) SELECT 'message', 0"
    " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'message');"
    "UPDATE sqlite_sequence SET seq = 100000 + max(seq, (SELECT ifnull(max(message), 0) FROM"
    " header), (SELECT ifnull(max(id), 0) FROM message), (SELECT ifnull(max(id), 0) FROM"
    " temp.broken)) WHERE name = 'message';";

enum err
repair_messages(struct repair *r)
{
	enum err e = db_script(r->db, "CREATE TEMP TABLE broken (id INTEGER PRIMARY KEY);"
				      "CREATE TEMP TABLE mended (id INTEGER PRIMARY KEY)");

	if (!e)
		e = rebuild_rows(r);
	if (!e)
		e = mend_halves(r);
	if (!e)
		e = drop_without_file(r);
	if (!e)
		e = db_script(r->db, drop_broken);
	return e ? e : rebuild_files(r, r->blobs, true);
}

/* queue_check(): is what the queue says of itself and of its files true? In one consistent read, so
 * it may run beside smtpd at work. */
#include "store/queue_private.h"

#include "common/base/log.h"
#include "store/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>

/* A file that no row names may belong to a message that is about to be added; from this age on it
 * is what a crash left. */
#define ORPHAN_S 3600

struct check {
	struct queue *queue;
	struct db *db;
	struct sbuf *report;
	bool damaged;
};

/* Queries that should have no row; what they find is the number of a message. */
static const struct claim {
	const char *problem;
	const char *sql;
} claims[] = {
    {"it has no recipients",
	"SELECT id FROM message m WHERE NOT EXISTS"
	" (SELECT 1 FROM rcpt r WHERE r.id >= m.id << 20 AND r.id < (m.id + 1) << 20)"},
    {"recipients of a message that is not there",
	"SELECT DISTINCT id >> 20 FROM rcpt WHERE id >> 20 NOT IN (SELECT id FROM message)"},
    {"its octets are missing",
	"SELECT id FROM message WHERE file = '' AND id NOT IN (SELECT message FROM octets)"},
    {"its octets are not as many as they should be",
	"SELECT m.id FROM message m JOIN octets o ON o.message = m.id"
	" WHERE length(o.octets) <> m.size"},
    {"octets of a message that is not there",
	"SELECT message FROM octets WHERE message NOT IN (SELECT id FROM message)"},
    {"notes on where a message went on to that is not there",
	"SELECT DISTINCT message FROM passed_on WHERE message NOT IN (SELECT id FROM message)"},
    {"its octets are removed though it is still there",
	"SELECT id FROM message WHERE file <> '' AND file IN (SELECT name FROM doomed_file)"},
};

static void
problem(struct check *c, int64_t message, const char *what)
{
	c->damaged = true;
	sbuf_printf(c->report, "message %lld: %s\n", (long long)message, what);
}

static enum err
check_claim(struct check *c, const struct claim *claim)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(c->db, claim->sql, &st);

	while (!e && !(e = stmt_step(st, &row)) && row)
		problem(c, stmt_int(st, 0), claim->problem);
	return e;
}

static enum err
check_named_files(struct check *c)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e =
	    db_query(c->db, "SELECT id, file, size FROM message WHERE file <> '' ORDER BY id", &st);

	while (!e && !(e = stmt_step(st, &row)) && row) {
		char path[PATH_MAX];
		struct stat s;
		if (queue_file_path(c->queue, stmt_str(st, 1), path))
			problem(c, stmt_int(st, 0), "the name of its file is none");
		else if (stat(path, &s))
			problem(c, stmt_int(st, 0), "its file is missing");
		else if (s.st_size != stmt_int(st, 2))
			problem(c, stmt_int(st, 0), "its file has not its size");
	}
	return e;
}

static enum err
check_orphan(struct check *c, int dir_fd, const char *name)
{
	struct stat st;
	int64_t known;

	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) || time(NULL) - st.st_mtime < ORPHAN_S)
		return ERR_OK;
	enum err e = db_get_int(
	    c->db, "SELECT 1 FROM file_name WHERE file = ?1", &known, DB_TEXT(str_of(name)));
	if (e != ERR_NOT_FOUND)
		return e;
	c->damaged = true;
	sbuf_printf(c->report, "%s/%s: a file of no message\n", c->queue->dir, name);
	return ERR_OK;
}

static enum err
check_orphans(struct check *c)
{
	DIR *dir = opendir(c->queue->dir);
	enum err e = ERR_OK;

	if (!dir)
		return errno == ENOENT ? ERR_OK : file_error("open", c->queue->dir);
	// NOLINTNEXTLINE(concurrency-mt-unsafe): a stream of its own
	for (struct dirent *entry; !e && (entry = readdir(dir));)
		if (entry->d_name[0] != '.')
			e = check_orphan(c, dirfd(dir), entry->d_name);
	closedir(dir);
	return e;
}

enum err
queue_check(struct store *s, struct sbuf *report)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct check c = {.queue = s->queue, .report = report};
	enum err e = queue_read_begin(s, &h);

	if (e)
		return e;
	c.db = h->db;
	e = db_integrity(c.db, report);
	for (size_t i = 0; i < ARRAY_LEN(claims) && !e; i++)
		e = check_claim(&c, &claims[i]);
	if (!e)
		e = check_named_files(&c);
	if (!e)
		e = check_orphans(&c);
	return !e && c.damaged ? ERR_CORRUPT : e;
}

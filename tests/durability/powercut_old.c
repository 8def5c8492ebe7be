/* tests/durability/powercut_old - puts an account's database of an older version in the place of
 * the one it has.
 *
 *	powercut_old DATA ACCOUNT VERSION COUNT
 *
 * INBOX then has COUNT messages m1, m2, … with UIDs 2, 4, …, the third part of them flagged, and
 * tombstones between; Archive has the first ten of them, too. Nothing may run meanwhile.
 */
#include "common/base/log.h"
#include "store/database.h"
#include "store/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static const char mailboxes[] =
    "INSERT INTO meta (id, account, created_s, uidvalidity, modseq) VALUES (1, 1, 1, 7, 6000);"
    "INSERT INTO mailbox (id, name, uidvalidity, highest_modseq, special_use) VALUES"
    " (1, 'INBOX', 1, 5100, ''), (2, 'Sent', 2, 1, '\\Sent'), (6, 'Archive', 7, 5000, '');";

/* In the schema of version 2, where an entry is a row. %d: COUNT. */
static const char content[] =
    "CREATE TEMP TABLE m AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n"
    " WHERE i < %d) SELECT i, CAST('Subject: m' || i || char(13, 10, 13, 10) AS BLOB) AS h,"
    " CAST('Number ' || i || '.' || char(13, 10) AS BLOB) AS b FROM n;"
    "INSERT INTO message (id, email_id, size, header_size, internal_s, refs, envelope,"
    " bodystructure, parts) SELECT i, 'e' || i, length(h) + length(b), length(h), i, 1 + (i <= 10),"
    " 'env', '', '' FROM m;"
    "INSERT INTO header SELECT i, h FROM m;"
    "INSERT INTO body SELECT i, b FROM m;"
    "INSERT INTO entry SELECT 1, 2 * i, i, 4 * (i %% 3 = 0), 1000 + i, 500 + i FROM m;"
    "INSERT INTO entry SELECT 6, i, i, 1, 5000, 600 FROM m WHERE i <= 10;"
    "INSERT INTO tombstone SELECT 1, uid - 1, 3000 + uid, 1500 + uid FROM entry"
    " WHERE mailbox = 1;"
    "UPDATE mailbox SET uidnext = 6001 WHERE id = 1; UPDATE mailbox SET uidnext = 11 WHERE id = 6;"
    "UPDATE mailbox SET (messages, bytes, unseen) = (SELECT count(*), total(size),"
    " total(NOT flags & 1) FROM entry e JOIN message ON message.id = e.message"
    " WHERE e.mailbox = mailbox.id) WHERE id IN (1, 6);"
    "UPDATE meta SET (messages, bytes) = (SELECT total(messages), total(bytes) FROM mailbox);"
    "DROP TABLE m;";

static enum err
fill(struct db *db, void *arg)
{
	enum err e = db_script(db, mailboxes);

	return e ? e : db_script(db, arg);
}

static enum err
make(const char *path, int64_t version, char *sql)
{
	static const int64_t rows = 2; /* the version that `content` is for */
	const struct schema first = {
	    .name = "account", .steps = schema_account.steps, .version = rows};
	const struct schema wanted = {
	    .name = "account", .steps = schema_account.steps, .version = version};
	CLEANUP(db_close) struct db *db = NULL;
	enum err e = database_create(path, &first, fill, sql);

	if (!e && version > rows)
		e = db_open(path, DB_WRITER, &db);
	if (!e && version > rows)
		e = schema_migrate(db, &wanted);
	return e;
}

int
main(int argc, char **argv)
{
	static const char *const ends[] = {"", "-wal", "-shm"};
	char path[1024], more[1040], sql[4096];

	if (argc != 5) {
		fputs("powercut_old: see the head of tests/durability/powercut_old.c\n", stderr);
		return 2;
	}
	snprintf(path, sizeof(path), "%s/accounts/%s/mail.db", argv[1], argv[2]);
	for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
		snprintf(more, sizeof(more), "%s%s", path, ends[i]);
		unlink(more);
	}
	snprintf(sql, sizeof(sql), content, atoi(argv[4]));
	enum err e = make(path, atoi(argv[3]), sql);
	if (e)
		fprintf(stderr, "powercut_old: %s: %s\n", path, err_text(e));
	/* what it copied for itself while it was made */
	snprintf(more, sizeof(more), "%s.before-3", path);
	unlink(more);
	return e != ERR_OK;
}

/* queue.db: mail on its way to other servers. Tables that others add go by further steps. */
#include "store/schema.h"

/* clang-format off */
static const char version_1[] =
"CREATE TABLE meta (edits INTEGER NOT NULL);"	/* rises when a person changes something */
"INSERT INTO meta VALUES (0);"

"CREATE TABLE message ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"	/* never used again: a runner has it in hand */
"	kind INTEGER NOT NULL,"			/* enum queue_kind */
"	account INTEGER NOT NULL,"		/* 0 none */
"	sender TEXT NOT NULL,"
"	envid TEXT NOT NULL,"
"	ret INTEGER NOT NULL,"
"	body INTEGER NOT NULL,"
"	smtputf8 INTEGER NOT NULL,"
"	requiretls INTEGER NOT NULL,"
"	trace_id TEXT NOT NULL,"
"	message_id TEXT NOT NULL,"
"	created_s INTEGER NOT NULL,"
"	expires_s INTEGER NOT NULL,"
"	size INTEGER NOT NULL,"
"	file TEXT NOT NULL);"			/* its name below queue/, or '': a row of octets */
"CREATE TABLE octets ("				/* apart, so that listing reads compact rows */
"	message INTEGER PRIMARY KEY,"
"	octets BLOB NOT NULL);"

"CREATE TABLE rcpt ("
"	id INTEGER PRIMARY KEY,"		/* QUEUE_RCPT_ID(message, number from 0 on) */
"	domain TEXT NOT NULL,"			/* of the address, ASCII, lower case */
"	next_ms INTEGER NOT NULL,"
"	state INTEGER NOT NULL,"		/* enum queue_state */
"	give_up INTEGER NOT NULL DEFAULT 0,"
"	delay_told INTEGER NOT NULL DEFAULT 0,"
"	attempts INTEGER NOT NULL DEFAULT 0,"
"	notify INTEGER NOT NULL,"
"	address TEXT NOT NULL,"
"	orcpt TEXT NOT NULL,"
"	last_reply TEXT NOT NULL DEFAULT '',"
"	last_host TEXT NOT NULL DEFAULT '');"
/* And the id, which every index ends with. */
"CREATE INDEX rcpt_due ON rcpt (domain, next_ms) WHERE state = 0;"

"CREATE TABLE pause ("
"	name TEXT PRIMARY KEY,"
"	reason TEXT NOT NULL,"
"	since_s INTEGER NOT NULL) WITHOUT ROWID;"
/* Files whose message is gone: removed once that is durable. */
"CREATE TABLE doomed_file (name TEXT PRIMARY KEY) WITHOUT ROWID;"
"CREATE INDEX message_file ON message (file) WHERE file <> '';"
"CREATE VIEW file_name AS SELECT file FROM message WHERE file <> '' UNION ALL SELECT name FROM doomed_file;";
/* clang-format on */

static const struct schema_step steps[] = {{.before = version_1}};
/* Most of what is written is soon deleted again: to overwrite it as well would double the writing.
 */
const struct schema schema_queue = {
    "queue", steps, ARRAY_LEN(steps), .at_open = "PRAGMA secure_delete = FAST"};

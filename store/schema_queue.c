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
"	requiretls INTEGER NOT NULL,"		/* enum queue_tls */
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
/* For people who ask SQL. */
"CREATE VIEW queue AS SELECT m.id AS message, r.id & 1048575 AS number, m.sender, r.address AS recipient,"
"	CASE WHEN r.state = 1 THEN 'held' WHEN r.give_up THEN 'given up' ELSE 'waiting' END AS state,"
"	r.attempts, datetime(r.next_ms / 1000, 'unixepoch') AS next_attempt, r.last_reply, r.last_host,"
"	m.size, datetime(m.created_s, 'unixepoch') AS created, datetime(m.expires_s, 'unixepoch') AS expires,"
"	m.trace_id, m.message_id"
"	FROM rcpt r JOIN message m ON m.id = r.id >> 20 ORDER BY r.id;"
"CREATE INDEX message_file ON message (file) WHERE file <> '';"
"CREATE VIEW file_name AS SELECT file FROM message WHERE file <> '' UNION ALL SELECT name FROM doomed_file;";
/* What an account may send, and addresses that bounced. */
static const char version_2[] =
"CREATE TABLE sent ("
"	account INTEGER NOT NULL,"
"	slot INTEGER NOT NULL,"			/* SENDING_SLOT_S since 1970 */
"	recipients INTEGER NOT NULL,"
"	fresh INTEGER NOT NULL,"		/* of them, those it had not written to before */
"	PRIMARY KEY (account, slot)) WITHOUT ROWID;"
"CREATE TABLE known ("
"	account INTEGER NOT NULL,"
"	address INTEGER NOT NULL,"		/* a hash */
"	day INTEGER NOT NULL,"			/* of the last mail, or up to SENDING_KNOWN_STEP before */
"	PRIMARY KEY (account, address)) WITHOUT ROWID;"
"CREATE TABLE held_account ("
"	account INTEGER PRIMARY KEY,"
"	since_s INTEGER NOT NULL,"
"	why TEXT NOT NULL);"
"CREATE TABLE suppressed ("
"	address TEXT PRIMARY KEY,"
"	reply TEXT NOT NULL,"
"	host TEXT NOT NULL,"
"	since_s INTEGER NOT NULL,"
"	until_s INTEGER NOT NULL) WITHOUT ROWID;"
"CREATE INDEX suppressed_until ON suppressed (until_s);";
/* How TLS with other servers went (tls_sessions.h). */
static const char version_tls_sessions[] =
"CREATE TABLE tls_session ("
"	day INTEGER NOT NULL,"			/* since 1970, UTC */
"	domain TEXT NOT NULL,"
"	policy INTEGER NOT NULL,"
"	policy_text TEXT NOT NULL,"
"	mx_patterns TEXT NOT NULL,"
"	failure TEXT NOT NULL,"
"	host TEXT NOT NULL,"
"	address TEXT NOT NULL,"
"	sessions INTEGER NOT NULL,"
"	PRIMARY KEY (day, domain, policy, failure, host, address, policy_text)) WITHOUT ROWID;";
/* MTA-STS policies of other domains (sts_cache.h). */
static const char version_sts[] =
"CREATE TABLE sts_policy ("
"	domain TEXT PRIMARY KEY,"
"	id TEXT NOT NULL,"
"	policy TEXT NOT NULL,"
"	fetched_s INTEGER NOT NULL,"
"	until_s INTEGER NOT NULL);"
"CREATE INDEX sts_policy_fetched ON sts_policy (fetched_s, domain);"
"CREATE INDEX sts_policy_until ON sts_policy (until_s);";
/* Where mail for addresses of ours that lead elsewhere went on to, while its message is here. */
static const char version_passed_on[] =
"CREATE TABLE passed_on ("
"	message INTEGER NOT NULL,"
"	address TEXT NOT NULL,"
"	PRIMARY KEY (message, address)) WITHOUT ROWID;";
/* clang-format on */

static const struct schema_step steps[] = {{.before = version_1}, {.before = version_2},
    {.before = version_tls_sessions}, {.before = version_sts}, {.before = version_passed_on}};
/* Most of what is written is soon deleted again: to overwrite it as well would double the writing.
 */
const struct schema schema_queue = {
    "queue", steps, ARRAY_LEN(steps), .at_open = "PRAGMA secure_delete = FAST"};

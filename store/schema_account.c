/* mail.db: the mailboxes and messages of one account.
 *
 * Listing a mailbox reads `entry_page` and `message` only, compact rows; header and body octets
 * stand in tables of their own. Identifiers of mailboxes and messages are never used twice
 * (AUTOINCREMENT), nor are UIDs (uidnext), UIDVALIDITYs (meta.uidvalidity) and MODSEQs
 * (meta.modseq): counters that only rise, whatever the clock does.
 */
#include "store/schema.h"

/* clang-format off */
static const char version_1[] =
"CREATE TABLE meta ("				/* one row */
"	id INTEGER PRIMARY KEY CHECK (id = 1),"
"	account INTEGER NOT NULL,"
"	created_s INTEGER NOT NULL,"
"	uidvalidity INTEGER NOT NULL,"		/* given out last */
"	modseq INTEGER NOT NULL,"		/* given out last, one counter for all mailboxes */
"	bytes INTEGER NOT NULL DEFAULT 0,"	/* of all entries, as quota counts them */
"	messages INTEGER NOT NULL DEFAULT 0,"	/* number of entries */
"	quota_bytes INTEGER NOT NULL DEFAULT 0,"	/* limits, 0 none: mirrored from directory.db so */
"	quota_messages INTEGER NOT NULL DEFAULT 0,"	/* that one transaction decides */
"	removed INTEGER NOT NULL DEFAULT 0);"	/* the account was removed; the files follow */

"CREATE TABLE mailbox ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
"	name TEXT NOT NULL UNIQUE,"
"	uidvalidity INTEGER NOT NULL,"
"	uidnext INTEGER NOT NULL DEFAULT 1,"
"	highest_modseq INTEGER NOT NULL,"
"	messages INTEGER NOT NULL DEFAULT 0,"
"	unseen INTEGER NOT NULL DEFAULT 0,"	/* entries without flag 1 */
"	deleted INTEGER NOT NULL DEFAULT 0,"	/* entries with flag 8 */
"	bytes INTEGER NOT NULL DEFAULT 0,"
"	recent_from INTEGER NOT NULL DEFAULT 1,"
"	special_use TEXT NOT NULL DEFAULT '',"
"	noselect INTEGER NOT NULL DEFAULT 0);"

"CREATE TABLE subscription (name TEXT PRIMARY KEY) WITHOUT ROWID;"

"CREATE TABLE keyword ("
"	mailbox INTEGER NOT NULL,"
"	bit INTEGER NOT NULL,"			/* flag 1 << (6 + bit) */
"	name TEXT NOT NULL,"			/* as first written; compared without case */
"	PRIMARY KEY (mailbox, bit)) WITHOUT ROWID;"

"CREATE TABLE message ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
"	email_id TEXT NOT NULL,"
"	size INTEGER NOT NULL,"
"	header_size INTEGER NOT NULL,"
"	internal_s INTEGER NOT NULL,"
"	internal_zone_s INTEGER NOT NULL DEFAULT 0,"
"	refs INTEGER NOT NULL,"			/* number of entries */
"	blob TEXT NOT NULL DEFAULT '',"		/* the file under blobs/ that holds all octets; */
"	envelope BLOB NOT NULL,"		/* empty: header and body hold them */
"	bodystructure BLOB NOT NULL,"
"	parts BLOB NOT NULL);"

"CREATE TABLE header (message INTEGER PRIMARY KEY, octets BLOB NOT NULL);"
"CREATE TABLE body (message INTEGER PRIMARY KEY, octets BLOB NOT NULL);"

"CREATE TABLE entry ("
"	mailbox INTEGER NOT NULL,"
"	uid INTEGER NOT NULL,"
"	message INTEGER NOT NULL,"
"	flags INTEGER NOT NULL,"		/* 1 seen, 2 answered, 4 flagged, 8 deleted, 16 draft, keywords */
"	modseq INTEGER NOT NULL,"
"	saved_s INTEGER NOT NULL,"
"	PRIMARY KEY (mailbox, uid)) WITHOUT ROWID;"
"CREATE INDEX entry_modseq ON entry (mailbox, modseq);"

"CREATE TABLE tombstone ("			/* an expunged entry */
"	mailbox INTEGER NOT NULL,"
"	uid INTEGER NOT NULL,"
"	modseq INTEGER NOT NULL,"
"	expunged_s INTEGER NOT NULL,"
"	PRIMARY KEY (mailbox, uid)) WITHOUT ROWID;"
"CREATE INDEX tombstone_modseq ON tombstone (mailbox, modseq);"

/* For people who ask SQL. */
"CREATE VIEW mailboxes AS SELECT id, name, messages, unseen, deleted, bytes, uidvalidity, uidnext,"
"	highest_modseq, special_use, noselect,"
"	EXISTS (SELECT 1 FROM subscription s WHERE s.name = mailbox.name) AS subscribed"
"	FROM mailbox ORDER BY name;"
"CREATE VIEW messages AS SELECT b.name AS mailbox, e.uid, m.size,"
"	datetime(m.internal_s, 'unixepoch') AS received, datetime(e.saved_s, 'unixepoch') AS saved,"
"	(e.flags & 1) <> 0 AS seen, (e.flags & 2) <> 0 AS answered, (e.flags & 4) <> 0 AS flagged,"
"	(e.flags & 8) <> 0 AS deleted, (e.flags & 16) <> 0 AS draft, e.modseq, m.email_id,"
"	CAST(m.envelope AS TEXT) AS envelope, m.id AS message"
"	FROM entry e JOIN mailbox b ON b.id = e.mailbox JOIN message m ON m.id = e.message"
"	ORDER BY b.name, e.uid;";
/* Tombstones of changes up to this modseq may be gone: who was told less must look at all UIDs. */
static const char version_2[] =
"ALTER TABLE mailbox ADD COLUMN pruned_modseq INTEGER NOT NULL DEFAULT 0;";

/* Entries in pages (entry_page.h): what changes or lists thousands of them touches one row for 96.
 * Tombstones hold the entries of one operation; messages go after their last entry (cleaner.h). */
static const char version_3_before[] =
"DROP VIEW messages;"
"CREATE TABLE entry_page ("
"	id INTEGER PRIMARY KEY,"		/* mailbox << 32 | lowest UID it may hold */
"	mailbox INTEGER NOT NULL,"
"	modseq INTEGER NOT NULL,"		/* the highest of its entries' */
"	count INTEGER NOT NULL,"
"	entries BLOB NOT NULL);"
"CREATE INDEX entry_page_modseq ON entry_page (mailbox, modseq);"
"DROP INDEX tombstone_modseq;"
"ALTER TABLE tombstone RENAME TO tombstone_2;"
"CREATE TABLE tombstone ("			/* what one operation expunged */
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
"	mailbox INTEGER NOT NULL,"
"	modseq INTEGER NOT NULL,"
"	expunged_s INTEGER NOT NULL,"
"	entries BLOB NOT NULL);"		/* entry_page.h */
"CREATE INDEX tombstone_modseq ON tombstone (mailbox, modseq);"
"CREATE TABLE unswept (tombstone INTEGER PRIMARY KEY);"; /* whose messages may have no entry any more */

static const char version_3_after[] =
"DROP TABLE entry;"
"DROP TABLE tombstone_2;"
"ALTER TABLE message DROP COLUMN refs;";

/* METADATA (annotation.h). */
static const char version_4[] =
"CREATE TABLE annotation ("
"	mailbox INTEGER NOT NULL,"		/* 0: the account's own */
"	viewer INTEGER NOT NULL,"		/* 0: the owner and all others; else a user of this account id */
"	name TEXT NOT NULL,"
"	modseq INTEGER NOT NULL,"		/* before the value: to be read without it */
"	value BLOB,"				/* NULL: removed, kept for those who have to be told */
"	PRIMARY KEY (mailbox, viewer, name)) WITHOUT ROWID;";

/* Who else may do what with a mailbox (acl.h), and what those have seen of it (seen.h). */
static const char version_5[] =
"CREATE TABLE acl ("
"	mailbox INTEGER NOT NULL,"
"	negative INTEGER NOT NULL,"		/* 1: the rights are taken away */
"	account INTEGER NOT NULL,"		/* 0 anyone, -1 whoever has logged in */
"	identifier TEXT NOT NULL,"
"	rights TEXT NOT NULL,"			/* letters of RFC 4314 */
"	PRIMARY KEY (mailbox, negative, account)) WITHOUT ROWID;"
"CREATE INDEX acl_account ON acl (account);"
"CREATE TABLE viewer ("
"	mailbox INTEGER NOT NULL,"
"	viewer INTEGER NOT NULL,"		/* account */
"	highest_modseq INTEGER NOT NULL DEFAULT 0,"	/* of the viewer's marks */
"	recent_from INTEGER NOT NULL DEFAULT 0,"	/* 0: was never here */
"	PRIMARY KEY (mailbox, viewer)) WITHOUT ROWID;"
"CREATE TABLE seen_page ("
"	mailbox INTEGER NOT NULL,"
"	viewer INTEGER NOT NULL,"
"	page INTEGER NOT NULL,"			/* UID / 256 */
"	modseq INTEGER NOT NULL,"		/* the highest of its marks' */
"	marks BLOB NOT NULL,"
"	PRIMARY KEY (mailbox, viewer, page));"
"CREATE INDEX seen_page_modseq ON seen_page (mailbox, viewer, modseq);";

/* Pages of 256 entries, by columns. The views for people went to schema_views.c: SQLite reads all of
 * the schema whenever it opens the file, and they were more than half of that work. */
static const char version_6_before[] =
"DROP VIEW IF EXISTS messages;"
"DROP VIEW IF EXISTS entry;"
"DROP VIEW IF EXISTS expunged;"
"DROP VIEW IF EXISTS mailboxes;"
"DROP INDEX entry_page_modseq;"
"ALTER TABLE entry_page RENAME TO entry_page_3;"
"CREATE TABLE entry_page ("
"	id INTEGER PRIMARY KEY,"		/* mailbox << 32 | lowest UID it may hold */
"	mailbox INTEGER NOT NULL,"
"	modseq INTEGER NOT NULL,"		/* the highest of its entries' */
"	count INTEGER NOT NULL,"
"	entries BLOB NOT NULL);"		/* entry_page.h */
"CREATE INDEX entry_page_modseq ON entry_page (mailbox, modseq);";

static const char version_6_after[] =
"DROP TABLE entry_page_3;";

/* Threads (threads.h), and what a power loss may have taken (boot.h). */
static const char version_8[] =
"ALTER TABLE meta ADD COLUMN threaded INTEGER NOT NULL DEFAULT 0;"	/* messages up to here have a thread */
"CREATE TABLE thread (message INTEGER PRIMARY KEY, thread INTEGER NOT NULL);"
"CREATE TABLE thread_id (hash INTEGER PRIMARY KEY, thread INTEGER NOT NULL);"	/* of Message IDs */
"ALTER TABLE meta ADD COLUMN boot TEXT NOT NULL DEFAULT '';"	/* of the machine, when something was written last */
"CREATE TABLE modseq_gap (low INTEGER PRIMARY KEY, high INTEGER NOT NULL);";

/* Message IDs hashed under a key. Messages keep their threads; the IDs are read again. */
static const char version_9[] =
"CREATE TABLE thread_key (key BLOB NOT NULL);"	/* one row */
"INSERT INTO thread_key VALUES (randomblob(16));"
"DELETE FROM thread_id;"
"CREATE INDEX thread_id_thread ON thread_id (thread);"
"CREATE INDEX thread_thread ON thread (thread);"
"UPDATE meta SET threaded = 0;";

/* Messages of the queue that the account has (from_queue.h). */
static const char version_10[] =
"CREATE TABLE from_queue ("
"	message INTEGER NOT NULL,"		/* the queue's id of it */
"	created_s INTEGER NOT NULL,"		/* when it came there */
"	PRIMARY KEY (message, created_s)) WITHOUT ROWID;";
/* clang-format on */

static const struct schema_step steps[] = {
    {.before = version_1},
    {.before = version_2},
    {version_3_before, schema_pack_entries, version_3_after},
    {.before = version_4},
    {.before = version_5},
    {version_6_before, schema_pack_columns, version_6_after},
    {.before = "", .convert = schema_normalise_names},
    {.before = version_8},
    {.before = version_9},
    {.before = version_10},
};
const struct schema schema_account = {
    .name = "account", .steps = steps, .version = ARRAY_LEN(steps)};

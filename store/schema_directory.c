/* directory.db: domains, accounts, aliases and credentials. Names are stored in lower case, domains
 * in their ASCII form. */
#include "store/schema.h"

/* clang-format off */
static const char version_1[] =
"CREATE TABLE domain ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
"	name TEXT NOT NULL UNIQUE);"

"CREATE TABLE account ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"	/* also the name of its directory */
"	domain INTEGER NOT NULL REFERENCES domain,"
"	local TEXT NOT NULL,"
"	enabled INTEGER NOT NULL DEFAULT 1,"
"	quota_bytes INTEGER NOT NULL DEFAULT 0,"	/* limits, 0 none */
"	quota_messages INTEGER NOT NULL DEFAULT 0,"
"	created_s INTEGER NOT NULL,"
"	last_login_s INTEGER NOT NULL DEFAULT 0,"
"	hash TEXT NOT NULL,"
"	scram_salt BLOB NOT NULL,"
"	scram_iterations INTEGER NOT NULL,"
"	scram_stored_key BLOB NOT NULL,"
"	scram_server_key BLOB NOT NULL,"
"	UNIQUE (domain, local));"
"CREATE INDEX account_local ON account (local);"

"CREATE TABLE alias ("
"	id INTEGER PRIMARY KEY AUTOINCREMENT,"
"	domain INTEGER NOT NULL REFERENCES domain,"
"	local TEXT NOT NULL,"
"	UNIQUE (domain, local));"
"CREATE TABLE alias_target ("
"	alias INTEGER NOT NULL REFERENCES alias,"
"	position INTEGER NOT NULL,"
"	address TEXT NOT NULL,"
"	PRIMARY KEY (alias, position)) WITHOUT ROWID;"

/* For people who ask SQL. */
"CREATE VIEW accounts AS SELECT a.id, a.local || '@' || d.name AS address, a.enabled, a.quota_bytes,"
"	a.quota_messages, datetime(a.created_s, 'unixepoch') AS created,"
"	CASE a.last_login_s WHEN 0 THEN NULL ELSE datetime(a.last_login_s, 'unixepoch') END AS last_login"
"	FROM account a JOIN domain d ON d.id = a.domain ORDER BY d.name, a.local;"
"CREATE VIEW aliases AS SELECT a.local || '@' || d.name AS address, t.address AS target"
"	FROM alias a JOIN domain d ON d.id = a.domain JOIN alias_target t ON t.alias = a.id"
"	ORDER BY d.name, a.local, t.position;";
/* What is made up for all processes alike is derived from these octets: salts of names that nobody
 * has, so that no two daemons and no restart tell such a name from a real one. */
static const char version_2[] =
"CREATE TABLE secret (octets BLOB NOT NULL);"
"INSERT INTO secret VALUES (randomblob(32));";
/* METADATA of the server that all users share (annotation.h); mailbox and viewer are 0. */
static const char version_3[] =
"CREATE TABLE annotation ("
"	mailbox INTEGER NOT NULL,"
"	viewer INTEGER NOT NULL,"
"	name TEXT NOT NULL,"
"	modseq INTEGER NOT NULL,"
"	value BLOB,"				/* NULL: removed, kept for those who have to be told */
"	PRIMARY KEY (mailbox, viewer, name)) WITHOUT ROWID;";
/* Which accounts may have something to share with whom: what exactly is in the owner's mail.db. */
static const char version_4[] =
"CREATE TABLE share ("
"	owner INTEGER NOT NULL,"
"	viewer INTEGER NOT NULL,"		/* account; 0 anyone, -1 whoever has logged in */
"	PRIMARY KEY (viewer, owner)) WITHOUT ROWID;"
"CREATE INDEX share_owner ON share (owner);";
/* IMAP capabilities that are not shown to an account's mail program, separated by blanks. */
static const char version_5[] =
"ALTER TABLE account ADD COLUMN hidden TEXT NOT NULL DEFAULT '';";
/* Keys that sign mail (signing_key.h): their private halves are files. Addresses elsewhere to which an
 * account's mail goes on; `keeps`: it also stays here. */
static const char version_6[] =
"CREATE TABLE signing_key ("
"	domain INTEGER NOT NULL REFERENCES domain,"
"	selector TEXT NOT NULL,"
"	algorithm TEXT NOT NULL,"
"	state INTEGER NOT NULL,"		/* 0 waiting, 1 signing, 2 retired */
"	created_s INTEGER NOT NULL,"
"	changed_s INTEGER NOT NULL,"
"	PRIMARY KEY (domain, selector)) WITHOUT ROWID;"
"CREATE TABLE forward ("
"	account INTEGER NOT NULL REFERENCES account,"
"	position INTEGER NOT NULL,"
"	address TEXT NOT NULL,"
"	PRIMARY KEY (account, position)) WITHOUT ROWID;"
"ALTER TABLE account ADD COLUMN keeps INTEGER NOT NULL DEFAULT 1;";
/* clang-format on */

static const struct schema_step steps[] = {{.before = version_1}, {.before = version_2},
    {.before = version_3}, {.before = version_4}, {.before = version_5}, {.before = version_6}};
const struct schema schema_directory = {
    .name = "directory", .steps = steps, .version = ARRAY_LEN(steps)};

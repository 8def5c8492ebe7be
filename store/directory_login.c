/* Accounts as they are looked up: by address, by login name, all of them. */
#include "common/base/clock.h"
#include "store/directory_private.h"

#define ENTRY_COLUMNS                                                                              \
	"a.id, a.local || '@' || d.name, a.enabled, a.quota_bytes, a.quota_messages, a.created_s," \
	" a.last_login_s, a.hidden"
#define CREDENTIAL_COLUMNS                                                                         \
	"a.hash, a.scram_salt, a.scram_iterations, a.scram_stored_key, a.scram_server_key"
#define ENTRY_TABLES " FROM account a JOIN domain d ON d.id = a.domain "

static struct account_entry
read_entry(struct stmt *st, struct arena *arena)
{
	return (struct account_entry){.id = stmt_int(st, 0),
	    .address = arena_dup(arena, stmt_str(st, 1)),
	    .enabled = stmt_int(st, 2) != 0,
	    .quota_bytes = (uint64_t)stmt_int(st, 3),
	    .quota_messages = (uint64_t)stmt_int(st, 4),
	    .created_s = stmt_int(st, 5),
	    .last_login_s = stmt_int(st, 6),
	    .hidden = arena_dup(arena, stmt_str(st, 7))};
}

static struct credential
read_credential(struct stmt *st, int column, struct arena *arena)
{
	return (struct credential){.hash = arena_dup(arena, stmt_str(st, column)),
	    .scram_salt = arena_dup(arena, stmt_str(st, column + 1)),
	    .scram_iterations = (uint32_t)stmt_int(st, column + 2),
	    .scram_stored_key = arena_dup(arena, stmt_str(st, column + 3)),
	    .scram_server_key = arena_dup(arena, stmt_str(st, column + 4))};
}

/* The only row of a started query. */
static enum err
read_one(struct stmt *st, struct arena *arena, struct account_entry *ret,
    struct credential *ret_credential)
{
	bool row = false;
	enum err e = stmt_step(st, &row);

	if (e)
		return e;
	if (!row)
		return ERR_NOT_FOUND;
	struct account_entry entry = read_entry(st, arena);
	struct credential credential = {0};
	if (ret_credential)
		credential = read_credential(st, 8, arena);
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = entry;
	if (ret_credential)
		*ret_credential = credential;
	return ERR_OK;
}

enum err
directory_find_account(
    struct store *s, struct str address, struct arena *arena, struct account_entry *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct directory_address a;
	enum err e = directory_parse_address(address, arena, &a);

	if (!e)
		e = read_begin(&s->directory, &h);
	if (!e)
		e = db_query(h->db,
		    "SELECT " ENTRY_COLUMNS ENTRY_TABLES "WHERE d.name = ?1 AND a.local = ?2", &st,
		    DB_TEXT(a.domain), DB_TEXT(a.local));
	return e ? e : read_one(st, arena, ret, NULL);
}

static enum err
find_by_id(struct store *s, int64_t account, struct arena *arena, struct account_entry *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	enum err e = read_begin(&s->directory, &h);

	if (!e)
		e = db_query(h->db, "SELECT " ENTRY_COLUMNS ENTRY_TABLES "WHERE a.id = ?1", &st,
		    DB_INT(account));
	return e ? e : read_one(st, arena, ret, NULL);
}

enum err
directory_account_address(struct store *s, int64_t account, struct arena *arena, struct str *ret)
{
	struct account_entry entry;
	enum err e = find_by_id(s, account, arena, &entry);

	if (!e)
		*ret = entry.address;
	return e;
}

enum err
directory_hidden(struct store *s, int64_t account, struct arena *arena, struct str *ret)
{
	struct account_entry entry;
	enum err e = find_by_id(s, account, arena, &entry);

	if (!e)
		*ret = entry.hidden;
	return e;
}

enum err
directory_list_accounts(
    struct store *s, struct arena *arena, struct account_entry **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct account_entry *entries = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = read_begin(&s->directory, &h);

	if (!e)
		e = db_query(
		    h->db, "SELECT " ENTRY_COLUMNS ENTRY_TABLES "ORDER BY d.name, a.local", &st);
	while (!e && !(e = stmt_step(st, &row)) && row) {
		entries = arena_grow(arena, entries, &cap, n + 1, sizeof(*entries));
		if (!entries)
			return ERR_NOMEM;
		entries[n++] = read_entry(st, arena);
	}
	if (e)
		return e;
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = entries;
	*ret_n = n;
	return ERR_OK;
}

/* -- logins */

static enum err
find_by_address(struct db *db, const struct directory_address *a, struct stmt **ret)
{
	return db_query(db,
	    "SELECT " ENTRY_COLUMNS ", " CREDENTIAL_COLUMNS ENTRY_TABLES
	    "WHERE d.name = ?1 AND a.local = ?2 AND a.enabled",
	    ret, DB_TEXT(a->domain), DB_TEXT(a->local));
}

static enum err
find_by_local(struct db *db, struct str local, struct stmt **ret)
{
	return db_query(db,
	    "SELECT " ENTRY_COLUMNS ", " CREDENTIAL_COLUMNS ENTRY_TABLES
	    "WHERE a.local = ?1 AND a.enabled AND (SELECT count(*) FROM domain) = 1",
	    ret, DB_TEXT(local));
}

enum err
directory_find_login(struct store *s, struct str login, struct arena *arena,
    struct account_entry *ret, struct credential *ret_credential)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct directory_address a;
	bool bare = str_find(login, '@') == STR_NONE;
	enum err e = ERR_OK;

	if (bare) {
		e = str_is_utf8(login) ? directory_fold_local(login, arena, &a.local) : ERR_SYNTAX;
	} else {
		e = directory_parse_address(login, arena, &a);
	}
	if (!e)
		e = read_begin(&s->directory, &h);
	if (!e)
		e = bare ? find_by_local(h->db, a.local, &st) : find_by_address(h->db, &a, &st);
	if (!e)
		e = read_one(st, arena, ret, ret_credential);
	return e == ERR_SYNTAX ? ERR_NOT_FOUND : e;
}

/* One text or blob; {NULL, 0} where there is no row. */
static enum err
get_octets(struct store *s, const char *sql, struct arena *arena, struct str *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct str octets = {NULL, 0};
	bool row = false;
	enum err e = read_begin(&s->directory, &h);

	if (!e)
		e = db_query(h->db, sql, &st);
	if (!e)
		e = stmt_step(st, &row);
	if (e)
		return e;
	if (row)
		octets = arena_dup(arena, stmt_str(st, 0));
	if (row && !octets.p)
		return ERR_NOMEM;
	*ret = octets;
	return ERR_OK;
}

enum err
directory_expand_login(struct store *s, struct str login, struct arena *arena, struct str *ret)
{
	struct directory_address a = {.local = login};
	enum err e = ERR_OK;

	if (str_find(login, '@') == STR_NONE)
		e = get_octets(s, "SELECT name FROM domain WHERE (SELECT count(*) FROM domain) = 1",
		    arena, &a.domain);
	else if (directory_parse_address(login, arena, &a))
		a = (struct directory_address){.local = login}; /* stands for itself */
	if (e)
		return e;
	struct str full = arena_printf(
	    arena, "%.*s%s%.*s", STR_ARG(a.local), a.domain.n ? "@" : "", STR_ARG(a.domain));
	if (!full.p)
		return ERR_NOMEM;
	*ret = full;
	return ERR_OK;
}

enum err
directory_secret(struct store *s, struct arena *arena, struct str *ret)
{
	struct str secret;
	enum err e = get_octets(s, "SELECT octets FROM secret", arena, &secret);

	if (e)
		return e;
	if (secret.n != DIRECTORY_SECRET_SIZE)
		return ERR_CORRUPT;
	*ret = secret;
	return ERR_OK;
}

#define LOGIN_NOTES 1024 /* a power of two */
#define LOGIN_NOTE_MS 60000

/* When this process noted a login last, by account; two accounts in one place cost a write more. */
struct login_note {
	int64_t account;
	int64_t at_ms;
};

static bool
is_noted(struct store *s, int64_t account)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);
	int64_t now = clock_mono_ms();

	(void)held;
	if (!s->login_notes)
		s->login_notes = calloc(LOGIN_NOTES, sizeof(*s->login_notes));
	if (!s->login_notes)
		return false;
	struct login_note *n = &s->login_notes[(uint64_t)account & (LOGIN_NOTES - 1)];
	if (n->account == account && now - n->at_ms < LOGIN_NOTE_MS)
		return true;
	*n = (struct login_note){account, now};
	return false;
}

static enum err
note_login(struct txn *t, void *arg)
{
	return db_run(t->db, "UPDATE account SET last_login_s = ?2 WHERE id = ?1",
	    DB_INT(*(const int64_t *)arg), DB_INT(clock_real_s()));
}

void
directory_note_login(struct store *s, int64_t account)
{
	if (is_noted(s, account))
		return;
	/* Nothing hangs on it; a failure was logged. */
	enum err ignored = database_write(&s->directory, note_login, &account, DURABLE_LATER);
	(void)ignored;
}

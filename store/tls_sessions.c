#include "store/tls_sessions.h"

#include "common/base/clock.h"
#include "store/queue_private.h"

#define DAY_S 86400

static enum err
note_in_txn(struct txn *t, void *arg)
{
	const struct tls_session *x = arg;

	return db_run(t->db,
	    "INSERT INTO tls_session (day, domain, policy, policy_text, mx_patterns, failure, host,"
	    " address, sessions) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 1)"
	    " ON CONFLICT (day, domain, policy, failure, host, address, policy_text)"
	    " DO UPDATE SET sessions = sessions + 1",
	    DB_INT(clock_real_s() / DAY_S), DB_TEXT(x->domain), DB_INT(x->policy),
	    DB_TEXT(x->policy_text), DB_TEXT(x->mx_patterns), DB_TEXT(x->failure), DB_TEXT(x->host),
	    DB_TEXT(x->address));
}

enum err
tls_session_note(struct store *s, const struct tls_session *t)
{
	struct tls_session copy = *t;
	struct database *d = NULL;
	enum err e = queue_database(s, &d);

	return e ? e : database_write(d, note_in_txn, &copy, DURABLE_LATER);
}

enum err
tls_sessions_before(
    struct store *s, int64_t day, struct arena *arena, struct tls_sessions_day **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct tls_sessions_day *list = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT DISTINCT day, domain FROM tls_session WHERE day < ?1"
		    " ORDER BY day, domain LIMIT ?2",
		    &st, DB_INT(day), DB_INT(TLS_SESSIONS_DAYS_MAX));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		list = arena_grow(arena, list, &cap, n + 1, sizeof(*list));
		if (!list)
			return ERR_NOMEM;
		list[n++] = (struct tls_sessions_day){
		    .day = stmt_int(st, 0), .domain = arena_dup(arena, stmt_str(st, 1))};
	}
	*ret = list;
	*ret_n = n;
	return e ? e : arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

enum err
tls_sessions_of(struct store *s, const struct tls_sessions_day *d, struct arena *arena,
    struct tls_session **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct tls_session *list = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT policy, policy_text, mx_patterns, failure, host, address, sessions"
		    " FROM tls_session WHERE day = ?1 AND domain = ?2 LIMIT ?3",
		    &st, DB_INT(d->day), DB_TEXT(d->domain), DB_INT(TLS_SESSIONS_ROWS_MAX));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		list = arena_grow(arena, list, &cap, n + 1, sizeof(*list));
		if (!list)
			return ERR_NOMEM;
		list[n++] = (struct tls_session){
		    .domain = d->domain,
		    .policy = (int)stmt_int(st, 0),
		    .policy_text = arena_dup(arena, stmt_str(st, 1)),
		    .mx_patterns = arena_dup(arena, stmt_str(st, 2)),
		    .failure = arena_dup(arena, stmt_str(st, 3)),
		    .host = arena_dup(arena, stmt_str(st, 4)),
		    .address = arena_dup(arena, stmt_str(st, 5)),
		    .sessions = (uint64_t)stmt_int(st, 6),
		};
	}
	*ret = list;
	*ret_n = n;
	return e ? e : arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

static enum err
forget_in_txn(struct txn *t, void *arg)
{
	const struct tls_sessions_day *d = arg;

	return db_run(t->db, "DELETE FROM tls_session WHERE day = ?1 AND domain = ?2",
	    DB_INT(d->day), DB_TEXT(d->domain));
}

enum err
tls_sessions_forget(struct store *s, const struct tls_sessions_day *d)
{
	struct tls_sessions_day copy = *d;
	struct database *db = NULL;
	enum err e = queue_database(s, &db);

	return e ? e : database_write(db, forget_in_txn, &copy, DURABLE_LATER);
}

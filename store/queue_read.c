/* What the runner asks of the queue. */
#include "store/queue_private.h"

#include "store/directory_private.h"

/* -- rows */

enum err
queue_domain_of(struct str address, struct arena *arena, struct str *ret)
{
	size_t at = str_rfind(address, '@');
	struct str domain = at == STR_NONE ? address : str_skip(address, at + 1);
	enum err e = directory_parse_domain(domain, arena, ret);

	if (e != ERR_SYNTAX)
		return e;
	char *lower = arena_alloc(arena, domain.n + 1);
	if (!lower)
		return ERR_NOMEM;
	for (size_t i = 0; i < domain.n; i++)
		lower[i] = ascii_lower(domain.p[i]);
	*ret = str_make(lower, domain.n);
	return ERR_OK;
}

static struct str
take_str(struct stmt *st, int column, struct arena *arena)
{
	struct str s = stmt_str(st, column);

	return arena ? arena_dup(arena, s) : s;
}

struct queue_rcpt
queue_take_rcpt(struct stmt *st, int c, struct arena *arena)
{
	int64_t id = stmt_int(st, c);

	return (struct queue_rcpt){
	    .id = id,
	    .message = QUEUE_RCPT_MESSAGE(id),
	    .address = take_str(st, c + 1, arena),
	    .domain = take_str(st, c + 2, arena),
	    .orcpt = take_str(st, c + 3, arena),
	    .notify = (unsigned)stmt_int(st, c + 4),
	    .state = (enum queue_state)stmt_int(st, c + 5),
	    .attempts = (uint32_t)stmt_int(st, c + 6),
	    .delay_told = stmt_int(st, c + 7) != 0,
	    .give_up = stmt_int(st, c + 8) != 0,
	    .next_ms = stmt_int(st, c + 9),
	    .last_reply = take_str(st, c + 10, arena),
	    .last_host = take_str(st, c + 11, arena),
	};
}

struct queue_message
queue_take_message(struct stmt *st, int c, struct arena *arena)
{
	return (struct queue_message){
	    .id = stmt_int(st, c),
	    .kind = (enum queue_kind)stmt_int(st, c + 1),
	    .account = stmt_int(st, c + 2),
	    .sender = take_str(st, c + 3, arena),
	    .envid = take_str(st, c + 4, arena),
	    .ret = (enum queue_ret)stmt_int(st, c + 5),
	    .body = (enum queue_body)stmt_int(st, c + 6),
	    .smtputf8 = stmt_int(st, c + 7) != 0,
	    .requiretls = stmt_int(st, c + 8) == QUEUE_TLS_REQUIRED,
	    .tls_optional = stmt_int(st, c + 8) == QUEUE_TLS_OPTIONAL,
	    .trace_id = take_str(st, c + 9, arena),
	    .message_id = take_str(st, c + 10, arena),
	    .created_s = stmt_int(st, c + 11),
	    .expires_s = stmt_int(st, c + 12),
	    .size = (uint64_t)stmt_int(st, c + 13),
	};
}

/* -- lists of them */

enum err
queue_domains(struct store *s, struct arena *arena, struct queue_domain **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct queue_domain *list = NULL;
	size_t n = 0, cap = 0;
	bool row = false;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT domain, min(next_ms), count(*) FROM rcpt WHERE state = 0"
		    " GROUP BY domain ORDER BY 2",
		    &st);
	while (!e && !(e = stmt_step(st, &row)) && row) {
		list = arena_grow(arena, list, &cap, n + 1, sizeof(*list));
		if (!list)
			return ERR_NOMEM;
		list[n++] = (struct queue_domain){.domain = arena_dup(arena, stmt_str(st, 0)),
		    .due_ms = stmt_int(st, 1),
		    .recipients = (uint64_t)stmt_int(st, 2)};
	}
	if (e)
		return e;
	if (arena_failed(arena))
		return ERR_NOMEM;
	*ret = list;
	*ret_n = n;
	return ERR_OK;
}

struct rcpts {
	struct arena *arena;
	struct queue_rcpt *list;
	size_t n, cap;
};

static enum err
collect(struct stmt *st, struct rcpts *to)
{
	bool row = false;
	enum err e;

	while (!(e = stmt_step(st, &row)) && row) {
		to->list = arena_grow(to->arena, to->list, &to->cap, to->n + 1, sizeof(*to->list));
		if (!to->list)
			return ERR_NOMEM;
		to->list[to->n++] = queue_take_rcpt(st, 0, to->arena);
	}
	return e ? e : arena_failed(to->arena) ? ERR_NOMEM : ERR_OK;
}

static enum err
collect_query(struct db *db, const char *sql, struct db_arg a, struct db_arg b, struct db_arg c,
    size_t max, struct rcpts *to)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	enum err e = db_query(db, sql, &st, a, b, c, DB_INT(max));

	return e ? e : collect(st, to);
}

enum err
queue_due(struct store *s, struct str domain, int64_t now_ms, int64_t after_ms, int64_t after_id,
    size_t max, struct arena *arena, struct queue_rcpt **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct rcpts found = {.arena = arena};
	enum err e = queue_read_begin(s, &h);

	/* One query with (next_ms, id) > (?, ?) would walk all that fall due in the same moment,
	 * as they do after QUEUE_RETRY. */
	if (!e && after_ms <= now_ms)
		e = collect_query(h->db,
		    "SELECT" QUEUE_RCPT_COLUMNS "FROM rcpt r WHERE r.state = 0 AND r.domain = ?1"
		    " AND r.next_ms = ?2 AND r.id > ?3 ORDER BY r.id LIMIT ?4",
		    DB_TEXT(domain), DB_INT(after_ms), DB_INT(after_id), max, &found);
	if (!e && found.n < max)
		e = collect_query(h->db,
		    "SELECT" QUEUE_RCPT_COLUMNS "FROM rcpt r WHERE r.state = 0 AND r.domain = ?1"
		    " AND r.next_ms > ?2 AND r.next_ms <= ?3 ORDER BY r.next_ms, r.id LIMIT ?4",
		    DB_TEXT(domain), DB_INT(after_ms), DB_INT(now_ms), max - found.n, &found);
	if (e)
		return e;
	*ret = found.list;
	*ret_n = found.n;
	return ERR_OK;
}

enum err
queue_news(struct store *s, int64_t after, size_t max, struct arena *arena, struct queue_rcpt **ret,
    size_t *ret_n, int64_t *ret_last, uint64_t *ret_edits)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct rcpts found = {.arena = arena};
	int64_t edits = 0, last = 0;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = db_get_int(h->db, "SELECT edits FROM meta", &edits);
	if (!e)
		e = db_get_int(h->db, "SELECT coalesce(max(id), 0) FROM rcpt", &last);
	if (!e && last > after)
		e = collect_query(h->db,
		    "SELECT" QUEUE_RCPT_COLUMNS "FROM rcpt r WHERE r.state = ?2 AND r.id > ?1"
		    " AND r.id <= ?3 ORDER BY r.id LIMIT ?4",
		    DB_INT(after), DB_INT(QUEUE_WAITING), DB_INT(last), max, &found);
	if (e)
		return e;
	*ret = found.list;
	*ret_n = found.n;
	*ret_last = last > after ? last : after;
	*ret_edits = (uint64_t)edits;
	return ERR_OK;
}

enum err
queue_read_message(struct db *db, int64_t id, struct arena *arena, struct queue_message *ret)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = db_query(
	    db, "SELECT" QUEUE_MESSAGE_COLUMNS "FROM message m WHERE m.id = ?1", &st, DB_INT(id));

	if (!e)
		e = stmt_step(st, &row);
	if (!e && !row)
		e = ERR_NOT_FOUND;
	if (!e)
		*ret = queue_take_message(st, 0, arena);
	return e;
}

enum err
queue_message_get(struct store *s, int64_t message, struct arena *arena, struct queue_message *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = queue_read_message(h->db, message, arena, ret);
	return e ? e : arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

/* What the runner reads while it works: rows without their words for choosing, and a message with
 * its recipients for sending. */
#include "store/queue_private.h"

struct briefs {
	struct arena *arena;
	struct queue_brief *list;
	size_t n, cap;
};

static enum err
collect_briefs(struct stmt *st, struct briefs *to)
{
	bool row = false;
	enum err e;

	while (!(e = stmt_step(st, &row)) && row) {
		to->list = arena_grow(to->arena, to->list, &to->cap, to->n + 1, sizeof(*to->list));
		if (!to->list)
			return ERR_NOMEM;
		to->list[to->n++] = (struct queue_brief){
		    .id = stmt_int(st, 0),
		    .message = QUEUE_RCPT_MESSAGE(stmt_int(st, 0)),
		    .next_ms = stmt_int(st, 1),
		    .sender = arena_dup(to->arena, stmt_str(st, 3)),
		    .tls_optional = stmt_int(st, 2) == QUEUE_TLS_OPTIONAL,
		};
	}
	return e ? e : arena_failed(to->arena) ? ERR_NOMEM : ERR_OK;
}

/* CROSS JOIN: the due ones first, then their messages one by one, never the other way round. */
#define BRIEF                                                                                      \
	"SELECT r.id, r.next_ms, m.requiretls, m.sender FROM rcpt r"                               \
	" CROSS JOIN message m ON m.id = r.id >> " BRIEF_SHIFT(                                    \
	    QUEUE_RCPT_SHIFT) " WHERE r.state = 0 AND r.domain = ?1"
#define BRIEF_SHIFT(n) BRIEF_TEXT(n)
#define BRIEF_TEXT(n) #n

enum err
queue_brief(struct store *s, struct str domain, int64_t after_ms, int64_t after_id, size_t max,
    struct arena *arena, struct queue_brief **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	CLEANUP(stmt_done) struct stmt *rest = NULL;
	struct briefs found = {.arena = arena};
	enum err e = queue_read_begin(s, &h);

	/* as in queue_due(): those of the same moment first */
	if (!e)
		e = db_query(h->db,
		    BRIEF " AND r.next_ms = ?2 AND r.id > ?3 ORDER BY r.id LIMIT ?4", &st,
		    DB_TEXT(domain), DB_INT(after_ms), DB_INT(after_id), DB_INT(max));
	if (!e)
		e = collect_briefs(st, &found);
	if (!e && found.n < max)
		e = db_query(h->db, BRIEF " AND r.next_ms > ?2 ORDER BY r.next_ms, r.id LIMIT ?3",
		    &rest, DB_TEXT(domain), DB_INT(after_ms), DB_INT(max - found.n));
	if (!e && rest)
		e = collect_briefs(rest, &found);
	if (e)
		return e;
	*ret = found.list;
	*ret_n = found.n;
	return ERR_OK;
}

static enum err
read_rcpt(struct db *db, int64_t id, struct arena *arena, struct queue_rcpt *ret)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e =
	    db_query(db, "SELECT" QUEUE_RCPT_COLUMNS "FROM rcpt r WHERE r.id = ?1 AND r.state = 0",
		&st, DB_INT(id));

	if (!e)
		e = stmt_step(st, &row);
	if (!e && !row)
		e = ERR_NOT_FOUND;
	if (!e)
		*ret = queue_take_rcpt(st, 0, arena);
	return e;
}

enum err
queue_job_get(struct store *s, int64_t message, const int64_t *ids, size_t n, struct arena *arena,
    struct queue_message *ret_message, struct queue_rcpt **ret, size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct queue_rcpt *list = arena_alloc_array(arena, n, sizeof(*list));
	size_t found = 0;
	enum err e = list ? queue_read_begin(s, &h) : ERR_NOMEM;

	if (!e)
		e = queue_read_message(h->db, message, arena, ret_message);
	for (size_t i = 0; i < n && !e; i++) {
		e = read_rcpt(h->db, ids[i], arena, &list[found]);
		if (!e)
			found++;
		else if (e == ERR_NOT_FOUND)
			e = ERR_OK;
	}
	if (e)
		return e;
	*ret = list;
	*ret_n = found;
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

/* The queue as people see it. */
#include "store/queue_private.h"

#include "common/base/clock.h"

#define MATCH_ARENA (64 * 1024)

/* CROSS JOIN: in this order. */
const char queue_list_sql[] = "SELECT" QUEUE_RCPT_COLUMNS "," QUEUE_MESSAGE_COLUMNS
			      "FROM rcpt r CROSS JOIN message m ON m.id = r.id >> 20"
			      " WHERE r.id >= ?1 AND r.id <= ?2 ORDER BY r.id";
_Static_assert(QUEUE_RCPT_SHIFT == 20, "as in queue_list_sql and the view");

int64_t
queue_rcpt_number(int64_t rcpt)
{
	return rcpt & ((INT64_C(1) << QUEUE_RCPT_SHIFT) - 1);
}

int64_t
queue_rcpt_id(int64_t message, int64_t number)
{
	return QUEUE_RCPT_ID(message, number);
}

enum err
queue_match_make(const struct queue_filter *f, struct arena *arena, struct queue_match *ret)
{
	enum err e = ERR_OK;

	*ret = (struct queue_match){.f = f, .first = 0, .last = INT64_MAX};
	if (f->message) {
		ret->first = QUEUE_RCPT_ID(f->message, 0);
		ret->last = QUEUE_RCPT_ID(f->message + 1, 0) - 1;
	}
	if (f->rcpt)
		ret->first = ret->last = f->rcpt;
	ret->created_before_s = f->older_s ? clock_real_s() - f->older_s : INT64_MAX;
	if (f->domain.n)
		e = queue_domain_of(f->domain, arena, &ret->domain);
	if (!e && f->recipient.n && f->recipient.p[0] == '@')
		e = queue_domain_of(f->recipient, arena, &ret->recipient_domain);
	return e;
}

static bool
matches_sender(struct str wanted, struct str sender)
{
	if (str_eq(wanted, STR("<>")))
		return sender.n == 0;
	return wanted.p[0] == '@' ? str_ends_nocase(sender, wanted) : str_eq_nocase(sender, wanted);
}

bool
queue_matches(const struct queue_match *m, const struct queue_listed *l)
{
	const struct queue_filter *f = m->f;

	if (f->state >= 0 && (int)l->rcpt.state != f->state)
		return false;
	if (f->account && l->message.account != f->account)
		return false;
	if (l->message.created_s > m->created_before_s)
		return false;
	if (f->sender.n && !matches_sender(f->sender, l->message.sender))
		return false;
	if (m->domain.n && !str_eq(m->domain, l->rcpt.domain))
		return false;
	if (m->recipient_domain.n)
		return str_eq(m->recipient_domain, l->rcpt.domain);
	return !f->recipient.n || str_eq_nocase(f->recipient, l->rcpt.address);
}

enum err
queue_list(struct store *s, const struct queue_filter *f,
    enum err (*each)(const struct queue_listed *l, void *arg), void *arg)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(MATCH_ARENA);
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct queue_match match;
	bool row = false;
	enum err e = arena ? queue_match_make(f, arena, &match) : ERR_NOMEM;

	if (!e)
		e = queue_read_begin(s, &h);
	if (!e)
		e = db_query(h->db, queue_list_sql, &st, DB_INT(match.first), DB_INT(match.last));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		const struct queue_listed l = {
		    .rcpt = queue_take_rcpt(st, 0, NULL),
		    .message = queue_take_message(st, QUEUE_RCPT_COLUMN_COUNT, NULL),
		};
		if (queue_matches(&match, &l))
			e = each(&l, arg);
	}
	return e;
}

enum err
queue_count(struct store *s, struct queue_counts *ret)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row = false;
	enum err e = queue_read_begin(s, &h);

	if (!e)
		e = db_query(h->db,
		    "SELECT m.n, m.octets, m.oldest, r.waiting, r.n - r.waiting, r.deferred FROM"
		    " (SELECT count(*) AS n, coalesce(sum(size), 0) AS octets,"
		    "  coalesce(min(created_s), 0) AS oldest FROM message) m,"
		    " (SELECT count(*) AS n, coalesce(sum(state = 0), 0) AS waiting,"
		    "  coalesce(sum(state = 0 AND attempts > 0), 0) AS deferred FROM rcpt) r",
		    &st);
	if (!e)
		e = stmt_step(st, &row);
	if (!e && row)
		*ret = (struct queue_counts){.messages = (uint64_t)stmt_int(st, 0),
		    .octets = (uint64_t)stmt_int(st, 1),
		    .oldest_s = stmt_int(st, 2),
		    .waiting = (uint64_t)stmt_int(st, 3),
		    .held = (uint64_t)stmt_int(st, 4),
		    .deferred = (uint64_t)stmt_int(st, 5)};
	return e;
}

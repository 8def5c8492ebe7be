/* What became of which mail. */
#include "store/trace_private.h"

/* An address, or all of a domain. */
#define MATCHES(column, n)                                                                         \
	"(" column " = ?" n " COLLATE NOCASE OR (substr(?" n ", 1, 1) = '@'"                       \
	" AND lower(substr(" column ", -length(?" n "))) = lower(?" n ")))"

/* All conditions hold, whichever of them leads to the messages. */
#define FIND(source)                                                                               \
	"SELECT m.id, m.trace_id, m.message_id, m.sender, m.size, m.account, e.at_ms, e.kind,"     \
	" e.recipient, e.host, e.tls, e.text FROM"                                                 \
	" (SELECT DISTINCT x.message AS id FROM (" source ") x JOIN message c ON c.id = x.message" \
	" WHERE (?1 = '' OR c.trace_id = ?1) AND (?2 = '' OR c.message_id = ?2)"                   \
	" AND (?3 = '' OR " MATCHES(                                                               \
	    "c.sender", "3") ")"                                                                   \
			     " AND (?4 = '' OR EXISTS (SELECT 1 FROM event r WHERE r.message = "   \
			     "c.id AND " MATCHES("r.recipient",                                    \
				 "4") "))"                                                         \
				      " AND EXISTS (SELECT 1 FROM event t WHERE t.message = c.id " \
				      "AND t.at_ms >= ?5"                                          \
				      " AND t.at_ms <= ?6) ORDER BY x.message DESC LIMIT ?7) f"    \
				      " JOIN message m ON m.id = f.id JOIN event e ON e.message "  \
				      "= m.id ORDER BY m.id, e.id"

static const char *
query_for(const struct trace_filter *f)
{
	if (f->trace_id.n)
		return FIND("SELECT id AS message FROM message WHERE trace_id = ?1");
	if (f->message_id.n)
		return FIND("SELECT id AS message FROM message WHERE message_id = ?2");
	if (f->recipient.n && f->recipient.p[0] != '@')
		return FIND("SELECT message FROM event WHERE recipient <> '' AND recipient = ?4");
	if (f->sender.n && f->sender.p[0] != '@')
		return FIND("SELECT id AS message FROM message WHERE sender = ?3");
	return FIND("SELECT message FROM event WHERE at_ms >= ?5 AND at_ms <= ?6");
}

static struct trace_found
take(struct stmt *st)
{
	return (struct trace_found){.message = stmt_int(st, 0),
	    .event = {
		.trace_id = stmt_str(st, 1),
		.message_id = stmt_str(st, 2),
		.sender = stmt_str(st, 3),
		.size = (uint64_t)stmt_int(st, 4),
		.account = stmt_int(st, 5),
		.at_ms = stmt_int(st, 6),
		.kind = (enum trace_kind)stmt_int(st, 7),
		.recipient = stmt_str(st, 8),
		.host = stmt_str(st, 9),
		.tls = stmt_str(st, 10),
		.text = stmt_str(st, 11),
	    }};
}

enum err
trace_find(struct store *s, const struct trace_filter *f,
    enum err (*each)(const struct trace_found *x, void *arg), void *arg)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct database *d = NULL;
	uint64_t max = f->max_messages ? f->max_messages : TRACE_FOUND_MAX;
	bool row = false;
	enum err e = tracer_database(s->tracer, &d);

	if (!e)
		e = read_begin(d, &h);
	if (!e)
		e = db_query(h->db, query_for(f), &st, DB_TEXT(f->trace_id), DB_TEXT(f->message_id),
		    DB_TEXT(f->sender), DB_TEXT(f->recipient), DB_INT(f->since_s * 1000),
		    DB_INT(f->until_s ? f->until_s * 1000 + 999 : INT64_MAX), DB_INT(max));
	while (!e && !(e = stmt_step(st, &row)) && row) {
		const struct trace_found found = take(st);
		e = each(&found, arg);
	}
	return e;
}

enum err
trace_check(struct store *s, struct sbuf *report)
{
	CLEANUP(read_end) struct handle *h = NULL;
	struct database *d = NULL;
	enum err e = tracer_database(s->tracer, &d);

	if (!e)
		e = read_begin(d, &h);
	return e ? e : db_integrity(h->db, report);
}

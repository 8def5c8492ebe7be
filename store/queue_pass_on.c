/* Mail of the queue for addresses of ours that lead elsewhere: back into the queue, to each once.
 */
#include "store/queue_private.h"

struct pass {
	int64_t message;
	struct queue_adding adding;
};

static enum err
pass_in_txn(struct txn *t, void *arg)
{
	struct pass *p = arg;
	const struct queue_new *q = p->adding.q;
	enum err e = ERR_OK;

	for (size_t i = 0; i < q->rcpt_count && !e; i++) {
		e = db_run(t->db,
		    "INSERT OR IGNORE INTO passed_on (message, address) VALUES (?1, ?2)",
		    DB_INT(p->message), DB_TEXT(q->rcpts[i].address));
		if (!e && db_changes(t->db) == 0)
			e = ERR_STALE; /* another job of the same message was quicker */
	}
	return e ? e : queue_adding_in_txn(t, &p->adding);
}

/* Those of `q` to whom the message did not go on, each once; *ret_n of them. */
static enum err
find_left(struct store *s, int64_t message, const struct queue_new *q, struct queue_new_rcpt *ret,
    size_t *ret_n)
{
	CLEANUP(read_end) struct handle *h = NULL;
	enum err e = queue_read_begin(s, &h);
	size_t n = 0;

	for (size_t i = 0; i < q->rcpt_count && !e; i++) {
		int64_t passed = 0;
		e = db_get_int(h->db,
		    "SELECT EXISTS (SELECT 1 FROM passed_on WHERE message = ?1 AND address = ?2)",
		    &passed, DB_INT(message), DB_TEXT(q->rcpts[i].address));
		for (size_t j = 0; j < n && !passed; j++)
			passed = str_eq(ret[j].address, q->rcpts[i].address);
		if (!e && !passed)
			ret[n++] = q->rcpts[i];
	}
	*ret_n = n;
	return e;
}

static enum err
pass_on(struct store *s, int64_t message, struct spool *spool, const struct queue_new *q)
{
	CLEANUP(mem_free) struct pass *p = calloc(1, sizeof(*p));
	struct database *d = NULL;
	enum err e = p ? queue_database(s, &d) : ERR_NOMEM;

	if (e)
		return e;
	p->message = message;
	e = queue_adding_begin(s, spool, q, &p->adding);
	if (!e)
		e = database_write(d, pass_in_txn, p, DURABLE_NOW);
	queue_adding_done(&p->adding);
	if (!e)
		queue_poke(s->queue);
	return e;
}

enum err
queue_pass_on(struct store *s, int64_t message, struct spool *spool, const struct queue_new *q)
{
	CLEANUP(mem_free) struct queue_new_rcpt *left = calloc(q->rcpt_count + 1, sizeof(*left));
	struct queue_new to = *q;
	enum err e = left ? ERR_STALE : ERR_NOMEM;

	to.rcpts = left;
	while (e == ERR_STALE) {
		e = find_left(s, message, q, left, &to.rcpt_count);
		if (!e && to.rcpt_count)
			e = pass_on(s, message, spool, &to);
	}
	// NOLINTNEXTLINE(clang-analyzer-unix.Malloc): that is `left`, whose guard frees it
	return e;
}

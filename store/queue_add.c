/* Messages into the queue. */
#include "store/queue_private.h"

#include "common/base/clock.h"
#include "common/metrics/metrics.h"
#include "store/directory_private.h"
#include "store/file.h"
#include "store/sending.h"
#include "store/spool_private.h"

#include <stdio.h>
#include <sys/random.h>

#define ADD_ARENA (64 * 1024 * 1024) /* domains of QUEUE_RCPTS_MAX recipients */

static enum err
make_name(char out[QUEUE_FILE_NAME + 1])
{
	uint64_t random[2];

	if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random))
		return file_error("getrandom", "queue");
	snprintf(out, QUEUE_FILE_NAME + 1, "%016llx%016llx", (unsigned long long)random[0],
	    (unsigned long long)random[1]);
	return ERR_OK;
}

/* Gives the spool's file its name among the queue's, durably. */
static enum err
place_file(struct queue *q, struct spool *spool, struct queue_adding *a)
{
	enum err e = spool_sync(spool);

	if (!e)
		e = make_name(a->name);
	if (!e)
		e = queue_file_path(q, str_of(a->name), a->path);
	if (!e)
		e = spool_link(spool, a->path);
	if (e) {
		a->path[0] = '\0';
		return e;
	}
	return file_sync(q->dir);
}

static enum err
find_domains(struct queue_adding *a)
{
	const struct queue_new *q = a->q;
	enum err e = ERR_OK;

	if (q->rcpt_count == 0 || q->rcpt_count > QUEUE_RCPTS_MAX)
		return ERR_LIMIT;
	a->arena = arena_new(ADD_ARENA);
	a->domains =
	    a->arena ? arena_alloc_array(a->arena, q->rcpt_count, sizeof(*a->domains)) : NULL;
	if (!a->domains)
		return ERR_NOMEM;
	/* Those of one message are often of one domain. */
	for (size_t i = 0; i < q->rcpt_count && !e; i++)
		e = queue_domain_of(q->rcpts[i].address, a->arena, &a->domains[i]);
	return e;
}

enum err
queue_adding_begin(
    struct store *s, struct spool *spool, const struct queue_new *q, struct queue_adding *ret)
{
	const struct message_index *index;

	ret->q = q;
	ret->arena = NULL;
	ret->name[0] = ret->path[0] = '\0';
	ret->noted = false;
	ret->octets = str_make("", 0);
	enum err e = find_domains(ret);
	if (!e)
		e = spool_finish(spool, &index);
	if (e)
		return e;
	ret->size = spool_size(spool);
	return spool_in_memory(spool, &ret->octets) ? ERR_OK : place_file(s->queue, spool, ret);
}

void
queue_adding_done(struct queue_adding *a)
{
	if (a->path[0] && !a->noted)
		unlink(a->path);
	a->path[0] = '\0';
	arena_free(&a->arena);
}

static enum err
insert_rcpts(struct txn *t, const struct queue_adding *a, int64_t next_ms)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	const struct queue_new *q = a->q;
	bool row;
	enum err e = db_query(t->db,
	    "INSERT INTO rcpt (id, domain, next_ms, state, notify, address, orcpt)"
	    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
	    &st, DB_NULL, DB_NULL, DB_INT(next_ms), DB_INT(q->held ? QUEUE_HELD : QUEUE_WAITING),
	    DB_NULL, DB_NULL, DB_NULL);

	for (size_t i = 0; i < q->rcpt_count && !e; i++) {
		const struct queue_new_rcpt *r = &q->rcpts[i];
		stmt_bind(st, 1, DB_INT(QUEUE_RCPT_ID(a->id, i)));
		stmt_bind(st, 2, DB_TEXT(a->domains[i]));
		stmt_bind(st, 5, DB_INT(r->notify));
		stmt_bind(st, 6, DB_TEXT(r->address));
		stmt_bind(st, 7, DB_TEXT(r->orcpt));
		e = stmt_step(st, &row);
		stmt_reset(st);
	}
	return e;
}

static enum queue_tls
tls_of(const struct queue_new *q)
{
	if (q->requiretls)
		return QUEUE_TLS_REQUIRED;
	return q->tls_optional ? QUEUE_TLS_OPTIONAL : QUEUE_TLS_AS_POLICY;
}

enum err
queue_adding_in_txn(struct txn *t, struct queue_adding *a)
{
	const struct queue_new *q = a->q;
	int64_t now_ms = clock_real_us() / 1000;
	enum err e = ERR_OK;

	if (a->path[0] && !a->noted) {
		e = txn_added_file(t, a->path);
		a->noted = !e;
	}
	if (!e && q->account && q->limits)
		e = sending_in_txn(t, q->account, q->limits, q->rcpts, q->rcpt_count);
	if (!e)
		e = db_run(t->db,
		    "INSERT INTO message (kind, account, sender, envid, ret, body, smtputf8,"
		    " requiretls, trace_id, message_id, created_s, expires_s, size, file)"
		    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
		    DB_INT(q->kind), DB_INT(q->account), DB_TEXT(q->sender), DB_TEXT(q->envid),
		    DB_INT(q->ret), DB_INT(q->body), DB_INT(q->smtputf8), DB_INT(tls_of(q)),
		    DB_TEXT(q->trace_id), DB_TEXT(q->message_id), DB_INT(now_ms / 1000),
		    DB_INT(q->expires_s), DB_INT(a->size), DB_TEXT(str_of(a->name)));
	if (e)
		return e;
	a->id = db_last_id(t->db);
	if (!a->name[0])
		e = db_run(t->db, "INSERT INTO octets (message, octets) VALUES (?1, ?2)",
		    DB_INT(a->id), DB_BLOB(a->octets));
	int64_t release_ms = q->release_s * 1000;
	return e ? e : insert_rcpts(t, a, release_ms > now_ms ? release_ms : now_ms);
}

static enum err
add_in_txn(struct txn *t, void *arg)
{
	return queue_adding_in_txn(t, arg);
}

enum err
queue_add(struct store *s, struct spool *spool, const struct queue_new *q, int64_t *ret_id)
{
	CLEANUP(mem_free) struct queue_adding *a = calloc(1, sizeof(*a));
	struct database *d = NULL;
	enum err e = a ? queue_database(s, &d) : ERR_NOMEM;

	if (e)
		return e;
	e = queue_adding_begin(s, spool, q, a);
	if (!e)
		e = database_write(d, add_in_txn, a, DURABLE_NOW);
	queue_adding_done(a);
	if (e)
		return e;
	METRICS_COUNT(queue_added, 0);
	*ret_id = a->id;
	queue_poke(s->queue);
	return ERR_OK;
}

#include "tests/faults/session_state.h"

#include "store/account_private.h"
#include "store/queue_private.h"
#include "store/reader.h"
#include "store/trace_private.h"
#include "store/view.h"
#include "tests/faults/faults.h"
#include "tests/support/test.h"

#include <stdio.h>

static void
put_octets(struct account *a, int64_t message, struct sbuf *out)
{
	CLEANUP(reader_close) struct reader *r = NULL;
	struct message_row row;
	char piece[4096];
	size_t n = 1;
	uint64_t lines = 0;

	ck_assert_ok(reader_open(a, &r));
	ck_assert_ok(reader_message(r, message, WANT_BASICS, &row));
	uint64_t at = 0;
	for (; n; at += n) {
		ck_assert_ok(reader_read(r, message, at, piece, sizeof(piece), &n));
		for (size_t i = 0; i < n; i++)
			lines += piece[i] == '\n';
	}
	ck_assert_uint_eq(at, row.size);
	sbuf_printf(out, ",%llu", (unsigned long long)lines);
}

static void
put_mailbox(struct account *a, int64_t mailbox, struct sbuf *out)
{
	CLEANUP(view_unref) struct view *v = NULL;

	ck_assert_ok(view_current(a, mailbox, &v));
	struct view_iter it = view_iter_at(v, 1);
	for (const struct view_entry *e; (e = view_next(&it));) {
		sbuf_printf(out, " %u:%llx", e->uid, (unsigned long long)e->flags);
		put_octets(a, e->message, out);
	}
}

static void
put_queue(struct session_ground *g, struct sbuf *out)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct database *d = NULL;
	bool row = false;

	ck_assert_ok(queue_database(g->store, &d));
	ck_assert_ok(read_begin(d, &h));
	ck_assert_ok(
	    db_query(h->db, "SELECT" QUEUE_RCPT_COLUMNS "FROM rcpt r WHERE id >= ?1 ORDER BY id",
		&st, DB_INT((g->queue_before + 1) << QUEUE_RCPT_SHIFT)));
	while (!stmt_step(st, &row) && row) {
		CLEANUP(queue_octets_close) struct queue_octets *o = NULL;
		struct queue_rcpt r = queue_take_rcpt(st, 0, g->arena);
		char last;
		size_t n;
		ck_assert_ok(queue_octets_open(g->store, r.message, &o));
		ck_assert_ok(queue_octets_read(o, queue_octets_size(o) - 1, &last, 1, &n));
		ck_assert_uint_eq(n, 1);
		sbuf_printf(out, "queue %.*s\n", STR_ARG(r.address));
	}
}

char *
session_state(struct session_ground *g)
{
	CLEANUP(account_unref) struct account *a = NULL;
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1 << 20);
	struct mailbox_info *list;
	size_t n;

	ck_assert_ok(account_open(g->store, g->account, &a));
	ck_assert_ok(mailbox_list(a, g->arena, &list, &n));
	for (size_t i = 0; i < n; i++) {
		sbuf_printf(&out, "%.*s%s:", STR_ARG(list[i].name), list[i].subscribed ? "+" : "");
		if (list[i].id && !list[i].noselect)
			put_mailbox(a, list[i].id, &out);
		sbuf_putc(&out, '\n');
	}
	put_queue(g, &out);
	char *text = strdup(sbuf_cstr(&out));
	ck_assert_ptr_nonnull(text);
	return text;
}

/* -- files */

static enum err
write_nothing(struct txn *t, void *arg)
{
	(void)t, (void)arg;
	return ERR_OK;
}

/* A writer that failed leaves its WAL open to the next one. */
static void
write_well(struct database *d)
{
	ck_assert_ok(database_write(d, write_nothing, NULL, DURABLE_NOW));
	ck_assert_ok(database_sync(d)); /* where a login was noted, it stays open until then */
}

unsigned
session_count_files(struct session_ground *g)
{
	CLEANUP(account_unref) struct account *a = NULL;
	struct database *queue = NULL, *trace = NULL;

	ck_assert_ok(account_open(g->store, g->account, &a));
	ck_assert_ok(queue_database(g->store, &queue));
	ck_assert_ok(tracer_database(g->store->tracer, &trace));
	write_well(&a->database);
	write_well(&g->store->directory);
	write_well(queue);
	write_well(trace);
	pool_reap(g->store->pool, 0);
	return fault_count_fds();
}

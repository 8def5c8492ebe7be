/* Mail into the queue, out of it, and what happens in between. */
#include "common/base/clock.h"
#include "store/changes.h"
#include "store/queue.h"
#include "tests/store/queue_fixture.h"
#include "tests/support/test.h"

#include <stdatomic.h>

static struct fixture f;

START_TEST(what_was_added_is_read_back)
{
	struct queue_message m;
	struct queue_rcpt *rcpts;
	size_t n;

	fixture_open(&f);
	clock_freeze(1000000);
	const struct queue_new_rcpt to[] = {
	    {.address = STR("Bob@Example.NET"),
		.orcpt = STR("rfc822;b"),
		.notify = QUEUE_NOTIFY_DELAY},
	    {.address = STR("eve@[192.0.2.1]")},
	    {.address = STR("zo\xc3\xab@b\xc3\xbc"
			    "cher.example")},
	};
	const struct queue_new q = {.kind = QUEUE_FORWARDED,
	    .account = 7,
	    .sender = STR("a@example.test"),
	    .envid = STR("E 1"),
	    .ret = QUEUE_RET_HDRS,
	    .body = QUEUE_8BITMIME,
	    .smtputf8 = true,
	    .requiretls = true,
	    .trace_id = STR("5f3a"),
	    .message_id = STR("x@example.test"),
	    .expires_s = 1432000,
	    .rcpts = to,
	    .rcpt_count = ARRAY_LEN(to)};
	CLEANUP(spool_free) struct spool *spool = make_spool(&f, "Subject: x\r\n\r\nx\r\n", 17);
	int64_t id = 0;
	ck_assert_ok(queue_add(f.store, spool, &q, &id));
	ck_assert_ok(queue_message_get(f.store, id, f.arena, &m));
	ck_assert_int_eq(m.kind, QUEUE_FORWARDED);
	ck_assert_int_eq(m.account, 7);
	ck_assert_str_is(m.sender, "a@example.test");
	ck_assert_str_is(m.envid, "E 1");
	ck_assert_int_eq(m.ret, QUEUE_RET_HDRS);
	ck_assert_int_eq(m.body, QUEUE_8BITMIME);
	ck_assert(m.smtputf8 && m.requiretls && !m.tls_optional);
	ck_assert_str_is(m.trace_id, "5f3a");
	ck_assert_str_is(m.message_id, "x@example.test");
	ck_assert_int_eq(m.created_s, 1000000);
	ck_assert_int_eq(m.expires_s, 1432000);
	ck_assert_uint_eq(m.size, 17);
	ck_assert_ok(
	    queue_due(f.store, STR("example.net"), 1000000000, 0, 0, 10, f.arena, &rcpts, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(rcpts->message, id);
	ck_assert_str_is(rcpts->address, "Bob@Example.NET");
	ck_assert_str_is(rcpts->orcpt, "rfc822;b");
	ck_assert_uint_eq(rcpts->notify, QUEUE_NOTIFY_DELAY);
	ck_assert_int_eq(rcpts->state, QUEUE_WAITING);
	ck_assert_int_eq(rcpts->next_ms, 1000000000);
	ck_assert_uint_eq(rcpts->attempts, 0);
	ck_assert_str_is(domains_of(&f), "[192.0.2.1]:1 example.net:1 xn--bcher-kva.example:1");
	ck_assert_int_eq(queue_message_get(f.store, id + 1, f.arena, &m), ERR_NOT_FOUND);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(octets_come_back_from_row_and_file)
{
	static const size_t sizes[] = {20, 4000, 65536, 65537, 1000000};

	fixture_open(&f);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP(mem_free) char *m = make_message((unsigned)i, sizes[i]);
		int64_t id = add_to_queue(&f, m, sizes[i], "a@example.test", "b@example.net");
		ck_assert_queued_octets(&f, id, m, sizes[i]);
	}
	ck_assert_uint_eq(count_queue_files(&f), 2);
	fixture_close(&f);
}
END_TEST

START_TEST(octets_that_are_open_can_be_read_to_the_end_when_the_message_goes)
{
	CLEANUP(queue_octets_close) struct queue_octets *o = NULL;
	CLEANUP(mem_free) char *m = make_message(1, 100000), *got = malloc(100000);
	size_t n = 0;

	fixture_open(&f);
	int64_t id = add_to_queue(&f, m, 100000, "a@example.test", "b@example.net");
	ck_assert_ok(queue_octets_open(f.store, id, &o));
	record_all(&f, id, QUEUE_DELIVERED);
	store_tick(f.store);
	ck_assert_uint_eq(count_queue_files(&f), 0);
	ck_assert_ok(queue_octets_read(o, 0, got, 100000, &n));
	ck_assert_uint_eq(n, 100000);
	ck_assert_int_eq(memcmp(got, m, n), 0);
	ck_assert_ok(queue_octets_read(o, 100000, got, 10, &n));
	ck_assert_uint_eq(n, 0);
	CLEANUP(queue_octets_close) struct queue_octets *again = NULL;
	ck_assert_int_eq(queue_octets_open(f.store, id, &again), ERR_NOT_FOUND);
	fixture_close(&f);
}
END_TEST

START_TEST(a_message_goes_with_its_last_recipient)
{
	struct queue_message m;

	fixture_open(&f);
	int64_t id = add_to_queue(
	    &f, "a: b\r\n\r\n", 8, "a@example.test", "x@one.example y@two.example z@two.example");
	record_one(&f, id, 0, QUEUE_DELIVERED, 0);
	ck_assert_str_is(queued(&f), "1/1 y@two.example w 1/2 z@two.example w");
	record_one(&f, id, 2, QUEUE_FAILED, 0);
	ck_assert_ok(queue_message_get(f.store, id, f.arena, &m));
	record_one(&f, id, 1, QUEUE_DELIVERED, 0);
	ck_assert_int_eq(queue_message_get(f.store, id, f.arena, &m), ERR_NOT_FOUND);
	ck_assert_str_is(queued(&f), "");
	/* its id is not used again: a runner may have it in hand */
	ck_assert_int_gt(add_to_queue(&f, "a: b\r\n\r\n", 8, "", "x@one.example"), id);
	fixture_close(&f);
}
END_TEST

START_TEST(a_deferral_is_due_again_at_its_time)
{
	struct queue_rcpt *r;
	size_t n;

	fixture_open(&f);
	clock_freeze(1000);
	int64_t id = add_to_queue(&f, "a: b\r\n\r\n", 8, "a@example.test", "x@one.example");
	const struct queue_result later = {.rcpt = rcpt_of(id, 0),
	    .outcome = QUEUE_DELAY_TOLD,
	    .next_ms = 1300000,
	    .reply = STR("451 4.7.1 Later"),
	    .host = STR("mx.one.example[192.0.2.7]")};
	ck_assert_ok(queue_record(f.store, id, &later, 1, NULL));
	ck_assert_ok(queue_due(f.store, STR("one.example"), 1299999, 0, 0, 9, f.arena, &r, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert_ok(queue_due(f.store, STR("one.example"), 1300000, 0, 0, 9, f.arena, &r, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_uint_eq(r->attempts, 1);
	ck_assert(r->delay_told);
	ck_assert_str_is(r->last_reply, "451 4.7.1 Later");
	ck_assert_str_is(r->last_host, "mx.one.example[192.0.2.7]");
	record_one(&f, id, 0, QUEUE_PUT_BACK, 1400000);
	ck_assert_ok(queue_due(f.store, STR("one.example"), 1400000, 0, 0, 9, f.arena, &r, &n));
	ck_assert_uint_eq(r->attempts, 1);
	ck_assert_int_eq(r->next_ms, 1400000);
	ck_assert(r->delay_told);
	const struct queue_result put_off = {.rcpt = rcpt_of(id, 0),
	    .outcome = QUEUE_DEFERRED,
	    .put_off = true,
	    .next_ms = 1500000,
	    .reply = STR("no answer")};
	ck_assert_ok(queue_record(f.store, id, &put_off, 1, NULL));
	ck_assert_ok(queue_due(f.store, STR("one.example"), 1500000, 0, 0, 9, f.arena, &r, &n));
	ck_assert_uint_eq(r->attempts, 1);
	ck_assert_str_is(r->last_reply, "no answer");
	clock_thaw();
	fixture_close(&f);
}
END_TEST

/* Many that fall due in the same moment, as after `queue retry`, are read page by page. */
START_TEST(due_recipients_come_in_pages_each_once)
{
	struct queue_rcpt *r;
	size_t n, seen = 0;
	int64_t after_ms = 0, after_id = 0;

	fixture_open(&f);
	clock_freeze(1000);
	for (int i = 0; i < 25; i++) {
		if (i == 17)
			clock_advance_ms(5);
		add_to_queue(&f, "a: b\r\n\r\n", 8, "a@example.test",
		    "x@one.example y@one.example z@two.example");
	}
	do {
		ck_assert_ok(queue_due(
		    f.store, STR("one.example"), 1000005, after_ms, after_id, 7, f.arena, &r, &n));
		for (size_t i = 0; i < n; i++) {
			ck_assert(r[i].next_ms > after_ms || r[i].id > after_id);
			after_ms = r[i].next_ms;
			after_id = r[i].id;
			seen++;
		}
	} while (n == 7);
	ck_assert_uint_eq(seen, 50);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(mail_for_later_is_due_later_and_held_mail_never)
{
	struct queue_new_rcpt to = {.address = STR("b@one.example")};
	struct queue_new q = {.release_s = 5000, .rcpts = &to, .rcpt_count = 1};
	struct queue_domain *d;
	size_t n;
	int64_t id;

	fixture_open(&f);
	clock_freeze(1000);
	CLEANUP(spool_free) struct spool *spool = make_spool(&f, "a: b\r\n\r\n", 8);
	ck_assert_ok(queue_add(f.store, spool, &q, &id));
	q.held = true;
	to.address = STR("b@two.example");
	ck_assert_ok(queue_add(f.store, spool, &q, &id));
	ck_assert_ok(queue_domains(f.store, f.arena, &d, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_is(d->domain, "one.example");
	ck_assert_int_eq(d->due_ms, 5000000);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(news_are_what_came_since)
{
	struct queue_rcpt *r;
	size_t n;
	int64_t last = 0;
	uint64_t edits;

	fixture_open(&f);
	ck_assert_ok(queue_news(f.store, 0, 10, f.arena, &r, &n, &last, &edits));
	ck_assert_uint_eq(n, 0);
	ck_assert_int_eq(last, 0);
	int64_t one = add_to_queue(&f, "a: b\r\n\r\n", 8, "", "x@one.example y@two.example");
	ck_assert_ok(queue_news(f.store, last, 10, f.arena, &r, &n, &last, &edits));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_is(r[1].domain, "two.example");
	ck_assert_int_eq(last, rcpt_of(one, 1));
	add_to_queue(&f, "a: b\r\n\r\n", 8, "", "z@one.example");
	ck_assert_ok(queue_news(f.store, last, 10, f.arena, &r, &n, &last, &edits));
	ck_assert_uint_eq(n, 1);
	ck_assert_str_is(r->address, "z@one.example");
	ck_assert_ok(queue_news(f.store, last, 10, f.arena, &r, &n, &last, &edits));
	ck_assert_uint_eq(n, 0);
	fixture_close(&f);
}
END_TEST

START_TEST(a_report_comes_in_as_its_message_goes)
{
	fixture_open(&f);
	int64_t id =
	    add_to_queue(&f, "a: b\r\n\r\n", 8, "a@example.test", "x@one.example y@one.example");
	ck_assert_ok(record_with_report(&f, id, 0, QUEUE_FAILED, 100));
	ck_assert_str_is(queued(&f), "1/1 y@one.example w 2/0 a@example.test w");
	/* it was dropped meanwhile: nobody is told */
	ck_assert_ok(record_with_report(&f, id, 0, QUEUE_FAILED, 100000));
	ck_assert_str_is(queued(&f), "1/1 y@one.example w 2/0 a@example.test w");
	ck_assert_uint_eq(count_queue_files(&f), 0);
	ck_assert_ok(record_with_report(&f, id, 1, QUEUE_FAILED, 100000));
	ck_assert_str_is(queued(&f), "2/0 a@example.test w 3/0 a@example.test w");
	ck_assert_uint_eq(count_queue_files(&f), 1);
	fixture_close(&f);
}
END_TEST

START_TEST(the_queue_is_run_by_one)
{
	fixture_open(&f);
	CLEANUP(store_close) struct store *other = fixture_second(&f, "other");
	ck_assert(!queue_is_run(other));
	ck_assert_ok(queue_run_begin(f.store));
	ck_assert(queue_is_run(other) && queue_is_run(f.store));
	ck_assert_int_eq(queue_run_begin(other), ERR_BUSY);
	queue_run_end(f.store);
	ck_assert(!queue_is_run(other));
	ck_assert_ok(queue_run_begin(other));
	ck_assert_int_eq(queue_run_begin(f.store), ERR_BUSY);
	store_close(&other);
	ck_assert_ok(queue_run_begin(f.store));
	fixture_close(&f);
}
END_TEST

static atomic_int pokes;

static void
poked(void *arg)
{
	(void)arg;
	atomic_fetch_add(&pokes, 1);
}

START_TEST(who_watches_hears_of_new_mail_from_every_process)
{
	fixture_open(&f);
	CLEANUP(store_close) struct store *other = fixture_second(&f, "other");
	ck_assert_ok(queue_run_begin(f.store));
	queue_watch(f.store, poked, NULL);
	add_to_queue(&f, "a: b\r\n\r\n", 8, "", "x@one.example");
	ck_assert_int_eq(atomic_load(&pokes), 1);
	struct fixture o = f;
	o.store = other;
	add_to_queue(&o, "a: b\r\n\r\n", 8, "", "x@one.example");
	await_bus(f.store);
	ck_assert_int_eq(atomic_load(&pokes), 2);
	queue_watch(f.store, NULL, NULL);
	add_to_queue(&f, "a: b\r\n\r\n", 8, "", "x@one.example");
	ck_assert_int_eq(atomic_load(&pokes), 2);
	fixture_close(&f);
}
END_TEST

START_TEST(files_of_nobody_are_swept_when_the_queue_starts)
{
	fixture_open(&f);
	CLEANUP(mem_free) char *m = make_message(1, 100000);
	int64_t id = add_to_queue(&f, m, 100000, "", "x@one.example");
	make_queue_file(&f, "0123456789abcdef0123456789abcdef");
	ck_assert_uint_eq(count_queue_files(&f), 2);
	ck_assert_ok(queue_run_begin(f.store));
	ck_assert_uint_eq(count_queue_files(&f), 1);
	ck_assert_queued_octets(&f, id, m, 100000);
	fixture_close(&f);
}
END_TEST

static struct str
change(enum queue_change what, struct queue_filter filter, uint64_t expected)
{
	uint64_t n = 0;

	ck_assert_ok(queue_change(f.store, &filter, what, &n));
	ck_assert_uint_eq(n, expected);
	return queued(&f);
}

#define ANY .state = -1

START_TEST(people_hold_release_drop_and_give_up_recipients)
{
	struct queue_rcpt *r;
	size_t n;
	int64_t last;
	uint64_t edits, before;

	fixture_open(&f);
	clock_freeze(1000);
	add_to_queue(&f, "a: b\r\n\r\n", 8, "Ann@example.test", "x@one.example y@two.example");
	CLEANUP(mem_free) char *m = make_message(1, 100000);
	add_to_queue(&f, m, 100000, "bob@example.test", "z@one.example");
	ck_assert_ok(queue_news(f.store, 0, 10, f.arena, &r, &n, &last, &before));
	clock_advance_ms(60000);
	ck_assert_str_is(
	    change(QUEUE_HOLD, (struct queue_filter){ANY, .domain = STR("ONE.example")}, 2),
	    "1/0 x@one.example h 1/1 y@two.example w 2/0 z@one.example h");
	change(QUEUE_HOLD, (struct queue_filter){ANY, .domain = STR("one.example")}, 0);
	ck_assert_str_is(domains_of(&f), "two.example:1");
	ck_assert_str_is(
	    change(QUEUE_RELEASE, (struct queue_filter){ANY, .sender = STR("ann@EXAMPLE.test")}, 1),
	    "1/0 x@one.example w 1/1 y@two.example w 2/0 z@one.example h");
	ck_assert_ok(queue_due(f.store, STR("one.example"), 1060000, 0, 0, 9, f.arena, &r, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(r->next_ms, 1060000);
	ck_assert_str_is(
	    change(QUEUE_FAIL, (struct queue_filter){ANY, .recipient = STR("Z@one.example")}, 1),
	    "1/0 x@one.example w 1/1 y@two.example w 2/0 z@one.example w!");
	/* a runner that had it in hand does not put it off */
	record_one(&f, 2, 0, QUEUE_DEFERRED, INT64_C(1) << 40);
	ck_assert_ok(
	    queue_due(f.store, STR("one.example"), 1060000, 1060000, r->id, 9, f.arena, &r, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert(r->give_up);
	ck_assert_str_is(change(QUEUE_DROP, (struct queue_filter){ANY, .rcpt = rcpt_of(1, 0)}, 1),
	    "1/1 y@two.example w 2/0 z@one.example w!");
	ck_assert_str_is(change(QUEUE_DROP, (struct queue_filter){.state = QUEUE_WAITING}, 2), "");
	store_tick(f.store);
	ck_assert_uint_eq(count_queue_files(&f), 0);
	ck_assert_ok(queue_news(f.store, 0, 10, f.arena, &r, &n, &last, &edits));
	ck_assert_uint_gt(edits, before);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

/* When it is due, in seconds. */
static int64_t
due_s(int64_t message)
{
	struct queue_rcpt *r;
	size_t n;

	ck_assert_ok(queue_due(f.store, STR("one.example"), INT64_MAX, 0, 0, 99, f.arena, &r, &n));
	for (size_t i = 0; i < n; i++)
		if (r[i].id == rcpt_of(message, 0))
			return r[i].next_ms / 1000;
	return 0;
}

/* RFC 4865 §4 */
START_TEST(what_is_for_later_goes_sooner_only_by_its_number)
{
	struct queue_new_rcpt to = {.address = STR("b@one.example")};
	struct queue_new q = {.release_s = 5000, .rcpts = &to, .rcpt_count = 1};
	int64_t id;

	fixture_open(&f);
	clock_freeze(1000);
	CLEANUP(spool_free) struct spool *spool = make_spool(&f, "a: b\r\n\r\n", 8);
	ck_assert_ok(queue_add(f.store, spool, &q, &id)); /* 1 */
	q.release_s = 0;
	ck_assert_ok(queue_add(f.store, spool, &q, &id)); /* 2 */
	record_one(&f, 2, 0, QUEUE_DEFERRED, 4000000);
	change(QUEUE_HOLD, (struct queue_filter){ANY}, 2);
	change(QUEUE_RELEASE, (struct queue_filter){ANY}, 2);
	ck_assert_int_eq(due_s(1), 5000);
	ck_assert_int_eq(due_s(2), 1000);
	change(QUEUE_RETRY, (struct queue_filter){ANY}, 1);
	ck_assert_int_eq(due_s(1), 5000);
	change(QUEUE_HOLD, (struct queue_filter){ANY, .message = 1}, 1);
	change(QUEUE_RELEASE, (struct queue_filter){ANY, .message = 1}, 1);
	ck_assert_int_eq(due_s(1), 5000);
	change(QUEUE_RETRY, (struct queue_filter){ANY, .message = 1}, 1);
	ck_assert_int_eq(due_s(1), 1000);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(filters_pick_recipients)
{
	static const struct row {
		struct queue_filter f;
		uint64_t n;
	} rows[] = {
	    {{ANY}, 4},
	    {{ANY, .message = 1}, 2},
	    {{ANY, .message = 9}, 0},
	    {{ANY, .rcpt = (1 << 20) + 1}, 1},
	    {{ANY, .sender = STR("@example.test")}, 3},
	    {{ANY, .sender = STR("@ample.test")}, 0},
	    {{ANY, .sender = STR("<>")}, 1},
	    {{ANY, .recipient = STR("@two.EXAMPLE")}, 2},
	    {{ANY, .recipient = STR("y@two.example")}, 1},
	    {{ANY, .domain = STR("one.example"), .sender = STR("ann@example.test")}, 1},
	    {{ANY, .older_s = 50}, 3},
	    {{ANY, .older_s = 101}, 0},
	    {{.state = QUEUE_HELD}, 0},
	    {{.state = QUEUE_WAITING}, 4},
	};

	fixture_open(&f);
	clock_freeze(1000);
	add_to_queue(&f, "a: b\r\n\r\n", 8, "ann@example.test", "x@one.example y@two.example");
	add_to_queue(&f, "a: b\r\n\r\n", 8, "bob@example.test", "x@one.example");
	clock_advance_ms(100000);
	add_to_queue(&f, "a: b\r\n\r\n", 8, "", "z@two.example");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		uint64_t n = 0;
		ck_assert_ok(queue_list(f.store, &rows[i].f, count_listed, &n));
		ck_assert_msg(n == rows[i].n, "row %zu: %llu", i, (unsigned long long)n);
	}
	struct queue_counts c;
	ck_assert_ok(queue_count(f.store, &c));
	ck_assert_uint_eq(c.messages, 3);
	ck_assert_uint_eq(c.octets, 24);
	ck_assert_uint_eq(c.waiting, 4);
	ck_assert_uint_eq(c.held, 0);
	ck_assert_int_eq(c.oldest_s, 1000);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(changes_of_many_are_made_in_steps)
{
	fixture_open(&f);
	for (int i = 0; i < 60; i++)
		add_to_queue(&f, "a: b\r\n\r\n", 8, "ann@example.test", many_rcpts(&f, 50));
	uint64_t n = 0;
	ck_assert_ok(queue_change(f.store, &(struct queue_filter){ANY}, QUEUE_HOLD, &n));
	ck_assert_uint_eq(n, 3000);
	ck_assert_ok(queue_change(f.store, &(struct queue_filter){ANY}, QUEUE_DROP, &n));
	ck_assert_uint_eq(n, 3000);
	ck_assert_str_is(queued(&f), "");
	fixture_close(&f);
}
END_TEST

START_TEST(domains_and_hosts_are_paused)
{
	struct queue_pause *p;
	size_t n;

	fixture_open(&f);
	queue_watch(f.store, poked, NULL);
	atomic_store(&pokes, 0);
	ck_assert_ok(queue_pause_set(f.store, STR("One.Example"), STR("they asked")));
	ck_assert_ok(queue_pause_set(f.store, STR("one.example."), STR("they asked again")));
	ck_assert_ok(queue_pause_set(f.store, STR("MX:mx1.Two.example"), STR("")));
	ck_assert_int_eq(queue_pause_set(f.store, STR("mx:"), STR("")), ERR_SYNTAX);
	ck_assert_ok(queue_pauses(f.store, f.arena, &p, &n));
	ck_assert_uint_eq(n, 2);
	ck_assert_str_is(p[0].name, "mx:mx1.two.example");
	ck_assert_str_is(p[1].name, "one.example");
	ck_assert_str_is(p[1].reason, "they asked again");
	ck_assert_ok(queue_pause_remove(f.store, STR("one.example")));
	ck_assert_int_eq(queue_pause_remove(f.store, STR("one.example")), ERR_NOT_FOUND);
	ck_assert_int_eq(atomic_load(&pokes), 4);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("queue", what_was_added_is_read_back, octets_come_back_from_row_and_file,
    octets_that_are_open_can_be_read_to_the_end_when_the_message_goes,
    a_message_goes_with_its_last_recipient, a_deferral_is_due_again_at_its_time,
    due_recipients_come_in_pages_each_once, mail_for_later_is_due_later_and_held_mail_never,
    news_are_what_came_since, a_report_comes_in_as_its_message_goes, the_queue_is_run_by_one,
    who_watches_hears_of_new_mail_from_every_process,
    files_of_nobody_are_swept_when_the_queue_starts,
    people_hold_release_drop_and_give_up_recipients,
    what_is_for_later_goes_sooner_only_by_its_number, filters_pick_recipients,
    changes_of_many_are_made_in_steps, domains_and_hosts_are_paused)

/* What is noted of mail is found again. */
#include "store/trace.h"

#include "common/base/clock.h"
#include "store/changes.h"
#include "store/trace_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

static struct fixture f;

static void
note(enum trace_kind kind, const char *trace_id, const char *sender, const char *recipient)
{
	trace_note(f.store, &(struct trace_event){.kind = kind,
				.trace_id = str_of(trace_id),
				.message_id = arena_printf(f.arena, "%s@example.test", trace_id),
				.sender = str_of(sender),
				.recipient = str_of(recipient),
				.text = STR("250 Ok")});
}

static enum err
collect(const struct trace_found *x, void *arg)
{
	struct str *all = arg;

	*all = arena_printf(f.arena, "%.*s%s%.*s:%s", STR_ARG(*all), all->n ? " " : "",
	    STR_ARG(x->event.trace_id), trace_kind_name(x->event.kind));
	return ERR_OK;
}

static struct str
found(struct trace_filter filter)
{
	struct str all = STR("");

	ck_assert_ok(trace_find(f.store, &filter, collect, &all));
	return all;
}

START_TEST(every_event_of_a_message_is_found_by_each_of_its_names)
{
	fixture_open(&f);
	note(TRACE_ACCEPTED, "t1", "Ann@example.test", "");
	note(TRACE_ACCEPTED, "t2", "bob@example.test", "");
	note(TRACE_DEFERRED, "t1", "Ann@example.test", "x@one.example");
	note(TRACE_DELIVERED, "t1", "Ann@example.test", "x@one.example");
	note(TRACE_FAILED, "t2", "bob@example.test", "y@two.example");
	ck_assert_str_is(found((struct trace_filter){0}), "");
	store_tick(f.store);
	const char *t1 = "t1:accepted t1:deferred t1:delivered";
	ck_assert_str_is(found((struct trace_filter){.trace_id = STR("t1")}), t1);
	ck_assert_str_is(found((struct trace_filter){.message_id = STR("t1@example.test")}), t1);
	ck_assert_str_is(found((struct trace_filter){.sender = STR("ann@EXAMPLE.test")}), t1);
	ck_assert_str_is(found((struct trace_filter){.recipient = STR("X@one.example")}), t1);
	ck_assert_str_is(found((struct trace_filter){.recipient = STR("@ONE.example")}), t1);
	ck_assert_str_is(found((struct trace_filter){
			     .recipient = STR("x@one.example"), .sender = STR("bob@example.test")}),
	    "");
	ck_assert_str_is(
	    found((struct trace_filter){.sender = STR("@example.test"), .max_messages = 1}),
	    "t2:accepted t2:failed");
	ck_assert_str_is(found((struct trace_filter){0}),
	    "t1:accepted t1:deferred t1:delivered t2:accepted t2:failed");
	fixture_close(&f);
}
END_TEST

START_TEST(messages_are_found_by_the_time_of_their_events)
{
	fixture_open(&f);
	clock_freeze(1000);
	note(TRACE_ACCEPTED, "t1", "a@example.test", "");
	clock_advance_ms(100000);
	note(TRACE_ACCEPTED, "t2", "a@example.test", "");
	clock_advance_ms(100000);
	note(TRACE_DELIVERED, "t1", "a@example.test", "");
	ck_assert_ok(trace_flush(f.store));
	ck_assert_str_is(
	    found((struct trace_filter){.since_s = 1050, .until_s = 1150}), "t2:accepted");
	ck_assert_str_is(found((struct trace_filter){.since_s = 1200}), "t1:accepted t1:delivered");
	ck_assert_str_is(found((struct trace_filter){.until_s = 999}), "");
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(what_was_noted_is_written_when_the_store_closes)
{
	fixture_open(&f);
	note(TRACE_STORED, "t1", "a@example.test", "b@example.test");
	account_unref(&f.a);
	account_unref(&f.b);
	store_close(&f.store);
	f.store = fixture_second(&f, "again");
	ck_assert_str_is(
	    found((struct trace_filter){.recipient = STR("b@example.test")}), "t1:stored");
	fixture_close(&f);
}
END_TEST

START_TEST(what_is_older_than_trace_days_is_forgotten)
{
	fixture_open(&f);
	clock_freeze(100 * 86400);
	f.store->trace_days = 10;
	note(TRACE_ACCEPTED, "t1", "a@example.test", "");
	note(TRACE_ACCEPTED, "t2", "a@example.test", "");
	clock_advance_ms(INT64_C(5) * 86400 * 1000);
	note(TRACE_DELIVERED, "t2", "a@example.test", "");
	store_tick(f.store);
	clock_advance_ms(INT64_C(6) * 86400 * 1000);
	store_tick(f.store);
	ck_assert_str_is(found((struct trace_filter){.until_s = INT64_C(1) << 40}), "t2:delivered");
	clock_advance_ms(INT64_C(6) * 86400 * 1000);
	store_tick(f.store);
	ck_assert_str_is(found((struct trace_filter){0}), "");
	CLEANUP(read_end) struct handle *h = NULL;
	int64_t n;
	ck_assert_ok(read_begin(&f.store->tracer->database, &h));
	ck_assert_ok(db_get_int(h->db, "SELECT count(*) FROM message", &n));
	ck_assert_int_eq(n, 0);
	read_end(&h);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

START_TEST(memory_for_events_is_bounded_and_strings_are_cut)
{
	char *long_text = malloc(100000);
	struct trace_event e = {
	    .kind = TRACE_DELIVERED, .trace_id = STR("t1"), .text = {long_text, 100000}};

	fixture_open(&f);
	memset(long_text, 'x', 100000);
	for (int i = 0; i < 20000; i++)
		trace_note(f.store, &e);
	ck_assert_uint_le(f.store->tracer->octets, TRACE_PENDING_MAX);
	ck_assert_uint_gt(f.store->tracer->octets, TRACE_PENDING_MAX - 5000);
	ck_assert_uint_gt(f.store->tracer->lost, 100);
	ck_assert_ok(trace_flush(f.store));
	ck_assert_uint_eq(f.store->tracer->lost, 0);
	ck_assert_uint_eq(f.store->tracer->octets, 0);
	free(long_text);
	fixture_close(&f);
}
END_TEST

/* Ids of sessions begin anew with the daemon. */
START_TEST(an_id_that_comes_again_is_another_message)
{
	struct trace_event e = {.kind = TRACE_REFUSED,
	    .trace_id = STR("7-1"),
	    .sender = STR("a@example.test"),
	    .recipient = STR("x@one.example")};

	fixture_open(&f);
	trace_note(f.store, &e); /* a recipient, before the message has come */
	e.kind = TRACE_ACCEPTED;
	e.message_id = STR("1@example.test");
	e.size = 5;
	trace_note(f.store, &e);
	ck_assert_ok(trace_flush(f.store));
	e.message_id = STR("2@example.test");
	trace_note(f.store, &e);
	e.kind = TRACE_STORED;
	trace_note(f.store, &(struct trace_event){
				.kind = TRACE_STORED, .trace_id = STR("7-1"), .sender = e.sender});
	e.kind = TRACE_DELIVERED;
	e.message_id = STR("1@example.test");
	trace_note(f.store, &e);
	ck_assert_ok(trace_flush(f.store));
	ck_assert_str_is(found((struct trace_filter){.message_id = STR("1@example.test")}),
	    "7-1:refused 7-1:accepted 7-1:delivered");
	ck_assert_str_is(found((struct trace_filter){.message_id = STR("2@example.test")}),
	    "7-1:accepted 7-1:stored");
	fixture_close(&f);
}
END_TEST

START_TEST(people_read_the_view_trace)
{
	CLEANUP(read_end) struct handle *h = NULL;
	CLEANUP(stmt_done) struct stmt *st = NULL;
	struct database *d = NULL;
	bool row = false;

	fixture_open(&f);
	note(TRACE_GIVEN_UP, "t1", "a@example.test", "b@one.example");
	ck_assert_ok(trace_flush(f.store));
	ck_assert_ok(tracer_database(f.store->tracer, &d));
	ck_assert_ok(read_begin(d, &h));
	ck_assert_ok(db_query(h->db, "SELECT event, sender, recipient, text FROM trace", &st));
	ck_assert_ok(stmt_step(st, &row));
	ck_assert(row);
	ck_assert_str_is(stmt_str(st, 0), "given-up");
	ck_assert_str_is(stmt_str(st, 2), "b@one.example");
	stmt_done(&st);
	read_end(&h);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("trace", every_event_of_a_message_is_found_by_each_of_its_names,
    messages_are_found_by_the_time_of_their_events, what_was_noted_is_written_when_the_store_closes,
    what_is_older_than_trace_days_is_forgotten, memory_for_events_is_bounded_and_strings_are_cut,
    an_id_that_comes_again_is_another_message, people_read_the_view_trace)

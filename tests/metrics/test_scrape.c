/* HTTP requests for figures: what is answered, and that nothing else is. */
#include "common/base/arena.h"
#include "common/base/clock.h"
#include "common/net/scrape.h"
#include "tests/support/test.h"

static void
collect(void *arg, struct metrics_cells *to)
{
	(void)arg;
	metrics_set(&to->unread_bytes[0], 77);
}

static const struct scrape_source source = {"pop3d", collect, NULL};

static struct str
ask(struct str request, struct arena *arena, bool *ret_closed)
{
	struct conn *c = conn_memory_open(&scrape_session_ops, scrape_session_new(&source), NULL);

	conn_memory_feed(c, request);
	struct str answer = conn_memory_output(c, arena);
	*ret_closed = conn_memory_closed(c);
	conn_memory_close(&c);
	return answer;
}

START_TEST(requests_are_answered_by_their_form)
{
	static const struct {
		const char *request, *answer;
	} rows[] = {
	    {"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
	    {"GET /metrics HTTP/1.0\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
	    {"GET /status HTTP/1.1\r\nhost: x\r\nAccept: */*\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
	    {"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
	    /* RFC 9112 §3.2.2 */
	    {"GET http://x.test:9100/metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 200 OK\r\n"},
	    {"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 "},
	    {"GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
	    {"GET http://x HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
	    {"GET /metrics/../etc HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
	    {"GET /metrics?x HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 404 "},
	    {"POST /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 "},
	    {"get /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405 "},
	    {"GET /metrics HTTP/2.0\r\nHost: x\r\n\r\n", "HTTP/1.1 505 "},
	    /* RFC 9112 §3.2: exactly one Host */
	    {"GET /metrics HTTP/1.1\r\n\r\n", "HTTP/1.1 400 "},
	    {"GET /metrics HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "HTTP/1.1 400 "},
	    /* what content there is would be another request to somebody else */
	    {"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n", "HTTP/1.1 400 "},
	    {"GET /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n",
		"HTTP/1.1 400 "},
	    /* RFC 9112 §5.1, §5.2, §2.2 */
	    {"GET /metrics HTTP/1.1\r\nHost : x\r\n\r\n", "HTTP/1.1 400 "},
	    {"GET /metrics HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", "HTTP/1.1 400 "},
	    {"GET /metrics HTTP/1.1\r\nHost: x\nX: y\r\n\r\n", "HTTP/1.1 400 "},
	    {"GET /metrics HTTP/1.1\r\nHost: x\rX: y\r\n\r\n", "HTTP/1.1 400 "},
	    {"GET /metrics HTTP/1.1\r\nno field\r\n\r\n", "HTTP/1.1 400 "},
	    {"GET  /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 400 "},
	    {"GET /metrics\r\n\r\n", "HTTP/1.1 400 "},
	    {"EHLO mail.example\r\n\r\n", "HTTP/1.1 400 "},
	    {"\r\n\r\n", "HTTP/1.1 400 "},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(4 << 20);
		bool closed;
		struct str got = ask(str_of(rows[i].request), arena, &closed);
		ck_assert_msg(str_starts(got, str_of(rows[i].answer)), "%s: %.*s", rows[i].request,
		    STR_ARG(got));
		ck_assert_msg(closed, "%s", rows[i].request);
	}
}
END_TEST

static struct str
content_of(struct str answer)
{
	return str_skip(answer, str_find_nocase(answer, STR("\r\n\r\n")) + 4);
}

START_TEST(figures_have_their_type_and_their_length)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4 << 20);
	bool closed;
	struct str got =
	    ask(STR("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"), arena, &closed);
	struct str content = content_of(got);
	struct str length = arena_printf(arena, "\r\nContent-Length: %zu\r\n", content.n);

	ck_assert_uint_ne(
	    str_find_nocase(got, STR("Content-Type: text/plain; version=0.0.4")), STR_NONE);
	ck_assert_uint_ne(str_find_nocase(got, length), STR_NONE);
	ck_assert(str_starts(content, STR("# HELP pillarbox_")));
	ck_assert_uint_ne(
	    str_find_nocase(content, STR("pillarbox_unread_bytes{daemon=\"pop3d\"} 77\n")),
	    STR_NONE);
}
END_TEST

START_TEST(head_has_no_content)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4 << 20);
	bool closed;
	struct str got =
	    ask(STR("HEAD /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"), arena, &closed);

	ck_assert_uint_eq(content_of(got).n, 0);
}
END_TEST

START_TEST(status_is_an_object)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4 << 20);
	bool closed;
	struct str got =
	    ask(STR("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n"), arena, &closed);
	struct str content = content_of(got);

	ck_assert(str_starts(content, STR("{\"daemon\":\"pop3d\",\"version\":\"")));
	ck_assert(str_ends_nocase(content, STR("}}\n")));
}
END_TEST

START_TEST(a_request_may_come_octet_by_octet)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4 << 20);
	const struct str request = STR("GET /status HTTP/1.1\r\nHost: localhost\r\n\r\n");
	struct conn *c = conn_memory_open(&scrape_session_ops, scrape_session_new(&source), NULL);

	for (size_t i = 0; i < request.n; i++) {
		ck_assert(!conn_memory_closed(c));
		ck_assert_uint_eq(conn_memory_output(c, arena).n, 0);
		conn_memory_feed(c, str_sub(request, i, 1));
	}
	ck_assert(str_starts(conn_memory_output(c, arena), STR("HTTP/1.1 200 OK\r\n")));
	ck_assert(conn_memory_closed(c));
	conn_memory_close(&c);
}
END_TEST

START_TEST(a_request_without_end_is_refused_at_its_limit)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(4 << 20);
	struct conn *c = conn_memory_open(&scrape_session_ops, scrape_session_new(&source), NULL);
	size_t sent = 0;

	while (!conn_memory_closed(c) && sent < 100000) {
		conn_memory_feed(c, STR("GET /metrics HTTP/1.1 "));
		sent += 22;
	}
	ck_assert_uint_lt(sent, SCRAPE_REQUEST_MAX + 100);
	ck_assert(str_starts(conn_memory_output(c, arena), STR("HTTP/1.1 431 ")));
	conn_memory_close(&c);
}
END_TEST

START_TEST(who_sends_nothing_is_closed_in_time)
{
	clock_freeze(1000000);
	struct conn *c = conn_memory_open(&scrape_session_ops, scrape_session_new(&source), NULL);
	clock_advance_ms(SCRAPE_MS - 1);
	conn_memory_run(c);
	ck_assert(!conn_memory_closed(c));
	conn_memory_feed(c, STR("GET")); /* earns no more time */
	clock_advance_ms(2);
	conn_memory_run(c);
	ck_assert(conn_memory_closed(c));
	conn_memory_close(&c);
	clock_thaw();
}
END_TEST

START_TEST(who_leaves_early_is_forgotten)
{
	struct conn *c = conn_memory_open(&scrape_session_ops, scrape_session_new(&source), NULL);

	conn_memory_feed(c, STR("GET /metrics"));
	conn_memory_eof(c);
	ck_assert(conn_memory_closed(c));
	conn_memory_close(&c);
}
END_TEST

TEST_MAIN("scrape", requests_are_answered_by_their_form, figures_have_their_type_and_their_length,
    head_has_no_content, status_is_an_object, a_request_may_come_octet_by_octet,
    a_request_without_end_is_refused_at_its_limit, who_sends_nothing_is_closed_in_time,
    who_leaves_early_is_forgotten)

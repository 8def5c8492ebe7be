/* Searches whose results are kept up to date: RFC 5267 §4. */
#include "common/base/clock.h"
#include "imapd/context.h"
#include "tests/imapd/imap_fixture.h"

struct exchange {
	int who; /* 0: the one with the context, 1: another */
	const char *send, *expect;
};

static void
run(struct imap_fixture *f, const struct exchange *rows, size_t n)
{
	struct conn *other = imap_fixture_connect(f);

	ck_exchange_on(other, "0 SELECT Box", "0 OK");
	for (size_t i = 0; i < n; i++)
		ck_exchange_on(rows[i].who ? other : f->conn, rows[i].send, rows[i].expect);
}

/* §4.3.2 to §4.3.4 */
START_TEST(a_search_is_kept_up_to_date)
{
	static const struct exchange rows[] = {
	    {0, "1 SELECT Box", "1 OK"},
	    {0, "B01 UID SEARCH RETURN (UPDATE COUNT) FLAGGED",
		"* ESEARCH (TAG \"B01\") UID COUNT 0\nB01 OK"},
	    {1, "1 STORE 2:4,6 +FLAGS.SILENT (\\Flagged)", "1 OK"},
	    {0, "2 NOOP",
		"* 2 FETCH\n* 6 FETCH\n* ESEARCH (TAG \"B01\") UID ADDTO (0 2:4,6)\n2 OK"},
	    {0, "3 NOOP", "!* ESEARCH\n3 OK"},
	    /* what the session does itself counts as well */
	    {0, "4 STORE 3 -FLAGS (\\Flagged)",
		"* 3 FETCH\n* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 3)\n4 OK"},
	    {0, "5 STORE 1 FLAGS.SILENT (\\Flagged)",
		"* ESEARCH (TAG \"B01\") UID ADDTO (0 1)\n5 OK"},
	    {0, "6 STORE 1 +FLAGS.SILENT (\\Seen)", "!* ESEARCH\n6 OK"},
	    {1, "2 STORE 2,4 +FLAGS.SILENT (\\Deleted)", "2 OK"},
	    {1, "3 STORE 1 -FLAGS.SILENT (\\Flagged)", "3 OK"},
	    {1, "4 EXPUNGE", "4 OK"},
	    /* expunges have to wait here, and their REMOVEFROM with them */
	    {0, "7 FETCH 1 UID",
		"!* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 2\n"
		"* 1 FETCH\n* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 1)\n7 OK"},
	    {0, "8 NOOP",
		"* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 2,4)\n"
		"* 2 EXPUNGE\n* 3 EXPUNGE\n8 OK"},
	    {1, "5 COPY 4 Box", "5 OK"}, /* UID 6, which is flagged */
	    {0, "9 NOOP", "* 8 EXISTS\n* ESEARCH (TAG \"B01\") UID ADDTO (0 10)\n9 OK"},
	    {0, "10 SEARCH RETURN (UPDATE) FLAGGED", "* ESEARCH (TAG \"10\")\n10 OK"},
	    {1, "6 STORE 8 -FLAGS.SILENT (\\Flagged)", "6 OK"},
	    {0, "11 NOOP",
		"* ESEARCH (TAG \"B01\") UID REMOVEFROM (0 10)\n"
		"* ESEARCH (TAG \"10\") REMOVEFROM (0 8)\n11 OK"},
	    /* §4.3.5 */
	    {0, "12 CANCELUPDATE \"B01\"", "12 OK"},
	    {0, "13 CANCELUPDATE \"B01\"", "13 NO"},
	    {1, "7 STORE 8 +FLAGS.SILENT (\\Flagged)", "7 OK"},
	    {0, "14 NOOP", "!* ESEARCH (TAG \"B01\")\n* ESEARCH (TAG \"10\") ADDTO (0 8)\n14 OK"},
	    {0, "15 CANCELUPDATE", "15 BAD"},
	    /* it ends with the selected mailbox */
	    {0, "16 SELECT Box", "16 OK"},
	    {1, "8 STORE 8 -FLAGS.SILENT (\\Flagged)", "8 OK"},
	    {0, "17 NOOP", "!* ESEARCH\n17 OK"},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:9");

	run(f, rows, ARRAY_LEN(rows));
}
END_TEST

/* Numbers are right when they come: before EXPUNGE (§4.3.4), behind EXISTS (§4.3.3). */
START_TEST(sequence_numbers_are_those_of_the_moment)
{
	static const struct exchange rows[] = {
	    {0, "1 SELECT Box", "1 OK"},
	    {0, "C SEARCH RETURN (UPDATE ALL) UNSEEN", "* ESEARCH (TAG \"C\") ALL 1:9\nC OK"},
	    {1, "1 STORE 1,3,9 +FLAGS.SILENT (\\Deleted)", "1 OK"},
	    {1, "2 STORE 5 +FLAGS.SILENT (\\Seen)", "2 OK"},
	    {1, "3 EXPUNGE", "3 OK"},
	    {1, "4 COPY 1:2 Box", "4 OK"},
	    {0, "2 NOOP",
		"* ESEARCH (TAG \"C\") REMOVEFROM (0 1,3,9)\n* 1 EXPUNGE\n* 2 EXPUNGE\n* 7 "
		"EXPUNGE\n"
		"* 3 FETCH\n* 8 EXISTS\n* ESEARCH (TAG \"C\") REMOVEFROM (0 3)\n"
		"* ESEARCH (TAG \"C\") ADDTO (0 7:8)\n2 OK"},
	    /* §4.3: numbers in the program are those of when it was sent */
	    {0, "D SEARCH RETURN (UPDATE COUNT) 1:2 FLAGGED",
		"* ESEARCH (TAG \"D\") COUNT 0\nD OK"},
	    {1, "5 STORE 1 +FLAGS.SILENT (\\Deleted)", "5 OK"},
	    {1, "6 EXPUNGE", "6 OK"},
	    {1, "7 STORE 1:2 +FLAGS.SILENT (\\Flagged)", "7 OK"},
	    {0, "3 NOOP",
		"* ESEARCH (TAG \"C\") REMOVEFROM (0 1)\n* 1 EXPUNGE\n"
		"* ESEARCH (TAG \"D\") ADDTO (0 1)\n3 OK"},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:9");

	run(f, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(texts_and_new_keywords_are_matched)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:3");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Box", "1 OK");
	ck_exchange_on(other, "1 SELECT Box", "1 OK");
	ck_exchange(
	    f, "a UID SEARCH RETURN (UPDATE ALL) TEXT needle", "* ESEARCH (TAG \"a\") UID\na OK");
	ck_exchange(
	    f, "b UID SEARCH RETURN (UPDATE ALL) KEYWORD later", "* ESEARCH (TAG \"b\") UID\nb OK");
	ck_exchange(f, "c UID SEARCH RETURN (UPDATE ALL) NOT KEYWORD later",
	    "* ESEARCH (TAG \"c\") UID ALL 1:3\nc OK");
	ck_exchange_on(other, "2 STORE 2 +FLAGS.SILENT (later)", "2 OK");
	imap_fixture_deliver(f, "Box", STR("Subject: x\r\n\r\nhay and needle\r\n"));
	imap_fixture_deliver(f, "Box", STR("Subject: x\r\n\r\nhay\r\n"));
	ck_exchange(f, "2 NOOP",
	    "* 5 EXISTS\n* ESEARCH (TAG \"a\") UID ADDTO (0 4)\n"
	    "* ESEARCH (TAG \"b\") UID ADDTO (0 2)\n"
	    "* ESEARCH (TAG \"c\") UID REMOVEFROM (0 2)\n"
	    "* ESEARCH (TAG \"c\") UID ADDTO (0 4:5)\n2 OK");
	/* in IDLE, too */
	ck_exchange(f, "3 IDLE", "+");
	imap_fixture_deliver(f, "Box", STR("Subject: needle\r\n\r\nhay\r\n"));
	conn_wake(f->conn);
	ck_exchange(f, "DONE",
	    "* 6 EXISTS\n* ESEARCH (TAG \"a\") UID ADDTO (0 6)\n"
	    "* ESEARCH (TAG \"c\") UID ADDTO (0 6)\n3 OK");
}
END_TEST

/* §4.3.3, §4.3.4 with places; CONTEXT=SORT */
START_TEST(a_sorted_result_is_kept_in_order)
{
	static const struct exchange rows[] = {
	    {0, "1 SELECT Box", "1 OK"},
	    {1, "1 STORE 2,4,6 +FLAGS.SILENT (\\Flagged)", "1 OK"},
	    {0, "2 NOOP", "2 OK"},
	    {0, "S UID SORT RETURN (UPDATE ALL) (REVERSE SUBJECT) UTF-8 FLAGGED",
		"* ESEARCH (TAG \"S\") UID ALL 6,4,2\nS OK"},
	    {1, "2 STORE 1,3,5,8:9 +FLAGS.SILENT (\\Flagged)", "2 OK"}, /* 9 8 6 5 4 3 2 1 */
	    {0, "3 NOOP", "* ESEARCH (TAG \"S\") UID ADDTO (1 9 2 8 4 5 6 3 8 1)\n3 OK"},
	    {1, "3 STORE 4:5,9 -FLAGS.SILENT (\\Flagged)", "3 OK"}, /* 8 6 3 2 1 */
	    {0, "4 NOOP", "* ESEARCH (TAG \"S\") UID REMOVEFROM (1 9 3 5 3 4)\n4 OK"},
	    {1, "4 STORE 6,2 +FLAGS.SILENT (\\Deleted)", "4 OK"},
	    {1, "5 EXPUNGE", "5 OK"},
	    {1, "6 STORE 7 +FLAGS.SILENT (\\Flagged)", "6 OK"}, /* 9 8 3 1 */
	    {0, "5 NOOP",
		"* ESEARCH (TAG \"S\") UID REMOVEFROM (2 6 3 2)\n* 2 EXPUNGE\n* 5 EXPUNGE\n"
		"* ESEARCH (TAG \"S\") UID ADDTO (1 9)\n5 OK"},
	    {0, "T SORT RETURN (UPDATE ALL) (SUBJECT) UTF-8 FLAGGED",
		"* ESEARCH (TAG \"T\") ALL 1:2,6:7\nT OK"},
	    {1, "7 STORE 3:5 +FLAGS.SILENT (\\Flagged)", "7 OK"}, /* UIDs 4 5 7 */
	    {0, "6 NOOP",
		"* ESEARCH (TAG \"S\") UID ADDTO (3 7 4 5 5 4)\n"
		"* ESEARCH (TAG \"T\") ADDTO (3 3:5)\n6 OK"},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:9");

	run(f, rows, ARRAY_LEN(rows));
}
END_TEST

/* §4.3, §4.3.1 */
START_TEST(too_many_contexts_are_refused)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:3");
	char send[100], expect[100];

	ck_exchange(f, "1 SELECT Box", "1 OK");
	for (int i = 0; i < CONTEXTS_MAX; i++) {
		snprintf(send, sizeof(send), "c%d SEARCH RETURN (UPDATE CONTEXT COUNT) ALL", i);
		snprintf(
		    expect, sizeof(expect), "!* NO\n* ESEARCH (TAG \"c%d\") COUNT 3\nc%d OK", i, i);
		ck_exchange(f, send, expect);
	}
	ck_exchange(f, "d SEARCH RETURN (UPDATE COUNT) ALL",
	    "* NO [NOUPDATE \"d\"]\n* ESEARCH (TAG \"d\") COUNT 3\nd OK");
	ck_exchange(f, "c1 SORT RETURN (UPDATE COUNT) (DATE) UTF-8 ALL", "c1 BAD");
	ck_exchange(f, "e CANCELUPDATE \"c1\" \"c2\"", "e OK");
	ck_exchange(f, "c1 SEARCH RETURN (UPDATE COUNT) ALL",
	    "!* NO\n* ESEARCH (TAG \"c1\") COUNT 3\nc1 OK");
	ck_exchange(f,
	    "i CANCELUPDATE \"1\" \"1\" \"1\" \"1\" \"1\" \"1\" \"1\" \"1\" \"1\" \"1\" \"1\" "
	    "\"1\" \"1\" "
	    "\"1\" \"1\" \"1\" \"1\"",
	    "i NO [LIMIT]");
	/* the order of all would change with each message */
	ck_exchange(f, "f SORT RETURN (UPDATE COUNT) (RELEVANCY) UTF-8 FUZZY SUBJECT message",
	    "* NO [NOUPDATE \"f\"]\n* ESEARCH (TAG \"f\") COUNT 3\nf OK");
	/* what can't be searched is no context */
	ck_exchange(f, "g SEARCH RETURN (UPDATE) BOGUS", "g BAD");
	ck_exchange(f, "h CANCELUPDATE \"g\"", "h NO");
}
END_TEST

/* RFC 5032 §2: time goes by; what has grown older is told with the next news. */
START_TEST(ages_are_looked_at_again)
{
	static const int64_t now = 1700000000;

	clock_freeze(now);
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:0");
	ck_exchange(f, "0 APPEND Box {14+}\nSubject: x\n\n", "0 OK"); /* arrives now */
	ck_exchange(f, "1 SELECT Box", "* 1 EXISTS\n1 OK");
	ck_exchange(f, "a UID SEARCH RETURN (UPDATE ALL) YOUNGER 50",
	    "* ESEARCH (TAG \"a\") UID ALL 1\na OK");
	ck_exchange(
	    f, "b UID SEARCH RETURN (UPDATE ALL) OLDER 50", "* ESEARCH (TAG \"b\") UID\nb OK");
	clock_advance_ms(60000);
	ck_exchange(f, "2 APPEND Box {14+}\nSubject: y\n\n",
	    "* 2 EXISTS\n* ESEARCH (TAG \"a\") UID REMOVEFROM (0 1)\n"
	    "* ESEARCH (TAG \"a\") UID ADDTO (0 2)\n* ESEARCH (TAG \"b\") UID ADDTO (0 1)\n2 OK");
	clock_thaw();
}
END_TEST

START_TEST(a_result_that_is_too_large_is_not_kept)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:3");
	struct imap_cmd cmd = {.tag = "big"};
	struct imap_args args;
	struct context *x = NULL;
	const struct sort_program by_date = {.criteria = {{SORT_DATE, false}}, .n = 1};
	const struct search_result runs = {.n = CONTEXT_RUNS_MAX + 1};
	const struct search_result messages = {.n = 1, .count = CONTEXT_SORTED_MAX + 1};

	ck_exchange(f, "1 SELECT Box", "1 OK");
	imap_args_init(&args, STR("ALL"), f->arena);
	ck_assert_ok(context_new(f->session, &cmd, &args, NULL, &(struct search_return){0}, &x));
	ck_assert_ok(context_begin(&x, f->session, &runs));
	ck_assert_ptr_null(x);
	imap_args_init(&args, STR(" UTF-8 ALL"), f->arena);
	ck_assert_ok(
	    context_new(f->session, &cmd, &args, &by_date, &(struct search_return){0}, &x));
	ck_assert_ok(context_begin(&x, f->session, &messages));
	ck_assert_ptr_null(x);
	ck_exchange(f, "2 NOOP", "* NO [NOUPDATE \"big\"]\n* NO [NOUPDATE \"big\"]\n2 OK");
	ck_exchange(f, "3 CANCELUPDATE \"big\"", "3 NO");
}
END_TEST

/* RFC 7377 §2.2 */
START_TEST(esearch_keeps_the_selected_mailbox_up_to_date)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:3", "Other:2");

	ck_exchange(f, "1 ESEARCH IN (mailboxes Box) RETURN (UPDATE) ALL", "1 BAD");
	ck_exchange(f, "2 SELECT Box", "2 OK");
	ck_exchange(f, "a ESEARCH IN (mailboxes (Box Other)) RETURN (UPDATE ALL) UNSEEN",
	    "* ESEARCH (TAG \"a\" MAILBOX Box UIDVALIDITY #) UID ALL 1:3\n"
	    "* ESEARCH (TAG \"a\" MAILBOX Other UIDVALIDITY #) UID ALL 1:2\na OK");
	ck_exchange(f, "3 STORE 2 +FLAGS.SILENT (\\Seen)",
	    "* ESEARCH (TAG \"a\" MAILBOX Box UIDVALIDITY #) UID REMOVEFROM (0 2)\n3 OK");
	ck_exchange(f, "4 CANCELUPDATE a", "4 OK");
	/* nothing found is told of it, but then it may come */
	ck_exchange(f, "b ESEARCH RETURN (UPDATE ALL) FLAGGED", "!* ESEARCH\nb OK");
	ck_exchange(f, "5 STORE 3 +FLAGS.SILENT (\\Flagged)",
	    "* ESEARCH (TAG \"b\" MAILBOX Box UIDVALIDITY #) UID ADDTO (0 3)\n5 OK");
}
END_TEST

/* -- a client that believes what it is told ------------------------------------------------------
 */

#define LISTED_MAX 400

/* The result of one context, as its client has it. */
struct listed {
	const char *tag, *search; /* how it was asked for, without RETURN */
	bool uid, sorted;
	uint32_t number[LISTED_MAX];
	size_t n;
};

static void
insert(struct listed *l, size_t at, uint32_t number)
{
	ck_assert_uint_lt(l->n, LISTED_MAX);
	ck_assert_uint_le(at, l->n);
	memmove(&l->number[at + 1], &l->number[at], (l->n - at) * sizeof(l->number[0]));
	l->number[at] = number;
	l->n++;
}

static void
remove_at(struct listed *l, size_t at)
{
	memmove(&l->number[at], &l->number[at + 1], (l->n - at - 1) * sizeof(l->number[0]));
	l->n--;
}

static size_t
place_of(const struct listed *l, uint32_t number)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->number[i] == number)
			return i;
	return SIZE_MAX;
}

/* One number of a pair: `place` from 1 on, or 0. */
static void
apply(struct listed *l, bool adds, uint32_t place, uint32_t number)
{
	size_t at = place_of(l, number);

	ck_assert_msg(
	    (at == SIZE_MAX) == adds, "%s: %u is%s there", l->tag, number, adds ? "" : " not");
	if (!adds) {
		ck_assert_msg(place == 0 || at == place - 1, "%s: %u is at %zu, not %u", l->tag,
		    number, at + 1, place);
		remove_at(l, at);
		return;
	}
	for (at = 0; place == 0 && at < l->n && l->number[at] < number; at++)
		;
	insert(l, place ? place - 1 : at, number);
}

/* "(1 2733 1 2731:2732,5)" */
static void
apply_pairs(struct listed *l, bool adds, const char *p)
{
	while (*p != ')') {
		uint32_t place = (uint32_t)strtoul(p + 1, (char **)&p, 10);
		do {
			uint32_t lo = (uint32_t)strtoul(p + 1, (char **)&p, 10);
			uint32_t hi = *p == ':' ? (uint32_t)strtoul(p + 1, (char **)&p, 10) : lo;
			for (; lo <= hi; lo++) {
				apply(l, adds, place, lo);
				if (place > 0 && adds)
					place++;
			}
		} while (*p == ',');
	}
}

/* A message is gone: numbers behind it are one less; its own must have been removed before. */
static void
count_down(struct listed *l, uint32_t seq)
{
	for (size_t i = 0; i < l->n && !l->uid; i++) {
		ck_assert_msg(l->number[i] != seq, "%s: %u is expunged", l->tag, seq);
		if (l->number[i] > seq)
			l->number[i]--;
	}
}

static void
believe(struct listed *l, size_t n, struct str got)
{
	CLEANUP(mem_free) char *text = strndup(got.p, got.n);
	char *rest = text;

	for (char *line; (line = strsep(&rest, "\r"));) {
		if (rest && *rest == '\n')
			rest++;
		unsigned seq;
		char end[16];
		if (sscanf(line, "* %u %15s", &seq, end) == 2 && strcmp(end, "EXPUNGE") == 0)
			for (size_t i = 0; i < n; i++)
				count_down(&l[i], seq);
		for (size_t i = 0; i < n; i++) {
			char head[40];
			int head_n = snprintf(head, sizeof(head), "* ESEARCH (TAG \"%s\")%s ",
			    l[i].tag, l[i].uid ? " UID" : "");
			if (strncmp(line, head, (size_t)head_n) != 0)
				continue;
			const char *what = line + head_n;
			const char *pairs = strchr(what, '(');
			if (strncmp(what, "ADDTO ", 6) == 0)
				apply_pairs(&l[i], true, pairs);
			else if (strncmp(what, "REMOVEFROM ", 11) == 0)
				apply_pairs(&l[i], false, pairs);
		}
	}
}

/* What the server finds now is what the client has been led to. */
static void
compare(struct imap_fixture *f, const struct listed *l)
{
	CLEANUP(sbuf_done) struct sbuf send = SBUF_INIT(200);
	CLEANUP(sbuf_done) struct sbuf expect = SBUF_INIT(8000);

	sbuf_printf(
	    &send, "x %s%s %s", l->uid ? "UID " : "", l->sorted ? "SORT" : "SEARCH", l->search);
	sbuf_printf(&expect, "* %s", l->sorted ? "SORT" : "SEARCH");
	for (size_t i = 0; i < l->n; i++)
		sbuf_printf(&expect, " %u", l->number[i]);
	sbuf_puts(&expect, "\r\n");
	struct str got = imap_fixture_ask(f, f->conn, sbuf_cstr(&send));
	ck_assert_msg(str_starts(got, sbuf_view(&expect)), "%s: the client has %s, the server %.*s",
	    l->tag, sbuf_cstr(&expect), STR_ARG(got));
}

static uint32_t
draw(uint32_t *seed, uint32_t n)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (*seed >> 8) % n;
}

static void
do_something(struct imap_fixture *f, struct conn *c, uint32_t *seed, struct sbuf *send)
{
	static const char *const flags[] = {"\\Seen", "\\Flagged", "\\Deleted", "odd"};
	char text[80];
	uint32_t lo = draw(seed, 12) + 1;

	sbuf_clear(send);
	switch (draw(seed, 8)) {
	case 0:
		snprintf(text, sizeof(text), "Subject: %u\r\n\r\n", draw(seed, 30));
		imap_fixture_deliver(f, "Box", str_of(text));
		sbuf_puts(send, "y CHECK");
		break;
	case 1:
		sbuf_puts(send, "y EXPUNGE");
		break;
	case 2:
		sbuf_puts(send, "y UID SEARCH RETURN (COUNT) ALL");
		break;
	case 3:
		sbuf_printf(send, "y UID COPY %u Box", lo);
		break;
	default:
		sbuf_printf(send, "y %sSTORE %u:%u %cFLAGS%s (%s)", draw(seed, 2) ? "UID " : "", lo,
		    lo + draw(seed, 4), "+-"[draw(seed, 2)], draw(seed, 2) ? ".SILENT" : "",
		    flags[draw(seed, ARRAY_LEN(flags))]);
	}
	if (c != f->conn)
		imap_fixture_ask(f, c, sbuf_cstr(send));
}

START_TEST(a_client_that_believes_what_it_is_told_has_the_result)
{
	static struct listed lists[] = {
	    {.tag = "a", .search = "FLAGGED", .uid = true},
	    {.tag = "b", .search = "NOT SEEN"},
	    {.tag = "c", .search = "OR KEYWORD odd SUBJECT 2"},
	    {.tag = "d", .search = "(REVERSE SUBJECT) UTF-8 UNSEEN", .uid = true, .sorted = true},
	    {.tag = "e", .search = "(SUBJECT) UTF-8 NOT FLAGGED", .sorted = true},
	};
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:9");
	CLEANUP(sbuf_done) struct sbuf send = SBUF_INIT(200);
	struct conn *other = imap_fixture_connect(f);
	uint32_t seed = 20267;

	ck_exchange(f, "1 SELECT Box", "1 OK");
	ck_exchange_on(other, "1 SELECT Box", "1 OK");
	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct listed *l = &lists[i];
		sbuf_clear(&send);
		sbuf_printf(&send, "%s %s%s RETURN (UPDATE COUNT) %s", l->tag, l->uid ? "UID " : "",
		    l->sorted ? "SORT" : "SEARCH", l->search);
		imap_fixture_ask(f, f->conn, sbuf_cstr(&send));
		bool all = i == 1 || i > 2;
		for (uint32_t n = 1; all && n <= 9; n++)
			insert(l, l->n, i == 3 ? 10 - n : n);
	}
	insert(&lists[2], 0, 2); /* "message 2" */
	for (int round = 0; round < 400; round++) {
		struct conn *c = draw(&seed, 3) ? other : f->conn;
		do_something(f, c, &seed, &send);
		if (c == f->conn)
			believe(lists, ARRAY_LEN(lists),
			    imap_fixture_ask(f, f->conn, sbuf_cstr(&send)));
		if (draw(&seed, 4) > 0)
			continue;
		believe(lists, ARRAY_LEN(lists), imap_fixture_ask(f, f->conn, "z NOOP"));
		for (size_t i = 0; i < ARRAY_LEN(lists); i++)
			compare(f, &lists[i]);
	}
}
END_TEST

/* However many contexts of however long programs: a session holds so much and no more. */
START_TEST(contexts_together_hold_a_bounded_number_of_octets)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Box:3");
	CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(100000);
	unsigned kept = 0, refused = 0;

	ck_exchange(f, "1 SELECT Box", "1 OK");
	for (unsigned i = 0; i < CONTEXTS_MAX; i++) {
		sbuf_clear(&line);
		sbuf_printf(&line, "C%u SEARCH RETURN (UPDATE COUNT)", i);
		for (unsigned k = 0; k < 990; k++)
			sbuf_printf(&line, " BODY %050u", k);
		struct str got = imap_fixture_ask(f, f->conn, sbuf_cstr(&line));
		bool no = str_find_nocase(got, STR("NOUPDATE")) != STR_NONE;
		kept += !no;
		refused += no;
		ck_assert_msg(str_find_nocase(got, STR(" OK ")) != STR_NONE, "%.*s", STR_ARG(got));
	}
	ck_assert_uint_gt(kept, 0);
	ck_assert_uint_gt(refused, 0);
	ck_exchange(f, "2 CANCELUPDATE \"C0\"", "2 OK");
	ck_exchange(f, "3 SEARCH RETURN (UPDATE COUNT) ALL", "* ESEARCH (TAG \"3\") COUNT 3\n3 OK");
}
END_TEST

TEST_MAIN("context", a_search_is_kept_up_to_date, sequence_numbers_are_those_of_the_moment,
    texts_and_new_keywords_are_matched, a_sorted_result_is_kept_in_order,
    too_many_contexts_are_refused, esearch_keeps_the_selected_mailbox_up_to_date,
    ages_are_looked_at_again, a_result_that_is_too_large_is_not_kept,
    contexts_together_hold_a_bounded_number_of_octets,
    a_client_that_believes_what_it_is_told_has_the_result)

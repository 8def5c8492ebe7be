#include "imapd/sort_items.h"
#include "tests/imapd/imap_fixture.h"

#define DAY 86400

static void
put(struct imap_fixture *f, int64_t internal_s, const char *message)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	uint32_t uidvalidity;

	ck_assert_ok(spool_new(f->store, &spool));
	for (const char *p = message; *p; p++)
		ck_assert_ok(*p == '\n' ? spool_write(spool, "\r\n", 2) : spool_write(spool, p, 1));
	struct append item = {.spool = spool, .internal_s = internal_s};
	ck_assert_ok(
	    message_append(f->account, imap_fixture_mailbox(f, "Box"), &item, 1, &uidvalidity));
}

/* UIDs are ten more than sequence numbers. */
static struct imap_fixture *
open_box(void)
{
	struct imap_fixture *f = imap_fixture_open("Box:10");

	ck_exchange(f, "1 SELECT Box", "* 10 EXISTS\n1 OK");
	ck_exchange(f, "2 STORE 1:* +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange(f, "3 EXPUNGE", "3 OK");
	/* 1 */
	put(f, 5000 * DAY,
	    "From: Zoe <anna@example.test>\nTo: b@example.test\nSubject: Re: banana\n"
	    "Date: Mon, 1 Jan 2001 00:01:33 +0000\n\n1\n");
	/* 2: the same moment, in another zone (RFC 5256 §2.2) */
	put(f, 4000 * DAY,
	    "From: bert@example.test\nTo: Ann <a@example.test>, z@example.test\n"
	    "Cc: \"x y\"@example.test\nSubject: [list] Apple\n"
	    "Date: Sun, 31 Dec 2000 16:01:33 -0800\n\n22\n");
	/* 3: no date, so 6000 * DAY, which is 6 June 1986 */
	put(f, 6000 * DAY,
	    "From: =?utf-8?Q?=C3=84rger?= <CARL@example.test>\nTo: Group: ;\n"
	    "Subject: =?utf-8?Q?_b=61nana?= (fwd)\n\n333\n");
	/* 4: a time that is none; the earliest date */
	put(f, 1000 * DAY,
	    "From: \"\" <carl@example.test>\nTo: nowhere\nSubject: cherry\n"
	    "Date: 2 Jan 1980 99:00:00\n\n4444\n");
	/* 5: nothing at all */
	put(f, 3000 * DAY, "X-Nothing: 5\n\n55555\n");
	ck_exchange(f, "4 NOOP", "* 5 EXISTS\n4 OK");
	return f;
}

START_TEST(messages_are_sorted_by_each_key)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_box();
	static const struct {
		const char *criteria;
		const char *order;
	} rows[] = {
	    {"ARRIVAL", "4 5 2 1 3"},
	    {"REVERSE ARRIVAL", "3 1 2 5 4"},
	    {"CC", "1 3 4 5 2"},
	    {"DATE", "5 4 3 1 2"}, /* a tie stays in the order of the mailbox */
	    {"REVERSE DATE", "1 2 3 4 5"},
	    {"FROM", "5 1 2 3 4"}, /* CARL and carl are alike */
	    {"REVERSE FROM", "3 4 2 1 5"},
	    {"SIZE", "5 4 3 1 2"},
	    {"SUBJECT", "5 2 1 3 4"},
	    {"reverse subject", "4 1 3 2 5"},
	    {"TO", "5 2 1 3 4"},
	    {"SUBJECT REVERSE DATE", "5 2 1 3 4"},
	    {"SUBJECT DATE", "5 2 3 1 4"},
	    {"SUBJECT REVERSE ARRIVAL", "5 2 3 1 4"},
	    {"FROM REVERSE SIZE", "5 1 2 3 4"},
	    {"FROM ARRIVAL", "5 1 2 4 3"},
	    {"FROM FROM REVERSE FROM ARRIVAL", "5 1 2 4 3"},
	    {"DATE ARRIVAL", "5 4 3 2 1"},
	    /* RFC 5957 §4 */
	    {"DISPLAYFROM", "5 3 2 4 1"},
	    {"REVERSE DISPLAYFROM", "1 4 2 3 5"},
	    {"DISPLAYTO", "5 2 1 3 4"},
	    {"DISPLAYTO SUBJECT REVERSE SIZE CC FROM DATE ARRIVAL DISPLAYFROM TO", "5 2 1 3 4"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf send = SBUF_INIT(1000);
		CLEANUP(sbuf_done) struct sbuf expect = SBUF_INIT(1000);
		sbuf_printf(&send, "s SORT (%s) UTF-8 ALL", rows[i].criteria);
		sbuf_printf(&expect, "* SORT %s\r\ns OK SORT completed\r\n", rows[i].order);
		struct str got = imap_fixture_ask(f, f->conn, sbuf_cstr(&send));
		ck_assert_msg(str_eq(got, sbuf_view(&expect)), "%s: expected %s, got %.*s",
		    rows[i].criteria, rows[i].order, STR_ARG(got));
	}
}
END_TEST

START_TEST(sort_speaks)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_box();
	static const struct dialogue rows[] = {
	    /* BASE.6.4.SORT */
	    {"a UID SORT (SUBJECT) UTF-8 ALL", "* SORT 15 12 11 13 14\na OK UID SORT completed"},
	    {"b SORT (SUBJECT) US-ASCII 2:4 SUBJECT banana", "* SORT 3\nb OK SORT completed"},
	    {"c SORT (DATE) UTF-8 UID 11,13 NOT DELETED", "* SORT 3 1\nc OK"},
	    {"d SORT (SUBJECT) US-ASCII TEXT \"not in mailbox\"", "* SORT\nd OK SORT completed"},
	    {"e SORT (SUBJECT) \"utf-8\" OR TEXT 22 TEXT 333", "* SORT 2 3\ne OK"},
	    {"f SORT (DATE) ISO-8859-1 ALL", "* SORT 5 4 3 1 2\nf OK"},
	    {"g SORT (DATE) X-UNHEARD-OF ALL", "g NO [BADCHARSET"},
	    {"h SORT (DATE) ALL", "h NO [BADCHARSET"}, /* the charset is mandatory */
	    {"i SORT () UTF-8 ALL", "i BAD"},
	    {"j SORT DATE UTF-8 ALL", "j BAD"},
	    {"k SORT (BCC) UTF-8 ALL", "k BAD"},
	    {"l SORT (REVERSE) UTF-8 ALL", "l BAD"},
	    {"m SORT (REVERSE REVERSE DATE) UTF-8 ALL", "m BAD"},
	    {"n SORT (DATE SIZE ) UTF-8 ALL", "n BAD"},
	    {"o SORT (DATE) UTF-8", "o BAD"},
	    {"p SORT (DATE) UTF-8 1:9", "* SORT 5 4 3 1 2\np OK"}, /* RFC 7377 §2 */
	    {"q SORT (DATE)", "q BAD"},
	    {"r SORT", "r BAD"},
	};

	for (size_t i = 0; i < 2 * ARRAY_LEN(rows); i++)
		dialogue_row(f->conn, &rows[i % ARRAY_LEN(rows)], i >= ARRAY_LEN(rows));
}
END_TEST

static const struct dialogue states_dialogue[] = {
    {"1 SORT (DATE) UTF-8 ALL", "1 BAD"}, /* nothing selected */
    {"2 CAPABILITY", "* CAPABILITY IMAP4rev1 LITERAL+ ID ENABLE NAMESPACE CHILDREN UNSELECT "
		     "UIDPLUS MOVE SPECIAL-USE\n2 OK"},
    {"3 SELECT Box", "3 OK"},
    {"4 SORT (DATE) UTF-8 1:*", "* SORT\n4 OK"},
    {"5 THREAD REFERENCES UTF-8 ALL", "* THREAD\n5 OK"},
    {"6 THREAD ORDEREDSUBJECT UTF-8 ALL", "* THREAD\n6 OK"},
};
DIALOGUE_TEST(an_empty_mailbox_has_an_empty_answer, states_dialogue, "Box:0")

/* Expunges by others are not told in SORT, but in UID SORT (RFC 5256 §3). */
START_TEST(what_another_has_expunged_is_left_out)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = open_box();
	struct conn *other = imap_fixture_connect(f);

	ck_exchange_on(other, "1 SELECT Box", "1 OK");
	ck_exchange_on(other, "2 STORE 1 +FLAGS.SILENT (\\Deleted)", "2 OK");
	ck_exchange_on(other, "3 EXPUNGE", "3 OK");
	struct str got = imap_fixture_ask(f, f->conn, "5 SORT (SIZE) UTF-8 ALL");
	ck_assert_msg(!str_starts(got, STR("* 1 EXPUNGE")), "%.*s", STR_ARG(got));
	ck_exchange(f, "6 UID SORT (SIZE) UTF-8 ALL", "* 1 EXPUNGE\n6 OK");
	ck_exchange(f, "7 UID SORT (SIZE) UTF-8 ALL", "* SORT 15 14 13 12\n7 OK");
}
END_TEST

/* A key of any length, of any number of messages, in small steps. */
START_TEST(many_messages_are_sorted_in_steps)
{
	struct sort_items s = {
	    .program = {{{SORT_SUBJECT, true}, {SORT_SIZE, false}}, 2},
	};
	enum { MANY = 50000 };
	static uint32_t seen[MANY];
	char name[20];
	size_t steps = 0;
	bool done = false;

	for (uint32_t i = 0; i < MANY; i++) {
		struct facts facts = {.size = i * 7919u % 1000};
		snprintf(name, sizeof(name), "same start %u", i * 104729u % 100);
		facts.texts[FACT_BASE_SUBJECT] = str_of(name);
		ck_assert_ok(sort_items_add(&s, i, 0, &facts));
	}
	for (; !done; steps++)
		ck_assert_ok(sort_items_step(&s, &done));
	ck_assert_uint_gt(steps, 10);
	for (size_t i = 0; i < MANY; i++)
		seen[sort_items_number(&s, i)]++;
	for (size_t i = 0; i < MANY; i++)
		ck_assert_uint_eq(seen[i], 1);
	for (size_t i = 1; i < MANY; i++) {
		uint32_t a = sort_items_number(&s, i - 1);
		uint32_t b = sort_items_number(&s, i);
		char x[12], y[12];
		snprintf(x, sizeof(x), "%u", a * 104729u % 100);
		snprintf(y, sizeof(y), "%u", b * 104729u % 100);
		int order = -strcmp(x, y);
		if (order == 0)
			order = (int)(a * 7919u % 1000) - (int)(b * 7919u % 1000);
		if (order == 0)
			order = a < b ? -1 : 1;
		ck_assert_int_lt(order, 0);
	}
	sort_items_done(&s);
}
END_TEST

/* Keys of messages that no segment covers; the answer is NO [LIMIT]. */
START_TEST(keys_take_bounded_memory)
{
	struct sort_items s = {.program = {{{SORT_SUBJECT, false}}, 1}};
	static char key[FACT_KEY_MAX];
	const struct facts facts = {.texts[FACT_BASE_SUBJECT] = {key, sizeof(key)}};
	enum err e = ERR_OK;
	uint32_t n = 0;

	while (!e && n < 2 * SORT_TEXTS_MAX / FACT_KEY_MAX)
		e = sort_items_add(&s, n++, 0, &facts);
	ck_assert_int_eq(e, ERR_LIMIT);
	ck_assert_uint_gt(n, SORT_TEXTS_MAX / FACT_KEY_MAX / 2);
	sort_items_done(&s);
}
END_TEST

TEST_MAIN("cmd_sort", messages_are_sorted_by_each_key, sort_speaks,
    an_empty_mailbox_has_an_empty_answer, what_another_has_expunged_is_left_out,
    many_messages_are_sorted_in_steps, keys_take_bounded_memory)

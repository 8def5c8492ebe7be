/* What is computed from a header. */
#include "search/facts.h"

#include "common/base/sbuf.h"
#include "tests/support/test.h"

static void
make(struct facts_maker *m, const char *header, unsigned want, struct facts *ret)
{
	CLEANUP(sbuf_done) struct sbuf lines = SBUF_INIT(10000);
	const struct facts_basics basics = {86400, 3600, 77};

	for (const char *p = header; *p; p++) {
		if (*p == '\n')
			sbuf_putc(&lines, '\r');
		sbuf_putc(&lines, *p);
	}
	ck_assert_ok(facts_make(m, &basics, test_guarded(sbuf_view(&lines)), want, ret));
}

#define V "\xff"

/* The texts that a header gives, as they stand in struct facts. */
START_TEST(texts_are_those_that_search_and_sort_compare)
{
	static const struct {
		const char *header;
		enum fact_text text;
		const char *is;
	} rows[] = {
	    /* searched: every value, decoded and folded */
	    {"Subject: Hello\n World \n\n", FACT_SUBJECT, "hello world" V},
	    {"subject: a\nSUBJECT:\nSubject: b\n\n", FACT_SUBJECT, "a" V V "b" V},
	    {"X: a\n\nSubject: b\n", FACT_SUBJECT, ""},
	    {"Subject: =?utf-8?Q?=C3=84?=\n", FACT_SUBJECT, "a\xcc\x88" V},
	    {"From: Ann <ann@x.test>\n", FACT_FROM, "ann <ann@x.test>" V},
	    {"To: a\nTo: b\n", FACT_TO, "a" V "b" V},
	    {"Cc: c\n", FACT_CC, "c" V},
	    {"Bcc: d\n", FACT_BCC, "d" V},
	    {"Resent-To: d\n", FACT_TO, ""},
	    /* RFC 5256 §3: base subject, addr-mailbox of the first address; i;unicode-casemap */
	    {"Subject: Re: [x] Hello\n\tWorld (fwd)\n", FACT_BASE_SUBJECT, "HELLO WORLD"},
	    {"Subject: Re: =?utf-8?Q?Fwd=3A_=C3=84?=\n", FACT_BASE_SUBJECT, "A\xcc\x88"},
	    {"Subject: a\nSubject: b\n", FACT_BASE_SUBJECT, "A"},
	    {"X: y\n", FACT_BASE_SUBJECT, ""},
	    {"From: Ann <ann@x.test>, bob@x.test\n", FACT_FROM_MAILBOX, "ANN"},
	    {"From: \"a b\"@x.test\n", FACT_FROM_MAILBOX, "A B"},
	    {"From:\nFrom: bob@x.test\n", FACT_FROM_MAILBOX, "BOB"},
	    {"To: Group: ann@x.test;\n", FACT_TO_MAILBOX, "GROUP"},
	    {"Cc: carl\n", FACT_CC_MAILBOX, "CARL"},
	    {"X: y\n", FACT_CC_MAILBOX, ""},
	    /* RFC 5957 §3 */
	    {"From: Ann B <ann@x.test>\n", FACT_FROM_NAME, "ANN B"},
	    {"From: =?utf-8?Q?=C3=84nn?= <ann@x.test>\n", FACT_FROM_NAME, "A\xcc\x88NN"},
	    {"From: =?utf-8?Q?"
	     "?= <ann@x.test>\n",
		FACT_FROM_NAME, "ANN@X.TEST"},
	    {"From: ann@x.test\n", FACT_FROM_NAME, "ANN@X.TEST"},
	    {"To: Group: ann@x.test;\n", FACT_TO_NAME, "GROUP"},
	    {"X: y\n", FACT_TO_NAME, ""},
	};
	CLEANUP(facts_maker_free) struct facts_maker *m = facts_maker_new();
	struct facts f;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make(m, rows[i].header, FACTS_ALL, &f);
		struct str got = f.texts[rows[i].text];
		ck_assert_msg(str_eq(got, str_of(rows[i].is)), "%s: expected \"%s\", got \"%.*s\"",
		    rows[i].header, rows[i].is, STR_ARG(got));
	}
}
END_TEST

/* RFC 5256 §2.2; RFC 3501 §6.4.4 for SENTON */
START_TEST(the_sent_date_is_that_of_the_field_or_of_arrival)
{
	static const struct {
		const char *header;
		int64_t sent_s;
		int32_t sent_day; /* -1: none */
	} rows[] = {
	    {"Date: 31 Dec 2000 16:01:33 -0800\n", 978307293, 11322},
	    {"Date: 1 Jan 2001 00:01:33 +0000\nDate: 2 Jan 2001 00:00:00 +0000\n", 978307293,
		11323},
	    {"Date: 1 Jan 2001 99:00\n", 978307200, -1},
	    {"Date: nonsense\nDate: 2 Jan 2001 00:00:00 +0000\n", 86400, -1},
	    {"X: y\n", 86400, -1},
	};
	CLEANUP(facts_maker_free) struct facts_maker *m = facts_maker_new();
	struct facts f;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make(m, rows[i].header, FACTS_ALL, &f);
		ck_assert_msg(
		    f.sent_s == rows[i].sent_s, "%s: %lld", rows[i].header, (long long)f.sent_s);
		ck_assert_int_eq(!!(f.flags & FACT_HAS_SENT), rows[i].sent_day != -1);
		if (rows[i].sent_day != -1)
			ck_assert_int_eq(f.sent_day, rows[i].sent_day);
		ck_assert_int_eq(f.internal_s, 86400);
		ck_assert_uint_eq(f.size, 77);
	}
}
END_TEST

/* RFC 5256 §3, REFERENCES */
START_TEST(references_are_those_of_the_field_or_the_first_of_in_reply_to)
{
	static const struct {
		const char *header;
		const char *ids; /* of letters: "<a@x>" is a */
		char own;
		bool reply;
	} rows[] = {
	    {"Message-ID: <a@x>\n", "", 'a', false},
	    {"Message-Id: <\"a\"@x> <b@x>\nMessage-ID: <c@x>\n", "", 'a', false},
	    {"Message-ID: a\nSubject: Re: x\n", "", 0, true},
	    {"References: <a@x> <b@x>\n <c@x>\nSubject: fw: y\n", "abc", 0, true},
	    {"In-Reply-To: <d@x>\nReferences: <a@x>\n", "a", 0, false},
	    {"In-Reply-To: Ann's of May <d@x> <e@x>\nReferences: none\n", "d", 0, false},
	    {"In-Reply-To: none\nIn-Reply-To: <d@x>\n", "", 0, false},
	    {"References: <a@x> <a@x>\nReferences: <b@x>\nSubject: [fwd: x]\n", "aa", 0, true},
	};
	CLEANUP(facts_maker_free) struct facts_maker *m = facts_maker_new();
	struct fact_id ids[256] = {{0, 0}};
	struct facts f;

	for (char c = 'a'; c <= 'e'; c++) {
		char header[] = "Message-ID: <?@x>\n";
		*strchr(header, '?') = c;
		make(m, header, FACTS_THREAD, &f);
		ck_assert(fact_id_is(&f.id));
		ids[(unsigned char)c] = f.id;
	}
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		make(m, rows[i].header, FACTS_THREAD | FACTS_SUBJECT, &f);
		ck_assert_uint_eq(f.reference_count, strlen(rows[i].ids));
		for (size_t k = 0; k < f.reference_count; k++)
			ck_assert(
			    fact_id_eq(&f.references[k], &ids[(unsigned char)rows[i].ids[k]]));
		ck_assert(fact_id_eq(&f.id, &ids[(unsigned char)rows[i].own]));
		ck_assert_int_eq(!!(f.flags & FACT_IS_REPLY), rows[i].reply);
	}
	make(m, "Subject: Re: Hello\n", FACTS_ALL, &f);
	struct fact_id hello = f.subject;
	make(m, "Subject: [x] hELLO (fwd)\n", FACTS_ALL, &f);
	ck_assert(fact_id_eq(&f.subject, &hello));
	make(m, "Subject: Re:\n", FACTS_ALL, &f);
	ck_assert(!fact_id_is(&f.subject));
}
END_TEST

/* Not by as much of it as SORT compares. */
START_TEST(long_subjects_are_told_apart)
{
	CLEANUP(facts_maker_free) struct facts_maker *m = facts_maker_new();
	CLEANUP(sbuf_done) struct sbuf header = SBUF_INIT(10000);
	struct facts f;

	sbuf_puts(&header, "Subject: ");
	while (header.n < FACT_KEY_MAX + 100)
		sbuf_puts(&header, "long ");
	sbuf_puts(&header, "a\n");
	sbuf_putc(&header, '\0');
	make(m, header.p, FACTS_ALL, &f);
	struct fact_id a = f.subject;
	header.p[header.n - 3] = 'b';
	make(m, header.p, FACTS_ALL, &f);
	ck_assert(!fact_id_eq(&f.subject, &a));
	header.p[header.n - 3] = 'A';
	make(m, header.p, FACTS_ALL, &f);
	ck_assert(fact_id_eq(&f.subject, &a));
}
END_TEST

START_TEST(what_a_sender_can_make_large_is_bounded)
{
	CLEANUP(facts_maker_free) struct facts_maker *m = facts_maker_new();
	CLEANUP(sbuf_done) struct sbuf header = SBUF_INIT(2 << 20);
	const struct facts_basics basics = {0, 0, 0};
	struct facts f, last;
	double began = test_cpu_ms();

	sbuf_puts(&header, "Subject: ");
	while (header.n < FACT_TEXT_MAX + 100)
		sbuf_puts(&header, "subject ");
	sbuf_puts(&header, "\r\nTo: ");
	while (header.n < 300000)
		sbuf_puts(&header, "a@b.test, ");
	sbuf_puts(&header, "\r\nReferences:");
	for (int i = 0; header.n < 1000000; i++)
		sbuf_printf(&header, " <%d@x>", i);
	sbuf_puts(&header, " <last@x>\r\n");
	ck_assert_ok(facts_make(m, &basics, sbuf_view(&header), FACTS_ALL, &f));
	ck_assert_uint_eq(f.texts[FACT_SUBJECT].n, 0);
	ck_assert_uint_eq(f.texts[FACT_TO].n, 0);
	ck_assert(f.flags & FACT_IS_TOO_LONG(FACT_SUBJECT));
	ck_assert(f.flags & FACT_IS_TOO_LONG(FACT_TO));
	ck_assert(!(f.flags & FACT_IS_TOO_LONG(FACT_FROM)));
	ck_assert_uint_eq(f.texts[FACT_BASE_SUBJECT].n, FACT_KEY_MAX);
	ck_assert_uint_eq(f.reference_count, FACT_REFERENCES_MAX);
	struct fact_id nearest = f.references[FACT_REFERENCES_MAX - 1];
	make(m, "Message-ID: <last@x>\n", FACTS_ALL, &last);
	ck_assert(fact_id_eq(&last.id, &nearest));
	ck_assert_double_lt(test_cpu_ms() - began, 5000);
}
END_TEST

TEST_MAIN("facts", texts_are_those_that_search_and_sort_compare,
    the_sent_date_is_that_of_the_field_or_of_arrival,
    references_are_those_of_the_field_or_the_first_of_in_reply_to, long_subjects_are_told_apart,
    what_a_sender_can_make_large_is_bounded)

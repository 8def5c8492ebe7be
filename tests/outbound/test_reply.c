/* Replies of other servers, and what their EHLO offers. */
#include "smtpd/outbound/offers.h"
#include "smtpd/outbound/reply.h"

#include "tests/support/test.h"

struct row {
	const char *in;
	enum reply_status status;
	unsigned code;
	const char *text, *enhanced;
	size_t taken; /* 0: all of it */
};

static const struct row rows[] = {
    {"250 ok\r\n", REPLY_WHOLE, 250, "250 ok", "2.0.0", 0},
    {"250 2.1.5 ok\r\n", REPLY_WHOLE, 250, "250 2.1.5 ok", "2.1.5", 0},
    {"550 5.1.1\r\n", REPLY_WHOLE, 550, "550 5.1.1", "5.1.1", 0},
    {"550-5.1.1 no\r\n550 5.1.1 user\r\n", REPLY_WHOLE, 550, "550 5.1.1 no 5.1.1 user", "5.1.1", 0},
    /* another class than the code's, too many digits, no blank: none (RFC 2034 §4) */
    {"550 4.1.1 no\r\n", REPLY_WHOLE, 550, "550 4.1.1 no", "5.0.0", 0},
    {"550 5.1234.1 no\r\n", REPLY_WHOLE, 550, "550 5.1234.1 no", "5.0.0", 0},
    {"550 5.1.1x no\r\n", REPLY_WHOLE, 550, "550 5.1.1x no", "5.0.0", 0},
    {"550 5.1 no\r\n", REPLY_WHOLE, 550, "550 5.1 no", "5.0.0", 0},
    /* exactly one */
    {"220 go\r\n250 more\r\n", REPLY_WHOLE, 220, "220 go", "2.0.0", 8},
    /* careless, and clear */
    {"250 ok\n", REPLY_WHOLE, 250, "250 ok", "2.0.0", 0},
    {"250\r\n", REPLY_WHOLE, 250, "250", "2.0.0", 0},
    {"250\tok\r\n", REPLY_WHOLE, 250, "250 ok", "2.0.0", 0},
    {"250ok\r\n", REPLY_WHOLE, 250, "250 ok", "2.0.0", 0},
    {"220-hello\r\n  and welcome\r\n220 there\r\n", REPLY_WHOLE, 220,
	"220 hello   and welcome there", "2.0.0", 0},
    {"250-\r\n250 \r\n", REPLY_WHOLE, 250, "250", "2.0.0", 0},
    /* what a report may not hold */
    {"550 a\x1b[2Jb\x01\r\n", REPLY_WHOLE, 550, "550 a [2Jb ", "5.0.0", 0},
    {"550 gr\xc3\xbc\r\n", REPLY_WHOLE, 550, "550 gr\xc3\xbc", "5.0.0", 0},
    {"550 gr\xfc\r\n", REPLY_WHOLE, 550, "550 gr?", "5.0.0", 0},
    /* not yet */
    {"", REPLY_PARTIAL, 0, NULL, NULL, 0},
    {"25", REPLY_PARTIAL, 0, NULL, NULL, 0},
    {"250 ok\r", REPLY_PARTIAL, 0, NULL, NULL, 0},
    {"250-ok\r\n", REPLY_PARTIAL, 0, NULL, NULL, 0},
    /* nothing that SMTP has */
    {"\r\n", REPLY_GARBAGE, 0, NULL, NULL, 0},
    {"HTTP/1.1 400 Bad Request\r\n", REPLY_GARBAGE, 0, NULL, NULL, 0},
    {"25 ok\r\n", REPLY_GARBAGE, 0, NULL, NULL, 0},
    {"2500 ok\r\n", REPLY_GARBAGE, 0, NULL, NULL, 0},
    {"150 ok\r\n", REPLY_GARBAGE, 0, NULL, NULL, 0},
    {"650 ok\r\n", REPLY_GARBAGE, 0, NULL, NULL, 0},
    {"-50 ok\r\n", REPLY_GARBAGE, 0, NULL, NULL, 0},
};

START_TEST(one_reply_is_read_however_it_is_cut)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t piece = 1; piece < 40; piece += 38) {
			CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
			struct str in = test_guarded(str_of(rows[i].in));
			CLEANUP(reply_done) struct reply_reader r;
			size_t taken = 0;
			reply_init(&r);
			while (r.status == REPLY_PARTIAL && taken < in.n)
				taken += reply_feed(&r, str_sub(in, taken, piece));
			ck_assert_msg(r.status == rows[i].status, "%s: %d", rows[i].in, r.status);
			if (r.status != REPLY_WHOLE)
				continue;
			ck_assert_uint_eq(r.code, rows[i].code);
			ck_assert_uint_eq(taken, rows[i].taken ? rows[i].taken : in.n);
			ck_assert_str_is(reply_text(&r, 1000, a), rows[i].text);
			ck_assert_str_is(reply_enhanced(&r, a), rows[i].enhanced);
		}
	}
}
END_TEST

START_TEST(a_reply_without_end_costs_bounded_memory)
{
	CLEANUP(reply_done) struct reply_reader r;
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);
	char line[5000];

	memset(line, 'x', sizeof(line));
	reply_init(&r);
	reply_feed(&r, STR("250-"));
	for (int i = 0; i < 1000; i++)
		reply_feed(&r, str_make(line, sizeof(line)));
	ck_assert_int_eq(r.status, REPLY_PARTIAL);
	ck_assert_uint_le(r.line.cap + r.text.cap, 2 * (REPLY_LINE_MAX + REPLY_KEPT_MAX));
	reply_feed(&r, STR("\r\n250 end\r\n"));
	ck_assert_int_eq(r.status, REPLY_WHOLE);
	ck_assert_uint_eq(reply_text(&r, 1000, a).n, 1000);
	reply_clear(&r);
	for (int i = 0; i < REPLY_LINES_MAX; i++) {
		ck_assert_int_eq(r.status, REPLY_PARTIAL);
		reply_feed(&r, STR("250-line of some length, so that the text is full, too\r\n"));
	}
	reply_feed(&r, STR("250 end\r\n"));
	ck_assert_int_eq(r.status, REPLY_GARBAGE);
}
END_TEST

START_TEST(a_text_is_cut_between_characters)
{
	CLEANUP(reply_done) struct reply_reader r;
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 20);

	reply_init(&r);
	reply_feed(&r, STR("550 \xc3\xa4\xe2\x82\xac\r\n"));
	ck_assert_str_is(reply_text(&r, 9, a), "550 \xc3\xa4\xe2\x82\xac");
	ck_assert_str_is(reply_text(&r, 8, a), "550 \xc3\xa4");
	ck_assert_str_is(reply_text(&r, 5, a), "550 ");
}
END_TEST

START_TEST(offers_are_read_as_the_field_writes_them)
{
	struct offers o;

	offers_parse(
	    STR("mx.example.net Hello PIPELINING\npipelining\nSIZE 1000\n8BITMIME\nDSN\n"
		"SMTPUTF8\nCHUNKING\nBINARYMIME\nSTARTTLS\nREQUIRETLS\n"
		"AUTH PLAIN LOGIN GSSAPI SCRAM-SHA-256\nLIMITS RCPTMAX=20 MAILMAX=5 X=Y\n"),
	    &o);
	ck_assert(o.pipelining && o.eightbit && o.dsn && o.smtputf8 && o.chunking && o.binary);
	ck_assert(o.starttls && o.requiretls && o.size);
	ck_assert_uint_eq(o.size_max, 1000);
	ck_assert_uint_eq(o.auth, OFFER_PLAIN | OFFER_LOGIN | OFFER_SCRAM_SHA_256);
	ck_assert_uint_eq(o.rcpt_max, 20);
	ck_assert_uint_eq(o.mail_max, 5);
	/* the first line is no offer, nor are parts of words */
	offers_parse(STR("PIPELINING\nXDSN\nDSNX\nSIZE x\nLIMITS RCPTMAX=-1\nAUTH=LOGIN\n"), &o);
	ck_assert(!o.pipelining && !o.dsn && o.size);
	ck_assert_uint_eq(o.size_max, 0);
	ck_assert_uint_eq(o.rcpt_max, 0);
	ck_assert_uint_eq(o.auth, OFFER_LOGIN);
	offers_parse(STR(""), &o);
	ck_assert(!o.size);
}
END_TEST

TEST_MAIN("reply", one_reply_is_read_however_it_is_cut, a_reply_without_end_costs_bounded_memory,
    a_text_is_cut_between_characters, offers_are_read_as_the_field_writes_them)

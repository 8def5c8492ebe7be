/* smtpd/smtp_params.h */
#include "smtpd/smtp_params.h"

#include "smtpd/smtp_parse.h"
#include "tests/support/test.h"

#define ALL (OFFER_AUTH | OFFER_REQUIRETLS | OFFER_HOLD | OFFER_DSN)

static const struct {
	const char *text;
	enum err err;
	unsigned offered;
	struct smtp_mail_params params;
} mail_rows[] = {
    {"", ERR_OK, 0, {0}},
    {"  ", ERR_OK, 0, {0}},
    {" SIZE=1000", ERR_OK, 0, {.size = 1000}},
    {" size=1000 BODY=8bitmime smtputf8", ERR_OK, 0,
	{.size = 1000, .body = QUEUE_8BITMIME, .smtputf8 = true}},
    {"  BODY=7BIT\t", ERR_OK, 0, {0}},
    {" Body=BinaryMime", ERR_OK, 0, {.body = QUEUE_BINARYMIME}},
    {" SIZE=99999999999999999999999", ERR_OK, 0, {.size = UINT64_MAX}},
    {" SIZE=0", ERR_OK, 0, {0}},
    {" AUTH=<>", ERR_OK, ALL, {0}},
    {" AUTH=ann+2Bx@example.test", ERR_OK, ALL, {0}},
    {" AUTH=ann+zz@example.test", ERR_SYNTAX, ALL, {0}},
    {" AUTH=ann+2", ERR_SYNTAX, ALL, {0}},
    {" AUTH", ERR_SYNTAX, ALL, {0}},
    {" AUTH=<>", ERR_PARAM, 0, {0}},
    /* RFC 3461 §4.3, §4.4 */
    {" RET=HDRS", ERR_OK, ALL, {.ret = QUEUE_RET_HDRS}},
    {" ret=full ENVID=QQ+2B1", ERR_OK, ALL, {.ret = QUEUE_RET_FULL, .envid = {"QQ+1", 4}}},
    {" RET=SOME", ERR_SYNTAX, ALL, {0}},
    {" RET", ERR_SYNTAX, ALL, {0}},
    {" RET=FULL RET=FULL", ERR_SYNTAX, ALL, {0}},
    {" ENVID=", ERR_SYNTAX, ALL, {0}},
    {" ENVID=a+0Ab", ERR_SYNTAX, ALL, {0}}, /* no line end gets into a report */
    {" ENVID=a+0", ERR_SYNTAX, ALL, {0}},
    {" RET=HDRS", ERR_PARAM, OFFER_AUTH, {0}},
    {" ENVID=a", ERR_PARAM, OFFER_AUTH, {0}},
    /* RFC 8689 §3 */
    {" REQUIRETLS", ERR_OK, ALL, {.requiretls = true}},
    {" REQUIRETLS=1", ERR_SYNTAX, ALL, {0}},
    {" REQUIRETLS", ERR_PARAM, OFFER_AUTH, {0}},
    /* RFC 4865 §4 */
    {" HOLDFOR=86400", ERR_OK, ALL, {.hold_for_s = 86400}},
    {" HOLDUNTIL=2026-12-24T18:00:00Z", ERR_OK, ALL, {.hold_until_s = 1798135200}},
    {" HOLDUNTIL=2026-12-24T19:00:00+01:00", ERR_OK, ALL, {.hold_until_s = 1798135200}},
    {" HOLDUNTIL=2026-02-29T00:00:00Z", ERR_SYNTAX, ALL, {0}},
    {" HOLDUNTIL=2026-12-24T18:00:00", ERR_SYNTAX, ALL, {0}},
    {" HOLDUNTIL=2026-12-24", ERR_SYNTAX, ALL, {0}},
    {" HOLDUNTIL=soon", ERR_SYNTAX, ALL, {0}},
    {" HOLDFOR=0", ERR_SYNTAX, ALL, {0}},
    {" HOLDFOR=1234567890", ERR_SYNTAX, ALL, {0}},
    {" HOLDFOR=5 HOLDUNTIL=2026-12-24T18:00:00Z", ERR_SYNTAX, ALL, {0}},
    {" HOLDFOR=5", ERR_PARAM, OFFER_REQUIRETLS, {0}},
    {" MT-PRIORITY=3", ERR_PARAM, ALL, {0}},
    {" SIZE=1 FOO", ERR_PARAM, 0, {.size = 1}},
    {" SIZE", ERR_SYNTAX, 0, {0}},
    {" SIZE=", ERR_SYNTAX, 0, {0}},
    {" SIZE=-1", ERR_SYNTAX, 0, {0}},
    {" SIZE=1k", ERR_SYNTAX, 0, {0}},
    {" SIZE=1 SIZE=1", ERR_SYNTAX, 0, {.size = 1}},
    {" BODY=9BIT", ERR_SYNTAX, 0, {0}},
    {" SMTPUTF8=yes", ERR_SYNTAX, 0, {.smtputf8 = true}},
    {" =x", ERR_SYNTAX, 0, {0}},
    {" -x=1", ERR_SYNTAX, 0, {0}},
    {"SIZE=1", ERR_SYNTAX, 0, {.size = 1}},
    {" a=b=c", ERR_PARAM, 0, {0}},
};

START_TEST(mail_parameters_are_read_once_each)
{
	for (size_t i = 0; i < ARRAY_LEN(mail_rows); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(4096);
		const struct smtp_mail_params *want = &mail_rows[i].params;
		struct smtp_mail_params p;
		struct cursor c;

		cursor_init(&c, test_guarded(str_of(mail_rows[i].text)));
		smtp_parse_mail_params(&c, mail_rows[i].offered, arena, &p);
		enum err e = smtp_parse_end(&c);
		ck_assert_msg(e == mail_rows[i].err, "\"%s\": %d", mail_rows[i].text, (int)e);
		if (e)
			continue;
		ck_assert_uint_eq(p.size, want->size);
		ck_assert_int_eq(p.body, want->body);
		ck_assert(p.smtputf8 == want->smtputf8 && p.requiretls == want->requiretls);
		ck_assert_int_eq(p.ret, want->ret);
		ck_assert(str_eq(p.envid, want->envid));
		ck_assert_uint_eq(p.hold_for_s, want->hold_for_s);
		ck_assert_msg(p.hold_until_s == want->hold_until_s, "%s: %lld", mail_rows[i].text,
		    (long long)p.hold_until_s);
	}
}
END_TEST

START_TEST(rcpt_parameters_are_read_once_each)
{
	static const struct {
		const char *text;
		enum err err;
		unsigned notify;
		const char *orcpt;
	} rows[] = {
	    {"", ERR_OK, 0, ""},
	    {" ", ERR_OK, 0, ""},
	    {" NOTIFY=NEVER", ERR_OK, QUEUE_NOTIFY_NEVER, ""}, /* RFC 3461 §4.1 */
	    {" notify=success,Delay,FAILURE", ERR_OK,
		QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_DELAY | QUEUE_NOTIFY_FAILURE, ""},
	    {" NOTIFY=NEVER,SUCCESS", ERR_SYNTAX, 0, ""},
	    {" NOTIFY=SUCCESS,SUCCESS", ERR_SYNTAX, 0, ""},
	    {" NOTIFY=SUCCESS,", ERR_SYNTAX, 0, ""},
	    {" NOTIFY=,SUCCESS", ERR_SYNTAX, 0, ""},
	    {" NOTIFY=", ERR_SYNTAX, 0, ""},
	    {" NOTIFY", ERR_SYNTAX, 0, ""},
	    {" NOTIFY=ALWAYS", ERR_SYNTAX, 0, ""},
	    {" ORCPT=rfc822;Bob+2Bx@Example.COM NOTIFY=DELAY", ERR_OK, QUEUE_NOTIFY_DELAY,
		"rfc822;Bob+x@Example.COM"}, /* §4.2 */
	    {" ORCPT=utf-8;b\\x{F6}b@example.net", ERR_OK, 0, "utf-8;b\303\266b@example.net"},
	    {" ORCPT=rfc822;a+0D+0Ab", ERR_SYNTAX, 0, ""},
	    {" ORCPT=rfc822;", ERR_SYNTAX, 0, ""},
	    {" ORCPT=;a@b", ERR_SYNTAX, 0, ""},
	    {" ORCPT=a@b", ERR_SYNTAX, 0, ""},
	    {" ORCPT=rfc822;a@b ORCPT=rfc822;a@b", ERR_SYNTAX, 0, ""},
	    {" RRVS=2014-04-03T23:01:00Z", ERR_PARAM, 0, ""},
	    {" =", ERR_SYNTAX, 0, ""},
	    {"x", ERR_SYNTAX, 0, ""},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(4096);
		struct smtp_rcpt_params p;
		struct cursor c;

		cursor_init(&c, test_guarded(str_of(rows[i].text)));
		smtp_parse_rcpt_params(&c, OFFER_DSN, arena, &p);
		enum err e = smtp_parse_end(&c);
		ck_assert_msg(e == rows[i].err, "\"%s\": %d", rows[i].text, (int)e);
		if (e)
			continue;
		ck_assert_uint_eq(p.notify, rows[i].notify);
		ck_assert_str_is(p.orcpt, rows[i].orcpt);
	}
}
END_TEST

START_TEST(what_goes_back_in_a_report_is_bounded)
{
	static const struct {
		const char *begins;
		size_t most;
	} rows[] = {{" ENVID=", SMTP_ENVID_MAX}, {" ORCPT=rfc822;", SMTP_ORCPT_MAX - 7}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t more = 0; more < 2; more++) {
			CLEANUP(arena_free) struct arena *arena = arena_new(4096);
			CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(2000);
			struct smtp_mail_params m;
			struct smtp_rcpt_params r;
			struct cursor c;
			sbuf_puts(&text, rows[i].begins);
			for (size_t n = 0; n < rows[i].most + more; n++)
				sbuf_putc(&text, 'x');
			cursor_init(&c, sbuf_view(&text));
			if (i == 0)
				smtp_parse_mail_params(&c, OFFER_DSN, arena, &m);
			else
				smtp_parse_rcpt_params(&c, OFFER_DSN, arena, &r);
			ck_assert_int_eq(smtp_parse_end(&c), more ? ERR_SYNTAX : ERR_OK);
		}
	}
}
END_TEST

TEST_MAIN("smtp_params", mail_parameters_are_read_once_each, rcpt_parameters_are_read_once_each,
    what_goes_back_in_a_report_is_bounded)

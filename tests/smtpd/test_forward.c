/* Mail that goes on to other servers, and the reports that come back for it. */
#include "smtpd/forward.h"

#include "tests/smtpd/fake.h"
#include "tests/support/test.h"

static struct fake *
from_outside(void)
{
	struct fake *f = fake_new();

	fake_open(f, SMTP_MX);
	fake_say(f, "EHLO other.test", "250 HELP");
	return f;
}

static void
send_to(struct fake *f, const char *from, const char *to, const char *text, const char *answer)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(65536);

	sbuf_printf(&b, "MAIL FROM:<%s>", from);
	fake_say(f, sbuf_cstr(&b), "250");
	sbuf_clear(&b);
	sbuf_printf(&b, "RCPT TO:<%s>", to);
	fake_say(f, sbuf_cstr(&b), "250 2.1.5");
	fake_say(f, "DATA", "354");
	sbuf_clear(&b);
	sbuf_printf(&b, "%s\n.", text);
	fake_say(f, sbuf_cstr(&b), answer);
}

START_TEST(mail_that_goes_on_has_a_sender_of_ours)
{
	CLEANUP(fake_free) struct fake *f = from_outside();

	send_to(
	    f, "ann@sender.test", "away@example.test", "Subject: x\n\nText", "250 2.0.0 Ok, id");
	ck_assert_uint_eq(f->message_count, 0);
	ck_assert_uint_eq(f->queued_count, 1);
	ck_assert_int_eq(f->queued[0].kind, QUEUE_FORWARDED);
	ck_assert_int_eq(f->queued[0].account, 0);
	ck_assert_str_is(f->queued[0].rcpts, "x@other.test");
	ck_assert(str_starts(f->queued[0].sender, STR("SRS0=")));
	ck_assert(str_ends_nocase(f->queued[0].sender, STR("=sender.test=ann@example.test")));
	ck_assert(str_starts(f->queued[0].text, STR("X-Forward-Mark: ")));
	ck_assert(str_find_nocase(f->queued[0].text, STR("Return-Path")) == STR_NONE);
}
END_TEST

START_TEST(what_goes_on_to_an_address_that_refused_for_good_is_refused)
{
	CLEANUP(fake_free) struct fake *f = from_outside();

	fake_say(f, "MAIL FROM:<ann@sender.test>", "250");
	fake_say(f, "RCPT TO:<gone@example.test>",
	    "550 5.1.1 This address leads to one that refused mail for good a while ago");
	fake_say(f, "RCPT TO:<away@example.test>", "250 2.1.5");
	/* who keeps a copy gets it */
	fake_say(f, "RCPT TO:<stays@example.test>", "250 2.1.5");
}
END_TEST

START_TEST(mail_that_also_stays_is_in_both_places)
{
	CLEANUP(fake_free) struct fake *f = from_outside();

	send_to(f, "ann@sender.test", "keeps@example.test", "Subject: x\n\nText", "250");
	ck_assert_uint_eq(f->message_count, 1);
	ck_assert_uint_eq(f->queued_count, 1);
	ck_assert(str_starts(f->messages[0].text, STR("Return-Path: <ann@sender.test>\r\n")));
	ck_assert_str_is(f->queued[0].rcpts, "y@other.test");
}
END_TEST

START_TEST(recipients_that_lead_to_one_address_elsewhere_are_one_forward)
{
	CLEANUP(fake_free) struct fake *f = from_outside();

	fake_say(f, "MAIL FROM:<ann@sender.test>", "250");
	fake_say(f, "RCPT TO:<away@example.test>", "250 2.1.5");
	fake_say(f, "RCPT TO:<away+tag@example.test>", "250 2.1.5");
	fake_say(f, "DATA", "354");
	fake_say(f, "Subject: x\n\nText\n.", "250 2.0.0 Ok, id");
	ck_assert_uint_eq(f->queued_count, 1);
	ck_assert_str_is(f->queued[0].rcpts, "x@other.test");
}
END_TEST

START_TEST(reports_that_go_on_keep_the_null_sender)
{
	CLEANUP(fake_free) struct fake *f = from_outside();

	send_to(f, "", "away@example.test", "Subject: x\n\nText", "250");
	ck_assert_str_is(f->queued[0].sender, "");
}
END_TEST

START_TEST(senders_of_ours_are_not_rewritten)
{
	CLEANUP(fake_free) struct fake *f = from_outside();

	send_to(f, "bob@example.test", "away@example.test", "Subject: x\n\nText", "250");
	ck_assert_str_is(f->queued[0].sender, "bob@example.test");
}
END_TEST

START_TEST(what_comes_back_is_not_forwarded_again)
{
	CLEANUP(fake_free) struct fake *f = from_outside();

	send_to(f, "ann@sender.test", "away@example.test", "Subject: x\n\nText", "250");
	send_to(f, "ann@sender.test", "keeps@example.test", "Subject: x\n\nText", "250");
	ck_assert_uint_eq(f->queued_count, 2);
	CLEANUP(mem_free) char *away = strndup(f->queued[0].text.p, f->queued[0].text.n);
	CLEANUP(mem_free) char *keeps = strndup(f->queued[1].text.p, f->queued[1].text.n);
	for (char *p = away; *p; p++)
		*p = *p == '\r' ? ' ' : *p;
	for (char *p = keeps; *p; p++)
		*p = *p == '\r' ? ' ' : *p;
	/* nobody else would get it */
	send_to(f, "ann@sender.test", "away@example.test", away, "554 5.4.6");
	ck_assert_uint_eq(f->queued_count, 2);
	/* one who keeps his mail has it */
	send_to(f, "ann@sender.test", "keeps@example.test", keeps, "250");
	ck_assert_uint_eq(f->queued_count, 2);
	ck_assert_uint_eq(f->message_count, 2);
	ck_assert(str_starts(f->messages[1].text, STR("Return-Path: <ann@sender.test>")));
	/* another's mark stops nothing */
	send_to(f, "ann@sender.test", "keeps@example.test", away, "250");
	ck_assert_uint_eq(f->queued_count, 3);
}
END_TEST

START_TEST(reports_find_their_way_back)
{
	CLEANUP(fake_free) struct fake *f = from_outside();
	CLEANUP(sbuf_done) struct sbuf to = SBUF_INIT(1024);

	send_to(f, "ann@sender.test", "away@example.test", "Subject: x\n\nText", "250");
	sbuf_put(&to, f->queued[0].sender);
	send_to(f, "", sbuf_cstr(&to), "Subject: failed\n\nText", "250");
	ck_assert_uint_eq(f->queued_count, 2);
	ck_assert_str_is(f->queued[1].rcpts, "ann@sender.test");
	ck_assert_str_is(f->queued[1].sender, "");
	ck_assert_int_eq(f->queued[1].kind, QUEUE_FORWARDED);
}
END_TEST

START_TEST(nobody_relays_by_addresses_that_lead_back)
{
	CLEANUP(fake_free) struct fake *f = from_outside();
	CLEANUP(sbuf_done) struct sbuf rcpt = SBUF_INIT(1024);

	send_to(f, "ann@sender.test", "away@example.test", "Subject: x\n\nText", "250");
	/* a true one is for reports */
	sbuf_printf(&rcpt, "RCPT TO:<%.*s>", STR_ARG(f->queued[0].sender));
	fake_say(f, "MAIL FROM:<spam@sender.test>", "250");
	fake_say(f, sbuf_cstr(&rcpt), "550 5.1.1");
	fake_say(f, "RSET", "250");
	fake_say(f, "MAIL FROM:<>", "250");
	fake_say(f, "RCPT TO:<SRS0=aaaaaaaa=aa=victim.test=bob@example.test>", "550 5.1.1");
	fake_say(f, "RCPT TO:<SRS1=aaaaaaaa=victim.test==x=y=z=bob@example.test>", "550 5.1.1");
	fake_say(f, "RCPT TO:<SRS0@example.test>", "550 5.1.1");
	fake_say(f, "RCPT TO:<SRS0=aaaaaaaa=aa=victim.test=bob@other.test>", "550 5.7.1");
}
END_TEST

START_TEST(a_queue_in_trouble_refuses_for_now)
{
	CLEANUP(fake_free) struct fake *f = from_outside();

	f->queue_add = ERR_NO_SPACE;
	send_to(f, "ann@sender.test", "away@example.test", "Subject: x\n\nText", "452");
}
END_TEST

START_TEST(lmtp_answers_for_each)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	fake_open(f, SMTP_LMTP);
	fake_say(f, "LHLO other.test", "250 HELP");
	fake_say(f, "MAIL FROM:<ann@sender.test>", "250");
	fake_say(f, "RCPT TO:<away@example.test>", "250");
	fake_say(f, "RCPT TO:<bob@example.test>", "250");
	fake_say(f, "RCPT TO:<keeps@example.test>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, "Subject: x\n\nText\n.", "250\n250\n250");
	ck_assert_uint_eq(f->queued_count, 1);
	ck_assert_str_is(f->queued[0].rcpts, "x@other.test y@other.test");
	ck_assert_uint_eq(f->message_count, 1);
}
END_TEST

TEST_MAIN("forward", mail_that_goes_on_has_a_sender_of_ours,
    what_goes_on_to_an_address_that_refused_for_good_is_refused,
    mail_that_also_stays_is_in_both_places,
    recipients_that_lead_to_one_address_elsewhere_are_one_forward,
    reports_that_go_on_keep_the_null_sender, senders_of_ours_are_not_rewritten,
    what_comes_back_is_not_forwarded_again, reports_find_their_way_back,
    nobody_relays_by_addresses_that_lead_back, a_queue_in_trouble_refuses_for_now,
    lmtp_answers_for_each)

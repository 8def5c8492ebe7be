/* Recipients elsewhere: into the queue, durably, before the 250 (RFC 6409, RFC 4865). */
#include "common/base/clock.h"
#include "store/trace.h"
#include "tests/smtpd/fake.h"
#include "tests/support/test.h"

static struct fake *
logged_in(enum smtp_service service)
{
	struct fake *f = fake_new();

	ck_assert_ok(password_make(STR("secret"), f->arena, &f->credential));
	fake_open_with(f, &(struct conn_memory_options){.service = service, .tls = true});
	fake_say(f, "EHLO [127.0.0.1]", "250 HELP");
	fake_say(f, "AUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0", "235");
	return f;
}

START_TEST(recipients_elsewhere_go_to_the_queue_with_what_was_said_of_them)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);

	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
	fake_say(f, "RCPT TO:<y@third.test>", "250 2.1.5");
	fake_say(f, "DATA", "354");
	fake_say(f, "Subject: x\n\n\xe4\n.", "250 2.0.0 Ok, id");
	ck_assert_uint_eq(f->message_count, 0);
	ck_assert_uint_eq(f->queued_count, 1);
	ck_assert_str_is(f->queued[0].sender, "ann@example.test");
	ck_assert_str_is(f->queued[0].rcpts, "x@other.test y@third.test");
	ck_assert_int_eq(f->queued[0].account, 1);
	ck_assert_int_eq(f->queued[0].body, QUEUE_8BITMIME);
	ck_assert(str_starts(f->queued[0].text, STR("Received: from [127.0.0.1] (")));
	ck_assert_int_eq(f->queued[0].release_s, 0);
	ck_assert_int_ge(f->queued[0].expires_s, clock_real_s() + 5 * 86400 - 10);
}
END_TEST

START_TEST(a_message_to_both_reaches_mailboxes_with_a_return_path_and_the_queue_without)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSIONS);

	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
	fake_say(f, "RCPT TO:<bob@example.test>", "250 2.1.5");
	fake_say(f, "DATA", "354");
	fake_say(f, "Subject: x\n\nText\n.", "250 2.0.0");
	ck_assert_uint_eq(f->message_count, 1);
	ck_assert_uint_eq(f->queued_count, 1);
	ck_assert_str_is(f->queued[0].rcpts, "x@other.test");
	ck_assert(str_starts(
	    f->messages[0].text, STR("Return-Path: <ann@example.test>\r\nReceived: from ")));
	ck_assert(str_ends_nocase(f->messages[0].text, f->queued[0].text));
}
END_TEST

/* RFC 2045 §2.8: else a server that leaves NUL out would read CR LF . CR LF (smuggling). */
START_TEST(a_message_with_nul_goes_out_as_binary)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);

	fake_say(f, "MAIL FROM:<ann@example.test> BODY=8BITMIME", "250");
	fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
	fake_say(f, "DATA", "354");
	fake_feed(f, STR("Subject: x\r\n\r\na\r\n\0.\r\nMAIL FROM:<evil@other.test>\r\n.\r\n"));
	ck_assert_uint_eq(f->queued_count, 1);
	ck_assert_int_eq(f->queued[0].body, QUEUE_BINARYMIME);
}
END_TEST

/* A mail program that is told to come back makes a new message of it, for all. */
START_TEST(what_not_all_behind_an_alias_can_take_goes_by_the_queue)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);

	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<half@example.test>", "250 2.1.5");
	fake_say(f, "RCPT TO:<full@example.test>", "452 4.2.2");
	fake_say(f, "RCPT TO:<bob@example.test>", "250 2.1.5");
	fake_say(f, "DATA", "354");
	fake_say(f, "Subject: x\n\nText\n.", "250 2.0.0");
	ck_assert_uint_eq(f->message_count, 1);
	ck_assert_int_eq(f->messages[0].account, 2);
	ck_assert_uint_eq(f->queued_count, 1);
	ck_assert_str_is(f->queued[0].rcpts, "half@example.test");
}
END_TEST

START_TEST(a_queue_in_trouble_makes_the_client_send_again_and_nobody_gets_it_twice)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);

	f->queue_add = ERR_IO;
	for (int i = 0; i < 2; i++) {
		fake_say(f, "MAIL FROM:<ann@example.test>", "250");
		fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
		fake_say(f, "RCPT TO:<bob@example.test>", "250 2.1.5");
		fake_say(f, "DATA", "354");
		fake_say(f, "Date: now\nMessage-ID: <1@x>\n\nText\n.", i ? "250" : "451 4.3.0");
		f->queue_add = ERR_OK;
	}
	ck_assert_uint_eq(f->message_count, 1);
	ck_assert_uint_eq(f->queued_count, 1);
}
END_TEST

START_TEST(nothing_is_queued_where_a_mailbox_has_failed)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);

	f->deliver[2] = ERR_IO;
	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
	fake_say(f, "RCPT TO:<bob@example.test>", "250 2.1.5");
	fake_say(f, "DATA", "354");
	fake_say(f, "Subject: x\n\nText\n.", "451");
	ck_assert_uint_eq(f->queued_count, 0);
}
END_TEST

START_TEST(a_message_that_is_to_be_held_is_held_for_everybody)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);

	fake_say(f, "MAIL FROM:<ann@example.test> HOLDFOR=3600", "250");
	fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
	fake_say(f, "RCPT TO:<bob@example.test>", "250 2.1.5");
	fake_say(f, "RCPT TO:<nobody@example.test>", "550 5.1.1");
	fake_say(f, "DATA", "354");
	fake_say(f, "Subject: x\n\nText\n.", "250 2.0.0");
	ck_assert_uint_eq(f->message_count, 0);
	ck_assert_str_is(f->queued[0].rcpts, "x@other.test bob@example.test");
	ck_assert_int_ge(f->queued[0].release_s, clock_real_s() + 3590);
	ck_assert_int_ge(f->queued[0].expires_s, f->queued[0].release_s + 5 * 86400);
}
END_TEST

START_TEST(an_account_that_floods_is_held_at_once_and_the_postmaster_told_once)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);

	f->sent = 499; /* of 500 in an hour */
	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
	fake_say(f, "RCPT TO:<y@other.test>", "550 5.7.1 Your account has sent so much");
	ck_assert(f->sending_held && f->queue_held);
	fake_say(f, "RCPT TO:<z@other.test>", "550 5.7.1");
	fake_say(f, "RCPT TO:<bob@example.test>", "250 2.1.5"); /* nobody's spam */
	ck_assert_uint_eq(f->message_count, 1);
	struct str notice = f->messages[0].text;
	static const char *const says[] = {
	    "Subject: Sending of ann@example.test is held\r\n",
	    "it has written to 500 recipients within an hour\r\n",
	    "3 recipients of its messages",
	    "pillarbox sending release ann@example.test\r\n",
	};
	for (size_t i = 0; i < ARRAY_LEN(says); i++)
		ck_assert_msg(str_find_nocase(notice, str_of(says[i])) != STR_NONE, "no %s in %.*s",
		    says[i], STR_ARG(notice));
}
END_TEST

/* Whether a recipient is new is known once the message is there. */
START_TEST(who_writes_to_too_many_new_recipients_is_held_as_well)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);

	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
	fake_say(f, "DATA", "354");
	f->queue_add = ERR_LIMIT;
	fake_say(f, "Subject: x\n\nText\n.", "550 5.7.1 Your account has sent so much");
	ck_assert(f->sending_held && f->queue_held);
	ck_assert_uint_eq(f->message_count, 1);
	ck_assert(str_find_nocase(f->messages[0].text,
		      STR("it has written to 500 recipients within a day that it never wrote to "
			  "before\r\n")) != STR_NONE);
	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<x@other.test>", "550 5.7.1 Your account has sent so much");
	ck_assert_uint_eq(f->message_count, 1); /* told once */
}
END_TEST

START_TEST(a_message_of_an_account_that_was_held_meanwhile_is_refused_for_good)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);

	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
	fake_say(f, "DATA", "354");
	f->queue_add = ERR_DENIED;
	fake_say(f, "Subject: x\n\nText\n.", "550 5.7.1 Your account has sent so much");
	/* Beside a mailbox that has it the answer is temporary: the next RCPT says it. */
	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
	fake_say(f, "RCPT TO:<bob@example.test>", "250 2.1.5");
	fake_say(f, "DATA", "354");
	fake_say(f, "Subject: x\n\nText\n.", "451 4.3.0");
}
END_TEST

START_TEST(an_address_that_refused_for_good_is_refused_with_its_words)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);

	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<stale@other.test>",
	    "550 5.1.1 This address refused mail for good on Thu, 1 Jan 1970 00:00:00 +0000: 550 "
	    "5.1.1 No such??user");
	f->conf->sending.suppress_s = 0;
	fake_say(f, "RCPT TO:<stale@other.test>", "250 2.1.5");
}
END_TEST

/* RFC 3461 §5.2.3 */
START_TEST(who_asks_is_told_of_the_delivery_and_the_trace_has_it_all)
{
	CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);
	char expected[100];

	fake_say(f, "MAIL FROM:<ann@example.test> ENVID=e1", "250");
	fake_say(f, "RCPT TO:<bob@example.test> NOTIFY=SUCCESS", "250 2.1.5");
	fake_say(f, "RCPT TO:<nobody@example.test>", "550 5.1.1");
	fake_say(f, "RCPT TO:<dan@example.test>", "250 2.1.5");
	fake_say(f, "DATA", "354");
	fake_say(f, "Subject: x\n\nText\n.", "250 2.0.0");
	ck_assert_uint_eq(f->message_count, 2);
	ck_assert_uint_eq(f->queued_count, 1);
	ck_assert_int_eq(f->queued[0].kind, QUEUE_REPORT);
	ck_assert_str_is(f->queued[0].sender, "");
	ck_assert_str_is(f->queued[0].rcpts, "ann@example.test");
	static const char *const says[] = {"Subject: Delivered: x\r\n",
	    "Original-Envelope-Id: e1\r\n",
	    "Final-Recipient: rfc822; bob@example.test\r\nAction: delivered\r\n",
	    "Content-Type: text/rfc822-headers\r\n"};
	for (size_t i = 0; i < ARRAY_LEN(says); i++)
		ck_assert_msg(
		    str_find_nocase(f->queued[0].text, str_of(says[i])) != STR_NONE, "%s", says[i]);
	ck_assert(str_find_nocase(f->queued[0].text, STR("rfc822; dan@")) == STR_NONE);
	snprintf(expected, sizeof(expected),
	    "%d nobody@example.test;%d ;%d bob@example.test;%d dan@"
	    "example.test;",
	    TRACE_REFUSED, TRACE_ACCEPTED, TRACE_STORED, TRACE_STORED);
	ck_assert_str_is(sbuf_view(&f->trace), expected);
}
END_TEST

START_TEST(other_servers_get_nothing_relayed)
{
	static const struct dialogue rows[] = {
	    {"EHLO client.test", "250 HELP"},
	    {"MAIL FROM:<ann@example.test>", "250"},
	    {"RCPT TO:<x@other.test>", "550 5.7.1 Relaying denied"},
	    {"RCPT TO:<x%other.test@example.test>", "550 5.1.1"},
	    {"RCPT TO:<@example.test:x@other.test>", "550 5.7.1"},
	};

	PLAY(SMTP_MX, rows);
}
END_TEST

/* RFC 8689 §4.1 */
START_TEST(the_header_asks_for_mail_without_tls_where_mail_does_not_ask_for_tls)
{
	static const struct {
		const char *params, *header;
		bool requiretls, tls_optional;
	} rows[] = {
	    {"", "Subject: x", false, false},
	    {"", "TLS-Required: No", false, true},
	    {" REQUIRETLS", "Subject: x", true, false},
	    {" REQUIRETLS", "TLS-Required: No", true, false},
	};
	char line[200];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(fake_free) struct fake *f = logged_in(SMTP_SUBMISSION);
		snprintf(line, sizeof(line), "MAIL FROM:<ann@example.test>%s", rows[i].params);
		fake_say(f, line, "250");
		fake_say(f, "RCPT TO:<x@other.test>", "250 2.1.5");
		fake_say(f, "DATA", "354");
		snprintf(line, sizeof(line), "%s\n\nText\n.", rows[i].header);
		fake_say(f, line, "250 2.0.0 Ok, id");
		ck_assert_uint_eq(f->queued_count, 1);
		ck_assert_int_eq(f->queued[0].requiretls, rows[i].requiretls);
		ck_assert_int_eq(f->queued[0].tls_optional, rows[i].tls_optional);
	}
}
END_TEST

TEST_MAIN("submission", a_message_with_nul_goes_out_as_binary,
    the_header_asks_for_mail_without_tls_where_mail_does_not_ask_for_tls,
    what_not_all_behind_an_alias_can_take_goes_by_the_queue,
    recipients_elsewhere_go_to_the_queue_with_what_was_said_of_them,
    a_message_to_both_reaches_mailboxes_with_a_return_path_and_the_queue_without,
    a_queue_in_trouble_makes_the_client_send_again_and_nobody_gets_it_twice,
    nothing_is_queued_where_a_mailbox_has_failed,
    a_message_that_is_to_be_held_is_held_for_everybody,
    an_account_that_floods_is_held_at_once_and_the_postmaster_told_once,
    who_writes_to_too_many_new_recipients_is_held_as_well,
    a_message_of_an_account_that_was_held_meanwhile_is_refused_for_good,
    an_address_that_refused_for_good_is_refused_with_its_words,
    who_asks_is_told_of_the_delivery_and_the_trace_has_it_all, other_servers_get_nothing_relayed)

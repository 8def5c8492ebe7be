/* What becomes of a message: its size, its recipients, the answers at its end. */
#include "smtpd/deliver.h"
#include "tests/smtpd/fake.h"

#include "common/base/clock.h"

#include <stdio.h>

static void
begin(struct fake *f, const char *rcpt)
{
	char line[200];

	fake_say(f, "RSET", "250");
	fake_say(f, "MAIL FROM:<a@b.test>", "250 2.1.0");
	snprintf(line, sizeof(line), "RCPT TO:<%s@example.test>", rcpt);
	fake_say(f, line, "250 2.1.5");
}

static struct fake *
ready(enum smtp_service service)
{
	struct fake *f = fake_new();

	fake_open(f, service);
	fake_say(f, service == SMTP_LMTP ? "LHLO client.test" : "EHLO client.test", "250 HELP");
	return f;
}

static void
ck_answer(struct fake *f, struct str octets, const char *expect)
{
	struct str got = fake_feed(f, octets);

	ck_assert_msg(
	    str_starts(got, str_of(expect)), "got \"%.*s\", expected \"%s\"", STR_ARG(got), expect);
}

/* -- DATA -------------------------------------------------------------------------------------- */

START_TEST(a_message_is_stored_with_trace_fields_and_nothing_else_changed)
{
	clock_freeze(1700000000);
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	begin(f, "ann");
	fake_say(f, "DATA", "354");
	ck_answer(f, STR("Subject: x\r\nReturn-Path: <evil@x>\r\n\r\n..dot\r\n\0nul \xff\r\n.\r\n"),
	    "250 2.0.0 Ok, id memory-1\r\n");
	clock_thaw();
	ck_assert_uint_eq(f->message_count, 1);
	ck_assert(str_eq(fake_body(f, 0), STR("Subject: x\r\n\r\n.dot\r\n\0nul \xff\r\n")));
	ck_assert(str_starts(f->messages[0].text,
	    STR("Return-Path: <a@b.test>\r\nReceived: from client.test ([127.0.0.1])\r\n"
		"\tby mail.example.test with ESMTP id memory-1\r\n\tfor <ann@example.test>; ")));
}
END_TEST

/* RFC 5321 §4.4: For = "FOR" FWS ( Path / Mailbox ), and both have a domain. */
START_TEST(the_bare_postmaster_gets_a_domain_in_received)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	fake_say(f, "MAIL FROM:<a@b.test>", "250");
	fake_say(f, "RCPT TO:<postmaster>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, ".", "250");
	struct str text = f->messages[0].text;
	ck_assert_ptr_nonnull(memmem(text.p, text.n, "\tfor <postmaster@mail.example.test>; ", 37));
}
END_TEST

START_TEST(recipients_who_are_several_do_not_learn_of_each_other)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	begin(f, "ann");
	fake_say(f, "RCPT TO:<bob@example.test>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, "x\n.", "250");
	ck_assert_uint_eq(f->message_count, 2);
	ck_assert_ptr_null(memmem(f->messages[0].text.p, f->messages[0].text.n, "for <", 5));
}
END_TEST

START_TEST(an_account_gets_one_copy_whatever_names_reach_it)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	begin(f, "ann");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<ann+tag@example.test>", "250");
	fake_say(f, "RCPT TO:<team@example.test>", "250");
	fake_say(f, "RCPT TO:<sales@example.test>", "250");
	fake_say(f, "RCPT TO:<postmaster>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, "x\n.", "250");
	ck_assert_uint_eq(f->message_count, 2);
	ck_assert_int_eq(f->messages[0].account, 1);
	ck_assert_int_eq(f->messages[1].account, 2);
}
END_TEST

/* message_size_limit is 65536 here */
START_TEST(size_is_measured_as_it_comes_and_refused_at_the_end)
{
	static char text[65536 + 16];
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	memset(text, 'x', sizeof(text));
	begin(f, "ann");
	fake_say(f, "DATA", "354");
	memcpy(text + 65534, "\r\n.\r\n", 5);
	ck_answer(f, str_make(text, 65539), "250 2.0.0");
	ck_assert_uint_eq(fake_body(f, 0).n, 65536);
	begin(f, "ann");
	fake_say(f, "DATA", "354");
	memset(text, 'x', sizeof(text));
	memcpy(text + 65535, "\r\n.\r\n", 5);
	ck_assert_uint_eq(fake_feed(f, str_make(text, 65536)).n, 0);
	ck_assert_uint_eq(f->spools_open, 1);
	ck_answer(f, str_make(text + 65536, 4), "552 5.3.4");
	ck_assert_uint_eq(f->spools_open, 0);
	fake_say(f, "RCPT TO:<ann@example.test>", "503"); /* the transaction is over */
	begin(f, "ann"); /* an endless one costs nothing */
	fake_say(f, "DATA", "354");
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 100; i++)
		ck_assert_uint_eq(fake_feed(f, str_make(text, 65536)).n, 0);
	ck_assert_uint_eq(f->spools_open, 0);
	ck_answer(f, STR("\r\n.\r\n"), "552 5.3.4");
	ck_assert_uint_eq(f->message_count, 1);
}
END_TEST

START_TEST(bare_newlines_are_put_right_or_refused_and_end_nothing)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);
	const struct str smuggled = STR("a\n.\r\nMAIL FROM:<evil@x>\r\nb\r.\r\nc\r\n.\n.\r\n");

	begin(f, "ann");
	fake_say(f, "DATA", "354");
	ck_assert_uint_eq(fake_feed(f, smuggled).n, 0); /* not one reply */
	ck_answer(f, STR("\r\n.\r\n"), "250 2.0.0");
	ck_assert_str_is(
	    fake_body(f, 0), "a\r\n.\r\nMAIL FROM:<evil@x>\r\nb\r\n.\r\nc\r\n\r\n.\r\n\r\n");
	f->conf->smtpd.refuse_bare_newline = true;
	begin(f, "ann");
	fake_say(f, "DATA", "354");
	ck_assert_uint_eq(fake_feed(f, smuggled).n, 0);
	ck_answer(f, STR("\r\n.\r\n"), "554 5.6.11");
	begin(f, "ann");
	fake_say(f, "DATA", "354");
	ck_answer(f, STR("a\r\n.\r\n"), "250 2.0.0");
	ck_assert_uint_eq(f->message_count, 2);
}
END_TEST

START_TEST(a_message_that_goes_round_is_stopped)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	f->conf->smtpd.max_received = 10;
	for (int hops = 10; hops <= 11; hops++) {
		begin(f, "ann");
		fake_say(f, "DATA", "354");
		for (int i = 0; i < hops; i++)
			fake_say(f, "Received: from a by b\n\twith c", NULL);
		fake_say(f, "\n.", hops > 10 ? "554 5.4.6" : "250");
	}
	ck_assert_uint_eq(f->message_count, 1);
}
END_TEST

START_TEST(a_store_in_trouble_is_answered_with_try_again)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);
	static const struct {
		enum err err;
		const char *reply;
	} rows[] = {{ERR_NO_SPACE, "452 4.3.1"}, {ERR_IO, "451 4.3.0"}, {ERR_NOMEM, "451 4.3.0"},
	    {ERR_BUSY, "451 4.3.0"}, {ERR_DENIED, "451 4.3.0"}, {ERR_OVER_QUOTA, "452 4.2.2"},
	    {ERR_LIMIT, "451 4.3.0"}, {ERR_NOT_FOUND, "451 4.3.0"}, {ERR_CORRUPT, "451 4.3.0"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		f->spool_new = rows[i].err;
		begin(f, "ann");
		fake_say(f, "DATA", rows[i].reply);
		f->spool_new = ERR_OK;
		f->spool_write = rows[i].err;
		f->spool_room = 1000;
		fake_say(f, "DATA", "354"); /* the transaction is as it was */
		for (int j = 0; j < 100; j++)
			fake_say(f, "some text that does not fit", NULL);
		fake_say(f, ".", rows[i].reply);
		f->spool_write = ERR_OK;
		f->deliver[1] = rows[i].err;
		begin(f, "ann");
		fake_say(f, "DATA", "354");
		fake_say(f, "x\n.", rows[i].reply);
		f->deliver[1] = ERR_OK;
	}
	f->deliver[1] = ERR_GONE;
	begin(f, "ann");
	fake_say(f, "DATA", "354");
	fake_say(f, "x\n.", "550 5.1.1");
	f->deliver[1] = ERR_OK;
	ck_assert_uint_eq(f->message_count, 0);
	begin(f, "ann");
	fake_say(f, "DATA", "354");
	fake_say(f, "x\n.", "250");
}
END_TEST

/* -- several recipients, of which some fail --------------------------------------------------- */

START_TEST(results_of_several_make_one_answer)
{
	static const struct {
		enum err a, b, both;
	} rows[] = {
	    {ERR_OK, ERR_OK, ERR_OK},
	    {ERR_OK, ERR_BUSY, ERR_BUSY},
	    {ERR_BUSY, ERR_OK, ERR_BUSY},
	    {ERR_OK, ERR_OVER_QUOTA, ERR_OVER_QUOTA},
	    {ERR_GONE, ERR_GONE, ERR_GONE},
	    {ERR_GONE, ERR_OK, ERR_STALE},
	    {ERR_OK, ERR_GONE, ERR_STALE},
	    {ERR_GONE, ERR_BUSY, ERR_BUSY},
	    {ERR_BUSY, ERR_GONE, ERR_BUSY},
	    {ERR_GONE, ERR_TOO_BIG, ERR_GONE},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_int_eq(deliver_combine(rows[i].a, rows[i].b), rows[i].both);
}
END_TEST

static void
send_to_team(struct fake *f, const char *text, const char *expect)
{
	fake_say(f, "MAIL FROM:<a@b.test>", "250");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<bob@example.test>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, text, NULL);
	fake_say(f, ".", expect);
}

START_TEST(an_alias_with_a_full_mailbox_reaches_the_others_once)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	f->deliver[3] = ERR_OVER_QUOTA;
	for (int i = 0; i < 3; i++) {
		begin(f, "half"); /* ann, and one whose mailbox is full */
		fake_say(f, "DATA", "354");
		fake_say(f, "x\n.", "452 4.2.2");
		ck_assert_uint_eq(f->message_count, 1);
	}
	f->deliver[3] = ERR_OK;
	begin(f, "half");
	fake_say(f, "DATA", "354");
	fake_say(f, "x\n.", "250");
	ck_assert_uint_eq(f->message_count, 2);
	ck_assert_int_eq(f->messages[1].account, 3);
}
END_TEST

START_TEST(who_has_a_message_does_not_get_it_again_when_it_comes_for_the_others)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	f->deliver[2] = ERR_OVER_QUOTA;
	send_to_team(f, "one", "452 4.2.2");
	ck_assert_uint_eq(f->message_count, 1); /* ann has it */
	send_to_team(f, "one", "452 4.2.2");
	ck_assert_uint_eq(f->message_count, 1);
	send_to_team(f, "another", "452 4.2.2"); /* not the same message */
	ck_assert_uint_eq(f->message_count, 2);
	f->deliver[2] = ERR_OK;
	send_to_team(f, "one", "250");
	ck_assert_uint_eq(f->message_count, 3);
	ck_assert_int_eq(f->messages[2].account, 2);
	send_to_team(f, "one", "250"); /* acknowledged: the next is a new one */
	ck_assert_uint_eq(f->message_count, 5);
	begin(f, "ann"); /* alone, as when RCPT refuses the full one */
	fake_say(f, "DATA", "354");
	fake_say(f, "another\n.", "250");
	ck_assert_uint_eq(f->message_count, 5);
	fake_say(f, "MAIL FROM:<other@b.test>", "250");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, "another\n.", "250");
	ck_assert_uint_eq(f->message_count, 6);
}
END_TEST

START_TEST(an_address_elsewhere_does_not_wait_for_a_full_mailbox)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	f->deliver[3] = ERR_OVER_QUOTA;
	for (int i = 0; i < 4; i++) {
		if (i == 3)
			f->deliver[3] = ERR_OK;
		begin(f, "mixed"); /* ann, one whose mailbox is full, and x@other.test */
		fake_say(f, "DATA", "354");
		fake_say(f, "x\n.", i == 3 ? "250" : "452 4.2.2");
		ck_assert_uint_eq(f->message_count, i == 3 ? 2 : 1);
		ck_assert_uint_eq(f->queued_count, 1);
	}
	/* the same for others, too, is not the same; and what was acknowledged is over */
	begin(f, "mixed");
	fake_say(f, "RCPT TO:<away@example.test>", "250");
	fake_say(f, "RCPT TO:<keeps@example.test>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, "x\n.", "250");
	ck_assert_uint_eq(f->message_count, 5);
	ck_assert_uint_eq(f->queued_count, 2);
	ck_assert_str_is(f->queued[1].rcpts, "x@other.test y@other.test");
}
END_TEST

START_TEST(what_was_delivered_in_part_is_remembered_within_bounds)
{
	CLEANUP(partial_free) struct partial_table *t = partial_new();
	unsigned char digest[INCOMING_DIGEST_BYTES] = {0};
	unsigned char key[PARTIAL_KEY_BYTES], first[PARTIAL_KEY_BYTES];

	ck_assert(!partial_any(t));
	for (unsigned i = 0; i <= PARTIAL_MAX; i++) {
		memcpy(digest, &i, sizeof(i));
		ck_assert(partial_key(digest, STR("a@b.test"), key));
		if (i == 0)
			memcpy(first, key, sizeof(key));
		partial_note(t, key, 7);
		partial_note(t, key, 7);
		ck_assert(partial_has(t, key, 7));
		ck_assert(!partial_has(t, key, 8));
	}
	ck_assert(!partial_has(t, first, 7)); /* the oldest went */
	for (unsigned i = 1; i <= PARTIAL_MAX; i++) {
		memcpy(digest, &i, sizeof(i));
		ck_assert(partial_key(digest, STR("a@b.test"), key));
		ck_assert(partial_any(t));
		partial_forget(t, key, 7);
	}
	ck_assert(!partial_any(t));
}
END_TEST

/* -- BDAT: RFC 3030 ---------------------------------------------------------------------------- */

START_TEST(chunks_make_a_message)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	begin(f, "ann");
	ck_answer(f, STR("BDAT 15\r\nSubject: x\r\n\r\nb"), "250 2.0.0 15 octets received\r\n");
	fake_say(f, "DATA", "503 5.5.1 Only BDAT");
	fake_say(f, "RCPT TO:<bob@example.test>", "503");
	fake_say(f, "MAIL FROM:<a@b.test>", "503");
	fake_say(f, "BDAT 0", "250 2.0.0 0 octets received");
	ck_answer(f, STR("BDAT 7\r\nody\r\n.\r"), "250 2.0.0 7 octets received\r\n");
	ck_answer(f, STR("BDAT 1 LAST\r\n\n"), "250 2.0.0 Ok, id memory-1\r\n");
	ck_assert_str_is(fake_body(f, 0), "Subject: x\r\n\r\nbody\r\n.\r\n");
	fake_say(f, "BDAT 0 LAST", "503 5.5.1"); /* §2: after LAST */
	begin(f, "ann");
	/* all at once, with a command behind */
	ck_answer(f, STR("BDAT 3\r\na\r\nBDAT 3\r\nb\r\nBDAT 0 LAST\r\nNOOP\r\n"),
	    "250 2.0.0 3 octets received\r\n250 2.0.0 3 octets received\r\n250 2.0.0 Ok, id "
	    "memory-2\r\n"
	    "250 2.0.0 Ok\r\n");
	ck_assert_str_is(fake_body(f, 1), "a\r\nb\r\n");
	begin(f, "ann");
	fake_say(f, "BDAT 0 LAST", "250 2.0.0 Ok, id");
	ck_assert_str_is(fake_body(f, 2), "");
}
END_TEST

START_TEST(chunks_by_byte_are_the_same)
{
	const struct str in = STR("BDAT 5\r\nab\r\ncBDAT 4 LAST\r\nd\r\n.NOOP\r\n");
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);
	CLEANUP(sbuf_done) struct sbuf got = SBUF_INIT(4096);

	begin(f, "ann");
	for (size_t i = 0; i < in.n; i++)
		sbuf_put(&got, fake_feed(f, str_sub(in, i, 1)));
	ck_assert_str_is(sbuf_view(&got), "250 2.0.0 5 octets received\r\n"
					  "250 2.0.0 Ok, id memory-1\r\n250 2.0.0 Ok\r\n");
	ck_assert_str_is(fake_body(f, 0), "ab\r\ncd\r\n.");
}
END_TEST

START_TEST(a_refused_chunk_is_read_to_its_end)
{
	static char text[65536];
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	ck_answer(
	    f, STR("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"), "503 5.5.1 Need MAIL first\r\n250 2.0.0");
	fake_say(f, "MAIL FROM:<a@b.test>", "250");
	ck_answer(
	    f, STR("BDAT 6\r\nQUIT\r\nNOOP\r\n"), "503 5.5.1 No valid recipients\r\n250 2.0.0");
	fake_say(f, "RCPT TO:<ann@example.test>", "250"); /* the transaction is as it was */
	f->spool_new = ERR_NO_SPACE;
	ck_answer(f, STR("BDAT 6\r\nQUIT\r\nNOOP\r\n"),
	    "452 4.3.1 No space left, try again later\r\n250");
	f->spool_new = ERR_OK;
	ck_answer(
	    f, STR("BDAT 6 LAST\r\nQUIT\r\n"), "503 5.5.1"); /* the rest of the same message */
	begin(f, "ann");
	memset(text, 'x', sizeof(text));
	fake_say(f, "BDAT 65537 LAST", NULL);
	fake_feed(f, str_make(text, sizeof(text)));
	ck_answer(f, STR("x"), "552 5.3.4");
	begin(f, "ann");
	fake_say(f, "BDAT 65536", NULL);
	ck_answer(f, str_make(text, sizeof(text)), "250 2.0.0");
	ck_answer(f, STR("BDAT 1\r\nx"), "552 5.3.4"); /* said as soon as it is known */
	ck_answer(f, STR("BDAT 1 LAST\r\nx"), "503 5.5.1");
	begin(f, "ann");
	f->spool_write = ERR_IO;
	f->spool_room = 1000;
	fake_say(f, "BDAT 5000", NULL);
	ck_answer(f, str_make(text, 5000), "451 4.3.0");
	ck_assert_uint_eq(f->message_count, 0);
	ck_assert_uint_eq(f->spools_open, 0);
	fake_say(f, "BDAT 1x", "501 5.5.4\n<closed>"); /* nobody knows what follows */
}
END_TEST

START_TEST(binary_needs_chunks_and_stays_as_it_is)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_MX);

	fake_say(f, "MAIL FROM:<a@b.test> BODY=BINARYMIME", "250");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "DATA", "503 5.5.1"); /* RFC 3030 §3 */
	ck_answer(f, STR("BDAT 12 LAST\r\n\0\n\r\r\n.\r\n\r\n\xff\n"), "250 2.0.0");
	ck_assert(str_eq(fake_body(f, 0), STR("\0\n\r\r\n.\r\n\r\n\xff\n")));
	begin(f, "ann"); /* text: line ends are put right */
	ck_answer(f, STR("BDAT 5 LAST\r\na\nb\rc"), "250 2.0.0");
	ck_assert_str_is(fake_body(f, 1), "a\r\nb\r\nc");
}
END_TEST

/* -- LMTP: RFC 2033 ---------------------------------------------------------------------------- */

START_TEST(lmtp_answers_for_each_recipient)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_LMTP);

	fake_say(f, "MAIL FROM:<a@b.test>", "250");
	fake_say(f, "DATA", "503 5.5.1");
	fake_say(f, "RCPT TO:<x@example.test>", "550 5.1.1");
	fake_say(f, "DATA", "503 5.5.1"); /* §4.2: none that is valid */
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<y@example.test>", "550 5.1.1");
	fake_say(f, "RCPT TO:<bob@example.test>", "250");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	f->deliver[2] = ERR_OVER_QUOTA;
	fake_say(f, "DATA", "354");
	ck_assert_str_is(fake_feed(f, STR("x\r\n.\r\n")),
	    "250 2.0.0 Ok, id memory-1\r\n452 4.2.2 The mailbox is full, try again later\r\n"
	    "250 2.0.0 Ok, id memory-1\r\n");
	ck_assert_uint_eq(f->message_count, 1);
	ck_assert_ptr_nonnull(
	    memmem(f->messages[0].text.p, f->messages[0].text.n, "with LMTP id", 12));
	/* the same for what concerns the whole message, and for the last chunk */
	f->conf->smtpd.refuse_bare_newline = true;
	fake_say(f, "MAIL FROM:<a@b.test>", "250");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<bob@example.test>", "250");
	ck_answer(f, STR("BDAT 2\r\n\nxBDAT 1 LAST\r\ny"),
	    "250 2.0.0 2 octets received\r\n554 5.6.11 A bare CR or LF in the message: lines must "
	    "end in "
	    "CRLF\r\n554 5.6.11");
}
END_TEST

START_TEST(an_alias_of_lmtp_counts_as_one_recipient)
{
	CLEANUP(fake_free) struct fake *f = ready(SMTP_LMTP);

	f->deliver[2] = ERR_IO;
	for (int i = 0; i < 2; i++) {
		fake_say(f, "MAIL FROM:<a@b.test>", "250");
		fake_say(f, "RCPT TO:<team@example.test>", "250");
		fake_say(f, "DATA", "354");
		ck_assert_str_is(
		    fake_feed(f, STR("x\r\n.\r\n")), "451 4.3.0 Local error, try again later\r\n");
	}
	ck_assert_uint_eq(f->message_count, 1); /* ann got it at the first try */
	fake_say(f, "MAIL FROM:<a@b.test>", "250");
	fake_say(f, "RCPT TO:<team@example.test>", "250");
	fake_say(f, "RCPT TO:<ann@example.test>", "250");
	fake_say(f, "DATA", "354");
	ck_assert_str_is(fake_feed(f, STR("x\r\n.\r\n")),
	    "451 4.3.0 Local error, try again later\r\n250 2.0.0 Ok, id memory-3\r\n");
	ck_assert_uint_eq(f->message_count, 1);
}
END_TEST

/* -- submission: RFC 6409 ---------------------------------------------------------------------- */

START_TEST(submission_is_for_users_with_their_own_addresses)
{
	static const struct dialogue before[] = {
	    {"EHLO client.test", "250-STARTTLS\n250-AUTH PLAIN LOGIN SCRAM-SHA-256\n250 HELP"},
	    {"MAIL FROM:<ann@example.test>", "530 5.7.0"},
	    {"RCPT TO:<ann@example.test>", "530 5.7.0"},
	    {"DATA", "530 5.7.0"},
	    {"BDAT 6\nQUIT\n\\", "530 5.7.0"},
	    {"VRFY ann", "252"},
	};
	static const struct dialogue after[] = {
	    {"EHLO client.test", "250-LIMITS\n250 HELP\n!250-AUTH"},
	    {"AUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0", "503 5.5.1"},
	    {"MAIL FROM:<bob@example.test>", "553 5.7.1"},
	    {"MAIL FROM:<ann@other.test>", "553 5.7.1"},
	    {"MAIL FROM:<sales@example.test> AUTH=<>", "250 2.1.0"}, {"AUTH PLAIN", "503 5.5.1"},
	    {"RCPT TO:<x@other.test>", "250 2.1.5"}, {"RCPT TO:<bob@example.test>", "250 2.1.5"},
	    {"DATA", "354"}, {"Subject: x\n\nText\n.", "250 2.0.0"},
	    {"MAIL FROM:<>", "250 2.1.0"}, /* receipts */
	};
	fake_play(SMTP_SUBMISSION, false, before, ARRAY_LEN(before));
	fake_play(SMTP_SUBMISSION, true, after, ARRAY_LEN(after));
	fake_play(SMTP_SUBMISSIONS, true, after, ARRAY_LEN(after));
}
END_TEST

START_TEST(submission_adds_what_is_missing)
{
	CLEANUP(fake_free) struct fake *f = fake_new();

	ck_assert_ok(password_make(STR("secret"), f->arena, &f->credential));
	fake_open_with(f, &(struct conn_memory_options){.service = SMTP_SUBMISSIONS, .tls = true});
	fake_say(f, "EHLO [127.0.0.1]", "250 HELP");
	fake_say(f, "AUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAc2VjcmV0", "235");
	fake_say(f, "MAIL FROM:<ann@example.test>", "250");
	fake_say(f, "RCPT TO:<bob@example.test>", "250");
	fake_say(f, "DATA", "354");
	fake_say(f, "Bcc: secret@example.test\n\nText\n.", "250");
	struct str body = fake_body(f, 0);
	ck_assert(str_starts(body, STR("Bcc: secret@example.test\r\nDate: ")));
	ck_assert_ptr_nonnull(memmem(body.p, body.n, "@mail.example.test>\r\n\r\nText\r\n", 29));
	ck_assert_ptr_nonnull(
	    memmem(f->messages[0].text.p, f->messages[0].text.n, "with ESMTPSA id", 15));
	ck_assert_ptr_nonnull(
	    memmem(f->messages[0].text.p, f->messages[0].text.n, "from [127.0.0.1] (", 18));
}
END_TEST

TEST_MAIN("smtp_message", a_message_is_stored_with_trace_fields_and_nothing_else_changed,
    the_bare_postmaster_gets_a_domain_in_received,
    recipients_who_are_several_do_not_learn_of_each_other,
    an_account_gets_one_copy_whatever_names_reach_it,
    size_is_measured_as_it_comes_and_refused_at_the_end,
    bare_newlines_are_put_right_or_refused_and_end_nothing, a_message_that_goes_round_is_stopped,
    a_store_in_trouble_is_answered_with_try_again, results_of_several_make_one_answer,
    who_has_a_message_does_not_get_it_again_when_it_comes_for_the_others,
    an_alias_with_a_full_mailbox_reaches_the_others_once,
    an_address_elsewhere_does_not_wait_for_a_full_mailbox,
    what_was_delivered_in_part_is_remembered_within_bounds, chunks_make_a_message,
    chunks_by_byte_are_the_same, a_refused_chunk_is_read_to_its_end,
    binary_needs_chunks_and_stays_as_it_is, lmtp_answers_for_each_recipient,
    an_alias_of_lmtp_counts_as_one_recipient, submission_is_for_users_with_their_own_addresses,
    submission_adds_what_is_missing)

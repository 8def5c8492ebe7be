/* smtpd/outbound/report.h: RFC 3464, RFC 6522, RFC 6533, RFC 3461 §6. */
#include "smtpd/outbound/report_text.h"
#include "tests/support/store_fixture.h"

static const char first_message[] =
    "Received: from a by b; Sun, 22 Nov 2026 12:00:00 +0000\r\n"
    "From: ann@example.test\r\nSubject: The =?utf-8?q?caf=C3=A9?=\r\n of yesterday\r\n"
    "Message-ID: <one@example.test>\r\n\r\nHello Bob,\r\n--not a boundary\r\n";

struct original {
	struct content content;
	struct str text;
};

static enum err
read_original(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct str s = str_skip(((struct original *)c)->text, (size_t)offset);

	*ret_n = s.n < n ? s.n : n;
	memcpy(to, s.p, *ret_n);
	return ERR_OK;
}

static enum err
read_broken(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	(void)c, (void)offset, (void)to, (void)n, (void)ret_n;
	return ERR_IO;
}

static struct original
original_of(struct str text)
{
	return (struct original){{.size = text.n, .read = read_original}, text};
}

static struct queue_message
about(void)
{
	return (struct queue_message){
	    .kind = QUEUE_SUBMITTED,
	    .sender = STR("ann@example.test"),
	    .trace_id = STR("5f3a01.1"),
	    .message_id = STR("one@example.test"),
	    .created_s = 1795348800,
	};
}

static struct report_rcpt
failed(void)
{
	return (struct report_rcpt){
	    .kind = REPORT_FAILED,
	    .address = STR("bob@example.net"),
	    .status = STR("5.1.1"),
	    .reply = STR("550 5.1.1 No such user here"),
	    .host = STR("mx1.example.net[192.0.2.1]:25"),
	    .last_attempt_s = 1795348860,
	};
}

/* The report as one string. */
static struct str
write_report(struct store_fixture *f, struct report *r)
{
	struct spool *spool = NULL;

	r->hostname = STR("mail.example.test");
	r->postmaster = STR("postmaster@example.test");
	if (!r->to.p)
		r->to = STR("ann@example.test");
	r->now_s = 1795348900;
	ck_assert_int_eq(spool_new(f->store, &spool), ERR_OK);
	ck_assert_int_eq(report_write(r, spool), ERR_OK);
	const struct message_index *index = NULL;
	ck_assert_int_eq(spool_finish(spool, &index), ERR_OK);
	size_t n = (size_t)spool_size(spool);
	char *p = arena_alloc(f->arena, n + 1);
	ck_assert_ptr_nonnull(p);
	ck_assert_int_eq(spool_read_back(spool, 0, p, n), ERR_OK);
	p[n] = '\0';
	spool_free(&spool);
	return str_make(p, n);
}

static void
has(struct str text, const char *what)
{
	ck_assert_msg(str_find_nocase(text, str_of(what)) != STR_NONE, "no \"%s\" in:\n%.*s", what,
	    STR_ARG(text));
}

static void
has_not(struct str text, const char *what)
{
	ck_assert_msg(str_find_nocase(text, str_of(what)) == STR_NONE, "\"%s\" in:\n%.*s", what,
	    STR_ARG(text));
}

/* RFC 3464 §2.2, §2.3 */
START_TEST(a_failure_tells_people_and_programs_what_happened)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct queue_message m = about();
	struct report_rcpt rcpt = failed();
	struct str s = str_of(first_message);
	struct original o = original_of(s);
	struct report r = {.about = &m, .original = &o.content, .rcpts = &rcpt, .rcpt_count = 1};

	m.envid = STR("QQ314159");
	rcpt.orcpt = STR("rfc822;Bob@Example.NET");
	struct str got = write_report(f, &r);
	static const char *const lines[] = {
	    "From: \"Mail system at mail.example.test\" <postmaster@example.test>\r\n",
	    "To: <ann@example.test>\r\n",
	    "Subject: Not delivered: The =?utf-8?q?caf=C3=A9?= of yesterday\r\n",
	    "In-Reply-To: <one@example.test>\r\n",
	    "Auto-Submitted: auto-replied\r\n",
	    "report-type=delivery-status",
	    "\r\n  bob@example.net\r\n    mx1.example.net[192.0.2.1]:25 said:\r\n"
	    "      550 5.1.1 No such user here\r\n    There is no such address there.",
	    "Content-Type: message/delivery-status\r\n\r\nOriginal-Envelope-Id: QQ314159\r\n"
	    "Reporting-MTA: dns; mail.example.test\r\nArrival-Date: ",
	    "\r\n\r\nOriginal-Recipient: rfc822;Bob@Example.NET\r\n"
	    "Final-Recipient: rfc822; bob@example.net\r\nAction: failed\r\nStatus: 5.1.1\r\n"
	    "Remote-MTA: dns; mx1.example.net\r\n"
	    "Diagnostic-Code: smtp; 550 5.1.1 No such user here\r\n",
	    "Content-Type: message/rfc822\r\n",
	    "\r\n\r\nHello Bob,\r\n--not a boundary\r\n\r\n--",
	};
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		has(got, lines[i]);
	has_not(got, "Return-Path");
}
END_TEST

/* RFC 3461 §4.3; the original's words are chosen by what RET and its size say. */
START_TEST(ret_and_size_say_how_much_of_the_original_comes_back)
{
	static const struct {
		enum queue_ret ret;
		enum report_kind kind;
		enum queue_body body;
		size_t size;
		bool whole;
		bool requiretls; /* RFC 8689 §5 */
	} rows[] = {
	    {QUEUE_RET_DEFAULT, REPORT_FAILED, QUEUE_8BITMIME, 1000, true, false},
	    {QUEUE_RET_DEFAULT, REPORT_FAILED, QUEUE_8BITMIME, 1000, false, true},
	    {QUEUE_RET_FULL, REPORT_FAILED, QUEUE_7BIT, 1000, false, true},
	    {QUEUE_RET_DEFAULT, REPORT_FAILED, QUEUE_7BIT, REPORT_DEFAULT_FULL_MAX + 1, false,
		false},
	    {QUEUE_RET_FULL, REPORT_FAILED, QUEUE_7BIT, REPORT_DEFAULT_FULL_MAX + 1, true, false},
	    {QUEUE_RET_FULL, REPORT_FAILED, QUEUE_7BIT, REPORT_FULL_MAX + 1, false, false},
	    {QUEUE_RET_FULL, REPORT_FAILED, QUEUE_BINARYMIME, 1000, false, false},
	    {QUEUE_RET_HDRS, REPORT_FAILED, QUEUE_7BIT, 1000, false, false},
	    {QUEUE_RET_FULL, REPORT_DELAYED, QUEUE_7BIT, 1000, false, false},
	    {QUEUE_RET_FULL, REPORT_DELIVERED, QUEUE_7BIT, 1000, false, false},
	};
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct queue_message m = about();
		struct report_rcpt rcpt = failed();
		char *p = calloc(1, rows[i].size);
		memset(p, 'x', rows[i].size);
		memcpy(p, first_message, sizeof(first_message) - 1);
		struct str s = str_make(p, rows[i].size);
		struct original o = original_of(s);
		struct report r = {
		    .about = &m, .original = &o.content, .rcpts = &rcpt, .rcpt_count = 1};
		m.ret = rows[i].ret;
		m.body = rows[i].body;
		m.requiretls = rows[i].requiretls;
		rcpt.kind = rows[i].kind;
		struct str got = write_report(f, &r);
		ck_assert_msg(
		    (str_find_nocase(got, STR("Hello Bob,")) != STR_NONE) == rows[i].whole,
		    "row %zu", i);
		free(p);
	}
}
END_TEST

/* RFC 6533 §3, §4 */
START_TEST(addresses_beyond_ascii_are_written_as_the_reader_can_have_them)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct queue_message m = about();
	struct report_rcpt rcpt = failed();
	struct report r = {.about = &m, .rcpts = &rcpt, .rcpt_count = 1};

	rcpt.address = STR("b\303\266b@example.net");
	struct str got = write_report(f, &r);
	has(got, "Content-Type: message/delivery-status\r\n");
	has(got, "Final-Recipient: utf-8; b\\x{F6}b@example.net\r\n");
	r.utf8 = true;
	got = write_report(f, &r);
	has(got, "Content-Type: message/global-delivery-status\r\n");
	has(got, "Final-Recipient: utf-8; b\303\266b@example.net\r\n");
}
END_TEST

START_TEST(what_another_server_says_makes_no_field_and_no_line_of_its_own)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct queue_message m = about();
	struct report_rcpt rcpt = failed();
	struct report r = {.about = &m, .rcpts = &rcpt, .rcpt_count = 1};
	static const char evil[] = "550 no\r\nX-Evil: yes\r\n\r\n--boundary \377\001";

	rcpt.reply = str_of(evil);
	m.envid = STR("a\r\nX-Evil: yes");
	m.message_id = STR("x>\r\nX-Evil: yes");
	struct str got = write_report(f, &r);
	has_not(got, "\nX-Evil");
	has_not(got, "\377");
	has(got, "Diagnostic-Code: smtp; 550 no X-Evil: yes --boundary ?");
}
END_TEST

START_TEST(long_words_are_folded_and_every_line_is_short_enough)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct queue_message m = about();
	struct report_rcpt rcpt = failed();
	struct report r = {.about = &m, .rcpts = &rcpt, .rcpt_count = 1};
	char words[JOB_REPLY_MAX];

	for (size_t i = 0; i < sizeof(words); i++)
		words[i] = i % 8 == 7 ? ' ' : 'w';
	rcpt.reply = str_make(words, sizeof(words));
	struct str rest = write_report(f, &r), line;
	while (str_split(&rest, '\n', &line))
		ck_assert_msg(line.n <= 79, "%.*s", STR_ARG(line)); /* with its CR */
}
END_TEST

START_TEST(each_kind_has_its_action_and_a_delay_says_until_when)
{
	static const struct {
		enum report_kind kind;
		const char *action, *headline;
	} rows[] = {
	    {REPORT_FAILED, "Action: failed\r\n", "Subject: Not delivered\r\n"},
	    {REPORT_DELAYED, "Action: delayed\r\n", "Subject: Delayed\r\n"},
	    {REPORT_DELIVERED, "Action: delivered\r\n", "Subject: Delivered\r\n"},
	    {REPORT_RELAYED, "Action: relayed\r\n", "Subject: Sent on\r\n"},
	    {REPORT_EXPANDED, "Action: expanded\r\n", "Subject: Sent on\r\n"},
	};
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct queue_message m = about();
		struct report_rcpt rcpt = failed();
		struct report r = {.about = &m, .rcpts = &rcpt, .rcpt_count = 1};
		rcpt.kind = rows[i].kind;
		rcpt.will_retry_until_s = 1795700000;
		struct str got = write_report(f, &r);
		has(got, rows[i].action);
		has(got, rows[i].headline);
		ck_assert_int_eq(str_find_nocase(got, STR("Will-Retry-Until:")) != STR_NONE,
		    rows[i].kind == REPORT_DELAYED);
	}
}
END_TEST

START_TEST(an_original_that_cannot_be_read_is_a_failure_and_not_half_a_report)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	struct queue_message m = about();
	struct report_rcpt rcpt = failed();
	struct original o = {{.size = 100, .read = read_broken}, STR("")};
	struct report r = {.about = &m, .original = &o.content, .rcpts = &rcpt, .rcpt_count = 1};
	struct spool *spool = NULL;

	ck_assert_int_eq(spool_new(f->store, &spool), ERR_OK);
	ck_assert_int_eq(report_write(&r, spool), ERR_IO);
	spool_free(&spool);
}
END_TEST

/* RFC 3463, RFC 5248 */
START_TEST(advice_is_that_of_the_longest_code_known)
{
	static const struct {
		const char *status, *begins;
	} rows[] = {
	    {"5.1.1", "There is no such address"},
	    {"5.1.10", "The domain accepts no mail"},
	    {"5.1.99", "The address was refused"},
	    {"5.2.2", "The mailbox is full"},
	    {"4.4.7", "It was tried"},
	    {"5.9.9", "The words of the other side"},
	    {"", "The words of the other side"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		ck_assert_msg(str_starts(str_of(report_advice(str_of(rows[i].status))),
				  str_of(rows[i].begins)),
		    "%s: %s", rows[i].status, report_advice(str_of(rows[i].status)));
}
END_TEST

TEST_MAIN("report", a_failure_tells_people_and_programs_what_happened,
    ret_and_size_say_how_much_of_the_original_comes_back,
    addresses_beyond_ascii_are_written_as_the_reader_can_have_them,
    what_another_server_says_makes_no_field_and_no_line_of_its_own,
    long_words_are_folded_and_every_line_is_short_enough,
    each_kind_has_its_action_and_a_delay_says_until_when,
    an_original_that_cannot_be_read_is_a_failure_and_not_half_a_report,
    advice_is_that_of_the_longest_code_known)

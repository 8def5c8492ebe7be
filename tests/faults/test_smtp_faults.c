/* SMTP and LMTP sessions with each call failing in turn (session_faults.h): RFC 5321, RFC 3463. */
#include "smtpd/smtp_session.h"
#include "tests/faults/session_faults.h"
#include "tests/support/test.h"

static struct partial_table *partials;

static struct conn *
connect_at(struct service *svc, enum smtp_service service)
{
	struct smtp_session *s = smtp_session_new(svc, partials);

	ck_assert_ptr_nonnull(s);
	return conn_memory_new(&smtp_session_ops, s,
	    &(struct conn_memory_options){.service = (int)service, .tls = true});
}

static struct conn *
connect_mx(struct service *svc)
{
	return connect_at(svc, SMTP_MX);
}

static struct conn *
connect_submission(struct service *svc)
{
	return connect_at(svc, SMTP_SUBMISSIONS);
}

static struct conn *
connect_lmtp(struct service *svc)
{
	return connect_at(svc, SMTP_LMTP);
}

/* The last line of a reply has a blank behind its code; of several replies the last counts. */
static enum session_answer
judge(struct str text, unsigned flags)
{
	struct str line, last = STR("");

	(void)flags;
	if (!str_ends_nocase(text, STR("\r\n")))
		return SESSION_NONE;
	while (str_split(&text, '\n', &line))
		if (line.n > 4 && line.p[3] == ' ')
			last = line;
	if (!last.n)
		return SESSION_NONE;
	if (last.p[0] == '4')
		return str_starts(str_skip(last, 4), STR("4.")) ? SESSION_LATER : SESSION_WRONG;
	return last.p[0] == '2' ? SESSION_DONE : last.p[0] == '3' ? SESSION_GO_ON : SESSION_WRONG;
}

#define WORDS                                                                                      \
	"Subject: words\r\nDate: Wed, 17 Jul 1996 02:23:25 -0700\r\nMessage-ID: "                  \
	"<1@x>\r\n\r\nwords\r\n."
static const struct session_row mx[] = {
    {"EHLO client.example", SESSION_ENTERS},
    {"VRFY nobody", 0},
    {"MAIL FROM:<x@elsewhere.test>\fRCPT TO:<$U>\fDATA\f" WORDS, 0},
    {"MAIL FROM:<x@elsewhere.test> SIZE=70000\fRCPT TO:<$U>\fDATA\fSubject: big\r\n\r\n$B.", 0},
    {"MAIL FROM:<> BODY=8BITMIME\fRCPT TO:<$U>\fBDAT 12\r\nSubject: x\fBDAT 9 LAST\r\n\r\nwords",
	0},
    {"RSET", 0},
    {"QUIT", 0},
};
static const struct session_row submission[] = {
    {"EHLO client.example", SESSION_ENTERS},
    {"AUTH PLAIN $P", SESSION_ENTERS},
    {"MAIL FROM:<$U>\fRCPT TO:<x@remote.test>\fRCPT TO:<y@other.test>\fDATA\f" WORDS, 0},
    {"MAIL FROM:<$U>\fRCPT TO:<x@remote.test>\fRCPT TO:<$U>\fDATA\f" WORDS, SESSION_PARTS},
    {"MAIL FROM:<$U>\fRCPT TO:<x@remote.test>\fDATA\fSubject: big\r\n\r\n$B.", 0},
    {"QUIT", 0},
};
static const struct session_row lmtp[] = {
    {"LHLO client.example", SESSION_ENTERS},
    {"MAIL FROM:<x@elsewhere.test>\fRCPT TO:<$U>\fDATA\f" WORDS, 0},
    {"QUIT", 0},
};
static const struct session_protocol protocols[] = {
    {"smtp", connect_mx, judge, "RSET", mx, ARRAY_LEN(mx), 1},
    {"submission", connect_submission, judge, "RSET", submission, ARRAY_LEN(submission), 0},
    {"lmtp", connect_lmtp, judge, "RSET", lmtp, ARRAY_LEN(lmtp), 0},
};

static void
run(enum fault_kind first, enum fault_kind last)
{
	partials = partial_new();
	for (size_t i = 0; i < ARRAY_LEN(protocols); i++)
		session_faults(&protocols[i], first, last);
	partial_free(&partials);
}

START_TEST(without_memory_a_session_fails_for_now_and_goes_on)
{
	run(FAULT_MEMORY, FAULT_MEMORY);
}
END_TEST

START_TEST(without_files_a_session_fails_for_now_and_goes_on)
{
	run(FAULT_OPEN, FAULT_READ);
}
END_TEST

START_TEST(when_nothing_can_be_written_a_session_fails_for_now_and_goes_on)
{
	run(FAULT_WRITE, FAULT_THREAD);
}
END_TEST

TEST_MAIN("faults_smtp", without_memory_a_session_fails_for_now_and_goes_on,
    without_files_a_session_fails_for_now_and_goes_on,
    when_nothing_can_be_written_a_session_fails_for_now_and_goes_on)

/* An IMAP session with each call failing in turn (session_faults.h): RFC 3501, RFC 9051. */
#include "imapd/imap_session.h"
#include "tests/faults/session_faults.h"
#include "tests/support/test.h"

#include <stdio.h>

static struct conn *
connect_imap(struct service *svc)
{
	struct imap_session *s = imap_session_new(svc);

	ck_assert_ptr_nonnull(s);
	return conn_memory_new(&imap_session_ops, s, NULL);
}

/* The octets of the literal that a line ends with announcing. */
static size_t
literal_of(struct str line)
{
	size_t n = 0, open = line.n;

	if (!line.n || line.p[line.n - 1] != '}')
		return 0;
	while (open > 0 && line.p[open - 1] != '{')
		open--;
	return sscanf(line.p + open, "%zu}", &n) == 1 ? n : 0;
}

/* RFC 5530 §3: what is told of a failure that passes. */
static bool
is_for_now(struct str rest)
{
	static const char *const codes[] = {"NO [UNAVAILABLE]", "NO [LIMIT]", "NO [INUSE]"};

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (str_starts(rest, str_of(codes[i])))
			return true;
	return false;
}

static enum session_answer
judge(struct str text, unsigned flags)
{
	(void)flags;
	while (text.n) {
		struct str line;
		const char *end = memchr(text.p, '\n', text.n);
		if (!end)
			return SESSION_NONE;
		line = str_make(text.p, (size_t)(end - text.p) - 1);
		text = str_skip(text, line.n + 2);
		size_t literal = literal_of(line);
		if (literal > text.n)
			return SESSION_NONE;
		text = str_skip(text, literal);
		if (str_starts(line, STR("+ ")))
			return SESSION_GO_ON;
		if (!str_starts(line, STR("t ")))
			continue;
		line = str_skip(line, 2);
		if (str_starts(line, STR("OK")))
			return SESSION_DONE;
		return is_for_now(line) ? SESSION_LATER : SESSION_WRONG;
	}
	return SESSION_NONE;
}

#define SMALL "Subject: small\r\nMessage-ID: <small@x>\r\n\r\nsome words\r\n"
static const struct session_row rows[] = {
    {"t LOGIN $U secret", SESSION_ENTERS},
    {"t LIST \"\" * RETURN (SUBSCRIBED SPECIAL-USE)", SESSION_TEXT},
    {"t STATUS INBOX (MESSAGES UIDNEXT UNSEEN SIZE)", SESSION_TEXT},
    {"t SELECT INBOX", SESSION_ENTERS},
    {"t FETCH 1:* (UID ENVELOPE BODYSTRUCTURE BODY.PEEK[] RFC822.SIZE)", SESSION_TEXT},
    {"t SEARCH TEXT \"text 2\"", SESSION_TEXT},
    {"t UID SORT (REVERSE SUBJECT) UTF-8 ALL", SESSION_TEXT},
    {"t UID THREAD REFERENCES UTF-8 ALL", SESSION_TEXT},
    {"t APPEND INBOX (\\Seen) \"17-Jul-1996 02:44:25 -0700\" {53}\f" SMALL, 0},
    {"t APPEND INBOX \"17-Jul-1996 02:44:25 -0700\" {69954+}\r\n\r\n$B", 0},
    {"t UID FETCH 5 (RFC822.SIZE BODY.PEEK[TEXT]<60000.8000>)", SESSION_TEXT},
    {"t UID STORE 1 +FLAGS (\\Flagged word)", SESSION_SAME},
    {"t CREATE Made/Below", 0},
    {"t SUBSCRIBE Made/Below", 0},
    {"t UID COPY 1:2,5 Made/Below", 0},
    {"t UID MOVE 3 Made", 0},
    {"t IDLE\fDONE", 0},
    {"t UID STORE 2 +FLAGS.SILENT (\\Deleted)", SESSION_SAME},
    {"t EXPUNGE", 0},
    {"t UID REPLACE 4 INBOX {53+}\r\n" SMALL, 0},
    {"t RENAME Made Else", 0},
    {"t GETQUOTAROOT INBOX", SESSION_TEXT},
    {"t SETMETADATA Else (/private/comment \"words\")", 0},
    {"t GETMETADATA Else /private/comment", SESSION_TEXT},
    {"t DELETE Else/Below", 0},
    {"t CLOSE", 0},
    {"t STATUS Else (MESSAGES SIZE)", SESSION_TEXT},
    {"t LOGOUT", 0},
};
static const struct session_protocol imap = {
    "imap", connect_imap, judge, NULL, rows, ARRAY_LEN(rows), 3};

START_TEST(without_memory_a_session_fails_for_now_and_goes_on)
{
	session_faults(&imap, FAULT_MEMORY, FAULT_MEMORY);
}
END_TEST

START_TEST(without_files_a_session_fails_for_now_and_goes_on)
{
	session_faults(&imap, FAULT_OPEN, FAULT_READ);
}
END_TEST

START_TEST(when_nothing_can_be_written_a_session_fails_for_now_and_goes_on)
{
	session_faults(&imap, FAULT_WRITE, FAULT_THREAD);
}
END_TEST

TEST_MAIN("faults_imap", without_memory_a_session_fails_for_now_and_goes_on,
    without_files_a_session_fails_for_now_and_goes_on,
    when_nothing_can_be_written_a_session_fails_for_now_and_goes_on)

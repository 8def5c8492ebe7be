/* A POP3 session with each call failing in turn (session_faults.h): RFC 1939, RFC 3206. */
#include "pop3d/pop3_session.h"
#include "tests/faults/session_faults.h"
#include "tests/support/test.h"

static struct conn *
connect_pop3(struct service *svc)
{
	struct pop3_session *s = pop3_session_new(svc);

	ck_assert_ptr_nonnull(s);
	return conn_memory_new(&pop3_session_ops, s, NULL);
}

static enum session_answer
judge(struct str text, unsigned flags)
{
	if (!str_ends_nocase(text, STR("\r\n")))
		return SESSION_NONE;
	if (str_starts(text, STR("+OK")))
		return !(flags & SESSION_LINES) || str_ends_nocase(text, STR("\r\n.\r\n"))
			   ? SESSION_DONE
			   : SESSION_NONE;
	return str_starts(text, STR("-ERR [SYS/TEMP]")) || str_starts(text, STR("-ERR [IN-USE]"))
		   ? SESSION_LATER
		   : SESSION_WRONG;
}

static const struct session_row rows[] = {
    {"CAPA", SESSION_LINES},
    {"USER $U\fPASS secret", SESSION_ENTERS},
    {"STAT", SESSION_TEXT},
    {"LIST", SESSION_TEXT | SESSION_LINES},
    {"UIDL", SESSION_LINES},
    {"RETR 1", SESSION_TEXT | SESSION_LINES},
    {"TOP 2 1", SESSION_TEXT | SESSION_LINES},
    {"DELE 1", SESSION_ENTERS},
    {"RSET", SESSION_ENTERS},
    {"DELE 2", SESSION_ENTERS},
    {"RETR 3", SESSION_TEXT | SESSION_LINES},
    {"DELE 3", SESSION_ENTERS},
    {"QUIT", 0},
};
static const struct session_protocol pop3 = {
    "pop3", connect_pop3, judge, NULL, rows, ARRAY_LEN(rows), 3};

START_TEST(without_memory_a_session_fails_for_now_and_goes_on)
{
	session_faults(&pop3, FAULT_MEMORY, FAULT_MEMORY);
}
END_TEST

START_TEST(without_files_a_session_fails_for_now_and_goes_on)
{
	session_faults(&pop3, FAULT_OPEN, FAULT_THREAD);
}
END_TEST

TEST_MAIN("faults_pop3", without_memory_a_session_fails_for_now_and_goes_on,
    without_files_a_session_fails_for_now_and_goes_on)

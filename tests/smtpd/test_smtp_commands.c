/* Every command in every state, and the tables behind that. */
#include "smtpd/smtp_commands.h"
#include "tests/smtpd/fake.h"

/* What brings a session into a state, in the table's order: START, READY, MAIL, RCPT, BDAT. */
static void
go_to(struct fake *f, enum smtp_service service, int state)
{
	const char *const way[] = {service == SMTP_LMTP ? "LHLO client.test" : "EHLO client.test",
	    "MAIL FROM:<ann@example.test>", "RCPT TO:<ann@example.test>", "BDAT 0"};

	for (int i = 0; i < state; i++)
		fake_say(f, way[i], "250 ");
}

struct matrix_row {
	const char *send;
	const char *expect[5];
};

static const struct matrix_row mx_matrix[] = {
    /*                                    START  READY  MAIL   RCPT   BDAT */
    {"EHLO x.test", {"250", "250", "250", "250", "250"}},
    {"HELO x.test", {"250", "250", "250", "250", "250"}},
    {"LHLO x.test", {"502", "502", "502", "502", "502"}},
    {"STARTTLS", {"220", "220", "503", "503", "503"}},
    {"AUTH PLAIN", {"502", "502", "502", "502", "502"}},
    {"MAIL FROM:<>", {"503", "250", "503", "503", "503"}},
    {"RCPT TO:<bob@example.test>", {"503", "503", "250", "250", "503"}},
    {"DATA", {"503", "503", "503", "354", "503"}},
    {"BDAT 0 LAST", {"503", "503", "503", "250", "250"}},
    {"RSET", {"250", "250", "250", "250", "250"}},
    {"NOOP", {"250", "250", "250", "250", "250"}},
    {"VRFY ann", {"252", "252", "252", "252", "252"}},
    {"EXPN ann", {"502", "502", "502", "502", "502"}},
    {"HELP", {"214", "214", "214", "214", "214"}},
    {"QUIT", {"221", "221", "221", "221", "221"}},
    {"TURN", {"500", "500", "500", "500", "500"}},
};

static const struct matrix_row lmtp_matrix[] = {
    {"LHLO x.test", {"250", "250", "250", "250", "250"}},
    {"EHLO x.test", {"500", "500", "500", "500", "500"}},
    {"HELO x.test", {"500", "500", "500", "500", "500"}},
    {"STARTTLS", {"220", "220", "503", "503", "503"}},
    {"AUTH PLAIN", {"500", "500", "500", "500", "500"}},
    {"MAIL FROM:<>", {"503", "250", "503", "503", "503"}},
    {"RCPT TO:<bob@example.test>", {"503", "503", "250", "250", "503"}},
    {"DATA", {"503", "503", "503", "354", "503"}},
    {"BDAT 0 LAST", {"503", "503", "503", "250", "250"}},
    {"RSET", {"250", "250", "250", "250", "250"}},
    {"VRFY ann", {"252", "252", "252", "252", "252"}},
    {"QUIT", {"221", "221", "221", "221", "221"}},
};

/* Nobody is logged in: there are two states only. */
static const struct matrix_row submission_matrix[] = {
    {"EHLO x.test", {"250", "250"}},
    {"HELO x.test", {"250", "250"}},
    {"LHLO x.test", {"502", "502"}},
    {"STARTTLS", {"220", "220"}},
    {"AUTH PLAIN", {"503", "334"}},
    {"MAIL FROM:<>", {"530", "530"}},
    {"RCPT TO:<ann@example.test>", {"530", "530"}},
    {"DATA", {"530", "530"}},
    {"BDAT 0 LAST", {"530", "530"}},
    {"RSET", {"250", "250"}},
    {"NOOP", {"250", "250"}},
    {"VRFY ann", {"252", "252"}},
    {"HELP", {"214", "214"}},
    {"QUIT", {"221", "221"}},
};

static void
check_matrix(enum smtp_service service, const struct matrix_row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (int state = 0; state < 5 && rows[i].expect[state]; state++) {
			CLEANUP(fake_free) struct fake *f = fake_new();
			fake_open(f, service);
			go_to(f, service, state);
			fake_feed(f, str_of(rows[i].send));
			struct str got = fake_feed(f, STR("\r\n"));
			ck_assert_msg(str_starts(got, str_of(rows[i].expect[state])),
			    "%s in state %d: %.*s", rows[i].send, state, STR_ARG(got));
			bool quits = str_starts(got, STR("221"));
			ck_assert(conn_memory_closed(f->conn) == quits);
		}
	}
}

START_TEST(every_command_in_every_state_has_its_answer)
{
	check_matrix(SMTP_MX, mx_matrix, ARRAY_LEN(mx_matrix));
	check_matrix(SMTP_LMTP, lmtp_matrix, ARRAY_LEN(lmtp_matrix));
	check_matrix(SMTP_SUBMISSION, submission_matrix, ARRAY_LEN(submission_matrix));
	check_matrix(SMTP_SUBMISSIONS, submission_matrix, ARRAY_LEN(submission_matrix));
}
END_TEST

START_TEST(every_error_has_a_reply_and_every_command_a_place)
{
	for (int e = 0; e < ERR__COUNT; e++) {
		struct smtp_reply r = smtp_reply_for((enum err)e);
		ck_assert_msg(r.code >= 200 && r.code < 600, "%s", err_name((enum err)e));
		ck_assert_int_eq(r.enhanced[0], '0' + r.code / 100);
		ck_assert(r.text[0]);
		/* Our own trouble is never the message's fault. */
		if (err_class((enum err)e) == ERR_CLASS_OURS)
			ck_assert_int_eq(r.code / 100, 4);
	}
	for (size_t i = 0; i < smtp_command_count(); i++) {
		const struct smtp_command *row = smtp_command_at(i);
		ck_assert(!row->services == !row->handler && !row->services == !row->states);
		ck_assert_ptr_eq(smtp_find_command(str_of(row->name)), row);
	}
}
END_TEST

TEST_MAIN("smtp_commands", every_command_in_every_state_has_its_answer,
    every_error_has_a_reply_and_every_command_a_place)

/* Response codes: RFC 5530 §3, RFC 3501 §7.1, RFC 9051 §7.1. */
#include "common/auth/password.h"
#include "common/base/clock.h"
#include "common/mail/codec.h"
#include "tests/imapd/imap_fixture.h"

#include <stdio.h>

static const struct dialogue world_dialogue[] = {
    {"1 CREATE Inbox", "1 NO [ALREADYEXISTS]"}, {"2 RENAME Work Full", "2 NO [ALREADYEXISTS]"},
    {"3 RENAME nowhere x", "3 NO [NONEXISTENT]"}, {"4 DELETE nowhere", "4 NO [NONEXISTENT]"},
    {"5 SELECT nowhere", "5 NO [NONEXISTENT]"},
    {"6 STATUS nowhere (MESSAGES)", "6 NO [NONEXISTENT]"}, {"7 DELETE Inbox", "7 NO [CANNOT]"},
    {"8 APPEND nowhere {2}", "8 NO [TRYCREATE]"}, /* RFC 3501 §6.3.11 */
    {"9 SELECT Work", "9 OK [READ-WRITE]"}, {"10 COPY 1 nowhere", "10 NO [TRYCREATE]"},
    {"11 MOVE 1 nowhere", "11 NO [TRYCREATE]"}, /* RFC 6851 §3.3 */
    {"12 SEARCH CHARSET x-none TEXT a", "12 NO [BADCHARSET (UTF-8 US-ASCII ISO-8859-1 "},
    {"13 EXAMINE Work", "13 OK [READ-ONLY]"}, {"14 STORE 1 FLAGS ()", "14 NO [READ-ONLY]"},
    {"15 APPEND Work {99999999999}", "15 NO [TOOBIG]"}, /* RFC 4469 §4.2 */
    {"16 CREATE Work/x", "16 OK"}, {"17 DELETE Work", "17 OK"},
    {"18 DELETE Work", "18 NO [HASCHILDREN]"}, /* RFC 9051 §7.1 */
};
DIALOGUE_TEST(refusals_say_why, world_dialogue, "Inbox:1", "Work:1", "Full:0")

START_TEST(limits_say_that_they_are)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1", "Full:0");
	char line[64];

	imap_fixture_set_quota(f, 0, 1);
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange(f, "2 COPY 1 Full", "2 NO [OVERQUOTA]");
	ck_exchange(f, "3 APPEND Full {20}", "3 NO [OVERQUOTA]");
	for (unsigned i = 0; i < KEYWORDS_MAX; i++) {
		snprintf(line, sizeof(line), "4 STORE 1 +FLAGS.SILENT (k%u)", i);
		ck_exchange(f, line, "4 OK");
	}
	ck_exchange(f, "5 STORE 1 +FLAGS (more)", "5 NO [LIMIT]");
}
END_TEST

START_TEST(what_another_expunged_is_told)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:2");
	struct conn *other = imap_fixture_connect(f);

	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(other, "2 STORE 1 +FLAGS (\\Deleted)", "2 OK");
	ck_exchange_on(other, "3 EXPUNGE", "3 OK");
	imap_fixture_clean(f);
	ck_exchange(f, "2 FETCH 1 BODY.PEEK[]", "2 NO [EXPUNGEISSUED]");
	ck_exchange(f, "3 COPY 1 Inbox", "3 NO [EXPUNGEISSUED]");
}
END_TEST

/* One who is who they say, and wants to be somebody else. */
START_TEST(logins_say_what_failed)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");
	struct credential c;
	static const struct {
		const char *plain;
		size_t n;
		const char *answer;
	} rows[] = {
#define ROW(plain, answer) {plain, sizeof(plain) - 1, answer}
	    ROW("ann@example.test\0ann@example.test\0" FIXTURE_PASSWORD, "1 OK"),
	    ROW("bob@example.test\0ann@example.test\0" FIXTURE_PASSWORD,
		"1 NO [AUTHORIZATIONFAILED]"),
	    ROW("bob@example.test\0ann@example.test\0wrong", "1 NO [AUTHENTICATIONFAILED]"),
	    ROW("\0nobody@example.test\0wrong", "1 NO [AUTHENTICATIONFAILED]"),
#undef ROW
	};

	ck_assert_ok(password_make(STR(FIXTURE_PASSWORD), f->arena, &c));
	ck_assert_ok(directory_set_credential(f->store, STR(FIXTURE_USER), &c));
	clock_freeze(1000000000);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(1000);
		struct conn *stranger = imap_fixture_stranger(f, NULL);
		conn_memory_output(stranger, f->arena);
		sbuf_puts(&line, "1 AUTHENTICATE PLAIN ");
		base64_encode(str_make(rows[i].plain, rows[i].n), &line);
		sbuf_puts(&line, "\r\n");
		conn_memory_feed(stranger, sbuf_view(&line));
		clock_advance_ms(60000); /* the delay of a failed login */
		conn_memory_run(stranger);
		struct str got = conn_memory_output(stranger, f->arena);
		ck_assert_msg(
		    str_starts(got, str_of(rows[i].answer)), "%zu: %.*s", i, STR_ARG(got));
		imap_fixture_drop(f);
	}
	clock_thaw();
}
END_TEST

START_TEST(each_error_has_its_code)
{
	static const struct {
		enum err err;
		const char *condition, *code;
	} rows[] = {
	    {ERR_NEEDS_TLS, "NO", "PRIVACYREQUIRED"},
	    {ERR_AUTH_FAILED, "NO", "AUTHENTICATIONFAILED"},
	    {ERR_DENIED, "NO", "NOPERM"},
	    {ERR_BUSY, "NO", "INUSE"},
	    {ERR_CORRUPT, "NO", "CORRUPTION"},
	    {ERR_IO, "NO", "UNAVAILABLE"},
	    {ERR_NO_SPACE, "NO", "UNAVAILABLE"},
	    {ERR_INTERNAL, "NO", "SERVERBUG"},
	    {ERR_CONFIG, "NO", "CONTACTADMIN"},
	    {ERR_LIMIT, "NO", "LIMIT"},
	    {ERR_NOMEM, "NO", "LIMIT"},
	    {ERR_OVER_QUOTA, "NO", "OVERQUOTA"},
	    {ERR_CANNOT, "NO", "CANNOT"},
	    {ERR_EXISTS, "NO", "ALREADYEXISTS"},
	    {ERR_NOT_FOUND, "NO", "NONEXISTENT"},
	    {ERR_TOO_LONG, "BAD", "TOOBIG"},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct imap_err_row *row = imap_err_row(rows[i].err);
		ck_assert_str_eq(row->condition, rows[i].condition);
		ck_assert_str_eq(row->code, rows[i].code);
	}
	for (int e = 1; e < ERR__COUNT; e++)
		ck_assert_ptr_nonnull(imap_err_row((enum err)e)->condition);
}
END_TEST

START_TEST(a_client_that_is_mistaken_hears_that_it_is_the_client)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	for (int i = 0; i < 19; i++)
		ck_exchange(f, "1 NOPE", "1 BAD");
	ck_exchange(f, "1 NOPE", "1 BAD\n* BYE [CLIENTBUG]\n<closed>");
}
END_TEST

/* RFC 4315 §3, RFC 9051 §6.3.12: MUST NOT, since it would tell of a mailbox they may not open. */
START_TEST(uids_are_not_told_to_those_who_may_not_read)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:1", "Drop:0");
	struct conn *bob = imap_fixture_connect_as(f, "bob@example.test");

	ck_exchange(f, "1 SETACL Drop bob@example.test li", "1 OK");
	ck_exchange_on(bob, "1 APPEND \"Other Users/ann@example.test/Drop\" {12+}\nSubject: 1\n",
	    "1 OK APPEND completed");
	ck_exchange_on(bob, "2 APPEND INBOX {12+}\nSubject: 2\n", "2 OK [APPENDUID # 1]");
	ck_exchange_on(bob, "3 SELECT INBOX", "3 OK");
	ck_exchange_on(
	    bob, "4 COPY 1 \"Other Users/ann@example.test/Drop\"", "4 OK COPY completed");
	ck_exchange_on(bob, "5 MOVE 1 \"Other Users/ann@example.test/Drop\"",
	    "!* OK [COPYUID\n* 1 EXPUNGE\n5 OK MOVE completed");
	ck_exchange_on(bob, "6 SELECT \"Other Users/ann@example.test/Drop\"", "6 NO [NOPERM]");
	ck_assert_uint_eq(imap_fixture_count(f, "Drop"), 3);
}
END_TEST

TEST_MAIN("response_codes", uids_are_not_told_to_those_who_may_not_read, refusals_say_why,
    limits_say_that_they_are, what_another_expunged_is_told, logins_say_what_failed,
    each_error_has_its_code, a_client_that_is_mistaken_hears_that_it_is_the_client)

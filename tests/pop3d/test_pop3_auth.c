/* The AUTHORIZATION state: USER, PASS, AUTH, CAPA, STLS, UTF8, LANG. */
#include "common/base/clock.h"
#include "common/mail/codec.h"
#include "tests/pop3d/fixture.h"
#include "tests/support/closed_line.h"
#include "tests/support/log_lines.h"
#include "tests/support/sasl_text.h"

#include <stdio.h>

static const struct conn_memory_options local_tls_available = {.tls_available = true};
static const struct conn_memory_options remote_plain = {.remote = true, .tls_available = true};
static const struct conn_memory_options remote_tls = {
    .remote = true, .tls = true, .tls_available = true};

static const struct dialogue user_pass[] = {
    POP3_GREETING,
    {"PASS open sesame", "-ERR Not possible"},
    {"USER", "-ERR Syntax"},
    {"USER ", "-ERR Syntax"},
    {"user ann@example.test", "+OK"},
    {"PASS", "-ERR Syntax"},
    {"CAPA", "+OK\n."},
    {"pass open sesame", "+OK"},
    {"USER ann", "-ERR Not possible"},
    {"STAT", "+OK 3 96"},
    {"QUIT", "+OK\n<closed>"},
};

START_TEST(user_and_pass_log_in)
{
	pop3_dialogue(pop3_three_messages, 3, NULL, user_pass, ARRAY_LEN(user_pass));
}
END_TEST

/* Where one domain is served the local part is enough (DESIGN.md, "The outside"). */
static const struct dialogue bare_name[] = {
    POP3_GREETING,
    {"USER Ann", "+OK"},
    {"PASS open sesame", "+OK"},
};

START_TEST(the_local_part_is_a_name_too)
{
	pop3_dialogue(NULL, 0, NULL, bare_name, ARRAY_LEN(bare_name));
}
END_TEST

static const struct dialogue greeting_only[] = {
    {NULL, "+OK Pillarbox POP3 server ready\n!+OK <"}, /* no APOP: RFC 1939 §7 */
    {"APOP ann c4c9334bac560ecc979e58001b3e22fb", "-ERR Unknown command"},
    {"QUIT", "+OK\n<closed>"},
};

START_TEST(there_is_no_apop)
{
	pop3_dialogue(NULL, 0, NULL, greeting_only, ARRAY_LEN(greeting_only));
}
END_TEST

static const struct dialogue insecure[] = {
    POP3_GREETING,
    {"CAPA", "+OK\nLANG\nSTLS\nTOP\nUIDL\nUTF8 USER\nSASL SCRAM-SHA-256\n"
	     "RESP-CODES\nAUTH-RESP-CODE\nPIPELINING\nEXPIRE NEVER\nIMPLEMENTATION Pillarbox\n."
	     "\n!USER"},
    {"USER ann@example.test", "-ERR Passwords are taken over TLS only"},
    {"AUTH PLAIN", "-ERR Passwords are taken over TLS only"},
    {"AUTH LOGIN", "-ERR Passwords are taken over TLS only"},
    {"AUTH SCRAM-SHA-256-PLUS", "-ERR Passwords"},
    {"AUTH", "+OK\nSCRAM-SHA-256\n.\n!PLAIN"},
    /* what comes in the clear after STLS is dropped (RFC 3207 §4.2, CVE-2011-0411) */
    {"STLS\nUSER eve\nCAPA", "+OK Begin TLS\n!-ERR"},
    {"PASS open sesame", "-ERR Not possible"},
    {"CAPA", "+OK\nLANG\nTOP\nUIDL\nUSER\nUTF8 USER\nSASL PLAIN LOGIN SCRAM-SHA-256\n.\n!STLS"},
    {"STLS", "-ERR TLS is not available"},
    {"USER ann@example.test\nPASS open sesame", "+OK\n+OK"},
    {"CAPA", "+OK\nUSER\nSASL PLAIN LOGIN SCRAM-SHA-256\n.\n!STLS"},
    {"STLS", "-ERR Not possible"},
};

START_TEST(passwords_wait_for_tls)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, &remote_plain);

	/* By line only: by byte what follows STLS would come after the handshake. */
	dialogue_run(c, insecure, ARRAY_LEN(insecure), false);
}
END_TEST

static const struct dialogue forgotten[] = {
    POP3_GREETING, {"LANG de", "+OK de Sprache"}, {"USER ann@example.test", "+OK Das Passwort"},
    {"STLS", "+OK TLS"},
    {"PASS open sesame", "-ERR Not possible in this state"}, /* neither name nor language */
};

START_TEST(stls_forgets_what_was_said_before)
{
	pop3_dialogue(NULL, 0, &local_tls_available, forgotten, ARRAY_LEN(forgotten));
}
END_TEST

static const struct dialogue no_tls[] = {
    POP3_GREETING,
    {"CAPA", "+OK\nUSER\n.\n!STLS"},
    {"STLS", "-ERR TLS is not available"},
};

START_TEST(without_a_certificate_there_is_no_stls)
{
	pop3_dialogue(NULL, 0, NULL, no_tls, ARRAY_LEN(no_tls));
}
END_TEST

/* RFC 5034 §4: with and without initial response, with blanks around. */
static const struct dialogue auth_plain[] = {
    POP3_GREETING,
    {"AUTH GSSAPI", "-ERR Unknown authentication mechanism"},
    {"AUTH PLAIN", "+ "},
    {"*", "-ERR Authentication cancelled"},
    {"AUTH PLAIN !!!", "-ERR Syntax"},
    {"AUTH PLAIN AGFubg==", "-ERR Syntax"},
    {"AUTH plain AGFubkBleGFtcGxlLnRlc3QAb3BlbiBzZXNhbWU=", "+OK"},
    {"STAT", "+OK"},
};

static const struct dialogue auth_plain_asked[] = {
    POP3_GREETING,
    {"AUTH PLAIN", "+ "},
    {"AGFubkBleGFtcGxlLnRlc3QAb3BlbiBzZXNhbWU=", "+OK"},
};

static const struct dialogue auth_login[] = {
    POP3_GREETING,
    {"AUTH LOGIN", "+ VXNlcm5hbWU6"},
    {"STAT 1", "-ERR Syntax"}, /* an answer, if not base64; never a command */
    {"AUTH LOGIN", "+ VXNlcm5hbWU6"},
    {"YW5u", "+ UGFzc3dvcmQ6"},
    {"b3BlbiBzZXNhbWU=", "+OK Logged in"},
};

START_TEST(auth_carries_plain_and_login)
{
	pop3_dialogue(NULL, 0, NULL, auth_plain, ARRAY_LEN(auth_plain));
	pop3_dialogue(NULL, 0, NULL, auth_plain_asked, ARRAY_LEN(auth_plain_asked));
	pop3_dialogue(NULL, 0, &remote_tls, auth_login, ARRAY_LEN(auth_login));
}
END_TEST

static struct str
decoded(struct pop3_fixture *f, const char *line)
{
	CLEANUP(sbuf_done) struct sbuf raw = SBUF_INIT(10000);

	ck_assert_msg(strncmp(line, "+ ", 2) == 0, "%s", line);
	ck_assert_ok(base64_decode(str_trim(str_skip(str_of(line), 2)), &raw));
	return arena_dup(f->arena, sbuf_view(&raw));
}

static const char *
encoded(struct pop3_fixture *f, const char *message)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(10000);

	base64_encode(str_of(message), &text);
	return arena_cstr(f->arena, sbuf_view(&text));
}

/* The server's last message is one more challenge, answered by an empty line. The exchange itself
 * is tested in tests/auth with a real client; here a client with a wrong proof. */
START_TEST(scram_shows_the_same_to_known_and_unknown_users)
{
	static const char *const names[] = {"ann@example.test", "nobody@example.test"};
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);

	for (size_t i = 0; i < 2; i++) {
		clock_freeze(1000000);
		CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, &remote_plain);
		const char *first = arena_printf(f->arena, "n,,n=%s,r=abc", names[i]).p;
		pop3_output(f, c);
		const char *got = pop3_ask(
		    f, c, arena_printf(f->arena, "AUTH SCRAM-SHA-256 %s", encoded(f, first)).p);
		struct str challenge = decoded(f, got);
		ck_assert(str_starts(challenge, STR("r=abc")));
		struct str nonce = str_sub(challenge, 2, str_find(challenge, ',') - 2);
		const char *last = arena_printf(f->arena,
		    "c=biws,r=%.*s,p=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", STR_ARG(nonce))
				       .p;
		ck_assert_str_eq(pop3_ask(f, c, encoded(f, last)), ""); /* held back */
		clock_advance_ms(15000);
		conn_memory_run(c);
		ck_assert_str_eq(pop3_output(f, c), "-ERR [AUTH] Wrong user name or password\r\n");
		clock_thaw();
	}
}
END_TEST

static struct str
salt_for(struct pop3_fixture *f, const char *name)
{
	CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, &remote_plain);
	const char *first = arena_printf(f->arena, "n,,n=%s,r=abc", name).p;

	pop3_output(f, c);
	struct str challenge = decoded(f,
	    pop3_ask(f, c, arena_printf(f->arena, "AUTH SCRAM-SHA-256 %s", encoded(f, first)).p));
	size_t at = str_find_nocase(challenge, STR(",s="));
	ck_assert_uint_ne(at, STR_NONE);
	return str_skip(challenge, at);
}

/* A salt says nothing of whether there is such a user: it stays the same for both, in all daemons
 * and after a restart, and for all ways to write a name. */
START_TEST(salts_of_unknown_users_are_like_those_of_known_ones)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	static const char *const names[][3] = {{"ann@example.test", "ann", "Ann@EXAMPLE.test"},
	    {"nobody@example.test", "nobody", "NoBody@Example.Test"},
	    {"x@other.test", "X@other.test", "x@OTHER.test"}};
	struct str salts[3];

	for (size_t i = 0; i < 3; i++) {
		salts[i] = salt_for(f, names[i][0]);
		ck_assert(str_eq(salts[i], salt_for(f, names[i][1])));
		ck_assert(str_eq(salts[i], salt_for(f, names[i][2])));
		ck_assert(i == 0 || !str_eq(salts[i], salts[i - 1]));
	}
	/* another daemon */
	struct service *here = f->service;
	f->service = service_for_test(f->store, f->conf);
	for (size_t i = 0; i < 3; i++)
		ck_assert(str_eq(salts[i], salt_for(f, names[i][0])));
	service_stop(&here);
}
END_TEST

/* What a client does that tries all it knows on one connection (Thunderbird does). */
START_TEST(failed_logins_look_alike_wait_and_end_the_connection)
{
	static const char *const attempts[] = {
	    "AUTH PLAIN AGFubkBleGFtcGxlLnRlc3QAd3Jvbmc=", /* ann, wrong */
	    "AUTH PLAIN AG5vYm9keQB3cm9uZw==", /* nobody, wrong */
	    "USER nobody\r\nPASS wrong"};
	static const char *const said[] = {"-ERR [AUTH] Wrong user name or password\r\n",
	    "-ERR [AUTH] Wrong user name or password\r\n",
	    "-ERR [AUTH] Too many failed logins\r\n"};
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	clock_freeze(1000000);
	CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, &remote_tls);

	pop3_output(f, c);
	for (size_t i = 0; i < 3; i++) {
		const char *now = pop3_ask(f, c, attempts[i]);
		ck_assert_str_eq(now, i == 2 ? "+OK Send the password\r\n" : "");
		/* what comes meanwhile waits */
		ck_assert_str_eq(i == 0 ? pop3_ask(f, c, "NOOP") : "", "");
		clock_advance_ms(15000);
		conn_memory_run(c);
		const char *later = pop3_output(f, c);
		ck_assert_msg(strncmp(later, said[i], strlen(said[i])) == 0, "%zu: %s", i, later);
		ck_assert_int_eq(conn_memory_closed(c), i == 2);
	}
	clock_thaw();
}
END_TEST

START_TEST(logins_that_are_put_off_wait_and_end_the_connection)
{
	static const char *const said[] = {"-ERR [SYS/TEMP] Temporary trouble, try again later\r\n",
	    "-ERR [SYS/TEMP] Temporary trouble, try again later\r\n",
	    "-ERR [SYS/TEMP] Too many failed logins\r\n"};
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	test_closed_line(&f->service->standing, &f->service->passwords);
	clock_freeze(1000000);
	CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, &remote_tls);

	pop3_output(f, c);
	for (size_t i = 0; i < 3; i++) {
		const char *now = pop3_ask(f, c,
		    i == 1 ? "AUTH PLAIN AGFubgBvcGVuIHNlc2FtZQ==" /* ann, open sesame */
			   : "USER ann\r\nPASS open sesame");
		ck_assert_str_eq(now, i == 1 ? "" : "+OK Send the password\r\n");
		clock_advance_ms(999);
		conn_memory_run(c);
		ck_assert_str_eq(pop3_output(f, c), "");
		clock_advance_ms(1);
		conn_memory_run(c);
		ck_assert_str_eq(pop3_output(f, c), said[i]);
		ck_assert_int_eq(conn_memory_closed(c), i == 2);
	}
	clock_thaw();
}
END_TEST

START_TEST(a_login_after_a_failed_one_is_let_in)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	clock_freeze(1000000);
	CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, NULL);

	pop3_output(f, c);
	ck_assert_str_eq(pop3_ask(f, c, "USER ann\r\nPASS wrong\r\nUSER ann\r\nPASS open sesame"),
	    "+OK Send the password\r\n");
	clock_advance_ms(999);
	conn_memory_run(c);
	ck_assert_str_eq(pop3_output(f, c), "");
	clock_advance_ms(1);
	conn_memory_run(c);
	ck_assert_str_eq(pop3_output(f, c),
	    "-ERR [AUTH] Wrong user name or password\r\n+OK Send the password\r\n+OK Logged "
	    "in\r\n");
	clock_thaw();
}
END_TEST

/* RFC 6856 */
static const struct dialogue languages[] = {
    POP3_GREETING,
    {"LANG", "+OK Languages follow\ni-default \nen English\nde Deutsch\nfr Fran\xc3\xa7"
	     "ais\n."},
    {"LANG MUL", "-ERR No such language"},
    {"LANG de", "+OK de Sprache ge\xc3\xa4ndert"},
    {"LANG tlh", "-ERR Diese Sprache"},
    {"USER ann", "+OK Das Passwort bitte"},
    {"PASS open sesame", "+OK Angemeldet"},
    {"RETR 9", "-ERR Keine solche Nachricht"},
    {"LANG *", "+OK en Language changed"},
    {"LANG fr-CA", "+OK fr Langue chang\xc3\xa9"
		   "e"},
    {"UTF8", "-ERR Impossible"},
    {"QUIT", "+OK Au revoir\n<closed>"},
};

static const struct dialogue utf8[] = {
    POP3_GREETING,
    {"UTF8 x", "-ERR Syntax"},
    {"UTF8", "+OK"},
    {"STLS", "-ERR Not possible"}, /* RFC 6856 §2.1 */
    {"USER \xff", "-ERR Syntax"}, /* §2.2: not UTF-8 */
    {"USER ann", "+OK"},
    {"PASS open sesame", "+OK"},
    {"RETR 3", "+OK\nGr\xc3\xbc\xc3\x9f"
	       "e\n."},
};

START_TEST(languages_and_utf8_are_chosen)
{
	pop3_dialogue(NULL, 0, NULL, languages, ARRAY_LEN(languages));
	pop3_dialogue(pop3_three_messages, 3, &local_tls_available, utf8, ARRAY_LEN(utf8));
}
END_TEST

/* An account whose database is gone: authenticated, but no mail can be shown. */
START_TEST(a_maildrop_that_cannot_be_opened_is_said_so)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	char command[200];

	snprintf(command, sizeof(command), "for d in %s/accounts/*/mail.db; do echo x > $d; done",
	    f->dir);
	store_close(&f->store);
	ck_assert_int_eq(system(command), 0);
	const struct store_options options = {.data_dir = f->dir, .process = "pop3d"};
	ck_assert_ok(store_open(&options, &f->store));
	f->service->store = f->store;
	CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, NULL);
	pop3_output(f, c);
	const char *got = pop3_ask(f, c, "USER ann\r\nPASS open sesame");
	ck_assert_msg(strstr(got, "\n-ERR [SYS/") != NULL, "%s", got);
	ck_assert_str_eq(pop3_ask(f, c, "STAT"), "-ERR Not possible in this state\r\n");
}
END_TEST

START_TEST(whatever_a_client_says_each_line_of_the_log_is_one_event)
{
	struct pop3_fixture *f = pop3_fixture_open(NULL, 0);
	unsigned names = 0;

	log_lines_begin();
	for (const char *const *evil = log_lines_evil; *evil; evil++, names++) {
		CLEANUP(sbuf_done) struct sbuf said = SBUF_INIT(16384);
		struct conn *c = pop3_connect(f, NULL);
		sbuf_printf(
		    &said, "USER %s\r\nTOP %s\r\n%s\r\nAUTH %s\r\n", *evil, *evil, *evil, *evil);
		conn_memory_feed(c, sbuf_view(&said));
		pop3_output(f, c);
		conn_memory_close(&c);
	}
	log_lines_end();
	ck_assert_uint_eq(log_lines_count("session_end"), names);
	ck_assert_uint_gt(log_lines_count("refused"), 2 * names);
	pop3_fixture_close(&f);
}
END_TEST

START_TEST(whoever_a_client_claims_to_be_a_failed_login_is_one_line)
{
	CLEANUP(pop3_fixture_close) struct pop3_fixture *f = pop3_fixture_open(NULL, 0);

	clock_freeze(1000000000);
	for (const char *const *evil = log_lines_worst; *evil; evil++) {
		for (int how = 0; how < 4; how++) {
			CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(32768);
			struct conn *c = pop3_connect(f, NULL);
			log_lines_begin();
			if (how == 0)
				sbuf_printf(&line, "USER %s\r\nPASS x", *evil);
			else if (how == 1)
				sbuf_printf(&line, "AUTH LOGIN %s\r\neA==", sasl_text_name(*evil));
			else
				sbuf_printf(&line, "AUTH PLAIN %s",
				    sasl_text_plain(how == 2 ? "" : *evil,
					how == 2 ? *evil : "ann@example.test"));
			sbuf_puts(&line, "\r\n");
			conn_memory_feed(c, sbuf_view(&line));
			clock_advance_ms(20000);
			conn_memory_run(c);
			conn_memory_close(&c);
			log_lines_end();
			/* USER ends with the line, and the last is too long for a name */
			if (how > 0)
				ck_assert_uint_eq(log_lines_count("login_failed"), evil[1] != NULL);
			ck_assert_uint_le(log_lines_count("login_failed"), 1);
			ck_assert_uint_eq(log_lines_count("session_end"), 1);
		}
	}
	clock_thaw();
}
END_TEST

TEST_MAIN("pop3_auth", whatever_a_client_says_each_line_of_the_log_is_one_event,
    whoever_a_client_claims_to_be_a_failed_login_is_one_line, user_and_pass_log_in,
    the_local_part_is_a_name_too, there_is_no_apop, passwords_wait_for_tls,
    stls_forgets_what_was_said_before, without_a_certificate_there_is_no_stls,
    auth_carries_plain_and_login, scram_shows_the_same_to_known_and_unknown_users,
    salts_of_unknown_users_are_like_those_of_known_ones,
    failed_logins_look_alike_wait_and_end_the_connection,
    logins_that_are_put_off_wait_and_end_the_connection, a_login_after_a_failed_one_is_let_in,
    languages_and_utf8_are_chosen, a_maildrop_that_cannot_be_opened_is_said_so)

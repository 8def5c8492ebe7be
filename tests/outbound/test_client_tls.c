/* The client's TLS and login at the level of the dialogue; real handshakes: tests/net/test_dial.c.
 */
#include "common/mail/codec.h"
#include "tests/outbound/client_fixture.h"

#define TEXT "Subject: hi\r\n\r\nbye\r\n"
#define EHLO_TLS "250-mx\n250-PIPELINING\n250 STARTTLS\n"
#define SAY "MAIL FROM:<a@us.example>\nRCPT TO:<b@x>\nDATA\n"
#define TALK_ON                                                                                    \
	{"250-mx\n250 PIPELINING\n", SAY},                                                         \
	    {"250 ok\n250 ok\n354 go\n", "Subject: hi\n\nbye\n.\n"},                               \
	{                                                                                          \
		"250 2.0.0 ok\n", "QUIT\n<closed>"                                                 \
	}
#define B_DONE "b@x DONE 2.0.0 250 2.0.0 ok (relayed)\n"
#define GREET                                                                                      \
	{                                                                                          \
		"220 mx\n", "EHLO us.example\n"                                                    \
	}
#define MAX_ROWS 10

struct scene {
	const char *log;
	bool must, without, dane;
	const char *tls_failure;
	struct talk rows[MAX_ROWS];
};

static const struct tls_tlsa tlsa = {3, 1, 1, {"01234567890123456789012345678901", 32}};

static void
play(const struct scene *s)
{
	for (int by_byte = 0; by_byte < 2; by_byte++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		size_t n = 0;
		while (n < MAX_ROWS && s->rows[n].client)
			n++;
		f->host.must_tls = s->must;
		f->client.without_tls = s->without;
		if (s->dane) {
			f->host.tls = (struct tls_rules){
			    .proof = TLS_PROOF_DANE, .tlsa = &tlsa, .tlsa_count = 1};
		}
		f->options.tls_failure = s->tls_failure;
		f->options.remote = true;
		client_fixture_job(f, "a@us.example", "b@x", TEXT);
		client_open(f);
		client_talk_all(f, s->rows, n, s->log, by_byte);
	}
}

static const struct scene scenes[] = {
    /* opportunistic (RFC 7435): STARTTLS, then EHLO anew */
    {.log = B_DONE "FINE 0  jobs=1 tls=\n",
	.rows = {GREET, {EHLO_TLS, "STARTTLS\n"}, {"220 go\n", "EHLO us.example\n"}, TALK_ON}},
    {.log = B_DONE "FINE 0  jobs=1 tls=\n",
	.rows = {GREET, {"250 mx\n", "MAIL FROM:<a@us.example>\n"}, {"250 ok\n", "RCPT TO:<b@x>\n"},
	    {"250 ok\n", "DATA\n"}, {"354 go\n", "Subject: hi\n\nbye\n.\n"},
	    {"250 2.0.0 ok\n", "QUIT\n<closed>"}}},
    /* refused where it was only wished for */
    {.log = B_DONE "FINE 0  jobs=1 tls=\n",
	.rows = {GREET, {EHLO_TLS, "STARTTLS\n"}, {"454 not now\n", SAY},
	    {"250 ok\n250 ok\n354 go\n", "Subject: hi\n\nbye\n.\n"},
	    {"250 2.0.0 ok\n", "QUIT\n<closed>"}}},
    {.log = B_DONE "FINE 0  jobs=1 tls=\n",
	.without = true,
	.rows = {GREET, {EHLO_TLS, SAY}, {"250 ok\n250 ok\n354 go\n", "Subject: hi\n\nbye\n.\n"},
	    {"250 2.0.0 ok\n", "QUIT\n<closed>"}}},
    {.log = "TLS_BROKEN 0 TLS handshake: handshake failure jobs=0 tls=validation-failure\n",
	.tls_failure = "validation-failure",
	.rows = {GREET, {EHLO_TLS, "STARTTLS\n"}, {"220 go\n", "<closed>"}}},
    /* owed */
    {.log = "TLS_FAILED 0 TLS handshake: handshake failure jobs=0 tls=certificate-expired\n",
	.must = true,
	.tls_failure = "certificate-expired",
	.rows = {GREET, {EHLO_TLS, "STARTTLS\n"}, {"220 go\n", "<closed>"}}},
    {.log = "TLS_FAILED 454 454 not now jobs=0 tls=starttls-not-supported\n",
	.must = true,
	.without = true,
	.rows = {GREET, {EHLO_TLS, "STARTTLS\n"}, {"454 not now\n", "<closed>"}}},
    {.log = "TLS_FAILED 0 TLS is required for this destination, but the server does not offer "
	    "STARTTLS jobs=0 tls=starttls-not-supported\n",
	.must = true,
	.rows = {GREET, {"250 mx\n", "<closed>"}}},
    {.log = "TLS_FAILED 0 TLS is required for this destination, but the server does not offer "
	    "STARTTLS jobs=0 tls=starttls-not-supported\n",
	.must = true,
	.rows = {GREET, {"502 what?\n", "HELO us.example\n"}, {"250 mx\n", "<closed>"}}},
    {.log = B_DONE "FINE 0  jobs=1 tls=\n",
	.must = true,
	.dane = true,
	.rows = {GREET, {EHLO_TLS, "STARTTLS\n"}, {"220 go\n", "EHLO us.example\n"}, TALK_ON}},
    /* 421 to STARTTLS: no TLS that is broken, but a server that is closing */
    {.log = "GREETING_LATER 421 421 closing jobs=0 tls=starttls-not-supported\n",
	.rows = {GREET, {EHLO_TLS, "STARTTLS\n"}, {"421 closing\n", "<closed>"}}},
};

START_TEST(tls_is_begun_where_offered_and_demanded_where_owed)
{
	for (size_t i = 0; i < ARRAY_LEN(scenes); i++)
		play(&scenes[i]);
}
END_TEST

START_TEST(what_stands_behind_the_reply_to_starttls_ends_the_connection)
{
	for (int must = 0; must < 2; must++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		f->host.must_tls = must;
		client_fixture_job(f, "a@us.example", "b@x", TEXT);
		client_open(f);
		client_talk(f, "220 mx\n", "EHLO us.example\n", false);
		client_talk(f, EHLO_TLS, "STARTTLS\n", false);
		client_talk(f, "220 go\n250-mx\n250 AUTH PLAIN\n", "<closed>", false);
		ck_assert_str_is(sbuf_view(&f->log),
		    must
			? "TLS_FAILED 0 The server sent more than its reply to STARTTLS jobs=0 "
			  "tls=\n"
			: "GREETING_LATER 0 The server sent more than its reply to STARTTLS jobs=0 "
			  "tls=\n");
	}
}
END_TEST

START_TEST(a_server_that_breaks_off_at_starttls_cannot_do_what_it_offers)
{
	for (int must = 0; must < 2; must++) {
		for (int after = 0; after < 2; after++) {
			CLEANUP(client_fixture_free)
			struct client_fixture *f = client_fixture_new();
			f->host.must_tls = must;
			client_fixture_job(f, "a@us.example", "b@x", TEXT);
			client_open(f);
			client_talk(f, "220 mx\n", "EHLO us.example\n", false);
			client_talk(f, EHLO_TLS, "STARTTLS\n", false);
			if (after)
				client_talk(f, "220 go\n", "EHLO us.example\n", false);
			conn_memory_eof(f->conn);
			ck_assert_str_is(sbuf_view(&f->log),
			    must ? "TLS_FAILED 0 The server closed the connection jobs=0 "
				   "tls=validation-failure\n"
				 : "TLS_BROKEN 0 The server closed the connection jobs=0 "
				   "tls=validation-failure\n");
		}
	}
}
END_TEST

START_TEST(a_connection_that_cannot_be_made_is_told)
{
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
	f->options.refused = "Connection refused";
	client_fixture_job(f, "a@us.example", "b@x", TEXT);
	client_open(f);
	ck_assert_str_is(sbuf_view(&f->log), "NO_CONNECTION 0 Connection refused jobs=0 tls=\n");
}
END_TEST

/* -- login at a smart host ------------------------------------------------------------------- */

struct login {
	const char *log;
	bool in_clear;
	struct talk rows[MAX_ROWS];
};

#define LOGGED_IN                                                                                  \
	{"235 2.7.0 ok\n", "MAIL FROM:<a@us.example>\n"}, {"250 ok\n", "RCPT TO:<b@x>\n"},         \
	    {"250 ok\n", "DATA\n"}, {"354 go\n", "Subject: hi\n\nbye\n.\n"},                       \
	{                                                                                          \
		"250 2.0.0 ok\n", "QUIT\n<closed>"                                                 \
	}

static const struct login logins[] = {
    /* RFC 4616 §4: NUL tim NUL tanstaaftanstaaf */
    {.log = B_DONE "FINE 0  jobs=1 tls=\n",
	.rows = {GREET,
	    {"250-mx\n250 AUTH PLAIN LOGIN\n", "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\n"},
	    LOGGED_IN}},
    {.log = B_DONE "FINE 0  jobs=1 tls=\n",
	.rows = {GREET, {"250-mx\n250 AUTH=LOGIN\n", "AUTH LOGIN\n"},
	    {"334 VXNlcm5hbWU6\n", "dGlt\n"}, {"334 UGFzc3dvcmQ6\n", "dGFuc3RhYWZ0YW5zdGFhZg==\n"},
	    LOGGED_IN}},
    {.log = "AUTH_FAILED 535 535 5.7.8 wrong jobs=0 tls=\n",
	.rows = {GREET, {"250-mx\n250 AUTH PLAIN\n", "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\n"},
	    {"535 5.7.8 wrong\n", "<closed>"}}},
    {.log = "AUTH_FAILED 334 334 more? jobs=0 tls=\n",
	.rows = {GREET, {"250-mx\n250 AUTH PLAIN\n", "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\n"},
	    {"334 more?\n", "<closed>"}}},
    {.log = "AUTH_FAILED 0 The server asks for more than user name and password jobs=0 tls=\n",
	.rows = {GREET, {"250-mx\n250 AUTH LOGIN\n", "AUTH LOGIN\n"}, {"334 \n", "dGlt\n"},
	    {"334 \n", "dGFuc3RhYWZ0YW5zdGFhZg==\n"}, {"334 \n", "<closed>"}}},
    {.log = "AUTH_FAILED 0 The server offers no way to log in that is known here jobs=0 tls=\n",
	.rows = {GREET, {"250-mx\n250 AUTH GSSAPI\n", "<closed>"}}},
    {.log = "AUTH_FAILED 0 The password is not sent without TLS jobs=0 tls=\n",
	.in_clear = true,
	.rows = {GREET, {"250-mx\n250 AUTH PLAIN\n", "<closed>"}}},
};

/* The nonce is new each time, so the server's part is worked out here. */
static void
scram_row(struct client_fixture *f, const char *challenge, struct str *ret_nonce)
{
	CLEANUP(arena_free) struct arena *a = arena_new(1 << 16);
	CLEANUP(sbuf_done) struct sbuf first = SBUF_INIT(1000);

	client_open(f);
	client_talk(f, "220 mx\n", "EHLO us.example\n", false);
	conn_memory_feed(f->conn, STR("250-mx\r\n250 AUTH PLAIN SCRAM-SHA-256\r\n"));
	struct str said = str_trim(conn_memory_output(f->conn, a));
	ck_assert(str_starts(said, STR("AUTH SCRAM-SHA-256 ")));
	ck_assert_ok(base64_decode(str_skip(said, 19), &first));
	ck_assert(str_starts(sbuf_view(&first), STR("n,,n=tim,r=")));
	*ret_nonce = arena_dup(f->arena, str_skip(sbuf_view(&first), 11));
	if (challenge)
		client_talk(f, challenge, "<closed>", false);
}

START_TEST(a_server_that_does_not_know_the_password_either_is_not_trusted)
{
	static const char *const rows[][2] = {
	    {"235 come in\n",
		"AUTH_FAILED 0 The server did not show that it knows the password jobs=0 tls=\n"},
	    {"334 ?\n", "AUTH_FAILED 0 The server's challenge is none of SCRAM jobs=0 tls=\n"},
	    {"334 cj14\n", "AUTH_FAILED 0 The server's challenge is none of SCRAM jobs=0 tls=\n"},
	    {"535 5.7.8 no\n", "AUTH_FAILED 535 535 5.7.8 no jobs=0 tls=\n"},
	};

	for (size_t i = 0; i <= ARRAY_LEN(rows); i++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		CLEANUP(sbuf_done) struct sbuf line = SBUF_INIT(1000);
		CLEANUP(arena_free) struct arena *a = arena_new(1 << 16);
		struct str nonce;
		f->route.user = STR("tim");
		f->route.password = STR("tanstaaftanstaaf");
		client_fixture_job(f, "a@us.example", "b@x", TEXT);
		if (i < ARRAY_LEN(rows)) {
			scram_row(f, rows[i][0], &nonce);
			ck_assert_str_is(sbuf_view(&f->log), rows[i][1]);
			continue;
		}
		scram_row(f, NULL, &nonce); /* to the end, which is wrong */
		sbuf_puts(&line, "334 ");
		base64_encode(arena_printf(a, "r=%.*sxyz,s=W22Z,i=4096", STR_ARG(nonce)), &line);
		sbuf_puts(&line, "\r\n");
		conn_memory_feed(f->conn, sbuf_view(&line));
		ck_assert(conn_memory_output(f->conn, a).n > 100);
		client_talk(f,
		    "334 dj1BQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBPQ==\n",
		    "<closed>", false);
		ck_assert_str_is(sbuf_view(&f->log),
		    "AUTH_FAILED 0 The server does not know the password either jobs=0 tls=\n");
	}
}
END_TEST

START_TEST(another_mechanism_is_tried_where_the_first_is_none)
{
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
	struct str nonce;

	f->route.user = STR("tim");
	f->route.password = STR("tanstaaftanstaaf");
	client_fixture_job(f, "a@us.example", "b@x", TEXT);
	scram_row(f, NULL, &nonce);
	client_talk(f, "504 5.5.4 not that\n", "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm\n", false);
	client_talk(f, "504 5.5.4 nor that\n", "<closed>", false);
	ck_assert_str_is(sbuf_view(&f->log), "AUTH_FAILED 504 504 5.5.4 nor that jobs=0 tls=\n");
}
END_TEST

START_TEST(a_smart_host_is_told_user_and_password_where_nobody_else_hears_them)
{
	for (size_t i = 0; i < ARRAY_LEN(logins); i++) {
		for (int by_byte = 0; by_byte < 2; by_byte++) {
			CLEANUP(client_fixture_free)
			struct client_fixture *f = client_fixture_new();
			size_t n = 0;
			while (n < MAX_ROWS && logins[i].rows[n].client)
				n++;
			f->options.remote = logins[i].in_clear;
			f->route.user = STR("tim");
			f->route.password = STR("tanstaaftanstaaf");
			client_fixture_job(f, "a@us.example", "b@x", TEXT);
			client_open(f);
			client_talk_all(f, logins[i].rows, n, logins[i].log, by_byte);
		}
	}
}
END_TEST

/* -- REQUIRETLS (RFC 8689 §4.2.1) ------------------------------------------------------------ */

START_TEST(mail_that_requires_tls_goes_only_where_all_of_it_is_promised)
{
	static const struct {
		bool secure_mx, proof, offered;
	} cases[] = {
	    {true, true, true}, {false, true, true}, {false, false, true}, {true, true, false}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
		struct job *job = client_fixture_job(f, "a@us.example", "b@x", TEXT);
		bool goes = cases[i].secure_mx && cases[i].proof && cases[i].offered;
		job->message.requiretls = true;
		f->route.secure_mx = cases[i].secure_mx;
		if (cases[i].proof)
			f->host.tls = (struct tls_rules){
			    .proof = TLS_PROOF_DANE, .tlsa = &tlsa, .tlsa_count = 1};
		client_open(f);
		client_talk(f, "220 mx\n", "EHLO us.example\n", false);
		client_talk(f, EHLO_TLS, "STARTTLS\n", false);
		client_talk(f, "220 go\n", "EHLO us.example\n", false);
		client_talk(f, cases[i].offered ? "250-mx\n250 REQUIRETLS\n" : "250 mx\n",
		    goes ? "MAIL FROM:<a@us.example> REQUIRETLS\n" : "QUIT\n<closed>", false);
		if (goes)
			continue;
		bool sure = cases[i].secure_mx && cases[i].proof;
		ck_assert_str_is(sbuf_view(&f->log),
		    sure ? "b@x NEVER 5.7.30 The sender requires TLS all the way (REQUIRETLS), "
			   "which the server does not offer\nFINE 0  jobs=1 tls=\n"
			 : "b@x NEVER 5.7.10 The sender requires TLS all the way (REQUIRETLS), but "
			   "the server could not be authenticated\nFINE 0  jobs=1 tls=\n");
	}
}
END_TEST

/* RFC 8689 §4.2.1: not for reports. */
START_TEST(a_report_on_mail_that_required_tls_goes_anywhere)
{
	CLEANUP(client_fixture_free) struct client_fixture *f = client_fixture_new();
	struct job *job = client_fixture_job(f, "", "b@x", TEXT);

	job->message.requiretls = true;
	client_open(f);
	client_talk(f, "220 mx\n", "EHLO us.example\n", false);
	client_talk(f, "250 mx\n", "MAIL FROM:<>\n", false);
}
END_TEST

TEST_MAIN("client_tls", a_report_on_mail_that_required_tls_goes_anywhere,
    tls_is_begun_where_offered_and_demanded_where_owed,
    what_stands_behind_the_reply_to_starttls_ends_the_connection,
    a_server_that_breaks_off_at_starttls_cannot_do_what_it_offers,
    a_connection_that_cannot_be_made_is_told,
    a_smart_host_is_told_user_and_password_where_nobody_else_hears_them,
    a_server_that_does_not_know_the_password_either_is_not_trusted,
    another_mechanism_is_tried_where_the_first_is_none,
    mail_that_requires_tls_goes_only_where_all_of_it_is_promised)

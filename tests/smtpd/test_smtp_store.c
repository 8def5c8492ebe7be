/* SMTP sessions over the real store: what is answered 250 can be read back, octet for octet. */
#include "smtpd/smtp_session.h"
#include "tests/support/dialogue.h"

#include "common/base/log.h"
#include "store/reader.h"

#include <stdio.h>
#include <sys/stat.h>

struct suite {
	const char *dir;
	char data[100];
	struct store *store;
	struct conf *conf;
	struct service *svc;
	struct partial_table *partials;
	struct conn *conn;
	struct arena *arena;
	int64_t ann, bob;
};

static struct conf *
make_conf(const char *dir, const char *data)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(4096);
	char path[120];
	struct conf *conf = NULL;

	snprintf(path, sizeof(path), "%s/pillarbox.conf", dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fprintf(f, "hostname = \"mail.example.test\"\ndata_dir = \"%s\"\nrun_dir = \"%s\"\n", data,
	    dir);
	fclose(f);
	enum err e = conf_load(path, &conf, &problem);
	ck_assert_msg(e == ERR_OK, "%s", sbuf_cstr(&problem));
	return conf;
}

static void
swallow_log(void *arg, struct str line)
{
	(void)arg, (void)line;
}

static void
suite_open(struct suite *s)
{
	struct credential credential;

	*s = (struct suite){.dir = test_mkdir(), .arena = arena_new(64 << 20)};
	log_capture(swallow_log, NULL);
	snprintf(s->data, sizeof(s->data), "%s/data", s->dir);
	mkdir(s->data, 0700);
	ck_assert_ok(store_create(s->data));
	const struct store_options options = {
	    .data_dir = s->data, .process = "smtpd", .recipient_delimiter = "+"};
	ck_assert_ok(store_open(&options, &s->store));
	ck_assert_ok(directory_add_domain(s->store, STR("example.test")));
	ck_assert_ok(password_make(STR("secret"), s->arena, &credential));
	ck_assert_ok(
	    directory_add_account(s->store, STR("ann@example.test"), &credential, &s->ann));
	ck_assert_ok(
	    directory_add_account(s->store, STR("bob@example.test"), &credential, &s->bob));
	const struct str team[] = {STR("ann@example.test"), STR("bob@example.test")};
	ck_assert_ok(directory_set_alias(s->store, STR("team@example.test"), team, 2));
	s->conf = make_conf(s->dir, s->data);
	s->svc = service_for_test(s->store, s->conf);
	s->partials = partial_new();
}

static void
suite_connect(struct suite *s, enum smtp_service service)
{
	static const struct dialogue greeting = {NULL, "220 mail.example.test"};

	if (s->conn)
		conn_memory_close(&s->conn);
	s->conn = conn_memory_open(&smtp_session_ops, smtp_session_new(s->svc, s->partials),
	    &(struct conn_memory_options){.service = (int)service});
	dialogue_row(s->conn, &greeting, false);
}

static void
suite_close(struct suite *s)
{
	if (s->conn)
		conn_memory_close(&s->conn);
	service_stop(&s->svc);
	partial_free(&s->partials);
	store_close(&s->store);
	conf_unref(&s->conf);
	arena_free(&s->arena);
	test_rmdir(s->dir);
}

static void
say(struct suite *s, const char *send, const char *expect)
{
	dialogue_row(s->conn, &(struct dialogue){send, expect}, false);
}

static struct str
feed(struct suite *s, struct str octets)
{
	conn_memory_feed(s->conn, octets);
	return conn_memory_output(s->conn, s->arena);
}

/* The messages of an account's INBOX. */
static uint32_t
count(struct suite *s, int64_t account)
{
	CLEANUP(account_unref) struct account *a = NULL;
	struct mailbox_info info;

	ck_assert_ok(account_open(s->store, account, &a));
	ck_assert_ok(mailbox_find(a, STR("INBOX"), s->arena, &info));
	return info.messages;
}

/* The last message of an account's INBOX. */
static struct str
last_message(struct suite *s, int64_t account)
{
	CLEANUP(account_unref) struct account *a = NULL;
	CLEANUP(view_unref) struct view *v = NULL;
	CLEANUP(reader_close) struct reader *r = NULL;
	struct mailbox_info info;
	struct message_row row;
	size_t n;

	ck_assert_ok(account_open(s->store, account, &a));
	ck_assert_ok(mailbox_find(a, STR("INBOX"), s->arena, &info));
	ck_assert_ok(view_current(a, info.id, &v));
	ck_assert_ok(reader_open(a, &r));
	int64_t message = view_at(v, view_count(v))->message;
	ck_assert_ok(reader_message(r, message, WANT_BASICS, &row));
	char *text = arena_alloc(s->arena, row.size);
	ck_assert_ptr_nonnull(text);
	ck_assert_ok(reader_read(r, message, 0, text, row.size, &n));
	ck_assert_uint_eq(n, row.size);
	return str_make(text, n);
}

/* The same without its trace fields. */
static struct str
last_body(struct suite *s, int64_t account)
{
	struct str rest = last_message(s, account);
	struct str line;

	for (int fields = 0; fields < 2 || rest.p[0] == '\t'; fields++)
		ck_assert(str_split(&rest, '\n', &line));
	return rest;
}

START_TEST(what_is_accepted_can_be_read_back)
{
	struct suite s;
	size_t n = 300000;

	suite_open(&s);
	suite_connect(&s, SMTP_MX);
	say(&s, "EHLO client.test", "250 HELP");
	say(&s, "MAIL FROM:<x@other.test>", "250");
	say(&s, "RCPT TO:<team@example.test>", "250");
	say(&s, "RCPT TO:<ANN+tag@Example.Test>", "250");
	say(&s, "RCPT TO:<postmaster>", "250");
	say(&s, "RCPT TO:<nobody@example.test>", "550 5.1.1");
	say(&s, "RCPT TO:<x%other.test@example.test>", "550 5.1.1");
	say(&s, "RCPT TO:<\"x y\"@example.test>", "550 5.1.1");
	say(&s, "RCPT TO:<x@other.test>", "550 5.7.1");
	say(&s, "RCPT TO:<x@[127.0.0.1]>", "550 5.7.1");
	say(&s, "DATA", "354");
	say(&s, "Subject: one\n\n..dot\n.", "250 2.0.0");
	ck_assert_uint_eq(count(&s, s.ann), 1);
	ck_assert_uint_eq(count(&s, s.bob), 1);
	ck_assert_str_is(last_body(&s, s.ann), "Subject: one\r\n\r\n.dot\r\n");
	ck_assert_str_is(last_body(&s, s.bob), "Subject: one\r\n\r\n.dot\r\n");

	char *big = arena_alloc(s.arena, n);
	for (size_t i = 0; i < n; i++)
		big[i] = i % 80 == 78 ? '\r' : i % 80 == 79 ? '\n' : (char)('a' + i % 7);
	say(&s, "MAIL FROM:<>", "250");
	say(&s, "RCPT TO:<bob@example.test>", "250");
	say(&s, "BDAT 300000 LAST", NULL);
	ck_assert(str_starts(feed(&s, str_make(big, n)), STR("250 2.0.0 Ok, id ")));
	ck_assert(str_eq(last_body(&s, s.bob), str_make(big, n)));
	ck_assert_uint_eq(count(&s, s.ann), 1);
	suite_close(&s);
}
END_TEST

START_TEST(a_full_mailbox_is_told_at_rcpt_or_at_the_end)
{
	struct suite s;

	suite_open(&s);
	ck_assert_ok(directory_set_quota(s.store, STR("bob@example.test"), 1000, 0));
	suite_connect(&s, SMTP_LMTP);
	say(&s, "LHLO client.test", "250 HELP");
	say(&s, "MAIL FROM:<> SIZE=5000", "250");
	say(&s, "RCPT TO:<bob@example.test>", "452 4.2.2");
	say(&s, "RCPT TO:<team@example.test>", "250"); /* ann has room */
	say(&s, "RSET", "250");
	for (int i = 0; i < 2; i++) { /* SIZE not said: the delivery finds out */
		say(&s, "MAIL FROM:<>", "250");
		say(&s, "RCPT TO:<bob@example.test>", "250");
		say(&s, "RCPT TO:<ann@example.test>", "250");
		say(&s, "DATA", "354");
		char text[2003];
		memset(text, 'x', sizeof(text));
		memcpy(text + 1998, "\r\n.\r\n", 5);
		struct str got = feed(&s, str_make(text, sizeof(text)));
		ck_assert(str_starts(got, STR("452 4.2.2 ")));
		ck_assert_ptr_nonnull(memmem(got.p, got.n, "\r\n250 2.0.0 ", 12));
	}
	ck_assert_uint_eq(count(&s, s.ann), 2);
	ck_assert_uint_eq(count(&s, s.bob), 0);
	suite_close(&s);
}
END_TEST

START_TEST(users_log_in_and_send_as_themselves)
{
	struct suite s;

	suite_open(&s);
	suite_connect(&s, SMTP_SUBMISSION);
	say(&s, "EHLO client.test", "250-AUTH PLAIN LOGIN SCRAM-SHA-256\n250-LIMITS\n250 HELP");
	say(&s, "AUTH PLAIN AGFubgBzZWNyZXQ=", "235 2.7.0"); /* \0ann\0secret: one domain */
	say(&s, "MAIL FROM:<bob@example.test>", "553 5.7.1");
	say(&s, "MAIL FROM:<team@example.test>", "553 5.7.1"); /* others get it too */
	say(&s, "MAIL FROM:<x@other.test>", "553 5.7.1");
	say(&s, "MAIL FROM:<ann+tag@example.test>", "250");
	say(&s, "RCPT TO:<x@other.test>", "250 2.1.5");
	say(&s, "RCPT TO:<bob@example.test>", "250");
	say(&s, "DATA", "354");
	say(&s, "Subject: x\n\nText\n.", "250");
	struct str body = last_body(&s, s.bob);
	ck_assert(str_starts(body, STR("Subject: x\r\nDate: ")));
	suite_close(&s);
}
END_TEST

struct lines {
	char text[65536];
	size_t n;
};

static void
keep_log(void *arg, struct str line)
{
	struct lines *l = arg;

	ck_assert_uint_lt(l->n + line.n + 1, sizeof(l->text));
	memcpy(l->text + l->n, line.p, line.n);
	l->n += line.n;
	l->text[l->n++] = '\n';
	l->text[l->n] = '\0';
}

START_TEST(a_directory_that_cannot_be_written_costs_no_mail)
{
	static struct lines log;
	struct suite s;
	char spool[120], away[120];
	char text[100000];

	suite_open(&s);
	snprintf(spool, sizeof(spool), "%s/spool", s.data);
	snprintf(away, sizeof(away), "%s/away", s.data);
	memset(text, 'x', sizeof(text));
	memcpy(text + sizeof(text) - 5, "\r\n.\r\n", 5);
	log_capture(keep_log, &log);
	suite_connect(&s, SMTP_MX);
	say(&s, "EHLO client.test", "250 HELP");
	for (int i = 0; i < 2; i++) {
		if (i == 0)
			ck_assert_int_eq(rename(spool, away), 0);
		else
			ck_assert_int_eq(rename(away, spool), 0);
		say(&s, "MAIL FROM:<>", "250");
		say(&s, "RCPT TO:<ann@example.test>", "250");
		say(&s, "DATA", "354");
		struct str got = feed(&s, str_make(text, sizeof(text)));
		ck_assert_msg(
		    str_starts(got, i ? STR("250 2.0.0") : STR("451 4.3.0")), "%.*s", STR_ARG(got));
		ck_assert_uint_eq(count(&s, s.ann), i);
	}
	log_capture(swallow_log, NULL);
	ck_assert_ptr_nonnull(strstr(log.text, spool));
	suite_close(&s);
}
END_TEST

/* Sessions are counted anew when the daemon starts. */
START_TEST(ids_of_messages_do_not_come_again_after_a_restart)
{
	static const struct {
		int64_t began_us;
		const char *stamp;
	} rows[] = {
	    {INT64_C(1577836800) * 1000000, "0000000-"},
	    {INT64_C(1577836800) * 1000000 + 31250, "0000001-"},
	    {INT64_C(1800000000) * 1000000, "6kvw800-"},
	    {INT64_C(1800000000) * 1000000 + 40000, "6kvw801-"},
	};
	struct suite s;

	suite_open(&s);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		service_stamp(rows[i].began_us, s.svc->stamp);
		ck_assert_str_eq(s.svc->stamp, rows[i].stamp);
		suite_connect(&s, SMTP_MX);
		say(&s, "HELO c.test", "250");
		say(&s, "MAIL FROM:<x@remote.test>", "250");
		say(&s, "RCPT TO:<ann@example.test>", "250");
		say(&s, "DATA", "354");
		struct str got = feed(&s, STR("S: x\r\n\r\ny\r\n.\r\n"));
		struct str id = arena_printf(s.arena, "%smemory-1", rows[i].stamp);
		struct str want = arena_printf(s.arena, "250 2.0.0 Ok, id %.*s\r\n", STR_ARG(id));
		ck_assert_msg(str_eq(got, want), "%.*s", STR_ARG(got));
		ck_assert(str_find_nocase(last_message(&s, s.ann), id) != STR_NONE);
	}
	suite_close(&s);
}
END_TEST

TEST_MAIN("smtp_store", ids_of_messages_do_not_come_again_after_a_restart,
    what_is_accepted_can_be_read_back, a_full_mailbox_is_told_at_rcpt_or_at_the_end,
    users_log_in_and_send_as_themselves, a_directory_that_cannot_be_written_costs_no_mail)

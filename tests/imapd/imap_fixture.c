#include "tests/imapd/imap_fixture.h"

#include "common/base/log.h"
#include "store/store.h"

#include <stdio.h>

static struct conf *
write_conf(const char *dir, const char *options)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(256 * 1024);
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(64 * 1024);
	struct conf *conf = NULL;
	char path[256], data[256], run[256];

	snprintf(path, sizeof(path), "%s/pillarbox.conf", dir);
	snprintf(data, sizeof(data), "%s/data", dir);
	snprintf(run, sizeof(run), "%s/run", dir);
	const char *const set[] = {
	    "hostname", "mail.example.test", "data_dir", data, "run_dir", run, NULL};
	conf_write_default(&text, set);
	if (options)
		sbuf_puts(&text, options);
	FILE *file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	ck_assert_uint_eq(fwrite(text.p, 1, text.n, file), text.n);
	fclose(file);
	enum err e = conf_load(path, &conf, &problem);
	ck_assert_msg(!e, "%s", sbuf_cstr(&problem));
	return conf;
}

/* A credential that no password fits costs no hashing; tests of LOGIN set a real one. */
static void
make_account(struct imap_fixture *f)
{
	const struct credential none = {
	    .hash = STR("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$"
			"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	    .scram_salt = STR("0123456789abcdef"),
	    .scram_iterations = 4096,
	    .scram_stored_key = STR("0123456789abcdef0123456789abcdef"),
	    .scram_server_key = STR("0123456789abcdef0123456789abcdef"),
	};

	ck_assert_ok(directory_add_domain(f->store, STR("example.test")));
	ck_assert_ok(directory_add_account(f->store, STR(FIXTURE_USER), &none, &f->account_id));
	ck_assert_ok(account_open(f->store, f->account_id, &f->account));
}

int64_t
imap_fixture_mailbox(struct imap_fixture *f, const char *mailbox)
{
	struct mailbox_info info;

	return mailbox_find(f->account, str_of(mailbox), f->arena, &info) ? 0 : info.id;
}

uint32_t
imap_fixture_count(struct imap_fixture *f, const char *mailbox)
{
	struct mailbox_info info;

	return mailbox_find(f->account, str_of(mailbox), f->arena, &info) ? 0 : info.messages;
}

void
imap_fixture_clean(struct imap_fixture *f)
{
	ck_assert_ok(account_clean(f->account));
}

uint32_t
imap_fixture_deliver(struct imap_fixture *f, const char *mailbox, struct str message)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	uint32_t uidvalidity;

	ck_assert_ok(spool_new(f->store, &spool));
	ck_assert_ok(spool_write(spool, message.p, message.n));
	/* RFC 3501's favourite moment */
	struct append item = {
	    .spool = spool, .internal_s = 837596665, .internal_zone_s = -7 * 3600};
	ck_assert_ok(
	    message_append(f->account, imap_fixture_mailbox(f, mailbox), &item, 1, &uidvalidity));
	return item.ret_uid;
}

void
imap_fixture_make(struct imap_fixture *f, const char *mailbox)
{
	char name[256], message[256];
	unsigned count = 0;
	int64_t id;

	ck_assert_int_ge(sscanf(mailbox, "%255[^:]:%u", name, &count), 1);
	if (!imap_fixture_mailbox(f, name))
		ck_assert_ok(mailbox_create(f->account, str_of(name), STR(""), &id));
	for (unsigned i = 1; i <= count; i++) {
		snprintf(message, sizeof(message),
		    "From: Bob <bob@example.test>\r\nTo: %s\r\nSubject: message %u\r\n"
		    "Date: Wed, 17 Jul 1996 02:23:25 -0700\r\nMessage-ID: <%u@example.test>\r\n"
		    "\r\nThis is message %u.\r\n",
		    FIXTURE_USER, i, i, i);
		imap_fixture_deliver(f, name, str_of(message));
	}
}

void
imap_fixture_set_quota(struct imap_fixture *f, uint64_t bytes, uint64_t messages)
{
	ck_assert_ok(directory_set_quota(f->store, STR(FIXTURE_USER), bytes, messages));
}

static struct conn *
open_conn(struct imap_fixture *f, const struct conn_memory_options *options,
    struct imap_session **ret_session)
{
	struct imap_session *s = imap_session_new(f->service);

	ck_assert_ptr_nonnull(s);
	ck_assert_uint_lt(f->conn_count, FIXTURE_CONNS);
	struct conn *c = conn_memory_open(&imap_session_ops, s, options);
	ck_assert_ptr_nonnull(c);
	f->conns[f->conn_count++] = c;
	*ret_session = s;
	return c;
}

struct conn *
imap_fixture_stranger(struct imap_fixture *f, const struct conn_memory_options *options)
{
	struct imap_session *s;

	return open_conn(f, options, &s);
}

static struct conn *
open_logged_in(
    struct imap_fixture *f, int64_t account, const char *user, struct imap_session **ret_session)
{
	struct conn *c = open_conn(f, NULL, ret_session);

	conn_memory_output(c, f->arena);
	ck_assert_ok(imap_log_in(*ret_session, account, str_of(user), "TEST"));
	return c;
}

struct conn *
imap_fixture_connect(struct imap_fixture *f)
{
	struct imap_session *s;

	return open_logged_in(f, f->account_id, FIXTURE_USER, &s);
}

struct conn *
imap_fixture_connect_as(struct imap_fixture *f, const char *address)
{
	struct imap_session *s;
	struct account_entry entry;
	struct credential none = {0};

	if (directory_find_account(f->store, str_of(address), f->arena, &entry))
		ck_assert_ok(directory_add_account(f->store, str_of(address), &none, &entry.id));
	return open_logged_in(f, entry.id, address, &s);
}

void
imap_fixture_drop(struct imap_fixture *f)
{
	conn_memory_close(&f->conns[--f->conn_count]);
}

struct imap_fixture *
imap_fixture_open_with(const char *const *mailboxes, const char *options)
{
	struct imap_fixture *f = calloc(1, sizeof(*f));
	char data[256];

	ck_assert_ptr_nonnull(f);
	ck_assert_ok(log_open("test", "stderr", LOG_LEVEL_ERROR));
	f->dir = test_mkdir();
	f->arena = arena_new(256 * 1024 * 1024);
	snprintf(data, sizeof(data), "%s/data", f->dir);
	ck_assert_ok(store_create(data));
	f->conf = write_conf(f->dir, options);
	const struct store_options store = {
	    .data_dir = data, .process = "imapd", .recipient_delimiter = "+"};
	ck_assert_ok(store_open(&store, &f->store));
	f->service = service_for_test(f->store, f->conf);
	ck_assert_ptr_nonnull(f->service);
	make_account(f);
	for (const char *const *m = mailboxes; *m; m++)
		imap_fixture_make(f, *m);
	f->conn = open_logged_in(f, f->account_id, FIXTURE_USER, &f->session);
	return f;
}

void
imap_fixture_close(struct imap_fixture **fp)
{
	struct imap_fixture *f = MOVE_PTR(*fp);

	if (!f)
		return;
	for (size_t i = 0; i < f->conn_count; i++)
		conn_memory_close(&f->conns[i]);
	account_unref(&f->account);
	service_stop(&f->service);
	store_close(&f->store);
	conf_unref(&f->conf);
	arena_free(&f->arena);
	test_rmdir(f->dir);
	free(f);
}

void
ck_exchange_on(struct conn *c, const char *send, const char *expect)
{
	const struct dialogue row = {send, expect};

	dialogue_row(c, &row, false);
}

struct str
imap_fixture_ask(struct imap_fixture *f, struct conn *c, const char *send)
{
	CLEANUP(sbuf_done) struct sbuf wire = SBUF_INIT(16 * 1024 * 1024);

	sbuf_printf(&wire, "%s\r\n", send);
	conn_memory_feed(c, sbuf_view(&wire));
	return conn_memory_output(c, f->arena);
}

void
imap_fixture_dialogue(
    const struct dialogue *rows, size_t n, const char *const *mailboxes, bool by_byte)
{
	CLEANUP(imap_fixture_close)
	struct imap_fixture *f = imap_fixture_open_with(mailboxes, NULL);

	dialogue_run(f->conn, rows, n, by_byte);
}

#include "tests/pop3d/fixture.h"

#include "common/base/log.h"
#include "store/message.h"

#include <stdio.h>

const char *const pop3_three_messages[3] = {MESSAGE_ONE, MESSAGE_TWO, MESSAGE_THREE};

static struct conf *
load_conf(const char *dir)
{
	const char *const set[] = {"hostname", "mail.example.test", "data_dir", dir, "run_dir", dir,
	    "limits.login_failures", "3", "limits.bad_commands_before_login", "6",
	    "limits.bad_commands_after_login", "8", NULL};
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(100000);
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(10000);
	char path[200];
	struct conf *conf = NULL;

	conf_write_default(&text, set);
	snprintf(path, sizeof(path), "%s/pillarbox.conf", dir);
	FILE *f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	fputs(sbuf_cstr(&text), f);
	fclose(f);
	enum err e = conf_load(path, &conf, &problem);
	ck_assert_msg(!e, "%s", sbuf_cstr(&problem));
	return conf;
}

static void
drop_line(void *arg, struct str line)
{
	(void)arg, (void)line;
}

struct pop3_fixture *
pop3_fixture_open(const char *const *messages, size_t n)
{
	struct pop3_fixture *f = calloc(1, sizeof(*f));
	struct credential credential;

	ck_assert_ptr_nonnull(f);
	log_capture(drop_line, NULL);
	f->dir = test_mkdir();
	f->arena = arena_new((size_t)512 * 1024 * 1024);
	f->conf = load_conf(f->dir);
	ck_assert_ok(store_create(f->dir));
	const struct store_options options = {
	    .data_dir = f->dir, .process = "pop3d", .recipient_delimiter = "+"};
	ck_assert_ok(store_open(&options, &f->store));
	ck_assert_ok(directory_add_domain(f->store, STR("example.test")));
	ck_assert_ok(password_make(STR("open sesame"), f->arena, &credential));
	ck_assert_ok(
	    directory_add_account(f->store, STR("ann@example.test"), &credential, &f->account));
	f->service = service_for_test(f->store, f->conf);
	f->service->logins = login_cache_new(600); /* what costs is tested elsewhere */
	ck_assert_ptr_nonnull(f->service);
	for (size_t i = 0; i < n; i++)
		pop3_fixture_deliver(f, str_of(messages[i]));
	return f;
}

void
pop3_fixture_close(struct pop3_fixture **fp)
{
	struct pop3_fixture *f = MOVE_PTR(*fp);

	if (!f)
		return;
	service_stop(&f->service);
	store_close(&f->store);
	conf_unref(&f->conf);
	arena_free(&f->arena);
	test_rmdir(f->dir);
	free(f);
}

void
pop3_fixture_deliver(struct pop3_fixture *f, struct str message)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	struct delivery d = {.account = f->account};

	ck_assert_ok(spool_new(f->store, &spool));
	ck_assert_ok(spool_write(spool, message.p, message.n));
	message_deliver(f->store, spool, &d, 1);
	ck_assert_ok(d.result);
}

uint32_t
pop3_fixture_count(struct pop3_fixture *f)
{
	struct maildrop m;

	ck_assert_ok(maildrop_open(f->store, f->account, &m));
	uint32_t n = maildrop_count(&m);
	maildrop_close(&m);
	return n;
}

void
pop3_fixture_clean(struct pop3_fixture *f)
{
	CLEANUP(account_unref) struct account *a = NULL;

	ck_assert_ok(account_open(f->store, f->account, &a));
	ck_assert_ok(account_clean(a));
}

void
pop3_fixture_remove(struct pop3_fixture *f, uint32_t seq)
{
	struct maildrop m;

	ck_assert_ok(maildrop_open(f->store, f->account, &m));
	ck_assert_ok(maildrop_mark(&m, seq));
	ck_assert_ok(maildrop_update(&m));
	maildrop_close(&m);
	pop3_fixture_clean(f);
}

struct conn *
pop3_connect(struct pop3_fixture *f, const struct conn_memory_options *options)
{
	struct pop3_session *s = pop3_session_new(f->service);

	ck_assert_ptr_nonnull(s);
	return conn_memory_open(&pop3_session_ops, s, options);
}

struct conn *
pop3_login(struct pop3_fixture *f)
{
	static const struct dialogue rows[] = {POP3_GREETING, POP3_LOGIN};
	struct conn *c = pop3_connect(f, NULL);

	dialogue_run(c, rows, ARRAY_LEN(rows), false);
	return c;
}

const char *
pop3_output(struct pop3_fixture *f, struct conn *c)
{
	struct str out = conn_memory_output(c, f->arena);
	const char *text = arena_cstr(f->arena, out);

	ck_assert_ptr_nonnull(text);
	return text;
}

const char *
pop3_ask(struct pop3_fixture *f, struct conn *c, const char *line)
{
	conn_memory_feed(c, arena_printf(f->arena, "%s\r\n", line));
	return pop3_output(f, c);
}

void
pop3_dialogue(const char *const *messages, size_t message_count,
    const struct conn_memory_options *options, const struct dialogue *rows, size_t n)
{
	for (int by_byte = 0; by_byte < 2; by_byte++) {
		CLEANUP(pop3_fixture_close)
		struct pop3_fixture *f = pop3_fixture_open(messages, message_count);
		CLEANUP(conn_memory_close) struct conn *c = pop3_connect(f, options);
		dialogue_run(c, rows, n, by_byte);
	}
}

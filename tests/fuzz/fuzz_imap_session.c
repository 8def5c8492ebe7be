/* Whole IMAP sessions. The first octet: in which state the rest is sent, and in pieces of which
 * size. Whatever comes, a session ends its lines, and answers or is closed. */
#include "common/base/log.h"
#include "imapd/imap_session.h"
#include "store/directory.h"
#include "store/message.h"
#include "tests/fuzz/fuzz.h"

#include <ftw.h>

#define INPUTS_PER_STORE 2000 /* then a fresh one: names and messages pile up */

struct ground {
	char dir[64];
	struct conf *conf;
	struct store *store;
	struct service *service;
	int64_t account;
	unsigned inputs;
};

static struct ground ground; /* a target is called again and again: its one global */

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void
take_down(struct ground *g)
{
	service_stop(&g->service);
	store_close(&g->store);
	conf_unref(&g->conf);
	nftw(g->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	*g = (struct ground){0};
}

static void
read_conf(struct ground *g, const char *data)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(256 * 1024);
	char path[128];

	const char *const set[] = {
	    "hostname", "mail.example.test", "data_dir", data, "run_dir", g->dir, NULL};
	conf_write_default(&text, set);
	snprintf(path, sizeof(path), "%s/pillarbox.conf", g->dir);
	FILE *f = fopen(path, "w");
	FUZZ_CHECK(f && fwrite(text.p, 1, text.n, f) == text.n);
	fclose(f);
	FUZZ_CHECK(conf_load(path, &g->conf, NULL) == ERR_OK);
}

static void
deliver(struct ground *g, struct str message)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	struct delivery d = {.account = g->account};

	FUZZ_CHECK(spool_new(g->store, &spool) == ERR_OK);
	FUZZ_CHECK(spool_write(spool, message.p, message.n) == ERR_OK);
	message_deliver(g->store, spool, &d, 1);
	FUZZ_CHECK(d.result == ERR_OK);
}

static void
at_exit(void)
{
	if (ground.store)
		take_down(&ground);
}

static void
set_up(struct ground *g)
{
	const struct credential none = {.hash = STR("$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$"
						    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
	    .scram_salt = STR("0123456789abcdef"),
	    .scram_iterations = 4096,
	    .scram_stored_key = STR("0123456789abcdef0123456789abcdef"),
	    .scram_server_key = STR("0123456789abcdef0123456789abcdef")};
	char data[96];

	FUZZ_CHECK(log_open("fuzz", "stderr", LOG_LEVEL_ERROR) == ERR_OK);
	snprintf(g->dir, sizeof(g->dir), "/tmp/pillarbox-fuzz.XXXXXX");
	FUZZ_CHECK(mkdtemp(g->dir));
	snprintf(data, sizeof(data), "%s/data", g->dir);
	const struct store_options options = {.data_dir = data, .process = "imapd"};
	FUZZ_CHECK(store_create(data) == ERR_OK);
	read_conf(g, data);
	FUZZ_CHECK(store_open(&options, &g->store) == ERR_OK);
	g->service = service_for_test(g->store, g->conf);
	FUZZ_CHECK(g->service);
	FUZZ_CHECK(directory_add_domain(g->store, STR("example.test")) == ERR_OK);
	FUZZ_CHECK(
	    directory_add_account(g->store, STR("ann@example.test"), &none, &g->account) == ERR_OK);
	FUZZ_CHECK(directory_set_quota(g->store, STR("ann@example.test"), 1 << 20, 1000) == ERR_OK);
	deliver(g, STR("From: Bob <bob@example.test>\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n"
		       "Date: Wed, 17 Jul 1996 02:23:25 -0700\r\nMIME-Version: 1.0\r\n"
		       "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\ntext\r\n--b\r\n"
		       "Content-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\nx\r\n--b--\r\n"));
	deliver(g, STR("Subject: two\r\n\r\nplain\r\n"));
}

static void
feed(struct conn *c, struct str in, size_t piece)
{
	for (size_t at = 0; at < in.n && !conn_memory_closed(c); at += piece)
		conn_memory_feed(c, str_sub(in, at, piece));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const before[] = {"", "", "0 SELECT INBOX\r\n", "0 EXAMINE INBOX\r\n",
	    "0 SELECT INBOX\r\n0 IDLE\r\n", "0 APPEND INBOX {50}\r\n"};
	static const size_t pieces[] = {1, 7, 65536};
	static bool registered;
	struct ground *g = &ground;
	CLEANUP(arena_free) struct arena *arena = arena_new(SIZE_MAX / 2);

	if (size == 0)
		return 0;
	if (g->store && g->inputs++ >= INPUTS_PER_STORE)
		take_down(g);
	if (!g->store && !registered)
		registered = atexit(at_exit) == 0;
	if (!g->store)
		set_up(g);
	unsigned state = data[0] % ARRAY_LEN(before);
	struct imap_session *s = imap_session_new(g->service);
	FUZZ_CHECK(s);
	struct conn *c = conn_memory_open(&imap_session_ops, s, NULL);
	if (state > 0) {
		FUZZ_CHECK(imap_log_in(s, g->account, STR("ann@example.test"), "TEST") == ERR_OK);
		feed(c, str_of(before[state]), 65536);
	}
	feed(c, str_make(data + 1, size - 1), pieces[data[0] / 16 % ARRAY_LEN(pieces)]);
	struct str got = conn_memory_output(c, arena);
	FUZZ_CHECK(str_ends_nocase(got, STR("\r\n")));
	conn_memory_eof(c);
	conn_memory_close(&c);
	return 0;
}

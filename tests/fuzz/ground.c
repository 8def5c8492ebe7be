#include "tests/fuzz/ground.h"

#include "common/base/log.h"
#include "store/message.h"
#include "tests/fuzz/fuzz.h"

#include <ftw.h>

static int
remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void
ground_take_down(struct ground *g)
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
add_account(struct ground *g)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(65536);
	struct credential c;

	FUZZ_CHECK(password_make(STR("open sesame"), arena, &c) == ERR_OK);
	FUZZ_CHECK(directory_add_domain(g->store, STR("example.test")) == ERR_OK);
	FUZZ_CHECK(
	    directory_add_account(g->store, STR("ann@example.test"), &c, &g->account) == ERR_OK);
	FUZZ_CHECK(directory_set_quota(g->store, STR("ann@example.test"), 1 << 20, 1000) == ERR_OK);
}

void
ground_set_up(struct ground *g, const char *process)
{
	char data[96];

	FUZZ_CHECK(log_open("fuzz", "stderr", LOG_LEVEL_ERROR) == ERR_OK);
	snprintf(g->dir, sizeof(g->dir), "/tmp/pillarbox-fuzz.XXXXXX");
	FUZZ_CHECK(mkdtemp(g->dir));
	snprintf(data, sizeof(data), "%s/data", g->dir);
	const struct store_options options = {.data_dir = data, .process = process};
	FUZZ_CHECK(store_create(data) == ERR_OK);
	read_conf(g, data);
	FUZZ_CHECK(store_open(&options, &g->store) == ERR_OK);
	g->service = service_for_test(g->store, g->conf);
	FUZZ_CHECK(g->service);
	g->service->logins = login_cache_new(86400); /* a right password is dear once */
	add_account(g);
}

void
ground_deliver(struct ground *g, struct str message)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	struct delivery d = {.account = g->account};

	FUZZ_CHECK(spool_new(g->store, &spool) == ERR_OK);
	FUZZ_CHECK(spool_write(spool, message.p, message.n) == ERR_OK);
	message_deliver(g->store, spool, &d, 1);
	FUZZ_CHECK(d.result == ERR_OK);
}

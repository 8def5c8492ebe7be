#include "tests/fuzz/ground.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/message.h"
#include "tests/fuzz/cheap_hash.h"
#include "tests/fuzz/fuzz.h"

#include <fcntl.h>
#include <ftw.h>
#include <unistd.h>

#define NOW_S 1700000000
#define PAUSE_MS 60000
#define INPUTS_MAX 500

static struct ground *walked; /* nftw() gives its callbacks nothing of the caller's */

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
	for (size_t i = 0; i < g->file_count; i++)
		free(g->files[i].p);
	nftw(g->dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	*g = (struct ground){0};
	clock_thaw();
}

static void
read_conf(struct ground *g)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(256 * 1024);
	char path[128];

	const char *const set[] = {
	    "hostname", "mail.example.test", "data_dir", g->data, "run_dir", g->dir, NULL};
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

static void
open_store(struct ground *g)
{
	const struct store_options options = {.data_dir = g->data, .process = g->process};

	FUZZ_CHECK(store_open(&options, &g->store) == ERR_OK);
}

/* -- as it was made */

static int
keep_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	struct ground *g = walked;

	(void)ftw;
	if (type != FTW_F)
		return 0;
	FUZZ_CHECK(g->file_count < GROUND_FILES);
	struct ground_file *file = &g->files[g->file_count++];
	FUZZ_CHECK(snprintf(file->path, sizeof(file->path), "%s", path) < (int)sizeof(file->path));
	file->n = (size_t)st->st_size;
	file->p = malloc(file->n + 1);
	FILE *f = fopen(path, "rb");
	FUZZ_CHECK(file->p && f && fread(file->p, 1, file->n, f) == file->n);
	fclose(f);
	return 0;
}

/* All but the directories. */
static int
remove_file(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)ftw;
	return type == FTW_F ? remove(path) : 0;
}

static void
put_back(struct ground *g)
{
	nftw(g->data, remove_file, 16, FTW_DEPTH | FTW_PHYS);
	for (size_t i = 0; i < g->file_count; i++) {
		int fd = open(g->files[i].path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
		FUZZ_CHECK(fd >= 0);
		FUZZ_CHECK(write(fd, g->files[i].p, g->files[i].n) == (ssize_t)g->files[i].n);
		close(fd);
	}
}

/* Of the account's database and its log, which every change goes to first. Changes of the directory
 * alone (when somebody was last there) wait for INPUTS_MAX. */
static uint64_t
state_of(struct ground *g)
{
	uint64_t state = 0;
	struct stat st;

	for (int log = 0; log < 2; log++) {
		char path[160];
		snprintf(path, sizeof(path), "%s/accounts/%lld/mail.db%s", g->data,
		    (long long)g->account, log ? "-wal" : "");
		if (stat(path, &st) != 0)
			st = (struct stat){0};
		state = state * 31 + (uint64_t)st.st_size;
		state = state * 31 + (uint64_t)st.st_mtim.tv_sec;
		state = state * 31 + (uint64_t)st.st_mtim.tv_nsec;
	}
	return state;
}

void
ground_set_up(struct ground *g, const char *process, void (*fill)(struct ground *g))
{
	clock_freeze(NOW_S);
	g->process = process;
	FUZZ_CHECK(log_open("fuzz", "stderr", LOG_LEVEL_ERROR) == ERR_OK);
	cheap_hash_check();
	snprintf(g->dir, sizeof(g->dir), "%s/pillarbox-fuzz.XXXXXX",
	    access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	FUZZ_CHECK(mkdtemp(g->dir));
	snprintf(g->data, sizeof(g->data), "%s/data", g->dir);
	FUZZ_CHECK(store_create(g->data) == ERR_OK);
	read_conf(g);
	open_store(g);
	add_account(g);
	fill(g);
	store_close(&g->store);
	walked = g;
	nftw(g->data, keep_file, 16, FTW_PHYS);
	FUZZ_CHECK(g->file_count > 0);
}

static void
begin_anew(struct ground *g)
{
	service_stop(&g->service);
	store_close(&g->store);
	put_back(g);
	open_store(g);
	g->service = service_for_test(g->store, g->conf);
	FUZZ_CHECK(g->service);
	g->inputs = 0;
}

void
ground_begin(struct ground *g)
{
	clock_freeze(NOW_S);
	if (!g->store || ++g->inputs > INPUTS_MAX || state_of(g) != g->state) {
		begin_anew(g);
		g->state = state_of(g);
		return;
	}
	limits_free(&g->service->limits); /* who failed to log in waits longer and longer */
	g->service->limits = limits_new(&(const struct limits_max){1000, 1000, 1000, 1000});
	FUZZ_CHECK(g->service->limits);
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

void
ground_feed(struct conn *c, struct str in, size_t piece)
{
	while (in.n > 0 && !conn_memory_closed(c)) {
		size_t pause = str_find(str_sub(in, 0, piece), (char)GROUND_PAUSE);
		if (pause == 0) {
			clock_advance_ms(PAUSE_MS);
			conn_memory_run(c);
			in = str_skip(in, 1);
			continue;
		}
		struct str some = str_sub(in, 0, pause == STR_NONE ? piece : pause);
		conn_memory_feed(c, some);
		in = str_skip(in, some.n);
	}
}

/* Opening and closing a store, and its upkeep. */
#include "store/store.h"
#include "common/base/clock.h"
#include "common/base/log.h"
#include "store/account_private.h"
#include "store/boot.h"
#include "store/changes.h"
#include "store/cleaner.h"
#include "store/file.h"
#include "store/helpers.h"
#include "store/queue_private.h"
#include "store/signing_key_private.h"
#include "store/trace_private.h"
#include "store/upkeep.h"

#include <assert.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>

#define TRIM_EVERY_MS 10000

static enum err
path_in(const char *dir, const char *name, char *out)
{
	return snprintf(out, PATH_MAX, "%s/%s", dir, name) >= PATH_MAX ? ERR_TOO_LONG : ERR_OK;
}

static enum err
make_dir_in(const char *dir, const char *name)
{
	char path[PATH_MAX];
	enum err e = path_in(dir, name, path);

	return e ? e : file_make_dir(path);
}

static enum err
migrate_directory(const char *path)
{
	CLEANUP(db_close) struct db *db = NULL;
	enum err e = db_open(path, DB_WRITER, &db);

	return e ? e : schema_migrate(db, &schema_directory);
}

enum err
store_create(const char *data_dir)
{
	char path[PATH_MAX];
	enum err e = file_make_dir(data_dir);

	if (!e)
		e = make_dir_in(data_dir, "accounts");
	if (!e)
		e = make_dir_in(data_dir, "spool");
	if (!e)
		e = path_in(data_dir, "directory.db", path);
	if (!e)
		e = database_create(path, &schema_directory, NULL, NULL);
	return e == ERR_EXISTS ? migrate_directory(path) : e;
}

static char *
dup_or_empty(const char *s)
{
	return strdup(s ? s : "");
}

static enum err
open_directory(struct store *s)
{
	char path[PATH_MAX];
	enum err e = path_in(s->data_dir, "directory.db", path);

	if (!e)
		e = migrate_directory(path);
	if (e == ERR_NOT_FOUND)
		log_error("store", F_CSTR("op", "open"), F_ERR(e), F_CSTR("file", path));
	return e ? e : database_init(&s->directory, s->pool, path, &schema_directory);
}

enum err
store_open(const struct store_options *o, struct store **ret)
{
	CLEANUP(store_close) struct store *s = calloc(1, sizeof(*s));

	if (!s)
		return ERR_NOMEM;
	pthread_mutex_init(&s->mu, NULL);
	pthread_mutex_init(&s->moves, NULL);
	s->default_quota_bytes = o->default_quota_bytes;
	s->tombstone_days = o->tombstone_days;
	s->trace_days = o->trace_days;
	boot_read(s->boot);
	s->data_dir = strdup(o->data_dir);
	s->run_dir = o->run_dir ? strdup(o->run_dir) : NULL;
	s->process = dup_or_empty(o->process);
	s->delimiter = dup_or_empty(o->recipient_delimiter);
	if (asprintf(&s->spool_dir, "%s/spool", o->data_dir) < 0)
		s->spool_dir = NULL;
	if (!s->data_dir || (o->run_dir && !s->run_dir) || !s->process || !s->delimiter ||
	    !s->spool_dir)
		return ERR_NOMEM;
	if (!(s->upkeep = upkeep_new()) || !(s->helpers = helpers_new()))
		return ERR_NOMEM;
	enum err e = pool_new(s->upkeep, &s->pool);
	if (!e && o->handles_max)
		pool_set_max(s->pool, o->handles_max);
	if (!e)
		e = open_directory(s);
	if (!e)
		e = bus_open(s, &s->bus);
	if (!e)
		e = queue_new(s, &s->queue);
	if (!e)
		e = tracer_new(s, &s->tracer);
	if (!e && !(s->signing_keys = signing_key_cache_new()))
		e = ERR_NOMEM;
	if (!e)
		spool_sweep(s->spool_dir);
	if (!e)
		*ret = MOVE_PTR(s);
	return e;
}

/* -- upkeep */

void
store_set_memory(struct store *s, fullness_fn *fullness, void *arg)
{
	s->fullness = fullness;
	s->memory_arg = arg;
}

enum fullness
store_fullness(const struct store *s)
{
	return s->fullness ? s->fullness(s->memory_arg) : MEMORY_THERE;
}

void
store_set_alarm(struct store *s, void (*fn)(void *arg, int64_t in_ms), void *arg)
{
	upkeep_set_alarm(s->upkeep, fn, arg);
}

/* The pages of closed handles, and what sessions that are gone had, lie scattered over the heap:
 * what is idle should be small. Not for
 * each handle, since it walks the whole heap. */
static void
trim_memory(struct store *s)
{
	int64_t now = clock_mono_ms();

	if (!s->untrimmed)
		return;
	if (s->trimmed_ms && now - s->trimmed_ms < TRIM_EVERY_MS && pool_handles(s->pool, NULL)) {
		upkeep_want(s->upkeep, s->trimmed_ms + TRIM_EVERY_MS);
		return;
	}
	malloc_trim(0);
	s->trimmed_ms = now;
	s->untrimmed = false;
}

void
store_tick(struct store *s)
{
	upkeep_begin(s->upkeep);
	accounts_sync(s); /* first: this is for a promise of durability */
	queue_tick(s->queue);
	tracer_tick(s->tracer);
	accounts_clean(s);
	pool_reap(s->pool, POOL_IDLE_MS);
	bool closed = pool_count_closed(s->pool) > 0;
	if (accounts_forget_idle(s, closed) || closed)
		s->untrimmed = true;
	trim_memory(s);
}

void
store_close(struct store **sp)
{
	struct store *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	helpers_free(&s->helpers);
	tracer_free(&s->tracer);
	signing_key_cache_free(&s->signing_keys);
	queue_free(&s->queue);
	bus_close(&s->bus);
	accounts_free(s);
	database_done(&s->directory);
	pool_free(&s->pool);
	upkeep_free(&s->upkeep);
	pthread_mutex_destroy(&s->mu);
	pthread_mutex_destroy(&s->moves);
	free(s->data_dir);
	free(s->run_dir);
	free(s->process);
	free(s->spool_dir);
	free(s->delimiter);
	free(s->login_notes);
	free(s);
}

unsigned
store_handles(struct store *s)
{
	return pool_handles(s->pool, NULL);
}

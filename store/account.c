/* Accounts that are open in this process: a table by id. An object stays as long as somebody holds
 * a reference or its database has open handles, so that the next command finds both. */
#include "common/base/clock.h"
#include "store/account_private.h"
#include "store/acl_private.h"
#include "store/boot.h"
#include "store/cleaner.h"
#include "store/damage.h"
#include "store/file.h"
#include "store/helpers.h"
#include "store/upkeep.h"

#include <assert.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static struct account **
bucket_of(struct store *s, int64_t id)
{
	return &s->accounts[(uint64_t)id & (STORE_ACCOUNT_BUCKETS - 1)];
}

/* An account that was removed meanwhile, perhaps by another process whose files we hold open. */
static enum err
refuse_removed(struct db *db)
{
	int64_t removed;
	enum err e = db_get_int(db, "SELECT removed FROM meta", &removed);

	if (e == ERR_NOT_FOUND) {
		return damage_found("store", db_path(db), "meta is empty", F_CSTR("op", "open"));
	}
	return !e && removed ? ERR_GONE : e;
}

static void
publish(struct database *d, const int64_t *mailboxes, size_t n)
{
	changes_publish(d->account, mailboxes, n);
}

static void
free_account(struct account **ap)
{
	struct account *a = *ap;

	if (!a)
		return;
	*ap = NULL;
	database_done(&a->database);
	view_cache_free(&a->views);
	pthread_mutex_destroy(&a->open_mu);
	pthread_mutex_destroy(&a->quota_mu);
	free(a->dir);
	free(a->blobs);
	free(a);
}

static enum err
new_account(struct store *s, int64_t id, struct account **ret)
{
	CLEANUP(mem_free) char *path = NULL;
	CLEANUP(free_account) struct account *a = calloc(1, sizeof(*a));

	if (!a)
		return ERR_NOMEM;
	pthread_mutex_init(&a->open_mu, NULL);
	pthread_mutex_init(&a->quota_mu, NULL);
	a->store = s;
	a->id = id;
	if (asprintf(&a->dir, "%s/accounts/%lld", s->data_dir, (long long)id) < 0)
		a->dir = NULL;
	if (!a->dir || asprintf(&a->blobs, "%s/blobs", a->dir) < 0)
		a->blobs = NULL;
	if (!a->blobs || asprintf(&path, "%s/mail.db", a->dir) < 0)
		path = NULL;
	enum err e = path ? database_init(&a->database, s->pool, path, &schema_account) : ERR_NOMEM;
	if (e)
		return e;
	a->database.account = a;
	a->database.admit = refuse_removed;
	a->database.committed = publish;
	*ret = MOVE_PTR(a);
	return ERR_OK;
}

static enum err
find_or_add(struct store *s, int64_t id, struct account **ret)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);
	struct account **bucket = bucket_of(s, id), *a = *bucket;

	(void)held;
	while (a && a->id != id)
		a = a->next;
	if (!a) {
		enum err e = new_account(s, id, &a);
		if (e)
			return e;
		a->next = *bucket;
		*bucket = a;
	}
	a->refs++;
	*ret = a;
	return ERR_OK;
}

/* Nobody else has a handle of it yet, so the writer's may be used here. */
static enum err
migrate(struct account *a)
{
	CLEANUP(pool_give) struct handle *h = NULL;
	enum err e = pool_take(&a->database, DB_WRITER, &h);

	return e ? e : schema_migrate(h->db, &schema_account);
}

/* A handle of a database that is as this program knows it: nearly always the one a reader would
 * take next. */
static enum err
take_current(struct account *a, struct handle **ret)
{
	bool current = false;
	enum err e = pool_take(&a->database, DB_READER, ret);

	if (!e)
		e = schema_is_current((*ret)->db, &schema_account, &current);
	if (e || current)
		return e;
	pool_give(ret);
	e = migrate(a);
	return e ? e : pool_take(&a->database, DB_READER, ret);
}

/* The first one in this process migrates it. */
static enum err
make_ready(struct account *a)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&a->open_mu);
	CLEANUP(pool_give) struct handle *h = NULL;
	struct quota quota;

	(void)held;
	if (a->opened)
		return ERR_OK;
	enum err e = take_current(a, &h);
	if (!e)
		e = refuse_removed(h->db);
	if (!e)
		cleaner_look(a, h->db);
	if (!e)
		e = boot_look(a, h->db);
	if (!e)
		e = quota_read(h->db, &quota);
	pool_give(&h);
	if (!e) {
		account_note_quota(a, &quota);
		account_mend_limits(a, &quota);
		share_mend(a);
	}
	a->opened = !e;
	return e == ERR_GONE ? ERR_NOT_FOUND : e;
}

enum err
account_open(struct store *s, int64_t id, struct account **ret)
{
	CLEANUP(account_unref) struct account *a = NULL;
	enum err e = find_or_add(s, id, &a);

	if (!e)
		e = make_ready(a);
	if (!e)
		*ret = MOVE_PTR(a);
	return e;
}

struct account *
account_ref(struct account *a)
{
	pthread_mutex_lock(&a->store->mu);
	a->refs++;
	pthread_mutex_unlock(&a->store->mu);
	return a;
}

void
account_unref(struct account **ap)
{
	struct account *a = *ap;

	if (!a)
		return;
	*ap = NULL;
	pthread_mutex_lock(&a->store->mu);
	assert(a->refs > 0);
	bool idle = --a->refs == 0;
	struct store *s = a->store;
	s->forgettable |= idle;
	pthread_mutex_unlock(&s->mu);
	/* It stays for a while, since mail and clients come in bursts. */
	if (idle)
		upkeep_want(s->upkeep, clock_mono_ms() + POOL_IDLE_MS);
}

int64_t
account_id(const struct account *a)
{
	return a->id;
}

const char *
account_dir(const struct account *a)
{
	return a->dir;
}

enum err
account_settle(struct account *a)
{
	return a->same_boot ? ERR_OK : boot_skip_ahead(a);
}

enum err
account_write(struct account *a, txn_op *op, void *arg, enum durability durability)
{
	enum err e = account_settle(a);

	return e ? e : database_write(&a->database, op, arg, durability);
}

enum err
account_write_promised(struct account *a, txn_op *op, void *arg, struct promise *p)
{
	enum err e = account_settle(a);

	if (e)
		return e;
	/* one that waits for another account's commits can't wait for ours, too */
	return p && (!p->database || p->database == &a->database)
		   ? database_write_promised(&a->database, op, arg, p)
		   : database_write(&a->database, op, arg, DURABLE_NOW);
}

enum err
account_read(struct account *a, struct handle **ret)
{
	return read_begin(&a->database, ret);
}

enum err
account_sync(struct account *a)
{
	return database_sync(&a->database);
}

enum err
account_blob_path(const struct account *a, struct str name, char *out)
{
	if (name.n < 3 || str_find(name, '/') != STR_NONE || name.p[0] == '.')
		return ERR_CORRUPT;
	int n = snprintf(out, PATH_MAX, "%s/%.2s/%.*s", a->blobs, name.p, STR_ARG(name));
	return n >= PATH_MAX ? ERR_TOO_LONG : ERR_OK;
}

/* Of a directory's two letters; BLOB_DIRS where they are no part of an EMAILID. */
static size_t
blob_dir_number(const char *dir)
{
	static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";
	size_t n = strlen(dir), number = 0;

	for (size_t i = 2; i > 0; i--) {
		const char *at = n >= 2 && dir[n - i] ? strchr(alphabet, dir[n - i]) : NULL;
		if (!at)
			return BLOB_DIRS;
		number = number * 32 + (size_t)(at - alphabet);
	}
	return number;
}

enum err
account_make_blob_dir(struct account *a, const char *dir)
{
	size_t n = blob_dir_number(dir);
	uint64_t bit = 1ull << n % 64;

	if (n < BLOB_DIRS && (atomic_load(&a->blob_dirs[n / 64]) & bit) && access(dir, F_OK) == 0)
		return ERR_OK;
	enum err e = file_make_dir(dir);
	if (!e && n < BLOB_DIRS)
		atomic_fetch_or(&a->blob_dirs[n / 64], bit);
	return e;
}

/* -- upkeep, from store.c */

bool
accounts_forget_idle(struct store *s, bool handles_closed)
{
	struct account *doomed = NULL;

	pthread_mutex_lock(&s->mu);
	for (size_t i = 0; i < STORE_ACCOUNT_BUCKETS && (s->forgettable || handles_closed); i++) {
		for (struct account **at = &s->accounts[i]; *at;) {
			struct account *a = *at;
			if (a->refs || upkeep_is_unsynced(&a->database) ||
			    pool_handles(s->pool, &a->database)) {
				at = &a->next;
				continue;
			}
			*at = a->next;
			a->next = doomed;
			doomed = a;
		}
	}
	s->forgettable = false;
	pthread_mutex_unlock(&s->mu);
	bool any = doomed;
	while (doomed) {
		struct account *a = doomed;
		doomed = a->next;
		free_account(&a);
	}
	return any;
}

/* The database that waits longest for its sync, with a reference to its account. The store's lock
 * keeps accounts_forget_idle() away in between. */
static struct database *
take_unsynced(struct store *s)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);
	struct database *d = upkeep_take_unsynced(s->upkeep);

	(void)held;
	if (d && d->account)
		d->account->refs++;
	return d;
}

#define SYNC_AT_ONCE 64

struct sync_round {
	struct store *store;
	struct database *d[SYNC_AT_ONCE];
};

static void
sync_one(void *arg, size_t i)
{
	struct sync_round *r = arg;
	struct database *d = r->d[i];
	struct account *a = d->account;
	enum err failed = database_sync(d); /* logged; told to who waits */

	if (failed)
		upkeep_note_unsynced(r->store->upkeep, d);
	else
		database_tend_wal(d);
	account_unref(&a);
}

/* Several at a time: on a slow disk those of many accounts would take longer one by one than a flag
 * change may wait. */
void
accounts_sync(struct store *s)
{
	/* Each once, should others commit as fast as this syncs, or a disk be broken. */
	unsigned left = upkeep_count_unsynced(s->upkeep);
	struct sync_round r = {.store = s};
	size_t n;

	do {
		for (n = 0; n < SYNC_AT_ONCE && left && (r.d[n] = take_unsynced(s)); n++)
			left--;
		helpers_run(s->helpers, sync_one, &r, n);
	} while (n == SYNC_AT_ONCE);
}

void
accounts_free(struct store *s)
{
	for (size_t i = 0; i < STORE_ACCOUNT_BUCKETS; i++) {
		while (s->accounts[i]) {
			struct account *a = s->accounts[i];
			assert(!a->refs);
			s->accounts[i] = a->next;
			free_account(&a);
		}
	}
}

#include "store/cleaner.h"

#include "common/base/clock.h"
#include "store/message_stage.h"
#include "store/threads_private.h"
#include "store/upkeep.h"

#include <limits.h>
#include <stdatomic.h>
#include <stdlib.h>

static void
note_unswept(struct account *a, int64_t in_ms)
{
	atomic_store(&a->unswept, true);
	upkeep_want(a->store->upkeep, clock_mono_ms() + in_ms);
}

void
account_note_unswept(struct account *a)
{
	note_unswept(a, CLEAN_DELAY_MS);
}

void
cleaner_look(struct account *a, struct db *db)
{
	int64_t any = 0;
	bool dead = false;
	enum err e = db_get_int(db, "SELECT EXISTS (SELECT 1 FROM unswept)", &any);

	if (!e && !any)
		e = stage_has_dead(db, &dead);
	if (!e && (any || dead))
		account_note_unswept(a);
}

/* -- which messages */

struct group {
	int64_t *message; /* ascending */
	size_t n, cap;
	struct sbuf tombstones; /* int64_t each; none: there is nothing to sweep */
};

static void
group_done(struct group *g)
{
	free(g->message);
	sbuf_done(&g->tombstones);
}

static enum err
add_messages(struct group *g, struct db *db, int64_t tombstone, struct str octets)
{
	size_t n = 0;
	enum err e = tombstone_count(db, tombstone, octets, &n);

	if (!e && g->cap < g->n + n) {
		size_t cap = g->n + n + CLEAN_GROUP;
		int64_t *grown = reallocarray(g->message, cap, sizeof(*grown));
		if (!grown)
			return ERR_NOMEM;
		g->message = grown;
		g->cap = cap;
	}
	for (size_t i = 0; i < n && !e; i++) {
		int64_t message = tombstone_entry(octets, i).message;
		if (message > 0)
			g->message[g->n++] = message;
	}
	return e;
}

static int
compare_ids(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static void
sort_unique(struct group *g)
{
	size_t out = 0;

	if (g->n > 1)
		qsort(g->message, g->n, sizeof(*g->message), compare_ids);
	for (size_t i = 0; i < g->n; i++)
		if (i == 0 || g->message[i] != g->message[i - 1])
			g->message[out++] = g->message[i];
	g->n = out;
}

static enum err
read_group(struct db *db, struct group *g)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	bool row;
	/* LEFT: one that names a tombstone that is not there must go, too */
	enum err e = db_query(db,
	    "SELECT u.tombstone, t.entries FROM unswept u"
	    " LEFT JOIN tombstone t ON t.id = u.tombstone ORDER BY u.tombstone",
	    &st);

	while (!e && g->n < CLEAN_GROUP && !(e = stmt_step(st, &row)) && row) {
		int64_t tombstone = stmt_int(st, 0);
		sbuf_append(&g->tombstones, &tombstone, sizeof(tombstone));
		e = add_messages(g, db, tombstone, stmt_str(st, 1));
	}
	if (e)
		return e;
	sort_unique(g);
	return sbuf_error(&g->tombstones);
}

/* The position of the first message >= `id`, from a guess that is right where messages stand in
 * mailboxes in the order of their arrival. */
static size_t
position_of(const struct group *g, size_t guess, int64_t id)
{
	size_t lo = 0, hi = g->n;

	if (guess == 0 || g->message[guess - 1] < id) {
		if (guess == g->n || g->message[guess] >= id)
			return guess;
		if (guess + 1 == g->n || g->message[guess + 1] >= id)
			return guess + 1;
		lo = guess + 2;
	} else {
		hi = guess;
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (g->message[mid] < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Keeps the messages that have no entry. */
static enum err
drop_living(struct db *db, struct group *g)
{
	CLEANUP(page_scan_done) struct page_scan s;
	CLEANUP(mem_free) bool *lives = calloc(g->n ? g->n : 1, sizeof(bool));
	size_t at = 0, out = 0;
	bool more;
	enum err e = lives ? page_scan_account(db, &s) : ERR_NOMEM;

	if (!lives)
		s = (struct page_scan){0};
	while (!e && !(e = page_scan_next(&s, &more)) && more) {
		for (uint32_t i = 0; i < s.page.n; i++) {
			int64_t id = s.page.e[i].message;
			at = position_of(g, at, id);
			if (at < g->n && g->message[at] == id)
				lives[at] = true;
		}
	}
	for (size_t i = 0; i < g->n && !e; i++)
		if (!lives[i])
			g->message[out++] = g->message[i];
	g->n = out;
	return e;
}

/* What transfers that never ended have left (message_stage.h). */
static enum err
adopt_dead(struct account *a)
{
	CLEANUP(read_end) struct handle *h = NULL;
	bool dead = false;
	enum err e = account_read(a, &h);

	if (!e)
		e = stage_has_dead(h->db, &dead);
	read_end(&h);
	return e || !dead ? e : stage_adopt(a);
}

static enum err
find_group(struct account *a, struct group *g)
{
	CLEANUP(read_end) struct handle *h = NULL;
	enum err e = adopt_dead(a);

	if (!e)
		e = account_read(a, &h);
	if (!e)
		e = read_group(h->db, g);
	return e || g->n == 0 ? e : drop_living(h->db, g);
}

/* -- deleting them */

struct batch {
	const int64_t *message;
	size_t n;
	struct str swept; /* the tombstones that are done with this batch, int64_t each */
};

static enum err
delete_file(struct txn *t, int64_t message)
{
	CLEANUP(stmt_done) struct stmt *st = NULL;
	char path[PATH_MAX];
	bool row = false;
	enum err e = db_query(
	    t->db, "SELECT blob FROM message WHERE id = ?1 AND blob <> ''", &st, DB_INT(message));

	if (!e)
		e = stmt_step(st, &row);
	if (!e && row)
		e = account_blob_path(t->account, stmt_str(st, 0), path);
	return e || !row ? e : txn_remove_file(t, path);
}

static enum err
delete_message(struct txn *t, int64_t message)
{
	enum err e = delete_file(t, message);

	if (!e)
		e = db_run(t->db, "DELETE FROM header WHERE message = ?1", DB_INT(message));
	if (!e)
		e = db_run(t->db, "DELETE FROM body WHERE message = ?1", DB_INT(message));
	if (!e)
		e = txn_forget_thread(t, message);
	return e ? e : db_run(t->db, "DELETE FROM message WHERE id = ?1", DB_INT(message));
}

/* Tombstones of a mailbox that is no more have nobody to tell. Only those of the group are done
 * with: one that is older may have become unswept since it was read (message_stage.h). */
static enum err
note_swept(struct txn *t, struct str swept)
{
	enum err e = ERR_OK;

	for (size_t at = 0; at < swept.n && !e; at += sizeof(int64_t)) {
		int64_t tombstone;
		memcpy(&tombstone, swept.p + at, sizeof(tombstone));
		e = db_run(t->db,
		    "DELETE FROM tombstone WHERE id = ?1 AND mailbox NOT IN (SELECT id FROM "
		    "mailbox)",
		    DB_INT(tombstone));
		if (!e)
			e = db_run(
			    t->db, "DELETE FROM unswept WHERE tombstone = ?1", DB_INT(tombstone));
	}
	return e;
}

static enum err
run_batch(struct txn *t, void *arg)
{
	const struct batch *b = arg;
	enum err e = ERR_OK;

	for (size_t i = 0; i < b->n && !e; i++)
		e = delete_message(t, b->message[i]);
	return e ? e : note_swept(t, b->swept);
}

static enum err
delete_group(struct account *a, const struct group *g)
{
	size_t done = 0;
	enum err e = ERR_OK;

	do {
		struct batch b = {.message = g->message + done, .n = g->n - done};
		if (b.n > CLEAN_BATCH)
			b.n = CLEAN_BATCH;
		done += b.n;
		if (done == g->n)
			b.swept = sbuf_view(&g->tombstones);
		e = account_write(a, run_batch, &b, DURABLE_LATER);
	} while (!e && done < g->n);
	return e;
}

/* *ret_done: there is nothing more. */
static enum err
clean_group(struct account *a, bool *ret_done)
{
	CLEANUP(group_done) struct group g = {.tombstones = SBUF_INIT(SIZE_MAX / 2)};
	enum err e = find_group(a, &g);

	*ret_done = g.tombstones.n == 0;
	return e || *ret_done ? e : delete_group(a, &g);
}

enum err
account_clean(struct account *a)
{
	bool done = false;
	enum err e = ERR_OK;

	while (!e && !done)
		e = clean_group(a, &done);
	return e;
}

/* -- in the background */

/* What a look costs grows with the account. So a client that expunges message by message has them
 * cleaned together, the more of them the larger the account is. */
static void
let_rest(struct account *a, int64_t began_ms)
{
	int64_t now = clock_mono_ms(), rest_ms = CLEAN_REST * (now - began_ms);

	a->clean_after_ms = now + (rest_ms > CLEAN_DELAY_MS ? rest_ms : CLEAN_DELAY_MS);
}

/* What comes meanwhile waits for another tick. */
static void
clean_until(struct account *a, int64_t until_ms)
{
	int64_t began_ms = clock_mono_ms();
	bool done = false;
	enum err e = ERR_OK;

	atomic_store(&a->unswept, false);
	do
		e = clean_group(a, &done);
	while (!e && !done && clock_mono_ms() < until_ms);
	let_rest(a, began_ms);
	/* damage does not heal by itself: the next expunge, or the next process, tries again */
	if (!e && !done) {
		a->clean_after_ms = 0;
		note_unswept(a, 0);
	} else if (e == ERR_BUSY || e == ERR_NO_SPACE) {
		a->clean_after_ms = clock_mono_ms() + CLEAN_RETRY_MS;
		note_unswept(a, CLEAN_RETRY_MS);
	}
}

/* A reference to the account of the bucket with the lowest id above `after` that was noted. */
static struct account *
find_noted(struct store *s, size_t bucket, int64_t after)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&s->mu);
	struct account *found = NULL;

	(void)held;
	for (struct account *a = s->accounts[bucket]; a; a = a->next) {
		if (a->id > after && (!found || a->id < found->id) && atomic_load(&a->unswept))
			found = a;
	}
	if (found)
		found->refs++;
	return found;
}

static void
clean_bucket(struct store *s, size_t bucket, int64_t until_ms)
{
	struct account *a;

	for (int64_t last = 0; (a = find_noted(s, bucket, last));) {
		last = a->id;
		int64_t now = clock_mono_ms();
		if (now < a->clean_after_ms)
			upkeep_want(s->upkeep, a->clean_after_ms);
		else if (now >= until_ms)
			upkeep_want(s->upkeep, now);
		else
			clean_until(a, until_ms);
		account_unref(&a);
	}
}

void
accounts_clean(struct store *s)
{
	int64_t until_ms = clock_mono_ms() + CLEAN_TICK_MS;
	size_t first = s->clean_bucket;

	/* The next tick begins behind where the time is up, so that everybody has his turn. */
	for (size_t i = 0; i < STORE_ACCOUNT_BUCKETS; i++) {
		size_t bucket = (first + i) % STORE_ACCOUNT_BUCKETS;
		if (clock_mono_ms() < until_ms)
			s->clean_bucket = (bucket + 1) % STORE_ACCOUNT_BUCKETS;
		clean_bucket(s, bucket, until_ms);
	}
}

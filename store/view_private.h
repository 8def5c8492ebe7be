/* store/view_private.h - how a snapshot is laid out and made. Only for store/ and its tests.
 *
 * A snapshot and its chunks are immutable.
 */
#ifndef STORE_VIEW_PRIVATE_H
#define STORE_VIEW_PRIVATE_H

#include "store/db.h"
#include "store/entry_page.h"
#include "store/view.h"

#include <pthread.h>
#include <stdatomic.h>

#define CHUNK_ENTRIES 512 /* a change copies one chunk: 16 KiB at most */
#define CHUNK_MERGE 256 /* neighbours that hold fewer together become one */

/* Room for the entries of all chunks of a mailbox that was read at once. It is not touched before
 * somebody looks at them: to have 20,000 entries paged in takes longer than to read them. */
struct view_slab {
	_Atomic uint32_t refs; /* the chunks' */
	struct view_entry e[];
};

/* Entries as the database has them, checked, until somebody looks at one. */
struct view_packed {
	struct view_slab *slab;
	pthread_mutex_t mu; /* guards the entries' being written */
	atomic_bool open; /* they are; written with mu held */
	int64_t key;
	uint64_t modseq;
	size_t n;
	char octets[];
};

struct view_chunk {
	_Atomic uint32_t refs;
	uint32_t n; /* 1 … CHUNK_ENTRIES */
	uint32_t first_uid, last_uid;
	uint64_t any, all; /* flags that some entry, that each entry has */
	struct view_packed *packed; /* NULL: the entries stand in `own` */
	struct view_entry *e; /* by view_entries() only */
	struct view_entry own[];
};

void view_unpack(const struct view_chunk *c);
void view_chunk_unref(struct view_chunk *c);

static inline const struct view_entry *
view_entries(const struct view_chunk *c)
{
	if (c->packed && !atomic_load_explicit(&c->packed->open, memory_order_acquire))
		view_unpack(c);
	return c->e;
}

/* The keyword names of a mailbox by bit, shared by all snapshots since the last new keyword. */
struct view_keywords {
	_Atomic uint32_t refs;
	size_t n;
	struct str name[KEYWORDS_MAX]; /* empty: the bit is free */
	char octets[];
};

struct view_slot {
	struct view_chunk *c;
	uint32_t before; /* entries in the chunks before this one */
	uint32_t last_uid;
};

/* What a snapshot says beside its entries. */
struct view_meta {
	int64_t mailbox;
	int64_t viewer;
	uint64_t modseq;
	uint32_t uidvalidity;
	uint32_t uidnext;
};

struct view {
	_Atomic uint32_t refs;
	uint32_t count;
	struct view_meta meta;
	struct view_keywords *keywords; /* NULL: none */
	size_t chunks;
	struct view_slot slot[];
};

/* `names` by bit, at most KEYWORDS_MAX; copied. NULL without memory. */
struct view_keywords *view_keywords_new(const struct str *names, size_t n);
struct view_keywords *view_keywords_ref(struct view_keywords *k);
void view_keywords_unref(struct view_keywords **k);

/* Builds a snapshot from entries in ascending UID order. A failure sticks until finish. */
struct view_builder {
	struct view_slot *slots;
	size_t n, cap;
	uint32_t count;
	struct view_chunk *open; /* has room for CHUNK_ENTRIES */
	struct view_slab *slab; /* NULL: none; with a reference of the builder */
	uint32_t slab_used, slab_room;
	bool failed;
};

void view_builder_init(struct view_builder *b);
void view_builder_put(struct view_builder *b, const struct view_entry *e);
/* About so many entries will be put by the page. */
void view_builder_expect(struct view_builder *b, uint32_t n);
/* The entries of a page that stands in the database as `octets`. */
void view_builder_put_page(
    struct view_builder *b, const struct page *p, uint64_t modseq, struct str octets);
/* Takes a reference to a whole chunk of another snapshot instead of copying its entries. */
void view_builder_share(struct view_builder *b, struct view_chunk *c);
/* Takes a reference to `keywords` (may be NULL). ERR_NOMEM; empties the builder either way. */
NODISCARD enum err view_builder_finish(struct view_builder *b, const struct view_meta *meta,
    struct view_keywords *keywords, struct view **ret);
/* A guard: drops what was built and not finished. */
void view_builder_done(struct view_builder *b);

/* `base` with the entries of `puts` (ascending by UID) added or replaced and those of `gone`
 * (ascending, may name absent ones) taken out. Chunks without a change are shared. */
NODISCARD enum err view_apply(const struct view *base, const struct view_meta *meta,
    struct view_keywords *keywords, const struct view_entry *puts, size_t n_puts,
    const uint32_t *gone, size_t n_gone, struct view **ret);

/* What a transaction of this process did to a mailbox: entries that exist were changed, nothing
 * else, and no other operation was part of it. */
struct view_change {
	uint64_t before, after; /* the mailbox's modseq */
	struct db_stamp stamp; /* inside of the transaction */
	const struct view_entry *puts; /* by UID */
	size_t n;
};
/* After the commit: where the account's snapshot of the mailbox stood at `before`, brings it to
 * `after` without reading the database. */
void view_cache_change(struct account *a, int64_t mailbox, const struct view_change *change);

/* Brings *view (NULL: none yet) to what is committed now, in one consistent read. ERR_GONE. Whoever
 * calls owns *view alone. */
NODISCARD enum err view_catch_up(
    struct account *a, int64_t mailbox, int64_t viewer, struct view **view);

#endif

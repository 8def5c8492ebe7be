/* store/view_private.h - how a snapshot is laid out and made. Only for store/ and its tests.
 *
 * A snapshot and its chunks are immutable.
 */
#ifndef STORE_VIEW_PRIVATE_H
#define STORE_VIEW_PRIVATE_H

#include "store/db.h"
#include "store/view.h"

#include <stdatomic.h>

#define CHUNK_ENTRIES 512 /* a change copies one chunk: 16 KiB at most */
#define CHUNK_MERGE 256 /* neighbours that hold fewer together become one */

struct view_chunk {
	_Atomic uint32_t refs;
	uint32_t n; /* 1 … CHUNK_ENTRIES */
	uint64_t any, all; /* flags that some entry, that each entry has */
	struct view_entry e[];
};

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
	bool failed;
};

void view_builder_init(struct view_builder *b);
void view_builder_put(struct view_builder *b, const struct view_entry *e);
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

/* store/message_private.h - the pieces that operations on messages share. Only for store/. */
#ifndef STORE_MESSAGE_PRIVATE_H
#define STORE_MESSAGE_PRIVATE_H

#include "store/account_private.h"
#include "store/entries.h"
#include "store/message.h"

/* Entries of a mailbox as an operation finds them, by UID. */
struct rows {
	struct entry *r;
	size_t n, cap;
};

/* An entry as views have it. */
static inline struct view_entry
view_entry_of(const struct entry *e)
{
	return (struct view_entry){
	    .uid = e->uid,
	    .size = e->size < VIEW_SIZE_MAX ? (uint32_t)e->size : VIEW_SIZE_MAX,
	    .message = e->message,
	    .flags = e->flags,
	    .modseq = e->modseq,
	};
}

void rows_done(struct rows *rows);
/* The entries of `uids` (NULL: all) that exist and have all bits of `flags`, by UID. */
NODISCARD enum err rows_find(
    struct db *db, int64_t mailbox, const struct uidset *uids, uint64_t flags, struct rows *ret);

/* ERR_GONE unless the mailbox exists and can hold messages. */
NODISCARD enum err mailbox_must_exist(struct db *db, int64_t mailbox);

/* The flag bits of `list`; unknown keywords are given a bit (`add`) or left out. `keep`: bits of
 * entries that are still to be put in, which no other keyword may get. ERR_LIMIT. */
NODISCARD enum err keywords_to_bits(struct txn *t, int64_t mailbox, const struct flag_list *list,
    bool add, uint64_t keep, uint64_t *ret);
/* The keywords of a mailbox by bit, at one moment. */
struct keyword_names {
	struct arena *arena;
	struct str name[KEYWORDS_MAX];
};
NODISCARD enum err keyword_names_load(struct db *db, int64_t mailbox, struct keyword_names *ret);
void keyword_names_done(struct keyword_names *n);
/* Where the keyword bits of `from` are in the mailbox `to`, made there where missing; only those in
 * `used`. map[i] is the bit of keyword i, 0 for those not used. ERR_LIMIT. */
NODISCARD enum err keywords_map(struct txn *t, const struct keyword_names *from, int64_t to,
    uint64_t used, uint64_t map[KEYWORDS_MAX]);
uint64_t keywords_apply(const uint64_t map[KEYWORDS_MAX], uint64_t flags);

/* Counts the entry in (sign 1) or out (sign -1). */
void change_count(struct mailbox_change *c, uint64_t flags, uint64_t size, int sign);

/* More go with each expunge than come: so they do not pile up, and no expunge has much to do. */
#define PRUNE_MIN 16

/* message_remove() that tells which were there: of two that remove an entry one does. *ret_uids is
 * initialised. */
NODISCARD enum err message_remove_told(
    struct account *a, int64_t mailbox, const struct uidset *uids, struct uidset *ret_uids);

/* Takes the entries out, with a tombstone and counters. `moved`: they have been given a place
 * elsewhere in this transaction, else their messages are noted for the cleaner (cleaner.h). */
NODISCARD enum err rows_remove(
    struct txn *t, int64_t mailbox, const struct rows *rows, uint64_t modseq, bool moved);

/* -- of tombstone.c: what is remembered of entries that are gone */

#define TOMBSTONE_ENTRIES 2000 /* more make several rows: none is too large to read or forget */

/* Notes that these entries are gone since `modseq`, `moved` as above. */
NODISCARD enum err txn_add_tombstone(
    struct txn *t, int64_t mailbox, const struct rows *rows, uint64_t modseq, bool moved);
/* Forgets the mailbox's tombstones that are older than the store keeps them, at most `limit` rows,
 * and notes up to which modseq (mailbox_info.pruned_modseq). */
NODISCARD enum err txn_prune_tombstones(struct txn *t, int64_t mailbox, size_t limit);
/* The entries in a tombstone's octets. ERR_CORRUPT, logged. */
NODISCARD enum err tombstone_count(struct db *db, int64_t id, struct str octets, size_t *ret);
struct entry tombstone_entry(struct str octets, size_t i);

/* An entry for a new message or a copy; modseq, UID and flags are the caller's. */
struct entry entry_new(
    uint32_t uid, int64_t message, uint64_t size, uint64_t flags, uint64_t modseq);

#endif

/* store/message_private.h - the pieces that operations on messages share. Only for store/. */
#ifndef STORE_MESSAGE_PRIVATE_H
#define STORE_MESSAGE_PRIVATE_H

#include "store/account_private.h"
#include "store/message.h"

/* An entry of a mailbox as an operation finds it. */
struct row {
	uint64_t flags;
	uint64_t modseq;
	int64_t message;
	uint64_t size;
	uint32_t uid;
};

struct rows {
	struct row *r;
	size_t n, cap;
};

void rows_done(struct rows *rows);
/* The entries of `uids` (NULL: all) that exist and have all bits of `flags`, by UID. */
NODISCARD enum err rows_find(
    struct db *db, int64_t mailbox, const struct uidset *uids, uint64_t flags, struct rows *ret);

/* ERR_GONE unless the mailbox exists and can hold messages. */
NODISCARD enum err mailbox_must_exist(struct db *db, int64_t mailbox);

/* The flag bits of `list`; unknown keywords are given a bit (`add`) or left out. ERR_LIMIT. */
NODISCARD enum err keywords_to_bits(
    struct txn *t, int64_t mailbox, const struct flag_list *list, bool add, uint64_t *ret);
/* Where the keyword bits of `from` are in `to`, made there where missing; only those in `used`.
 * map[i] is the bit of keyword i, 0 for those not used. ERR_LIMIT. */
NODISCARD enum err keywords_map(
    struct txn *t, int64_t from, int64_t to, uint64_t used, uint64_t map[KEYWORDS_MAX]);
uint64_t keywords_apply(const uint64_t map[KEYWORDS_MAX], uint64_t flags);

/* Counts the entry in (sign 1) or out (sign -1). */
void change_count(struct mailbox_change *c, uint64_t flags, uint64_t size, int sign);

/* More go with each expunge than come: so they do not pile up, and no expunge has much to do. */
#define PRUNE_MIN 64

/* Takes the entries out, with tombstones and counters; `release`: and what they point to, unless
 * other entries do too. */
NODISCARD enum err rows_remove(
    struct txn *t, int64_t mailbox, const struct rows *rows, uint64_t modseq, bool release);
/* Forgets the mailbox's tombstones that are older than the store keeps them, at most `limit` of
 * them, and notes up to which modseq (mailbox_info.pruned_modseq). */
NODISCARD enum err txn_prune_tombstones(struct txn *t, int64_t mailbox, size_t limit);
/* A new entry; counters are the caller's. */
NODISCARD enum err entry_add(
    struct txn *t, int64_t mailbox, uint32_t uid, int64_t message, uint64_t flags, uint64_t modseq);

#endif

/* store/seen.h - \Seen of those who look into a mailbox that is not theirs. Only for store/.
 *
 * The owner's \Seen is a flag of the entry. Everybody else, a *viewer*, has marks of his own beside
 * the entries: that he has seen a message, or has unset it again, with the MODSEQ of that change.
 *An entry without a mark is one he has not seen. What a viewer sees of an entry is its flags
 *without \Seen, his mark, and the higher one of both MODSEQs; so a change of one's \Seen is nobody
 *else's news. MODSEQs are of the account's one counter.
 *
 * Marks stand in pages, seen_page: those of 256 UIDs in one row, 12 octets each, big endian, by
 *UID.
 *
 *	octets	0	4		12
 *		uid	modseq << 1 | seen
 */
#ifndef STORE_SEEN_H
#define STORE_SEEN_H

#include "store/message_private.h"

struct seen_mark {
	uint64_t modseq;
	uint32_t uid;
	bool seen;
};

/* By UID. */
struct seen_marks {
	struct seen_mark *m;
	size_t n, cap;
};
void seen_marks_done(struct seen_marks *marks);
NODISCARD enum err seen_marks_add(struct seen_marks *marks, struct seen_mark mark);
/* That of `uid`, or NULL. Logarithmic. */
const struct seen_mark *seen_find(const struct seen_marks *marks, uint32_t uid);

/* A viewer's marks on the UIDs lo … hi that were changed after `modseq`. ERR_CORRUPT, logged. */
NODISCARD enum err seen_read(struct db *db, int64_t mailbox, int64_t viewer, uint32_t lo,
    uint32_t hi, uint64_t modseq, struct seen_marks *ret);
/* The viewer's last change, 0 without any, and from which UID on messages are \Recent to him, 0
 * where he was never told of any. */
NODISCARD enum err seen_read_state(struct db *db, int64_t mailbox, int64_t viewer,
    uint64_t *ret_modseq, uint32_t *ret_recent_from);

/* Makes marks, or makes them anew; `modseq` is that of all of them. */
NODISCARD enum err seen_write(struct txn *t, int64_t mailbox, int64_t viewer,
    const struct seen_marks *marks, uint64_t modseq);
NODISCARD enum err seen_claim_recent(
    struct txn *t, int64_t mailbox, int64_t viewer, uint32_t uidnext);
#define SEEN_SAME_UIDS 0
/* The entries become those of `to` with UIDs from `first` on: so do their viewers' marks of what is
 * seen, but for those of `except`. */
NODISCARD enum err seen_copy(struct txn *t, int64_t from, const struct rows *rows, int64_t to,
    uint32_t first, uint64_t modseq, int64_t except);
/* The entries are gone, and with them all marks on them. */
NODISCARD enum err seen_remove(struct txn *t, int64_t mailbox, const struct rows *rows);
NODISCARD enum err seen_drop(struct db *db, int64_t mailbox);
NODISCARD enum err seen_drop_viewer(struct db *db, int64_t viewer);

#endif

/* store/expunged.h - which UIDs of a mailbox went since a modseq: what a client that comes back has
 * to forget (RFC 7162 §3.2.5.1, §3.2.6).
 *
 * From the tombstones, exactly. Where these are no longer all there (mailbox_info.pruned_modseq),
 * or the modseq is not of this database (a power loss took it back, boot.h; an older copy was put
 * in place), by absence: every UID that was asked for and is not there. In steps: a mailbox may
 * have lost many.
 */
#ifndef STORE_EXPUNGED_H
#define STORE_EXPUNGED_H

#include "store/uidset.h"
#include "store/view.h"

/* Who knows a mailbox up to `since` has to be told of all that was changed after *ret: the same, or
 * 0 where a power loss took it back. */
NODISCARD enum err modseq_known(struct account *a, uint64_t since, uint64_t *ret);

#define EXPUNGED_RANGES_MAX 500000 /* of a result; with more of them it is by absence */

struct expunged {
	const struct view *view; /* as its holder sees the mailbox: what is in it has not gone */
	uint64_t since;
	const struct uidset *uids; /* only of these, normalised; NULL: all */
	uint32_t
	    known_gone; /* up to here who asks knows what is not there: left out if by absence */
	struct uidset gone; /* the result, normalised when done */
	/* where the next step goes on */
	uint64_t modseq;
	int64_t tombstone;
};

void expunged_init(struct expunged *x, const struct view *view, uint64_t since,
    const struct uidset *uids, struct arena *arena);
/* ERR_GONE: the mailbox was deleted. */
NODISCARD enum err expunged_step(struct account *a, struct expunged *x, bool *ret_done);

#endif

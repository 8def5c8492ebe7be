/* common/trust/arc_private.h - the sets of a chain, for those who seal and those who validate.
 * Private to common/trust/. */
#ifndef COMMON_TRUST_ARC_PRIVATE_H
#define COMMON_TRUST_ARC_PRIVATE_H

#include "common/trust/arc.h"
#include "common/trust/dkim_private.h"

enum arc_part { ARC_RESULTS, ARC_MESSAGE, ARC_SEAL, ARC_PART__COUNT };

struct arc_set {
	const struct header_field *parts[ARC_PART__COUNT];
};

struct arc_chain {
	struct arc_set sets[ARC_SETS_MAX]; /* set i is at i - 1 */
	unsigned count; /* the highest instance */
	const char *broken; /* why it is no chain, or NULL */
};

/* The sets of a header; `broken` where one is not whole, comes twice or has no number. */
void arc_chain_read(const struct fields *f, struct arc_chain *ret);
/* Appends what the seal of set `n` signs (§5.1.1, §5.1.2): all sets up to it, or with `alone` its
 * own only; `seal` is its field. */
void arc_put_sealed(
    const struct arc_chain *c, unsigned n, bool alone, struct str seal, struct sbuf *out);

#endif

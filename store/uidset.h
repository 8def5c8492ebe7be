/* store/uidset.h - sets of UIDs (or sequence numbers): ascending, disjoint ranges in an arena.
 * Pure. */
#ifndef STORE_UIDSET_H
#define STORE_UIDSET_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"

struct uid_range {
	uint32_t lo, hi; /* both included */
};

struct uidset {
	struct uid_range *r;
	size_t n;
	size_t cap;
	struct arena *arena;
};

void uidset_init(struct uidset *s, struct arena *arena);
/* In any order; adjoining and overlapping ranges merge in uidset_normalise(); appending in
 * ascending order stays normal by itself and costs O(1). */
NODISCARD enum err uidset_add(struct uidset *s, uint32_t lo, uint32_t hi);
void uidset_normalise(struct uidset *s);
bool uidset_has(const struct uidset *s, uint32_t uid); /* normalised sets only; logarithmic */
/* Add what is in `a` and not in `b`, or in both; normalised sets only. ERR_NOMEM. */
NODISCARD enum err uidset_add_difference(
    struct uidset *s, const struct uidset *a, const struct uidset *b);
NODISCARD enum err uidset_add_common(
    struct uidset *s, const struct uidset *a, const struct uidset *b);
uint64_t uidset_count(const struct uidset *s);
/* "1:3,7" */
void uidset_print(const struct uidset *s, struct sbuf *out);

#endif

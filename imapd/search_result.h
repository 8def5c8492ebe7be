/* imapd/search_result.h - what a search has found, in the order in which it is told: sequence
 * numbers or UIDs, as the command asks. Memory grows with the runs of consecutive numbers, not with
 * the numbers.
 */
#ifndef IMAPD_SEARCH_RESULT_H
#define IMAPD_SEARCH_RESULT_H

#include "imapd/search_return.h"
#include "store/uidset.h"
#include "store/view.h"

struct search_result {
	struct arena *arena;
	bool uid; /* what the numbers are */
	bool scored; /* scores are kept */
	struct uid_range *runs; /* each ascending */
	size_t n, cap;
	uint64_t count; /* numbers */
	uint64_t modseq; /* the highest of all */
	uint8_t *scores; /* by place, where they are asked for */
	size_t score_cap;
};

/* Numbers of the places [first, last], from 1 on, run by run. */
struct result_walk {
	size_t run;
	uint64_t before; /* numbers in the runs before it */
	uint64_t first, last;
};

/* At the end. ERR_NOMEM. */
NODISCARD enum err search_result_add(
    struct search_result *r, uint32_t number, uint64_t modseq, unsigned score);
/* Several consecutive ones. */
NODISCARD enum err search_result_add_run(struct search_result *r, uint32_t lo, uint32_t hi);
/* The number at a place that is there. */
uint32_t search_result_at(const struct search_result *r, uint64_t place);

struct result_walk search_result_walk(uint64_t first, uint64_t last);
bool search_result_next(
    const struct search_result *r, struct result_walk *w, struct uid_range *ret);

/* Adds the UIDs of the numbers at these places; `view` is what was searched. ERR_NOMEM. */
NODISCARD enum err search_result_uids(const struct search_result *r, const struct view *view,
    uint64_t first, uint64_t last, struct uidset *ret);
/* The highest modseq of the messages at these places. */
uint64_t search_result_modseq(
    const struct search_result *r, const struct view *view, uint64_t first, uint64_t last);
/* Leaves of the UIDs (normalised) those at these places among them that `view` has (RFC 9394 §3.3).
 */
NODISCARD enum err search_result_narrow(
    const struct view *view, const struct partial_range *places, struct uidset *uids);

#endif

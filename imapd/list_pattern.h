/* imapd/list_pattern.h - mailbox patterns of LIST and LSUB (RFC 3501 §6.3.8): "*" is anything, "%"
 * anything but the separator.
 *
 * All positions the pattern may have reached are followed at once, as bits: the time is linear in
 * the name's length whatever the wildcards (nothing is ever tried again). Pure; INBOX matches in
 * any case.
 */
#ifndef IMAPD_LIST_PATTERN_H
#define IMAPD_LIST_PATTERN_H

#include "common/base/arena.h"
#include "common/base/err.h"

struct list_pattern {
	size_t words; /* of 64 positions each; 0: matches nothing */
	size_t last; /* position after the last one: matched */
	uint64_t *literal; /* [256][words]: positions that stand for this octet */
	uint64_t *star; /* positions of "*" */
	uint64_t *wild; /* of "*" and "%" */
	uint64_t *state; /* [2][words] */
	bool ends_in_percent;
};

/* Compiles reference and pattern, joined (RFC 3501 §6.3.8); in `arena`. A pattern of more octets
 * than a name can have matches nothing. ERR_NOMEM. */
NODISCARD enum err list_pattern_init(
    struct list_pattern *p, struct str reference, struct str pattern, struct arena *arena);
bool list_pattern_matches(const struct list_pattern *p, struct str name);

#endif

/* store/sts_cache.h - MTA-STS policies of other domains (RFC 8461) as they were fetched, in
 * queue.db: they hold for their max_age, whatever their domain's servers say meanwhile.
 * Thread-safe.
 */
#ifndef STORE_STS_CACHE_H
#define STORE_STS_CACHE_H

#include "store/store.h"

#define STS_CACHE_MAX 10000 /* domains; those fetched longest ago make room */

struct sts_cached {
	struct str id; /* of the record that said so */
	struct str policy; /* as fetched */
	int64_t fetched_s;
	int64_t until_s;
};

/* What holds now, in `arena`. ERR_NOT_FOUND. */
NODISCARD enum err sts_cache_find(
    struct store *s, struct str domain, struct arena *arena, struct sts_cached *ret);
/* In place of what was there. Committed, not synced: it can be fetched again. */
NODISCARD enum err sts_cache_put(struct store *s, struct str domain, const struct sts_cached *what);

#endif

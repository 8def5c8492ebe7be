/* store/share.h - directory.db's knowledge of who may have something to share with whom; what
 * exactly, the owners' lists say (acl.h). */
#ifndef STORE_SHARE_H
#define STORE_SHARE_H

#include "store/store.h"

struct share_owner {
	int64_t account;
	struct str address;
};

/* The other accounts that may have given `viewer` some right, by address. In `arena`. */
NODISCARD enum err share_owners(
    struct store *s, int64_t viewer, struct arena *arena, struct share_owner **ret, size_t *ret_n);
/* Whether `owner` is one of them. */
NODISCARD enum err share_has(struct store *s, int64_t owner, int64_t viewer, bool *ret);

#endif

/* store/suppression.h - addresses beyond our domains that bounced for good: they are not tried
 * again for a while, so that a mailing to them costs nobody's reputation. In queue.db.
 *
 * Compared without regard to the case of letters, the domain in its ASCII form. Thread-safe.
 */
#ifndef STORE_SUPPRESSION_H
#define STORE_SUPPRESSION_H

#include "common/base/arena.h"
#include "store/store.h"

struct suppressed {
	struct str address; /* as it is compared */
	struct str reply; /* that it was for */
	struct str host; /* whose words these are; may be empty */
	int64_t since_s, until_s;
};

/* Whether mail to `address` is refused now: ERR_OK with *ret in `arena`, ERR_NOT_FOUND (also of
 * what is no address). */
NODISCARD enum err suppression_find(
    struct store *s, struct str address, struct arena *arena, struct suppressed *ret);
/* Durable on return; an entry that is there is replaced. ERR_SYNTAX. (queue_record() does so in its
 * own transaction.) */
NODISCARD enum err suppression_add(struct store *s, const struct suppressed *what);
/* Durable on return. ERR_NOT_FOUND, ERR_SYNTAX. */
NODISCARD enum err suppression_remove(struct store *s, struct str address);
/* Those in force, by address, in one consistent read of constant memory; `each` returns ERR_OK to
 * go on. */
NODISCARD enum err suppression_list(
    struct store *s, enum err (*each)(const struct suppressed *x, void *arg), void *arg);

#endif

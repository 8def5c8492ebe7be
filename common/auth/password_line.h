/* common/auth/password_line.h - passwords wait in line to be computed, by threads of its own, so
 * that neither a worker nor anybody who is logged in waits for that.
 *
 * At every turn the line looks who of those who wait comes first: by rank (standing.h), then one of
 * each network in turn, then who came first; who sends no more comes after all others. It has two
 * bounds, how many may wait and for how long. Where they are reached it is the last in that order
 * who is told so (ERR_BUSY), whether their name is anybody's or not.
 *
 * Thread-safe. A line may be shared by any number of sessions; a check belongs to one.
 */
#ifndef COMMON_AUTH_PASSWORD_LINE_H
#define COMMON_AUTH_PASSWORD_LINE_H

#include "common/auth/password.h"
#include "common/auth/standing.h"

#define PASSWORD_THREADS_MAX 64

struct password_line;
struct password_check;

struct password_line_options {
	unsigned threads; /* passwords computed at once */
	uint32_t waiting_max; /* checks that wait for a thread */
	uint32_t wait_max_ms; /* for how long */
	struct login_cache *cache; /* right ones are remembered there; may be NULL */
	struct standing *standing;
	/* Tests: in place of password_verify(). */
	enum err (*verify)(const struct credential *c, struct str password);
};

/* Who asks; both functions are called by some thread, never after password_drop(). */
struct password_asker {
	struct standing_key key;
	/* The client sends no more: it may have left, and so others come first. May be NULL. */
	bool (*silent)(void *arg);
	void (*wake)(void *arg); /* there is an answer; must not block, nor call anything here */
	void *arg;
};

/* The threads begin with the first checks. NULL without memory. */
struct password_line *password_line_new(const struct password_line_options *options);
/* Waits for what is being computed. Every check must have been dropped. */
void password_line_free(struct password_line **l);
/* From now on: `threads`, `waiting_max`, `wait_max_ms`; the rest stays. */
void password_line_change(struct password_line *l, const struct password_line_options *options);
/* Octets that hashing takes at most, where the hashes were made here, and what it has now. */
uint64_t password_line_memory_max(struct password_line *l);
uint64_t password_line_memory(const struct password_line *l);

struct standing_key password_line_key(
    const struct password_line *l, const struct standing_who *who);
/* What password_verify() would say; `c` may be NULL as there. Copies what it is given. ERR_BUSY:
 * the line is too long, ERR_NOMEM. */
NODISCARD enum err password_ask(struct password_line *l, int64_t account,
    const struct credential *c, struct str password, const struct password_asker *asker,
    struct password_check **ret);
/* False: not yet. ERR_OK, ERR_AUTH_FAILED, ERR_BUSY (overtaken for too long) or one of OURS. */
bool password_answer(struct password_check *check, enum err *ret_err);
/* Nobody is woken any more; what is not computed yet never is. */
void password_drop(struct password_check **check);

/* For people: checks that wait. */
size_t password_line_waiting(struct password_line *l);

#endif

/* common/auth/password.h - passwords at rest and their verification.
 *
 * A credential holds an argon2id hash and the keys SCRAM-SHA-256 needs (RFC 5802 §3), both made
 * when the password is set; the password itself is kept nowhere. Comparisons take constant time.
 * Thread-safe: no state but the login cache's own, and memory that a thread keeps for itself.
 */
#ifndef COMMON_AUTH_PASSWORD_H
#define COMMON_AUTH_PASSWORD_H

#include "common/base/arena.h"
#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

#include <stdatomic.h>

#define PASSWORD_MAX 1024 /* octets; longer ones are refused unhashed */

struct credential {
	struct str hash; /* "$argon2id$…" */
	struct str scram_salt;
	uint32_t scram_iterations;
	struct str scram_stored_key; /* 32 octets */
	struct str scram_server_key; /* 32 octets */
};

/* Makes both forms from a UTF-8 password (SASLprep, RFC 4013, where it applies; other octets as
 * they are). In `arena`. ERR_SYNTAX for an empty one, one with NUL or control characters;
 * ERR_TOO_LONG; ERR_NOMEM. */
NODISCARD enum err password_make(struct str password, struct arena *arena, struct credential *ret);
/* ERR_OK or ERR_AUTH_FAILED (ERR_NOMEM). `c` NULL stands for an unknown user: the same work is
 * done, so time tells nothing. */
NODISCARD enum err password_verify(const struct credential *c, struct str password);
/* What computing one takes, where the hash was made here. A thread that computes many may keep
 * memory from one to the next, until it gives it back; what it has is counted in `held`, for other
 * threads to read. */
#define PASSWORD_MEMORY ((uint64_t)19456 * 1024)
void password_keep_memory(atomic_ullong *held);
void password_release_memory(void);
/* 24 characters, 120 bits, easy to read aloud; in `arena`. */
struct str password_generate(struct arena *arena);

/* Remembers for a while that a password was right, so that a client that reconnects costs no
 * argon2: keyed by HMAC-SHA-256 under a key of this process, over account, the credential's hash
 * (so a changed password is forgotten at once) and password. Bounded. */
struct login_cache;
struct login_cache *login_cache_new(uint32_t lifetime_s);
void login_cache_free(struct login_cache **c);
/* That it was right is remembered (counted as a hit or a miss); `cache` may be NULL. */
bool login_is_remembered(
    struct login_cache *cache, int64_t account, const struct credential *c, struct str password);
void login_remember(
    struct login_cache *cache, int64_t account, const struct credential *c, struct str password);
/* password_verify() through the cache; `cache` may be NULL. */
NODISCARD enum err login_verify(
    struct login_cache *cache, int64_t account, const struct credential *c, struct str password);

#endif

/* store/signing_key.h - the keys with which a domain's mail is signed (DKIM): which there are, and
 * which of them sign.
 *
 * A row of directory.db says what a key is for, its private half is a file of its own under
 * data_dir/dkim, mode 0600, durable before the row commits. A key is first waiting (its public half
 * must be in the DNS before anybody may be asked to verify with it), then signing, then retired
 * (mail that is still under way is verified with it). A selector never gets another key, so what
 * was read of one holds as long as it is listed. Thread-safe.
 */
#ifndef STORE_SIGNING_KEY_H
#define STORE_SIGNING_KEY_H

#include "store/store.h"

enum signing_state { SIGNING_WAITING, SIGNING_ACTIVE, SIGNING_RETIRED };

struct signing_key {
	struct str domain; /* ASCII form */
	struct str selector; /* letters, digits, hyphens */
	struct str algorithm; /* "rsa", "ed25519": the store does not look into it */
	enum signing_state state;
	int64_t created_s;
	int64_t changed_s; /* since when it is in this state */
};

#define SIGNING_PEM_MAX 16384
#define SIGNING_KEYS_MAX 64 /* of a domain */

/* "waiting", "signing", "retired". */
const char *signing_state_name(enum signing_state s);

/* Keeps the key, whose private half is `pem`. ERR_NOT_FOUND: no such domain here; ERR_EXISTS: the
 * domain has a key under this selector; ERR_SYNTAX: no selector; ERR_LIMIT. */
NODISCARD enum err signing_key_add(struct store *s, const struct signing_key *k, struct str pem);
/* Those of `domain`, or of all domains where it is empty; the oldest first. In `arena`. */
NODISCARD enum err signing_key_list(struct store *s, struct str domain, struct arena *arena,
    struct signing_key **ret, size_t *ret_n);
/* Of `domain`: what waited signs, and what signed is retired, in one transaction. ERR_NOT_FOUND:
 * none waits. */
NODISCARD enum err signing_key_switch(struct store *s, struct str domain);
/* ERR_NOT_FOUND. */
NODISCARD enum err signing_key_remove(struct store *s, struct str domain, struct str selector);
/* The private half, which the caller wipes. ERR_NOT_FOUND, ERR_IO. */
NODISCARD enum err signing_key_read(
    struct store *s, struct str domain, struct str selector, struct sbuf *ret_pem);

#endif

/* store/directory_private.h - what the files of the directory share. Private to store/. */
#ifndef STORE_DIRECTORY_PRIVATE_H
#define STORE_DIRECTORY_PRIVATE_H

#include "store/database.h"
#include "store/directory.h"
#include "store/store_private.h"

#define LOCAL_PART_MAX 64 /* octets, RFC 5321 §4.5.3.1.1 */
#define DOMAIN_MAX 253
#define DIRECTORY_ARENA (1024 * 1024)

/* An address as the directory stores it. */
struct directory_address {
	struct str local; /* lower case, in Unicode's form NFC, quotes removed */
	struct str domain; /* lower case, ASCII form (IDNA 2008) */
};

/* ERR_SYNTAX when it is no host name of letters, digits and hyphens, or none of IDNA. */
NODISCARD enum err directory_parse_domain(struct str domain, struct arena *arena, struct str *ret);
/* The one spelling of a local part: lower case (beyond ASCII too), form NFC. `local` is UTF-8.
 * ERR_NOMEM; ERR_SYNTAX if Unicode has no such thing. */
NODISCARD enum err directory_fold_local(struct str local, struct arena *arena, struct str *ret);
/* ERR_SYNTAX without a local part and a domain. What the local part may hold is not asked, beyond
 * control characters. */
NODISCARD enum err directory_parse_address(
    struct str address, struct arena *arena, struct directory_address *ret);
/* Whether an account or alias may be made with it: a dot-string (RFC 5321 §4.1.2, 6531 §3.3)
 * without the delimiter. */
bool directory_is_new_local(const struct store *s, struct str local);
/* A dot-string, with or without the delimiter. */
bool directory_is_dot_string(struct str local);
/* The local part before the delimiter, and what follows it; false without one. */
bool directory_split_detail(
    const struct store *s, struct str local, struct str *ret_base, struct str *ret_detail);

/* -- of directory_target.c: where an alias, or an account's mail, leads to */

struct directory_targets {
	struct directory_address *list;
	size_t n;
	struct arena *arena;
};
/* ERR_SYNTAX; ERR_LOOP: `from` is one of them. */
NODISCARD enum err directory_parse_targets(const struct directory_address *from,
    const struct str *targets, size_t n, struct arena *arena, struct directory_targets *ret);
/* A target must lead somewhere now: to an account or an alias, with or without its detail, or to a
 * domain that is not ours. ERR_NOT_FOUND; ERR_SYNTAX: one elsewhere that needs quotes. */
NODISCARD enum err directory_check_targets(
    struct store *s, struct db *db, const struct directory_targets *t);
/* `sql` takes whose they are, a position and an address. */
NODISCARD enum err directory_insert_targets(
    struct db *db, const char *sql, int64_t whose, const struct directory_targets *t);

/* The row with this address: ERR_NOT_FOUND. On any handle of the directory. */
NODISCARD enum err directory_domain_id(struct db *db, struct str domain, int64_t *ret);
NODISCARD enum err directory_account_id(
    struct db *db, const struct directory_address *a, int64_t *ret);
NODISCARD enum err directory_alias_id(
    struct db *db, const struct directory_address *a, int64_t *ret);

#endif

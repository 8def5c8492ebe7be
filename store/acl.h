/* store/acl.h - who else may do what with a mailbox: RFC 4314.
 *
 * The list stands in the owner's mail.db, with the mailbox. The owner has all rights, always, and
 * no entry. Everybody else has the union of what the entries that mean them grant, less what their
 * negative ones take away. Others are known by the id of their account, which is never given out
 * again: who is made anew under an old address inherits nothing.
 *
 * directory.db knows which accounts may have something to share with whom (share.h), so that
 * nobody's database is opened in vain.
 */
#ifndef STORE_ACL_H
#define STORE_ACL_H

#include "store/account.h"
#include "store/rights.h"

/* Whom an entry means. */
struct acl_who {
	int64_t account; /* its id, or one of these */
	bool negative; /* "-name": what is taken away */
};
#define ACL_ANYONE 0
#define ACL_AUTHENTICATED (-1) /* "authenticated": whoever has logged in, and so anyone */

#define ACL_ENTRIES_MAX 1000 /* of one mailbox: ERR_LIMIT */

struct acl_entry {
	struct acl_who who;
	struct str identifier; /* as it was when the entry was made; with its "-" */
	unsigned rights;
};

enum acl_op { ACL_SET, ACL_ADD, ACL_REMOVE };

/* -- rights as letters */

#define ACL_LETTERS_MAX 16

/* "lrswi" as bits, with the obsolete c (k and x) and d (t and e) of RFC 4314 §2.1.1. ERR_SYNTAX for
 * any other letter. */
NODISCARD enum err acl_parse_rights(struct str letters, unsigned *ret);
/* The other way; with c and d where any of theirs is set, as §2.1.1 wants it in responses. */
struct str acl_print_rights(unsigned rights, char out[ACL_LETTERS_MAX]);

/* -- identifiers */

/* Whom a client means: an account's address or login name, "anyone" or "authenticated", any of them
 * with "-" in front. *ret_identifier is the canonical spelling, in `arena`. ERR_SYNTAX where it
 * can't be one, ERR_NO_USER where nobody has that name. */
NODISCARD enum err acl_identify(struct store *s, struct str identifier, struct arena *arena,
    struct acl_who *ret, struct str *ret_identifier);

/* -- the lists */

/* What `viewer`, an account's id, may do with the mailbox. The owner may do everything. */
NODISCARD enum err acl_rights(struct account *a, int64_t mailbox, int64_t viewer, unsigned *ret);

struct acl_of_mailbox {
	int64_t mailbox;
	unsigned rights;
};
/* All mailboxes of which some entry means `viewer`, by id. In `arena`. */
NODISCARD enum err acl_rights_everywhere(struct account *a, int64_t viewer, struct arena *arena,
    struct acl_of_mailbox **ret, size_t *ret_n);

/* The entries of a mailbox; those of accounts that are no more are left out. ERR_GONE. */
NODISCARD enum err acl_list(
    struct account *a, int64_t mailbox, struct arena *arena, struct acl_entry **ret, size_t *ret_n);

/* Changes the entry of `who`, which goes when nothing is left in it. Durable. ERR_GONE, ERR_LIMIT,
 * ERR_CANNOT for the owner, whose rights are not to be changed. */
NODISCARD enum err acl_change(struct account *a, int64_t mailbox, struct acl_who who,
    struct str identifier, enum acl_op op, unsigned rights);

#endif

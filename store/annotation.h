/* store/annotation.h - METADATA (RFC 5464): small named values that clients keep at a mailbox, at
 * an account or at the server.
 *
 * Names are in lower case and begin with "/private" or "/shared". What is private belongs to one
 * user. Those of a mailbox go where it goes and end with it. "/private/specialuse" of a mailbox is
 * its special use (RFC 6154 §4), as the owner sees it.
 */
#ifndef STORE_ANNOTATION_H
#define STORE_ANNOTATION_H

#include "store/account.h"

#define ANNOTATION_NAME_MAX 250 /* octets */
#define ANNOTATION_VALUE_MAX 32768
/* Private ones of one user, and shared ones, at one mailbox or account; at the server. */
#define ANNOTATIONS_MAX 100
#define ANNOTATION_OCTETS_MAX (32 * 1024 * 1024) /* in one account, and at the server */
#define ANNOTATION_SPECIAL_USE "/private/specialuse"

/* Where they are. */
struct annotation_home {
	struct store *store; /* used without an account: the server's, which all users share */
	struct account *account;
	int64_t mailbox; /* 0: the account's own */
	int64_t user; /* id of the account of another user than the owner, else 0 */
};

struct annotation {
	struct str name;
	struct str value; /* p is NULL: none; given out: its size is over the maximum */
	uint64_t size;
};

#define ANNOTATION_ANY_DEPTH UINT_MAX

/* Those named `name`, or at most `depth` components below it, by name; in `arena`. */
NODISCARD enum err annotation_find(const struct annotation_home *home, struct str name,
    unsigned depth, uint64_t max_size, struct arena *arena, struct annotation **ret, size_t *ret_n);
/* Sets or removes (value.p NULL) all or none; names are not asked, a special use neither: it is
 * taken from whatever mailbox had it. ERR_LIMIT where they become too many, ERR_GONE. *ret_modseq:
 * of the change. */
NODISCARD enum err annotation_set(const struct annotation_home *home, const struct annotation *list,
    size_t n, uint64_t *ret_modseq);

struct annotation_change {
	int64_t mailbox; /* 0: of the account or the server */
	struct str mailbox_name;
	struct str name; /* of the annotation */
	uint64_t modseq;
};

/* What was set or removed since `modseq` in the account's mailboxes, at the account (or the server,
 * without an account), that `home->user` may see, by mailbox; home->mailbox is not used.
 * *ret_latest: the `modseq` for the next time. Removals may be forgotten, the oldest first. */
NODISCARD enum err annotation_changes(const struct annotation_home *home, uint64_t modseq,
    struct arena *arena, struct annotation_change **ret, size_t *ret_n, uint64_t *ret_latest);
/* What annotation_changes() would give now. */
NODISCARD enum err annotation_latest(const struct annotation_home *home, uint64_t *ret);

#endif

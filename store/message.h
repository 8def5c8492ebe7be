/* store/message.h - messages into, between and out of mailboxes. Every function is one transaction:
 * all or nothing. */
#ifndef STORE_MESSAGE_H
#define STORE_MESSAGE_H

#include "common/mail/message_index.h"
#include "store/mailbox.h"
#include "store/promise.h"
#include "store/uidset.h"
#include "store/view.h"

/* -- a message being received
 * ------------------------------------------------------------------------------------- */

/* Octets as they arrive: small ones in memory, from SPOOL_MEMORY on in a file under spool/; indexed
 * as they stream by. One thread at a time. */
struct spool;
#define SPOOL_MEMORY (64 * 1024)
/* A message that is no larger is refused for want of memory last (store_set_memory()). */
#define SPOOL_SMALL (16 * 1024)

NODISCARD enum err spool_new(struct store *s, struct spool **ret);
/* The same for a message that goes into no mailbox: its index is brief (message_index.h). */
NODISCARD enum err spool_new_brief(struct store *s, struct spool **ret);
void spool_free(struct spool **s);
/* ERR_NO_SPACE, ERR_IO, ERR_NOMEM; the failure sticks, so that a caller may read on to the end of
 * the message and ask then. */
NODISCARD enum err spool_write(struct spool *s, const void *p, size_t n);
uint64_t spool_size(const struct spool *s);
/* Octets [offset, offset + n) of one that has been ended. ERR_IO, ERR_CORRUPT. */
NODISCARD enum err spool_read_back(struct spool *s, uint64_t offset, char *to, size_t n);
/* Ends it: what was computed (valid until spool_free). Called by delivery and append when the
 * caller has not. */
NODISCARD enum err spool_finish(struct spool *s, const struct message_index **ret);

/* -- in
 * ------------------------------------------------------------------------------------------------------------
 */

struct delivery {
	int64_t account;
	/* The message of the queue that this is (its id, and created_s of it), which the account
	 * takes once, however often it is delivered: the later ones have result ERR_OK. 0: of no
	 * queue. */
	int64_t queued, queued_s;
	struct str mailbox; /* empty: INBOX; a name that does not exist is INBOX */
	enum err result; /* ERR_OVER_QUOTA, ERR_GONE (account removed meanwhile), ERR_BUSY,
			    ERR_NO_SPACE, ERR_IO … */
	uint32_t uid; /* 0: the account had it */
};

/* Puts the message into each account once (a second delivery to the same account gets the result of
 * the first); the accounts are independent of each other. Returns when
 * everything that has result ERR_OK is on stable storage. Deliveries of several threads to one
 * account share a transaction and its sync. */
void message_deliver(struct store *s, struct spool *spool, struct delivery *d, size_t n);

struct flag_list {
	uint64_t system; /* FLAG_SEEN … */
	struct str *keywords;
	size_t keyword_count;
};

struct append {
	struct spool *spool;
	struct flag_list flags;
	int64_t internal_s; /* INTERNALDATE: seconds, and its zone */
	int32_t internal_zone_s;
	int64_t viewer; /* whose \Seen it is that `flags` may hold (struct actor) */
	uint32_t ret_uid;
};

/* APPEND (several: MULTIAPPEND, all or none). ERR_GONE, ERR_OVER_QUOTA, ERR_LIMIT (keywords, UIDs).
 */
NODISCARD enum err message_append(
    struct account *a, int64_t mailbox, struct append *items, size_t n, uint32_t *ret_uidvalidity);

/* The same, durable only when the promise is kept. */
NODISCARD enum err message_append_promised(struct account *a, int64_t mailbox, struct append *items,
    size_t n, uint32_t *ret_uidvalidity, struct promise *p);

/* Where a message is. */
struct message_place {
	struct account *account;
	int64_t mailbox;
	uint32_t uid;
};

/* REPLACE (RFC 8508): the message `was` goes as by EXPUNGE and `item` comes, in one transaction
 * where both are of one account; quota counts the difference. As message_append(); ERR_STALE when
 * `was` is no more. */
NODISCARD enum err message_replace_promised(const struct message_place *was, struct account *to,
    int64_t mailbox, struct append *item, uint32_t *ret_uidvalidity, struct promise *p);

/* -- between
 * ---------------------------------------------------------------------------------------------------------
 */

struct copied {
	uint32_t uidvalidity; /* of the target */
	struct uidset
	    from; /* in `arena`; the same count as `to`, ascending, the i-th became the i-th */
	struct uidset to;
};

/* Those of `uids` that still exist, with flags, keywords and INTERNALDATE. ERR_GONE (either
 * mailbox), ERR_OVER_QUOTA, ERR_LIMIT (keywords). A copy costs a row; the message is stored once.
 * Quota counts the message once per entry, as clients expect from sizes they add up. */
NODISCARD enum err message_copy(struct account *a, int64_t from, const struct uidset *uids,
    int64_t to, struct arena *arena, struct copied *ret);
NODISCARD enum err message_move(struct account *a, int64_t from, const struct uidset *uids,
    int64_t to, struct arena *arena, struct copied *ret);

/* Who sets flags, and which of them he may set. */
struct actor {
	int64_t viewer; /* an account with whom the mailbox is shared: \Seen is his own (view.h) */
	uint64_t may; /* bits of flags; those of keywords stand for all keywords */
};
#define ACTOR_OWNER ((struct actor){VIEWER_OWNER, UINT64_MAX})
#define FLAG_KEYWORDS (UINT64_MAX << FLAG_KEYWORD_SHIFT)

/* COPY and MOVE of one who need not own either mailbox. In another account the messages are stored
 * once more, and appear there all at once; they are there for good before a MOVE takes them out of
 * the source, so that a crash leaves them in both places, never in none. */
struct transfer {
	struct account *from_account, *to_account;
	int64_t from, to;
	const struct uidset *uids;
	uint64_t count; /* ERR_STALE when fewer than these are there; 0: those that are */
	int64_t from_viewer; /* whose \Seen goes along (view.h) */
	struct actor actor; /* the same user in the target */
	bool move;
	struct promise *promise; /* within one account: durable when that is kept; or NULL */
};
NODISCARD enum err message_transfer(
    const struct transfer *x, struct arena *arena, struct copied *ret);

/* The same into another account, in steps between which others have their turn. What the transfer
 * is of is what was there at its beginning; nobody sees anything of it before its end. */
struct transfer_run;
/* ERR_OVER_QUOTA where it can be told beforehand. `x` is copied, but for its set of UIDs, which is
 * not needed any more; `arena` outlives the run. */
NODISCARD enum err transfer_begin(
    const struct transfer *x, struct arena *arena, struct transfer_run **ret);
/* Brings some messages over: a transaction of some milliseconds. *ret_ready: all are there.
 * ERR_STALE as above, of those that were expunged meanwhile. */
NODISCARD enum err transfer_step(struct transfer_run *r, bool *ret_ready);
/* In messages, for who waits. */
uint64_t transfer_done(const struct transfer_run *r);
uint64_t transfer_total(const struct transfer_run *r);
/* Once, when all are there. ERR_BUSY also where it took longer than STAGE_DEAD_S. */
NODISCARD enum err transfer_end(struct transfer_run *r, struct copied *ret);
/* A guard. What was brought over goes again unless transfer_end() has succeeded. */
void transfer_free(struct transfer_run **r);

/* -- flags
 * ------------------------------------------------------------------------------------------------------------
 */

enum flags_op { FLAGS_SET, FLAGS_ADD, FLAGS_REMOVE };
#define MODSEQ_ANY UINT64_MAX

/* UNCHANGEDSINCE (RFC 7162 §3.1.3). */
struct flags_condition {
	uint64_t unchanged_since; /* entries that were changed after it are left alone */
	/* What the client knew then: an entry that has its old modseq there passes all the same
	 * when only flags were changed that FLAGS_ADD and FLAGS_REMOVE have nothing to do with
	 * (§3.1.12). NULL: none does. */
	const struct view *known;
	struct uidset *modified; /* collects those that were left alone; may be NULL */
};

/* Changes flags of those of `uids` that exist; an entry whose flags come out the same gets no new
 * modseq. With modseq 0 as condition only keywords that an entry has not can be added to it. `c`
 * may be NULL. ERR_GONE, ERR_LIMIT (no room for another keyword). Committed, not synced. */
NODISCARD enum err message_store_flags_if(struct account *a, int64_t mailbox,
    const struct uidset *uids, enum flags_op op, const struct flag_list *flags,
    const struct flags_condition *c, struct actor actor);
/* The same on no condition but MODSEQ_ANY or this modseq. */
NODISCARD enum err message_store_flags(struct account *a, int64_t mailbox,
    const struct uidset *uids, enum flags_op op, const struct flag_list *flags,
    uint64_t unchanged_since, struct uidset *ret_modified);
/* The same for one who is not the owner or may not change all flags: what he may not change stays
 * as it is. */
NODISCARD enum err message_store_flags_as(struct account *a, int64_t mailbox,
    const struct uidset *uids, enum flags_op op, const struct flag_list *flags,
    uint64_t unchanged_since, struct actor actor, struct uidset *ret_modified);

/* -- out
 * ---------------------------------------------------------------------------------------------------------------
 */

/* Removes the entries with \Deleted, of `uids` (NULL: all); *ret_uids (may be NULL, initialised)
 * collects what went. Leaves tombstones. */
NODISCARD enum err message_expunge(
    struct account *a, int64_t mailbox, const struct uidset *uids, struct uidset *ret_uids);
/* The same, durable only when the promise is kept; NULL: now. */
NODISCARD enum err message_expunge_promised(struct account *a, int64_t mailbox,
    const struct uidset *uids, struct uidset *ret_uids, struct promise *p);
/* Removes these entries whatever their flags: POP3's UPDATE. */
NODISCARD enum err message_remove(struct account *a, int64_t mailbox, const struct uidset *uids);

#endif

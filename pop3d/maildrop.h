/* pop3d/maildrop.h - what one session sees of INBOX: the snapshot taken at login and the marks of
 * DELE (RFC 1939 §4 to §6).
 *
 * The mailbox is not locked: several sessions, IMAP's too, may work on it. Message numbers and
 * unique ids are those of the snapshot for as long as the session lives. What another session has
 * removed meanwhile is to every command as if DELE had marked it: ERR_GONE, neither listed nor
 * counted; and is nothing to remove any more in UPDATE (but for what read_ahead.h holds already).
 * What another session has moved to another mailbox can still be read, as RFC 1939's locked
 * maildrop has it. One thread at a time; holds no database handle between calls.
 */
#ifndef POP3D_MAILDROP_H
#define POP3D_MAILDROP_H

#include "common/base/sbuf.h"
#include "store/reader.h"
#include "store/view.h"

#define MAILDROP_UID_MAX 70 /* octets of a unique id (RFC 1939 §7) */

struct maildrop {
	struct account *account; /* a reference */
	struct view *view;
	unsigned char *marks; /* a bit for each message marked by DELE; NULL: none */
	uint32_t marked;
	uint64_t marked_octets;
	uint64_t octets; /* of the whole snapshot */
	bool octets_known; /* else to be added up */
	unsigned char *twins; /* a bit for each message whose content another one before it has;
				 NULL: none, or not looked for yet */
	bool twins_known;
};

/* Opens the account's INBOX. Errors of account_open() and view_current(). On failure `m` is empty.
 */
NODISCARD enum err maildrop_open(struct store *store, int64_t account, struct maildrop *m);
void maildrop_close(struct maildrop *m);

uint32_t maildrop_count(const struct maildrop *m);
bool maildrop_is_marked(const struct maildrop *m, uint32_t seq);
/* The message of that number: ERR_NOT_FOUND outside 1 … count, ERR_GONE when it is marked. */
NODISCARD enum err maildrop_entry(
    const struct maildrop *m, uint32_t seq, const struct view_entry **ret);
/* Its row; besides, ERR_GONE when another session removed it. Strings live as long as the reader
 * stays where it is. */
NODISCARD enum err maildrop_row(const struct maildrop *m, struct reader *r, uint32_t seq,
    struct message_row *ret, const struct view_entry **ret_entry);
/* Whether INBOX still holds all of the snapshot, so that its totals hold. */
NODISCARD enum err maildrop_is_whole(const struct maildrop *m, bool *ret);

/* DELE and RSET. */
NODISCARD enum err maildrop_mark(struct maildrop *m, uint32_t seq);
void maildrop_unmark_all(struct maildrop *m);

/* UPDATE: removes all that is marked in one transaction, or nothing. */
NODISCARD enum err maildrop_update(struct maildrop *m);

/* The unique id of a message: its content's id, which outlives restarts, restored copies of the
 * data and moves to another mailbox and back. One content may stand in a mailbox twice (COPY): all
 * but its first entry have their UID behind it. 1 to MAILDROP_UID_MAX octets of 0x21 to 0x7E. After
 * maildrop_find_twins(), which fails with ERR_NOMEM. */
NODISCARD enum err maildrop_find_twins(struct maildrop *m);
void maildrop_uid(const struct maildrop *m, uint32_t seq, const struct message_row *row,
    char to[MAILDROP_UID_MAX + 1]);

#endif

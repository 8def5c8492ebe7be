/* store/message_ids.h - which messages an account stores, in the order of their ids, whatever
 * mailboxes they are in: for data that is derived from all of them. Ids rise in the order of
 * commits and are never used twice. Thread-safe.
 */
#ifndef STORE_MESSAGE_IDS_H
#define STORE_MESSAGE_IDS_H

#include "store/account.h"

#define EMAIL_ID_ROOM 256 /* octets of an EMAILID with its NUL (RFC 8474 §4.1: at most 255) */

/* The ids from `from` on, ascending, at most `max` of them. */
NODISCARD enum err message_ids(
    struct account *a, int64_t from, int64_t *ids, size_t max, size_t *ret_n);
/* The highest id within low … high, and its EMAILID in `email_id` (EMAIL_ID_ROOM octets, or NULL).
 * ERR_NOT_FOUND when there is none. */
NODISCARD enum err message_last_id(
    struct account *a, int64_t low, int64_t high, int64_t *ret_id, char *email_id);
/* The highest id ever given out, 0 if none was. */
NODISCARD enum err message_ids_given(struct account *a, int64_t *ret);

#endif

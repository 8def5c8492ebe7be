/* smtpd/outbound/outgoing_keys.h - private keys of signing domains, read and parsed once. Each is
 * good as long as its row is: one that was made anew under an old selector is another. Thread-safe.
 */
#ifndef SMTPD_OUTBOUND_OUTGOING_KEYS_H
#define SMTPD_OUTBOUND_OUTGOING_KEYS_H

#include "common/trust/dkim.h"
#include "store/signing_key.h"

#define OUTGOING_KEYS_MAX 256 /* are kept */

struct outgoing_keys;
struct outgoing_key;

NODISCARD enum err outgoing_keys_new(struct store *store, struct outgoing_keys **ret);
/* None may be out. */
void outgoing_keys_free(struct outgoing_keys **k);
/* Stays until it is put back. ERR_IO, ERR_CORRUPT, ERR_NOMEM. */
NODISCARD enum err outgoing_keys_get(
    struct outgoing_keys *k, const struct signing_key *which, struct outgoing_key **ret);
void outgoing_keys_put(struct outgoing_keys *k, struct outgoing_key **key);
/* Wipes all, those that are out when they are put back: they are read anew when they are needed,
 * and one that was removed is not in memory any more. */
void outgoing_keys_forget(struct outgoing_keys *k);
const struct dkim_key *outgoing_key_of(const struct outgoing_key *key);

#endif

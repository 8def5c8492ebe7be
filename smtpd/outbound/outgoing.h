/* smtpd/outbound/outgoing.h - a message as it goes out: with signatures of ours in front (DKIM, RFC
 * 6376; ARC for what is forwarded, RFC 8617), its own octets untouched.
 *
 * Made once for each job and form, after the message was re-encoded where it had to be: two reads
 * of the message, one for the body's hash and one to send it, and never the whole of it in memory.
 * Keys are looked up anew for each job, so that a rotation counts at once; what was parsed of them
 * is kept. Thread-safe.
 */
#ifndef SMTPD_OUTBOUND_OUTGOING_H
#define SMTPD_OUTBOUND_OUTGOING_H

#include "common/base/conf.h"
#include "smtpd/outbound/chain.h"
#include "smtpd/outbound/content.h"
#include "store/store.h"

struct outgoing;
/* `store` and `conf` outlive it. */
NODISCARD enum err outgoing_new(
    struct store *store, const struct conf *conf, struct outgoing **ret);
void outgoing_free(struct outgoing **o);
/* After a reload: keys that nobody uses right now are wiped. */
void outgoing_forget_keys(struct outgoing *o);

struct outgoing_message {
	const struct queue_message *envelope;
	struct chain_state chain; /* of what is forwarded: as it came (chain.h) */
};

/* `inner` with what belongs in front of it; `inner` itself where that is nothing: no key for its
 * domain, no single From, a header too large to be signed. It is taken over, also on failure.
 * ERR_IO, ERR_CORRUPT (a key that can't be read: better later than unsigned), ERR_NOMEM, and what
 * reading `inner` gives. */
NODISCARD enum err outgoing_content(struct outgoing *o, const struct outgoing_message *m,
    struct content *inner, struct content **ret);

#endif

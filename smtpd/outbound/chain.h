/* smtpd/outbound/chain.h - the seals that a message bears already (ARC, RFC 8617 §5.2): the message
 * is read, the keys of those who sealed it are asked of the DNS, and nobody waits for them.
 */
#ifndef SMTPD_OUTBOUND_CHAIN_H
#define SMTPD_OUTBOUND_CHAIN_H

#include "common/dns/dns.h"
#include "common/trust/arc.h"
#include "smtpd/outbound/content.h"

/* What whoever seals next has to know (§5.1). */
struct chain_state {
	enum arc_status status;
	unsigned sets;
	bool over; /* the last seal says "fail": nobody seals it any more */
};

struct chain;
/* Reads the message. *ret NULL: there is none, or the header is too large to be sealed. What
 * reading gives; ERR_NOMEM. */
NODISCARD enum err chain_read(struct content *c, struct chain **ret);
void chain_free(struct chain **c);

/* Asks for the keys, each once. `done` is called once, on the loop's thread or (where there is
 * nothing to ask) before this returns; the chain stays until then. */
void chain_ask(struct chain *c, struct dns *dns, void (*done)(void *arg), void *arg);

/* Once that is done. ERR_BUSY: some key could not be had for now; with `final` that is a failure as
 * any other (§5.2.1). */
NODISCARD enum err chain_result(struct chain *c, bool final, struct chain_state *ret);

#endif

/* smtpd/outbound/ascii_domains.h - a header whose only characters beyond ASCII are those of domains
 * in addresses, for every server: U-labels become A-labels (RFC 5890 §2.3.2.1), as in the envelope
 * (envelope.h), so that the message needs no SMTPUTF8 on its way (RFC 6531 §3.5; RFC 6409 §8 lets a
 * submission server bring domains into such a form). For mail submitted here, before it is signed.
 */
#ifndef SMTPD_OUTBOUND_ASCII_DOMAINS_H
#define SMTPD_OUTBOUND_ASCII_DOMAINS_H

#include "smtpd/outbound/content.h"

#define ASCII_DOMAINS_HEADER_MAX (256 * 1024) /* octets of a header that is looked at */

/* Takes `in` over, also on failure. *ret is `in` itself where the header needs more than that, or
 * is larger. `m` is the message's envelope. What reading gives; ERR_NOMEM. */
NODISCARD enum err ascii_domains(
    struct content *in, const struct queue_message *m, struct content **ret);

/* `header` with A-labels in the address fields of RFC 5322 §3.6 and in Received; all else octet by
 * octet. Pure. */
void ascii_domains_put(struct str header, struct sbuf *out);

#endif

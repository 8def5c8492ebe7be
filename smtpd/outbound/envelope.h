/* smtpd/outbound/envelope.h - MAIL and RCPT commands as they go out: RFC 5321 §4.1.1.2 and
 * §4.1.1.3, with the parameters that the other side offers. Pure.
 */
#ifndef SMTPD_OUTBOUND_ENVELOPE_H
#define SMTPD_OUTBOUND_ENVELOPE_H

#include "smtpd/outbound/content.h"
#include "smtpd/outbound/job.h"
#include "smtpd/outbound/offers.h"

/* Nothing in it could end the command or the path early: no control characters, blanks and angle
 * brackets only in a quoted local part. Whether it is an address at all the other side knows. */
bool envelope_address_fits(struct str address);

/* The domain in its ASCII form (RFC 5890 §2.3.2.1), which every server knows; the address as it is
 * where it has none. In `arena`. */
struct str envelope_ascii_domain(struct str address, struct arena *arena);

/* RFC 6531 §3.4: what only SMTPUTF8 can carry. */
static inline bool
envelope_needs_utf8(struct str address_in_ascii_domain)
{
	return !str_is_ascii(address_in_ascii_domain);
}

struct envelope {
	const struct queue_message *message;
	struct str sender; /* by envelope_ascii_domain() */
	const struct content *content;
	bool smtputf8;
};

/* Without CRLF. */
void envelope_mail(const struct envelope *e, const struct offers *o, struct sbuf *out);
void envelope_rcpt(
    struct str address, const struct queue_rcpt *row, const struct offers *o, struct sbuf *out);

#endif

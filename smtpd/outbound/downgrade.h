/* smtpd/outbound/downgrade.h - a message for a server that takes less than it holds: leaf parts are
 * re-encoded in quoted-printable or base64 (RFC 6152 §3, RFC 3030 §3, RFC 2045 §6).
 *
 * What is fit already stays as it is, octet by octet, but for NUL, which becomes "?" where it can't
 * be encoded: in headers, around parts, in parts that are encoded already. Memory does not grow
 * with the message. Before signing, since signatures made before do not survive; a message that
 * holds one in itself (multipart/signed) is refused rather than broken.
 */
#ifndef SMTPD_OUTBOUND_DOWNGRADE_H
#define SMTPD_OUTBOUND_DOWNGRADE_H

#include "smtpd/outbound/content.h"

/* `in`, which is taken over also on failure, as content of at most `form`: itself where it is that.
 * A header with octets above 0x7f stays as it is. ERR_CANNOT: it would be damaged (RFC 3463 X.6.3:
 * conversion required but not supported); and what reading and writing fail with. */
NODISCARD enum err downgrade(struct store *s, struct content *in, const struct queue_message *m,
    enum content_form form, struct content **ret);

/* The same to a sink. `in` stays the caller's. */
typedef enum err downgrade_sink(void *arg, struct str octets);
NODISCARD enum err downgrade_write(
    struct content *in, enum content_form form, downgrade_sink *sink, void *arg);

#endif

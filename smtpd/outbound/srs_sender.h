/* smtpd/outbound/srs_sender.h - the addresses of ours that stand for senders of what was forwarded
 * (common/trust/srs.h), with the directory's secret. Thread-safe.
 */
#ifndef SMTPD_OUTBOUND_SRS_SENDER_H
#define SMTPD_OUTBOUND_SRS_SENDER_H

#include "store/directory.h"

#define SRS_SECRET_OCTETS 32

/* One for each use, of the directory's: whoever learns one knows no other. The caller wipes it. */
NODISCARD enum err srs_sender_secret(
    struct store *s, const char *use, struct arena *arena, unsigned char ret[SRS_SECRET_OCTETS]);
/* The address behind an address of ours, in `arena`. ERR_NOT_FOUND: it is none of these;
 * ERR_DENIED: forged, or too old. Only for reports: nobody is to write to a stranger by way of us.
 */
NODISCARD enum err srs_sender_behind(
    struct store *s, struct str address, struct arena *arena, struct str *ret);

#endif

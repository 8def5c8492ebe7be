/* common/trust/srs.h - sender rewriting: the envelope sender of what is forwarded becomes an
 * address of ours, which leads back for some days and to nobody else (SRS0 and SRS1, the scheme of
 * libsrs2 and postsrsd).
 */
#ifndef COMMON_TRUST_SRS_H
#define COMMON_TRUST_SRS_H

#include "common/base/sbuf.h"
#include "common/base/str.h"

#define SRS_DAYS 21 /* an address leads back so long */

/* `sender` rewritten to `domain`, which is ours. ERR_LIMIT: it would be longer than 64 octets allow
 * in a local part; then it goes out as a hashed one is not kept, see srs.c. */
NODISCARD enum err srs_forward(
    struct str sender, struct str domain, struct str secret, int64_t now_s, struct sbuf *ret);
/* The address behind a local part of ours. ERR_NOT_FOUND: no such form; ERR_DENIED: not made here
 * or too old. */
NODISCARD enum err srs_reverse(
    struct str local, struct str secret, int64_t now_s, struct sbuf *ret);

#endif

/* common/trust/srs.h - sender rewriting: the envelope sender of what is forwarded becomes an
 * address of ours, which leads back for some days and to nobody else (SRS0 and SRS1, the scheme of
 * libsrs2 and postsrsd).
 *
 * "SRS0=hash=day=example.net=ann@ours": the hash, an HMAC that only we can make, keeps others from
 * sending through us to whomever they like. One that was rewritten elsewhere becomes
 * "SRS1=hash=elsewhere.example=…", which leads back there, so that addresses do not grow with each
 * hop. Case is kept and does not count. Pure.
 */
#ifndef COMMON_TRUST_SRS_H
#define COMMON_TRUST_SRS_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"
#include "common/base/str.h"

#define SRS_DAYS 21 /* an address leads back so long */

/* Appends `sender` rewritten to `domain`, which is ours; the empty one stays empty. ERR_SYNTAX: no
 * address; ERR_LIMIT: the new one would be longer than an address may be (254 octets; the 64 of RFC
 * 5321 §4.5.3.1.1 for local parts are no limit in the field, and no such scheme keeps to them). */
NODISCARD enum err srs_forward(
    struct str sender, struct str domain, struct str secret, int64_t now_s, struct sbuf *ret);
/* Appends the address behind a local part of ours. ERR_NOT_FOUND: no such form; ERR_DENIED: not
 * made here, or too old. */
NODISCARD enum err srs_reverse(
    struct str local, struct str secret, int64_t now_s, struct sbuf *ret);

#endif

/* common/trust/arc.h - the chain of those who passed a message on: ARC (RFC 8617).
 *
 * Each who forwards a message adds a set of three fields: what it found when the message came
 * (ARC-Authentication-Results), a signature of the message as it goes on (ARC-Message-Signature),
 * and a seal of all sets so far (ARC-Seal). Pure functions of octets; keys of others come from
 * whoever asked the DNS. One thread at a time.
 */
#ifndef COMMON_TRUST_ARC_H
#define COMMON_TRUST_ARC_H

#include "common/trust/dkim.h"

#define ARC_SETS_MAX 50 /* RFC 8617 §4.2.1 */

/* The Chain Validation Status (§4.4). */
enum arc_status { ARC_NONE, ARC_PASS, ARC_FAIL };
const char *arc_status_name(enum arc_status s);

/* -- validating (§5.2) */

struct arc_verifier;
/* Reads the chain of `header`, which must stay while the verifier is used. ERR_TOO_BIG, ERR_NOMEM.
 */
NODISCARD enum err arc_verifier_new(struct str header, struct arc_verifier **ret);
void arc_verifier_free(struct arc_verifier **v);
/* The body, and its end. */
void arc_verifier_feed(struct arc_verifier *v, struct str octets);
void arc_verifier_end(struct arc_verifier *v);
/* The keys it needs: 0 when the status is known without any. */
size_t arc_verifier_key_count(const struct arc_verifier *v);
struct str arc_verifier_key_name(const struct arc_verifier *v, size_t i);
/* What the DNS has under it; after arc_verifier_end(). */
void arc_verifier_key(struct arc_verifier *v, size_t i, enum dkim_key_status status,
    const struct str *txts, size_t n);
/* Once all keys are given: those that were not are missing, and any failure is final (§5.2.1).
 * *ret_why for people, NULL where there is nothing to say; may be NULL itself. */
enum arc_status arc_verifier_status(const struct arc_verifier *v, const char **ret_why);
/* How many sets there are; with ARC_FAIL as many as can be told. */
unsigned arc_verifier_sets(const struct arc_verifier *v);
/* The last who sealed has found the chain broken already: nobody seals it any more (§5.1). */
bool arc_verifier_is_over(const struct arc_verifier *v);

/* -- sealing (§5.1) */

struct arc_seal_options {
	const struct dkim_key *key; /* RSA: others are not known to be understood */
	struct str domain, selector;
	int64_t now_s;
	enum arc_status status; /* of the chain so far */
	unsigned sets; /* of it */
	struct str authserv_id; /* who we are, in Authentication-Results */
	struct str results; /* what we found: "arc=none", "spf=pass …; arc=pass" */
};
/* Appends the three fields of one more set with CRLF. `header` and `body_hash` (relaxed) are of the
 * message as it goes out, with signatures that were added. ERR_CANNOT: no From, or several;
 * ERR_LIMIT beyond ARC_SETS_MAX; ERR_TOO_BIG, ERR_NOMEM. */
NODISCARD enum err arc_seal(struct str header, const unsigned char body_hash[DKIM_HASH],
    const struct arc_seal_options *o, struct sbuf *out);

#endif

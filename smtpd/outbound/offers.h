/* smtpd/outbound/offers.h - what another server offers in its reply to EHLO or LHLO: RFC 5321
 * §4.1.1.1. Pure. */
#ifndef SMTPD_OUTBOUND_OFFERS_H
#define SMTPD_OUTBOUND_OFFERS_H

#include "common/base/str.h"

#include <stdint.h>

enum offer_auth {
	OFFER_PLAIN = 1,
	OFFER_LOGIN = 2,
	OFFER_SCRAM_SHA_256 = 4,
	OFFER_SCRAM_SHA_256_PLUS = 8,
};

struct offers {
	bool pipelining; /* RFC 2920 */
	bool eightbit; /* RFC 6152 */
	bool chunking, binary; /* RFC 3030 */
	bool smtputf8; /* RFC 6531 */
	bool dsn; /* RFC 3461 */
	bool starttls; /* RFC 3207 */
	bool requiretls; /* RFC 8689 */
	bool size; /* RFC 1870 */
	uint64_t size_max; /* 0: none is told */
	uint32_t rcpt_max, mail_max; /* RFC 9422; 0: none is told */
	unsigned auth; /* enum offer_auth */
};

/* `lines` as reply_lines() gives them: the first is the greeting. Keywords that are not known here
 * are passed over, as are values that are none. */
void offers_parse(struct str lines, struct offers *ret);

#endif

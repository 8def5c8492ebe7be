/* smtpd/smtp_params.h - the parameters of MAIL and RCPT (RFC 5321 §4.1.1.11): SIZE (RFC 1870), BODY
 * (RFC 6152, RFC 3030), SMTPUTF8 (RFC 6531), AUTH (RFC 4954 §5), RET, ENVID, NOTIFY and ORCPT (RFC
 * 3461 §4), REQUIRETLS (RFC 8689 §3), HOLDFOR and HOLDUNTIL (RFC 4865). Pure; what is given out
 * lives in the arena.
 */
#ifndef SMTPD_SMTP_PARAMS_H
#define SMTPD_SMTP_PARAMS_H

#include "common/base/arena.h"
#include "common/base/cursor.h"
#include "store/queue.h"

/* What EHLO lists only at times; a parameter of what is not listed is ERR_PARAM. */
enum smtp_offered {
	OFFER_AUTH =
	    1, /* AUTH= is checked and not used: no client is trusted to speak for another */
	OFFER_REQUIRETLS = 2, /* on TLS */
	OFFER_HOLD = 4, /* on submission */
	OFFER_DSN = 8, /* not from strangers, unless the configuration says so */
};

#define SMTP_ENVID_MAX 100 /* RFC 3461 §5.4 */
#define SMTP_ORCPT_MAX 500 /* §5.4 */

struct smtp_mail_params {
	uint64_t size; /* SIZE=, 0 when not said; one that overflows is UINT64_MAX */
	enum queue_body body;
	bool smtputf8;
	bool requiretls;
	enum queue_ret ret;
	struct str envid; /* decoded; empty: none */
	uint64_t hold_for_s; /* 0: not said */
	int64_t hold_until_s; /* since 1970; 0: not said */
};

struct smtp_rcpt_params {
	unsigned notify; /* enum queue_notify; 0: not said */
	struct str orcpt; /* "rfc822;address", decoded; empty: not said */
};

/* To the end of the line. ERR_PARAM: one that is not known here; ERR_SYNTAX: a mistake in one, or
 * one given twice; ERR_NOMEM. */
void smtp_parse_mail_params(
    struct cursor *c, unsigned offered, struct arena *arena, struct smtp_mail_params *ret);
void smtp_parse_rcpt_params(
    struct cursor *c, unsigned offered, struct arena *arena, struct smtp_rcpt_params *ret);

#endif

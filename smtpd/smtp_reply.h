/* smtpd/smtp_reply.h - replies: RFC 5321 §4.2, enhanced codes of RFC 2034 and RFC 3463. */
#ifndef SMTPD_SMTP_REPLY_H
#define SMTPD_SMTP_REPLY_H

#include "common/metrics/metrics.h"
#include "common/net/conn.h"

struct smtp_reply {
	uint16_t code;
	const char *enhanced; /* "" where none belongs: greeting, EHLO, 334, 354 */
	const char *text; /* ASCII; '\n' between lines */
};

/* What a failure is answered with when its command says nothing better. */
struct smtp_reply smtp_reply_for(enum err e);
/* What the store says when a message is put into it, so that only what a sender can do something
 * about is refused for good: an operator's mistake (a directory that may not be written, too many
 * open files) must cost nobody his mail. */
enum err smtp_store_error(enum err e);
/* 4yz or 5yz. */
bool smtp_reply_is_refusal(const struct smtp_reply *r);
/* Codes, as labels of figures; "other" is the last. */
metric_value smtp_reply_value;
/* One was written. */
void smtp_reply_count(uint16_t code);
void smtp_reply_write(struct conn *c, const struct smtp_reply *r);

#endif

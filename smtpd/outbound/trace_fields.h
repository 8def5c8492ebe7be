/* smtpd/outbound/trace_fields.h - the fields this server puts in front of a message: Return-Path
 * and Received (RFC 5321 §4.4, RFC 3848, RFC 6531 §3.7.3), and those a submission may lack (RFC
 * 6409 §8). Pure.
 */
#ifndef SMTPD_OUTBOUND_TRACE_FIELDS_H
#define SMTPD_OUTBOUND_TRACE_FIELDS_H

#include "common/base/sbuf.h"
#include "common/mail/date.h"

struct trace {
	struct str sender; /* empty: <> */
	struct str helo; /* as the client said it: what fits in no header is replaced */
	struct str peer; /* its address as text, "unix" for a local socket */
	struct str hostname;
	const char *with; /* trace_protocol() */
	struct str id;
	struct str tls_version; /* empty without TLS */
	struct str tls_cipher;
	struct str recipient; /* empty: several, who must not learn of each other (§7.2) */
	struct date date;
};

/* "ESMTPSA", "UTF8LMTP" …: the registered name (RFC 3848; RFC 6531 §4.3). */
struct trace_with {
	bool lmtp;
	bool extended; /* EHLO, not HELO */
	bool utf8;
	bool tls;
	bool authenticated;
};
const char *trace_protocol(struct trace_with w);

/* Both, as the final delivery writes them; or each. */
void trace_write(const struct trace *t, struct sbuf *out);
void trace_write_return_path(struct str sender, struct sbuf *out);
void trace_write_received(const struct trace *t, struct sbuf *out);

/* "Date: …" and "Message-ID: <…@hostname>" with their line ends. ERR_INTERNAL without random
 * numbers. */
void trace_date_line(struct date d, struct sbuf *out);
NODISCARD enum err trace_message_id_line(struct str hostname, struct date d, struct sbuf *out);

#endif

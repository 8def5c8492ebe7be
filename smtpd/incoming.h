/* smtpd/incoming.h - a message on its way in: from the octets of DATA or BDAT through the checks
 * that concern the whole of it into a spool.
 *
 * Memory is constant: pieces pass through data_reader and header_filter to spool_write() as they
 * arrive. Whatever goes wrong (too big, no space, a loop) is remembered and the rest is read and
 * thrown away, because a client hears no reply before the end (RFC 5321 §4.1.1.4). One thread at a
 * time.
 */
#ifndef SMTPD_INCOMING_H
#define SMTPD_INCOMING_H

#include "common/base/cleanup.h"
#include "smtpd/data_reader.h"
#include "smtpd/smtp_reply.h"
#include "store/message.h"

struct incoming;

struct incoming_options {
	enum data_form form;
	struct str front; /* trace fields, written first */
	struct str hostname; /* lives as long as the message */
	struct str date_line; /* to add when missing, in memory of the caller's; or empty */
	struct str message_id_line;
	uint64_t size_limit;
	uint32_t max_received;
	bool refuse_bare_newline;
	bool digest; /* incoming_digest() will be asked for */
	bool brief; /* the spool goes into no mailbox */
};

#define INCOMING_DIGEST_BYTES 32

/* ERR_NO_SPACE, ERR_IO, ERR_NOMEM. The slices of `o` but `front` are kept, not copied. */
NODISCARD enum err incoming_begin(
    struct store *store, const struct incoming_options *o, struct incoming **ret);
void incoming_free(struct incoming **in);

/* Takes what belongs to the message; returns how many octets that was (data_reader.h). */
size_t incoming_feed(struct incoming *in, struct str piece);
/* DATA's final dot has come. */
bool incoming_ended(const struct incoming *in);
/* Octets of the message so far, as RFC 1870 §5 counts them. */
uint64_t incoming_size(const struct incoming *in);
/* What has gone wrong so far: BDAT's chunks are answered one by one. */
enum err incoming_error(const struct incoming *in);
bool incoming_has_digest(const struct incoming *in);

/* After the last octet: ERR_OK and *ret_spool (still the message's own), or why it is refused, with
 * *ret_reply saying it. */
NODISCARD enum err incoming_finish(
    struct incoming *in, struct spool **ret_spool, struct smtp_reply *ret_reply);
/* After incoming_finish(): "TLS-Required: No" stands in its header (RFC 8689 §3). */
bool incoming_tls_optional(const struct incoming *in);
/* After incoming_finish(): SHA-256 of the message as it came, without what was put in front. */
const unsigned char *incoming_digest(const struct incoming *in);

#endif

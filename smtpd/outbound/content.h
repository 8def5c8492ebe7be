/* smtpd/outbound/content.h - the octets of a message as they go out, wherever they come from: the
 * queue's, or the same with fields in front (outgoing.h), or re-encoded for a server that takes
 * less (downgrade.h).
 *
 * Read piece by piece by one thread at a time; the same octets whenever they are read.
 */
#ifndef SMTPD_OUTBOUND_CONTENT_H
#define SMTPD_OUTBOUND_CONTENT_H

#include "store/queue.h"

/* What a server takes, and what a message is. */
enum content_form {
	CONTENT_7BIT,
	CONTENT_8BIT, /* octets above 0x7f: needs 8BITMIME (RFC 6152) */
	CONTENT_BINARY, /* lines that are none, NUL: needs BINARYMIME (RFC 3030) */
};

struct content {
	uint64_t size;
	enum content_form form;
	bool utf8_header; /* octets above 0x7f in a header or a part's header (RFC 6532) */
	/* Up to `n` octets from `offset` on; fewer only at the end. ERR_NOT_FOUND (the message is
	 * no more), ERR_IO, ERR_CORRUPT, ERR_NOMEM. */
	enum err (*read)(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n);
	void (*close)(struct content *c);
};

/* NULL inside is fine; a guard, too. */
void content_close(struct content **c);

/* The queue's octets as they are, which it takes over also on failure; reads them once to see what
 * they hold. `m` is the message's envelope. */
NODISCARD enum err content_of_queue(
    struct queue_octets *o, const struct queue_message *m, struct content **ret);
/* Those of a spool that has been ended, which it takes over also on failure. */
NODISCARD enum err content_of_spool(
    struct spool *s, const struct queue_message *m, struct content **ret);
/* The header with its lines into `header`, and where the body begins. *ret_whole: false when the
 * header is larger than `header` may be. */
NODISCARD enum err content_header(
    struct content *c, struct sbuf *header, uint64_t *ret_body, bool *ret_whole);
/* What is behind `offset`, in pieces. */
NODISCARD enum err content_body(
    struct content *c, uint64_t offset, void (*body)(void *arg, struct str octets), void *arg);
/* For those who make one: sets `form` and `utf8_header` by what the octets are. */
NODISCARD enum err content_look(struct content *c, const struct queue_message *m);

#endif

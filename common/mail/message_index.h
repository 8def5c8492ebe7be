/* common/mail/message_index.h - what is computed once about a message, at delivery, as its octets
 * stream by.
 *
 * The builder is fed the message in pieces of any size (CRLF line ends), keeps memory bounded
 * whatever comes (limits below), is linear in the octets, and never refuses: beyond a limit the
 * rest is described as opaque text. Not thread-safe. Pure: no I/O. Standards: RFC 5322, 2045, 2046,
 * 2183, 2231, 2557, 3282; wire forms RFC 3501 §7.4.2.
 */
#ifndef COMMON_MAIL_MESSAGE_INDEX_H
#define COMMON_MAIL_MESSAGE_INDEX_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"

#define MIME_MAX_DEPTH 100 /* deeper parts are leaves */
#define MIME_MAX_PARTS 10000 /* further parts belong to the body of the last */
#define MIME_MAX_HEADER                                                                            \
	(1024 * 1024) /* octets of all headers together that are parsed; the rest is opaque */

struct message_index {
	uint64_t size; /* octets */
	uint64_t header_size; /* of the top header, with the empty line */
	struct str envelope; /* "(\"date\" \"subject\" …)", RFC 3501 §7.4.2 ENVELOPE in wire form */
	struct str bodystructure; /* the same for BODYSTRUCTURE, with extension data */
	struct str parts; /* the part table, see parts.h */
	struct str subject; /* decoded to UTF-8, unfolded, as it reads */
	struct str message_id; /* "<…>" or empty */
	bool has_8bit; /* some octet above 0x7f anywhere */
	bool has_nul;
};

struct index_builder;

struct index_builder *index_builder_new(void);
/* For a message of which nobody asks what it is made of: envelope, bodystructure and parts are
 * those of an empty header. */
struct index_builder *index_builder_new_brief(void);
void index_builder_free(struct index_builder **b);
void index_builder_feed(struct index_builder *b, const void *p, size_t n);
/* Ends the message. What *ret points to lives in the builder until it is freed. ERR_NOMEM only. */
NODISCARD enum err index_builder_finish(struct index_builder *b, struct message_index *ret);

/* BODYSTRUCTURE as a client of IMAP4rev2 or (not `rev2`) IMAP4rev1 reads it, from what the builder
 * wrote; without `extension` it is BODY. To IMAP4rev1 a message/global part is a part like others,
 * to IMAP4rev2 a message like message/rfc822 (RFC 9051 §7.5.2, RFC 9755 §6). ERR_CORRUPT if
 * `stored` is not what a builder writes. */
NODISCARD enum err bodystructure_as(struct str stored, bool rev2, bool extension, struct sbuf *out);
/* With `extension` that may be something else than `stored` itself. */
bool bodystructure_differs(struct str stored);

#endif

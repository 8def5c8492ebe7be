/* common/mail/codec.h - transfer encodings as streams (RFC 2045 §6.7, §6.8). Decoders are tolerant:
 * octets outside the alphabet are skipped, a broken escape stands for itself, and what follows
 * base64 padding is decoded on. Pure. */
#ifndef COMMON_MAIL_CODEC_H
#define COMMON_MAIL_CODEC_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"
#include "common/mail/parts.h"

/* Blanks in a row that are dropped at the end of a quoted-printable line (RFC 2045 §6.7 rule 3);
 * of a longer run what comes first is text. Lines have 76 octets. */
#define DECODER_HELD 80

struct decoder {
	enum part_encoding encoding;
	uint32_t bits; /* base64: gathered so far */
	int have;
	char held[DECODER_HELD]; /* quoted-printable: an unfinished escape, or blanks that may
				    turn out to end their line */
	size_t held_n;
};

void decoder_init(struct decoder *d, enum part_encoding encoding);
void decoder_feed(struct decoder *d, struct str in, struct sbuf *out);
void decoder_finish(struct decoder *d, struct sbuf *out);

/* Strict, for protocols (RFC 4648 §4): ERR_SYNTAX on any octet outside the alphabet, wrong padding
 * or non-zero trailing bits. */
NODISCARD enum err base64_decode(struct str in, struct sbuf *out);
void base64_encode(struct str in, struct sbuf *out);

#endif

/* imapd/binary_encode.h - a message with NUL in it, as it came in a literal8, made one that every
 * client can read: RFC 3516 §4.4, §6.
 *
 * BODYSTRUCTURE and BODY[] must show a transfer encoding that IMAP without BINARY knows, and no
 * string there holds NUL. So parts that have one are encoded in base64; all else stays as it is,
 * octet by octet.
 */
#ifndef IMAPD_BINARY_ENCODE_H
#define IMAPD_BINARY_ENCODE_H

#include "store/message.h"

/* Large messages take many turns: a step goes through so many octets, some milliseconds. */
#define BINARY_STEP_OCTETS (1024 * 1024)

struct binary_encoding;

/* `spool` is whole, and outlives it. If it holds no NUL, *ret is NULL. ERR_CANNOT, ERR_IO,
 * ERR_NO_SPACE, ERR_NOMEM. */
NODISCARD enum err binary_encode_begin(
    struct store *store, struct spool *spool, struct binary_encoding **ret);
/* ERR_CANNOT where a NUL stands in a header or within an encoding. */
NODISCARD enum err binary_encode_step(struct binary_encoding *e, bool *ret_done);
/* The encoded message in place of the other, once it is done. */
void binary_encode_replace(struct binary_encoding *e, struct spool **spool);
/* A guard. */
void binary_encode_free(struct binary_encoding **e);

#endif

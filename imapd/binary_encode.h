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

/* `*spool` is whole. If it holds NUL, it is replaced by one that does not. ERR_CANNOT where a NUL
 * stands in a header or within an encoding; ERR_IO, ERR_NO_SPACE, ERR_NOMEM. */
NODISCARD enum err binary_encode(struct store *store, struct spool **spool);

#endif

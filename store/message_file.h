/* store/message_file.h - the file of a message that is too large for the database, open for
 * reading.
 *
 * It stays readable when the message is expunged meanwhile, by whatever process, so a response that
 * goes out as slowly as its client reads can be finished. One thread at a time.
 */
#ifndef STORE_MESSAGE_FILE_H
#define STORE_MESSAGE_FILE_H

#include "store/account.h"

struct message_file;

/* For reader.c; callers get theirs from reader_take_file(). ERR_GONE when the message was expunged
 * after the caller's consistent read had begun; else as message_file_read(). */
NODISCARD enum err message_file_open(
    struct account *a, int64_t message, struct str blob, uint64_t size, struct message_file **ret);
void message_file_close(struct message_file **f);
/* The `n` octets from `offset` on, all of them or an error: ERR_IO, ERR_CORRUPT where it is shorter
 * than it was (logged with its path). */
NODISCARD enum err message_file_read(
    const struct message_file *f, uint64_t offset, char *to, size_t n);

#endif

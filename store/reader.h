/* store/reader.h - reading stored messages.
 *
 * A reader holds a database handle in one consistent read; it belongs to one thread and one turn: a
 * pump opens one for each step and closes it before the step ends, so that an idle or slow client
 * holds none.
 */
#ifndef STORE_READER_H
#define STORE_READER_H

#include "store/account.h"
#include "store/message_file.h"

struct reader;

NODISCARD enum err reader_open(struct account *a, struct reader **ret);
void reader_close(struct reader **r);

/* What reader_message() fetches. */
enum message_want {
	WANT_BASICS = 0,
	WANT_ENVELOPE = 1,
	WANT_BODYSTRUCTURE = 2,
	WANT_PARTS = 4,
	WANT_HEADER = 8
};

struct message_row {
	int64_t id;
	uint64_t size;
	uint64_t header_size;
	int64_t internal_s;
	int32_t internal_zone_s;
	struct str email_id; /* lower-case letters and digits; stays the same for ever, also in a
				restored copy (RFC 8474, POP3 UIDL) */
	/* not of the row: whoever needs them asks for them and puts them here */
	struct str thread_id; /* RFC 8474: threads.h, objectid.h */
	int64_t saved_s; /* RFC 8514: reader_saved() */
	struct str envelope; /* wire form */
	struct str bodystructure; /* wire form */
	struct str parts; /* for parts_decode() */
	struct str header; /* the top header with its empty line; NULL where it is so large that it
			      stands with the body only: reader_read() */
};

/* Strings live until the reader is asked for another message, or its end. ERR_GONE when the message
 * is no more (expunged by another). Cheapest in the order of ids, with the same `want`. */
NODISCARD enum err reader_message(
    struct reader *r, int64_t message, unsigned want, struct message_row *ret);
/* When the message came into this mailbox: SAVEDATE (RFC 8514). ERR_GONE. Cheapest in the order of
 * UIDs. */
NODISCARD enum err reader_saved(struct reader *r, int64_t mailbox, uint32_t uid, int64_t *ret_s);
/* The top header with its empty line, without a look at the message's row; a NULL slice where that
 * alone can tell: the message is no more, or its header too large for a row. Lives as long as
 * reader_message()'s strings. */
NODISCARD enum err reader_header(struct reader *r, int64_t message, struct str *ret);
/* Octets [offset, offset + n) of the whole message, fewer at its end: copies into `to`, *ret_n says
 * how many. Small messages and files alike; a failed or short read of a file is ERR_IO or
 * ERR_CORRUPT, logged with its path. */
NODISCARD enum err reader_read(
    struct reader *r, int64_t message, uint64_t offset, char *to, size_t n, size_t *ret_n);
/* The two parts of a message that stands in the database (no larger than SPOOL_MEMORY), in place,
 * for as long as reader_message()'s strings, without a look at its row; NULL slices for one that
 * has a file or is no more. `size` is what its entry or its row says: ERR_CORRUPT, logged, where
 * they have not that. Other errors as reader_read(). */
NODISCARD enum err reader_octets(
    struct reader *r, int64_t message, uint64_t size, struct str *ret_header, struct str *ret_body);
/* The file of a message that has one, now the caller's, who may keep it longer than the reader;
 * NULL for one that stands in the database and is no larger than SPOOL_MEMORY. Errors as
 * reader_read(). */
NODISCARD enum err reader_take_file(struct reader *r, int64_t message, struct message_file **ret);

#endif

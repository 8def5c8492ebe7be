/* store/message_insert.h - one new message of an account, from its spool to its rows. Only for
 * store/. */
#ifndef STORE_MESSAGE_INSERT_H
#define STORE_MESSAGE_INSERT_H

#include "store/message_private.h"

#include <limits.h>

#define EMAIL_ID_LEN 20 /* 96 random bits in base 32 */
/* The top header of a message in a file stands in the database too, up to this size: listing a
 * folder opens no files. */
#define HEADER_BESIDE_FILE_MAX (256 * 1024)

struct insert {
	struct spool *spool;
	const struct message_index *index;
	char email_id[EMAIL_ID_LEN + 1];
	char blob_path[PATH_MAX]; /* its last part is the row's `blob`; empty: octets go into the
				     database */
	bool blob_noted; /* the transaction looks after the file */
	int64_t internal_s;
	int32_t internal_zone_s;
};

/* Before the transaction: names the message; where its octets are in a file, that has its place
 * under blobs/ and is on stable storage when it returns. */
NODISCARD enum err insert_prepare(struct account *a, struct spool *spool, struct insert *ret);
/* The pieces of it, for a message that comes from another account's database: a name that no
 * message has; and the row alone, of `index`, names and time, no spool. */
NODISCARD enum err insert_make_name(struct insert *in);
NODISCARD enum err insert_row(struct txn *t, struct insert *in, int64_t *ret_message);
/* In the transaction: the rows of the message, but not its entry. */
NODISCARD enum err insert_message(struct txn *t, struct insert *in, int64_t *ret_message);
/* After it, when it failed: takes the file away again unless the transaction came to look after it
 * (which may have been committed after all). */
void insert_undo(struct insert *in, enum err result);

#endif

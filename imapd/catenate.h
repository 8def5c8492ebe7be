/* imapd/catenate.h - octets of stored messages that go into one being appended: RFC 4469.
 *
 * A large part is copied in steps, so that other sessions get their turn; between them no database
 * handle is held, and a message that is expunged meanwhile is copied to its end all the same.
 */
#ifndef IMAPD_CATENATE_H
#define IMAPD_CATENATE_H

#include "imapd/fetch_value.h"
#include "imapd/folder.h"
#include "store/message.h"

/* All zero: nothing is being copied. */
struct catenate {
	struct fetch_source source;
	struct str url; /* as it came */
	struct account *account; /* lives as long as the command */
	struct fetch_item item;
	int64_t message;
	bool begun; /* `value` is made */
	struct fetch_value value;
	uint64_t done;
	char *piece;
};

/* Finds what the URL names. ERR_NOT_FOUND, with BADURL as the response code (RFC 4469 §4.1); as
 * imap_find_folder(). */
NODISCARD enum err catenate_begin(
    struct catenate *c, struct imap_session *s, struct imap_cmd *cmd, struct str url);
/* Copies some of it into the spool, at most `max` octets in all: ERR_TOO_BIG. *ret_done at its end.
 * ERR_NOT_FOUND where there is no such part or the message is no more; ERR_IO and the like. */
NODISCARD enum err catenate_step(
    struct catenate *c, struct spool *to, uint64_t max, bool *ret_done);
void catenate_done(struct catenate *c);
/* The response code for a URL that can't be used. */
void catenate_set_badurl(struct imap_cmd *cmd, struct str url);

#endif

/* pop3d/read_ahead.h - the small messages behind the one a client asked for.
 *
 * Clients that fetch do so in the order of message numbers, one RETR when the last is answered.
 * From the second of such a run on, the messages that follow are read in the same consistent read
 * and kept until they are asked for, so that the answer to most RETRs needs nothing of the store.
 * What was read ahead is served though another session removes it meanwhile, as RFC 1939's locked
 * maildrop would have it. One thread at a time.
 */
#ifndef POP3D_READ_AHEAD_H
#define POP3D_READ_AHEAD_H

#include "pop3d/maildrop.h"

#define READ_AHEAD_OCTETS_MAX                                                                      \
	(64 * 1024) /* held by a session at most, until asked for or dropped */
#define READ_AHEAD_MESSAGES_MAX 16

/* All zero: nothing is held. */
struct read_ahead {
	uint32_t run; /* the number that the next RETR of a run has */
	uint32_t first; /* the message number of item[at] */
	size_t at, n;
	struct {
		uint32_t header_n, body_n;
	} item[READ_AHEAD_MESSAGES_MAX];
	char *octets; /* of the items from 0 on, header and body */
	size_t used; /* octets of the items before item[at] */
};

void read_ahead_drop(struct read_ahead *a);
/* Whether message `seq` is held: its two parts, which live until the next call. What was held
 * before it is dropped. */
bool read_ahead_take(
    struct read_ahead *a, uint32_t seq, struct str *ret_header, struct str *ret_body);
/* Message `seq` is being read from `r`: reads those behind it when it belongs to a run. Nothing
 * that fails here is an error: what is not held is read when it is asked for. */
void read_ahead_fill(
    struct read_ahead *a, const struct maildrop *drop, struct reader *r, uint32_t seq);

#endif

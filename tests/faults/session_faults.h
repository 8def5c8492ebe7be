/* tests/faults/session_faults.h - whole sessions of a daemon, in process, with the n-th call of a
 * kind failing, for every n.
 *
 * A dialogue is a table of rows. It runs once without faults: what an account holds before and
 * after each row, and what is answered, is what must be. Then, for each n, on an account made anew.
 *
 * - Answered OK, what the row does is done; where SESSION_TEXT says so the answer is the same.
 * - Answered with a temporary error, nothing is done, and said again the row succeeds.
 * - Closed, all is done or nothing; another session goes on from there.
 *
 * A permanent error, no answer, a word of damage in the log or a file left open fail the test. */
#ifndef TESTS_FAULTS_SESSION_FAULTS_H
#define TESTS_FAULTS_SESSION_FAULTS_H

#include "common/net/conn.h"
#include "store/service.h"
#include "tests/faults/faults.h"

enum session_answer {
	SESSION_NONE, /* not yet, or cut off */
	SESSION_GO_ON, /* the next stage may be said */
	SESSION_DONE,
	SESSION_LATER, /* a temporary error */
	SESSION_WRONG, /* anything else */
};

enum session_row_flags {
	SESSION_ENTERS = 1, /* said again first when another session has to go on */
	SESSION_TEXT = 2, /* what is answered is data, which must be right */
	SESSION_LINES = 4, /* the answer goes on to a line with a dot (POP3) */
	SESSION_PARTS = 8, /* after a temporary error some recipients may have it, who will not get
			      it again */
	SESSION_SAME = 16, /* it may be done and a temporary error told of: said again it changes
			      nothing */
};

/* What is sent, in stages with \f between; CR LF is added to each. In it $U is the account's
 * address, $P the initial response of AUTH PLAIN, $B 70,000 octets in lines. */
struct session_row {
	const char *send;
	unsigned flags;
};

struct session_protocol {
	const char *name;
	struct conn *(*connect)(struct service *svc);
	/* How `row` was answered with `text`, all that came since its stage was sent. */
	enum session_answer (*judge)(struct str text, unsigned flags);
	/* Said after a temporary error in the middle of a row; may be NULL. */
	const char *reset;
	const struct session_row *rows;
	size_t row_count;
	unsigned messages; /* in INBOX at first */
};

/* Every kind from `first` to `last`; says how many faults there were. */
void session_faults(const struct session_protocol *p, enum fault_kind first, enum fault_kind last);

#endif

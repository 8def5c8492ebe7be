/* imapd/told_private.h - news that is found (told.c) and then written (told_write.c). */
#ifndef IMAPD_TOLD_PRIVATE_H
#define IMAPD_TOLD_PRIVATE_H

#include "imapd/imap_session.h"

struct numbers {
	uint32_t *n;
	size_t count, cap, at;
};

/* Differences that have been found but not written yet: a mailbox may change in more places than
 * one output buffer holds. Sequence numbers of `changed` count in s->told. */
struct imap_news {
	struct told_listener *before; /* the next that is asked for what comes before EXPUNGE */
	bool keywords; /* FLAGS first */
	struct numbers expunged; /* sequence numbers, or UIDs for VANISHED */
	struct numbers changed;
	bool grown; /* EXISTS and RECENT */
	bool caught_up; /* expunges that had to wait are among it */
	struct told_listener *after; /* the next that is asked for what comes behind */
	enum err err; /* no memory for one of them */
};

/* "* FLAGS" and PERMANENTFLAGS for `v`. */
void told_write_flags_responses(struct imap_session *s, const struct view *v);

#endif

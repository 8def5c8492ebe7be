/* imapd/vanished.h - "* VANISHED (EARLIER) …": what a client that comes back has to forget, before
 * the first FETCH of the answer (RFC 7162 §3.2.6, §3.2.10.1). Over several steps of a pump. */
#ifndef IMAPD_VANISHED_H
#define IMAPD_VANISHED_H

#include "imapd/imap_session.h"
#include "store/expunged.h"

struct vanished {
	struct expunged expunged; /* expunged_init() by the caller */
	bool found;
	size_t written; /* ranges */
};

/* *ret_done is false when the step has had its share or the output is full. */
NODISCARD enum err imap_write_vanished_earlier(
    struct imap_session *s, struct vanished *v, bool *ret_done);

#endif

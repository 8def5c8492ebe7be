/* imapd/fetch_modifiers.h - what stands behind the data items of a FETCH (RFC 4466 §2.4). Pure. */
#ifndef IMAPD_FETCH_MODIFIERS_H
#define IMAPD_FETCH_MODIFIERS_H

#include "imapd/search_return.h"

struct fetch_modifiers {
	bool changed; /* CHANGEDSINCE: only what has a higher modseq (RFC 7162 §3.1.4.1) */
	uint64_t since;
	bool vanished; /* VANISHED: and what went since (§3.2.6) */
	bool partial; /* PARTIAL: only these places of the set (RFC 9394 §3.3) */
	struct partial_range places;
};

/* [SP "(" fetch-modifier *(SP fetch-modifier) ")"]. PARTIAL only in a UID FETCH (`uid`); VANISHED
 * only with CHANGEDSINCE, and where `vanished_allowed`: in a UID FETCH of a session that has
 * enabled QRESYNC. */
void fetch_parse_modifiers(
    struct imap_args *a, bool uid, bool vanished_allowed, struct fetch_modifiers *ret);

#endif

/* imapd/resync.h - SELECT and EXAMINE with parameters: CONDSTORE and quick resynchronisation
 * (RFC 7162 §3.1.8, §3.2.5). */
#ifndef IMAPD_RESYNC_H
#define IMAPD_RESYNC_H

#include "imapd/imap_session.h"

struct select_params {
	bool condstore;
	bool qresync;
	uint32_t uidvalidity;
	uint64_t modseq;
	bool has_known;
	struct uidset known; /* UIDs that the client has; without: all that were given out */
	bool numbers; /* has message numbers where there are none: a mistake */
	struct uidset match_seqs, match_uids; /* some of them, with the numbers that they had */
};

/* [SP "(" select-param *(SP select-param) ")"]. QRESYNC only where that is enabled (§3.2.5: BAD).
 */
void imap_parse_select_params(
    struct imap_args *a, const struct imap_session *s, struct select_params *ret);

/* Behind what SELECT always answers: VANISHED (EARLIER) and FETCH for what changed since, by a
 * pump. Nothing if the UIDVALIDITY is another one. */
NODISCARD enum err imap_resync(
    struct imap_session *s, struct imap_cmd *cmd, const struct select_params *p);

#endif

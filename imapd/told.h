/* imapd/told.h - what one session has been told of its mailbox, and telling it the rest.
 *
 * s->told is a snapshot (store/view.h); sequence numbers are positions in it and stay what they
 * are until imap_tell_news() says otherwise. \Recent is a session's own: the UIDs it was the first
 * to be told of (RFC 3501 §2.3.2).
 */
#ifndef IMAPD_TOLD_H
#define IMAPD_TOLD_H

#include "common/base/err.h"
#include "store/uidset.h"
#include "store/view.h"

#include <stdbool.h>

struct imap_session;

#define IMAP_RECENT_RANGES 16 /* the oldest go first: \Recent is advisory */

struct imap_recent {
	struct uid_range r[IMAP_RECENT_RANGES];
	size_t n;
};

/* The UID is \Recent in this session. */
bool imap_is_recent(const struct imap_session *s, uint32_t uid);
/* How many entries of s->told are \Recent. */
uint32_t imap_count_recent(const struct imap_session *s);

/* How many entries of s->told are in `uids`. */
uint64_t imap_count_told(const struct imap_session *s, const struct uidset *uids);

/* The session is told of new entries: takes their \Recent (not after EXAMINE) and replaces *view by
 * a snapshot that holds all that was taken. ERR_GONE and what the store has. */
NODISCARD enum err imap_claim_recent(struct imap_session *s, struct view **view);

/* Catches up with the database: EXPUNGE (where `may_expunge`), FETCH with FLAGS, EXISTS, RECENT
 * and, when there is a new keyword, FLAGS and PERMANENTFLAGS. Where the mailbox is gone it says so
 * and falls back to ST_AUTH (ERR_OK). An error means that s->told and the client differ: the
 * session must end. Writes what fits into the output; *ret_done is false when there is more:
 * imap_tell_more(). Without a selected mailbox there is no news. */
NODISCARD enum err imap_tell_news(struct imap_session *s, bool may_expunge, bool *ret_done);
bool imap_tell_more(struct imap_session *s);
/* News half told, forgotten at the end of the connection. */
void imap_news_release(struct imap_session *s);

/* "* FLAGS (…)" and "* OK [PERMANENTFLAGS (…)]" for s->told. */
void imap_write_flags_responses(struct imap_session *s);
/* The same for `now`, when it has keywords that the client was not told of: they come before the
 * first FETCH that shows one (RFC 3501 §7.2.6). */
void imap_tell_keywords(struct imap_session *s, const struct view *now);
/* The selected mailbox was deleted: says so once, s->lost. */
void imap_lose_mailbox(struct imap_session *s);

#endif

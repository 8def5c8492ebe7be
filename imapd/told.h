/* imapd/told.h - what one session has been told of its mailbox, and telling it the rest.
 *
 * s->told is a snapshot (store/view.h); sequence numbers are positions in it and stay what they
 * are until imap_tell_news() says otherwise. \Recent is a session's own: the UIDs it was the first
 * to be told of (RFC 3501 §2.3.2).
 *
 * How news reads depends on what the client has enabled:
 *
 *	classic       "n EXPUNGE"      "n FETCH ([UID u] FLAGS (…))"             EXISTS and RECENT
 *	EN_CONDSTORE                   "n FETCH (UID u FLAGS (…) MODSEQ (m))"    RFC 7162 §3.2.4
 *	EN_QRESYNC    "VANISHED u:u"                                             §3.2.10.2
 *	EN_UIDONLY    "VANISHED u:u"   "u UIDFETCH (FLAGS (…))"                  RFC 9586 §3
 *	EN_REV2                                                                  no RECENT: RFC 9051
 *
 * Who else has to hear of it, search contexts (RFC 5267) and NOTIFY (RFC 5465), is a listener.
 */
#ifndef IMAPD_TOLD_H
#define IMAPD_TOLD_H

#include "common/base/err.h"
#include "imapd/imap_go.h"
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

/* The selected mailbox as it is now and as our user sees it: view_current_as(). */
NODISCARD enum err imap_current_view(const struct imap_session *s, struct view **ret);

/* Catches up with the database: EXPUNGE (where `may_expunge`), FETCH with FLAGS, EXISTS, RECENT
 * and, when there is a new keyword, FLAGS and PERMANENTFLAGS. Where the mailbox is gone it says so
 * and falls back to ST_AUTH (ERR_OK). An error means that s->told and the client differ: the
 * session must end. Writes what fits into the output; unless *ret_go is GO_ON there is more:
 * imap_tell_more() in a later turn. Without a selected mailbox there is no news.
 *
 * A MODSEQ tells a client that it knows all that has happened before it. Where that is not so,
 * because an EXPUNGE had to wait, HIGHESTMODSEQ says how far it does know (RFC 7162 §3.2). */
NODISCARD enum err imap_tell_news(struct imap_session *s, bool may_expunge, enum imap_go *ret_go);
enum imap_go imap_tell_more(struct imap_session *s);
/* News half told, forgotten at the end of the connection. */
void imap_news_release(struct imap_session *s);

/* "* FLAGS (…)" and "* OK [PERMANENTFLAGS (…)]" for s->told. */
void imap_write_flags_responses(struct imap_session *s);
/* The same for `now`, when it has keywords that the client was not told of: they come before the
 * first FETCH that shows one (RFC 3501 §7.2.6). */
void imap_tell_keywords(struct imap_session *s, const struct view *now);
/* The selected mailbox was deleted: says so once, s->lost. */
void imap_lose_mailbox(struct imap_session *s);

/* -- how responses begin and what they hold, as the client has enabled */

/* EXPUNGE reads VANISHED (RFC 7162 §3.2.10). */
bool imap_says_vanished(const struct imap_session *s);
/* "* 3 FETCH (", where EN_UIDONLY "* 17 UIDFETCH (". */
void imap_open_fetch(struct imap_session *s, uint32_t seq, uint32_t uid);
/* "MODSEQ (715)". */
void imap_write_modseq(struct imap_session *s, uint64_t modseq);

/* RFC 7162 §3.1: a CONDSTORE enabling command. The first one in a selected mailbox answers with its
 * HIGHESTMODSEQ. */
void imap_enable_condstore(struct imap_session *s);
/* "* OK [HIGHESTMODSEQ n]": up to where the client has been told everything. */
void imap_write_highest_modseq(struct imap_session *s);

/* -- who else hears of it */

/* Not told, though s->told moves on: NOTIFY without the event (RFC 5465 §5). */
enum told_mute {
	MUTE_FLAGS = 1, /* no FETCH for what others changed */
	MUTE_ALL = 3, /* no news at all, unless the session has expunged something itself */
};

/* Embedded first in what listens. Called by the session's thread. */
struct told_listener {
	/* s->told becomes `is`; it was `was`. By news, before anything of it is written, or (`own`)
	 * since the session has changed flags itself, which its command reports. view_compare()
	 * gives the difference; a view that is needed longer is kept by view_ref(). Where `is` has
	 * kept what is gone (imap_tell_news() without `may_expunge`), it comes as expunged later.
	 * An error ends the session. */
	enum err (*moved)(struct told_listener *l, struct imap_session *s, struct view *was,
	    struct view *is, bool own);
	/* Writes what has to come before EXPUNGE and VANISHED: sequence numbers are those of the
	 * first `was` since these two were last called. And what comes behind EXISTS, numbers
	 * being those of s->told. Both after every command that tells news, and in IDLE, also
	 * where there is none but `pending` is set. They write until conn_out_full() or
	 * PUMP_STEP_MS are over; GO_DRAIN, GO_AGAIN: there is more, call again; GO_ON: done. May be
	 * NULL. */
	enum imap_go (*before_expunge)(struct told_listener *l, struct imap_session *s);
	enum imap_go (*after_exists)(struct told_listener *l, struct imap_session *s);
	/* The mailbox is left, or the session over; the list no longer has it. */
	void (*release)(struct told_listener *l);
	bool last; /* it writes behind all others */
	bool pending; /* set by moved(): there is something to write, even without news */
	struct told_listener *next;
};

/* Heard in the order in which they came, those that are `last` after the others. */
void imap_listen(struct imap_session *s, struct told_listener *l);
/* Takes it out of the list, without release(). Not from within one of its functions. */
void imap_unlisten(struct imap_session *s, struct told_listener *l);
/* All of them, with release(). */
void imap_release_listeners(struct imap_session *s);
/* Whoever moves s->told by himself says so: own_flags.c. */
NODISCARD enum err imap_told_moved(
    struct imap_session *s, struct view *was, struct view *is, bool own);

#endif

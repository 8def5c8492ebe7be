/* imapd/own_flags.h - a session's own flag changes, by STORE or by reading (RFC 3501 §6.4.5 sets
 * \Seen): they are reported by the command that made them and not a second time as news.
 */
#ifndef IMAPD_OWN_FLAGS_H
#define IMAPD_OWN_FLAGS_H

#include "imapd/imap_session.h"
#include "store/message.h"

struct own_flags {
	/* The mailbox as it was after the change; names the keywords, which may be newer than
	 * s->told. A reference; NULL when nothing was changed. */
	struct view *now;
	/* All that were to be changed, less those that are gone or failed the condition, in the
	 * arena of the command; also such that the client was not told of. */
	struct uidset uids;
	/* Those of them whose flags are not what this change alone would have made of what the
	 * client knew: another session changed them too. */
	struct uidset surprises;
	/* Those of them that have a modseq which the client does not know, where it wants to
	 * (EN_CONDSTORE). */
	struct uidset moved;
	/* Those that failed UNCHANGEDSINCE. */
	struct uidset modified;
	/* Some that the client knows had been expunged. */
	bool missing;
};

/* Makes the change and brings s->told to it; says which keywords are new. Only what was not changed
 * after `unchanged_since` (RFC 7162 §3.1.3), or MODSEQ_ANY. ERR_GONE: the mailbox was deleted. */
NODISCARD enum err own_flags_store(struct imap_session *s, struct imap_cmd *cmd,
    const struct uidset *uids, enum flags_op op, const struct flag_list *flags,
    uint64_t unchanged_since, struct own_flags *ret);
void own_flags_done(struct own_flags *o);

/* "FLAGS (\Seen)" for an entry of s->told. */
void own_flags_write(const struct own_flags *o, struct imap_session *s, const struct view_entry *e);

#endif

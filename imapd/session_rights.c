#include "imapd/session_rights.h"

#include "store/acl.h"

uint64_t
imap_flags_of_rights(unsigned rights)
{
	uint64_t flags = 0;

	if (rights & RIGHT_SEEN)
		flags |= FLAG_SEEN;
	if (rights & RIGHT_DELETE)
		flags |= FLAG_DELETED;
	if (rights & RIGHT_WRITE)
		flags |= ~(FLAG_SEEN | FLAG_DELETED);
	return flags;
}

struct actor
imap_actor(const struct imap_session *s)
{
	return (struct actor){.viewer = s->viewer, .may = imap_flags_of_rights(s->rights)};
}

void
imap_cut_flags(unsigned rights, struct flag_list *list)
{
	uint64_t may = imap_flags_of_rights(rights);

	list->system &= may;
	if (!(may & FLAG_KEYWORDS))
		list->keyword_count = 0;
}

enum err
imap_need(const struct imap_session *s, unsigned rights)
{
	return (s->rights & rights) == rights ? ERR_OK : ERR_DENIED;
}

bool
imap_may_change(unsigned rights)
{
	/* \Seen is no shared flag */
	return rights & (RIGHT_INSERT | RIGHT_EXPUNGE | RIGHT_WRITE | RIGHT_DELETE);
}

enum err
imap_look_at_rights(struct imap_session *s)
{
	unsigned rights = 0;

	if (!s->mailbox || !s->viewer)
		return ERR_OK;
	enum err e = acl_rights(s->owner, s->mailbox, s->viewer, &rights);
	if (e == ERR_GONE) { /* its owner's account was removed */
		imap_lose_mailbox(s);
		return ERR_OK;
	}
	if (e || rights == s->rights)
		return e;
	uint64_t was = imap_flags_of_rights(s->rights);
	s->rights = rights;
	if (!(rights & RIGHT_READ))
		imap_lose_mailbox(s);
	else if (imap_flags_of_rights(rights) != was)
		imap_write_flags_responses(s);
	return ERR_OK;
}

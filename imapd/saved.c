#include "imapd/saved.h"

#include "imapd/imap_session.h"

void
imap_forget_saved(struct imap_session *s)
{
	free(s->saved.r);
	s->saved = (struct uidset){0};
}

enum err
imap_save_found(struct imap_session *s, const struct uidset *uids)
{
	imap_forget_saved(s);
	if (uids->n > SAVED_RANGES_MAX)
		return ERR_LIMIT;
	if (uids->n == 0)
		return ERR_OK;
	struct uid_range *r = malloc(uids->n * sizeof(*r));
	if (!r)
		return ERR_NOMEM;
	memcpy(r, uids->r, uids->n * sizeof(*r));
	s->saved = (struct uidset){.r = r, .n = uids->n, .cap = uids->n};
	return ERR_OK;
}

#include "smtpd/policy.h"

enum err
policy_sender(struct smtp_session *s, struct str sender)
{
	/* The null sender is for receipts that mail programs send (RFC 8098 §3). */
	if (!smtp_submits(s) || sender.n == 0)
		return ERR_OK;
	return directory_may_send_as(s->svc->store, s->account, sender);
}

/* A hint, so that the client hears it before it sends the message; delivery decides again. */
static enum err
check_room(struct smtp_session *s, int64_t id, uint64_t size)
{
	CLEANUP(account_unref) struct account *a = NULL;
	enum err e = account_open(s->svc->store, id, &a);

	if (e == ERR_NOT_FOUND)
		return ERR_NO_USER; /* removed this very moment */
	if (!e)
		e = account_has_room(a, size ? size : 1);
	return smtp_store_error(e);
}

/* The directory knows the domains that are served and nothing else: percent hacks, bang paths and
 * address literals are names it does not have, a source route was thrown away by the parser. So
 * there is no spelling that relays. */
enum err
policy_recipient(struct smtp_session *s, struct str address, uint64_t size, struct arena *arena,
    struct recipient **ret, size_t *ret_n, bool *ret_partly)
{
	enum err e = directory_resolve(s->svc->store, address, arena, ret, ret_n);
	enum err first = ERR_OK;
	size_t roomy = 0;

	for (size_t i = 0; !e && i < *ret_n; i++) {
		if (!(*ret)[i].account)
			continue;
		enum err room = check_room(s, (*ret)[i].account, size);
		roomy += !room;
		first = first ? first : room;
	}
	*ret_partly = first && roomy;
	return e || roomy ? e : first;
}

#include "imapd/message_limit.h"

#include "imapd/told_walk.h"

/* How many entries of s->told the set has with these flags, and the UID of the one that has `below`
 * such ones in front of it. */
static uint32_t
uid_behind(const struct imap_session *s, const struct uidset *uids, uint64_t mask, uint64_t below,
    uint64_t *ret_count)
{
	struct told_walk walk = {.uids = uids};
	const struct view_entry *e;
	uint32_t seq, found = 0;

	*ret_count = 0;
	for (; (e = told_walk_peek_flags(&walk, s->told, mask, mask, &seq));
	     told_walk_pass(&walk, e->uid))
		if ((*ret_count)++ == below)
			found = e->uid;
	return found;
}

/* `uids` from `lowest` on. */
static enum err
cut_below(struct imap_cmd *cmd, struct uidset *uids, uint32_t lowest)
{
	struct uidset rest;
	enum err e = ERR_OK;

	uidset_init(&rest, cmd->arena);
	for (size_t i = 0; i < uids->n && !e; i++)
		if (uids->r[i].hi >= lowest)
			e = uidset_add(
			    &rest, uids->r[i].lo > lowest ? uids->r[i].lo : lowest, uids->r[i].hi);
	if (!e)
		*uids = rest;
	return e;
}

enum err
imap_limit_messages(
    struct imap_session *s, struct imap_cmd *cmd, struct uidset *uids, uint64_t mask)
{
	uint32_t limit = s->conf->imapd.message_limit;
	uint64_t count, ignored;

	if (limit == 0 || view_count(s->told) <= limit)
		return ERR_OK;
	uid_behind(s, uids, mask, UINT64_MAX, &count);
	if (count <= limit)
		return ERR_OK;
	cmd->limited_to = uid_behind(s, uids, mask, count - limit, &ignored);
	return cut_below(cmd, uids, cmd->limited_to);
}

enum err
imap_refuse_beyond_limit(struct imap_session *s, struct imap_cmd *cmd, const struct uidset *uids)
{
	struct uidset some = *uids;
	enum err e = imap_limit_messages(s, cmd, &some, 0);

	if (e || cmd->limited_to == 0)
		return e;
	imap_set_code(cmd, "MESSAGELIMIT %u %u", s->conf->imapd.message_limit, cmd->limited_to);
	imap_set_text(cmd, "Too many messages, try fewer");
	cmd->limited_to = 0;
	return ERR_LIMIT;
}

void
imap_write_message_limit(struct imap_session *s, struct imap_cmd *cmd, bool taken)
{
	uint32_t limit = s->conf->imapd.message_limit;

	if (cmd->limited_to == 0)
		return;
	if (taken) {
		conn_printf(s->conn, "* NO [MESSAGELIMIT %u %u] Only the last %u messages\r\n",
		    limit, cmd->limited_to, limit);
		return;
	}
	imap_set_code(cmd, "MESSAGELIMIT %u %u", limit, cmd->limited_to);
	imap_set_text(cmd, "Only the last %u messages", limit);
}

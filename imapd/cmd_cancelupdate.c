/*
 * CANCELUPDATE: RFC 5267 §4.3.5.
 */
#include "imapd/context.h"
#include "imapd/imap_handlers.h"

enum err
cmd_cancelupdate(struct imap_session *s, struct imap_cmd *cmd)
{
	struct str tags[CONTEXTS_MAX];
	size_t n = 0;
	bool all = true;

	imap_parse_space(cmd->args);
	do {
		struct str tag;
		imap_parse_astring(cmd->args, &tag);
		if (n == CONTEXTS_MAX)
			imap_parse_fail(cmd->args, ERR_LIMIT, "fewer tags");
		else
			tags[n++] = tag;
	} while (imap_accept_space(cmd->args));
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;
	for (size_t i = 0; i < n; i++)
		all &= context_cancel(s, tags[i]);
	if (!all)
		imap_set_text(cmd, "No search with UPDATE has this tag");
	return all ? ERR_OK : ERR_CANNOT;
}

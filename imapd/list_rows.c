#include "imapd/list_rows.h"

enum err
imap_list_rows(struct imap_session *s, struct imap_cmd *cmd, struct list_rows *ret)
{
	struct mailbox_info *list;
	size_t n;
	enum err e = mailbox_list(s->account, cmd->arena, &list, &n);

	if (e)
		return e;
	ret->row = arena_alloc_array(cmd->arena, n, sizeof(*ret->row));
	if (!ret->row)
		return ERR_NOMEM;
	ret->n = n;
	for (size_t i = 0; i < n; i++)
		ret->row[i] = (struct list_row){.name = list[i].name,
		    .folder = {.account = s->account,
			.name = list[i].name,
			.info = list[i],
			.rights = RIGHTS_ALL}};
	return ERR_OK;
}

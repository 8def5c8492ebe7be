#include "imapd/folder.h"

enum err
imap_locate_folder(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret)
{
	(void)cmd;
	*ret = (struct imap_folder){.account = s->account, .name = name, .rights = RIGHTS_ALL};
	return ERR_OK;
}

enum err
imap_find_folder(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret)
{
	enum err e = imap_locate_folder(s, cmd, name, ret);

	if (!e)
		e = mailbox_find(ret->account, ret->name, cmd->arena, &ret->info);
	if (!e && ret->info.noselect)
		return ERR_CANNOT;
	if (!e && ret->info.id == 0)
		return ERR_NOT_FOUND;
	return e;
}

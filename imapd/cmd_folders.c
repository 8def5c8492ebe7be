/*
 * CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE: RFC 3501 §6.3.3 to §6.3.7, CREATE's USE: RFC 6154
 * §3.
 */
#include "imapd/folder.h"
#include "imapd/imap_handlers.h"
#include "imapd/list_line.h"
#include "imapd/notify.h"
#include "imapd/objectid.h"
#include "imapd/special_use.h"

struct use_reader {
	struct str words; /* as they stand there */
	size_t from;
};

static void
parse_use(struct imap_args *a, void *arg)
{
	struct use_reader *r = arg;
	struct str name;
	size_t from = a->c.pos;

	imap_parse_char(a, '\\', "a special use such as \\Sent");
	imap_parse_atom(a, &name);
	if (a->c.err)
		return;
	if (r->words.n == 0)
		r->from = from;
	r->words = str_sub(a->c.in, r->from, a->c.pos - r->from);
}

enum err
cmd_create(struct imap_session *s, struct imap_cmd *cmd)
{
	struct use_reader r = {.words = {"", 0}};
	struct str use = {"", 0};
	struct imap_folder folder;
	char object[OBJECTID_ROOM];
	struct str name;
	int64_t id;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &name);
	if (imap_accept_space(cmd->args)) {
		imap_parse_char(cmd->args, '(', "an opening parenthesis");
		imap_parse_word(cmd->args, "USE");
		imap_parse_space(cmd->args);
		imap_parse_list(cmd->args, true, parse_use, &r);
		imap_parse_char(cmd->args, ')', "a closing parenthesis");
	}
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;
	if (r.words.n > 0)
		e = imap_read_special_use(r.words, cmd->arena, &use);
	if (e == ERR_CANNOT)
		imap_set_code(cmd, "USEATTR");
	if (e)
		return e;
	e = imap_locate_folder(s, cmd, name, &folder);
	if (!e && use.n > 0 && folder.account != s->account) { /* uses are a user's own */
		imap_set_code(cmd, "USEATTR");
		return ERR_CANNOT;
	}
	if (!e)
		e = imap_may_create(s, cmd, name, &folder);
	if (!e)
		e = mailbox_create(folder.account, folder.name, use, &id);
	if (e == ERR_SYNTAX) { /* well-formed for IMAP, but no name for the store */
		imap_set_text(cmd, "Not a valid mailbox name");
		return ERR_CANNOT;
	}
	if (e)
		return e;
	mailbox_objectid(object, folder.account, id);
	imap_set_code(cmd, "MAILBOXID (%s)", object); /* RFC 8474 §4.1 */
	imap_notify_own_name(s, name);
	imap_tell_normal_name(s, cmd, "", name, name);
	return ERR_OK;
}

static enum err
parse_name(struct imap_cmd *cmd, struct str *ret)
{
	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, ret);
	return imap_parse_end(cmd->args);
}

/* A name the store finds no name is, for these commands, one that does not exist. */
static enum err
as_missing(enum err e)
{
	return e == ERR_SYNTAX ? ERR_NOT_FOUND : e;
}

enum err
cmd_delete(struct imap_session *s, struct imap_cmd *cmd)
{
	struct imap_folder folder = {0};
	struct str name;
	enum err e = parse_name(cmd, &name);

	if (!e)
		e = imap_locate_folder(s, cmd, name, &folder);
	if (!e)
		e = imap_require(folder.rights, RIGHT_DELETE_MAILBOX);
	if (!e)
		e = as_missing(mailbox_delete(folder.account, folder.name));
	if (!e) {
		imap_notify_own_name(s, name);
		imap_tell_normal_name(s, cmd, "\\NonExistent", name, name);
	}
	return e;
}

enum err
cmd_rename(struct imap_session *s, struct imap_cmd *cmd)
{
	struct imap_folder source = {0}, target = {0};
	struct str from, to;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &from);
	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &to);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = imap_locate_folder(s, cmd, from, &source);
	if (!e)
		e = imap_require(source.rights, RIGHT_DELETE_MAILBOX);
	if (!e)
		e = imap_locate_folder(s, cmd, to, &target);
	if (!e)
		e = imap_may_create(s, cmd, to, &target);
	if (!e && source.account != target.account) {
		imap_set_text(cmd, "A mailbox can't go to another user");
		return ERR_CANNOT;
	}
	/* that of another's INBOX would take all mail away from where he gets it */
	if (!e && source.viewer && str_eq(source.info.name, STR("INBOX")))
		return ERR_CANNOT;
	if (e)
		return e;
	e = mailbox_rename(source.account, source.name, target.name);
	if (!e) {
		imap_notify_own_name(s, from);
		imap_notify_own_name(s, to);
		imap_tell_normal_name(s, cmd, "", from, to);
	}
	return e == ERR_SYNTAX ? ERR_CANNOT : e;
}

enum err
cmd_subscribe(struct imap_session *s, struct imap_cmd *cmd)
{
	struct imap_folder folder = {0};
	struct str name;
	enum err e = parse_name(cmd, &name);

	if (!e)
		e = imap_locate_folder(s, cmd, name, &folder);
	if (!e && folder.viewer)
		e = imap_require(folder.rights, RIGHT_LOOKUP); /* RFC 4314 §4 */
	if (e)
		return e;
	struct str full = folder.viewer ? imap_shared_name(cmd->arena, &folder) : folder.name;
	if (!full.p)
		return ERR_NOMEM;
	e = folder.viewer ? mailbox_subscribe_other(s->account, full)
			  : as_missing(mailbox_subscribe(s->account, full, true));
	if (!e)
		imap_notify_own_name(s, full);
	return e;
}

enum err
cmd_unsubscribe(struct imap_session *s, struct imap_cmd *cmd)
{
	struct imap_folder folder = {0};
	struct str name;
	enum err e = parse_name(cmd, &name);

	if (e)
		return e;
	/* No right is needed, nor does the mailbox have to be there. */
	if (imap_locate_folder(s, cmd, name, &folder) == ERR_OK)
		name = folder.viewer ? imap_shared_name(cmd->arena, &folder) : folder.name;
	if (!name.p)
		return ERR_NOMEM;
	e = as_missing(mailbox_subscribe(s->account, name, false));
	if (!e)
		imap_notify_own_name(s, name);
	return e;
}

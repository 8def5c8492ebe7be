/*
 * GETACL, SETACL, DELETEACL, LISTRIGHTS, MYRIGHTS: RFC 4314 §3.
 */
#include "store/acl.h"

#include "imapd/folder.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"

/* §3: what can't be an identifier is BAD. */
static enum err
identify(struct imap_session *s, struct imap_cmd *cmd, struct str identifier, struct acl_who *ret,
    struct str *ret_name)
{
	enum err e = acl_identify(s->service->store, identifier, cmd->arena, ret, ret_name);

	if (e == ERR_SYNTAX)
		imap_set_text(cmd, "Expected an address, \"anyone\" or \"authenticated\"");
	else if (e == ERR_NO_USER)
		imap_set_text(cmd, "There is no such user");
	return e;
}

static void
write_rights(struct imap_session *s, unsigned rights)
{
	char letters[ACL_LETTERS_MAX];

	conn_puts(s->conn, " ");
	imap_write_astring(s->conn, acl_print_rights(rights, letters));
}

/* -- GETACL */

struct listing {
	struct str name, owner;
	struct acl_entry *list;
	size_t n;
};

/* The owner's address comes first: it has no entry, but all rights. */
static enum err
write_acl(struct imap_session *s, struct imap_cmd *cmd, const struct listing *l)
{
	(void)cmd;
	conn_puts(s->conn, "* ACL ");
	imap_write_mailbox(s, l->name);
	conn_puts(s->conn, " ");
	imap_write_astring(s->conn, l->owner);
	write_rights(s, RIGHTS_ALL);
	for (size_t i = 0; i < l->n; i++) {
		conn_puts(s->conn, " ");
		imap_write_astring(s->conn, l->list[i].identifier);
		write_rights(s, l->list[i].rights);
	}
	conn_puts(s->conn, "\r\n");
	return ERR_OK;
}

enum err
cmd_getacl(struct imap_session *s, struct imap_cmd *cmd)
{
	struct imap_folder folder;
	struct listing l = {.n = 0};

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &l.name);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = imap_find_folder_for(s, cmd, l.name, RIGHT_ADMIN, &folder);
	if (!e)
		e = acl_list(folder.account, folder.info.id, cmd->arena, &l.list, &l.n);
	if (e)
		return e;
	l.owner = folder.viewer ? folder.owner : str_of(s->user);
	return write_acl(s, cmd, &l);
}

/* -- SETACL, DELETEACL */

/* "+lr", "-w", "lrs": §3.1. Other letters are BAD, and so are capital ones. */
static enum err
parse_change(
    struct imap_cmd *cmd, struct str text, size_t at, enum acl_op *ret_op, unsigned *ret_rights)
{
	*ret_op = ACL_SET;
	if (text.n > 0 && (text.p[0] == '+' || text.p[0] == '-')) {
		*ret_op = text.p[0] == '+' ? ACL_ADD : ACL_REMOVE;
		text = str_skip(text, 1);
	}
	enum err e = acl_parse_rights(text, ret_rights);
	if (e)
		imap_set_text(cmd, "Expected rights out of lrswipkxteacd at position %zu", at + 1);
	return e;
}

/* What is shared with everybody stands in everybody's list, wanted or not. */
static bool
may_share_with(const struct imap_session *s, struct acl_who who)
{
	bool all = who.account == ACL_ANYONE || who.account == ACL_AUTHENTICATED;

	return !all || who.negative || s->conf->imapd.share_with_all || imap_is_admin(s);
}

static enum err
change_acl(struct imap_session *s, struct imap_cmd *cmd, struct str name, struct str identifier,
    enum acl_op op, unsigned rights)
{
	struct imap_folder folder;
	struct acl_who who = {0};
	struct str canonical = {NULL, 0};
	enum err e = imap_find_folder_for(s, cmd, name, RIGHT_ADMIN, &folder);

	if (!e)
		e = identify(s, cmd, identifier, &who, &canonical);
	if (!e && op != ACL_REMOVE && rights && !may_share_with(s, who)) {
		imap_set_code(cmd, "NOPERM");
		imap_set_text(cmd, "Sharing with everybody is switched off here");
		return ERR_DENIED;
	}
	if (!e)
		e = acl_change(folder.account, folder.info.id, who, canonical, op, rights);
	if (e == ERR_CANNOT && who.account == account_id(folder.account))
		imap_set_text(cmd, "The owner of a mailbox always has all rights");
	return e;
}

enum err
cmd_setacl(struct imap_session *s, struct imap_cmd *cmd)
{
	struct str name, identifier, text;
	enum acl_op op;
	unsigned rights;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &name);
	imap_parse_space(cmd->args);
	imap_parse_astring(cmd->args, &identifier);
	imap_parse_space(cmd->args);
	size_t at = cmd->args->c.pos;
	imap_parse_astring(cmd->args, &text);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = parse_change(cmd, text, at, &op, &rights);
	return e ? e : change_acl(s, cmd, name, identifier, op, rights);
}

enum err
cmd_deleteacl(struct imap_session *s, struct imap_cmd *cmd)
{
	struct str name, identifier;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &name);
	imap_parse_space(cmd->args);
	imap_parse_astring(cmd->args, &identifier);
	enum err e = imap_parse_end(cmd->args);
	return e ? e : change_acl(s, cmd, name, identifier, ACL_SET, 0);
}

/* -- LISTRIGHTS, MYRIGHTS */

/* §3.4: the identifier as the client wrote it; what it always has, then what it may be given, no
 * right tied to another. */
enum err
cmd_listrights(struct imap_session *s, struct imap_cmd *cmd)
{
	struct str name, identifier, canonical;
	struct imap_folder folder;
	struct acl_who who;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &name);
	imap_parse_space(cmd->args);
	imap_parse_astring(cmd->args, &identifier);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = imap_find_folder_for(s, cmd, name, RIGHT_ADMIN, &folder);
	if (!e)
		e = identify(s, cmd, identifier, &who, &canonical);
	if (e)
		return e;
	conn_puts(s->conn, "* LISTRIGHTS ");
	imap_write_mailbox(s, name);
	conn_puts(s->conn, " ");
	imap_write_astring(s->conn, identifier);
	if (who.account == account_id(folder.account) && !who.negative)
		write_rights(s, RIGHTS_ALL);
	else
		conn_puts(s->conn, " \"\" l r s w i p k x t e c d a");
	conn_puts(s->conn, "\r\n");
	return ERR_OK;
}

enum err
cmd_myrights(struct imap_session *s, struct imap_cmd *cmd)
{
	struct imap_folder folder;
	struct str name;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &name);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = imap_find_folder_for(s, cmd, name, 0, &folder);
	if (e)
		return e;
	conn_puts(s->conn, "* MYRIGHTS ");
	imap_write_mailbox(s, name);
	write_rights(s, folder.rights);
	conn_puts(s->conn, "\r\n");
	return ERR_OK;
}

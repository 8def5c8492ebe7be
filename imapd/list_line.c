#include "imapd/list_line.h"

#include "imapd/imap_write.h"

/* The name as it is kept; what can't be one is left as it is. */
static struct str
normal_form(struct imap_cmd *cmd, struct str name)
{
	struct str normal;

	return mailbox_normalise_name(name, cmd->arena, &normal) ? name : normal;
}

static void
write_end(struct imap_session *s, struct str name, struct str old)
{
	conn_puts(s->conn, ") \"/\" ");
	imap_write_mailbox(s, name);
	if (!str_eq(name, old)) {
		conn_puts(s->conn, " (\"OLDNAME\" (");
		imap_write_mailbox(s, old);
		conn_puts(s->conn, "))");
	}
	conn_puts(s->conn, "\r\n");
}

void
imap_tell_selected(
    struct imap_session *s, struct imap_cmd *cmd, struct str name, const struct imap_folder *folder)
{
	const struct mailbox_info *info = &folder->info;
	struct conn *c = s->conn;

	if (!(s->enabled & EN_REV2))
		return;
	conn_puts(c, "* LIST (");
	if (folder->account == s->account && info->subscribed)
		conn_puts(c, "\\Subscribed ");
	conn_puts(c, info->has_children ? "\\HasChildren" : "\\HasNoChildren");
	if (folder->account == s->account && info->special_use.n > 0) {
		conn_puts(c, " ");
		conn_put(c, info->special_use);
	}
	write_end(s, normal_form(cmd, name), name);
}

void
imap_tell_normal_name(struct imap_session *s, struct imap_cmd *cmd, const char *attributes,
    struct str old, struct str name)
{
	struct str normal = normal_form(cmd, name);

	if (!(s->enabled & EN_REV2))
		return;
	if (str_eq(normal, name) && str_eq(normal_form(cmd, old), old))
		return;
	conn_puts(s->conn, "* LIST (");
	conn_puts(s->conn, attributes);
	write_end(s, normal, old);
}

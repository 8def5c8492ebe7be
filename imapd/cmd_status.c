/*
 * STATUS: RFC 3501 §6.3.10; SIZE: RFC 8438; DELETED: RFC 9208 §4.1.4.
 */
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/status.h"

enum item {
	ITEM_MESSAGES,
	ITEM_RECENT,
	ITEM_UIDNEXT,
	ITEM_UIDVALIDITY,
	ITEM_UNSEEN,
	ITEM_SIZE,
	ITEM_DELETED,
	ITEM__COUNT
};

static const char *const names[ITEM__COUNT] = {
    "MESSAGES", "RECENT", "UIDNEXT", "UIDVALIDITY", "UNSEEN", "SIZE", "DELETED"};

static void
parse_status_item(struct imap_args *a, void *arg)
{
	unsigned *items = arg;

	for (unsigned i = 0; i < ITEM__COUNT; i++) {
		if (imap_accept_word(a, names[i])) {
			*items |= 1u << i;
			return;
		}
	}
	imap_parse_fail(
	    a, ERR_SYNTAX, "MESSAGES, RECENT, UIDNEXT, UIDVALIDITY, UNSEEN, SIZE or DELETED");
}

void
imap_parse_status_items(struct imap_args *a, unsigned *ret_items)
{
	*ret_items = 0;
	imap_parse_list(a, false, parse_status_item, ret_items);
}

/* Messages no session has been told of, and in the mailbox that is selected here those that are
 * \Recent here. */
static enum err
count_recent(struct imap_session *s, const struct mailbox_info *info, uint64_t *ret)
{
	CLEANUP(view_unref) struct view *v = NULL;

	*ret = info->id == s->mailbox && !s->read_only ? imap_count_recent(s) : 0;
	if (info->recent_from >= info->uidnext)
		return ERR_OK;
	enum err e = view_current(s->account, info->id, &v);
	if (!e)
		*ret += view_count(v) + 1 - view_seq_from(v, info->recent_from);
	return e;
}

static enum err
item_value(struct imap_session *s, const struct mailbox_info *info, unsigned item, uint64_t *ret)
{
	switch (item) {
	case ITEM_MESSAGES:
		*ret = info->messages;
		break;
	case ITEM_RECENT:
		return count_recent(s, info, ret);
	case ITEM_UIDNEXT:
		*ret = info->uidnext;
		break;
	case ITEM_UIDVALIDITY:
		*ret = info->uidvalidity;
		break;
	case ITEM_UNSEEN:
		*ret = info->unseen;
		break;
	case ITEM_SIZE:
		*ret = info->bytes;
		break;
	case ITEM_DELETED:
		*ret = info->deleted;
		break;
	}
	return ERR_OK;
}

enum err
imap_write_status(struct imap_session *s, const struct mailbox_info *info, unsigned items)
{
	uint64_t value[ITEM__COUNT] = {0};
	struct conn *c = s->conn;
	const char *separator = " (";

	for (unsigned i = 0; i < ITEM__COUNT; i++) {
		enum err e = items & 1u << i ? item_value(s, info, i, &value[i]) : ERR_OK;
		if (e)
			return e;
	}
	conn_puts(c, "* STATUS ");
	imap_write_mailbox(c, info->name);
	for (unsigned i = 0; i < ITEM__COUNT; i++) {
		if (!(items & 1u << i))
			continue;
		conn_puts(c, separator);
		conn_puts(c, names[i]);
		conn_puts(c, " ");
		imap_write_u64(c, value[i]);
		separator = " ";
	}
	conn_puts(c, ")\r\n");
	return ERR_OK;
}

enum err
cmd_status(struct imap_session *s, struct imap_cmd *cmd)
{
	struct mailbox_info info;
	struct str name;
	unsigned items;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &name);
	imap_parse_space(cmd->args);
	imap_parse_status_items(cmd->args, &items);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = mailbox_find(s->account, name, cmd->arena, &info);
	if (e)
		return e == ERR_SYNTAX && !cmd->args->c.err ? ERR_NOT_FOUND : e;
	if (info.id == 0 || info.noselect)
		return ERR_CANNOT;
	return imap_write_status(s, &info, items);
}

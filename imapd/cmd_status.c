/*
 * STATUS: RFC 3501 §6.3.10; SIZE: RFC 8438; APPENDLIMIT: RFC 7889; DELETED, DELETED-STORAGE: RFC
 * 9208 §4.1.4.
 */
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/objectid.h"
#include "imapd/status.h"

static const char *const names[ITEM__COUNT] = {
    [ITEM_MESSAGES] = "MESSAGES",
    [ITEM_RECENT] = "RECENT",
    [ITEM_UIDNEXT] = "UIDNEXT",
    [ITEM_UIDVALIDITY] = "UIDVALIDITY",
    [ITEM_UNSEEN] = "UNSEEN",
    [ITEM_SIZE] = "SIZE",
    [ITEM_DELETED] = "DELETED",
    [ITEM_HIGHESTMODSEQ] = "HIGHESTMODSEQ",
    [ITEM_DELETED_STORAGE] = "DELETED-STORAGE",
    [ITEM_APPENDLIMIT] = "APPENDLIMIT",
    [ITEM_MAILBOXID] = "MAILBOXID",
};

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
	imap_parse_fail(a, ERR_SYNTAX, "a status item such as MESSAGES");
}

void
imap_parse_status_items(struct imap_args *a, unsigned *ret_items)
{
	*ret_items = 0;
	imap_parse_list(a, false, parse_status_item, ret_items);
}

void
imap_enable_for_status(struct imap_session *s, unsigned items)
{
	if (items & STATUS_HIGHESTMODSEQ)
		imap_enable_condstore(s);
}

/* Messages no session has been told of, and in the mailbox that is selected here those that are
 * \Recent here. */
static enum err
count_recent(struct imap_session *s, const struct imap_folder *folder, uint64_t *ret)
{
	const struct mailbox_info *info = &folder->info;
	CLEANUP(view_unref) struct view *v = NULL;

	bool selected = folder->account == s->owner && info->id == s->mailbox;

	*ret = selected && !s->read_only ? imap_count_recent(s) : 0;
	if (info->recent_from >= info->uidnext)
		return ERR_OK;
	enum err e = view_current_as(folder->account, info->id, folder->viewer, &v);
	if (!e)
		*ret += view_count(v) + 1 - view_seq_from(v, info->recent_from);
	/* Deleted since it was found: what LIST has said of it stands (RFC 5819 §2). */
	return e == ERR_GONE ? ERR_OK : e;
}

/* What EXPUNGE would free: exactly what the quota counts. */
static enum err
sum_deleted(const struct imap_folder *folder, uint64_t *ret)
{
	CLEANUP(view_unref) struct view *v = NULL;
	struct uid_range range = {1, UINT32_MAX};
	struct view_hint hint = {0};
	const struct view_entry *entry;
	uint32_t seq;

	*ret = 0;
	if (folder->info.deleted == 0)
		return ERR_OK;
	enum err e = view_current_as(folder->account, folder->info.id, folder->viewer, &v);
	if (e)
		return e == ERR_GONE ? ERR_OK : e;
	while ((entry = view_find_flags(v, range, FLAG_DELETED, FLAG_DELETED, &hint, &seq))) {
		*ret += entry->size;
		if (entry->uid == UINT32_MAX)
			break;
		range.lo = entry->uid + 1;
	}
	return ERR_OK;
}

static enum err
item_value(struct imap_session *s, const struct imap_folder *folder, unsigned item, uint64_t *ret)
{
	const struct mailbox_info *info = &folder->info;

	switch (item) {
	case ITEM_MESSAGES:
		*ret = info->messages;
		break;
	case ITEM_RECENT:
		return count_recent(s, folder, ret);
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
	case ITEM_HIGHESTMODSEQ:
		*ret = info->highest_modseq;
		break;
	case ITEM_APPENDLIMIT: /* RFC 7889 §3.1 */
		*ret = s->conf->imapd.append_limit;
		break;
	case ITEM_DELETED_STORAGE:
		return sum_deleted(folder, ret);
	}
	return ERR_OK;
}

enum err
imap_write_status(
    struct imap_session *s, struct str name, const struct imap_folder *folder, unsigned items)
{
	uint64_t value[ITEM__COUNT] = {0};
	struct imap_folder seen = *folder;
	struct conn *c = s->conn;
	const char *separator = " (";

	enum err failed = imap_see_folder(&seen, items & 1u << ITEM_UNSEEN);
	if (failed)
		return failed;
	for (unsigned i = 0; i < ITEM__COUNT; i++) {
		enum err e = items & 1u << i ? item_value(s, &seen, i, &value[i]) : ERR_OK;
		if (e)
			return e;
	}
	conn_puts(c, "* STATUS ");
	imap_write_mailbox(s, name);
	for (unsigned i = 0; i < ITEM__COUNT; i++) {
		if (!(items & 1u << i))
			continue;
		conn_puts(c, separator);
		conn_puts(c, names[i]);
		conn_puts(c, " ");
		if (i == ITEM_MAILBOXID) {
			char id[OBJECTID_ROOM];
			mailbox_objectid(id, folder->account, folder->info.id);
			conn_printf(c, "(%s)", id);
		} else {
			imap_write_u64(c, value[i]);
		}
		separator = " ";
	}
	conn_puts(c, ")\r\n");
	return ERR_OK;
}

enum err
cmd_status(struct imap_session *s, struct imap_cmd *cmd)
{
	struct imap_folder folder;
	struct str name;
	unsigned items;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &name);
	imap_parse_space(cmd->args);
	imap_parse_status_items(cmd->args, &items);
	enum err e = imap_parse_end(cmd->args);
	if (!e)
		e = imap_find_folder(s, cmd, name, &folder);
	if (e)
		return e == ERR_SYNTAX && !cmd->args->c.err ? ERR_NOT_FOUND : e;
	imap_enable_for_status(s, items);
	return imap_write_status(s, name, &folder, items);
}

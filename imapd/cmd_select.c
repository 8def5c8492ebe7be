/*
 * SELECT and EXAMINE: RFC 3501 §6.3.1 and §6.3.2; their parameters: RFC 7162.
 */
#include "imapd/folder.h"
#include "imapd/imap_dispatch.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/list_line.h"
#include "imapd/notify.h"
#include "imapd/objectid.h"
#include "imapd/resync.h"
#include "imapd/session_rights.h"
#include "search/indexer.h"

#define SMALL_MAILBOX 1000 /* messages; its view takes some 40 KB */

/* The first message without \Seen, 0 if there is none. */
static uint32_t
first_unseen(const struct view *v)
{
	struct uid_range all = {1, UINT32_MAX};
	struct view_hint hint = {0};
	uint32_t seq;

	return view_find_flags(v, all, FLAG_SEEN, 0, &hint, &seq) ? seq : 0;
}

static void
write_state(struct imap_session *s)
{
	struct conn *c = s->conn;
	uint32_t unseen = first_unseen(s->told);
	char id[OBJECTID_ROOM];

	imap_write_flags_responses(s);
	conn_printf(c, "* %u EXISTS\r\n", view_count(s->told));
	if (!(s->enabled & EN_REV2))
		conn_printf(c, "* %u RECENT\r\n", imap_count_recent(s));
	/* RFC 9051 Appendix E, 11; RFC 9586 §3: a message number */
	if (unseen && !(s->enabled & (EN_REV2 | EN_UIDONLY)))
		conn_printf(c, "* OK [UNSEEN %u] First unseen\r\n", unseen);
	conn_printf(c, "* OK [UIDVALIDITY %u] UIDs valid\r\n", view_uidvalidity(s->told));
	conn_printf(c, "* OK [UIDNEXT %u] Predicted next UID\r\n", view_uidnext(s->told));
	imap_write_highest_modseq(s); /* RFC 7162 §3.1.2.1 */
	mailbox_objectid(id, s->owner, s->mailbox);
	conn_printf(c, "* OK [MAILBOXID (%s)] Ok\r\n", id); /* RFC 8474 §4.2 */
}

static enum err
open_mailbox(struct imap_session *s, struct imap_cmd *cmd, struct str name, bool read_only)
{
	struct imap_folder folder;

	enum err e = imap_find_folder(s, cmd, name, &folder);
	if (!e && folder.info.messages > SMALL_MAILBOX)
		e = imap_may_begin(s, cmd, MEMORY_FULL);
	if (e)
		return e;
	s->owner = account_ref(folder.account);
	s->mailbox = folder.info.id;
	s->rights = folder.rights;
	s->viewer = folder.viewer;
	s->read_only = read_only;
	/* One that can't be written now can be read all the same. */
	(void)!account_settle(s->owner);
	e = imap_claim_recent(s, &s->told);
	if (e) {
		imap_deselect(s);
		return e == ERR_GONE ? ERR_NOT_FOUND : e;
	}
	s->complete_modseq = view_modseq(s->told);
	imap_enter_state(s, ST_SELECTED);
	imap_notify_selected(s);
	imap_tell_selected(s, cmd, name, &folder);
	if (s->indexer && s->conf->imapd.search_index)
		s->indexing = indexer_enter(s->indexer, s->owner);
	return ERR_OK;
}

static enum err
select_mailbox(struct imap_session *s, struct imap_cmd *cmd, bool read_only)
{
	struct select_params params = {0};
	struct str name;

	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &name);
	imap_parse_select_params(cmd->args, s, &params);
	enum err e = imap_parse_end(cmd->args);
	if (e == ERR_SYNTAX && params.numbers)
		imap_set_code(cmd, "UIDREQUIRED"); /* RFC 9586 §3 */
	if (err_class(e) == ERR_CLASS_CLIENT)
		return e;
	if (s->state == ST_SELECTED) /* RFC 7162 §3.2.11 */
		conn_puts(s->conn, "* OK [CLOSED] The mailbox before is closed\r\n");
	imap_deselect(s); /* also when this fails: RFC 3501 §6.3.1 */
	s->lost = false;
	if (params.condstore)
		s->enabled |= EN_CONDSTORE;
	if (!e)
		e = open_mailbox(s, cmd, name, read_only);
	if (e)
		return e;
	write_state(s);
	imap_set_code(cmd, read_only || !imap_may_change(s->rights) ? "READ-ONLY" : "READ-WRITE");
	return imap_resync(s, cmd, &params);
}

enum err
cmd_select(struct imap_session *s, struct imap_cmd *cmd)
{
	return select_mailbox(s, cmd, false);
}

enum err
cmd_examine(struct imap_session *s, struct imap_cmd *cmd)
{
	return select_mailbox(s, cmd, true);
}

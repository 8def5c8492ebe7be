/*
 * COPY and UID COPY, RFC 3501 §6.4.7, MOVE and UID MOVE, RFC 6851. All messages or none.
 */
#include "imapd/folder.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/message_limit.h"
#include "imapd/notify.h"
#include "imapd/session_rights.h"
#include "store/message.h"

/* Ranges of a COPYUID, both sides together; beyond, the code is left out: it is a help (RFC 4315 §3
 * SHOULD), and a line of many megabytes is none. */
#define COPYUID_RANGES_MAX 50000

static bool
is_deleted(const struct imap_folder *folder, struct imap_cmd *cmd)
{
	struct mailbox_info info;

	return mailbox_get(folder->account, folder->info.id, cmd->arena, &info) == ERR_GONE;
}

/* Messages that another session has expunged: a UID that is no more is ignored (RFC 3501 §6.4.8),
 * but a client that names sequence numbers believes that they are there. COPY is all or nothing
 * (§6.4.7, RFC 2180 §4.4.1); MOVE says what it moved. */
static enum err
run_transfer(struct imap_session *s, struct imap_cmd *cmd, const struct uidset *uids,
    const struct imap_folder *target, bool move, struct copied *ret)
{
	const struct transfer x = {.from_account = s->owner,
	    .to_account = target->account,
	    .from = s->mailbox,
	    .to = target->info.id,
	    .uids = uids,
	    .count = move || cmd->uid ? 0 : imap_count_told(s, uids),
	    .from_viewer = s->viewer,
	    .actor = {target->viewer, imap_flags_of_rights(target->rights)}, /* RFC 4314 §4 */
	    .move = move,
	    .promise = s->owner == target->account ? imap_promise(s, s->owner) : NULL};
	enum err e = message_transfer(&x, cmd->arena, ret);
	if (!e && !cmd->uid && ret->from.n == 0)
		e = ERR_STALE;
	if (e == ERR_STALE) {
		imap_set_code(cmd, "EXPUNGEISSUED"); /* RFC 5530 §3 */
		imap_set_text(cmd, "Some of the messages no longer exist");
	}
	return e;
}

/* What COPY and MOVE share; *ret is empty when no message was left to transfer. */
static enum err
transfer_messages(struct imap_session *s, struct imap_cmd *cmd, bool move, struct copied *ret)
{
	struct uidset uids;
	struct str dest;
	struct imap_folder target;

	imap_parse_space(cmd->args);
	imap_parse_msgset(cmd->args, s->told, cmd->uid, &uids);
	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &dest);
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;

	e = imap_find_folder_for(s, cmd, dest, RIGHT_INSERT, &target);
	if (!e && move) /* RFC 6851 §4.2: what STORE of \Deleted and EXPUNGE need */
		e = imap_need(s, RIGHT_DELETE | RIGHT_EXPUNGE);
	if (!e)
		e = move ? imap_limit_messages(s, cmd, &uids, 0)
			 : imap_refuse_beyond_limit(s, cmd, &uids);
	/* a "$" that is empty is no mistake (RFC 5182 §2.1) */
	bool any = cmd->uid ? uids.n > 0 : imap_count_told(s, &uids) > 0;
	if (!e && any)
		e = run_transfer(s, cmd, &uids, &target, move, ret);
	for (size_t i = 0; !e && i < ret->to.n; i++)
		imap_notify_own_messages(s, account_id(target.account), target.info.id,
		    ret->to.r[i].lo, ret->to.r[i].hi);
	if (e == ERR_GONE && is_deleted(&target, cmd))
		e = ERR_NOT_FOUND;
	if (e == ERR_NOT_FOUND)
		imap_set_code(cmd, "TRYCREATE"); /* §6.4.7: MUST */
	if (!e && !(target.rights & RIGHT_READ))
		ret->uidvalidity = 0; /* what is there is not for them to know (RFC 4315 §3) */
	return e;
}

static bool
has_copyuid(const struct copied *copied)
{
	return copied->uidvalidity != 0 && copied->from.n > 0 &&
	       copied->from.n + copied->to.n <= COPYUID_RANGES_MAX;
}

enum err
cmd_copy(struct imap_session *s, struct imap_cmd *cmd)
{
	struct copied copied = {0};
	enum err e = transfer_messages(s, cmd, false, &copied);

	if (!e && has_copyuid(&copied))
		imap_set_copyuid(cmd, &copied); /* RFC 4315 §3 */
	return e;
}

enum err
cmd_move(struct imap_session *s, struct imap_cmd *cmd)
{
	struct copied copied = {0};
	enum err e = transfer_messages(s, cmd, true, &copied);

	cmd->says_modseq = copied.from.n > 0; /* RFC 7162 §3.2 */
	/* RFC 6851 §4.3: the code comes untagged, before the EXPUNGE responses, so that the client
	 * knows where a message went when it is told that it is gone. */
	if (!e && has_copyuid(&copied)) {
		conn_puts(s->conn, "* OK [COPYUID ");
		imap_write_u64(s->conn, copied.uidvalidity);
		conn_puts(s->conn, " ");
		imap_write_uidset(s->conn, &copied.from);
		conn_puts(s->conn, " ");
		imap_write_uidset(s->conn, &copied.to);
		conn_puts(s->conn, "] Moved UIDs\r\n");
	}
	return e;
}

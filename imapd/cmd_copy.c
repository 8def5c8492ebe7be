/*
 * COPY and UID COPY, RFC 3501 §6.4.7, MOVE and UID MOVE, RFC 6851. All messages or none.
 */
#include "imapd/folder.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/message_limit.h"
#include "imapd/notify.h"
#include "imapd/progress.h"
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

/* A COPY or MOVE under way. */
struct transferring { /* in the command's arena */
	struct uidset uids;
	struct str dest;
	struct imap_folder target;
	struct transfer x;
	bool move;
	struct transfer_run *run; /* into another account */
	struct progress progress;
	struct copied copied; /* empty when no message was left to transfer */
};

/* Messages that another session has expunged: a UID that is no more is ignored (RFC 3501 §6.4.8),
 * but a client that names sequence numbers believes that they are there. COPY is all or nothing
 * (§6.4.7, RFC 2180 §4.4.1); MOVE says what it moved. */
static void
describe(struct imap_session *s, const struct imap_cmd *cmd, struct transferring *t)
{
	const struct imap_folder *target = &t->target;

	t->x = (struct transfer){.from_account = s->owner,
	    .to_account = target->account,
	    .from = s->mailbox,
	    .to = target->info.id,
	    .uids = &t->uids,
	    .count = t->move || cmd->uid ? 0 : imap_count_told(s, &t->uids),
	    .from_viewer = s->viewer,
	    .actor = {target->viewer, imap_flags_of_rights(target->rights)}, /* RFC 4314 §4 */
	    .move = t->move,
	    .promise = s->owner == target->account ? imap_promise(s, s->owner) : NULL};
}

static enum err
find_target(struct imap_session *s, struct imap_cmd *cmd, struct transferring *t)
{
	enum err e = imap_find_folder_for(s, cmd, t->dest, RIGHT_INSERT, &t->target);

	if (!e && t->move) /* RFC 6851 §4.2: what STORE of \Deleted and EXPUNGE need */
		e = imap_need(s, RIGHT_DELETE | RIGHT_EXPUNGE);
	return e;
}

/* RFC 6851 §4.3: the code comes untagged, before the EXPUNGE responses, so that the client knows
 * where a message went when it is told that it is gone. */
static void
write_moved(struct imap_session *s, const struct copied *copied)
{
	conn_puts(s->conn, "* OK [COPYUID ");
	imap_write_u64(s->conn, copied->uidvalidity);
	conn_puts(s->conn, " ");
	imap_write_uidset(s->conn, &copied->from);
	conn_puts(s->conn, " ");
	imap_write_uidset(s->conn, &copied->to);
	conn_puts(s->conn, "] Moved UIDs\r\n");
}

static bool
has_copyuid(const struct copied *copied)
{
	return copied->uidvalidity != 0 && copied->from.n > 0 &&
	       copied->from.n + copied->to.n <= COPYUID_RANGES_MAX;
}

static void
explain(struct imap_cmd *cmd, const struct transferring *t, enum err *e)
{
	if (*e == ERR_STALE) {
		imap_set_code(cmd, "EXPUNGEISSUED"); /* RFC 5530 §3 */
		imap_set_text(cmd, "Some of the messages no longer exist");
	}
	if (*e == ERR_GONE && is_deleted(&t->target, cmd))
		*e = ERR_NOT_FOUND;
	if (*e == ERR_NOT_FOUND)
		imap_set_code(cmd, "TRYCREATE"); /* §6.4.7: MUST */
}

/* What is left once it is done, or has failed. */
static enum err
finish(struct imap_session *s, struct imap_cmd *cmd, struct transferring *t, bool any, enum err e)
{
	struct copied *copied = &t->copied;

	if (!e && any && !cmd->uid && copied->from.n == 0)
		e = ERR_STALE;
	explain(cmd, t, &e);
	for (size_t i = 0; !e && i < copied->to.n; i++)
		imap_notify_own_messages(s, account_id(t->target.account), t->target.info.id,
		    copied->to.r[i].lo, copied->to.r[i].hi);
	if (!e && !(t->target.rights & RIGHT_READ))
		copied->uidvalidity = 0; /* what is there is not for them to know (RFC 4315 §3) */
	if (t->move)
		cmd->says_modseq = !e && copied->from.n > 0; /* RFC 7162 §3.2 */
	if (!e && has_copyuid(copied)) {
		if (t->move)
			write_moved(s, copied);
		else
			imap_set_copyuid(cmd, copied); /* RFC 4315 §3 */
	}
	return e;
}

/* -- into another account: in steps ----------------------------------------------------------- */

/* Others had their turn meanwhile: what was allowed may be so no more, or be another mailbox. */
static enum err
look_again(struct imap_session *s, struct imap_cmd *cmd, struct transferring *t)
{
	const struct imap_folder was = t->target;
	enum err e = imap_look_at_rights(s);

	if (!e && s->mailbox != t->x.from)
		e = ERR_GONE; /* so are the rights to read it */
	if (!e)
		e = find_target(s, cmd, t);
	if (!e && (t->target.account != was.account || t->target.info.id != was.info.id))
		e = ERR_NOT_FOUND;
	return e;
}

static enum err
transfer_more(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct transferring *t = state;
	bool ready = false;
	enum err e = transfer_step(t->run, &ready);

	if (!e && !ready) { /* RFC 9585; one who is gone is found out so */
		imap_tell_progress(
		    s, cmd, &t->progress, transfer_done(t->run), transfer_total(t->run));
		return ERR_OK;
	}
	if (!e)
		e = look_again(s, cmd, t);
	if (!e)
		e = transfer_end(t->run, &t->copied);
	*ret_done = true;
	return finish(s, cmd, t, true, e);
}

static void
release_transfer(void *state)
{
	struct transferring *t = state;

	transfer_free(&t->run);
}

/* -- the commands ----------------------------------------------------------------------------- */

static enum err
run_transfer(struct imap_session *s, struct imap_cmd *cmd, struct transferring *t)
{
	describe(s, cmd, t);
	if (t->x.from_account == t->x.to_account)
		return finish(s, cmd, t, true, message_transfer(&t->x, cmd->arena, &t->copied));
	enum err e = transfer_begin(&t->x, cmd->arena, &t->run);
	if (e)
		return finish(s, cmd, t, true, e);
	imap_pump(s, cmd, transfer_more, t, release_transfer);
	return ERR_OK;
}

/* What COPY and MOVE share. */
static enum err
transfer_messages(struct imap_session *s, struct imap_cmd *cmd, bool move)
{
	struct transferring *t = ARENA_NEW(cmd->arena, struct transferring);

	if (!t)
		return ERR_NOMEM;
	t->move = move;
	imap_parse_space(cmd->args);
	imap_parse_msgset(cmd->args, s->told, cmd->uid, &t->uids);
	imap_parse_space(cmd->args);
	imap_parse_mailbox(cmd->args, &t->dest);
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;
	e = find_target(s, cmd, t);
	if (!e)
		e = move ? imap_limit_messages(s, cmd, &t->uids, 0)
			 : imap_refuse_beyond_limit(s, cmd, &t->uids);
	/* a "$" that is empty is no mistake (RFC 5182 §2.1) */
	bool any = cmd->uid ? t->uids.n > 0 : imap_count_told(s, &t->uids) > 0;
	if (!e && any)
		return run_transfer(s, cmd, t);
	return finish(s, cmd, t, false, e);
}

enum err
cmd_copy(struct imap_session *s, struct imap_cmd *cmd)
{
	return transfer_messages(s, cmd, false);
}

enum err
cmd_move(struct imap_session *s, struct imap_cmd *cmd)
{
	return transfer_messages(s, cmd, true);
}

/*
 * IDLE: RFC 2177. The session rests with a watch on its mailbox; a commit by anybody wakes it.
 */
#include "imapd/imap_dispatch.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_read.h"
#include "imapd/imap_write.h"
#include "imapd/metadata.h"
#include "imapd/notify.h"
#include "store/changes.h"

#define IDLE_LINE_MAX 64 /* "DONE" is all that may come */

static void
wake(void *conn)
{
	conn_wake(conn);
}

static enum imap_go
end_idle(struct imap_session *s, enum err e)
{
	changes_unwatch(&s->watch);
	changes_unwatch(&s->metadata_watch);
	s->idling = false;
	METRICS_TAKE(imap_idling, 0);
	return imap_finish(s, e);
}

static enum imap_go
idle(struct imap_session *s, unsigned events)
{
	struct str line;
	enum imap_go go;

	(void)events;
	if (s->stopping) {
		imap_say_bye(s, "UNAVAILABLE", "Server is shutting down");
		return GO_CLOSE;
	}
	switch (imap_take_line(s, IDLE_LINE_MAX, &line)) {
	case IMAP_LINE_TOO_LONG:
		return end_idle(s, ERR_TOO_LONG);
	case IMAP_LINE_BARE:
		return end_idle(s, ERR_SYNTAX);
	case IMAP_LINE_WHOLE:
		if (!str_eq_nocase(line, STR("DONE"))) {
			imap_drain(s, 0); /* with the literal it may announce */
			return end_idle(s, ERR_SYNTAX);
		}
		imap_line_done(s, line);
		return end_idle(s, ERR_OK);
	case IMAP_LINE_PARTIAL:
		break;
	}
	if (imap_tell_news(s, true, &go)) {
		imap_say_bye(s, "UNAVAILABLE", "The mailbox can't be followed any more");
		return GO_CLOSE;
	}
	if (go == GO_ON)
		go = imap_notify_tell(s); /* RFC 5465 §4 */
	if (go == GO_ON)
		imap_tell_metadata(s);
	return go == GO_ON ? GO_READ : go;
}

static enum err
watch_all(struct imap_session *s)
{
	enum err e = ERR_OK;

	if (s->state == ST_SELECTED)
		e = changes_watch(s->owner, s->mailbox, wake, s->conn, &s->watch);
	/* entries of any mailbox, and the account's own (RFC 5464 §4.4) */
	if (!e && (s->enabled & EN_METADATA))
		e = changes_watch(s->account, 0, wake, s->conn, &s->metadata_watch);
	if (e)
		changes_unwatch(&s->watch);
	return e;
}

enum err
cmd_idle(struct imap_session *s, struct imap_cmd *cmd)
{
	enum err e = imap_parse_end(cmd->args);

	if (!e)
		e = watch_all(s);
	if (e)
		return e;
	conn_puts(s->conn, "+ idling\r\n");
	if (s->state == ST_SELECTED && s->grown_aside) {
		/* Again: Thunderbird overlooks an EXISTS in the answer to a STORE, its junk
		 * filter's for example, until it is repeated. Only once: for every EXISTS that it
		 * hears here it ends IDLE, looks for new messages and comes back. */
		s->grown_aside = false;
		conn_puts(s->conn, "* ");
		imap_write_u64(s->conn, view_count(s->told));
		conn_puts(s->conn, " EXISTS\r\n");
	}
	s->idling = true;
	METRICS_COUNT(imap_idling, 0);
	imap_enter_mode(s, cmd, idle);
	return ERR_OK;
}

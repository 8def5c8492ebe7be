/*
 * NOTIFY: RFC 5465 §3.1. It is a NOOP as well: what has happened in the selected mailbox is told
 * before its reply, and the STATUS responses that were asked for.
 */
#include "imapd/imap_handlers.h"
#include "imapd/notify_private.h"

#define REQUEST_ARENA ((size_t)1024 * 1024) /* what a session remembers of it */

static enum err
refuse(struct imap_cmd *cmd, const char *code, const char *text)
{
	imap_set_code(cmd, "%s", code);
	imap_set_text(cmd, "%s", text);
	return ERR_LIMIT;
}

/* How many mailboxes there are to watch. */
static enum err
check_count(struct imap_session *s, struct imap_cmd *cmd, const struct notify *n)
{
	struct list_rows rows;
	size_t count = 0;
	enum err e = n->request.n > 0 ? imap_list_rows(s, cmd, &rows) : ERR_OK;

	if (e || n->request.n == 0)
		return e;
	for (size_t i = 0; i < rows.n; i++)
		count += notify_is_watched(n, notify_events_of(n, &rows.row[i]));
	return count > NOTIFY_BOXES_MAX
		   ? refuse(cmd, "NOTIFICATIONOVERFLOW", "Too many mailboxes to watch")
		   : ERR_OK;
}

/* The request is read from a copy, which outlives the command. */
static enum err
read_request(struct imap_cmd *cmd, struct arena *arena, struct notify_request *ret)
{
	struct imap_args a;
	struct cursor *c = &cmd->args->c;
	struct str text = arena_dup(arena, c->in);

	if (!text.p)
		return ERR_LIMIT;
	imap_args_init(&a, text, arena);
	a.utf8 = cmd->args->utf8;
	a.c.pos = c->pos;
	enum err e = notify_parse_request(&a, ret);
	c->err = a.c.err;
	c->err_at = a.c.err_at;
	c->expected = a.c.expected;
	return e;
}

enum err
cmd_notify(struct imap_session *s, struct imap_cmd *cmd)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(REQUEST_ARENA);
	struct notify_request request;

	if (!arena)
		return ERR_NOMEM;
	imap_parse_space(cmd->args);
	if (cmd->args->c.err)
		return cmd->args->c.err;
	enum err e = read_request(cmd, arena, &request);
	if (e)
		return e;
	if (request.unknown_event)
		return refuse(cmd, "BADEVENT (" NOTIFY_EVENT_NAMES ")", "No such event");
	if (request.too_much)
		return refuse(cmd, "NOTIFICATIONOVERFLOW", "Too many mailboxes named");
	struct notify *n = notify_new(s, &arena, &request);
	if (!n)
		return ERR_NOMEM;
	e = check_count(s, cmd, n);
	if (e) {
		notify_drop(s, n);
		return e;
	}
	notify_set(s, n);
	return ERR_OK;
}

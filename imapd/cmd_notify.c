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

struct setting { /* in the command's arena */
	struct imap_session *s;
	struct notify *n; /* until the session has it */
	struct list_gathering *gather;
};

static void
release_setting(void *state)
{
	struct setting *g = state;

	imap_gather_free(&g->gather);
	if (g->n)
		notify_drop(g->s, g->n);
}

/* How many mailboxes there are to watch. */
static enum err
check_count(struct imap_cmd *cmd, const struct notify *n, const struct list_rows *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < rows->n; i++)
		count += notify_is_watched(n, notify_events_of(n, &rows->row[i]));
	return count > NOTIFY_BOXES_MAX
		   ? refuse(cmd, "NOTIFICATIONOVERFLOW", "Too many mailboxes to watch")
		   : ERR_OK;
}

static enum err
count_more(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct setting *g = state;
	struct list_rows rows;
	enum err e = imap_gather_step(g->gather, &rows, ret_done);

	if (!e && !*ret_done)
		return ERR_OK;
	if (!e)
		e = check_count(cmd, g->n, &rows);
	if (!e)
		notify_set(s, MOVE_PTR(g->n));
	return e;
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
	struct setting *g = ARENA_NEW(cmd->arena, struct setting);
	if (!g || !(g->n = notify_new(s, &arena, &request)))
		return ERR_NOMEM;
	g->s = s;
	if (request.n == 0) { /* NONE */
		notify_set(s, g->n);
		return ERR_OK;
	}
	e = imap_gather_begin(s, cmd->arena, &g->gather);
	if (e) {
		release_setting(g);
		return e;
	}
	imap_pump(s, cmd, count_more, g, release_setting);
	return ERR_OK;
}

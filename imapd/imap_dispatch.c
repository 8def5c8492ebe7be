#include "imapd/imap_dispatch.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/metrics/recent.h"
#include "imapd/folder.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_read.h"
#include "imapd/message_limit.h"
#include "imapd/metadata.h"
#include "imapd/notify.h"
#include "imapd/session_rights.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define CODE_MAX (1024 * 1024) /* octets of a response code: COPYUID of scattered UIDs is long */

__attribute__((format(printf, 2, 0))) static struct str
format(struct imap_cmd *cmd, const char *fmt, va_list ap)
{
	CLEANUP(mem_free) char *text = NULL;
	int n = vasprintf(&text, fmt, ap);

	if (n < 0) {
		text = NULL;
		return (struct str){NULL, 0};
	}
	return arena_dup(cmd->arena, str_make(text, (size_t)n));
}

void
imap_set_code(struct imap_cmd *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cmd->code = format(cmd, fmt, ap);
	va_end(ap);
}

void
imap_set_text(struct imap_cmd *cmd, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	cmd->text = format(cmd, fmt, ap);
	va_end(ap);
}

void
imap_set_copyuid(struct imap_cmd *cmd, const struct copied *copied)
{
	CLEANUP(sbuf_done) struct sbuf code = SBUF_INIT(CODE_MAX);

	if (copied->from.n == 0)
		return;
	sbuf_printf(&code, "COPYUID %u ", copied->uidvalidity);
	uidset_print(&copied->from, &code);
	sbuf_putc(&code, ' ');
	uidset_print(&copied->to, &code);
	if (!sbuf_error(&code))
		cmd->code = arena_dup(cmd->arena, sbuf_view(&code));
}

/* -- reading the tag and the name ----------------------------------------------------------- */

static void
parse_name(struct cursor *c, struct str *ret_name, bool *ret_uid)
{
	*ret_name = cursor_take_while(c, imap_is_atom_char);
	*ret_uid = str_eq_nocase(*ret_name, STR("UID"));
	if (!*ret_uid)
		return;
	cursor_expect(c, ' ', "a space");
	*ret_name = cursor_take_while(c, imap_is_atom_char);
}

const struct imap_command *
imap_peek_command(struct str text, struct str *ret_tag)
{
	struct cursor c;
	struct str name;
	bool uid;

	cursor_init(&c, text);
	struct str tag = cursor_take_while(&c, imap_is_tag_char);
	if (!cursor_accept(&c, ' '))
		return NULL;
	if (ret_tag)
		*ret_tag = tag;
	parse_name(&c, &name, &uid);
	return c.err ? NULL : imap_find_command(name);
}

/* -- replies ---------------------------------------------------------------------------------- */

/* Counts what a client should not have sent; too much of it ends the session (
 * somebody makes another protocol's client talk to us). */
static enum imap_go
count_bad(struct imap_session *s)
{
	uint32_t limit = s->state == ST_GREET ? s->conf->bad_commands_before_login
					      : s->conf->bad_commands_after_login;

	s->bad_commands++;
	if (s->bad_commands < limit || s->state == ST_LOGOUT)
		return GO_ON;
	imap_say_bye(s, "CLIENTBUG", "Too many bad commands"); /* RFC 5530 §3 */
	return GO_CLOSE;
}

static void
write_code(struct conn *c, struct str code)
{
	if (code.n == 0)
		return;
	conn_puts(c, "[");
	conn_put(c, code);
	conn_puts(c, "] ");
}

static void
log_refused(const struct imap_session *s, const char *command, enum err e)
{
	METRICS_COUNT(errors, e);
	log_info("refused", F_CSTR("peer", conn_peer(s->conn)),
	    F_CSTR("user", s->user ? s->user : ""), F_CSTR("command", command), F_ERR(e));
}

/* Its reply is written. What it promised is still to be kept: the first such command of a turn is
 * timed up to there. */
static void
count_command(struct imap_session *s)
{
	size_t i = imap_command_index(s->cmd.row);

	METRICS_COUNT(imap_commands, i);
	if (!s->cmd.began_us)
		return;
	if (s->promise.database && !s->promised.began_us) {
		s->promised.row = s->cmd.row;
		s->promised.began_us = s->cmd.began_us;
		return;
	}
	METRICS_TIME(imap_command, i, s->cmd.began_us);
}

enum imap_go
imap_complain(struct imap_session *s, const char *tag, enum err e, const char *text)
{
	const struct imap_err_row *row = imap_err_row(e);

	METRICS_COUNT(imap_commands, imap_command_index(NULL));
	log_refused(s, "?", e);
	conn_puts(s->conn, tag);
	conn_printf(s->conn, " %s ", row->condition);
	write_code(s->conn, str_of(row->code));
	conn_puts(s->conn, text);
	conn_puts(s->conn, "\r\n");
	return err_class(e) == ERR_CLASS_CLIENT ? count_bad(s) : GO_ON;
}

/* The text of a refusal: what the handler said, what the grammar expected, or the error's own. */
static void
write_reason(struct imap_session *s, struct imap_cmd *cmd, enum err e)
{
	const struct cursor *c = &s->args.c;

	if (cmd->text.n > 0)
		conn_put(s->conn, cmd->text);
	else if (c->err == e && c->expected)
		conn_printf(s->conn, "Expected %s at position %zu", c->expected, c->err_at + 1);
	else
		conn_puts(s->conn, err_text(e));
}

static void
write_reply(struct imap_session *s, enum err e)
{
	struct imap_cmd *cmd = &s->cmd;
	const struct imap_err_row *row = imap_err_row(e);

	if (!e && cmd->says_modseq && (s->enabled & EN_QRESYNC) && cmd->code.n == 0 &&
	    s->state == ST_SELECTED)
		imap_set_code(cmd, "HIGHESTMODSEQ %" PRIu64, s->complete_modseq);
	imap_write_message_limit(s, cmd, e || cmd->code.n > 0);
	conn_puts(s->conn, cmd->tag);
	conn_printf(s->conn, " %s ", row->condition);
	write_code(s->conn, cmd->code.n ? cmd->code : str_of(row->code));
	if (!e && cmd->text.n == 0)
		conn_printf(s->conn, "%s%s completed", cmd->uid ? "UID " : "", cmd->row->name);
	else
		write_reason(s, cmd, e);
	conn_puts(s->conn, "\r\n");
}

/* The command is over; the reader goes on with the next. */
static void
end_command(struct imap_session *s)
{
	struct imap_cmd *cmd = &s->cmd;
	struct arena *arena = cmd->arena;

	s->mode = imap_read_command;
	imap_reader_clear(&s->reader);
	if (cmd->stream_left > 0) /* refused, and on its way all the same */
		imap_drain(s, cmd->stream_left);
	else if (cmd->streaming)
		imap_drain(s, 0); /* the end of its line */
	if (arena && cmd->row && cmd->row->flags & CMD_SECRET)
		arena_wipe(arena); /* a quoted password, without its quotes */
	if (arena)
		arena_reset(arena);
	imap_leave_accounts(s);
	*cmd = (struct imap_cmd){.arena = arena};
	s->args = (struct imap_args){0};
}

static enum imap_go
reply(struct imap_session *s, enum err e)
{
	enum imap_go go = GO_ON;

	if (err_class(e) != ERR_CLASS_CLIENT)
		imap_tell_metadata(s);
	write_reply(s, e);
	count_command(s);
	if (e)
		log_refused(s, s->cmd.row->name, e);
	end_command(s);
	if (err_class(e) == ERR_CLASS_CLIENT && e != ERR_CANCELLED)
		go = count_bad(s);
	else if (!e && s->state != ST_GREET)
		s->bad_commands = 0;
	return go;
}

static bool
may_expunge(const struct imap_cmd *cmd)
{
	return cmd->uid || !(cmd->row->flags & CMD_SEQNUMS);
}

static enum imap_go
out_of_sync(struct imap_session *s)
{
	imap_say_bye(s, "UNAVAILABLE", "The mailbox can't be followed any more");
	return GO_CLOSE;
}

/* The end of telling news: what NOTIFY has asked for, then the reply to the command in progress. */
static enum imap_go
end_news(struct imap_session *s)
{
	const struct imap_command *row = s->cmd.row;

	if (!row || (!(row->flags & CMD_NO_NEWS) && err_class(s->finish_err) != ERR_CLASS_CLIENT)) {
		enum imap_go go = imap_notify_tell(s);
		if (go != GO_ON)
			return go;
	}
	return row && !s->idling ? reply(s, s->finish_err) : GO_ON;
}

enum imap_go
imap_finish(struct imap_session *s, enum err e)
{
	struct imap_cmd *cmd = &s->cmd;

	s->finish_err = e;
	s->mode = imap_read_command;
	if (s->state == ST_SELECTED && !(cmd->row->flags & CMD_NO_NEWS) &&
	    err_class(e) != ERR_CLASS_CLIENT) {
		enum imap_go go;
		if (imap_tell_news(s, may_expunge(cmd), &go))
			return out_of_sync(s);
		if (go != GO_ON)
			return go;
	}
	return end_news(s);
}

enum imap_go
imap_run_pump(struct imap_session *s)
{
	int64_t until = clock_mono_ms() + PUMP_STEP_MS;

	if (!s->pump.step) {
		enum imap_go go = imap_tell_more(s);
		if (go != GO_ON)
			return go;
		return end_news(s);
	}
	for (;;) {
		bool done = false;

		if (conn_out_full(s->conn))
			return GO_DRAIN;
		enum err e = s->pump.step(s, &s->cmd, s->pump.state, &done);
		if (s->pump.cut) {
			pump_release(&s->pump);
			s->log_out = true;
			return GO_CLOSE;
		}
		if (done || e) {
			pump_release(&s->pump);
			return imap_finish(s, e);
		}
		if (clock_mono_ms() >= until)
			return conn_out_full(s->conn) ? GO_DRAIN : GO_AGAIN;
	}
}

/* -- running ---------------------------------------------------------------------------------- */

/* What the row says about this moment. */
static enum err
check_row(const struct imap_session *s, const struct imap_command *row)
{
	if (!(row->states & s->state))
		return s->lost && s->state == ST_AUTH && row->states == ST_SELECTED ? ERR_GONE
										    : ERR_SEQUENCE;
	if ((row->flags & CMD_NEEDS_TLS) && !conn_is_secure(s->conn))
		return ERR_NEEDS_TLS;
	if ((row->flags & CMD_WRITES) && s->read_only)
		return ERR_READ_ONLY;
	return ERR_OK;
}

bool
imap_may_run(const struct imap_session *s, const struct imap_command *row)
{
	return check_row(s, row) == ERR_OK;
}

static void
explain_row(struct imap_session *s, struct imap_cmd *cmd, enum err e)
{
	if (e == ERR_GONE)
		imap_set_text(cmd, "The selected mailbox was deleted");
	else if (e != ERR_SEQUENCE)
		return;
	else if (s->state == ST_GREET)
		imap_set_text(cmd, "Log in first");
	else if (cmd->row->states == ST_GREET)
		imap_set_text(cmd, "Already logged in");
	else
		imap_set_text(cmd, "Select a mailbox first");
}

/* Tag and name; what is wrong with them is answered here. */
static bool
begin_command(struct imap_session *s, struct str text, enum imap_go *ret)
{
	struct imap_cmd *cmd = &s->cmd;
	struct cursor *c = &s->args.c;
	struct str name;

	if (!cmd->arena)
		cmd->arena = arena_new(IMAP_ARENA_MAX);
	if (!cmd->arena) {
		imap_say_bye(s, "UNAVAILABLE", "Out of memory");
		*ret = GO_CLOSE;
		return false;
	}
	imap_args_init(&s->args, text, cmd->arena);
	s->args.utf8 = imap_speaks_utf8(s);

	s->args.saved = s->state == ST_SELECTED ? &s->saved : NULL;
	struct str tag = cursor_take_while(c, imap_is_tag_char);
	if (tag.n == 0 || tag.n > IMAP_TAG_MAX || !cursor_accept(c, ' ')) {
		imap_reader_reset(&s->reader);
		*ret = imap_complain(s, "*", ERR_SYNTAX, "Expected a tag and a command");
		return false;
	}
	memcpy(cmd->tag, tag.p, tag.n);
	cmd->tag[tag.n] = '\0';
	parse_name(c, &name, &cmd->uid);
	cmd->row = imap_find_command(name);
	if (c->err || !cmd->row || (cmd->uid && !(cmd->row->flags & CMD_UID_FORM))) {
		cmd->row = NULL;
		*ret = imap_complain(s, cmd->tag, ERR_UNKNOWN, "Unknown command");
		end_command(s);
		return false;
	}
	cmd->args = &s->args;
	return true;
}

/* RFC 9586 §3: message numbers are none of a client's business any more. EXPUNGE names none. */
static bool
needs_uid(const struct imap_session *s, const struct imap_cmd *cmd)
{
	return (s->enabled & EN_UIDONLY) && !cmd->uid && (cmd->row->flags & CMD_UID_FORM) &&
	       cmd->row->handler != cmd_expunge;
}

static enum err
refuse_numbers(struct imap_cmd *cmd)
{
	imap_set_code(cmd, "UIDREQUIRED");
	imap_set_text(cmd, "UIDONLY is enabled: use the UID form");
	return ERR_SYNTAX;
}

enum err
imap_may_begin(struct imap_session *s, struct imap_cmd *cmd, enum fullness refused_at)
{
	enum err e = service_may_begin(s->service, cmd->row->name, refused_at);

	if (e)
		imap_set_text(cmd, IMAP_NO_MEMORY);
	return e;
}

enum imap_go
imap_run_command(struct imap_session *s, struct str text, const struct imap_stream *stream)
{
	struct imap_cmd *cmd = &s->cmd;
	enum imap_go go;

	if (!begin_command(s, text, &go)) {
		if (stream && !stream->synchronising)
			imap_drain(s, stream->size);
		return go;
	}
	s->commands++;
	cmd->began_us = clock_mono_us();
	recent_note(cmd->began_us);
	if (stream) {
		cmd->stream = *stream;
		cmd->streaming = !stream->synchronising;
		cmd->stream_left = stream->synchronising ? 0 : stream->size;
	}
	enum err e = imap_look_at_rights(s);
	/* Where they can't be read, what needs no mailbox goes on. */
	if (!e || (cmd->row->states & ST_AUTH))
		e = check_row(s, cmd->row);
	if (e)
		explain_row(s, cmd, e);
	else if (needs_uid(s, cmd))
		e = refuse_numbers(cmd);
	else if (cmd->row->flags & CMD_TAKES_MUCH)
		e = imap_may_begin(s, cmd, MEMORY_FULL);
	else if (cmd->row->flags & CMD_STREAMS)
		e = imap_may_begin(s, cmd, MEMORY_BRIMFUL);
	if (!e)
		e = cmd->row->handler(s, cmd);
	if (e || !cmd->pending)
		return imap_finish(s, e);
	return s->pump.step ? imap_run_pump(s) : GO_ON;
}

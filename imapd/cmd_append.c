/*
 * APPEND: RFC 3501 §6.3.11, APPENDUID: RFC 4315 §3. The message goes into a spool as it arrives;
 * what can be refused is refused before the client is asked to send it.
 */
#include "imapd/folder.h"
#include "imapd/imap_append.h"
#include "imapd/imap_dispatch.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_read.h"

#define HEAD_ARENA_MAX (256 * 1024)

struct append_state { /* in the command's arena */
	struct imap_folder folder;
	struct append item;
	char last; /* octet of the message that has come */
};

void
imap_append_release(struct append_state **a)
{
	if (*a)
		spool_free(&(*a)->item.spool);
	*a = NULL;
}

/* All before the message's literal. */
static void
parse_head(struct imap_args *a, struct str *ret_mailbox, struct append *ret)
{
	struct date date = date_now();

	imap_parse_space(a);
	imap_parse_mailbox(a, ret_mailbox);
	imap_parse_space(a);
	if (imap_peek(a) == '(') {
		imap_parse_flag_list(a, &ret->flags);
		imap_parse_space(a);
	}
	if (imap_peek(a) == '"') {
		imap_parse_date_time(a, &date);
		imap_parse_space(a);
	}
	ret->internal_s = date.utc_s;
	ret->internal_zone_s = date.zone_s;
}

bool
imap_append_is_message(struct str text)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(HEAD_ARENA_MAX);
	struct imap_args a;
	struct append item = {0};
	struct str mailbox;

	if (!arena)
		return false;
	imap_args_init(&a, text, arena);
	cursor_take_while(&a.c, imap_is_tag_char);
	imap_parse_space(&a);
	imap_parse_word(&a, "APPEND");
	parse_head(&a, &mailbox, &item);
	enum err e = imap_parse_end(&a);
	return e == ERR_OK || err_class(e) != ERR_CLASS_CLIENT; /* the handler says what is wrong */
}

static enum err
store_message(struct imap_session *s, struct imap_cmd *cmd)
{
	struct append_state *a = s->append;
	uint32_t uidvalidity = 0;

	enum err e = message_append_promised(
	    a->folder.account, a->folder.info.id, &a->item, 1, &uidvalidity, &s->promise);
	if (e == ERR_GONE)
		imap_set_code(cmd, "TRYCREATE");
	if (!e)
		imap_set_code(cmd, "APPENDUID %u %u", uidvalidity, a->item.ret_uid);
	return e;
}

static enum imap_go
end_append(struct imap_session *s, enum err e)
{
	imap_append_release(&s->append);
	return imap_finish(s, e);
}

/* Where the first LF stands that no CR precedes. */
static size_t
find_bare_lf(struct str in, char last)
{
	for (size_t at = 0; at < in.n; at++) {
		size_t lf = str_find(str_skip(in, at), '\n');
		if (lf == STR_NONE)
			break;
		at += lf;
		if ((at ? in.p[at - 1] : last) != '\r')
			return at;
	}
	return STR_NONE;
}

/* A message at rest has CRLF line ends, whichever way it came: POP3 counts its octets so (RFC 1939
 * §11), and other IMAP servers hand it out so. A lone CR stays. A failure sticks in the spool; the
 * client would not hear before its last octet. */
static void
keep_octets(struct append_state *a, struct str in)
{
	enum err ignored = ERR_OK;
	size_t bare;

	while ((bare = find_bare_lf(in, a->last)) != STR_NONE) {
		ignored = spool_write(a->item.spool, in.p, bare);
		ignored = spool_write(a->item.spool, "\r\n", 2);
		a->last = '\n';
		in = str_skip(in, bare + 1);
	}
	ignored = spool_write(a->item.spool, in.p, in.n);
	(void)ignored;
	if (in.n > 0)
		a->last = in.p[in.n - 1];
}

/* The message's octets, then the empty rest of the command's line. */
static enum imap_go
read_message(struct imap_session *s, unsigned events)
{
	struct imap_cmd *cmd = &s->cmd;
	struct str in = conn_input(s->conn);
	size_t n = in.n < cmd->stream_left ? in.n : (size_t)cmd->stream_left;
	struct str line;

	(void)events;
	if (n > 0) {
		keep_octets(s->append, str_sub(in, 0, n));
		conn_consume(s->conn, n);
		cmd->stream_left -= n;
	}
	if (cmd->stream_left > 0)
		return GO_READ;
	switch (imap_take_line(s, imap_line_max(s), &line)) {
	case IMAP_LINE_PARTIAL:
		return GO_READ;
	case IMAP_LINE_TOO_LONG:
		return end_append(s, ERR_TOO_LONG);
	case IMAP_LINE_BARE:
		return end_append(s, ERR_SYNTAX);
	case IMAP_LINE_WHOLE:
		break;
	}
	if (line.n > 0) { /* left where it is: imap_finish() has it thrown away */
		imap_set_text(cmd, "Expected the end of the line after the message");
		return end_append(s, ERR_SYNTAX);
	}
	imap_line_done(s, line);
	cmd->streaming = false;
	return end_append(s, store_message(s, cmd));
}

/* Whether the message may come. */
static enum err
check_target(struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret)
{
	enum err e = imap_find_folder(s, cmd, name, ret);

	if (e == ERR_NOT_FOUND)
		imap_set_code(cmd, "TRYCREATE"); /* RFC 3501 §6.3.11 */
	if (e)
		return e;
	if (cmd->stream.size > s->conf->imapd.append_limit)
		return ERR_TOO_BIG;
	if (cmd->stream.size == 0) {
		imap_set_text(cmd, "An empty message can't be stored");
		return ERR_CANNOT;
	}
	/* What comes unasked and fits into memory costs nothing before the transaction decides. */
	if (!cmd->stream.synchronising && cmd->stream.size <= SPOOL_MEMORY)
		return ERR_OK;
	return account_has_room(ret->account, cmd->stream.size);
}

enum err
cmd_append(struct imap_session *s, struct imap_cmd *cmd)
{
	struct append_state *a = ARENA_NEW(cmd->arena, struct append_state);
	struct imap_args *args = cmd->args;
	struct str name;

	if (!a)
		return ERR_NOMEM;
	parse_head(args, &name, &a->item);
	if (imap_peek(args) != '{')
		imap_parse_fail(args, ERR_SYNTAX, "the message as a literal");
	if (args->c.err)
		return args->c.err;
	enum err e = check_target(s, cmd, name, &a->folder);
	if (!e)
		e = spool_new(s->service->store, &a->item.spool);
	if (e)
		return e;
	if (cmd->stream.synchronising)
		conn_puts(s->conn, "+ Ready for the message\r\n");
	cmd->streaming = true;
	cmd->stream_left = cmd->stream.size;
	s->append = a;
	imap_enter_mode(s, cmd, read_message);
	return ERR_OK;
}

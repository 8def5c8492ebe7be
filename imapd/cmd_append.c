/*
 * APPEND: RFC 3501 §6.3.11, with several messages: RFC 3502, APPENDUID: RFC 4315 §3; REPLACE: RFC
 * 8508. The octets go into spools as they arrive.
 */
#include "common/base/clock.h"
#include "imapd/binary_encode.h"
#include "imapd/catenate.h"
#include "imapd/folder.h"
#include "imapd/imap_append.h"
#include "imapd/imap_dispatch.h"
#include "imapd/imap_handlers.h"
#include "imapd/imap_read.h"
#include "imapd/notify.h"
#include "imapd/session_rights.h"

struct append_state { /* in the command's arena */
	struct append_grammar grammar;
	struct imap_folder folder;
	struct append *item; /* the last one is coming */
	size_t n, cap;
	char last; /* octet of it that has come */
	bool binary; /* octets are kept as they are */
	bool any_binary; /* some of the message */
	struct catenate copy;
	struct binary_encoding *encoding; /* of the message that has come */
	struct sbuf text; /* behind octets: the line so far, with literals that are arguments */
	size_t texts; /* octets of such texts before */
	uint64_t argument_left; /* octets of such a literal that are to come */
	unsigned files; /* of the messages before */
	uint64_t memory, size;
	uint32_t replaced; /* UID, 0: nothing is */
	uint32_t replaced_size;
};

bool
imap_append_takes_literal(struct str text)
{
	return append_takes_literal(&(struct append_grammar){0}, text, true);
}

void
imap_append_release(struct append_state **ap)
{
	struct append_state *a = *ap;

	if (!a)
		return;
	for (size_t i = 0; i < a->n; i++)
		spool_free(&a->item[i].spool);
	binary_encode_free(&a->encoding);
	catenate_done(&a->copy);
	sbuf_done(&a->text);
	*ap = NULL;
}

static enum imap_go
end_append(struct imap_session *s, enum err e)
{
	imap_append_release(&s->append);
	return imap_finish(s, e);
}

/* -- storing what has come -------------------------------------------------------------------- */

static enum err
append_all(struct imap_session *s, struct append_state *a, uint32_t *ret_uidvalidity)
{
	struct account *to = a->folder.account;

	return message_append_promised(
	    to, a->folder.info.id, a->item, a->n, ret_uidvalidity, imap_promise(s, to));
}

static enum err
replace(struct imap_session *s, struct append_state *a, uint32_t *ret_uidvalidity)
{
	const struct message_place was = {s->owner, s->mailbox, a->replaced};
	struct account *to = a->folder.account;

	return message_replace_promised(&was, to, a->folder.info.id, a->item, ret_uidvalidity,
	    to == s->owner ? imap_promise(s, to) : NULL);
}

static void
set_appenduid(struct imap_cmd *cmd, const struct append_state *a, uint32_t uidvalidity)
{
	uint32_t first = a->item[0].ret_uid, last = a->item[a->n - 1].ret_uid;

	if (first == last)
		imap_set_code(cmd, "APPENDUID %u %u", uidvalidity, first);
	else
		imap_set_code(cmd, "APPENDUID %u %u:%u", uidvalidity, first, last);
}

static enum err
store_messages(struct imap_session *s, struct imap_cmd *cmd)
{
	struct append_state *a = s->append;
	uint32_t uidvalidity = 0;

	for (size_t i = 0; i < a->n; i++) {
		imap_cut_flags(a->folder.rights, &a->item[i].flags); /* RFC 4314 §4 */
		a->item[i].viewer = a->folder.viewer;
	}
	enum err e =
	    a->grammar.replace ? replace(s, a, &uidvalidity) : append_all(s, a, &uidvalidity);
	if (e == ERR_GONE)
		imap_set_code(cmd, "TRYCREATE");
	if (e == ERR_STALE) {
		imap_set_code(cmd, "EXPUNGEISSUED"); /* RFC 5530 §3 */
		imap_set_text(cmd, "The message to be replaced no longer exists");
	}
	if (!e && (a->folder.rights & RIGHT_READ)) /* RFC 4315 §3: MUST NOT */
		set_appenduid(cmd, a, uidvalidity);
	if (!e)
		imap_notify_own_messages(s, account_id(a->folder.account), a->folder.info.id,
		    a->item[0].ret_uid, a->item[a->n - 1].ret_uid);
	if (!e && a->grammar.replace) {
		if (cmd->code.n > 0) /* RFC 8508 §4.3: before the EXPUNGE */
			conn_printf(s->conn, "* OK [%.*s] Replacement message ready\r\n",
			    STR_ARG(cmd->code));
		cmd->code = STR("");
		cmd->says_modseq = true; /* §4.5, RFC 7162 §3.2.9 */
	}
	return e;
}

/* -- a message -------------------------------------------------------------------------------- */

static struct append *
current(const struct append_state *a)
{
	return &a->item[a->n - 1];
}

static enum err
begin_message(struct imap_session *s, struct append_state *a, const struct append_piece *piece)
{
	struct append *grown =
	    arena_grow(s->cmd.arena, a->item, &a->cap, a->n + 1, sizeof(*a->item));

	if (!grown)
		return ERR_NOMEM;
	a->item = grown;
	a->item[a->n++] = (struct append){
	    .flags = piece->flags,
	    .internal_s = piece->date.utc_s,
	    .internal_zone_s = piece->date.zone_s,
	};
	a->last = '\0';
	a->any_binary = false;
	uint32_t limit = s->conf->imapd.message_limit;
	if (limit > 0 && a->n > limit) { /* RFC 9738 §3.1 */
		imap_set_code(&s->cmd, "MESSAGELIMIT %u", limit);
		imap_set_text(&s->cmd, "Too many messages at once");
		return ERR_LIMIT;
	}
	if (a->files >= APPEND_FILES_MAX || a->memory >= APPEND_MEMORY_MAX) {
		imap_set_text(&s->cmd, "Too many messages at once");
		return ERR_LIMIT;
	}
	return spool_new(s->service->store, &current(a)->spool);
}

/* What is found out only now of the octets. */
static enum err
explain_octets(struct imap_session *s, enum err e)
{
	if (e == ERR_CANNOT) { /* RFC 3516 §4.4 */
		imap_set_code(&s->cmd, "UNKNOWN-CTE");
		imap_set_text(&s->cmd, "A NUL stands where it can't be encoded");
	}
	return e;
}

static enum err
end_message(struct imap_session *s, struct append_state *a)
{
	uint64_t size = spool_size(current(a)->spool);
	enum err e = spool_write(current(a)->spool, "", 0); /* what sticks in it */

	if (e)
		return e;
	if (size == 0) { /* RFC 3502 §6.3.11: how a client gives up a command */
		imap_set_text(&s->cmd, "An empty message can't be stored");
		return ERR_CANNOT;
	}
	if (size > SPOOL_MEMORY)
		a->files++;
	else
		a->memory += size;
	a->size += size;
	return ERR_OK;
}

/* Whether the octets that are announced may come. */
static enum err
check_octets(struct imap_session *s, struct append_state *a)
{
	struct imap_cmd *cmd = &s->cmd;
	uint64_t have = spool_size(current(a)->spool), more = cmd->stream.size;

	if (more > s->conf->imapd.append_limit || have + more > s->conf->imapd.append_limit)
		return ERR_TOO_BIG;
	if (more == 0 && !a->grammar.catenate) {
		imap_set_text(cmd, "An empty message can't be stored");
		return ERR_CANNOT;
	}
	/* What comes unasked and fits into memory costs nothing before the transaction decides. */
	uint64_t total = a->size + have + more;
	if ((!cmd->stream.synchronising && total <= SPOOL_MEMORY) || total <= a->replaced_size)
		return ERR_OK;
	return account_has_room(a->folder.account, total - a->replaced_size);
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

/* A failure sticks in the spool; the client would not hear before its last octet. */
static void
put(struct spool *spool, struct str in)
{
	enum err ignored = spool_write(spool, in.p, in.n);
	(void)ignored;
}

/* Octets over 127 in a header are kept as they are, whether or not the client has enabled UTF-8.
 * RFC 6855 §4 would have them refused, and there this server differs on purpose: mail with raw
 * Latin-1 or UTF-8 in its header fields is as old as mail, it comes in by SMTP, and clients that
 * copy mailboxes (mbsync, offlineimap, imapsync) download such a message and must be able to put it
 * back octet for octet. A NO would stop their synchronisation at it for ever, and no other server
 * in wide use says one.
 *
 * A message at rest has CRLF line ends, whichever way it came: POP3 counts its octets so (RFC 1939
 * §11), and other IMAP servers hand it out so. A lone CR stays, and all of a literal8. */
static void
keep_octets(struct append_state *a, struct str in)
{
	struct spool *spool = current(a)->spool;
	size_t bare;

	while (!a->binary && (bare = find_bare_lf(in, a->last)) != STR_NONE) {
		put(spool, str_make(in.p, bare));
		put(spool, STR("\r\n"));
		a->last = '\n';
		in = str_skip(in, bare + 1);
	}
	put(spool, in);
	if (in.n > 0)
		a->last = in.p[in.n - 1];
}

/* -- the command ------------------------------------------------------------------------------ */

static imap_mode read_octets, read_text, copy_octets, encode_octets;

static enum err
expect_octets(struct imap_session *s, struct append_state *a, bool binary)
{
	struct imap_cmd *cmd = &s->cmd;

	enum err e = check_octets(s, a);
	if (e)
		return e;
	a->binary = binary;
	a->any_binary |= binary;
	if (cmd->stream.synchronising)
		conn_puts(s->conn, "+ Ready for the message\r\n");
	cmd->streaming = true;
	cmd->stream_left = cmd->stream.size;
	s->mode = read_octets;
	return ERR_OK;
}

/* Goes on with the text in cmd->args, up to octets or to its end. */
static enum imap_go
go_on(struct imap_session *s)
{
	struct append_state *a = s->append;
	struct imap_cmd *cmd = &s->cmd;
	struct append_piece piece;
	enum err e = ERR_OK;

	while (!e) {
		switch (append_next(&a->grammar, cmd->args, &piece)) {
		case APPEND_BEGIN:
			e = begin_message(s, a, &piece);
			break;
		case APPEND_OCTETS:
			e = expect_octets(s, a, piece.binary);
			if (!e)
				return GO_ON;
			break;
		case APPEND_URL:
			e = catenate_begin(&a->copy, s, cmd, piece.url);
			s->mode = copy_octets;
			if (!e)
				return GO_ON;
			break;
		case APPEND_END:
			if (a->any_binary) {
				e = explain_octets(s, binary_encode_begin(s->service->store,
							  current(a)->spool, &a->encoding));
				if (!e && a->encoding) {
					s->mode = encode_octets;
					return GO_ON;
				}
			}
			if (!e)
				e = end_message(s, a);
			break;
		case APPEND_DONE:
			return end_append(s, store_messages(s, cmd));
		case APPEND_MISTAKE:
			e = cmd->args->c.err;
			break;
		}
	}
	return end_append(s, e);
}

static enum imap_go
begin(struct imap_session *s, unsigned events)
{
	(void)events;
	return go_on(s);
}

static enum imap_go
read_octets(struct imap_session *s, unsigned events)
{
	struct imap_cmd *cmd = &s->cmd;
	struct str in = conn_input(s->conn);
	size_t n = in.n < cmd->stream_left ? in.n : (size_t)cmd->stream_left;

	(void)events;
	if (n > 0) {
		keep_octets(s->append, str_sub(in, 0, n));
		conn_consume(s->conn, n);
		cmd->stream_left -= n;
	}
	if (cmd->stream_left > 0)
		return GO_READ;
	s->mode = read_text;
	return GO_ON;
}

static enum imap_go
encode_octets(struct imap_session *s, unsigned events)
{
	struct append_state *a = s->append;
	bool done;
	enum err e = explain_octets(s, binary_encode_step(a->encoding, &done));

	(void)events;
	if (!e && !done)
		return GO_AGAIN;
	if (!e) {
		binary_encode_replace(a->encoding, &current(a)->spool);
		binary_encode_free(&a->encoding);
		e = end_message(s, a);
	}
	return e ? end_append(s, e) : go_on(s);
}

static enum imap_go
copy_octets(struct imap_session *s, unsigned events)
{
	struct append_state *a = s->append;
	struct spool *spool = current(a)->spool;
	uint64_t have = spool_size(spool), limit = s->conf->imapd.append_limit;
	bool done;

	(void)events;
	/* before the disk is filled with what the transaction would refuse */
	uint64_t total = a->size + have;
	enum err e = total > a->replaced_size + SPOOL_MEMORY
			 ? account_has_room(a->folder.account, total - a->replaced_size)
			 : ERR_OK;
	if (!e)
		e = catenate_step(&a->copy, spool, have < limit ? limit - have : 0, &done);
	if (e == ERR_NOT_FOUND)
		catenate_set_badurl(&s->cmd, a->copy.url);
	if (e)
		return end_append(s, e);
	a->last = '\n'; /* what is stored ends its lines */
	return done ? go_on(s) : GO_AGAIN;
}

/* A literal behind octets that is no octets: an argument. */
static enum imap_go
begin_argument(struct imap_session *s, size_t max)
{
	struct append_state *a = s->append;
	struct imap_stream *stream = &s->cmd.stream;

	if (stream->size > max) {
		s->cmd.streaming = !stream->synchronising;
		s->cmd.stream_left = stream->synchronising ? 0 : stream->size;
		return end_append(s, ERR_TOO_LONG);
	}
	sbuf_puts(&a->text, "\r\n");
	a->argument_left = stream->size;
	if (stream->synchronising)
		conn_puts(s->conn, "+ Ready for the literal\r\n");
	return GO_ON;
}

/* One line behind octets is whole, and its literals so far. */
static enum imap_go
take_text(struct imap_session *s, struct str line, size_t room)
{
	struct append_state *a = s->append;
	struct imap_cmd *cmd = &s->cmd;
	size_t at;

	cmd->streaming = false;
	bool literal = imap_find_literal(line, &cmd->stream.size, &cmd->stream.synchronising, &at);
	sbuf_put(&a->text, line);
	room -= line.n;
	imap_line_done(s, line);
	struct str text = sbuf_view(&a->text);
	if (sbuf_error(&a->text))
		return end_append(s, ERR_NOMEM);
	if (literal && !cmd->stream.synchronising && !imap_may_come_unasked(s, cmd->stream.size)) {
		cmd->streaming = true;
		cmd->stream_left = cmd->stream.size;
		return end_append(s, ERR_TOO_LONG);
	}
	if (literal && !append_takes_literal(&a->grammar, text, false))
		return begin_argument(s, room > 2 ? room - 2 : 0);
	if (literal && !cmd->stream.synchronising) {
		cmd->streaming = true;
		cmd->stream_left = cmd->stream.size;
	}
	a->texts += text.n;
	text = arena_dup(cmd->arena, text);
	sbuf_clear(&a->text);
	if (!text.p)
		return end_append(s, ERR_NOMEM);
	imap_args_init(&s->args, text, cmd->arena);
	s->args.utf8 = imap_speaks_utf8(s);
	return go_on(s);
}

/* What has come is held until the rest has, if there is memory for it. */
static enum imap_go
wait_for_text(struct imap_session *s)
{
	struct append_state *a = s->append;

	if (imap_may_gather(s, a->text.n + conn_input(s->conn).n))
		return GO_READ;
	s->cmd.streaming = true;
	s->cmd.stream_left = a->argument_left;
	return end_append(s, ERR_NOMEM);
}

static enum imap_go
read_text(struct imap_session *s, unsigned events)
{
	struct append_state *a = s->append;
	struct str line, in = conn_input(s->conn);
	size_t n = in.n < a->argument_left ? in.n : (size_t)a->argument_left;

	(void)events;
	sbuf_append(&a->text, in.p, n);
	conn_consume(s->conn, n);
	a->argument_left -= n;
	if (a->argument_left > 0)
		return wait_for_text(s);
	size_t max = imap_line_max(s), left = APPEND_TEXT_MAX - a->texts;
	if (max > left)
		max = left;
	max = max > a->text.n ? max - a->text.n : 0;
	switch (imap_take_line(s, max, &line)) {
	case IMAP_LINE_PARTIAL:
		return wait_for_text(s);
	case IMAP_LINE_TOO_LONG:
		return end_append(s, ERR_TOO_LONG);
	case IMAP_LINE_BARE:
		return end_append(s, ERR_SYNTAX);
	case IMAP_LINE_WHOLE:
		break;
	}
	return take_text(s, line, max);
}

/* -- the handlers ----------------------------------------------------------------------------- */

/* Whether messages may come. */
static enum err
check_target(struct imap_session *s, struct imap_cmd *cmd, struct str name, struct imap_folder *ret)
{
	enum err e = imap_find_folder_for(s, cmd, name, RIGHT_INSERT, ret);

	if (e == ERR_NOT_FOUND)
		imap_set_code(cmd, "TRYCREATE"); /* RFC 3501 §6.3.11 */
	return e;
}

/* The message that REPLACE names, 0 is "*". */
static enum err
find_replaced(struct imap_session *s, struct imap_cmd *cmd, uint32_t number, struct append_state *a)
{
	uint32_t count = view_count(s->told);
	uint32_t seq = number == 0 ? count : cmd->uid ? view_seq_of(s->told, number) : number;

	if (!cmd->uid && (seq == 0 || seq > count)) {
		imap_set_text(cmd, "There is no message of this number");
		return ERR_PARAM;
	}
	if (seq == 0) {
		imap_set_text(cmd, "There is no message of this UID");
		return ERR_NOT_FOUND;
	}
	if ((s->rights & (RIGHT_DELETE | RIGHT_EXPUNGE)) != (RIGHT_DELETE | RIGHT_EXPUNGE))
		return ERR_DENIED; /* RFC 8508 §4.1 */
	const struct view_entry *e = view_at(s->told, seq);
	a->replaced = e->uid;
	if (a->folder.account == s->owner)
		a->replaced_size = e->size < VIEW_SIZE_MAX ? e->size : 0;
	return ERR_OK;
}

static enum err
begin_command(struct imap_session *s, struct imap_cmd *cmd, bool is_replace)
{
	struct append_state *a = ARENA_NEW(cmd->arena, struct append_state);
	struct imap_args *args = cmd->args;
	uint32_t number;
	struct str name;

	if (!a)
		return ERR_NOMEM;
	a->text = SBUF_INIT(APPEND_TEXT_MAX);
	a->grammar.replace = is_replace;
	append_parse_head(args, is_replace, &number, &name);
	if (args->c.err)
		return args->c.err;
	/* what is wrong with the rest is said before what is wrong with the mailbox */
	struct append_grammar ahead = a->grammar;
	struct imap_args rest = *args;
	struct append_piece piece;
	enum append_event event;
	do {
		event = append_next(&ahead, &rest, &piece);
	} while (event != APPEND_OCTETS && event != APPEND_DONE && event != APPEND_MISTAKE);
	if (event == APPEND_MISTAKE) {
		*args = rest;
		return rest.c.err;
	}
	enum err e = check_target(s, cmd, name, &a->folder);
	if (!e && is_replace)
		e = find_replaced(s, cmd, number, a);
	if (e)
		return e;
	s->append = a;
	imap_enter_mode(s, cmd, begin);
	return ERR_OK;
}

enum err
cmd_append(struct imap_session *s, struct imap_cmd *cmd)
{
	return begin_command(s, cmd, false);
}

enum err
cmd_replace(struct imap_session *s, struct imap_cmd *cmd)
{
	/* RFC 8508 §3.6: what APPEND needs, and what STORE of \Deleted and EXPUNGE need */
	enum err e = imap_need(s, RIGHT_DELETE | RIGHT_EXPUNGE);
	return e ? e : begin_command(s, cmd, true);
}

/* RETR and TOP (RFC 1939 §5, §7). A small message is written at once. A large one goes out piece by
 * piece as the client reads; its file is kept open for so long, so that what has begun can be
 * finished though another session removes the message. */
#include "pop3d/pop3_commands.h"
#include "pop3d/pop3_reply.h"
#include "store/message.h"

#define PIECE ((size_t)SPOOL_MEMORY) /* of a file, read at once */

/* Stuffed, into the output. */
static enum err
write_octets(struct pop3_session *s, struct str octets)
{
	struct pop3_pump *p = &s->pump;

	if (p->stuff.finished) /* TOP needs no more */
		return ERR_OK;
	char *to = conn_out_reserve(s->conn, octets.n * DOT_STUFF_GROWTH);
	if (!to)
		return ERR_NOMEM;
	size_t written = dot_stuff_feed(&p->stuff, octets, to);
	conn_out_grow(s->conn, written);
	p->offset += octets.n;
	s->octets += written;
	METRICS_ADD(pop3_message_bytes, 0, written);
	return ERR_OK;
}

static void
write_end(struct pop3_session *s)
{
	struct pop3_pump *p = &s->pump;
	char end[DOT_STUFF_END_MAX];

	conn_write(s->conn, end, dot_stuff_end(&p->stuff, end));
	s->retrieved += !p->stuff.limited;
	METRICS_ADD(pop3_messages, 0, !p->stuff.limited);
}

static size_t
next_piece(const struct pop3_session *s)
{
	const struct pop3_pump *p = &s->pump;
	size_t n = conn_out_piece(s->conn, PIECE);

	return p->size - p->offset < n ? (size_t)(p->size - p->offset) : n;
}

static enum err
step_file(struct pop3_session *s, bool *ret_done)
{
	CLEANUP(mem_free) char *piece = malloc(PIECE);
	struct pop3_pump *p = &s->pump;

	if (!piece)
		return ERR_NOMEM;
	while (p->offset < p->size && !p->stuff.finished) {
		if (conn_out_full(s->conn))
			return ERR_OK;
		size_t n = next_piece(s);
		enum err e = message_file_read(p->file, p->offset, piece, n);
		if (!e)
			e = write_octets(s, str_make(piece, n));
		if (e)
			return e;
	}
	write_end(s);
	*ret_done = true;
	return ERR_OK;
}

static void
say_ok(struct pop3_session *s)
{
	if (s->pump.stuff.limited) {
		pop3_ok(s, TEXT_TOP_FOLLOWS);
		return;
	}
	conn_puts(s->conn, "+OK ");
	conn_put_u64(s->conn, s->pump.size);
	conn_puts(s->conn, " ");
	conn_puts(s->conn, pop3_text(s->language, TEXT_MESSAGE_FOLLOWS));
	conn_puts(s->conn, "\r\n");
}

/* Reads the first piece before anything is said, so that what can't be read is an error, not a
 * response that breaks off. */
static enum err
begin_file(struct pop3_session *s, struct reader *r)
{
	CLEANUP(mem_free) char *piece = malloc(PIECE);
	struct pop3_pump *p = &s->pump;
	struct message_row row = {0};

	if (!piece)
		return ERR_NOMEM;
	enum err e = reader_message(r, p->message, WANT_BASICS, &row);
	if (!e)
		e = reader_take_file(r, p->message, &p->file);
	p->size = row.size;
	size_t n = next_piece(s);
	if (!e)
		e = message_file_read(p->file, 0, piece, n);
	if (e) {
		message_file_close(&p->file);
		return e;
	}
	say_ok(s);
	p->step = step_file;
	return write_octets(s, str_make(piece, n));
}

/* What stands in the database is read as a whole before anything is said, and said as a whole. */
static enum err
say_whole(struct pop3_session *s, struct str header, struct str body)
{
	say_ok(s);
	enum err e = write_octets(s, header);
	if (!e)
		e = write_octets(s, body);
	if (!e)
		write_end(s);
	return e;
}

static enum err
begin(struct pop3_session *s, uint32_t seq, const struct dot_stuff *stuff)
{
	CLEANUP(reader_close) struct reader *r = NULL;
	const struct view_entry *entry = NULL;
	struct str header, body;

	enum err e = maildrop_entry(&s->drop, seq, &entry);
	if (e)
		return e;
	message_file_close(&s->pump.file);
	s->pump = (struct pop3_pump){
	    .message = entry->message,
	    .size = entry->size,
	    .stuff = *stuff,
	};
	if (read_ahead_take(&s->ahead, seq, &header, &body))
		return say_whole(s, header, body);
	e = reader_open(s->drop.account, &r);
	if (!e)
		e = reader_octets(r, entry->message, entry->size, &header, &body);
	if (e)
		return e;
	if (!header.p)
		return begin_file(s, r);
	e = say_whole(s, header, body);
	if (!e)
		read_ahead_fill(&s->ahead, &s->drop, r, seq);
	return e;
}

enum err
cmd_retr(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	struct dot_stuff stuff;

	dot_stuff_begin(&stuff);
	return begin(s, cmd->seq, &stuff);
}

enum err
cmd_top(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	struct dot_stuff stuff;

	dot_stuff_begin_top(&stuff, cmd->lines);
	return begin(s, cmd->seq, &stuff);
}

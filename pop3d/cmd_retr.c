/* RETR and TOP (RFC 1939 §5, §7). A small message is written at once. A large one goes out piece by
 * piece as the client reads; its file is kept open for so long, so that what has begun can be
 * finished though another session removes the message. */
#include "pop3d/pop3_commands.h"
#include "pop3d/pop3_reply.h"
#include "store/message.h"

#define PIECE ((size_t)SPOOL_MEMORY) /* at least: what is larger stands in a file */

struct piece {
	char octets[PIECE];
	size_t n;
};

/* The next piece of the message, from its file or `r`; n = 0 at its end. */
static enum err
read_piece(const struct pop3_pump *p, struct reader *r, struct piece *piece)
{
	uint64_t left = p->size - p->offset;

	piece->n = 0;
	if (left == 0)
		return ERR_OK;
	size_t n = left < PIECE ? (size_t)left : PIECE;
	enum err e = p->file ? message_file_read(p->file, p->offset, piece->octets, n)
			     : reader_read(r, p->message, p->offset, piece->octets, n, &n);
	if (!e && n == 0)
		e = ERR_CORRUPT; /* shorter than its row says */
	piece->n = n;
	return e;
}

/* Stuffed, into the output. */
static enum err
write_piece(struct pop3_session *s, const struct piece *piece)
{
	struct pop3_pump *p = &s->pump;
	char *to = conn_out_reserve(s->conn, piece->n * DOT_STUFF_GROWTH);

	if (!to)
		return ERR_NOMEM;
	size_t written = dot_stuff_feed(&p->stuff, str_make(piece->octets, piece->n), to);
	conn_out_grow(s->conn, written);
	p->offset += piece->n;
	s->octets += written;
	return ERR_OK;
}

static enum err
step_body(struct pop3_session *s, bool *ret_done)
{
	CLEANUP(reader_close) struct reader *r = NULL;
	struct pop3_pump *p = &s->pump;
	char end[DOT_STUFF_END_MAX];
	struct piece piece;

	while (p->offset < p->size && !p->stuff.finished) {
		if (conn_out_full(s->conn))
			return ERR_OK;
		enum err e = r || p->file ? ERR_OK : reader_open(s->drop.account, &r);
		if (!e)
			e = read_piece(p, r, &piece);
		if (!e)
			e = write_piece(s, &piece);
		if (e)
			return e;
	}
	conn_write(s->conn, end, dot_stuff_end(&p->stuff, end));
	s->retrieved += !p->stuff.limited;
	*ret_done = true;
	return ERR_OK;
}

/* Finds the message and reads its first piece before anything is said, so that what can't be read
 * is an error, not a response that breaks off; most messages need no second piece. */
static enum err
begin(struct pop3_session *s, uint32_t seq, const struct dot_stuff *stuff)
{
	CLEANUP(reader_close) struct reader *r = NULL;
	const struct view_entry *entry;
	struct message_row row;
	struct piece piece;

	enum err e = reader_open(s->drop.account, &r);
	if (!e)
		e = maildrop_row(&s->drop, r, seq, &row, &entry);
	if (e)
		return e;
	s->pump = (struct pop3_pump){
	    .message = entry->message,
	    .size = row.size,
	    .stuff = *stuff,
	};
	e = read_piece(&s->pump, r, &piece);
	if (!e && piece.n < row.size)
		e = reader_take_file(r, entry->message, &s->pump.file);
	if (e)
		return e;
	if (stuff->limited)
		pop3_ok(s, TEXT_TOP_FOLLOWS);
	else
		conn_printf(s->conn, "+OK %llu %s\r\n", (unsigned long long)row.size,
		    pop3_text(s->language, TEXT_MESSAGE_FOLLOWS));
	s->pump.step = step_body;
	return write_piece(s, &piece);
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

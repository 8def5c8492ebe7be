/* RETR and TOP (RFC 1939 §5, §7). A message of any size goes out piece by piece as the client
 * reads; each step opens the message anew. */
#include "pop3d/pop3_commands.h"
#include "pop3d/pop3_reply.h"

#define PIECE ((size_t)32 * 1024)

/* One piece of the message, stuffed, into the output. */
static enum err
write_piece(struct pop3_session *s, struct reader *r)
{
	char piece[PIECE];
	struct pop3_pump *p = &s->pump;
	uint64_t left = p->size - p->offset;
	size_t want = left < sizeof(piece) ? (size_t)left : sizeof(piece);
	size_t n = 0;

	enum err e = reader_read(r, p->message, p->offset, piece, want, &n);
	if (e)
		return e;
	if (n == 0)
		return ERR_CORRUPT; /* shorter than its row says */
	char *to = conn_out_reserve(s->conn, n * DOT_STUFF_GROWTH);
	if (!to)
		return ERR_NOMEM;
	size_t written = dot_stuff_feed(&p->stuff, str_make(piece, n), to);
	conn_out_grow(s->conn, written);
	p->offset += n;
	s->octets += written;
	return ERR_OK;
}

static enum err
step_body(struct pop3_session *s, bool *ret_done)
{
	CLEANUP(reader_close) struct reader *r = NULL;
	struct pop3_pump *p = &s->pump;
	char end[DOT_STUFF_END_MAX];

	enum err e = reader_open(s->drop.account, &r);
	while (!e && p->offset < p->size && !p->stuff.finished) {
		if (conn_out_full(s->conn))
			return ERR_OK;
		e = write_piece(s, r);
	}
	if (e)
		return e;
	conn_write(s->conn, end, dot_stuff_end(&p->stuff, end));
	s->retrieved += !p->stuff.limited;
	*ret_done = true;
	return ERR_OK;
}

/* Finds the message, before anything is written, and points the pump at it. */
static enum err
begin(struct pop3_session *s, uint32_t seq)
{
	CLEANUP(reader_close) struct reader *r = NULL;
	const struct view_entry *entry;
	struct message_row row;

	enum err e = reader_open(s->drop.account, &r);
	if (!e)
		e = maildrop_row(&s->drop, r, seq, &row, &entry);
	if (e)
		return e;
	s->pump = (struct pop3_pump){
	    .step = step_body,
	    .message = entry->message,
	    .size = row.size,
	};
	return ERR_OK;
}

enum err
cmd_retr(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	enum err e = begin(s, cmd->seq);

	if (e)
		return e;
	dot_stuff_begin(&s->pump.stuff);
	conn_printf(s->conn, "+OK %llu %s\r\n", (unsigned long long)s->pump.size,
	    pop3_text(s->language, TEXT_MESSAGE_FOLLOWS));
	return ERR_OK;
}

enum err
cmd_top(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	enum err e = begin(s, cmd->seq);

	if (e)
		return e;
	dot_stuff_begin_top(&s->pump.stuff, cmd->lines);
	pop3_ok(s, TEXT_TOP_FOLLOWS);
	return ERR_OK;
}

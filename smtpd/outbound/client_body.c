/* The message on its way: read piece by piece, written as far as the connection takes it. */
#include "smtpd/outbound/client_private.h"

#include "common/base/log.h"

#define PIECE (16 * 1024)

/* Without its last octet no server takes the message: the connection ends. */
static void
unreadable(struct client *cl, enum err e)
{
	log_error("outbound_read", F_INT("message", cl->job->message.id), F_ERR(e));
	client_mail_lost(cl, 0, "4.3.0",
	    e == ERR_NOT_FOUND ? STR("The message was taken from the queue meanwhile")
			       : STR("The message can't be read from the queue"));
	client_over(cl, CLIENT_FINE, 0, STR(""));
}

/* Moves one piece. */
static enum err
write_piece(struct client *cl)
{
	struct client_txn *t = cl->txn;
	char piece[PIECE];
	size_t n = 0;
	enum err e = cl->content->read(cl->content, t->offset, piece, sizeof(piece), &n);

	if (!e && n == 0)
		e = ERR_CORRUPT; /* shorter than it said */
	if (e)
		return e;
	if (n > cl->content->size - t->offset)
		n = cl->content->size - t->offset;
	if (t->chunks) {
		conn_write(cl->conn, piece, n);
	} else {
		char *to = conn_out_reserve(cl->conn, DOT_WRITER_ROOM(n));
		if (!to)
			return ERR_NOMEM;
		conn_out_grow(cl->conn, dot_writer_feed(&t->dots, str_make(piece, n), to));
	}
	t->offset += n;
	return ERR_OK;
}

bool
client_body_write(struct client *cl)
{
	struct client_txn *t = cl->txn;
	char end[DOT_WRITER_END];

	while (t->offset < cl->content->size) {
		if (conn_out_full(cl->conn)) {
			client_enter(cl, PH_BODY, CLIENT_BLOCK_MS);
			return false;
		}
		enum err e = write_piece(cl);
		if (e) {
			unreadable(cl, e);
			return true;
		}
	}
	if (!t->chunks)
		conn_write(cl->conn, end, dot_writer_end(&t->dots, end));
	client_enter(cl, PH_FINAL, CLIENT_FINAL_MS);
	return true;
}

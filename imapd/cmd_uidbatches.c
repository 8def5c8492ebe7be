/*
 * UIDBATCHES: RFC 10022. UID ranges that cut a mailbox into batches of as many messages, the newest
 * first; together they hold every UID there is.
 */
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"

#define BATCH_MIN 500 /* messages: fewer ask for more ranges than they are good for */

struct batches {
	uint32_t size;
	uint32_t at, last; /* numbers of the next and of the last one wanted, from 1 */
	bool any; /* one is written */
};

/* The UIDs of a batch, from its first down to the one before the next batch's: numbers are places
 * in s->told, counted from its end. */
static bool
write_batch(struct imap_session *s, struct batches *b)
{
	uint32_t count = view_count(s->told);
	uint64_t newer = (uint64_t)(b->at - 1) * b->size; /* messages in the batches before */

	if (newer >= count)
		return false;
	uint32_t hi_seq = count - (uint32_t)newer;
	uint32_t lo_seq = hi_seq > b->size ? hi_seq - b->size + 1 : 1;
	/* UIDs that are not there any more belong to the batch of the message above them */
	uint32_t hi =
	    newer == 0 ? view_at(s->told, count)->uid : view_at(s->told, hi_seq + 1)->uid - 1;
	uint32_t lo = lo_seq == 1 ? 1 : view_at(s->told, lo_seq)->uid;
	conn_puts(s->conn, b->any ? "," : " ");
	imap_write_u64(s->conn, hi);
	conn_puts(s->conn, ":");
	imap_write_u64(s->conn, lo);
	b->any = true;
	b->at++;
	return true;
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct batches *b = state;

	(void)cmd;
	while (b->at <= b->last) {
		if (conn_out_full(s->conn))
			return ERR_OK;
		if (!write_batch(s, b))
			break;
	}
	conn_puts(s->conn, "\r\n");
	*ret_done = true;
	return ERR_OK;
}

enum err
cmd_uidbatches(struct imap_session *s, struct imap_cmd *cmd)
{
	struct batches *b = ARENA_NEW(cmd->arena, struct batches);

	if (!b)
		return ERR_NOMEM;
	imap_parse_space(cmd->args);
	b->size = imap_parse_nz_number(cmd->args);
	b->at = 1;
	b->last = UINT32_MAX;
	if (imap_accept_space(cmd->args)) {
		b->at = imap_parse_nz_number(cmd->args);
		imap_parse_char(cmd->args, ':', "a range of batches");
		b->last = imap_parse_nz_number(cmd->args);
	}
	enum err e = imap_parse_end(cmd->args);
	if (!e && b->at > b->last) {
		imap_set_code(cmd, "CLIENTBUG");
		imap_set_text(cmd, "A range of batches rises");
		return ERR_SYNTAX;
	}
	if (!e && b->size < BATCH_MIN) {
		imap_set_code(cmd, "TOOFEW");
		imap_set_text(cmd, "A batch is %d messages at least", BATCH_MIN);
		return ERR_LIMIT;
	}
	if (e)
		return e;
	conn_printf(s->conn, "* UIDBATCHES (TAG \"%s\")", cmd->tag);
	imap_pump(s, cmd, step, b, NULL);
	return ERR_OK;
}

/* STAT, LIST, UIDL, DELE and RSET (RFC 1939 §5, §7). Listings are written by pumps: a maildrop may
 * hold any number of messages. */
#include "pop3d/pop3_commands.h"
#include "pop3d/pop3_reply.h"

#define STEP_ROWS 1000 /* then others get their turn */

/* Calls `row` for the next messages that are there; whether the end was reached. */
static enum err
walk(struct pop3_session *s, void (*row)(struct pop3_session *s, const struct message_row *row),
    bool *ret_done)
{
	CLEANUP(reader_close) struct reader *r = NULL;
	enum err e = reader_open(s->drop.account, &r);

	for (unsigned n = 0; !e && n < STEP_ROWS && !conn_out_full(s->conn); n++) {
		const struct view_entry *entry;
		struct message_row m;

		if (s->pump.seq > maildrop_count(&s->drop)) {
			*ret_done = true;
			break;
		}
		e = maildrop_row(&s->drop, r, s->pump.seq, &m, &entry);
		if (!e)
			row(s, &m);
		else if (e == ERR_GONE)
			e = ERR_OK; /* marked, or removed by another session: not listed */
		s->pump.seq++;
	}
	return e;
}

static void
begin(struct pop3_session *s, pop3_pump_step *step)
{
	s->pump = (struct pop3_pump){.step = step, .seq = 1};
}

/* The row of one message, for LIST n and UIDL n. */
static enum err
one(struct pop3_session *s, uint32_t seq,
    void (*row)(struct pop3_session *s, const struct message_row *row))
{
	CLEANUP(reader_close) struct reader *r = NULL;
	const struct view_entry *entry;
	struct message_row m;

	enum err e = reader_open(s->drop.account, &r);
	if (!e)
		e = maildrop_row(&s->drop, r, seq, &m, &entry);
	if (e)
		return e;
	conn_puts(s->conn, "+OK ");
	s->pump.seq = seq;
	row(s, &m);
	return ERR_OK;
}

static void
write_size(struct pop3_session *s, const struct message_row *row)
{
	conn_printf(s->conn, "%u %llu\r\n", s->pump.seq, (unsigned long long)row->size);
}

static void
write_uid(struct pop3_session *s, const struct message_row *row)
{
	char text[MAILDROP_UID_MAX + 1];

	maildrop_uid(&s->drop, s->pump.seq, row, text);
	conn_printf(s->conn, "%u %s\r\n", s->pump.seq, text);
}

static void
add_size(struct pop3_session *s, const struct message_row *row)
{
	s->pump.count++;
	s->pump.octets += row->size;
}

static enum err
step_list(struct pop3_session *s, bool *ret_done)
{
	enum err e = walk(s, write_size, ret_done);

	if (!e && *ret_done)
		pop3_end_list(s);
	return e;
}

static enum err
step_uidl(struct pop3_session *s, bool *ret_done)
{
	enum err e = walk(s, write_uid, ret_done);

	if (!e && *ret_done)
		pop3_end_list(s);
	return e;
}

static void
write_stat(struct pop3_session *s, uint32_t count, uint64_t octets)
{
	conn_printf(s->conn, "+OK %u %llu\r\n", count, (unsigned long long)octets);
}

static enum err
step_stat(struct pop3_session *s, bool *ret_done)
{
	enum err e = walk(s, add_size, ret_done);

	if (!e && *ret_done)
		write_stat(s, s->pump.count, s->pump.octets);
	return e;
}

/* The totals are those of LIST's rows at any time: where another session has removed something,
 * the rest is added up. */
enum err
cmd_stat(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	const struct maildrop *d = &s->drop;
	bool whole = false;
	enum err e = maildrop_is_whole(d, &whole);

	(void)cmd;
	if (!e && whole && d->octets_known)
		write_stat(s, maildrop_count(d) - d->marked, d->octets - d->marked_octets);
	else if (!e)
		begin(s, step_stat);
	return e;
}

enum err
cmd_list(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	if (cmd->seq)
		return one(s, cmd->seq, write_size);
	pop3_ok(s, TEXT_MESSAGES);
	begin(s, step_list);
	return ERR_OK;
}

enum err
cmd_uidl(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	enum err e = maildrop_find_twins(&s->drop);

	if (e)
		return e;
	if (cmd->seq)
		return one(s, cmd->seq, write_uid);
	pop3_ok(s, TEXT_UIDS);
	begin(s, step_uidl);
	return ERR_OK;
}

enum err
cmd_dele(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	enum err e = maildrop_mark(&s->drop, cmd->seq);

	if (!e)
		pop3_ok(s, TEXT_DELETED);
	return e;
}

enum err
cmd_rset(struct pop3_session *s, const struct pop3_cmd *cmd)
{
	(void)cmd;
	maildrop_unmark_all(&s->drop);
	pop3_ok(s, TEXT_RESET);
	return ERR_OK;
}

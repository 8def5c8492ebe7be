/*
 * STORE and UID STORE, RFC 3501 §6.4.6. The table admits them only in a mailbox that was not opened
 * by EXAMINE.
 */
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/own_flags.h"
#include "imapd/told_walk.h"

/* The FETCH responses of a STORE, as far as they are written. */
struct store_report {
	struct own_flags own;
	struct told_walk walk; /* over what is to be reported */
};

static void
release(void *state)
{
	struct store_report *r = state;

	own_flags_done(&r->own);
}

/* store-att-flags up to the flags. */
static void
parse_op(struct imap_args *a, enum flags_op *ret_op, bool *ret_silent)
{
	*ret_op = FLAGS_SET;
	if (imap_accept_char(a, '+'))
		*ret_op = FLAGS_ADD;
	else if (imap_accept_char(a, '-'))
		*ret_op = FLAGS_REMOVE;
	*ret_silent = imap_accept_word(a, "FLAGS.SILENT");
	if (!*ret_silent)
		imap_parse_word(a, "FLAGS");
}

/* "* 3 FETCH (FLAGS (\Seen))", with the UID where the command was UID STORE (§6.4.8). */
static void
write_entry(struct imap_session *s, struct imap_cmd *cmd, struct store_report *r, uint32_t seq,
    const struct view_entry *e)
{
	conn_puts(s->conn, "* ");
	imap_write_u64(s->conn, seq);
	conn_puts(s->conn, " FETCH (");
	if (cmd->uid) {
		conn_puts(s->conn, "UID ");
		imap_write_u64(s->conn, e->uid);
		conn_puts(s->conn, " ");
	}
	own_flags_write(&r->own, s, e);
	conn_puts(s->conn, ")\r\n");
}

static enum err
step(struct imap_session *s, struct imap_cmd *cmd, void *state, bool *ret_done)
{
	struct store_report *r = state;

	for (uint32_t rows = 0; rows < PUMP_STEP_ROWS && !conn_out_full(s->conn); rows++) {
		uint32_t seq;
		const struct view_entry *e = told_walk_peek(&r->walk, s->told, &seq);
		if (!e) {
			*ret_done = true;
			break;
		}
		write_entry(s, cmd, r, seq, e);
		told_walk_pass(&r->walk, e->uid);
	}
	/* RFC 2180 §4.2.3: the flags of the others are stored and told; a UID that is no more is
	 * ignored (RFC 3501 §6.4.8). */
	if (*ret_done && r->own.missing && !cmd->uid) {
		imap_set_code(cmd, "EXPUNGEISSUED");
		imap_set_text(cmd, "Some of the messages no longer exist");
		return ERR_GONE;
	}
	return ERR_OK;
}

enum err
cmd_store(struct imap_session *s, struct imap_cmd *cmd)
{
	struct uidset uids;
	struct flag_list flags;
	enum flags_op op;
	bool silent;

	imap_parse_space(cmd->args);
	imap_parse_msgset(cmd->args, s->told, cmd->uid, &uids);
	imap_parse_space(cmd->args);
	parse_op(cmd->args, &op, &silent);
	imap_parse_space(cmd->args);
	imap_parse_flags(cmd->args, &flags);
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;

	struct store_report *r = ARENA_NEW(cmd->arena, struct store_report);
	if (!r)
		return ERR_NOMEM;
	e = own_flags_store(s, cmd, &uids, op, &flags, &r->own);
	if (e)
		return e;
	/* ".SILENT" keeps back what the client can work out, not what another has changed. */
	r->walk.uids = silent ? &r->own.surprises : &r->own.uids;
	if (silent)
		r->own.missing = false; /* RFC 2180 §4.2.1 */
	imap_pump(s, cmd, step, r, release);
	return ERR_OK;
}

/*
 * STORE and UID STORE, RFC 3501 §6.4.6, RFC 7162 §3.1.3. The table admits them only in a mailbox
 * that was not opened by EXAMINE.
 */
#include "imapd/imap_handlers.h"
#include "imapd/imap_write.h"
#include "imapd/message_limit.h"
#include "imapd/modseq.h"
#include "imapd/own_flags.h"
#include "imapd/session_rights.h"
#include "imapd/told_walk.h"

/* The FETCH responses of a STORE, as far as they are written. */
struct store_report {
	struct own_flags own;
	bool silent; /* flags only where they are not what the client thinks */
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

struct modifiers {
	bool given;
	uint64_t unchanged_since;
};

static void
parse_modifier(struct imap_args *a, void *arg)
{
	struct modifiers *m = arg;

	if (m->given || !imap_accept_word(a, "UNCHANGEDSINCE")) {
		imap_parse_fail(a, ERR_SYNTAX, "UNCHANGEDSINCE, once");
		return;
	}
	m->given = true;
	imap_parse_space(a);
	m->unchanged_since = imap_parse_modseq_valzer(a);
}

/* ["(" store-modifier *(SP store-modifier) ")" SP] (RFC 4466 §2.5) */
static void
parse_modifiers(struct imap_args *a, struct modifiers *ret)
{
	*ret = (struct modifiers){.unchanged_since = MODSEQ_ANY};
	if (imap_peek(a) != '(')
		return;
	imap_parse_list(a, false, parse_modifier, ret);
	imap_parse_space(a);
}

/* "* 3 FETCH (FLAGS (\Seen))", with the UID where the command was UID STORE (§6.4.8), with that and
 * MODSEQ where the client wants these (RFC 7162 §3.2.4). */
static void
write_entry(struct imap_session *s, struct imap_cmd *cmd, struct store_report *r, uint32_t seq,
    const struct view_entry *e)
{
	bool modseq = s->enabled & EN_CONDSTORE;
	const char *space = "";

	imap_open_fetch(s, seq, e->uid);
	if ((cmd->uid || modseq) && !(s->enabled & EN_UIDONLY)) {
		conn_puts(s->conn, "UID ");
		imap_write_u64(s->conn, e->uid);
		space = " ";
	}
	if (!r->silent || uidset_has(&r->own.surprises, e->uid)) {
		conn_puts(s->conn, space);
		own_flags_write(&r->own, s, e);
		space = " ";
	}
	if (modseq) {
		conn_puts(s->conn, space);
		imap_write_modseq(s, e->modseq);
	}
	conn_puts(s->conn, ")\r\n");
}

/* "MODIFIED 7,9": UIDs, or the numbers that the command would have used (§3.1.3). */
static enum err
set_modified(struct imap_session *s, struct imap_cmd *cmd, const struct uidset *modified)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(SIZE_MAX);
	struct uidset numbers = {.arena = cmd->arena};
	struct told_walk walk = {.uids = modified};
	const struct view_entry *e;
	uint32_t seq;
	enum err err = ERR_OK;

	for (; !cmd->uid && !err && (e = told_walk_peek(&walk, s->told, &seq));
	     told_walk_pass(&walk, e->uid))
		err = uidset_add(&numbers, seq, seq);
	uidset_print(cmd->uid ? modified : &numbers, &text);
	if (err || sbuf_error(&text))
		return ERR_NOMEM;
	imap_set_code(cmd, "MODIFIED %.*s", STR_ARG(sbuf_view(&text)));
	imap_set_text(cmd, "Some messages were changed meanwhile");
	return ERR_OK;
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
		if (cmd->code.n == 0)
			imap_set_code(cmd, "EXPUNGEISSUED");
		imap_set_text(cmd, "Some of the messages no longer exist");
		return ERR_GONE;
	}
	return ERR_OK;
}

/* ".SILENT" keeps back what the client can work out, not what another has changed, and not what it
 * can't know: the modseq, after UNCHANGEDSINCE also where that stays (RFC 7162 §3.1.3). */
static const struct uidset *
what_to_report(
    const struct imap_session *s, const struct store_report *r, const struct modifiers *m)
{
	if (!r->silent || m->given)
		return &r->own.uids;
	return s->enabled & EN_CONDSTORE ? &r->own.moved : &r->own.surprises;
}

/* RFC 4314 §4: one that may change some of the flags changes those, and the others stay. */
static enum err
check_rights(const struct imap_session *s, enum flags_op op, const struct flag_list *flags)
{
	uint64_t may = imap_actor(s).may;
	uint64_t named = flags->system | (flags->keyword_count > 0 ? FLAG_KEYWORDS : 0);

	if (op == FLAGS_SET || named == 0)
		named = UINT64_MAX;
	return may & named ? ERR_OK : ERR_DENIED;
}

enum err
cmd_store(struct imap_session *s, struct imap_cmd *cmd)
{
	struct modifiers modifiers;
	struct uidset uids;
	struct flag_list flags;
	enum flags_op op;
	bool silent;

	imap_parse_space(cmd->args);
	imap_parse_msgset(cmd->args, s->told, cmd->uid, &uids);
	imap_parse_space(cmd->args);
	parse_modifiers(cmd->args, &modifiers);
	parse_op(cmd->args, &op, &silent);
	imap_parse_space(cmd->args);
	imap_parse_flags(cmd->args, &flags);
	enum err e = imap_parse_end(cmd->args);
	if (e)
		return e;

	e = check_rights(s, op, &flags);
	if (!e)
		e = imap_limit_messages(s, cmd, &uids, 0);
	if (e)
		return e;
	struct store_report *r = ARENA_NEW(cmd->arena, struct store_report);
	if (!r)
		return ERR_NOMEM;
	if (modifiers.given)
		imap_enable_condstore(s);
	e = own_flags_store(s, cmd, &uids, op, &flags, modifiers.unchanged_since, &r->own);
	if (e)
		return e;
	r->silent = silent;
	r->walk.uids = what_to_report(s, r, &modifiers);
	if (silent && !modifiers.given)
		r->own.missing = false; /* RFC 2180 §4.2.1 */
	if (r->own.modified.n > 0)
		e = set_modified(s, cmd, &r->own.modified);
	if (e) {
		release(r);
		return e;
	}
	imap_pump(s, cmd, step, r, release);
	return ERR_OK;
}

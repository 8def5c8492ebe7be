/* BDAT: RFC 3030 §2. A chunk is read to its last octet whatever becomes of it, so that message text
 * is never taken for commands. */
#include "common/base/log.h"
#include "smtpd/deliver.h"
#include "smtpd/smtp_commands.h"

static enum smtp_step
refused(struct smtp_session *s)
{
	enum err e = s->chunk_err;
	/* LMTP: the last chunk is answered for each recipient (RFC 2033 §4.2). */
	size_t n = smtp_is_lmtp(s) && s->chunk_last && s->txn && s->txn->rcpt_count
		       ? s->txn->rcpt_count
		       : 1;

	smtp_set_mode(s, smtp_mode_command);
	for (size_t i = 0; i < n; i++)
		smtp_say(s, "BDAT", &s->chunk_refusal, STR(""));
	if (e != ERR_SEQUENCE) { /* the message has a hole: no more of it is wanted */
		smtp_end_txn(s);
		s->txn_refused = true;
	}
	if (smtp_count_bad(s, smtp_find_command(STR("BDAT")), e))
		return smtp_goodbye(s, "4.7.0", "Too many errors", "errors");
	return STEP_GO_ON;
}

static enum smtp_step
chunk_whole(struct smtp_session *s, uint64_t octets)
{
	struct smtp_reply r = smtp_reply_for(incoming_error(s->txn->in));

	smtp_set_mode(s, smtp_mode_command);
	if (s->chunk_last) {
		deliver_finish(s, "BDAT");
		return STEP_GO_ON;
	}
	if (incoming_error(s->txn->in)) {
		smtp_say(s, "BDAT", &r, s->txn->sender);
		smtp_end_txn(s);
		s->txn_refused = true;
		return STEP_GO_ON;
	}
	struct str text =
	    arena_printf(s->arena, "%llu octets received", (unsigned long long)octets);
	r.text = text.p ? text.p : "Ok";
	smtp_say(s, "BDAT", &r, STR(""));
	return STEP_GO_ON;
}

static enum smtp_step
mode_chunk(struct smtp_session *s)
{
	struct str in = conn_input(s->conn);
	bool taken = s->chunk_refusal.code == 0;

	if (in.n > s->chunk_left)
		in.n = (size_t)s->chunk_left;
	if (taken)
		incoming_feed(s->txn->in, in);
	s->chunk_left -= in.n;
	conn_consume(s->conn, in.n);
	if (s->chunk_left == 0)
		return taken ? chunk_whole(s, s->chunk_size) : refused(s);
	if (conn_at_eof(s->conn)) {
		log_info("broken", F_CSTR("peer", s->peer), F_CSTR("id", s->txn ? s->txn->id : ""),
		    F_STR("from", s->txn ? s->txn->sender : STR("")),
		    F_UINT("size", s->chunk_size));
		return STEP_CLOSE;
	}
	return STEP_READ;
}

static enum err
parse(struct smtp_session *s, struct smtp_cmd *cmd)
{
	struct cursor c;

	cursor_init(&c, cmd->args);
	smtp_parse_bdat(&c, &s->chunk_left, &s->chunk_last);
	s->chunk_size = s->chunk_left;
	if (!smtp_parse_end(&c))
		return ERR_OK;
	/* Nobody can tell how much of what follows is text: it must not be read as commands. */
	cmd->close = true;
	return smtp_answer(cmd, ERR_SYNTAX, 501, "5.5.4", "Syntax: BDAT size [LAST]");
}

/* Octets follow: the reply comes after them. */
static void
take_chunk(
    struct smtp_session *s, struct smtp_cmd *cmd, const struct smtp_reply *refusal, enum err e)
{
	s->chunk_refusal = refusal ? *refusal : (struct smtp_reply){0};
	s->chunk_err = e;
	cmd->no_reply = true;
	smtp_begin_data(s, mode_chunk);
}

void
smtp_skip_chunk(struct smtp_session *s, struct smtp_cmd *cmd, enum err e)
{
	struct smtp_reply refusal = cmd->reply.code ? cmd->reply : smtp_reply_for(e);

	if (!parse(s, cmd))
		take_chunk(s, cmd, &refusal, e);
}

enum err
cmd_bdat(struct smtp_session *s, struct smtp_cmd *cmd)
{
	bool binary = s->txn->params.body == QUEUE_BINARYMIME;
	enum err e = parse(s, cmd);

	if (e)
		return e;
	if (!s->txn->in) {
		e = deliver_begin(s, binary ? DATA_BINARY : DATA_CHUNKS);
		if (e) {
			struct smtp_reply refusal = smtp_reply_for(e);
			take_chunk(s, cmd, &refusal, e);
			return ERR_OK;
		}
	}
	smtp_enter(s, ST_BDAT);
	take_chunk(s, cmd, NULL, ERR_OK);
	return ERR_OK;
}

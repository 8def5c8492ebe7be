/* DATA: RFC 5321 §4.1.1.4. */
#include "common/base/log.h"
#include "smtpd/deliver.h"
#include "smtpd/smtp_commands.h"

/* A piece of the message, or its end. */
static enum smtp_step
mode_data(struct smtp_session *s)
{
	struct incoming *in = s->txn->in;

	conn_consume(s->conn, incoming_feed(in, conn_input(s->conn)));
	if (incoming_ended(in)) {
		smtp_set_mode(s, smtp_mode_command);
		deliver_finish(s, "DATA");
		return STEP_GO_ON;
	}
	if (conn_at_eof(s->conn)) {
		log_info("broken", F_CSTR("peer", s->peer), F_CSTR("id", s->txn->id),
		    F_STR("from", s->txn->sender), F_UINT("size", incoming_size(in)));
		return STEP_CLOSE;
	}
	return STEP_READ;
}

enum err
cmd_data(struct smtp_session *s, struct smtp_cmd *cmd)
{
	if (s->txn->params.body == QUEUE_BINARYMIME) /* RFC 3030 §3 */
		return smtp_answer(
		    cmd, ERR_SEQUENCE, 503, "5.5.1", "BODY=BINARYMIME needs BDAT, not DATA");
	enum err e = deliver_begin(s, DATA_DOTS);
	if (e)
		return e;
	smtp_begin_data(s, mode_data);
	return smtp_answer(cmd, ERR_OK, 354, "", "Send the message, end it with <CRLF>.<CRLF>");
}

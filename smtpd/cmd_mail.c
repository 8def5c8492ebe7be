/* MAIL: RFC 5321 §4.1.1.2, RFC 1870, RFC 6152, RFC 6531 §3.4, RFC 3030 §3, RFC 3461 §4, RFC 8689
 * §3, RFC 4865. */
#include "common/base/clock.h"
#include "smtpd/policy.h"
#include "smtpd/smtp_commands.h"

/* ERR_SYNTAX and ERR_PARAM with the reply that says where. */
static enum err
parse(struct smtp_session *s, struct smtp_cmd *cmd, struct smtp_path *ret_from,
    struct smtp_mail_params *ret_params)
{
	struct cursor c;

	cursor_init(&c, cmd->args);
	if (!cursor_accept_word(&c, STR("FROM:")))
		return smtp_answer(cmd, ERR_SYNTAX, 501, "5.5.4", "Syntax: MAIL FROM:<address>");
	smtp_parse_reverse_path(&c, s->arena, ret_from);
	if (c.err == ERR_SYNTAX)
		return smtp_answer(cmd, ERR_SYNTAX, 501, "5.1.7", "Bad sender address syntax");
	smtp_parse_mail_params(&c, smtp_offered(s), s->arena, ret_params);
	return smtp_parse_end(&c);
}

static enum err
check(struct smtp_session *s, struct smtp_cmd *cmd, const struct smtp_path *from,
    const struct smtp_mail_params *p)
{
	if (from->utf8 && !p->smtputf8) /* RFC 6531 §3.5 */
		return smtp_answer(
		    cmd, ERR_SYNTAX, 553, "5.6.7", "A sender address beyond ASCII needs SMTPUTF8");
	if (p->size > s->conf->smtpd.message_size_limit)
		return ERR_TOO_BIG;
	if (p->hold_for_s > s->conf->sending.max_future_release_s ||
	    p->hold_until_s > clock_real_s() + (int64_t)s->conf->sending.max_future_release_s)
		return smtp_answer(cmd, ERR_LIMIT, 501, "5.5.4",
		    "That is later than EHLO's FUTURERELEASE allows"); /* RFC 4865 §4 */
	enum err e = policy_sender(s, from->address);
	if (e == ERR_DENIED)
		return smtp_answer(
		    cmd, e, 553, "5.7.1", "This sender address does not belong to you");
	return e;
}

enum err
cmd_mail(struct smtp_session *s, struct smtp_cmd *cmd)
{
	struct smtp_path from = {0};
	struct smtp_mail_params params = {0};
	enum err e = parse(s, cmd, &from, &params);

	s->txn_refused = true; /* until one begins */
	if (e)
		return e;
	cmd->about = from.address;
	if (s->mails >= s->conf->smtpd.max_mails) {
		cmd->close = true;
		return smtp_answer(cmd, ERR_LIMIT, 421, "4.7.0",
		    "Enough messages on this connection, open another");
	}
	e = check(s, cmd, &from, &params);
	if (!e)
		e = service_may_begin(s->svc, "MAIL", MEMORY_BRIMFUL);
	if (!e)
		e = smtp_begin_txn(s);
	if (e)
		return e;
	s->txn->params = params;
	s->txn->sender = arena_dup(s->txn->arena, from.address);
	s->txn->params.envid = arena_dup(s->txn->arena, params.envid);
	if (!s->txn->sender.p || !s->txn->params.envid.p) {
		smtp_end_txn(s);
		return ERR_NOMEM;
	}
	return smtp_answer(cmd, ERR_OK, 250, "2.1.0", "Sender ok");
}

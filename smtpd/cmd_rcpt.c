/* RCPT: RFC 5321 §4.1.1.3. The decision on each recipient falls here. */
#include "smtpd/deliver.h"
#include "smtpd/enqueue.h"
#include "smtpd/forward.h"
#include "smtpd/policy.h"
#include "smtpd/sending_policy.h"
#include "smtpd/smtp_commands.h"

static enum err
parse(struct smtp_session *s, struct smtp_cmd *cmd, struct smtp_path *ret,
    struct smtp_rcpt_params *ret_params)
{
	struct cursor c;

	cursor_init(&c, cmd->args);
	if (!cursor_accept_word(&c, STR("TO:")))
		return smtp_answer(cmd, ERR_SYNTAX, 501, "5.5.4", "Syntax: RCPT TO:<address>");
	smtp_parse_forward_path(&c, s->arena, ret);
	if (c.err == ERR_SYNTAX)
		return smtp_answer(cmd, ERR_SYNTAX, 501, "5.1.3", "Bad recipient address syntax");
	smtp_parse_rcpt_params(&c, smtp_offered(s), s->txn->arena, ret_params);
	return smtp_parse_end(&c);
}

/* Who is logged in may write to anyone. A message that is to be held (RFC 4865) is held in the
 * queue for everybody. So is one for several of whom not all can take it now: the queue gives it to
 * the others at once and tries it again with these alone, where a mail program that was told to
 * come back would send it to all of them anew. */
static bool
goes_by_queue(const struct smtp_session *s, enum err e, bool partly)
{
	const struct smtp_mail_params *p = &s->txn->params;

	if (!smtp_submits(s) || !s->account)
		return false;
	return e == ERR_RELAY || (!e && (partly || p->hold_for_s || p->hold_until_s));
}

/* A report for mail that was forwarded from here goes back to who sent that (forward.h). */
static enum err
add_behind_srs(struct smtp_session *s, struct smtp_cmd *cmd, struct str address)
{
	struct str behind;
	struct recipient *found = NULL;
	bool partly;
	size_t n = 0;
	enum err e = forward_reverse(s, address, &behind);

	if (e == ERR_NOT_FOUND)
		return ERR_NO_USER;
	if (e == ERR_DENIED)
		return smtp_answer(cmd, e, 550, "5.1.1",
		    "This address has expired, or is for reports only, or was not made here");
	if (e)
		return e;
	e = policy_recipient(s, behind, s->txn->params.size, s->arena, &found, &n, &partly);
	if (e == ERR_RELAY)
		return enqueue_add_recipient(s, behind);
	return e ? e : deliver_add_recipient(s, address, found, n);
}

enum err
cmd_rcpt(struct smtp_session *s, struct smtp_cmd *cmd)
{
	struct smtp_txn *t = s->txn;
	struct smtp_path to = {0};
	struct smtp_rcpt_params params = {0};
	struct recipient *found = NULL;
	size_t n = 0;
	bool partly;
	enum err e = parse(s, cmd, &to, &params);

	if (e)
		return e;
	cmd->about = to.address;
	if (t->rcpts_tried >= s->conf->smtpd.max_recipients)
		return ERR_LIMIT;
	t->rcpts_tried++; /* refused ones count, or guessing names would be free */
	if (to.utf8 && !t->params.smtputf8)
		return smtp_answer(cmd, ERR_SYNTAX, 553, "5.6.7",
		    "A recipient address beyond ASCII needs SMTPUTF8");
	e = policy_recipient(s, to.address, t->params.size, s->arena, &found, &n, &partly);
	if (goes_by_queue(s, e, partly)) {
		e = e == ERR_RELAY ? sending_policy_rcpt(s, cmd, to.address) : ERR_OK;
		if (!e)
			e = enqueue_add_recipient(s, to.address);
	} else if (!e) {
		e = sending_policy_forward(s, cmd, found, n);
		if (!e)
			e = deliver_add_recipient(s, to.address, found, n);
	} else if (e == ERR_NO_USER) {
		e = add_behind_srs(s, cmd, to.address);
	}
	if (e)
		return e;
	t->rcpts[t->rcpt_count - 1].params = params;
	smtp_enter(s, ST_RCPT);
	return smtp_answer(cmd, ERR_OK, 250, "2.1.5", "Recipient ok");
}

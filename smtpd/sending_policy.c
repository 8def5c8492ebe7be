#include "smtpd/sending_policy.h"

#include "common/base/clock.h"
#include "common/base/log.h"
#include "common/mail/date.h"
#include "smtpd/outbound/onward.h"
#include "smtpd/outbound/trace_fields.h"
#include "store/queue.h"
#include "store/suppression.h"

#define NOTICE_MAX 8192
#define NOTICE_ARENA (1024 * 1024)
#define REPLY_SHOWN 200 /* octets of another server's reply in ours */

struct sending_limits
sending_policy_limits(const struct conf *conf)
{
	return (struct sending_limits){.per_hour = conf->sending.per_hour,
	    .per_day = conf->sending.per_day,
	    .new_per_day = conf->sending.new_per_day};
}

/* -- the notice ------------------------------------------------------------------------------ */

static void
put_notice(struct smtp_session *s, struct str why, uint64_t held, struct sbuf *out)
{
	struct date now = date_now();
	struct str user = sbuf_view(&s->user);
	struct str domain = str_skip(user, str_rfind(user, '@') + 1);

	sbuf_puts(out, "Return-Path: <>\r\n");
	trace_date_line(now, out);
	if (trace_message_id_line(str_of(s->conf->hostname), now, out) != ERR_OK)
		log_error("notice", F_CSTR("reason", "no random numbers for a Message-ID"));
	sbuf_printf(out,
	    "From: \"Mail system at %s\" <postmaster@%.*s>\r\nTo: <postmaster@%.*s>\r\n"
	    "Subject: Sending of %.*s is held\r\nAuto-Submitted: auto-generated\r\n\r\n",
	    s->conf->hostname, STR_ARG(domain), STR_ARG(domain), STR_ARG(user));
	sbuf_printf(out,
	    "%.*s sends no more mail to other servers until you allow it again:\r\n"
	    "  %.*s\r\nIts last client was at %s. %llu recipients of its messages that wait in "
	    "the\r\n"
	    "queue are held with it.\r\n\r\n",
	    STR_ARG(user), STR_ARG(why), s->peer, (unsigned long long)held);
	sbuf_printf(out,
	    "If somebody else has its password, set a new one and look at what waits:\r\n"
	    "  pillarbox account password %.*s\r\n  pillarbox queue list --sender %.*s\r\n"
	    "Drop it or let it go, and let the account send again:\r\n"
	    "  pillarbox queue drop --sender %.*s\r\n  pillarbox queue release --sender %.*s\r\n"
	    "  pillarbox sending release %.*s\r\n"
	    "The limits stand in the configuration, section \"sending\".\r\n",
	    STR_ARG(user), STR_ARG(user), STR_ARG(user), STR_ARG(user), STR_ARG(user));
}

/* To the postmaster's mailboxes here. A failure is logged: the account is held all the same. */
static void
tell_postmaster(struct smtp_session *s, struct str why, uint64_t held)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(NOTICE_ARENA);
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(NOTICE_MAX);
	CLEANUP(spool_free) struct spool *spool = NULL;
	struct str user = sbuf_view(&s->user);
	struct recipient *to = NULL;
	size_t n = 0;

	struct str address = arena_printf(
	    arena, "postmaster@%.*s", STR_ARG(str_skip(user, str_rfind(user, '@') + 1)));
	enum err e =
	    address.p ? directory_resolve(s->svc->store, address, arena, &to, &n) : ERR_NOMEM;
	put_notice(s, why, held, &text);
	if (!e)
		e = sbuf_error(&text);
	if (!e)
		e = spool_new(s->svc->store, &spool);
	if (!e)
		e = spool_write(spool, text.p, text.n);
	struct delivery *d = e ? NULL : arena_alloc_array(arena, n, sizeof(*d));
	size_t inside = 0;
	for (size_t i = 0; d && i < n; i++)
		if (to[i].account)
			d[inside++] =
			    (struct delivery){.account = to[i].account, .mailbox = STR("")};
	if (inside)
		message_deliver(s->svc->store, spool, d, inside);
	for (size_t i = 0; i < inside && !e; i++)
		e = d[i].result;
	if (d && onward_any(to, n)) {
		const struct onward notice = {.trace_id = str_of(s->txn->id)};
		enum err on = onward_add(s->svc->store, s->conf, spool, &notice, to, n);
		e = e ? e : on;
	}
	if (e || !d)
		log_error("notice", F_STR("user", user),
		    F_CSTR("reason", "the postmaster could not be told"), F_ERR(e));
}

/* -- limits ---------------------------------------------------------------------------------- */

static struct str
describe(const struct sending_limits *l, enum sending_bound bound, struct arena *arena)
{
	switch (bound) {
	case SENDING_PER_HOUR:
		return arena_printf(arena, "it has written to %llu recipients within an hour",
		    (unsigned long long)l->per_hour);
	case SENDING_PER_DAY:
		return arena_printf(arena, "it has written to %llu recipients within a day",
		    (unsigned long long)l->per_day);
	case SENDING_NEW_PER_DAY:
		return arena_printf(arena,
		    "it has written to %llu recipients within a day that it never wrote to before",
		    (unsigned long long)l->new_per_day);
	case SENDING_FREE:
	case SENDING_HELD:
		break;
	}
	return STR("");
}

struct smtp_reply
sending_policy_refusal(void)
{
	return (struct smtp_reply){550, "5.7.1",
	    "Your account has sent so much that its sending is held; ask your postmaster"};
}

/* The first who finds it out holds the account and tells. */
static void
hold(struct smtp_session *s, struct str why)
{
	const struct queue_filter own = {.account = s->account, .state = -1};
	uint64_t held = 0;

	if (sending_hold(s->svc->store, s->account, why) != ERR_OK)
		return;
	(void)!queue_change(s->svc->store, &own, QUEUE_HOLD, &held);
	log_warn("sending_held", F_STR("user", sbuf_view(&s->user)), F_CSTR("peer", s->peer),
	    F_STR("reason", why), F_UINT("queued", held));
	tell_postmaster(s, why, held);
}

void
sending_policy_exceeded(struct smtp_session *s, size_t recipients)
{
	const struct sending_limits limits = sending_policy_limits(s->conf);
	enum sending_bound bound = SENDING_FREE;
	enum err e = sending_may(s->svc->store, s->account, &limits, recipients, &bound);

	if (e == ERR_DENIED)
		return; /* another session was quicker */
	/* whom it never wrote to before is known to queue_add() alone */
	hold(s, describe(&limits, e == ERR_LIMIT ? bound : SENDING_NEW_PER_DAY, s->arena));
}

static enum err
check_limits(struct smtp_session *s, struct smtp_cmd *cmd)
{
	const struct sending_limits limits = sending_policy_limits(s->conf);
	enum sending_bound bound = SENDING_FREE;
	enum err e =
	    sending_may(s->svc->store, s->account, &limits, s->txn->elsewhere_count + 1, &bound);

	if (e == ERR_LIMIT)
		hold(s, describe(&limits, bound, s->arena));
	if (e == ERR_LIMIT || e == ERR_DENIED)
		cmd->reply = sending_policy_refusal();
	return e;
}

/* -- addresses that refused ------------------------------------------------------------------ */

static enum err
check_suppression(struct smtp_session *s, struct smtp_cmd *cmd, struct str address)
{
	struct suppressed was;
	enum err e = suppression_find(s->svc->store, address, s->arena, &was);

	if (e)
		return e == ERR_NOT_FOUND ? ERR_OK : e;
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(REPLY_SHOWN + 256);
	sbuf_puts(&text, "This address refused mail for good on ");
	date_format_rfc5322((struct date){.utc_s = was.since_s}, &text);
	sbuf_puts(&text, ": ");
	for (size_t i = 0; i < was.reply.n && i < REPLY_SHOWN; i++) {
		char c = was.reply.p[i]; /* no line end or other control leaves in a reply */
		sbuf_putc(&text, c >= ' ' && c <= '~' ? c : '?');
	}
	const char *kept = arena_cstr(s->arena, sbuf_view(&text));
	return smtp_answer(
	    cmd, ERR_NO_USER, 550, "5.1.1", kept ? kept : "This address refused mail for good");
}

enum err
sending_policy_rcpt(struct smtp_session *s, struct smtp_cmd *cmd, struct str address)
{
	enum err e = s->conf->sending.suppress_s ? check_suppression(s, cmd, address) : ERR_OK;

	return e ? e : check_limits(s, cmd);
}

/* Whom it leads to is nobody's business, and so are the words of the other server. */
enum err
sending_policy_forward(
    struct smtp_session *s, struct smtp_cmd *cmd, const struct recipient *found, size_t n)
{
	struct suppressed was;

	for (size_t i = 0; i < n; i++) {
		if (found[i].account || !s->conf->sending.suppress_s)
			return ERR_OK;
		enum err e = suppression_find(s->svc->store, found[i].elsewhere, s->arena, &was);
		if (e)
			return e == ERR_NOT_FOUND ? ERR_OK : e;
	}
	return n ? smtp_answer(cmd, ERR_NO_USER, 550, "5.1.1",
		       "This address leads to one that refused mail for good a while ago")
		 : ERR_OK;
}

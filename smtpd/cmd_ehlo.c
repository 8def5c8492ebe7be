/* EHLO, HELO (RFC 5321 §4.1.1.1) and LHLO (RFC 2033 §4.1). */
#include "smtpd/smtp_commands.h"

#include "common/base/clock.h"

#include <time.h>

/* A name that is none is let through (§4.1.4 forbids to refuse mail for it) as long as it is one
 * printable word; trace.c cleans it. */
static bool
is_name(struct str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] <= ' ' || name.p[i] > '~')
			return false;
	return name.n > 0 && name.n <= SMTP_HELO_MAX;
}

static enum err
introduce(struct smtp_session *s, struct smtp_cmd *cmd, bool extended)
{
	if (!is_name(cmd->args))
		return smtp_answer(cmd, ERR_SYNTAX, 501, "5.5.4", "Tell the name of your host");
	sbuf_clear(&s->helo);
	sbuf_put(&s->helo, cmd->args);
	if (sbuf_error(&s->helo))
		return sbuf_error(&s->helo);
	s->extended = extended;
	smtp_end_txn(s); /* §4.1.4: as RSET does */
	smtp_enter(s, ST_READY);
	return ERR_OK;
}

/* RFC 4865 §3: for how long, and until when, a message can be held. */
static void
list_future_release(struct smtp_session *s, struct sbuf *out)
{
	uint32_t most = s->conf->sending.max_future_release_s;
	time_t until = (time_t)clock_real_s() + (time_t)most;
	char text[32];
	struct tm tm;

	if (most == 0 || !gmtime_r(&until, &tm))
		return;
	strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
	sbuf_printf(out, "FUTURERELEASE %u %s\n", most, text);
}

/* What holds on this connection at this moment, and no more. */
static void
list_extensions(struct smtp_session *s, struct sbuf *out)
{
	sbuf_printf(out,
	    "%s\nPIPELINING\nSIZE %llu\n8BITMIME\nSMTPUTF8\nENHANCEDSTATUSCODES\n"
	    "CHUNKING\nBINARYMIME\n",
	    s->conf->hostname, (unsigned long long)s->conf->smtpd.message_size_limit);
	if (conn_tls_available(s->conn) && !conn_is_tls(s->conn))
		sbuf_puts(out, "STARTTLS\n");
	if (smtp_offered(s) & OFFER_DSN)
		sbuf_puts(out, "DSN\n");
	if (smtp_offered(s) & OFFER_REQUIRETLS)
		sbuf_puts(out, "REQUIRETLS\n");
	if (smtp_submits(s))
		list_future_release(s, out);
	if (smtp_submits(s) && !s->account) {
		CLEANUP(sbuf_done) struct sbuf mechanisms = SBUF_INIT(256);
		sasl_list(&s->sasl_host, "", &mechanisms);
		if (sbuf_view(&mechanisms).n)
			sbuf_printf(out, "AUTH %s\n", sbuf_cstr(&mechanisms));
	}
	sbuf_printf(out, "LIMITS RCPTMAX=%u MAILMAX=%u\nHELP", s->conf->smtpd.max_recipients,
	    s->conf->smtpd.max_mails); /* RFC 9422 */
}

enum err
cmd_ehlo(struct smtp_session *s, struct smtp_cmd *cmd)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(2048);
	enum err e = introduce(s, cmd, true);

	if (e)
		return e;
	list_extensions(s, &text);
	struct str kept = arena_dup(s->arena, sbuf_view(&text));
	if (sbuf_error(&text) || !kept.p)
		return ERR_NOMEM;
	return smtp_answer(cmd, ERR_OK, 250, "", kept.p);
}

enum err
cmd_helo(struct smtp_session *s, struct smtp_cmd *cmd)
{
	enum err e = introduce(s, cmd, false);

	return e ? e : smtp_answer(cmd, ERR_OK, 250, "", s->conf->hostname);
}

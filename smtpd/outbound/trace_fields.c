#include "smtpd/outbound/trace_fields.h"

#include <openssl/rand.h>

const char *
trace_protocol(struct trace_with w)
{
	static const char *const names[2][2][2][2] = {
	    /* [lmtp][utf8][tls][authenticated] */
	    {{{"ESMTP", "ESMTPA"}, {"ESMTPS", "ESMTPSA"}},
		{{"UTF8SMTP", "UTF8SMTPA"}, {"UTF8SMTPS", "UTF8SMTPSA"}}},
	    {{{"LMTP", "LMTPA"}, {"LMTPS", "LMTPSA"}},
		{{"UTF8LMTP", "UTF8LMTPA"}, {"UTF8LMTPS", "UTF8LMTPSA"}}},
	};

	if (!w.lmtp && !w.extended)
		return "SMTP";
	return names[w.lmtp][w.utf8][w.tls][w.authenticated];
}

/* The HELO name is whatever the client likes: what could be read as another part of the field is
 * replaced. */
static void
put_helo(struct sbuf *out, struct str helo)
{
	for (size_t i = 0; i < helo.n; i++) {
		char c = helo.p[i];
		bool ok = ascii_is_alpha(c) || ascii_is_digit(c) || strchr(".-_:[]", c);
		sbuf_putc(out, ok && c ? c : '?');
	}
}

/* The grammar has no bare "postmaster" here. */
static void
put_for(struct sbuf *out, const struct trace *t)
{
	sbuf_printf(out, "\r\n\tfor <%.*s", STR_ARG(t->recipient));
	if (str_rfind(t->recipient, '@') == STR_NONE)
		sbuf_printf(out, "@%.*s", STR_ARG(t->hostname));
	sbuf_putc(out, '>');
}

void
trace_write_return_path(struct str sender, struct sbuf *out)
{
	sbuf_puts(out, "Return-Path: <");
	sbuf_put(out, sender);
	sbuf_puts(out, ">\r\n");
}

void
trace_write(const struct trace *t, struct sbuf *out)
{
	trace_write_return_path(t->sender, out);
	trace_write_received(t, out);
}

void
trace_write_received(const struct trace *t, struct sbuf *out)
{
	sbuf_puts(out, "Received: from ");
	put_helo(out, t->helo);
	if (str_eq(t->peer, STR("unix")))
		sbuf_puts(out, " (local socket)");
	else
		sbuf_printf(out, " ([%s%.*s])",
		    str_find(t->peer, ':') == STR_NONE ? "" : "IPv6:", STR_ARG(t->peer));
	sbuf_puts(out, "\r\n\tby ");
	sbuf_put(out, t->hostname);
	sbuf_printf(out, " with %s id ", t->with);
	sbuf_put(out, t->id);
	if (t->tls_version.n)
		sbuf_printf(out, "\r\n\t(using %.*s with %.*s)", STR_ARG(t->tls_version),
		    STR_ARG(t->tls_cipher));
	if (t->recipient.n)
		put_for(out, t);
	sbuf_puts(out, "; ");
	date_format_rfc5322(t->date, out);
	sbuf_puts(out, "\r\n");
}

void
trace_date_line(struct date d, struct sbuf *out)
{
	sbuf_puts(out, "Date: ");
	date_format_rfc5322(d, out);
	sbuf_puts(out, "\r\n");
}

enum err
trace_message_id_line(struct str hostname, struct date d, struct sbuf *out)
{
	unsigned char random[12];

	if (RAND_bytes(random, sizeof(random)) != 1)
		return ERR_INTERNAL;
	sbuf_printf(out, "Message-ID: <%lld.", (long long)d.utc_s);
	for (size_t i = 0; i < sizeof(random); i++)
		sbuf_printf(out, "%02x", random[i]);
	sbuf_printf(out, "@%.*s>\r\n", STR_ARG(hostname));
	return sbuf_error(out);
}

#include "smtpd/outbound/envelope.h"

#include "common/mail/xtext.h"

#include <idn2.h>

bool
envelope_address_fits(struct str address)
{
	bool quoted = address.n && address.p[0] == '"';

	for (size_t i = 0; i < address.n; i++) {
		unsigned char ch = (unsigned char)address.p[i];
		if (ch < 0x20 || ch == 0x7f)
			return false;
		if (quoted && ch == '\\') {
			if (++i == address.n || (unsigned char)address.p[i] < 0x20)
				return false;
		} else if (quoted && i && ch == '"') {
			quoted = false; /* the end of the local part */
		} else if (!quoted && (ch == ' ' || ch == '<' || ch == '>')) {
			return false;
		}
	}
	return !quoted && str_is_utf8(address);
}

struct str
envelope_ascii_domain(struct str address, struct arena *arena)
{
	size_t at = str_rfind(address, '@');
	char *domain, *ascii = NULL;

	if (at == STR_NONE || str_is_ascii(str_skip(address, at)))
		return address;
	domain = arena_cstr(arena, str_skip(address, at + 1));
	if (!domain || idn2_lookup_u8((const uint8_t *)domain, (uint8_t **)&ascii,
			   IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK)
		return address;
	struct str whole = arena_printf(arena, "%.*s@%s", (int)at, address.p, ascii);
	idn2_free(ascii);
	return whole.p ? whole : address;
}

/* RFC 3461 §4.2, RFC 6533 §3 */
static void
put_orcpt(struct sbuf *out, struct str orcpt)
{
	size_t semicolon = str_find(orcpt, ';');

	if (semicolon == STR_NONE)
		return;
	struct str type = str_sub(orcpt, 0, semicolon);
	struct str address = str_skip(orcpt, semicolon + 1);
	bool utf8 = !str_is_ascii(address) && str_is_utf8(address);
	sbuf_puts(out, " ORCPT=");
	if (utf8 || str_eq_nocase(type, STR("utf-8"))) {
		sbuf_puts(out, "utf-8;");
		unitext_encode(address, out);
	} else {
		xtext_encode(type, out);
		sbuf_putc(out, ';');
		xtext_encode(address, out);
	}
}

static void
put_body(struct sbuf *out, enum content_form form, const struct offers *o)
{
	if (form == CONTENT_BINARY && o->binary && o->chunking)
		sbuf_puts(out, " BODY=BINARYMIME");
	else if (form != CONTENT_7BIT && o->eightbit)
		sbuf_puts(out, " BODY=8BITMIME");
}

void
envelope_mail(const struct envelope *e, const struct offers *o, struct sbuf *out)
{
	const struct queue_message *m = e->message;

	sbuf_printf(out, "MAIL FROM:<%.*s>", STR_ARG(e->sender));
	if (o->size) {
		sbuf_puts(out, " SIZE=");
		sbuf_u64(out, e->content->size);
	}
	put_body(out, e->content->form, o);
	if (e->smtputf8)
		sbuf_puts(out, " SMTPUTF8");
	if (o->dsn && m->ret != QUEUE_RET_DEFAULT)
		sbuf_puts(out, m->ret == QUEUE_RET_FULL ? " RET=FULL" : " RET=HDRS");
	if (o->dsn && m->envid.n) {
		sbuf_puts(out, " ENVID=");
		xtext_encode(m->envid, out);
	}
	if (m->requiretls && o->requiretls)
		sbuf_puts(out, " REQUIRETLS");
}

static void
put_notify(struct sbuf *out, unsigned notify)
{
	static const struct {
		unsigned bit;
		const char *word;
	} words[] = {{QUEUE_NOTIFY_SUCCESS, "SUCCESS"}, {QUEUE_NOTIFY_FAILURE, "FAILURE"},
	    {QUEUE_NOTIFY_DELAY, "DELAY"}};
	const char *sep = " NOTIFY=";

	if (notify & QUEUE_NOTIFY_NEVER) {
		sbuf_puts(out, " NOTIFY=NEVER");
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (!(notify & words[i].bit))
			continue;
		sbuf_puts(out, sep);
		sbuf_puts(out, words[i].word);
		sep = ",";
	}
}

void
envelope_rcpt(
    struct str address, const struct queue_rcpt *row, const struct offers *o, struct sbuf *out)
{
	sbuf_printf(out, "RCPT TO:<%.*s>", STR_ARG(address));
	if (!o->dsn)
		return;
	put_notify(out, row->notify);
	if (row->orcpt.n)
		put_orcpt(out, row->orcpt);
}

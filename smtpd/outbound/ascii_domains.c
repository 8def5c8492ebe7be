#include "smtpd/outbound/ascii_domains.h"

#include <idn2.h>
#include <stdlib.h>

#define PIECE 16384
#define DOMAIN_MAX 1024

/* -- words ------------------------------------------------------------------------------------- */

static bool
is_domain_char(char c)
{
	return ascii_is_alpha(c) || ascii_is_digit(c) || c == '-' || c == '.' ||
	       (unsigned char)c > 0x7f;
}

/* As it is where it has no A-labels. */
static void
put_domain(struct str domain, struct sbuf *out)
{
	char text[DOMAIN_MAX + 1], *ascii = NULL;

	if (str_is_ascii(domain) || domain.n > DOMAIN_MAX) {
		sbuf_put(out, domain);
		return;
	}
	memcpy(text, domain.p, domain.n);
	text[domain.n] = '\0';
	if (idn2_lookup_u8((const uint8_t *)text, (uint8_t **)&ascii,
		IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) != IDN2_OK) {
		sbuf_put(out, domain);
		return;
	}
	sbuf_puts(out, ascii);
	idn2_free(ascii);
}

/* What stands behind an @ that is neither in quotes nor in a comment (RFC 5322 §3.2, §3.4.1). */
static void
put_addresses(struct str field, struct sbuf *out)
{
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = 0; i < field.n; i++) {
		char c = field.p[i];
		sbuf_putc(out, c);
		if (c == '\\' && (quoted || depth) && i + 1 < field.n)
			sbuf_putc(out, field.p[++i]);
		else if (c == '"' && !depth)
			quoted = !quoted;
		else if (c == '(' && !quoted)
			depth++;
		else if (c == ')' && !quoted && depth)
			depth--;
		if (c != '@' || quoted || depth)
			continue;
		size_t end = i + 1;
		while (end < field.n && is_domain_char(field.p[end]))
			end++;
		put_domain(str_sub(field, i + 1, end - i - 1), out);
		i = end - 1;
	}
}

static bool
holds_addresses(struct str field)
{
	/* our own Received says for whom the mail is (RFC 5321 §4.4) */
	static const char *const names[] = {"Received", "From", "Sender", "Reply-To", "To", "Cc",
	    "Bcc", "Resent-From", "Resent-Sender", "Resent-To", "Resent-Cc", "Resent-Bcc"};
	size_t colon = str_find(field, ':');
	struct str name = colon == STR_NONE ? STR("") : str_trim(str_sub(field, 0, colon));

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (str_eq_nocase(name, str_of(names[i])))
			return true;
	return false;
}

/* Octets of the first field, with its folded lines. */
static size_t
field_size(struct str header)
{
	size_t n = 0;

	do {
		size_t end = str_find(str_skip(header, n), '\n');
		if (end == STR_NONE)
			return header.n;
		n += end + 1;
	} while (n < header.n && (header.p[n] == ' ' || header.p[n] == '\t'));
	return n;
}

void
ascii_domains_put(struct str header, struct sbuf *out)
{
	while (header.n) {
		struct str field = str_sub(header, 0, field_size(header));
		if (!str_is_ascii(field) && holds_addresses(field))
			put_addresses(field, out);
		else
			sbuf_put(out, field);
		header = str_skip(header, field.n);
	}
}

/* -- content ----------------------------------------------------------------------------------- */

struct with_header {
	struct content content;
	struct content *in;
	struct sbuf header; /* instead of the first `cut` octets of `in` */
	uint64_t cut;
};

static enum err
read_with_header(struct content *c, uint64_t offset, char *to, size_t n, size_t *ret_n)
{
	struct with_header *w = (struct with_header *)c;
	struct str header = sbuf_view(&w->header);

	if (offset >= header.n)
		return w->in->read(w->in, offset - header.n + w->cut, to, n, ret_n);
	struct str rest = str_skip(header, (size_t)offset);
	*ret_n = n < rest.n ? n : rest.n;
	memcpy(to, rest.p, *ret_n);
	if (*ret_n == n)
		return ERR_OK;
	size_t more = 0;
	enum err e = w->in->read(w->in, w->cut, to + *ret_n, n - *ret_n, &more);
	*ret_n += more;
	return e;
}

static void
close_with_header(struct content *c)
{
	struct with_header *w = (struct with_header *)c;

	content_close(&w->in);
	sbuf_done(&w->header);
	free(w);
}

/* Where the empty line begins; STR_NONE: it has not come yet. */
static size_t
header_end(struct str s)
{
	for (size_t at = 0; at < s.n;) {
		struct str rest = str_skip(s, at);
		if (str_starts(rest, STR("\r\n")) || str_starts(rest, STR("\n")))
			return at;
		size_t lf = str_find(rest, '\n');
		if (lf == STR_NONE)
			break;
		at += lf + 1;
	}
	return STR_NONE;
}

/* *ret_end: octets of the header, 0 where it is too large to be looked at. */
static enum err
read_header(struct content *in, struct sbuf *header, size_t *ret_end)
{
	char piece[PIECE];
	size_t end = STR_NONE, n = 0;

	*ret_end = 0;
	for (uint64_t at = 0; at < in->size && end == STR_NONE; at += n) {
		if (at + sizeof(piece) > ASCII_DOMAINS_HEADER_MAX)
			return ERR_OK;
		enum err e = in->read(in, at, piece, sizeof(piece), &n);
		if (e || n == 0)
			return e ? e : ERR_CORRUPT;
		sbuf_put(header, str_make(piece, n));
		end = header_end(sbuf_view(header));
	}
	*ret_end = end == STR_NONE ? sbuf_view(header).n : end;
	return sbuf_error(header);
}

enum err
ascii_domains(struct content *in, const struct queue_message *m, struct content **ret)
{
	CLEANUP(content_close) struct content *given = in;
	CLEANUP(sbuf_done) struct sbuf header = SBUF_INIT(ASCII_DOMAINS_HEADER_MAX);
	struct with_header *w = calloc(1, sizeof(*w));
	size_t end = 0;

	if (!w)
		return ERR_NOMEM;
	sbuf_init(&w->header, 2 * ASCII_DOMAINS_HEADER_MAX); /* "xn--" and some letters */
	enum err e = read_header(in, &header, &end);
	if (!e)
		ascii_domains_put(str_sub(sbuf_view(&header), 0, end), &w->header);
	bool suits = !e && end && !sbuf_error(&w->header) && str_is_ascii(sbuf_view(&w->header));
	if (!suits) {
		sbuf_done(&w->header);
		free(w);
		if (!e)
			*ret = MOVE_PTR(given);
		return e;
	}
	w->in = MOVE_PTR(given);
	w->cut = end;
	w->content = (struct content){.size = in->size - end + sbuf_view(&w->header).n,
	    .read = read_with_header,
	    .close = close_with_header};
	CLEANUP(content_close) struct content *c = &w->content;
	e = content_look(c, m);
	if (!e)
		*ret = MOVE_PTR(c);
	return e;
}

#include "smtpd/outbound/cte_writer.h"

#include "common/mail/codec.h"

static const char hex[] = "0123456789ABCDEF";

void
cte_begin(struct cte_writer *w, enum cte how)
{
	*w = (struct cte_writer){.how = how};
}

/* -- copies ---------------------------------------------------------------------------------- */

static void
put_escaped(unsigned char ch, struct sbuf *out)
{
	const char escape[3] = {'=', hex[ch >> 4], hex[ch & 15]};

	sbuf_append(out, escape, sizeof(escape));
}

/* How many octets stay as they are. */
static size_t
fit_run(enum cte how, struct str in)
{
	size_t n = how == CTE_COPY ? in.n : str_ascii_run(in);
	size_t nul = str_find(str_sub(in, 0, n), '\0');

	return nul == STR_NONE ? n : nul;
}

static void
copy(enum cte how, struct str in, struct sbuf *out)
{
	while (in.n > 0) {
		size_t run = fit_run(how, in);
		sbuf_put(out, str_sub(in, 0, run));
		in = str_skip(in, run);
		if (in.n == 0)
			return;
		if (how == CTE_ESCAPE)
			put_escaped((unsigned char)in.p[0], out);
		else
			sbuf_putc(out, '?');
		in = str_skip(in, 1);
	}
}

/* -- base64 ---------------------------------------------------------------------------------- */

static void
put_held(struct cte_writer *w, struct sbuf *out)
{
	if (w->held_n == 0)
		return;
	if (w->any_line)
		sbuf_puts(out, "\r\n");
	base64_encode(str_make(w->held, w->held_n), out);
	w->any_line = true;
	w->held_n = 0;
}

static void
feed_base64(struct cte_writer *w, struct str in, struct sbuf *out)
{
	while (in.n > 0) {
		size_t room = sizeof(w->held) - w->held_n;
		size_t n = in.n < room ? in.n : room;
		memcpy(w->held + w->held_n, in.p, n);
		w->held_n += n;
		in = str_skip(in, n);
		if (w->held_n == sizeof(w->held))
			put_held(w, out);
	}
}

/* -- quoted-printable ------------------------------------------------------------------------ */

/* `n` octets that belong together, on a line that has room for them and for a "=" behind. */
static void
put_together(struct cte_writer *w, const char *p, size_t n, struct sbuf *out)
{
	if (w->column + n > CTE_LINE - 1) {
		sbuf_puts(out, "=\r\n");
		w->column = 0;
	}
	sbuf_append(out, p, n);
	w->column += n;
}

static void
put_octet(struct cte_writer *w, unsigned char ch, bool escaped, struct sbuf *out)
{
	const char escape[3] = {'=', hex[ch >> 4], hex[ch & 15]};
	char plain = (char)ch;

	if (escaped)
		put_together(w, escape, 3, out);
	else
		put_together(w, &plain, 1, out);
}

/* A blank is itself but at the end of a line (rule 3). */
static void
put_blank(struct cte_writer *w, bool at_end, struct sbuf *out)
{
	if (w->blank)
		put_octet(w, (unsigned char)w->blank, at_end, out);
	w->blank = 0;
}

static void
end_line(struct cte_writer *w, struct sbuf *out)
{
	put_blank(w, true, out);
	sbuf_puts(out, "\r\n");
	w->column = 0;
}

static void
feed_qp(struct cte_writer *w, struct str in, struct sbuf *out)
{
	for (size_t i = 0; i < in.n; i++) {
		unsigned char ch = (unsigned char)in.p[i];
		if (w->after_cr) {
			w->after_cr = false;
			if (ch == '\n') {
				end_line(w, out);
				continue;
			}
			put_blank(w, false, out);
			put_octet(w, '\r', true, out);
		}
		if (ch == '\r') {
			w->after_cr = true;
			continue;
		}
		put_blank(w, false, out);
		if (ch == ' ' || ch == '\t')
			w->blank = (char)ch;
		else
			put_octet(w, ch, ch < 0x20 || ch > 0x7e || ch == '=', out);
	}
}

void
cte_feed(struct cte_writer *w, struct str in, struct sbuf *out)
{
	switch (w->how) {
	case CTE_BASE64:
		feed_base64(w, in, out);
		break;
	case CTE_QP:
		feed_qp(w, in, out);
		break;
	default:
		copy(w->how, in, out);
		break;
	}
}

void
cte_end(struct cte_writer *w, struct sbuf *out)
{
	if (w->how == CTE_BASE64)
		put_held(w, out);
	if (w->how != CTE_QP)
		return;
	put_blank(w, !w->after_cr, out);
	if (w->after_cr)
		put_octet(w, '\r', true, out);
}

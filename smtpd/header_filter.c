#include "smtpd/header_filter.h"

#include <stdint.h>

void
header_filter_init(struct header_filter *f, struct str hostname)
{
	*f = (struct header_filter){.state = FILTER_LINE_START, .field = FILTER_PASS};
	f->hostname = hostname;
}

/* Skips white space, line ends and comments (nested, with escapes: RFC 5322 §3.2.2). False inside a
 * comment that does not end. */
static bool
skip_cfws(struct str *s)
{
	size_t depth = 0;

	while (s->n) {
		char c = s->p[0];
		if (c == '(')
			depth++;
		else if (c == ')' && depth)
			depth--;
		else if (c == '\\' && depth && s->n > 1)
			*s = str_skip(*s, 1);
		else if (!depth && c != ' ' && c != '\t' && c != '\r' && c != '\n')
			break;
		*s = str_skip(*s, 1);
	}
	return depth == 0;
}

bool
header_authserv_id(struct str value, struct str *ret)
{
	size_t n = 0;

	if (!skip_cfws(&value) || value.n == 0)
		return false;
	if (value.p[0] == '"') {
		size_t close = str_find(str_skip(value, 1), '"');
		if (close == STR_NONE)
			return false;
		*ret = str_sub(value, 1, close);
		return true;
	}
	while (n < value.n && !strchr(" \t\r\n;(", value.p[n]) && value.p[n] != '\0')
		n++;
	*ret = str_sub(value, 0, n);
	return n > 0;
}

/* The held Authentication-Results field is complete, or as much of it as is looked at. */
static bool
claims_to_be_ours(const struct header_filter *f)
{
	struct str held = str_make(f->held, f->held_n);
	struct str id;

	if (!header_authserv_id(str_skip(held, str_find(held, ':') + 1), &id))
		return true;
	if (id.p + id.n == held.p + held.n)
		return true; /* cut off by our limit, or followed by nothing: not to be read */
	if (id.n && id.p[id.n - 1] == '.')
		id.n--;
	return str_eq_nocase(id, f->hostname);
}

static void
flush_held(struct header_filter *f, header_sink *sink, void *arg)
{
	if (f->held_n)
		sink(arg, f->held, f->held_n);
	f->held_n = 0;
}

static struct str
trim_fws(struct str s)
{
	while (s.n && strchr(" \t\r\n", s.p[0]) && s.p[0])
		s = str_skip(s, 1);
	while (s.n && strchr(" \t\r\n", s.p[s.n - 1]) && s.p[s.n - 1])
		s.n--;
	return s;
}

/* A field or the header ends: an undecided field is decided. */
static void
end_field(struct header_filter *f, header_sink *sink, void *arg)
{
	if (f->field == FILTER_JUDGE && !claims_to_be_ours(f))
		flush_held(f, sink, arg);
	if (f->field == FILTER_NOTE)
		f->tls_required_no =
		    str_eq_nocase(trim_fws(str_make(f->held, f->held_n)), STR("No"));
	f->held_n = 0;
	f->field = FILTER_PASS;
}

static void
add_missing(struct header_filter *f, header_sink *sink, void *arg)
{
	if (!f->has_date && f->date_line.n)
		sink(arg, f->date_line.p, f->date_line.n);
	if (!f->has_message_id && f->message_id_line.n)
		sink(arg, f->message_id_line.p, f->message_id_line.n);
}

static void
end_header(struct header_filter *f, header_sink *sink, void *arg)
{
	end_field(f, sink, arg);
	add_missing(f, sink, arg);
	f->state = FILTER_BODY;
}

/* The name stands in `held`, with its colon. */
static void
decide_name(struct header_filter *f, header_sink *sink, void *arg)
{
	struct str name = str_trim(str_make(f->held, f->held_n - 1));

	f->field = FILTER_PASS;
	if (str_eq_nocase(name, STR("Return-Path")))
		f->field = FILTER_DROP;
	else if (str_eq_nocase(name, STR("Authentication-Results")))
		f->field = FILTER_JUDGE;
	else if (str_eq_nocase(name, STR("Received")) && f->received < UINT32_MAX)
		f->received++;
	else if (str_eq_nocase(name, STR("Date")))
		f->has_date = true;
	else if (str_eq_nocase(name, STR("Message-ID")))
		f->has_message_id = true;
	else if (str_eq_nocase(name, STR("TLS-Required")))
		f->field = FILTER_NOTE;
	if (f->field == FILTER_NOTE && f->tls_required < UINT32_MAX)
		f->tls_required++;
	if (f->field == FILTER_PASS || f->field == FILTER_NOTE)
		flush_held(f, sink, arg);
	else if (f->field == FILTER_DROP)
		f->held_n = 0;
	f->state = f->field;
}

static const char *
step_line_start(struct header_filter *f, const char *p, header_sink *sink, void *arg)
{
	switch (*p) {
	case ' ':
	case '\t':
		f->state = f->field;
		return p;
	case '\r':
		f->state = FILTER_CR;
		return p + 1;
	case '\n':
		end_header(f, sink, arg);
		return p;
	default:
		end_field(f, sink, arg);
		f->state = FILTER_NAME;
		return p;
	}
}

static const char *
step_cr(struct header_filter *f, const char *p, header_sink *sink, void *arg)
{
	if (*p == '\n') {
		end_header(f, sink, arg);
		sink(arg, "\r", 1);
	} else { /* only where a lone CR is content */
		end_field(f, sink, arg);
		f->held[f->held_n++] = '\r';
		f->state = FILTER_NAME;
	}
	return p;
}

static const char *
step_name(struct header_filter *f, const char *p, header_sink *sink, void *arg)
{
	char c = *p;

	f->held[f->held_n++] = c;
	if (c == ':') {
		decide_name(f, sink, arg);
	} else if (c == '\n' || f->held_n == HEADER_NAME_HELD) { /* no field, or none of ours */
		flush_held(f, sink, arg);
		f->state = c == '\n' ? FILTER_LINE_START : FILTER_PASS;
	}
	return p + 1;
}

static void
hold(struct header_filter *f, const char *p, size_t n)
{
	size_t room = sizeof(f->held) - f->held_n;

	memcpy(f->held + f->held_n, p, n < room ? n : room);
	f->held_n += n < room ? n : room;
}

/* Up to and with the end of the line. */
static const char *
step_line(struct header_filter *f, const char *p, const char *end, header_sink *sink, void *arg)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));
	const char *stop = lf ? lf + 1 : end;

	if (f->state == FILTER_JUDGE) {
		size_t room = sizeof(f->held) - f->held_n;
		if ((size_t)(stop - p) >= room) { /* enough seen: decide now */
			memcpy(f->held + f->held_n, p, room);
			f->held_n += room;
			f->field = claims_to_be_ours(f) ? FILTER_DROP : FILTER_PASS;
			if (f->field == FILTER_PASS)
				flush_held(f, sink, arg);
			f->held_n = 0;
			f->state = p[room - 1] == '\n' ? FILTER_LINE_START : f->field;
			return p + room;
		}
		memcpy(f->held + f->held_n, p, (size_t)(stop - p));
		f->held_n += (size_t)(stop - p);
	} else if (f->state == FILTER_PASS || f->state == FILTER_NOTE) {
		sink(arg, p, (size_t)(stop - p));
	}
	if (f->state == FILTER_NOTE) /* what does not fit is more than could be right */
		hold(f, p, (size_t)(stop - p));
	if (lf)
		f->state = FILTER_LINE_START;
	return stop;
}

void
header_filter_feed(struct header_filter *f, const char *p, size_t n, header_sink *sink, void *arg)
{
	const char *end = p + n;

	while (p < end) {
		switch (f->state) {
		case FILTER_LINE_START:
			p = step_line_start(f, p, sink, arg);
			break;
		case FILTER_CR:
			p = step_cr(f, p, sink, arg);
			break;
		case FILTER_NAME:
			p = step_name(f, p, sink, arg);
			break;
		case FILTER_PASS:
		case FILTER_NOTE:
		case FILTER_DROP:
		case FILTER_JUDGE:
			p = step_line(f, p, end, sink, arg);
			break;
		case FILTER_BODY:
			sink(arg, p, (size_t)(end - p));
			return;
		}
	}
}

bool
header_filter_tls_optional(const struct header_filter *f)
{
	return f->tls_required == 1 && f->tls_required_no;
}

void
header_filter_finish(struct header_filter *f, header_sink *sink, void *arg)
{
	bool adds =
	    (!f->has_date && f->date_line.n) || (!f->has_message_id && f->message_id_line.n);

	if (f->state == FILTER_BODY)
		return;
	bool inside_line =
	    f->state == FILTER_NAME || f->state == FILTER_PASS || f->state == FILTER_NOTE;
	if (f->state == FILTER_NAME)
		flush_held(f, sink, arg);
	else
		end_field(f, sink, arg);
	if (f->state == FILTER_CR)
		sink(arg, "\r", 1);
	if (inside_line && adds)
		sink(arg, "\r\n", 2);
	add_missing(f, sink, arg);
	f->state = FILTER_BODY;
}

#include "pop3d/dot_stuff.h"

void
dot_stuff_begin(struct dot_stuff *d)
{
	*d = (struct dot_stuff){.line_empty = true};
}

void
dot_stuff_begin_top(struct dot_stuff *d, uint32_t lines)
{
	dot_stuff_begin(d);
	d->limited = true;
	d->lines_left = lines;
}

/* A line is complete: is it the last that TOP asks for? */
static void
count_line(struct dot_stuff *d)
{
	if (!d->limited)
		return;
	if (d->in_body)
		d->lines_left--;
	else if (d->line_empty)
		d->in_body = true;
	d->finished = d->in_body && d->lines_left == 0;
}

/* Line by line, as TOP counts them. */
static size_t
feed_lines(struct dot_stuff *d, struct str in, char *out)
{
	char *to = out;

	while (in.n > 0 && !d->finished) {
		size_t lf = str_find(in, '\n');
		struct str run = str_sub(in, 0, lf == STR_NONE ? in.n : lf);

		if (run.n > 0) {
			if (!d->mid_line && run.p[0] == '.')
				*to++ = '.';
			memcpy(to, run.p, run.n);
			to += run.n;
			d->line_empty = !d->mid_line && run.n == 1 && run.p[0] == '\r';
			d->mid_line = true;
			d->after_cr = run.p[run.n - 1] == '\r';
		}
		if (lf == STR_NONE)
			break;
		if (!d->mid_line)
			d->line_empty = true;
		if (!d->after_cr)
			*to++ = '\r';
		*to++ = '\n';
		count_line(d);
		d->mid_line = d->after_cr = false;
		in = str_skip(in, lf + 1);
	}
	return (size_t)(to - out);
}

static char *
put(char *to, const char *from, const char *end)
{
	memcpy(to, from, (size_t)(end - from));
	return to + (end - from);
}

/* All of it: copied in runs as long as nothing has to be put in between. */
static size_t
feed_all(struct dot_stuff *d, struct str in, char *out)
{
	const char *from = in.p, *at = in.p, *end = in.p + in.n, *lf;
	char *to = out;

	if (!d->mid_line && *at == '.')
		*to++ = '.';
	while ((lf = memchr(at, '\n', (size_t)(end - at)))) {
		if (lf > in.p ? lf[-1] != '\r' : !d->after_cr) {
			to = put(to, from, lf);
			*to++ = '\r';
			from = lf;
		}
		at = lf + 1;
		if (at == end)
			break;
		if (*at == '.') {
			to = put(to, from, at);
			*to++ = '.';
			from = at;
		}
	}
	d->mid_line = at < end;
	d->after_cr = d->mid_line && end[-1] == '\r';
	return (size_t)(put(to, from, end) - out);
}

size_t
dot_stuff_feed(struct dot_stuff *d, struct str in, char *out)
{
	if (in.n == 0)
		return 0;
	return d->limited ? feed_lines(d, in, out) : feed_all(d, in, out);
}

size_t
dot_stuff_end(struct dot_stuff *d, char *out)
{
	size_t n = 0;

	if (d->mid_line) {
		if (!d->after_cr)
			out[n++] = '\r';
		out[n++] = '\n';
	}
	memcpy(out + n, ".\r\n", 3);
	d->mid_line = d->after_cr = false;
	return n + 3;
}

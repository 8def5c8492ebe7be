#include "smtpd/outbound/dot_writer.h"

static char *
end_line(struct dot_writer *w, char *to)
{
	w->in_line = w->after_cr = false;
	memcpy(to, "\r\n", 2);
	return to + 2;
}

/* The octets up to the next CR or LF. */
static struct str
next_run(struct str in)
{
	size_t lf = str_find(in, '\n');
	struct str run = str_sub(in, 0, lf == STR_NONE ? in.n : lf);
	size_t cr = str_find(run, '\r');

	return cr == STR_NONE ? run : str_sub(run, 0, cr);
}

size_t
dot_writer_feed(struct dot_writer *w, struct str in, char *out)
{
	char *to = out;

	while (in.n > 0) {
		if (w->after_cr) {
			to = end_line(w, to);
			if (in.p[0] == '\n') {
				in = str_skip(in, 1);
				continue;
			}
		}
		if (!w->in_line && in.p[0] == '.')
			*to++ = '.';
		struct str run = next_run(in);
		memcpy(to, run.p, run.n);
		to += run.n;
		w->in_line |= run.n > 0;
		in = str_skip(in, run.n);
		if (in.n == 0)
			break;
		if (in.p[0] == '\r')
			w->after_cr = true;
		else
			to = end_line(w, to);
		in = str_skip(in, 1);
	}
	return (size_t)(to - out);
}

size_t
dot_writer_end(struct dot_writer *w, char *out)
{
	char *to = out;

	if (w->in_line || w->after_cr)
		to = end_line(w, to);
	memcpy(to, ".\r\n", 3);
	return (size_t)(to - out) + 3;
}

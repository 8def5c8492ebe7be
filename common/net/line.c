#include "common/net/line.h"

/* Throws away the rest of a line that is too long. True once its end has been seen. */
static bool
skip_to_end(struct conn *c)
{
	struct str in = conn_input(c);
	size_t lf = str_find(in, '\n');

	conn_consume(c, lf == STR_NONE ? in.n : lf + 1);
	return lf != STR_NONE;
}

enum line_status
line_take(struct line_reader *r, struct conn *c, size_t max, struct str *ret_line)
{
	if (r->skipping) {
		if (!skip_to_end(c))
			return LINE_PARTIAL;
		r->skipping = false;
		return LINE_TOO_LONG;
	}
	struct str in = conn_input(c);
	size_t lf = str_find(str_skip(in, r->scanned), '\n');
	if (lf == STR_NONE) {
		r->scanned = in.n;
		if (in.n <= max + 1) /* the CR may be here, the LF to come */
			return LINE_PARTIAL;
		r->scanned = 0;
		r->skipping = true;
		conn_consume(c, in.n);
		return LINE_PARTIAL;
	}
	lf += r->scanned;
	r->scanned = 0;
	struct str line = str_sub(in, 0, lf);
	bool crlf = line.n && line.p[line.n - 1] == '\r';
	if (crlf)
		line.n--;
	if (line.n > max) {
		conn_consume(c, lf + 1);
		return LINE_TOO_LONG;
	}
	if (!crlf || str_find(line, '\r') != STR_NONE || str_has_nul(line)) {
		conn_consume(c, lf + 1);
		return LINE_BARE;
	}
	*ret_line = line;
	return LINE_WHOLE;
}

void
line_done(struct line_reader *r, struct conn *c, struct str line)
{
	r->scanned = 0;
	conn_consume(c, line.n + 2);
}

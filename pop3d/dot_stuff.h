/* pop3d/dot_stuff.h - a stored message as the lines of a multi-line response (RFC 1939 §3).
 *
 * A line that begins with "." gets a second one; a bare LF becomes CRLF, since many clients end
 * lines at LF alone and would take "LF . LF" for the end. Works on pieces cut anywhere. Pure.
 */
#ifndef POP3D_DOT_STUFF_H
#define POP3D_DOT_STUFF_H

#include "common/base/str.h"

#define DOT_STUFF_GROWTH 2 /* output is at most this many times the input */
#define DOT_STUFF_END_MAX 5 /* octets of dot_stuff_end() */

struct dot_stuff {
	bool mid_line; /* the last octet was not the end of a line */
	bool after_cr;
	bool limited; /* TOP: the header, then lines_left lines of the body */
	bool in_body;
	uint32_t lines_left;
	bool line_empty; /* nothing but CR on this line yet */
	bool finished; /* TOP: all that was asked for has been written */
};

void dot_stuff_begin(struct dot_stuff *d);
/* For TOP: stops after the header, its empty line and `lines` lines. */
void dot_stuff_begin_top(struct dot_stuff *d, uint32_t lines);
/* Writes `in` to `out`, which holds DOT_STUFF_GROWTH * in.n octets; how many it wrote. */
size_t dot_stuff_feed(struct dot_stuff *d, struct str in, char *out);
/* The line ".", after the end of a last line that had none. How many octets it wrote. */
size_t dot_stuff_end(struct dot_stuff *d, char *out);

#endif

#include "tests/support/dialogue.h"

#include "common/base/sbuf.h"

#include <stdio.h>

#define OUTPUT_MAX (256u * 1024 * 1024)

/* "\n" in a row stands for CRLF; a final backslash keeps the final CRLF away. */
static void
wire_form(const char *send, struct sbuf *out)
{
	size_t n = strlen(send);
	bool open_end = n && send[n - 1] == '\\';

	for (size_t i = 0; i < n - open_end; i++) {
		if (send[i] == '\n' && (i == 0 || send[i - 1] != '\r'))
			sbuf_putc(out, '\r');
		sbuf_putc(out, send[i]);
	}
	if (!open_end)
		sbuf_puts(out, "\r\n");
}

/* `pattern` as a prefix of `line`: '#' is one or more digits, '*' after a non-blank any run of
 * non-blanks. */
static bool
line_matches(struct str pattern, struct str line)
{
	size_t at = 0;

	for (size_t i = 0; i < pattern.n; i++) {
		size_t start = at;
		if (pattern.p[i] == '#') {
			while (at < line.n && ascii_is_digit(line.p[at]))
				at++;
			if (at == start)
				return false;
		} else if (pattern.p[i] == '*' && i > 0 && pattern.p[i - 1] != ' ' &&
			   (i + 1 == pattern.n || pattern.p[i + 1] == ' ' ||
			       pattern.p[i + 1] == ')')) {
			while (at < line.n && line.p[at] != ' ' && line.p[at] != ')')
				at++;
		} else if (at >= line.n || line.p[at] != pattern.p[i]) {
			return false;
		} else {
			at++;
		}
	}
	return true;
}

static struct str
next_line(struct str *rest)
{
	struct str line = {NULL, 0};

	str_split(rest, '\n', &line);
	if (line.n && line.p[line.n - 1] == '\r')
		line.n--;
	return line;
}

static bool
some_line_matches(struct str pattern, struct str output)
{
	while (output.p && output.n)
		if (line_matches(pattern, next_line(&output)))
			return true;
	return false;
}

/* NULL when the output is as expected, else what is wrong. */
static const char *
compare(const struct conn *c, const char *expect, struct str output)
{
	if (!expect)
		return output.n ? "output, where none was expected" : NULL;
	struct str wanted = str_of(expect);
	struct str pattern;
	struct str rest = output;
	struct str line = {NULL, 0};
	bool closed = false;
	bool any = false;

	while (str_split(&wanted, '\n', &pattern)) {
		if (str_eq(pattern, STR("<closed>"))) {
			closed = true;
			continue;
		}
		if (pattern.n && pattern.p[0] == '!') {
			if (some_line_matches(str_skip(pattern, 1), output))
				return "a line that must not come";
			continue;
		}
		any = true;
		do {
			if (!rest.p || !rest.n)
				return "an expected line is missing";
			line = next_line(&rest);
		} while (!line_matches(pattern, line));
	}
	if (any && rest.p && rest.n)
		return "lines after the last expected one";
	if (closed != conn_memory_closed(c))
		return closed ? "the connection is still open" : "the connection was closed";
	return NULL;
}

void
dialogue_row(struct conn *c, const struct dialogue *row, bool by_byte)
{
	CLEANUP(sbuf_done) struct sbuf wire = SBUF_INIT(OUTPUT_MAX);
	CLEANUP(arena_free) struct arena *arena = arena_new(OUTPUT_MAX);

	if (row->send) {
		wire_form(row->send, &wire);
		struct str in = sbuf_view(&wire);
		for (size_t i = 0; by_byte && i < in.n; i++)
			conn_memory_feed(c, str_sub(in, i, 1));
		if (!by_byte)
			conn_memory_feed(c, in);
	} else {
		conn_memory_run(c);
	}
	struct str got = conn_memory_output(c, arena);
	const char *wrong = compare(c, row->expect, got);
	ck_assert_msg(!wrong, "%s\n  sent (%s): %s\n  expected: %s\n  got: %.*s", wrong,
	    by_byte ? "by byte" : "by line", row->send ? row->send : "(nothing)",
	    row->expect ? row->expect : "(nothing)", STR_ARG(got));
}

void
dialogue_run(struct conn *c, const struct dialogue *rows, size_t n, bool by_byte)
{
	for (size_t i = 0; i < n; i++)
		dialogue_row(c, &rows[i], by_byte);
}

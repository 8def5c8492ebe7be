/* tests/support/dialogue.h - whole protocol conversations in process, as tables.
 *
 *	static const struct dialogue hello[] = {
 *		{NULL,			"* OK"},		// the greeting
 *		{"1 SELECT Inbox",	"* 3 EXISTS\n1 OK"},	// RFC 3501 §6.3.1
 *		{"2 NOOP",		"2 OK"},
 *	};
 *
 * A row sends one line (CRLF is added; an embedded "\n" becomes CRLF; "\r" stands as it is; an
 *octet string that ends in "\\" sends no final CRLF) and then looks for the expected lines in what
 *came back: in order, each a prefix of a line, '#' any number, '*' at the end of an expected word
 *any text without blanks; lines not named are skipped, but the last expected line must be the last
 *that came. expect == NULL: nothing may come. "!text": no line that came may start with text.
 * "<closed>" as the last expected line: the connection was closed. Each table runs by line and by
 *byte: same answers.
 */
#ifndef TESTS_SUPPORT_DIALOGUE_H
#define TESTS_SUPPORT_DIALOGUE_H

#include "common/net/conn.h"
#include "tests/support/test.h"

struct dialogue {
	const char *send;
	const char *expect;
};

/* One row on an open connection. */
void dialogue_row(struct conn *c, const struct dialogue *row, bool by_byte);
/* All rows; on a mismatch fails the test, showing row, expected and got. */
void dialogue_run(struct conn *c, const struct dialogue *rows, size_t n, bool by_byte);

#endif

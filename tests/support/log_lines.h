/* tests/support/log_lines.h - what the log says during a test, each line held against what a line
 * is: `level program event key=value ...`, valid UTF-8 of at most 2,048 octets, keys of letters,
 * digits and _, values bare or in quotes that are closed, and no character that a terminal or a
 * reader of lines obeys. */
#ifndef TESTS_SUPPORT_LOG_LINES_H
#define TESTS_SUPPORT_LOG_LINES_H

#include "common/base/str.h"

/* From here on lines are kept. */
void log_lines_begin(void);
/* Fails where a line is not as above. What was kept, each line with its LF; until the next begin.
 */
const char *log_lines_end(void);
/* How many of them are of that event. */
unsigned log_lines_count(const char *event);
/* Why `line` is none, or NULL; also where the name below that pretends `user=root` succeeds. */
const char *log_line_fault(struct str line);

/* What somebody may give as a name to forge lines, fields and what a terminal shows; the last are
 * long. NULL at the end. */
extern const char *const log_lines_evil[];
/* Of all that the worst in three, for tests in which each costs the time of a password. */
extern const char *const log_lines_worst[];

#endif

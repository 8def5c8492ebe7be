/* tests/bench/file_mail.h - real messages from files, for the benchmark. */
#ifndef TESTS_BENCH_FILE_MAIL_H
#define TESTS_BENCH_FILE_MAIL_H

#include "common/base/sbuf.h"

enum { MAIL_MAX = 64 << 20 };

struct file_mail {
	char **paths;
	size_t count;
};

/* Takes the names that stand in the file `list`, one in a line. They stay until the program ends.
 */
void file_mail_open(struct file_mail *f, const char *list);
/* Appends message `n` (from 1, beginning again after the last) with CRLF line ends. */
void file_mail_read(const struct file_mail *f, size_t n, struct sbuf *b);

#endif

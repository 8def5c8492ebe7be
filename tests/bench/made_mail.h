/* tests/bench/made_mail.h - messages made up for the benchmark, the same in every run. */
#ifndef TESTS_BENCH_MADE_MAIL_H
#define TESTS_BENCH_MADE_MAIL_H

#include "common/base/sbuf.h"

/* Appends message number `n` of about `size` octets, CRLF line ends: trace, the usual header
 * fields, and text of words that are unequally frequent as in language; every fourth is
 * multipart/alternative. About half hold the word "meeting", one in a thousand "zebrafish", none
 * "quetzalcoatl". */
void made_mail(struct sbuf *b, size_t n, size_t size);

#endif

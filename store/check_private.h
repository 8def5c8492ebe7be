/* store/check_private.h - what the files of account_check() share. Private to store/. */
#ifndef STORE_CHECK_PRIVATE_H
#define STORE_CHECK_PRIVATE_H

#include "store/account_private.h"

struct check {
	struct account *account; /* NULL: the directory is checked */
	struct db *db; /* one consistent read */
	struct sbuf *report;
	bool damaged;
};

/* A line of the report. */
void check_problem(
    struct check *c, const char *what, struct str where, int64_t is, int64_t should_be);

/* -- of check_pages.c */

/* The pages of entries, and against them the counters, the messages and the tombstones. */
NODISCARD enum err check_pages(struct check *c);

#endif

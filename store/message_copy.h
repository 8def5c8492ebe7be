/* store/message_copy.h - the pieces of COPY and MOVE, within an account and into another. Only for
 * store/. */
#ifndef STORE_MESSAGE_COPY_H
#define STORE_MESSAGE_COPY_H

#include "store/seen.h"

/* What is to be copied, and the marks of who copies. ERR_GONE, ERR_STALE. */
NODISCARD enum err copy_find_rows(
    struct db *db, const struct transfer *x, struct rows *ret, struct seen_marks *marks);
/* The flags that some of the rows have and the target may get. */
uint64_t copy_used_flags(const struct transfer *x, const struct rows *rows);
/* The rows as entries of the target, their messages still those of the source; *ret_marks gets the
 * viewer's. */
NODISCARD enum err copy_entries(const struct transfer *x, const struct rows *rows,
    const struct seen_marks *marks, const uint64_t map[KEYWORDS_MAX], uint32_t first_uid,
    uint64_t modseq, struct rows *ret, struct seen_marks *ret_marks);
NODISCARD enum err copy_report(const struct rows *rows, uint32_t first_uid, struct copied *ret);

/* -- of message_transfer.c */

/* Into another account, all steps at once. */
NODISCARD enum err copy_elsewhere(
    const struct transfer *x, struct arena *arena, struct copied *ret);

#endif

/* ctl/words.h - times, ages and octets of others, as people write and read them. */
#ifndef CTL_WORDS_H
#define CTL_WORDS_H

#include "common/base/sbuf.h"

#include <stdbool.h>

/* "90", "15m", "2h", "3d", "1w": seconds. */
bool words_parse_age(struct str text, int64_t *ret_s);
/* An age (so long ago), "2026-11-23", or "2026-11-23 14:03[:11]" with a blank or a T between, in
 * local time: seconds since 1970. */
bool words_parse_time(struct str text, int64_t now_s, int64_t *ret_s);
/* "2026-11-23 14:03:11" in local time. */
void words_put_time(struct sbuf *out, int64_t s);
/* "3 d", "2 h", "15 min", "40 s": the largest unit that fits. */
void words_put_age(struct sbuf *out, int64_t s);
/* What came from elsewhere, for a terminal: what is not UTF-8 and what a terminal obeys (shown.h)
 * as \xNN. */
void words_put_safe(struct sbuf *out, struct str s);

#endif

/* common/base/shown.h - what of others' text may be shown as it is, in the log and on a terminal.
 * Pure.
 */
#ifndef COMMON_BASE_SHOWN_H
#define COMMON_BASE_SHOWN_H

#include "common/base/str.h"

/* How many octets of UTF-8, two to four, stand at the start of `v` that are shown as they are: 0
 * where they are to be escaped, since they are a character that some terminal or reader obeys: C1
 * controls (U+009B is an escape sequence's start), marks and overrides of direction, what ends a
 * line (U+0085, U+2028), what has no width or is not seen. `v` is valid, and begins with none of
 * ASCII. */
size_t shown_character(struct str v);

#endif

/* imapd/special_use.h - the special uses that a mailbox can be given: RFC 6154. */
#ifndef IMAPD_SPECIAL_USE_H
#define IMAPD_SPECIAL_USE_H

#include "common/base/arena.h"
#include "common/base/err.h"
#include "common/base/str.h"

/* What CREATE's USE and /private/specialuse say, words with a backslash, a blank between two, in
 * the spelling of RFC 6154 §2 and each once; in `arena`. ERR_CANNOT: one that is not offered (\All,
 * \Flagged), or none at all. */
NODISCARD enum err imap_read_special_use(struct str words, struct arena *arena, struct str *ret);

#endif

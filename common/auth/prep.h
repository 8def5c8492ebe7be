/* common/auth/prep.h - names and passwords as they are compared: SASLprep (RFC 4013). Pure. */
#ifndef COMMON_AUTH_PREP_H
#define COMMON_AUTH_PREP_H

#include "common/base/arena.h"
#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

/* `in` prepared by SASLprep as a query, in `arena`. What SASLprep does not apply to (octets that
 * are no UTF-8, prohibited characters) comes back as it is, so that an old password in Latin-1
 * still works. The caller wipes the result of a password with prep_wipe(). ERR_SYNTAX: holds NUL;
 * ERR_NOMEM. */
NODISCARD enum err prep_string(struct str in, struct arena *arena, struct str *ret);

/* Overwrites octets that held a secret. */
void prep_wipe(struct str secret);

#endif

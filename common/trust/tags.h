/* common/trust/tags.h - lists of tag=value, as DKIM signatures, DKIM keys and ARC fields are
 * written (RFC 6376 §3.2). Pure; slices point into the input.
 */
#ifndef COMMON_TRUST_TAGS_H
#define COMMON_TRUST_TAGS_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/sbuf.h"
#include "common/base/str.h"

#define TAGS_MAX 40 /* of one list; there are fifteen with a meaning */

struct tag {
	struct str name;
	struct str value; /* without blanks and line ends around it; those within are still there */
};

struct tags {
	struct tag all[TAGS_MAX];
	size_t count;
};

/* ERR_SYNTAX: not of that form, a name twice (§3.2), or more than TAGS_MAX. */
NODISCARD enum err tags_parse(struct str text, struct tags *ret);
/* NULL when it is not there; an empty value is there. Names are case-sensitive. */
const struct tag *tags_find(const struct tags *t, const char *name);
/* The value, or `otherwise` where the tag is not there. */
struct str tags_get(const struct tags *t, const char *name, struct str otherwise);
/* Base64 in which blanks and line ends may stand (§3.2 FWS). ERR_SYNTAX; what `out` has room for.
 */
NODISCARD enum err tags_base64(struct str value, struct sbuf *out);
/* Takes the next member of a list with `separator` from *rest, trimmed. False at its end. */
bool tags_member(struct str *rest, char separator, struct str *ret);
/* Whether the list has this member (ASCII case ignored). */
bool tags_has(struct str list, char separator, struct str member);

#endif

/* search/field_text.h - a header field as it is searched: "subject: héllo", decoded (RFC 2047),
 * unfolded, case folded. The scan and the index read fields through this alone. Pure.
 */
#ifndef SEARCH_FIELD_TEXT_H
#define SEARCH_FIELD_TEXT_H

#include "common/mail/header.h"

struct field_text {
	struct sbuf utf8; /* scratch */
	struct sbuf folded;
	size_t value_at; /* in `folded`: behind the name and ": " */
};

/* Guard and initialiser; one can be used for field after field. */
void field_text_init(struct field_text *t);
void field_text_done(struct field_text *t);

/* ERR_NOMEM. A field that is longer than any stored header may be is cut. */
NODISCARD enum err field_text_make(struct field_text *t, const struct header_field *f);

/* All of it, and what stands behind the name. Valid until the next field_text_make(). */
static inline struct str
field_text_whole(const struct field_text *t)
{
	return sbuf_view(&t->folded);
}

static inline struct str
field_text_value(const struct field_text *t)
{
	return str_skip(sbuf_view(&t->folded), t->value_at);
}

#endif

#include "search/field_text.h"

#include "common/mail/charset.h"
#include "common/mail/message_index.h"

/* One field is at most MIME_MAX_HEADER; decoding and folding make it a few times longer. */
#define FIELD_TEXT_MAX (20 * (size_t)MIME_MAX_HEADER)

void
field_text_init(struct field_text *t)
{
	*t = (struct field_text){SBUF_INIT(FIELD_TEXT_MAX), SBUF_INIT(FIELD_TEXT_MAX), 0};
}

void
field_text_done(struct field_text *t)
{
	sbuf_done(&t->utf8);
	sbuf_done(&t->folded);
}

enum err
field_text_make(struct field_text *t, const struct header_field *f)
{
	sbuf_clear(&t->utf8);
	sbuf_clear(&t->folded);
	text_fold(f->name, &t->folded);
	sbuf_puts(&t->folded, ": ");
	t->value_at = t->folded.n;
	words_decode(f->value, &t->utf8);
	text_fold(str_trim(sbuf_view(&t->utf8)), &t->folded);
	return sbuf_error(&t->utf8) == ERR_NOMEM || sbuf_error(&t->folded) == ERR_NOMEM ? ERR_NOMEM
											: ERR_OK;
}

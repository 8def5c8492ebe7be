/* imapd/preview_text.h - the first words of a text, as a person would read them: RFC 8970 §3.3.
 *
 * UTF-8 comes in pieces cut between characters or within; white space runs together, markup and
 * what is not to be seen is dropped. Pure; bounded by PREVIEW_CHARS.
 */
#ifndef IMAPD_PREVIEW_TEXT_H
#define IMAPD_PREVIEW_TEXT_H

#include "common/base/sbuf.h"

#define PREVIEW_CHARS 200 /* RFC 8970 §3.3: SHOULD */
#define PREVIEW_OCTETS (4 * PREVIEW_CHARS)

struct preview_text {
	bool html;
	bool skip_quoted; /* lines of plain text that begin with ">" */
	struct sbuf out;
	unsigned chars;
	bool space; /* owed before the next character */
	/* a character that has not come whole */
	char part[4];
	unsigned part_n;
	/* plain */
	bool in_line, in_quoted;
	/* HTML */
	enum { PREVIEW_TEXT, PREVIEW_TAG, PREVIEW_COMMENT, PREVIEW_ENTITY } state;
	char word[16]; /* of a tag or an entity */
	unsigned word_n;
	bool word_done;
	char last[2]; /* within a comment */
	char hidden[8]; /* the element whose content is not shown, or empty */
};

void preview_text_init(struct preview_text *p, bool html, bool skip_quoted);
void preview_text_done(struct preview_text *p);
void preview_text_feed(struct preview_text *p, struct str utf8);
/* Nothing more is wanted. */
bool preview_text_is_full(const struct preview_text *p);

#endif

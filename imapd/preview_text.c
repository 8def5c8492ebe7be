#include "imapd/preview_text.h"

#include <stdlib.h>

void
preview_text_init(struct preview_text *p, bool html, bool skip_quoted)
{
	*p = (struct preview_text){
	    .html = html, .skip_quoted = skip_quoted, .out = SBUF_INIT(PREVIEW_OCTETS)};
}

void
preview_text_done(struct preview_text *p)
{
	sbuf_done(&p->out);
}

bool
preview_text_is_full(const struct preview_text *p)
{
	return p->chars >= PREVIEW_CHARS;
}

static uint32_t
code_point(struct str ch)
{
	unsigned char first = (unsigned char)ch.p[0];
	uint32_t cp = ch.n == 1 ? first : first & (0xffu >> (ch.n + 1));

	for (size_t i = 1; i < ch.n; i++)
		cp = cp << 6 | ((unsigned char)ch.p[i] & 0x3f);
	return cp;
}

static bool
is_space(uint32_t cp)
{
	return cp <= ' ' || cp == 0x7f || cp == 0xa0 || (cp >= 0x2000 && cp <= 0x200a) ||
	       cp == 0x2028 || cp == 0x2029 || cp == 0x202f || cp == 0x3000;
}

/* What senders fill the previews of other programs with: soft hyphens, joiners, zero widths. */
static bool
is_invisible(uint32_t cp)
{
	return cp == 0xad || cp == 0x34f || (cp >= 0x80 && cp < 0xa0) ||
	       (cp >= 0x200b && cp <= 0x200f) || (cp >= 0x202a && cp <= 0x202e) ||
	       (cp >= 0x2060 && cp <= 0x206f) || cp == 0xfeff;
}

static void
show(struct preview_text *p, struct str ch)
{
	uint32_t cp = code_point(ch);

	if (is_invisible(cp) || preview_text_is_full(p))
		return;
	if (is_space(cp)) {
		p->space = p->chars > 0;
		return;
	}
	if (p->space) {
		sbuf_putc(&p->out, ' ');
		p->chars++;
		p->space = false;
	}
	if (preview_text_is_full(p))
		return;
	sbuf_put(&p->out, ch);
	p->chars++;
}

/* -- plain text ------------------------------------------------------------------------------- */

static void
take_plain(struct preview_text *p, struct str ch)
{
	if (ch.p[0] == '\n') {
		p->in_line = p->in_quoted = false;
		p->space = p->chars > 0;
		return;
	}
	if (!p->in_line)
		p->in_quoted = p->skip_quoted && ch.p[0] == '>';
	p->in_line = true;
	if (!p->in_quoted)
		show(p, ch);
}

/* -- HTML ------------------------------------------------------------------------------------- */

static bool
word_is(const struct preview_text *p, const char *word)
{
	return str_eq_nocase(str_make(p->word, p->word_n), str_of(word));
}

static void
end_tag(struct preview_text *p)
{
	static const char *const hidden[] = {"head", "style", "script", "title"};
	static const char *const within[] = {"a", "b", "i", "u", "em", "font", "span", "strong",
	    "small", "/a", "/b", "/i", "/u", "/em", "/font", "/span", "/strong", "/small"};

	p->state = PREVIEW_TEXT;
	if (p->hidden[0]) {
		if (p->word_n > 0 && p->word[0] == '/' &&
		    str_eq_nocase(str_make(p->word + 1, p->word_n - 1), str_of(p->hidden)))
			p->hidden[0] = '\0';
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (word_is(p, hidden[i]))
			memcpy(p->hidden, hidden[i], strlen(hidden[i]) + 1);
	for (size_t i = 0; i < ARRAY_LEN(within); i++)
		if (word_is(p, within[i]))
			return;
	p->space = p->chars > 0;
}

static void
take_tag(struct preview_text *p, struct str ch)
{
	char c = ch.p[0];

	if (c == '>') {
		end_tag(p);
		return;
	}
	if (!p->word_done && (ascii_is_alpha(c) || ascii_is_digit(c) || c == '!' || c == '-' ||
				 (c == '/' && p->word_n == 0))) {
		if (p->word_n < sizeof(p->word))
			p->word[p->word_n++] = c;
	} else {
		p->word_done = true;
	}
	if (p->word_n == 3 && memcmp(p->word, "!--", 3) == 0) {
		p->state = PREVIEW_COMMENT;
		p->last[0] = p->last[1] = '-';
	}
}

static void
take_comment(struct preview_text *p, struct str ch)
{
	if (ch.p[0] == '>' && p->last[0] == '-' && p->last[1] == '-')
		p->state = PREVIEW_TEXT;
	p->last[0] = p->last[1];
	p->last[1] = ch.p[0];
}

static void
show_code_point(struct preview_text *p, unsigned long cp)
{
	char utf8[4];
	size_t n = 0;

	if (cp == 0 || cp > 0x10ffff || (cp >= 0xd800 && cp < 0xe000))
		return;
	if (cp < 0x80) {
		utf8[n++] = (char)cp;
	} else if (cp < 0x800) {
		utf8[n++] = (char)(0xc0 | cp >> 6);
	} else if (cp < 0x10000) {
		utf8[n++] = (char)(0xe0 | cp >> 12);
		utf8[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
	} else {
		utf8[n++] = (char)(0xf0 | cp >> 18);
		utf8[n++] = (char)(0x80 | (cp >> 12 & 0x3f));
		utf8[n++] = (char)(0x80 | (cp >> 6 & 0x3f));
	}
	if (cp >= 0x80)
		utf8[n++] = (char)(0x80 | (cp & 0x3f));
	show(p, str_make(utf8, n));
}

/* Names that are not known are most often accents nobody writes any more, or invisible. */
static void
end_entity(struct preview_text *p)
{
	static const struct {
		const char *name;
		unsigned code_point;
	} names[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''},
	    {"nbsp", ' '}, {"auml", 0xe4}, {"ouml", 0xf6}, {"uuml", 0xfc}, {"Auml", 0xc4},
	    {"Ouml", 0xd6}, {"Uuml", 0xdc}, {"szlig", 0xdf}, {"eacute", 0xe9}, {"egrave", 0xe8},
	    {"agrave", 0xe0}, {"ccedil", 0xe7}, {"copy", 0xa9}, {"reg", 0xae}, {"euro", 0x20ac},
	    {"ndash", 0x2013}, {"mdash", 0x2014}, {"hellip", 0x2026}, {"bull", 0x2022},
	    {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201c}, {"rdquo", 0x201d}};
	char word[sizeof(p->word) + 1];

	p->state = PREVIEW_TEXT;
	if (p->hidden[0])
		return;
	memcpy(word, p->word, p->word_n);
	word[p->word_n] = '\0';
	if (word[0] == '#') {
		bool hex = word[1] == 'x' || word[1] == 'X';
		show_code_point(p, strtoul(word + (hex ? 2 : 1), NULL, hex ? 16 : 10));
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(word, names[i].name) == 0)
			show_code_point(p, names[i].code_point);
}

static void take_html(struct preview_text *p, struct str ch);

static void
// NOLINTNEXTLINE(misc-no-recursion): one level, since the state is another before it
take_entity(struct preview_text *p, struct str ch)
{
	char c = ch.p[0];

	if (c == ';') {
		end_entity(p);
	} else if ((ascii_is_alpha(c) || ascii_is_digit(c) || c == '#') &&
		   p->word_n < sizeof(p->word)) {
		p->word[p->word_n++] = c;
	} else { /* it was none */
		p->state = PREVIEW_TEXT;
		if (!p->hidden[0])
			show(p, STR("&"));
		for (unsigned i = 0; i < p->word_n && !p->hidden[0]; i++)
			show(p, str_make(&p->word[i], 1));
		take_html(p, ch);
	}
}

static void
// NOLINTNEXTLINE(misc-no-recursion): as above
take_html(struct preview_text *p, struct str ch)
{
	switch (p->state) {
	case PREVIEW_TAG:
		take_tag(p, ch);
		return;
	case PREVIEW_COMMENT:
		take_comment(p, ch);
		return;
	case PREVIEW_ENTITY:
		take_entity(p, ch);
		return;
	case PREVIEW_TEXT:
		break;
	}
	p->word_n = 0;
	p->word_done = false;
	if (ch.p[0] == '<')
		p->state = PREVIEW_TAG;
	else if (ch.p[0] == '&')
		p->state = PREVIEW_ENTITY;
	else if (!p->hidden[0])
		show(p, ch);
}

/* -- both ------------------------------------------------------------------------------------- */

static unsigned
length_of(unsigned char first)
{
	return first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

void
preview_text_feed(struct preview_text *p, struct str utf8)
{
	for (size_t i = 0; i < utf8.n && !preview_text_is_full(p); i++) {
		p->part[p->part_n++] = utf8.p[i];
		if (p->part_n < length_of((unsigned char)p->part[0]))
			continue;
		struct str ch = str_make(p->part, p->part_n);
		p->part_n = 0;
		if (!str_is_utf8(ch))
			continue;
		if (p->html)
			take_html(p, ch);
		else
			take_plain(p, ch);
	}
}

#include "common/trust/tags.h"

#include "common/mail/codec.h"

static bool
is_tag_name(struct str name)
{
	if (name.n == 0 || !ascii_is_alpha(name.p[0]))
		return false;
	for (size_t i = 1; i < name.n; i++)
		if (!ascii_is_alpha(name.p[i]) && !ascii_is_digit(name.p[i]) && name.p[i] != '_')
			return false;
	return true;
}

/* §3.2: tag-value has no control characters but those of folding, and no ";". Octets of UTF-8 are
 * let through (RFC 8616 §3). */
static bool
is_tag_value(struct str value)
{
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];
		if ((c < ' ' && c != '\t' && c != '\r' && c != '\n') || c == 0x7f)
			return false;
	}
	return true;
}

enum err
tags_parse(struct str text, struct tags *ret)
{
	struct str rest = text, part;

	ret->count = 0;
	while (str_split(&rest, ';', &part)) {
		part = str_trim(part);
		if (part.n == 0) {
			if (str_trim(rest).n) /* only the last one may be followed by a ";" alone */
				return ERR_SYNTAX;
			break;
		}
		size_t at = str_find(part, '=');
		if (at == STR_NONE || ret->count == TAGS_MAX)
			return ERR_SYNTAX;
		struct tag t = {str_trim(str_sub(part, 0, at)), str_trim(str_skip(part, at + 1))};
		if (!is_tag_name(t.name) || !is_tag_value(t.value))
			return ERR_SYNTAX;
		for (size_t i = 0; i < ret->count; i++)
			if (str_eq(ret->all[i].name, t.name))
				return ERR_SYNTAX;
		ret->all[ret->count++] = t;
	}
	return ret->count ? ERR_OK : ERR_SYNTAX;
}

const struct tag *
tags_find(const struct tags *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (str_eq(t->all[i].name, str_of(name)))
			return &t->all[i];
	return NULL;
}

struct str
tags_get(const struct tags *t, const char *name, struct str otherwise)
{
	const struct tag *tag = tags_find(t, name);

	return tag ? tag->value : otherwise;
}

enum err
tags_base64(struct str value, struct sbuf *out)
{
	CLEANUP(sbuf_done) struct sbuf packed = SBUF_INIT(value.n);

	for (size_t i = 0; i < value.n; i++)
		if (!strchr(" \t\r\n", value.p[i]) || value.p[i] == '\0')
			sbuf_putc(&packed, value.p[i]);
	enum err e = sbuf_error(&packed);
	if (!e)
		e = base64_decode(sbuf_view(&packed), out);
	return e ? e : sbuf_error(out);
}

bool
tags_member(struct str *rest, char separator, struct str *ret)
{
	if (!str_split(rest, separator, ret))
		return false;
	*ret = str_trim(*ret);
	return true;
}

bool
tags_has(struct str list, char separator, struct str member)
{
	struct str one;

	while (tags_member(&list, separator, &one))
		if (str_eq_nocase(one, member))
			return true;
	return false;
}

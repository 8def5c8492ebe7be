#include "common/mail/header.h"
#include "common/mail/mime_private.h"

enum part_encoding
mime_encoding(struct str name)
{
	static const struct {
		const char *name;
		enum part_encoding encoding;
	} known[] = {{"7bit", PART_7BIT}, {"8bit", PART_8BIT}, {"binary", PART_BINARY},
	    {"quoted-printable", PART_QP}, {"base64", PART_BASE64}};

	if (!name.p)
		return PART_7BIT;
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (str_eq_nocase(name, str_of(known[i].name)))
			return known[i].encoding;
	return PART_OTHER;
}

struct str
mime_param(struct mime_params params, struct str name)
{
	for (size_t i = 0; i < params.n; i++)
		if (str_eq_nocase(params.list[i].name, name))
			return params.list[i].value;
	return (struct str){NULL, 0};
}

/* Takes blanks and comments, then a token, of *rest; empty if there is none. */
static struct str
take_token(struct str *rest)
{
	size_t n = 0;

	*rest = str_skip(*rest, mime_cfws_length(*rest));
	while (n < rest->n && mime_is_token_char((unsigned char)rest->p[n]))
		n++;
	struct str token = str_sub(*rest, 0, n);
	*rest = str_skip(*rest, n);
	return token;
}

/* A field that is no "type/subtype" says nothing (RFC 2045 §5.2). */
static void
parse_type(struct str value, struct mime_fields *f, struct arena *arena)
{
	struct str type = take_token(&value);

	value = str_skip(value, mime_cfws_length(value));
	if (type.n == 0 || !str_starts(value, STR("/")))
		return;
	value = str_skip(value, 1);
	struct str subtype = take_token(&value);
	if (subtype.n == 0)
		return;
	f->type = arena_dup(arena, type);
	f->subtype = arena_dup(arena, subtype);
	f->params = mime_params_parse(value, arena);
}

static void
parse_disposition(struct str value, struct mime_fields *f, struct arena *arena)
{
	struct str type = take_token(&value);

	if (type.n == 0)
		return;
	f->disposition = arena_dup(arena, type);
	f->disposition_params = mime_params_parse(value, arena);
}

static void
parse_encoding(struct str value, struct mime_fields *f, struct arena *arena)
{
	value = str_skip(value, mime_cfws_length(value));
	if (str_starts(value, STR("\""))) /* against the grammar, yet seen */
		value = str_skip(value, 1);
	struct str token = take_token(&value);
	if (token.n)
		f->encoding = arena_dup(arena, token);
}

/* RFC 3282 §2: tags with commas between. */
static void
parse_language(struct str value, struct mime_fields *f, struct arena *arena)
{
	struct str tags[MIME_MAX_LANGUAGES];
	size_t n = 0;

	while (value.n && n < MIME_MAX_LANGUAGES) {
		struct str tag = take_token(&value);
		if (tag.n)
			tags[n++] = tag;
		value = str_skip(value, mime_cfws_length(value));
		if (value.n && !mime_is_token_char((unsigned char)*value.p))
			value = str_skip(value, 1);
	}
	f->languages = n ? arena_alloc_array(arena, n, sizeof(*tags)) : NULL;
	for (size_t i = 0; f->languages && i < n; i++)
		f->languages[f->languages_n++] = arena_dup(arena, tags[i]);
}

/* The unfolded, trimmed text of a field; nothing for an empty one. */
static struct str
text_of(struct str value, struct arena *arena)
{
	return str_trim(value).n ? header_unfold_dup(value, arena) : (struct str){NULL, 0};
}

const struct mime_fields *
mime_fields_parse(struct str block, struct arena *arena)
{
	struct mime_fields *f = ARENA_NEW(arena, struct mime_fields);
	struct header_field field;

	if (!f)
		return NULL;
	const struct {
		struct str name;
		struct str *text;
	} texts[] = {{STR("Content-ID"), &f->id}, {STR("Content-Description"), &f->description},
	    {STR("Content-MD5"), &f->md5}, {STR("Content-Location"), &f->location}};
	while (header_next(&block, &field)) {
		if (!str_starts_nocase(field.name, STR("Content-")))
			continue;
		if (str_eq_nocase(field.name, STR("Content-Type")) && !f->type.p)
			parse_type(field.value, f, arena);
		else if (str_eq_nocase(field.name, STR("Content-Disposition")) && !f->disposition.p)
			parse_disposition(field.value, f, arena);
		else if (str_eq_nocase(field.name, STR("Content-Transfer-Encoding")) &&
			 !f->encoding.p)
			parse_encoding(field.value, f, arena);
		else if (str_eq_nocase(field.name, STR("Content-Language")) && !f->languages)
			parse_language(field.value, f, arena);
		for (size_t i = 0; i < ARRAY_LEN(texts); i++)
			if (str_eq_nocase(field.name, texts[i].name) && !texts[i].text->p)
				*texts[i].text = text_of(field.value, arena);
	}
	return f;
}

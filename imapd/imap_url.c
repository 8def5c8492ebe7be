#include "imapd/imap_url.h"

static int
hex_value(char ch)
{
	if (ascii_is_digit(ch))
		return ch - '0';
	ch = ascii_lower(ch);
	return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

/* Undoes %XX; NUL and what is no hexadecimal are no URL. */
static bool
decode(struct str in, struct arena *arena, struct str *ret)
{
	char *out = arena_alloc(arena, in.n + 1);
	size_t n = 0;

	if (!out)
		return false;
	for (size_t i = 0; i < in.n; i++) {
		char ch = in.p[i];
		if (ch == '%') {
			int high = i + 2 < in.n ? hex_value(in.p[i + 1]) : -1;
			int low = high >= 0 ? hex_value(in.p[i + 2]) : -1;
			if (low < 0 || high + low == 0)
				return false;
			ch = (char)(high * 16 + low);
			i += 2;
		}
		out[n++] = ch;
	}
	*ret = str_make(out, n);
	return true;
}

/* Cuts `rest` behind `word`, which must be found; what stood before it is *ret_before. */
static bool
cut_at(struct str *rest, const char *word, struct str *ret_before)
{
	size_t at = str_find_nocase(*rest, str_of(word));

	if (at == STR_NONE)
		return false;
	*ret_before = str_sub(*rest, 0, at);
	*rest = str_skip(*rest, at + strlen(word));
	return true;
}

static bool
parse_mailbox(struct str path, struct arena *arena, struct imap_url *ret)
{
	struct str name = path;
	uint64_t validity;

	if (cut_at(&path, ";UIDVALIDITY=", &name)) {
		if (!str_to_u64(path, &validity) || validity == 0 || validity > UINT32_MAX)
			return false;
		ret->uidvalidity = (uint32_t)validity;
	}
	if (str_find(name, ';') != STR_NONE)
		return false;
	return decode(name, arena, &ret->mailbox) && str_is_utf8(ret->mailbox);
}

/* partial-range: offset ["." length] */
static bool
parse_partial(struct str text, struct partial *ret)
{
	struct str from = text, count = {NULL, 0};
	size_t dot = str_find(text, '.');

	if (dot != STR_NONE) {
		from = str_sub(text, 0, dot);
		count = str_skip(text, dot + 1);
	}
	*ret = (struct partial){.given = true, .count = UINT64_MAX};
	return str_to_u64(from, &ret->from) &&
	       (!count.p || (str_to_u64(count, &ret->count) && ret->count > 0));
}

/* The section as in BODY.PEEK[section]. */
static bool
parse_section(struct str section, struct arena *arena, struct fetch_item *ret)
{
	struct fetch_items items;
	struct imap_args a;
	struct str text = arena_printf(arena, "BODY.PEEK[%.*s]", STR_ARG(section));

	if (!text.p)
		return false;
	imap_args_init(&a, text, arena);
	fetch_parse_items(&a, false, &items);
	if (imap_parse_end(&a))
		return false;
	*ret = items.item[0];
	return true;
}

bool
imap_parse_url(struct str url, struct arena *arena, struct imap_url *ret)
{
	struct str rest = url, path = {"", 0}, section = {"", 0}, uid;
	struct partial partial = {0};
	uint64_t number;

	*ret = (struct imap_url){.mailbox = {"", 0}};
	bool absolute = url.n > 0 && url.p[0] == '/';
	if (absolute)
		rest = str_skip(rest, 1);
	if (rest.n >= 5 && str_eq_nocase(str_sub(rest, 0, 5), STR(";UID=")))
		rest = str_skip(rest, 5);
	else if (!absolute || !cut_at(&rest, "/;UID=", &path) || path.n == 0)
		return false;
	uid = rest;
	if (cut_at(&rest, "/;PARTIAL=", &uid)) {
		if (!parse_partial(rest, &partial))
			return false;
	}
	rest = uid;
	if (cut_at(&rest, "/;SECTION=", &uid) && (rest.n == 0 || !decode(rest, arena, &section)))
		return false;
	if (!str_to_u64(uid, &number) || number == 0 || number > UINT32_MAX)
		return false;
	ret->uid = (uint32_t)number;
	if (!parse_mailbox(path, arena, ret) || !parse_section(section, arena, &ret->item))
		return false;
	ret->item.partial = partial;
	return true;
}

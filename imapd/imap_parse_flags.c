/* flag and flag-list (RFC 3501 §9). */
#include "imapd/imap_parse.h"

struct flag_name {
	struct str name;
	uint64_t bit;
};

static const struct flag_name system_flags[] = {
    {{"Seen", 4}, FLAG_SEEN},
    {{"Answered", 8}, FLAG_ANSWERED},
    {{"Flagged", 7}, FLAG_FLAGGED},
    {{"Deleted", 7}, FLAG_DELETED},
    {{"Draft", 5}, FLAG_DRAFT},
};

struct flag_reader {
	struct flag_list *list;
	size_t cap;
};

/* A client may repeat a keyword without end: a short list is searched, a long one is refused by the
 * store's limit on keywords anyway. */
static bool
has_keyword(const struct flag_list *list, struct str keyword)
{
	for (size_t i = 0; i < list->keyword_count; i++)
		if (str_eq_nocase(list->keywords[i], keyword))
			return true;
	return false;
}

static void
add_keyword(struct imap_args *a, struct flag_reader *r, struct str keyword)
{
	struct flag_list *list = r->list;

	if (has_keyword(list, keyword))
		return;
	if (list->keyword_count == KEYWORDS_MAX) {
		imap_parse_fail(a, ERR_LIMIT, "fewer keywords");
		return;
	}
	struct str *grown = arena_grow(
	    a->arena, list->keywords, &r->cap, list->keyword_count + 1, sizeof(*list->keywords));
	if (!grown) {
		imap_parse_fail(a, ERR_NOMEM, "fewer keywords");
		return;
	}
	list->keywords = grown;
	list->keywords[list->keyword_count++] = keyword;
}

static void
parse_flag(struct imap_args *a, void *arg)
{
	struct flag_reader *r = arg;
	size_t at = a->c.pos;
	bool system = imap_accept_char(a, '\\');
	struct str name = cursor_take_while(&a->c, imap_is_atom_char);

	if (name.n == 0) {
		imap_parse_fail(a, ERR_SYNTAX, "a flag");
		return;
	}
	if (!system) {
		add_keyword(a, r, name);
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(system_flags); i++) {
		if (str_eq_nocase(name, system_flags[i].name)) {
			r->list->system |= system_flags[i].bit;
			return;
		}
	}
	a->c.pos = at; /* \Recent among them: no client can set it (RFC 3501 §2.3.2) */
	imap_parse_fail(a, ERR_SYNTAX,
	    "\\Seen, \\Answered, \\Flagged, \\Deleted, \\Draft or a "
	    "keyword");
}

void
imap_parse_flag_list(struct imap_args *a, struct flag_list *ret)
{
	struct flag_reader r = {.list = ret};

	*ret = (struct flag_list){0};
	imap_parse_list(a, true, parse_flag, &r);
}

void
imap_parse_flags(struct imap_args *a, struct flag_list *ret)
{
	struct flag_reader r = {.list = ret};

	if (imap_peek(a) == '(') {
		imap_parse_flag_list(a, ret);
		return;
	}
	*ret = (struct flag_list){0};
	do {
		parse_flag(a, &r);
	} while (imap_accept_space(a));
}

#include "imapd/search_return.h"

/* One end of the range; its sign is that of the other end. */
static uint32_t
parse_place(struct imap_args *a, bool from_end)
{
	if (from_end)
		imap_parse_char(a, '-', "a minus at both ends of the range");
	return imap_parse_nz_number(a);
}

void
partial_parse(struct imap_args *a, struct partial_range *ret)
{
	bool from_end = imap_peek(a) == '-';
	uint32_t from = parse_place(a, from_end);

	imap_parse_char(a, ':', "a colon");
	uint32_t to = parse_place(a, from_end);
	*ret = (struct partial_range){from_end, from < to ? from : to, from < to ? to : from};
}

bool
partial_places(
    const struct partial_range *p, uint64_t count, uint64_t *ret_first, uint64_t *ret_last)
{
	if (p->lo > count)
		return false;
	uint64_t hi = p->hi < count ? p->hi : count;
	*ret_first = p->from_end ? count - hi + 1 : p->lo;
	*ret_last = p->from_end ? count - p->lo + 1 : hi;
	return true;
}

/* modifier-update: with a space in front, as the examples have it, or without, as the grammar. */
static void
parse_update_items(struct imap_args *a, struct search_return *r)
{
	if (str_starts(cursor_rest(&a->c), STR(" (")))
		imap_parse_space(a);
	if (imap_peek(a) == '(')
		fetch_parse_items(a, false, &r->update_items);
}

static void
parse_option(struct imap_args *a, void *arg)
{
	static const struct {
		const char *name;
		enum search_return_item item;
	} options[] = {
	    {"MIN", RETURN_MIN},
	    {"MAX", RETURN_MAX},
	    {"ALL", RETURN_ALL},
	    {"COUNT", RETURN_COUNT},
	    {"SAVE", RETURN_SAVE},
	    {"RELEVANCY", RETURN_RELEVANCY},
	    {"CONTEXT", RETURN_CONTEXT},
	    {"UPDATE", RETURN_UPDATE},
	};
	struct search_return *r = arg;
	const unsigned lists = RETURN_PARTIAL | RETURN_ALL;

	for (size_t i = 0; i < ARRAY_LEN(options); i++) {
		if (!imap_accept_word(a, options[i].name))
			continue;
		if (options[i].item == RETURN_ALL && (r->items & lists))
			imap_parse_fail(a, ERR_SYNTAX, "one PARTIAL or ALL"); /* RFC 9394 §3.1 */
		r->items |= options[i].item;
		if (options[i].item == RETURN_UPDATE)
			parse_update_items(a, r);
		return;
	}
	if (!imap_accept_word(a, "PARTIAL")) {
		imap_parse_fail(a, ERR_SYNTAX, "a return option");
		return;
	}
	if (r->items & lists)
		imap_parse_fail(a, ERR_SYNTAX, "one PARTIAL or ALL");
	r->items |= RETURN_PARTIAL;
	imap_parse_space(a);
	partial_parse(a, &r->partial);
}

void
search_return_parse(struct imap_args *a, struct search_return *ret)
{
	*ret = (struct search_return){0};
	if (!imap_accept_word(a, "RETURN"))
		return;
	ret->extended = true;
	imap_parse_space(a);
	imap_parse_list(a, true, parse_option, ret);
	imap_parse_space(a);
	if (ret->items == 0)
		ret->items = RETURN_ALL; /* RFC 4731 §3.1 */
}

#include "imapd/sort_parse.h"

static void
add(struct sort_program *p, enum sort_key key, bool reverse)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->criteria[i].key == key)
			return;
	p->criteria[p->n++] = (struct sort_criterion){key, reverse};
}

static void
parse_criterion(struct imap_args *a, void *arg)
{
	static const char *const names[SORT__KEYS] = {
	    [SORT_ARRIVAL] = "ARRIVAL",
	    [SORT_CC] = "CC",
	    [SORT_DATE] = "DATE",
	    [SORT_DISPLAYFROM] = "DISPLAYFROM",
	    [SORT_DISPLAYTO] = "DISPLAYTO",
	    [SORT_FROM] = "FROM",
	    [SORT_RELEVANCY] = "RELEVANCY",
	    [SORT_SIZE] = "SIZE",
	    [SORT_SUBJECT] = "SUBJECT",
	    [SORT_TO] = "TO",
	};
	bool reverse = imap_accept_word(a, "REVERSE");

	if (reverse)
		imap_parse_space(a);
	for (size_t i = 0; i < SORT__KEYS; i++) {
		if (imap_accept_word(a, names[i])) {
			add(arg, (enum sort_key)i, reverse);
			return;
		}
	}
	imap_parse_fail(a, ERR_SYNTAX, "a sort criterion");
}

void
sort_parse(struct imap_args *a, struct sort_program *ret)
{
	*ret = (struct sort_program){.n = 0};
	imap_parse_list(a, false, parse_criterion, ret);
}

bool
sort_has(const struct sort_program *p, enum sort_key key)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->criteria[i].key == key)
			return true;
	return false;
}

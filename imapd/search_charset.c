#include "imapd/search_charset.h"

static bool
is_among(struct str list, struct str name)
{
	struct str one;

	while (list.n > 0 && str_split(&list, ' ', &one))
		if (str_eq_nocase(one, name))
			return true;
	return false;
}

bool
search_charset_is_known(struct str name)
{
	return is_among(STR(SEARCH_CHARSETS), name) || is_among(STR("UTF8 ASCII LATIN1"), name);
}

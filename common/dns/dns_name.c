#include "common/dns/dns.h"

#include <idn2.h>

static bool
is_label(struct str label)
{
	if (label.n == 0 || label.n > 63)
		return false;
	for (size_t i = 0; i < label.n; i++) {
		char c = label.p[i];
		if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-' && c != '_')
			return false;
	}
	return true;
}

bool
dns_is_name(struct str name)
{
	struct str rest = name, label;

	if (name.n == 0 || name.n > DNS_NAME_MAX || name.p[name.n - 1] == '.')
		return false;
	while (str_split(&rest, '.', &label))
		if (!is_label(label))
			return false;
	return true;
}

static enum err
to_ascii(struct str text, struct arena *arena, struct str *ret)
{
	const char *from = arena_cstr(arena, text);
	uint8_t *ascii = NULL;

	if (!from)
		return ERR_NOMEM;
	if (str_has_nul(text))
		return ERR_SYNTAX;
	int code =
	    idn2_lookup_u8((const uint8_t *)from, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (code == IDN2_MALLOC)
		return ERR_NOMEM;
	if (code != IDN2_OK)
		return ERR_SYNTAX;
	*ret = arena_dup(arena, str_of((const char *)ascii));
	idn2_free(ascii);
	return ret->p ? ERR_OK : ERR_NOMEM;
}

enum err
dns_name_from_text(struct str text, struct arena *arena, struct str *ret)
{
	struct str name = text;

	if (name.n > 4 * DNS_NAME_MAX)
		return ERR_SYNTAX;
	if (name.n > 0 && name.p[name.n - 1] == '.')
		name.n--;
	if (!str_is_ascii(name)) {
		enum err e = to_ascii(name, arena, &name);
		if (e)
			return e;
	}
	if (!dns_is_name(name))
		return ERR_SYNTAX;
	char *lower = arena_alloc(arena, name.n + 1);
	if (!lower)
		return ERR_NOMEM;
	for (size_t i = 0; i < name.n; i++)
		lower[i] = ascii_lower(name.p[i]);
	*ret = str_make(lower, name.n);
	return ERR_OK;
}

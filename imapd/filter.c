#include "imapd/filter.h"

#include "imapd/metadata.h"

/* filter-name: 1*<any ATOM-CHAR except "/"> */
static bool
is_filter_name(struct str name)
{
	bool good = name.n > 0;

	for (size_t i = 0; i < name.n && good; i++)
		good = imap_is_atom_char((unsigned char)name.p[i]) && name.p[i] != '/';
	return good;
}

static enum err
find(struct imap_session *s, bool shared, struct str name, struct arena *arena, struct str *ret)
{
	struct annotation_home home = imap_annotation_home(s, NULL, shared);
	struct annotation *list;
	size_t n;
	struct str entry = arena_printf(
	    arena, "/%s/filters/values/%.*s", shared ? "shared" : "private", STR_ARG(name));

	if (!entry.p)
		return ERR_NOMEM;
	for (size_t i = 0; i < entry.n; i++) /* names of entries are in lower case */
		((char *)entry.p)[i] = ascii_lower(entry.p[i]);
	enum err e = annotation_find(&home, entry, 0, ANNOTATION_VALUE_MAX, arena, &list, &n);
	if (e)
		return e;
	if (n == 0 || !list[0].value.p)
		return ERR_NOT_FOUND;
	*ret = list[0].value;
	return ERR_OK;
}

enum err
imap_find_filter(void *session, struct str name, struct arena *arena, struct str *ret)
{
	if (!is_filter_name(name) || name.n > ANNOTATION_NAME_MAX)
		return ERR_NOT_FOUND;
	enum err e = find(session, false, name, arena, ret);
	return e == ERR_NOT_FOUND ? find(session, true, name, arena, ret) : e;
}

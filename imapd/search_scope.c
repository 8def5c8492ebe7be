#include "imapd/search_scope.h"

#include "imapd/metadata.h"

static enum err
find_value(
    struct imap_session *s, bool shared, struct str name, struct arena *arena, struct str *ret)
{
	struct annotation_home home = imap_annotation_home(s, NULL, shared);
	struct annotation *list;
	size_t n;
	struct str entry = arena_printf(
	    arena, "/%s/filters/values/%.*s", shared ? "shared" : "private", STR_ARG(name));

	if (!entry.p)
		return ERR_NOMEM;
	enum err e = annotation_find(&home, entry, 0, UINT64_MAX, arena, &list, &n);
	if (!e && (n == 0 || !list[0].value.p))
		return ERR_NOT_FOUND;
	if (!e)
		*ret = list[0].value;
	return e;
}

/* RFC 5466 §3.2: one's own comes before the one that all share. */
static enum err
find_filter(void *arg, struct str name, struct arena *arena, struct str *ret)
{
	struct str lower = arena_dup(arena, name); /* as entries' names are */
	char *p = (char *)lower.p;

	if (!p)
		return ERR_NOMEM;
	for (size_t i = 0; i < lower.n; i++)
		p[i] = (char)(ascii_is_alpha(p[i]) ? p[i] | 0x20 : p[i]);
	enum err e = find_value(arg, false, lower, arena, ret);
	return e ? find_value(arg, true, lower, arena, ret) : ERR_OK;
}

struct search_scope
imap_search_scope(struct imap_session *s, const struct view *view, bool scored)
{
	return (struct search_scope){
	    .view = view,
	    .uid_only = s->enabled & EN_UIDONLY,
	    .utf8 = s->enabled & EN_UTF8,
	    .scored = scored,
	    .filter = find_filter,
	    .arg = s,
	};
}

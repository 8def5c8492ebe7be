/* Names of mailboxes. */
#include "store/mailbox.h"

#include <stdlib.h>
#include <utf8proc.h>

/* C0, DEL and C1 (U+0080 to U+009F), which no client shows and many choke on. */
static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];
		if (c < 0x20 || c == 0x7f)
			return true;
		if (c == 0xc2 && i + 1 < s.n && (unsigned char)s.p[i + 1] < 0xa0)
			return true;
	}
	return false;
}

enum err
mailbox_normalise_name(struct str name, struct arena *arena, struct str *ret)
{
	utf8proc_uint8_t *form = NULL;

	*ret = name;
	if (str_is_ascii(name))
		return ERR_OK;
	utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)name.p,
	    (utf8proc_ssize_t)name.n, &form, UTF8PROC_STABLE | UTF8PROC_COMPOSE);
	if (n < 0)
		return n == UTF8PROC_ERROR_NOMEM ? ERR_NOMEM : ERR_SYNTAX;
	struct str normal = str_make((char *)form, (size_t)n);
	if (!str_eq(normal, name)) {
		normal = arena_dup(arena, normal);
		*ret = normal;
	}
	free(form);
	return ret->p ? ERR_OK : ERR_NOMEM;
}

enum err
mailbox_check_name(struct str name, struct arena *arena, struct str *ret)
{
	struct str rest, part;
	unsigned depth = 0;

	if (name.n > 2 * MAILBOX_NAME_MAX || !str_is_utf8(name))
		return ERR_SYNTAX;
	enum err e = mailbox_normalise_name(name, arena, &name);
	if (e)
		return e;
	if (name.n > 1 && name.p[name.n - 1] == '/')
		name.n--;
	if (name.n == 0 || name.n > MAILBOX_NAME_MAX || name.p[name.n - 1] == '/' ||
	    has_control(name))
		return ERR_SYNTAX;
	rest = name;
	while (str_split(&rest, '/', &part)) {
		if (part.n == 0 || part.n > 255 || ++depth > MAILBOX_DEPTH_MAX)
			return ERR_SYNTAX;
	}
	struct str copy = arena_dup(arena, name);
	if (!copy.p)
		return ERR_NOMEM;
	/* As a first component too, so that what is below INBOX is below it in any spelling. */
	if (str_starts_nocase(copy, STR("INBOX")) && (copy.n == 5 || copy.p[5] == '/'))
		memcpy((char *)copy.p, "INBOX", 5);
	*ret = copy;
	return ERR_OK;
}

/* Addresses in the form in which the directory stores and compares them. */
#include "store/directory_private.h"

#include <idn2.h>
#include <utf8proc.h>

static struct str
lower_dup(struct str s, struct arena *arena)
{
	char *copy = arena_alloc(arena, s.n + 1);

	if (!copy)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < s.n; i++)
		copy[i] = ascii_lower(s.p[i]);
	return str_make(copy, s.n);
}

static utf8proc_int32_t
lower_point(utf8proc_int32_t point, void *arg)
{
	(void)arg;
	return utf8proc_tolower(point);
}

enum err
directory_fold_local(struct str local, struct arena *arena, struct str *ret)
{
	utf8proc_uint8_t *folded = NULL;

	*ret = lower_dup(local, arena);
	if (!ret->p)
		return ERR_NOMEM;
	if (str_is_ascii(local))
		return ERR_OK;
	utf8proc_ssize_t n =
	    utf8proc_map_custom((const utf8proc_uint8_t *)local.p, (utf8proc_ssize_t)local.n,
		&folded, UTF8PROC_STABLE | UTF8PROC_COMPOSE, lower_point, NULL);
	if (n < 0)
		return n == UTF8PROC_ERROR_NOMEM ? ERR_NOMEM : ERR_SYNTAX;
	*ret = arena_dup(arena, str_make(folded, (size_t)n));
	free(folded);
	return ret->p ? ERR_OK : ERR_NOMEM;
}

/* RFC 5321 §4.1.2 Domain: labels of 1 to 63 letters, digits and inner hyphens. */
static bool
is_host_name(struct str s)
{
	struct str label;

	if (s.n == 0 || s.n > DOMAIN_MAX || s.p[s.n - 1] == '.')
		return false;
	while (str_split(&s, '.', &label)) {
		if (label.n == 0 || label.n > 63 || label.p[0] == '-' ||
		    label.p[label.n - 1] == '-')
			return false;
		for (size_t i = 0; i < label.n; i++) {
			char c = label.p[i];
			if (!ascii_is_alpha(c) && !ascii_is_digit(c) && c != '-')
				return false;
		}
	}
	return true;
}

static enum err
to_ascii(struct str domain, struct arena *arena, struct str *ret)
{
	char *name = arena_cstr(arena, domain), *ascii = NULL;

	if (!name)
		return ERR_NOMEM;
	int code = idn2_lookup_u8(
	    (const uint8_t *)name, (uint8_t **)&ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	if (code != IDN2_OK)
		return code == IDN2_MALLOC ? ERR_NOMEM : ERR_SYNTAX;
	*ret = lower_dup(str_of(ascii), arena);
	idn2_free(ascii);
	return ret->p ? ERR_OK : ERR_NOMEM;
}

enum err
directory_parse_domain(struct str domain, struct arena *arena, struct str *ret)
{
	struct str name;

	/* A name in UTF-8 may be longer than its ASCII form, but not by much. */
	if (str_has_nul(domain) || domain.n > 4 * DOMAIN_MAX || !str_is_utf8(domain))
		return ERR_SYNTAX;
	if (str_is_ascii(domain)) {
		name = lower_dup(domain, arena);
		if (!name.p)
			return ERR_NOMEM;
	} else {
		enum err e = to_ascii(domain, arena, &name);
		if (e)
			return e;
	}
	if (!is_host_name(name))
		return ERR_SYNTAX;
	*ret = name;
	return ERR_OK;
}

/* "a\"b" of a quoted string (RFC 5321 §4.1.2) as a"b: both spellings are one mailbox. */
static enum err
unquote(struct str s, struct arena *arena, struct str *ret)
{
	char *out = arena_alloc(arena, s.n + 1);
	size_t n = 0;

	if (!out)
		return ERR_NOMEM;
	for (size_t i = 1; i + 1 < s.n; i++) {
		if (s.p[i] == '"')
			return ERR_SYNTAX;
		if (s.p[i] == '\\' && ++i + 1 >= s.n)
			return ERR_SYNTAX;
		out[n++] = s.p[i];
	}
	*ret = str_make(out, n);
	return ERR_OK;
}

static bool
has_control(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if ((unsigned char)s.p[i] < 0x20 || s.p[i] == 0x7f)
			return true;
	}
	return false;
}

enum err
directory_parse_address(struct str address, struct arena *arena, struct directory_address *ret)
{
	size_t at = str_rfind(address, '@');

	if (at == STR_NONE || at == 0)
		return ERR_SYNTAX;
	struct str local = str_sub(address, 0, at);
	enum err e = ERR_OK;
	if (local.n >= 2 && local.p[0] == '"' && local.p[local.n - 1] == '"')
		e = unquote(local, arena, &local);
	if (e)
		return e;
	if (local.n == 0 || has_control(local) || !str_is_utf8(local))
		return ERR_SYNTAX;
	e = directory_fold_local(local, arena, &ret->local);
	if (e)
		return e;
	return directory_parse_domain(str_skip(address, at + 1), arena, &ret->domain);
}

bool
directory_split_detail(
    const struct store *s, struct str local, struct str *ret_base, struct str *ret_detail)
{
	size_t n = strlen(s->delimiter);
	const char *at = n ? memmem(local.p, local.n, s->delimiter, n) : NULL;

	if (!at || at == local.p)
		return false;
	*ret_base = str_make(local.p, (size_t)(at - local.p));
	*ret_detail = str_skip(local, ret_base->n + n);
	return true;
}

bool
directory_is_new_local(const struct store *s, struct str local)
{
	if (s->delimiter[0] && memmem(local.p, local.n, s->delimiter, strlen(s->delimiter)))
		return false;
	return directory_is_dot_string(local);
}

bool
directory_is_dot_string(struct str local)
{
	struct str rest = local, atom;

	if (local.n == 0 || local.n > LOCAL_PART_MAX || local.p[local.n - 1] == '.')
		return false;
	while (str_split(&rest, '.', &atom)) {
		if (atom.n == 0)
			return false;
		for (size_t i = 0; i < atom.n; i++) {
			char c = atom.p[i];
			if (!ascii_is_alpha(c) && !ascii_is_digit(c) &&
			    !((unsigned char)c & 0x80) && !memchr("!#$%&'*+-/=?^_`{|}~", c, 19))
				return false;
		}
	}
	return true;
}

enum err
directory_domain_id(struct db *db, struct str domain, int64_t *ret)
{
	return db_get_int(db, "SELECT id FROM domain WHERE name = ?1", ret, DB_TEXT(domain));
}

enum err
directory_account_id(struct db *db, const struct directory_address *a, int64_t *ret)
{
	return db_get_int(db,
	    "SELECT a.id FROM account a JOIN domain d ON d.id = a.domain"
	    " WHERE d.name = ?1 AND a.local = ?2",
	    ret, DB_TEXT(a->domain), DB_TEXT(a->local));
}

enum err
directory_alias_id(struct db *db, const struct directory_address *a, int64_t *ret)
{
	return db_get_int(db,
	    "SELECT a.id FROM alias a JOIN domain d ON d.id = a.domain"
	    " WHERE d.name = ?1 AND a.local = ?2",
	    ret, DB_TEXT(a->domain), DB_TEXT(a->local));
}

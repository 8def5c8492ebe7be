#include "smtpd/outbound/sts_policy.h"

/* -- the record ------------------------------------------------------------------------------- */

static bool
is_id(struct str s)
{
	if (s.n == 0 || s.n > STS_ID_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!ascii_is_alpha(s.p[i]) && !ascii_is_digit(s.p[i]))
			return false;
	return true;
}

/* "v=STSv1; id=20160831085700Z;" (RFC 8461 §3.1): its first id. */
static struct str
take_id(struct str text)
{
	struct str part, none = {NULL, 0};

	while (str_split(&text, ';', &part)) {
		part = str_trim(part);
		if (!str_starts(part, STR("id=")))
			continue;
		part = str_skip(part, 3);
		return is_id(part) ? part : none;
	}
	return none;
}

static bool
is_sts_record(struct str text)
{
	struct str version = STR("v=STSv1");

	/* blanks may stand before the semicolon (the grammar of §3.1) */
	return str_starts(text, version) && str_trim(str_skip(text, version.n)).n > 0 &&
	       str_trim(str_skip(text, version.n)).p[0] == ';';
}

struct str
sts_record_id(const struct dns_answer *a)
{
	struct str found = {NULL, 0};
	size_t n = 0;

	for (size_t i = 0; i < a->count; i++) {
		if (!is_sts_record(a->records[i].data))
			continue;
		if (n++ > 0)
			return (struct str){NULL, 0};
		found = take_id(a->records[i].data);
	}
	return found;
}

/* -- the policy ------------------------------------------------------------------------------- */

/* What has been seen of a policy. */
struct seen {
	bool version, mode, max_age;
	size_t cap; /* of the array of mx */
};

static bool
take_mode(struct str value, enum sts_mode *ret)
{
	static const char *const words[] = {"none", "testing", "enforce"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq(value, str_of(words[i]))) {
			*ret = (enum sts_mode)i;
			return true;
		}
	}
	return false;
}

static bool
is_pattern(struct str s)
{
	if (str_starts(s, STR("*.")))
		s = str_skip(s, 2);
	return dns_is_name(s);
}

static enum err
take_mx(struct str value, struct arena *arena, struct seen *seen, struct sts_policy *p)
{
	if (!is_pattern(value) || p->mx_count >= STS_MX_MAX)
		return ERR_SYNTAX;
	struct str *grown = arena_grow(arena, p->mx, &seen->cap, p->mx_count + 1, sizeof(*p->mx));
	if (!grown)
		return ERR_NOMEM;
	p->mx = grown;
	p->mx[p->mx_count++] = value;
	return ERR_OK;
}

/* One "key: value" (RFC 8461 §3.2). Of keys given twice the first counts, but for mx; unknown ones
 * are passed over. */
static enum err
take_line(struct str line, struct arena *arena, struct seen *seen, struct sts_policy *p)
{
	size_t colon = str_find(line, ':');

	if (colon == STR_NONE)
		return ERR_SYNTAX;
	struct str key = str_trim(str_sub(line, 0, colon));
	struct str value = str_trim(str_skip(line, colon + 1));
	if (str_eq(key, STR("version")) && !seen->version) {
		seen->version = true;
		return str_eq(value, STR("STSv1")) ? ERR_OK : ERR_SYNTAX;
	}
	if (str_eq(key, STR("mode")) && !seen->mode) {
		seen->mode = true;
		return take_mode(value, &p->mode) ? ERR_OK : ERR_SYNTAX;
	}
	if (str_eq(key, STR("max_age")) && !seen->max_age) {
		seen->max_age = true;
		if (value.n > 10 || !str_to_u32(value, &p->max_age_s))
			return ERR_SYNTAX;
		if (p->max_age_s > STS_AGE_MAX_S)
			p->max_age_s = STS_AGE_MAX_S;
		return ERR_OK;
	}
	return str_eq(key, STR("mx")) ? take_mx(value, arena, seen, p) : ERR_OK;
}

enum err
sts_policy_parse(struct str text, struct arena *arena, struct sts_policy *ret)
{
	struct sts_policy p = {.text = arena_dup(arena, text)};
	struct str rest = p.text, line;
	struct seen seen = {0};

	if (!p.text.p)
		return ERR_NOMEM;
	if (text.n > STS_POLICY_MAX || str_has_nul(text))
		return ERR_SYNTAX;
	while (str_split(&rest, '\n', &line)) {
		line = str_trim(line); /* CRLF or LF ends it */
		if (line.n == 0)
			continue;
		enum err e = take_line(line, arena, &seen, &p);
		if (e)
			return e;
	}
	/* "mx" may be absent in mode none only */
	if (!seen.version || !seen.mode || !seen.max_age || (p.mx_count == 0 && p.mode != STS_NONE))
		return ERR_SYNTAX;
	*ret = p;
	return ERR_OK;
}

/* A wildcard stands for one whole label, the leftmost (RFC 8461 §4.1, RFC 6125 §6.4.3). */
static bool
matches(struct str pattern, struct str host)
{
	if (!str_starts(pattern, STR("*.")))
		return str_eq_nocase(pattern, host);
	size_t dot = str_find(host, '.');
	return dot != STR_NONE && dot > 0 &&
	       str_eq_nocase(str_skip(pattern, 1), str_skip(host, dot));
}

bool
sts_policy_names(const struct sts_policy *p, struct str host)
{
	for (size_t i = 0; i < p->mx_count; i++)
		if (matches(p->mx[i], host))
			return true;
	return false;
}

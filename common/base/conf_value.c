#include "common/base/conf_options.h"

/* One value of the configuration file: from text to the member it fills, and in words. */

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit size_units[] = {
    {"", 1},
    {"K", 1ULL << 10},
    {"M", 1ULL << 20},
    {"G", 1ULL << 30},
    {"T", 1ULL << 40},
    {NULL, 0},
};
static const struct unit second_units[] = {
    {"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}, {NULL, 0}};
static const struct unit millisecond_units[] = {
    {"", 1000}, {"ms", 1}, {"s", 1000}, {"m", 60000}, {NULL, 0}};

/* Digits and one of the units. */
static bool
parse_quantity(struct str text, const struct unit *units, uint64_t *ret)
{
	size_t digits = 0;
	uint64_t n;

	while (digits < text.n && ascii_is_digit(text.p[digits]))
		digits++;
	if (!str_to_u64(str_sub(text, 0, digits), &n))
		return false;
	struct str unit = str_trim(str_skip(text, digits));
	for (; units->name; units++) {
		if (str_eq_nocase(unit, str_of(units->name))) {
			if (n > UINT64_MAX / units->factor)
				return false;
			*ret = n * units->factor;
			return true;
		}
	}
	return false;
}

bool
conf_parse_size(struct str text, uint64_t *ret)
{
	text = str_trim(text);
	if (str_ends_nocase(text, STR("iB")))
		text.n -= 2;
	else if (str_ends_nocase(text, STR("B")))
		text.n -= 1;
	return parse_quantity(text, size_units, ret);
}

static bool
parse_bool(struct str text, bool *ret)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"yes", true}, {"true", true}, {"on", true}, {"no", false}, {"false", false},
	    {"off", false}};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		if (str_eq_nocase(text, str_of(words[i].word))) {
			*ret = words[i].value;
			return true;
		}
	}
	return false;
}

static bool
parse_number(const struct conf_option *o, struct str text, uint64_t *ret)
{
	bool ok = false;

	switch (o->type) {
	case CONF_NUMBER:
		ok = str_to_u64(text, ret);
		break;
	case CONF_SIZE:
		ok = conf_parse_size(text, ret);
		break;
	case CONF_SECONDS:
		ok = parse_quantity(text, second_units, ret);
		break;
	case CONF_MILLISECONDS:
		ok = parse_quantity(text, millisecond_units, ret);
		break;
	default:
		break;
	}
	return ok && *ret >= o->min && *ret <= o->max;
}

/* The value as it will be kept; NULL when it is not right. */
static const char *
keep_string(const struct conf_option *o, struct str text, struct arena *arena, const char *dir)
{
	struct str kept = {NULL, 0};

	if (str_has_nul(text) || str_find(text, '\n') != STR_NONE)
		return NULL;
	if (o->choices) {
		struct str rest = str_of(o->choices);
		struct str word;
		bool found = false;
		while (!found && str_split(&rest, ' ', &word))
			found = str_eq(word, text);
		if (!found)
			return NULL;
	}
	if (o->type == CONF_PATH && text.n > 0 && text.p[0] != '/') {
		/* "DIR/." would be right too, but looks odd in messages */
		if (str_eq(text, STR(".")))
			kept = arena_dup(arena, str_of(dir));
		else
			kept = arena_printf(arena, "%s/%.*s", dir, STR_ARG(text));
	} else {
		kept = arena_dup(arena, text);
	}
	if (!kept.p || (o->check && o->check(kept)))
		return NULL;
	return kept.p;
}

bool
conf_set_list(const struct conf_option *o, void *base, const struct str *members, size_t n,
    struct arena *arena)
{
	if (n < o->min || n > o->max)
		return false;
	const char **list = arena_alloc_array(arena, n + 1, sizeof(*list));
	if (!list)
		return false;
	for (size_t i = 0; i < n; i++) {
		list[i] = members[i].n ? keep_string(o, members[i], arena, "") : NULL;
		if (!list[i])
			return false;
	}
	*(const char *const **)((char *)base + o->offset) = list;
	return true;
}

static bool
set_list_text(const struct conf_option *o, void *base, struct str text, struct arena *arena)
{
	struct str members[64];
	size_t n = 0;
	struct str word;

	while (str_split(&text, ' ', &word)) {
		if (word.n == 0)
			continue;
		if (n == ARRAY_LEN(members))
			return false;
		members[n++] = word;
	}
	return conf_set_list(o, base, members, n, arena);
}

bool
conf_set_option(
    const struct conf_option *o, void *base, struct str text, struct arena *arena, const char *dir)
{
	void *member = (char *)base + o->offset;
	uint64_t number;

	switch (o->type) {
	case CONF_STRING:
	case CONF_PATH: {
		const char *kept = keep_string(o, text, arena, dir);
		if (!kept)
			return false;
		*(const char **)member = kept;
		return true;
	}
	case CONF_LIST:
		return set_list_text(o, base, text, arena);
	case CONF_BOOL:
		return parse_bool(text, member);
	case CONF_SIZE:
		return parse_number(o, text, member);
	case CONF_NUMBER:
	case CONF_SECONDS:
	case CONF_MILLISECONDS:
		if (!parse_number(o, text, &number))
			return false;
		*(uint32_t *)member = (uint32_t)number;
		return true;
	}
	return false;
}

/* A limit in its largest unit that leaves no rest: 52428800 is "50M". */
static void
put_quantity(struct sbuf *out, uint64_t n, const struct unit *units)
{
	const struct unit *best = units;

	for (const struct unit *u = units; u->name; u++)
		if (n > 0 && n % u->factor == 0 && (u->factor > best->factor || best == units))
			best = u;
	sbuf_printf(out, "%llu%s", (unsigned long long)(n / best->factor), best->name);
}

static void
put_range(const struct conf_option *o, struct sbuf *out)
{
	static const struct unit plain[] = {{"", 1}, {NULL, 0}};
	const struct unit *units = o->type == CONF_SIZE           ? size_units
				   : o->type == CONF_SECONDS      ? second_units + 1
				   : o->type == CONF_MILLISECONDS ? millisecond_units + 1
								  : plain;

	if (o->max == UINT64_MAX >> 1) {
		sbuf_puts(out, ", or 0");
		return;
	}
	sbuf_puts(out, " from ");
	put_quantity(out, o->min, units);
	sbuf_puts(out, " to ");
	put_quantity(out, o->max, units);
}

void
conf_describe(const struct conf_option *o, struct sbuf *out)
{
	static const char *const words[] = {
	    [CONF_STRING] = "a text",
	    [CONF_PATH] = "a path",
	    [CONF_LIST] = "a list such as { \"one\", \"two\" }",
	    [CONF_BOOL] = "yes or no",
	    [CONF_NUMBER] = "a whole number",
	    [CONF_SIZE] = "a size such as 512K, 50M or 2G",
	    [CONF_SECONDS] = "a time such as 30s, 5m or 1h",
	    [CONF_MILLISECONDS] = "a time such as 500ms or 2s",
	};
	const char *right = o->check ? o->check(STR("\001")) : NULL;

	if (o->choices) {
		struct str rest = str_of(o->choices);
		struct str word;
		sbuf_puts(out, "one of");
		while (str_split(&rest, ' ', &word))
			sbuf_printf(out, " \"%.*s\"", STR_ARG(word));
	} else {
		sbuf_puts(out, right ? right : words[o->type]);
	}
	if (o->type >= CONF_NUMBER)
		put_range(o, out);
}

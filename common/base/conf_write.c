#include "common/base/conf_options.h"

/* The commented configuration file. Options that nobody set stand there as comments with their
 * defaults, so that the file says what could be changed and yet follows new defaults. */

#define COMMENT_WIDTH 90

static const char *
find_set(const char *const *set, const struct conf_option *o)
{
	for (; set && set[0]; set += 2) {
		struct str key = str_of(set[0]);
		if (o->section[0]) {
			struct str section = str_of(o->section);
			if (!str_starts(key, section) || key.n <= section.n ||
			    key.p[section.n] != '.')
				continue;
			key = str_skip(key, section.n + 1);
		}
		if (str_eq(key, str_of(o->name)))
			return set[1];
	}
	return NULL;
}

static void
put_comment(struct sbuf *out, const char *indent, struct str text)
{
	size_t column = 0;
	struct str word;

	while (str_split(&text, ' ', &word)) {
		if (word.n == 0)
			continue;
		if (column > 0 && column + 1 + word.n > COMMENT_WIDTH) {
			sbuf_putc(out, '\n');
			column = 0;
		}
		if (column == 0) {
			sbuf_printf(out, "%s#", indent);
			column = strlen(indent) + 1;
		}
		sbuf_putc(out, ' ');
		sbuf_put(out, word);
		column += 1 + word.n;
	}
	sbuf_putc(out, '\n');
}

static void
put_quoted(struct sbuf *out, struct str value)
{
	sbuf_putc(out, '"');
	for (size_t i = 0; i < value.n; i++) {
		/* libconfuse reads \x and ${NAME} inside of quotes */
		if (value.p[i] == '"' || value.p[i] == '\\' || value.p[i] == '$')
			sbuf_putc(out, '\\');
		sbuf_putc(out, value.p[i]);
	}
	sbuf_putc(out, '"');
}

static void
put_value(struct sbuf *out, const struct conf_option *o, struct str value)
{
	struct str member;
	const char *between = " ";

	switch (o->type) {
	case CONF_STRING:
	case CONF_PATH:
		put_quoted(out, value);
		break;
	case CONF_LIST:
		sbuf_putc(out, '{');
		while (str_split(&value, ' ', &member)) {
			if (member.n == 0)
				continue;
			sbuf_puts(out, between);
			put_quoted(out, member);
			between = ", ";
		}
		sbuf_puts(out, " }");
		break;
	default:
		sbuf_put(out, value);
		break;
	}
}

static void
put_option(
    struct sbuf *out, const struct conf_option *o, const char *indent, const char *const *set)
{
	CLEANUP(sbuf_done) struct sbuf comment = SBUF_INIT(4096);
	const char *value = find_set(set, o);

	sbuf_puts(&comment, o->meaning);
	if (o->type >= CONF_NUMBER || o->choices) {
		sbuf_puts(&comment, " Takes ");
		conf_describe(o, &comment);
		sbuf_putc(&comment, '.');
	}
	put_comment(out, indent, sbuf_view(&comment));
	sbuf_printf(out, "%s%s%s = ", indent, value ? "" : "#", o->name);
	put_value(out, o, str_of(value ? value : o->fallback));
	sbuf_puts(out, "\n");
}

static bool
has_any(const char *const *set, const char *section)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);

	for (size_t i = 0; i < n; i++)
		if (strcmp(o[i].section, section) == 0 && find_set(set, &o[i]))
			return true;
	return false;
}

static void
put_section(struct sbuf *out, const struct conf_section *s, const char *const *set)
{
	size_t n;
	const struct conf_option *o = conf_options(&n);
	/* a block without its certificate or host would be a mistake: a comment as a whole */
	bool commented = s->title && !has_any(set, s->name);
	const char *hash = commented ? "#" : "";
	const char *indent = commented ? "#\t" : s->name[0] ? "\t" : "";

	sbuf_putc(out, '\n');
	put_comment(out, "", str_of(s->meaning));
	if (s->name[0])
		sbuf_printf(out, "%s%s%s%s%s {\n", hash, s->name, s->title ? " \"" : "",
		    s->title ? s->title : "", s->title ? "\"" : "");
	bool first = true;
	for (size_t i = 0; i < n; i++) {
		if (strcmp(o[i].section, s->name) != 0)
			continue;
		if (!first)
			sbuf_printf(out, "%s\n", hash);
		first = false;
		put_option(out, &o[i], indent, set);
	}
	if (s->name[0])
		sbuf_printf(out, "%s}\n", hash);
}

void
conf_write_default(struct sbuf *out, const char *const *set)
{
	size_t n;
	const struct conf_section *s = conf_sections(&n);

	sbuf_puts(out, "# Pillarbox. pillarbox.conf(5) explains this file; `pillarbox check` "
		       "reads it and says what is wrong.\n"
		       "# What stands behind a # is the default.\n");
	for (size_t i = 0; i < n; i++)
		put_section(out, &s[i], set);
}

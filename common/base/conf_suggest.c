#include "common/base/conf_options.h"

static size_t
edit_distance(struct str a, struct str b)
{
	size_t row[64];

	if (a.n >= ARRAY_LEN(row) || b.n >= ARRAY_LEN(row))
		return SIZE_MAX;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			size_t best = diagonal + (a.p[i - 1] != b.p[j - 1]);
			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[b.n];
}

void
conf_suggest(struct sbuf *out, const char *section, const char *name)
{
	size_t n, section_count;
	const struct conf_option *o = conf_options(&n);
	const struct conf_section *s = conf_sections(&section_count);
	const struct conf_option *elsewhere = NULL, *near = NULL;
	size_t best = strlen(name) / 2 + 1;

	for (size_t i = 0; i < section_count; i++) {
		if (strcmp(s[i].name, name) == 0 && section[0]) {
			sbuf_printf(
			    out, "; %s is a section of its own: is a } missing before it?", name);
			return;
		}
	}
	for (size_t i = 0; i < n; i++) {
		size_t d = edit_distance(str_of(o[i].name), str_of(name));
		if (d == 0)
			elsewhere = &o[i];
		if (strcmp(o[i].section, section) == 0 && d < 4 && d < best) {
			best = d;
			near = &o[i];
		}
	}
	if (elsewhere && elsewhere->section[0])
		sbuf_printf(out, "; it belongs into %s { }", elsewhere->section);
	else if (elsewhere)
		sbuf_puts(out, "; it belongs at the top, outside of any { }");
	else if (near)
		sbuf_printf(out, "; did you mean \"%s\"?", near->name);
	else
		sbuf_puts(out, "; pillarbox.conf(5) has the list");
}

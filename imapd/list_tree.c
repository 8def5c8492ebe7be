#include "imapd/list_tree.h"

struct builder {
	struct list_tree *tree;
	size_t cap;
	const struct list_pattern *patterns;
	size_t pattern_count;
	struct arena *arena;
	size_t stack[MAILBOX_DEPTH_MAX + 1]; /* indexes of the node above, and so on upwards */
	size_t depth;
};

static bool
is_inbox_tree(struct str name)
{
	return str_eq(name, STR("INBOX")) || str_starts(name, STR("INBOX/"));
}

/* The separator sorts before all else, so that what is below a name follows it at once. */
static int
compare_names(const void *a, const void *b)
{
	struct str x = ((const struct list_row *)a)->name;
	struct str y = ((const struct list_row *)b)->name;

	if (is_inbox_tree(x) != is_inbox_tree(y))
		return is_inbox_tree(x) ? -1 : 1;
	size_t n = x.n < y.n ? x.n : y.n;
	for (size_t i = 0; i < n; i++) {
		if (x.p[i] == y.p[i])
			continue;
		unsigned char p = x.p[i] == '/' ? 0 : (unsigned char)x.p[i];
		unsigned char q = y.p[i] == '/' ? 0 : (unsigned char)y.p[i];
		return p < q ? -1 : 1;
	}
	return x.n < y.n ? -1 : x.n > y.n;
}

static bool
is_below(struct str name, struct str above)
{
	return name.n > above.n && name.p[above.n] == '/' && str_starts(name, above);
}

static enum err
push(struct builder *b, struct str name, const struct list_row *row)
{
	struct list_tree *t = b->tree;
	struct list_node *grown =
	    arena_grow(b->arena, t->nodes, &b->cap, t->n + 1, sizeof(*t->nodes));

	if (!grown)
		return ERR_NOMEM;
	t->nodes = grown;
	struct list_node *node = &t->nodes[t->n];
	*node = (struct list_node){.name = name, .row = row};
	for (size_t i = 0; i < b->pattern_count && !node->matches; i++)
		node->matches = list_pattern_matches(&b->patterns[i], name);
	if (b->depth < ARRAY_LEN(b->stack))
		b->stack[b->depth++] = t->n;
	t->n++;
	return ERR_OK;
}

/* The names above `name` that are not there yet. */
static enum err
push_above(struct builder *b, struct str name)
{
	struct list_tree *t = b->tree;

	while (b->depth > 0 && !is_below(name, t->nodes[b->stack[b->depth - 1]].name))
		b->depth--;
	size_t from = b->depth > 0 ? t->nodes[b->stack[b->depth - 1]].name.n + 1 : 0;
	for (size_t i = from; i < name.n; i++) {
		enum err e = name.p[i] == '/' ? push(b, str_sub(name, 0, i), NULL) : ERR_OK;
		if (e)
			return e;
	}
	return ERR_OK;
}

enum err
list_tree_build(struct list_tree *t, const struct list_rows *rows,
    const struct list_pattern *patterns, size_t pattern_count,
    bool (*is_chosen)(const struct list_row *row, void *arg), void *arg, struct arena *arena)
{
	struct builder b = {
	    .tree = t, .patterns = patterns, .pattern_count = pattern_count, .arena = arena};

	*t = (struct list_tree){0};
	qsort(rows->row, rows->n, sizeof(*rows->row), compare_names);
	for (size_t i = 0; i < rows->n; i++) {
		const struct list_row *row = &rows->row[i];
		enum err e = push_above(&b, row->name);
		if (!e)
			e = push(&b, row->name, row);
		if (e)
			return e;
		struct list_node *node = &t->nodes[t->n - 1];
		node->chosen = is_chosen(row, arg);
		for (size_t k = 0; node->chosen && k + 1 < b.depth; k++) {
			t->nodes[b.stack[k]].over_chosen = true;
			t->nodes[b.stack[k]].above_chosen |= !node->matches;
		}
	}
	return ERR_OK;
}

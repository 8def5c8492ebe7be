#include "common/mail/mime_tree.h"

#define ARENA_LIMIT ((size_t)1 << 30) /* never reached: all of it comes from 1 MiB of header */

/* Appends a node below `parent`; NULL without memory. */
static struct mime_node *
add_node(struct mime_tree *t, int32_t parent, uint64_t header_at)
{
	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 4;
		struct mime_node *nodes = reallocarray(t->nodes, cap, sizeof(*nodes));
		if (!nodes) {
			t->failed = true;
			return NULL;
		}
		t->nodes = nodes;
		t->cap = cap;
	}
	int32_t index = (int32_t)t->n++;
	struct mime_node *node = &t->nodes[index];
	*node = (struct mime_node){
	    .part = {.parent = parent, .number = 1, .is_text = true, .header_at = header_at},
	    .counts_lines = true,
	    .first_child = -1,
	    .last_child = -1,
	    .next = -1,
	};
	if (parent < 0)
		return node;
	struct mime_node *above = &t->nodes[parent];
	node->depth = above->depth + 1;
	node->part.number = ++above->children;
	if (above->last_child >= 0)
		t->nodes[above->last_child].next = index;
	else
		above->first_child = index;
	above->last_child = index;
	return node;
}

void
mime_tree_add_child(struct mime_tree *t, int32_t parent, uint64_t header_at)
{
	if (!add_node(t, parent, header_at))
		return;
	t->current = (int32_t)t->n - 1;
	t->in_header = true;
}

bool
mime_tree_init(struct mime_tree *t)
{
	t->addresses_left = MIME_MAX_ADDRESSES;
	boundaries_init(&t->boundaries);
	t->arena = arena_new(ARENA_LIMIT);
	if (!t->arena)
		return false;
	mime_tree_add_child(t, -1, 0);
	return !t->failed;
}

void
mime_tree_done(struct mime_tree *t)
{
	arena_free(&t->arena);
	free(t->nodes);
	t->nodes = NULL;
}

bool
mime_tree_failed(const struct mime_tree *t)
{
	return t->failed || arena_failed(t->arena);
}

bool
mime_tree_is_full(const struct mime_tree *t)
{
	return t->n >= MIME_MAX_PARTS || t->failed;
}

static bool
is_type(const struct mime_node *node, struct str type)
{
	return node->fields && str_eq_nocase(node->fields->type, type);
}

bool
mime_is_global(const struct mime_node *node)
{
	return is_type(node, STR("message")) && str_eq_nocase(node->fields->subtype, STR("global"));
}

static bool
is_encoded(const struct mime_node *node)
{
	enum part_encoding encoding = mime_encoding(node->fields->encoding);

	return encoding != PART_7BIT && encoding != PART_8BIT && encoding != PART_BINARY;
}

/* Absent fields have the type that the place implies (RFC 2046 §5.1.5). The content of a
 * message/global may be encoded (RFC 6532 §3.7): then its parts can't be told. */
static bool
is_message_type(const struct mime_tree *t, const struct mime_node *node)
{
	if (mime_is_global(node))
		return !is_encoded(node);
	if (node->fields && node->fields->type.p)
		return is_type(node, STR("message")) &&
		       str_eq_nocase(node->fields->subtype, STR("rfc822"));
	if (node->part.parent < 0)
		return false;
	const struct mime_node *above = &t->nodes[node->part.parent];
	return above->part.kind == PART_MULTIPART &&
	       str_eq_nocase(above->fields->subtype, STR("digest"));
}

/* RFC 2046 §5.1.1: a boundary does not end with blanks. */
static struct str
boundary_of(const struct mime_node *node)
{
	struct str boundary = {NULL, 0};

	if (node->fields)
		boundary = mime_param(node->fields->params, STR("boundary"));
	while (boundary.n && strchr(" \t\r", boundary.p[boundary.n - 1]))
		boundary.n--;
	return boundary;
}

static struct str
charset_of(struct mime_tree *t, const struct mime_node *node)
{
	if (!node->fields || node->is_opaque)
		return (struct str){NULL, 0};
	struct str charset = mime_param(node->fields->params, STR("charset"));
	char *lower = arena_alloc(t->arena, charset.n);
	for (size_t i = 0; lower && i < charset.n; i++)
		lower[i] = ascii_lower(charset.p[i]);
	return str_make(lower, lower ? charset.n : 0);
}

/* Decides what the node is from its fields and from what may still be added below it. */
static void
classify(struct mime_tree *t, struct mime_node *node)
{
	struct part *p = &node->part;
	bool may_nest = node->depth < MIME_MAX_DEPTH && !mime_tree_is_full(t);

	if (is_type(node, STR("multipart"))) {
		if (may_nest && boundary_of(node).n)
			p->kind = PART_MULTIPART;
		else
			node->is_opaque = true;
	} else if (is_message_type(t, node)) {
		if (may_nest)
			p->kind = PART_MESSAGE;
		else
			node->is_opaque = true;
	}
	node->counts_lines =
	    p->kind == PART_LEAF && (node->is_opaque || !node->fields || !node->fields->type.p ||
					is_type(node, STR("text")));
	p->is_text = node->counts_lines || (p->kind == PART_LEAF && is_type(node, STR("message")));
	if (node->fields)
		p->encoding = mime_encoding(node->fields->encoding);
	if (p->is_text)
		p->charset = charset_of(t, node);
}

static void
write_envelope(struct mime_tree *t, struct str block, struct mime_node *node)
{
	CLEANUP(sbuf_done) struct sbuf envelope = SBUF_INIT(ARENA_LIMIT);

	if (envelope_write(block, &t->addresses_left, &envelope))
		t->failed = true;
	node->envelope = arena_dup(t->arena, sbuf_view(&envelope));
}

void
mime_tree_end_header(struct mime_tree *t, struct str block, uint64_t body_at, uint64_t lines)
{
	struct mime_node *node = &t->nodes[t->current];
	struct part *p = &node->part;

	t->in_header = false;
	p->header_size = body_at - p->header_at;
	p->body_at = body_at;
	node->lines = lines;
	if (block.n)
		node->fields = mime_fields_parse(block, t->arena);
	if (p->parent < 0 || t->nodes[p->parent].part.kind == PART_MESSAGE)
		write_envelope(t, block, node);
	classify(t, node);
	if (p->kind == PART_MULTIPART) {
		boundaries_push(&t->boundaries, boundary_of(node), t->current);
		node->has_delimiter = true;
	} else if (p->kind == PART_MESSAGE) {
		mime_tree_add_child(t, t->current, body_at);
	}
}

void
mime_tree_drop_delimiter(struct mime_tree *t, int32_t node)
{
	if (t->nodes[node].has_delimiter) /* then it is the innermost: all below are closed */
		boundaries_pop(&t->boundaries);
	t->nodes[node].has_delimiter = false;
}

static void
close_node(struct mime_tree *t, int32_t index, uint64_t end, uint64_t lines)
{
	struct mime_node *node = &t->nodes[index];
	struct part *p = &node->part;
	bool empty = end <= p->body_at;

	mime_tree_drop_delimiter(t, index);
	p->body_size = empty ? 0 : end - p->body_at;
	node->lines = empty ? 0 : lines - node->lines;
	if (p->kind != PART_MULTIPART || node->children > 0)
		return;
	/* BODYSTRUCTURE has no way to say that a multipart has no parts: what stands there is one
	 * plain text, so that it can at least be read. */
	struct part body = *p;
	uint64_t body_lines = node->lines;
	struct mime_node *text = add_node(t, index, body.body_at);
	if (!text)
		return;
	text->part.body_at = body.body_at;
	text->part.body_size = body.body_size;
	text->lines = body_lines;
}

void
mime_tree_close_children(struct mime_tree *t, int32_t node, uint64_t end, uint64_t lines)
{
	while (t->current != node) {
		close_node(t, t->current, end, lines);
		t->current = t->nodes[t->current].part.parent;
	}
}

void
mime_tree_write_parts(const struct mime_tree *t, struct sbuf *out)
{
	parts_begin(t->n, out);
	for (size_t i = 0; i < t->n; i++)
		parts_put(&t->nodes[i].part, i ? t->nodes[i - 1].part.header_at : 0, out);
}

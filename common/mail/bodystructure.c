#include "common/mail/mime_tree.h"

static const struct mime_fields no_fields;

static void
put_params(struct mime_params params, struct sbuf *out)
{
	if (params.n == 0) {
		sbuf_puts(out, "NIL");
		return;
	}
	for (size_t i = 0; i < params.n; i++) {
		sbuf_putc(out, i ? ' ' : '(');
		wire_put_string(out, params.list[i].name);
		sbuf_putc(out, ' ');
		wire_put_string(out, params.list[i].value);
	}
	sbuf_putc(out, ')');
}

static void
put_languages(const struct mime_fields *f, struct sbuf *out)
{
	if (f->languages_n <= 1) {
		wire_put_nstring(out, f->languages_n ? f->languages[0] : (struct str){NULL, 0});
		return;
	}
	for (size_t i = 0; i < f->languages_n; i++) {
		sbuf_putc(out, i ? ' ' : '(');
		wire_put_string(out, f->languages[i]);
	}
	sbuf_putc(out, ')');
}

/* Disposition, language and location, which end both kinds of extension data. */
static void
put_common_extension(const struct mime_fields *f, struct sbuf *out)
{
	if (f->disposition.p) {
		sbuf_puts(out, " (");
		wire_put_string(out, f->disposition);
		sbuf_putc(out, ' ');
		put_params(f->disposition_params, out);
		sbuf_puts(out, ") ");
	} else {
		sbuf_puts(out, " NIL ");
	}
	put_languages(f, out);
	sbuf_putc(out, ' ');
	wire_put_nstring(out, f->location);
}

/* body-fields */
static void
put_fields(const struct mime_node *node, const struct mime_fields *f, struct sbuf *out)
{
	sbuf_putc(out, ' ');
	wire_put_nstring(out, f->id);
	sbuf_putc(out, ' ');
	wire_put_nstring(out, f->description);
	sbuf_putc(out, ' ');
	wire_put_string(out, f->encoding.p ? f->encoding : STR("7bit"));
	sbuf_putc(out, ' ');
	sbuf_u64(out, node->part.body_size);
}

/* What comes before a part's children, or all of a leaf but its end. */
static void
enter(const struct mime_node *nodes, const struct mime_node *node, struct sbuf *out)
{
	const struct mime_fields *f = node->fields ? node->fields : &no_fields;

	sbuf_putc(out, '(');
	if (node->part.kind == PART_MULTIPART)
		return;
	if (node->part.kind == PART_MESSAGE) {
		sbuf_puts(out,
		    mime_is_global(node) ? "\"message\" \"global\" " : "\"message\" \"rfc822\" ");
		put_params(f->params, out);
	} else if (f->type.p && !node->is_opaque) {
		wire_put_string(out, f->type);
		sbuf_putc(out, ' ');
		wire_put_string(out, f->subtype);
		sbuf_putc(out, ' ');
		put_params(f->params, out);
	} else { /* RFC 2045 §5.2 */
		sbuf_puts(out, "\"text\" \"plain\" (\"charset\" \"us-ascii\")");
	}
	put_fields(node, f, out);
	if (node->part.kind != PART_MESSAGE)
		return;
	sbuf_putc(out, ' ');
	sbuf_put(out, nodes[node->first_child].envelope);
	sbuf_putc(out, ' ');
}

static void
leave(const struct mime_node *node, struct sbuf *out)
{
	const struct mime_fields *f = node->fields ? node->fields : &no_fields;

	sbuf_putc(out, ' ');
	if (node->part.kind == PART_MULTIPART) {
		wire_put_string(out, f->subtype);
		sbuf_putc(out, ' ');
		put_params(f->params, out);
	} else {
		if (node->part.kind == PART_MESSAGE || node->counts_lines) {
			sbuf_u64(out, node->lines);
			sbuf_putc(out, ' ');
		}
		wire_put_nstring(out, f->md5);
	}
	put_common_extension(f, out);
	sbuf_putc(out, ')');
}

void
bodystructure_write(const struct mime_node *nodes, struct sbuf *out)
{
	int32_t at = 0;

	while (at >= 0) { /* down to a leaf, then up to where there is a sibling */
		enter(nodes, &nodes[at], out);
		if (nodes[at].first_child >= 0) {
			at = nodes[at].first_child;
			continue;
		}
		leave(&nodes[at], out);
		while (at >= 0 && nodes[at].next < 0) {
			at = nodes[at].part.parent;
			if (at >= 0)
				leave(&nodes[at], out);
		}
		if (at >= 0)
			at = nodes[at].next;
	}
}

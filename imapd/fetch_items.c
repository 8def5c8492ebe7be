#include "imapd/fetch_items.h"

struct reading {
	struct fetch_items *items;
	bool in_list;
};

static struct fetch_item *
add_item(struct imap_args *a, struct fetch_items *items, enum fetch_kind kind, struct str label)
{
	if (items->n == FETCH_ITEMS_MAX) {
		imap_parse_fail(a, ERR_LIMIT, "fewer data items");
		return NULL;
	}
	struct fetch_item *grown =
	    arena_grow(a->arena, items->item, &items->cap, items->n + 1, sizeof(items->item[0]));
	if (!grown) {
		imap_parse_fail(a, ERR_NOMEM, "memory");
		return NULL;
	}
	items->item = grown;
	items->item[items->n] = (struct fetch_item){.kind = kind, .label = label};
	return &items->item[items->n++];
}

static bool
has_same(const struct fetch_items *items, const struct fetch_item *one)
{
	for (size_t i = 0; i < items->n; i++) {
		const struct fetch_item *other = &items->item[i];
		if (other->kind == one->kind && str_eq(other->label, one->label) &&
		    other->partial.given == one->partial.given &&
		    other->partial.from == one->partial.from &&
		    other->partial.count == one->partial.count)
			return true;
	}
	return false;
}

enum err
fetch_merge_items(struct arena *arena, const struct fetch_items *from, struct fetch_items *items)
{
	struct fetch_items merged = {.sets_seen = items->sets_seen || from->sets_seen};

	merged.cap = items->n + from->n;
	merged.item = arena_alloc_array(arena, merged.cap, sizeof(*merged.item));
	if (!merged.item)
		return ERR_NOMEM;
	for (size_t i = 0; i < items->n; i++)
		merged.item[merged.n++] = items->item[i];
	for (size_t i = 0; i < from->n; i++)
		if (!has_same(&merged, &from->item[i]))
			merged.item[merged.n++] = from->item[i];
	*items = merged;
	return ERR_OK;
}

bool
fetch_has_item(const struct fetch_items *items, enum fetch_kind kind)
{
	for (size_t i = 0; i < items->n; i++)
		if (items->item[i].kind == kind)
			return true;
	return false;
}

/* Asking for it twice is asking once. */
void
fetch_add_item(struct imap_args *a, struct fetch_items *items, enum fetch_kind kind)
{
	static const char *const labels[] = {
	    [FETCH_FLAGS] = "FLAGS",
	    [FETCH_UID] = "UID",
	    [FETCH_MODSEQ] = "MODSEQ",
	    [FETCH_EMAILID] = "EMAILID",
	    [FETCH_THREADID] = "THREADID",
	    [FETCH_SAVEDATE] = "SAVEDATE",
	    [FETCH_INTERNALDATE] = "INTERNALDATE",
	    [FETCH_SIZE] = "RFC822.SIZE",
	    [FETCH_ENVELOPE] = "ENVELOPE",
	    [FETCH_BODYSTRUCTURE] = "BODYSTRUCTURE",
	    [FETCH_BODY] = "BODY",
	};

	if (!fetch_has_item(items, kind))
		add_item(a, items, kind, str_of(labels[kind]));
}

/* RFC822, RFC822.HEADER and RFC822.TEXT are BODY[], BODY.PEEK[HEADER] and BODY[TEXT] with another
 * name. */
static void
add_rfc822(struct imap_args *a, struct fetch_items *items, const char *label,
    enum section_what what, bool sets_seen)
{
	struct fetch_item *item = add_item(a, items, FETCH_SECTION, str_of(label));

	if (!item)
		return;
	item->section.what = what;
	items->sets_seen |= sets_seen;
}

static bool
is_word_char(unsigned char ch)
{
	return ascii_is_alpha((char)ch) || ascii_is_digit((char)ch) || ch == '.';
}

/* section-part: the numbers, and the "." behind them where a text follows. */
static void
parse_path(struct imap_args *a, struct section *s)
{
	uint32_t *path = NULL;
	size_t cap = 0;

	while (imap_peek(a) >= '0' && imap_peek(a) <= '9') {
		if (s->path_n == FETCH_PATH_MAX) {
			imap_parse_fail(a, ERR_SYNTAX, "fewer part numbers");
			return;
		}
		path = arena_grow(a->arena, path, &cap, s->path_n + 1, sizeof(path[0]));
		if (!path) {
			imap_parse_fail(a, ERR_NOMEM, "memory");
			return;
		}
		path[s->path_n++] = imap_parse_nz_number(a);
		s->path = path;
		if (!imap_accept_char(a, '.'))
			return;
		if (imap_peek(a) == ']')
			imap_parse_fail(a, ERR_SYNTAX, "a part number or section text");
	}
}

static void
parse_what(struct imap_args *a, struct section *s)
{
	static const struct {
		const char *word;
		enum section_what what;
	} words[] = {
	    {"HEADER", SECTION_HEADER},
	    {"HEADER.FIELDS", SECTION_FIELDS},
	    {"HEADER.FIELDS.NOT", SECTION_FIELDS_NOT},
	    {"TEXT", SECTION_TEXT},
	    {"MIME", SECTION_MIME},
	};
	struct cursor at = a->c;
	struct str word = cursor_take_while(&a->c, is_word_char);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq_nocase(word, str_of(words[i].word)) &&
		    (words[i].what != SECTION_MIME || s->path_n > 0)) {
			s->what = words[i].what;
			return;
		}
	if (!a->c.err)
		a->c.pos = at.pos;
	imap_parse_fail(a, ERR_SYNTAX, "HEADER, HEADER.FIELDS, TEXT or MIME");
}

struct names {
	struct str *p;
	size_t n;
	size_t cap;
};

/* header-fld-name. RFC 5322 §2.2: printable US-ASCII; anything else could not stand in the label of
 * the response. */
static void
parse_name(struct imap_args *a, void *arg)
{
	struct names *names = arg;
	struct str name;

	imap_parse_astring(a, &name);
	for (size_t i = 0; i < name.n; i++)
		if (name.p[i] < ' ' || name.p[i] > '~')
			imap_parse_fail(a, ERR_SYNTAX, "a header field name");
	if (a->c.err)
		return;
	struct str *grown =
	    arena_grow(a->arena, names->p, &names->cap, names->n + 1, sizeof(names->p[0]));
	if (!grown) {
		imap_parse_fail(a, ERR_NOMEM, "memory");
		return;
	}
	names->p = grown;
	names->p[names->n++] = name;
}

static void
put_name(struct sbuf *out, struct str name)
{
	bool is_plain = name.n > 0;

	for (size_t i = 0; i < name.n; i++)
		is_plain &= imap_is_astring_char((unsigned char)name.p[i]);
	if (is_plain) {
		sbuf_put(out, name);
		return;
	}
	sbuf_putc(out, '"');
	for (size_t i = 0; i < name.n; i++) {
		if (name.p[i] == '"' || name.p[i] == '\\')
			sbuf_putc(out, '\\');
		sbuf_putc(out, name.p[i]);
	}
	sbuf_putc(out, '"');
}

/* "BODY[1.HEADER.FIELDS (DATE FROM)]<0>": the names as the client sent them, since some clients
 * compare the text. */
static void
make_label(struct imap_args *a, struct fetch_item *item, const struct names *names)
{
	static const char *const words[] = {
	    [SECTION_WHOLE] = "",
	    [SECTION_HEADER] = "HEADER",
	    [SECTION_FIELDS] = "HEADER.FIELDS",
	    [SECTION_FIELDS_NOT] = "HEADER.FIELDS.NOT",
	    [SECTION_TEXT] = "TEXT",
	    [SECTION_MIME] = "MIME",
	};
	const struct section *s = &item->section;
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(SIZE_MAX);

	sbuf_puts(&out, item->kind == FETCH_BINARY        ? "BINARY["
			: item->kind == FETCH_BINARY_SIZE ? "BINARY.SIZE["
							  : "BODY[");
	for (size_t i = 0; i < s->path_n; i++)
		sbuf_printf(&out, "%s%u", i ? "." : "", s->path[i]);
	if (s->what != SECTION_WHOLE)
		sbuf_printf(&out, "%s%s", s->path_n ? "." : "", words[s->what]);
	for (size_t i = 0; i < names->n; i++) {
		sbuf_puts(&out, i ? " " : " (");
		put_name(&out, names->p[i]);
	}
	sbuf_puts(&out, names->n ? ")]" : "]");
	if (item->partial.given) {
		sbuf_putc(&out, '<');
		sbuf_u64(&out, item->partial.from);
		sbuf_putc(&out, '>');
	}
	item->label = arena_dup(a->arena, sbuf_view(&out));
	if (sbuf_error(&out) || !item->label.p)
		imap_parse_fail(a, ERR_NOMEM, "memory");
}

/* "<" number "." nz-number ">", if it is there. */
static void
parse_partial(struct imap_args *a, struct partial *ret)
{
	if (!imap_accept_char(a, '<'))
		return;
	ret->given = true;
	ret->from = imap_parse_number64(a);
	imap_parse_char(a, '.', "a dot");
	ret->count = imap_parse_number64(a);
	imap_parse_char(a, '>', ">");
	if (ret->count == 0)
		imap_parse_fail(a, ERR_SYNTAX, "a number of octets above 0");
}

/* section-binary: part numbers and no more (RFC 3516 §7). The "[" is taken. */
static void
parse_binary(struct imap_args *a, struct fetch_items *items, enum fetch_kind kind, bool peek)
{
	struct fetch_item *item = add_item(a, items, kind, STR(""));
	const struct names none = {0};

	if (!item)
		return;
	parse_path(a, &item->section);
	imap_parse_char(a, ']', "]");
	if (kind == FETCH_BINARY)
		parse_partial(a, &item->partial);
	if (a->c.err)
		return;
	make_label(a, item, &none);
	items->sets_seen |= !peek;
}

/* section, and the "<" number "." nz-number ">" that may follow. The "[" is taken. */
static void
parse_section(struct imap_args *a, struct fetch_items *items, bool peek)
{
	struct fetch_item *item = add_item(a, items, FETCH_SECTION, STR(""));
	struct names names = {0};

	if (!item)
		return;
	struct section *s = &item->section;
	if (imap_peek(a) != ']') {
		parse_path(a, s);
		if (imap_peek(a) != ']')
			parse_what(a, s);
	}
	if (section_picks_fields(s)) {
		imap_parse_space(a);
		imap_parse_list(a, false, parse_name, &names);
	}
	imap_parse_char(a, ']', "]");
	parse_partial(a, &item->partial);
	if (a->c.err)
		return;
	make_label(a, item, &names);
	s->fields = names.p;
	s->field_count = names.n;
	section_sort_fields(s);
	items->sets_seen |= !peek;
}

static bool
add_macro(struct imap_args *a, struct fetch_items *items, struct str word)
{
	bool all = str_eq_nocase(word, STR("ALL"));
	bool full = str_eq_nocase(word, STR("FULL"));

	if (!all && !full && !str_eq_nocase(word, STR("FAST")))
		return false;
	fetch_add_item(a, items, FETCH_FLAGS);
	fetch_add_item(a, items, FETCH_INTERNALDATE);
	fetch_add_item(a, items, FETCH_SIZE);
	if (all || full)
		fetch_add_item(a, items, FETCH_ENVELOPE);
	if (full)
		fetch_add_item(a, items, FETCH_BODY);
	return true;
}

/* preview-mod, which makes no difference here. In parentheses, as the modifiers of a FETCH are:
 * only its words are taken. *ret_fuzzy: the drafts' word for an answer in their form. */
static void
accept_preview_modifiers(struct imap_args *a, bool *ret_fuzzy)
{
	struct imap_args ahead = *a;
	bool any = false;

	if (!imap_accept_space(&ahead) || !imap_accept_char(&ahead, '('))
		return;
	do {
		bool fuzzy =
		    imap_accept_word(&ahead, "LAZY=FUZZY") || imap_accept_word(&ahead, "FUZZY");
		if (!fuzzy && !imap_accept_word(&ahead, "LAZY"))
			break;
		any = true;
		*ret_fuzzy |= fuzzy;
	} while (imap_accept_space(&ahead));
	if (!any)
		return;
	imap_parse_char(&ahead, ')', "LAZY or a closing parenthesis");
	*a = ahead;
}

/* PREVIEW and, of the drafts before it, SNIPPET. */
static bool
add_preview(struct imap_args *a, struct fetch_items *items, struct str word)
{
	bool fuzzy = str_eq_nocase(word, STR("SNIPPET"));

	if (!fuzzy && !str_eq_nocase(word, STR("PREVIEW")))
		return false;
	const char *label = fuzzy ? "SNIPPET" : "PREVIEW";
	accept_preview_modifiers(a, &fuzzy);
	enum fetch_kind kind = fuzzy ? FETCH_PREVIEW_FUZZY : FETCH_PREVIEW;
	if (!fetch_has_item(items, kind))
		add_item(a, items, kind, str_of(label));
	return true;
}

static bool
add_word(struct imap_args *a, struct fetch_items *items, struct str word)
{
	static const struct {
		const char *word;
		enum fetch_kind kind;
	} words[] = {
	    {"FLAGS", FETCH_FLAGS},
	    {"UID", FETCH_UID},
	    {"MODSEQ", FETCH_MODSEQ},
	    {"EMAILID", FETCH_EMAILID},
	    {"THREADID", FETCH_THREADID},
	    {"SAVEDATE", FETCH_SAVEDATE},
	    {"INTERNALDATE", FETCH_INTERNALDATE},
	    {"RFC822.SIZE", FETCH_SIZE},
	    {"ENVELOPE", FETCH_ENVELOPE},
	    {"BODYSTRUCTURE", FETCH_BODYSTRUCTURE},
	    {"BODY", FETCH_BODY},
	};

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq_nocase(word, str_of(words[i].word))) {
			fetch_add_item(a, items, words[i].kind);
			return true;
		}
	if (str_eq_nocase(word, STR("RFC822")))
		add_rfc822(a, items, "RFC822", SECTION_WHOLE, true);
	else if (str_eq_nocase(word, STR("RFC822.HEADER")))
		add_rfc822(a, items, "RFC822.HEADER", SECTION_HEADER, false);
	else if (str_eq_nocase(word, STR("RFC822.TEXT")))
		add_rfc822(a, items, "RFC822.TEXT", SECTION_TEXT, true);
	else
		return false;
	return true;
}

static void
parse_item(struct imap_args *a, void *arg)
{
	static const struct {
		const char *word;
		enum fetch_kind kind;
		bool peek;
	} binaries[] = {
	    {"BINARY", FETCH_BINARY, false},
	    {"BINARY.PEEK", FETCH_BINARY, true},
	    {"BINARY.SIZE", FETCH_BINARY_SIZE, true},
	};
	struct reading *r = arg;
	struct cursor at = a->c;
	struct str word = cursor_take_while(&a->c, is_word_char);
	bool peek = str_eq_nocase(word, STR("BODY.PEEK"));

	if (imap_peek(a) == '[' && (peek || str_eq_nocase(word, STR("BODY")))) {
		imap_accept_char(a, '[');
		parse_section(a, r->items, peek);
		return;
	}
	for (size_t i = 0; imap_peek(a) == '[' && i < ARRAY_LEN(binaries); i++)
		if (str_eq_nocase(word, str_of(binaries[i].word))) {
			imap_accept_char(a, '[');
			parse_binary(a, r->items, binaries[i].kind, binaries[i].peek);
			return;
		}
	if (add_preview(a, r->items, word))
		return;
	if (!r->in_list && add_macro(a, r->items, word))
		return;
	if (add_word(a, r->items, word))
		return;
	if (!a->c.err)
		a->c.pos = at.pos;
	imap_parse_fail(a, ERR_SYNTAX, "a data item");
}

void
fetch_parse_items(struct imap_args *a, bool uid, struct fetch_items *ret)
{
	struct reading r = {.items = ret, .in_list = imap_peek(a) == '('};

	*ret = (struct fetch_items){0};
	if (r.in_list)
		imap_parse_list(a, false, parse_item, &r);
	else
		parse_item(a, &r);
	if (!uid || a->c.err || fetch_has_item(ret, FETCH_UID))
		return;
	fetch_add_item(a, ret, FETCH_UID);
	if (a->c.err)
		return;
	struct fetch_item last = ret->item[ret->n - 1];
	memmove(ret->item + 1, ret->item, (ret->n - 1) * sizeof(last));
	ret->item[0] = last;
}

static enum err
copy_section(struct arena *arena, const struct section *from, struct section *to)
{
	uint32_t *path = arena_alloc_array(arena, from->path_n, sizeof(*path));
	struct str *fields = arena_alloc_array(arena, from->field_count, sizeof(*fields));

	if (!path || !fields)
		return ERR_NOMEM;
	for (size_t i = 0; i < from->path_n; i++)
		path[i] = from->path[i];
	for (size_t i = 0; i < from->field_count; i++)
		fields[i] = arena_dup(arena, from->fields[i]);
	to->path = path;
	to->fields = fields;
	return arena_failed(arena) ? ERR_NOMEM : ERR_OK;
}

enum err
fetch_copy_items(struct arena *arena, const struct fetch_items *from, struct fetch_items *ret)
{
	struct fetch_item *item = arena_alloc_array(arena, from->n, sizeof(*item));

	if (!item)
		return ERR_NOMEM;
	for (size_t i = 0; i < from->n; i++) {
		item[i] = from->item[i];
		item[i].label = arena_dup(arena, from->item[i].label);
		if (copy_section(arena, &from->item[i].section, &item[i].section))
			return ERR_NOMEM;
	}
	*ret = (struct fetch_items){.item = item, .n = from->n, .sets_seen = from->sets_seen};
	return ERR_OK;
}

#include "common/mail/address.h"

#include "common/base/cleanup.h"

/* Between two words of an entry: a blank in a phrase, nothing in an addr-spec. */
#define GAP '\0'

/* Texts are gathered in one block as long as the input: none gets longer by being read. */
struct reader {
	struct str in;
	size_t pos;
	struct arena *arena;
	char *text;
	size_t text_n;

	struct address *first;
	struct address **last;
	size_t count;
	bool in_group;

	/* the entry being read */
	size_t start; /* of its words in `text` */
	size_t at; /* of the last unquoted "@" among them, STR_NONE */
	bool gap; /* something separated the last word from the next */
	bool angle; /* "<" was there: `name` and `route` are set, the words are the addr-spec */
	struct str name;
	struct str route;
	struct str comment; /* the last one, as written, without parentheses */
};

static void
add(struct reader *r, struct str name, struct str route, struct str mailbox, struct str host)
{
	if (r->count >= ADDRESS_MAX)
		return;
	struct address *a = ARENA_NEW(r->arena, struct address);
	if (!a)
		return;
	*a = (struct address){name, route, mailbox, host, NULL};
	*r->last = a;
	r->last = &a->next;
	r->count++;
}

static void
begin_entry(struct reader *r)
{
	r->start = r->text_n;
	r->at = STR_NONE;
	r->gap = false;
	r->angle = false;
	r->name = r->route = r->comment = (struct str){NULL, 0};
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\0';
}

/* An octet of a word; a gap before it is marked. */
static void
put(struct reader *r, char c)
{
	if (r->gap && r->text_n > r->start)
		r->text[r->text_n++] = GAP;
	r->gap = false;
	r->text[r->text_n++] = c;
}

/* The words so far as a phrase, gaps as blanks. */
static struct str
phrase(struct reader *r, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (r->text[i] == GAP)
			r->text[i] = ' ';
	return str_trim(str_make(r->text + from, to - from));
}

/* text[from..to) without its gaps. */
static struct str
squeeze(struct reader *r, size_t from, size_t to)
{
	size_t n = from;

	for (size_t i = from; i < to; i++)
		if (r->text[i] != GAP)
			r->text[n++] = r->text[i];
	return str_make(r->text + from, n - from);
}

/* RFC 5322 §4.4 allows blanks around dots; a gap elsewhere ends what belongs together. */
static bool
is_break(const struct reader *r, size_t i, size_t from, size_t to)
{
	return r->text[i] == GAP && i > from && i + 1 < to && r->text[i - 1] != '.' &&
	       r->text[i + 1] != '.';
}

/* Comments are names in old mail: "ann@example.test (Ann)". */
static struct str
comment_text(struct reader *r)
{
	size_t from = r->text_n;

	for (size_t i = 0; i < r->comment.n; i++) {
		char c = r->comment.p[i];
		if (c == '\\' && i + 1 < r->comment.n)
			c = r->comment.p[++i];
		if (c != '\r' && c != '\n')
			r->text[r->text_n++] = c;
	}
	return str_trim(str_make(r->text + from, r->text_n - from));
}

/* "words local@domain words": words around an addr-spec without brackets are its name. */
static void
split_bare(struct reader *r, size_t end, size_t *local, size_t *domain_end)
{
	size_t before = r->at;
	size_t after = r->at + 1;

	while (before > r->start && r->text[before - 1] == GAP)
		before--;
	*local = r->start;
	for (size_t i = before; i-- > r->start;) {
		if (is_break(r, i, r->start, before)) {
			*local = i + 1;
			break;
		}
	}
	while (after < end && r->text[after] == GAP)
		after++;
	while (after < end && !is_break(r, after, r->at + 1, end))
		after++;
	*domain_end = after;
}

static void
end_entry(struct reader *r)
{
	size_t end = r->text_n;
	bool empty = end == r->start && !r->angle;
	struct str mailbox;
	struct str host = STR("");

	if (empty) {
		begin_entry(r);
		return;
	}
	if (r->at == STR_NONE) {
		mailbox = phrase(r, r->start, end);
	} else {
		size_t local = r->start;
		size_t domain_end = end;
		if (!r->angle) {
			split_bare(r, end, &local, &domain_end);
			if (local > r->start)
				r->name = phrase(r, r->start, local - 1);
		}
		host = squeeze(r, r->at + 1, domain_end);
		mailbox = squeeze(r, local, r->at);
	}
	if (!r->name.n)
		r->name = comment_text(r);
	if (!r->name.n)
		r->name = (struct str){NULL, 0};
	add(r, r->name, r->route, mailbox, host);
	begin_entry(r);
}

static void
end_group(struct reader *r)
{
	const struct str none = {NULL, 0};

	end_entry(r);
	if (r->in_group)
		add(r, none, none, none, none);
	r->in_group = false;
}

static void
take_comment(struct reader *r)
{
	size_t from = r->pos + 1;
	size_t depth = 0;

	for (; r->pos < r->in.n; r->pos++) {
		char c = r->in.p[r->pos];
		if (c == '\\' && r->pos + 1 < r->in.n)
			r->pos++;
		else if (c == '(')
			depth++;
		else if (c == ')' && --depth == 0)
			break;
	}
	struct str text = str_sub(r->in, from, r->pos - from);
	if (str_trim(text).n)
		r->comment = text;
	r->pos++;
	r->gap = true;
}

static void
take_quoted(struct reader *r)
{
	for (r->pos++; r->pos < r->in.n && r->in.p[r->pos] != '"'; r->pos++) {
		char c = r->in.p[r->pos];
		if (c == '\\' && r->pos + 1 < r->in.n)
			c = r->in.p[++r->pos];
		if (c == '\r' || c == '\n' || c == '\0')
			continue;
		put(r, c);
	}
	r->pos++;
}

static void
take_literal(struct reader *r)
{
	for (; r->pos < r->in.n; r->pos++) {
		char c = r->in.p[r->pos];
		if (!is_blank(c))
			put(r, c);
		if (c == ']')
			break;
	}
	r->pos++;
}

/* After "<": "@a,@b:" (RFC 5322 §4.4). */
static void
take_route(struct reader *r)
{
	size_t from = r->text_n;
	size_t i = r->pos;

	while (i < r->in.n && is_blank(r->in.p[i]))
		i++;
	if (i == r->in.n || r->in.p[i] != '@')
		return;
	size_t end = i;
	while (end < r->in.n && !strchr(":<>\"(;", r->in.p[end]))
		end++;
	if (end == r->in.n || r->in.p[end] != ':')
		return;
	for (; i < end; i++)
		if (!is_blank(r->in.p[i]))
			r->text[r->text_n++] = r->in.p[i];
	r->pos = end + 1;
	r->route = str_make(r->text + from, r->text_n - from);
	r->start = r->text_n;
}

static void
take_special(struct reader *r, char c)
{
	r->pos++;
	switch (c) {
	case ',':
		end_entry(r);
		return;
	case ';':
		end_group(r);
		return;
	case ':':
		if (r->in_group || r->angle || r->at != STR_NONE || r->text_n == r->start)
			break;
		add(r, (struct str){NULL, 0}, (struct str){NULL, 0}, phrase(r, r->start, r->text_n),
		    (struct str){NULL, 0});
		r->in_group = true;
		begin_entry(r);
		return;
	case '<':
		if (r->angle) /* the comma between two is missing */
			end_entry(r);
		r->name = phrase(r, r->start, r->text_n);
		r->start = r->text_n;
		r->at = STR_NONE;
		r->angle = true;
		r->gap = false;
		take_route(r);
		return;
	case '>':
		return;
	case '@':
		r->gap = false;
		r->at = r->text_n;
		break;
	}
	put(r, c);
}

/* What follows "<…>" up to the next separator says nothing, comments apart. */
static void
take_octet(struct reader *r, bool *closed)
{
	char c = r->in.p[r->pos];

	if (c == '(') {
		take_comment(r);
		return;
	}
	if (*closed && c != ',' && c != ';' && c != '<') {
		size_t text_n = r->text_n;
		if (c == '"')
			take_quoted(r); /* commas in it separate nothing */
		else
			r->pos++;
		r->text_n = text_n;
		return;
	}
	*closed = c == '>' && r->angle;
	if (c == '"')
		take_quoted(r);
	else if (c == '[')
		take_literal(r);
	else if (is_blank(c))
		r->gap = true, r->pos++;
	else if (strchr(",;:<>@", c))
		take_special(r, c);
	else
		put(r, c), r->pos++;
}

struct address *
address_parse_list(struct str value, struct arena *arena)
{
	struct reader r = {.in = value, .arena = arena};
	bool closed = false;

	value = str_trim(value);
	if (value.n == 0)
		return NULL;
	r.in = value;
	r.text = arena_alloc(arena, value.n);
	if (!r.text)
		return NULL;
	r.last = &r.first;
	begin_entry(&r);
	while (r.pos < r.in.n)
		take_octet(&r, &closed);
	end_group(&r);
	return r.first;
}

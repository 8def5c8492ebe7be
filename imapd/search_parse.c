#include "imapd/search_parse.h"

#include "common/mail/charset.h"

#define NEEDLE_MAX (1024 * 1024) /* octets of one string when folded: ERR_LIMIT */

struct parser {
	struct imap_args *a;
	const struct view *view;
	struct search_program *program;
	struct str charset; /* of the strings; empty if not named */
	size_t slot_cap;
	unsigned depth;
};

static struct search_node *parse_key(struct parser *p);

/* -- nodes ---------------------------------------------------------------------------------- */

static struct search_node *
new_node(struct parser *p, enum search_kind kind)
{
	struct search_node *n = ARENA_NEW(p->a->arena, struct search_node);

	if (!n) {
		imap_parse_fail(p->a, ERR_NOMEM, "memory");
		return NULL;
	}
	n->kind = kind;
	return n;
}

static struct search_node *
new_not(struct parser *p, struct search_node *child)
{
	struct search_node *n = child ? new_node(p, SEARCH_NOT) : NULL;

	if (n)
		n->child = child;
	return n;
}

static struct search_node *
new_flags(struct parser *p, uint64_t flags, bool set)
{
	struct search_node *n = new_node(p, SEARCH_FLAGS);

	if (n)
		n->flags = flags;
	return set ? n : new_not(p, n);
}

/* A node whose answer is found in the message's octets. */
static struct search_node *
new_slot(struct parser *p, enum search_kind kind)
{
	struct search_program *prog = p->program;
	struct search_node *n = new_node(p, kind);
	struct search_node **grown = arena_grow(
	    p->a->arena, prog->slots, &p->slot_cap, prog->slot_count + 1, sizeof(prog->slots[0]));

	if (!n || !grown) {
		imap_parse_fail(p->a, ERR_NOMEM, "memory");
		return NULL;
	}
	prog->slots = grown;
	n->slot = prog->slot_count;
	prog->slots[prog->slot_count++] = n;
	prog->needs_header = true;
	prog->needs_body |= kind == SEARCH_BODY || kind == SEARCH_TEXT;
	return n;
}

/* -- arguments ------------------------------------------------------------------------------ */

/* astring, as the matcher compares it: UTF-8, case folded. */
static void
parse_needle(struct parser *p, struct str *ret)
{
	CLEANUP(sbuf_done) struct sbuf utf8 = SBUF_INIT(NEEDLE_MAX);
	CLEANUP(sbuf_done) struct sbuf folded = SBUF_INIT(NEEDLE_MAX);
	struct str raw;

	*ret = STR("");
	imap_parse_space(p->a);
	imap_parse_astring(p->a, &raw);
	if (p->a->c.err || raw.n == 0)
		return;
	/* CHARSET was checked: a failure here only says that octets were replaced */
	if (charset_to_utf8(p->charset, raw, &utf8) == ERR_NOMEM || sbuf_error(&utf8)) {
		imap_parse_fail(p->a, ERR_LIMIT, "a shorter string");
		return;
	}
	text_fold(sbuf_view(&utf8), &folded);
	if (sbuf_error(&folded)) {
		imap_parse_fail(p->a, ERR_LIMIT, "a shorter string");
		return;
	}
	*ret = arena_dup(p->a->arena, sbuf_view(&folded));
	if (!ret->p)
		imap_parse_fail(p->a, ERR_NOMEM, "memory");
}

static struct search_node *
parse_header(struct parser *p, struct str field)
{
	struct search_node *n = new_slot(p, SEARCH_HEADER);

	if (!n)
		return NULL;
	n->field = field;
	parse_needle(p, &n->needle);
	return n;
}

/* BODY and TEXT: every text has an empty string in it. */
static struct search_node *
parse_text(struct parser *p, enum search_kind kind)
{
	struct str needle;

	parse_needle(p, &needle);
	struct search_node *n = needle.n == 0 ? new_node(p, SEARCH_ALL) : new_slot(p, kind);
	if (n)
		n->needle = needle;
	return n;
}

static struct search_node *
parse_date(struct parser *p, enum search_kind kind, enum search_relation relation)
{
	struct search_node *n = kind == SEARCH_SENT ? new_slot(p, kind) : new_node(p, SEARCH_DATE);

	imap_parse_space(p->a);
	int32_t day = imap_parse_date(p->a);
	if (!n)
		return NULL;
	p->program->needs_row |= kind == SEARCH_DATE;
	n->relation = relation;
	n->day = day;
	return n;
}

static struct search_node *
parse_size(struct parser *p, enum search_kind kind)
{
	struct search_node *n = new_node(p, kind);

	imap_parse_space(p->a);
	uint64_t octets = imap_parse_number64(p->a);
	p->program->needs_row = true;
	if (n)
		n->octets = octets;
	return n;
}

static struct search_node *
parse_keyword(struct parser *p, bool set)
{
	struct str keyword;

	imap_parse_space(p->a);
	imap_parse_atom(p->a, &keyword);
	if (p->a->c.err)
		return NULL;
	uint64_t bit = view_keyword_bit(p->view, keyword);
	if (bit)
		return new_flags(p, bit, set);
	/* no message has a keyword that the mailbox does not know */
	struct search_node *all = new_node(p, SEARCH_ALL);
	return set ? new_not(p, all) : all;
}

/* In an empty mailbox no number exists and "1:*" means nothing, which clients ask for nevertheless;
 * otherwise numbers must exist (RFC 3501 §9, seq-number). */
static struct search_node *
parse_set(struct parser *p, bool uid)
{
	struct search_node *n = new_node(p, SEARCH_UIDS);

	if (!n)
		return NULL;
	bool is_empty = view_count(p->view) == 0;
	imap_parse_msgset(p->a, p->view, uid || is_empty, &n->uids);
	return n;
}

/* -- keys ----------------------------------------------------------------------------------- */

static bool
enter(struct parser *p)
{
	if (++p->depth > SEARCH_DEPTH_MAX)
		imap_parse_fail(p->a, ERR_LIMIT, "fewer search keys within each other");
	return !p->a->c.err;
}

/* Keys with SP between them, all of which must match. */
static struct search_node *
parse_keys(struct parser *p)
{
	struct search_node *all = new_node(p, SEARCH_AND);
	struct search_node **end = all ? &all->child : NULL;

	if (!all)
		return NULL;
	do {
		struct search_node *key = parse_key(p);
		if (!key || p->a->c.err)
			return NULL;
		*end = key;
		end = &key->next;
	} while (imap_accept_space(p->a));
	return all->child->next ? all : all->child;
}

static struct search_node *
parse_parenthesised(struct parser *p)
{
	struct search_node *n = NULL;

	imap_accept_char(p->a, '(');
	if (enter(p))
		n = parse_keys(p);
	imap_parse_char(p->a, ')', "a closing parenthesis");
	p->depth--;
	return n;
}

static struct search_node *
parse_not(struct parser *p)
{
	struct search_node *n = NULL;

	imap_parse_space(p->a);
	if (enter(p))
		n = new_not(p, parse_key(p));
	p->depth--;
	return n;
}

/* "OR a OR b OR c d" is how clients write a long list of alternatives: one node, one level. */
static struct search_node *
parse_or(struct parser *p)
{
	struct search_node *any = new_node(p, SEARCH_OR);
	struct search_node **end = any ? &any->child : NULL;
	bool more = true;

	if (!any || !enter(p))
		return NULL;
	while (more) {
		for (int i = 0; i < 2; i++) {
			imap_parse_space(p->a);
			more = i == 1 && imap_accept_word(p->a, "OR");
			if (more)
				break;
			struct search_node *key = parse_key(p);
			if (!key || p->a->c.err)
				return NULL;
			*end = key;
			end = &key->next;
		}
	}
	p->depth--;
	return any;
}

enum word_class { W_FLAG, W_HEADER, W_DATE, W_SENT };

struct word {
	const char *word;
	enum word_class class;
	uint64_t value; /* flag bit, or relation */
	bool set;
	const char *field;
};

static const struct word words[] = {
    {"ANSWERED", W_FLAG, FLAG_ANSWERED, true, NULL},
    {"DELETED", W_FLAG, FLAG_DELETED, true, NULL},
    {"DRAFT", W_FLAG, FLAG_DRAFT, true, NULL},
    {"FLAGGED", W_FLAG, FLAG_FLAGGED, true, NULL},
    {"SEEN", W_FLAG, FLAG_SEEN, true, NULL},
    {"UNANSWERED", W_FLAG, FLAG_ANSWERED, false, NULL},
    {"UNDELETED", W_FLAG, FLAG_DELETED, false, NULL},
    {"UNDRAFT", W_FLAG, FLAG_DRAFT, false, NULL},
    {"UNFLAGGED", W_FLAG, FLAG_FLAGGED, false, NULL},
    {"UNSEEN", W_FLAG, FLAG_SEEN, false, NULL},
    {"BCC", W_HEADER, 0, true, "Bcc"},
    {"CC", W_HEADER, 0, true, "Cc"},
    {"FROM", W_HEADER, 0, true, "From"},
    {"SUBJECT", W_HEADER, 0, true, "Subject"},
    {"TO", W_HEADER, 0, true, "To"},
    {"BEFORE", W_DATE, SEARCH_BEFORE, true, NULL},
    {"ON", W_DATE, SEARCH_ON, true, NULL},
    {"SINCE", W_DATE, SEARCH_SINCE, true, NULL},
    {"SENTBEFORE", W_SENT, SEARCH_BEFORE, true, NULL},
    {"SENTON", W_SENT, SEARCH_ON, true, NULL},
    {"SENTSINCE", W_SENT, SEARCH_SINCE, true, NULL},
};

static struct search_node *
parse_other(struct parser *p, struct str word, size_t at)
{
	if (str_eq_nocase(word, STR("ALL")))
		return new_node(p, SEARCH_ALL);
	if (str_eq_nocase(word, STR("RECENT")))
		return new_node(p, SEARCH_RECENT);
	if (str_eq_nocase(word, STR("OLD")))
		return new_not(p, new_node(p, SEARCH_RECENT));
	if (str_eq_nocase(word, STR("NEW"))) {
		struct search_node *both = new_node(p, SEARCH_AND);
		if (both && (both->child = new_node(p, SEARCH_RECENT)))
			both->child->next = new_flags(p, FLAG_SEEN, false);
		return both;
	}
	if (str_eq_nocase(word, STR("KEYWORD")))
		return parse_keyword(p, true);
	if (str_eq_nocase(word, STR("UNKEYWORD")))
		return parse_keyword(p, false);
	if (str_eq_nocase(word, STR("LARGER")))
		return parse_size(p, SEARCH_LARGER);
	if (str_eq_nocase(word, STR("SMALLER")))
		return parse_size(p, SEARCH_SMALLER);
	if (str_eq_nocase(word, STR("BODY")))
		return parse_text(p, SEARCH_BODY);
	if (str_eq_nocase(word, STR("TEXT")))
		return parse_text(p, SEARCH_TEXT);
	if (str_eq_nocase(word, STR("NOT")))
		return parse_not(p);
	if (str_eq_nocase(word, STR("OR")))
		return parse_or(p);
	if (str_eq_nocase(word, STR("UID"))) {
		imap_parse_space(p->a);
		return parse_set(p, true);
	}
	if (str_eq_nocase(word, STR("HEADER"))) {
		struct str field;
		imap_parse_space(p->a);
		imap_parse_astring(p->a, &field);
		return parse_header(p, field);
	}
	if (!p->a->c.err)
		p->a->c.pos = at;
	imap_parse_fail(p->a, ERR_SYNTAX, "a search key");
	return NULL;
}

static struct search_node *
parse_word(struct parser *p)
{
	size_t at = p->a->c.pos;
	struct str word = cursor_take_while(&p->a->c, imap_is_atom_char);

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		const struct word *w = &words[i];
		if (!str_eq_nocase(word, str_of(w->word)))
			continue;
		switch (w->class) {
		case W_FLAG:
			return new_flags(p, w->value, w->set);
		case W_HEADER:
			return parse_header(p, str_of(w->field));
		case W_DATE:
			return parse_date(p, SEARCH_DATE, (enum search_relation)w->value);
		case W_SENT:
			return parse_date(p, SEARCH_SENT, (enum search_relation)w->value);
		}
	}
	return parse_other(p, word, at);
}

static struct search_node *
parse_key(struct parser *p)
{
	int ch = imap_peek(p->a);

	if (++p->program->keys > SEARCH_KEYS_MAX) {
		imap_parse_fail(p->a, ERR_LIMIT, "fewer search keys");
		return NULL;
	}
	if (ch == '(')
		return parse_parenthesised(p);
	if (ch == '*' || (ch >= '0' && ch <= '9'))
		return parse_set(p, false);
	return parse_word(p);
}

static void
parse_charset(struct imap_args *a, struct str *ret)
{
	imap_parse_space(a);
	imap_parse_astring(a, ret);
	if (!a->c.err && !charset_is_known(*ret))
		imap_parse_fail(a, ERR_BAD_CHARSET, "a charset that is known");
	imap_parse_space(a);
}

/* Whether the key asks for flags that are set or for one that is not, and nothing else. */
static bool
asks_flags(const struct search_node *n, uint64_t *ret_mask, uint64_t *ret_flags)
{
	bool not = n->kind == SEARCH_NOT;
	const struct search_node *key = not ? n->child : n;

	if (key->kind != SEARCH_FLAGS || (not &&__builtin_popcountll(key->flags) != 1))
		return false;
	*ret_mask = key->flags;
	*ret_flags = not ? 0 : key->flags;
	return true;
}

static void
note_flags(struct search_program *p)
{
	const struct search_node *n = p->root;

	p->flags_only = n != NULL;
	if (n && n->kind == SEARCH_AND)
		n = n->child;
	for (; n; n = p->root->kind == SEARCH_AND ? n->next : NULL) {
		uint64_t mask, flags;
		if (n->kind == SEARCH_ALL)
			continue;
		/* one that contradicts those before is left to the match of each message */
		if (asks_flags(n, &mask, &flags) && !((p->flags ^ flags) & p->mask & mask)) {
			p->mask |= mask;
			p->flags |= flags;
		} else {
			p->flags_only = false;
		}
	}
}

void
search_parse(struct imap_args *a, const struct view *view, struct search_program *ret)
{
	struct parser p = {.a = a, .view = view, .program = ret};

	*ret = (struct search_program){0};
	if (imap_accept_word(a, "CHARSET"))
		parse_charset(a, &p.charset);
	ret->root = parse_keys(&p);
	note_flags(ret);
}

void
search_parse_in_charset(struct imap_args *a, const struct view *view, struct search_program *ret)
{
	struct parser p = {.a = a, .view = view, .program = ret};

	*ret = (struct search_program){0};
	parse_charset(a, &p.charset);
	ret->root = parse_keys(&p);
	note_flags(ret);
}

#include "imapd/search_parse_private.h"

#include "common/base/clock.h"
#include "imapd/search_charset.h"

static struct search_node *parse_key(struct search_parser *p);

/* -- keys ----------------------------------------------------------------------------------- */

static bool
enter(struct search_parser *p)
{
	if (++p->depth > SEARCH_DEPTH_MAX)
		imap_parse_fail(p->a, ERR_LIMIT, "fewer search keys within each other");
	return !p->a->c.err;
}

// NOLINTBEGIN(misc-no-recursion): enter() stops at SEARCH_DEPTH_MAX
/* Keys with SP between them, all of which must match. */
static struct search_node *
parse_keys(struct search_parser *p)
{
	struct search_node *all = search_new_node(p, SEARCH_AND);
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
parse_parenthesised(struct search_parser *p)
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
parse_not(struct search_parser *p)
{
	struct search_node *n = NULL;

	imap_parse_space(p->a);
	if (enter(p))
		n = search_new_not(p, parse_key(p));
	p->depth--;
	return n;
}

static struct search_node *
parse_fuzzy(struct search_parser *p)
{
	struct search_node *n = NULL;

	imap_parse_space(p->a);
	p->program->fuzzy = true;
	p->fuzzy++;
	if (enter(p))
		n = parse_key(p);
	p->depth--;
	p->fuzzy--;
	return n;
}

static bool
is_utf8_charset(struct str charset)
{
	return str_eq_nocase(charset, STR("UTF-8")) || str_eq_nocase(charset, STR("US-ASCII"));
}

static void
refuse_filter(struct search_parser *p, struct str name)
{
	if (p->program->undefined_filter.n == 0)
		p->program->undefined_filter = name;
	imap_parse_fail(p->a, ERR_NOT_FOUND, "a filter that is defined");
}

/* RFC 5466 §3.1. What the filter says stands for one key, as if in parentheses; a filter that does
 * not make sense, or is in itself, is no filter. */
static struct search_node *
parse_filter(struct search_parser *p)
{
	struct imap_args *outer = p->a;
	struct search_node *n = NULL;
	struct str name, text;

	imap_parse_space(outer);
	imap_parse_atom(outer, &name);
	if (outer->c.err)
		return NULL;
	if (p->charset.n > 0 && !is_utf8_charset(p->charset)) {
		p->program->filter_charset = true;
		imap_parse_fail(outer, ERR_PARAM, "UTF-8 beside a filter");
		return NULL;
	}
	if (p->filters == SEARCH_FILTERS_MAX || !p->scope->filter ||
	    p->scope->filter(p->scope->arg, name, outer->arena, &text)) {
		refuse_filter(p, name);
		return NULL;
	}
	struct imap_args inner;
	imap_args_init(&inner, text, outer->arena);
	inner.saved = outer->saved;
	p->a = &inner;
	p->filters++;
	if (enter(p))
		n = parse_keys(p);
	p->depth--;
	p->filters--;
	p->a = outer;
	enum err e = imap_parse_end(&inner);
	if (e == ERR_LIMIT || e == ERR_NOMEM)
		imap_parse_fail(outer, e, "smaller filters");
	else if (e)
		refuse_filter(p, name);
	return n;
}

/* "OR a OR b OR c d" is how clients write a long list of alternatives: one node, one level. */
static struct search_node *
parse_or(struct search_parser *p)
{
	struct search_node *any = search_new_node(p, SEARCH_OR);
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

enum word_class {
	W_ALL,
	W_FLAG,
	W_RECENT,
	W_NEW,
	W_KEYWORD,
	W_FIELD,
	W_HEADER,
	W_STRING,
	W_DATE,
	W_SENT,
	W_SIZE,
	W_INTERVAL,
	W_UID,
	W_UID_BEYOND,
	W_MODSEQ,
	W_EMAIL_ID,
	W_THREAD_ID,
	W_SAVED,
	W_NOT,
	W_OR,
	W_FUZZY,
	W_FILTER,
};

struct word {
	const char *word;
	enum word_class class;
	uint64_t value; /* flag bit, relation or kind */
	bool set;
	const char *field;
};

static const struct word words[] = {
    {"ALL", W_ALL, 0, true, NULL},
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
    {"RECENT", W_RECENT, 0, true, NULL},
    {"OLD", W_RECENT, 0, false, NULL},
    {"NEW", W_NEW, 0, true, NULL},
    {"KEYWORD", W_KEYWORD, 0, true, NULL},
    {"UNKEYWORD", W_KEYWORD, 0, false, NULL},
    {"BCC", W_FIELD, 0, true, "Bcc"},
    {"CC", W_FIELD, 0, true, "Cc"},
    {"FROM", W_FIELD, 0, true, "From"},
    {"SUBJECT", W_FIELD, 0, true, "Subject"},
    {"TO", W_FIELD, 0, true, "To"},
    {"HEADER", W_HEADER, 0, true, NULL},
    {"BODY", W_STRING, SEARCH_BODY, true, NULL},
    {"TEXT", W_STRING, SEARCH_TEXT, true, NULL},
    {"BEFORE", W_DATE, SEARCH_BEFORE, true, NULL},
    {"ON", W_DATE, SEARCH_ON, true, NULL},
    {"SINCE", W_DATE, SEARCH_SINCE, true, NULL},
    {"SENTBEFORE", W_SENT, SEARCH_BEFORE, true, NULL},
    {"SENTON", W_SENT, SEARCH_ON, true, NULL},
    {"SENTSINCE", W_SENT, SEARCH_SINCE, true, NULL},
    {"LARGER", W_SIZE, SEARCH_LARGER, true, NULL},
    {"SMALLER", W_SIZE, SEARCH_SMALLER, true, NULL},
    {"OLDER", W_INTERVAL, SEARCH_OLDER, true, NULL},
    {"YOUNGER", W_INTERVAL, SEARCH_YOUNGER, true, NULL},
    {"UID", W_UID, 0, true, NULL},
    {"UIDAFTER", W_UID_BEYOND, 0, true, NULL}, /* RFC 9738 §3.2 */
    {"UIDBEFORE", W_UID_BEYOND, 0, false, NULL},
    {"MODSEQ", W_MODSEQ, 0, true, NULL},
    {"EMAILID", W_EMAIL_ID, 0, true, NULL},
    {"THREADID", W_THREAD_ID, 0, true, NULL},
    {"SAVEDBEFORE", W_SAVED, SEARCH_BEFORE, true, NULL},
    {"SAVEDON", W_SAVED, SEARCH_ON, true, NULL},
    {"SAVEDSINCE", W_SAVED, SEARCH_SINCE, true, NULL},
    {"SAVEDATESUPPORTED", W_ALL, 0, true, NULL}, /* RFC 8514 §4.3: it is, of all */
    {"NOT", W_NOT, 0, true, NULL},
    {"OR", W_OR, 0, true, NULL},
    {"FUZZY", W_FUZZY, 0, true, NULL},
    {"FILTER", W_FILTER, 0, true, NULL},
};

static struct search_node *
parse_recent(struct search_parser *p, bool set)
{
	struct search_node *n = search_new_node(p, SEARCH_RECENT);

	return set ? n : search_new_not(p, n);
}

static struct search_node *
parse_new(struct search_parser *p)
{
	struct search_node *both = search_new_node(p, SEARCH_AND);

	if (both && (both->child = search_new_node(p, SEARCH_RECENT)))
		both->child->next = search_new_flags(p, FLAG_SEEN, false);
	return both;
}

static struct search_node *
parse_header(struct search_parser *p)
{
	struct str field;

	imap_parse_space(p->a);
	imap_parse_astring(p->a, &field);
	return search_parse_string(p, SEARCH_HEADER, field);
}

static struct search_node *
parse_uids(struct search_parser *p)
{
	imap_parse_space(p->a);
	return search_parse_set(p, true);
}

static struct search_node *
parse_arguments(struct search_parser *p, const struct word *w)
{
	switch (w->class) {
	case W_ALL:
		return search_new_node(p, SEARCH_ALL);
	case W_FLAG:
		return search_new_flags(p, w->value, w->set);
	case W_RECENT:
		return parse_recent(p, w->set);
	case W_NEW:
		return parse_new(p);
	case W_KEYWORD:
		return search_parse_keyword(p, w->set);
	case W_FIELD:
		return search_parse_string(p, SEARCH_HEADER, str_of(w->field));
	case W_HEADER:
		return parse_header(p);
	case W_STRING:
		return search_parse_string(p, (enum search_kind)w->value, STR(""));
	case W_DATE:
		return search_parse_date(p, SEARCH_DATE, (enum search_relation)w->value);
	case W_SENT:
		return search_parse_date(p, SEARCH_SENT, (enum search_relation)w->value);
	case W_SIZE:
		return search_parse_size(p, (enum search_kind)w->value);
	case W_INTERVAL:
		return search_parse_interval(p, (enum search_kind)w->value);
	case W_UID:
		return parse_uids(p);
	case W_UID_BEYOND:
		return search_parse_beyond(p, w->set);
	case W_MODSEQ:
		return search_parse_modseq(p);
	case W_THREAD_ID:
		return search_parse_thread_id(p);
	case W_SAVED:
		p->program->needs_saved = p->program->needs_row = true;
		return search_parse_date(p, SEARCH_SAVED, (enum search_relation)w->value);
	case W_EMAIL_ID:
		return search_parse_email_id(p);
	case W_NOT:
		return parse_not(p);
	case W_OR:
		return parse_or(p);
	case W_FUZZY:
		return parse_fuzzy(p);
	case W_FILTER:
		break;
	}
	return parse_filter(p);
}

static struct search_node *
parse_word(struct search_parser *p)
{
	size_t at = p->a->c.pos;
	struct str word = cursor_take_while(&p->a->c, imap_is_atom_char);

	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_eq_nocase(word, str_of(words[i].word)))
			return parse_arguments(p, &words[i]);
	if (!p->a->c.err)
		p->a->c.pos = at;
	imap_parse_fail(p->a, ERR_SYNTAX, "a search key");
	return NULL;
}

static struct search_node *
parse_numbers(struct search_parser *p, int first)
{
	if (p->scope->uid_only && first != '$') {
		p->program->needs_uid = true;
		imap_parse_fail(p->a, ERR_SYNTAX, "UIDs, which alone are used here");
		return NULL;
	}
	return search_parse_set(p, false);
}

static struct search_node *
parse_key(struct search_parser *p)
{
	int ch = imap_peek(p->a);

	if (++p->program->keys > SEARCH_KEYS_MAX) {
		imap_parse_fail(p->a, ERR_LIMIT, "fewer search keys");
		return NULL;
	}
	if (ch == '(')
		return parse_parenthesised(p);
	if (ch == '*' || ch == '$' || (ch >= '0' && ch <= '9'))
		return parse_numbers(p, ch);
	return parse_word(p);
}
// NOLINTEND(misc-no-recursion)

static void
parse_charset(struct imap_args *a, struct str *ret)
{
	imap_parse_space(a);
	imap_parse_astring(a, ret);
	if (!a->c.err && !search_charset_is_known(*ret))
		imap_parse_fail(a, ERR_BAD_CHARSET, "a charset of those listed");
	imap_parse_space(a);
}

/* Whether the key asks for flags that are set or for one that is not, and nothing else. */
static bool
asks_flags(const struct search_node *n, uint64_t *ret_mask, uint64_t *ret_flags)
{
	bool not = n->kind == SEARCH_NOT;
	const struct search_node *key = not ? n->child : n;

	if (key->kind != SEARCH_FLAGS || key->flags == 0 ||
	    (not &&__builtin_popcountll(key->flags) != 1))
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
	p->mask = p->flags = 0;
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

static void
parse_program(struct search_parser *p)
{
	p->program->root = parse_keys(p);
	if (p->scope->scored && !p->program->fuzzy)
		imap_parse_fail(p->a, ERR_SYNTAX, "FUZZY where relevancy is asked for");
	note_flags(p->program);
	p->program->flags_only &= !p->scope->scored;
}

void
search_parse(struct imap_args *a, const struct search_scope *scope, struct search_program *ret)
{
	struct search_parser p = {.a = a, .scope = scope, .program = ret};

	*ret = (struct search_program){0};
	if (imap_accept_word(a, "CHARSET"))
		parse_charset(a, &p.charset);
	if (scope->utf8 && p.charset.n > 0 && !is_utf8_charset(p.charset))
		imap_parse_fail(a, ERR_SYNTAX, "no charset but UTF-8 after ENABLE UTF8=ACCEPT");
	parse_program(&p);
}

void
search_parse_in_charset(
    struct imap_args *a, const struct search_scope *scope, struct search_program *ret)
{
	struct search_parser p = {.a = a, .scope = scope, .program = ret};

	*ret = (struct search_program){0};
	parse_charset(a, &p.charset);
	parse_program(&p);
}

static void
// NOLINTNEXTLINE(misc-no-recursion): as deep as the program, SEARCH_DEPTH_MAX
rebind(struct search_node *n, const struct view *view)
{
	if (n->keyword.n > 0)
		n->flags = view_keyword_bit(view, n->keyword);
	if (n->kind == SEARCH_OLDER || n->kind == SEARCH_YOUNGER)
		n->moment_s = clock_real_s() - (int64_t)n->octets;
	for (struct search_node *c = n->child; c; c = c->next)
		rebind(c, view);
}

void
search_program_rebind(struct search_program *p, const struct view *view)
{
	rebind(p->root, view);
	note_flags(p);
}

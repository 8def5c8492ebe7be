/* The nodes of search programs. */
#include "imapd/search_parse_private.h"
#include "imapd/search_score.h"
#include "search/words.h"

struct search_node *
search_new_node(struct search_parser *p, enum search_kind kind)
{
	struct search_node *n = ARENA_NEW(p->a->arena, struct search_node);

	if (!n) {
		imap_parse_fail(p->a, ERR_NOMEM, "memory");
		return NULL;
	}
	n->kind = kind;
	return n;
}

struct search_node *
search_new_not(struct search_parser *p, struct search_node *child)
{
	struct search_node *n = child ? search_new_node(p, SEARCH_NOT) : NULL;

	if (n)
		n->child = child;
	return n;
}

struct search_node *
search_new_flags(struct search_parser *p, uint64_t flags, bool set)
{
	struct search_node *n = search_new_node(p, SEARCH_FLAGS);

	if (n)
		n->flags = flags;
	return set ? n : search_new_not(p, n);
}

static bool
add_to(struct search_parser *p, struct search_node ***nodes, size_t *cap, size_t n,
    struct search_node *node)
{
	struct search_node **grown =
	    // NOLINTNEXTLINE(bugprone-sizeof-expression): its elements are pointers
	    arena_grow(p->a->arena, *nodes, cap, n + 1, sizeof((*nodes)[0]));

	if (!grown) {
		imap_parse_fail(p->a, ERR_NOMEM, "memory");
		return false;
	}
	*nodes = grown;
	grown[n] = node;
	return true;
}

struct search_node *
search_new_slot(struct search_parser *p, enum search_kind kind)
{
	struct search_program *prog = p->program;
	struct search_node *n = search_new_node(p, kind);

	if (!n || !add_to(p, &prog->slots, &p->slot_cap, prog->slot_count, n))
		return NULL;
	n->slot = prog->slot_count++;
	prog->needs_header = true;
	prog->needs_body |= kind == SEARCH_BODY || kind == SEARCH_TEXT;
	return n;
}

/* -- strings -------------------------------------------------------------------------------- */

static struct search_node *
new_exact(struct search_parser *p, enum search_kind kind, struct str field, struct str needle)
{
	struct search_node *n = search_new_slot(p, kind);

	if (n) {
		n->field = field;
		n->needle = needle;
	}
	return n;
}

/* The next run of letters and digits of folded text. */
static struct str
next_word(struct str *rest)
{
	size_t from = 0;

	while (from < rest->n && !is_word_octet(rest->p[from]))
		from++;
	size_t to = from;
	while (to < rest->n && is_word_octet(rest->p[to]))
		to++;
	struct str word = str_sub(*rest, from, to - from);
	*rest = str_skip(*rest, to);
	return word;
}

/* Without the ending that English puts behind a word, so that "meetings" finds "meeting". */
static struct str
stem(struct str word)
{
	static const char *const endings[] = {"ing", "ed", "es", "s"};

	for (size_t i = 0; i < ARRAY_LEN(endings); i++) {
		struct str ending = str_of(endings[i]);
		if (word.n >= ending.n + 4 && str_ends_nocase(word, ending))
			return str_sub(word, 0, word.n - ending.n);
	}
	return word;
}

/* A key that decides nothing and adds points to the score of a message that it matches. */
static void
add_score(struct search_parser *p, struct str field, struct str needle, unsigned points)
{
	struct search_program *prog = p->program;
	struct search_node *n = new_exact(p, SEARCH_HEADER, field, needle);

	if (!n || !add_to(p, &prog->scores, &p->score_cap, prog->score_count, n))
		return;
	n->points = points;
	prog->score_count++;
	prog->points += points;
}

/* RFC 6203 leaves open what FUZZY is. Here: all words of the string, in any order, each in any form
 * that goes on where its stem ends. */
static struct search_node *
new_fuzzy(struct search_parser *p, enum search_kind kind, struct str field, struct str needle)
{
	struct str where = kind == SEARCH_HEADER ? field : STR("Subject");
	struct search_node *all = search_new_node(p, SEARCH_AND);
	struct search_node **end = all ? &all->child : NULL;
	struct str rest = needle;
	struct str word = next_word(&rest);

	for (unsigned n = 0; end && word.n > 0 && n < SEARCH_WORDS_MAX; n++) {
		*end = new_exact(p, kind, field, stem(word));
		end = *end ? &(*end)->next : NULL;
		p->program->keys++;
		if (p->scope->scored)
			add_score(p, where, word, SCORE_WORD);
		word = next_word(&rest);
	}
	if (p->scope->scored)
		add_score(p, where, needle, SCORE_STRING);
	return all && all->child ? all : new_exact(p, kind, field, needle);
}

struct search_node *
search_new_string(
    struct search_parser *p, enum search_kind kind, struct str field, struct str needle)
{
	if (p->a->c.err)
		return NULL;
	if (needle.n == 0 && kind != SEARCH_HEADER)
		return search_new_node(p, SEARCH_ALL); /* every text has an empty string in it */
	if (p->fuzzy > 0 && needle.n > 0)
		return new_fuzzy(p, kind, field, needle);
	return new_exact(p, kind, field, needle);
}

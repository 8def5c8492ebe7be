#include "imapd/search_index.h"

#include "common/base/clock.h"
#include "common/mail/charset.h"
#include "search/words.h"

/* What a segment says of one key. */
struct slot_answer {
	bool asked;
	enum { BY_WORDS, BY_FACTS } by;
	enum fact_text text; /* BY_FACTS: what was looked in; FACT__TEXTS: none */
	bool exact; /* a bit means that the message matches, else that it may */
	uint64_t *bits; /* NULL: nothing */
	struct words_answer words; /* while they are being asked */
	struct words_unknown unknown; /* BY_WORDS */
};

enum err
search_index_begin(struct search_index *x, const struct search_program *p, bool wants_facts,
    struct indexer *indexer, struct account *a)
{
	*x = (struct search_index){.p = p, .indexer = indexer, .account = a};
	if (!indexer || (p->slot_count == 0 && !p->needs_row && !wants_facts))
		return ERR_OK;
	enum err e = indexer_segments(indexer, a, &x->set);
	if (e)
		return e == ERR_NOMEM ? e : ERR_OK;
	size_t n = segments_count(x->set);
	// NOLINTNEXTLINE(bugprone-sizeof-expression): its elements are pointers
	x->answers = calloc(n + 1, sizeof(x->answers[0]));
	x->tables = calloc(n + 1, sizeof(x->tables[0]));
	if (!x->answers || !x->tables)
		return ERR_NOMEM;
	for (size_t i = 0; i < n; i++)
		facts_table_open(segments_at(x->set, i), &x->tables[i]);
	return ERR_OK;
}

static void
answer_done(struct slot_answer *a)
{
	free(a->bits);
	words_answer_done(&a->words);
}

void
search_index_done(struct search_index *x)
{
	for (size_t i = 0; x->answers && i < segments_count(x->set); i++) {
		for (size_t k = 0; x->answers[i] && k < x->p->slot_count; k++)
			answer_done(&x->answers[i][k]);
		free(x->answers[i]);
	}
	free(x->answers);
	free(x->tables);
	segments_unref(&x->set);
	*x = (struct search_index){0};
}

static enum err
ask_words(
    const struct search_node *n, const struct segment *s, int64_t until_ms, struct slot_answer *ret)
{
	CLEANUP(sbuf_done) struct sbuf name = SBUF_INIT(SIZE_MAX / 2);
	struct words_query q = {.needle = n->needle, .places = WORD_ANYWHERE};

	if (n->kind == SEARCH_BODY)
		q.places = WORD_BODY;
	if (n->kind == SEARCH_HEADER) {
		q.places = word_place_of(n->field);
		if (q.places == WORD_TOP || n->needle.n == 0) {
			text_fold(n->field, &name);
			q.name = sbuf_view(&name);
		}
	}
	enum err e = sbuf_error(&name) ? ERR_NOMEM : words_ask(s, &q, until_ms, &ret->words);
	ret->asked = !e && ret->words.done;
	if (!ret->asked)
		return e;
	words_unknown_of(s, &ret->unknown);
	ret->exact = ret->words.exact;
	ret->bits = MOVE_PTR(ret->words.bits);
	return ERR_OK;
}

/* The text of facts that a key looks in, or FACT__TEXTS. */
static enum fact_text
fact_text_of(const struct search_node *n)
{
	static const char *const fields[FACT__SEARCHED] = {
	    [FACT_SUBJECT] = "Subject",
	    [FACT_FROM] = "From",
	    [FACT_TO] = "To",
	    [FACT_CC] = "Cc",
	    [FACT_BCC] = "Bcc",
	};

	for (size_t i = 0; n->kind == SEARCH_HEADER && i < FACT__SEARCHED; i++)
		if (str_eq_nocase(n->field, str_of(fields[i])))
			return (enum fact_text)i;
	return FACT__TEXTS;
}

static void
find_sent(const struct search_node *n, const struct facts_table *t, uint64_t *bits)
{
	for (uint32_t i = 0; i < t->n; i++) {
		const struct fact_row *r = &t->rows[i];
		if ((r->flags & FACT_HAS_SENT) && search_relates(r->sent_day, n->relation, n->day))
			bits[i >> 6] |= (uint64_t)1 << (i & 63);
	}
}

/* Facts answer any string exactly; the words of whole messages not all of them. Not asked yet when
 * the time is up. */
static enum err
ask(const struct search_node *n, const struct segment *s, const struct facts_table *t,
    int64_t until_ms, struct slot_answer *ret)
{
	ret->text = fact_text_of(n);
	if (n->kind != SEARCH_SENT && (t->n == 0 || ret->text == FACT__TEXTS))
		return ask_words(n, s, until_ms, ret);
	ret->asked = true;
	if (t->n == 0)
		return ERR_OK;
	ret->bits = calloc(t->n / 64 + 1, sizeof(ret->bits[0]));
	if (!ret->bits)
		return ERR_NOMEM;
	ret->by = BY_FACTS;
	ret->exact = true;
	if (n->kind == SEARCH_SENT)
		find_sent(n, t, ret->bits);
	else
		facts_table_find(t, ret->text, n->needle, ret->bits);
	return ERR_OK;
}

/* All keys of a segment; false when the time is up. */
static enum err
ask_all(struct search_index *x, size_t segment, int64_t until_ms, bool *ret_all)
{
	struct slot_answer *answers = x->answers[segment];

	if (!answers) {
		answers = calloc(x->p->slot_count, sizeof(answers[0]));
		if (!answers)
			return ERR_NOMEM;
		x->answers[segment] = answers;
	}
	*ret_all = answers[x->p->slot_count - 1].asked;
	for (size_t i = 0; i < x->p->slot_count && !*ret_all; i++) {
		if (answers[i].asked)
			continue;
		enum err e = ask(x->p->slots[i], segments_at(x->set, segment), &x->tables[segment],
		    until_ms, &answers[i]);
		if (e)
			return e;
		*ret_all = answers[i].asked && i + 1 == x->p->slot_count;
		if (!answers[i].asked || clock_mono_ms() >= until_ms)
			break;
	}
	return ERR_OK;
}

/* The segment knows of this message what the answer is about. */
static bool
is_known(const struct search_index *x, const struct slot_answer *a)
{
	const struct facts_table *t = &x->tables[x->place.segment];
	uint32_t ordinal = x->place.ordinal;

	if (!a->bits)
		return false;
	if (a->by == BY_WORDS)
		return !words_are_unknown(&a->unknown, ordinal);
	return a->text == FACT__TEXTS ? facts_table_covers(t, ordinal)
				      : facts_table_has_text(t, a->text, ordinal);
}

/* Reading a few is cheaper than indexing them. */
static void
miss(struct search_index *x)
{
	if (!x->indexer || ++x->missed < INDEXER_MESSAGES_MIN)
		return;
	indexer_hurry(x->indexer, x->account);
	x->indexer = NULL;
}

enum err
search_index_fill(
    struct search_index *x, int64_t message, enum match *slots, int64_t until_ms, bool *ret_filled)
{
	*ret_filled = true;
	if (x->p->slot_count == 0)
		return ERR_OK;
	if (!x->set || !segments_find(x->set, message, &x->place)) {
		miss(x);
		return ERR_OK;
	}
	enum err e = ask_all(x, x->place.segment, until_ms, ret_filled);
	if (e || !*ret_filled)
		return e;
	uint32_t ordinal = x->place.ordinal;
	const struct slot_answer *answers = x->answers[x->place.segment];
	for (size_t i = 0; i < x->p->slot_count; i++) {
		if (!is_known(x, &answers[i]))
			continue;
		if (!(answers[i].bits[ordinal >> 6] >> (ordinal & 63) & 1))
			slots[i] = MATCH_NO;
		else if (answers[i].exact)
			slots[i] = MATCH_YES;
	}
	return ERR_OK;
}

bool
search_index_facts(struct search_index *x, int64_t message, size_t *ret_table, uint32_t *ret_row)
{
	if (!x->set || !segments_find(x->set, message, &x->place)) {
		miss(x);
		return false;
	}
	*ret_table = x->place.segment;
	*ret_row = x->place.ordinal;
	return facts_table_covers(&x->tables[*ret_table], *ret_row);
}

const struct message_row *
search_index_row(struct search_index *x, int64_t message)
{
	size_t table;
	uint32_t row;

	if (!search_index_facts(x, message, &table, &row))
		return NULL;
	const struct fact_row *f = &x->tables[table].rows[row];
	x->row = (struct message_row){
	    .id = message,
	    .size = f->size,
	    .internal_s = f->internal_s,
	    .internal_zone_s = f->internal_zone_s,
	};
	return &x->row;
}

#include "imapd/search_index.h"

#include "common/base/clock.h"
#include "common/mail/charset.h"
#include "search/words.h"

/* What a segment says of one key. */
struct slot_answer {
	bool asked;
	bool exact; /* a bit means that the message matches, else that it may */
	uint64_t *bits; /* NULL: nothing */
};

enum err
search_index_begin(struct search_index *x, const struct search_program *p, struct indexer *indexer,
    struct account *a)
{
	*x = (struct search_index){.p = p};
	if (!indexer || p->slot_count == 0)
		return ERR_OK;
	enum err e = indexer_segments(indexer, a, &x->set);
	if (e)
		return e == ERR_NOMEM ? e : ERR_OK;
	x->answers = calloc(segments_count(x->set) + 1, sizeof(x->answers[0]));
	return x->answers ? ERR_OK : ERR_NOMEM;
}

void
search_index_done(struct search_index *x)
{
	for (size_t i = 0; x->answers && i < segments_count(x->set); i++) {
		for (size_t k = 0; x->answers[i] && k < x->p->slot_count; k++)
			free(x->answers[i][k].bits);
		free(x->answers[i]);
	}
	free(x->answers);
	segments_unref(&x->set);
	*x = (struct search_index){0};
}

static enum err
ask(const struct search_node *n, const struct segment *s, struct slot_answer *ret)
{
	CLEANUP(sbuf_done) struct sbuf name = SBUF_INIT(SIZE_MAX / 2);
	struct words_query q = {.needle = n->needle, .places = WORD_ANYWHERE};

	ret->asked = true;
	if (n->kind == SEARCH_SENT)
		return ERR_OK;
	if (n->kind == SEARCH_BODY)
		q.places = WORD_BODY;
	if (n->kind == SEARCH_HEADER) {
		q.places = word_place_of(n->field);
		if (q.places == WORD_TOP || n->needle.n == 0) {
			text_fold(n->field, &name);
			q.name = sbuf_view(&name);
		}
	}
	return sbuf_error(&name) ? ERR_NOMEM : words_ask(s, &q, &ret->bits, &ret->exact);
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
		enum err e = ask(x->p->slots[i], segments_at(x->set, segment), &answers[i]);
		if (e)
			return e;
		*ret_all = i + 1 == x->p->slot_count;
		if (clock_mono_ms() >= until_ms)
			break;
	}
	return ERR_OK;
}

enum err
search_index_fill(
    struct search_index *x, int64_t message, enum match *slots, int64_t until_ms, bool *ret_filled)
{
	*ret_filled = true;
	if (!x->set || !segments_find(x->set, message, &x->place))
		return ERR_OK;
	enum err e = ask_all(x, x->place.segment, until_ms, ret_filled);
	if (e || !*ret_filled)
		return e;
	uint32_t ordinal = x->place.ordinal;
	if (words_are_unknown(segments_at(x->set, x->place.segment), ordinal))
		return ERR_OK;
	const struct slot_answer *answers = x->answers[x->place.segment];
	for (size_t i = 0; i < x->p->slot_count; i++) {
		if (!answers[i].bits)
			continue;
		if (!(answers[i].bits[ordinal >> 6] >> (ordinal & 63) & 1))
			slots[i] = MATCH_NO;
		else if (answers[i].exact)
			slots[i] = MATCH_YES;
	}
	return ERR_OK;
}

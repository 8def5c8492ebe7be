#include "imapd/sort_items.h"

#define RUN 16 /* sorted by insertion before runs are merged */
#define ITEMS_FIRST 256

/* -- keys ----------------------------------------------------------------------------------- */

/* FACT__TEXTS for a key that is a number. */
static enum fact_text
text_of_key(enum sort_key key)
{
	switch (key) {
	case SORT_CC:
		return FACT_CC_MAILBOX;
	case SORT_DISPLAYFROM:
		return FACT_FROM_NAME;
	case SORT_DISPLAYTO:
		return FACT_TO_NAME;
	case SORT_FROM:
		return FACT_FROM_MAILBOX;
	case SORT_SUBJECT:
		return FACT_BASE_SUBJECT;
	case SORT_TO:
		return FACT_TO_MAILBOX;
	case SORT_ARRIVAL:
	case SORT_DATE:
	case SORT_RELEVANCY:
	case SORT_SIZE:
	case SORT__KEYS:
		break;
	}
	return FACT__TEXTS;
}

/* Signed numbers in the order of unsigned ones; the most relevant first. */
static uint64_t
key_of_number(enum sort_key key, int64_t sent_s, int64_t internal_s, uint64_t size, unsigned score)
{
	if (key == SORT_SIZE)
		return size;
	if (key == SORT_RELEVANCY)
		return UINT8_MAX - score;
	return (uint64_t)(key == SORT_DATE ? sent_s : internal_s) ^ (uint64_t)1 << 63;
}

static size_t
text_criteria(const struct sort_items *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->program.n; i++)
		n += text_of_key(s->program.criteria[i].key) != FACT__TEXTS;
	return n;
}

unsigned
sort_items_want(const struct sort_program *p)
{
	unsigned want = 0;

	for (size_t i = 0; i < p->n; i++) {
		enum sort_key key = p->criteria[i].key;
		if (key == SORT_DATE)
			want |= FACTS_SENT;
		else if (key == SORT_SUBJECT)
			want |= FACTS_SUBJECT;
		else if (text_of_key(key) != FACT__TEXTS)
			want |= FACTS_ADDRESSES;
	}
	return want;
}

/* The text that a message has for the criterion `c`. */
static struct str
text_of(const struct sort_items *s, const struct sort_item *item, size_t c)
{
	uint32_t row = s->rows[item->index];

	if (item->table)
		return facts_table_text(
		    &s->tables[item->table - 1], text_of_key(s->program.criteria[c].key), row);
	size_t before = 0;
	for (size_t i = 0; i < c; i++)
		before += text_of_key(s->program.criteria[i].key) != FACT__TEXTS;
	return s->own[row + before];
}

/* -- adding --------------------------------------------------------------------------------- */

static bool
grow(void *array, size_t cap, size_t size)
{
	void **p = array;
	void *grown = reallocarray(*p, cap, size);

	if (grown)
		*p = grown;
	return grown;
}

static enum err
make_room(struct sort_items *s)
{
	size_t cap = s->cap ? 2 * s->cap : ITEMS_FIRST;
	size_t more = s->program.n - 1;

	if (s->n < s->cap)
		return ERR_OK;
	if (cap > UINT32_MAX)
		return ERR_LIMIT;
	if (!grow(&s->items, cap, sizeof(s->items[0])) ||
	    !grow(&s->numbers, cap, sizeof(s->numbers[0])) ||
	    !grow(&s->scores, cap, sizeof(s->scores[0])) ||
	    !grow(&s->rows, cap, sizeof(s->rows[0])) ||
	    (more && !grow(&s->more, cap, more * sizeof(s->more[0]))))
		return ERR_NOMEM;
	s->cap = cap;
	return ERR_OK;
}

static void
set_key(struct sort_items *s, size_t c, uint64_t key)
{
	/* only where keys are compared: what is 0 in all is equal in all */
	if (s->program.criteria[c].reverse)
		key = ~key;
	if (c == 0)
		s->items[s->n].key = key;
	else
		s->more[s->n * (s->program.n - 1) + c - 1] = key;
}

/* As a number that is in order as the octets are. */
static uint64_t
start_of(struct str text)
{
	uint64_t start = 0;

	for (size_t i = 0; i < 8; i++)
		start = start << 8 | (i < text.n ? (unsigned char)text.p[i] : 0);
	return start;
}

static void
end_item(struct sort_items *s, uint32_t number, unsigned score, uint32_t table, uint32_t row)
{
	s->items[s->n].index = (uint32_t)s->n;
	s->items[s->n].table = table;
	s->numbers[s->n] = number;
	s->scores[s->n] = (uint8_t)score;
	s->rows[s->n] = row;
	s->items[s->n].start = text_of_key(s->program.criteria[0].key) != FACT__TEXTS
				   ? start_of(text_of(s, &s->items[s->n], 0))
				   : 0;
	s->n++;
}

enum err
sort_items_add_row(
    struct sort_items *s, uint32_t number, unsigned score, uint32_t table, uint32_t row)
{
	const struct facts_table *t = &s->tables[table - 1];
	enum err e = make_room(s);

	if (e)
		return e;
	for (size_t c = 0; c < s->program.n; c++) {
		enum sort_key key = s->program.criteria[c].key;
		enum fact_text text = text_of_key(key);
		if (text != FACT__TEXTS) {
			set_key(s, c, facts_table_rank(t, text, row));
		} else {
			const struct fact_row *f = &t->rows[row];
			set_key(s, c, key_of_number(key, f->sent_s, f->internal_s, f->size, score));
		}
	}
	end_item(s, number, score, table, row);
	return ERR_OK;
}

static enum err
make_room_for_texts(struct sort_items *s, size_t n)
{
	if (!s->texts && !(s->texts = arena_new(SORT_TEXTS_MAX)))
		return ERR_NOMEM;
	if (s->own_n + n <= s->own_cap)
		return ERR_OK;
	size_t cap = s->own_cap ? 2 * s->own_cap : ITEMS_FIRST;
	if (cap > UINT32_MAX)
		return ERR_LIMIT;
	if (!grow(&s->own, cap, sizeof(s->own[0])))
		return ERR_NOMEM;
	s->own_cap = cap;
	return ERR_OK;
}

enum err
sort_items_add(struct sort_items *s, uint32_t number, unsigned score, const struct facts *f)
{
	size_t first = s->own_n;
	enum err e = make_room(s);

	if (!e)
		e = make_room_for_texts(s, text_criteria(s));
	if (e)
		return e;
	for (size_t c = 0; c < s->program.n; c++) {
		enum sort_key key = s->program.criteria[c].key;
		enum fact_text text = text_of_key(key);
		if (text == FACT__TEXTS) {
			set_key(s, c, key_of_number(key, f->sent_s, f->internal_s, f->size, score));
			continue;
		}
		set_key(s, c, 0);
		s->own[s->own_n] = arena_dup(s->texts, f->texts[text]);
		if (!s->own[s->own_n++].p)
			return ERR_LIMIT;
	}
	end_item(s, number, score, 0, (uint32_t)first);
	return ERR_OK;
}

/* -- sorting -------------------------------------------------------------------------------- */

static int
compare_numbers(uint64_t a, uint64_t b)
{
	return (a > b) - (a < b);
}

static int
compare_texts(
    const struct sort_items *s, const struct sort_item *a, const struct sort_item *b, size_t c)
{
	int order = str_cmp(text_of(s, a, c), text_of(s, b, c));

	return s->program.criteria[c].reverse ? -order : order;
}

/* Keys decide between numbers, and between ranks of one table. */
static bool
keys_decide(
    const struct sort_items *s, const struct sort_item *a, const struct sort_item *b, size_t c)
{
	return (a->table == b->table && a->table != 0) ||
	       text_of_key(s->program.criteria[c].key) == FACT__TEXTS;
}

/* By the criteria behind the first. */
static int
compare_more(const struct sort_items *s, const struct sort_item *a, const struct sort_item *b)
{
	size_t more = s->program.n - 1;

	for (size_t c = 1; c <= more; c++) {
		int order = keys_decide(s, a, b, c)
				? compare_numbers(s->more[a->index * more + c - 1],
				      s->more[b->index * more + c - 1])
				: compare_texts(s, a, b, c);
		if (order != 0)
			return order;
	}
	return 0;
}

/* The same by the first criterion: mostly a few octets decide. */
static int
compare_first_texts(
    const struct sort_items *s, const struct sort_item *a, const struct sort_item *b)
{
	int order = compare_numbers(a->start, b->start);

	if (order == 0)
		return compare_texts(s, a, b, 0);
	return s->program.criteria[0].reverse ? -order : order;
}

/* Does `b`, which stands behind `a`, belong before it? RFC 5256 §3: what is equal stays in the
 * order of the mailbox. */
static bool
is_before(const struct sort_items *s, const struct sort_item *b, const struct sort_item *a)
{
	int order = keys_decide(s, a, b, 0) ? compare_numbers(b->key, a->key)
					    : compare_first_texts(s, b, a);

	return order ? order < 0 : s->program.n > 1 && compare_more(s, b, a) < 0;
}

static void
sort_run(const struct sort_items *s, struct sort_item *items, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct sort_item item = items[i];
		size_t at = i;
		for (; at > 0 && is_before(s, &item, &items[at - 1]); at--)
			items[at] = items[at - 1];
		items[at] = item;
	}
}

/* Makes the first runs, `most` items of them. */
static void
make_runs(struct sort_items *s, size_t most)
{
	size_t end = s->n - s->at > most ? s->at + most : s->n;

	for (; s->at < end; s->at += RUN)
		sort_run(s, s->items + s->at, s->n - s->at < RUN ? s->n - s->at : RUN);
	if (s->at < s->n)
		return;
	s->at = 0;
	s->width = RUN;
}

/* Merges runs of this round, `most` items of them. */
static void
merge_runs(struct sort_items *s, size_t most)
{
	size_t stop = s->n - s->at > most ? s->at + most : s->n;

	while (s->at < stop) {
		size_t from = s->at / (2 * s->width) * (2 * s->width);
		size_t middle = s->n - from > s->width ? from + s->width : s->n;
		size_t end = s->n - middle > s->width ? middle + s->width : s->n;
		if (s->at == from) {
			s->a = from;
			s->b = middle;
		}
		for (; s->at < end && s->at < stop; s->at++) {
			bool take_b = s->a == middle || (s->b < end && is_before(s, &s->items[s->b],
									   &s->items[s->a]));
			s->spare[s->at] = s->items[take_b ? s->b++ : s->a++];
		}
	}
	if (s->at < s->n)
		return;
	struct sort_item *sorted = s->spare;
	s->spare = s->items;
	s->items = sorted;
	s->at = 0;
	s->width *= 2;
}

enum err
sort_items_step(struct sort_items *s, bool *ret_done)
{
	*ret_done = false;
	if (s->width == 0) {
		s->spare = reallocarray(NULL, s->n ? s->n : 1, sizeof(s->spare[0]));
		s->width = 1;
		return s->spare ? ERR_OK : ERR_NOMEM;
	}
	if (s->width == 1)
		make_runs(s, SORT_STEP);
	else if (s->width < s->n)
		merge_runs(s, SORT_STEP);
	*ret_done = s->width > 1 && s->width >= s->n;
	return ERR_OK;
}

uint32_t
sort_items_number(const struct sort_items *s, size_t i)
{
	return s->numbers[s->items[i].index];
}

unsigned
sort_items_score(const struct sort_items *s, size_t i)
{
	return s->scores[s->items[i].index];
}

void
sort_items_done(struct sort_items *s)
{
	mem_free(&s->items);
	mem_free(&s->spare);
	mem_free(&s->numbers);
	mem_free(&s->scores);
	mem_free(&s->rows);
	mem_free(&s->more);
	mem_free(&s->own);
	arena_free(&s->texts);
}

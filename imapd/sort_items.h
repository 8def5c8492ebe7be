/* imapd/sort_items.h - messages put in the order of sort criteria, a bounded piece of work at a
 * time. Pure.
 *
 * A merge sort over small items. Messages of one facts_table compare by the ranks it has; only
 * where two tables meet, or messages without one, are texts compared.
 */
#ifndef IMAPD_SORT_ITEMS_H
#define IMAPD_SORT_ITEMS_H

#include "imapd/sort_parse.h"
#include "search/facts_table.h"

#define SORT_TEXTS_MAX                                                                             \
	(64 * 1024 * 1024) /* octets of keys of messages without a table: ERR_LIMIT */

struct sort_item {
	uint64_t key; /* of the first criterion */
	uint64_t start; /* of its text: the first eight octets decide most comparisons */
	uint32_t index; /* in the order of adding */
	uint32_t table; /* 0: none */
};

struct sort_items {
	struct sort_program program;
	const struct facts_table *tables; /* a message of tables[i] says i + 1 */
	struct sort_item *items;
	struct sort_item *spare; /* where the next round of merging goes */
	size_t n, cap;
	/* by index */
	uint32_t *numbers;
	uint8_t *scores; /* search_score.h */
	uint32_t *rows; /* in its table, or in `own` */
	uint64_t *more; /* program.n - 1 keys */
	/* keys of messages without a table: as many for each as there are text criteria */
	struct str *own;
	size_t own_n, own_cap;
	struct arena *texts;
	/* sorting */
	size_t width; /* of the runs that are in order; 0: not begun, 1: they are being made */
	size_t at; /* done so far in this round */
	size_t a, b; /* next of the two runs that are being merged */
};

/* enum facts_want of a program. */
unsigned sort_items_want(const struct sort_program *p);

/* All zero but for `program` and `tables` before the first message. What sorts first is added first
 * where all else is equal. ERR_NOMEM, ERR_LIMIT. */
NODISCARD enum err sort_items_add_row(
    struct sort_items *s, uint32_t number, unsigned score, uint32_t table, uint32_t row);
/* A message that is in no table; sort_items_want(). */
NODISCARD enum err sort_items_add(
    struct sort_items *s, uint32_t number, unsigned score, const struct facts *f);

/* Does some of the sorting; true when all are in order. */
#define SORT_STEP 16384 /* items moved: about a millisecond */
NODISCARD enum err sort_items_step(struct sort_items *s, bool *ret_done);
/* Number and score of the i-th in order. */
uint32_t sort_items_number(const struct sort_items *s, size_t i);
unsigned sort_items_score(const struct sort_items *s, size_t i);
void sort_items_done(struct sort_items *s);

#endif

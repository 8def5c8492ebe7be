/* imapd/sort_parse.h - the sort criteria of a SORT (RFC 5256 §3, BASE.6.4.SORT; RFC 5957 §4; RFC
 * 6203 §6). Pure.
 */
#ifndef IMAPD_SORT_PARSE_H
#define IMAPD_SORT_PARSE_H

#include "imapd/imap_parse.h"

enum sort_key {
	SORT_ARRIVAL,
	SORT_CC,
	SORT_DATE,
	SORT_DISPLAYFROM,
	SORT_DISPLAYTO,
	SORT_FROM,
	SORT_RELEVANCY, /* RFC 6203 §6 */
	SORT_SIZE,
	SORT_SUBJECT,
	SORT_TO,
	SORT__KEYS,
};

struct sort_criterion {
	enum sort_key key;
	bool reverse;
};

struct sort_program {
	struct sort_criterion criteria[SORT__KEYS];
	size_t n;
};

/* "(" criterion *(SP criterion) ")". A key that comes again decides nothing and is left out. */
void sort_parse(struct imap_args *a, struct sort_program *ret);
bool sort_has(const struct sort_program *p, enum sort_key key);

#endif

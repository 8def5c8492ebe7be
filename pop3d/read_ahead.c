#include "pop3d/read_ahead.h"

#include <stdlib.h>

void
read_ahead_drop(struct read_ahead *a)
{
	free(a->octets);
	*a = (struct read_ahead){.run = a->run};
}

bool
read_ahead_take(struct read_ahead *a, uint32_t seq, struct str *ret_header, struct str *ret_body)
{
	while (a->at < a->n && a->first < seq) {
		a->used += a->item[a->at].header_n + a->item[a->at].body_n;
		a->at++;
		a->first++;
	}
	if (a->at == a->n || a->first != seq) {
		read_ahead_drop(a);
		return false;
	}
	const char *p = a->octets + a->used;
	*ret_header = str_make(p, a->item[a->at].header_n);
	*ret_body = str_make(p + ret_header->n, a->item[a->at].body_n);
	a->run = seq + 1;
	return true;
}

/* Puts one more message at the end; false ends the filling. */
static bool
hold(struct read_ahead *a, const struct maildrop *drop, struct reader *r, size_t *used)
{
	const struct view_entry *entry;
	struct str header;
	struct str body;

	if (a->n == READ_AHEAD_MESSAGES_MAX ||
	    maildrop_entry(drop, a->first + (uint32_t)a->n, &entry) ||
	    entry->size > READ_AHEAD_OCTETS_MAX - *used ||
	    reader_octets(r, entry->message, entry->size, &header, &body) || !header.p)
		return false;
	memcpy(a->octets + *used, header.p, header.n);
	*used += header.n;
	if (body.n)
		memcpy(a->octets + *used, body.p, body.n);
	*used += body.n;
	a->item[a->n].header_n = (uint32_t)header.n;
	a->item[a->n].body_n = (uint32_t)body.n;
	a->n++;
	return true;
}

void
read_ahead_fill(struct read_ahead *a, const struct maildrop *drop, struct reader *r, uint32_t seq)
{
	bool is_run = seq == a->run;
	size_t used = 0;

	a->run = seq + 1;
	read_ahead_drop(a);
	if (!is_run || seq >= maildrop_count(drop) || !(a->octets = malloc(READ_AHEAD_OCTETS_MAX)))
		return;
	a->first = seq + 1;
	while (hold(a, drop, r, &used))
		;
	if (a->n == 0)
		read_ahead_drop(a);
}

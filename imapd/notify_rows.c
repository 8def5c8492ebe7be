/* The listed mailboxes by account and id. */
#include "imapd/notify_private.h"

#include <stdlib.h>

static int
compare_ids(const struct list_row *row, int64_t account, int64_t id)
{
	int64_t a = account_id(row->folder.account), b = row->folder.info.id;

	return a != account ? (a > account) - (a < account) : (b > id) - (b < id);
}

static int
compare_rows(const void *a, const void *b)
{
	const struct list_row *y = *(struct list_row *const *)b;

	return compare_ids(
	    *(struct list_row *const *)a, account_id(y->folder.account), y->folder.info.id);
}

enum err
notify_rows_index(const struct list_rows *rows, struct notify_rows *ret)
{
	struct list_row **row = calloc(rows->n ? rows->n : 1, sizeof(struct list_row *));

	if (!row)
		return ERR_NOMEM;
	*ret = (struct notify_rows){.row = row};
	for (size_t i = 0; i < rows->n; i++)
		if (rows->row[i].folder.info.id)
			row[ret->n++] = &rows->row[i];
	qsort(row, ret->n, sizeof(struct list_row *), compare_rows);
	return ERR_OK;
}

void
notify_rows_done(struct notify_rows *r)
{
	free(r->row);
}

struct list_row *
notify_rows_find(const struct notify_rows *r, int64_t account, int64_t id)
{
	size_t lo = 0, hi = id ? r->n : 0;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = compare_ids(r->row[mid], account, id);
		if (order == 0)
			return r->row[mid];
		if (order < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

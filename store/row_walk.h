/* store/row_walk.h - rows of one table, looked up by ascending id: the statement is stepped from
 * one to the next where that is nearer than looking for each from the root.
 *
 * Belongs to a reader, within its consistent read.
 */
#ifndef STORE_ROW_WALK_H
#define STORE_ROW_WALK_H

#include "store/db.h"

struct row_walk {
	struct stmt *st; /* NULL: not begun; its columns are those of row `at` */
	int64_t from, at; /* there is no row in [from, at) */
};

#define ROW_WALK_END INT64_MAX /* `at` behind the last row */

/* Moves to row `id`. `sql` is the same each time until row_walk_end(): a query whose first column
 * is the id, "WHERE id >= ?1 ORDER BY id". */
NODISCARD enum err row_walk_to(
    struct row_walk *w, struct db *db, const char *sql, int64_t id, bool *ret_found);
void row_walk_end(struct row_walk *w);

#endif

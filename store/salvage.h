/* store/salvage.h - what can still be read of a damaged mail.db, row by row, without SQLite: every
 * page that holds rows is looked at, whether or not a tree still leads to it. Only for store/.
 *
 * The file is as the write-ahead log leaves it: committed frames are read in place of its pages.
 * Rows come table by table as far as trees lead to them; those of other pages come last, and are
 * told by their shape. A row may come twice: the first is the better one. Nothing is believed: a
 * cell that does not fit its page is passed over. Format: https://www.sqlite.org/fileformat2.html
 */
#ifndef STORE_SALVAGE_H
#define STORE_SALVAGE_H

#include "common/base/cleanup.h"
#include "common/base/err.h"
#include "common/base/str.h"

#define SALVAGE_COLUMNS_MAX 16

struct salvage_value {
	enum { SALVAGE_NULL, SALVAGE_INT, SALVAGE_TEXT, SALVAGE_BLOB } type;
	int64_t i;
	struct str s;
};

struct salvage_row {
	struct str table; /* empty: told by nothing but its shape */
	bool keyed; /* it has a rowid */
	int64_t rowid;
	size_t n;
	struct salvage_value v[SALVAGE_COLUMNS_MAX];
};

struct salvage;

/* `wal` may be NULL. ERR_NOMEM, ERR_IO, ERR_CANNOT: pages of another size than the store's. The
 * octets must live until salvage_close(). */
NODISCARD enum err salvage_open(struct str file, struct str wal, struct salvage **ret);
void salvage_close(struct salvage **s);
/* Of the schema, as the header has it; -1 where it can't be read. */
int64_t salvage_version(const struct salvage *s);
/* Calls `row` for each; what it is given lives as long as the call. Ends with its first error. */
typedef enum err salvage_row_fn(const struct salvage_row *row, void *arg);
NODISCARD enum err salvage_rows(struct salvage *s, salvage_row_fn *row, void *arg);

#endif

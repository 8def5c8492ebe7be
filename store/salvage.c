#include "store/salvage.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define HEADER 100u
#define WAL_HEADER 32u
#define FRAME_HEADER 24u
#define DEPTH_MAX 20
#define ROOTS_MAX 64
#define ROW_MAX (256u << 20) /* octets of one row */

enum { TABLE_LEAF = 0x0d, TABLE_INNER = 0x05, INDEX_LEAF = 0x0a, INDEX_INNER = 0x02 };

struct root {
	char table[40];
	uint32_t page;
};

struct salvage {
	struct str file, wal;
	uint32_t pages;
	uint32_t usable; /* octets of a page */
	uint32_t *frame; /* by page: 1 + the octet in `wal` where it stands, 0 none */
	unsigned char *seen; /* by page: a tree led to it, or it is free or overflow */
	struct root roots[ROOTS_MAX];
	size_t root_count;
	char *row; /* the payload of a row that has overflow pages */
	size_t row_cap;
	salvage_row_fn *fn;
	void *arg;
};

static uint32_t
u32(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint32_t
u16(const char *p)
{
	return (uint32_t)(unsigned char)p[0] << 8 | (unsigned char)p[1];
}

/* Pages count from 1. NULL: there is no such page. */
static const char *
page_at(const struct salvage *s, uint32_t n)
{
	if (n == 0 || n > s->pages)
		return NULL;
	if (s->frame[n])
		return s->wal.p + s->frame[n] - 1;
	return (uint64_t)n * PAGE <= s->file.n ? s->file.p + (uint64_t)(n - 1) * PAGE : NULL;
}

/* A varint at p[*at]; false at the end. */
static bool
varint(struct str from, size_t *at, uint64_t *ret)
{
	uint64_t v = 0;

	for (int i = 0; i < 9; i++) {
		if (*at >= from.n)
			return false;
		unsigned char c = (unsigned char)from.p[(*at)++];
		if (i == 8) {
			*ret = v << 8 | c;
			return true;
		}
		v = v << 7 | (c & 0x7f);
		if (!(c & 0x80))
			break;
	}
	*ret = v;
	return true;
}

/* -- the write-ahead log */

static void
checksum(bool big, const char *p, size_t n, uint32_t sum[2])
{
	for (size_t i = 0; i < n; i += 8) {
		uint32_t x[2];
		memcpy(x, p + i, 8);
		for (int k = 0; k < 2; k++)
			x[k] = big ? be32toh(x[k]) : le32toh(x[k]);
		sum[0] += x[0] + sum[1];
		sum[1] += x[1] + sum[0];
	}
}

/* Calls for each frame up to the end of what was committed; without `set` it finds that end. */
static size_t
walk_wal(struct salvage *s, size_t end, bool set, uint32_t *ret_pages)
{
	struct str w = s->wal;
	uint32_t sum[2] = {0, 0};
	size_t committed = 0;

	if (w.n < WAL_HEADER || (u32(w.p) & ~1u) != 0x377f0682 || u32(w.p + 8) != PAGE)
		return 0;
	bool big = u32(w.p) & 1;
	checksum(big, w.p, 24, sum);
	for (size_t at = WAL_HEADER; at + FRAME_HEADER + PAGE <= (set ? end : w.n);
	     at += FRAME_HEADER + PAGE) {
		const char *f = w.p + at;
		checksum(big, f, 8, sum);
		checksum(big, f + FRAME_HEADER, PAGE, sum);
		if (memcmp(f + 8, w.p + 16, 8) != 0 || u32(f + 16) != sum[0] ||
		    u32(f + 20) != sum[1])
			break;
		if (set && u32(f) && u32(f) <= s->pages)
			s->frame[u32(f)] = (uint32_t)(at + FRAME_HEADER) + 1;
		if (u32(f + 4)) {
			committed = at + FRAME_HEADER + PAGE;
			*ret_pages = u32(f + 4);
		}
	}
	return committed;
}

/* -- cells */

/* The payload of a cell whose local part begins at c[at]. False: it is not all there. */
static bool
payload(
    struct salvage *s, struct str c, size_t at, uint64_t size, uint32_t local_max, struct str *ret)
{
	uint32_t u = s->usable, least = (u - 12) * 32 / 255 - 23;
	uint64_t local = size;

	if (size > ROW_MAX)
		return false;
	if (size > local_max) {
		local = least + (size - least) % (u - 4);
		if (local > local_max)
			local = least;
	}
	if (at + local + (local < size ? 4 : 0) > c.n)
		return false;
	*ret = str_make(c.p + at, (size_t)local);
	if (local == size)
		return true;
	if (size > s->row_cap) {
		char *grown = realloc(s->row, (size_t)size);
		if (!grown)
			return false;
		s->row = grown;
		s->row_cap = (size_t)size;
	}
	memcpy(s->row, c.p + at, (size_t)local);
	uint32_t next = u32(c.p + at + local);
	for (size_t have = (size_t)local; have < size;) {
		const char *p = page_at(s, next);
		size_t n = size - have < u - 4 ? (size_t)size - have : u - 4;
		if (!p)
			return false;
		s->seen[next] = 1;
		memcpy(s->row + have, p + 4, n);
		have += n;
		next = u32(p);
	}
	*ret = str_make(s->row, (size_t)size);
	return true;
}

static bool
take_value(struct str rec, size_t *at, uint64_t type, struct salvage_value *v)
{
	static const unsigned char widths[] = {0, 1, 2, 3, 4, 6, 8, 8, 0, 0};
	size_t n = type < 10 ? widths[type] : type < 12 ? SIZE_MAX : (size_t)((type - 12) / 2);

	*v = (struct salvage_value){.type = type == 0   ? SALVAGE_NULL
					    : type < 10 ? SALVAGE_INT
					    : type & 1  ? SALVAGE_TEXT
							: SALVAGE_BLOB};
	if (n > rec.n - *at || type == 7) /* the store has no floating numbers */
		return false;
	v->s = str_make(rec.p + *at, n);
	if (v->type == SALVAGE_INT) {
		uint64_t x = n && (rec.p[*at] & 0x80) ? UINT64_MAX : 0;
		for (size_t i = 0; i < n; i++)
			x = x << 8 | (unsigned char)rec.p[*at + i];
		v->i = type == 9 ? 1 : (int64_t)x;
	}
	*at += n;
	return true;
}

static bool
take_record(struct str rec, struct salvage_row *row)
{
	uint64_t header, type;
	size_t at = 0;

	row->n = 0;
	if (!varint(rec, &at, &header) || header > rec.n || header < at)
		return false;
	size_t body = (size_t)header;
	while (at < header) {
		if (row->n == SALVAGE_COLUMNS_MAX || !varint(str_sub(rec, 0, header), &at, &type) ||
		    !take_value(rec, &body, type, &row->v[row->n]))
			return false;
		row->n++;
	}
	return body == rec.n;
}

/* -- pages */

/* The page as a tree has it: where its header is, kind and number of cells. */
struct node {
	struct str octets; /* usable ones */
	size_t at;
	unsigned kind;
	uint32_t cells;
};

static bool
node_at(const struct salvage *s, uint32_t n, struct node *ret)
{
	const char *p = page_at(s, n);

	if (!p)
		return false;
	size_t at = n == 1 ? HEADER : 0;
	unsigned kind = (unsigned char)p[at];
	*ret = (struct node){str_make(p, s->usable), at, kind, u16(p + at + 3)};
	size_t head = kind & 8 ? 8 : 12;
	return (kind == TABLE_LEAF || kind == TABLE_INNER || kind == INDEX_LEAF ||
		   kind == INDEX_INNER) &&
	       at + head + 2 * (size_t)ret->cells <= s->usable;
}

static size_t
cell_at(const struct node *n, uint32_t i)
{
	return u16(n->octets.p + n->at + (n->kind & 8 ? 8 : 12) + 2 * (size_t)i);
}

static enum err
give_cell(struct salvage *s, const struct node *n, uint32_t i, struct str table)
{
	struct salvage_row row = {.table = table, .keyed = n->kind == TABLE_LEAF};
	size_t at = cell_at(n, i) + (n->kind == INDEX_INNER ? 4 : 0);
	uint64_t size, key = 0;
	struct str rec;

	if (!varint(n->octets, &at, &size) || (row.keyed && !varint(n->octets, &at, &key)) ||
	    !payload(s, n->octets, at, size,
		row.keyed ? s->usable - 35 : (s->usable - 12) * 64 / 255 - 23, &rec) ||
	    !take_record(rec, &row))
		return ERR_OK;
	row.rowid = (int64_t)key;
	return s->fn(&row, s->arg);
}

/* All below page `n`. */
static enum err
// NOLINTNEXTLINE(misc-no-recursion): no deeper than DEPTH_MAX, and each page once
give_tree(struct salvage *s, uint32_t n, struct str table, int depth)
{
	struct node node;
	enum err e = ERR_OK;

	if (n == 0 || n > s->pages || s->seen[n] || depth > DEPTH_MAX || !node_at(s, n, &node))
		return ERR_OK;
	s->seen[n] = 1;
	for (uint32_t i = 0; i < node.cells && !e; i++) {
		size_t at = cell_at(&node, i);
		if (!(node.kind & 8) && at + 4 <= node.octets.n)
			e = give_tree(s, u32(node.octets.p + at), table, depth + 1);
		if (!e && node.kind != TABLE_INNER)
			e = give_cell(s, &node, i, table);
	}
	if (!e && !(node.kind & 8))
		e = give_tree(s, u32(node.octets.p + node.at + 8), table, depth + 1);
	return e;
}

/* Free pages hold what was: not to be brought back. */
static void
mark_free(struct salvage *s)
{
	const char *first = page_at(s, 1);
	uint32_t trunk = salvage_version(s) >= 0 ? u32(first + 32) : 0;

	for (uint32_t guard = 0; trunk && guard <= s->pages; guard++) {
		const char *p = page_at(s, trunk);
		if (!p || s->seen[trunk])
			return;
		s->seen[trunk] = 1;
		uint32_t n = u32(p + 4);
		for (uint32_t i = 0; i < n && 8 + 4 * i + 4 <= s->usable; i++) {
			uint32_t leaf = u32(p + 8 + 4 * (size_t)i);
			if (leaf && leaf <= s->pages)
				s->seen[leaf] = 1;
		}
		trunk = u32(p);
	}
}

/* A row of sqlite_schema: type, name, tbl_name, rootpage, sql. Tables only: indexes are derived. */
static enum err
note_root(const struct salvage_row *row, void *arg)
{
	struct salvage *s = arg;
	const struct salvage_value *v = row->v;

	if (row->n == 5 && v[0].type == SALVAGE_TEXT && v[1].type == SALVAGE_TEXT &&
	    v[3].type == SALVAGE_INT && v[3].i > 1 && v[3].i <= s->pages &&
	    s->root_count < ROOTS_MAX && v[1].s.n < sizeof(s->roots[0].table)) {
		struct root *r = &s->roots[s->root_count++];
		bool is_table = str_eq(v[0].s, STR("table"));
		memset(r, 0, sizeof(*r));
		memcpy(r->table, is_table ? v[1].s.p : "-", is_table ? v[1].s.n : 1);
		r->page = (uint32_t)v[3].i;
	}
	return ERR_OK;
}

enum err
salvage_rows(struct salvage *s, salvage_row_fn *row, void *arg)
{
	struct node node;

	memset(s->seen, 0, s->pages + 1);
	s->root_count = 0;
	s->fn = note_root;
	s->arg = s;
	enum err e = give_tree(s, 1, STR("schema"), 0);
	s->fn = row;
	s->arg = arg;
	for (size_t i = 0; i < s->root_count && !e; i++)
		e = give_tree(s, s->roots[i].page, str_of(s->roots[i].table), 0);
	mark_free(s);
	for (uint32_t n = 2; n <= s->pages && !e; n++) {
		if (s->seen[n] || !node_at(s, n, &node) || !(node.kind & 8))
			continue;
		s->seen[n] = 1;
		for (uint32_t i = 0; i < node.cells && !e; i++)
			e = give_cell(s, &node, i, STR(""));
	}
	return e;
}

/* -- open and close */

enum err
salvage_open(struct str file, struct str wal, struct salvage **ret)
{
	CLEANUP(salvage_close) struct salvage *s = calloc(1, sizeof(*s));
	uint32_t pages = (uint32_t)((file.n + PAGE - 1) / PAGE), in_wal = 0;

	if (!s)
		return ERR_NOMEM;
	if (file.n > (uint64_t)UINT32_MAX * PAGE || wal.n >= UINT32_MAX)
		return ERR_CANNOT;
	s->file = file;
	s->wal = wal;
	size_t end = walk_wal(s, 0, false, &in_wal);
	s->pages = in_wal > pages ? in_wal : pages;
	s->frame = calloc((size_t)s->pages + 1, sizeof(*s->frame));
	s->seen = calloc((size_t)s->pages + 1, 1);
	if (!s->frame || !s->seen)
		return ERR_NOMEM;
	if (end)
		walk_wal(s, end, true, &in_wal);
	s->usable = PAGE;
	*ret = MOVE_PTR(s);
	return ERR_OK;
}

void
salvage_close(struct salvage **sp)
{
	struct salvage *s = *sp;

	if (!s)
		return;
	*sp = NULL;
	free(s->frame);
	free(s->seen);
	free(s->row);
	free(s);
}

int64_t
salvage_version(const struct salvage *s)
{
	const char *p = page_at(s, 1);

	return p && memcmp(p, "SQLite format 3", 16) == 0 ? (int64_t)u32(p + 60) : -1;
}

/* store/entry_page.h - entries of a mailbox as they stand in its pages and tombstones. Pure. Only
 * for store/. Numbers are big endian.
 *
 * In a tombstone each takes the same room:
 *
 *	octets	0	4	8	16	24	32	40
 *		uid	saved_s	flags	modseq	message	size
 *
 * A page holds the entries from `low` up to the next page's, in UID order, column by column, in the
 * order above. What the entries of a page have in common is written once: first comes, for each
 * column,
 *
 *	octets	0	8	9	10
 *		base	width	step
 *
 * then the columns' numbers, `width` octets each (0 to 8). The i-th value of a column, from 0, is
 * base + step * i + number, modulo 2^64, where step is 0 or 1. So an entry of usual mail takes five
 * to fifteen octets. Zeros fill the row up, so that most new entries do not change its length: it
 *is then overwritten in place.
 */
#ifndef STORE_ENTRY_PAGE_H
#define STORE_ENTRY_PAGE_H

#include "common/base/str.h"

#include <endian.h>

#define ENTRY_OCTETS 40
#define PAGE_ENTRIES 256 /* of usual mail, also long used: its row fits into a database page */
#define PAGE_COLUMNS 6
#define COLUMN_OCTETS 10
#define PAGE_STEP 128 /* a row's length is a multiple */
#define PAGE_OCTETS 10368 /* of the longest row */
#define MAILBOX_ID_MAX INT32_MAX /* a page's key is mailbox << 32 | low */

struct entry {
	uint64_t flags;
	uint64_t modseq; /* in a tombstone: what it was before */
	int64_t message; /* 0: not known any more (tombstones of version 2) */
	uint64_t size;
	uint32_t uid;
	uint32_t saved_s;
};

struct page {
	int64_t mailbox;
	uint32_t low; /* the lowest UID it may hold */
	uint32_t n; /* 0: no page */
	struct entry e[PAGE_ENTRIES];
};

static inline void
entry_encode(const struct entry *e, char *to)
{
	uint32_t small[2] = {htobe32(e->uid), htobe32(e->saved_s)};
	uint64_t large[4] = {
	    htobe64(e->flags), htobe64(e->modseq), htobe64((uint64_t)e->message), htobe64(e->size)};

	memcpy(to, small, sizeof(small));
	memcpy(to + sizeof(small), large, sizeof(large));
}

static inline struct entry
entry_decode(const char *from)
{
	uint32_t small[2];
	uint64_t large[4];

	memcpy(small, from, sizeof(small));
	memcpy(large, from + sizeof(small), sizeof(large));
	return (struct entry){.uid = be32toh(small[0]),
	    .saved_s = be32toh(small[1]),
	    .flags = be64toh(large[0]),
	    .modseq = be64toh(large[1]),
	    .message = (int64_t)be64toh(large[2]),
	    .size = be64toh(large[3])};
}

/* The page of a row. NULL, or what is wrong with it: nothing is believed of a row that another
 * program or a broken disk may have written. */
const char *page_decode(
    int64_t key, uint64_t modseq, int64_t count, struct str octets, struct page *ret);
/* The octets of the row, in `out`. */
struct str page_encode(const struct page *p, char out[PAGE_OCTETS]);
int64_t page_key(int64_t mailbox, uint32_t low);
/* The highest of its entries'. */
uint64_t page_modseq(const struct page *p);
/* The position of the first entry with a UID >= `uid`, n if none. */
uint32_t page_position(const struct page *p, uint32_t uid);

#endif

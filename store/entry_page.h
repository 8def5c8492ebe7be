/* store/entry_page.h - entries of a mailbox as they stand in its pages and tombstones: fixed width,
 * big endian. Pure. Only for store/.
 *
 *	octets	0	4	8	16	24	32	40
 *		uid	saved_s	flags	modseq	message	size
 *
 * A page holds the entries from `low` up to the next page's, in UID order. It has room for a few
 * more, filled with zeros, so that an entry is put in without changing the row's length.
 */
#ifndef STORE_ENTRY_PAGE_H
#define STORE_ENTRY_PAGE_H

#include "common/base/str.h"

#include <endian.h>

#define ENTRY_OCTETS 40
#define PAGE_ENTRIES 96 /* with its row it just fits into a database page of 4096 octets */
#define PAGE_OCTETS ((size_t)PAGE_ENTRIES * ENTRY_OCTETS)
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

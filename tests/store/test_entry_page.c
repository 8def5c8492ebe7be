#include "common/base/cleanup.h"
#include "store/entry_page.h"
#include "tests/support/test.h"

static struct page
page_of(uint32_t n)
{
	struct page p = {.mailbox = 7, .low = 3, .n = n};

	for (uint32_t i = 0; i < n; i++)
		p.e[i] = (struct entry){.uid = 3 + 2 * i,
		    .saved_s = 0x80000000u + i,
		    .flags = 0x8000000000000001ull << (i % 3),
		    .modseq = 1000 - i,
		    .message = 0x123456789a + i,
		    .size = 0xfedcba9876543210ull};
	return p;
}

START_TEST(a_page_comes_back_as_it_was)
{
	for (uint32_t n = 1; n <= PAGE_ENTRIES; n++) {
		char octets[PAGE_OCTETS];
		struct page p = page_of(n), back;
		struct str row = page_encode(&p, octets);

		ck_assert_uint_eq(row.n, (n <= 4       ? 4u
					     : n <= 24 ? 24u
						       : PAGE_ENTRIES) *
					     ENTRY_OCTETS);
		ck_assert_uint_eq(page_modseq(&p), 1000);
		ck_assert_ptr_null(page_decode(page_key(7, 3), 1000, n, test_guarded(row), &back));
		ck_assert_int_eq(back.mailbox, 7);
		ck_assert_uint_eq(back.low, 3);
		ck_assert_uint_eq(back.n, n);
		for (uint32_t i = 0; i < n; i++)
			ck_assert_int_eq(memcmp(&back.e[i], &p.e[i], sizeof(struct entry)), 0);
	}
}
END_TEST

START_TEST(a_page_that_is_not_in_order_is_refused)
{
	enum { UID, MODSEQ, MESSAGE };
	static const struct {
		const char *what;
		int64_t key, count;
		size_t octets;
		uint64_t modseq;
		int field; /* of entry 1 */
		uint64_t value;
	} rows[] = {
	    {"no mailbox", 3, 4, 160, 1000, UID, 5},
	    {"a mailbox below zero", -1, 4, 160, 1000, UID, 5},
	    {"no entries", 7ll << 32, 0, 160, 1000, UID, 5},
	    {"fewer than none", 7ll << 32, -4, 160, 1000, UID, 5},
	    {"more than a page holds", 7ll << 32, 97, 97 * 40, 1000, UID, 5},
	    {"an absurd count", 7ll << 32, INT64_MAX, 160, 1000, UID, 5},
	    {"more than are there", 7ll << 32, 5, 160, 1000, UID, 5},
	    {"a piece of an entry missing", 7ll << 32, 4, 159, 1000, UID, 5},
	    {"nothing there", 7ll << 32, 1, 0, 1000, UID, 5},
	    {"a UID twice", 7ll << 32, 4, 160, 1000, UID, 3},
	    {"UIDs that fall", 7ll << 32, 4, 160, 1000, UID, 1},
	    {"UIDs below the page", (7ll << 32) + 4, 4, 160, 1000, UID, 5},
	    {"a UID above the next", 7ll << 32, 4, 160, 1000, UID, UINT32_MAX},
	    {"a modseq above the page's", 7ll << 32, 4, 160, 1000, MODSEQ, 1001},
	    {"no message", 7ll << 32, 4, 160, 1000, MESSAGE, 0},
	    {"a message below zero", 7ll << 32, 4, 160, 1000, MESSAGE, UINT64_MAX},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char octets[2 * PAGE_OCTETS] = {0};
		struct page p = page_of(4), back;
		struct entry *e = &p.e[1];

		if (rows[i].field == UID)
			e->uid = (uint32_t)rows[i].value;
		else if (rows[i].field == MODSEQ)
			e->modseq = rows[i].value;
		else
			e->message = (int64_t)rows[i].value;
		page_encode(&p, octets);
		ck_assert_msg(page_decode(rows[i].key, rows[i].modseq, rows[i].count,
				  test_guarded(str_make(octets, rows[i].octets)), &back) != NULL,
		    "%s", rows[i].what);
	}
	/* UID 0 is none's (RFC 3501 §9 nz-number) */
	struct page p = page_of(1), back;
	char octets[PAGE_OCTETS];
	p.low = p.e[0].uid = 0;
	ck_assert_ptr_nonnull(page_decode(page_key(7, 0), 1000, 1, page_encode(&p, octets), &back));
}
END_TEST

START_TEST(positions_are_those_of_the_next_uid)
{
	struct page p = page_of(10); /* 3 5 … 21 */

	ck_assert_uint_eq(page_position(&p, 0), 0);
	ck_assert_uint_eq(page_position(&p, 3), 0);
	ck_assert_uint_eq(page_position(&p, 4), 1);
	ck_assert_uint_eq(page_position(&p, 21), 9);
	ck_assert_uint_eq(page_position(&p, 22), 10);
	ck_assert_uint_eq(page_position(&p, UINT32_MAX), 10);
}
END_TEST

TEST_MAIN("entry_page", a_page_comes_back_as_it_was, a_page_that_is_not_in_order_is_refused,
    positions_are_those_of_the_next_uid)

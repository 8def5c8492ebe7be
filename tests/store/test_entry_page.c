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

		ck_assert_uint_eq(row.n % PAGE_STEP, 0);
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
	    {"no mailbox", 3, 4, 128, 1000, UID, 5},
	    {"a mailbox below zero", -1, 4, 128, 1000, UID, 5},
	    {"no entries", 7ll << 32, 0, 128, 1000, UID, 5},
	    {"fewer than none", 7ll << 32, -4, 128, 1000, UID, 5},
	    {"more than a page holds", 7ll << 32, 257, PAGE_OCTETS, 1000, UID, 5},
	    {"an absurd count", 7ll << 32, INT64_MAX, 128, 1000, UID, 5},
	    {"more than are there", 7ll << 32, 90, 128, 1000, UID, 5},
	    {"a piece of the heads missing", 7ll << 32, 4, 59, 1000, UID, 5},
	    {"nothing there", 7ll << 32, 1, 0, 1000, UID, 5},
	    {"a UID twice", 7ll << 32, 4, 128, 1000, UID, 3},
	    {"UIDs that fall", 7ll << 32, 4, 128, 1000, UID, 1},
	    {"UIDs below the page", (7ll << 32) + 4, 4, 128, 1000, UID, 5},
	    {"a UID above the next", 7ll << 32, 4, 128, 1000, UID, UINT32_MAX},
	    {"a modseq above the page's", 7ll << 32, 4, 128, 1000, MODSEQ, 1001},
	    {"no message", 7ll << 32, 4, 128, 1000, MESSAGE, 0},
	    {"a message below zero", 7ll << 32, 4, 128, 1000, MESSAGE, UINT64_MAX},
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

/* What the values of a column have in common is written once. */
START_TEST(a_row_is_as_long_as_its_values_differ)
{
	static const struct {
		const char *what;
		struct entry first, step; /* the i-th entry is first + i * step */
		uint32_t n;
		size_t octets; /* without what fills the row up */
	} rows[] = {
	    {"one entry", {1, 9, 1, 5000, 77, 1700000000}, {0, 0, 0, 0, 0, 0}, 1, 60},
	    {"numbered one after the other", {1, 9, 1, 5000, 77, 1700000000}, {0, 1, 1, 0, 1, 1},
		256, 60},
	    {"gaps in the UIDs", {1, 9, 1, 5000, 77, 1700000000}, {0, 1, 1, 0, 2, 1}, 200,
		60 + 200},
	    {"two octets", {1, 9, 1, 5000, 77, 1700000000}, {0, 300, 1, 0, 1, 1}, 200, 60 + 400},
	    {"values that fall", {1, 9000000, 1, 5000, 77, 1700000000},
		{0, (uint64_t)-30000, 1, 0, 1, 1}, 200, 60 + 600},
	    {"all of 64 bits", {1ull << 63, 9, 1, 5000, 77, 1700000000},
		{(1ull << 63) / 100, 9, 1, 0, 1, 1}, 100, 60 + 800 + 200},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct page p = {.mailbox = 7, .low = 3, .n = rows[i].n}, back;
		char octets[PAGE_OCTETS];
		const struct entry *f = &rows[i].first, *s = &rows[i].step;
		for (uint32_t k = 0; k < p.n; k++)
			p.e[k] = (struct entry){f->flags + k * s->flags, f->modseq + k * s->modseq,
			    f->message + k * s->message, f->size + k * s->size, f->uid + k * s->uid,
			    f->saved_s + k * s->saved_s};
		struct str row = page_encode(&p, octets);
		ck_assert_msg(row.n == (rows[i].octets + PAGE_STEP - 1) / PAGE_STEP * PAGE_STEP,
		    "%s: %zu", rows[i].what, row.n);
		row.n = rows[i].octets;
		ck_assert_msg(
		    !page_decode(page_key(7, 3), page_modseq(&p), p.n, test_guarded(row), &back),
		    "%s", rows[i].what);
		ck_assert_int_eq(memcmp(back.e, p.e, p.n * sizeof(p.e[0])), 0);
		row.n--; /* one octet less is too little */
		ck_assert_msg(page_decode(page_key(7, 3), page_modseq(&p), p.n, test_guarded(row),
				  &back) != NULL,
		    "%s", rows[i].what);
	}
}
END_TEST

START_TEST(heads_that_make_no_sense_are_refused)
{
	static const struct {
		const char *what;
		size_t at; /* octet */
		char value;
	} rows[] = {
	    {"a width of nine octets", 8, 9},
	    {"a width of 255 octets", 28, (char)255},
	    {"a step of two", 9, 2},
	    {"a base beyond the UIDs", 3, 1},
	    {"a base beyond the times", 13, 1},
	    {"a base below all messages", 40, (char)128},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct page p = page_of(4), back;
		char octets[PAGE_OCTETS];
		struct str row = page_encode(&p, octets);
		ck_assert_ptr_null(page_decode(page_key(7, 3), 1000, 4, row, &back));
		octets[rows[i].at] = rows[i].value;
		ck_assert_msg(
		    page_decode(page_key(7, 3), 1000, 4, row, &back) != NULL, "%s", rows[i].what);
	}
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
    a_row_is_as_long_as_its_values_differ, heads_that_make_no_sense_are_refused,
    positions_are_those_of_the_next_uid)

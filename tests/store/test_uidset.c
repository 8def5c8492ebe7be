#include "store/uidset.h"
#include "tests/support/test.h"

static struct arena *arena;

static struct uidset
set_of(const char *text)
{
	struct uidset s;
	struct str rest = str_of(text);
	struct str item;

	uidset_init(&s, arena);
	while (rest.n && str_split(&rest, ',', &item)) {
		struct str lo_text;
		uint32_t lo = 0, hi = 0;
		str_split(&item, ':', &lo_text);
		ck_assert(str_to_u32(lo_text, &lo));
		hi = lo;
		if (item.n)
			ck_assert(str_to_u32(item, &hi));
		ck_assert_ok(uidset_add(&s, lo, hi));
	}
	return s;
}

static void
ck_assert_prints(const struct uidset *s, const char *expected)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(100000);

	uidset_print(s, &out);
	ck_assert_str_is(sbuf_view(&out), expected);
}

START_TEST(ranges_merge_and_sort)
{
	static const struct {
		const char *in, *out;
		uint64_t count;
	} rows[] = {
	    {"", "", 0},
	    {"7", "7", 1},
	    {"1,2,3", "1:3", 3},
	    {"3,2,1", "1:3", 3},
	    {"5:1", "1:5", 5},
	    {"1:3,5:7", "1:3,5:7", 6},
	    {"1:3,4", "1:4", 4},
	    {"5:7,1:3,4", "1:7", 7},
	    {"1:10,3:4,20,2", "1:10,20", 11},
	    {"9,9,9", "9", 1},
	    {"1:4294967295", "1:4294967295", UINT32_MAX},
	    {"4294967295,4294967294", "4294967294:4294967295", 2},
	    {"4294967295,0", "0,4294967295", 2},
	    {"2:4294967295,1,4294967295", "1:4294967295", UINT32_MAX},
	};
	arena = arena_new(1 << 20);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uidset s = set_of(rows[i].in);
		uidset_normalise(&s);
		ck_assert_prints(&s, rows[i].out);
		ck_assert_uint_eq(uidset_count(&s), rows[i].count);
	}
	arena_free(&arena);
}
END_TEST

START_TEST(ascending_adds_stay_normal_and_compact)
{
	arena = arena_new(1 << 20);
	struct uidset s;
	uidset_init(&s, arena);
	for (uint32_t uid = 1; uid <= 100000; uid++)
		ck_assert_ok(uidset_add(&s, uid, uid));
	ck_assert_uint_eq(s.n, 1);
	ck_assert_prints(&s, "1:100000");
	arena_free(&arena);
}
END_TEST

START_TEST(a_full_arena_is_an_error)
{
	arena = arena_new(64);
	struct uidset s;
	enum err e = ERR_OK;
	uidset_init(&s, arena);
	for (uint32_t uid = 1; !e && uid < 1000; uid += 2)
		e = uidset_add(&s, uid, uid);
	ck_assert_int_eq(e, ERR_NOMEM);
	ck_assert(uidset_has(&s, 1)); /* what was there stays */
	arena_free(&arena);
}
END_TEST

START_TEST(random_sets_answer_like_a_bitmap)
{
	srand(7);
	for (int round = 0; round < 300; round++) {
		bool bit[200] = {false};
		uint64_t count = 0;
		arena = arena_new(1 << 20);
		struct uidset s;
		uidset_init(&s, arena);
		for (int i = 0; i < rand() % 20; i++) {
			uint32_t lo = 1 + (uint32_t)rand() % 180;
			uint32_t hi = lo + (uint32_t)rand() % 15;
			ck_assert_ok(uidset_add(&s, lo, hi));
			for (uint32_t uid = lo; uid <= hi; uid++)
				bit[uid] = true;
		}
		uidset_normalise(&s);
		for (uint32_t uid = 0; uid < 200; uid++) {
			ck_assert_int_eq(uidset_has(&s, uid), bit[uid]);
			count += bit[uid];
		}
		ck_assert_uint_eq(uidset_count(&s), count);
		for (size_t i = 1; i < s.n; i++)
			ck_assert_uint_lt(s.r[i - 1].hi + 1, s.r[i].lo);
		arena_free(&arena);
	}
}
END_TEST

TEST_MAIN("uidset", ranges_merge_and_sort, ascending_adds_stay_normal_and_compact,
    a_full_arena_is_an_error, random_sets_answer_like_a_bitmap)

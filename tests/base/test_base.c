#include "common/base/arena.h"
#include "common/base/cursor.h"
#include "common/base/sbuf.h"
#include "tests/support/test.h"

#include <stdio.h>

START_TEST(slices_compare_without_case_and_split)
{
	ck_assert(str_eq_nocase(STR("HeLo"), STR("hElO")));
	ck_assert(!str_eq_nocase(STR("helo"), STR("helo ")));
	ck_assert_int_lt(str_cmp_nocase(STR("abc"), STR("ABD")), 0);
	struct str rest = STR("a,b,,c");
	struct str part;
	char joined[16] = "";
	while (str_split(&rest, ',', &part))
		snprintf(joined + strlen(joined), sizeof(joined) - strlen(joined), "[%.*s]",
		    STR_ARG(part));
	ck_assert_str_eq(joined, "[a][b][][c]");
}
END_TEST

START_TEST(numbers_refuse_overflow_signs_and_blanks)
{
	static const struct {
		const char *text;
		bool ok;
		uint32_t value;
	} rows[] = {
	    {"0", true, 0},
	    {"4294967295", true, UINT32_MAX},
	    {"4294967296", false, 0},
	    {"", false, 0},
	    {"-1", false, 0},
	    {"+1", false, 0},
	    {" 1", false, 0},
	    {"1a", false, 0},
	    {"00012", true, 12},
	    {"99999999999999999999999", false, 0},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t value = 0;
		ck_assert_msg(
		    str_to_u32(str_of(rows[i].text), &value) == rows[i].ok, "%s", rows[i].text);
		ck_assert_uint_eq(value, rows[i].value);
	}
}
END_TEST

START_TEST(utf8_is_checked_strictly)
{
	ck_assert(str_is_utf8(STR("Gr\xc3\xbc\xc3\x9f Gott \xf0\x9f\x98\x80")));
	ck_assert(!str_is_utf8(test_guarded(STR("\xc3"))));
	ck_assert(!str_is_utf8(STR("\xc0\xaf")));
	ck_assert(!str_is_utf8(STR("\xed\xa0\x80")));
	ck_assert(!str_is_utf8(STR("\xf4\x90\x80\x80")));
	ck_assert(!str_is_utf8(STR("\xe0\x9f\xbf")));
}
END_TEST

START_TEST(ascii_is_told_from_the_rest_at_any_place)
{
	char text[100];

	memset(text, 'a', sizeof(text));
	ck_assert_uint_eq(str_ascii_run(str_make(text, 0)), 0);
	for (size_t n = 1; n <= sizeof(text); n++) {
		struct str s = test_guarded(str_make(text, n));
		ck_assert_uint_eq(str_ascii_run(s), n);
		ck_assert(str_is_ascii(s) && str_is_utf8(s));
	}
	for (size_t bad = 0; bad < sizeof(text); bad++) {
		struct str s = str_make(text, sizeof(text));
		text[bad] = '\x80';
		ck_assert_uint_eq(str_ascii_run(s), bad);
		ck_assert(!str_is_ascii(s) && !str_is_utf8(s));
		if (bad > 0) {
			text[bad - 1] = '\xc2';
			ck_assert(!str_is_ascii(s) && str_is_utf8(s));
			text[bad - 1] = 'a';
		}
		text[bad] = 'a';
	}
}
END_TEST

START_TEST(arena_stops_at_its_ceiling_and_starts_anew_after_reset)
{
	CLEANUP(arena_free) struct arena *a = arena_new(10000);
	ck_assert_ptr_nonnull(arena_alloc(a, 9000));
	ck_assert_ptr_null(arena_alloc(a, 2000));
	ck_assert(arena_failed(a));
	arena_reset(a);
	ck_assert(!arena_failed(a));
	ck_assert_str_is(arena_printf(a, "%d-%s", 7, "x"), "7-x");
	ck_assert_ptr_null(arena_alloc_array(a, SIZE_MAX / 2, 4));
}
END_TEST

START_TEST(builder_failure_sticks)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(8);
	sbuf_puts(&b, "12345");
	sbuf_u64(&b, 678);
	ck_assert_int_eq(sbuf_error(&b), ERR_OK);
	sbuf_putc(&b, '9');
	ck_assert_int_eq(sbuf_error(&b), ERR_TOO_LONG);
	ck_assert_str_is(sbuf_view(&b), "12345678");
	sbuf_clear(&b);
	sbuf_printf(&b, "%s", "abcd");
	sbuf_drop(&b, 1);
	ck_assert_str_eq(sbuf_cstr(&b), "bcd");
}
END_TEST

START_TEST(cursor_remembers_its_first_failure)
{
	struct cursor c;
	cursor_init(&c, test_guarded(STR("FETCH 12 x")));
	ck_assert(cursor_accept_word(&c, STR("fetch")));
	cursor_expect(&c, ' ', "space");
	ck_assert_uint_eq(cursor_u32(&c, "number"), 12);
	cursor_expect(&c, '(', "an opening parenthesis");
	cursor_expect_end(&c);
	ck_assert_int_eq(c.err, ERR_SYNTAX);
	ck_assert_uint_eq(c.err_at, 8);
	ck_assert_str_eq(c.expected, "an opening parenthesis");
	ck_assert_int_eq(cursor_peek(&c), -1);
}
END_TEST

START_TEST(every_error_has_a_name_and_a_text)
{
	for (int e = 0; e < ERR__COUNT; e++) {
		ck_assert_ptr_nonnull(err_name((enum err)e));
		ck_assert(err_text((enum err)e)[0] != '\0');
	}
	ck_assert_str_eq(err_name((enum err)9999), "INTERNAL");
}
END_TEST

TEST_MAIN("base", slices_compare_without_case_and_split, numbers_refuse_overflow_signs_and_blanks,
    utf8_is_checked_strictly, ascii_is_told_from_the_rest_at_any_place,
    arena_stops_at_its_ceiling_and_starts_anew_after_reset, builder_failure_sticks,
    cursor_remembers_its_first_failure, every_error_has_a_name_and_a_text)

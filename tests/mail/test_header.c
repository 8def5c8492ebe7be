#include "common/mail/header.h"
#include "tests/support/test.h"

START_TEST(fields_are_taken_one_by_one)
{
	struct str rest =
	    test_guarded(STR("Subject: a\r\n b\r\n\tc\r\nTo:x\nno field\r\nOld \t: y\r\n"
			     "Empty:\r\n: z\r\nFrom x 1:2\r\n\r\nBody: no\r\n"));
	static const struct {
		const char *name;
		const char *value;
	} rows[] = {{"Subject", " a\r\n b\r\n\tc\r\n"}, {"To", "x\n"}, {"Old", " y\r\n"},
	    {"Empty", "\r\n"}};
	struct header_field field;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		ck_assert(header_next(&rest, &field));
		ck_assert_str_is(field.name, rows[i].name);
		ck_assert_str_is(field.value, rows[i].value);
		ck_assert(str_starts(field.whole, field.name));
		ck_assert(str_ends_nocase(field.whole, field.value));
	}
	ck_assert(!header_next(&rest, &field));
	ck_assert_str_is(rest, "\r\nBody: no\r\n");
}
END_TEST

START_TEST(a_block_may_end_anywhere)
{
	static const char *const blocks[] = {
	    "A: b", "A: b\r\n", "A: b\n\n", "A: b\r", " x\r\nA: b"};

	for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
		struct str rest = test_guarded(str_of(blocks[i]));
		struct header_field field;
		ck_assert_msg(header_next(&rest, &field), "%zu", i);
		ck_assert_str_is(field.name, "A");
		ck_assert(!header_next(&rest, &field));
	}
	struct str none = {NULL, 0};
	struct header_field field;
	ck_assert(!header_next(&none, &field));
}
END_TEST

START_TEST(values_are_unfolded)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(100000);
	struct str block =
	    STR("A: one\r\nsubject:  a\r\n\tb\n c\rd \r\nSubject: two\r\nE:\r\n\r\nF: x");

	ck_assert_str_is(header_get(block, STR("Subject"), arena), "a\tb c\rd");
	ck_assert_str_is(header_get(block, STR("a"), arena), "one");
	struct str empty = header_get(block, STR("E"), arena);
	ck_assert(empty.p && empty.n == 0);
	ck_assert_ptr_null(header_get(block, STR("F"), arena).p);

	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(100);
	header_unfold(STR(" a\r\n b\n\tc\r\n"), &out);
	ck_assert_str_eq(sbuf_cstr(&out), " a b\tc");
}
END_TEST

TEST_MAIN("header", fields_are_taken_one_by_one, a_block_may_end_anywhere, values_are_unfolded)

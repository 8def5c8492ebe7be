#include "common/trust/tags.h"

#include "tests/support/test.h"

START_TEST(lists_of_tags_are_read_as_rfc_6376_has_them)
{
	static const struct {
		const char *text;
		int count; /* -1: refused */
		const char *name, *value;
	} rows[] = {
	    {"v=1", 1, "v", "1"},
	    {" v = 1 ; a=b ;", 2, "a", "b"},
	    {"v=1;\r\n\ta=x\r\n y\r\n", 2, "a", "x\r\n y"},
	    {"p=", 1, "p", ""},
	    {"p=;t=s", 2, "p", ""},
	    {"b=ab==", 1, "b", "ab=="},
	    {"x_1=a b  c", 1, "x_1", "a b  c"},
	    {"A=1;a=2", 2, "a", "2"}, /* names are case-sensitive */
	    {"", -1, NULL, NULL},
	    {";", -1, NULL, NULL},
	    {"v=1;;a=2", -1, NULL, NULL},
	    {"v", -1, NULL, NULL},
	    {"=1", -1, NULL, NULL},
	    {"1v=1", -1, NULL, NULL},
	    {"v w=1", -1, NULL, NULL},
	    {"a=1;a=1", -1, NULL, NULL}, /* §3.2: twice makes the whole list invalid */
	    {"a=\x01", -1, NULL, NULL},
	    {"a=\x7f", -1, NULL, NULL},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct tags t;
		enum err e = tags_parse(test_guarded(str_of(rows[i].text)), &t);
		if (rows[i].count < 0) {
			ck_assert_msg(e == ERR_SYNTAX, "\"%s\" was taken", rows[i].text);
			continue;
		}
		ck_assert_msg(!e, "\"%s\" was refused", rows[i].text);
		ck_assert_uint_eq(t.count, (size_t)rows[i].count);
		ck_assert_str_is(tags_get(&t, rows[i].name, STR("?")), rows[i].value);
	}
}
END_TEST

START_TEST(more_tags_than_have_a_meaning_are_refused)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(4096);
	struct tags t;

	for (int i = 0; i < TAGS_MAX; i++)
		sbuf_printf(&b, "a%d=1;", i);
	ck_assert_ok(tags_parse(sbuf_view(&b), &t));
	sbuf_puts(&b, "b=1");
	ck_assert_int_eq(tags_parse(sbuf_view(&b), &t), ERR_SYNTAX);
}
END_TEST

START_TEST(base64_may_be_folded_anywhere)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(16);

	ck_assert_ok(tags_base64(test_guarded(STR("aG\r\n\t Vs\tbG 8=")), &b));
	ck_assert_str_is(sbuf_view(&b), "hello");
	ck_assert_int_eq(tags_base64(test_guarded(STR("a*==")), &b), ERR_SYNTAX);
	ck_assert_int_ne(tags_base64(STR("aGVsbG8gaGVsbG8gaGVsbG8gaGVsbG8="), &b), ERR_OK);
}
END_TEST

START_TEST(members_of_lists_are_found_whatever_their_case_and_blanks)
{
	ck_assert(tags_has(test_guarded(STR("From : to:\r\n\tSubject")), ':', STR("subject")));
	ck_assert(tags_has(test_guarded(STR("From : to:\r\n\tSubject")), ':', STR("FROM")));
	ck_assert(!tags_has(test_guarded(STR("From : to")), ':', STR("t")));
	ck_assert(!tags_has(test_guarded(STR("")), ':', STR("from")));
}
END_TEST

TEST_MAIN("tags", lists_of_tags_are_read_as_rfc_6376_has_them,
    more_tags_than_have_a_meaning_are_refused, base64_may_be_folded_anywhere,
    members_of_lists_are_found_whatever_their_case_and_blanks)

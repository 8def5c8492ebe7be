/* common/mail/xtext.h: RFC 3461 §4, RFC 6533 §3. */
#include "common/mail/xtext.h"
#include "tests/support/test.h"

struct row {
	const char *in;
	const char *out; /* NULL: ERR_SYNTAX */
};

static void
check(enum err (*decode)(struct str, struct sbuf *), const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1000);
		enum err e = decode(test_guarded(str_of(rows[i].in)), &out);
		ck_assert_msg((e == ERR_OK) == (rows[i].out != NULL), "%s: %d", rows[i].in, e);
		if (rows[i].out)
			ck_assert_str_is(sbuf_view(&out), rows[i].out);
	}
}

START_TEST(xtext_is_read_as_written_or_refused)
{
	static const struct row rows[] = {
	    {"Bob@Example.COM", "Bob@Example.COM"},
	    {"a+2Bb+3Dc", "a+b=c"},
	    {"", ""},
	    {"a+20b", "a b"},
	    {"a+2", NULL},
	    {"a+", NULL},
	    {"a+2b", NULL}, /* upper case only */
	    {"a+0Ab", NULL}, /* no line end hides in it */
	    {"a+00b", NULL},
	    {"a=b", NULL},
	    {"a b", NULL},
	    {"a\303\266", NULL},
	};

	check(xtext_decode, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(unitext_is_read_as_written_or_refused)
{
	static const struct row rows[] = {
	    {"b\\x{F6}b@example.net", "b\303\266b@example.net"},
	    {"b\303\266b@example.net", "b\303\266b@example.net"},
	    {"\\x{2B}\\x{20AC}\\x{1F600}", "+\342\202\254\360\237\230\200"},
	    {"\\x{D800}", NULL},
	    {"\\x{110000}", NULL},
	    {"\\x{0A}", NULL},
	    {"\\x{F}", NULL},
	    {"\\x{F6", NULL},
	    {"\\y", NULL},
	    {"a+b", NULL},
	    {"a\377", NULL},
	};

	check(unitext_decode, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(what_is_written_is_read_again)
{
	static const char *const words[] = {"", "a@b", "a+b=c d", "\\x{", "100%"};

	for (size_t i = 0; i < ARRAY_LEN(words); i++) {
		CLEANUP(sbuf_done) struct sbuf x = SBUF_INIT(100), u = SBUF_INIT(100);
		CLEANUP(sbuf_done) struct sbuf back = SBUF_INIT(100);
		xtext_encode(str_of(words[i]), &x);
		ck_assert_ok(xtext_decode(sbuf_view(&x), &back));
		ck_assert_str_is(sbuf_view(&back), words[i]);
		sbuf_clear(&back);
		unitext_encode(str_of(words[i]), &u);
		ck_assert_ok(unitext_decode(sbuf_view(&u), &back));
		ck_assert_str_is(sbuf_view(&back), words[i]);
	}
}
END_TEST

TEST_MAIN("xtext", xtext_is_read_as_written_or_refused, unitext_is_read_as_written_or_refused,
    what_is_written_is_read_again)

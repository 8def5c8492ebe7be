#include "common/mail/codec.h"
#include "tests/support/test.h"

#include <stdio.h>

static void
decode(enum part_encoding encoding, struct str in, size_t step, struct sbuf *out)
{
	struct decoder d;

	decoder_init(&d, encoding);
	for (size_t i = 0; i < in.n; i += step)
		decoder_feed(&d, str_sub(in, i, step), out);
	decoder_finish(&d, out);
}

struct row {
	const char *in;
	const char *out;
};

static void
run_rows(enum part_encoding encoding, const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct str in = test_guarded(str_of(rows[i].in));
		for (size_t step = 1; step <= in.n + 1; step++) {
			CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(10000);
			decode(encoding, in, step, &out);
			ck_assert_msg(str_eq(sbuf_view(&out), str_of(rows[i].out)),
			    "row %zu step %zu: \"%s\" gives \"%s\"", i, step, rows[i].in,
			    sbuf_cstr(&out));
		}
	}
}

/* RFC 2045 §6.7 */
START_TEST(quoted_printable_is_decoded_and_broken_escapes_stand_for_themselves)
{
	static const struct row rows[] = {
	    {"", ""},
	    {"plain\r\ntext", "plain\r\ntext"},
	    {"a=C3=a4b", "a\xc3\xa4"
			 "b"},
	    {"soft=\r\nbreak", "softbreak"},
	    {"soft=\nbreak", "softbreak"},
	    {"soft= \t\r\nbreak", "softbreak"}, /* rule 3: blanks were added on the way */
	    {"end \t \r\nx", "end\r\nx"},
	    {"end \t \nx", "end\nx"},
	    {"a b\tc", "a b\tc"},
	    {"blanks at the end  ", "blanks at the end"},
	    {"a \rb", "a \rb"},
	    {"a=zz", "a=zz"},
	    {"a=4z", "a=4z"},
	    {"a=4=41", "a=4A"},
	    {"a==41", "a=A"},
	    {"a= b", "a= b"},
	    {"a=\rb", "a=\rb"},
	    {"a=", "a"},
	    {"a=4", "a=4"},
	    {"a=  ", "a"},
	    {"=41  =42 \r\n=20\r\n", "A  B\r\n \r\n"},
	    {"a \r\r\n", "a \r\r\n"},
	};
	run_rows(PART_QP, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(a_run_of_blanks_without_end_takes_no_memory)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(100000);
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(100000);

	for (int i = 0; i < 5000; i++)
		sbuf_putc(&in, i % 2 ? ' ' : '\t');
	sbuf_puts(&in, "x \r\n");
	decode(PART_QP, sbuf_view(&in), 7, &out);
	ck_assert_uint_eq(out.n, 5003);
	ck_assert(str_ends_nocase(sbuf_view(&out), STR("\t x\r\n")));
	ck_assert(str_eq(str_sub(sbuf_view(&out), 0, 5000), str_sub(sbuf_view(&in), 0, 5000)));
}
END_TEST

/* RFC 2045 §6.8 */
START_TEST(base64_is_decoded_whatever_stands_between)
{
	static const struct row rows[] = {
	    {"", ""},
	    {"aGVsbG8=", "hello"},
	    {"aGVs\r\nbG8=\r\n", "hello"},
	    {"a G*V-s.bG8", "hello"},
	    {"aGVsbG8=aGVsbG8=", "hellohello"}, /* two that were joined */
	    {"aA==aQ==", "hi"},
	    {"====", ""},
	    {"a", ""},
	    {"aG", "h"},
	    {"+/+/", "\xfb\xff\xbf"},
	};
	run_rows(PART_BASE64, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(other_encodings_pass_unchanged)
{
	static const struct row rows[] = {{"a=41 \r\n=", "a=41 \r\n="}};

	for (int encoding = PART_7BIT; encoding <= PART_OTHER; encoding++)
		if (encoding != PART_QP && encoding != PART_BASE64)
			run_rows((enum part_encoding)encoding, rows, 1);
}
END_TEST

/* RFC 4648 §3, §4, §10 */
START_TEST(strict_base64_takes_one_form_only)
{
	static const struct {
		const char *in;
		const char *out; /* NULL: refused */
	} rows[] = {
	    {"", ""},
	    {"Zg==", "f"},
	    {"Zm8=", "fo"},
	    {"Zm9v", "foo"},
	    {"Zm9vYg==", "foob"},
	    {"Zm9vYmE=", "fooba"},
	    {"Zm9vYmFy", "foobar"},
	    {"Zg", NULL},
	    {"Zg=", NULL},
	    {"Z===", NULL},
	    {"====", NULL},
	    {"Zh==", NULL},
	    {"Zm9=", NULL},
	    {"Zg==Zg==", NULL},
	    {"Zm9v\n", NULL},
	    {"Zm 9", NULL},
	    {"Zm9_", NULL},
	    {"Z=g=", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(100);
		CLEANUP(sbuf_done) struct sbuf back = SBUF_INIT(100);
		enum err e = base64_decode(test_guarded(str_of(rows[i].in)), &out);
		ck_assert_msg(e == (rows[i].out ? ERR_OK : ERR_SYNTAX), "%s", rows[i].in);
		if (!rows[i].out)
			continue;
		ck_assert_str_is(sbuf_view(&out), rows[i].out);
		base64_encode(sbuf_view(&out), &back);
		ck_assert_str_is(sbuf_view(&back), rows[i].in);
	}
}
END_TEST

START_TEST(base64_that_does_not_fit_is_an_error)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(2);

	ck_assert_int_eq(base64_decode(STR("Zm9v"), &out), ERR_TOO_LONG);
}
END_TEST

TEST_MAIN("codec", quoted_printable_is_decoded_and_broken_escapes_stand_for_themselves,
    a_run_of_blanks_without_end_takes_no_memory, base64_is_decoded_whatever_stands_between,
    other_encodings_pass_unchanged, strict_base64_takes_one_form_only,
    base64_that_does_not_fit_is_an_error)

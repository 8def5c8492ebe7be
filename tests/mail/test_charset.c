#include "common/mail/charset.h"
#include "tests/support/test.h"

START_TEST(charsets_become_utf8)
{
	static const struct {
		const char *charset;
		const char *in;
		const char *out;
		bool known;
	} rows[] = {
	    {"utf-8", "\xc3\xa4", "\xc3\xa4", true},
	    {"UTF8", "a\xffz\xc3", "a\xef\xbf\xbdz\xef\xbf\xbd", true},
	    {"", "\xc3\xa4", "\xc3\xa4", true},
	    {"us-ascii", "\xe4\x80 \x81", "\xc3\xa4\xe2\x82\xac \xef\xbf\xbd", true},
	    {"ISO-8859-1", "\xe4\x93", "\xc3\xa4\xe2\x80\x9c", true},
	    {"iso-8859-15", "\xa4", "\xe2\x82\xac", true},
	    {"windows-1252", "\x80", "\xe2\x82\xac", true},
	    {"koi8-r", "\xc1", "\xd0\xb0", true},
	    {"iso-2022-jp", "\x1b$BF|\x1b(Bx", "\xe6\x97\xa5x", true},
	    {"gb2312", "\xc8\xd5", "\xe6\x97\xa5", true},
	    {"big5", "\xa4\xe9\xff", "\xe6\x97\xa5\xef\xbf\xbd", true},
	    {"shift_jis", "\x93", "\xef\xbf\xbd", true},
	    {"utf-16be", "\x01\x02z", "\xc4\x82\xef\xbf\xbd", true},
	    {"utf-7", "+AOQ-b",
		"\xc3\xa4"
		"b",
		true},
	    /* no characters (RFC 3629 §4), but what glibc's iconv() takes by this name and gives on
	     */
	    {"ut+f-8", "\xf6\x90\x8b\x97", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd",
		true},
	    {"no-such-charset", "\xe4", "\xc3\xa4", false},
	    {"utf-8//TRANSLIT", "\xc3\xa4", "\xc3\xa4", false},
	    {"utf-8,ascii", "x", "x", false},
	    {"a-name-that-is-much-longer-than-any-charset-has", "x", "x", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1000);
		enum err e = charset_to_utf8(
		    str_of(rows[i].charset), test_guarded(str_of(rows[i].in)), &out);
		ck_assert_msg(
		    e == (rows[i].known ? ERR_OK : ERR_BAD_CHARSET), "%s", rows[i].charset);
		ck_assert_msg(str_eq(sbuf_view(&out), str_of(rows[i].out)), "%s: %s",
		    rows[i].charset, sbuf_cstr(&out));
		ck_assert(charset_is_known(str_of(rows[i].charset)) == rows[i].known);
	}
	ck_assert(!charset_is_known(STR("utf-16\0x")));
}
END_TEST

START_TEST(long_text_is_converted_whole)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1 << 20);
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1 << 20);

	for (int i = 0; i < 50000; i++)
		sbuf_puts(&in, "\xa4\xe9");
	ck_assert_ok(charset_to_utf8(STR("big5"), sbuf_view(&in), &out));
	ck_assert_uint_eq(out.n, 150000);
}
END_TEST

/* RFC 2047 §8 and what is sent besides */
START_TEST(encoded_words_are_read)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
	    {"", ""},
	    {"plain  text ", "plain  text"},
	    {" folded\r\n text", "folded text"},
	    {"(=?ISO-8859-1?Q?a?=)", "(a)"},
	    {"(=?ISO-8859-1?Q?a?= b)", "(a b)"},
	    {"=?ISO-8859-1?Q?a?= =?ISO-8859-1?Q?b?=", "ab"},
	    {"=?ISO-8859-1?Q?a?=  \r\n    =?ISO-8859-1?Q?b?=", "ab"},
	    {"=?ISO-8859-1?Q?a_b?=", "a b"},
	    {"=?ISO-8859-1?Q?a?= =?ISO-8859-2?Q?_b?=", "a b"},
	    {"=?ISO-8859-1?B?SWYgeW91IGNhbiByZWFkIHRoaXMgeW8=?=\r\n"
	     " =?ISO-8859-2?B?dSB1bmRlcnN0YW5kIHRoZSBleGFtcGxlLg==?=",
		"If you can read this you understand the example."},
	    {"=?utf-8*de?q?=C3=A4?=", "\xc3\xa4"}, /* RFC 2231 §5 */
	    {"=?utf-8?B?4oI=?= =?utf-8?B?rA==?=", "\xe2\x82\xac"}, /* a character in two words */
	    {"=?utf-8?Q?=E2=82?= =?UTF-8?Q?=AC?=", "\xe2\x82\xac"},
	    {"\"=?utf-8?Q?=C3=A4?=\" <a@b>", "\"\xc3\xa4\" <a@b>"},
	    {"=?utf-8?Q?a b?=", "a b"},
	    {"=?utf-8?Q?Really?\?=", "Really?"},
	    {"x=?utf-8?Q?y?=z", "xyz"},
	    {"=?utf-8?Q?\?=", ""},
	    {"=?utf-8?Q?=zz=4?=", "=zz=4"},
	    {"=?utf-8?B?w6Q?=", "\xc3\xa4"},
	    {"=?utf-8?Q?a=0D=0Ab=00c?=", "a  b c"},
	    {"=?no-such?Q?=E4?=", "\xc3\xa4"},
	    {"gr\xfc\xdf", "gr\xc3\xbc\xc3\x9f"},
	    {"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"},
	    /* no words */
	    {"=?", "=?"},
	    {"=?utf-8?", "=?utf-8?"},
	    {"=?utf-8?Q?", "=?utf-8?Q?"},
	    {"=?utf-8?Q?a", "=?utf-8?Q?a"},
	    {"=?utf-8?Q?a?", "=?utf-8?Q?a?"},
	    {"=?utf-8?X?a?=", "=?utf-8?X?a?="},
	    {"=??Q?a?=", "=??Q?a?="},
	    {"=?utf 8?Q?a?=", "=?utf 8?Q?a?="},
	    {"=?utf-8?Q?a?b?=", "=?utf-8?Q?a?b?="},
	    {"=?=?utf-8?Q?a?=", "=?a"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1000);
		words_decode(test_guarded(str_of(rows[i].in)), &out);
		ck_assert_msg(str_eq(sbuf_view(&out), str_of(rows[i].out)), "%s: got \"%s\"",
		    rows[i].in, sbuf_cstr(&out));
	}
}
END_TEST

START_TEST(words_in_too_many_charsets_are_guessed)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(100000);
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(100000);

	for (int i = 0; i < 40; i++)
		sbuf_puts(&in, "=?koi8-r?Q?=C1?= =?koi8-u?Q?=C1?= ");
	words_decode(sbuf_view(&in), &out);
	ck_assert(str_starts(sbuf_view(&out), STR("\xd0\xb0\xd0\xb0")));
	ck_assert(str_ends_nocase(sbuf_view(&out), STR("\xc3\x81\xc3\x81")));
	ck_assert_uint_eq(out.n, 160);
}
END_TEST

START_TEST(folded_texts_compare_equal)
{
	static const struct {
		const char *in;
		const char *out;
	} rows[] = {
	    {"", ""}, {"Hello, World 09[]{}", "hello, world 09[]{}"},
	    {"\xc3\x84", "a\xcc\x88"}, /* Ä */
	    {"A\xcc\x88", "a\xcc\x88"}, /* the same from two */
	    {"STRASSE stra\xc3\x9f"
	     "e",
		"strasse strasse"},
	    {"\xef\xac\x81", "fi"}, /* a ligature */
	    {"\xef\xbc\xa1", "a"}, /* full width */
	    {"\xce\xa3\xcf\x83\xcf\x82", "\xcf\x83\xcf\x83\xcf\x83"}, /* sigmas */
	    {"\xd0\x96", "\xd0\xb6"},
	    {"a\xcc\x81\xcc\xa3", "a\xcc\xa3\xcc\x81"}, /* marks in canonical order */
	    {"a\xff\xc3z\xe2\x82", "a\xff\xc3z\xe2\x82"}, /* ill-formed octets pass */
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1000);
		text_fold(test_guarded(str_of(rows[i].in)), &out);
		ck_assert_msg(str_eq(sbuf_view(&out), str_of(rows[i].out)), "%zu: \"%s\"", i,
		    sbuf_cstr(&out));
	}
}
END_TEST

START_TEST(ascii_is_folded_octet_by_octet_at_any_place)
{
	char text[128], lower[128], upper[128];

	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] = (char)(i * 5 % 128); /* each octet once */
		lower[i] = ascii_lower(text[i]);
		upper[i] = ascii_upper(text[i]);
	}
	for (size_t from = 0; from < sizeof(text); from++) {
		for (size_t n = 0; n <= sizeof(text) - from; n++) {
			CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(sizeof(text));
			text_fold(str_make(text + from, n), &out);
			ck_assert(str_eq(sbuf_view(&out), str_make(lower + from, n)));
			sbuf_clear(&out);
			text_casemap(str_make(text + from, n), &out);
			ck_assert(str_eq(sbuf_view(&out), str_make(upper + from, n)));
		}
	}
}
END_TEST

START_TEST(any_number_of_marks_is_folded)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1 << 20);
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1 << 20);

	for (int i = 0; i < 200000; i++)
		sbuf_puts(&in, i % 2 ? "\xcc\x81" : "\xcc\xa3");
	text_fold(sbuf_view(&in), &out);
	ck_assert_uint_eq(out.n, in.n);
}
END_TEST

TEST_MAIN("charset", charsets_become_utf8, long_text_is_converted_whole, encoded_words_are_read,
    words_in_too_many_charsets_are_guessed, folded_texts_compare_equal,
    ascii_is_folded_octet_by_octet_at_any_place, any_number_of_marks_is_folded)

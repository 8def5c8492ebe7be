#include "common/mail/charset_stream.h"
#include "tests/support/test.h"

static void
convert(const char *charset, struct str in, size_t piece, struct sbuf *out)
{
	CLEANUP(charset_stream_free) struct charset_stream *s = charset_stream_new(str_of(charset));

	ck_assert_ptr_nonnull(s);
	for (size_t at = 0; at < in.n; at += piece)
		ck_assert_ok(charset_stream_feed(s, str_sub(in, at, piece), out));
	ck_assert_ok(charset_stream_end(s, out));
}

START_TEST(the_text_is_the_same_wherever_it_is_cut)
{
	static const struct {
		const char *charset;
		const char *in;
		const char *out;
	} rows[] = {
	    {"utf-8", "h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!",
		"h\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80!"},
	    {"utf-8", "a\xff\xc3", "a\xef\xbf\xbd\xef\xbf\xbd"},
	    {"", "line\nh\xc3\xa9\n", "line\nh\xc3\xa9\n"},
	    {"", "\xc3\xa9\n\xe9\n\xc3\xa9", "\xc3\xa9\n\xc3\xa9\n\xc3\xa9"}, /* by lines */
	    {"us-ascii", "h\xe9\n", "h\xc3\xa9\n"},
	    {"iso-8859-1", "\xa4\x80", "\xc2\xa4\xe2\x82\xac"},
	    {"iso-8859-15", "\xa4", "\xe2\x82\xac"},
	    {"iso-2022-jp", "a\x1b$B$3$s\x1b(Bb",
		"a\xe3\x81\x93\xe3\x82\x93"
		"b"},
	    {"gb2312", "\xc4\xe3\xba\xc3", "\xe4\xbd\xa0\xe5\xa5\xbd"},
	    {"big5", "\x88\x62", "\xc3\x8a\xcc\x84"}, /* two of one */
	    {"big5", "\xa7\x41", "\xe4\xbd\xa0"},
	    {"shift_jis", "\x82\xb1\x82", "\xe3\x81\x93\xef\xbf\xbd"}, /* ends within one */
	    {"utf-7", "+AOk-!", "\xc3\xa9!"},
	    {"ut+f-8", "\xf6\x90\x8b\x97", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"no-such", "h\xc3\xa9", "h\xc3\xa9"},
	};
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t piece = 1; piece < 12; piece++) {
			CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1000);
			convert(rows[i].charset, test_guarded(str_of(rows[i].in)), piece, &out);
			ck_assert_msg(str_eq(sbuf_view(&out), str_of(rows[i].out)),
			    "row %zu, pieces of %zu: \"%s\"", i, piece, sbuf_cstr(&out));
		}
}
END_TEST

START_TEST(a_long_line_without_end_is_cut_between_characters)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1 << 20);
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1 << 20);

	while (in.n < 300000)
		sbuf_puts(&in, "\xe3\x81\x93");
	convert("utf-8", sbuf_view(&in), 1000, &out);
	ck_assert(str_eq(sbuf_view(&in), sbuf_view(&out)));
}
END_TEST

TEST_MAIN("charset_stream", the_text_is_the_same_wherever_it_is_cut,
    a_long_line_without_end_is_cut_between_characters)

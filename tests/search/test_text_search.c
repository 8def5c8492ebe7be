#include "common/mail/charset.h"
#include "search/text_search.h"
#include "search/text_stream.h"
#include "tests/support/test.h"

static struct str
folded(struct arena *arena, const char *needle)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1 << 16);

	text_fold(str_of(needle), &out);
	return arena_dup(arena, sbuf_view(&out));
}

/* A text being searched as it comes. */
struct looking {
	struct text_stream stream;
	struct text_search search;
};

static void
looking_done(struct looking *l)
{
	text_stream_done(&l->stream);
	text_search_done(&l->search);
}

static void
begin(struct looking *l, enum part_encoding encoding, const char *charset, struct text_needle *n,
    size_t count)
{
	*l = (struct looking){0};
	text_search_begin(&l->search, n, count);
	ck_assert_ok(text_stream_begin(&l->stream, encoding, str_of(charset)));
}

static void
feed(struct looking *l, struct str octets)
{
	ck_assert_ok(text_stream_feed(&l->stream, octets, text_search_room(&l->search)));
	ck_assert_ok(text_search_look(&l->search));
}

static void
end(struct looking *l)
{
	ck_assert_ok(text_stream_end(&l->stream, text_search_room(&l->search)));
	ck_assert_ok(text_search_look(&l->search));
}

/* Whether `needle` is in the text, given in pieces of `piece` octets. */
static bool
finds(struct str text, enum part_encoding encoding, const char *charset, const char *needle,
    size_t piece)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
	CLEANUP(looking_done) struct looking l;
	struct text_needle n = {folded(arena, needle), false};

	begin(&l, encoding, charset, &n, 1);
	for (size_t at = 0; at < text.n; at += piece)
		feed(&l, str_sub(text, at, piece));
	end(&l);
	return n.found;
}

START_TEST(strings_are_found_in_any_encoding_charset_and_case)
{
	static const struct {
		const char *text;
		enum part_encoding encoding;
		const char *charset;
		const char *needle;
		bool found;
	} rows[] = {
	    {"Hello World\r\n", PART_7BIT, "", "lo wor", true},
	    {"Hello World\r\n", PART_7BIT, "us-ascii", "HELLO", true},
	    {"Hello World\r\n", PART_7BIT, "", "hello  world", false},
	    {"Hello\r\nWorld\r\n", PART_7BIT, "", "helloworld", false},
	    {"Gr\xc3\xbc\xc3\x9f"
	     "e",
		PART_8BIT, "utf-8", "GR\xc3\x9c\xc3\x9f", true},
	    {"Gr\xc3\xbc\xc3\x9f"
	     "e",
		PART_8BIT, "utf-8", "gr\xc3\xbcsse", true},
	    {"Gru\xcc\x88\xc3\x9f"
	     "e",
		PART_8BIT, "utf-8",
		"gr\xc3\xbc\xc3\x9f"
		"e",
		true},
	    {"Gr\xfc\xdf"
	     "e",
		PART_8BIT, "iso-8859-1",
		"gr\xc3\xbc\xc3\x9f"
		"e",
		true},
	    {"Gr\xfc\xdf"
	     "e",
		PART_8BIT, "",
		"gr\xc3\xbc\xc3\x9f"
		"e",
		true}, /* guessed */
	    {"Gr\xc3\xbc\xc3\x9f"
	     "e",
		PART_8BIT, "",
		"gr\xc3\xbc\xc3\x9f"
		"e",
		true},
	    {"Gr=FC=DFe", PART_QP, "iso-8859-1",
		"gr\xc3\xbc\xc3\x9f"
		"e",
		true},
	    {"soft=\r\nbreak", PART_QP, "", "softbreak", true},
	    {"soft=\r\nbreak", PART_7BIT, "", "softbreak", false},
	    {"SGVsbG8g\r\nV29ybGQ=\r\n", PART_BASE64, "us-ascii", "hello world", true},
	    {"SGVsbG8gV29ybGQ=", PART_BASE64, "", "SGVs", false},
	    {"\x1b$B$3$s$K$A$O\x1b(B", PART_7BIT, "iso-2022-jp",
		"\xe3\x81\x93\xe3\x82\x93\xe3\x81\xab\xe3\x81\xa1\xe3\x81\xaf", true},
	    {"\x1b$B$3$s$K$A$O\x1b(B", PART_7BIT, "iso-2022-jp", "$s$K", false},
	    {"\x82\xb1\x82\xf1", PART_8BIT, "shift_jis", "\xe3\x81\x93\xe3\x82\x93", true},
	    {"\xcf\xf0\xe8\xe2\xe5\xf2", PART_8BIT, "windows-1251",
		"\xd0\xbf\xd1\x80\xd0\x98\xd0\xb2\xd0\xb5\xd1\x82", true}, /* приВет */
	    {"\xf0\xd2\xc9\xd7\xc5\xd4", PART_8BIT, "koi8-r",
		"\xd0\xbf\xd1\x80\xd0\xb8\xd0\xb2\xd0\xb5\xd1\x82", true},
	    {"Hello", PART_7BIT, "no-such-charset", "hello", true},
	    {"Hello", PART_7BIT, "utf-8//IGNORE", "hello", true},
	    {"aaaaaaab", PART_7BIT, "", "aaab", true},
	    {"", PART_7BIT, "", "x", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t piece = 1; piece < 40; piece += piece < 8 ? 1 : 31)
			ck_assert_msg(finds(test_guarded(str_of(rows[i].text)), rows[i].encoding,
					  rows[i].charset, rows[i].needle, piece) == rows[i].found,
			    "row %zu, %s in %s, pieces of %zu", i, rows[i].needle, rows[i].text,
			    piece);
}
END_TEST

START_TEST(utf16_is_found_whatever_the_cut)
{
	static const char text[] = "\x00G\x00r\x00\xfc\x00\xdf\x00 \x00\n\xd8\x3d\xde\x00\x00!";
	struct str s = str_make(text, sizeof(text) - 1);

	for (size_t piece = 1; piece < 9; piece++) {
		ck_assert(finds(s, PART_8BIT, "utf-16be", "gr\xc3\xbc\xc3\x9f \n", piece));
		ck_assert(finds(s, PART_8BIT, "utf-16be", "\xf0\x9f\x98\x80!", piece));
		ck_assert(!finds(s, PART_8BIT, "utf-16be", "x", piece));
	}
}
END_TEST

/* A large text with the needle once, at every place around the borders between pieces. */
START_TEST(a_match_across_pieces_is_found)
{
	enum { N = 3000 };
	static const char needle[] = "needle\xc3\xa9nd";
	char text[N];

	for (size_t at = 900; at < 1100; at++) {
		memset(text, 'n', N);
		memcpy(text + at, needle, sizeof(needle) - 1);
		ck_assert_msg(
		    finds(str_make(text, N), PART_8BIT, "utf-8", "NEEDLE\xc3\x89ND", 1000),
		    "at %zu", at);
	}
}
END_TEST

START_TEST(several_strings_are_looked_for_at_once)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
	CLEANUP(looking_done) struct looking l;
	struct text_needle n[3] = {{folded(arena, "one"), false},
	    {folded(arena, "two three four"), false}, {folded(arena, "five"), false}};

	begin(&l, PART_7BIT, "", n, 3);
	feed(&l, STR("zero one\r\nx two th"));
	ck_assert(n[0].found && !n[1].found);
	feed(&l, STR("ree four\r\n"));
	end(&l);
	ck_assert(n[1].found && !n[2].found);
}
END_TEST

/* What is kept between pieces does not grow with the text, whatever the text is. */
START_TEST(memory_is_bounded_for_any_text)
{
	static const struct {
		const char *unit;
		enum part_encoding encoding;
		const char *charset;
	} rows[] = {
	    {"a", PART_7BIT, ""},
	    {"\x80", PART_8BIT, "utf-8"},
	    {"\xe3\x81\x93", PART_8BIT, "utf-8"},
	    {"\xcc\x88", PART_8BIT, "utf-8"},
	    {"\x82", PART_8BIT, "shift_jis"},
	    {"\x1b", PART_7BIT, "iso-2022-jp"},
	    {"\xd8\x00", PART_8BIT, "utf-16be"},
	    {"=", PART_QP, "utf-8"},
	    {" ", PART_QP, "utf-8"},
	    {"=E3=81=93", PART_QP, "utf-8"},
	    {"/", PART_BASE64, "utf-8"},
	    {"+AGE", PART_7BIT, "utf-7"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
		CLEANUP(looking_done) struct looking l;
		CLEANUP(sbuf_done) struct sbuf piece = SBUF_INIT(1 << 20);
		struct text_needle n = {folded(arena, "needle"), false};

		while (piece.n < 32768)
			sbuf_append(&piece, rows[i].unit,
			    rows[i].unit[1] == '\0' && rows[i].unit[0] == '\xd8'
				? 2
				: strlen(rows[i].unit));
		begin(&l, rows[i].encoding, rows[i].charset, &n, 1);
		for (int k = 0; k < 20; k++) {
			feed(&l, sbuf_view(&piece));
			ck_assert_msg(
			    l.stream.decoded.cap + l.stream.utf8.cap + l.search.folded.cap <
				2 << 20,
			    "row %zu", i);
		}
		feed(&l, STR(""));
		end(&l);
		ck_assert(!n.found);
	}
}
END_TEST

/* What is held back is not looked through again with each piece. */
START_TEST(a_text_without_ascii_costs_the_same_in_small_pieces)
{
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(1 << 20);

	while (text.n < 200000)
		sbuf_puts(&text, "\xe3\x81\x93");
	double began = test_cpu_ms();
	ck_assert(!finds(sbuf_view(&text), PART_8BIT, "iso-2022-kr", "x", 3));
	ck_assert(!finds(sbuf_view(&text), PART_8BIT, "koi8-r", "x", 3));
	ck_assert_double_lt(test_cpu_ms() - began, 4000);
}
END_TEST

TEST_MAIN("text_search", a_text_without_ascii_costs_the_same_in_small_pieces,
    strings_are_found_in_any_encoding_charset_and_case, utf16_is_found_whatever_the_cut,
    a_match_across_pieces_is_found, several_strings_are_looked_for_at_once,
    memory_is_bounded_for_any_text)

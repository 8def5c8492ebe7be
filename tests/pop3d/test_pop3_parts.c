/* The parts of pop3d that need no store: lines of a response, texts, languages. */
#include "common/base/sbuf.h"
#include "pop3d/dot_stuff.h"
#include "pop3d/pop3_text.h"
#include "tests/support/test.h"

/* The message as it goes out, fed in pieces of `piece` octets. `lines` < 0: RETR. */
static void
stuff(struct sbuf *out, struct str message, size_t piece, int lines)
{
	struct dot_stuff d;

	sbuf_clear(out);
	if (lines < 0)
		dot_stuff_begin(&d);
	else
		dot_stuff_begin_top(&d, (uint32_t)lines);
	for (size_t at = 0; at < message.n && !d.finished; at += piece) {
		struct str in = test_guarded(str_sub(message, at, piece));
		char *to = sbuf_reserve(out, in.n * DOT_STUFF_GROWTH);
		ck_assert_ptr_nonnull(to);
		size_t n = dot_stuff_feed(&d, in, to);
		ck_assert_uint_le(n, in.n * DOT_STUFF_GROWTH);
		sbuf_grow(out, n);
	}
	char *to = sbuf_reserve(out, DOT_STUFF_END_MAX);
	sbuf_grow(out, dot_stuff_end(&d, to));
}

static const struct {
	const char *message;
	int lines;
	const char *expect;
} stuffed[] = {
    {"A: b\r\n\r\nbody\r\n", -1, "A: b\r\n\r\nbody\r\n.\r\n"},
    {"", -1, ".\r\n"},
    /* RFC 1939 §3: byte-stuffing */
    {".\r\n", -1, "..\r\n.\r\n"},
    {"..\r\n.a\r\n", -1, "...\r\n..a\r\n.\r\n"},
    {"a.\r\n .\r\n", -1, "a.\r\n .\r\n.\r\n"},
    {".", -1, "..\r\n.\r\n"},
    /* a last line without its end */
    {"a\r\nb", -1, "a\r\nb\r\n.\r\n"},
    {"a\r", -1, "a\r\n.\r\n"},
    /* bare LF is a line end to many clients: none is sent */
    {"a\n.\nb\n", -1, "a\r\n..\r\nb\r\n.\r\n"},
    {"\n\n", -1, "\r\n\r\n.\r\n"},
    /* bare CR is none */
    {"a\r.\rb\r\n", -1, "a\r.\rb\r\n.\r\n"},
    {"a\r\r\n.\r\r\n", -1, "a\r\r\n..\r\r\n.\r\n"},
    /* TOP */
    {"A: b\r\n\r\n1\r\n2\r\n3\r\n", 0, "A: b\r\n\r\n.\r\n"},
    {"A: b\r\n\r\n1\r\n2\r\n3\r\n", 1, "A: b\r\n\r\n1\r\n.\r\n"},
    {"A: b\r\n\r\n1\r\n2\r\n3\r\n", 3, "A: b\r\n\r\n1\r\n2\r\n3\r\n.\r\n"},
    {"A: b\r\n\r\n1\r\n2\r\n3\r\n", 99, "A: b\r\n\r\n1\r\n2\r\n3\r\n.\r\n"},
    {"A: b\r\n\r\n\r\n\r\n3\r\n", 2, "A: b\r\n\r\n\r\n\r\n.\r\n"},
    {"A: b\n\n.1\n2\n", 1, "A: b\r\n\r\n..1\r\n.\r\n"},
    {"\r\n1\r\n2\r\n", 1, "\r\n1\r\n.\r\n"},
    {"A: b\r\nno body", 5, "A: b\r\nno body\r\n.\r\n"},
    {"A: b\r\n\rx\r\n\r\n1\r\n2\r\n", 1, "A: b\r\n\rx\r\n\r\n1\r\n.\r\n"},
};

START_TEST(messages_become_lines_however_they_are_cut)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(100000);

	for (size_t i = 0; i < ARRAY_LEN(stuffed); i++)
		for (size_t piece = 1; piece < 20; piece++) {
			stuff(&out, str_of(stuffed[i].message), piece, stuffed[i].lines);
			ck_assert_msg(str_eq(sbuf_view(&out), str_of(stuffed[i].expect)),
			    "row %zu by %zu: \"%s\"", i, piece, sbuf_cstr(&out));
		}
}
END_TEST

START_TEST(every_text_stands_in_every_language_on_one_short_line)
{
	for (int l = 0; l < LANGUAGE__COUNT; l++)
		for (int t = 0; t < TEXT__COUNT; t++) {
			const char *text = pop3_text((enum pop3_language)l, (enum pop3_text)t);
			ck_assert_msg(text && text[0], "language %d, text %d", l, t);
			ck_assert_uint_lt(strlen(text), 400); /* RFC 2449 §3: 512 with the rest */
			ck_assert_ptr_null(strpbrk(text, "\r\n"));
			ck_assert(text[0] != '['); /* would be a response code: §8 */
			ck_assert_ptr_null(strchr(text, '<')); /* the greeting: APOP's timestamp */
			ck_assert(str_is_utf8(str_of(text)));
			if (l == LANGUAGE_DEFAULT || l == LANGUAGE_EN)
				ck_assert_msg(str_is_ascii(str_of(text)), "%s", text);
		}
}
END_TEST

START_TEST(languages_are_found_by_range)
{
	static const struct {
		const char *range;
		bool found;
		enum pop3_language language;
	} rows[] = {
	    {"de", true, LANGUAGE_DE},
	    {"DE", true, LANGUAGE_DE},
	    {"de-AT", true, LANGUAGE_DE},
	    {"fr-Latn-CA", true, LANGUAGE_FR},
	    {"en-GB", true, LANGUAGE_EN},
	    {"i-default", true, LANGUAGE_DEFAULT},
	    {"*", true, LANGUAGE_EN},
	    {"mul", false, LANGUAGE_DEFAULT},
	    {"deu", false, LANGUAGE_DEFAULT},
	    {"d", false, LANGUAGE_DEFAULT},
	    {"-", false, LANGUAGE_DEFAULT},
	    {"-de", false, LANGUAGE_DEFAULT},
	    {"", false, LANGUAGE_DEFAULT},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum pop3_language l = LANGUAGE_DEFAULT;
		ck_assert_msg(pop3_language_find(str_of(rows[i].range), &l) == rows[i].found, "%s",
		    rows[i].range);
		ck_assert_int_eq(l, rows[i].language);
	}
}
END_TEST

TEST_MAIN("pop3_parts", messages_become_lines_however_they_are_cut,
    every_text_stands_in_every_language_on_one_short_line, languages_are_found_by_range)

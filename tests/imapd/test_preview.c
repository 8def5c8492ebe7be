/* PREVIEW: RFC 8970. */
#include "imapd/preview_text.h"
#include "tests/imapd/imap_fixture.h"

static const struct {
	bool html;
	const char *in, *out;
} texts[] = {
    {false, "Hello\r\n  world \r\n", "Hello world"},
    {false, "> said he\r\nNo.\r\n", "No."},
    {false,
	"\r\n\t\xc2\xa0 a\xe2\x80\x8b"
	"b \xef\xbb\xbf",
	"ab"},
    {false, "a < b & c", "a < b & c"},
    {false, "", ""},
    {true, "<html><head><title>x</title><style>p{}</style></head><body><p>One</p><p>Two</p>",
	"One Two"},
    {true, "a<b>b</b>c<br>d", "abc d"},
    {true, "<!-- no > --><!DOCTYPE html>yes<script>if (a<b) c</script>", "yes"},
    {true, "&lt;&amp;&gt;&nbsp;&#65;&#x42;&#0;&zwnj;&bogus;&uuml; & &x", "<&> AB\xc3\xbc &"},
    {true, "<style>a &lt; b</style>x", "x"},
    {true, "<a href=\">", ""},
};

/* §3.3: no markup, UTF-8; in pieces cut anywhere. */
START_TEST(the_first_words_are_as_one_would_read_them)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		for (size_t piece = 1; piece < 4; piece++) {
			CLEANUP(preview_text_done) struct preview_text p;
			struct str in = test_guarded(str_of(texts[i].in));
			preview_text_init(&p, texts[i].html, true);
			for (size_t at = 0; at < in.n; at += piece)
				preview_text_feed(&p, str_sub(in, at, piece));
			ck_assert_str_is(sbuf_view(&p.out), texts[i].out);
		}
	}
}
END_TEST

START_TEST(a_preview_has_so_many_characters_and_no_more)
{
	CLEANUP(preview_text_done) struct preview_text p;

	preview_text_init(&p, false, true);
	for (int i = 0; i < 300; i++)
		preview_text_feed(&p, STR("\xf0\x9f\x98\x80 "));
	ck_assert(preview_text_is_full(&p));
	ck_assert_uint_eq(p.chars, PREVIEW_CHARS); /* §3.3 */
	ck_assert(str_is_utf8(sbuf_view(&p.out)));
	ck_assert_int_eq(sbuf_error(&p.out), ERR_OK);
}
END_TEST

static const struct {
	const char *message, *preview;
} messages[] = {
    {"Subject: x\r\n\r\nHello\r\n", "{5}\nHello"},
    {"Subject: x\r\n\r\n> all\r\n> quoted\r\n", "{14}\n> all > quoted"},
    {"Subject: x\r\n\r\n", "\"\""}, /* §3.2: MUST be an empty string */
    {"Subject: x\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
     "Content-Transfer-Encoding: base64\r\n\r\nZ3L8bg==\r\n",
	"{5}\ngr\xc3\xbcn"},
    {"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n"
     "<p>html</p>\r\n--b\r\n\r\nplain\r\n--b--\r\n",
	"{5}\nplain"},
    {"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\n"
     "Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
     "<p>=C3=BC</p>\r\n--b--\r\n",
	"{2}\n\xc3\xbc"},
    {"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n"
     "Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nno\r\n--b--\r\n",
	"\"\""},
    {"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\r\nAAAA\r\n", "\"\""},
};

/* §3.1, §3.2. */
START_TEST(messages_have_previews)
{
	CLEANUP(imap_fixture_close) struct imap_fixture *f = imap_fixture_open("Inbox:0");

	for (size_t i = 0; i < ARRAY_LEN(messages); i++)
		imap_fixture_deliver(f, "Inbox", str_of(messages[i].message));
	ck_exchange(f, "0 SELECT Inbox", "0 OK");
	for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
		struct str ask = arena_printf(f->arena, "1 FETCH %zu PREVIEW", i + 1);
		struct str want = arena_printf(
		    f->arena, "* %zu FETCH (PREVIEW %s)\n1 OK", i + 1, messages[i].preview);
		ck_exchange(f, ask.p, want.p);
	}
}
END_TEST

static const struct dialogue preview_dialogue[] = {
    {"0 SELECT Inbox", "0 OK"},
    {"1 FETCH 1 (UID PREVIEW (LAZY) FLAGS)", /* §4.1 */
	"* 1 FETCH (UID 1 PREVIEW {#}\nThis is message 1. FLAGS (\\Recent))\n1 OK"},
    {"2 FETCH 1 PREVIEW (LAZY)", "* 1 FETCH (PREVIEW {#}\n2 OK"},
    {"3 FETCH 1 PREVIEW (CHANGEDSINCE 1)", "* 1 FETCH (\n3 OK"}, /* RFC 7162 §3.1.4.1 */
    {"4 FETCH 1 PREVIEW (LAZY) (CHANGEDSINCE 1)", "* 1 FETCH (\n4 OK"},
    {"5 FETCH 1 (PREVIEW (LAZY) PREVIEW)", "* 1 FETCH (PREVIEW {#}\n5 OK"},
    {"6 FETCH 1 (PREVIEW (EAGER))", "6 BAD"}, {"7 FETCH 1 (PREVIEW (LAZY EAGER))", "7 BAD"},
    {"8 FETCH 1 (SNIPPET (LAZY=FUZZY))", "* 1 FETCH (SNIPPET (FUZZY {#}\n8 OK"},
    {"9 FETCH 1 (PREVIEW (LAZY=FUZZY) UID)", "* 1 FETCH (PREVIEW (FUZZY {#}\n9 OK"},
    {"10 FETCH 1 FLAGS", "* 1 FETCH (FLAGS (\\Recent))\n10 OK"}, /* not \Seen */
};
DIALOGUE_TEST(preview_speaks, preview_dialogue, "Inbox:1")

TEST_MAIN("preview", the_first_words_are_as_one_would_read_them,
    a_preview_has_so_many_characters_and_no_more, messages_have_previews, preview_speaks)

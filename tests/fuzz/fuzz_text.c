/* A text part of a message as it is searched, cut into words and shown as a preview; in pieces it
 * must be what it is in one. The first octet: encoding, charset and kind; the second: the pieces.
 */
#include "imapd/preview_text.h"
#include "search/text_stream.h"
#include "search/word_stream.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_MAX (16 << 20)

static const char *const charsets[] = {"", "utf-8", "iso-8859-1", "windows-1252", "iso-2022-jp",
    "utf-7", "gb18030", "utf-16", "shift_jis", "x-unknown", "koi8-r", "us-ascii", "big5", "euc-kr",
    "utf-16le", "iso-8859-15"};

static void
read_text(struct str in, unsigned how, size_t piece, struct sbuf *out)
{
	CLEANUP(text_stream_done) struct text_stream t = {0};

	FUZZ_CHECK(text_stream_begin(&t, (enum part_encoding)(how % (PART_OTHER + 1)),
		       str_of(charsets[how >> 3 & 15])) == ERR_OK);
	for (; in.n > 0; in = str_skip(in, piece))
		FUZZ_CHECK(text_stream_feed(&t, str_sub(in, 0, piece), out) == ERR_OK);
	FUZZ_CHECK(text_stream_end(&t, out) == ERR_OK);
	FUZZ_CHECK(!out->err && str_is_utf8(sbuf_view(out)));
}

static void
add_word(void *arg, struct str word)
{
	FUZZ_CHECK(word.n > 0);
	sbuf_put(arg, word);
	sbuf_putc(arg, '\n');
}

static void
cut_words(struct str in, size_t piece, struct sbuf *out)
{
	struct word_stream w = {.n = 0};

	for (; in.n > 0; in = str_skip(in, piece))
		word_stream_feed(&w, str_sub(in, 0, piece), add_word, out);
	word_stream_end(&w, add_word, out);
}

static void
preview(struct str in, unsigned how, size_t piece, struct preview_text *p)
{
	preview_text_init(p, how & 0x80, true);
	for (; in.n > 0 && !preview_text_is_full(p); in = str_skip(in, piece))
		preview_text_feed(p, str_sub(in, 0, piece));
	FUZZ_CHECK(p->chars <= PREVIEW_CHARS && p->out.n <= PREVIEW_OCTETS);
	FUZZ_CHECK(str_is_utf8(sbuf_view(&p->out)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(sbuf_done) struct sbuf whole = SBUF_INIT(TEXT_MAX);
	CLEANUP(sbuf_done) struct sbuf cut = SBUF_INIT(TEXT_MAX);
	CLEANUP(sbuf_done) struct sbuf words = SBUF_INIT(TEXT_MAX);
	CLEANUP(sbuf_done) struct sbuf cut_up = SBUF_INIT(TEXT_MAX);
	CLEANUP(preview_text_done) struct preview_text one, other;

	preview_text_init(&one, false, false);
	preview_text_init(&other, false, false);
	if (size < 2)
		return 0;
	unsigned how = data[0];
	size_t piece = 1 + data[1] % 23U;
	struct str in = str_make(data + 2, size - 2);
	read_text(in, how, SIZE_MAX, &whole);
	read_text(in, how, piece, &cut);
	if (strcmp(charsets[how >> 3 & 15], "utf-7") !=
	    0) /* how often its errors count depends on glibc */
		FUZZ_CHECK(str_eq(sbuf_view(&whole), sbuf_view(&cut)));
	cut_words(sbuf_view(&whole), SIZE_MAX, &words);
	cut_words(sbuf_view(&whole), piece, &cut_up);
	FUZZ_CHECK(str_eq(sbuf_view(&words), sbuf_view(&cut_up)));
	if (!str_is_utf8(in))
		return 0;
	preview(in, how, SIZE_MAX, &one);
	preview(in, how, piece, &other);
	FUZZ_CHECK(str_eq(sbuf_view(&one.out), sbuf_view(&other.out)));
	return 0;
}

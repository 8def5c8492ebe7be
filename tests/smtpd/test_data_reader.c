#include "smtpd/data_reader.h"

#include "common/base/cleanup.h"
#include "tests/support/test.h"

#include <stdio.h>

struct out {
	char p[512];
	size_t n;
};

static void
collect(void *arg, const char *p, size_t n)
{
	struct out *o = arg;

	ck_assert_uint_le(o->n + n, sizeof(o->p));
	memcpy(o->p + o->n, p, n);
	o->n += n;
}

/* Feeds `in` in three pieces; what is given back as not the message's is not fed again. */
static size_t
feed_split(struct data_reader *r, struct str in, size_t a, size_t b, struct out *o)
{
	const struct str pieces[] = {str_sub(in, 0, a), str_sub(in, a, b - a), str_skip(in, b)};
	size_t used = 0;

	for (size_t i = 0; i < 3; i++) {
		size_t n = data_reader_feed(r, test_guarded(pieces[i]), collect, o);
		used += n;
		if (n < pieces[i].n) {
			ck_assert(r->ended);
			break;
		}
	}
	if (r->form != DATA_DOTS)
		data_reader_finish(r, collect, o);
	return used;
}

struct row {
	enum data_form form;
	struct str in;
	struct str out;
	size_t rest; /* octets after the end */
	bool ended, bare;
};

#define ROW(form, in, out, rest, ended, bare)                                                      \
	{                                                                                          \
		form, STR(in), STR(out), rest, ended, bare                                         \
	}

/* clang-format off */
static const struct row rows[] = {
	/* the end, and nothing else */
	ROW(DATA_DOTS, ".\r\n", "", 0, true, false),
	ROW(DATA_DOTS, ".\r\nQUIT\r\n", "", 6, true, false),
	ROW(DATA_DOTS, "a\r\n.\r\n", "a\r\n", 0, true, false),
	ROW(DATA_DOTS, "a\r\n.\r\nMAIL FROM:<>\r\n", "a\r\n", 14, true, false),
	ROW(DATA_DOTS, "\r\n.\r\n", "\r\n", 0, true, false),
	ROW(DATA_DOTS, "a\r\n\r\n\r\n.\r\n", "a\r\n\r\n\r\n", 0, true, false),
	/* dots are undone once, and only at the start of a line */
	ROW(DATA_DOTS, "..\r\n.\r\n", ".\r\n", 0, true, false),
	ROW(DATA_DOTS, "...\r\n..a\r\n.b\r\na.b\r\n.\r\n", "..\r\n.a\r\nb\r\na.b\r\n", 0, true, false),
	ROW(DATA_DOTS, "a.\r\n.\r\n", "a.\r\n", 0, true, false),
	/* smuggling: CVE-2023-51764, -51765, -51766 */
	ROW(DATA_DOTS, "a\n.\n.\r\n", "a\r\n.\r\n.\r\n", 0, false, true),
	ROW(DATA_DOTS, "a\n.\r\nb", "a\r\n.\r\nb", 0, false, true),
	ROW(DATA_DOTS, "a\r\n.\nb", "a\r\n\r\nb", 0, false, true),
	ROW(DATA_DOTS, "a\r.\rb", "a\r\n.\r\nb", 0, false, true),
	ROW(DATA_DOTS, "a\r.\r\nb", "a\r\n.\r\nb", 0, false, true),
	ROW(DATA_DOTS, "a\r\n.\rb", "a\r\n\r\nb", 0, false, true),
	ROW(DATA_DOTS, "a\r\n.\r\r\nb", "a\r\n\r\n\r\nb", 0, false, true),
	ROW(DATA_DOTS, "a\n.\rb", "a\r\n.\r\nb", 0, false, true),
	ROW(DATA_DOTS, "a\r.\nb", "a\r\n.\r\nb", 0, false, true),
	ROW(DATA_DOTS, "\n.\r\n", "\r\n.\r\n", 0, false, true),
	ROW(DATA_DOTS, "\r.\r\n", "\r\n.\r\n", 0, false, true),
	ROW(DATA_DOTS, ".\nb", "\r\nb", 0, false, true),
	ROW(DATA_DOTS, ".\rb", "\r\nb", 0, false, true),
	/* CR CR LF holds a true CRLF: the five octets that end the message are there */
	ROW(DATA_DOTS, "a\r\r\n.\r\n", "a\r\n\r\n", 0, true, true),
	ROW(DATA_DOTS, "a\r\n.\r\r\n.\r\n", "a\r\n\r\n\r\n", 0, true, true),
	/* NUL is text and ends nothing */
	ROW(DATA_DOTS, "a\0b\r\n.\r\n", "a\0b\r\n", 0, true, false),
	ROW(DATA_DOTS, "a\r\n\0.\r\nb", "a\r\n\0.\r\nb", 0, false, false),
	ROW(DATA_DOTS, "a\r\n.\0\r\nb", "a\r\n\0\r\nb", 0, false, false),
	ROW(DATA_DOTS, "a\r\0\n.\r\nb", "a\r\n\0\r\n.\r\nb", 0, false, true),
	ROW(DATA_DOTS, "a\r\n.\r\0\nb", "a\r\n\r\n\0\r\nb", 0, false, true),
	ROW(DATA_DOTS, "a\n\0.\n", "a\r\n\0.\r\n", 0, false, true),
	/* chunks: no dots, line ends put right */
	ROW(DATA_CHUNKS, "a\r\n.\r\n..\r\n", "a\r\n.\r\n..\r\n", 0, false, false),
	ROW(DATA_CHUNKS, "a\nb\rc\r\r\n", "a\r\nb\r\nc\r\n\r\n", 0, false, true),
	ROW(DATA_CHUNKS, "a\r\nb\r", "a\r\nb\r\n", 0, false, true),
	ROW(DATA_CHUNKS, ".", ".", 0, false, false),
	/* binary: as it is */
	ROW(DATA_BINARY, "a\nb\rc\r\n.\r\n\0\r", "a\nb\rc\r\n.\r\n\0\r", 0, false, false),
};
/* clang-format on */

START_TEST(only_crlf_dot_crlf_ends_a_message_however_it_is_cut)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct row *row = &rows[i];
		for (size_t a = 0; a <= row->in.n; a++) {
			for (size_t b = a; b <= row->in.n; b++) {
				struct data_reader r;
				struct out o = {.n = 0};
				data_reader_init(&r, row->form);
				size_t used = feed_split(&r, row->in, a, b, &o);
				ck_assert_msg(str_eq(str_make(o.p, o.n), row->out),
				    "row %zu cut at %zu,%zu: \"%.*s\"", i, a, b, (int)o.n, o.p);
				ck_assert_msg(r.ended == row->ended, "row %zu at %zu,%zu", i, a, b);
				ck_assert_msg(r.bare == row->bare, "row %zu at %zu,%zu", i, a, b);
				ck_assert_uint_eq(used, row->in.n - row->rest);
			}
		}
	}
}
END_TEST

/* Every string of six octets over the four that matter: where CR LF . CR LF stands for the first
 * time (or ". CR LF" at the start), the message ends there, and never elsewhere; what comes out
 * holds no lone CR or LF; octet by octet gives the same as at once. */
START_TEST(every_short_input_ends_where_the_five_octets_stand)
{
	static const char alphabet[] = {'\r', '\n', '.', 'x'};

	for (unsigned code = 0; code < 1u << 14; code++) {
		char text[9] = "\r\n";
		for (unsigned i = 0; i < 7; i++)
			text[2 + i] = alphabet[code >> (2 * i) & 3];
		const char *end = memmem(text, sizeof(text), "\r\n.\r\n", 5);
		struct data_reader whole, bytes;
		struct out at_once = {.n = 0}, by_byte = {.n = 0};
		data_reader_init(&whole, DATA_DOTS);
		data_reader_init(&bytes, DATA_DOTS);
		size_t used = data_reader_feed(&whole, str_make(text + 2, 7), collect, &at_once);
		for (size_t i = 2; i < sizeof(text) && !bytes.ended; i++)
			data_reader_feed(&bytes, str_make(text + i, 1), collect, &by_byte);
		ck_assert_msg(whole.ended == (end != NULL), "%x", code);
		if (end)
			ck_assert_uint_eq(used, (size_t)(end + 5 - (text + 2)));
		ck_assert(whole.ended == bytes.ended && whole.bare == bytes.bare);
		ck_assert(str_eq(str_make(at_once.p, at_once.n), str_make(by_byte.p, by_byte.n)));
		for (size_t i = 0; i < at_once.n; i++) {
			if (at_once.p[i] == '\r')
				ck_assert(i + 1 < at_once.n && at_once.p[i + 1] == '\n');
			if (at_once.p[i] == '\n')
				ck_assert(i > 0 && at_once.p[i - 1] == '\r');
		}
	}
}
END_TEST

static void
count(void *arg, const char *p, size_t n)
{
	(void)p;
	*(size_t *)arg += n;
}

START_TEST(a_flood_of_carriage_returns_takes_linear_time)
{
	size_t n = 4 << 20;
	size_t out = 0;
	CLEANUP(mem_free) char *text = malloc(n);
	struct data_reader r;

	memset(text, '\r', n);
	data_reader_init(&r, DATA_DOTS);
	ck_assert_uint_eq(data_reader_feed(&r, str_make(text, n), count, &out), n);
	ck_assert_uint_eq(out, 2 * (n - 1));
}
END_TEST

TEST_MAIN("data_reader", only_crlf_dot_crlf_ends_a_message_however_it_is_cut,
    every_short_input_ends_where_the_five_octets_stand,
    a_flood_of_carriage_returns_takes_linear_time)

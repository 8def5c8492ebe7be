#include "common/mail/message_index.h"
#include "common/mail/parts.h"
#include "tests/support/test.h"

#include <stdio.h>

static struct index_builder *
build(struct str in, size_t step, struct message_index *ret)
{
	struct index_builder *b = index_builder_new();

	ck_assert_ptr_nonnull(b);
	for (size_t i = 0; i < in.n; i += step) {
		struct str piece = str_sub(in, i, step);
		index_builder_feed(b, piece.p, piece.n);
	}
	ck_assert_ok(index_builder_finish(b, ret));
	return b;
}

static void
assert_same(const struct message_index *a, const struct message_index *b)
{
	ck_assert_uint_eq(a->size, b->size);
	ck_assert_uint_eq(a->header_size, b->header_size);
	ck_assert(a->has_8bit == b->has_8bit && a->has_nul == b->has_nul);
	ck_assert(str_eq(a->envelope, b->envelope));
	ck_assert(str_eq(a->bodystructure, b->bodystructure));
	ck_assert(str_eq(a->parts, b->parts));
	ck_assert(str_eq(a->subject, b->subject));
	ck_assert(str_eq(a->message_id, b->message_id));
}

/* The index of `in`, which is the same however the octets come. */
static struct index_builder *
build_all_ways(struct str in, struct message_index *ret)
{
	static const size_t steps[] = {1, 2, 3, 7, 64};
	struct str guarded = test_guarded(in);
	struct index_builder *b = build(guarded, in.n ? in.n : 1, ret);

	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct message_index other;
		CLEANUP(index_builder_free)
		struct index_builder *o = build(guarded, steps[i], &other);
		assert_same(ret, &other);
	}
	return b;
}

/* "0:kind header_at+size body_at+size; …" of all parts, with the text that stands there. */
static void
describe_parts(struct str in, struct str octets, struct sbuf *out)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(8 << 20);
	struct part_table t;

	ck_assert_ok(parts_decode(octets, arena, &t));
	for (size_t i = 0; i < t.n; i++) {
		const struct part *p = &t.parts[i];
		sbuf_printf(out, "%d.%u%c%s[%.*s] ", p->parent, p->number, "LMm"[p->kind],
		    p -> kind == PART_LEAF && !p -> is_text ? "-" : "",
		    STR_ARG(str_sub(in, p->body_at, p->kind == PART_LEAF ? p->body_size : 0)));
	}
}

#define TEXT_PLAIN "(\"text\" \"plain\" (\"charset\" \"us-ascii\") NIL NIL \"7bit\" "
#define NO_EXT " NIL NIL NIL NIL)"
#define MULTI(subtype, boundary) " \"" subtype "\" (\"boundary\" \"" boundary "\") NIL NIL NIL)"
#define MIXED "Content-Type: multipart/mixed; boundary=x\r\n\r\n"

struct structure_row {
	const char *what;
	const char *message;
	const char *bodystructure;
	const char *parts; /* parent.number, kind, [body] of leaves */
};

static const struct structure_row structures[] = {
    {"nothing at all", "", TEXT_PLAIN "0 0" NO_EXT, "-1.1L[] "},
    {"no header", "\r\nbody\r\n", TEXT_PLAIN "6 1" NO_EXT, "-1.1L[body\r\n] "},
    {"no body and no empty line", "Subject: a\r\n", TEXT_PLAIN "0 0" NO_EXT, "-1.1L[] "},
    {"bare LF", "Subject: a\n\nb\nc\n", TEXT_PLAIN "4 2" NO_EXT, "-1.1L[b\nc\n] "},
    {"a last line without its end", "\r\na\r\nb", TEXT_PLAIN "4 1" NO_EXT, "-1.1L[a\r\nb] "},
    {"bare LF between parts", "Content-Type: multipart/mixed; boundary=x\n\n--x\n\na\n--x--\n",
	"(" TEXT_PLAIN "1 0" NO_EXT MULTI("mixed", "x"), "-1.1M[] 0.1L[a] "},
    {"two parts, preamble and epilogue",
	MIXED "pre\r\n--x\r\n\r\na\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\nb\r\n--x--\r\nepi",
	"(" TEXT_PLAIN "3 1" NO_EXT
	"(\"text\" \"html\" NIL NIL NIL \"7bit\" 1 0" NO_EXT MULTI("mixed", "x"),
	"-1.1M[] 0.1L[a\r\n] 0.2L[b] "},
    {"the final delimiter is missing", MIXED "--x\r\n\r\na\r\n--x\r\n\r\nb\r\n",
	"(" TEXT_PLAIN "1 0" NO_EXT TEXT_PLAIN "3 1" NO_EXT MULTI("mixed", "x"),
	"-1.1M[] 0.1L[a] 0.2L[b\r\n] "},
    {"no delimiter at all: one text", MIXED "lost\r\n",
	"(" TEXT_PLAIN "6 1" NO_EXT MULTI("mixed", "x"), "-1.1M[] 0.1L[lost\r\n] "},
    {"an empty multipart", "Content-Type: multipart/mixed; boundary=x\r\n",
	"(" TEXT_PLAIN "0 0" NO_EXT MULTI("mixed", "x"), "-1.1M[] 0.1L[] "},
    {"only the final delimiter", MIXED "--x--\r\n", "(" TEXT_PLAIN "7 1" NO_EXT MULTI("mixed", "x"),
	"-1.1M[] 0.1L[--x--\r\n] "},
    {"parts without octets", MIXED "--x\r\n--x\r\n\r\n--x\r\n\r\n\r\n--x--\r\n",
	"(" TEXT_PLAIN "0 0" NO_EXT TEXT_PLAIN "0 0" NO_EXT TEXT_PLAIN
	"0 0" NO_EXT MULTI("mixed", "x"),
	"-1.1M[] 0.1L[] 0.2L[] 0.3L[] "},
    {"no empty line after a part's header", MIXED "--x\r\nContent-Type: image/png\r\n--x--\r\n",
	"((\"image\" \"png\" NIL NIL NIL \"7bit\" 0" NO_EXT MULTI("mixed", "x"),
	"-1.1M[] 0.1L-[] "},
    {"blanks behind the delimiter", MIXED "--x \t\r\n\r\na\r\n--x-- \r\n",
	"(" TEXT_PLAIN "1 0" NO_EXT MULTI("mixed", "x"), "-1.1M[] 0.1L[a] "},
    {"one boundary is the start of another",
	"Content-Type: multipart/mixed; boundary=ab\r\n\r\n--ab\r\n"
	"Content-Type: multipart/alternative; "
	"boundary=abc\r\n\r\n--abc\r\n\r\n1\r\n--abc\r\n\r\n2\r\n"
	"--abc--\r\n--ab\r\n\r\n3\r\n--ab--\r\n",
	"((" TEXT_PLAIN "1 0" NO_EXT TEXT_PLAIN "1 0" NO_EXT MULTI("alternative", "abc") TEXT_PLAIN
	"1 0" NO_EXT MULTI("mixed", "ab"),
	"-1.1M[] 0.1M[] 1.1L[1] 1.2L[2] 0.2L[3] "},
    {"the inner one is the start of the outer",
	"Content-Type: multipart/mixed; boundary=abc\r\n\r\n--abc\r\n"
	"Content-Type: multipart/alternative; "
	"boundary=ab\r\n\r\n--ab\r\n\r\n1\r\n--abc\r\n\r\n2\r\n"
	"--abc--\r\n",
	"((" TEXT_PLAIN "1 0" NO_EXT MULTI("alternative", "ab") TEXT_PLAIN
	"1 0" NO_EXT MULTI("mixed", "abc"),
	"-1.1M[] 0.1M[] 1.1L[1] 0.2L[2] "},
    {"the same boundary twice: the inner one counts",
	MIXED "--x\r\n" MIXED "--x\r\n\r\n1\r\n--x--\r\n--x\r\n\r\n2\r\n--x--\r\n",
	"((" TEXT_PLAIN "1 0" NO_EXT MULTI("mixed", "x") TEXT_PLAIN
	"1 0" NO_EXT MULTI("mixed", "x"),
	"-1.1M[] 0.1M[] 1.1L[1] 0.2L[2] "},
    {"parts of a digest are messages (RFC 2046 §5.1.5)",
	"Content-Type: multipart/digest; boundary=x\r\n\r\n--x\r\n\r\nSubject: "
	"s\r\n\r\nb\r\n--x\r\n"
	"Content-Type: text/plain\r\n\r\nt\r\n--x--\r\n",
	"((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 15 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL "
	"NIL) " TEXT_PLAIN "1 0" NO_EXT " 2" NO_EXT
	"(\"text\" \"plain\" NIL NIL NIL \"7bit\" 1 0" NO_EXT MULTI("digest", "x"),
	"-1.1M[] 0.1m[] 1.1L[b] 0.2L[t] "},
    {"an embedded multipart, cut off by the outer delimiter",
	MIXED "--x\r\nContent-Type: message/rfc822\r\n\r\n"
	      "Content-Type: multipart/mixed; boundary=y\r\n\r\n--y\r\n\r\na\r\n--x--\r\n",
	"((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 53 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"
	" (" TEXT_PLAIN "1 0" NO_EXT MULTI("mixed", "y") " 4" NO_EXT MULTI("mixed", "x"),
	"-1.1M[] 0.1m[] 1.1M[] 2.1L[a] "},
    {"message/global is a message too (RFC 6532 §3.7, RFC 9051 §7.5.2)",
	MIXED "--x\r\nContent-Type: message/global\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
	      "Subject: s\r\n\r\nb\r\n--x--\r\n",
	"((\"message\" \"global\" NIL NIL NIL \"8bit\" 15 (NIL \"s\" NIL NIL NIL NIL NIL NIL NIL "
	"NIL) " TEXT_PLAIN "1 0" NO_EXT " 2" NO_EXT MULTI("mixed", "x"),
	"-1.1M[] 0.1m[] 1.1L[b] "},
    {"but not one that is encoded",
	MIXED "--x\r\nContent-Type: message/global\r\nContent-Transfer-Encoding: base64\r\n\r\n"
	      "QQ==\r\n--x--\r\n",
	"((\"message\" \"global\" NIL NIL NIL \"base64\" 4" NO_EXT MULTI("mixed", "x"),
	"-1.1M[] 0.1L[QQ==] "},
    {"an embedded message without octets",
	MIXED "--x\r\nContent-Type: message/rfc822\r\n\r\n--x--\r\n",
	"((\"message\" \"rfc822\" NIL NIL NIL \"7bit\" 0 (NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"
	" " TEXT_PLAIN "0 0" NO_EXT " 0" NO_EXT MULTI("mixed", "x"),
	"-1.1M[] 0.1m[] 1.1L[] "},
    {"what is no type means text/plain (RFC 2045 §5.2)", "Content-Type: garbage\r\n\r\na",
	TEXT_PLAIN "1 0" NO_EXT, "-1.1L[a] "},
    {"a multipart without boundary is text", "Content-Type: multipart/mixed\r\n\r\na",
	TEXT_PLAIN "1 0" NO_EXT, "-1.1L[a] "},
    {"the first of two types counts", "Content-Type: text/html\r\nContent-Type: image/png\r\n\r\na",
	"(\"text\" \"html\" NIL NIL NIL \"7bit\" 1 0" NO_EXT, "-1.1L[a] "},
    {"the first that can be read", "Content-Type: ;\r\nContent-Type: image/png\r\n\r\na",
	"(\"image\" \"png\" NIL NIL NIL \"7bit\" 1" NO_EXT, "-1.1L-[a] "},
    {"all fields",
	"Content-Type: Text/X-Y; Charset=\"UTF-8\" (c) ; format=flowed\r\n"
	"Content-Transfer-Encoding: Quoted-Printable (c)\r\nContent-ID: <i@x>\r\n"
	"Content-Description: a \"b\"\r\n c\\\r\nContent-MD5: Q2hlY2s=\r\n"
	"Content-Disposition: attachment; filename=my file.txt; size=1\r\n"
	"Content-Language: en, de\r\nContent-Location: http://x/\r\n\r\na\r\n",
	"(\"Text\" \"X-Y\" (\"Charset\" \"UTF-8\" \"format\" \"flowed\") \"<i@x>\" "
	"\"a \\\"b\\\" c\\\\\" \"Quoted-Printable\" 3 1 \"Q2hlY2s=\" (\"attachment\" (\"filename\" "
	"\"my file.txt\" \"size\" \"1\")) (\"en\" \"de\") \"http://x/\")",
	"-1.1L[a\r\n] "},
    {"one language is a string", "Content-Language: en\r\nContent-Disposition: inline\r\n\r\n",
	TEXT_PLAIN "0 0 NIL (\"inline\" NIL) \"en\" NIL)", "-1.1L[] "},
    {"8-bit text is a literal", "Content-Type: image/png; name=\"\xe4\"\r\n\r\n",
	"(\"image\" \"png\" (\"name\" {1}\r\n\xe4) NIL NIL \"7bit\" 0" NO_EXT, "-1.1L-[] "},
};

START_TEST(structures_are_found_and_written)
{
	for (size_t i = 0; i < ARRAY_LEN(structures); i++) {
		const struct structure_row *row = &structures[i];
		struct str in = str_of(row->message);
		struct message_index index;
		CLEANUP(index_builder_free) struct index_builder *b = build_all_ways(in, &index);
		CLEANUP(sbuf_done) struct sbuf parts = SBUF_INIT(100000);
		describe_parts(in, index.parts, &parts);
		ck_assert_msg(str_eq(index.bodystructure, str_of(row->bodystructure)),
		    "%s: got %.*s\nexpected %s", row->what, STR_ARG(index.bodystructure),
		    row->bodystructure);
		ck_assert_msg(str_eq(sbuf_view(&parts), str_of(row->parts)),
		    "%s: got %s\nexpected %s", row->what, sbuf_cstr(&parts), row->parts);
		ck_assert_uint_eq(index.size, in.n);
	}
}
END_TEST

/* RFC 2231 §3, §4; RFC 2045 §5.1; and what people's programs write instead. */
START_TEST(parameters_are_read_as_they_are_written)
{
	static const struct {
		const char *field;
		const char *wire;
	} rows[] = {
	    {"; name=a", "(\"name\" \"a\")"},
	    {"; name=\"a;b\\\"\\\\\"; x=y", "(\"name\" \"a;b\\\"\\\\\" \"x\" \"y\")"},
	    {"; a*0=1; a*1=2; a*2=\"3 4\"", "(\"a\" \"123 4\")"},
	    {"; a*1=2; b=x; a*0=1", "(\"a\" \"12\" \"b\" \"x\")"},
	    {"; a*0*=utf-8''%e2; a*1*=%82; a*2=\" %'\"", "(\"a*\" \"utf-8''%e2%82%20%25%27\")"},
	    {"; filename*=utf-8'en'%41", "(\"filename*\" \"utf-8'en'%41\")"},
	    {"; filename=x; filename*=utf-8''y", "(\"filename\" \"x\" \"filename*\" \"utf-8''y\")"},
	    {"; a*0=1; a*2=3", "(\"a\" \"1\")"},
	    {"; a*1=2", "(\"a*1\" \"2\")"},
	    {"; a*01=2; a*x=3", "(\"a*01\" \"2\" \"a*x\" \"3\")"},
	    {"; a*0=1; a*0=2; a*1=3", "(\"a\" \"13\")"},
	    {" charset=utf-8", "(\"charset\" \"utf-8\")"},
	    {"; name = a b.txt ; x = y z", "(\"name\" \"a b.txt\" \"x\" \"y\")"},
	    {"; ; junk; a=b;;", "(\"a\" \"b\")"},
	    {"; =b; a", "NIL"},
	    {"; a=", "(\"a\" \"\")"},
	    {"; a=\"open", "(\"a\" \"open\")"},
	    {"; a=\"fol\r\n ded\"", "(\"a\" \"fol ded\")"},
	    {"; (c(d)\\) a=b", "NIL"},
	    {" (c) ; (d) a (e) = (f) b (g)", "(\"a\" \"b\")"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1000);
		CLEANUP(sbuf_done) struct sbuf want = SBUF_INIT(1000);
		struct message_index index;
		sbuf_printf(&in, "Content-Type: image/png%s\r\n\r\n", rows[i].field);
		sbuf_printf(&want, "(\"image\" \"png\" %s NIL NIL \"7bit\" 0" NO_EXT, rows[i].wire);
		CLEANUP(index_builder_free)
		struct index_builder *b = build_all_ways(sbuf_view(&in), &index);
		ck_assert_str_is(index.bodystructure, sbuf_cstr(&want));
	}
}
END_TEST

#define AT(local) "((NIL NIL \"" local "\" \"x\"))"

/* RFC 3501 §7.4.2 */
START_TEST(envelopes_are_written)
{
	static const struct {
		const char *header;
		const char *envelope;
	} rows[] = {
	    {"", "(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"},
	    {"Date: d\r\nSUBJECT : a\r\n b\r\nFrom: f@x\r\nTo: t@x\r\nCc: c@x\r\nBcc: b@x\r\n"
	     "In-Reply-To: <r@x>\r\nMessage-Id: <m@x>\r\n",
		"(\"d\" \"a b\" " AT("f") " " AT("f") " " AT("f") " " AT("t") " " AT("c") " " AT(
		    "b") " \"<r@x>\" \"<m@x>\")"},
	    {"From: f@x\r\nSender: s@x\r\nReply-To:\r\n",
		"(NIL NIL " AT("f") " " AT("s") " " AT("f") " NIL NIL NIL NIL NIL)"},
	    {"Subject:\r\nTo:\r\nCc: ,\r\n", "(NIL \"\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
	    {"Subject: one\r\nSubject: two\r\nTo: a@x\r\nTo: b@x\r\n",
		"(NIL \"one\" NIL NIL NIL ((NIL NIL \"a\" \"x\")(NIL NIL \"b\" \"x\")) NIL NIL NIL "
		"NIL)"},
	    {"Subject: \"q\" \\\r\n", "(NIL \"\\\"q\\\" \\\\\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
	    {"Subject: \xc3\xa4\"\r\n", "(NIL {3}\r\n\xc3\xa4\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
	    {"Subject: a\rb\r\n", "(NIL {3}\r\na\rb NIL NIL NIL NIL NIL NIL NIL NIL)"},
	    {"To: G: a@x;, H:;\r\n",
		"(NIL NIL NIL NIL NIL ((NIL NIL \"G\" NIL)(NIL NIL \"a\" \"x\")(NIL NIL NIL NIL)"
		"(NIL NIL \"H\" NIL)(NIL NIL NIL NIL)) NIL NIL NIL NIL)"},
	    {"not a field\r\nFrom x@y: 12\r\n folded\r\nSubject: s\r\n",
		"(NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL)"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1000);
		struct message_index index;
		sbuf_printf(&in, "%s\r\nbody", rows[i].header);
		CLEANUP(index_builder_free)
		struct index_builder *b = build_all_ways(sbuf_view(&in), &index);
		ck_assert_str_is(index.envelope, rows[i].envelope);
		ck_assert_uint_eq(index.header_size, in.n - 4);
	}
}
END_TEST

START_TEST(octets_that_no_protocol_carries_do_not_go_out)
{
	struct message_index index;
	struct str in = STR("Subject: a\0b\xff\r\nTo: \"\0\" <c\0d@x>\r\n\r\n\0");
	CLEANUP(index_builder_free) struct index_builder *b = build_all_ways(in, &index);

	ck_assert(index.has_nul && index.has_8bit);
	ck_assert(!str_has_nul(index.envelope));
	ck_assert_str_is(str_sub(index.envelope, 0, 14), "(NIL {4}\r\na?b\xff");
	ck_assert(str_is_utf8(index.subject) && !str_has_nul(index.subject));

	CLEANUP(index_builder_free) struct index_builder *c = build_all_ways(STR("\r\na"), &index);
	ck_assert(!index.has_nul && !index.has_8bit);
}
END_TEST

START_TEST(subject_and_message_id_are_kept_readable)
{
	struct message_index index;
	CLEANUP(index_builder_free)
	struct index_builder *b =
	    build_all_ways(STR("Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\r\n aus\r\n"
			       "Message-ID: x <1@y> z\r\n\r\nSubject: no\r\n"),
		&index);

	ck_assert_str_is(index.subject, "Gr\xc3\xbc\xc3\x9f"
					"e aus");
	ck_assert_str_is(index.message_id, "<1@y>");
	CLEANUP(index_builder_free)
	struct index_builder *c = build_all_ways(STR("Message-ID: none\r\n\r\n"), &index);
	ck_assert_uint_eq(index.subject.n, 0);
	ck_assert_uint_eq(index.message_id.n, 0);
}
END_TEST

START_TEST(a_brief_index_knows_what_concerns_the_whole_message_alone)
{
	static const char text[] =
	    "Message-ID: <1@y>\r\nContent-Type: multipart/mixed; boundary=b\r\n"
	    "\r\n--b\r\n\r\n\xc3\xa9\r\n--b--\r\n";
	CLEANUP(index_builder_free) struct index_builder *whole = index_builder_new();
	CLEANUP(index_builder_free) struct index_builder *brief = index_builder_new_brief();
	struct message_index w, b;

	index_builder_feed(whole, text, sizeof(text) - 1);
	index_builder_feed(brief, text, sizeof(text) - 1);
	ck_assert_ok(index_builder_finish(whole, &w));
	ck_assert_ok(index_builder_finish(brief, &b));
	ck_assert_uint_eq(b.size, w.size);
	ck_assert_uint_eq(b.header_size, w.header_size);
	ck_assert_str_is(b.message_id, "<1@y>");
	ck_assert(b.has_8bit && w.has_8bit && !b.has_nul);
	ck_assert(b.parts.n < w.parts.n);
}
END_TEST

/* Text of all octets, with more lines in eight columns than an octet counts to. */
START_TEST(lines_and_octets_of_large_texts_are_counted)
{
	static char text[40000];
	static const size_t sizes[] = {0, 1, 7, 8, 9, 2040, 2047, 2048, 4095, 39000};

	for (unsigned every = 1; every < 80; every += 13) {
		for (size_t s = 0; s < ARRAY_LEN(sizes); s++) {
			struct message_index index;
			char want[40];
			size_t n = (size_t)sprintf(text, "A: b\r\n\r\n"), lines = 0;
			for (size_t i = 0; i < sizes[s]; i++) {
				bool lf = i % every == every - 1;
				text[n + i] = lf ? '\n' : (char)(i * 7 % 127 + 1);
				lines += text[n + i] == '\n';
			}
			CLEANUP(index_builder_free)
			struct index_builder *b =
			    build_all_ways(str_make(text, n + sizes[s]), &index);
			snprintf(want, sizeof(want), "\"7BIT\" %zu %zu", sizes[s], lines);
			ck_assert_msg(
			    str_find_nocase(index.bodystructure, str_of(want)) != STR_NONE,
			    "%s is not in %.*s", want, STR_ARG(index.bodystructure));
			ck_assert(!index.has_8bit);
			if (!sizes[s])
				continue;
			text[n + sizes[s] / 2] = (char)0x80;
			CLEANUP(index_builder_free)
			struct index_builder *c =
			    build_all_ways(str_make(text, n + sizes[s]), &index);
			ck_assert(index.has_8bit);
		}
	}
}
END_TEST

TEST_MAIN("message_index", lines_and_octets_of_large_texts_are_counted,
    structures_are_found_and_written, parameters_are_read_as_they_are_written,
    envelopes_are_written, octets_that_no_protocol_carries_do_not_go_out,
    subject_and_message_id_are_kept_readable,
    a_brief_index_knows_what_concerns_the_whole_message_alone)

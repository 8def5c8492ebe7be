#include "common/mail/message_index.h"
#include "imapd/fetch_items.h"
#include "tests/support/test.h"

/* A message in memory, indexed as delivery does it. */
struct sample {
	struct sbuf octets;
	struct index_builder *builder;
	struct message_index index;
	struct arena *arena;
	struct part_table parts;
};

static void
sample_close(struct sample *s)
{
	index_builder_free(&s->builder);
	sbuf_done(&s->octets);
	arena_free(&s->arena);
}

/* `text` has LF line ends. */
static void
sample_open(struct sample *s, const char *text)
{
	*s = (struct sample){.octets = SBUF_INIT(1 << 20), .arena = arena_new(1 << 20)};
	for (; *text; text++)
		sbuf_puts(&s->octets, *text == '\n' ? "\r\n" : (char[]){*text, 0});
	s->builder = index_builder_new();
	index_builder_feed(s->builder, s->octets.p, s->octets.n);
	ck_assert_ok(index_builder_finish(s->builder, &s->index));
	ck_assert_ok(parts_decode(s->index.parts, s->arena, &s->parts));
}

/* The octets an item such as "BODY[1.MIME]<0.5>" stands for, "NIL" for none. */
static struct str
sample_fetch(struct sample *s, const char *item_text, struct sbuf *picked)
{
	struct fetch_items items;
	struct imap_args a;
	struct extent at;

	imap_args_init(&a, test_guarded(str_of(item_text)), s->arena);
	fetch_parse_items(&a, false, &items);
	ck_assert_msg(!imap_parse_end(&a), "%s", item_text);
	ck_assert_uint_eq(items.n, 1);
	const struct fetch_item *item = &items.item[0];
	const struct message_sizes sizes = {s->index.size, s->index.header_size};
	if (!section_find(&item->section, &sizes, &s->parts, &at))
		return STR("NIL");
	struct str octets = str_sub(sbuf_view(&s->octets), at.at, at.size);
	if (section_picks_fields(&item->section)) {
		sbuf_clear(picked);
		section_pick_fields(&item->section, octets, picked);
		octets = sbuf_view(picked);
	}
	struct extent clip = partial_clip(&item->partial, octets.n);
	return str_sub(octets, clip.at, clip.size);
}

struct row {
	const char *item;
	const char *expect; /* LF line ends */
};

static void
check_rows(const char *message, const struct row *rows, size_t n)
{
	CLEANUP(sample_close) struct sample s;
	CLEANUP(sbuf_done) struct sbuf picked = SBUF_INIT(1 << 20);
	CLEANUP(sbuf_done) struct sbuf want = SBUF_INIT(1 << 20);

	sample_open(&s, message);
	for (size_t i = 0; i < n; i++) {
		struct str got = sample_fetch(&s, rows[i].item, &picked);
		sbuf_clear(&want);
		for (const char *p = rows[i].expect; *p; p++)
			sbuf_puts(&want, *p == '\n' ? "\r\n" : (char[]){*p, 0});
		ck_assert_msg(str_eq(got, sbuf_view(&want)), "%s: got \"%.*s\", expected \"%.*s\"",
		    rows[i].item, STR_ARG(got), STR_ARG(sbuf_view(&want)));
	}
}

START_TEST(a_message_without_mime_has_one_part)
{
	static const char message[] = "Subject: hi\nFrom: a@b\n\nline one\nline two\n";
	static const struct row rows[] = {
	    {"BODY[]", "Subject: hi\nFrom: a@b\n\nline one\nline two\n"},
	    {"RFC822", "Subject: hi\nFrom: a@b\n\nline one\nline two\n"},
	    {"BODY[HEADER]", "Subject: hi\nFrom: a@b\n\n"},
	    {"RFC822.HEADER", "Subject: hi\nFrom: a@b\n\n"},
	    {"BODY[TEXT]", "line one\nline two\n"},
	    {"RFC822.TEXT", "line one\nline two\n"},
	    {"BODY[1]", "line one\nline two\n"},
	    {"BODY[2]", "NIL"},
	    {"BODY[1.1]", "NIL"},
	    {"BODY[1.TEXT]", "NIL"}, /* part 1 is no message */
	    {"BODY[1.HEADER]", "NIL"},
	    {"BODY[4294967295]", "NIL"},
	};
	check_rows(message, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(partials_are_cut_to_what_is_there)
{
	static const char message[] = "A: b\n\n0123456789\n";
	static const struct row rows[] = {
	    {"BODY[TEXT]<0.4>", "0123"},
	    {"BODY[TEXT]<4.4>", "4567"},
	    {"BODY[TEXT]<8.400>", "89\n"},
	    {"BODY[TEXT]<12.1>", ""},
	    {"BODY[TEXT]<4294967295.4294967295>", ""},
	    {"BODY[TEXT]<0.4294967295>", "0123456789\n"},
	    {"BODY[HEADER.FIELDS (A)]<1.3>", ": b"},
	    {"BODY[HEADER.FIELDS (A)]<99.3>", ""},
	};
	CLEANUP(sample_close) struct sample s;
	CLEANUP(sbuf_done) struct sbuf picked = SBUF_INIT(1 << 20);

	check_rows(message, rows, ARRAY_LEN(rows));
	/* octets, not lines: this one starts within a line end */
	sample_open(&s, message);
	ck_assert_str_is(sample_fetch(&s, "BODY[]<5.4>", &picked), "\n\r\n0");
}
END_TEST

START_TEST(fields_keep_their_octets_and_order)
{
	static const char message[] = "To: x@y\nreceived: one\n\ttwo\nFrom: a@b\nRECEIVED:three\n"
				      "Empty:\nno field at all\nX-Last : z\n\nbody\n";
	static const struct row rows[] = {
	    {"BODY[HEADER.FIELDS (From To)]", "To: x@y\nFrom: a@b\n\n"},
	    {"BODY[HEADER.FIELDS (received)]", "received: one\n\ttwo\nRECEIVED:three\n\n"},
	    {"BODY[HEADER.FIELDS (Absent)]", "\n"},
	    {"BODY[HEADER.FIELDS (empty)]", "Empty:\n\n"},
	    {"BODY[HEADER.FIELDS (x-last)]", "X-Last : z\n\n"}, /* RFC 5322 §4.5 */
	    {"BODY[HEADER.FIELDS (\"From\" {2}\r\nTo)]", "To: x@y\nFrom: a@b\n\n"},
	    {"BODY[HEADER.FIELDS.NOT (RECEIVED From empty X-LAST)]", "To: x@y\n\n"},
	    {"BODY[HEADER.FIELDS (From From from)]", "From: a@b\n\n"},
	    {"BODY[HEADER.FIELDS (Fro)]", "\n"}, /* "otherwise exact" */
	    {"BODY[HEADER.FIELDS (Froms)]", "\n"},
	};
	check_rows(message, rows, ARRAY_LEN(rows));
}
END_TEST

static const char nested[] = "Subject: outer\n"
			     "MIME-Version: 1.0\n"
			     "Content-Type: multipart/mixed; boundary=o\n"
			     "\n"
			     "preamble\n"
			     "--o\n"
			     "\n"
			     "first\n"
			     "--o\n"
			     "Content-Type: message/rfc822\n"
			     "Content-Description: forwarded\n"
			     "\n"
			     "Subject: inner\n"
			     "From: in@ner\n"
			     "Content-Type: multipart/alternative; boundary=i\n"
			     "\n"
			     "--i\n"
			     "Content-Type: text/plain\n"
			     "\n"
			     "plain\n"
			     "--i\n"
			     "Content-Type: text/html\n"
			     "\n"
			     "<p>html\n"
			     "--i--\n"
			     "--o\n"
			     "Content-Type: message/rfc822\n"
			     "\n"
			     "Subject: simple\n"
			     "\n"
			     "simple body\n"
			     "--o\n"
			     "Content-Type: text/plain; name=empty\n"
			     "\n"
			     "--o\n"
			     "Content-Type: multipart/mixed; boundary=n\n"
			     "\n"
			     "--n\n"
			     "Content-Type: image/gif\n"
			     "\n"
			     "GIF\n"
			     "--n--\n"
			     "--o--\n"
			     "epilogue\n";

/* RFC 3501 §6.4.5, the example of part specifiers */
START_TEST(part_numbers_reach_into_embedded_messages)
{
	static const struct row rows[] = {
	    {"BODY[1]", "first"},
	    {"BODY[1.MIME]", "\n"},
	    {"BODY[2.MIME]", "Content-Type: message/rfc822\nContent-Description: forwarded\n\n"},
	    {"BODY[2.HEADER]", "Subject: inner\nFrom: in@ner\nContent-Type: multipart/alternative; "
			       "boundary=i\n\n"},
	    {"BODY[2.HEADER.FIELDS (FROM)]", "From: in@ner\n\n"},
	    {"BODY[2.HEADER.FIELDS.NOT (content-type FROM)]", "Subject: inner\n\n"},
	    {"BODY[2.TEXT]", "--i\nContent-Type: text/plain\n\nplain\n--i\nContent-Type: "
			     "text/html\n\n<p>html\n--i--"},
	    {"BODY[2.1]", "plain"},
	    {"BODY[2.1.MIME]", "Content-Type: text/plain\n\n"},
	    {"BODY[2.2]", "<p>html"},
	    {"BODY[2.3]", "NIL"},
	    {"BODY[2.1.HEADER]", "NIL"},
	    {"BODY[2.1.1]", "NIL"},
	    {"BODY[3]", "Subject: simple\n\nsimple body"},
	    {"BODY[3.TEXT]", "simple body"},
	    {"BODY[3.1]", "simple body"},
	    {"BODY[3.1.MIME]", "Subject: simple\n\n"},
	    {"BODY[3.2]", "NIL"},
	    {"BODY[4]", ""},
	    {"BODY[4.MIME]", "Content-Type: text/plain; name=empty\n\n"},
	    {"BODY[4]<0.10>", ""},
	    {"BODY[5.1]", "GIF"},
	    {"BODY[5.1.MIME]", "Content-Type: image/gif\n\n"},
	    {"BODY[5.TEXT]", "NIL"}, /* a multipart is no message */
	    {"BODY[5.HEADER]", "NIL"},
	    {"BODY[6]", "NIL"},
	    {"BODY[HEADER.FIELDS (SUBJECT)]", "Subject: outer\n\n"},
	};
	check_rows(nested, rows, ARRAY_LEN(rows));
}
END_TEST

START_TEST(messages_with_odd_headers_have_extents)
{
	static const struct row only_header[] = {
	    {"BODY[]", "Subject: no body\n"},
	    {"BODY[HEADER]", "Subject: no body\n"},
	    {"BODY[HEADER.FIELDS (SUBJECT)]", "Subject: no body\n\n"},
	    {"BODY[TEXT]", ""},
	    {"BODY[1]", ""},
	};
	static const struct row only_body[] = {
	    {"BODY[HEADER]", "\n"},
	    {"BODY[HEADER.FIELDS (SUBJECT)]", "\n"},
	    {"BODY[TEXT]", "text\n"},
	    {"BODY[1]", "text\n"},
	};
	check_rows("Subject: no body\n", only_header, ARRAY_LEN(only_header));
	check_rows("\ntext\n", only_body, ARRAY_LEN(only_body));
}
END_TEST

/* -- the grammar ------------------------------------------------------------------------------ */

START_TEST(items_are_read_as_the_grammar_has_them)
{
	static const struct {
		const char *text;
		bool uid;
		const char *labels; /* of the response, in order; NULL: a mistake */
	} rows[] = {
	    {"ALL", false, "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE"},
	    {"FAST", false, "FLAGS INTERNALDATE RFC822.SIZE"},
	    {"full", false, "FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODY"},
	    {"FAST", true, "UID FLAGS INTERNALDATE RFC822.SIZE"},
	    {"(FLAGS uid)", true, "FLAGS UID"},
	    {"(UID UID FLAGS UID)", false, "UID FLAGS"},
	    {"BODY", false, "BODY"},
	    {"body.peek[]", false, "BODY[]"},
	    {"(Body[Text] RFC822.size)", false, "BODY[TEXT] RFC822.SIZE"},
	    {"BODY[1.2.header]", false, "BODY[1.2.HEADER]"},
	    {"BODY.PEEK[HEADER.FIELDS (Date \"From\" {3}\r\nX Y)]<0.12>", false,
		"BODY[HEADER.FIELDS (Date From \"X Y\")]<0>"},
	    {"BODY[HEADER.FIELDS.NOT (a]b \"q\\\"q\" \"\")]", false,
		"BODY[HEADER.FIELDS.NOT (a]b \"q\\\"q\" \"\")]"},
	    {"BODY[]<007.0009>", false, "BODY[]<7>"},
	    {"()", false, NULL},
	    {"", false, NULL},
	    {"(ALL)", false, NULL},
	    {"(FLAGS  UID)", false, NULL},
	    {"(FLAGS", false, NULL},
	    {"FLAGS)", false, NULL},
	    {"FLAGS UID", false, NULL},
	    {"FLAG", false, NULL},
	    {"BODY[", false, NULL},
	    {"BODY[MIME]", false, NULL}, /* "MUST be prefixed by one or more numeric" */
	    {"BODY[1.]", false, NULL},
	    {"BODY[.1]", false, NULL},
	    {"BODY[0]", false, NULL},
	    {"BODY[1..2]", false, NULL},
	    {"BODY[4294967296]", false, NULL},
	    {"BODY[HEADER.1]", false, NULL},
	    {"BODY[HEADER.FIELDS]", false, NULL},
	    {"BODY[HEADER.FIELDS ()]", false, NULL},
	    {"BODY[HEADER.FIELDS (\"a\tb\")]", false, NULL},
	    {"BODY[HEADER (From)]", false, NULL},
	    {"BODY[]<0.0>", false, NULL},
	    {"BODY[]<0>", false, NULL},
	    {"BODY[]<-1.5>", false, NULL},
	    {"BODY[]<0.99999999999999999999>", false, NULL},
	    {"BODY.PEEK", false, NULL},
	    {"RFC822.PEEK", false, NULL},
	    {"ENVELOPE[]", false, NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
		CLEANUP(sbuf_done) struct sbuf labels = SBUF_INIT(1000);
		struct fetch_items items;
		struct imap_args a;

		imap_args_init(&a, test_guarded(str_of(rows[i].text)), arena);
		fetch_parse_items(&a, rows[i].uid, &items);
		enum err e = imap_parse_end(&a);
		ck_assert_msg(!e == !!rows[i].labels, "%s", rows[i].text);
		for (size_t k = 0; !e && k < items.n; k++) {
			sbuf_puts(&labels, k ? " " : "");
			sbuf_put(&labels, items.item[k].label);
		}
		if (!e)
			ck_assert_str_eq(sbuf_cstr(&labels), rows[i].labels);
	}
}
END_TEST

START_TEST(only_sections_without_peek_set_seen)
{
	static const struct {
		const char *text;
		bool sets_seen;
	} rows[] = {
	    {"BODY[]", true},
	    {"BODY.PEEK[]", false},
	    {"(BODY.PEEK[] BODY[1])", true},
	    {"RFC822", true},
	    {"RFC822.TEXT", true},
	    {"RFC822.HEADER", false},
	    {"BODY", false},
	    {"FULL", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
		struct fetch_items items;
		struct imap_args a;

		imap_args_init(&a, str_of(rows[i].text), arena);
		fetch_parse_items(&a, false, &items);
		ck_assert_ok(imap_parse_end(&a));
		ck_assert_msg(items.sets_seen == rows[i].sets_seen, "%s", rows[i].text);
	}
}
END_TEST

START_TEST(items_and_part_numbers_beyond_their_limits_are_refused)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(8 << 20);
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(1 << 20);
	struct fetch_items items;
	struct imap_args a;

	sbuf_puts(&text, "(BODY[]");
	for (int i = 0; i < FETCH_ITEMS_MAX; i++)
		sbuf_puts(&text, " BODY[]");
	sbuf_puts(&text, ")");
	imap_args_init(&a, sbuf_view(&text), arena);
	fetch_parse_items(&a, false, &items);
	ck_assert_int_eq(imap_parse_end(&a), ERR_LIMIT);

	sbuf_clear(&text);
	sbuf_puts(&text, "BODY[1");
	for (int i = 0; i < FETCH_PATH_MAX; i++)
		sbuf_puts(&text, ".1");
	sbuf_puts(&text, "]");
	imap_args_init(&a, sbuf_view(&text), arena);
	fetch_parse_items(&a, false, &items);
	ck_assert_int_eq(imap_parse_end(&a), ERR_SYNTAX);
}
END_TEST

TEST_MAIN("fetch_body", a_message_without_mime_has_one_part, partials_are_cut_to_what_is_there,
    fields_keep_their_octets_and_order, part_numbers_reach_into_embedded_messages,
    messages_with_odd_headers_have_extents, items_are_read_as_the_grammar_has_them,
    only_sections_without_peek_set_seen, items_and_part_numbers_beyond_their_limits_are_refused)

/* What happens beyond the limits of an index: always a valid description, never a refusal. */
#include "common/mail/message_index.h"
#include "common/mail/parts.h"
#include "tests/support/test.h"

#define MANY ((size_t)256 << 20)

static struct index_builder *
build(const struct sbuf *in, size_t step, struct message_index *ret)
{
	struct index_builder *b = index_builder_new();
	struct str rest = sbuf_view(in);

	ck_assert_ok(sbuf_error(in));
	while (rest.n) {
		struct str piece = str_sub(rest, 0, step);
		index_builder_feed(b, piece.p, piece.n);
		rest = str_skip(rest, piece.n);
	}
	ck_assert_ok(index_builder_finish(b, ret));
	return b;
}

/* Builds in one go and in small steps, decodes the table, and checks that BODY can be made. */
static struct index_builder *
build_table(
    const struct sbuf *in, struct arena *arena, struct message_index *ret, struct part_table *t)
{
	struct message_index other;
	struct index_builder *b = build(in, in->n, ret);
	CLEANUP(index_builder_free) struct index_builder *o = build(in, 13, &other);
	CLEANUP(sbuf_done) struct sbuf body = SBUF_INIT(MANY);

	ck_assert(str_eq(ret->bodystructure, other.bodystructure));
	ck_assert(str_eq(ret->envelope, other.envelope));
	ck_assert(str_eq(ret->parts, other.parts));
	ck_assert(str_eq(ret->subject, other.subject));
	ck_assert_ok(parts_decode(ret->parts, arena, t));
	ck_assert_ok(bodystructure_as(ret->bodystructure, true, false, &body));
	return b;
}

START_TEST(parts_beyond_the_limit_belong_to_the_last_one)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(MANY);
	CLEANUP(arena_free) struct arena *arena = arena_new(MANY);
	struct message_index index;
	struct part_table t;

	sbuf_puts(&in, "Content-Type: multipart/mixed; boundary=x\r\n\r\n");
	for (int i = 0; i < 20000; i++)
		sbuf_puts(&in, "--x\r\n\r\na\r\n");
	sbuf_puts(&in, "--x--\r\n");
	CLEANUP(index_builder_free)
	struct index_builder *b = build_table(&in, arena, &index, &t);
	ck_assert_uint_eq(t.n, MIME_MAX_PARTS);
	const struct part *last = &t.parts[t.n - 1];
	ck_assert_int_eq(last->parent, 0);
	ck_assert_uint_eq(last->number, MIME_MAX_PARTS - 1);
	ck_assert_uint_eq(last->body_at + last->body_size, index.size);
	ck_assert_uint_eq(last[-1].body_size, 1);
}
END_TEST

START_TEST(parts_too_deep_are_plain_text)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(MANY);
	CLEANUP(arena_free) struct arena *arena = arena_new(MANY);
	struct message_index index;
	struct part_table t;

	for (int i = 0; i < 200; i++)
		sbuf_printf(
		    &in, "Content-Type: multipart/mixed; boundary=b%d.\r\n\r\n--b%d.\r\n", i, i);
	sbuf_puts(&in, "\r\nend\r\n");
	CLEANUP(index_builder_free)
	struct index_builder *b = build_table(&in, arena, &index, &t);
	ck_assert_uint_eq(t.n, MIME_MAX_DEPTH + 1);
	ck_assert_int_eq(t.parts[MIME_MAX_DEPTH - 1].kind, PART_MULTIPART);
	const struct part *last = &t.parts[MIME_MAX_DEPTH];
	ck_assert_int_eq(last->kind, PART_LEAF);
	ck_assert(last->is_text);
	ck_assert_uint_eq(last->body_at + last->body_size, index.size);
	ck_assert_uint_ne(
	    str_find_nocase(index.bodystructure, STR("\"us-ascii\") NIL NIL \"7bit\"")), STR_NONE);
}
END_TEST

START_TEST(messages_too_deep_are_plain_text)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(MANY);
	CLEANUP(arena_free) struct arena *arena = arena_new(MANY);
	struct message_index index;
	struct part_table t;

	for (int i = 0; i < 200; i++)
		sbuf_puts(&in, "Content-Type: message/rfc822\r\n\r\n");
	CLEANUP(index_builder_free)
	struct index_builder *b = build_table(&in, arena, &index, &t);
	ck_assert_uint_eq(t.n, MIME_MAX_DEPTH + 1);
	ck_assert_int_eq(t.parts[MIME_MAX_DEPTH].kind, PART_LEAF);
	ck_assert_uint_eq(
	    t.parts[MIME_MAX_DEPTH].body_at + t.parts[MIME_MAX_DEPTH].body_size, index.size);
}
END_TEST

START_TEST(header_beyond_the_limit_is_not_read)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(MANY);
	CLEANUP(arena_free) struct arena *arena = arena_new(MANY);
	struct message_index index;
	struct part_table t;

	sbuf_puts(&in, "Subject: early\r\n");
	while (in.n < MIME_MAX_HEADER)
		sbuf_puts(&in, "X-Filler: 0123456789\r\n");
	sbuf_puts(&in, "Content-Type: text/html\r\nTo: late@x\r\n\r\nbody\r\n");
	CLEANUP(index_builder_free)
	struct index_builder *b = build_table(&in, arena, &index, &t);
	ck_assert_str_is(index.subject, "early");
	ck_assert_uint_eq(index.header_size, in.n - 6);
	ck_assert_uint_eq(t.parts[0].body_size, 6);
	ck_assert_str_is(index.envelope, "(NIL \"early\" NIL NIL NIL NIL NIL NIL NIL NIL)");
	ck_assert(str_starts(index.bodystructure, STR("(\"text\" \"plain\"")));
}
END_TEST

START_TEST(one_endless_header_line_is_left_out)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(MANY);
	CLEANUP(arena_free) struct arena *arena = arena_new(MANY);
	struct message_index index;
	struct part_table t;

	sbuf_puts(&in, "Subject: s\r\nTo: ");
	while (in.n < 2 * MIME_MAX_HEADER)
		sbuf_puts(&in, "(((((((((((((((((((((((");
	sbuf_puts(&in, "\r\n\r\n");
	CLEANUP(index_builder_free)
	struct index_builder *b = build_table(&in, arena, &index, &t);
	ck_assert_str_is(index.envelope, "(NIL \"s\" NIL NIL NIL NIL NIL NIL NIL NIL)");
	ck_assert_uint_eq(index.header_size, in.n);
}
END_TEST

START_TEST(addresses_beyond_the_limit_are_left_out)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(MANY);
	CLEANUP(arena_free) struct arena *arena = arena_new(MANY);
	struct message_index index;
	struct part_table t;
	size_t listed = 0;

	sbuf_puts(&in, "From: f@x\r\nTo: G:");
	for (int i = 0; i < 20000; i++)
		sbuf_puts(&in, "a@b,");
	sbuf_puts(&in, ";\r\nCc: c@x\r\n\r\n");
	CLEANUP(index_builder_free)
	struct index_builder *b = build_table(&in, arena, &index, &t);
	for (struct str rest = index.envelope; rest.n; rest = str_skip(rest, 1))
		listed += str_starts(rest, STR("(NIL NIL \"a\" \"b\")"));
	ck_assert_uint_gt(listed, 9900);
	ck_assert_uint_le(listed, 10000);
	/* the group is closed, the next list is empty */
	ck_assert(str_ends_nocase(index.envelope, STR("(NIL NIL NIL NIL)) NIL NIL NIL NIL)")));
}
END_TEST

START_TEST(parameters_beyond_the_limit_are_left_out)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(MANY);
	CLEANUP(arena_free) struct arena *arena = arena_new(MANY);
	struct message_index index;
	struct part_table t;

	sbuf_puts(&in, "Content-Type: image/png");
	for (int i = 0; i < 1000; i++)
		sbuf_printf(&in, "; p%d=v", i);
	sbuf_puts(&in, "\r\n\r\n");
	CLEANUP(index_builder_free)
	struct index_builder *b = build_table(&in, arena, &index, &t);
	ck_assert_uint_ne(str_find_nocase(index.bodystructure, STR("\"p199\"")), STR_NONE);
	ck_assert_uint_eq(str_find_nocase(index.bodystructure, STR("\"p200\"")), STR_NONE);
}
END_TEST

START_TEST(long_boundaries_and_long_lines_are_matched_by_their_start)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(MANY);
	CLEANUP(sbuf_done) struct sbuf boundary = SBUF_INIT(MANY);
	CLEANUP(arena_free) struct arena *arena = arena_new(MANY);
	struct message_index index;
	struct part_table t;

	for (int i = 0; i < 3000; i++)
		sbuf_putc(&boundary, (char)('a' + i % 26));
	sbuf_printf(
	    &in, "Content-Type: multipart/mixed; boundary=%s\r\n\r\n", sbuf_cstr(&boundary));
	sbuf_printf(&in, "--%s\r\n\r\n--a%s\r\n", sbuf_cstr(&boundary), sbuf_cstr(&boundary));
	sbuf_printf(&in, "--%s\r\n\r\nsecond", sbuf_cstr(&boundary));
	CLEANUP(index_builder_free)
	struct index_builder *b = build_table(&in, arena, &index, &t);
	ck_assert_uint_eq(t.n, 3);
	ck_assert_uint_eq(t.parts[1].body_size, 3003);
	ck_assert_uint_eq(t.parts[2].body_size, 6);
}
END_TEST

/* -- lines that are nearly delimiters ---------------------------------------------------------- */

#define NEARLY (2 * (MIME_MAX_DEPTH - 1)) /* octets */

static uint64_t
known_step(uint64_t hash, char c)
{
	return (hash ^ (unsigned char)c) * 0x100000001b3u;
}

/* A text that begins with `text`, which is shorter by two, and is in the first of 256 places of a
 * table by a hash without a key, as each second of its starts is. */
static void
extend(char *text, size_t n, uint64_t *hash)
{
	for (char a = 'a'; a <= 'z'; a++) {
		for (char c = 'A'; c <= 'z'; c++) {
			uint64_t h = known_step(known_step(*hash, a), c);
			if (!ascii_is_alpha(c) || ((h ^ h >> 32) & 0xff) != 0)
				continue;
			text[n - 2] = a;
			text[n - 1] = c;
			*hash = h;
			return;
		}
	}
	ck_abort();
}

/* A multipart in each other, as deep as they may be, whose boundaries are `chosen` to be in one
 * place of a table; and at the bottom lines whose starts are in the same. */
static void
nest(struct sbuf *in, bool chosen)
{
	char boundary[NEARLY + 1] = "b", line[NEARLY + 1] = "c";
	uint64_t hash = known_step(0xcbf29ce484222325u, 'b');
	uint64_t line_hash = known_step(0xcbf29ce484222325u, 'c');

	for (size_t n = 3; n < NEARLY; n += 2) {
		if (chosen) {
			extend(boundary, n, &hash);
			extend(line, n, &line_hash);
		} else {
			boundary[n - 2] = line[n - 2] = (char)('a' + n % 26);
			boundary[n - 1] = line[n - 1] = (char)('A' + n % 23);
		}
		boundary[n] = '\0';
		sbuf_printf(in, "Content-Type: multipart/mixed; boundary=%s\r\n\r\n--%s\r\n",
		    boundary, boundary);
	}
	sbuf_puts(in, "\r\n");
	line[NEARLY - 1] = '\0';
	for (int i = 0; i < 10000; i++)
		sbuf_printf(in, "--%s\r\n", line);
}

static double
index_ms(bool chosen)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(MANY);
	struct message_index index;

	nest(&in, chosen);
	double began = test_cpu_ms();
	CLEANUP(index_builder_free) struct index_builder *b = build(&in, in.n, &index);
	return test_cpu_ms() - began;
}

START_TEST(boundaries_that_a_sender_chose_take_no_longer_than_others)
{
	double common = index_ms(false), chosen = index_ms(true);

	ck_assert_msg(chosen < 4 * common + 5, "%.1f ms, others %.1f ms", chosen, common);
}
END_TEST

TEST_MAIN("index_limits", boundaries_that_a_sender_chose_take_no_longer_than_others,
    parts_beyond_the_limit_belong_to_the_last_one, parts_too_deep_are_plain_text,
    messages_too_deep_are_plain_text, header_beyond_the_limit_is_not_read,
    one_endless_header_line_is_left_out, addresses_beyond_the_limit_are_left_out,
    parameters_beyond_the_limit_are_left_out,
    long_boundaries_and_long_lines_are_matched_by_their_start)

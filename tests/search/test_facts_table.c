/* The facts that a segment keeps are those of the messages, also when segments were merged. */
#include "search/facts_build.h"
#include "search/facts_table.h"
#include "tests/support/test.h"

#include <limits.h>
#include <stdio.h>

#define MESSAGES 300
#define SEGMENTS 5

static uint32_t
random_below(uint32_t *state, uint32_t n)
{
	*state = *state * 1664525u + 1013904223u;
	return (*state >> 8) % n;
}

/* Headers of few different values, some fields absent, some twice, some too long to be kept. */
static void
make_header(uint32_t *state, struct sbuf *out)
{
	static const char *const names[] = {"Subject", "From", "To", "Cc", "Bcc", "Date",
	    "Message-ID", "References", "In-Reply-To", "X-Other"};
	static const char *const values[] = {"", "Re: hello", "hello world", "ann@x.test",
	    "Zed <zed@x.test>, bob@x.test", "=?utf-8?Q?=C3=84rger?=", "<a@x> <b@x> <c@x>", "<a@x>",
	    "1 Jan 2001 10:00:00 +0000", "2 Feb 2002 12:00 -0700", "[list] Re: zebra (fwd)"};

	sbuf_clear(out);
	for (uint32_t n = random_below(state, 14); n > 0; n--) {
		sbuf_printf(out, "%s: %s", names[random_below(state, ARRAY_LEN(names))],
		    values[random_below(state, ARRAY_LEN(values))]);
		if (random_below(state, 200) == 0)
			for (int i = 0; i < FACT_TEXT_MAX; i += 10)
				sbuf_puts(out, " long text");
		sbuf_puts(out, "\r\n");
	}
	sbuf_puts(out, "\r\n");
}

struct box {
	char *headers[MESSAGES];
	size_t sizes[MESSAGES];
	struct facts_maker *maker;
};

static struct str
header_of(const struct box *box, uint32_t i)
{
	return str_make(box->headers[i], box->sizes[i]);
}

static void
make_box(struct box *box, uint32_t seed)
{
	CLEANUP(sbuf_done) struct sbuf header = SBUF_INIT(1 << 20);

	box->maker = facts_maker_new();
	for (uint32_t i = 0; i < MESSAGES; i++) {
		make_header(&seed, &header);
		box->headers[i] = malloc(header.n + 1);
		memcpy(box->headers[i], header.p, header.n);
		box->sizes[i] = header.n;
	}
}

static void
box_done(struct box *box)
{
	for (uint32_t i = 0; i < MESSAGES; i++)
		free(box->headers[i]);
	facts_maker_free(&box->maker);
}

static struct segment_writer *
new_writer(const char *dir, const int64_t *ids, uint32_t n)
{
	static const uint64_t identities[MESSAGES];
	struct segment_writer *w;

	ck_assert_ok(segment_writer_new(dir, ids[0], ids[n - 1], &w));
	segment_writer_messages(w, ids, identities, n);
	return w;
}

static struct segment *
open_written(const char *dir, int64_t first, int64_t last)
{
	char path[PATH_MAX];
	struct segment *s;

	snprintf(
	    path, sizeof(path), "%.4000s/%lld-%lld.seg", dir, (long long)first, (long long)last);
	ck_assert_ok(segment_open(path, &s));
	return s;
}

static struct facts_basics
basics_of(int64_t id)
{
	return (struct facts_basics){id * 1000, 3600, (uint64_t)id * 7};
}

/* Of the messages with the ids from … to - 1; every tenth could not be read. */
static struct segment *
build(const struct box *box, const char *dir, int64_t from, int64_t to)
{
	int64_t ids[MESSAGES];
	void *state;
	uint32_t n = 0;

	ck_assert_ok(facts_builder.begin(&state));
	for (int64_t id = from; id < to; id++) {
		const struct facts_basics basics = basics_of(id);
		const struct message_row row = {
		    .internal_s = basics.internal_s,
		    .internal_zone_s = basics.internal_zone_s,
		    .size = basics.size,
		};
		const struct segment_message m = {
		    .ordinal = n,
		    .row = &row,
		    .header = header_of(box, (uint32_t)id - 1),
		};
		ids[n++] = id;
		if (id % 10 != 0)
			ck_assert_ok(facts_builder.message(state, NULL, &m));
	}
	CLEANUP(segment_writer_free) struct segment_writer *w = new_writer(dir, ids, n);
	ck_assert_uint_gt(facts_builder.memory(state), 0);
	ck_assert_ok(facts_builder.finish(state, w, n));
	ck_assert_ok(segment_writer_commit(w));
	facts_builder.free(state);
	return open_written(dir, from, to - 1);
}

static int
sign(int n)
{
	return (n > 0) - (n < 0);
}

static void
check_message(const struct box *box, const struct facts_table *t, uint32_t row, int64_t id)
{
	const struct facts_basics basics = basics_of(id);
	struct facts f, kept;

	ck_assert_int_eq(facts_table_covers(t, row), id % 10 != 0);
	if (id % 10 == 0)
		return;
	ck_assert_ok(
	    facts_make(box->maker, &basics, header_of(box, (uint32_t)id - 1), FACTS_ALL, &f));
	facts_table_thread(t, row, &kept);
	ck_assert_int_eq(kept.sent_s, f.sent_s);
	ck_assert_int_eq(t->rows[row].internal_s, basics.internal_s);
	ck_assert_int_eq(t->rows[row].internal_zone_s, basics.internal_zone_s);
	ck_assert_uint_eq(t->rows[row].size, basics.size);
	ck_assert_int_eq(t->rows[row].sent_day, f.sent_day);
	ck_assert_uint_eq(kept.flags, f.flags);
	ck_assert(fact_id_eq(&kept.id, &f.id));
	ck_assert(fact_id_eq(&kept.subject, &f.subject));
	ck_assert_uint_eq(kept.reference_count, f.reference_count);
	for (uint32_t i = 0; i < f.reference_count; i++)
		ck_assert(fact_id_eq(&kept.references[i], &f.references[i]));
	for (size_t i = 0; i < FACT__TEXTS; i++)
		ck_assert(str_eq(facts_table_text(t, (enum fact_text)i, row), f.texts[i]));
}

static void
check_ranks(const struct facts_table *t)
{
	for (size_t key = FACT__SEARCHED; key < FACT__TEXTS; key++) {
		for (uint32_t a = 0; a < t->n; a++) {
			uint32_t b = (a * 7 + 3) % t->n;
			int order = str_cmp(facts_table_text(t, (enum fact_text)key, a),
			    facts_table_text(t, (enum fact_text)key, b));
			uint32_t x = facts_table_rank(t, (enum fact_text)key, a);
			uint32_t y = facts_table_rank(t, (enum fact_text)key, b);
			ck_assert_int_eq(sign(order), (x > y) - (x < y));
		}
	}
}

/* Every value of every message is looked at for every needle. */
static void
check_finding(const struct facts_table *t)
{
	static const char *const needles[] = {"", "hello", "o w", "a", "re: hello", "x.test, b",
	    "none of them", "long text long", "\xff", "o\xffh", " ",
	    "zed <zed@x.test>, bob@x.test"};

	for (size_t i = 0; i < ARRAY_LEN(needles); i++) {
		for (size_t text = 0; text < FACT__SEARCHED; text++) {
			uint64_t bits[MESSAGES / 64 + 1] = {0};
			facts_table_find(t, (enum fact_text)text, str_of(needles[i]), bits);
			for (uint32_t row = 0; row < t->n; row++) {
				struct str rest = facts_table_text(t, (enum fact_text)text, row);
				struct str needle = str_of(needles[i]);
				struct str value;
				bool found = false;
				while (!found && rest.n > 0 &&
				       str_split(&rest, FACT_VALUE_END, &value))
					found = needle.n == 0 ||
						memmem(value.p, value.n, needle.p, needle.n);
				ck_assert_msg(found == (bits[row >> 6] >> (row & 63) & 1),
				    "\"%s\" in text %zu of message %u", needles[i], text, row);
			}
		}
	}
}

START_TEST(a_segment_keeps_the_facts_of_its_messages)
{
	for (uint32_t seed = 1; seed <= 5; seed++) {
		const char *dir = test_mkdir();
		struct box box;
		struct facts_table t;
		make_box(&box, seed);
		CLEANUP(segment_unref) struct segment *s = build(&box, dir, 1, MESSAGES + 1);
		facts_table_open(s, &t);
		ck_assert_uint_eq(t.n, MESSAGES);
		for (uint32_t row = 0; row < t.n; row++)
			check_message(&box, &t, row, row + 1);
		check_ranks(&t);
		check_finding(&t);
		box_done(&box);
		test_rmdir(dir);
	}
}
END_TEST

/* Neighbours of different sizes; some messages have gone, one segment has no facts. */
START_TEST(merged_segments_keep_what_they_had)
{
	static const int64_t borders[SEGMENTS + 1] = {1, 2, 100, 150, 290, MESSAGES + 1};
	const char *dir = test_mkdir();
	struct segment_source sources[SEGMENTS];
	uint32_t to[SEGMENTS][MESSAGES];
	int64_t ids[MESSAGES];
	struct box box;
	struct facts_table t;
	uint32_t n = 0;

	make_box(&box, 99);
	for (size_t i = 0; i < SEGMENTS; i++) {
		sources[i] =
		    (struct segment_source){build(&box, dir, borders[i], borders[i + 1]), to[i]};
		for (int64_t id = borders[i]; id < borders[i + 1]; id++) {
			bool stays = id % 7 != 0;
			to[i][id - borders[i]] = stays ? n : SEGMENT_NONE;
			if (stays)
				ids[n++] = id;
		}
	}
	CLEANUP(segment_writer_free) struct segment_writer *w = new_writer(dir, ids, n);
	ck_assert_ok(facts_builder.merge(sources, SEGMENTS, n, w));
	ck_assert_ok(segment_writer_commit(w));
	CLEANUP(segment_unref) struct segment *s = open_written(dir, ids[0], ids[n - 1]);
	facts_table_open(s, &t);
	ck_assert_uint_eq(t.n, n);
	for (uint32_t row = 0; row < n; row++)
		check_message(&box, &t, row, ids[row]);
	check_ranks(&t);
	check_finding(&t);
	for (size_t i = 0; i < SEGMENTS; i++)
		segment_unref(&sources[i].segment);
	box_done(&box);
	test_rmdir(dir);
}
END_TEST

START_TEST(a_segment_without_facts_is_merged_as_unknown)
{
	const char *dir = test_mkdir();
	static const int64_t plain[] = {1000, 1001};
	static const int64_t ids[] = {1, 2, 1001};
	static const uint32_t to[2][2] = {{0, 1}, {SEGMENT_NONE, 2}};
	struct box box;
	struct facts_table t;

	make_box(&box, 3);
	CLEANUP(segment_unref) struct segment *a = build(&box, dir, 1, 3);
	CLEANUP(segment_writer_free) struct segment_writer *w = new_writer(dir, plain, 2);
	ck_assert_ok(segment_writer_commit(w));
	CLEANUP(segment_unref) struct segment *b = open_written(dir, 1000, 1001);
	facts_table_open(b, &t);
	ck_assert_uint_eq(t.n, 0);
	const struct segment_source sources[] = {{a, to[0]}, {b, to[1]}};
	CLEANUP(segment_writer_free) struct segment_writer *merged = new_writer(dir, ids, 3);
	ck_assert_ok(facts_builder.merge(sources, 2, 3, merged));
	ck_assert_ok(segment_writer_commit(merged));
	CLEANUP(segment_unref) struct segment *s = open_written(dir, 1, 1001);
	facts_table_open(s, &t);
	ck_assert_uint_eq(t.n, 3);
	check_message(&box, &t, 0, 1);
	check_message(&box, &t, 1, 2);
	ck_assert(!facts_table_covers(&t, 2));
	box_done(&box);
	test_rmdir(dir);
}
END_TEST

TEST_MAIN("facts_table", a_segment_keeps_the_facts_of_its_messages,
    merged_segments_keep_what_they_had, a_segment_without_facts_is_merged_as_unknown)

/* The header fields of lists, as segments keep them, are those of the messages. */
#include "search/list_fields.h"
#include "tests/support/test.h"

#include <limits.h>
#include <stdio.h>

#define N(a) ((uint32_t)ARRAY_LEN(a))

static const struct {
	const char *header, *kept; /* NULL: it is not known */
} messages[] = {
    {"Received: by x\r\nFrom: a@x\r\nX-Spam: no\r\nSubject: one\r\n two\r\nTo: b@x\r\n\r\n",
	"From: a@x\r\nSubject: one\r\n two\r\nTo: b@x\r\n"},
    {"Received: by x\r\n\r\n", NULL}, /* none: the header says so */
    {"", NULL},
    {"subject : odd\nFROM: a\n\tb\nnothing\n To: no field\nDate:", "subject : odd\nFROM: a\n\tb\n"
								   "Date:"},
    {"Subject: twice\r\nX-Y: z\r\nSubject: twice\r\n\r\nSubject: of the body\r\n",
	"Subject: twice\r\nSubject: twice\r\n"},
};

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

static struct segment_writer *
new_writer(const char *dir, int64_t first, uint32_t n)
{
	static const uint64_t identities[100];
	struct segment_writer *w;
	int64_t ids[100];

	for (uint32_t i = 0; i < n; i++)
		ids[i] = first + i;
	ck_assert_ok(segment_writer_new(dir, first, first + n - 1, &w));
	segment_writer_messages(w, ids, identities, n);
	return w;
}

/* The messages, then one that could not be read, then one with too much. */
static struct segment *
build(const char *dir, int64_t first)
{
	CLEANUP(sbuf_done) struct sbuf large = SBUF_INIT(1 << 20);
	void *state;

	ck_assert_ok(list_fields_builder.begin(&state));
	for (uint32_t i = 0; i < N(messages); i++) {
		struct segment_message m = {.ordinal = i, .header = str_of(messages[i].header)};
		ck_assert_ok(list_fields_builder.message(state, NULL, &m));
	}
	sbuf_puts(&large, "Subject: short\r\nReferences:");
	for (int i = 0; i < LIST_FIELDS_MAX; i += 10)
		sbuf_puts(&large, " <a@x.com>");
	struct segment_message m = {.ordinal = N(messages) + 1, .header = sbuf_view(&large)};
	ck_assert_ok(list_fields_builder.message(state, NULL, &m));
	ck_assert_uint_gt(list_fields_builder.memory(state), 0);
	struct segment_writer *w = new_writer(dir, first, N(messages) + 2);
	ck_assert_ok(list_fields_builder.finish(state, w, N(messages) + 2));
	list_fields_builder.free(state);
	ck_assert_ok(segment_writer_commit(w));
	segment_writer_free(&w);
	return open_written(dir, first, first + N(messages) + 1);
}

/* The message at the ordinal is the i-th of the table, or of those behind it. */
static void
ck_kept(const struct list_fields *t, uint32_t ordinal, uint32_t i)
{
	const char *kept = i < N(messages) ? messages[i].kept : NULL;
	struct str block;

	bool known = list_fields_get(t, ordinal, &block);
	ck_assert_msg(known == (kept != NULL), "%u: %s", ordinal, known ? "known" : "not known");
	if (known)
		ck_assert_str_is(block, kept);
}

START_TEST(fields_are_kept_as_they_stand_and_merged)
{
	const char *dir = test_mkdir();
	struct list_fields t;
	uint32_t to[2][100], left = 0;

	struct segment *parts[2] = {build(dir, 1), build(dir, 1 + N(messages) + 2)};
	const uint32_t n = segment_count(parts[0]);
	list_fields_open(parts[0], &t);
	ck_assert_uint_eq(t.n, n);
	for (uint32_t i = 0; i < n; i++)
		ck_kept(&t, i, i);
	ck_kept(&t, n, n);
	/* merged without the first message, and every second of the other segment */
	for (uint32_t i = 0; i < n; i++)
		to[0][i] = i == 0 ? SEGMENT_NONE : left++;
	for (uint32_t i = 0; i < n; i++)
		to[1][i] = i % 2 ? SEGMENT_NONE : left++;
	const struct segment_source sources[] = {{parts[0], to[0]}, {parts[1], to[1]}};
	struct segment_writer *w = new_writer(dir, 50, left);
	ck_assert_ok(list_fields_builder.merge(sources, 2, left, w));
	ck_assert_ok(segment_writer_commit(w));
	segment_writer_free(&w);
	struct segment *merged = open_written(dir, 50, 50 + left - 1);
	list_fields_open(merged, &t);
	ck_assert_uint_eq(t.n, left);
	for (int s = 0; s < 2; s++)
		for (uint32_t i = 0; i < n; i++)
			if (to[s][i] != SEGMENT_NONE)
				ck_kept(&t, to[s][i], i);
	segment_unref(&merged);
	segment_unref(&parts[0]);
	segment_unref(&parts[1]);
	test_rmdir(dir);
}
END_TEST

START_TEST(names_are_known_in_any_case)
{
	ck_assert(list_fields_has(STR("message-ID")));
	ck_assert(list_fields_has(STR("X-PRIORITY")));
	ck_assert(!list_fields_has(STR("Received")));
	ck_assert(!list_fields_has(STR("Subjec")));
	ck_assert(!list_fields_has(STR("")));
}
END_TEST

TEST_MAIN("list_fields", fields_are_kept_as_they_stand_and_merged, names_are_known_in_any_case)

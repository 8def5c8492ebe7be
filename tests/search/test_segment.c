/* One segment file: what was written is read, and what is damaged is refused. */
#include "search/segment_private.h"
#include "search/segment_writer.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

static const int64_t ids[] = {3, 4, 9};
static const uint64_t identities[] = {33, 44, 99};

/* <dir>/3-9.seg with a section "odd" of 5 octets and a "long" one of 200,000. */
static void
write_example(const char *dir)
{
	CLEANUP(segment_writer_free) struct segment_writer *w = NULL;

	ck_assert_ok(segment_writer_new(dir, 3, 9, &w));
	segment_writer_messages(w, ids, identities, 3);
	segment_writer_begin(w, "odd");
	segment_writer_put(w, "octet", 5);
	segment_writer_begin(w, "fifteen octets.");
	segment_writer_begin(w, "long");
	for (uint32_t i = 0; i < 50000; i++)
		segment_writer_put(w, &i, sizeof(i));
	ck_assert_uint_eq(segment_writer_at(w), 200000);
	ck_assert_ok(segment_writer_commit(w));
}

static struct str
read_file(const char *path)
{
	struct stat st;
	CLEANUP(fd_close) int fd = open(path, O_RDONLY);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	char *p = malloc((size_t)st.st_size);
	ck_assert_int_eq(read(fd, p, (size_t)st.st_size), st.st_size);
	return str_make(p, (size_t)st.st_size);
}

START_TEST(a_segment_holds_what_was_written)
{
	const char *dir = test_mkdir();
	CLEANUP(segment_unref) struct segment *s = NULL;
	char path[PATH_MAX];
	struct str section;
	const void *array;
	size_t n;

	write_example(dir);
	snprintf(path, sizeof(path), "%.4000s/3-9.seg", dir);
	ck_assert_ok(segment_open(path, &s));
	ck_assert_int_eq(segment_first(s), 3);
	ck_assert_int_eq(segment_last(s), 9);
	ck_assert_uint_eq(segment_count(s), 3);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(segment_message(s, i), ids[i]);
		ck_assert_uint_eq(segment_identity(s, i), identities[i]);
		for (uint32_t guess = 0; guess < 5; guess++)
			ck_assert_uint_eq(segment_ordinal(s, ids[i], guess), i);
	}
	ck_assert_uint_eq(segment_ordinal(s, 2, 0), SEGMENT_NONE);
	ck_assert_uint_eq(segment_ordinal(s, 5, 1), SEGMENT_NONE);
	ck_assert_uint_eq(segment_ordinal(s, 10, 2), SEGMENT_NONE);
	ck_assert(segment_section(s, "odd", &section));
	ck_assert_str_is(section, "octet");
	ck_assert(!segment_array(s, "odd", 4, &array, &n));
	ck_assert(segment_section(s, "fifteen octets.", &section));
	ck_assert_uint_eq(section.n, 0);
	ck_assert(!segment_section(s, "absent", &section));
	ck_assert(segment_array(s, "long", 4, &array, &n));
	ck_assert_uint_eq(n, 50000);
	for (uint32_t i = 0; i < 50000; i++)
		ck_assert_uint_eq(((const uint32_t *)array)[i], i);
	test_rmdir(dir);
}
END_TEST

START_TEST(what_was_not_committed_leaves_nothing)
{
	const char *dir = test_mkdir();
	char path[PATH_MAX];
	struct segment_writer *w = NULL;
	struct segment *s = NULL;

	ck_assert_ok(segment_writer_new(dir, 3, 9, &w));
	segment_writer_messages(w, ids, identities, 3);
	segment_writer_free(&w);
	ck_assert_int_eq(rmdir(dir), 0); /* it is empty */
	snprintf(path, sizeof(path), "%.4000s/3-9.seg", dir);
	ck_assert_int_eq(segment_open(path, &s), ERR_NOT_FOUND);
}
END_TEST

static enum err
parse(struct str octets)
{
	CLEANUP(segment_unref) struct segment *s = NULL;

	return segment_parse(octets, &s);
}

START_TEST(any_octet_changed_or_missing_is_noticed)
{
	const char *dir = test_mkdir();
	char path[PATH_MAX];

	write_example(dir);
	snprintf(path, sizeof(path), "%.4000s/3-9.seg", dir);
	struct str file = read_file(path);
	char *p = (char *)file.p;
	ck_assert_ok(parse(file));
	for (size_t i = 0; i < file.n; i += i < 3000 ? 1 : 997) {
		p[i] ^= 0x10;
		ck_assert_msg(parse(file) == ERR_CORRUPT, "octet %zu", i);
		p[i] ^= 0x10;
	}
	for (size_t n = 0; n < file.n; n += n < 3000 ? 8 : 1999) {
		/* the file's end is the memory's */
		struct str cut = test_guarded(str_sub(file, file.n - n, n));
		if ((uintptr_t)cut.p % 8 == 0)
			ck_assert_int_eq(parse(cut), ERR_CORRUPT);
		ck_assert_int_eq(parse(str_sub(file, 0, n)), ERR_CORRUPT);
	}
	ck_assert_ok(parse(file));
	free(p);
	test_rmdir(dir);
}
END_TEST

/* A file whose checksums are right but whose table or ids are not. */
static void
sign(struct str file)
{
	struct segment_head *h = (struct segment_head *)file.p;

	h->checksum = 0;
	for (size_t at = sizeof(*h); at < file.n; at += SEGMENT_BLOCK) {
		struct str block = str_sub(file, at, SEGMENT_BLOCK);
		h->checksum = segment_checksum(h->checksum, block.p, block.n);
	}
	h->head_checksum = segment_checksum(0, h, offsetof(struct segment_head, head_checksum));
}

START_TEST(a_table_that_points_outside_is_refused)
{
	const char *dir = test_mkdir();
	char path[PATH_MAX];

	write_example(dir);
	snprintf(path, sizeof(path), "%.4000s/3-9.seg", dir);
	struct str file = read_file(path);
	struct segment_head *h = (struct segment_head *)file.p;
	struct segment_row *rows = (struct segment_row *)(h + 1);
	const struct segment_row good = rows[0];
	int64_t *stored = (int64_t *)(file.p + good.at);

	const struct {
		uint64_t at, size;
	} bad[] = {{good.at, file.n}, {file.n + 8, 0}, {UINT64_MAX - 7, 16}, {good.at + 1, 8},
	    {8, 24}, {good.at, 16}, /* fewer ids than identities */
	    {good.at, UINT64_MAX}};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		rows[0].at = bad[i].at;
		rows[0].size = bad[i].size;
		sign(file);
		ck_assert_msg(parse(file) == ERR_CORRUPT, "row %zu", i);
		rows[0] = good;
	}
	rows[0].name[SEGMENT_NAME_MAX] = 'x';
	sign(file);
	ck_assert_int_eq(parse(file), ERR_CORRUPT);
	rows[0] = good;
	static const int64_t wrong[] = {0, 2, 9, 10, INT64_MIN, INT64_MAX};
	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		stored[1] = wrong[i];
		sign(file);
		ck_assert_int_eq(parse(file), ERR_CORRUPT);
		stored[1] = ids[1];
	}
	h->sections = SEGMENT_SECTIONS_MAX + 1;
	sign(file);
	ck_assert_int_eq(parse(file), ERR_CORRUPT);
	h->sections = 1; /* no identities */
	sign(file);
	ck_assert_int_eq(parse(file), ERR_CORRUPT);
	free((void *)file.p);
	test_rmdir(dir);
}
END_TEST

TEST_MAIN("segment", a_segment_holds_what_was_written, what_was_not_committed_leaves_nothing,
    any_octet_changed_or_missing_is_noticed, a_table_that_points_outside_is_refused)

/* Messages and views when the disk, the files or the tables are not as they should be. */
#include "common/base/clock.h"
#include "store/message_private.h"
#include "store/view.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static struct fixture f;

static char blob_found[600];

static int
note_blob(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)ftw;
	if (type == FTW_F)
		snprintf(blob_found, sizeof(blob_found), "%s", path);
	return 0;
}

START_TEST(a_blob_that_is_damaged_is_an_error_not_nothing)
{
	char dir[300], buf[10];
	size_t n;

	fixture_open(&f);
	deliver_one(&f, 1, 100000);
	int64_t id = message_of(&f, f.inbox, 1);
	snprintf(
	    dir, sizeof(dir), "%s/data/accounts/%lld/blobs", f.dir, (long long)account_id(f.a));
	nftw(dir, note_blob, 8, FTW_PHYS);
	CLEANUP(reader_close) struct reader *open_before = NULL;
	ck_assert_ok(reader_open(f.a, &open_before));
	ck_assert_ok(reader_read(open_before, id, 0, buf, 10, &n));
	ck_assert_int_eq(truncate(blob_found, 50000), 0);
	ck_assert_ok(reader_read(open_before, id, 49000, buf, 10, &n));
	ck_assert_int_eq(reader_read(open_before, id, 49995, buf, 10, &n), ERR_CORRUPT);
	for (int i = 0; i < 2; i++) {
		CLEANUP(reader_close) struct reader *r = NULL;
		struct message_row row;
		ck_assert_ok(reader_open(f.a, &r));
		ck_assert_int_eq(reader_read(r, id, 0, buf, 10, &n), ERR_CORRUPT);
		ck_assert_ok(reader_message(r, id, WANT_HEADER, &row)); /* from its row */
		ck_assert_uint_eq(row.header.n, 20);
		unlink(blob_found);
	}
	reader_close(&open_before);
	fixture_close(&f);
}
END_TEST

/* A read that began before the message was expunged still sees its row, but not its file. */
START_TEST(a_message_expunged_during_a_read_is_gone_not_damaged)
{
	CLEANUP(reader_close) struct reader *before = NULL;
	CLEANUP(message_file_close) struct message_file *file = NULL;
	struct message_row row;
	char buf[10];
	size_t n;

	fixture_open(&f);
	deliver_one(&f, 1, 100000);
	deliver_one(&f, 2, 100000);
	deliver_one(&f, 3, 1000);
	int64_t first = message_of(&f, f.inbox, 1), second = message_of(&f, f.inbox, 2);
	ck_assert_ok(reader_open(f.a, &before));
	ck_assert_ok(reader_take_file(before, message_of(&f, f.inbox, 3), &file));
	ck_assert_ptr_null(file);
	ck_assert_ok(reader_take_file(before, second, &file));
	ck_assert_ok(reader_message(before, first, WANT_BASICS, &row));
	struct uidset uids = uids_of(&f, "1:2");
	ck_assert_ok(message_remove(f.a, f.inbox, &uids));
	ck_assert_ok(account_clean(f.a));
	ck_assert_ok(reader_message(before, first, WANT_BASICS, &row));
	ck_assert_int_eq(reader_read(before, first, 0, buf, 10, &n), ERR_GONE);
	reader_close(&before);
	ck_assert_ok(message_file_read(file, 99990, buf, 10));
	ck_assert_int_eq(message_file_read(file, 99991, buf, 10), ERR_CORRUPT);
	message_file_close(&file);
	fixture_close(&f);
}
END_TEST

START_TEST(a_spool_that_cannot_be_written_refuses_the_message)
{
	char spool[300];

	fixture_open(&f);
	snprintf(spool, sizeof(spool), "%s/data/spool", f.dir);
	ck_assert_int_eq(rmdir(spool), 0);
	CLEANUP(spool_free) struct spool *s = NULL;
	CLEANUP(mem_free) char *octets = make_message(1, 100000);
	ck_assert_ok(spool_new(f.store, &s));
	ck_assert_ok(spool_write(s, octets, 60000));
	enum err e = spool_write(s, octets + 60000, 40000);
	ck_assert_int_eq(err_class(e), ERR_CLASS_OURS);
	ck_assert_int_eq(spool_write(s, octets, 5), e); /* it sticks */
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	ck_assert_int_eq(d.result, e);
	ck_assert_str_eq(listing(&f, f.inbox), "");
	deliver_one(&f, 2, 1000); /* small ones need no spool file */
	spool_free(&s);
	fixture_close(&f);
}
END_TEST

START_TEST(a_blob_that_cannot_be_placed_refuses_the_message)
{
	char blobs[300];

	fixture_open(&f);
	snprintf(
	    blobs, sizeof(blobs), "%s/data/accounts/%lld/blobs", f.dir, (long long)account_id(f.a));
	rmdir(blobs);
	CLEANUP(fd_close) int fd = open(blobs, O_CREAT | O_WRONLY, 0600); /* not a directory */
	ck_assert_int_ge(fd, 0);
	CLEANUP(mem_free) char *octets = make_message(1, 100000);
	CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, 100000);
	struct delivery d[] = {{.account = account_id(f.a)}, {.account = account_id(f.b)}};
	message_deliver(f.store, s, d, 2);
	ck_assert_int_eq(err_class(d[0].result), ERR_CLASS_OURS);
	ck_assert_ok(d[1].result);
	struct append a = {.spool = s};
	ck_assert_int_eq(
	    err_class(message_append(f.a, f.inbox, &a, 1, &(uint32_t){0})), ERR_CLASS_OURS);
	ck_assert_str_eq(listing(&f, f.inbox), "");
	ck_assert_counters(f.a);
	spool_free(&s);
	ck_assert_uint_eq(count_spool(&f), 0);
	fixture_close(&f);
}
END_TEST

START_TEST(a_database_that_cannot_be_opened_leaves_no_blob)
{
	char wal[300], aside[310];

	fixture_open(&f);
	pool_reap(f.store->pool, 0);
	snprintf(wal, sizeof(wal), "%s/data/accounts/%lld/mail.db-wal", f.dir,
	    (long long)account_id(f.a));
	snprintf(aside, sizeof(aside), "%s.aside", wal);
	ck_assert_int_eq(rename(wal, aside), 0);
	ck_assert_int_eq(mkdir(wal, 0700), 0);
	CLEANUP(mem_free) char *octets = make_message(1, 100000);
	CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, 100000);
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	ck_assert_int_eq(d.result, ERR_IO);
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	ck_assert_int_eq(rmdir(wal), 0);
	message_deliver(f.store, s, &d, 1);
	ck_assert_ok(d.result);
	ck_assert_uint_eq(count_blobs(&f, f.a), 1);
	spool_free(&s);
	fixture_close(&f);
}
END_TEST

START_TEST(a_snapshot_nobody_asks_for_is_dropped)
{
	fixture_open(&f);
	deliver_one(&f, 1, 100);
	clock_freeze(1000000000);
	CLEANUP(view_unref) struct view *first = view_now(&f, f.inbox);
	CLEANUP(view_unref) struct view *same = view_now(&f, f.inbox);
	ck_assert_ptr_eq(first, same);
	clock_advance_ms(400000);
	CLEANUP(view_unref) struct view *other = view_now(&f, f.archive); /* a new one: sweeps */
	CLEANUP(view_unref) struct view *anew = view_now(&f, f.inbox);
	ck_assert_ptr_ne(first, anew);
	clock_thaw();
	fixture_close(&f);
}
END_TEST

static enum err
prune_tombstones(struct txn *t, void *arg)
{
	(void)arg;
	return db_run(t->db, "DELETE FROM tombstone");
}

/* As if an older copy of the database were put in place: the last change never was. */
static enum err
go_back(struct txn *t, void *arg)
{
	uint64_t *modseq = arg;
	CLEANUP(rows_done) struct rows rows = {0};
	enum err e = rows_find(t->db, f.inbox, NULL, 0, &rows);

	for (size_t i = 0; i < rows.n; i++) {
		rows.r[i].flags = 0;
		rows.r[i].modseq = 1;
	}
	if (!e)
		e = entries_update(t->db, f.inbox, rows.r, rows.n);

	if (!e)
		e = db_run(t->db, "UPDATE mailbox SET unseen = messages");
	return e ? e : db_run(t->db, "UPDATE mailbox SET highest_modseq = ?1", DB_INT(*modseq));
}

START_TEST(a_view_is_right_where_it_cannot_be_caught_up)
{
	fixture_open(&f);
	struct append items[30];
	uint32_t validity;
	for (int i = 0; i < 30; i++)
		items[i] = append_of(&f, "A: b\r\n\r\n", 8, 0);
	for (int i = 0; i < 20; i++)
		ck_assert_ok(message_append(f.a, f.inbox, items, 30, &validity));
	for (int i = 0; i < 30; i++)
		spool_free(&items[i].spool);
	CLEANUP(view_unref) struct view *all = view_now(&f, f.inbox);
	ck_assert_uint_eq(view_count(all), 600);

	struct uidset gone = uids_of(&f, "5:7,300");
	ck_assert_ok(message_remove(f.a, f.inbox, &gone));
	ck_assert_ok(account_write(f.a, prune_tombstones, NULL, DURABLE_LATER));
	CLEANUP(view_unref) struct view *fewer = view_now(&f, f.inbox);
	ck_assert_uint_eq(view_count(fewer), 596);
	ck_assert_uint_eq(view_seq_of(fewer, 300), 0);

	struct uidset most = uids_of(&f, "2:10000"); /* more than a catch-up takes */
	struct uidset one = uids_of(&f, "2");
	struct flag_list seen = {.system = FLAG_SEEN}, flagged = {.system = FLAG_FLAGGED};
	ck_assert_ok(message_store_flags(f.a, f.inbox, &most, FLAGS_ADD, &seen, MODSEQ_ANY, NULL));
	CLEANUP(view_unref) struct view *changed = view_now(&f, f.inbox);
	for (uint32_t seq = 1; seq <= 596; seq++)
		ck_assert_uint_eq(view_at(changed, seq)->flags, seq > 1 ? FLAG_SEEN : 0);

	ck_assert_ok(
	    message_store_flags(f.a, f.inbox, &one, FLAGS_ADD, &flagged, MODSEQ_ANY, NULL));
	CLEANUP(view_unref) struct view *newest = view_now(&f, f.inbox);
	uint64_t back_to = view_modseq(fewer);
	ck_assert_ok(account_write(f.a, go_back, &back_to, DURABLE_LATER));
	CLEANUP(view_unref) struct view *back = view_now(&f, f.inbox);
	ck_assert_uint_eq(view_modseq(back), back_to);
	for (uint32_t seq = 1; seq <= 596; seq++)
		ck_assert_uint_eq(view_at(back, seq)->flags, 0);
	fixture_close(&f);
}
END_TEST

START_TEST(a_deleted_mailbox_is_gone_for_every_operation)
{
	struct view *v = NULL;
	struct copied c;
	struct flag_list none = {0};
	int64_t id;

	fixture_open(&f);
	struct uidset one = uids_of(&f, "1");
	ck_assert_ok(mailbox_create(f.a, STR("Doomed"), STR(""), &id));
	CLEANUP(view_unref) struct view *before = view_now(&f, id);
	ck_assert_ok(mailbox_delete(f.a, STR("Doomed")));
	struct append a = append_of(&f, "A: b\r\n\r\n", 8, 0);
	ck_assert_int_eq(view_current(f.a, id, &v), ERR_GONE);
	ck_assert_int_eq(message_append(f.a, id, &a, 1, &(uint32_t){0}), ERR_GONE);
	ck_assert_int_eq(message_copy(f.a, id, &one, f.inbox, f.arena, &c), ERR_GONE);
	ck_assert_int_eq(message_move(f.a, f.inbox, &one, id, f.arena, &c), ERR_GONE);
	ck_assert_int_eq(
	    message_store_flags(f.a, id, &one, FLAGS_SET, &none, MODSEQ_ANY, NULL), ERR_GONE);
	ck_assert_int_eq(message_expunge(f.a, id, NULL, NULL), ERR_GONE);
	ck_assert_int_eq(message_remove(f.a, id, &one), ERR_GONE);
	ck_assert_ok(mailbox_create(f.a, STR("Doomed"), STR(""), &id)); /* another one */
	CLEANUP(view_unref) struct view *after = view_now(&f, id);
	ck_assert_int_ne(view_mailbox(before), view_mailbox(after));
	ck_assert_uint_gt(view_uidvalidity(after), view_uidvalidity(before));
	spool_free(&a.spool);
	fixture_close(&f);
}
END_TEST

START_TEST(a_full_disk_refuses_the_message_and_leaves_nothing)
{
	fixture_open(&f);
	CLEANUP(mem_free) char *octets = make_message(1, 400000);
	struct rlimit old, low = {200000, RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low.rlim_max = old.rlim_max;
	CLEANUP(spool_free) struct spool *s = NULL;
	ck_assert_ok(spool_new(f.store, &s));
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	enum err e = spool_write(s, octets, 400000);
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_int_eq(e, ERR_NO_SPACE);
	ck_assert_int_eq(d.result, ERR_NO_SPACE);
	ck_assert_str_eq(listing(&f, f.inbox), "");
	spool_free(&s);
	ck_assert_uint_eq(count_spool(&f), 0);
	ck_assert_uint_eq(count_blobs(&f, f.a), 0);
	fixture_close(&f);
}
END_TEST

START_TEST(a_full_disk_in_the_transaction_undoes_it)
{
	fixture_open(&f);
	deliver_one(&f, 1, 1000);
	CLEANUP(mem_free) char *octets = make_message(1, 60000);
	CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, 60000);
	struct rlimit old, low = {20000, RLIM_INFINITY};
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low.rlim_max = old.rlim_max;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &low), 0);
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	setrlimit(RLIMIT_FSIZE, &old);
	ck_assert_int_eq(err_class(d.result), ERR_CLASS_OURS);
	ck_assert_str_eq(listing(&f, f.inbox), "1");
	ck_assert_counters(f.a);
	message_deliver(f.store, s, &d, 1); /* there is room again */
	ck_assert_ok(d.result);
	ck_assert_counters(f.a);
	spool_free(&s);
	fixture_close(&f);
}
END_TEST

START_TEST(what_a_killed_process_left_in_the_spool_is_swept)
{
	char path[300], held[300];

	fixture_open(&f);
	snprintf(path, sizeof(path), "%s/data/spool/77-left", f.dir);
	snprintf(held, sizeof(held), "%s/data/spool/78-held", f.dir);
	CLEANUP(fd_close) int fd = open(path, O_CREAT | O_WRONLY, 0600);
	CLEANUP(fd_close) int held_fd = open(held, O_CREAT | O_WRONLY, 0600);
	ck_assert_int_eq(flock(held_fd, LOCK_EX), 0);
	CLEANUP(mem_free) char *octets = make_message(1, 100000);
	CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, 100000); /* in use */
	ck_assert_uint_eq(count_spool(&f), 3);
	struct store *second = fixture_second(&f, "other");
	ck_assert_uint_eq(count_spool(&f), 2);
	ck_assert_int_eq(access(path, F_OK), -1);
	store_close(&second);
	struct delivery d = {.account = account_id(f.a)};
	message_deliver(f.store, s, &d, 1);
	ck_assert_ok(d.result);
	spool_free(&s);
	fixture_close(&f);
}
END_TEST

TEST_MAIN("message_faults", a_blob_that_is_damaged_is_an_error_not_nothing,
    a_message_expunged_during_a_read_is_gone_not_damaged,
    a_spool_that_cannot_be_written_refuses_the_message,
    a_blob_that_cannot_be_placed_refuses_the_message,
    a_database_that_cannot_be_opened_leaves_no_blob, a_snapshot_nobody_asks_for_is_dropped,
    a_view_is_right_where_it_cannot_be_caught_up, a_deleted_mailbox_is_gone_for_every_operation,
    a_full_disk_refuses_the_message_and_leaves_nothing, a_full_disk_in_the_transaction_undoes_it,
    what_a_killed_process_left_in_the_spool_is_swept)

/* APPEND: what is answered is on stable storage, and pipelined commands wait for it together. */
#include "common/base/log.h"
#include "store/account_private.h"
#include "store/changes.h"
#include "tests/imapd/imap_fixture.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

static struct imap_fixture *f;
static int syncs, sync_errno;
static size_t least_pending;

/* At each sync the answers it is for are written, and none of them has left. */
static int
watching_sync(int fd)
{
	size_t pending = conn_out_pending(f->conn);

	syncs++;
	if (pending < least_pending)
		least_pending = pending;
	errno = sync_errno;
	return sync_errno ? -1 : fdatasync(fd);
}

static void
forget_line(void *arg, struct str line)
{
	(void)arg, (void)line;
}

static void
open_watched(void)
{
	f = imap_fixture_open("Inbox:0");
	syncs = sync_errno = 0;
	least_pending = SIZE_MAX;
	f->account->database.sync_file = watching_sync;
}

/* `n` commands that append, as a client that waits for nothing sends them. */
static struct str
appends(unsigned n, unsigned octets)
{
	char *text = arena_alloc(f->arena, n * (octets + 100));
	char *p = text;

	for (unsigned i = 0; i < n; i++) {
		p += sprintf(p, "a%u APPEND Inbox {%u+}\r\n", i, octets);
		memset(p, 'x', octets);
		p += octets;
		p += sprintf(p, "\r\n");
	}
	return str_make(text, (size_t)(p - text));
}

START_TEST(pipelined_appends_share_a_sync_before_their_answers)
{
	open_watched();
	conn_memory_feed(f->conn, appends(10, 200));
	struct str out = conn_memory_output(f->conn, f->arena);
	for (int i = 0; i < 10; i++)
		ck_assert_ptr_nonnull(
		    strstr(out.p, arena_printf(f->arena, "a%d OK [APPENDUID ", i).p));
	ck_assert_int_eq(syncs, 1);
	ck_assert_uint_ge(least_pending, strlen("a0 OK [APPENDUID 1 1] APPEND completed") * 10);
	ck_assert(database_is_synced(&f->account->database));
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 10);
	imap_fixture_close(&f);
}
END_TEST

START_TEST(however_many_are_sent_no_answer_leaves_before_its_sync)
{
	open_watched();
	/* more than one turn does, and more than is read at once */
	conn_memory_feed(f->conn, appends(200, 3000));
	struct str out = conn_memory_output(f->conn, f->arena);
	ck_assert_ptr_nonnull(strstr(out.p, "a199 OK [APPENDUID "));
	ck_assert_int_ge(syncs, 2);
	ck_assert_int_lt(syncs, 100);
	ck_assert_uint_gt(least_pending, 0);
	ck_assert(database_is_synced(&f->account->database));
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 200);
	imap_fixture_close(&f);
}
END_TEST

START_TEST(answers_whose_sync_fails_never_leave)
{
	open_watched();
	ck_exchange(f, "0 NOOP", "0 OK");
	log_capture(forget_line, NULL);
	sync_errno = EIO;
	conn_memory_feed(f->conn, appends(3, 200));
	struct str out = conn_memory_output(f->conn, f->arena);
	ck_assert_str_is(out, "* BYE [UNAVAILABLE] The disk failed\r\n");
	ck_assert(conn_memory_closed(f->conn));
	ck_assert_int_eq(syncs, 1);
	sync_errno = 0;
	log_capture(NULL, NULL);
	/* The next session finds a store that works, and whatever it is told stays. */
	struct conn *next = imap_fixture_connect(f);
	ck_exchange_on(next, "1 SELECT Inbox", "1 OK");
	ck_exchange_on(next, "2 APPEND Inbox {2+}\r\nxx", "2 OK [APPENDUID");
	ck_assert(database_is_synced(&f->account->database));
	imap_fixture_close(&f);
}
END_TEST

START_TEST(a_listing_that_is_cut_off_by_a_failed_sync_gets_no_text_in_its_middle)
{
	CLEANUP(sbuf_done) struct sbuf in = SBUF_INIT(1 << 22);

	open_watched();
	for (int i = 0; i < 8; i++)
		imap_fixture_deliver(
		    f, "Inbox", str_make(memset(arena_alloc(f->arena, 90000), 'y', 90000), 90000));
	ck_exchange(f, "1 SELECT Inbox", "1 OK");
	syncs = 0;
	sbuf_puts(&in, "2 FETCH 1:* BODY.PEEK[]\r\n");
	sbuf_put(&in, appends(1, 200));
	log_capture(forget_line, NULL);
	sync_errno = EIO;
	conn_memory_feed(f->conn, sbuf_view(&in));
	struct str out = conn_memory_output(f->conn, f->arena);
	log_capture(NULL, NULL);
	ck_assert_int_eq(syncs, 1);
	ck_assert(conn_memory_closed(f->conn));
	ck_assert_ptr_null(memmem(out.p, out.n, "a0 OK", 5));
	const char *bye = memmem(out.p, out.n, "* BYE", 5);
	ck_assert(!bye || (bye > out.p && bye[-1] == '\n'));
	sync_errno = 0;
	imap_fixture_close(&f);
}
END_TEST

START_TEST(whether_asked_for_or_not_nothing_goes_over_the_quota)
{
	static const char *const sends[] = {
	    "1 APPEND Inbox {29+}\r\nSubject: one\r\n\r\n1234567890123",
	    "2 APPEND Inbox {30}",
	};

	f = imap_fixture_open("Inbox:3");
	imap_fixture_set_quota(f, 0, 3);
	for (size_t i = 0; i < ARRAY_LEN(sends); i++)
		ck_exchange(f, sends[i], i ? "2 NO [OVERQUOTA]" : "1 NO [OVERQUOTA]");
	ck_assert_uint_eq(imap_fixture_count(f, "Inbox"), 3);
	imap_fixture_close(&f);
}
END_TEST

static enum fullness
full(void *arg)
{
	(void)arg;
	return MEMORY_FULL;
}

/* RFC 5530 §3: none of its octets could be taken, which is not what a client gives up with. */
START_TEST(a_message_for_which_there_is_no_memory_is_refused_for_now)
{
	open_watched();
	log_capture(forget_line, NULL);
	store_set_memory(f->account->store, full, NULL);
	conn_memory_feed(f->conn, appends(1, 40000));
	ck_assert_str_is(conn_memory_output(f->conn, f->arena), "a0 NO [LIMIT] out of memory\r\n");
	store_set_memory(f->account->store, NULL, NULL);
	conn_memory_feed(f->conn, appends(1, 40000));
	ck_assert(str_starts(conn_memory_output(f->conn, f->arena), STR("a0 OK [APPENDUID ")));
	log_capture(NULL, NULL);
	imap_fixture_close(&f);
}
END_TEST

TEST_MAIN("cmd_append", a_message_for_which_there_is_no_memory_is_refused_for_now,
    whether_asked_for_or_not_nothing_goes_over_the_quota,
    pipelined_appends_share_a_sync_before_their_answers,
    however_many_are_sent_no_answer_leaves_before_its_sync, answers_whose_sync_fails_never_leave,
    a_listing_that_is_cut_off_by_a_failed_sync_gets_no_text_in_its_middle)

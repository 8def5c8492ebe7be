/* Every operation on mail with the n-th call to the system that could fail failing, for every n:
 * all of it happened or nothing, the counters are right, and the next try works. SQLite and the
 * store find the functions below before those of the C library. */
#include "common/base/log.h"
#include "store/account_private.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static struct fixture f;
static int calls, fail_at, fail_errno; /* fail_at 0: never */

static bool
must_fail(void)
{
	if (!fail_at || __atomic_add_fetch(&calls, 1, __ATOMIC_SEQ_CST) != fail_at)
		return false;
	errno = fail_errno;
	return true;
}

static void *
real(const char *name)
{
	void *p = dlsym(RTLD_NEXT, name);

	ck_assert_ptr_nonnull(p);
	return p;
}

ssize_t
pwrite64(int fd, const void *p, size_t n, off_t at)
{
	ssize_t (*call)(int, const void *, size_t, off_t);

	if (must_fail())
		return -1;
	*(void **)&call = real("pwrite64");
	return call(fd, p, n, at);
}

int
ftruncate64(int fd, off_t n)
{
	int (*call)(int, off_t);

	if (must_fail())
		return -1;
	*(void **)&call = real("ftruncate64");
	return call(fd, n);
}

int
fdatasync(int fd)
{
	(void)fd; /* nobody pulls the plug here */
	return must_fail() ? -1 : 0;
}

int
fsync(int fd)
{
	(void)fd; /* nobody pulls the plug here */
	return must_fail() ? -1 : 0;
}

int
link(const char *from, const char *to)
{
	int (*call)(const char *, const char *);

	if (must_fail())
		return -1;
	*(void **)&call = real("link");
	return call(from, to);
}

static void
forget_line(void *arg, struct str line)
{
	(void)arg, (void)line;
}

/* -- what is tried */

static struct spool *spool;
static struct copied copied;

static enum err
do_deliver(void)
{
	struct delivery d = {.account = account_id(f.a)};

	message_deliver(f.store, spool, &d, 1);
	return d.result;
}

static enum err
do_append(void)
{
	struct append a[] = {{.spool = spool}, {.spool = spool, .flags.system = FLAG_SEEN}};

	return message_append(f.a, f.inbox, a, 2, &(uint32_t){0});
}

static enum err
do_copy(void)
{
	struct uidset uids = uids_of(&f, "1:2");

	return message_copy(f.a, f.inbox, &uids, f.archive, f.arena, &copied);
}

static enum err
do_move(void)
{
	struct uidset uids = uids_of(&f, "1:4");

	return message_move(f.a, f.inbox, &uids, f.archive, f.arena, &copied);
}

static enum err
do_remove(void)
{
	struct uidset uids = uids_of(&f, "1:4");

	return message_remove(f.a, f.inbox, &uids);
}

static enum err
do_create(void)
{
	int64_t id;

	return mailbox_create(f.a, STR("x/y/z"), STR(""), &id);
}

static enum err
do_rename(void)
{
	return mailbox_rename(f.a, STR("INBOX"), STR("was/inbox"));
}

static enum err
do_delete(void)
{
	return mailbox_delete(f.a, STR("Archive"));
}

static const struct row {
	const char *name;
	enum err (*run)(void);
} rows[] = {
    {"deliver", do_deliver},
    {"append", do_append},
    {"copy", do_copy},
    {"move", do_move},
    {"remove", do_remove},
    {"create", do_create},
    {"rename", do_rename},
    {"delete", do_delete},
};

/* Everything that an operation can change, as one text. */
static const char *
state(void)
{
	struct mailbox_info *list;
	size_t n;
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1 << 20);

	ck_assert_ok(mailbox_list(f.a, f.arena, &list, &n));
	for (size_t i = 0; i < n; i++)
		sbuf_printf(&out, "%.*s %lld %u: %s\n", STR_ARG(list[i].name),
		    (long long)list[i].id, list[i].messages,
		    list[i].noselect || !list[i].id ? "" : listing(&f, list[i].id));
	return arena_cstr(f.arena, sbuf_view(&out));
}

static void
open_with_mail(size_t size)
{
	fixture_open(&f);
	for (unsigned i = 1; i <= 4; i++)
		deliver_one(&f, i, i % 2 ? 500 : 70000);
	struct uidset last = uids_of(&f, "4");
	ck_assert_ok(message_copy(f.a, f.inbox, &last, f.archive, f.arena, &copied));
	char *octets = make_message(9, size);
	spool = make_spool(&f, octets, size);
	free(octets);
}

/* Tries one row with its n-th call failing. False when there are not that many. */
static bool
try_one(const struct row *r, size_t size, int n, int errnum)
{
	open_with_mail(size);
	const char *before = state();
	calls = 0;
	fail_errno = errnum;
	fail_at = n;
	log_capture(forget_line, NULL);
	enum err e = r->run();
	bool failed = calls >= n;
	fail_at = 0;
	const char *after = state();
	log_capture(NULL, NULL);
	/* told that it happened: it did; otherwise not, unless the sync failed after the commit */
	if (e == ERR_OK)
		ck_assert_str_ne(before, after);
	ck_assert_counters(f.a);
	if (strcmp(before, after) == 0) {
		log_capture(forget_line, NULL);
		enum err again = r->run();
		log_capture(NULL, NULL);
		if (r->run == do_deliver || r->run == do_append) /* a spool's failure sticks */
			ck_assert_msg(
			    again == ERR_OK || e == again, "%s %d: %d", r->name, n, again);
		else
			ck_assert_msg(again == ERR_OK, "%s %d: %d", r->name, n, again);
		ck_assert_counters(f.a);
	}
	struct view *v = view_now(&f, f.inbox);
	for (uint32_t seq = 1; seq <= view_count(v); seq++) {
		size_t got;
		free(read_message(f.a, view_at(v, seq)->message, &got));
	}
	view_unref(&v);
	spool_free(&spool);
	ck_assert_uint_eq(count_spool(&f), 0);
	fixture_close(&f);
	return failed;
}

static void
try_all(const struct row *r)
{
	int n = 1;

	while (try_one(r, 70000, n, n % 2 ? EIO : ENOSPC))
		n++;
	ck_assert_msg(n > 2, "%s made no call that could fail", r->name);
}

START_TEST(whatever_fails_a_message_comes_in_whole_or_not_at_all)
{
	try_all(&rows[0]);
	try_all(&rows[1]);
}
END_TEST

START_TEST(whatever_fails_messages_are_copied_moved_and_removed_whole_or_not_at_all)
{
	try_all(&rows[2]);
	try_all(&rows[3]);
	try_all(&rows[4]);
}
END_TEST

START_TEST(whatever_fails_the_folder_tree_changes_whole_or_not_at_all)
{
	try_all(&rows[5]);
	try_all(&rows[6]);
	try_all(&rows[7]);
}
END_TEST

/* -- between accounts */

static int64_t
inbox_of_b(void)
{
	struct mailbox_info info;

	ck_assert_ok(mailbox_find(f.b, STR("INBOX"), f.arena, &info));
	return info.id;
}

static enum err
do_move_to_another(void)
{
	struct uidset uids = uids_of(&f, "1:2");
	const struct transfer x = {.from_account = f.a,
	    .to_account = f.b,
	    .from = f.inbox,
	    .to = inbox_of_b(),
	    .uids = &uids,
	    .actor = ACTOR_OWNER,
	    .move = true};

	return message_transfer(&x, f.arena, &copied);
}

static enum err
do_replace_in_another(void)
{
	const struct message_place was = {f.a, f.inbox, 1};
	struct append item = {.spool = spool};

	return message_replace_promised(&was, f.b, inbox_of_b(), &item, &(uint32_t){0}, NULL);
}

static uint32_t
count_in(struct account *a, int64_t mailbox)
{
	CLEANUP(view_unref) struct view *v = NULL;

	ck_assert_ok(view_current(a, mailbox, &v));
	return view_count(v);
}

/* False when there are not that many calls. */
static bool
try_between(enum err (*run)(void), uint32_t coming, int n)
{
	open_with_mail(70000);
	uint32_t mine = count_in(f.a, f.inbox);
	ck_assert_uint_eq(count_in(f.b, inbox_of_b()), 0);
	calls = 0;
	fail_errno = EIO;
	fail_at = n;
	log_capture(forget_line, NULL);
	enum err e = run();
	bool failed = calls >= n;
	fail_at = 0;
	log_capture(NULL, NULL);
	uint32_t left = count_in(f.a, f.inbox), come = count_in(f.b, inbox_of_b());
	ck_assert_msg(left + come >= mine, "call %d: %u of %u are left", n, left + come, mine);
	if (e == ERR_OK)
		ck_assert_uint_eq(come, coming);
	ck_assert_counters(f.a);
	ck_assert_counters(f.b);
	spool_free(&spool);
	fixture_close(&f);
	return failed;
}

START_TEST(whatever_fails_a_message_moved_to_another_account_is_not_lost)
{
	int n = 1;

	while (try_between(do_move_to_another, 2, n))
		n++;
	ck_assert_int_gt(n, 2);
}
END_TEST

START_TEST(whatever_fails_a_message_replaced_in_another_account_is_not_lost)
{
	int n = 1;

	while (try_between(do_replace_in_another, 1, n))
		n++;
	ck_assert_int_gt(n, 2);
}
END_TEST

TEST_MAIN("faults", whatever_fails_a_message_comes_in_whole_or_not_at_all,
    whatever_fails_messages_are_copied_moved_and_removed_whole_or_not_at_all,
    whatever_fails_a_message_moved_to_another_account_is_not_lost,
    whatever_fails_a_message_replaced_in_another_account_is_not_lost,
    whatever_fails_the_folder_tree_changes_whole_or_not_at_all)

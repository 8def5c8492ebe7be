/* A damaged mail.db, at many places and in many ways: nobody but its account is disturbed, nothing
 * worse than an error comes of it, and a repair brings back what can be read and says what is lost.
 * FAULTS_LONG=1 damages every page. */
#include "common/base/log.h"
#include "store/account_private.h"
#include "store/directory.h"
#include "store/repair.h"
#include "tests/store/fixture.h"
#include "tests/support/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096
#define MESSAGES 40 /* in INBOX; every fifth has a file */

static struct fixture f;
static char db_path_of[400], wal_path_of[400], shm_path_of[400];
static int64_t id;
static uint32_t uidvalidity; /* of INBOX */
static unsigned corrupt_lines;
static unsigned headless;
static unsigned garbled; /* octets overwritten inside of a row: nothing tells that they were */

static void
count_line(void *arg, struct str line)
{
	(void)arg;
	corrupt_lines += str_find_nocase(line, STR("CORRUPT")) != STR_NONE;
	if (getenv("FAULTS_LOG"))
		fprintf(stderr, "%.*s\n", STR_ARG(line));
}

static size_t
size_of_message(unsigned seed)
{
	return seed % 5 == 0 ? 70000 : 200 + seed * 311;
}

static void
open_with_mail(void)
{
	struct copied copied;
	struct uidset some = {0};
	struct str word = STR("$Label1");
	const struct flag_list flags = {FLAG_SEEN, &word, 1};

	fixture_open(&f);
	struct mailbox_info info;
	id = account_id(f.a);
	ck_assert_ok(mailbox_find(f.a, STR("INBOX"), f.arena, &info));
	uidvalidity = info.uidvalidity;
	snprintf(db_path_of, sizeof(db_path_of), "%s/mail.db", account_dir(f.a));
	snprintf(wal_path_of, sizeof(wal_path_of), "%s/mail.db-wal", account_dir(f.a));
	snprintf(shm_path_of, sizeof(shm_path_of), "%s/mail.db-shm", account_dir(f.a));
	for (unsigned i = 1; i <= MESSAGES; i++)
		deliver_one(&f, i, size_of_message(i));
	some = uids_of(&f, "2:4");
	ck_assert_ok(message_store_flags(
	    f.a, f.inbox, &some, FLAGS_ADD, &flags, MODSEQ_ANY, &(struct uidset){0}));
	ck_assert_ok(message_copy(f.a, f.inbox, &some, f.archive, f.arena, &copied));
	some = uids_of(&f, "1");
	ck_assert_ok(message_remove(f.a, f.inbox, &some));
	ck_assert_ok(account_clean(f.a));
}

/* Another process: what is put in place here is older than what this one may remember. */
static void
restart(void)
{
	int64_t b = account_id(f.b);

	account_unref(&f.b);
	store_close(&f.store);
	f.store = fixture_second(&f, "test");
	ck_assert_ok(account_open(f.store, b, &f.b));
}

static void
close_account(void)
{
	CLEANUP(pool_give) struct handle *h = NULL;

	pool_reap(f.store->pool, 0);
	ck_assert_ok(pool_take(&f.a->database, DB_WRITER, &h));
	ck_assert_ok(db_checkpoint(h->db));
	pool_give(&h);
	account_unref(&f.a);
	restart();
}

/* The account's UIDs, flags and octets, as one text: "UID flags seed …" of each mailbox. */
static const char *
contents(struct account *a)
{
	struct mailbox_info *list;
	size_t n, got;
	struct str out = STR("");

	ck_assert_ok(mailbox_list(a, f.arena, &list, &n));
	for (size_t i = 0; i < n; i++) {
		CLEANUP(view_unref) struct view *v = NULL;
		if (!list[i].id || list[i].noselect)
			continue;
		enum err gone = view_current(a, list[i].id, &v);
		ck_assert_msg(!gone, "%.*s (%lld): %s", STR_ARG(list[i].name),
		    (long long)list[i].id, err_name(gone));
		out = arena_printf(f.arena, "%.*s[%.*s %u] ", STR_ARG(out), STR_ARG(list[i].name),
		    list[i].uidvalidity);
		for (uint32_t seq = 1; seq <= view_count(v); seq++) {
			const struct view_entry e = *view_at(v, seq);
			CLEANUP(mem_free) char *octets = read_message(a, e.message, &got);
			unsigned seed = memcmp(octets, "X-Seed: ", 8)
					    ? 0
					    : (unsigned)strtoul(octets + 8, NULL, 10);
			if (seed == 0 || seed > MESSAGES) { /* its header is lost */
				headless++;
				continue;
			}
			CLEANUP(mem_free) char *right = make_message(seed, size_of_message(seed));
			ck_assert_uint_eq(got, size_of_message(seed));
			garbled += memcmp(octets, right, got) != 0;
			out = arena_printf(f.arena, "%.*s%u/%llu=%u ", STR_ARG(out), e.uid,
			    (unsigned long long)e.flags, seed);
		}
	}
	return arena_cstr(f.arena, out);
}

static unsigned
count_of(const char *text, unsigned seed)
{
	char what[20];
	unsigned n = 0;

	snprintf(what, sizeof(what), "=%u ", seed);
	for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
		n++;
	return n;
}

/* Repairs; what is not there any more was told of. Gives how many messages are lost. */
static unsigned
repair_and_compare(const char *before, const char *what, bool exact)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(65536);
	struct repaired r;
	unsigned lost = 0;

	enum err e = account_repair(f.store, id, &r, &report);
	ck_assert_msg(!e, "%s: %s", what, err_name(e));
	ck_assert_ok(account_open(f.store, id, &f.a));
	sbuf_clear(&report);
	e = account_check(f.a, &report);
	ck_assert_msg(!e, "%s: %s", what, sbuf_cstr(&report));
	headless = 0;
	const char *after = contents(f.a);
	for (unsigned seed = 2; seed <= MESSAGES; seed++)
		lost += count_of(after, seed) == 0;
	lost -= lost < headless ? lost : headless;
	ck_assert_msg(count_of(after, 1) == 0, "%s: what was expunged is back", what);
	ck_assert_msg(lost <= r.lost || !exact, "%s: %u lost, %llu told of:\n%s", what, lost,
	    (unsigned long long)r.lost, after);
	if (r.lost == 0 && r.recovered == 0 && exact)
		ck_assert_msg(strcmp(before, after) == 0, "%s:\n%s\n%s", what, before, after);
	/* it works */
	struct mailbox_info info;
	ck_assert_ok(mailbox_find(f.a, STR("INBOX"), f.arena, &info));
	f.inbox = info.id;
	uint32_t uid = deliver_one(&f, 7, size_of_message(7));
	ck_assert_msg(uid > MESSAGES || info.uidvalidity > uidvalidity, "%s: UID %u again:\n%s",
	    what, uid, after);
	return lost;
}

static char *good;
static size_t good_size;

static void
read_good(void)
{
	struct stat st;
	CLEANUP(fd_close) int fd = open(db_path_of, O_RDONLY);

	ck_assert(fd >= 0 && fstat(fd, &st) == 0);
	good_size = (size_t)st.st_size;
	good = malloc(good_size);
	ck_assert_int_eq(pread(fd, good, good_size, 0), (ssize_t)good_size);
}

static void
write_file(const char *octets, size_t n)
{
	restart();
	unlink(wal_path_of);
	unlink(shm_path_of);
	CLEANUP(fd_close) int fd = open(db_path_of, O_CREAT | O_TRUNC | O_WRONLY, 0600);
	ck_assert(fd >= 0 && pwrite(fd, octets, n, 0) == (ssize_t)n);
}

/* Every call that reads or writes ends with an answer; the other account works. */
static void
use_damaged(void)
{
	CLEANUP(account_unref) struct account *a = NULL;
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(65536);
	CLEANUP(mem_free) char *octets = make_message(90, 600);
	CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, 600);
	struct delivery d[] = {{.account = id}, {.account = account_id(f.b)}};

	message_deliver(f.store, s, d, 2);
	ck_assert_ok(d[1].result);
	if (d[0].result) {
		ck_assert_int_eq(err_class(d[0].result), ERR_CLASS_OURS);
		ck_assert_uint_gt(corrupt_lines, 0);
	}
	if (account_open(f.store, id, &a) == ERR_OK) {
		enum err e = account_check(a, &report);
		ck_assert(e == ERR_OK || err_class(e) == ERR_CLASS_OURS);
	}
}

static unsigned
damage_and_repair(size_t at, size_t n, bool use)
{
	CLEANUP(mem_free) char *bad = malloc(good_size);
	char what[80];

	snprintf(what, sizeof(what), "%zu octets at %zu", n, at);
	memcpy(bad, good, good_size);
	for (size_t i = at; i < at + n && i < good_size; i++)
		bad[i] = (char)(i * 2654435761u >> 13);
	write_file(bad, good_size);
	corrupt_lines = 0;
	log_capture(count_line, NULL);
	if (use)
		use_damaged();
	write_file(bad, good_size);
	unsigned lost = repair_and_compare("", what, false);
	log_capture(NULL, NULL);
	close_account();
	return lost;
}

START_TEST(an_undamaged_account_is_the_same_after_a_repair)
{
	open_with_mail();
	const char *before = contents(f.a);
	char index[300], segment[320];
	snprintf(index, sizeof(index), "%s/index", account_dir(f.a));
	snprintf(segment, sizeof(segment), "%s/1-9.seg", index);
	ck_assert_int_eq(mkdir(index, 0700), 0);
	ck_assert_int_eq(close(open(segment, O_CREAT | O_WRONLY, 0600)), 0);
	close_account();
	ck_assert_uint_eq(repair_and_compare(before, "undamaged", true), 0);
	/* the index of words is made anew: it may tell of messages that are others now */
	ck_assert_int_eq(access(index, F_OK), -1);
	fixture_close(&f);
}
END_TEST

START_TEST(whatever_page_is_damaged_the_rest_is_brought_back)
{
	unsigned lost = 0, most = 0, tries = 0;

	open_with_mail();
	close_account();
	read_good();
	size_t step = getenv("FAULTS_LONG") ? 1 : 7;
	for (size_t page = 0; page < good_size / PAGE; page += page < 20 ? 1 : step, tries++) {
		unsigned now = damage_and_repair(page * PAGE, PAGE, tries % 4 == 0);
		lost += now;
		most = now > most ? now : most;
	}
	printf("pages: %u damaged, %u messages of %u lost, %u at once\n", tries, lost,
	    tries * (MESSAGES - 1), most);
	printf("messages with octets overwritten: %u\n", garbled);
	ck_assert_uint_le(garbled, tries * 4);
	ck_assert_uint_le(most, 12); /* as many as can stand in one page */
	ck_assert_uint_le(damage_and_repair(0, 100, true), 0); /* the header */
	ck_assert_uint_le(damage_and_repair(0, 20 * PAGE, true), MESSAGES);
	free(good);
	ck_assert_ok(account_open(f.store, id, &f.a));
	fixture_close(&f);
}
END_TEST

START_TEST(a_file_that_is_cut_short_is_brought_back_as_far_as_it_goes)
{
	unsigned last = MESSAGES;

	open_with_mail();
	close_account();
	read_good();
	for (size_t part = 0; part <= 4; part++) {
		log_capture(count_line, NULL);
		write_file(good, good_size / 4 * part);
		use_damaged();
		write_file(good, good_size / 4 * part);
		unsigned lost = repair_and_compare("", "cut", false);
		log_capture(NULL, NULL);
		ck_assert_uint_le(lost, last);
		/* those in files are there whatever happens to the database */
		ck_assert_uint_le(lost, MESSAGES - 1 - MESSAGES / 5);
		last = lost;
		close_account();
	}
	ck_assert_uint_eq(last, 0);
	free(good);
	ck_assert_ok(account_open(f.store, id, &f.a));
	fixture_close(&f);
}
END_TEST

START_TEST(nobody_else_may_have_the_account_open)
{
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(65536);
	struct stat st;
	struct repaired r;

	open_with_mail();
	close_account();
	int ready[2];
	ck_assert_int_eq(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct store *other = fixture_second(&f, "other");
		struct account *a = NULL;
		struct handle *h = NULL;
		bool ok = account_open(other, id, &a) == ERR_OK && account_read(a, &h) == ERR_OK;
		(void)!write(ready[1], ok ? "y" : "n", 1);
		sleep(getenv("FAULTS_LONG") ? 100 : 1);
		_exit(0);
	}
	char c = 0;
	ck_assert_int_eq(read(ready[0], &c, 1), 1);
	ck_assert_int_eq(c, 'y');
	ck_assert_int_eq(stat(db_path_of, &st), 0);
	ino_t before = st.st_ino;
	if (getenv("FAULTS_LONG")) {
		ck_assert_int_eq(account_repair(f.store, id, &r, &report), ERR_BUSY);
		ck_assert_int_eq(stat(db_path_of, &st), 0);
		ck_assert_uint_eq(st.st_ino, before);
		kill(child, SIGKILL);
	}
	ck_assert_ok(account_repair(f.store, id, &r, &report)); /* it waits until it is so */
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
	ck_assert_uint_eq(r.lost, 0);
	ck_assert_ok(account_open(f.store, id, &f.a));
	fixture_close(&f);
}
END_TEST

TEST_MAIN("faults_repair", an_undamaged_account_is_the_same_after_a_repair,
    whatever_page_is_damaged_the_rest_is_brought_back,
    a_file_that_is_cut_short_is_brought_back_as_far_as_it_goes,
    nobody_else_may_have_the_account_open)

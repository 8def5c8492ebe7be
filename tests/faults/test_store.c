/* Every operation of the store with the n-th call of each kind failing, for every n: the error is
 * one that passes, all of it happened or nothing, and the same operation works right afterwards.
 * FAULTS_LONG=1 takes every call, else some of those of large numbers. */
#include "common/base/log.h"
#include "store/account_private.h"
#include "store/directory.h"
#include "tests/faults/faults.h"
#include "tests/store/queue_fixture.h"
#include "tests/support/test.h"

#include <errno.h>
#include <stdio.h>

static struct fixture f;
static struct spool *spool[2]; /* in memory, in a file */
static unsigned turn; /* rises with every try */
static struct str name, other_name; /* of this try's mailbox */
static struct uidset uids; /* 1:2 */
static int64_t mailbox, message;

static void
forget_line(void *arg, struct str line)
{
	(void)arg;
	if (getenv("FAULTS_LOG"))
		fprintf(stderr, "%.*s\n", STR_ARG(line));
}

/* -- what is tried */

static void
new_name(void)
{
	name = arena_printf(f.arena, "made-%u", turn);
	other_name = arena_printf(f.arena, "now-%u/below", turn);
}

static void
new_mailbox(void)
{
	new_name();
	uids = uids_of(&f, "1:2");
	ck_assert_ok(mailbox_create(f.a, name, STR(""), &mailbox));
	CLEANUP(mem_free) char *octets = make_message(turn, 300);
	CLEANUP(spool_free) struct spool *s = make_spool(&f, octets, 300);
	struct append a[] = {{.spool = s}, {.spool = s, .flags.system = FLAG_DELETED}};
	ck_assert_ok(message_append(f.a, mailbox, a, 2, &(uint32_t){0}));
}

static void
new_spools(void)
{
	for (int i = 0; i < 2; i++) {
		size_t size = i ? 70000 : 500;
		CLEANUP(mem_free) char *octets = make_message(turn, size);
		spool_free(&spool[i]);
		spool[i] = make_spool(&f, octets, size);
	}
}

static enum err
deliver(int which)
{
	struct delivery d[] = {{.account = account_id(f.a)}, {.account = account_id(f.b)}};

	message_deliver(f.store, spool[which], d, 1);
	return d[0].result;
}

static enum err
do_deliver(void)
{
	return deliver(0);
}

static enum err
do_deliver_file(void)
{
	return deliver(1);
}

/* What arrives and is stored, as in DATA. */
static enum err
do_receive(void)
{
	CLEANUP(spool_free) struct spool *s = NULL;
	static char octets[70000];
	struct delivery d = {.account = account_id(f.a)};
	enum err e = spool_new(f.store, &s);

	for (size_t i = 0; i < sizeof(octets); i++)
		octets[i] = i % 78 == 77 ? '\n' : i % 78 == 76 ? '\r' : 'x';
	memcpy(octets, "Subject: x\r\n\r\n", 14);
	for (size_t at = 0; !e && at < sizeof(octets); at += 7000)
		e = spool_write(s, octets + at, 7000);
	if (e)
		return e;
	message_deliver(f.store, s, &d, 1);
	return d.result;
}

static enum err
do_append(void)
{
	struct append a[] = {{.spool = spool[1]}, {.spool = spool[0], .flags.system = FLAG_SEEN}};

	return message_append(f.a, f.inbox, a, 2, &(uint32_t){0});
}

static enum err
do_copy(void)
{
	struct copied copied;

	return message_copy(f.a, mailbox, &uids, f.archive, f.arena, &copied);
}

static enum err
do_move(void)
{
	struct copied copied;

	return message_move(f.a, mailbox, &uids, f.archive, f.arena, &copied);
}

static enum err
do_expunge(void)
{
	return message_expunge(f.a, mailbox, NULL, NULL);
}

static enum err
do_flags(void)
{
	struct str word = STR("word");
	const struct flag_list flags = {FLAG_FLAGGED, &word, 1};

	return message_store_flags(
	    f.a, mailbox, &uids, FLAGS_ADD, &flags, MODSEQ_ANY, &(struct uidset){0});
}

static enum err
do_create(void)
{
	return mailbox_create(f.a, name, STR(""), &(int64_t){0});
}

static enum err
do_rename(void)
{
	return mailbox_rename(f.a, name, other_name);
}

static enum err
do_delete(void)
{
	return mailbox_delete(f.a, name);
}

static enum err
add_to(int which)
{
	const struct queue_new_rcpt to[] = {
	    {.address = STR("x@one.example")}, {.address = STR("y@two.example")}};
	const struct queue_new q = {.sender = STR("a@example.test"), .rcpts = to, .rcpt_count = 2};

	return queue_add(f.store, spool[which], &q, &(int64_t){0});
}

static enum err
do_queue(void)
{
	return add_to(0);
}

static enum err
do_queue_file(void)
{
	return add_to(1);
}

static void
new_queued(void)
{
	new_spools();
	message = add_to_queue(&f, "X: y\r\n\r\nz", 9, "a@example.test", "x@one.example");
}

static enum err
do_queue_report(void)
{
	const struct queue_new_rcpt to = {.address = STR("a@example.test")};
	const struct queue_new envelope = {.kind = QUEUE_REPORT, .rcpts = &to, .rcpt_count = 1};
	const struct queue_report report = {spool[1], &envelope};
	const struct queue_result r = {.rcpt = rcpt_of(message, 0), .outcome = QUEUE_FAILED};

	return queue_record(f.store, message, &r, 1, &report);
}

static const struct row {
	const char *name;
	void (*prepare)(void);
	enum err (*run)(void);
} rows[] = {
    {"deliver", new_spools, do_deliver},
    {"deliver a file", new_spools, do_deliver_file},
    {"receive", new_name, do_receive},
    {"append", new_spools, do_append},
    {"copy", new_mailbox, do_copy},
    {"move", new_mailbox, do_move},
    {"expunge", new_mailbox, do_expunge},
    {"flags", new_mailbox, do_flags},
    {"create", new_name, do_create},
    {"rename", new_mailbox, do_rename},
    {"delete", new_mailbox, do_delete},
    {"queue", new_spools, do_queue},
    {"queue a file", new_spools, do_queue_file},
    {"queue a report", new_queued, do_queue_report},
};

/* -- the tries */

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
	sbuf_put(&out, queued(&f));
	return arena_cstr(f.arena, sbuf_view(&out));
}

static bool
passes(enum err e)
{
	if (err_class(e) == ERR_CLASS_OURS)
		return e != ERR_CONFIG && e != ERR_CORRUPT;
	return e == ERR_BUSY;
}

static void
end(enum fault_kind kind)
{
	for (int i = 0; i < 2; i++)
		spool_free(&spool[i]);
	if (kind != FAULT_NAMES) /* what could not be removed is swept at the next start */
		ck_assert_uint_eq(count_spool(&f), 0);
	fixture_close(&f);
}

static const int errnos[FAULT__COUNT][2] = {
    [FAULT_MEMORY] = {ENOMEM, ENOMEM},
    [FAULT_OPEN] = {EMFILE, EIO},
    [FAULT_READ] = {EIO, EIO},
    [FAULT_WRITE] = {ENOSPC, EIO},
    [FAULT_SYNC] = {EIO, ENOSPC},
    [FAULT_TRUNCATE] = {EIO, ENOSPC},
    [FAULT_NAMES] = {ENOSPC, EIO},
    [FAULT_MAP] = {ENOMEM, ENOMEM},
    [FAULT_THREAD] = {EAGAIN, EAGAIN},
    [FAULT_ACCEPT] = {EMFILE, ENFILE},
    [FAULT_WATCH] = {ENOSPC, ENOMEM},
    [FAULT_WAIT] = {EINTR, EINTR},
};

/* False when there are less than `n` calls of the kind. */
static bool
try_one(const struct row *r, enum fault_kind kind, unsigned n, bool cold)
{
	turn++;
	r->prepare();
	const char *before = state();
	if (cold) /* handles are opened anew, statements prepared */
		pool_reap(f.store->pool, 0);
	log_capture(forget_line, NULL);
	fault_arm(kind, n, errnos[kind][turn % 2], r->name);
	enum err e = r->run();
	bool reached = fault_disarm();
	log_capture(NULL, NULL);
	const char *after = state();
	if (!e) {
		ck_assert_msg(strcmp(before, after) != 0, "%s, %s %u: told of what never happened",
		    r->name, fault_names[kind], n);
	} else {
		ck_assert_msg(reached, "%s: error %s without a fault", r->name, err_name(e));
		ck_assert_msg(
		    passes(e), "%s, %s %u: %s", r->name, fault_names[kind], n, err_name(e));
		/* a sync that failed came after the commit */
		ck_assert_msg(kind == FAULT_SYNC || strcmp(before, after) == 0,
		    "%s, %s %u: half done:\n%s\n---\n%s", r->name, fault_names[kind], n, before,
		    after);
	}
	ck_assert_counters(f.a);
	if (e && strcmp(before, after) == 0) {
		if (r->prepare == new_spools || r->prepare == new_queued)
			r->prepare(); /* what failed while a message came in sticks to it */
		log_capture(forget_line, NULL);
		e = r->run();
		log_capture(NULL, NULL);
		ck_assert_msg(
		    !e, "%s, %s %u: afterwards %s", r->name, fault_names[kind], n, err_name(e));
	}
	return reached;
}

/* The calls that are tried, of many: all of the first, then fewer and fewer. */
static unsigned
next_of(unsigned n)
{
	return fault_next(n, n < 12 ? n + 1 : n + 1 + n / 3 + turn % 3);
}

static unsigned
try_kind(const struct row *r, enum fault_kind kind, bool cold)
{
	unsigned tried = 0, fds = fault_count_fds();

	fixture_open(&f);
	for (unsigned n = next_of(0);; n = next_of(n)) {
		if (tried && tried % 30 == 0) {
			end(kind);
			fixture_open(&f);
		}
		if (!try_one(r, kind, n, cold))
			break;
		tried++;
	}
	CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(65536);
	enum err e = account_check(f.a, &report);
	ck_assert_msg(!e, "%s, %s: %s", r->name, fault_names[kind], sbuf_cstr(&report));
	end(kind);
	ck_assert_uint_eq(fault_count_fds(), fds);
	return tried;
}

static void
try_rows(enum fault_kind first, enum fault_kind last)
{
	unsigned tried = 0;

	for (enum fault_kind kind = first; kind <= last; kind++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			tried += try_kind(&rows[i], kind, true);
			if (kind == FAULT_MEMORY || kind == FAULT_WRITE)
				tried += try_kind(&rows[i], kind, false);
		}
	}
	ck_assert(tried > 0 || getenv("FAULTS_PART")); /* a part may have none of few */
	printf("%s to %s: %u faults\n", fault_names[first], fault_names[last], tried);
}

START_TEST(without_memory_an_operation_fails_for_now_and_leaves_nothing)
{
	try_rows(FAULT_MEMORY, FAULT_MEMORY);
}
END_TEST

START_TEST(without_files_an_operation_fails_for_now_and_leaves_nothing)
{
	try_rows(FAULT_OPEN, FAULT_READ);
}
END_TEST

START_TEST(when_nothing_can_be_written_an_operation_fails_for_now_and_leaves_nothing)
{
	try_rows(FAULT_WRITE, FAULT_TRUNCATE);
}
END_TEST

START_TEST(when_names_or_maps_fail_an_operation_fails_for_now_and_leaves_nothing)
{
	try_rows(FAULT_NAMES, FAULT_MAP);
}
END_TEST

/* -- opening */

static enum err
open_all(void)
{
	CLEANUP(store_close) struct store *s = NULL;
	CLEANUP(account_unref) struct account *a = NULL;
	CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
	char data[200], run[200];
	struct account_entry entry;

	if (!arena)
		return ERR_NOMEM;
	snprintf(data, sizeof(data), "%s/data", f.dir);
	snprintf(run, sizeof(run), "%s/run", f.dir);
	const struct store_options o = {
	    .data_dir = data, .run_dir = run, .process = "other", .recipient_delimiter = "+"};
	enum err e = store_open(&o, &s);
	if (!e)
		e = directory_find_account(s, STR("a@example.test"), arena, &entry);
	if (!e)
		e = account_open(s, entry.id, &a);
	account_unref(&a);
	return e;
}

START_TEST(a_store_that_cannot_be_opened_leaves_nothing_open)
{
	unsigned tried = 0;

	fixture_open(&f);
	ck_assert_ok(open_all());
	unsigned fds = fault_count_fds();
	for (enum fault_kind kind = 0; kind < FAULT__COUNT; kind++) {
		bool reached = true;
		for (unsigned n = next_of(0); reached; n = next_of(n)) {
			log_capture(forget_line, NULL);
			fault_arm(kind, n, errnos[kind][n % 2], "open");
			enum err e = open_all();
			reached = fault_disarm();
			log_capture(NULL, NULL);
			ck_assert_msg(!e || (reached && passes(e)), "%s %u: %s", fault_names[kind],
			    n, err_name(e));
			ck_assert_msg(fault_count_fds() == fds, "%s %u: files stay open",
			    fault_names[kind], n);
			tried += reached;
		}
		ck_assert_ok(open_all());
	}
	fixture_close(&f);
	printf("opening: %u faults\n", tried);
}
END_TEST

/* Where a file can't be opened for writing, SQLite opens it for reading alone. */
START_TEST(what_was_opened_for_want_of_descriptors_is_not_what_the_next_write_uses)
{
	unsigned tried = 0;
	bool reached = true;

	fixture_open(&f);
	for (unsigned n = 1; reached; n++) {
		struct mailbox_info inbox;

		new_spools();
		pool_reap(f.store->pool, 0);
		log_capture(forget_line, NULL);
		fault_arm(FAULT_OPEN, n, EMFILE, "reading");
		enum err e = mailbox_find(f.a, STR("INBOX"), f.arena, &inbox);
		reached = fault_disarm();
		ck_assert_msg(!e || passes(e), "open %u: %s", n, err_name(e));
		e = do_deliver();
		ck_assert_msg(!e, "after open %u: %s", n, err_name(e));
		log_capture(NULL, NULL);
		tried += reached;
	}
	ck_assert_uint_ge(tried, 3); /* the database, its WAL and the index of that */
	fixture_close(&f);
	printf("reading before a write: %u faults\n", tried);
}
END_TEST

TEST_MAIN("faults_store", without_memory_an_operation_fails_for_now_and_leaves_nothing,
    without_files_an_operation_fails_for_now_and_leaves_nothing,
    when_nothing_can_be_written_an_operation_fails_for_now_and_leaves_nothing,
    when_names_or_maps_fail_an_operation_fails_for_now_and_leaves_nothing,
    a_store_that_cannot_be_opened_leaves_nothing_open,
    what_was_opened_for_want_of_descriptors_is_not_what_the_next_write_uses)

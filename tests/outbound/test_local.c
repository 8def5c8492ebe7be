/* Mail of the queue for ourselves: mailboxes, and addresses of ours that lead elsewhere. */
#include "smtpd/outbound/runner_private.h"

#include "common/base/clock.h"
#include "common/trust/srs.h"
#include "smtpd/outbound/srs_sender.h"
#include "store/message.h"
#include "tests/support/store_fixture.h"

#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define OCTETS "Subject: x\r\n\r\nHello.\r\n"
#define RCPTS_MAX 8

struct world {
	struct store_fixture *f;
	struct conf *conf;
	struct runner runner;
};

static void
world_open(struct world *w)
{
	CLEANUP(sbuf_done) struct sbuf problem = SBUF_INIT(4096);
	const char *path;
	FILE *file;

	w->f = store_fixture_open();
	path = store_fixture_path(w->f, "conf");
	file = fopen(path, "w");
	ck_assert_ptr_nonnull(file);
	fprintf(file, "hostname = \"mx.example.test\"\ndata_dir = \"%s\"\nrun_dir = \"%s\"\n",
	    w->f->options.data_dir, w->f->options.run_dir);
	fclose(file);
	ck_assert_ok(conf_load(path, &w->conf, &problem));
	w->runner = (struct runner){.store = w->f->store, .conf = w->conf};
	pthread_mutex_init(&w->runner.mu, NULL);
}

static void
world_close(struct world *w)
{
	pthread_mutex_destroy(&w->runner.mu);
	conf_unref(&w->conf);
	store_fixture_close(&w->f);
}

static int64_t
put_octets(struct world *w, const struct queue_new *q, size_t size)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	int64_t id = 0;

	ck_assert_ok(spool_new(w->f->store, &spool));
	ck_assert_ok(spool_write(spool, OCTETS, strlen(OCTETS)));
	for (size_t n = strlen(OCTETS); n < size; n += strlen(OCTETS))
		ck_assert_ok(spool_write(spool, OCTETS, strlen(OCTETS)));
	ck_assert_ok(queue_add(w->f->store, spool, q, &id));
	return id;
}

/* Puts a message of `size` octets for the addresses, with blanks between, into the queue. Its id.
 */
static int64_t
put_in_queue(struct world *w, enum queue_kind kind, const char *sender, const char *to, size_t size)
{
	struct queue_new_rcpt rcpts[RCPTS_MAX] = {0};
	struct str rest = str_of(to), one;
	struct queue_new q = {.kind = kind,
	    .sender = str_of(sender),
	    .envid = STR("E"),
	    .expires_s = clock_real_s() + 432000,
	    .rcpts = rcpts};

	while (str_split(&rest, ' ', &one))
		rcpts[q.rcpt_count++].address = one;
	return put_octets(w, &q, size);
}

static enum err
take_rcpt(const struct queue_listed *l, void *arg)
{
	struct parcel *p = arg;

	if (l->message.id == p->job.message.id)
		p->job.rcpts[p->job.rcpt_count++].row = (struct queue_rcpt){.id = l->rcpt.id,
		    .address = arena_dup(p->job.arena, l->rcpt.address),
		    .orcpt = arena_dup(p->job.arena, l->rcpt.orcpt),
		    .notify = l->rcpt.notify};
	return ERR_OK;
}

/* Carries out what the queue has of the message, as the runner does, and records nothing. */
static struct parcel
try_message(struct world *w, int64_t id)
{
	struct parcel p = {.job = {.arena = w->f->arena}};
	const struct queue_filter all = {.state = -1};

	p.job.rcpts = arena_alloc_array(w->f->arena, RCPTS_MAX, sizeof(*p.job.rcpts));
	ck_assert_ok(queue_message_get(w->f->store, id, w->f->arena, &p.job.message));
	ck_assert_ok(queue_list(w->f->store, &all, take_rcpt, &p));
	local_deliver(&w->runner, &p);
	return p;
}

/* And records that nothing more is to be tried. */
static void
end_message(struct world *w, const struct parcel *p)
{
	for (size_t i = 0; i < p->job.rcpt_count; i++) {
		const struct queue_result done = {
		    .rcpt = p->job.rcpts[i].row.id, .outcome = QUEUE_DELIVERED};
		ck_assert_ok(queue_record(w->f->store, p->job.message.id, &done, 1, NULL));
	}
}

/* Puts a message into the queue and delivers it as the runner does. What became of it. */
static enum job_fate
deliver(struct world *w, enum queue_kind kind, const char *sender, const char *to)
{
	struct parcel p = try_message(w, put_in_queue(w, kind, sender, to, 0));

	end_message(w, &p);
	return p.job.rcpts[0].fate;
}

/* How many messages an account has. */
static uint64_t
count(struct world *w, int64_t id)
{
	CLEANUP(account_unref) struct account *a = NULL;
	struct quota quota;

	ck_assert_ok(account_open(w->f->store, id, &a));
	ck_assert_ok(account_quota(a, &quota));
	return quota.messages_used;
}

static enum err
note_one(const struct queue_listed *l, void *arg)
{
	struct sbuf *b = arg;

	sbuf_printf(b, "%d <%.*s> %.*s;", (int)l->message.kind, STR_ARG(l->message.sender),
	    STR_ARG(l->rcpt.address));
	return ERR_OK;
}

/* "kind <sender> recipient;" of all that is in the queue. */
static void
check_queue(struct world *w, const char *expected)
{
	CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(4096);
	const struct queue_filter all = {.state = -1};

	ck_assert_ok(queue_list(w->f->store, &all, note_one, &b));
	ck_assert_str_eq(sbuf_cstr(&b), expected);
}

START_TEST(what_leads_elsewhere_goes_back_into_the_queue)
{
	static const struct {
		enum queue_kind kind;
		const char *sender, *to;
		enum job_fate fate;
		const char *queue;
	} rows[] = {
	    {QUEUE_REPORT, "", "ann@example.test", JOB_DONE, ""},
	    {QUEUE_REPORT, "", "away@example.test", JOB_DONE, "1 <> x@other.test;"},
	    {QUEUE_REPORT, "", "nobody@example.test", JOB_NEVER, ""},
	    {QUEUE_SUBMITTED, "ann@example.test", "away@example.test", JOB_DONE,
		"1 <ann@example.test> x@other.test;"},
	};
	const struct str target = STR("x@other.test");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct world w;
		world_open(&w);
		store_fixture_add(w.f, "away@example.test");
		ck_assert_ok(
		    directory_set_forward(w.f->store, STR("away@example.test"), &target, 1, false));
		ck_assert_msg(deliver(&w, rows[i].kind, rows[i].sender, rows[i].to) == rows[i].fate,
		    "row %zu", i);
		check_queue(&w, rows[i].queue);
		world_close(&w);
	}
}
END_TEST

static enum err
keep_one(const struct queue_listed *l, void *arg)
{
	struct sbuf *b = arg;

	sbuf_printf(b, "%.*s %d %d%d%d %.*s %u;", STR_ARG(l->message.envid), (int)l->message.ret,
	    l->message.smtputf8, l->message.requiretls, l->message.tls_optional,
	    STR_ARG(l->rcpt.orcpt), l->rcpt.notify);
	return ERR_OK;
}

/* RFC 3461 §5.2.7.3, RFC 8689 §4.1, RFC 6531 §3.5 */
START_TEST(what_goes_on_keeps_what_its_sender_asked_for)
{
	static const struct {
		bool requiretls, tls_optional;
		unsigned notify;
		const char *queue;
	} rows[] = {
	    {true, false, QUEUE_NOTIFY_FAILURE, "E 2 110 rfc822;old@example.test 2;"},
	    {false, true, 0, "E 2 101 rfc822;old@example.test 0;"},
	    {false, false, QUEUE_NOTIFY_SUCCESS | QUEUE_NOTIFY_DELAY, /* success is told here */
		"E 2 100 rfc822;old@example.test 4;"},
	    {false, false, QUEUE_NOTIFY_SUCCESS, "E 2 100 rfc822;old@example.test 8;"},
	};
	const struct str target = STR("x@other.test");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(sbuf_done) struct sbuf b = SBUF_INIT(4096);
		const struct queue_filter all = {.state = -1};
		struct world w;
		world_open(&w);
		store_fixture_add(w.f, "away@example.test");
		ck_assert_ok(
		    directory_set_forward(w.f->store, STR("away@example.test"), &target, 1, false));
		const struct queue_new_rcpt rcpt = {.address = STR("away@example.test"),
		    .orcpt = STR("rfc822;old@example.test"),
		    .notify = rows[i].notify};
		const struct queue_new q = {.kind = QUEUE_SUBMITTED,
		    .sender = STR("ann@example.test"),
		    .envid = STR("E"),
		    .ret = QUEUE_RET_HDRS,
		    .smtputf8 = true,
		    .requiretls = rows[i].requiretls,
		    .tls_optional = rows[i].tls_optional,
		    .expires_s = clock_real_s() + 432000,
		    .rcpts = &rcpt,
		    .rcpt_count = 1};
		struct parcel p = try_message(&w, put_octets(&w, &q, 0));
		end_message(&w, &p);
		ck_assert_ok(queue_list(w.f->store, &all, keep_one, &b));
		ck_assert_str_eq(sbuf_cstr(&b), rows[i].queue);
		world_close(&w);
	}
}
END_TEST

START_TEST(a_report_on_what_was_forwarded_goes_to_who_sent_it)
{
	CLEANUP(sbuf_done) struct sbuf address = SBUF_INIT(1024);
	unsigned char secret[SRS_SECRET_OCTETS];
	struct world w;

	world_open(&w);
	ck_assert_ok(srs_sender_secret(w.f->store, "srs", w.f->arena, secret));
	ck_assert_ok(srs_forward(STR("bob@sender.test"), STR("example.test"),
	    str_make((const char *)secret, sizeof(secret)), clock_real_s(), &address));
	ck_assert_int_eq(deliver(&w, QUEUE_REPORT, "", sbuf_cstr(&address)), JOB_DONE);
	check_queue(&w, "1 <> bob@sender.test;");
	/* nobody else writes to a stranger by way of us, and nobody makes such an address up */
	ck_assert_int_eq(
	    deliver(&w, QUEUE_SUBMITTED, "ann@example.test", sbuf_cstr(&address)), JOB_NEVER);
	ck_assert_int_eq(
	    deliver(&w, QUEUE_REPORT, "", "SRS0=AAAA=AA=victim.test=eve@example.test"), JOB_NEVER);
	check_queue(&w, "1 <> bob@sender.test;");
	world_close(&w);
}
END_TEST

/* -- once -------------------------------------------------------------------------------------- */

static void
set_alias(struct world *w, const char *address, const char *targets)
{
	struct str list[RCPTS_MAX], rest = str_of(targets);
	size_t n = 0;

	while (str_split(&rest, ' ', &list[n]))
		n++;
	ck_assert_ok(directory_set_alias(w->f->store, str_of(address), list, n));
}

/* In a process of its own, which dies when the message is in the mailbox and still in the queue. */
static void
die_between_the_commits(struct world *w, int64_t id)
{
	account_unref(&w->f->account);
	store_close(&w->f->store); /* SQLite must not be carried across a fork */
	pid_t child = fork();
	if (child == 0) {
		if (store_open(&w->f->options, &w->f->store))
			_exit(1);
		w->runner.store = w->f->store;
		struct parcel p = try_message(w, id);
		if (p.job.rcpts[0].fate != JOB_DONE)
			_exit(2);
		raise(SIGKILL);
	}
	int status = 0;
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "status %x", status);
	ck_assert_ok(store_open(&w->f->options, &w->f->store));
	ck_assert_ok(account_open(w->f->store, w->f->account_id, &w->f->account));
	w->runner.store = w->f->store;
}

START_TEST(who_dies_between_the_two_commits_delivers_once)
{
	static const size_t sizes[] = {0, 200000}; /* rows, and a file */

	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		CLEANUP(sbuf_done) struct sbuf report = SBUF_INIT(4096);
		struct world w;
		world_open(&w);
		set_alias(&w, "team@example.test", "ann@example.test x@other.test");
		int64_t id = put_in_queue(&w, QUEUE_REPORT, "", "team@example.test", sizes[i]);
		for (int kills = 0; kills < 2; kills++) {
			die_between_the_commits(&w, id);
			ck_assert_uint_eq(count(&w, w.f->account_id), 1);
			check_queue(&w, "2 <> team@example.test;1 <> x@other.test;");
		}
		struct parcel p = try_message(&w, id);
		ck_assert_int_eq(p.job.rcpts[0].fate, JOB_DONE);
		end_message(&w, &p);
		ck_assert_uint_eq(count(&w, w.f->account_id), 1);
		check_queue(&w, "1 <> x@other.test;");
		ck_assert_msg(
		    account_check(w.f->account, &report) == ERR_OK, "%s", sbuf_cstr(&report));
		world_close(&w);
	}
}
END_TEST

/* The others have it at once and once, and the sender is told so. */
START_TEST(each_target_of_an_alias_has_an_outcome_of_its_own)
{
	struct world w;

	world_open(&w);
	int64_t full = store_fixture_add(w.f, "full@example.test");
	int64_t bob = store_fixture_add(w.f, "bob@example.test");
	ck_assert_ok(directory_set_quota(w.f->store, STR("full@example.test"), 10, 0));
	set_alias(&w, "team@example.test",
	    "full@example.test ann@example.test bob@example.test x@other.test");
	int64_t id = put_in_queue(&w, QUEUE_SUBMITTED, "ann@example.test", "team@example.test", 0);
	for (int i = 0; i < 3; i++) {
		struct parcel p = try_message(&w, id);
		ck_assert_int_eq(p.job.rcpts[0].fate, JOB_LATER);
		ck_assert_str_is(p.job.rcpts[0].status, "4.2.2");
		ck_assert_str_is(p.job.rcpts[0].reply,
		    "Not delivered to all behind this address: The mailbox is full."
		    " Others have the message");
		ck_assert_uint_eq(count(&w, w.f->account_id), 1);
		ck_assert_uint_eq(count(&w, bob), 1);
		ck_assert_uint_eq(count(&w, full), 0);
		check_queue(&w,
		    "0 <ann@example.test> team@example.test;1 <ann@example.test> x@other.test;");
	}
	ck_assert_ok(directory_set_quota(w.f->store, STR("full@example.test"), 0, 0));
	struct parcel p = try_message(&w, id);
	ck_assert_int_eq(p.job.rcpts[0].fate, JOB_DONE);
	ck_assert_uint_eq(count(&w, full), 1);
	ck_assert_uint_eq(count(&w, bob), 1);
	end_message(&w, &p);
	check_queue(&w, "1 <ann@example.test> x@other.test;");
	world_close(&w);
}
END_TEST

START_TEST(a_full_mailbox_alone_says_that_it_is_full)
{
	struct world w;

	world_open(&w);
	store_fixture_add(w.f, "full@example.test");
	ck_assert_ok(directory_set_quota(w.f->store, STR("full@example.test"), 10, 0));
	struct parcel p =
	    try_message(&w, put_in_queue(&w, QUEUE_REPORT, "", "full@example.test", 0));
	ck_assert_int_eq(p.job.rcpts[0].fate, JOB_LATER);
	ck_assert_str_is(p.job.rcpts[0].reply, "The mailbox is full");
	world_close(&w);
}
END_TEST

/* Names of one account are one mailbox; a +detail picks none (smtpd/deliver.c). */
START_TEST(an_account_gets_one_copy_of_a_message_whatever_names_reach_it)
{
	struct world w;

	world_open(&w);
	int64_t bob = store_fixture_add(w.f, "bob@example.test");
	set_alias(&w, "team@example.test", "ann@example.test bob@example.test");
	set_alias(&w, "all@example.test", "team@example.test ann@example.test");
	int64_t id = put_in_queue(&w, QUEUE_SUBMITTED, "ann@example.test",
	    "ann@example.test team@example.test ann+lists@example.test all@example.test", 0);
	struct parcel p = try_message(&w, id);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(p.job.rcpts[i].fate, JOB_DONE);
	ck_assert_uint_eq(count(&w, w.f->account_id), 1);
	ck_assert_uint_eq(count(&w, bob), 1);
	/* the next message is another one */
	ck_assert_int_eq(deliver(&w, QUEUE_REPORT, "", "team@example.test"), JOB_DONE);
	ck_assert_uint_eq(count(&w, w.f->account_id), 2);
	world_close(&w);
}
END_TEST

/* -- who is told that it takes long ------------------------------------------------------------ */

START_TEST(mail_is_late_from_its_release_on_and_no_report_is)
{
	static const struct {
		const char *sender;
		int64_t age_s, held_s;
		size_t told;
	} rows[] = {
	    {"ann@example.test", 60, 0, 0},
	    {"ann@example.test", 20000, 0, 1},
	    {"ann@example.test", 86400, 86000, 0},
	    {"ann@example.test", 106400, 86400, 1},
	    {"", 20000, 0, 0},
	};
	struct world w;

	world_open(&w);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct job_rcpt rcpt = {.fate = JOB_LATER, .status = STR("4.4.1")};
		struct job job = {.arena = w.f->arena,
		    .rcpts = &rcpt,
		    .rcpt_count = 1,
		    .ahead_ms = clock_real_us() / 1000 - clock_mono_ms()};
		struct results res;
		int64_t created_s = clock_real_s() - rows[i].age_s;
		job.message = (struct queue_message){
		    .kind = rows[i].sender[0] ? QUEUE_SUBMITTED : QUEUE_REPORT,
		    .sender = str_of(rows[i].sender),
		    .created_s = created_s,
		    .expires_s = created_s + rows[i].held_s + (int64_t)w.conf->outbound.expire_s};
		ck_assert_ok(results_make(w.conf, &job, true, job.arena, &res));
		ck_assert_uint_eq(res.n, 1);
		ck_assert_msg(res.told_n == rows[i].told, "row %zu", i);
	}
	world_close(&w);
}
END_TEST

TEST_MAIN("local", what_goes_on_keeps_what_its_sender_asked_for,
    who_dies_between_the_two_commits_delivers_once,
    each_target_of_an_alias_has_an_outcome_of_its_own, a_full_mailbox_alone_says_that_it_is_full,
    an_account_gets_one_copy_of_a_message_whatever_names_reach_it,
    what_leads_elsewhere_goes_back_into_the_queue,
    a_report_on_what_was_forwarded_goes_to_who_sent_it,
    mail_is_late_from_its_release_on_and_no_report_is)

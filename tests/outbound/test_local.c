/* Mail of the queue for ourselves: mailboxes, and addresses of ours that lead elsewhere. */
#include "smtpd/outbound/runner_private.h"

#include "common/base/clock.h"
#include "common/trust/srs.h"
#include "smtpd/outbound/srs_sender.h"
#include "store/message.h"
#include "tests/support/store_fixture.h"

#include <stdio.h>

#define OCTETS "Subject: x\r\n\r\nHello.\r\n"

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

/* Puts a message into the queue and delivers it as the runner does. What became of it. */
static enum job_fate
deliver(struct world *w, enum queue_kind kind, const char *sender, const char *to)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	const struct queue_new_rcpt rcpt = {.address = str_of(to)};
	const struct queue_new q = {.kind = kind,
	    .sender = str_of(sender),
	    .envid = STR("E"),
	    .expires_s = clock_real_s() + 432000,
	    .rcpts = &rcpt,
	    .rcpt_count = 1};
	struct parcel p = {.job = {.arena = w->f->arena}};
	struct job_rcpt job_rcpt = {.row = {.address = rcpt.address}};
	int64_t id = 0;

	ck_assert_ok(spool_new(w->f->store, &spool));
	ck_assert_ok(spool_write(spool, OCTETS, strlen(OCTETS)));
	ck_assert_ok(queue_add(w->f->store, spool, &q, &id));
	ck_assert_ok(queue_message_get(w->f->store, id, w->f->arena, &p.job.message));
	p.job.rcpts = &job_rcpt;
	p.job.rcpt_count = 1;
	local_deliver(&w->runner, &p);
	const struct queue_result done = {.rcpt = queue_rcpt_id(id, 0), .outcome = QUEUE_DELIVERED};
	ck_assert_ok(queue_record(w->f->store, id, &done, 1, NULL));
	return job_rcpt.fate;
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
		struct job job = {.arena = w.f->arena, .rcpts = &rcpt, .rcpt_count = 1};
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

TEST_MAIN("local", what_leads_elsewhere_goes_back_into_the_queue,
    a_report_on_what_was_forwarded_goes_to_who_sent_it,
    mail_is_late_from_its_release_on_and_no_report_is)

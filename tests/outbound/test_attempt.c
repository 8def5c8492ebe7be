/* Which host comes next: the runner's connections, with a client that the test plays. */
#include "smtpd/outbound/client.h"
#include "smtpd/outbound/route_private.h"
#include "smtpd/outbound/runner_private.h"

#include "common/base/clock.h"
#include "tests/outbound/runner_world.h"
#include "tests/support/log_lines.h"

#include <stdio.h>

#define OCTETS "Subject: x\r\n\r\nHello.\r\n"

/* -- in place of client.c ---------------------------------------------------------------------- */

static struct client_options dialled;
static char hosts_dialled[64];
static struct str said; /* by the host */

enum err
client_dial(struct hub *h, const struct client_options *o, struct client **ret)
{
	size_t n = strlen(hosts_dialled);

	(void)h;
	dialled = *o;
	snprintf(hosts_dialled + n, sizeof(hosts_dialled) - n, "%zu", o->host);
	*ret = (struct client *)&dialled;
	return ERR_OK;
}

void
client_wake(struct client *c)
{
	(void)c;
}

/* -- a domain with two hosts, and a message for it --------------------------------------------- */

static struct route *
two_hosts(void)
{
	struct route *r = route_make(ROUTE_SMTP, STR("other.test"), 0, "", STR(""), 3600);

	r->destination = STR("a.test");
	r->hosts = arena_alloc_array(route_arena(r), 2, sizeof(*r->hosts));
	r->host_count = 2;
	for (size_t i = 0; i < 2; i++) {
		r->hosts[i] = (struct route_host){.name = i ? STR("b.test") : STR("a.test"),
		    .address_count = 1,
		    .policy = POLICY_RULE,
		    .addresses = ARENA_NEW(route_arena(r), struct sockaddr_storage)};
		route_address(STR("\xc0\x00\x02\x01"), 25, r->hosts[i].addresses);
	}
	return r;
}

/* The message's connection, begun. */
static void
begin(struct runner_world *w)
{
	CLEANUP(spool_free) struct spool *spool = NULL;
	const struct queue_new_rcpt rcpt = {.address = STR("bob@other.test")};
	const struct queue_new q = {.sender = STR("ann@example.test"),
	    .requiretls = true,
	    .expires_s = clock_real_s() + 432000,
	    .rcpts = &rcpt,
	    .rcpt_count = 1};
	struct scheduler_step step;
	int64_t id = 0;

	hosts_dialled[0] = '\0';
	ck_assert_ok(spool_new(w->f->store, &spool));
	ck_assert_ok(spool_write(spool, OCTETS, strlen(OCTETS)));
	ck_assert_ok(queue_add(w->f->store, spool, &q, &id));
	scheduler_due(w->runner.scheduler, STR("other.test"), 0);
	for (;;) {
		const struct scheduler_row row = {queue_rcpt_id(id, 0), id, q.sender, 1, false};
		scheduler_next_step(w->runner.scheduler, &step);
		if (step.what == SCHEDULER_OPEN)
			break;
		ck_assert_int_ne(step.what, SCHEDULER_NOTHING);
		if (step.what == SCHEDULER_FIND)
			scheduler_found(w->runner.scheduler, step.domain, two_hosts());
		else
			scheduler_loaded(
			    w->runner.scheduler, step.domain, &row, 1, false, INT64_MAX);
	}
	attempt_begin(&w->runner, step.link);
}

/* What the host that was dialled does with its first job. */
enum behaviour { TAKES, LACKS, ABSENT };

static void
play(enum behaviour b)
{
	const struct client_options o = dialled;
	struct client_end end = {.failure = b == ABSENT ? CLIENT_NO_CONNECTION : CLIENT_FINE,
	    .host = "mx",
	    .reply = said,
	    .tls_text = "none"};
	int64_t wait_ms = -1;

	if (b != ABSENT) {
		struct job *job = o.owner->next_job(o.arg, &wait_ms);
		ck_assert_ptr_nonnull(job);
		job->rcpts[0].fate = b == TAKES ? JOB_DONE : JOB_NEVER;
		job->rcpts[0].code = b == TAKES ? 250 : 0;
		job->rcpts[0].reply = said;
		job->rcpts[0].status = b == TAKES ? STR("2.0.0") : STR("5.7.30");
		o.owner->job_done(o.arg, job);
		ck_assert_ptr_null(o.owner->next_job(o.arg, &wait_ms));
	}
	o.owner->ended(o.arg, &end);
}

/* What is delivered is recorded in the connection's turn; a report is left to the thread, and so is
 * what no connection has a turn for. */
static void
check_outcome(struct runner_world *w, enum job_fate fate, size_t row)
{
	struct queue_counts counts;

	ck_assert_ok(queue_count(w->f->store, &counts));
	ck_assert_msg((counts.messages == 0) == (fate == JOB_DONE), "row %zu", row);
	if (list_is_empty(&w->runner.done)) {
		ck_assert_msg(fate != JOB_NEVER, "row %zu", row);
		ck_assert_uint_eq(counts.deferred, fate == JOB_LATER);
		return;
	}
	ck_assert_msg(fate != JOB_DONE, "row %zu", row);
	struct parcel *p = LIST_OWNER(w->runner.done.next, struct parcel, turn);
	list_take(&p->turn);
	ck_assert_msg(list_is_empty(&w->runner.done), "row %zu", row);
	ck_assert_msg(p->job.rcpts[0].fate == fate, "row %zu", row);
	ck_assert(parcel_record(&w->runner, p));
}

START_TEST(who_requires_tls_is_served_by_any_host_that_offers_it)
{
	static const struct {
		enum behaviour hosts[2];
		const char *dialled;
		enum job_fate fate;
	} rows[] = {
	    {{TAKES, TAKES}, "0", JOB_DONE},
	    {{LACKS, TAKES}, "01", JOB_DONE},
	    {{LACKS, LACKS}, "01", JOB_NEVER},
	    {{LACKS, ABSENT}, "01", JOB_LATER},
	    {{ABSENT, LACKS}, "01", JOB_LATER},
	    {{ABSENT, TAKES}, "01", JOB_DONE},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct runner_world w;
		runner_world_open(&w);
		begin(&w);
		for (size_t played = 0; played < strlen(hosts_dialled); played++)
			play(rows[i].hosts[played]);
		ck_assert_str_eq(hosts_dialled, rows[i].dialled);
		check_outcome(&w, rows[i].fate, i);
		runner_world_close(&w);
	}
}
END_TEST

/* As one that does not answer (RFC 5321 §5.1): its domain's next host is asked. */
START_TEST(a_host_that_is_paused_is_passed_over)
{
	static const struct {
		const char *paused, *dialled;
	} rows[] = {{"mx:a.test", "1"}, {"mx:B.test", "0"}, {"mx:c.test", "0"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		const struct str name = str_of(rows[i].paused);
		struct runner_world w;
		runner_world_open(&w);
		scheduler_pause(w.runner.scheduler, &name, 1);
		begin(&w);
		ck_assert_str_eq(hosts_dialled, rows[i].dialled);
		play(TAKES);
		check_outcome(&w, JOB_DONE, i);
		runner_world_close(&w);
	}
}
END_TEST

/* RFC 8689 §4.2.1: the other one may do what is asked for, once it is not paused any more. */
START_TEST(who_requires_tls_waits_for_a_host_that_is_paused)
{
	const struct str name = STR("mx:b.test");
	struct runner_world w;

	runner_world_open(&w);
	scheduler_pause(w.runner.scheduler, &name, 1);
	begin(&w);
	play(LACKS);
	ck_assert_str_eq(hosts_dialled, "0");
	check_outcome(&w, JOB_LATER, 0);
	runner_world_close(&w);
}
END_TEST

START_TEST(whatever_another_server_says_each_line_of_the_log_is_one_event)
{
	struct runner_world w;
	unsigned n = 0;

	runner_world_open(&w);
	log_lines_begin();
	for (const char *const *evil = log_lines_worst; *evil; evil++, n++) {
		said = str_of(*evil);
		begin(&w);
		play(ABSENT);
		play(TAKES);
		check_outcome(&w, JOB_DONE, n);
	}
	said = STR("");
	log_lines_end();
	ck_assert_uint_eq(log_lines_count("unreachable"), n);
	ck_assert_uint_eq(log_lines_count("sent"), n);
	runner_world_close(&w);
}
END_TEST

TEST_MAIN("attempt", whatever_another_server_says_each_line_of_the_log_is_one_event,
    a_host_that_is_paused_is_passed_over, who_requires_tls_waits_for_a_host_that_is_paused,
    who_requires_tls_is_served_by_any_host_that_offers_it)

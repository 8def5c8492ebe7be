/* smtpd/outbound/tlsrpt.h: RFC 8460, counting and telling. */
#include "smtpd/outbound/tlsrpt.h"

#include "common/auth/http_fetch.h"
#include "common/base/clock.h"
#include "store/queue.h"
#include "store/tls_sessions.h"
#include "tests/support/fake_dns.h"
#include "tests/support/store_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#define DAY_S 86400

struct setting {
	struct store_fixture *f;
	struct dns *dns;
	struct tlsrpt *t;
	pthread_t answers;
	atomic_bool over;
};

/* The DNS answers while the day's work waits for it. */
static void *
answer(void *arg)
{
	struct setting *x = arg;

	while (!atomic_load(&x->over)) {
		fake_dns_run(x->dns);
		usleep(1000);
	}
	return NULL;
}

static void
begin(struct setting *x)
{
	x->f = store_fixture_open();
	x->dns = fake_dns_new();
	const struct tlsrpt_options o = {
	    .store = x->f->store, .dns = x->dns, .hostname = "mail.example.test"};
	ck_assert_ok(tlsrpt_new(&o, &x->t));
	atomic_store(&x->over, false);
	ck_assert_int_eq(pthread_create(&x->answers, NULL, answer, x), 0);
}

static void
end(struct setting *x)
{
	tlsrpt_free(&x->t);
	atomic_store(&x->over, true);
	pthread_join(x->answers, NULL);
	dns_free(&x->dns);
	store_fixture_close(&x->f);
}

static struct route_host host = {.name = {"mx.example.net", 14}, .policy = POLICY_STS};
static struct route route = {
    .kind = ROUTE_SMTP,
    .domain = {"example.net", 11},
    .sts_policy = {"version: STSv1\nmx: mx.example.net\n", 34},
};

static size_t
waiting(struct setting *x)
{
	struct queue_domain *domains;
	size_t n, all = 0;

	ck_assert_ok(queue_domains(x->f->store, x->f->arena, &domains, &n));
	for (size_t i = 0; i < n; i++)
		all += domains[i].recipients;
	return all;
}

START_TEST(what_went_well_and_wrong_is_counted_by_day_and_kind)
{
	struct setting x;
	struct tls_sessions_day *days;
	struct tls_session *rows;
	size_t n;

	begin(&x);
	for (int i = 0; i < 3; i++)
		tlsrpt_note(x.t, &route, &host, "192.0.2.1", NULL);
	tlsrpt_note(x.t, &route, &host, "192.0.2.1", "certificate-expired");
	int64_t today = clock_real_s() / DAY_S;
	ck_assert_ok(tls_sessions_before(x.f->store, today, x.f->arena, &days, &n));
	ck_assert_uint_eq(n, 0);
	ck_assert_ok(tls_sessions_before(x.f->store, today + 1, x.f->arena, &days, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_ok(tls_sessions_of(x.f->store, &days[0], x.f->arena, &rows, &n));
	ck_assert_uint_eq(n, 2);
	uint64_t good = rows[0].failure.n ? rows[1].sessions : rows[0].sessions;
	uint64_t bad = rows[0].failure.n ? rows[0].sessions : rows[1].sessions;
	ck_assert_uint_eq(good, 3);
	ck_assert_uint_eq(bad, 1);
	ck_assert_str_is(rows[0].mx_patterns, "mx.example.net\n");
	end(&x);
}
END_TEST

START_TEST(who_asks_is_told_once_and_who_does_not_never)
{
	static const struct {
		const char *record; /* NULL: none */
		size_t told;
	} rows[] = {
	    {"v=TLSRPTv1; rua=mailto:tls@example.org", 1},
	    {"v=TLSRPTv1; rua=mailto:a@example.org,mailto:b@example.org?subject=x", 2},
	    {"v=TLSRPTv1; rua=mailto:a%0d@example.org", 0},
	    {"v=spf1 -all", 0},
	    {NULL, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct setting x;
		begin(&x);
		if (rows[i].record)
			fake_dns_add(
			    x.dns, "_smtp._tls.example.net", DNS_TXT, false, rows[i].record);
		int64_t today = clock_real_s() / DAY_S;
		tlsrpt_note(x.t, &route, &host, "192.0.2.1", "starttls-not-supported");
		ck_assert_uint_eq(tlsrpt_run(x.t, today), 0); /* the day is not over */
		ck_assert_uint_eq(tlsrpt_run(x.t, today + 1), rows[i].told);
		ck_assert_uint_eq(waiting(&x), rows[i].told);
		ck_assert_uint_eq(tlsrpt_run(x.t, today + 1), 0);
		end(&x);
	}
}
END_TEST

START_TEST(a_day_is_kept_while_the_dns_fails_but_not_for_ever)
{
	struct setting x;

	begin(&x);
	fake_dns_fail(x.dns, "_smtp._tls.example.net", DNS_TXT, DNS_FAILED);
	int64_t today = clock_real_s() / DAY_S;
	tlsrpt_note(x.t, &route, &host, "192.0.2.1", NULL);
	ck_assert_uint_eq(tlsrpt_run(x.t, today + 1), 0);
	fake_dns_remove(x.dns, "_smtp._tls.example.net");
	fake_dns_add(x.dns, "_smtp._tls.example.net", DNS_TXT, false,
	    "v=TLSRPTv1; rua=mailto:tls@example.org");
	ck_assert_uint_eq(tlsrpt_run(x.t, today + 2), 1);
	tlsrpt_note(x.t, &route, &host, "192.0.2.1", NULL);
	fake_dns_fail(x.dns, "_smtp._tls.example.net", DNS_TXT, DNS_FAILED);
	ck_assert_uint_eq(tlsrpt_run(x.t, today + TLSRPT_KEEP_DAYS + 2), 0);
	fake_dns_remove(x.dns, "_smtp._tls.example.net");
	fake_dns_add(x.dns, "_smtp._tls.example.net", DNS_TXT, false,
	    "v=TLSRPTv1; rua=mailto:tls@example.org");
	ck_assert_uint_eq(tlsrpt_run(x.t, today + TLSRPT_KEEP_DAYS + 2), 0);
	end(&x);
}
END_TEST

static size_t posts;

enum err
http_fetch(const struct http_request *r, struct sbuf *ret_body)
{
	(void)ret_body;
	ck_assert_str_eq(r->form_type, "application/tlsrpt+gzip");
	ck_assert_uint_gt(r->form.n, 100);
	ck_assert_uint_ge(r->address_count, 1);
	posts++;
	return ERR_OK;
}

/* RFC 8460 §5.4 */
START_TEST(a_report_is_posted_but_never_into_a_private_network)
{
	static const struct {
		const char *uri;
		size_t posts;
	} rows[] = {
	    {"https://good.example.org/v1/report", 1},
	    {"https://inside.example.org/", 0},
	    {"https://nowhere.example.org/", 0},
	    {"https://127.0.0.1/", 0},
	    {"https://good.example.org:8080/", 0},
	    {"https://user@good.example.org/", 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct setting x;
		char record[200];
		begin(&x);
		posts = 0;
		snprintf(record, sizeof(record), "v=TLSRPTv1; rua=%s", rows[i].uri);
		fake_dns_add(x.dns, "_smtp._tls.example.net", DNS_TXT, false, record);
		fake_dns_add(x.dns, "good.example.org", DNS_A, false, "8.8.8.8");
		fake_dns_add(x.dns, "inside.example.org", DNS_A, false, "10.0.0.1");
		tlsrpt_note(x.t, &route, &host, "192.0.2.1", NULL);
		ck_assert_uint_eq(tlsrpt_run(x.t, clock_real_s() / DAY_S + 1), rows[i].posts);
		ck_assert_msg(posts == rows[i].posts, "%s", rows[i].uri);
		end(&x);
	}
}
END_TEST

START_TEST(a_policy_that_could_not_be_fetched_is_told_of_though_mail_went_without_it)
{
	struct setting x;
	struct tls_sessions_day *days;
	struct tls_session *rows;
	size_t n;
	static const struct route_host free_host = {.name = {"mx.example.net", 14}};
	static const struct route without = {.kind = ROUTE_SMTP,
	    .domain = {"example.net", 11},
	    .sts_failure = "sts-policy-fetch-error"};

	begin(&x);
	tlsrpt_note(x.t, &without, &free_host, "192.0.2.1", NULL);
	int64_t today = clock_real_s() / DAY_S;
	ck_assert_ok(tls_sessions_before(x.f->store, today + 1, x.f->arena, &days, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_ok(tls_sessions_of(x.f->store, &days[0], x.f->arena, &rows, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_int_eq(rows[0].policy, POLICY_STS);
	ck_assert_str_is(rows[0].failure, "sts-policy-fetch-error");
	end(&x);
}
END_TEST

/* §4.3.1; RFC 8461 §5 */
START_TEST(a_host_that_a_policy_does_not_name_is_counted_though_it_is_never_connected_to)
{
	struct setting x;
	struct tls_sessions_day *days;
	struct tls_session *rows;
	size_t n;
	struct route enforced = route, testing = route, relaxed = route;
	const struct route_host mismatch = {
	    .name = STR("mx.other.net"), .policy = POLICY_STS, .sts_mismatch = true};

	enforced.kind = ROUTE_LATER;
	enforced.tls_unproven = true;
	enforced.off_policy_host = STR("mx.example.org");
	testing.sts_testing = true;
	relaxed.is_relaxed = true;
	begin(&x);
	tlsrpt_note_off_policy(x.t, &route); /* all is well: nothing to tell */
	tlsrpt_note_off_policy(x.t, &enforced);
	tlsrpt_note(x.t, &testing, &mismatch, "192.0.2.1", NULL);
	tlsrpt_note(x.t, &relaxed, &host, "192.0.2.1", NULL); /* RFC 8689: not by the policy */
	int64_t today = clock_real_s() / DAY_S;
	ck_assert_ok(tls_sessions_before(x.f->store, today + 1, x.f->arena, &days, &n));
	ck_assert_uint_eq(n, 1);
	ck_assert_ok(tls_sessions_of(x.f->store, &days[0], x.f->arena, &rows, &n));
	ck_assert_uint_eq(n, 2);
	for (size_t i = 0; i < n; i++) {
		bool never = str_eq(rows[i].host, STR("mx.example.org"));
		ck_assert_int_eq(rows[i].policy, POLICY_STS);
		ck_assert_str_is(rows[i].failure, "validation-failure");
		ck_assert_str_is(rows[i].host, never ? "mx.example.org" : "mx.other.net");
		ck_assert_str_is(rows[i].address, never ? "" : "192.0.2.1");
		ck_assert_uint_eq(rows[i].sessions, 1);
	}
	end(&x);
}
END_TEST

TEST_MAIN("tlsrpt", a_host_that_a_policy_does_not_name_is_counted_though_it_is_never_connected_to,
    a_policy_that_could_not_be_fetched_is_told_of_though_mail_went_without_it,
    a_report_is_posted_but_never_into_a_private_network,
    what_went_well_and_wrong_is_counted_by_day_and_kind,
    who_asks_is_told_once_and_who_does_not_never,
    a_day_is_kept_while_the_dns_fails_but_not_for_ever)

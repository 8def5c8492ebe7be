/* MTA-STS: RFC 8461. Policies come from this file instead of from servers. */
#include "common/auth/http_fetch.h"
#include "common/base/clock.h"
#include "smtpd/outbound/sts_policy.h"
#include "store/sts_cache.h"
#include "tests/outbound/route_world.h"
#include "tests/support/test.h"

#include <stdio.h>

/* -- records and policies --------------------------------------------------------------------- */

static const struct {
	const char *records[3];
	const char *id; /* NULL: none */
} records[] = {
    {{"v=STSv1; id=20160831085700Z;"}, "20160831085700Z"},
    {{"v=STSv1;id=a"}, "a"},
    {{"v=STSv1 ; id=a"}, "a"},
    {{"v=STSv1; ext=x; id=a; id=b"}, "a"},
    {{"v=spf1 -all", "v=STSv1; id=a;"}, "a"}, /* §3.1: others are discarded */
    {{"v=STSv1; id=a;", "v=STSv1; id=b;"}, NULL}, /* more than one is none */
    {{"v=STSv1"}, NULL},
    {{"v=STSv12; id=a"}, NULL},
    {{"v=STSv1; id="}, NULL},
    {{"v=STSv1; id=a-b"}, NULL},
    {{"v=STSv1; id=123456789012345678901234567890123"}, NULL},
    {{"id=a; v=STSv1;"}, NULL},
};

START_TEST(one_record_of_version_1_has_an_id)
{
	for (size_t i = 0; i < ARRAY_LEN(records); i++) {
		struct dns_record r[3] = {0};
		struct dns_answer a = {.status = DNS_FOUND, .records = r};
		for (; a.count < 3 && records[i].records[a.count]; a.count++)
			r[a.count].data = test_guarded(str_of(records[i].records[a.count]));
		struct str id = sts_record_id(&a);
		if (records[i].id)
			ck_assert_str_is(id, records[i].id);
		else
			ck_assert_msg(!id.p, "row %zu: got \"%.*s\"", i, STR_ARG(id));
	}
}
END_TEST

static const struct {
	const char *text;
	enum err err;
	enum sts_mode mode;
	uint32_t max_age_s;
	size_t mx_count;
} policies[] = {
    {"version: STSv1\r\nmode: enforce\r\nmx: mail.example.com\r\nmx: *.example.net\r\n"
     "max_age: 604800\r\n",
	ERR_OK, STS_ENFORCE, 604800, 2},
    {"version: STSv1\nmode: testing\nmx: a.example\nmax_age: 1", ERR_OK, STS_TESTING, 1, 1},
    {"version:STSv1\nmode:none\nmax_age:86400\n", ERR_OK, STS_NONE, 86400, 0},
    {"  version: STSv1  \nfuture: x\nmode: enforce\nmx: a.example\nmax_age: 10\n\n", ERR_OK,
	STS_ENFORCE, 10, 1},
    {"version: STSv1\nmode: enforce\nmode: none\nmx: a.example\nmax_age: 10\nmax_age: 20", ERR_OK,
	STS_ENFORCE, 10, 1},
    {"version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 4294967295", ERR_OK, STS_ENFORCE,
	STS_AGE_MAX_S, 1},
    {"version: STSv1\nmode: enforce\nmx: a.example\nmax_age: 99999999999", ERR_SYNTAX, 0, 0, 0},
    {"version: STSv2\nmode: enforce\nmx: a.example\nmax_age: 10", ERR_SYNTAX, 0, 0, 0},
    {"mode: enforce\nmx: a.example\nmax_age: 10", ERR_SYNTAX, 0, 0, 0},
    {"version: STSv1\nmx: a.example\nmax_age: 10", ERR_SYNTAX, 0, 0, 0},
    {"version: STSv1\nmode: enforce\nmax_age: 10", ERR_SYNTAX, 0, 0, 0},
    {"version: STSv1\nmode: enforce\nmx: a.example", ERR_SYNTAX, 0, 0, 0},
    {"version: STSv1\nmode: Enforce\nmx: a.example\nmax_age: 10", ERR_SYNTAX, 0, 0, 0},
    {"version: STSv1\nmode: enforce\nmx: a.*.example\nmax_age: 10", ERR_SYNTAX, 0, 0, 0},
    {"version: STSv1\nmode: enforce\nmx: *\nmax_age: 10", ERR_SYNTAX, 0, 0, 0},
    {"version: STSv1\nmode: enforce\nmx: a.example\nmax_age: -1", ERR_SYNTAX, 0, 0, 0},
    {"<html>", ERR_SYNTAX, 0, 0, 0},
    {"", ERR_SYNTAX, 0, 0, 0},
};

START_TEST(a_policy_is_read_or_refused)
{
	for (size_t i = 0; i < ARRAY_LEN(policies); i++) {
		CLEANUP(arena_free) struct arena *arena = arena_new(1 << 20);
		struct sts_policy p = {0};
		enum err e = sts_policy_parse(test_guarded(str_of(policies[i].text)), arena, &p);
		ck_assert_msg(e == policies[i].err, "row %zu: error %d", i, (int)e);
		ck_assert_int_eq(p.mode, policies[i].mode);
		ck_assert_uint_eq(p.max_age_s, policies[i].max_age_s);
		ck_assert_uint_eq(p.mx_count, policies[i].mx_count);
	}
}
END_TEST

START_TEST(a_policy_has_so_many_hosts_and_octets)
{
	CLEANUP(arena_free) struct arena *arena = arena_new(8 << 20);
	CLEANUP(sbuf_done) struct sbuf text = SBUF_INIT(1 << 20);
	struct sts_policy p;

	sbuf_puts(&text, "version: STSv1\nmode: enforce\nmax_age: 10\n");
	for (int i = 0; i < STS_MX_MAX; i++)
		sbuf_puts(&text, "mx: a.example\n");
	ck_assert_ok(sts_policy_parse(sbuf_view(&text), arena, &p));
	sbuf_puts(&text, "mx: a.example\n");
	ck_assert_int_eq(sts_policy_parse(sbuf_view(&text), arena, &p), ERR_SYNTAX);
	sbuf_clear(&text);
	sbuf_puts(&text, "version: STSv1\nmode: none\nmax_age: 10\n");
	while (text.n <= STS_POLICY_MAX)
		sbuf_putc(&text, '\n');
	ck_assert_int_eq(sts_policy_parse(sbuf_view(&text), arena, &p), ERR_SYNTAX);
}
END_TEST

/* §4.1: a wildcard stands for the leftmost label. */
START_TEST(a_pattern_names_hosts)
{
	struct str mx[] = {STR("mail.example.com"), STR("*.example.net")};
	const struct sts_policy p = {.mx = mx, .mx_count = 2};

	ck_assert(sts_policy_names(&p, STR("mail.example.com")));
	ck_assert(sts_policy_names(&p, STR("Mail.Example.com")));
	ck_assert(sts_policy_names(&p, STR("mx1.example.net")));
	ck_assert(!sts_policy_names(&p, STR("a.mx1.example.net")));
	ck_assert(!sts_policy_names(&p, STR("example.net")));
	ck_assert(!sts_policy_names(&p, STR(".example.net")));
	ck_assert(!sts_policy_names(&p, STR("example.com")));
	ck_assert(!sts_policy_names(&p, STR("evil-mail.example.com")));
}
END_TEST

/* -- the cache -------------------------------------------------------------------------------- */

START_TEST(a_kept_policy_holds_for_its_time)
{
	CLEANUP(store_fixture_close) struct store_fixture *f = store_fixture_open();
	const struct sts_cached old = {STR("1"), STR("old"), 1800000000, 1800000100};
	const struct sts_cached fresh = {STR("2"), STR("fresh"), 1800000050, 1800000200};
	struct sts_cached got;

	clock_freeze(1800000060);
	ck_assert_int_eq(
	    sts_cache_find(f->store, STR("example.org"), f->arena, &got), ERR_NOT_FOUND);
	ck_assert_ok(sts_cache_put(f->store, STR("example.org"), &old));
	ck_assert_ok(sts_cache_put(f->store, STR("example.org"), &fresh));
	store_fixture_reopen(f);
	ck_assert_ok(sts_cache_find(f->store, STR("example.org"), f->arena, &got));
	ck_assert_str_is(got.id, "2");
	ck_assert_str_is(got.policy, "fresh");
	ck_assert_int_eq(got.fetched_s, 1800000050);
	clock_advance_ms(140 * 1000);
	ck_assert_int_eq(
	    sts_cache_find(f->store, STR("example.org"), f->arena, &got), ERR_NOT_FOUND);
	clock_thaw();
}
END_TEST

/* -- routes ----------------------------------------------------------------------------------- */

/* What the server of the policy answers. */
static struct {
	pthread_mutex_t mu;
	const char *body; /* NULL: fails */
	enum http_failure failure;
	bool mute; /* says nothing for now */
	pthread_cond_t changed;
	size_t fetches;
	char url[200];
} server = {.mu = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

enum err
http_fetch(const struct http_request *r, struct sbuf *ret_body)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&server.mu);

	ck_assert_str_eq(r->accept, "text/plain");
	ck_assert_uint_eq(r->max, STS_POLICY_MAX);
	ck_assert_uint_ge(r->address_count, 1);
	server.fetches++;
	snprintf(server.url, sizeof(server.url), "%s", r->url);
	while (server.mute)
		pthread_cond_wait(&server.changed, &server.mu);
	if (!server.body) {
		*r->failure = server.failure;
		return ERR_IO;
	}
	sbuf_puts(ret_body, server.body);
	return ERR_OK;
}

static void
serve(const char *body, enum http_failure failure)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&server.mu);

	server.body = body;
	server.failure = failure;
}

static size_t
fetches(void)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&server.mu);

	return server.fetches;
}

#define POLICY(mode) "version: STSv1\nmode: " mode "\nmx: mx1.example.org\nmax_age: 600\n"

static void
set_id(struct dns *d, const char *id)
{
	char text[100];

	snprintf(text, sizeof(text), "v=STSv1; id=%s;", id);
	fake_dns_remove(d, "_mta-sts.example.org");
	fake_dns_add(d, "_mta-sts.example.org", DNS_TXT, false, text);
}

static struct route_world *
open_world(const char *id)
{
	struct route_world *w = route_world_open("");

	fake_dns_add(w->dns, "example.org", DNS_MX, false, "10 mx1.example.org");
	fake_dns_add(w->dns, "example.org", DNS_MX, false, "20 mx2.example.org");
	fake_dns_add(w->dns, "mx1.example.org", DNS_A, false, "198.51.100.1");
	fake_dns_add(w->dns, "mx2.example.org", DNS_A, false, "198.51.100.2");
	fake_dns_add(w->dns, "mta-sts.example.org", DNS_A, false, "198.51.100.3");
	if (id)
		set_id(w->dns, id);
	server.fetches = 0;
	return w;
}

/* "mx1 sts must names; mx2 none" */
static const char *
tls_text(const struct route *r)
{
	static const char *const policies_by_number[] = {"none", "sts", "dane", "rule"};
	static char text[400];
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(sizeof(text) - 1);

	if (r->kind != ROUTE_SMTP)
		return route_world_text(r);
	for (size_t i = 0; i < r->host_count; i++) {
		const struct route_host *h = &r->hosts[i];
		sbuf_printf(&out, "%s%.3s %s%s%s%s", i ? "; " : "", h->name.p,
		    policies_by_number[h->policy], h->must_tls ? " must" : "",
		    h->tls.proof == TLS_PROOF_NAMES ? " names" : "",
		    h->sts_mismatch ? " mismatch" : "");
	}
	snprintf(text, sizeof(text), "%s", sbuf_cstr(&out));
	return text;
}

static void
check_route(struct route_world *w, const char *wanted, const char *failure)
{
	route_forget(w->router, STR("example.org"));
	CLEANUP(route_unref) struct route *r = route_world_find(w, "example.org");
	const char *text = tls_text(r);

	ck_assert_msg(strncmp(text, wanted, strlen(wanted)) == 0, "got \"%s\", expected \"%s\"",
	    text, wanted);
	ck_assert_str_eq(r->sts_failure ? r->sts_failure : "", failure);
}

#define PLAIN "mx1 none; mx2 none"
#define ENFORCED "mx1 sts must names"

START_TEST(a_policy_in_force_asks_for_tls_and_names)
{
	CLEANUP(route_world_close) struct route_world *w = open_world("1");

	serve(POLICY("enforce"), HTTP_FAILED);
	check_route(w, ENFORCED, "");
	ck_assert_str_eq(server.url, "https://mta-sts.example.org:443/.well-known/mta-sts.txt");
	CLEANUP(route_unref) struct route *r = route_world_find(w, "example.org");
	ck_assert_uint_eq(r->host_count, 1); /* §5: the other one is not named */
	ck_assert_str_is(r->sts_policy, POLICY("enforce"));
	ck_assert(r->secure_mx && !r->sts_testing);
	ck_assert_str_is(r->hosts[0].tls.names[0], "mx1.example.org");
	ck_assert_str_is(r->hosts[0].tls.server_name, "mx1.example.org");
	set_id(w->dns, "2");
	serve(POLICY("testing"), HTTP_FAILED);
	check_route(w, "mx1 sts names; mx2 sts mismatch", "");
	set_id(w->dns, "3");
	serve(POLICY("none"), HTTP_FAILED);
	check_route(w, PLAIN, "");
	set_id(w->dns, "4");
	serve("version: STSv1\nmode: enforce\nmx: other.example.org\nmax_age: 600\n", HTTP_FAILED);
	check_route(w, "later 4.7.5 mail can't be sent now", "");
	ck_assert_uint_eq(fetches(), 4);
}
END_TEST

START_TEST(without_a_record_nothing_is_fetched)
{
	CLEANUP(route_world_close) struct route_world *w = open_world(NULL);

	serve(POLICY("enforce"), HTTP_FAILED);
	check_route(w, PLAIN, "");
	fake_dns_fail(w->dns, "_mta-sts.example.org", DNS_TXT, DNS_FAILED);
	check_route(w, PLAIN, "");
	ck_assert_uint_eq(fetches(), 0);
}
END_TEST

START_TEST(a_policy_is_fetched_once_for_its_id_and_day)
{
	CLEANUP(route_world_close) struct route_world *w = open_world("1");

	clock_freeze(1800000000);
	serve("version: STSv1\nmode: enforce\nmx: *.example.org\nmax_age: 604800\n", HTTP_FAILED);
	check_route(w, ENFORCED "; mx2 sts must names", "");
	check_route(w, ENFORCED, "");
	store_fixture_reopen(w->fixture);
	route_world_renew_router(w); /* kept over a restart */
	check_route(w, ENFORCED, "");
	ck_assert_uint_eq(fetches(), 1);
	clock_advance_ms(86401 * 1000L);
	check_route(w, ENFORCED, "");
	ck_assert_uint_eq(fetches(), 2);
	clock_thaw();
}
END_TEST

/* §5.1: who can silence the DNS or the server does not thereby switch the policy off. */
START_TEST(a_kept_policy_holds_whatever_happens_to_its_source)
{
	CLEANUP(route_world_close) struct route_world *w = open_world("1");

	clock_freeze(1800000000);
	serve(POLICY("enforce"), HTTP_FAILED);
	check_route(w, ENFORCED, "");
	set_id(w->dns, "2");
	serve(NULL, HTTP_NOT_TRUSTED);
	check_route(w, ENFORCED, "sts-webpki-invalid");
	fake_dns_remove(w->dns, "_mta-sts.example.org");
	check_route(w, ENFORCED, "");
	fake_dns_fail(w->dns, "_mta-sts.example.org", DNS_TXT, DNS_FAILED);
	check_route(w, ENFORCED, "");
	clock_advance_ms(601 * 1000); /* until its time is over */
	check_route(w, PLAIN, "");
	clock_thaw();
}
END_TEST

START_TEST(a_fetch_in_vain_is_told_and_not_repeated_at_once)
{
	static const struct {
		enum http_failure failure;
		const char *body, *name;
	} rows[] = {{HTTP_FAILED, NULL, "sts-policy-fetch-error"},
	    {HTTP_NOT_TRUSTED, NULL, "sts-webpki-invalid"},
	    {HTTP_WRONG_KIND, NULL, "sts-policy-invalid"},
	    {HTTP_FAILED, "no policy", "sts-policy-invalid"}};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		CLEANUP(route_world_close) struct route_world *w = open_world("1");
		clock_freeze(1800000000);
		serve(rows[i].body, rows[i].failure);
		check_route(w, PLAIN, rows[i].name);
		check_route(w, PLAIN, "");
		ck_assert_uint_eq(fetches(), 1);
		clock_advance_ms(301 * 1000);
		serve(POLICY("enforce"), HTTP_FAILED);
		check_route(w, ENFORCED, "");
		clock_thaw();
	}
}
END_TEST

START_TEST(a_policy_at_a_private_address_is_not_fetched)
{
	CLEANUP(route_world_close) struct route_world *w = open_world("1");

	fake_dns_remove(w->dns, "mta-sts.example.org");
	fake_dns_add(w->dns, "mta-sts.example.org", DNS_A, false, "127.0.0.1");
	serve(POLICY("enforce"), HTTP_FAILED);
	check_route(w, PLAIN, "sts-policy-fetch-error");
	ck_assert_uint_eq(fetches(), 0);
}
END_TEST

static void
count(void *arg, struct route *r)
{
	__atomic_add_fetch((size_t *)arg, 1, __ATOMIC_SEQ_CST);
	route_unref(&r);
}

static void
set_mute(bool mute)
{
	CLEANUP(mutex_unlock) pthread_mutex_t *held = mutex_lock(&server.mu);

	server.mute = mute;
	pthread_cond_broadcast(&server.changed);
}

START_TEST(mute_servers_of_policies_hold_up_nobody_else)
{
	CLEANUP(route_world_close) struct route_world *w = open_world(NULL);
	size_t told = 0;

	serve(POLICY("enforce"), HTTP_FAILED);
	set_mute(true);
	for (int i = 0; i < 2 * ROUTE_LOOKUPS_MAX; i++) {
		char domain[40], name[60];
		snprintf(domain, sizeof(domain), "d%d.example", i);
		fake_dns_add(w->dns, domain, DNS_MX, false, "10 mx1.example.org");
		snprintf(name, sizeof(name), "_mta-sts.%s", domain);
		fake_dns_add(w->dns, name, DNS_TXT, false, "v=STSv1; id=1;");
		snprintf(name, sizeof(name), "mta-sts.%s", domain);
		fake_dns_add(w->dns, name, DNS_A, false, "198.51.100.3");
		ck_assert_ok(route_find(w->router, str_of(domain), count, &told));
	}
	check_route(w, PLAIN, "");
	ck_assert_uint_eq(__atomic_load_n(&told, __ATOMIC_SEQ_CST), 0);
	set_mute(false);
	router_end(w->router); /* those that still wait are told as well */
	ck_assert_uint_eq(__atomic_load_n(&told, __ATOMIC_SEQ_CST), 2 * ROUTE_LOOKUPS_MAX);
}
END_TEST

/* RFC 8461 §2: neither stands in for a failure of the other, and DANE comes first. */
START_TEST(dane_comes_before_a_policy)
{
	CLEANUP(route_world_close) struct route_world *w = open_world("1");

	fake_dns_remove(w->dns, "example.org");
	fake_dns_remove(w->dns, "mx2.example.org");
	fake_dns_add(w->dns, "example.org", DNS_MX, true, "10 mx1.example.org");
	fake_dns_add(w->dns, "example.org", DNS_MX, true, "20 mx2.example.org");
	fake_dns_add(w->dns, "mx2.example.org", DNS_A, true, "198.51.100.2");
	fake_dns_sign(w->dns, "mx2.example.org");
	fake_dns_add(w->dns, "_25._tcp.mx2.example.org", DNS_TLSA, true,
	    "3 1 1 00000000000000000000000000000000000000000000000000000000000000ff");
	serve(POLICY("enforce"), HTTP_FAILED);
	check_route(w, ENFORCED "; mx2 dane must", "");
}
END_TEST

TEST_MAIN("sts", one_record_of_version_1_has_an_id, a_policy_is_read_or_refused,
    a_policy_has_so_many_hosts_and_octets, a_pattern_names_hosts, a_kept_policy_holds_for_its_time,
    a_policy_in_force_asks_for_tls_and_names, without_a_record_nothing_is_fetched,
    a_policy_is_fetched_once_for_its_id_and_day, a_kept_policy_holds_whatever_happens_to_its_source,
    a_fetch_in_vain_is_told_and_not_repeated_at_once, a_policy_at_a_private_address_is_not_fetched,
    mute_servers_of_policies_hold_up_nobody_else, dane_comes_before_a_policy)

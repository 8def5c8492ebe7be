/* Where mail for a domain goes by the transport rules of the configuration. */
#include "tests/outbound/route_world.h"
#include "tests/support/test.h"

#include <netinet/in.h>
#include <stdio.h>

static void
keep_route(void *arg, struct route *r)
{
	*(struct route **)arg = r;
}

static const struct {
	const char *domain, *route;
	bool must_tls, no_tls, names, implicit, user;
	unsigned port;
} by_rule[] = {
    {"example.org", "smtp own.example.net 10.0.0.1", .must_tls = true, .port = 2500},
    {"a.example.com", "smtp below.example.net 198.51.100.2", .no_tls = true, .port = 25},
    {"b.a.example.com", "smtp nearer.example.net 198.51.100.3", .port = 25},
    {"lists.example.org", "lmtp 127.0.0.1 127.0.0.1", .port = 24},
    {"elsewhere.example", "smtp smart.example.net 198.51.100.4", .must_tls = true, .names = true,
	.implicit = true, .user = true, .port = 465},
    {"[198.51.100.77]", "smtp smart.example.net 198.51.100.4", .must_tls = true, .names = true,
	.implicit = true, .user = true, .port = 465},
    {"example.test", "local", .port = 0},
};

START_TEST(rules_say_where_mail_goes)
{
	const char *password = test_mkdir();
	char lines[2000], path[300];

	snprintf(path, sizeof(path), "%s/password", password);
	FILE *file = fopen(path, "w");
	fputs("geheim\nsecond line", file);
	fclose(file);
	snprintf(lines, sizeof(lines),
	    "transport \"*\" { host = smart.example.net implicit_tls = yes tls = verified "
	    "user = ann password_file = \"%s\" }\n"
	    "transport \".example.com\" { host = below.example.net tls = none }\n"
	    "transport \".a.example.com\" { host = nearer.example.net }\n"
	    "transport \"Example.org\" { host = own.example.net tls = required port = 2500 }\n"
	    "transport \"lists.example.org\" { host = 127.0.0.1 protocol = lmtp }\n"
	    "transport \"example.test\" { host = never.example.net }\n",
	    path);
	CLEANUP(route_world_close) struct route_world *w = route_world_open(lines);
	fake_dns_add(w->dns, "own.example.net", DNS_A, false, "10.0.0.1");
	fake_dns_add(w->dns, "below.example.net", DNS_A, false, "198.51.100.2");
	fake_dns_add(w->dns, "nearer.example.net", DNS_A, false, "198.51.100.3");
	fake_dns_add(w->dns, "smart.example.net", DNS_A, false, "198.51.100.4");
	for (size_t i = 0; i < ARRAY_LEN(by_rule); i++) {
		CLEANUP(route_unref) struct route *r = route_world_find(w, by_rule[i].domain);
		ck_assert_str_eq(route_world_text(r), by_rule[i].route);
		if (r->kind == ROUTE_LOCAL)
			continue;
		const struct route_host *h = &r->hosts[0];
		const struct sockaddr_in *in = (const struct sockaddr_in *)h->addresses;
		ck_assert_uint_eq(ntohs(in->sin_port), by_rule[i].port);
		ck_assert_int_eq(h->must_tls, by_rule[i].must_tls);
		ck_assert_int_eq(h->no_tls, by_rule[i].no_tls);
		ck_assert_int_eq(h->tls.proof == TLS_PROOF_NAMES, by_rule[i].names);
		ck_assert_int_eq(r->implicit_tls, by_rule[i].implicit);
		ck_assert_str_is(r->user, by_rule[i].user ? "ann" : "");
		ck_assert_str_is(r->password, by_rule[i].user ? "geheim" : "");
	}
	ck_assert_uint_eq(fake_dns_count(w->dns, DNS_MX), 0);
	test_rmdir(password);
}
END_TEST

static void
write_password(const char *dir, const char *name, const char *password, char path[300])
{
	snprintf(path, 300, "%s/%s", dir, name);
	FILE *file = fopen(path, "w");
	ck_assert(file && fputs(password, file) >= 0 && fclose(file) == 0);
}

START_TEST(logins_are_told_apart_by_a_digest_that_holds_no_password)
{
	const char *dir = test_mkdir();
	char lines[2000], one[300], two[300];

	write_password(dir, "one", "geheim", one);
	write_password(dir, "two", "anders", two);
	snprintf(lines, sizeof(lines),
	    "transport \"a.example\" { host = 198.51.100.4 tls = required user = ann password_file "
	    "= \"%s\" }\n"
	    "transport \"b.example\" { host = 198.51.100.4 tls = required user = ann password_file "
	    "= \"%s\" }\n"
	    "transport \"c.example\" { host = 198.51.100.4 tls = required user = ann password_file "
	    "= \"%s\" }\n"
	    "transport \"d.example\" { host = 198.51.100.4 tls = required user = bob password_file "
	    "= \"%s\" }\n"
	    "transport \"e.example\" { host = 198.51.100.4 tls = required }\n",
	    one, one, two, one);
	CLEANUP(route_world_close) struct route_world *w = route_world_open(lines);
	CLEANUP(route_unref) struct route *a = route_world_find(w, "a.example");
	CLEANUP(route_unref) struct route *b = route_world_find(w, "b.example");
	CLEANUP(route_unref) struct route *c = route_world_find(w, "c.example");
	CLEANUP(route_unref) struct route *d = route_world_find(w, "d.example");
	CLEANUP(route_unref) struct route *e = route_world_find(w, "e.example");
	ck_assert_uint_eq(a->login.n, 32);
	ck_assert(str_eq(a->login, b->login));
	ck_assert(!str_eq(a->login, c->login));
	ck_assert(!str_eq(a->login, d->login));
	ck_assert_uint_eq(e->login.n, 0);
	test_rmdir(dir);
}
END_TEST

START_TEST(a_smart_host_without_address_or_password_means_later)
{
	CLEANUP(route_world_close)
	struct route_world *w = route_world_open(
	    "transport \"*\" { host = smart.example.net }\n"
	    "transport \"example.net\" { host = smart.example.net tls = verified user = ann "
	    "password_file = \"/nonexistent\" }\n");

	CLEANUP(route_unref) struct route *r = route_world_find(w, "example.org");
	ck_assert_str_eq(route_world_text(r),
	    "later 4.4.3 no address is known of the host that mail for example.org goes to, "
	    "smart.example.net");
	CLEANUP(route_unref) struct route *p = route_world_find(w, "example.net");
	ck_assert_str_eq(
	    route_world_text(p), "later 4.7.8 the password for the smart host can't be read");
}
END_TEST

START_TEST(a_reload_forgets_what_the_old_rules_said)
{
	CLEANUP(route_world_close)
	struct route_world *w = route_world_open("transport \"*\" { host = 198.51.100.4 }\n");
	CLEANUP(route_world_close) struct route_world *other = route_world_open("");
	struct route *late = NULL;

	CLEANUP(route_unref) struct route *r = route_world_find(w, "example.org");
	ck_assert_str_eq(route_world_text(r), "smtp 198.51.100.4 198.51.100.4");
	router_reload(w->router, other->conf);
	fake_dns_add(w->dns, "example.org", DNS_MX, false, "10 mx.example.org");
	fake_dns_add(w->dns, "mx.example.org", DNS_A, false, "198.51.100.1");
	CLEANUP(route_unref) struct route *fresh = route_world_find(w, "example.org");
	ck_assert_str_eq(route_world_text(fresh), "smtp mx.example.org 198.51.100.1");
	/* one that is under way still has its own */
	ck_assert_ok(route_find(w->router, STR("example.net"), keep_route, &late));
	router_reload(w->router, w->conf);
	fake_dns_run(w->dns);
	CLEANUP(route_unref) struct route *under_way = late;
	ck_assert_int_eq(under_way->kind, ROUTE_REFUSED);
	CLEANUP(route_unref) struct route *again = route_world_find(w, "example.net");
	ck_assert_int_eq(again->kind, ROUTE_SMTP);
}
END_TEST

TEST_MAIN("route_rule", logins_are_told_apart_by_a_digest_that_holds_no_password,
    rules_say_where_mail_goes, a_smart_host_without_address_or_password_means_later,
    a_reload_forgets_what_the_old_rules_said)

/* Where mail for a domain goes, by what the DNS says: RFC 5321 §5.1, RFC 7505. */
#include "smtpd/outbound/route_private.h"
#include "tests/outbound/route_world.h"

#include "common/base/clock.h"
#include "tests/support/test.h"

#include <netinet/in.h>

struct given {
	const char *name;
	enum dns_type type;
	const char *value; /* NULL: the question fails; "bogus" likewise */
};

static const struct row {
	const char *what;
	const char *domain;
	struct given given[10];
	const char *route; /* how its text begins */
} rows[] = {
    {"the best MX first", "example.org",
	{{"example.org", DNS_MX, "20 mx2.example.org"},
	    {"example.org", DNS_MX, "10 mx1.example.org"},
	    {"mx1.example.org", DNS_A, "198.51.100.1"}, {"mx2.example.org", DNS_A, "198.51.100.2"}},
	"smtp mx1.example.org 198.51.100.1; mx2.example.org 198.51.100.2"},
    {"IPv6 and IPv4", "example.org",
	{{"example.org", DNS_MX, "10 mx.example.org"}, {"mx.example.org", DNS_A, "198.51.100.1"},
	    {"mx.example.org", DNS_AAAA, "2001:db8::1"}},
	"smtp mx.example.org 198.51.100.1 2001:db8::1"},
    {"the case of the domain does not matter, nor a dot at its end", "EXAMPLE.org.",
	{{"example.org", DNS_MX, "10 mx.example.org"}, {"mx.example.org", DNS_A, "198.51.100.1"}},
	"smtp mx.example.org 198.51.100.1"},
    {"a domain in UTF-8 is asked for in its ASCII form", "b\u00fccher.example",
	{{"xn--bcher-kva.example", DNS_MX, "10 mx.example.org"},
	    {"mx.example.org", DNS_A, "198.51.100.1"}},
	"smtp mx.example.org 198.51.100.1"},
    {"no MX: the domain itself", "example.org", {{"example.org", DNS_A, "198.51.100.9"}},
	"smtp example.org 198.51.100.9"},
    {"no MX, but a CNAME to a name with MX: those", "www.example.org",
	{{"www.example.org", DNS_CNAME, "example.net"}, {"example.net", DNS_MX, "5 mx.example.net"},
	    {"mx.example.net", DNS_A, "198.51.100.3"}},
	"smtp mx.example.net 198.51.100.3"},
    {"an MX that is a CNAME is put up with", "example.org",
	{{"example.org", DNS_MX, "10 mx.example.org"},
	    {"mx.example.org", DNS_CNAME, "host.example.net"},
	    {"host.example.net", DNS_A, "198.51.100.4"}},
	"smtp mx.example.org 198.51.100.4"},
    {"null MX (RFC 7505 §3)", "example.org", {{"example.org", DNS_MX, "0 ."}},
	"556 5.1.10 no mail is taken for the domain example.org"},
    {"a null MX beside others says nothing", "example.org",
	{{"example.org", DNS_MX, "0 ."}, {"example.org", DNS_MX, "10 mx.example.org"},
	    {"mx.example.org", DNS_A, "198.51.100.1"}},
	"smtp mx.example.org 198.51.100.1"},
    {"no such domain", "example.org", {{NULL, DNS_A, NULL}},
	"550 5.1.2 there is no domain example.org"},
    {"neither MX nor address", "example.org", {{"example.org", DNS_TXT, "v=spf1 -all"}},
	"550 5.1.2 no mail is taken for the domain example.org"},
    {"SERVFAIL for the MX is not its absence", "example.org",
	{{"example.org", DNS_MX, NULL}, {"example.org", DNS_A, "198.51.100.1"}},
	"later 4.4.3 the DNS does not tell who takes mail for example.org"},
    {"nor is a wrong signature", "example.org",
	{{"example.org", DNS_MX, "bogus"}, {"example.org", DNS_A, "198.51.100.1"}},
	"later 4.4.3 the DNS does not tell who takes mail for example.org"},
    {"an MX without address is passed over", "example.org",
	{{"example.org", DNS_MX, "10 gone.example.org"},
	    {"example.org", DNS_MX, "20 mx.example.org"},
	    {"mx.example.org", DNS_A, "198.51.100.1"}},
	"smtp mx.example.org 198.51.100.1"},
    {"no MX has an address", "example.org", {{"example.org", DNS_MX, "10 gone.example.org"}},
	"550 5.4.4 mail can't be sent to the domain example.org"},
    {"an MX whose address is not told now is passed over", "example.org",
	{{"example.org", DNS_MX, "10 mute.example.org"}, {"mute.example.org", DNS_A, NULL},
	    {"example.org", DNS_MX, "20 mx.example.org"},
	    {"mx.example.org", DNS_A, "198.51.100.1"}},
	"smtp mx.example.org 198.51.100.1"},
    {"the only one: later", "example.org",
	{{"example.org", DNS_MX, "10 mute.example.org"}, {"mute.example.org", DNS_A, NULL}},
	"later 4.4.3 the DNS does not tell of a mail host of example.org: mute.example.org"},
    {"the only one that may be there: later", "example.org",
	{{"example.org", DNS_MX, "10 gone.example.org"},
	    {"example.org", DNS_MX, "20 mute.example.org"}, {"mute.example.org", DNS_AAAA, NULL}},
	"later 4.4.3"},
    {"one family is not told, the other is", "example.org",
	{{"example.org", DNS_MX, "10 mx.example.org"}, {"mx.example.org", DNS_A, "198.51.100.1"},
	    {"mx.example.org", DNS_AAAA, NULL}},
	"smtp mx.example.org 198.51.100.1"},
    {"we are a lesser MX: only the better ones (RFC 5321 §5.1)", "example.org",
	{{"example.org", DNS_MX, "10 mx.example.org"},
	    {"example.org", DNS_MX, "20 mail.example.test"},
	    {"example.org", DNS_MX, "20 equal.example.org"},
	    {"example.org", DNS_MX, "30 last.example.org"},
	    {"mx.example.org", DNS_A, "198.51.100.1"}, {"mail.example.test", DNS_A, "198.51.100.2"},
	    {"equal.example.org", DNS_A, "198.51.100.3"},
	    {"last.example.org", DNS_A, "198.51.100.4"}},
	"smtp mx.example.org 198.51.100.1"},
    {"we are the best MX: a loop", "example.org",
	{{"example.org", DNS_MX, "10 Mail.Example.Test"},
	    {"example.org", DNS_MX, "20 mx.example.org"},
	    {"mail.example.test", DNS_A, "198.51.100.2"},
	    {"mx.example.org", DNS_A, "198.51.100.1"}},
	"554 5.4.6 mail loops back to this host example.org"},
    {"an MX at a loopback address is nobody", "example.org",
	{{"example.org", DNS_MX, "10 other.example.org"},
	    {"other.example.org", DNS_A, "127.0.0.1"}},
	"550 5.4.4"},
    {"the domain itself is us", "mail.example.test", {{"mail.example.test", DNS_A, "198.51.100.2"}},
	"554 5.4.6"},
    {"an MX at a private address is nobody", "example.org",
	{{"example.org", DNS_MX, "10 in.example.org"}, {"in.example.org", DNS_A, "10.1.2.3"},
	    {"in.example.org", DNS_AAAA, "fd00::1"}},
	"550 5.4.4 mail can't be sent to the domain example.org: its mail hosts have loopback"},
    {"a private address beside a public one is left out", "example.org",
	{{"example.org", DNS_MX, "10 mx.example.org"}, {"mx.example.org", DNS_A, "192.168.1.1"},
	    {"mx.example.org", DNS_A, "198.51.100.1"}},
	"smtp mx.example.org 198.51.100.1"},
    {"the same host twice counts once", "example.org",
	{{"example.org", DNS_MX, "10 mx.example.org"}, {"example.org", DNS_MX, "20 MX.example.org"},
	    {"mx.example.org", DNS_A, "198.51.100.1"}},
	"smtp mx.example.org 198.51.100.1"},
    {"served here", "Example.Test", {{NULL, DNS_A, NULL}}, "local"},
    {"an address literal (RFC 5321 §4.1.3)", "[198.51.100.7]", {{NULL, DNS_A, NULL}},
	"smtp [198.51.100.7] 198.51.100.7"},
    {"an IPv6 literal", "[IPv6:2001:db8::7]", {{NULL, DNS_A, NULL}},
	"smtp [IPv6:2001:db8::7] 2001:db8::7"},
    {"a private literal", "[10.0.0.1]", {{NULL, DNS_A, NULL}}, "550 5.4.4"},
    {"a mapped private literal", "[IPv6:::ffff:127.0.0.1]", {{NULL, DNS_A, NULL}}, "550 5.4.4"},
    {"a broken literal", "[198.51.100]", {{NULL, DNS_A, NULL}}, "501 5.1.3"},
    {"no name", "exa mple.org", {{NULL, DNS_A, NULL}}, "501 5.1.2"},
    {"no name: an empty label", "example..org", {{NULL, DNS_A, NULL}}, "501 5.1.2"},
};

static void
give(struct dns *d, const struct given *g)
{
	for (; g->name; g++) {
		if (!g->value)
			fake_dns_fail(d, g->name, g->type, DNS_FAILED);
		else if (strcmp(g->value, "bogus") == 0)
			fake_dns_fail(d, g->name, g->type, DNS_BOGUS);
		else
			fake_dns_add(d, g->name, g->type, false, g->value);
	}
}

START_TEST(a_route_follows_what_the_dns_says)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		route_world_renew(w);
		give(w->dns, rows[i].given);
		CLEANUP(route_unref) struct route *r = route_world_find(w, rows[i].domain);
		const char *text = route_world_text(r);
		size_t n = strlen(rows[i].route);
		ck_assert_msg(strncmp(text, rows[i].route, n) == 0 &&
				  (r->kind != ROUTE_SMTP || text[n] == '\0'),
		    "%s: got \"%s\", expected \"%s\"", rows[i].what, text, rows[i].route);
	}
}
END_TEST

START_TEST(an_mx_at_an_address_of_this_machine_is_this_host)
{
	struct sockaddr_storage ours, other;
	const struct own_addresses own = {.a = &ours, .n = 1};
	struct dns_record record = {.data = STR("\xc6\x33\x64\x09")};
	const struct dns_answer a = {.status = DNS_FOUND, .records = &record, .count = 1};
	const struct route_settings mail = {.port = 25}, trial = {.port = 2525},
				    lab = {.port = 25, .allow_private = true};
	struct host_facts h = {0}, on_trial = {0}, in_lab = {0}, elsewhere = {0};

	route_address(STR("\xc6\x33\x64\x09"), 0, &ours);
	route_address(STR("\xc6\x33\x64\x0a"), 0, &other);
	host_take_addresses(&h, &a, false, &own, &mail);
	ck_assert(h.own_address);
	host_take_addresses(&on_trial, &a, false, &own, &trial);
	ck_assert(!on_trial.own_address);
	host_take_addresses(&in_lab, &a, false, &own, &lab);
	ck_assert(!in_lab.own_address);
	host_take_addresses(
	    &elsewhere, &a, false, &(struct own_addresses){.a = &other, .n = 1}, &mail);
	ck_assert(!elsewhere.own_address);

	struct own_addresses real;
	ck_assert_ok(own_addresses_read(&real));
	for (size_t i = 0; i < real.n; i++)
		ck_assert(own_addresses_have(&real, &real.a[i]));
	own_addresses_done(&real);
}
END_TEST

START_TEST(addresses_that_nobody_may_name)
{
	static const struct {
		const char *address;
		bool private;
	} cases[] = {{"0.0.0.0", true}, {"10.0.0.1", true}, {"11.0.0.1", false},
	    {"100.64.0.1", true}, {"100.63.255.255", false}, {"100.128.0.1", false},
	    {"127.255.255.255", true}, {"169.254.1.1", true}, {"172.16.0.1", true},
	    {"172.31.255.255", true}, {"172.32.0.1", false}, {"192.168.0.1", true},
	    {"198.18.0.1", true}, {"198.20.0.1", false}, {"224.0.0.1", true},
	    {"255.255.255.255", true}, {"1.1.1.1", false}, {"::", true}, {"::1", true},
	    {"::2", true}, {"fd00::1", true}, {"fe80::1", true}, {"ff02::1", true},
	    {"2001:4860::8888", false}, {"::ffff:10.0.0.1", true}, {"::ffff:1.1.1.1", false},
	    {"64:ff9b::10.0.0.1", true}, {"64:ff9b::1.1.1.1", false}, {"2002:a00:1::1", true},
	    {"2002:101:101::1", false}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sockaddr_storage a;
		ck_assert(route_parse_address(str_of(cases[i].address), 25, &a));
		ck_assert_msg(route_is_private(&a) == cases[i].private, "%s", cases[i].address);
	}
}
END_TEST

/* What the configuration allows for trying things out. */
START_TEST(private_addresses_are_used_where_they_are_allowed)
{
	CLEANUP(route_world_close)
	struct route_world *w =
	    route_world_open("outbound {\n allow_private = yes\n port = 2525\n}");

	fake_dns_add(w->dns, "example.org", DNS_MX, false, "10 mx.example.org");
	fake_dns_add(w->dns, "mx.example.org", DNS_A, false, "127.0.0.1");
	CLEANUP(route_unref) struct route *r = route_world_find(w, "example.org");
	ck_assert_str_eq(route_world_text(r), "smtp mx.example.org 127.0.0.1");
	const struct sockaddr_in *in = (const struct sockaddr_in *)r->hosts[0].addresses;
	ck_assert_uint_eq(ntohs(in->sin_port), 2525);
	CLEANUP(route_unref) struct route *literal = route_world_find(w, "[127.0.0.1]");
	ck_assert_str_eq(route_world_text(literal), "smtp [127.0.0.1] 127.0.0.1");
}
END_TEST

START_TEST(addresses_of_both_families_come_in_turns)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");

	fake_dns_add(w->dns, "example.org", DNS_MX, false, "10 mx.example.org");
	for (int i = 1; i < 4; i++) {
		char v4[32], v6[32];
		snprintf(v4, sizeof(v4), "198.51.100.%d", i);
		snprintf(v6, sizeof(v6), "2001:db8::%d", i);
		fake_dns_add(w->dns, "mx.example.org", DNS_A, false, v4);
		fake_dns_add(w->dns, "mx.example.org", DNS_AAAA, false, v6);
	}
	CLEANUP(route_unref) struct route *r = route_world_find(w, "example.org");
	ck_assert_uint_eq(r->hosts[0].address_count, 6);
	for (size_t i = 0; i < 6; i++)
		ck_assert_int_eq(r->hosts[0].addresses[i].ss_family, i % 2 ? AF_INET : AF_INET6);
}
END_TEST

START_TEST(domains_of_one_provider_share_a_destination)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");

	fake_dns_add(w->dns, "a.example", DNS_MX, false, "10 mx1.provider.example");
	fake_dns_add(w->dns, "a.example", DNS_MX, false, "10 mx2.provider.example");
	fake_dns_add(w->dns, "a.example", DNS_MX, false, "20 backup.a.example");
	fake_dns_add(w->dns, "b.example", DNS_MX, false, "5 mx2.provider.example");
	fake_dns_add(w->dns, "b.example", DNS_MX, false, "5 mx1.provider.example");
	fake_dns_add(w->dns, "mx1.provider.example", DNS_A, false, "198.51.100.1");
	fake_dns_add(w->dns, "mx2.provider.example", DNS_A, false, "198.51.100.2");
	fake_dns_add(w->dns, "backup.a.example", DNS_A, false, "198.51.100.3");
	CLEANUP(route_unref) struct route *a = route_world_find(w, "a.example");
	CLEANUP(route_unref) struct route *b = route_world_find(w, "b.example");
	ck_assert_str_is(a->destination, "mx1.provider.example mx2.provider.example");
	ck_assert_str_is(b->destination, "mx1.provider.example mx2.provider.example");
}
END_TEST

/* -- remembering ------------------------------------------------------------------------------ */

static void
add_simple(struct dns *d, const char *domain)
{
	char mx[300];

	snprintf(mx, sizeof(mx), "10 mx.%s", domain);
	fake_dns_add(d, domain, DNS_MX, false, mx);
	fake_dns_add(d, mx + 3, DNS_A, false, "198.51.100.1");
}

START_TEST(a_route_is_remembered_as_long_as_its_records_last)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");

	clock_freeze(1800000000);
	fake_dns_set_ttl(w->dns, 600);
	add_simple(w->dns, "example.org");
	CLEANUP(route_unref) struct route *first = route_world_find(w, "example.org");
	clock_advance_ms(599 * 1000);
	CLEANUP(route_unref) struct route *second = route_world_find(w, "example.org");
	ck_assert_ptr_eq(first, second);
	ck_assert_uint_eq(fake_dns_count(w->dns, DNS_MX), 1);
	clock_advance_ms(2000);
	CLEANUP(route_unref) struct route *third = route_world_find(w, "example.org");
	ck_assert_ptr_ne(first, third);
	ck_assert_uint_eq(fake_dns_count(w->dns, DNS_MX), 2);
	clock_thaw();
}
END_TEST

START_TEST(a_failure_is_remembered_for_half_a_minute_only)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");

	clock_freeze(1800000000);
	fake_dns_fail(w->dns, "example.org", DNS_MX, DNS_FAILED);
	CLEANUP(route_unref) struct route *first = route_world_find(w, "example.org");
	ck_assert_int_eq(first->kind, ROUTE_LATER);
	fake_dns_remove(w->dns, "example.org");
	add_simple(w->dns, "example.org");
	clock_advance_ms(31 * 1000);
	CLEANUP(route_unref) struct route *second = route_world_find(w, "example.org");
	ck_assert_int_eq(second->kind, ROUTE_SMTP);
	clock_thaw();
}
END_TEST

START_TEST(a_forgotten_route_is_asked_for_anew)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");

	add_simple(w->dns, "example.org");
	CLEANUP(route_unref) struct route *first = route_world_find(w, "example.org");
	route_forget(w->router, STR("Example.org"));
	CLEANUP(route_unref) struct route *second = route_world_find(w, "example.org");
	ck_assert_ptr_ne(first, second);
}
END_TEST

static void
count(void *arg, struct route *r)
{
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(r->kind, ROUTE_SMTP);
	++*(size_t *)arg;
	route_unref(&r);
}

START_TEST(many_who_wait_for_one_domain_ask_once)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");
	size_t told = 0;

	add_simple(w->dns, "example.org");
	for (int i = 0; i < 1000; i++)
		ck_assert_ok(route_find(w->router, STR("example.org"), count, &told));
	ck_assert_uint_eq(told, 0);
	fake_dns_run(w->dns);
	ck_assert_uint_eq(told, 1000);
	ck_assert_uint_eq(fake_dns_count(w->dns, DNS_MX), 1);
}
END_TEST

START_TEST(so_many_wait_and_no_more)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");
	size_t told = 0;

	add_simple(w->dns, "example.org");
	for (int i = 0; i < ROUTE_WAITERS_MAX; i++)
		ck_assert_ok(route_find(w->router, STR("example.org"), count, &told));
	ck_assert_int_eq(route_find(w->router, STR("example.org"), count, &told), ERR_BUSY);
	ck_assert_int_eq(route_find(w->router, STR("example.net"), count, &told), ERR_BUSY);
	fake_dns_run(w->dns);
	ck_assert_uint_eq(told, ROUTE_WAITERS_MAX);
	ck_assert_ok(route_find(w->router, STR("example.org"), count, &told));
	ck_assert_uint_eq(told, ROUTE_WAITERS_MAX + 1);
}
END_TEST

START_TEST(so_many_domains_are_asked_for_at_a_time)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");
	size_t told = 0;

	for (int i = 0; i < 3 * ROUTE_LOOKUPS_MAX; i++) {
		char domain[64];
		snprintf(domain, sizeof(domain), "d%d.example", i);
		add_simple(w->dns, domain);
		ck_assert_ok(route_find(w->router, str_of(domain), count, &told));
	}
	ck_assert_uint_eq(fake_dns_count(w->dns, DNS_MX), ROUTE_LOOKUPS_MAX);
	fake_dns_run(w->dns);
	ck_assert_uint_eq(told, 3 * ROUTE_LOOKUPS_MAX);
}
END_TEST

START_TEST(the_oldest_routes_make_room)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");
	char domain[64];

	for (int i = 0; i < ROUTES_MAX + 10; i++) {
		snprintf(domain, sizeof(domain), "d%d.example", i);
		CLEANUP(route_unref) struct route *r = route_world_find(w, domain);
		ck_assert_int_eq(r->kind, ROUTE_REFUSED);
	}
	size_t asked = fake_dns_count(w->dns, DNS_MX);
	CLEANUP(route_unref) struct route *young = route_world_find(w, domain);
	ck_assert_uint_eq(fake_dns_count(w->dns, DNS_MX), asked);
	CLEANUP(route_unref) struct route *old = route_world_find(w, "d0.example");
	ck_assert_uint_eq(fake_dns_count(w->dns, DNS_MX), asked + 1);
}
END_TEST

static void
count_later(void *arg, struct route *r)
{
	ck_assert_ptr_nonnull(r);
	ck_assert_int_eq(r->kind, ROUTE_LATER);
	++*(size_t *)arg;
	route_unref(&r);
}

START_TEST(who_waits_at_the_end_is_told_later)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");
	size_t told = 0;

	for (int i = 0; i < 2 * ROUTE_LOOKUPS_MAX; i++) {
		char domain[64];
		snprintf(domain, sizeof(domain), "d%d.example", i);
		ck_assert_ok(route_find(w->router, str_of(domain), count_later, &told));
	}
	dns_free(&w->dns);
	ck_assert_uint_eq(told, 2 * ROUTE_LOOKUPS_MAX);
}
END_TEST

START_TEST(questions_that_cannot_be_asked_mean_later)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");
	size_t told = 0;

	fake_dns_refuse(w->dns, ERR_BUSY);
	ck_assert_ok(route_find(w->router, STR("example.org"), count_later, &told));
	ck_assert_uint_eq(told, 1);
}
END_TEST

TEST_MAIN("route", a_route_follows_what_the_dns_says,
    an_mx_at_an_address_of_this_machine_is_this_host, addresses_that_nobody_may_name,
    private_addresses_are_used_where_they_are_allowed, addresses_of_both_families_come_in_turns,
    domains_of_one_provider_share_a_destination, a_route_is_remembered_as_long_as_its_records_last,
    a_failure_is_remembered_for_half_a_minute_only, a_forgotten_route_is_asked_for_anew,
    many_who_wait_for_one_domain_ask_once, so_many_wait_and_no_more,
    so_many_domains_are_asked_for_at_a_time, the_oldest_routes_make_room,
    who_waits_at_the_end_is_told_later, questions_that_cannot_be_asked_mean_later)

/* What TLS is owed to a host: DANE (RFC 7672). */
#include "common/base/clock.h"
#include "store/sts_cache.h"
#include "tests/outbound/route_world.h"
#include "tests/support/test.h"

#include <stdio.h>

struct given {
	const char *name;
	enum dns_type type;
	const char *value;
};

#define DIGEST "00000000000000000000000000000000000000000000000000000000000000ff"

static const struct dane_row {
	const char *what;
	struct given given[8];
	struct {
		const char *name;
		enum dns_type type;
		enum dns_status status;
	} failed;
	const char *outcome; /* "dane N base", "any must", "none", or a route's text */
} dane_rows[] = {
    {"usage 3", {{"_25._tcp.mx.example.org", DNS_TLSA, "3 1 1 " DIGEST}},
	.outcome = "dane 1 mx.example.org"},
    {"usage 2", {{"_25._tcp.mx.example.org", DNS_TLSA, "2 0 1 " DIGEST}},
	.outcome = "dane 1 mx.example.org"},
    {"usages 0 and 1 are not usable (§3.1.3), but TLS is owed (§2.2)",
	{{"_25._tcp.mx.example.org", DNS_TLSA, "0 0 1 " DIGEST},
	    {"_25._tcp.mx.example.org", DNS_TLSA, "1 0 1 " DIGEST}},
	.outcome = "any must"},
    {"beside a usable one they do not count",
	{{"_25._tcp.mx.example.org", DNS_TLSA, "1 0 1 " DIGEST},
	    {"_25._tcp.mx.example.org", DNS_TLSA, "3 1 2 " DIGEST DIGEST}},
	.outcome = "dane 1 mx.example.org"},
    {"a digest of another length is not usable",
	{{"_25._tcp.mx.example.org", DNS_TLSA, "3 1 1 00ff"}}, .outcome = "any must"},
    {"nor an unknown selector", {{"_25._tcp.mx.example.org", DNS_TLSA, "3 2 1 " DIGEST}},
	.outcome = "any must"},
    {"nor an unknown matching type", {{"_25._tcp.mx.example.org", DNS_TLSA, "3 1 3 " DIGEST}},
	.outcome = "any must"},
    {"a whole key is", {{"_25._tcp.mx.example.org", DNS_TLSA, "3 1 0 3059"}},
	.outcome = "dane 1 mx.example.org"},
    {"none at all", {{NULL, DNS_A, NULL}}, .outcome = "none"},
    {"a lookup that fails does not switch DANE off (§2.1.2)", {{NULL, DNS_A, NULL}},
	.failed = {"_25._tcp.mx.example.org", DNS_TLSA, DNS_FAILED}, .outcome = "later 4.7.5"},
    {"nor one that is bogus", {{NULL, DNS_A, NULL}},
	.failed = {"_25._tcp.mx.example.org", DNS_TLSA, DNS_BOGUS}, .outcome = "later 4.7.5"},
};

static const char *
dane_text(const struct route *r)
{
	static char text[400];

	if (r->kind != ROUTE_SMTP)
		return route_world_text(r);
	const struct route_host *h = &r->hosts[0];
	if (h->tls.proof == TLS_PROOF_DANE)
		snprintf(text, sizeof(text), "dane %zu %.*s%s", h->tls.tlsa_count,
		    STR_ARG(h->tls.server_name), h->must_tls ? "" : " and yet in the clear");
	else
		snprintf(text, sizeof(text), "%s", h->must_tls ? "any must" : "none");
	return text;
}

static void
check_dane(struct route_world *w, const char *what, const char *outcome)
{
	CLEANUP(route_unref) struct route *r = route_world_find(w, "example.org");
	const char *text = dane_text(r);

	ck_assert_msg(strncmp(text, outcome, strlen(outcome)) == 0,
	    "%s: got \"%s\", expected \"%s\"", what, text, outcome);
}

START_TEST(tlsa_records_say_what_tls_is_owed)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");

	for (size_t i = 0; i < ARRAY_LEN(dane_rows); i++) {
		const struct dane_row *row = &dane_rows[i];
		route_world_renew(w);
		fake_dns_sign(w->dns, "example.org");
		fake_dns_add(w->dns, "example.org", DNS_MX, true, "10 mx.example.org");
		fake_dns_add(w->dns, "mx.example.org", DNS_A, true, "198.51.100.1");
		for (const struct given *g = row->given; g->name; g++)
			fake_dns_add(w->dns, g->name, g->type, true, g->value);
		if (row->failed.name)
			fake_dns_fail(
			    w->dns, row->failed.name, row->failed.type, row->failed.status);
		check_dane(w, row->what, row->outcome);
	}
}
END_TEST

/* §2.2.1 to §2.2.3: what must be validated before TLSA is asked for, and under which name. */
static const struct alias_row {
	const char *what;
	bool mx_secure, a_secure;
	bool alias, alias_secure;
	const char *tlsa_at; /* NULL: nowhere */
	bool tlsa_secure;
	const char *outcome;
} alias_rows[] = {
    {"all is signed", true, true, false, false, "mx.example.org", true, "dane 1 mx.example.org"},
    {"the MX is not (§2.2.1)", false, true, false, false, "mx.example.org", true, "none"},
    {"the address is not (§2.2.2)", true, false, false, false, "mx.example.org", true, "none"},
    {"the TLSA is not", true, true, false, false, "mx.example.org", false, "none"},
    {"a signed alias: its target first (§2.2.3)", true, true, true, true, "host.example.net", true,
	"dane 1 host.example.net"},
    {"a signed alias: then itself", true, true, true, true, "mx.example.org", true,
	"dane 1 mx.example.org"},
    {"a signed alias to what is not signed: itself (§2.1.3)", true, false, true, true,
	"mx.example.org", true, "dane 1 mx.example.org"},
    {"a signed alias to what is not signed: not its target", true, false, true, true,
	"host.example.net", true, "none"},
    {"an alias that is not signed", true, true, true, false, "mx.example.org", true, "none"},
    {"a signed alias without any", true, true, true, true, NULL, true, "none"},
};

START_TEST(dane_holds_where_what_leads_there_is_validated)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");

	for (size_t i = 0; i < ARRAY_LEN(alias_rows); i++) {
		const struct alias_row *row = &alias_rows[i];
		char tlsa[100];
		route_world_renew(w);
		fake_dns_sign(w->dns, "org");
		if (row->a_secure)
			fake_dns_sign(w->dns, "net");
		fake_dns_add(w->dns, "example.org", DNS_MX, row->mx_secure, "10 mx.example.org");
		if (row->alias)
			fake_dns_add(w->dns, "mx.example.org", DNS_CNAME, row->alias_secure,
			    "host.example.net");
		fake_dns_add(w->dns, row->alias ? "host.example.net" : "mx.example.org", DNS_A,
		    row->a_secure, "198.51.100.1");
		if (row->tlsa_at) {
			snprintf(tlsa, sizeof(tlsa), "_25._tcp.%s", row->tlsa_at);
			fake_dns_add(w->dns, tlsa, DNS_TLSA, row->tlsa_secure, "3 1 1 " DIGEST);
		}
		check_dane(w, row->what, row->outcome);
		if (!row->mx_secure)
			ck_assert_uint_eq(fake_dns_count(w->dns, DNS_TLSA), 0);
	}
}
END_TEST

/* §3.2.3: the names that a certificate below a trust anchor may have. */
START_TEST(a_trust_anchor_of_dane_goes_with_the_names_on_the_way)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");

	fake_dns_sign(w->dns, "org");
	fake_dns_add(w->dns, "example.org", DNS_MX, true, "10 mx.example.org");
	fake_dns_add(w->dns, "mx.example.org", DNS_CNAME, true, "host.example.org");
	fake_dns_add(w->dns, "host.example.org", DNS_A, true, "198.51.100.1");
	fake_dns_add(w->dns, "_25._tcp.host.example.org", DNS_TLSA, true, "2 0 1 " DIGEST);
	CLEANUP(route_unref) struct route *r = route_world_find(w, "example.org");
	const struct tls_rules *t = &r->hosts[0].tls;
	ck_assert(r->secure_mx);
	ck_assert_str_is(t->server_name, "host.example.org");
	ck_assert_uint_eq(t->name_count, 3);
	ck_assert_str_is(t->names[0], "host.example.org");
	ck_assert_str_is(t->names[1], "mx.example.org");
	ck_assert_str_is(t->names[2], "example.org");
	ck_assert_uint_eq(t->tlsa[0].usage, 2);
	ck_assert_uint_eq(t->tlsa[0].data.n, 32);
}
END_TEST

/* -- TLS-Required: No (RFC 8689 §4.2.2) -------------------------------------------------------- */

START_TEST(mail_that_wants_no_policy_has_a_way_of_its_own)
{
	static const struct {
		const char *what;
		const char *tlsa; /* NULL: none */
		enum dns_status failed; /* of the question for it; FOUND: it does not */
		const char *strict, *relaxed; /* NULL: there is but one way */
	} rows[] = {
	    {"no policy", NULL, DNS_FOUND, "none", NULL},
	    {"DANE", "3 1 1 " DIGEST, DNS_FOUND, "dane 1 mx.example.org", "none"},
	    {"DANE that can't be told", NULL, DNS_BOGUS, "later 4.7.5", "none"},
	};
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		route_world_renew(w);
		fake_dns_sign(w->dns, "example.org");
		fake_dns_add(w->dns, "example.org", DNS_MX, true, "10 mx.example.org");
		fake_dns_add(w->dns, "mx.example.org", DNS_A, true, "198.51.100.1");
		if (rows[i].tlsa)
			fake_dns_add(
			    w->dns, "_25._tcp.mx.example.org", DNS_TLSA, true, rows[i].tlsa);
		if (rows[i].failed != DNS_FOUND)
			fake_dns_fail(w->dns, "_25._tcp.mx.example.org", DNS_TLSA, rows[i].failed);
		check_dane(w, rows[i].what, rows[i].strict);
		CLEANUP(route_unref) struct route *r = route_world_find(w, "example.org");
		ck_assert_msg(
		    !r->is_relaxed && !r->relaxed == !rows[i].relaxed, "%s", rows[i].what);
		if (!r->relaxed)
			continue;
		ck_assert_str_eq(dane_text(r->relaxed), rows[i].relaxed);
		ck_assert(r->relaxed->is_relaxed);
		ck_assert_str_eq(route_world_text(r->relaxed), "smtp mx.example.org 198.51.100.1");
	}
}
END_TEST

START_TEST(a_policy_that_names_no_host_bars_all_but_mail_that_wants_no_policy)
{
	CLEANUP(route_world_close) struct route_world *w = route_world_open("");
	const struct sts_cached kept = {.id = STR("1"),
	    .policy = STR("version: STSv1\nmode: enforce\nmx: mx2.example.org\nmax_age: 86400\n"),
	    .fetched_s = clock_real_s(),
	    .until_s = clock_real_s() + 86400};

	ck_assert_ok(sts_cache_put(w->fixture->store, STR("example.org"), &kept));
	fake_dns_add(w->dns, "example.org", DNS_MX, false, "10 mx1.example.org");
	fake_dns_add(w->dns, "mx1.example.org", DNS_A, false, "198.51.100.1");
	CLEANUP(route_unref) struct route *r = route_world_find(w, "example.org");
	ck_assert_int_eq(r->kind, ROUTE_LATER);
	ck_assert(r->tls_unproven);
	ck_assert_str_is(r->off_policy_host, "mx1.example.org");
	ck_assert_str_eq(route_world_text(r->relaxed), "smtp mx1.example.org 198.51.100.1");
	ck_assert_int_eq(r->relaxed->hosts[0].policy, POLICY_NONE);
	/* with a second host that it names mail goes there; the first is told of all the same */
	route_world_renew(w);
	ck_assert_ok(sts_cache_put(w->fixture->store, STR("example.org"), &kept));
	fake_dns_add(w->dns, "example.org", DNS_MX, false, "10 mx1.example.org");
	fake_dns_add(w->dns, "example.org", DNS_MX, false, "20 mx2.example.org");
	fake_dns_add(w->dns, "mx1.example.org", DNS_A, false, "198.51.100.1");
	fake_dns_add(w->dns, "mx2.example.org", DNS_A, false, "198.51.100.2");
	CLEANUP(route_unref) struct route *two = route_world_find(w, "example.org");
	ck_assert_str_eq(route_world_text(two), "smtp mx2.example.org 198.51.100.2");
	ck_assert_str_is(two->off_policy_host, "mx1.example.org");
	ck_assert(!two->tls_unproven);
	ck_assert_uint_eq(two->relaxed->host_count, 2);
}
END_TEST

TEST_MAIN("route_tls", mail_that_wants_no_policy_has_a_way_of_its_own,
    a_policy_that_names_no_host_bars_all_but_mail_that_wants_no_policy,
    tlsa_records_say_what_tls_is_owed, dane_holds_where_what_leads_there_is_validated,
    a_trust_anchor_of_dane_goes_with_the_names_on_the_way)

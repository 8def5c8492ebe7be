/* `pillarbox dkim`: the keys with which a domain's mail is signed. */
#include "common/trust/dkim.h"
#include "common/base/clock.h"
#include "common/base/json.h"
#include "ctl/ctl.h"
#include "ctl/dns_records.h"
#include "store/directory.h"
#include "store/signing_key.h"

#include <openssl/crypto.h>
#include <time.h>

#define LIST_MAX (1U << 28)
#define RETIRED_DAYS 7 /* a retired key stays published so long: mail may be under way */

static int
explain_domain(enum err e, const char *domain)
{
	if (e == ERR_LIMIT) {
		call_complain(
		    "%s has too many keys: `pillarbox dkim remove` takes old ones away", domain);
		return CTL_FAILED;
	}
	return call_fail_domain(e, domain);
}

/* A key of both algorithms; one selector each, by today's date: "r20260131", "e20260131b". */
static enum err
make_key(struct call *call, struct str domain, enum dkim_algorithm a, enum signing_state state)
{
	CLEANUP(sbuf_done) struct sbuf pem = SBUF_INIT(SIGNING_PEM_MAX);
	char selector[32], letter[2] = "";
	time_t now = (time_t)clock_real_s();
	struct tm tm;
	enum err e = dkim_key_make(a, &pem);

	(void)gmtime_r(&now, &tm); /* the clock reaches no year that it has no room for */
	for (char c = 'a'; !e && c <= 'z'; c++) {
		letter[0] = c == 'a' ? '\0' : c;
		snprintf(selector, sizeof(selector), "%c%04d%02d%02d%s", *dkim_algorithm_name(a),
		    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, letter);
		const struct signing_key k = {.domain = domain,
		    .selector = str_of(selector),
		    .algorithm = str_of(dkim_algorithm_name(a)),
		    .state = state};
		e = signing_key_add(call->store, &k, sbuf_view(&pem));
		if (e != ERR_EXISTS)
			break;
		e = c == 'z' ? ERR_LIMIT : ERR_OK;
	}
	if (pem.p)
		OPENSSL_cleanse(pem.p, pem.cap);
	return e;
}

static enum err
make_keys(struct call *call, struct str domain, enum signing_state state)
{
	enum err e = make_key(call, domain, DKIM_RSA_SHA256, state);

	return e ? e : make_key(call, domain, DKIM_ED25519_SHA256, state);
}

static enum err
list_keys(struct call *call, const char *domain, struct signing_key **ret, size_t *ret_n)
{
	*ret_n = 0;
	enum err e = domain[0] ? directory_is_local_domain(call->store, str_of(domain)) : ERR_OK;
	return e ? e : signing_key_list(call->store, str_of(domain), call->arena, ret, ret_n);
}

static size_t
count_in(const struct signing_key *keys, size_t n, enum signing_state state)
{
	size_t found = 0;

	for (size_t i = 0; i < n; i++)
		found += keys[i].state == state;
	return found;
}

/* The records of the domain's keys in this state, as lines of a zone. */
static int
print_records(struct call *call, const char *domain, enum signing_state state)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(LIST_MAX);
	struct signing_key *keys;
	size_t n;
	enum err e = list_keys(call, domain, &keys, &n);

	for (size_t i = 0; i < n && !e; i++) {
		if (keys[i].state != state)
			continue;
		struct dns_wanted w = {.priority = DNS_RECOMMENDED};
		e = dns_record_of_key(call, &keys[i], &w);
		if (!e)
			dns_print_zone(&w, 1, &out);
	}
	fputs(sbuf_cstr(&out), stdout);
	return call_fail(e ? e : sbuf_error(&out), domain);
}

int
verb_dkim_add(struct call *call)
{
	struct signing_key *keys;
	size_t n;
	int status = call_begin(call, NULL, 0, 1, 1);

	if (status != CALL_GO_ON)
		return status;
	const char *domain = call->args[0];
	enum err e = list_keys(call, domain, &keys, &n);
	if (!e && count_in(keys, n, SIGNING_ACTIVE)) {
		call_complain("%s is signed already; `pillarbox dkim rotate %s` brings new keys",
		    domain, domain);
		return CTL_NAME;
	}
	if (!e)
		e = make_keys(call, str_of(domain), SIGNING_ACTIVE);
	if (e)
		return explain_domain(e, domain);
	printf("; mail from %s is signed from now on; publish this in its zone:\n", domain);
	return print_records(call, domain, SIGNING_ACTIVE);
}

static void
put_date(struct sbuf *out, int64_t when_s)
{
	char text[32];
	time_t t = (time_t)when_s;
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%d", gmtime_r(&t, &tm));
	sbuf_puts(out, text);
}

int
verb_dkim_list(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(LIST_MAX);
	bool json = false;
	const struct call_option options[] = {{"json", NULL, "as a JSON array", .flag = &json}};
	struct signing_key *keys;
	size_t n;
	int status = call_begin(call, options, ARRAY_LEN(options), 0, 1);

	if (status != CALL_GO_ON)
		return status;
	const char *domain = call->arg_count ? call->args[0] : "";
	enum err e = list_keys(call, domain, &keys, &n);
	if (e)
		return explain_domain(e, domain);
	if (json)
		json_open(&out, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		const struct signing_key *k = &keys[i];
		if (json) {
			json_open(&out, NULL, '{');
			json_str(&out, "domain", k->domain);
			json_str(&out, "selector", k->selector);
			json_str(&out, "algorithm", k->algorithm);
			json_str(&out, "state", str_of(signing_state_name(k->state)));
			json_u64(&out, "created", (uint64_t)k->created_s);
			json_u64(&out, "since", (uint64_t)k->changed_s);
			json_close(&out, '}');
		} else {
			sbuf_printf(&out, "%.*s %.*s %.*s %s since ", STR_ARG(k->domain),
			    STR_ARG(k->selector), STR_ARG(k->algorithm),
			    signing_state_name(k->state));
			put_date(&out, k->changed_s);
			sbuf_putc(&out, '\n');
		}
	}
	if (json) {
		json_close(&out, ']');
		sbuf_putc(&out, '\n');
	}
	fputs(sbuf_cstr(&out), stdout);
	return call_fail(sbuf_error(&out), "the list");
}

/* -- rotation -------------------------------------------------------------------------------- */

/* The first step: new keys, which must be published before they sign. */
static int
begin_rotation(struct call *call, const char *domain)
{
	enum err e = make_keys(call, str_of(domain), SIGNING_WAITING);

	if (e)
		return explain_domain(e, domain);
	printf("; new keys for %s; the old ones go on signing. Publish this in its zone, and when\n"
	       "; it can be seen everywhere, call `pillarbox dkim rotate %s` once more:\n",
	    domain, domain);
	return print_records(call, domain, SIGNING_WAITING);
}

/* The second step. What waits must be in the DNS, or nobody could verify what it signs. */
static int
end_rotation(
    struct call *call, const char *domain, bool now, const struct signing_key *keys, size_t n)
{
	for (size_t i = 0; i < n && !now; i++) {
		if (keys[i].state != SIGNING_WAITING)
			continue;
		struct dns_wanted w = {.priority = DNS_RECOMMENDED};
		enum err e = dns_record_of_key(call, &keys[i], &w);
		if (!e)
			e = dns_look_up(call, &w, 1);
		if (e)
			return call_fail(e, domain);
		if (w.found == DNS_AS_WANTED)
			continue;
		call_complain("%.*s is not in the DNS yet (%.*s); nothing was changed. `pillarbox "
			      "dkim list` shows the keys, --now switches without looking",
		    STR_ARG(w.name), STR_ARG(w.found_text));
		return CTL_FAILED;
	}
	enum err e = signing_key_switch(call->store, str_of(domain));
	if (e)
		return explain_domain(e, domain);
	printf("mail from %s is signed with the new keys; leave the old ones in its zone for %d "
	       "days,\nthen take them away here and there:\n",
	    domain, RETIRED_DAYS);
	for (size_t i = 0; i < n; i++)
		if (keys[i].state != SIGNING_WAITING)
			printf(
			    "  pillarbox dkim remove %s %.*s\n", domain, STR_ARG(keys[i].selector));
	return CTL_OK;
}

int
verb_dkim_rotate(struct call *call)
{
	bool now = false;
	const struct call_option options[] = {
	    {"now", NULL, "switch to keys that wait without asking the DNS", .flag = &now}};
	struct signing_key *keys;
	size_t n;
	int status = call_begin(call, options, ARRAY_LEN(options), 1, 1);

	if (status != CALL_GO_ON)
		return status;
	const char *domain = call->args[0];
	enum err e = list_keys(call, domain, &keys, &n);
	if (e)
		return explain_domain(e, domain);
	if (count_in(keys, n, SIGNING_WAITING))
		return end_rotation(call, domain, now, keys, n);
	if (count_in(keys, n, SIGNING_ACTIVE) == 0) {
		call_complain(
		    "%s is not signed; `pillarbox dkim add %s` begins it", domain, domain);
		return CTL_NAME;
	}
	return begin_rotation(call, domain);
}

int
verb_dkim_remove(struct call *call)
{
	bool yes = false;
	const struct call_option options[] = {{"yes", NULL, "also a key that signs", .flag = &yes}};
	struct signing_key *keys;
	size_t n, at = 0;
	int status = call_begin(call, options, ARRAY_LEN(options), 2, 2);

	if (status != CALL_GO_ON)
		return status;
	const char *domain = call->args[0], *selector = call->args[1];
	enum err e = list_keys(call, domain, &keys, &n);
	if (e)
		return explain_domain(e, domain);
	while (at < n && !str_eq(keys[at].selector, str_of(selector)))
		at++;
	if (at == n) {
		call_complain("%s has no key %s; `pillarbox dkim list %s` shows them", domain,
		    selector, domain);
		return CTL_NAME;
	}
	if (keys[at].state == SIGNING_ACTIVE && !yes) {
		call_complain("%s signs mail: `pillarbox dkim rotate %s` puts another in its "
			      "place, --yes removes it all the same",
		    selector, domain);
		return CTL_FAILED;
	}
	return call_fail(
	    signing_key_remove(call->store, str_of(domain), str_of(selector)), selector);
}

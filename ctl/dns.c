/* `pillarbox dns`: what a domain's zone should have, and whether it has. */
#include "common/base/json.h"
#include "ctl/dns_records.h"
#include "ctl/words.h"

#define OUT_MAX (1U << 24)
#define REVERSE_MAX 32

static int
open_records(struct call *call, bool *ret_json, struct dns_wanted **ret, size_t *ret_n)
{
	const struct call_option options[] = {{"json", NULL, "as a JSON array", .flag = ret_json}};
	int status = call_begin(call, options, ARRAY_LEN(options), 1, 1);

	if (status != CALL_GO_ON)
		return status;
	const char *domain = call->args[0];
	enum err e = dns_records(call, str_of(domain), ret, ret_n);
	return e ? call_fail_domain(e, domain) : CALL_GO_ON;
}

static void
put_json(struct sbuf *out, const struct dns_wanted *w, bool looked)
{
	json_open(out, NULL, '{');
	json_str(out, "name", w->name);
	json_str(out, "type", str_of(dns_type_name(w->type)));
	json_str(out, "value", w->value);
	json_str(out, "priority", str_of(dns_priority_name(w->priority)));
	json_str(out, "why", w->why);
	if (looked) {
		json_str(out, "state", str_of(dns_found_name(w->found)));
		json_str(out, "found", w->found_text);
	}
	json_close(out, '}');
}

static void
put_json_list(struct sbuf *out, const struct dns_wanted *w, size_t n, bool looked)
{
	json_open(out, NULL, '[');
	for (size_t i = 0; i < n; i++)
		put_json(out, &w[i], looked);
	json_close(out, ']');
	sbuf_putc(out, '\n');
}

static void
put_policy(struct call *call, struct sbuf *out)
{
	struct str rest = dns_sts_policy(call), line;

	sbuf_printf(
	    out, "; https://mta-sts.%s/.well-known/mta-sts.txt must then say:\n", call->args[0]);
	while (str_split(&rest, '\n', &line))
		if (line.n)
			sbuf_printf(out, ";   %.*s\n", STR_ARG(str_trim(line)));
}

int
verb_dns_show(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(OUT_MAX);
	bool json = false;
	struct dns_wanted *w;
	size_t n;
	int status = open_records(call, &json, &w, &n);

	if (status != CALL_GO_ON)
		return status;
	if (json) {
		put_json_list(&out, w, n, false);
	} else {
		dns_print_zone(w, n, &out);
		put_policy(call, &out);
		sbuf_printf(&out,
		    "; The address of this host must lead back to its name (PTR): %s\n"
		    "; its provider sets that.\n",
		    call->conf->hostname);
	}
	fputs(sbuf_cstr(&out), stdout);
	return call_fail(sbuf_error(&out), "the list");
}

/* -- check ----------------------------------------------------------------------------------- */

/* Whether the addresses that were found lead back to the host's name: many servers take no mail
 * from others (RFC 1912 §2.1). */
static enum err
look_back(struct call *call, struct dns_wanted *w, size_t n, struct dns_wanted *back, size_t *ret_n)
{
	struct str host = arena_printf(call->arena, "%s.", call->conf->hostname);

	*ret_n = 0;
	for (size_t i = 0; i < n; i++) {
		struct str rest = w[i].found_text, address;
		if ((w[i].type != DNS_A && w[i].type != DNS_AAAA) ||
		    (w[i].found != DNS_AS_WANTED && w[i].found != DNS_OTHER))
			continue;
		while (*ret_n < REVERSE_MAX && str_split(&rest, ',', &address)) {
			struct str data = {NULL, 0};
			if (!dns_address_data(call->arena, str_trim(address), &data))
				continue;
			back[(*ret_n)++] = (struct dns_wanted){
			    .priority = DNS_RECOMMENDED,
			    .type = DNS_PTR,
			    .name = dns_reverse_name(call->arena, data),
			    .value = host,
			    .why = STR("the address leads back to the host's name"),
			};
		}
	}
	return arena_failed(call->arena) ? ERR_NOMEM : dns_look_up(call, back, *ret_n);
}

static void
put_found(struct sbuf *out, const struct dns_wanted *w, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bool good = w[i].found == DNS_AS_WANTED;
		sbuf_printf(out, "%s %-4s %.*s: ",
		    good                            ? "ok     "
		    : w[i].found == DNS_NOT_KNOWN   ? "unknown"
		    : w[i].priority == DNS_OPTIONAL ? "could  "
		    : w[i].found == DNS_MISSING     ? "MISSING"
						    : "WRONG  ",
		    dns_type_name(w[i].type), STR_ARG(w[i].name));
		words_put_safe(out, w[i].found_text);
		sbuf_putc(out, '\n');
		if (!good) {
			sbuf_printf(out, "        %.*s\n", STR_ARG(w[i].why));
			if (w[i].value.n)
				sbuf_printf(out, "        publish: %.*s\n", STR_ARG(w[i].value));
		}
	}
}

static size_t
count_wrong(const struct dns_wanted *w, size_t n)
{
	size_t wrong = 0;

	for (size_t i = 0; i < n; i++)
		wrong += w[i].found != DNS_AS_WANTED && w[i].priority != DNS_OPTIONAL;
	return wrong;
}

int
verb_dns_check(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(OUT_MAX);
	bool json = false;
	struct dns_wanted *w;
	size_t n, back_n = 0;
	int status = open_records(call, &json, &w, &n);

	if (status != CALL_GO_ON)
		return status;
	struct dns_wanted *all = arena_alloc_array(call->arena, n + REVERSE_MAX, sizeof(*all));
	if (!all)
		return call_fail(ERR_NOMEM, call->args[0]);
	memcpy(all, w, n * sizeof(*w));
	enum err e = dns_look_up(call, all, n);
	if (!e)
		e = look_back(call, all, n, all + n, &back_n);
	if (e)
		return call_fail(e, "the DNS");
	n += back_n;
	size_t wrong = count_wrong(all, n);
	if (json) {
		put_json_list(&out, all, n, true);
	} else {
		put_found(&out, all, n);
		if (wrong)
			sbuf_printf(&out,
			    "%zu to put right; `pillarbox dns show %s` prints all of it as a "
			    "zone\n",
			    wrong, call->args[0]);
		else
			sbuf_printf(&out, "%s has what it needs\n", call->args[0]);
	}
	fputs(sbuf_cstr(&out), stdout);
	return sbuf_error(&out) ? call_fail(sbuf_error(&out), "the list")
	       : wrong          ? CTL_FAILED
				: CTL_OK;
}

#include "common/base/json.h"
#include "ctl/ctl.h"
#include "store/directory.h"

int
verb_domain_add(struct call *call)
{
	int status = call_begin(call, NULL, 0, 1, 1);

	if (status != CALL_GO_ON)
		return status;
	const char *domain = call->args[0];
	enum err e = directory_add_domain(call->store, str_of(domain));
	if (!e)
		printf("%s is served now; `pillarbox account add NAME@%s` gives it an account\n",
		    domain, domain);
	return call_fail_domain(e, domain);
}

int
verb_domain_list(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1U << 28);
	bool json = false;
	struct str *domains;
	size_t n;
	int status = call_open_list(call, &json);

	if (status != CALL_GO_ON)
		return status;
	enum err e = directory_list_domains(call->store, call->arena, &domains, &n);
	if (e)
		return call_fail(e, "domains");
	if (json) {
		json_open(&out, NULL, '[');
		for (size_t i = 0; i < n; i++)
			json_str(&out, NULL, domains[i]);
		json_close(&out, ']');
		sbuf_putc(&out, '\n');
	} else {
		for (size_t i = 0; i < n; i++)
			sbuf_printf(&out, "%.*s\n", STR_ARG(domains[i]));
	}
	fputs(sbuf_cstr(&out), stdout);
	return call_fail(sbuf_error(&out), "the list");
}

int
verb_domain_remove(struct call *call)
{
	int status = call_begin(call, NULL, 0, 1, 1);

	if (status != CALL_GO_ON)
		return status;
	const char *domain = call->args[0];
	enum err e = directory_remove_domain(call->store, str_of(domain));
	if (e == ERR_CANNOT) {
		call_complain("%s has accounts or aliases: remove them first "
			      "(`pillarbox account list`, `pillarbox alias list`)",
		    domain);
		return CTL_FAILED;
	}
	return call_fail(e, domain);
}

/* `pillarbox account forward`: where the mail of an account goes on. */
#include "common/base/json.h"
#include "ctl/ctl.h"
#include "store/directory.h"

#define OUT_MAX 65536

static int
explain(enum err e, const char *address)
{
	switch (e) {
	case ERR_NOT_FOUND:
		call_complain("there is no account %s, or a target at a domain of this server that "
			      "does not exist; `pillarbox account list` shows which there are",
		    address);
		return CTL_NAME;
	case ERR_SYNTAX:
		call_complain("\"%s\" or a target is no address; expected name@domain", address);
		return CTL_USAGE;
	case ERR_LOOP:
		call_complain(
		    "%s cannot be forwarded to itself; --keep leaves its mail there too", address);
		return CTL_USAGE;
	case ERR_LIMIT:
		call_complain("an account has at most %d targets", FORWARD_MAX_TARGETS);
		return CTL_FAILED;
	default:
		return call_fail(e, address);
	}
}

static int
show(struct call *call, bool json)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(OUT_MAX);
	struct forward_entry f;
	enum err e = directory_get_forward(call->store, str_of(call->args[0]), call->arena, &f);

	if (e)
		return explain(e, call->args[0]);
	if (json) {
		json_open(&out, NULL, '{');
		json_str(&out, "address", str_of(call->args[0]));
		json_bool(&out, "keeps", f.keeps);
		json_open(&out, "targets", '[');
		for (size_t i = 0; i < f.target_count; i++)
			json_str(&out, NULL, f.targets[i]);
		json_close(&out, ']');
		json_close(&out, '}');
	} else if (f.target_count == 0) {
		sbuf_printf(&out, "%s is not forwarded", call->args[0]);
	} else {
		sbuf_printf(&out, "%s%s:", call->args[0], f.keeps ? " keeps its mail, and" : "");
		for (size_t i = 0; i < f.target_count; i++)
			sbuf_printf(&out, " %.*s", STR_ARG(f.targets[i]));
	}
	sbuf_putc(&out, '\n');
	fputs(sbuf_cstr(&out), stdout);
	return call_fail(sbuf_error(&out), "the list");
}

int
verb_account_forward(struct call *call)
{
	bool keep = false, none = false, json = false;
	const struct call_option options[] = {
	    {"keep", NULL, "the mail also stays in the account", .flag = &keep},
	    {"none", NULL, "it is forwarded no longer", .flag = &none},
	    {"json", NULL, "shown as a JSON object", .flag = &json},
	};
	struct str targets[FORWARD_MAX_TARGETS + 1];
	int status = call_parse(call, options, ARRAY_LEN(options), 1, 1 + FORWARD_MAX_TARGETS);

	if (status != CALL_GO_ON)
		return status;
	size_t n = call->arg_count - 1;
	if (none && (n || keep))
		return call_misuse(call, "--none goes with an address only");
	if (keep && n == 0)
		return call_misuse(call, "--keep needs a target");
	status = call_open_store(call);
	if (status != CALL_GO_ON)
		return status;
	if (n == 0 && !none)
		return show(call, json);
	for (size_t i = 0; i < n; i++)
		targets[i] = str_of(call->args[i + 1]);
	enum err e = directory_set_forward(call->store, str_of(call->args[0]), targets, n, keep);
	return e ? explain(e, call->args[0]) : CTL_OK;
}

#include "common/base/json.h"
#include "ctl/ctl.h"
#include "store/directory.h"

/* The alias in the directory; ERR_NOT_FOUND. */
static enum err
find_alias(struct call *call, struct str address, struct alias_entry *ret)
{
	struct alias_entry *all;
	size_t n;
	enum err e = directory_list_aliases(call->store, call->arena, &all, &n);

	if (e)
		return e;
	for (size_t i = 0; i < n; i++) {
		if (str_eq_nocase(all[i].address, address)) {
			*ret = all[i];
			return ERR_OK;
		}
	}
	return ERR_NOT_FOUND;
}

static bool
has_target(const struct str *targets, size_t n, struct str target)
{
	for (size_t i = 0; i < n; i++)
		if (str_eq_nocase(targets[i], target))
			return true;
	return false;
}

/* A target that is neither account nor alias here would bounce every mail, so it is named. */
static int
explain_add_failure(struct call *call, enum err e)
{
	const char *address = call->args[0];

	switch (e) {
	case ERR_OK:
		return CTL_OK;
	case ERR_SYNTAX:
		call_complain("\"%s\" or a target is no address; expected name@domain", address);
		return CTL_USAGE;
	case ERR_CANNOT:
		call_complain(
		    "the domain of %s is not served here: `pillarbox domain add` first", address);
		return CTL_NAME;
	case ERR_EXISTS:
		call_complain("%s is an account; an alias needs a name of its own", address);
		return CTL_NAME;
	case ERR_NOT_FOUND:
		call_complain("a target of %s is no account or alias here: `pillarbox account "
			      "list` shows which there are",
		    address);
		return CTL_NAME;
	default:
		return call_fail(e, address);
	}
}

int
verb_alias_add(struct call *call)
{
	struct alias_entry alias = {.target_count = 0};
	int status = call_begin(call, NULL, 0, 2, 1 + ALIAS_MAX_TARGETS);

	if (status != CALL_GO_ON)
		return status;
	struct str address = str_of(call->args[0]);
	enum err e = find_alias(call, address, &alias);
	if (e && e != ERR_NOT_FOUND)
		return call_fail(e, "aliases");
	struct str *targets =
	    arena_alloc_array(call->arena, alias.target_count + call->arg_count, sizeof(*targets));
	if (!targets)
		return call_fail(ERR_NOMEM, call->args[0]);
	size_t n = 0;
	for (; n < alias.target_count; n++)
		targets[n] = alias.targets[n];
	for (size_t i = 1; i < call->arg_count; i++) {
		struct str target = str_of(call->args[i]);
		if (!has_target(targets, n, target))
			targets[n++] = target;
	}
	if (n > ALIAS_MAX_TARGETS) {
		call_complain(
		    "%s would have more than %d targets", call->args[0], ALIAS_MAX_TARGETS);
		return CTL_FAILED;
	}
	return explain_add_failure(call, directory_set_alias(call->store, address, targets, n));
}

int
verb_alias_list(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1U << 28);
	bool json = false;
	struct alias_entry *all;
	size_t n;
	int status = call_open_list(call, &json);

	if (status != CALL_GO_ON)
		return status;
	enum err e = directory_list_aliases(call->store, call->arena, &all, &n);
	if (e)
		return call_fail(e, "aliases");
	if (json)
		json_open(&out, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		if (json) {
			json_open(&out, NULL, '{');
			json_str(&out, "address", all[i].address);
			json_open(&out, "targets", '[');
		} else {
			sbuf_printf(&out, "%.*s:", STR_ARG(all[i].address));
		}
		for (size_t j = 0; j < all[i].target_count; j++) {
			if (json)
				json_str(&out, NULL, all[i].targets[j]);
			else
				sbuf_printf(&out, " %.*s", STR_ARG(all[i].targets[j]));
		}
		if (json) {
			json_close(&out, ']');
			json_close(&out, '}');
		} else {
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

/* What is left of the alias without the targets named in the call; those must be its targets. */
static int
remove_targets(struct call *call, const struct alias_entry *alias)
{
	struct str *left = arena_alloc_array(call->arena, alias->target_count + 1, sizeof(*left));
	size_t n = 0;

	if (!left)
		return call_fail(ERR_NOMEM, call->args[0]);
	for (size_t i = 1; i < call->arg_count; i++) {
		if (!has_target(alias->targets, alias->target_count, str_of(call->args[i]))) {
			call_complain("%s is no target of %s", call->args[i], call->args[0]);
			return CTL_NAME;
		}
	}
	for (size_t i = 0; i < alias->target_count; i++) {
		bool named = false;
		for (size_t j = 1; j < call->arg_count && !named; j++)
			named = str_eq_nocase(alias->targets[i], str_of(call->args[j]));
		if (!named)
			left[n++] = alias->targets[i];
	}
	enum err e = n > 0 ? directory_set_alias(call->store, alias->address, left, n)
			   : directory_remove_alias(call->store, alias->address);
	return call_fail(e, call->args[0]);
}

int
verb_alias_remove(struct call *call)
{
	struct alias_entry alias;
	int status = call_begin(call, NULL, 0, 1, 1 + ALIAS_MAX_TARGETS);

	if (status != CALL_GO_ON)
		return status;
	enum err e = find_alias(call, str_of(call->args[0]), &alias);
	if (e == ERR_NOT_FOUND) {
		call_complain(
		    "there is no alias %s; `pillarbox alias list` shows them all", call->args[0]);
		return CTL_NAME;
	}
	if (e)
		return call_fail(e, "aliases");
	if (call->arg_count > 1)
		return remove_targets(call, &alias);
	return call_fail(directory_remove_alias(call->store, alias.address), call->args[0]);
}

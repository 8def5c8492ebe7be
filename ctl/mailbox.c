/* Mailboxes that are shared: what others may do with them (RFC 4314). */
#include "store/mailbox.h"
#include "common/base/json.h"
#include "ctl/ctl.h"
#include "ctl/words.h"
#include "store/acl.h"
#include "store/directory.h"
#include "store/share.h"

#define OUTPUT_MAX (1U << 28)

/* The account of call->args[0], opened; CALL_GO_ON or an exit status. */
static int
open_account(struct call *call, struct account **ret, struct account_entry *ret_entry)
{
	const char *address = call->args[0];
	enum err e = directory_find_account(call->store, str_of(address), call->arena, ret_entry);

	if (e == ERR_NOT_FOUND || e == ERR_SYNTAX) {
		call_complain(
		    "there is no account %s; `pillarbox account list` shows them all", address);
		return CTL_NAME;
	}
	if (!e)
		e = account_open(call->store, ret_entry->id, ret);
	return e ? call_fail(e, address) : CALL_GO_ON;
}

static int
find_mailbox(struct call *call, struct account *a, struct mailbox_info *ret)
{
	enum err e = mailbox_find(a, str_of(call->args[1]), call->arena, ret);

	if (!e && ret->id && !ret->noselect)
		return CALL_GO_ON;
	if (e && e != ERR_NOT_FOUND)
		return call_fail(e, call->args[1]);
	call_complain("%s has no mailbox %s", call->args[0], call->args[1]);
	return CTL_NAME;
}

static void
print_entry(struct sbuf *out, bool json, struct str identifier, unsigned rights)
{
	char letters[ACL_LETTERS_MAX];
	struct str text = acl_print_rights(rights, letters);

	if (json) {
		json_open(out, NULL, '{');
		json_str(out, "identifier", identifier);
		json_str(out, "rights", text);
		json_close(out, '}');
	} else {
		sbuf_printf(out, "%.*s %.*s\n", STR_ARG(identifier), STR_ARG(text));
	}
}

static int
show_rights(struct call *call, struct account *a, const struct account_entry *owner,
    const struct mailbox_info *info, bool json)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(OUTPUT_MAX);
	struct acl_entry *list;
	size_t n;
	enum err e = acl_list(a, info->id, call->arena, &list, &n);

	if (e)
		return call_fail(e, call->args[1]);
	if (json)
		json_open(&out, NULL, '[');
	print_entry(&out, json, owner->address, RIGHTS_ALL);
	for (size_t i = 0; i < n; i++)
		print_entry(&out, json, list[i].identifier, list[i].rights);
	if (json) {
		json_close(&out, ']');
		sbuf_putc(&out, '\n');
	}
	fputs(sbuf_cstr(&out), stdout);
	return call_fail(sbuf_error(&out), "the list");
}

/* "lrs", "+w", "-s", "none". */
static enum err
parse_change(struct str text, enum acl_op *ret_op, unsigned *ret_rights)
{
	*ret_op = ACL_SET;
	*ret_rights = 0;
	if (str_eq(text, STR("none")))
		return ERR_OK;
	if (text.n > 0 && (text.p[0] == '+' || text.p[0] == '-')) {
		*ret_op = text.p[0] == '+' ? ACL_ADD : ACL_REMOVE;
		text = str_skip(text, 1);
	}
	return acl_parse_rights(text, ret_rights);
}

static int
set_rights(struct call *call, struct account *a, const struct mailbox_info *info)
{
	const char *identifier = call->args[2];
	enum acl_op op;
	unsigned rights;
	struct acl_who who;
	struct str canonical;

	if (parse_change(str_of(call->args[3]), &op, &rights)) {
		call_complain("\"%s\" are no rights; expected letters out of lrswipkxtea, or none",
		    call->args[3]);
		return CTL_USAGE;
	}
	enum err e = acl_identify(call->store, str_of(identifier), call->arena, &who, &canonical);
	if (e == ERR_NO_USER || e == ERR_SYNTAX) {
		call_complain(
		    "%s is nobody here: an account's address, anyone or authenticated", identifier);
		return CTL_NAME;
	}
	if (!e)
		e = acl_change(a, info->id, who, canonical, op, rights);
	if (e == ERR_CANNOT) {
		call_complain("the owner of a mailbox always has all rights");
		return CTL_NAME;
	}
	return call_fail(e, call->args[1]);
}

int
verb_mailbox_rights(struct call *call)
{
	CLEANUP(account_unref) struct account *a = NULL;
	bool json = false;
	const struct call_option options[] = {
	    {"json", NULL, "print JSON", &json, NULL, NULL},
	};
	struct account_entry owner;
	struct mailbox_info info;
	int status = call_parse(call, options, ARRAY_LEN(options), 2, 4);

	if (status == CALL_GO_ON && call->arg_count == 3)
		return call_misuse(call, "RIGHTS for %s are missing", call->args[2]);
	if (status == CALL_GO_ON)
		status = call_open_store(call);
	if (status == CALL_GO_ON)
		status = open_account(call, &a, &owner);
	if (status == CALL_GO_ON)
		status = find_mailbox(call, a, &info);
	if (status != CALL_GO_ON)
		return status;
	return call->arg_count == 4 ? set_rights(call, a, &info)
				    : show_rights(call, a, &owner, &info, json);
}

/* -- what is shared with an account */

static void
print_shared(struct sbuf *out, bool json, struct str owner, struct str name, unsigned rights)
{
	char letters[ACL_LETTERS_MAX];
	struct str text = acl_print_rights(rights, letters);

	if (json) {
		json_open(out, NULL, '{');
		json_str(out, "owner", owner);
		json_str(out, "mailbox", name);
		json_str(out, "rights", text);
		json_close(out, '}');
	} else {
		sbuf_printf(out, "%.*s %.*s ", STR_ARG(owner), STR_ARG(text));
		words_put_safe(out, name);
		sbuf_putc(out, '\n');
	}
}

static enum err
print_owner(
    struct call *call, const struct share_owner *owner, int64_t viewer, struct sbuf *out, bool json)
{
	CLEANUP(account_unref) struct account *a = NULL;
	struct acl_of_mailbox *list;
	size_t n = 0;
	enum err e = account_open(call->store, owner->account, &a);

	if (!e)
		e = acl_rights_everywhere(a, viewer, call->arena, &list, &n);
	for (size_t i = 0; !e && i < n; i++) {
		struct mailbox_info info;
		if (!list[i].rights)
			continue;
		e = mailbox_get(a, list[i].mailbox, call->arena, &info);
		if (!e)
			print_shared(out, json, owner->address, info.name, list[i].rights);
	}
	return e;
}

int
verb_mailbox_shared(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(OUTPUT_MAX);
	CLEANUP(account_unref) struct account *a = NULL;
	bool json = false;
	const struct call_option options[] = {
	    {"json", NULL, "print JSON", &json, NULL, NULL},
	};
	struct account_entry viewer;
	struct share_owner *owners;
	size_t n = 0;
	int status = call_begin(call, options, ARRAY_LEN(options), 1, 1);

	if (status == CALL_GO_ON)
		status = open_account(call, &a, &viewer);
	if (status != CALL_GO_ON)
		return status;
	enum err e = share_owners(call->store, viewer.id, call->arena, &owners, &n);
	if (json)
		json_open(&out, NULL, '[');
	for (size_t i = 0; !e && i < n; i++)
		e = print_owner(call, &owners[i], viewer.id, &out, json);
	if (e)
		return call_fail(e, call->args[0]);
	if (json) {
		json_close(&out, ']');
		sbuf_putc(&out, '\n');
	}
	fputs(sbuf_cstr(&out), stdout);
	return call_fail(sbuf_error(&out), "the list");
}

#include "ctl/ctl.h"
#include "store/directory.h"

#include "common/base/conf_options.h"
#include "common/base/json.h"
#include "store/account.h"

#include <openssl/crypto.h>
#include <time.h>

static int
explain(enum err e, const char *address)
{
	switch (e) {
	case ERR_OK:
		return CTL_OK;
	case ERR_NOT_FOUND:
		call_complain(
		    "there is no account %s; `pillarbox account list` shows them all", address);
		return CTL_NAME;
	case ERR_SYNTAX:
		call_complain("\"%s\" is no address for an account; expected name@domain, without "
			      "the recipient delimiter in the name",
		    address);
		return CTL_USAGE;
	default:
		return call_fail(e, address);
	}
}

/* The password from standard input or a new one, as a credential. */
static int
take_password(struct call *call, bool from_stdin, struct str *ret_generated, struct credential *ret)
{
	char line[PASSWORD_MAX + 3];
	struct str password = {NULL, 0};

	*ret_generated = (struct str){NULL, 0};
	if (!from_stdin)
		*ret_generated = password = password_generate(call->arena);
	else if (!ctl_read_password(line, sizeof(line), &password))
		return CTL_USAGE;
	enum err e = password.p ? password_make(password, call->arena, ret) : ERR_NOMEM;
	OPENSSL_cleanse(line, sizeof(line));
	if (e == ERR_SYNTAX || e == ERR_TOO_LONG) {
		call_complain(
		    "that password cannot be used: expected 1 to %d octets and no control "
		    "characters",
		    PASSWORD_MAX);
		return CTL_USAGE;
	}
	return e ? call_fail(e, "password") : CALL_GO_ON;
}

static void
tell_password(const char *address, struct str generated)
{
	if (generated.p)
		printf("%s has the password %.*s (shown only now)\n", address, STR_ARG(generated));
}

/* A quota as people write it; "none" is 0. */
static bool
parse_quota(const char *text, uint64_t *ret)
{
	if (strcmp(text, "none") == 0) {
		*ret = 0;
		return true;
	}
	return conf_parse_size(str_of(text), ret) && *ret <= INT64_MAX;
}

int
verb_account_add(struct call *call)
{
	bool from_stdin = false;
	const char *quota = NULL;
	const struct call_option options[] = {
	    {"password-stdin", NULL, "take the password from standard input", .flag = &from_stdin},
	    {"quota", "SIZE", "how much it may hold: 500M, 2G, none", .value = &quota},
	};
	uint64_t bytes = 0;
	int64_t id;
	struct str generated;
	struct credential credential;
	int status = call_parse(call, options, ARRAY_LEN(options), 1, 1);

	if (status != CALL_GO_ON)
		return status;
	const char *address = call->args[0];
	if (quota && !parse_quota(quota, &bytes))
		return call_misuse(call, "--quota %s: expected a size such as 500M or 2G", quota);
	status = call_open_store(call);
	if (status == CALL_GO_ON)
		status = take_password(call, from_stdin, &generated, &credential);
	if (status != CALL_GO_ON)
		return status;
	enum err e = directory_add_account(call->store, str_of(address), &credential, &id);
	if (e == ERR_NOT_FOUND || e == ERR_CANNOT) {
		const char *at = strrchr(address, '@');
		call_complain("%s is not served here: `pillarbox domain add %s` first",
		    at ? at + 1 : address, at ? at + 1 : "DOMAIN");
		return CTL_NAME;
	}
	if (e == ERR_EXISTS) {
		call_complain("%s exists already, as an account or an alias", address);
		return CTL_NAME;
	}
	if (!e && quota)
		e = directory_set_quota(call->store, str_of(address), bytes, 0);
	if (!e)
		tell_password(address, generated);
	return explain(e, address);
}

int
verb_account_password(struct call *call)
{
	bool from_stdin = false;
	const struct call_option options[] = {
	    {"password-stdin", NULL, "take the password from standard input", .flag = &from_stdin},
	};
	struct str generated;
	struct credential credential;
	struct account_entry entry;
	int status = call_begin(call, options, ARRAY_LEN(options), 1, 1);

	if (status != CALL_GO_ON)
		return status;
	const char *address = call->args[0];
	enum err e = directory_find_account(call->store, str_of(address), call->arena, &entry);
	if (e)
		return explain(e, address);
	status = take_password(call, from_stdin, &generated, &credential);
	if (status != CALL_GO_ON)
		return status;
	e = directory_set_credential(call->store, str_of(address), &credential);
	if (!e)
		tell_password(address, generated);
	return explain(e, address);
}

int
verb_account_remove(struct call *call)
{
	bool yes = false;
	const struct call_option options[] = {
	    {"yes", NULL, "really remove the account with all its mail", .flag = &yes},
	};
	struct account_entry entry;
	int status = call_begin(call, options, ARRAY_LEN(options), 1, 1);

	if (status != CALL_GO_ON)
		return status;
	const char *address = call->args[0];
	enum err e = directory_find_account(call->store, str_of(address), call->arena, &entry);
	if (!e && !yes) {
		call_complain(
		    "this removes %s and all its mail for good: say it again with --yes", address);
		return CTL_USAGE;
	}
	if (!e)
		e = directory_remove_account(call->store, str_of(address));
	return explain(e, address);
}

static enum err
read_quota(struct call *call, int64_t id, struct quota *ret)
{
	CLEANUP(account_unref) struct account *account = NULL;
	enum err e = account_open(call->store, id, &account);

	return e ? e : account_quota(account, ret);
}

static void
print_limit(struct sbuf *out, uint64_t limit)
{
	char size[32];

	if (limit)
		sbuf_printf(out, " of %s", ctl_size(limit, size));
}

static int
show_quota(struct call *call, const struct account_entry *entry, bool json)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(65536);
	struct quota q;
	char size[32];
	enum err e = read_quota(call, entry->id, &q);

	if (e)
		return explain(e, call->args[0]);
	if (json) {
		json_open(&out, NULL, '{');
		json_str(&out, "address", entry->address);
		json_u64(&out, "bytes_used", q.bytes_used);
		json_u64(&out, "bytes_limit", q.bytes_limit);
		json_u64(&out, "messages_used", q.messages_used);
		json_u64(&out, "messages_limit", q.messages_limit);
		json_close(&out, '}');
		sbuf_putc(&out, '\n');
	} else {
		sbuf_printf(
		    &out, "%.*s: %s", STR_ARG(entry->address), ctl_size(q.bytes_used, size));
		print_limit(&out, q.bytes_limit);
		sbuf_puts(&out, q.bytes_limit ? ", " : " (no limit), ");
		sbuf_u64(&out, q.messages_used);
		if (q.messages_limit)
			sbuf_printf(&out, " of %llu", (unsigned long long)q.messages_limit);
		sbuf_puts(&out, q.messages_limit ? " messages\n" : " messages (no limit)\n");
	}
	fputs(sbuf_cstr(&out), stdout);
	return CTL_OK;
}

int
verb_account_quota(struct call *call)
{
	bool json = false;
	const char *messages = NULL;
	const struct call_option options[] = {
	    {"json", NULL, "show it as a JSON object", .flag = &json},
	    {"messages", "N", "how many messages it may hold, or none", .value = &messages},
	};
	struct account_entry entry;
	uint64_t bytes = 0, count = 0;
	int status = call_parse(call, options, ARRAY_LEN(options), 1, 2);

	if (status != CALL_GO_ON)
		return status;
	const char *size = call->arg_count > 1 ? call->args[1] : NULL;
	if (size && !parse_quota(size, &bytes))
		return call_misuse(call, "\"%s\" is no size: expected 500M, 2G or none", size);
	if (messages && strcmp(messages, "none") != 0 && !str_to_u64(str_of(messages), &count))
		return call_misuse(call, "--messages %s: expected a number or none", messages);
	status = call_open_store(call);
	if (status != CALL_GO_ON)
		return status;
	struct str address = str_of(call->args[0]);
	enum err e = directory_find_account(call->store, address, call->arena, &entry);
	if (!e && (size || messages))
		e = directory_set_quota(call->store, address, size ? bytes : entry.quota_bytes,
		    messages ? count : entry.quota_messages);
	if (e)
		return explain(e, call->args[0]);
	return size || messages ? CTL_OK : show_quota(call, &entry, json);
}

static void
print_date(struct sbuf *out, int64_t seconds)
{
	time_t t = (time_t)seconds;
	struct tm tm;
	char text[32] = "never";

	if (seconds && localtime_r(&t, &tm))
		strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm);
	sbuf_puts(out, text);
}

static void
list_json(struct sbuf *out, const struct account_entry *a, const struct quota *q, enum err e)
{
	json_open(out, NULL, '{');
	json_str(out, "address", a->address);
	json_u64(out, "id", (uint64_t)a->id);
	json_bool(out, "enabled", a->enabled);
	json_u64(out, "bytes_limit", a->quota_bytes);
	json_u64(out, "messages_limit", a->quota_messages);
	json_str(out, "hidden_capabilities", a->hidden);
	json_u64(out, "created", (uint64_t)a->created_s);
	json_u64(out, "last_login", (uint64_t)a->last_login_s);
	if (e) {
		json_str(out, "problem", str_of(err_text(e)));
	} else {
		json_u64(out, "bytes_used", q->bytes_used);
		json_u64(out, "messages_used", q->messages_used);
	}
	json_close(out, '}');
}

static void
list_line(struct sbuf *out, const struct account_entry *a, const struct quota *q, enum err e)
{
	char used[32];

	sbuf_printf(out, "%-36.*s ", STR_ARG(a->address));
	if (e) {
		sbuf_printf(out, "%s\n", err_text(e));
		return;
	}
	sbuf_printf(out, "%8llu messages, %7s", (unsigned long long)q->messages_used,
	    ctl_size(q->bytes_used, used));
	print_limit(out, a->quota_bytes);
	sbuf_puts(out, ", last login ");
	print_date(out, a->last_login_s);
	sbuf_puts(out, a->enabled ? "\n" : ", disabled\n");
}

int
verb_account_list(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(1U << 28);
	bool json = false;
	struct account_entry *all;
	size_t n;
	int status = call_open_list(call, &json);

	if (status != CALL_GO_ON)
		return status;
	enum err e = directory_list_accounts(call->store, call->arena, &all, &n);
	if (e)
		return call_fail(e, "accounts");
	if (json)
		json_open(&out, NULL, '[');
	for (size_t i = 0; i < n; i++) {
		struct quota q = {0};
		enum err trouble = read_quota(call, all[i].id, &q);
		(json ? list_json : list_line)(&out, &all[i], &q, trouble);
		if (trouble)
			status = CTL_FAILED; /* listed all the same */
	}
	if (json) {
		json_close(&out, ']');
		sbuf_putc(&out, '\n');
	}
	fputs(sbuf_cstr(&out), stdout);
	if (sbuf_error(&out))
		return call_fail(sbuf_error(&out), "the list");
	return status == CALL_GO_ON ? CTL_OK : status;
}

static bool
is_capability(const char *text)
{
	for (const char *p = text; *p; p++)
		if (!ascii_is_alpha(*p) && !ascii_is_digit(*p) && !strchr("=+-_.", *p))
			return false;
	return *text;
}

int
verb_account_hide(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf hidden = SBUF_INIT(HIDDEN_MAX + 1);
	struct account_entry entry;
	int status = call_parse(call, NULL, 0, 1, 100);

	if (status != CALL_GO_ON)
		return status;
	bool none = call->arg_count == 2 && strcmp(call->args[1], "none") == 0;
	for (size_t i = 1; i < call->arg_count && !none; i++) {
		if (!is_capability(call->args[i]))
			return call_misuse(call,
			    "\"%s\" is no capability: expected IDLE, "
			    "COMPRESS=DEFLATE and the like",
			    call->args[i]);
		sbuf_printf(&hidden, "%s%s", i > 1 ? " " : "", call->args[i]);
	}
	if (sbuf_error(&hidden))
		return call_misuse(call, "too many capabilities");
	status = call_open_store(call);
	if (status != CALL_GO_ON)
		return status;
	struct str address = str_of(call->args[0]);
	enum err e = directory_find_account(call->store, address, call->arena, &entry);
	if (!e && call->arg_count > 1)
		e = directory_hide(call->store, address, sbuf_view(&hidden));
	if (!e && call->arg_count == 1)
		printf("%.*s: %s%.*s\n", STR_ARG(entry.address),
		    entry.hidden.n ? "hidden: " : "nothing is hidden", STR_ARG(entry.hidden));
	return explain(e, call->args[0]);
}

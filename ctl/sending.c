/* `pillarbox sending`: what an account has sent, and whether it may. */
#include "store/sending.h"
#include "common/base/json.h"
#include "ctl/ctl.h"
#include "ctl/words.h"
#include "store/directory.h"

static int
find_account(struct call *call, int64_t *ret)
{
	struct account_entry entry;
	int status = call_open_store(call);

	if (status != CALL_GO_ON)
		return status;
	enum err e =
	    directory_find_account(call->store, str_of(call->args[0]), call->arena, &entry);
	*ret = e ? 0 : entry.id;
	return e ? call_fail(e, call->args[0]) : CALL_GO_ON;
}

static void
put_use(struct sbuf *out, const struct sending_use *u, bool json)
{
	if (json) {
		json_open(out, NULL, '{');
		json_u64(out, "recipients_hour", u->hour);
		json_u64(out, "recipients_day", u->day);
		json_u64(out, "new_recipients_day", u->new_day);
		json_bool(out, "held", u->held);
		json_str(out, "held_why", u->held ? u->held_why : STR(""));
		json_close(out, '}');
		sbuf_putc(out, '\n');
		return;
	}
	sbuf_printf(out,
	    "last hour: %llu recipients\nlast 24 hours: %llu recipients, %llu of them new\n",
	    (unsigned long long)u->hour, (unsigned long long)u->day,
	    (unsigned long long)u->new_day);
	if (!u->held)
		return;
	sbuf_puts(out, "held since ");
	words_put_time(out, u->held_since_s);
	sbuf_puts(out, ": ");
	words_put_safe(out, u->held_why);
	sbuf_putc(out, '\n');
}

int
verb_sending_show(struct call *call)
{
	CLEANUP(sbuf_done) struct sbuf out = SBUF_INIT(65536);
	struct sending_use use;
	bool json = false;
	int64_t account;
	const struct call_option options[] = {
	    {"json", NULL, "as a JSON object", .flag = &json},
	};
	int status = call_parse(call, options, ARRAY_LEN(options), 1, 1);

	if (status == CALL_GO_ON)
		status = find_account(call, &account);
	if (status != CALL_GO_ON)
		return status;
	enum err e = sending_use(call->store, account, call->arena, &use);
	if (!e)
		put_use(&out, &use, json);
	fputs(sbuf_cstr(&out), stdout);
	return call_fail(e, call->args[0]);
}

int
verb_sending_hold(struct call *call)
{
	const char *reason = "held by hand";
	int64_t account;
	const struct call_option options[] = {
	    {"reason", "TEXT", "for those who ask why", .value = &reason},
	};
	int status = call_parse(call, options, ARRAY_LEN(options), 1, 1);

	if (status == CALL_GO_ON)
		status = find_account(call, &account);
	if (status != CALL_GO_ON)
		return status;
	enum err e = sending_hold(call->store, account, str_of(reason));
	if (e == ERR_EXISTS) {
		call_complain("%s is held already", call->args[0]);
		return CTL_NAME;
	}
	return call_fail(e, call->args[0]);
}

int
verb_sending_release(struct call *call)
{
	int64_t account;
	int status = call_parse(call, NULL, 0, 1, 1);

	if (status == CALL_GO_ON)
		status = find_account(call, &account);
	if (status != CALL_GO_ON)
		return status;
	enum err e = sending_release(call->store, account);
	if (e == ERR_NOT_FOUND) {
		call_complain("%s is not held", call->args[0]);
		return CTL_NAME;
	}
	return call_fail(e, call->args[0]);
}

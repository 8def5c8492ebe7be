/* ctl/ctl.h - what the verbs of the `pillarbox` command share: the call, its options, the opened
 * configuration and store, and how a failure is told.
 *
 * One process runs one verb, in one thread. A verb's function returns the exit status.
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include "common/base/arena.h"
#include "common/base/conf.h"
#include "common/base/sbuf.h"
#include "store/store.h"

#include <stdio.h>

/* The exit status; pillarbox(1) documents it. */
enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1, /* tried, and something went wrong */
	CTL_USAGE = 2, /* not understood */
	CTL_NOT_RUNNING = 3, /* status, stop: nothing runs */
	CTL_NAME = 4, /* what was named does not exist, or exists already */
	CTL_CONFIG = 5, /* the configuration is missing or wrong */
};

struct call;

struct verb {
	const char *name; /* "account" */
	const char *sub; /* "add", or NULL */
	const char *operands; /* "ADDRESS", "" */
	const char *summary; /* one line */
	const char *details; /* sentences for --help, may be NULL */
	const char *examples; /* whole lines */
	int (*run)(struct call *call);
};

struct call {
	const struct verb *verb;
	const char *conf_path;
	char **args; /* what follows the verb; after call_parse() its operands */
	size_t arg_count;
	struct arena *arena; /* as long as the call */
	struct conf *conf; /* after call_load_conf() */
	struct store *store; /* after call_open_store() */
};

/* An option of one verb. A flag has `flag`; others take an argument into `value`, or appended to
 * `list` (blanks between) when they may be given several times. */
struct call_option {
	const char *name; /* without its dashes */
	const char *argument; /* "DIR", NULL for a flag */
	const char *meaning;
	bool *flag;
	const char **value;
	struct sbuf *list;
};

#define CALL_GO_ON (-1)

/* Takes the options out of call->args. CALL_GO_ON, or the exit status when the call ends here:
 * after --help, or CTL_USAGE with the mistake told. Operands beyond min..max are a mistake. */
NODISCARD int call_parse(struct call *call, const struct call_option *options, size_t n,
    size_t min_operands, size_t max_operands);
/* "pillarbox: text", the verb's usage line and where to get help; CTL_USAGE. */
int call_misuse(const struct call *call, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* "pillarbox: text" to stderr. */
void call_complain(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* Tells what `e` means for `what` (a name, a path) and gives the exit status for it. */
int call_fail(enum err e, const char *what);

/* CALL_GO_ON or an exit status, the problems told. */
NODISCARD int call_load_conf(struct call *call);
/* Configuration and store. Started as root it becomes the configured user first, so that no file in
 * the data directory ends up as root's. */
NODISCARD int call_open_store(struct call *call);
/* call_parse(), then call_open_store(): how most verbs begin. */
NODISCARD int call_begin(struct call *call, const struct call_option *options, size_t n,
    size_t min_operands, size_t max_operands);
/* The same as call_open_store(); what is changed is told to the daemons that run. */
NODISCARD int call_open_store_heard(struct call *call);
/* call_begin() of a verb that lists: no operands, --json its only option. */
NODISCARD int call_open_list(struct call *call, bool *ret_json);
/* Becomes `user` for good (and `group`, "" for the user's own) when root; CALL_GO_ON or an exit
 * status. */
NODISCARD int call_become(const char *user, const char *group);

/* What `e` means for a domain that was named: CTL_NAME where it is not served, or as call_fail().
 */
int call_fail_domain(enum err e, const char *domain);

/* Octets for people: "0", "512 K", "1.5 G". `buf` holds 32. */
const char *ctl_size(uint64_t octets, char *buf);
/* Asks nothing and takes one line from standard input as a password, without its line end; the
 * caller wipes `buf`. False with the reason told. */
bool ctl_read_password(char *buf, size_t size, struct str *ret);

struct passwd;
/* Makes `path` and what is missing above it. A directory that is new gets `mode` and, unless NULL,
 * `owner`. ERR_EXISTS when something else has that name. */
NODISCARD enum err ctl_make_dirs(const char *path, mode_t mode, const struct passwd *owner);

/* The verbs. */
int verb_init(struct call *call);
int verb_run(struct call *call);
int verb_status(struct call *call);
int verb_stop(struct call *call);
int verb_check(struct call *call);
int verb_views(struct call *call);
int verb_account_add(struct call *call);
int verb_account_forward(struct call *call);
int verb_account_hide(struct call *call);
int verb_account_list(struct call *call);
int verb_account_password(struct call *call);
int verb_account_remove(struct call *call);
int verb_account_quota(struct call *call);
int verb_alias_add(struct call *call);
int verb_alias_list(struct call *call);
int verb_alias_remove(struct call *call);
int verb_dkim_add(struct call *call);
int verb_dkim_list(struct call *call);
int verb_dkim_remove(struct call *call);
int verb_dkim_rotate(struct call *call);
int verb_dkim_verify(struct call *call);
int verb_dns_check(struct call *call);
int verb_dns_show(struct call *call);
int verb_domain_add(struct call *call);
int verb_domain_list(struct call *call);
int verb_domain_remove(struct call *call);
int verb_mailbox_rights(struct call *call);
int verb_mailbox_shared(struct call *call);
int verb_queue_list(struct call *call);
int verb_queue_show(struct call *call);
int verb_queue_retry(struct call *call);
int verb_queue_hold(struct call *call);
int verb_queue_release(struct call *call);
int verb_queue_drop(struct call *call);
int verb_queue_pause(struct call *call);
int verb_queue_resume(struct call *call);
int verb_sending_hold(struct call *call);
int verb_sending_release(struct call *call);
int verb_sending_show(struct call *call);
int verb_suppression_list(struct call *call);
int verb_suppression_remove(struct call *call);
int verb_trace(struct call *call);

#endif

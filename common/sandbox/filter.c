/* The list of calls.h as a seccomp filter, made by libseccomp, whose memory is given back when the
 * kernel has it. */
#include "common/sandbox/calls.h"
#include "common/sandbox/sandbox_private.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"

#include <errno.h>
#include <seccomp.h>
#include <unistd.h>

static void
release(scmp_filter_ctx *ctx)
{
	if (*ctx)
		seccomp_release(*ctx);
	*ctx = NULL;
}

static int
add(scmp_filter_ctx ctx, uint32_t action, const struct call *call)
{
	struct scmp_arg_cmp when[CALL_CONDITIONS];
	unsigned n = 0;
	int number = seccomp_syscall_resolve_name(call->name);

	if (number == __NR_SCMP_ERROR)
		return 0; /* another machine's, or newer than the library */
	for (size_t i = 0; i < CALL_CONDITIONS; i++) {
		const struct call_condition *c = &call->when[i];
		uint64_t value = c->value == CALL_OWN_PID ? (uint64_t)getpid() : c->value;
		if (c->mask)
			when[n++] = SCMP_CMP64(c->argument, SCMP_CMP_MASKED_EQ, c->mask, value);
	}
	int rc = seccomp_rule_add_array(ctx, action, number, n, when);
	/* a call that this machine does not have by that number */
	return rc == -EDOM || rc == -EEXIST ? 0 : rc;
}

/* The calls whose failing is expected are in a filter of their own, the first: what two filters
 * answer alike is the later one's to log, and this one keeps quiet. */
static scmp_filter_ctx
make_quiet(void)
{
	CLEANUP(release) scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	size_t n;
	const struct call_refused *rows = calls_refused(&n);
	int rc = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < n; i++)
		rc = add(ctx, SCMP_ACT_ERRNO((uint32_t)rows[i].error), &rows[i].call);
	return rc ? NULL : MOVE_PTR(ctx);
}

static uint32_t
action_of(enum sandbox_mode mode)
{
	switch (mode) {
	case SANDBOX_LOG:
		return SCMP_ACT_LOG;
	case SANDBOX_ON:
		return SCMP_ACT_ERRNO(EPERM);
	default:
		return SCMP_ACT_KILL_PROCESS;
	}
}

static scmp_filter_ctx
make_list(const struct sandbox *s, unsigned *ret_calls)
{
	CLEANUP(release) scmp_filter_ctx ctx = seccomp_init(action_of(s->mode));
	size_t groups, n;
	const struct call_group *g = calls_allowed(&groups);
	int rc = ctx ? 0 : -ENOMEM;

	*ret_calls = 0;
	for (size_t i = 0; i < groups; i++)
		for (size_t k = 0; !rc && k < g[i].n && (!g[i].does || g[i].does & s->does); k++) {
			rc = add(ctx, SCMP_ACT_ALLOW, &g[i].calls[k]);
			++*ret_calls;
		}
	/* refused already, by the other filter */
	const struct call_refused *quiet = calls_refused(&n);
	for (size_t i = 0; !rc && s->mode != SANDBOX_LOG && i < n; i++)
		rc = add(ctx, SCMP_ACT_ALLOW, &quiet[i].call);
	const char *const *names = calls_of_intruders(&n);
	for (size_t i = 0; !rc && s->mode == SANDBOX_ON && i < n; i++)
		rc = add(ctx, SCMP_ACT_KILL_PROCESS, &(const struct call){.name = names[i]});
	return rc ? NULL : MOVE_PTR(ctx);
}

/* What an old kernel or library does not know of these makes no difference to what is allowed. */
static enum err
load(scmp_filter_ctx ctx, bool logs)
{
	if (!ctx)
		return ERR_NOMEM;
	if (logs)
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_LOG, 1);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* the kernel would slow down all of the process against its own attacks on itself */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_SSB, 1);
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
	(void)seccomp_attr_set(ctx, SCMP_FLTATR_API_SYSRAWRC, 1);
	int rc = seccomp_load(ctx);
	/* EPERM: who started us does not let us */
	if (rc == -EINVAL || rc == -ENOSYS || rc == -EOPNOTSUPP || rc == -EPERM)
		return ERR_CANNOT;
	return rc ? err_from_errno(-rc) : ERR_OK;
}

enum err
sandbox_filter_calls(const struct sandbox *s, unsigned *ret_calls)
{
	/* both before the first is in force, which libseccomp need not know of */
	CLEANUP(release) scmp_filter_ctx quiet = s->mode == SANDBOX_LOG ? NULL : make_quiet();
	CLEANUP(release) scmp_filter_ctx list = make_list(s, ret_calls);

	enum err e = s->mode == SANDBOX_LOG ? ERR_OK : load(quiet, false);
	/* the second: seccomp(2) must still be allowed, and is, by the first */
	return e ? e : load(list, true);
}

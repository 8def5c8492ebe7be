#include "common/sandbox/privileges.h"

#include "common/base/log.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum err
owner_find(const char *user, const char *group, struct owner *ret)
{
	*ret = (struct owner){0};
	if (geteuid() != 0 || user[0] == '\0')
		return ERR_OK;
	// NOLINTNEXTLINE(concurrency-mt-unsafe): before there are threads
	const struct passwd *pw = getpwnam(user);
	// NOLINTNEXTLINE(concurrency-mt-unsafe): before there are threads
	const struct group *gr = group[0] ? getgrnam(group) : NULL;
	if (!pw || (group[0] && !gr)) {
		log_error("privileges", F_CSTR("user", user), F_CSTR("group", group),
		    F_CSTR("reason", "no such user or group on this machine"));
		return ERR_CONFIG;
	}
	*ret = (struct owner){true, pw->pw_uid, gr ? gr->gr_gid : pw->pw_gid};
	return ERR_OK;
}

bool
is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	return true;
#elif defined(__has_feature)
	return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
	return false;
#endif
}

void
privileges_harden(bool core_dumps)
{
	struct rlimit none = {0, 0};

	umask(077);
	if (!core_dumps)
		setrlimit(RLIMIT_CORE, &none);
}

/* What the process may not even get back by executing a program. Only who has CAP_SETPCAP may do
 * so; others have PR_SET_NO_NEW_PRIVS for the same end. */
static void
empty_bounding_set(void)
{
	for (unsigned long cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			return;
}

/* Permitted, effective and inheritable ones; what is ambient goes with them (capabilities(7)). Who
 * has been shut in before, so that he can't, has what he was given on purpose. */
static bool
drop_capabilities(void)
{
	struct __user_cap_header_struct who = {.version = _LINUX_CAPABILITY_VERSION_3};
	const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
	struct __user_cap_data_struct left[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capset, &who, none) == 0)
		return true;
	int why = errno;
	if (geteuid() == 0 || syscall(SYS_capget, &who, left) < 0)
		return false;
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		if (left[i].permitted) {
			log_warn("privileges", F_CSTR("kept", "capabilities"),
			    F_CSTR("reason", strerrordesc_np(why)),
			    F_CSTR("hint", "the unit's SystemCallFilter should have capset"));
			break;
		}
	return true;
}

static bool
become(const struct owner *to)
{
	return setgroups(1, &to->gid) == 0 && setresgid(to->gid, to->gid, to->gid) == 0 &&
	       setresuid(to->uid, to->uid, to->uid) == 0 && (to->uid == 0 || setuid(0) < 0);
}

enum err
privileges_drop(const struct owner *to, bool core_dumps)
{
	if (geteuid() == 0)
		empty_bounding_set();
	if ((to->becomes && !become(to)) || (!is_sanitized() && !drop_capabilities()) ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
		log_error("privileges", F_UINT("uid", to->uid), F_UINT("gid", to->gid),
		    F_CSTR("reason", strerrordesc_np(errno)));
		return ERR_DENIED;
	}
	/* setting an identity switches it off (prctl(2)), or not, as the system is set */
	prctl(PR_SET_DUMPABLE, core_dumps || is_sanitized() ? 1 : 0, 0, 0, 0);
	return ERR_OK;
}

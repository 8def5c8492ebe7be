/* landlock(7), by its three system calls: Debian 12's libc has no wrappers, and its headers do not
 * know of later versions. */
#include "common/sandbox/sandbox_private.h"

#include "common/base/cleanup.h"
#include "common/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ABI_RENAMES 2 /* the first with LANDLOCK_ACCESS_FS_REFER: Linux 5.19 */
#define ABI_TRUNCATES 3 /* Linux 6.2 */
#define ACCESS_TRUNCATE (1ULL << 14)

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGES                                                                                    \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR |                           \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR |                         \
	    LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER)
/* Given to nobody. */
#define NEVER                                                                                      \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |                               \
	    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                         \
	    LANDLOCK_ACCESS_FS_MAKE_SYM)
#define OF_FILES (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)

/* What every process reads: libraries' data, names of hosts and users, authorities, the zone of the
 * time, the kernel's settings. What is in there and not for everybody, the file's mode says. */
static const struct sandbox_path of_system[] = {
    {"/etc", false},
    {"/usr", false},
    {"/lib", false},
    {"/run/systemd/resolve", false}, /* where /etc/resolv.conf may point to */
    {"/run/resolvconf", false},
    {"/run/NetworkManager", false},
    {"/run/systemd/userdb", false},
    {"/proc/sys", false},
    {"/sys/fs/cgroup", false},
    {"/sys/devices/system/cpu", false},
    {"/dev/urandom", false},
    {"/dev/null", true},
};

static enum err
allow(int rules, const struct sandbox_path *p, uint64_t handled)
{
	CLEANUP(fd_close) int fd = open(p->path, O_PATH | O_CLOEXEC);
	uint64_t access = p->writes ? READS | CHANGES | ACCESS_TRUNCATE : READS;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return ERR_OK; /* not there */
	if (!S_ISDIR(st.st_mode))
		access &= OF_FILES;
	const struct landlock_path_beneath_attr rule = {
	    .allowed_access = access & handled, .parent_fd = fd};
	if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0)
		return ERR_OK;
	log_error("sandbox", F_CSTR("path", p->path), F_CSTR("reason", strerrordesc_np(errno)));
	return ERR_DENIED;
}

enum err
sandbox_shut_files(const struct sandbox *s, int *ret_abi)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	*ret_abi = abi > 0 ? (int)abi : 0;
	if (abi < ABI_RENAMES)
		return ERR_CANNOT;
	const struct landlock_ruleset_attr attr = {
	    .handled_access_fs =
		READS | CHANGES | NEVER | (abi >= ABI_TRUNCATES ? ACCESS_TRUNCATE : 0)};
	CLEANUP(fd_close)
	int rules =
	    (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr.handled_access_fs), 0);
	if (rules < 0)
		return err_from_errno(errno);
	enum err e = ERR_OK;
	for (size_t i = 0; !e && i < ARRAY_LEN(of_system); i++)
		e = allow(rules, &of_system[i], attr.handled_access_fs);
	for (size_t i = 0; !e && i < s->path_count; i++)
		e = allow(rules, &s->paths[i], attr.handled_access_fs);
	if (!e && syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		e = err_from_errno(errno);
	return e;
}

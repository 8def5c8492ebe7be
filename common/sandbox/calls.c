#include "common/sandbox/calls.h"

#include "common/base/cleanup.h"
#include "common/sandbox/sandbox.h"

#include <asm/ioctls.h>
#include <errno.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#define INT 0xffffffffU /* the upper half of a register says nothing about an int */
#define NEW_NAMESPACES                                                                             \
	(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |             \
	    CLONE_NEWPID | CLONE_NEWNET)

/* clang-format off */
static const struct call memory[] = {
	{"brk", {{0}}}, {"munmap", {{0}}}, {"mremap", {{0}}}, {"madvise", {{0}}}, {"mincore", {{0}}},
	{"mlock", {{0}}}, {"munlock", {{0}}}, {"membarrier", {{0}}},
	{"mmap", {{2, PROT_EXEC, 0}}},
	{"mprotect", {{2, PROT_EXEC, 0}}},
};

static const struct call threads[] = {
	{"clone", {{0, CLONE_THREAD | NEW_NAMESPACES, CLONE_THREAD}}}, /* never a process */
	{"futex", {{0}}}, {"set_robust_list", {{0}}}, {"get_robust_list", {{0}}}, {"rseq", {{0}}},
	{"set_tid_address", {{0}}}, {"gettid", {{0}}}, {"sched_yield", {{0}}}, {"getcpu", {{0}}},
	{"sched_getaffinity", {{0}}}, {"sched_getparam", {{0}}}, {"sched_getscheduler", {{0}}},
	{"prctl", {{0, INT, PR_SET_NAME}}},
	{"exit", {{0}}}, {"exit_group", {{0}}}, {"restart_syscall", {{0}}},
};

static const struct call priority[] = {
	{"sched_setscheduler", {{0}}}, {"setpriority", {{0}}}, {"getpriority", {{0}}},
};

static const struct call signals[] = {
	{"rt_sigaction", {{0}}}, {"rt_sigprocmask", {{0}}}, {"rt_sigreturn", {{0}}}, {"sigaltstack", {{0}}},
	{"rt_sigtimedwait", {{0}}}, {"signalfd4", {{0}}},
	{"tgkill", {{0, INT, CALL_OWN_PID}}}, /* abort(3) */
};

static const struct call time_and_self[] = {
	{"clock_gettime", {{0}}}, {"clock_getres", {{0}}}, {"gettimeofday", {{0}}}, {"time", {{0}}},
	{"clock_nanosleep", {{0}}}, {"nanosleep", {{0}}}, {"getrusage", {{0}}}, {"times", {{0}}},
	{"getpid", {{0}}}, {"getppid", {{0}}}, {"getuid", {{0}}}, {"geteuid", {{0}}}, {"getgid", {{0}}},
	{"getegid", {{0}}}, {"uname", {{0}}}, {"sysinfo", {{0}}}, {"getrandom", {{0}}}, {"umask", {{0}}},
	{"getrlimit", {{0}}}, {"prlimit64", {{0, INT, 0}, {2, UINT64_MAX, 0}}}, /* its own, asked for only */
};

static const struct call events[] = {
	{"epoll_create1", {{0}}}, {"epoll_ctl", {{0}}}, {"epoll_wait", {{0}}}, {"epoll_pwait", {{0}}},
	{"eventfd2", {{0}}}, {"poll", {{0}}}, {"ppoll", {{0}}}, {"select", {{0}}}, {"pselect6", {{0}}},
	{"timerfd_create", {{0}}}, {"timerfd_settime", {{0}}},
	{"fcntl", {{0}}}, {"close", {{0}}}, {"dup", {{0}}}, {"dup3", {{0}}},
	{"ioctl", {{1, INT, FIONREAD}}}, {"ioctl", {{1, INT, FIONBIO}}}, {"ioctl", {{1, INT, TCGETS}}},
};

static const struct call files[] = {
	{"read", {{0}}}, {"write", {{0}}}, {"pread64", {{0}}}, {"pwrite64", {{0}}}, {"readv", {{0}}},
	{"writev", {{0}}}, {"preadv", {{0}}}, {"pwritev", {{0}}}, {"preadv2", {{0}}}, {"pwritev2", {{0}}},
	{"lseek", {{0}}}, {"open", {{0}}}, {"openat", {{0}}}, {"access", {{0}}}, {"faccessat", {{0}}},
	{"faccessat2", {{0}}}, {"stat", {{0}}}, {"lstat", {{0}}}, {"fstat", {{0}}}, {"newfstatat", {{0}}},
	{"statx", {{0}}}, {"statfs", {{0}}}, {"fstatfs", {{0}}}, {"getdents64", {{0}}}, {"getcwd", {{0}}},
	{"readlink", {{0}}}, {"readlinkat", {{0}}}, {"fsync", {{0}}}, {"fdatasync", {{0}}},
	{"sync_file_range", {{0}}}, {"ftruncate", {{0}}}, {"fallocate", {{0}}}, {"fadvise64", {{0}}},
	{"readahead", {{0}}}, {"copy_file_range", {{0}}}, {"sendfile", {{0}}}, {"flock", {{0}}},
	{"mkdir", {{0}}}, {"mkdirat", {{0}}}, {"rmdir", {{0}}}, {"unlink", {{0}}}, {"unlinkat", {{0}}},
	{"rename", {{0}}}, {"renameat", {{0}}}, {"renameat2", {{0}}}, {"link", {{0}}}, {"linkat", {{0}}},
	{"fchmod", {{0}}}, {"chmod", {{0}}}, {"fchmodat", {{0}}}, {"fchown", {{0}}}, {"utimensat", {{0}}},
};

static const struct call unix_sockets[] = {
	{"socket", {{0, INT, AF_UNIX}}},
	{"connect", {{0}}}, {"bind", {{0}}}, {"sendto", {{0}}}, {"recvfrom", {{0}}},
	{"sendmsg", {{0}}}, {"recvmsg", {{0}}},
	{"socketpair", {{0, INT, AF_UNIX}}},
};

static const struct call clients[] = {
	{"accept4", {{0}}}, {"accept", {{0}}}, {"shutdown", {{0}}}, {"getsockname", {{0}}}, {"getpeername", {{0}}},
	{"getsockopt", {{0}}}, {"setsockopt", {{0}}},
};

static const struct call dialling[] = {
	{"socket", {{0, INT, AF_INET}}}, {"socket", {{0, INT, AF_INET6}}},
	{"sendmmsg", {{0}}}, {"recvmmsg", {{0}}}, /* getaddrinfo(3) asks for both families at once */
};

static const struct call resolver[] = {
	{"pipe", {{0}}}, {"pipe2", {{0}}}, {"epoll_create", {{0}}}, {"eventfd", {{0}}},
};

#define GROUP(calls) calls, ARRAY_LEN(calls)

static const struct call_group allowed[] = {
	{"memory", "malloc, thread stacks, files mapped to be read; what is mapped never becomes code", 0, GROUP(memory)},
	{"threads", "workers, the loop, and their locks; no process is ever made", 0, GROUP(threads)},
	{"signals", "stop and reload come by a descriptor; abort", 0, GROUP(signals)},
	{"time and self", "clocks, random numbers, what machine and user this is", 0, GROUP(time_and_self)},
	{"events", "the loop, and descriptors in general", 0, GROUP(events)},
	{"files", "the store (SQLite, messages, index), log, configuration; landlock says which", 0, GROUP(files)},
	{"unix sockets", "news between the daemons, sd_notify, syslog, LMTP to a neighbour", 0, GROUP(unix_sockets)},
	{"clients", "connections that come in by the ports, which are open already: there is no listen", 0, GROUP(clients)},
	{"dialling", "other mail servers, name servers, the OAuth provider", SANDBOX_DIALS, GROUP(dialling)},
	{"resolver", "libunbound talks with its thread by pipes and has a loop of its own", SANDBOX_RESOLVES, GROUP(resolver)},
	{"priority", "the indexer works at the lowest priority and comes back from it", SANDBOX_INDEXES, GROUP(priority)},
};

static const struct call_refused refused[] = {
	{{"clone3", {{0}}}, ENOSYS, "its flags lie in memory, where no filter sees them; libc uses clone then"},
	{{"socket", {{0, INT, AF_NETLINK}}}, EAFNOSUPPORT, "getaddrinfo asks which addresses this machine has, and does without"},
	{{"mmap", {{2, PROT_EXEC, PROT_EXEC}, {3, MAP_ANONYMOUS, 0}}}, EPERM, "libc looks for a module (iconv, NSS) when it is first needed, and does without"},
	{{"openat2", {{0}}}, ENOSYS, "libc has openat"},
	{{"sched_setaffinity", {{0}}}, EPERM, "nothing depends on it"},
};
/* clang-format on */

static const char *const intruders[] = {
    /* another program, or into another one */
    "execve", "execveat", "fork", "vfork", "ptrace", "process_vm_readv", "process_vm_writev",
    "pidfd_getfd", "kcmp", "process_madvise",
    /* another user, more rights, another world */
    "setuid", "setgid", "setreuid", "setregid", "setresuid", "setresgid", "setfsuid", "setfsgid",
    "setgroups", "capset", "unshare", "setns", "chroot", "pivot_root", "mount", "umount2",
    "move_mount", "open_tree", "fsopen", "fsmount", "fsconfig", "fspick", "mount_setattr",
    "personality", "mknod", "mknodat", "name_to_handle_at", "open_by_handle_at", "quotactl",
    "swapon", "swapoff", "sethostname", "setdomainname", "settimeofday", "clock_settime",
    "clock_adjtime", "adjtimex", "acct", "reboot", "vhangup",
    /* the kernel's own insides, where its faults are */
    "init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load", "bpf",
    "perf_event_open", "userfaultfd", "io_uring_setup", "io_uring_enter", "io_uring_register",
    "keyctl", "add_key", "request_key", "iopl", "ioperm", "modify_ldt", "syslog", "lookup_dcookie",
    "fanotify_init", "memfd_create", "memfd_secret", "uselib", "nfsservctl", "remap_file_pages",
    "shmat", "shmget", "shmctl", "msgget", "semget", "vmsplice", "pkey_mprotect"};

const struct call_group *
calls_allowed(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(allowed);
	return allowed;
}

const struct call_refused *
calls_refused(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(refused);
	return refused;
}

const char *const *
calls_of_intruders(size_t *ret_n)
{
	*ret_n = ARRAY_LEN(intruders);
	return intruders;
}

#include "system/resolver.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/capability.h>
#include <linux/seccomp.h>

/* Beside what the parent had: modules of the name service, and their answers. */
#define MEMORY_BYTES (256ul * 1024 * 1024)
/* Of processor time; to wait costs nothing. */
#define CPU_SECONDS 10

/*
 * What no resolver needs. The C library and its modules decide what they do need, so that here, other than
 * in the engine process, the rest is allowed.
 */
static const char *const denied[] = {
	/* other programs and processes */
	"execve",
	"execveat",
	"fork",
	"vfork",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"process_madvise",
	"kcmp",
	"kill",
	"tkill",
	"tgkill",
	"rt_sigqueueinfo",
	"rt_tgsigqueueinfo",
	"pidfd_open",
	"pidfd_getfd",
	"pidfd_send_signal",
	"unshare",
	"setns",
	/* to be asked by others */
	"listen",
	"accept",
	"accept4",
#ifdef __GLIBC__
	/*
	 * Other C libraries bind the sockets they ask from. This one does to hear of interfaces, and copes.
	 */
	"bind",
#endif
	/* changes to files; opening is below */
	"creat",
	"truncate",
	"truncate64",
	"unlink",
	"unlinkat",
	"rename",
	"renameat",
	"renameat2",
	"link",
	"linkat",
	"symlink",
	"symlinkat",
	"mkdir",
	"mkdirat",
	"rmdir",
	"mknod",
	"mknodat",
	"chmod",
	"fchmod",
	"fchmodat",
	"chown",
	"chown32",
	"lchown",
	"fchown",
	"fchownat",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"open_by_handle_at",
	/* its own end by SIGALRM */
	"alarm",
	"setitimer",
	/* ways around this list, and parts of the kernel that had more holes than most */
	"io_uring_setup",
	"io_uring_enter",
	"io_uring_register",
	"bpf",
	"userfaultfd",
	"perf_event_open",
	"keyctl",
	"add_key",
	"request_key",
};

/* Calls that are denied when an argument, masked, has that value. */
static const struct {
	const char *name;
	unsigned argument; /* from 0 */
	unsigned mask;
	unsigned value;
} conditions[] = {
	{ "open", 1, O_WRONLY, O_WRONLY },   { "open", 1, O_RDWR, O_RDWR },
	{ "open", 1, O_CREAT, O_CREAT },     { "open", 1, O_TRUNC, O_TRUNC },
	{ "openat", 2, O_WRONLY, O_WRONLY }, { "openat", 2, O_RDWR, O_RDWR },
	{ "openat", 2, O_CREAT, O_CREAT },   { "openat", 2, O_TRUNC, O_TRUNC },
	{ "clone", 0, CLONE_THREAD, 0 },
};

/* Their arguments are in memory, where a filter cannot look: libraries fall back to older calls. */
static const char *const unknown[] = { "openat2", "clone3" };

/* A call that the library or the architecture does not know cannot be made either. */
static int deny(scmp_filter_ctx filter, const char *name, uint32_t action)
{
	int number = seccomp_syscall_resolve_name(name);

	return number == __NR_SCMP_ERROR ? 0 : seccomp_rule_add(filter, action, number, 0);
}

static int fill(scmp_filter_ctx filter)
{
	/* Errors of the kernel as they are; calls of another architecture not at all. */
	int result = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);

	if (result == 0)
		result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
	for (size_t i = 0; i < sizeof denied / sizeof denied[0] && result == 0; i++)
		result = deny(filter, denied[i], SCMP_ACT_ERRNO(EPERM));
	for (size_t i = 0; i < sizeof unknown / sizeof unknown[0] && result == 0; i++)
		result = deny(filter, unknown[i], SCMP_ACT_ERRNO(ENOSYS));
	for (size_t i = 0; i < sizeof conditions / sizeof conditions[0] && result == 0; i++) {
		const struct scmp_arg_cmp compare = {
			.arg = conditions[i].argument,
			.op = SCMP_CMP_MASKED_EQ,
			.datum_a = conditions[i].mask,
			.datum_b = conditions[i].value,
		};
		int number = seccomp_syscall_resolve_name(conditions[i].name);

		if (number != __NR_SCMP_ERROR)
			result = seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), number, 1, &compare);
	}
	return result;
}

static int filter_calls(void)
{
	scmp_filter_ctx filter;
	int result;

	/* The null pointer is only looked at by a kernel that has filters. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) != 0 && errno != EFAULT)
		return 0;
	filter = seccomp_init(SCMP_ACT_ALLOW);
	if (filter == NULL)
		return -ENOMEM;
	result = fill(filter);
	if (result == 0)
		result = seccomp_load(filter);
	seccomp_release(filter);
	return result;
}

/* A limit that is lower already stays. */
static void lower(struct rlimit *limit, rlim_t soft, rlim_t hard)
{
	if (limit->rlim_max > hard)
		limit->rlim_max = hard;
	if (limit->rlim_cur > soft)
		limit->rlim_cur = soft;
	if (limit->rlim_cur > limit->rlim_max)
		limit->rlim_cur = limit->rlim_max;
}

/* Bytes of address space that the process has by now; 0: not known. */
static rlim_t used_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%lu", &pages) != 1)
		pages = 0;
	(void)fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static void lower_limits(void)
{
	static const struct rlimit none = { 0, 0 };
	struct rlimit limit;
	rlim_t used = used_bytes();

	if (used > 0 && getrlimit(RLIMIT_AS, &limit) == 0) {
		lower(&limit, used + MEMORY_BYTES, used + MEMORY_BYTES);
		(void)setrlimit(RLIMIT_AS, &limit);
	}
	if (getrlimit(RLIMIT_CPU, &limit) == 0) {
		lower(&limit, CPU_SECONDS, CPU_SECONDS + 1);
		(void)setrlimit(RLIMIT_CPU, &limit);
	}
	(void)setrlimit(RLIMIT_CORE, &none);
}

static int change_user(const struct sandbox_user *user)
{
	if (!user->change)
		return 0;
	if (setgroups(0, NULL) != 0 || setresgid(user->gid, user->gid, user->gid) != 0 ||
	    setresuid(user->uid, user->uid, user->uid) != 0)
		return -errno;
	/* A success without effect would be worse than none. */
	return geteuid() == user->uid && getegid() == user->gid ? 0 : -EPERM;
}

int resolver_restrict(const struct sandbox_user *user)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
	int result;

	lower_limits();
	result = change_user(user);
	if (result != 0)
		return result;
	/*
	 * The ambient set goes with the others. The bounding set counts for programs, which cannot be
	 * started.
	 */
	if (syscall(SYS_capset, &header, none) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;
	return filter_calls();
}

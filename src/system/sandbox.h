#ifndef ROSENPASS_SYSTEM_SANDBOX_H
#define ROSENPASS_SYSTEM_SANDBOX_H

/*
 * What a process gives up before it reads from the network: its user when that is root, every capability,
 * the file system (Landlock), and all system calls but a few (seccomp). What the kernel lacks is
 * reported and done without.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SANDBOX_PROBLEM_BYTES 256

struct sandbox_user {
	bool change; /* false: stay who we are (not started as root) */
	uid_t uid;
	gid_t gid;
};

/*
 * Whom to become. Not root: nobody else (and a name other than our own is a problem). Root: the user of that
 * name; name NULL: "rosenpass" if there is one, else a number from systemd's range for dynamic users
 * (61184 to 65519) that neither a user nor a running process has; nobody else where the user namespace
 * has none of them. -1 and problem: no such user, or it is root.
 */
int sandbox_choose_user(struct sandbox_user *user, const char *name,
                        char problem[static SANDBOX_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* What is in force; each field stands by itself. */
struct sandbox_report {
	uint8_t seccomp;  /* 1: the filter of the engine process is on */
	uint8_t landlock; /* ABI in use; 0: the kernel has none */
	/* 1: permitted, effective, inheritable and ambient set are empty, and the bounding set as far as the
	 * process was allowed to */
	uint8_t no_capabilities;
	uint8_t no_new_privileges; /* 1: on */
	uint8_t not_dumpable;      /* 1: no core dump, no ptrace by the same user */
	uint8_t changed_user;      /* 1: became another user than root */
	uint32_t uid;
};

/*
 * Becomes the user and gives up capabilities, new privileges, dumps and, with Landlock, files and (ABI 4 and
 * above) TCP, and (ABI 6) abstract sockets and signals to others. -1 and problem only when a part failed
 * that this kernel has, or the user could not be changed: then the process must end.
 */
int sandbox_drop(const struct sandbox_user *user, struct sandbox_report *report,
                 char problem[static SANDBOX_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/*
 * For a process that goes on to need a capability or two: gives up every other one, and new privileges. -1
 * and problem: it failed.
 */
int sandbox_keep(const int *kept, size_t count, char problem[static SANDBOX_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

/*
 * The last step of the engine process. From here on a system call that neither its loop nor the C library
 * makes for it kills the process (SIGSYS). Three kinds of calls remain:
 *
 * Allowed: read, write, writev, close, poll, recvmsg, recvmmsg, sendmsg, sendmmsg, timerfd_settime, clocks
 * and sleeping, getrandom, memory without execution (mmap and mprotect without PROT_EXEC, munmap, mremap,
 * madvise, brk, mlock, munlock, memfd_secret, ftruncate, setrlimit of RLIMIT_MEMLOCK), fstat, fcntl that
 * reads flags or seals, the signal mask, own ids, limits and processors, sysinfo, abort(), exit, and futex,
 * sched_yield, rt_sigreturn, restart_syscall.
 *
 * Refused with an error that a C library copes with: opening a file for reading and looking at one by name
 * (EACCES), lseek (ESPIPE), ioctls that ask for a terminal (ENOTTY), prctl(PR_SET_VMA) (EINVAL), rseq,
 * membarrier, set_robust_list and every call that is younger than this program (ENOSYS).
 *
 * Killed: everything else, send and recv among them.
 *
 * Draws a random byte and reads the clock first, so that the C library's state for these exists.
 * A kernel without seccomp: report->seccomp stays 0 and the result is 0. -1 and problem as above.
 */
int sandbox_filter(struct sandbox_report *report, char problem[static SANDBOX_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

#endif

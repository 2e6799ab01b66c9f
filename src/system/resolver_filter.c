#include "system/resolver_filter.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <linux/netlink.h>

#include "system/syscall_filter.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
/* Of the type of a socket, without its flags. */
#define TYPE_MASK 0xf
/* By which C libraries cancel threads. */
#define CANCEL_SIGNAL 32

static const char *const allowed[] = {
	/* files: names, and what has been opened for reading; opening is below */
	"readv",
	"pread64",
	"close_range",
	"lseek",
	"_llseek",
	"dup",
	"dup2",
	"dup3",
	"newfstatat",
	"fstatat64",
	"stat",
	"stat64",
	"lstat",
	"lstat64",
	"statx",
	"statfs",
	"statfs64",
	"fstatfs",
	"fstatfs64",
	"access",
	"faccessat",
	"faccessat2",
	"readlink",
	"readlinkat",
	"getcwd",
	"getdents",
	"getdents64",
	"fadvise64",
	"fadvise64_64",
	/* asking; socket, setsockopt, sending to an address, fcntl and ioctl are below */
	"connect",
#ifndef __GLIBC__
	/* Other C libraries bind the sockets they ask from. glibc copes without. */
	"bind",
#endif
	"getsockname",
	"getpeername",
	"getsockopt",
	"send",
	"recv",
	"recvfrom",
	"recvmsg",
	"recvmmsg",
	"recvmmsg_time64",
	"shutdown",
	"select",
	"_newselect",
	"pselect6",
	"pselect6_time64",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_wait",
	"epoll_pwait",
	"epoll_pwait2",
	/* threads of modules; clone is below */
	"set_robust_list",
	"set_tid_address",
	"rseq",
	"sigaltstack",
	/* about the process and the machine */
	"getppid",
	"getresuid",
	"getresuid32",
	"getresgid",
	"getresgid32",
	"getgroups",
	"getgroups32",
	"capget",
	"getrusage",
	"times",
	"uname",
};

/* Their arguments are in memory, where a filter cannot look, or nobody needs them: libraries do without. */
static const char *const missing[] = { "openat2", "clone3", "membarrier" };

/* A socket of a family, type and protocol. */
#define SOCKET(family, type, protocol)                                                            \
	{                                                                                         \
		"socket", SCMP_ACT_ALLOW, 3,                                                      \
		{                                                                                 \
			SYSCALL_FILTER_INT(0, family), SYSCALL_FILTER_MASKED(1, TYPE_MASK, type), \
				SYSCALL_FILTER_INT(2, protocol)                                   \
		}                                                                                 \
	}
/* A call whose argument has a value. */
#define WITH(name, argument, value)                         \
	{                                                   \
		name, SCMP_ACT_ALLOW, 1,                    \
		{                                           \
			SYSCALL_FILTER_INT(argument, value) \
		}                                           \
	}
/* A call whose argument has none of the bits. */
#define WITHOUT(name, argument, bits)                            \
	{                                                        \
		name, SCMP_ACT_ALLOW, 1,                         \
		{                                                \
			SYSCALL_FILTER_MASKED(argument, bits, 0) \
		}                                                \
	}
#define OPTION(level, option)                                                       \
	{                                                                           \
		"setsockopt", SCMP_ACT_ALLOW, 2,                                    \
		{                                                                   \
			SYSCALL_FILTER_INT(1, level), SYSCALL_FILTER_INT(2, option) \
		}                                                                   \
	}

static const struct syscall_rule rules[] = {
	WITHOUT("open", 1, O_ACCMODE | O_CREAT | O_TRUNC),
	WITHOUT("openat", 2, O_ACCMODE | O_CREAT | O_TRUNC),
	SOCKET(AF_UNIX, SOCK_STREAM, 0),
	SOCKET(AF_UNIX, SOCK_DGRAM, 0),
	SOCKET(AF_INET, SOCK_DGRAM, 0),
	SOCKET(AF_INET, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET(AF_INET, SOCK_STREAM, 0),
	SOCKET(AF_INET, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(AF_INET6, SOCK_DGRAM, 0),
	SOCKET(AF_INET6, SOCK_DGRAM, IPPROTO_UDP),
	SOCKET(AF_INET6, SOCK_STREAM, 0),
	SOCKET(AF_INET6, SOCK_STREAM, IPPROTO_TCP),
	SOCKET(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE),
	SOCKET(AF_NETLINK, SOCK_DGRAM, NETLINK_ROUTE),
	/* TCP connects by connect() alone, of which Landlock sees the port. */
	WITHOUT("sendto", 3, MSG_FASTOPEN),
	WITHOUT("sendmsg", 2, MSG_FASTOPEN),
	WITHOUT("sendmmsg", 3, MSG_FASTOPEN),
	/* No option that attaches a program. */
	OPTION(SOL_SOCKET, SO_RCVTIMEO),
	OPTION(SOL_SOCKET, SO_SNDTIMEO),
	OPTION(SOL_SOCKET, SO_RCVBUF),
	OPTION(SOL_SOCKET, SO_SNDBUF),
	OPTION(SOL_SOCKET, SO_PASSCRED),
	OPTION(SOL_SOCKET, SO_TIMESTAMP),
	OPTION(SOL_SOCKET, SO_BROADCAST),
	OPTION(IPPROTO_TCP, TCP_NODELAY),
	OPTION(IPPROTO_IP, IP_RECVERR),
	OPTION(IPPROTO_IP, IP_MTU_DISCOVER),
	OPTION(IPPROTO_IP, IP_PKTINFO),
	OPTION(IPPROTO_IP, IP_TTL),
	OPTION(IPPROTO_IPV6, IPV6_RECVERR),
	OPTION(IPPROTO_IPV6, IPV6_MTU_DISCOVER),
	OPTION(IPPROTO_IPV6, IPV6_RECVPKTINFO),
	OPTION(IPPROTO_IPV6, IPV6_V6ONLY),
	OPTION(IPPROTO_IPV6, IPV6_UNICAST_HOPS),
	OPTION(SOL_NETLINK, NETLINK_PKTINFO),
	OPTION(SOL_NETLINK, NETLINK_EXT_ACK),
	OPTION(SOL_NETLINK, NETLINK_GET_STRICT_CHK),
	/* Not F_SETOWN or F_SETSIG, which send signals to other processes. */
	WITH("fcntl", 1, F_DUPFD),
	WITH("fcntl", 1, F_DUPFD_CLOEXEC),
	WITH("fcntl", 1, F_SETFD),
	WITH("fcntl", 1, F_SETFL),
	WITH("fcntl64", 1, F_DUPFD),
	WITH("fcntl64", 1, F_DUPFD_CLOEXEC),
	WITH("fcntl64", 1, F_SETFD),
	WITH("fcntl64", 1, F_SETFL),
	/* Not FIOSETOWN or SIOCSPGRP, for the same reason. */
	WITH("ioctl", 1, FIONREAD),
	WITH("ioctl", 1, FIONBIO),
	WITH("ioctl", 1, SIOCGIFINDEX),
	WITH("ioctl", 1, SIOCGIFNAME),
	WITH("ioctl", 1, SIOCGIFFLAGS),
	WITH("ioctl", 1, SIOCGIFCONF),
	WITH("ioctl", 1, SIOCGIFADDR),
	/* Threads, but no process. */
	{ "clone", SCMP_ACT_ALLOW, 1, { SYSCALL_FILTER_MASKED(0, CLONE_THREAD, CLONE_THREAD) } },
	/* Signals that libraries handle or ignore. Not SIGALRM, which ends the process in time. */
	WITH("rt_sigaction", 0, SIGPIPE),
	WITH("rt_sigaction", 0, SIGABRT),
	WITH("rt_sigaction", 0, SIGUSR1),
	WITH("rt_sigaction", 0, SIGUSR2),
	WITH("rt_sigaction", 0, CANCEL_SIGNAL),
};

static int fill(scmp_filter_ctx filter)
{
	int result = syscall_filter_allow_library(filter);

	if (result == 0)
		result = syscall_filter_add_names(filter, SCMP_ACT_ALLOW, allowed, COUNT(allowed));
	if (result == 0)
		result = syscall_filter_add_names(filter, SCMP_ACT_ERRNO(ENOSYS), missing, COUNT(missing));
	if (result == 0)
		result = syscall_filter_add_new(filter, SCMP_ACT_ERRNO(ENOSYS));
	if (result == 0)
		result = syscall_filter_add_rules(filter, rules, COUNT(rules));
	return result;
}

int resolver_filter(void)
{
	scmp_filter_ctx filter;
	int result;

	if (!syscall_filter_is_supported())
		return 0;
	result = syscall_filter_create(&filter, SCMP_ACT_ERRNO(EPERM));
	if (result != 0)
		return result;
	result = fill(filter);
	if (result == 0)
		result = syscall_filter_load(filter);
	seccomp_release(filter);
	return result;
}

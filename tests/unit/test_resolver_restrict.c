/* A resolver process that has been taken over: what it tries against its daemon, and what is left to it. */

#include "child_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <linux/seccomp.h>

#include "system/resolver.h"
#include "system/sandbox_landlock.h"
#include "system/sandbox_numbers.h"

#define NOBODY 65534
#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* What the daemon has; everybody who plays the daemon owns it. */
static char folder[] = "/tmp/test_restrict.XXXXXX";
static char secret[64];
static int tcp; /* listens on a port of the loopback interface */
static struct sockaddr_in tcp_address;
static int abstract; /* listens too */
static struct sockaddr_un abstract_address = { .sun_family = AF_UNIX };
static socklen_t abstract_length;

static int set_up(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t length = sizeof tcp_address;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(secret, sizeof secret, "%s/secret", folder);
	fd = open(secret, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "secret", 6), 6);
	(void)close(fd);
	if (geteuid() == 0) {
		assert_int_equal(chown(folder, NOBODY, NOBODY), 0);
		assert_int_equal(chown(secret, NOBODY, NOBODY), 0);
	}
	tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(tcp, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(tcp, 100), 0);
	assert_int_equal(getsockname(tcp, (struct sockaddr *)&tcp_address, &length), 0);
	abstract = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)snprintf(abstract_address.sun_path + 1, sizeof abstract_address.sun_path - 1, "%s", folder);
	abstract_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(folder));
	assert_int_equal(bind(abstract, (const struct sockaddr *)&abstract_address, abstract_length), 0);
	assert_int_equal(listen(abstract, 100), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(tcp);
	(void)close(abstract);
	(void)unlink(secret);
	return rmdir(folder);
}

/* --- who tries ------------------------------------------------------------------------- */

/* Root stays root without power, becomes another, or was an ordinary user from the start. */
enum start {
	AS_USER,
	AS_ROOT,
	AS_ROOT_CHANGING
};

static struct {
	enum start start;
	bool no_landlock; /* as on a kernel without */
	void (*body)(void);
} scene;

static void hide_landlock(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	CHILD_CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
	CHILD_CHECK(filter != NULL);
	CHILD_CHECK(seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SYS_landlock_create_ruleset, 0) == 0);
	CHILD_CHECK(seccomp_load(filter) == 0);
	seccomp_release(filter);
}

static void play(void)
{
	struct sandbox_user user = { .change = scene.start == AS_ROOT_CHANGING,
		                     .uid = NOBODY,
		                     .gid = NOBODY };

	if (scene.start == AS_USER && geteuid() == 0)
		CHILD_CHECK(setresgid(NOBODY, NOBODY, NOBODY) == 0 && setresuid(NOBODY, NOBODY, NOBODY) == 0);
	if (scene.no_landlock)
		hide_landlock();
	else if (sandbox_landlock_abi() == 0)
		_exit(CHILD_LACKS);
	/* The null pointer is only looked at by a kernel that has filters. */
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) != -1 || errno != EFAULT)
		_exit(CHILD_LACKS);
	CHILD_CHECK(resolver_restrict(&user) == 0);
	scene.body();
}

static void check_all(void (*body)(void), bool with_landlock, bool without)
{
	static const char *const names[] = { "as an ordinary user", "as root", "as root that changes" };
	bool root = geteuid() == 0;
	bool tried = false;

	if (CHILD_SANITIZED)
		skip();
	scene.body = body;
	for (int landlock = 0; landlock < 2; landlock++) {
		if (landlock == 1 ? !with_landlock : !without)
			continue;
		scene.no_landlock = landlock == 0;
		for (enum start start = AS_USER; start <= (root ? AS_ROOT_CHANGING : AS_USER); start++) {
			int status;

			scene.start = start;
			status = child_run(play);
			if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_LACKS)
				continue;
			if (status != 0)
				fail_msg("%s, %s Landlock: status 0x%x", names[start],
				         landlock == 1 ? "with" : "without", (unsigned)status);
			tried = true;
		}
	}
	if (!tried)
		skip();
}

static unsigned failures;

/* Refused, by the filter and by nothing else: what is asked for would work or fail otherwise. */
static void refused(const char *what, long result)
{
	if (result == -1 && (errno == EPERM || errno == ENOSYS))
		return;
	(void)fprintf(stderr, "%s: %ld, %s\n", what, result, result == -1 ? strerror(errno) : "done");
	failures++;
}

#define CALL(name, ...) refused(#name, syscall(SYS_##name, __VA_ARGS__))
#define NUMBER(name, number, ...) refused(name, syscall(number, __VA_ARGS__))
#define REFUSED(...) refused(#__VA_ARGS__, (long)(__VA_ARGS__))

/* --- files ----------------------------------------------------------------------------- */

static void change_files(void)
{
	static const int flags[] = { O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC,
		                     O_RDWR | O_TMPFILE };
	struct timespec times[2] = { { 1, 0 }, { 1, 0 } };
	char other[80];

	(void)snprintf(other, sizeof other, "%s.other", secret);
	for (size_t i = 0; i < FIXTURE_COUNT(flags); i++)
		refused("open", openat(AT_FDCWD, secret, flags[i] | O_CLOEXEC, 0600));
#ifdef SYS_open
	CALL(open, secret, O_WRONLY);
	CALL(creat, secret, 0600);
	CALL(chmod, secret, 0644);
	CALL(chown, secret, geteuid(), getegid());
	CALL(lchown, secret, geteuid(), getegid());
	CALL(unlink, other);
	CALL(rename, secret, other);
	CALL(link, secret, other);
	CALL(symlink, secret, other);
	CALL(mkdir, other, 0700);
	CALL(rmdir, other);
	CALL(mknod, other, S_IFREG | 0600, 0);
	CALL(utime, secret, NULL);
	CALL(utimes, secret, NULL);
	CALL(futimesat, AT_FDCWD, secret, NULL);
#endif
	CALL(fchmodat, AT_FDCWD, secret, 0644);
	NUMBER("fchmodat2", 452, AT_FDCWD, secret, 0644, 0);
	CALL(fchownat, AT_FDCWD, secret, geteuid(), getegid(), 0);
	CALL(fchmod, STDERR_FILENO, 0666);
	CALL(fchown, STDERR_FILENO, geteuid(), getegid());
	CALL(utimensat, AT_FDCWD, secret, times, 0);
	CALL(setxattr, secret, "user.x", "y", 1, 0);
	CALL(lsetxattr, secret, "user.x", "y", 1, 0);
	CALL(fsetxattr, STDERR_FILENO, "user.x", "y", 1, 0);
	CALL(removexattr, secret, "user.x");
	NUMBER("setxattrat", 463, AT_FDCWD, secret, 0, "user.x", NULL, 0);
	NUMBER("file_setattr", 469, AT_FDCWD, secret, NULL, 0, 0);
	CALL(truncate, secret, 0);
	CALL(ftruncate, STDERR_FILENO, 0);
	CALL(fallocate, STDERR_FILENO, 0, 0, 1);
	CALL(unlinkat, AT_FDCWD, other, 0);
	CALL(renameat2, AT_FDCWD, secret, AT_FDCWD, other, 0);
	CALL(linkat, AT_FDCWD, secret, AT_FDCWD, other, 0);
	CALL(symlinkat, secret, AT_FDCWD, other);
	CALL(mkdirat, AT_FDCWD, other, 0700);
	CALL(mknodat, AT_FDCWD, other, S_IFREG | 0600, 0);
	CALL(name_to_handle_at, AT_FDCWD, secret, NULL, NULL, 0);
	CALL(open_by_handle_at, AT_FDCWD, NULL, 0);
	NUMBER("openat2", 437, AT_FDCWD, secret, NULL, 0);
	CALL(chdir, "/");
	CALL(chroot, folder);
	CALL(umask, 0);
	CALL(inotify_init1, 0);
	CALL(fanotify_init, 0, 0);
	CALL(flock, STDERR_FILENO, 0);
	CALL(sync, 0);
	CALL(memfd_create, "x", 0);
	CHILD_CHECK(failures == 0);
}

/* --- processes ------------------------------------------------------------------------- */

static void reach_parent(void)
{
	pid_t parent = getppid();
	struct rlimit limit = { 0, 0 };
	uint8_t mask[128] = { 1 };
	siginfo_t info = { .si_signo = SIGTERM, .si_code = SI_QUEUE };
	struct sched_param param = { 0 };

	CALL(prlimit64, parent, RLIMIT_FSIZE, NULL, &limit);
	CALL(prlimit64, parent, RLIMIT_FSIZE, &limit, NULL);
	CALL(prlimit64, 0, RLIMIT_CORE, &limit, NULL);
	CALL(setrlimit, RLIMIT_CORE, &limit);
	CALL(kill, parent, 0);
	CALL(kill, getpid(), 0);
	CALL(tgkill, parent, parent, 0);
	CALL(tkill, parent, 0);
	CALL(tgkill, getpid(), getpid(), SIGSTOP);
	CALL(rt_sigqueueinfo, parent, SIGTERM, &info);
	CALL(rt_tgsigqueueinfo, parent, parent, SIGTERM, &info);
	NUMBER("pidfd_open", 434, parent, 0);
	NUMBER("pidfd_send_signal", 424, STDERR_FILENO, 0, NULL, 0);
	NUMBER("pidfd_getfd", 438, STDERR_FILENO, 0, 0);
	NUMBER("process_madvise", 440, STDERR_FILENO, NULL, 0, 0, 0);
	NUMBER("process_mrelease", 448, STDERR_FILENO, 0);
	CALL(ptrace, PTRACE_ATTACH, parent, NULL, NULL);
	CALL(ptrace, PTRACE_TRACEME, 0, NULL, NULL);
	CALL(process_vm_readv, parent, NULL, 0, NULL, 0, 0);
	CALL(process_vm_writev, parent, NULL, 0, NULL, 0, 0);
	CALL(kcmp, parent, parent, 0, 0, 0);
	CALL(setpriority, PRIO_PROCESS, parent, 19);
	CALL(ioprio_set, 1, parent, 0);
	CALL(sched_setaffinity, parent, sizeof mask, mask);
	CALL(sched_getaffinity, parent, sizeof mask, mask);
	CALL(sched_setscheduler, parent, SCHED_BATCH, &param);
	CALL(sched_setattr, parent, NULL, 0);
	CALL(setpgid, 0, 0);
	CALL(setsid, 0);
	CALL(wait4, -1, NULL, WNOHANG, NULL);
#ifdef SYS_migrate_pages
	CALL(migrate_pages, parent, 0, NULL, NULL);
	CALL(move_pages, parent, 0, NULL, NULL, NULL, 0);
#endif
	/* Signals to others by way of a descriptor. */
	REFUSED(fcntl(STDERR_FILENO, F_SETOWN, parent));
	REFUSED(fcntl(STDERR_FILENO, F_SETSIG, SIGTERM));
	REFUSED(fcntl(STDERR_FILENO, F_SETLEASE, F_UNLCK));
	REFUSED(ioctl(STDERR_FILENO, FIOSETOWN, &parent));
	REFUSED(ioctl(STDERR_FILENO, TIOCSTI, "x"));
	CHILD_CHECK(failures == 0);
}

static void start_processes(void)
{
	char *const words[] = { "true", NULL };
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	refused("fork", pid);
#ifdef SYS_fork
	pid = (pid_t)syscall(SYS_fork);
	if (pid == 0)
		_exit(0);
	refused("the old fork", pid);
#endif
	NUMBER("clone3", 435, NULL, 0);
	CALL(execve, "/bin/true", words, NULL);
	CALL(execveat, AT_FDCWD, "/bin/true", words, NULL, 0);
	CALL(mmap, NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CALL(mprotect, (uintptr_t)words & ~4095ul, 4096, PROT_READ | PROT_WRITE | PROT_EXEC);
	CALL(pkey_mprotect, 0, 0, PROT_READ, -1);
	CHILD_CHECK(failures == 0);
}

/* --- what the process is, and the kernel at large -------------------------------------- */

static void change_itself(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };
	struct itimerspec when = { .it_value = { 1000, 0 } };
	struct sock_filter code[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog program = { 1, code };

	CALL(setuid, geteuid());
	CALL(setgid, getegid());
	CALL(setreuid, -1, -1);
	CALL(setregid, -1, -1);
	CALL(setresuid, -1, -1, -1);
	CALL(setresgid, -1, -1, -1);
	CALL(setfsuid, geteuid());
	CALL(setfsgid, getegid());
	CALL(setgroups, 0, NULL);
	CALL(capset, &header, sets);
	CALL(personality, 0xffffffff);
	CALL(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);
	CALL(prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
	CALL(prctl, PR_SET_NAME, "init", 0, 0, 0);
	CALL(seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	CALL(unshare, CLONE_NEWUSER);
	CALL(setns, STDERR_FILENO, 0);
	CALL(mount, "none", folder, "tmpfs", 0, NULL);
	CALL(umount2, folder, 0);
	CALL(pivot_root, folder, folder);
	NUMBER("open_tree", 428, AT_FDCWD, folder, 0);
	NUMBER("move_mount", 429, -1, "", -1, "", 0);
	NUMBER("fsopen", 430, "tmpfs", 0);
	NUMBER("mount_setattr", 442, -1, "", 0, NULL, 0);
	CALL(keyctl, 0, -3, 0);
	CALL(add_key, "user", "x", "y", 1, -3);
	CALL(request_key, "user", "x", NULL, 0);
	NUMBER("io_uring_setup", 425, 1, NULL);
	NUMBER("io_uring_enter", 426, -1, 0, 0, 0, NULL);
	NUMBER("io_uring_register", 427, -1, 0, NULL, 0);
	CALL(bpf, 0, NULL, 0);
	CALL(userfaultfd, 1);
	CALL(perf_event_open, NULL, 0, -1, -1, 0);
#ifdef SYS_shmget
	CALL(shmget, 0, 4096, 0600);
	CALL(msgget, 0, 0600);
	CALL(semget, 0, 1, 0600);
#endif
	CALL(mq_open, "x", O_RDONLY, 0, NULL);
	CALL(sethostname, "x", 1);
	CALL(syslog, 10, NULL, 0);
	CALL(vhangup, 0);
	/* Its time is over when the kernel says so. */
#ifdef SYS_alarm
	CALL(alarm, 0);
#endif
	CALL(setitimer, ITIMER_REAL, &when, NULL);
	CALL(timer_settime, 0, 0, &when, NULL);
	CALL(timer_delete, 0);
	REFUSED(signal(SIGALRM, SIG_IGN) == SIG_ERR ? -1 : 0);
	refused("rt_sigaction with more bits", syscall(SYS_rt_sigaction, SIGALRM | 1l << 32, NULL, NULL, 8));
	NUMBER("a call of the future", 500, 0);
	NUMBER("an unknown call", 9999, 0);
	CHILD_CHECK(failures == 0);
}

/* --- sockets --------------------------------------------------------------------------- */

static void open_sockets(void)
{
	static const int kinds[][3] = {
		{ AF_INET, SOCK_RAW, IPPROTO_ICMP },
		{ AF_INET, SOCK_DGRAM, IPPROTO_ICMP },
		{ AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE },
		{ AF_INET, SOCK_STREAM, IPPROTO_SCTP },
		{ AF_INET, SOCK_STREAM, IPPROTO_MPTCP },
		{ AF_INET6, SOCK_SEQPACKET, 0 },
		{ AF_INET6, SOCK_RAW, IPPROTO_ICMPV6 },
		{ AF_UNIX, SOCK_SEQPACKET, 0 },
		{ AF_NETLINK, SOCK_RAW, NETLINK_GENERIC },
		{ AF_NETLINK, SOCK_RAW, NETLINK_SOCK_DIAG },
		{ AF_NETLINK, SOCK_RAW, NETLINK_AUDIT },
		{ AF_NETLINK, SOCK_RAW, NETLINK_KOBJECT_UEVENT },
		{ AF_PACKET, SOCK_RAW, 0 },
		{ AF_PACKET, SOCK_DGRAM, 0 },
		{ AF_KEY, SOCK_RAW, 2 },
		{ AF_ALG, SOCK_SEQPACKET, 0 },
		{ AF_VSOCK, SOCK_STREAM, 0 },
		{ AF_TIPC, SOCK_RDM, 0 },
		{ AF_BLUETOOTH, SOCK_RAW, 0 },
		{ AF_CAN, SOCK_RAW, 1 },
	};
	struct sock_filter code[] = { { BPF_RET | BPF_K, 0, 0, 0 } };
	struct sock_fprog program = { 1, code };
	struct sockaddr_in any = { .sin_family = AF_INET };
	struct msghdr message = { .msg_name = &tcp_address, .msg_namelen = sizeof tcp_address };
	struct mmsghdr messages = { .msg_hdr = message };
	int udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int pair[2];
	int fd;

	for (size_t i = 0; i < FIXTURE_COUNT(kinds); i++) {
		char what[64];

		(void)snprintf(what, sizeof what, "socket(%d, %d, %d)", kinds[i][0], kinds[i][1],
		               kinds[i][2]);
		refused(what, socket(kinds[i][0], kinds[i][1] | SOCK_CLOEXEC, kinds[i][2]));
	}
	REFUSED(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	CHILD_CHECK(udp >= 0);
	REFUSED(setsockopt(udp, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program));
	REFUSED(setsockopt(udp, SOL_SOCKET, SO_ATTACH_BPF, &udp, sizeof udp));
	REFUSED(setsockopt(udp, SOL_SOCKET, SO_REUSEPORT, &(int){ 1 }, sizeof(int)));
	REFUSED(setsockopt(udp, SOL_SOCKET, SO_MARK, &(int){ 1 }, sizeof(int)));
#ifdef __GLIBC__
	REFUSED(bind(udp, (const struct sockaddr *)&any, sizeof any));
#endif
	(void)any;
	/* Connects without connect(). */
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	REFUSED(sendto(fd, "x", 1, MSG_FASTOPEN | MSG_NOSIGNAL, (const struct sockaddr *)&tcp_address,
	               sizeof tcp_address));
	REFUSED(sendmsg(fd, &message, MSG_FASTOPEN | MSG_NOSIGNAL));
	REFUSED(sendmmsg(fd, &messages, 1, MSG_FASTOPEN | MSG_NOSIGNAL));
	REFUSED(setsockopt(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, &(int){ 1 }, sizeof(int)));
	REFUSED(listen(tcp, 1));
	REFUSED(accept(tcp, NULL, NULL));
	REFUSED(ioctl(udp, SIOCSIFFLAGS, NULL));
	CHILD_CHECK(failures == 0);
}

/* --- what Landlock hides --------------------------------------------------------------- */

static void hidden(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	if (fd == -1 && (errno == EACCES || errno == ENOENT))
		return;
	(void)fprintf(stderr, "%s: %s\n", path, fd == -1 ? strerror(errno) : "opened");
	failures++;
}

static void read_files(void)
{
	char path[64];
	int fd;

	hidden(secret, O_RDONLY);
	hidden(folder, O_RDONLY | O_DIRECTORY);
	hidden("/etc/passwd", O_RDONLY);
	hidden("/etc", O_RDONLY | O_DIRECTORY);
	hidden("/", O_RDONLY | O_DIRECTORY);
	hidden("/usr/bin/env", O_RDONLY);
	hidden("/proc/self/environ", O_RDONLY);
	hidden("/proc/self/maps", O_RDONLY);
	hidden("/dev/tty", O_RDONLY);
	(void)snprintf(path, sizeof path, "/proc/%ld/cmdline", (long)getppid());
	hidden(path, O_RDONLY);
	(void)snprintf(path, sizeof path, "/proc/%ld/mem", (long)getppid());
	hidden(path, O_RDONLY);
	if (sandbox_landlock_abi() >= 4) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		CHILD_CHECK(connect(fd, (const struct sockaddr *)&tcp_address, sizeof tcp_address) == -1 &&
		            errno == EACCES);
	}
	if (sandbox_landlock_abi() >= 6) {
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		CHILD_CHECK(connect(fd, (const struct sockaddr *)&abstract_address, abstract_length) == -1 &&
		            errno == EPERM);
	}
	CHILD_CHECK(failures == 0);
}

/* --- what is left ---------------------------------------------------------------------- */

static void resolve_names(void)
{
	static const char *const files[] = { "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf",
		                             "/etc/services" };
	static const int kinds[][2] = { { AF_INET, SOCK_DGRAM },  { AF_INET6, SOCK_DGRAM },
		                        { AF_INET, SOCK_STREAM }, { AF_UNIX, SOCK_STREAM },
		                        { AF_UNIX, SOCK_DGRAM },  { AF_NETLINK, SOCK_RAW } };
	struct timespec now;
	struct rlimit limit;
	uint8_t byte;
	char line[16];

	for (size_t i = 0; i < FIXTURE_COUNT(files); i++) {
		int fd = open(files[i], O_RDONLY | O_CLOEXEC);

		CHILD_CHECK(fd >= 0 ? read(fd, line, sizeof line) >= 0 : errno == ENOENT);
	}
	for (size_t i = 0; i < FIXTURE_COUNT(kinds); i++)
		CHILD_CHECK(socket(kinds[i][0], kinds[i][1] | SOCK_CLOEXEC, 0) >= 0 || errno == EAFNOSUPPORT);
	CHILD_CHECK(malloc(1024 * 1024) != NULL);
	CHILD_CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0 && poll(NULL, 0, 1) == 0);
	CHILD_CHECK(syscall(SYS_getrandom, &byte, 1, 0) == 1);
	CHILD_CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0 && getppid() > 0);
	CHILD_CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	CHILD_CHECK(fcntl(STDERR_FILENO, F_GETFL) >= 0);
}

#define TRIED(name, with_landlock, without)              \
	static void test_##name(void **state)            \
	{                                                \
		(void)state;                             \
		check_all(name, with_landlock, without); \
	}

TRIED(change_files, true, true)
TRIED(reach_parent, true, true)
TRIED(start_processes, true, true)
TRIED(change_itself, true, true)
TRIED(open_sockets, true, true)
TRIED(read_files, true, false)
TRIED(resolve_names, true, true)

/* --- words for the log ----------------------------------------------------------------- */

static void look_at_lacks(void)
{
	hide_landlock();
	CHILD_CHECK(resolver_lacks() != NULL && strstr(resolver_lacks(), "Landlock") != NULL);
}

static void test_lacks(void **state)
{
	(void)state;
	if (sandbox_landlock_abi() > 0)
		assert_null(resolver_lacks());
	child_check(look_at_lacks);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_change_files),    cmocka_unit_test(test_reach_parent),
		cmocka_unit_test(test_start_processes), cmocka_unit_test(test_change_itself),
		cmocka_unit_test(test_open_sockets),    cmocka_unit_test(test_read_files),
		cmocka_unit_test(test_resolve_names),   cmocka_unit_test(test_lacks),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

#include "child_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <time.h>
#include <linux/seccomp.h>

#include "system/log.h"
#include "system/sandbox.h"
#include "system/sandbox_numbers.h"
#include "system/secret_memory.h"

#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#endif

#define KEY_BYTES 100000
/* Nobody on one machine needs so long. */
#define WAIT_MS 5000

/* What an engine process has before it closes the filter. */
static int udp[2]; /* each sends to the other */
static int channel[2];
static int timer;
static int memfd; /* sealed, KEY_BYTES of 'k' */
static void *page;
static void (*tried)(void);

static int open_udp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static struct sockaddr_in address_of(int fd)
{
	struct sockaddr_in address;
	socklen_t length = sizeof address;

	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	return address;
}

static struct sockaddr_in other; /* of udp[1] */

static int set_up(void **state)
{
	static uint8_t key[KEY_BYTES];

	(void)state;
	udp[0] = open_udp();
	udp[1] = open_udp();
	other = address_of(udp[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel), 0);
	timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	assert_true(timer >= 0);
	memfd = memfd_create("key", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	memset(key, 'k', sizeof key);
	assert_int_equal(write(memfd, key, sizeof key), sizeof key);
	assert_int_equal(fcntl(memfd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL),
	                 0);
	page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(page != MAP_FAILED);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++) {
		(void)close(udp[i]);
		(void)close(channel[i]);
	}
	(void)close(timer);
	(void)close(memfd);
	(void)munmap(page, 4096);
	return 0;
}

/* Once the filter is closed. */
static void try_filtered(void)
{
	struct sandbox_report report = { .seccomp = 0 };
	char problem[SANDBOX_PROBLEM_BYTES];

	CHILD_CHECK(sandbox_filter(&report, problem) == 0);
	if (report.seccomp == 0)
		_exit(CHILD_LACKS);
	tried();
}

/* --- what kills ------------------------------------------------------------------------ */

/* A table of functions that do one thing: CALL(name, one expression). */
#define CALL(name, ...)               \
	static void name(void)        \
	{                             \
		(void)!(__VA_ARGS__); \
	}

static struct stat status_of;
static struct rlimit limit_of;

#ifdef SYS_open
CALL(old_open, syscall(SYS_open, "/tmp/rosenpass-test", O_WRONLY))
CALL(old_fork, syscall(SYS_fork))
#endif
CALL(do_open_write, open("/dev/null", O_WRONLY | O_CLOEXEC))
CALL(do_open_both, open("/dev/null", O_RDWR | O_CLOEXEC))
CALL(do_open_truncate, open("/dev/null", O_RDONLY | O_TRUNC | O_CLOEXEC))
CALL(do_create, open("/tmp/rosenpass-test", O_WRONLY | O_CREAT | O_CLOEXEC, 0600))
CALL(do_openat2, syscall(437, AT_FDCWD, "/etc/passwd", NULL, 0))
CALL(do_unlink, unlink("/tmp/rosenpass-test"))
CALL(do_chdir, chdir("/"))
CALL(do_socket_inet, socket(AF_INET, SOCK_DGRAM, 0))
CALL(do_socket_tcp, socket(AF_INET6, SOCK_STREAM, 0))
CALL(do_socket_unix, socket(AF_UNIX, SOCK_STREAM, 0))
CALL(do_socket_netlink, socket(AF_NETLINK, SOCK_RAW, 0))
CALL(do_socket_packet, socket(AF_PACKET, SOCK_RAW, 0))
CALL(do_socketpair, socketpair(AF_UNIX, SOCK_STREAM, 0, channel))
CALL(do_connect, connect(udp[0], (const struct sockaddr *)&other, sizeof other))
CALL(do_bind, bind(udp[0], (const struct sockaddr *)&other, sizeof other))
CALL(do_listen, listen(channel[0], 1))
CALL(do_setsockopt, setsockopt(udp[0], SOL_SOCKET, SO_BROADCAST, &(int){ 1 }, sizeof(int)))
CALL(do_execve, execl("/bin/true", "true", (char *)NULL))
CALL(do_execveat, syscall(SYS_execveat, memfd, "", NULL, NULL, AT_EMPTY_PATH))
CALL(do_fork, fork())
CALL(do_clone3, syscall(435, NULL, 0))
CALL(do_unshare, unshare(CLONE_NEWUSER))
CALL(do_ptrace, ptrace(PTRACE_TRACEME, 0, NULL, NULL))
CALL(do_read_parent, syscall(SYS_process_vm_readv, getppid(), NULL, 0, NULL, 0, 0))
CALL(do_kill, kill(0, 0))
CALL(do_tgkill, syscall(SYS_tgkill, 1, 1, 0))
CALL(do_tgkill_own, syscall(SYS_tgkill, getpid(), getpid(), SIGTERM))
CALL(do_tgkill_parent, syscall(SYS_tgkill, getppid(), getppid(), SIGABRT))
#ifdef SYS_tkill
CALL(do_tkill_parent, syscall(SYS_tkill, getppid(), SIGABRT))
#endif
CALL(do_handler, signal(SIGTERM, SIG_IGN))
CALL(do_affinity_of_other, syscall(SYS_sched_getaffinity, 1, sizeof limit_of, &limit_of))
CALL(do_mmap_shared_memory, mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))
CALL(do_mmap_exec, mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))
CALL(do_mmap_exec_only, mmap(NULL, 4096, PROT_EXEC, MAP_PRIVATE, memfd, 0))
CALL(do_mprotect_exec, mprotect(page, 4096, PROT_READ | PROT_EXEC))
CALL(do_pkey_mprotect, syscall(SYS_pkey_mprotect, page, 4096, PROT_READ, -1))
CALL(do_ioctl, ioctl(udp[0], SIOCGIFCONF, NULL))
CALL(do_fcntl, fcntl(udp[0], F_SETFL, 0))
CALL(do_set_seals, fcntl(memfd, F_ADD_SEALS, F_SEAL_SEAL))
CALL(do_dup, dup(udp[0]))
CALL(do_memfd_create, memfd_create("x", 0))
CALL(do_prctl, prctl(PR_SET_DUMPABLE, 1))
CALL(do_prctl_name, prctl(PR_SET_NAME, "init"))
CALL(do_setuid, setuid(0))
CALL(do_capset, syscall(SYS_capset, NULL, NULL))
CALL(do_personality, syscall(SYS_personality, 0x0400000))
CALL(do_set_limit, setrlimit(RLIMIT_CORE, &limit_of))
CALL(do_limit_of_other, syscall(SYS_prlimit64, 1, RLIMIT_MEMLOCK, NULL, &limit_of))
CALL(do_seccomp, syscall(SYS_seccomp, 0, 0, NULL))
CALL(do_io_uring, syscall(425, 1, NULL))
CALL(do_bpf, syscall(SYS_bpf, 0, NULL, 0))
CALL(do_chmod_new, syscall(SYS_fchmodat, AT_FDCWD, "/tmp/rosenpass-test", 0644))
CALL(do_unknown, syscall(9999))

static void test_kills(void **state)
{
	static const struct {
		const char *name;
		void (*body)(void);
	} cases[] = {
#ifdef SYS_open
		{ "open to write", old_open },
		{ "fork", old_fork },
#endif
		{ "openat to write", do_open_write },
		{ "openat to read and write", do_open_both },
		{ "openat to truncate", do_open_truncate },
		{ "openat to create", do_create },
		{ "openat2", do_openat2 },
		{ "unlink", do_unlink },
		{ "chdir", do_chdir },
		{ "socket AF_INET", do_socket_inet },
		{ "socket AF_INET6", do_socket_tcp },
		{ "socket AF_UNIX", do_socket_unix },
		{ "socket AF_NETLINK", do_socket_netlink },
		{ "socket AF_PACKET", do_socket_packet },
		{ "socketpair", do_socketpair },
		{ "connect", do_connect },
		{ "bind", do_bind },
		{ "listen", do_listen },
		{ "setsockopt", do_setsockopt },
		{ "execve", do_execve },
		{ "execveat", do_execveat },
		{ "clone", do_fork },
		{ "clone3", do_clone3 },
		{ "unshare", do_unshare },
		{ "ptrace", do_ptrace },
		{ "process_vm_readv", do_read_parent },
		{ "kill", do_kill },
		{ "tgkill", do_tgkill },
		{ "tgkill SIGTERM", do_tgkill_own },
		{ "tgkill of another", do_tgkill_parent },
#ifdef SYS_tkill
		{ "tkill of another", do_tkill_parent },
#endif
		{ "rt_sigaction", do_handler },
		{ "sched_getaffinity of another", do_affinity_of_other },
		{ "mmap MAP_SHARED | MAP_ANONYMOUS", do_mmap_shared_memory },
		{ "mmap PROT_READ | PROT_EXEC", do_mmap_exec },
		{ "mmap PROT_EXEC", do_mmap_exec_only },
		{ "mprotect PROT_EXEC", do_mprotect_exec },
		{ "pkey_mprotect", do_pkey_mprotect },
		{ "ioctl", do_ioctl },
		{ "fcntl F_SETFL", do_fcntl },
		{ "fcntl F_ADD_SEALS", do_set_seals },
		{ "dup", do_dup },
		{ "memfd_create", do_memfd_create },
		{ "prctl PR_SET_DUMPABLE", do_prctl },
		{ "prctl PR_SET_NAME", do_prctl_name },
		{ "setuid", do_setuid },
		{ "capset", do_capset },
		{ "personality", do_personality },
		{ "setrlimit RLIMIT_CORE", do_set_limit },
		{ "prlimit of another process", do_limit_of_other },
		{ "seccomp", do_seccomp },
		{ "io_uring_setup", do_io_uring },
		{ "bpf", do_bpf },
		{ "fchmodat", do_chmod_new },
		{ "an unknown call", do_unknown },
	};

	(void)state;
	if (CHILD_SANITIZED)
		skip();
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		int status;

		tried = cases[i].body;
		status = child_run(try_filtered);
		if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_LACKS)
			skip();
		if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
			fail_msg("%s: status 0x%x instead of SIGSYS", cases[i].name, (unsigned)status);
	}
}

/* --- what works ------------------------------------------------------------------------ */

static void use_udp(void)
{
	uint8_t sent[2][8] = { "first", "second" };
	uint8_t got[2][8] = { { 0 } };
	struct iovec out[2] = { { sent[0], 8 }, { sent[1], 8 } };
	struct iovec in[2] = { { got[0], 8 }, { got[1], 8 } };
	struct mmsghdr messages[2];
	struct pollfd wanted = { .fd = udp[1], .events = POLLIN };
	int count = 0;

	memset(messages, 0, sizeof messages);
	for (size_t i = 0; i < 2; i++) {
		messages[i].msg_hdr.msg_iov = &out[i];
		messages[i].msg_hdr.msg_iovlen = 1;
		messages[i].msg_hdr.msg_name = &other;
		messages[i].msg_hdr.msg_namelen = sizeof other;
	}
	CHILD_CHECK(sendmmsg(udp[0], messages, 2, 0) == 2);
	memset(messages, 0, sizeof messages);
	for (size_t i = 0; i < 2; i++) {
		messages[i].msg_hdr.msg_iov = &in[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while (count < 2) {
		int more;

		CHILD_CHECK(poll(&wanted, 1, WAIT_MS) == 1);
		more = recvmmsg(udp[1], messages + count, 2 - (unsigned)count, MSG_DONTWAIT, NULL);
		CHILD_CHECK(more > 0);
		count += more;
	}
	CHILD_CHECK(memcmp(sent, got, sizeof got) == 0);
}

/* A message with a descriptor, which is then closed. */
static void use_channel(void)
{
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
		                  .cmsg_level = SOL_SOCKET,
		                  .cmsg_type = SCM_RIGHTS } };
	uint8_t byte = 7;
	struct iovec vector = { &byte, 1 };
	struct msghdr message = { .msg_iov = &vector,
		                  .msg_iovlen = 1,
		                  .msg_control = &control,
		                  .msg_controllen = sizeof control.bytes };
	int fd;

	memcpy(CMSG_DATA(&control.header), &memfd, sizeof memfd);
	CHILD_CHECK(sendmsg(channel[0], &message, MSG_NOSIGNAL) == 1);
	memset(&control, 0, sizeof control);
	byte = 0;
	CHILD_CHECK(recvmsg(channel[1], &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) == 1 && byte == 7);
	CHILD_CHECK(control.header.cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(&control.header), sizeof fd);
	CHILD_CHECK(fd > 2 && close(fd) == 0);
	CHILD_CHECK(write(channel[1], "x", 1) == 1 && read(channel[0], &byte, 1) == 1 && byte == 'x');
}

static void use_time(void)
{
	struct itimerspec when = { .it_value = { 0, 1 } };
	struct pollfd wanted = { .fd = timer, .events = POLLIN };
	struct timespec now = { 0, 0 };
	uint64_t count;

	CHILD_CHECK(clock_gettime(CLOCK_BOOTTIME, &now) == 0 && now.tv_sec > 0);
	CHILD_CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
	/* As on machines where the C library has no faster way. */
#ifdef SYS_clock_gettime64
	CHILD_CHECK(syscall(SYS_clock_gettime64, CLOCK_BOOTTIME, (int64_t[2]){ 0 }) == 0);
#else
	CHILD_CHECK(syscall(SYS_clock_gettime, CLOCK_BOOTTIME, &now) == 0);
#endif
	CHILD_CHECK(timerfd_settime(timer, 0, &when, NULL) == 0);
	CHILD_CHECK(poll(&wanted, 1, WAIT_MS) == 1);
	CHILD_CHECK(read(timer, &count, sizeof count) == sizeof count && count == 1);
}

static void use_random(void)
{
	uint8_t bytes[32] = { 0 };

	CHILD_CHECK(getrandom(bytes, sizeof bytes, 0) == sizeof bytes);
	CHILD_CHECK(!fixture_is_zero(bytes, sizeof bytes));
}

/* Sizes for which malloc() asks the kernel in its different ways, up and down again. */
static void use_malloc(void)
{
	static void *held[200];
	static const size_t sizes[] = { 16, 1000, 100000, 1 << 20, 40 << 20 };

	for (size_t i = 0; i < FIXTURE_COUNT(sizes); i++) {
		size_t count = sizes[i] > 1 << 20 ? 3 : FIXTURE_COUNT(held);

		for (size_t j = 0; j < count; j++) {
			held[j] = malloc(sizes[i]);
			CHILD_CHECK(held[j] != NULL);
			*(volatile char *)held[j] = 1;
			held[j] = realloc(held[j], 2 * sizes[i]);
			CHILD_CHECK(held[j] != NULL);
		}
		for (size_t j = 0; j < count; j++)
			free(held[j]);
	}
}

static void use_secret_memory(void)
{
	static const size_t sizes[] = { 32, 3700, 16384, 200000 };

	for (size_t round = 0; round < 2; round++) {
		for (size_t i = 0; i < FIXTURE_COUNT(sizes); i++) {
			void *memory = secret_memory_allocate(NULL, sizes[i]);

			CHILD_CHECK(memory != NULL && fixture_is_zero(memory, sizes[i]));
			memset(memory, 1, sizes[i]);
			secret_memory_release(NULL, memory, sizes[i]);
		}
		secret_memory_use_memfd_secret();
		CHILD_CHECK(secret_memory_kind_name(secret_memory_kind()) != NULL);
	}
}

static void use_shared_key(void)
{
	struct stat status;
	const uint8_t *key;

	CHILD_CHECK(fstat(memfd, &status) == 0 && status.st_size == KEY_BYTES);
	CHILD_CHECK((fcntl(memfd, F_GET_SEALS) & F_SEAL_WRITE) != 0);
	key = mmap(NULL, KEY_BYTES, PROT_READ, MAP_SHARED, memfd, 0);
	CHILD_CHECK(key != MAP_FAILED && key[KEY_BYTES - 1] == 'k');
	CHILD_CHECK(munmap((void *)(uintptr_t)key, KEY_BYTES) == 0);
}

static void use_memory_protection(void)
{
	CHILD_CHECK(mprotect(page, 4096, PROT_NONE) == 0);
	CHILD_CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
	CHILD_CHECK(madvise(page, 4096, MADV_DONTDUMP) == 0);
	*(volatile char *)page = 1;
}

static void use_text(void)
{
	char text[300];

	CHILD_CHECK(snprintf(text, sizeof text, "%-200s %zu %.3f", "x", sizeof text, 1.5) > 200);
	CHILD_CHECK(strlen(strerror(ENOENT)) > 0 && strlen(strerror(99999)) > 0);
	log_set_level(LOG_DEBUG);
	log_debug("a line of a process behind its filter");
}

/* What other C libraries or machines make of the calls above. */
static void use_library_calls(void)
{
	struct iovec vector = { NULL, 0 };
	struct timespec at_once = { 0, 0 };
	uint32_t word = 0;

	CHILD_CHECK(ppoll(NULL, 0, &at_once, NULL) == 0);
	CHILD_CHECK(writev(STDERR_FILENO, &vector, 1) == 0);
	CHILD_CHECK(munlock(page, 4096) == 0);
#ifdef SYS_fstat
	CHILD_CHECK(syscall(SYS_fstat, memfd, &status_of) == 0);
#endif
#ifdef SYS_futex
	CHILD_CHECK(syscall(SYS_futex, &word, 1, 1, NULL, NULL, 0) == 0);
#endif
	/* After a stop in the middle of a wait. */
	CHILD_CHECK(syscall(SYS_restart_syscall) == -1 && errno == EINTR);
	/* Harmless, and expected to fail on kernels without. */
	CHILD_CHECK(prctl(PR_SET_VMA, 0, page, 4096, "name") == -1 && errno == EINVAL);
	(void)syscall(SYS_exit, 0);
}

static void leave(void)
{
	/* With all that atexit() and stdio do at the end. */
	exit(0);
}

static void check_works(void (*body)(void))
{
	if (CHILD_SANITIZED)
		skip();
	tried = body;
	child_check(try_filtered);
}

#define WORKS(name)                           \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		check_works(name);            \
	}

WORKS(use_udp)
WORKS(use_channel)
WORKS(use_time)
WORKS(use_random)
WORKS(use_malloc)
WORKS(use_secret_memory)
WORKS(use_shared_key)
WORKS(use_memory_protection)
WORKS(use_text)
WORKS(use_library_calls)
WORKS(leave)

/* --- handlers --------------------------------------------------------------------------- */

static volatile sig_atomic_t handled;

static void handle(int signal_number)
{
	handled = signal_number;
}

/* The parent interrupts the wait; returning from the handler is a system call as well. */
static void be_interrupted(void)
{
	static const struct sigaction action = { .sa_handler = handle };
	struct sandbox_report report;
	char problem[SANDBOX_PROBLEM_BYTES];

	CHILD_CHECK(sigaction(SIGUSR1, &action, NULL) == 0);
	CHILD_CHECK(sandbox_filter(&report, problem) == 0);
	CHILD_CHECK(write(channel[1], "r", 1) == 1);
	while (handled == 0)
		CHILD_CHECK(poll(NULL, 0, 10) == 0 || errno == EINTR);
	CHILD_CHECK(handled == SIGUSR1);
}

static void test_handler(void **state)
{
	pid_t child;
	char byte;

	(void)state;
	if (CHILD_SANITIZED)
		skip();
	child = child_start(be_interrupted);
	assert_int_equal(read(channel[0], &byte, 1), 1);
	assert_int_equal(kill(child, SIGUSR1), 0);
	assert_int_equal(child_wait(child), 0);
}

/* --- kernels that have no filters, or refuse them --------------------------------------- */

/* As if the kernel answered that to a call whose first argument has that value. */
static void pretend(const char *name, uint64_t first, int error)
{
	const struct scmp_arg_cmp compare = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = first };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	CHILD_CHECK(filter != NULL);
	CHILD_CHECK(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint32_t)error),
	                                   seccomp_syscall_resolve_name(name), 1, &compare) == 0);
	CHILD_CHECK(seccomp_load(filter) == 0);
	seccomp_release(filter);
}

static void filter_without_kernel(void)
{
	struct sandbox_report report = { .seccomp = 1 };
	char problem[SANDBOX_PROBLEM_BYTES] = "";

	pretend("prctl", PR_SET_SECCOMP, EINVAL);
	CHILD_CHECK(sandbox_filter(&report, problem) == 0);
	CHILD_CHECK(report.seccomp == 0 && problem[0] == '\0');
}

static void filter_refused(void)
{
	struct sandbox_report report = { .seccomp = 1 };
	char problem[SANDBOX_PROBLEM_BYTES] = "";

	pretend("seccomp", SECCOMP_SET_MODE_FILTER, EACCES);
	CHILD_CHECK(sandbox_filter(&report, problem) == -1);
	CHILD_CHECK(report.seccomp == 0);
	CHILD_CHECK(strstr(problem, "seccomp") != NULL && strstr(problem, strerror(EACCES)) != NULL);
}

/* Where no secret memory needs a size, files that are open by mistake cannot be cut. */
static void cut_a_file(void)
{
	struct sandbox_report report;
	char problem[SANDBOX_PROBLEM_BYTES];
	int fd = memfd_create("file", MFD_CLOEXEC);

	CHILD_CHECK(fd >= 0);
	pretend("memfd_secret", O_CLOEXEC, ENOSYS);
	CHILD_CHECK(sandbox_filter(&report, problem) == 0);
	CHILD_CHECK(ftruncate(fd, 0) == 0);
}

static void test_cut_a_file(void **state)
{
	int status;

	(void)state;
	if (CHILD_SANITIZED)
		skip();
	status = child_run(cut_a_file);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void test_without_kernel(void **state)
{
	(void)state;
	if (CHILD_SANITIZED)
		skip();
	child_check(filter_without_kernel);
}

static void test_refused(void **state)
{
	(void)state;
	if (CHILD_SANITIZED)
		skip();
	child_check(filter_refused);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kills),
		cmocka_unit_test(test_use_udp),
		cmocka_unit_test(test_use_channel),
		cmocka_unit_test(test_use_time),
		cmocka_unit_test(test_use_random),
		cmocka_unit_test(test_use_malloc),
		cmocka_unit_test(test_use_secret_memory),
		cmocka_unit_test(test_use_shared_key),
		cmocka_unit_test(test_use_memory_protection),
		cmocka_unit_test(test_use_text),
		cmocka_unit_test(test_use_library_calls),
		cmocka_unit_test(test_leave),
		cmocka_unit_test(test_handler),
		cmocka_unit_test(test_cut_a_file),
		cmocka_unit_test(test_without_kernel),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

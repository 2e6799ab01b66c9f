#include "fixture.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "resolver_fixture.h"
#include "system/secret_memory.h"

#define NONSENSE "the resolver process sent nonsense"

/* --- what the process may do --------------------------------------------------------- */

/* test_resolver_restrict.c tries more. Each is 0 when it is refused as it should be. */
static int try_execve(void)
{
	char *const words[] = { "false", NULL };

	return execve("/bin/false", words, words + 1) == -1 && errno == EPERM ? 0 : 1;
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return pid == -1 && errno == EPERM ? 0 : 1;
}

static int try_kill(void)
{
	return kill(getppid(), 0) == -1 && errno == EPERM ? 0 : 1;
}

static int try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) == -1 && errno == EPERM ? 0 : 1;
}

static int try_serve(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

#ifdef __GLIBC__
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) != -1 || errno != EPERM)
		return 1;
#endif
	(void)address;
	if (listen(fd, 1) != -1 || errno != EPERM)
		return 2;
	return accept(fd, NULL, NULL) == -1 && errno == EPERM ? 0 : 3;
}

static int try_write(void)
{
	static const int flags[] = { O_WRONLY, O_RDWR, O_RDONLY | O_CREAT, O_RDONLY | O_TRUNC };

	for (size_t i = 0; i < FIXTURE_COUNT(flags); i++) {
		if (open("/tmp/test_resolver.file", flags[i] | O_CLOEXEC, 0600) != -1 || errno != EPERM)
			return 1;
	}
	if (creat("/tmp/test_resolver.file", 0600) != -1 || errno != EPERM)
		return 2;
	if (unlink("/tmp/test_resolver.none") != -1 || errno != EPERM)
		return 3;
	if (rename("/tmp/test_resolver.none", "/tmp/test_resolver.file") != -1 || errno != EPERM)
		return 4;
	return mkdir("/tmp/test_resolver.file", 0700) == -1 && errno == EPERM ? 0 : 5;
}

static int try_state(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
	struct rlimit limit;

	if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != 0)
		return 1;
	if (getrlimit(RLIMIT_CPU, &limit) != 0 || limit.rlim_max > 60)
		return 2;
	if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_max == RLIM_INFINITY)
		return 3;
	/* test_resolver.c sees from outside that it is not dumpable. */
	if (prctl(PR_SET_DUMPABLE, 1) != -1 || errno != EPERM)
		return 4;
	memset(sets, 0xff, sizeof sets);
	return syscall(SYS_capget, &header, sets) == 0 && fixture_is_zero(sets, sizeof sets) ? 0 : 5;
}

/* And what it needs still works. */
static int try_needed(void)
{
	int fd = open("/etc/hosts", O_RDONLY | O_CLOEXEC);

	if ((fd < 0 && errno != ENOENT) || socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) < 0 ||
	    socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0)
		return 1;
	return malloc(1024 * 1024) != NULL ? 0 : 2;
}

static void test_from_inside(void **state)
{
	static int (*const tries[])(void) = { try_execve, try_fork,  try_kill,  try_ptrace,
		                              try_serve,  try_write, try_state, try_needed };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(tries); i++) {
		int status;
		pid_t pid = fork();

		if (pid == 0)
			_exit(resolver_restrict(&same_user) == 0 ? tries[i]() : 99);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		if (status != 0)
			fail_msg("try %zu has status 0x%x", i, (unsigned)status);
	}
}

/* Returns whether /proc/PID/FILE has these bytes at an offset. */
static bool has_bytes(pid_t pid, const char *file, off_t offset, const void *bytes, size_t length)
{
	uint8_t found[64];
	char path[64];
	ssize_t got;
	int fd;

	assert_true(length <= sizeof found);
	(void)snprintf(path, sizeof path, "/proc/%ld/%s", (long)pid, file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	got = pread(fd, found, length, offset);
	(void)close(fd);
	return got == (ssize_t)length && memcmp(found, bytes, length) == 0;
}

/* Stops the process once it has its name, which it takes after wiping. false: it has ended. */
static bool stop_named(pid_t pid)
{
	siginfo_t info = { 0 };

	while (!has_bytes(pid, "comm", 0, "rosenpass-names", 15)) {
		if (waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0)
			return false;
	}
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WSTOPPED | WNOWAIT), 0);
	return info.si_code == CLD_STOPPED;
}

/* Secrets of the parent are not in its memory, which else is a copy. */
static void test_wipes_secrets(void **state)
{
	static uint8_t plain[32];
	uint8_t *secret = secret_memory_allocate(NULL, 32);
	bool seen = false;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_non_null(secret);
	memset(plain, 0x5c, sizeof plain);
	memset(secret, 0x5c, sizeof plain);
	for (int i = 0; i < 100 && !seen; i++) {
		static const uint8_t zeros[32];
		struct resolver_job job;

		assert_int_equal(resolver_start(&job, "127.0.0.1:1", &same_user), 0);
		seen = stop_named(job.pid) && has_bytes(job.pid, "mem", (off_t)(uintptr_t)plain, plain, 32);
		if (seen)
			assert_true(has_bytes(job.pid, "mem", (off_t)(uintptr_t)secret, zeros, 32));
		resolver_cancel(&job);
	}
	assert_true(seen);
	assert_memory_equal(secret, plain, 32);
	secret_memory_release(NULL, secret, 32);
}

/* Who cannot become another user must not go on as who it is. */
static void test_cannot_change_user(void **state)
{
	struct outcome outcome;

	(void)state;
	if (geteuid() == 0)
		skip();
	resolve("127.0.0.1:1", &other_user, &outcome);
	assert_non_null(strstr(outcome.problem, "sandbox cannot be closed"));
}

static void test_cannot_start(void **state)
{
	struct resolver_job job = { .pid = 7, .fd = 7 };
	struct rlimit limit;
	struct rlimit low;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	assert_int_equal(resolver_start(&job, "127.0.0.1:1", &same_user), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(job.pid, 0);
	resolver_cancel(&job);
}

/* --- answers that are not believed --------------------------------------------------- */

static struct resolver_answer good_answer(void)
{
	struct resolver_answer answer;
	const char *problem;

	memset(&answer, 0, sizeof answer);
	assert_int_equal(address_parse("192.0.2.1:5", &answer.addresses[0], &problem), 0);
	assert_int_equal(address_parse("[fe80::1%7]:6", &answer.addresses[1], &problem), 0);
	answer.count = 2;
	return answer;
}

static void judge(const struct resolver_answer *answer, struct outcome *outcome)
{
	memset(outcome, 0x55, sizeof *outcome);
	outcome->result = resolver_read_answer((const uint8_t *)answer, sizeof *answer, outcome->list,
	                                       &outcome->count, outcome->problem);
}

static void check_nonsense(const struct resolver_answer *answer)
{
	struct outcome outcome;

	judge(answer, &outcome);
	assert_int_equal(outcome.result, -1);
	assert_int_equal(outcome.count, 0);
	assert_string_equal(outcome.problem, NONSENSE);
}

static void test_answers(void **state)
{
	struct resolver_answer answer = good_answer();
	struct resolver_answer clean = answer;
	struct outcome outcome;

	(void)state;
	judge(&answer, &outcome);
	assert_int_equal(outcome.result, 0);
	assert_int_equal(outcome.count, 2);
	assert_true(has(&outcome, "192.0.2.1:5") && has(&outcome, "[fe80::1%7]:6"));

	/* What is beside the address does not come through. */
	memset(answer.addresses[0].v4.sin_zero, 0xee, sizeof answer.addresses[0].v4.sin_zero);
	memset((uint8_t *)&answer.addresses[0] + sizeof answer.addresses[0].v4, 0xee,
	       sizeof answer.addresses[0] - sizeof answer.addresses[0].v4);
	answer.addresses[1].v6.sin6_flowinfo = 0xeeeeeeee;
	answer.addresses[2].any.sa_family = 99;
	judge(&answer, &outcome);
	assert_int_equal(outcome.result, 0);
	assert_memory_equal(outcome.list, clean.addresses, 2 * sizeof outcome.list[0]);

	memset(&answer, 0, sizeof answer);
	(void)strcpy(answer.problem, "a\nb\033[2Jc\xc3\xa4");
	judge(&answer, &outcome);
	assert_int_equal(outcome.result, -1);
	assert_int_equal(outcome.count, 0);
	assert_string_equal(outcome.problem, "a?b?[2Jc??");
	memset(answer.problem, 'x', sizeof answer.problem - 1);
	judge(&answer, &outcome);
	assert_int_equal(strlen(outcome.problem), sizeof answer.problem - 1);
}

/* However many addresses are promised, no more are written than there is room for. */
static void test_too_many(void **state)
{
	struct resolver_answer answer = good_answer();
	union address_socket list[RESOLVER_ADDRESSES_MAX + 1];
	union address_socket untouched;
	char problem[RESOLVER_PROBLEM_BYTES];
	size_t count;

	(void)state;
	for (size_t i = 1; i < RESOLVER_ADDRESSES_MAX; i++)
		answer.addresses[i] = answer.addresses[0];
	answer.count = RESOLVER_ADDRESSES_MAX + 1;
	memset(list, 0x55, sizeof list);
	memset(&untouched, 0x55, sizeof untouched);
	assert_int_equal(resolver_read_answer((const uint8_t *)&answer, sizeof answer, list, &count, problem),
	                 -1);
	assert_memory_equal(&list[RESOLVER_ADDRESSES_MAX], &untouched, sizeof untouched);
	answer.count = RESOLVER_ADDRESSES_MAX;
	assert_int_equal(resolver_read_answer((const uint8_t *)&answer, sizeof answer, list, &count, problem),
	                 0);
	assert_int_equal(count, RESOLVER_ADDRESSES_MAX);
	assert_memory_equal(&list[RESOLVER_ADDRESSES_MAX], &untouched, sizeof untouched);
}

static void test_nonsense(void **state)
{
	static const sa_family_t families[] = { AF_UNSPEC, AF_UNIX, AF_NETLINK, 0xffff };
	static const uint32_t counts[] = { RESOLVER_ADDRESSES_MAX + 1, 0x10000, UINT32_MAX };
	struct resolver_answer answer;
	uint8_t long_answer[sizeof answer + 1] = { 0 };
	struct outcome outcome;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(families); i++) {
		answer = good_answer();
		answer.addresses[i % 2].any.sa_family = families[i];
		check_nonsense(&answer);
	}
	for (size_t i = 0; i < FIXTURE_COUNT(counts); i++) {
		answer = good_answer();
		answer.count = counts[i];
		check_nonsense(&answer);
	}
	/* An IPv4 address in the clothes of IPv6, with which no socket of ours could do anything. */
	answer = good_answer();
	memset(&answer.addresses[1].v6.sin6_addr, 0, 16);
	memset(answer.addresses[1].v6.sin6_addr.s6_addr + 10, 0xff, 2);
	check_nonsense(&answer);
	/* Both, neither, and words without an end. */
	answer = good_answer();
	answer.problem[0] = 'x';
	check_nonsense(&answer);
	memset(&answer, 0, sizeof answer);
	check_nonsense(&answer);
	memset(answer.problem, 'x', sizeof answer.problem);
	check_nonsense(&answer);

	answer = good_answer();
	memcpy(long_answer, &answer, sizeof answer);
	for (size_t length = 0; length <= sizeof long_answer; length++) {
		if (length == sizeof answer)
			continue;
		assert_int_equal(resolver_read_answer(long_answer, length, outcome.list, &outcome.count,
		                                      outcome.problem),
		                 -1);
		assert_int_equal(outcome.count, 0);
		assert_string_equal(outcome.problem, NONSENSE);
	}
}

/* A process that is not ours any more: what it writes, and whether it goes on after that. */
static void start_hostile(struct resolver_job *job, const void *bytes, size_t length, int ends_by)
{
	int pair[2];

	assert_int_equal(pipe2(pair, O_CLOEXEC | O_NONBLOCK), 0);
	job->pid = fork();
	if (job->pid == 0) {
		(void)close(pair[0]);
		if (write(pair[1], bytes, length) != (ssize_t)length)
			_exit(1);
		if (ends_by < 0)
			(void)close(pair[1]);
		while (ends_by <= 0)
			(void)pause();
		(void)raise(ends_by);
		_exit(0);
	}
	(void)close(pair[1]);
	job->fd = pair[0];
}

static void test_hostile(void **state)
{
	static const struct {
		size_t length; /* of the bytes of a good answer and more */
		int ends_by;   /* -1: closes the pipe and lives; 0: lives; else a signal */
		const char *problem;
	} cases[] = {
		{ sizeof(struct resolver_answer), 0, "" },
		{ sizeof(struct resolver_answer) - 1, 0, NONSENSE },
		{ sizeof(struct resolver_answer) + 1, 0, NONSENSE },
		{ 60000, 0, NONSENSE },
		{ 1, -1, NONSENSE },
		{ 0, -1, "the resolver process ended without an answer" },
		{ 0, SIGKILL, "the resolver process ended without an answer" },
		{ 0, SIGALRM, "no answer for 30 seconds" },
		{ 0, SIGTERM, "the resolver process was ended by signal 15 (Terminated)" },
	};
	static uint8_t bytes[60000];
	struct resolver_answer answer = good_answer();

	(void)state;
	memcpy(bytes, &answer, sizeof answer);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct resolver_job job;
		struct outcome outcome;

		start_hostile(&job, bytes, cases[i].length, cases[i].ends_by);
		wait_for(job.fd);
		finish(&job, &outcome);
		assert_string_equal(outcome.problem, cases[i].problem);
		assert_int_equal(check_after(NULL), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		checked(test_from_inside),  checked(test_wipes_secrets), checked(test_cannot_change_user),
		checked(test_cannot_start), checked(test_answers),       checked(test_nonsense),
		checked(test_hostile),      checked(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

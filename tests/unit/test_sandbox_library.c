/* The filter of the engine process, and what a C library does when it first needs something. */

#include "child_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "system/sandbox.h"
#include "system/sandbox_numbers.h"

/* Open before the filter is closed. */
static int channel[2];
static int memfd;
static struct stat status_of;
static void (*tried)(void);

static int set_up(void **state)
{
	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel), 0);
	memfd = memfd_create("key", MFD_CLOEXEC);
	assert_true(memfd >= 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	(void)close(channel[0]);
	(void)close(channel[1]);
	(void)close(memfd);
	return 0;
}

static void try_filtered(void)
{
	struct sandbox_report report = { .seccomp = 0 };
	char problem[SANDBOX_PROBLEM_BYTES];

	CHILD_CHECK(sandbox_filter(&report, problem) == 0);
	if (report.seccomp == 0)
		_exit(CHILD_LACKS);
	tried();
}

/* --- what is refused without killing --------------------------------------------------- */

#define STATX_BYTES 256

static void check_refused(const char *what, long result, int expected)
{
	if (result == -1 && errno == expected)
		return;
	(void)fprintf(stderr, "%s: %ld, %s\n", what, result, strerror(errno));
	_exit(1);
}

#define REFUSED(expected, ...) check_refused(#__VA_ARGS__, (long)(__VA_ARGS__), expected)

/* Harmless calls that a C library or a newer one makes when it first needs something. */
static void use_refused(void)
{
	char buffer[STATX_BYTES];

#ifdef SYS_open
	REFUSED(EACCES, syscall(SYS_open, "/etc/localtime", O_RDONLY));
	REFUSED(EACCES, syscall(SYS_stat, "/etc/localtime", &status_of));
	REFUSED(EACCES, syscall(SYS_access, "/etc/localtime", R_OK));
	REFUSED(EACCES, syscall(SYS_readlink, "/proc/self/exe", buffer, sizeof buffer));
#endif
	REFUSED(EACCES, open("/etc/localtime", O_RDONLY | O_CLOEXEC));
	REFUSED(EACCES, open("/sys/devices/system/cpu", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	REFUSED(EACCES, stat("/etc/localtime", &status_of));
	REFUSED(EACCES, lstat("/etc/localtime", &status_of));
	REFUSED(EACCES, access("/etc/localtime", R_OK));
	REFUSED(EACCES, readlink("/proc/self/exe", buffer, sizeof buffer));
#ifdef SYS_newfstatat
	REFUSED(ENOSYS, syscall(SYS_statx, memfd, "", AT_EMPTY_PATH, 0, buffer));
#endif
	REFUSED(ENOSYS, syscall(SYS_membarrier, 0, 0, 0));
	REFUSED(ENOSYS, syscall(SYS_set_robust_list, NULL, 24));
	REFUSED(ESPIPE, lseek(memfd, 0, SEEK_CUR));
	REFUSED(ENOTTY, isatty(STDERR_FILENO) - 1);
	REFUSED(EPERM, signal(SIGABRT, SIG_DFL) == SIG_ERR ? -1 : 0);
#ifdef SANDBOX_SHARED_NUMBERS
	REFUSED(ENOSYS, syscall(449, NULL, 0, 0, NULL, 0));              /* futex_waitv */
	REFUSED(ENOSYS, syscall(452, AT_FDCWD, "/etc/passwd", 0644, 0)); /* fchmodat2 */
	REFUSED(ENOSYS, syscall(462, &status_of, 4096, 0));              /* mseal */
	REFUSED(ENOSYS, syscall(511));
#endif
}

/* --- first use --------------------------------------------------------------------------- */

/* The calls of a first getrandom() by way of the vDSO, as glibc makes them since 2.41. */
static void use_random_first(void)
{
	static const unsigned droppable = 0x08; /* MAP_DROPPABLE; kernels before 6.11 do not know it */
	uint64_t all = UINT64_MAX;
	uint64_t old = 0;
	uint8_t processors[128];
	void *state;
	void *list;

	CHILD_CHECK(syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &old, sizeof all) == 0);
	CHILD_CHECK(syscall(SYS_sched_getaffinity, 0, sizeof processors, processors) > 0 || errno == EINVAL);
	state = mmap(NULL, 4096, PROT_READ | PROT_WRITE, (int)(MAP_ANONYMOUS | droppable), -1, 0);
	CHILD_CHECK(state != MAP_FAILED || errno == EINVAL);
	list = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHILD_CHECK(list != MAP_FAILED);
	list = mremap(list, 4096, 8192, MREMAP_MAYMOVE);
	CHILD_CHECK(list != MAP_FAILED && munmap(list, 8192) == 0);
	CHILD_CHECK(syscall(SYS_rt_sigprocmask, SIG_SETMASK, &old, NULL, sizeof old) == 0);
	CHILD_CHECK(syscall(SYS_getrandom, processors, 32, 0) == 32);
}

static int compare_words(const void *left, const void *right)
{
	return memcmp(left, right, sizeof(uint32_t));
}

/* Parts of the C library that make system calls when they are used first, files among them. */
static void use_library_first(void)
{
	static uint32_t words[400000];
	struct tm broken;
	time_t zero = 0;
	FILE *stream = fdopen(channel[0], "r+");
	char *line = NULL;
	size_t size = 0;

	/* With a buffer on the heap: glibc's qsort() asks how much memory the machine has. */
	for (size_t i = 0; i < FIXTURE_COUNT(words); i++)
		words[i] = (uint32_t)(i * 2654435761u);
	qsort(words, FIXTURE_COUNT(words), sizeof words[0], compare_words);
	/* No file of time zones: universal time. */
	CHILD_CHECK(localtime_r(&zero, &broken) != NULL && broken.tm_year == 70 && broken.tm_hour == 0);
	CHILD_CHECK(stream != NULL && write(channel[1], "line\n", 5) == 5);
	CHILD_CHECK(getline(&line, &size, stream) == 5 && fputs("word", stream) >= 0 && fflush(stream) == 0);
	free(line);
	CHILD_CHECK(sysconf(_SC_OPEN_MAX) > 0 && sysconf(_SC_NPROCESSORS_ONLN) > 0);
	CHILD_CHECK(time(NULL) > 0 && getpid() > 0 && getuid() == geteuid());
	CHILD_CHECK(nanosleep(&(struct timespec){ 0, 1 }, NULL) == 0);
	CHILD_CHECK(fcntl(memfd, F_GETFD) == FD_CLOEXEC && fcntl(memfd, F_GETFL) != -1);
}

/* An allocator that finds its memory corrupted: the process ends as it does everywhere. */
static void do_abort(void)
{
	abort();
}

static void test_abort(void **state)
{
	int status;

	(void)state;
	if (CHILD_SANITIZED)
		skip();
	tried = do_abort;
	status = child_run(try_filtered);
	if (WIFEXITED(status) && WEXITSTATUS(status) == CHILD_LACKS)
		skip();
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

#define WORKS(name)                           \
	static void test_##name(void **state) \
	{                                     \
		(void)state;                  \
		if (CHILD_SANITIZED)          \
			skip();               \
		tried = name;                 \
		child_check(try_filtered);    \
	}

WORKS(use_refused)
WORKS(use_random_first)
WORKS(use_library_first)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_use_refused),
		cmocka_unit_test(test_use_random_first),
		cmocka_unit_test(test_use_library_first),
		cmocka_unit_test(test_abort),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

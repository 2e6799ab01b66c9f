#include "child_fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <linux/capability.h>

#include "system/sandbox.h"
#include "system/sandbox_landlock.h"
#include "system/sandbox_numbers.h"

#define NOBODY 65534
#define DYNAMIC_FIRST 61184
#define DYNAMIC_LAST 65519
#define OCCUPIED 63210

static const struct sandbox_user stay = { .change = false };

/* --- whom to become ------------------------------------------------------------------------ */

/* One case of sandbox_choose_user(), by root or by nobody. */
static struct {
	bool root;
	const char *name;
	int result;
	bool change;
	long uid;            /* -1: any of the dynamic range, that is no user's */
	const char *problem; /* a part of it */
} choice;

static void choose(void)
{
	struct sandbox_user user = { .change = false };
	char problem[SANDBOX_PROBLEM_BYTES] = "";

	if (!choice.root && geteuid() == 0)
		CHILD_CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	CHILD_CHECK(sandbox_choose_user(&user, choice.name, problem) == choice.result);
	if (choice.result != 0) {
		CHILD_CHECK(strstr(problem, choice.problem) != NULL);
		return;
	}
	CHILD_CHECK(user.change == choice.change);
	if (choice.uid >= 0) {
		CHILD_CHECK(user.uid == (uid_t)choice.uid);
		return;
	}
	CHILD_CHECK(user.uid >= DYNAMIC_FIRST && user.uid <= DYNAMIC_LAST && user.gid == user.uid);
	CHILD_CHECK(getpwuid(user.uid) == NULL && getgrgid(user.gid) == NULL);
}

static void check_choice(bool root, const char *name, int result, bool change, long uid, const char *problem)
{
	int status;

	choice.root = root;
	choice.name = name;
	choice.result = result;
	choice.change = change;
	choice.uid = uid;
	choice.problem = problem;
	status = child_run(choose);
	if (status != 0)
		fail_msg("user %s: status 0x%x", name == NULL ? "(none)" : name, (unsigned)status);
}

static void test_choose_as_user(void **state)
{
	uid_t uid = geteuid() == 0 ? NOBODY : geteuid();
	const struct passwd *own = getpwuid(uid);
	char name[64] = "";

	(void)state;
	if (own != NULL)
		(void)snprintf(name, sizeof name, "%s", own->pw_name);
	check_choice(false, NULL, 0, false, (long)uid, NULL);
	if (name[0] != '\0')
		check_choice(false, name, 0, false, (long)uid, NULL);
	check_choice(false, "root", -1, false, 0, "only root can become user \"root\"");
	check_choice(false, "no-such-user", -1, false, 0, "there is no user \"no-such-user\"");
}

static void test_choose_as_root(void **state)
{
	const struct passwd *known = getpwnam("rosenpass");
	long uid = known == NULL ? -1 : (long)known->pw_uid;

	(void)state;
	if (geteuid() != 0)
		skip();
	check_choice(true, NULL, 0, true, uid, NULL);
	if (getpwnam("nobody") != NULL)
		check_choice(true, "nobody", 0, true, (long)getpwnam("nobody")->pw_uid, NULL);
	check_choice(true, "root", -1, false, 0, "is root");
	check_choice(true, "no-such-user", -1, false, 0, "there is no user \"no-such-user\"");
}

/* The numbers of a user namespace, which the parent has to write, and those that a process in it has. */
static int talk[2]; /* the parent's end and the child's */
static bool occupied[2];

static pid_t start_occupant(uid_t uid)
{
	int ready[2];
	pid_t child;
	char byte;

	CHILD_CHECK(pipe2(ready, O_CLOEXEC) == 0);
	child = fork();
	CHILD_CHECK(child >= 0);
	if (child > 0) {
		CHILD_CHECK(read(ready[0], &byte, 1) == 1);
		return child;
	}
	/* One of its four users is enough: the saved one here. */
	CHILD_CHECK(setresuid(0, 0, uid) == 0);
	CHILD_CHECK(prctl(PR_SET_PDEATHSIG, SIGKILL) == 0);
	/* As an engine process: its files in /proc belong to root. */
	CHILD_CHECK(prctl(PR_SET_DUMPABLE, 0) == 0);
	CHILD_CHECK(write(ready[1], "r", 1) == 1);
	for (;;)
		(void)pause();
}

static void choose_in_namespace(void)
{
	pid_t occupants[2] = { 0, 0 };
	char byte;

	(void)close(talk[0]);
	if (unshare(CLONE_NEWUSER) != 0)
		_exit(CHILD_LACKS);
	CHILD_CHECK(write(talk[1], "u", 1) == 1 && read(talk[1], &byte, 1) == 1);
	for (size_t i = 0; i < 2; i++) {
		if (occupied[i])
			occupants[i] = start_occupant(OCCUPIED + (uid_t)i);
	}
	choose();
	for (size_t i = 0; i < 2; i++) {
		if (occupants[i] > 0)
			CHILD_CHECK(kill(occupants[i], SIGKILL) == 0 &&
			            waitpid(occupants[i], NULL, 0) == occupants[i]);
	}
}

static void write_map(pid_t child, const char *file, const char *text)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof path, "/proc/%d/%s", (int)child, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	(void)close(fd);
}

/* Returns false where this machine allows no such namespace. */
static bool check_namespace(const char *map)
{
	pid_t child;
	char byte;
	int status;
	bool unshared;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk), 0);
	child = child_start(choose_in_namespace);
	(void)close(talk[1]);
	unshared = read(talk[0], &byte, 1) == 1;
	if (unshared) {
		write_map(child, "uid_map", map);
		write_map(child, "gid_map", map);
		assert_int_equal(write(talk[0], "m", 1), 1);
	}
	status = child_wait(child);
	(void)close(talk[0]);
	if (unshared && status != 0)
		fail_msg("namespace of \"%s\": status 0x%x", map, (unsigned)status);
	return unshared;
}

static void test_choose_in_namespace(void **state)
{
	static const struct {
		const char *map;
		bool occupied[2];
		int result;
		bool change;
		long uid;
	} cases[] = {
		/* Two of our numbers are there, and taken in turn. */
		{ "0 0 1\n63210 63210 2\n", { true, false }, 0, true, OCCUPIED + 1 },
		{ "0 0 1\n63210 63210 2\n", { false, true }, 0, true, OCCUPIED },
		{ "0 0 1\n63210 63210 2\n", { true, true }, -1, false, 0 },
		{ "0 0 65536\n", { true, true }, 0, true, -1 },
		{ "0 0 1\n65519 65519 1\n", { false, false }, 0, true, 65519 },
		/* None: root of a container of one user. */
		{ "0 0 1\n", { false, false }, 0, false, 0 },
		{ "0 0 61184\n", { false, false }, 0, false, 0 },
	};

	(void)state;
	if (geteuid() != 0 || getpwnam("rosenpass") != NULL)
		skip();
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		choice.root = true;
		choice.name = NULL;
		choice.result = cases[i].result;
		choice.change = cases[i].change;
		choice.uid = cases[i].uid;
		choice.problem = "61184 to 65519 are in use";
		memcpy(occupied, cases[i].occupied, sizeof occupied);
		if (!check_namespace(cases[i].map))
			skip();
	}
}

/* --- what is given up ---------------------------------------------------------------------- */

/* A field of /proc/PID/status, without white space at its ends. */
static void read_status(pid_t child, const char *field, char value[static 256])
{
	char path[64];
	char line[256];
	size_t length = strlen(field);
	bool found = false;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%d/status", (int)child);
	file = fopen(path, "re");
	assert_non_null(file);
	while (!found && fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, field, length) != 0 || line[length] != ':')
			continue;
		found = true;
		(void)strcpy(value, line + length + 1 + strspn(line + length + 1, " \t"));
		for (size_t end = strlen(value); end > 0 && strchr(" \t\n", value[end - 1]) != NULL; end--)
			value[end - 1] = '\0';
	}
	(void)fclose(file);
	assert_true(found);
}

static struct sandbox_user becomes;

/* As much of capabilities and groups as this process may have, so that there is something to give up. */
static void take_all(void)
{
	static const gid_t groups[] = { 1, 2, 3 };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];

	if (geteuid() != 0)
		return;
	CHILD_CHECK(setgroups(FIXTURE_COUNT(groups), groups) == 0);
	CHILD_CHECK(syscall(SYS_capget, &header, sets) == 0);
	for (size_t i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		sets[i].inheritable = sets[i].permitted;
	CHILD_CHECK(syscall(SYS_capset, &header, sets) == 0);
	CHILD_CHECK(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0) == 0);
	CHILD_CHECK(prctl(PR_SET_DUMPABLE, 1) == 0);
}

static void drop_and_wait(void)
{
	struct sandbox_report report = { .seccomp = 1 };
	struct rlimit limit;
	char problem[SANDBOX_PROBLEM_BYTES] = "";
	char byte;

	/* The test may end before it answers. */
	(void)close(talk[0]);
	take_all();
	CHILD_CHECK(sandbox_drop(&becomes, &report, problem) == 0);
	CHILD_CHECK(report.seccomp == 0 && report.no_capabilities == 1 && report.no_new_privileges == 1 &&
	            report.not_dumpable == 1);
	CHILD_CHECK(report.changed_user == becomes.change && report.uid == geteuid());
	CHILD_CHECK(prctl(PR_GET_DUMPABLE) == 0);
	CHILD_CHECK(getrlimit(RLIMIT_CORE, &limit) == 0 && limit.rlim_cur == 0 && limit.rlim_max == 0);
	if (becomes.change) {
		CHILD_CHECK(setuid(0) == -1 && errno == EPERM);
		CHILD_CHECK(setgid(0) == -1 && errno == EPERM);
	}
	CHILD_CHECK(write(talk[1], "d", 1) == 1 && read(talk[1], &byte, 1) == 1);
}

static void check_drop(bool change)
{
	static const char *const sets[] = { "CapInh", "CapPrm", "CapEff", "CapAmb", "CapBnd" };
	/* Only the bounding set is out of reach for an ordinary user. */
	size_t count = geteuid() == 0 ? FIXTURE_COUNT(sets) : FIXTURE_COUNT(sets) - 1;
	char value[256];
	pid_t child;
	char byte;

	becomes = (struct sandbox_user){ .change = change, .uid = 61234, .gid = 61235 };
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, talk), 0);
	child = child_start(drop_and_wait);
	(void)close(talk[1]);
	if (read(talk[0], &byte, 1) != 1)
		fail_msg("status 0x%x", (unsigned)child_wait(child));
	for (size_t i = 0; i < count; i++) {
		read_status(child, sets[i], value);
		assert_string_equal(value, "0000000000000000");
	}
	read_status(child, "NoNewPrivs", value);
	assert_string_equal(value, "1");
	if (change) {
		read_status(child, "Uid", value);
		assert_string_equal(value, "61234\t61234\t61234\t61234");
		read_status(child, "Gid", value);
		assert_string_equal(value, "61235\t61235\t61235\t61235");
		read_status(child, "Groups", value);
		assert_string_equal(value, "");
	}
	assert_int_equal(write(talk[0], "e", 1), 1);
	assert_int_equal(child_wait(child), 0);
	(void)close(talk[0]);
}

static void test_drop(void **state)
{
	(void)state;
	check_drop(false);
}

static void test_drop_as_root(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	check_drop(true);
}

static void fail_to_change(void)
{
	static const struct sandbox_user user = { .change = true, .uid = 61234, .gid = 61235 };
	struct sandbox_report report;
	char problem[SANDBOX_PROBLEM_BYTES] = "";

	if (geteuid() == 0)
		CHILD_CHECK(setresuid(NOBODY, NOBODY, NOBODY) == 0);
	CHILD_CHECK(sandbox_drop(&user, &report, problem) == -1);
	CHILD_CHECK(strstr(problem, "setgroups") != NULL);
	CHILD_CHECK(report.changed_user == 0 && report.no_capabilities == 0);
}

static void test_cannot_change(void **state)
{
	(void)state;
	child_check(fail_to_change);
}

static void keep_one(void)
{
	static const int kept[] = { CAP_NET_ADMIN };
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = { 0 };
	char problem[SANDBOX_PROBLEM_BYTES] = "";

	if (prctl(PR_CAPBSET_READ, CAP_NET_ADMIN, 0, 0, 0) != 1)
		_exit(CHILD_LACKS);
	CHILD_CHECK(sandbox_keep(kept, 1, problem) == 0);
	CHILD_CHECK(syscall(SYS_capget, &header, sets) == 0);
	CHILD_CHECK(sets[0].effective == 1u << CAP_NET_ADMIN && sets[0].permitted == 1u << CAP_NET_ADMIN);
	CHILD_CHECK((sets[0].inheritable & ~(1u << CAP_NET_ADMIN)) == 0);
	CHILD_CHECK((sets[1].effective | sets[1].permitted | sets[1].inheritable) == 0);
	for (int i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++)
		CHILD_CHECK(prctl(PR_CAPBSET_READ, i, 0, 0, 0) == (i == CAP_NET_ADMIN));
	CHILD_CHECK(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1);
}

/* What the process that guards an interface of rp keeps. */
static void test_keep_one_capability(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	child_check(keep_one);
}

/* --- Landlock ------------------------------------------------------------------------------ */

/* What this kernel has, as far as we know it. */
static int kernel_abi(void)
{
#ifdef SYS_landlock_create_ruleset
	int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, (size_t)0, 1u);

	if (abi > 0)
		return abi < SANDBOX_LANDLOCK_ABI_MAX ? abi : SANDBOX_LANDLOCK_ABI_MAX;
#endif
	return 0;
}

static char folder[] = "/tmp/test_sandbox.XXXXXX";

/* Everything that Landlock has a say in, by everybody who may write to the folder. */
static void use_files(void)
{
	struct sandbox_report report;
	char problem[SANDBOX_PROBLEM_BYTES];
	char byte;
	int before;

	CHILD_CHECK(chdir(folder) == 0);
	before = open("file", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	CHILD_CHECK(before >= 0 && write(before, "x", 1) == 1);
	CHILD_CHECK(sandbox_drop(&stay, &report, problem) == 0);
	CHILD_CHECK(report.landlock == kernel_abi());
	if (report.landlock == 0)
		_exit(CHILD_LACKS);
	CHILD_CHECK(open("file", O_RDONLY | O_CLOEXEC) == -1 && errno == EACCES);
	CHILD_CHECK(open("file", O_WRONLY | O_CLOEXEC) == -1 && errno == EACCES);
	CHILD_CHECK(open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC) == -1 && errno == EACCES);
	CHILD_CHECK(open("new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) == -1 && errno == EACCES);
	CHILD_CHECK(mkdir("new", 0700) == -1 && errno == EACCES);
	CHILD_CHECK(symlink("file", "new") == -1 && errno == EACCES);
	CHILD_CHECK(mkfifo("new", 0600) == -1 && errno == EACCES);
	CHILD_CHECK(rename("file", "new") == -1 && errno == EACCES);
	CHILD_CHECK(link("file", "new") == -1 && (errno == EACCES || errno == EXDEV));
	CHILD_CHECK(unlink("file") == -1 && errno == EACCES);
	CHILD_CHECK(execl("/bin/sh", "sh", "-c", "exit 3", (char *)NULL) == -1 && errno == EACCES);
	if (report.landlock >= 3)
		CHILD_CHECK(truncate("file", 0) == -1 && errno == EACCES);
	/* What is open stays so. */
	CHILD_CHECK(pread(before, &byte, 1, 0) == 1 && byte == 'x' && write(before, "y", 1) == 1);
}

static void test_files(void **state)
{
	(void)state;
	child_check(use_files);
}

static void use_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sandbox_report report;
	char problem[SANDBOX_PROBLEM_BYTES];
	int tcp;
	int udp;

	CHILD_CHECK(sandbox_drop(&stay, &report, problem) == 0);
	if (report.landlock < 4)
		_exit(CHILD_LACKS);
	tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	CHILD_CHECK(tcp >= 0 && udp >= 0);
	CHILD_CHECK(bind(tcp, (const struct sockaddr *)&address, sizeof address) == -1 && errno == EACCES);
	address.sin_port = htons(9);
	CHILD_CHECK(connect(tcp, (const struct sockaddr *)&address, sizeof address) == -1 && errno == EACCES);
	CHILD_CHECK(connect(udp, (const struct sockaddr *)&address, sizeof address) == 0);
}

static void test_tcp(void **state)
{
	(void)state;
	child_check(use_tcp);
}

static struct sockaddr_un abstract;
static socklen_t abstract_length;

static void reach_outside(void)
{
	struct sandbox_report report;
	char problem[SANDBOX_PROBLEM_BYTES];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	CHILD_CHECK(fd >= 0);
	CHILD_CHECK(sandbox_drop(&stay, &report, problem) == 0);
	if (report.landlock < 6)
		_exit(CHILD_LACKS);
	CHILD_CHECK(connect(fd, (const struct sockaddr *)&abstract, abstract_length) == -1 && errno == EPERM);
	CHILD_CHECK(kill(getppid(), 0) == -1 && errno == EPERM);
	CHILD_CHECK(kill(getpid(), 0) == 0);
}

static void test_scopes(void **state)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	/* The kernel chooses a name. */
	abstract.sun_family = AF_UNIX;
	assert_int_equal(bind(fd, (const struct sockaddr *)&abstract, sizeof abstract.sun_family), 0);
	abstract_length = sizeof abstract;
	assert_int_equal(getsockname(fd, (struct sockaddr *)&abstract, &abstract_length), 0);
	assert_int_equal(listen(fd, 1), 0);
	child_check(reach_outside);
	(void)close(fd);
}

/* --- kernels that lack a part, or refuse it ------------------------------------------------ */

/* As if the kernel answered so to every such call, or to those whose first argument is that. */
static struct {
	const char *call;
	bool any;
	unsigned first;
	int error;
	int result;
	const char *problem;
} kernel;

static void pretend(void)
{
	const struct scmp_arg_cmp compare = { .arg = 0, .op = SCMP_CMP_EQ, .datum_a = kernel.first };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int number = seccomp_syscall_resolve_name(kernel.call);

	CHILD_CHECK(filter != NULL && number != __NR_SCMP_ERROR);
	CHILD_CHECK(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((unsigned)kernel.error), number,
	                                   kernel.any ? 0 : 1, &compare) == 0);
	CHILD_CHECK(seccomp_load(filter) == 0);
	seccomp_release(filter);
}

static void drop_on_kernel(void)
{
	struct sandbox_report report = { .landlock = 9 };
	char problem[SANDBOX_PROBLEM_BYTES] = "";

	pretend();
	CHILD_CHECK(sandbox_drop(&stay, &report, problem) == kernel.result);
	if (kernel.result == 0) {
		CHILD_CHECK(report.no_capabilities == 1 && report.not_dumpable == 1 && report.landlock == 0);
	} else {
		CHILD_CHECK(strstr(problem, kernel.problem) != NULL);
		CHILD_CHECK(strstr(problem, strerror(kernel.error)) != NULL);
	}
}

static void test_kernels(void **state)
{
	static const struct {
		const char *call;
		bool any;
		unsigned first;
		int error;
		const char *problem; /* NULL: goes on without Landlock */
		bool with_landlock;  /* this kernel must have it */
	} cases[] = {
		{ "landlock_create_ruleset", true, 0, ENOSYS, NULL, false },
		{ "landlock_create_ruleset", true, 0, EOPNOTSUPP, NULL, false },
		{ "landlock_create_ruleset", true, 0, EPERM, NULL, false },
		{ "landlock_restrict_self", true, 0, E2BIG, "Landlock", true },
		{ "prctl", false, PR_SET_NO_NEW_PRIVS, EINVAL, "no_new_privs", false },
		{ "prctl", false, PR_SET_DUMPABLE, EINVAL, "core dumps", false },
		{ "capset", true, 0, EPERM, "capset", false },
	};

	(void)state;
	if (CHILD_SANITIZED)
		skip();
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		int status;

		if (cases[i].with_landlock && kernel_abi() == 0)
			continue;
		kernel.call = cases[i].call;
		kernel.any = cases[i].any;
		kernel.first = cases[i].first;
		kernel.error = cases[i].error;
		kernel.result = cases[i].problem == NULL ? 0 : -1;
		kernel.problem = cases[i].problem;
		status = child_run(drop_on_kernel);
		if (status != 0)
			fail_msg("%s (%s): status 0x%x", cases[i].call, strerror(cases[i].error),
			         (unsigned)status);
	}
}

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (chdir(folder) != 0)
		return -1;
	(void)unlink("file");
	return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choose_as_user),
		cmocka_unit_test(test_choose_as_root),
		cmocka_unit_test(test_choose_in_namespace),
		cmocka_unit_test(test_drop),
		cmocka_unit_test(test_drop_as_root),
		cmocka_unit_test(test_cannot_change),
		cmocka_unit_test(test_keep_one_capability),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_kernels),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

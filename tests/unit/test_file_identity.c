#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/file_identity.h"

/* Each test is in an empty folder. */
static char folder[] = "/tmp/rosenpass-test-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
	return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "sub/f", "sub/hard", "sub/up", "sub/lost", "sub",  "f",
		                             "hard",  "soft",     "chain",  "way",      "gone", "cycle",
		                             "deep",  "mounted",  "folder", "other" };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(names); i++) {
		if (unlink(names[i]) != 0)
			(void)rmdir(names[i]);
	}
	return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static void make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

/* "f" and "sub/f" are there, and links of every kind; nothing else. */
static void make_scene(void)
{
	make("f");
	assert_int_equal(mkdir("sub", 0700), 0);
	make("sub/f");
	assert_int_equal(link("f", "hard"), 0);
	assert_int_equal(link("f", "sub/hard"), 0);
	assert_int_equal(symlink("f", "soft"), 0);
	assert_int_equal(symlink("soft", "chain"), 0);
	assert_int_equal(symlink("../f", "sub/up"), 0);
	assert_int_equal(symlink("sub", "way"), 0);
	assert_int_equal(symlink("new", "gone"), 0);
	assert_int_equal(symlink("../missing/new", "sub/lost"), 0);
	assert_int_equal(symlink("missing", "deep"), 0);
	assert_int_equal(symlink("cycle", "cycle"), 0);
}

/* "@" stands for the folder, "#" for a descriptor of "f". */
static char *expand(const char *pattern, int fd)
{
	char *path = NULL;

	if (pattern[0] == '@')
		assert_true(asprintf(&path, "%s%s", folder, pattern + 1) > 0);
	else if (strchr(pattern, '#') != NULL)
		assert_true(asprintf(&path, "%.*s%d", (int)strcspn(pattern, "#"), pattern, fd) > 0);
	else
		path = strdup(pattern);
	assert_non_null(path);
	return path;
}

static void test_spellings(void **state)
{
	static const struct {
		const char *a;
		const char *b;
		bool same;
	} cases[] = {
		/* What is there. */
		{ "f", "f", true },
		{ "f", "./f", true },
		{ "f", ".//.///f", true },
		{ "f", "@/f", true },
		{ "f", "sub/../f", true },
		{ "f", "way/../f", true },
		{ "f", "hard", true },
		{ "f", "sub/hard", true },
		{ "f", "way/hard", true },
		{ "f", "soft", true },
		{ "f", "chain", true },
		{ "f", "sub/up", true },
		{ "f", "/proc/self/cwd/f", true },
		{ "f", "/proc/self/fd/#", true },
		{ "f", "/dev/fd/#", true },
		{ "soft", "hard", true },
		{ "sub/f", "way/f", true },
		{ "sub", "way/.", true },
		{ "sub", "sub/", true },
		{ "f", "sub/f", false },
		{ "f", "way/f", false },
		{ "sub", ".", false },
		/* What is not. */
		{ "new", "./new", true },
		{ "new", "@/new", true },
		{ "new", "@//sub/..//new", true },
		{ "new", "gone", true },
		{ "./gone", "@/new", true },
		{ "sub/new", "way/new", true },
		{ "new", "new2", false },
		{ "new", "sub/new", false },
		{ "new", "f", false },
		{ "new", "New", false },
		/* Nor is the directory. */
		{ "missing/new", "./missing/new", true },
		{ "missing/new", "@/missing//./new", true },
		{ "missing/new", "missing/x/../new", true },
		{ "missing/new", "missing/x/y/../../new", true },
		{ "missing/new", "sub/lost", true },
		{ "missing/new", "deep/new", true },
		{ "missing/x/new", "deep/x/new", true },
		{ "missing/new", "missing/new/", true },
		{ "missing/../new", "new", true },
		{ "missing/new", "missing/new2", false },
		{ "missing/new", "missing/x/new", false },
		{ "missing/new", "new", false },
		/* What leads nowhere is itself. */
		{ "cycle", "cycle", true },
		{ "cycle", "f", false },
		{ "", "", true },
		{ "", "f", false },
		{ "f/x", "f", false },
	};
	int fd;

	(void)state;
	make_scene();
	fd = open("f", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char *a = expand(cases[i].a, fd);
		char *b = expand(cases[i].b, fd);

		if (file_is_same(a, b) != cases[i].same || file_is_same(b, a) != cases[i].same)
			fail_msg("\"%s\" and \"%s\": %s", a, b, cases[i].same ? "the same" : "not the same");
		free(a);
		free(b);
	}
	assert_int_equal(close(fd), 0);
}

/* A file that is replaced keeps its place, and not its inode. */
static void test_replaced(void **state)
{
	struct file_identity before;
	struct file_identity after;

	(void)state;
	make_scene();
	make("other");
	assert_int_equal(file_identify(&before, "f"), 0);
	assert_int_equal(rename("other", "f"), 0);
	assert_int_equal(file_identify(&after, "./soft"), 0);
	assert_true(file_identity_same_place(&before, &after));
	assert_false(file_identity_same_inode(&before, &after));
	file_identity_release(&before);
	assert_null(before.name);
	assert_int_equal(file_identify(&before, "hard"), 0);
	assert_false(file_identity_same_place(&before, &after));
	file_identity_release(&before);
	file_identity_release(&after);
	/* None is like none. */
	assert_false(file_identity_same_place(&before, &after));
	assert_false(file_identity_same_inode(&before, &after));
}

static void test_trouble(void **state)
{
	static char too_long[5000];
	static const struct {
		const char *path;
		int result;
	} cases[] = {
		{ "", -ENOENT },
		{ "cycle", -ELOOP },
		{ "cycle/x", -ELOOP },
		{ "missing/../../x", -ENOENT },
		{ too_long, -ENAMETOOLONG },
	};

	(void)state;
	make_scene();
	memset(too_long, 'x', sizeof too_long - 1);
	for (size_t i = 0; i + 2 < sizeof too_long; i += 100)
		too_long[i] = '/';
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct file_identity identity;

		assert_int_equal(file_identify(&identity, cases[i].path), cases[i].result);
		assert_string_equal(identity.name, cases[i].path);
		assert_false(identity.exists);
		file_identity_release(&identity);
	}
}

/* In a mount namespace of its own. 0: all is as it should be; 77: mounts are not allowed here. */
static int try_mounts(void)
{
	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("f", "mounted", NULL, MS_BIND, NULL) != 0 ||
	    mount("sub", "folder", NULL, MS_BIND, NULL) != 0)
		return 77;
	if (!file_is_same("mounted", "f") || !file_is_same("mounted", "sub/hard"))
		return 1;
	if (!file_is_same("folder/f", "sub/f") || !file_is_same("folder/new", "way/new"))
		return 2;
	return file_is_same("folder/f", "f") || file_is_same("mounted", "sub/f") ? 3 : 0;
}

static void test_mounts(void **state)
{
	int status = 0;
	pid_t pid;

	(void)state;
	make_scene();
	make("mounted");
	assert_int_equal(mkdir("folder", 0700), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(try_mounts());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_spellings, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replaced, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_trouble, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mounts, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

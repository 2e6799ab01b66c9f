#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/directory.h"

static char folder[] = "/tmp/test_directory.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
	(void)umask(022);
	return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof command, "rm -rf %s", folder);
	return chdir("/") != 0 || system(command) != 0 ? -1 : 0;
}

/* The permissions of a directory, or -1. */
static int mode_of(const char *path)
{
	struct stat status;

	return stat(path, &status) == 0 && S_ISDIR(status.st_mode) ? (int)(status.st_mode & 07777) : -1;
}

static void makes_all(void **state)
{
	static const char *const spellings[] = { "a/b/c", "d//e///f", "g/h/", "./i/../i/j", "k" };

	(void)state;
	for (size_t i = 0; i < sizeof spellings / sizeof spellings[0]; i++) {
		assert_int_equal(directory_make(spellings[i], 0777), 0);
		assert_int_equal(mode_of(spellings[i]), 0755);
		assert_int_equal(directory_make(spellings[i], 0777), 0);
	}
	assert_int_equal(directory_make("p/q", 0700), 0);
	assert_int_equal(mode_of("p"), 0700);
	assert_int_equal(mode_of("p/q"), 0700);
}

static void makes_parents_alone(void **state)
{
	char absolute[sizeof folder + 16];

	(void)state;
	assert_int_equal(directory_make_parents("a/b/c", 0700), 0);
	assert_int_equal(mode_of("a/b"), 0700);
	assert_int_equal(mode_of("a/b/c"), -1);
	/* Slashes at the end are no component. */
	assert_int_equal(directory_make_parents("d/e//", 0700), 0);
	assert_int_equal(mode_of("d"), 0700);
	assert_int_equal(mode_of("d/e"), -1);
	assert_int_equal(directory_make_parents("f", 0700), 0);
	assert_int_equal(mode_of("f"), -1);
	assert_int_equal(directory_make_parents("/", 0700), 0);
	assert_int_equal(directory_make_parents("", 0700), 0);
	(void)snprintf(absolute, sizeof absolute, "%s/g/h", folder);
	assert_int_equal(directory_make_parents(absolute, 0700), 0);
	assert_int_equal(mode_of("g"), 0700);
	assert_int_equal(mode_of("g/h"), -1);
}

static void keeps_what_exists(void **state)
{
	(void)state;
	assert_int_equal(mkdir("a", 0711), 0);
	assert_int_equal(symlink("a", "link"), 0);
	assert_int_equal(directory_make("link/b", 0700), 0);
	assert_int_equal(mode_of("a"), 0711);
	assert_int_equal(mode_of("a/b"), 0700);
}

static void fails_where_something_else_has_the_name(void **state)
{
	int fd = open("file", O_CREAT | O_WRONLY, 0600);

	(void)state;
	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(directory_make("file", 0700), -ENOTDIR);
	assert_int_equal(directory_make("file/a", 0700), -ENOTDIR);
	assert_int_equal(directory_make_parents("file/a/b", 0700), -ENOTDIR);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_int_equal(directory_make("dangling/a", 0700), -EEXIST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(makes_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(makes_parents_alone, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keeps_what_exists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(fails_where_something_else_has_the_name, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

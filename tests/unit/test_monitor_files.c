/* Outfiles: which file may be written, and the keys that are erased where a peer has left one. */

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/monitor_parts.h"
#include "fixture.h"
#include "system/clock.h"
#include "system/file.h"
#include "system/log.h"

static const struct file_output plain = { .mode = 0600 };
static const uint8_t key[ROSENPASS_KEY_BYTES] = { 1, 2, 3 };

/* Each test has an empty folder, and is in it. */
static char folder[] = "/tmp/rosenpass-test-XXXXXX";

static int set_up(void **state)
{
	struct monitor *monitor = calloc(1, sizeof *monitor);

	(void)strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
	log_set_level(LOG_OFF);
	assert_non_null(monitor);
	*state = monitor;
	return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct monitor *monitor = *state;

	claims_release(&monitor->claims);
	free(monitor);
	(void)unlink("f");
	(void)unlink("g");
	(void)rmdir("f");
	return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static off_t size_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

/* A file of the size of a key of Rosenpass is one, most likely. */
static void test_sizes(void **state)
{
	static const struct {
		off_t size;
		bool good;
	} cases[] = {
		{ 0, true },
		{ 44, true },
		{ ROSENPASS_PUBLIC_KEY_BYTES - 1, true },
		{ ROSENPASS_PUBLIC_KEY_BYTES, false },
		{ ROSENPASS_SECRET_KEY_BYTES, false },
		{ ROSENPASS_SECRET_KEY_OLD_BYTES, false },
		{ ROSENPASS_SECRET_KEY_OLD_BYTES + 1, true },
	};
	const struct monitor_file file = { .label = "peer", .path = "f", .how = &plain };
	const struct config_peer config = { .key_out = (char[]){ "f" } };

	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char problem[MONITOR_PROBLEM_BYTES];

		(void)unlink("f");
		assert_int_equal(file_write("f", key, 1, 0600, FILE_KEEP_EXISTING), 0);
		assert_int_equal(truncate("f", cases[i].size), 0);
		assert_int_equal(monitor_files_check(&config, &plain, problem), cases[i].good ? 0 : -1);
		assert_int_equal(monitor_files_write(*state, &file, key, problem),
		                 cases[i].good ? 0 : -EEXIST);
		assert_int_equal(size_of("f"), cases[i].good ? 44 : cases[i].size);
	}
}

/* What the daemon reads, or another peer's key is in, is not written. */
static void test_claimed(void **state)
{
	struct monitor *monitor = *state;
	struct claim *others = NULL;
	struct claim *own = NULL;
	const struct claims_file input = { .setting = "secret_key", .path = "f", .use = CLAIMS_INPUT };
	const struct claims_file output = { .setting = "key_out", .path = "g", .use = CLAIMS_OUTPUT };
	struct monitor_file file = { .label = "peer", .path = "f", .how = &plain };
	char problem[MONITOR_PROBLEM_BYTES];

	assert_int_equal(claims_add(&monitor->claims, &others, &input, problem), 0);
	assert_int_equal(monitor_files_write(monitor, &file, key, problem), -EEXIST);
	assert_false(file_exists("f"));
	assert_int_equal(claims_add(&monitor->claims, &own, &output, problem), 0);
	file.path = "g";
	file.claims = others;
	assert_int_equal(monitor_files_write(monitor, &file, key, problem), -EEXIST);
	assert_false(file_exists("g"));
	file.claims = own;
	assert_int_equal(monitor_files_write(monitor, &file, key, problem), 0);
	assert_int_equal(size_of("g"), 44);
	claims_drop(&monitor->claims, &own);
	claims_drop(&monitor->claims, &others);
}

static void test_groups(void **state)
{
	static const struct {
		const char *text;
		bool good;
		gid_t group;
	} cases[] = {
		{ "0", true, 0 },           { "4294967294", true, 4294967294 },
		{ "4294967295", false, 0 }, { "4294967296", false, 0 },
		{ "-1", false, 0 },         { "7x", false, 0 },
		{ "", false, 0 },           { "no-such-group", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		const struct config_peer config = { .key_out = (char[]){ "f" },
			                            .key_out_group = (char *)(uintptr_t)cases[i].text };
		struct file_output how;
		char problem[MONITOR_PROBLEM_BYTES];

		assert_int_equal(monitor_files_new(&how, &config, problem), cases[i].good ? 0 : -1);
		if (!cases[i].good)
			continue;
		assert_true(how.has_group);
		assert_int_equal(how.group, cases[i].group);
	}
}

/* A key that cannot be erased is tried again, and its file's next owner hears why. */
static void test_erase(void **state)
{
	struct monitor *monitor = *state;
	const struct monitor_file file = { .label = "peer", .path = "f", .how = &plain };
	uint64_t now_ns = clock_now_ns();

	assert_int_equal(mkdir("f", 0700), 0);
	monitor_erase_file(monitor, &file, NULL, key, now_ns);
	assert_non_null(monitor_erase_problem(monitor, "f"));
	assert_true(monitor_erase_serve(monitor, now_ns) > now_ns);
	assert_int_equal(rmdir("f"), 0);
	assert_int_equal(file_write("f", key, sizeof key, 0600, FILE_KEEP_EXISTING), 0);
	assert_int_equal(monitor_erase_serve(monitor, now_ns + 3600 * CLOCK_SECOND_NS), MONITOR_NEVER);
	assert_null(monitor_erase_problem(monitor, "f"));
	assert_int_equal(size_of("f"), 44);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sizes),
		TEST(test_claimed),
		TEST(test_groups),
		TEST(test_erase),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/key_file.h"

static char folder[] = "/tmp/rosenpass-test-XXXXXX";
static uint8_t expected[ROSENPASS_PUBLIC_KEY_BYTES];

/* Puts length bytes into the file "key" of the folder and returns its name. */
static const char *put(const void *bytes, size_t length)
{
	static char path[64];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/key", folder);
	file = fopen(path, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, length, file), length);
	assert_int_equal(fclose(file), 0);
	return path;
}

static const char *vector_key(const char *name)
{
	static char path[512];

	(void)snprintf(path, sizeof path, "%s/vectors/keys/%s", TEST_DATA_DIR, name);
	return path;
}

/* Descriptors that are open. */
static int count_open(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static int setup(void **state)
{
	(void)state;
	fixture_load_key("alice.pk", expected, sizeof expected);
	return mkdtemp(folder) == NULL ? -1 : 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)unlink(put("", 0));
	return rmdir(folder);
}

/* Nobody who has the descriptor can change what it stands for. */
static void check_sealed(int fd)
{
	static const uint8_t byte = 1;

	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(pwrite(fd, &byte, 1, 0), -1);
	assert_int_equal(ftruncate(fd, 0), -1);
	assert_int_equal(ftruncate(fd, ROSENPASS_PUBLIC_KEY_BYTES + 1), -1);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE), -1);
	assert_ptr_equal(mmap(NULL, ROSENPASS_PUBLIC_KEY_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0),
	                 MAP_FAILED);
}

/* From the file to another process, which outlives the reader. */
static void check_handed_over(bool scarce)
{
	struct shared_key key;
	struct shared_key mapped;
	char problem[KEY_FILE_PROBLEM_BYTES];
	int before = count_open();
	int fd;

	assert_int_equal(key_file_read_public(&key, vector_key("alice.pk"), problem), 0);
	assert_memory_equal(key.bytes, expected, sizeof expected);
	assert_int_equal(key.fd == -1, scarce);
	assert_int_equal(count_open(), scarce ? before : before + 1);
	fd = shared_key_open(&key);
	assert_true(fd >= 0);
	check_sealed(fd);
	shared_key_release(&key);
	assert_null(key.bytes);
	assert_int_equal(shared_key_map(&mapped, fd), 0);
	assert_int_equal(close(fd), 0);
	assert_memory_equal(mapped.bytes, expected, sizeof expected);
	/* Once more from there. */
	fd = shared_key_open(&mapped);
	assert_true(fd >= 0);
	check_sealed(fd);
	assert_int_equal(close(fd), 0);
	shared_key_release(&mapped);
	shared_key_release(&mapped);
	assert_int_equal(count_open(), before);
}

static void test_public(void **state)
{
	(void)state;
	check_handed_over(false);
}

/* With few descriptors none is kept. */
static void test_public_scarce(void **state)
{
	struct rlimit limit;
	struct rlimit low;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	low = limit;
	low.rlim_cur = (rlim_t)count_open() + 2;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	check_handed_over(true);
	/* None at all: said, and nothing is left behind. */
	{
		struct shared_key key;
		char problem[KEY_FILE_PROBLEM_BYTES];

		low.rlim_cur = 0;
		assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
		assert_int_equal(key_file_read_public(&key, vector_key("alice.pk"), problem), -1);
		assert_non_null(strstr(problem, "alice.pk\": Too many open files"));
		assert_null(key.bytes);
	}
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

static int memfd(size_t length, int seals)
{
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)length), 0);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
	return fd;
}

/* What a hostile sender might hand over instead. */
static void test_map_refuses(void **state)
{
	static const int all = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
	static const struct {
		size_t length;
		int seals;
		int result;
	} cases[] = {
		{ ROSENPASS_PUBLIC_KEY_BYTES, all, 0 },
		{ ROSENPASS_PUBLIC_KEY_BYTES, 0, -EPERM },
		{ ROSENPASS_PUBLIC_KEY_BYTES, all & ~F_SEAL_WRITE, -EPERM },
		{ ROSENPASS_PUBLIC_KEY_BYTES, all & ~F_SEAL_SHRINK, -EPERM },
		{ ROSENPASS_PUBLIC_KEY_BYTES, all & ~F_SEAL_GROW, -EPERM },
		{ ROSENPASS_PUBLIC_KEY_BYTES, all & ~F_SEAL_SEAL, -EPERM },
		{ ROSENPASS_PUBLIC_KEY_BYTES - 1, all, -EMSGSIZE },
		{ ROSENPASS_PUBLIC_KEY_BYTES + 1, all, -EMSGSIZE },
		{ 0, all, -EMSGSIZE },
	};
	struct shared_key key;
	int fd;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		fd = memfd(cases[i].length, cases[i].seals);
		assert_int_equal(shared_key_map(&key, fd), cases[i].result);
		assert_int_equal(key.bytes != NULL, cases[i].result == 0);
		shared_key_release(&key);
		assert_int_equal(close(fd), 0);
	}
	fd = open(vector_key("alice.pk"), O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(shared_key_map(&key, fd), -EINVAL);
	assert_int_equal(close(fd), 0);
	assert_int_equal(shared_key_map(&key, fd), -EBADF);
	assert_null(key.bytes);
}

static void test_public_errors(void **state)
{
	static uint8_t longer[ROSENPASS_PUBLIC_KEY_BYTES + 1];
	static const struct {
		size_t length;
		const char *problem;
	} cases[] = {
		{ 0, "public-key file \"%s\" is too short: 0 bytes, a public key has 524160" },
		{ ROSENPASS_PUBLIC_KEY_BYTES - 1,
		  "public-key file \"%s\" is too short: 524159 bytes, a public key has 524160" },
		{ ROSENPASS_PUBLIC_KEY_BYTES + 1,
		  "public-key file \"%s\" is too long: a public key has 524160 bytes" },
	};
	struct shared_key key;
	char problem[KEY_FILE_PROBLEM_BYTES];
	int before = count_open();

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		const char *path = put(longer, cases[i].length);
		char text[KEY_FILE_PROBLEM_BYTES];
		const char *rest = strstr(cases[i].problem, "%s") + 2;

		(void)snprintf(text, sizeof text, "public-key file \"%s%s", path, rest);
		assert_int_equal(key_file_read_public(&key, path, problem), -1);
		assert_string_equal(problem, text);
		assert_null(key.bytes);
	}
	assert_int_equal(key_file_read_public(&key, "/nowhere/at/all", problem), -1);
	assert_string_equal(problem,
	                    "cannot read public-key file \"/nowhere/at/all\": No such file or directory");
	assert_int_equal(count_open(), before);
}

static void test_secret(void **state)
{
	static uint8_t sk[ROSENPASS_SECRET_KEY_BYTES];
	static uint8_t file[ROSENPASS_SECRET_KEY_BYTES + 1];
	static const size_t wrong[] = { 0,
		                        1,
		                        ROSENPASS_SECRET_KEY_OLD_BYTES - 1,
		                        ROSENPASS_SECRET_KEY_OLD_BYTES + 1,
		                        ROSENPASS_SECRET_KEY_BYTES - 1,
		                        ROSENPASS_SECRET_KEY_BYTES + 1 };
	char problem[KEY_FILE_PROBLEM_BYTES];

	(void)state;
	fixture_load_key("alice.sk", file, ROSENPASS_SECRET_KEY_BYTES);
	assert_int_equal(key_file_read_secret(sk, put(file, ROSENPASS_SECRET_KEY_BYTES), problem), 0);
	assert_memory_equal(sk, file, sizeof sk);
	/* The layout of 0.2.x software. */
	rosenpass_secret_key_export_old(file, sk);
	memset(sk, 0, sizeof sk);
	assert_int_equal(key_file_read_secret(sk, put(file, ROSENPASS_SECRET_KEY_OLD_BYTES), problem), 0);
	assert_true(rosenpass_keypair_matches(expected, sk));
	for (size_t i = 0; i < FIXTURE_COUNT(wrong); i++) {
		memset(sk, 0x5a, sizeof sk);
		assert_int_equal(key_file_read_secret(sk, put(file, wrong[i]), problem), -1);
		assert_non_null(strstr(problem, folder));
		assert_non_null(strstr(problem, "13608 or, of 0.2.x software, 13568"));
		assert_true(fixture_is_zero(sk, sizeof sk));
	}
	memset(sk, 0x5a, sizeof sk);
	assert_int_equal(key_file_read_secret(sk, "/nowhere/at/all", problem), -1);
	assert_string_equal(problem,
	                    "cannot read secret-key file \"/nowhere/at/all\": No such file or directory");
	assert_true(fixture_is_zero(sk, sizeof sk));
}

#define PSK "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="

static void test_psk(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} cases[] = {
		{ PSK, true },           { PSK "\n", true },
		{ PSK " \r\n\n", true }, { "", false },
		{ "\n", false },         { " " PSK, false },
		{ PSK "\n" PSK, false }, { "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg", false },
	};
	static const uint8_t start[] = { 0xab, 0xa0, 0x89, 0x50 };
	char longest[1002];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		uint8_t psk[ROSENPASS_PSK_BYTES];
		char problem[KEY_FILE_PROBLEM_BYTES];
		int result = key_file_read_psk(psk, put(cases[i].text, strlen(cases[i].text)), problem);

		if ((result == 0) != cases[i].good)
			fail_msg("\"%s\": %d", cases[i].text, result);
		if (result == 0) {
			assert_memory_equal(psk, start, sizeof start);
			continue;
		}
		assert_true(fixture_is_zero(psk, sizeof psk));
		assert_null(strstr(problem, "q6CJ"));
		assert_non_null(strstr(problem, "/key\" does not hold 32 bytes in base64"));
	}
	/* White space up to the limit, and beyond. */
	memset(longest, ' ', sizeof longest);
	memcpy(longest, PSK, strlen(PSK));
	for (size_t length = 999; length <= 1001; length++) {
		uint8_t psk[ROSENPASS_PSK_BYTES] = { 1 };
		char problem[KEY_FILE_PROBLEM_BYTES];

		assert_int_equal(key_file_read_psk(psk, put(longest, length), problem),
		                 length <= 1000 ? 0 : -1);
		assert_int_equal(fixture_is_zero(psk, sizeof psk), length > 1000);
	}
}

static void test_exposed(void **state)
{
	static const struct {
		mode_t mode;
		bool exposed;
	} cases[] = {
		{ 0600, false }, { 0400, false }, { 0700, false }, { 0611, false },
		{ 0640, true },  { 0604, true },  { 0644, true },
	};
	const char *path = put("", 0);

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		assert_int_equal(chmod(path, cases[i].mode), 0);
		assert_int_equal(key_file_is_exposed(path), cases[i].exposed);
	}
	assert_int_equal(chmod(path, 0600), 0);
	assert_false(key_file_is_exposed("/nowhere/at/all"));
	assert_false(key_file_is_exposed("/dev/zero"));
}

/* The reason has room however long the name is. */
static void test_long_path(void **state)
{
	uint8_t psk[ROSENPASS_PSK_BYTES];
	char path[3000];
	char problem[KEY_FILE_PROBLEM_BYTES];

	(void)state;
	memset(path, 'x', sizeof path - 1);
	path[sizeof path - 1] = '\0';
	assert_int_equal(key_file_read_psk(psk, path, problem), -1);
	assert_non_null(strstr(problem, "xxx\": File name too long"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_public),      cmocka_unit_test(test_public_scarce),
		cmocka_unit_test(test_map_refuses), cmocka_unit_test(test_public_errors),
		cmocka_unit_test(test_secret),      cmocka_unit_test(test_psk),
		cmocka_unit_test(test_exposed),     cmocka_unit_test(test_long_path),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

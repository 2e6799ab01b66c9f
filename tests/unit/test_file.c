#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "system/file.h"

#define OLD "old content"
#define NEW "new"

/* Each test has an empty folder, and is in it. */
static char folder[] = "/tmp/test_file.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
	(void)umask(022);
	return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

/* Names in the current folder; they are few. */
static size_t count_names(void)
{
	DIR *dir = opendir(".");
	size_t count = 0;

	assert_non_null(dir);
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir))
		count++;
	(void)closedir(dir);
	return count - 2;
}

static int tear_down(void **state)
{
	DIR *dir;

	(void)state;
	if (chdir(folder) != 0)
		return -1;
	dir = opendir(".");
	for (struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
		if (unlink(entry->d_name) != 0)
			(void)rmdir(entry->d_name);
	}
	(void)closedir(dir);
	return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static int write_text(const char *path, const char *text, mode_t mode, enum file_existing existing)
{
	return file_write(path, (const uint8_t *)text, strlen(text), mode, existing);
}

static void make(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0640);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static void check_content(const char *path, const char *text)
{
	uint8_t content[64] = { 0 };
	size_t length = 0;

	assert_int_equal(file_read(path, content, sizeof content - 1, &length), 0);
	assert_int_equal(length, strlen(text));
	assert_string_equal((char *)content, text);
}

static mode_t mode_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status.st_mode;
}

static void test_read_sizes(void **state)
{
	static const struct {
		const char *text;
		size_t room;
		int result;
	} cases[] = {
		{ "", 0, 0 },          { "", 4, 0 },          { "abcd", 5, 0 },       { "abcd", 4, 0 },
		{ "abcd", 3, -EFBIG }, { "abcd", 0, -EFBIG }, { "abcde", 4, -EFBIG },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		uint8_t out[8];
		size_t length = 99;

		make("f", cases[i].text);
		memset(out, 0x55, sizeof out);
		assert_int_equal(file_read("f", out, cases[i].room, &length), cases[i].result);
		if (cases[i].result == 0) {
			assert_int_equal(length, strlen(cases[i].text));
			assert_memory_equal(out, cases[i].text, length);
		} else {
			assert_true(fixture_is_zero(out, cases[i].room));
			assert_int_equal(length, 99);
		}
		for (size_t j = cases[i].room; j < sizeof out; j++)
			assert_int_equal(out[j], 0x55);
		assert_int_equal(unlink("f"), 0);
	}
}

static void test_read_errors(void **state)
{
	uint8_t out[4] = { 0 };
	size_t length = 99;
	int before = dup(STDERR_FILENO);
	int after;

	(void)state;
	(void)close(before);
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(symlink("loop", "loop"), 0);
	assert_int_equal(file_read("missing", out, sizeof out, &length), -ENOENT);
	assert_int_equal(file_read("", out, sizeof out, &length), -ENOENT);
	assert_int_equal(file_read("d", out, sizeof out, &length), -EISDIR);
	assert_int_equal(file_read("loop", out, sizeof out, &length), -ELOOP);
	assert_int_equal(file_read("/dev/zero", out, sizeof out, &length), -EFBIG);
	assert_int_equal(length, 99);
	after = dup(STDERR_FILENO);
	(void)close(after);
	assert_int_equal(before, after);
}

/* What comes in pieces is put together. */
static void test_read_pipe(void **state)
{
	uint8_t out[16] = { 0 };
	size_t length = 0;
	char path[64];
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", ends[0]);
	assert_int_equal(write(ends[1], "abc", 3), 3);
	assert_int_equal(write(ends[1], "def", 3), 3);
	(void)close(ends[1]);
	assert_int_equal(file_read(path, out, sizeof out, &length), 0);
	assert_int_equal(length, 6);
	assert_memory_equal(out, "abcdef", 6);
	(void)close(ends[0]);
}

/* The mode is what was asked for, whatever the umask says, and whatever the replaced file had. */
static void test_modes(void **state)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };
	static const mode_t modes[] = { 0600, 0644, 0400 };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(masks) * FIXTURE_COUNT(modes) * 2; i++) {
		mode_t mode = modes[i / 2 % FIXTURE_COUNT(modes)];
		bool replace = i % 2 == 1;

		(void)umask(022);
		if (replace) {
			make("f", OLD);
			assert_int_equal(chmod("f", 0666), 0);
		}
		(void)umask(masks[i / 2 / FIXTURE_COUNT(modes)]);
		assert_int_equal(write_text("f", NEW, mode, replace ? FILE_REPLACE : FILE_KEEP_EXISTING), 0);
		(void)umask(022);
		assert_int_equal(mode_of("f"), S_IFREG | mode);
		assert_int_equal(count_names(), 1);
		assert_int_equal(unlink("f"), 0);
	}
}

static void test_replace(void **state)
{
	uint8_t out[16] = { 0 };
	int old;

	(void)state;
	make("f", OLD);
	old = open("f", O_RDONLY | O_CLOEXEC);
	assert_true(old >= 0);
	assert_int_equal(write_text("f", NEW, 0600, FILE_REPLACE), 0);
	check_content("f", NEW);
	assert_int_equal(count_names(), 1);
	/* Who had the old one open reads the old one to its end: it was not written into. */
	assert_int_equal(read(old, out, sizeof out), strlen(OLD));
	assert_memory_equal(out, OLD, strlen(OLD));
	(void)close(old);
	assert_int_equal(write_text("f", "", 0600, FILE_REPLACE), 0);
	check_content("f", "");
}

static void test_paths(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_int_equal(write_text("./f", NEW, 0600, FILE_KEEP_EXISTING), 0);
	check_content("f", NEW);
	(void)snprintf(path, sizeof path, "%s/g", folder);
	assert_int_equal(write_text(path, NEW, 0600, FILE_REPLACE), 0);
	check_content("g", NEW);
	assert_int_equal(mkdir("d", 0700), 0);
	assert_int_equal(write_text("d/../h", NEW, 0600, FILE_REPLACE), 0);
	check_content("h", NEW);
	assert_int_equal(count_names(), 4);
}

/* A name as long as names can be is a name like any other. */
static void test_long_name(void **state)
{
	char name[NAME_MAX + 2];

	(void)state;
	memset(name, 'n', sizeof name);
	name[NAME_MAX] = '\0';
	assert_int_equal(write_text(name, NEW, 0600, FILE_KEEP_EXISTING), 0);
	check_content(name, NEW);
	assert_int_equal(count_names(), 1);
	assert_int_equal(write_text(name, "newer", 0600, FILE_REPLACE), 0);
	check_content(name, "newer");
	name[NAME_MAX] = 'n';
	name[NAME_MAX + 1] = '\0';
	assert_int_equal(write_text(name, NEW, 0600, FILE_REPLACE), -ENAMETOOLONG);
	assert_int_equal(count_names(), 1);
}

static void make_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	(void)close(fd);
}

/* What stands in the way, without and with FILE_REPLACE: it stays as it was, nothing is left beside it. */
static void test_refused(void **state)
{
	static const struct {
		const char *path;
		int keep;
		int replace;
	} cases[] = {
		{ "file", -EEXIST, 0 },
		{ "folder", -EISDIR, -EISDIR },
		{ "folder/", -EISDIR, -EISDIR },
		{ ".", -EISDIR, -EISDIR },
		{ "/", -EISDIR, -EISDIR },
		{ "to-folder", -EISDIR, -EISDIR },
		{ "dangling", -EEXIST, 0 },
		{ "to-file", -EEXIST, 0 },
		{ "pipe", -EEXIST, -EINVAL },
		{ "to-pipe", -EEXIST, -EINVAL },
		{ "socket", -EEXIST, -EINVAL },
		{ "/dev/null", -EEXIST, -EINVAL },
		{ "/dev/full", -EEXIST, -EINVAL },
		{ "to-null", -EEXIST, -EINVAL },
		/* As /dev/stdout, where that leads to a file. */
		{ "to-descriptor", -EEXIST, -EINVAL },
		{ "missing/f", -ENOENT, -ENOENT },
		{ "missing/", -ENOENT, -ENOENT },
		{ "", -ENOENT, -ENOENT },
		{ "file/f", -ENOTDIR, -ENOTDIR },
		{ "/proc/f", -ENOENT, -ENOENT },
	};
	char link[64];
	size_t names;
	int fd;

	(void)state;
	make("file", OLD);
	make("other", OLD);
	fd = open("other", O_WRONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	make_socket("socket");
	assert_int_equal(symlink("folder", "to-folder"), 0);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_int_equal(symlink("other", "to-file"), 0);
	assert_int_equal(symlink("pipe", "to-pipe"), 0);
	assert_int_equal(symlink("/dev/null", "to-null"), 0);
	assert_int_equal(symlink(link, "to-descriptor"), 0);
	names = count_names();
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct stat before = { 0 };
		struct stat after = { 0 };
		bool exists = lstat(cases[i].path, &before) == 0;
		int result = write_text(cases[i].path, NEW, 0600, FILE_KEEP_EXISTING);

		if (result != cases[i].keep)
			fail_msg("\"%s\", keeping: %d, not %d", cases[i].path, result, cases[i].keep);
		assert_int_equal(count_names(), names);
		/* root could damage the devices of the machine, and has its own above. */
		if (cases[i].replace == 0 || cases[i].path[0] != '/' || geteuid() != 0)
			result = write_text(cases[i].path, NEW, 0600, FILE_REPLACE);
		else
			result = cases[i].replace;
		if (result != cases[i].replace)
			fail_msg("\"%s\", replacing: %d, not %d", cases[i].path, result, cases[i].replace);
		assert_int_equal(count_names(), names);
		if (cases[i].replace == 0)
			continue;
		assert_int_equal(lstat(cases[i].path, &after) == 0, exists);
		assert_true(before.st_ino == after.st_ino && before.st_mode == after.st_mode);
	}
	(void)close(fd);
	check_content("file", NEW);
	/* A link is replaced itself; where it led to is as it was. */
	assert_int_equal(mode_of("dangling"), S_IFREG | 0600);
	assert_int_equal(mode_of("to-file"), S_IFREG | 0600);
	check_content("to-file", NEW);
	check_content("other", OLD);
	assert_false(file_exists("nowhere"));
}

static void test_too_long_path(void **state)
{
	char path[PATH_MAX + 64];

	(void)state;
	for (size_t i = 0; i < sizeof path; i += 2)
		memcpy(path + i, "./", 2);
	for (size_t length = PATH_MAX; length < sizeof path; length++) {
		char last = path[length];

		path[length] = '\0';
		path[length - 1] = 'f';
		assert_int_equal(write_text(path, NEW, 0600, FILE_REPLACE), -ENAMETOOLONG);
		path[length - 1] = length % 2 == 0 ? '/' : '.';
		path[length] = last;
	}
	assert_int_equal(count_names(), 0);
}

/* A folder that only others may write to; root may always. */
static void test_no_rights(void **state)
{
	int result;

	(void)state;
	assert_int_equal(mkdir("d", 0500), 0);
	assert_int_equal(chmod(".", 0755), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	result = write_text("d/f", NEW, 0600, FILE_REPLACE);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(result, -EACCES);
}

/* When not all can be written, what was there stays, and nothing else is left. */
static void test_no_room(void **state)
{
	static uint8_t data[64 * 1024];
	struct rlimit before;
	struct rlimit small;

	(void)state;
	make("f", OLD);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	small = before;
	small.rlim_cur = 1000;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	assert_int_equal(file_write("f", data, sizeof data, 0600, FILE_REPLACE), -EFBIG);
	assert_int_equal(file_write("g", data, sizeof data, 0600, FILE_KEEP_EXISTING), -EFBIG);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	check_content("f", OLD);
	assert_int_equal(count_names(), 1);
}

static void test_full_disk(void **state)
{
	static uint8_t data[256 * 1024];

	(void)state;
	assert_int_equal(mkdir("disk", 0700), 0);
	if (mount("tmpfs", "disk", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") != 0)
		skip();
	make("disk/f", OLD);
	assert_int_equal(file_write("disk/f", data, sizeof data, 0600, FILE_REPLACE), -ENOSPC);
	assert_int_equal(file_write("disk/g", data, sizeof data, 0600, FILE_KEEP_EXISTING), -ENOSPC);
	check_content("disk/f", OLD);
	assert_int_equal(chdir("disk"), 0);
	assert_int_equal(count_names(), 1);
	assert_int_equal(write_text("f", NEW, 0600, FILE_REPLACE), 0);
	check_content("f", NEW);
	assert_int_equal(chdir(".."), 0);
	assert_int_equal(umount2("disk", MNT_DETACH), 0);
}

static void test_exists(void **state)
{
	(void)state;
	make("f", OLD);
	assert_int_equal(symlink("nowhere", "dangling"), 0);
	assert_true(file_exists("f"));
	assert_true(file_exists("."));
	assert_true(file_exists("dangling"));
	assert_true(file_exists("/dev/null"));
	assert_false(file_exists("nowhere"));
	assert_false(file_exists("f/x"));
	assert_false(file_exists(""));
}

/* What has come into the place of a file between its writing and its naming. */
static void test_came_between(void **state)
{
	struct file_prepared prepared;

	(void)state;
	assert_int_equal(file_prepare(&prepared, "f", (const uint8_t *)NEW, strlen(NEW), 0600), 0);
	make("f", OLD);
	assert_int_equal(file_place(&prepared, FILE_KEEP_EXISTING), -EEXIST);
	check_content("f", OLD);
	assert_int_equal(file_prepare(&prepared, "g", (const uint8_t *)NEW, strlen(NEW), 0600), 0);
	assert_int_equal(mkfifo("g", 0600), 0);
	assert_int_equal(file_place(&prepared, FILE_REPLACE), -EINVAL);
	assert_true(S_ISFIFO(mode_of("g")));
	assert_int_equal(count_names(), 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_read_sizes), TEST(test_read_errors),   TEST(test_read_pipe), TEST(test_modes),
		TEST(test_replace),    TEST(test_paths),         TEST(test_long_name), TEST(test_refused),
		TEST(test_no_rights),  TEST(test_too_long_path), TEST(test_no_room),   TEST(test_full_disk),
		TEST(test_exists),     TEST(test_came_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

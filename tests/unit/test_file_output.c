#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "system/file.h"
#include "system/file_access.h"
#include "system/file_output.h"
#include "system/file_temporary.h"

#define OLD "an old key that is longer"
#define NEW "a new key"
#define NOBODY 65534
#define SOME_GROUP 12345

static const struct file_output plain = { .mode = 0600 };

/* Each test has an empty folder, and is in it. */
static char folder[] = "/tmp/rosenpass-test-XXXXXX";

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
	(void)umask(022);
	return mkdtemp(folder) == NULL || chdir(folder) != 0 || chmod(".", 0755) != 0 ? -1 : 0;
}

static void empty(const char *path)
{
	DIR *dir = opendir(path);
	char name[512];

	for (struct dirent *entry = dir == NULL ? NULL : readdir(dir); entry != NULL; entry = readdir(dir)) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(name, sizeof name, "%s/%s", path, entry->d_name);
		if (unlink(name) != 0) {
			empty(name);
			(void)rmdir(name);
		}
	}
	if (dir != NULL)
		(void)closedir(dir);
}

static int tear_down(void **state)
{
	(void)state;
	if (chdir(folder) != 0)
		return -1;
	empty(".");
	return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static size_t count_names(const char *path)
{
	DIR *dir = opendir(path);
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count - 2;
}

static void make(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static struct stat status_of(const char *path)
{
	struct stat status;

	assert_int_equal(lstat(path, &status), 0);
	return status;
}

static bool has_content(const char *path, const char *text)
{
	uint8_t content[64] = { 0 };
	size_t length = 0;

	return file_read(path, content, sizeof content - 1, &length) == 0 && length == strlen(text) &&
	       memcmp(content, text, length) == 0;
}

static int put(const char *path, const struct file_output *how)
{
	struct file_output_result outcome;
	int result = file_output_write(path, (const uint8_t *)NEW, strlen(NEW), how, NULL, &outcome);

	return result == 0 && outcome.lost_owner ? 1 : result;
}

/* A new file has the mode that was asked for, whatever the umask is, and the group of its directory. */
static void test_new(void **state)
{
	static const mode_t masks[] = { 0, 022, 027, 077 };
	static const mode_t modes[] = { 0600, 0640, 0660, 0644 };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(masks) * FIXTURE_COUNT(modes); i++) {
		const struct file_output how = { .mode = modes[i % FIXTURE_COUNT(modes)] };

		(void)umask(masks[i / FIXTURE_COUNT(modes)]);
		assert_int_equal(file_output_check("f", &how), 0);
		assert_int_equal(put("f", &how), 0);
		assert_int_equal(status_of("f").st_mode, S_IFREG | how.mode);
		assert_true(has_content("f", NEW));
		assert_int_equal(count_names("."), 1);
		assert_int_equal(unlink("f"), 0);
	}
}

static void test_groups(void **state)
{
	const struct file_output given = { .mode = 0640, .has_group = true, .group = SOME_GROUP };

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(put("f", &given), 0);
	assert_int_equal(status_of("f").st_gid, SOME_GROUP);
	assert_int_equal(status_of("f").st_mode, S_IFREG | 0640);
	/* The group of a directory that hands it on, unless another one was asked for. */
	assert_int_equal(mkdir("shared", 0700), 0);
	assert_int_equal(chown("shared", 0, NOBODY), 0);
	assert_int_equal(chmod("shared", 02770), 0);
	assert_int_equal(put("shared/f", &plain), 0);
	assert_int_equal(status_of("shared/f").st_gid, NOBODY);
	assert_int_equal(status_of("shared/f").st_mode, S_IFREG | 0600);
	assert_int_equal(put("shared/g", &given), 0);
	assert_int_equal(status_of("shared/g").st_gid, SOME_GROUP);
}

/* What was prepared stays, and what is asked for new files does not matter. */
static void test_kept(void **state)
{
	static const struct {
		mode_t mode;
		uid_t owner;
		gid_t group;
	} cases[] = {
		{ 0600, 0, 0 },    { 0640, 0, 33 },          { 0640, 1234, 33 },
		{ 0444, 1234, 0 }, { 0664, NOBODY, NOBODY }, { 0000, 1234, 1234 },
	};
	const struct file_output how = { .mode = 0660, .has_group = true, .group = SOME_GROUP };

	(void)state;
	if (geteuid() != 0)
		skip();
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct stat after;

		make("f", OLD, cases[i].mode);
		assert_int_equal(chown("f", cases[i].owner, cases[i].group), 0);
		assert_int_equal(put("f", &how), 0);
		after = status_of("f");
		assert_int_equal(after.st_mode, S_IFREG | cases[i].mode);
		assert_int_equal(after.st_uid, cases[i].owner);
		assert_int_equal(after.st_gid, cases[i].group);
		assert_true(has_content("f", NEW));
		assert_int_equal(count_names("."), 1);
		assert_int_equal(unlink("f"), 0);
	}
}

/* user::rw-, user:1234:r--, group::---, mask::r--, other::--- */
static const uint8_t access_list[] = {
	2,    0, 0, 0,                         /* version */
	0x01, 0, 6, 0, 0xff, 0xff, 0xff, 0xff, /* owner */
	0x02, 0, 4, 0, 0xd2, 0x04, 0,    0,    /* user 1234 */
	0x04, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* owning group */
	0x10, 0, 4, 0, 0xff, 0xff, 0xff, 0xff, /* mask */
	0x20, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, /* others */
};

static void test_access_list(void **state)
{
	uint8_t list[256];

	(void)state;
	make("f", OLD, 0600);
	if (setxattr("f", "system.posix_acl_access", access_list, sizeof access_list, 0) != 0)
		skip();
	assert_int_equal(put("f", &plain), 0);
	assert_true(has_content("f", NEW));
	assert_int_equal(getxattr("f", "system.posix_acl_access", list, sizeof list), sizeof access_list);
	assert_memory_equal(list, access_list, sizeof access_list);
	/* The group bits of its mode are those of the mask: the group itself may nothing. */
	assert_int_equal(status_of("f").st_mode & 0777, 0640);
	assert_true(file_access_others("f", FILE_ACCESS_READ));
	assert_false(file_access_others("f", FILE_ACCESS_WRITE));
	if (geteuid() != 0)
		return;
	/* For user 1234 nobody else is there who may. */
	assert_int_equal(seteuid(1234), 0);
	assert_false(file_access_others("f", FILE_ACCESS_READ));
	assert_int_equal(seteuid(0), 0);
}

/* The owning group is others too; the mask holds for it and for named users. */
static void test_access_masked(void **state)
{
	static const struct {
		uint8_t user, group, mask, others;
		bool read, write;
	} cases[] = {
		{ 0, 4, 7, 0, true, false },  { 0, 6, 7, 0, true, true },  { 6, 0, 4, 0, true, false },
		{ 6, 6, 0, 0, false, false }, { 6, 6, 2, 0, false, true }, { 0, 0, 0, 4, true, false },
	};

	(void)state;
	make("f", OLD, 0600);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		uint8_t list[sizeof access_list];

		memcpy(list, access_list, sizeof list);
		list[14] = cases[i].user;
		list[22] = cases[i].group;
		list[30] = cases[i].mask;
		list[38] = cases[i].others;
		if (setxattr("f", "system.posix_acl_access", list, sizeof list, 0) != 0)
			skip();
		assert_int_equal(file_access_others("f", FILE_ACCESS_READ), cases[i].read);
		assert_int_equal(file_access_others("f", FILE_ACCESS_WRITE), cases[i].write);
	}
}

static void test_access(void **state)
{
	static const struct {
		mode_t mode;
		unsigned wanted;
		bool others;
	} cases[] = {
		{ 0600, 4, false }, { 0640, 4, true },  { 0604, 4, true },
		{ 0644, 4, true },  { 0620, 4, false }, { 0620, 2, true },
		{ 0711, 6, false }, { 0711, 1, true },  { 0700, 7, false },
	};

	(void)state;
	make("f", OLD, 0600);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		assert_int_equal(chmod("f", cases[i].mode), 0);
		assert_int_equal(file_access_others("f", cases[i].wanted), cases[i].others);
	}
	assert_false(file_access_others("missing", 7));
	assert_false(file_access_others("/dev/null", 7));
}

/* Links stay links, and the file is where they lead. */
static void test_links(void **state)
{
	static const char *const links[] = { "soft", "chain", "way/f", "absolute", "sub/up" };
	char path[128];

	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	(void)snprintf(path, sizeof path, "%s/f", folder);
	assert_int_equal(symlink("f", "soft"), 0);
	assert_int_equal(symlink("./soft", "chain"), 0);
	assert_int_equal(symlink(path, "absolute"), 0);
	assert_int_equal(symlink("../f", "sub/up"), 0);
	assert_int_equal(symlink(".", "way"), 0);
	for (int exists = 0; exists < 2; exists++) {
		for (size_t i = 0; i < FIXTURE_COUNT(links); i++) {
			if (exists)
				make("f", OLD, 0640);
			assert_int_equal(file_output_check(links[i], &plain), 0);
			assert_int_equal(put(links[i], &plain), 0);
			assert_true(S_ISLNK(status_of("soft").st_mode) &&
			            S_ISLNK(status_of("chain").st_mode) &&
			            S_ISLNK(status_of("absolute").st_mode) &&
			            S_ISLNK(status_of("sub/up").st_mode));
			assert_int_equal(status_of("f").st_mode, S_IFREG | (exists ? 0640 : 0600));
			assert_true(has_content("f", NEW));
			assert_int_equal(count_names("."), 6);
			assert_int_equal(unlink("f"), 0);
		}
	}
}

/* What no file can be put in the place of, and what is not there. */
static void test_refused(void **state)
{
	static const struct {
		const char *path;
		int result;
	} cases[] = {
		{ "", -ENOENT },
		{ "folder", -EISDIR },
		{ "folder/", -EISDIR },
		{ ".", -EISDIR },
		{ "to-folder", -EISDIR },
		{ "pipe", -EINVAL },
		{ "to-pipe", -EINVAL },
		{ "/dev/null", -EINVAL },
		{ "to-null", -EINVAL },
		{ "to-descriptor", -EINVAL },
		{ "to-to-descriptor", -EINVAL },
		{ "/proc/self/fd/9", -EINVAL },
		{ "missing/f", -ENOENT },
		{ "lost", -ENOENT },
		{ "cycle", -ELOOP },
		{ "file/f", -ENOTDIR },
	};
	size_t names;
	int fd;

	(void)state;
	make("file", OLD, 0600);
	make("open", OLD, 0600);
	fd = open("open", O_WRONLY | O_CLOEXEC);
	assert_int_equal(dup2(fd, 9), 9);
	assert_int_equal(mkdir("folder", 0700), 0);
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(symlink("folder", "to-folder"), 0);
	assert_int_equal(symlink("pipe", "to-pipe"), 0);
	assert_int_equal(symlink("/dev/null", "to-null"), 0);
	assert_int_equal(symlink("/proc/self/fd/9", "to-descriptor"), 0);
	assert_int_equal(symlink("to-descriptor", "to-to-descriptor"), 0);
	assert_int_equal(symlink("missing/f", "lost"), 0);
	assert_int_equal(symlink("cycle", "cycle"), 0);
	names = count_names(".");
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		int result = file_output_check(cases[i].path, &plain);

		if (result != cases[i].result)
			fail_msg("\"%s\", checked: %d, not %d", cases[i].path, result, cases[i].result);
		result = put(cases[i].path, &plain);
		if (result != cases[i].result)
			fail_msg("\"%s\", written: %d, not %d", cases[i].path, result, cases[i].result);
		assert_int_equal(count_names("."), names);
	}
	assert_true(has_content("open", OLD));
	(void)close(9);
	(void)close(fd);
}

/* What a path means when it is written is what it meant when it was judged. */
static void test_expected(void **state)
{
	struct file_identity judged;
	struct file_output_result outcome;

	(void)state;
	make("f", OLD, 0600);
	make("g", OLD, 0600);
	assert_int_equal(symlink("f", "link"), 0);
	assert_int_equal(file_identify(&judged, "link"), 0);
	assert_int_equal(
		file_output_write("link", (const uint8_t *)NEW, strlen(NEW), &plain, &judged, &outcome), 0);
	file_identity_release(&judged);
	assert_true(has_content("f", NEW));
	assert_int_equal(file_identify(&judged, "link"), 0);
	/* The link leads elsewhere; then there is another file in its place. */
	assert_int_equal(unlink("link"), 0);
	assert_int_equal(symlink("g", "link"), 0);
	assert_int_equal(
		file_output_write("link", (const uint8_t *)NEW, strlen(NEW), &plain, &judged, &outcome),
		-ESTALE);
	assert_true(has_content("g", OLD));
	assert_int_equal(rename("g", "f"), 0);
	assert_int_equal(file_output_write("f", (const uint8_t *)NEW, strlen(NEW), &plain, &judged, &outcome),
	                 -ESTALE);
	assert_true(has_content("f", OLD));
	assert_int_equal(unlink("f"), 0);
	assert_int_equal(file_output_write("f", (const uint8_t *)NEW, strlen(NEW), &plain, &judged, &outcome),
	                 -ESTALE);
	assert_false(file_exists("f"));
	file_identity_release(&judged);
}

/* Nothing is there, and the directory that it was not in is another one now. */
static void test_expected_directory(void **state)
{
	struct file_identity judged;
	struct file_output_result outcome;

	(void)state;
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_int_equal(file_identify(&judged, "sub/f"), 0);
	assert_int_equal(rename("sub", "moved"), 0);
	assert_int_equal(mkdir("sub", 0700), 0);
	assert_int_equal(
		file_output_write("sub/f", (const uint8_t *)NEW, strlen(NEW), &plain, &judged, &outcome),
		-ESTALE);
	assert_int_equal(count_names("sub"), 0);
	assert_int_equal(
		file_output_write("moved/f", (const uint8_t *)NEW, strlen(NEW), &plain, &judged, &outcome),
		0);
	file_identity_release(&judged);
}

/* As another user: 0, or the number of the first thing that is not as it should be. */
static int try_as_nobody(void)
{
	const struct file_output given = { .mode = 0640, .has_group = true, .group = SOME_GROUP };
	struct stat before = { 0 };
	struct stat after = { 0 };

	if (setgroups(0, NULL) != 0 || setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return 1;
	/* The file is ours, the directory is not: in place, as the same file. */
	if (file_output_check("closed/ours", &plain) != 0 || stat("closed/ours", &before) != 0 ||
	    put("closed/ours", &plain) != 0 || stat("closed/ours", &after) != 0)
		return 2;
	if (before.st_ino != after.st_ino || !has_content("closed/ours", NEW))
		return 3;
	/* Neither is ours; then not even a file to be made. */
	if (file_output_check("closed/theirs", &plain) != -EACCES || put("closed/theirs", &plain) != -EACCES)
		return 4;
	if (file_output_check("closed/new", &plain) != -EACCES || put("closed/new", &plain) != -EACCES)
		return 5;
	/* Others' files that we may write to stay theirs. */
	if (put("open/shared", &plain) != 0 || stat("open/shared", &after) != 0 || after.st_uid != 0 ||
	    !has_content("open/shared", NEW))
		return 6;
	/*
	 * One that we may not write to is replaced, as the directory is ours; its group gets nothing of it.
	 */
	if (file_output_check("open/theirs", &plain) != 0 || put("open/theirs", &plain) != 1 ||
	    stat("open/theirs", &after) != 0 || after.st_uid != NOBODY || (after.st_mode & 0777) != 0600)
		return 7;
	/* Where nobody may replace what is another's. */
	if (file_output_check("sticky/theirs", &plain) != -EACCES || put("sticky/theirs", &plain) == 0)
		return 8;
	if (file_output_check("open/new", &given) != -EPERM || put("open/new", &given) != -EPERM)
		return 9;
	return access("open/new", F_OK) == 0 ? 10 : 0;
}

/* Runs something in a process of its own. */
static int run(int (*what)(void))
{
	int status = 0;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0)
		_exit(what());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_rights(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir("closed", 0755), 0);
	make("closed/ours", OLD, 0600);
	assert_int_equal(chown("closed/ours", NOBODY, 0), 0);
	make("closed/theirs", OLD, 0644);
	assert_int_equal(mkdir("open", 0700), 0);
	assert_int_equal(chown("open", NOBODY, NOBODY), 0);
	make("open/shared", OLD, 0666);
	make("open/theirs", OLD, 0640);
	assert_int_equal(mkdir("sticky", 0755), 0);
	assert_int_equal(chmod("sticky", 01777), 0);
	make("sticky/theirs", OLD, 0644);
	assert_int_equal(run(try_as_nobody), 0);
	assert_int_equal(count_names("closed"), 2);
	assert_int_equal(count_names("open"), 2);
	assert_int_equal(count_names("sticky"), 1);
	assert_true(has_content("sticky/theirs", OLD));
}

/* With mounts that only this process sees. */
static int try_mounts(void)
{
	struct stat before = { 0 };
	struct stat after = { 0 };

	if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("host", "single", NULL, MS_BIND, NULL) != 0)
		return 77;
	/* A name that is a mount cannot be replaced. */
	if (file_output_check("single", &plain) != 0 || put("single", &plain) != 0 ||
	    !has_content("single", NEW) || !has_content("host", NEW))
		return 1;
	/* Nor written to, where it is mounted for reading. */
	if (mount(NULL, "single", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
		return 2;
	if (file_output_check("single", &plain) != -EROFS || put("single", &plain) != -EROFS)
		return 3;
	/* A directory for reading, with a file in it that may be written to. */
	if (mount("folder", "folder", NULL, MS_BIND, NULL) != 0 ||
	    mount("other", "folder/f", NULL, MS_BIND, NULL) != 0 ||
	    mount(NULL, "folder", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) != 0)
		return 4;
	if (stat("other", &before) != 0 || file_output_check("folder/f", &plain) != 0 ||
	    put("folder/f", &plain) != 0 || stat("other", &after) != 0)
		return 5;
	if (before.st_ino != after.st_ino || !has_content("other", NEW))
		return 6;
	return file_output_check("folder/g", &plain) == -EROFS && put("folder/g", &plain) == -EROFS ? 0 : 7;
}

static void test_mounts(void **state)
{
	int result;

	(void)state;
	make("host", OLD, 0600);
	make("other", OLD, 0600);
	make("single", "", 0600);
	assert_int_equal(mkdir("folder", 0755), 0);
	make("folder/f", "", 0600);
	result = run(try_mounts);
	if (result == 77)
		skip();
	assert_int_equal(result, 0);
	assert_int_equal(count_names("."), 4);
	assert_int_equal(count_names("folder"), 1);
}

/* Reads one file again and again, and finds nothing or one of two keys in it. */
static int read_on(const char *path, const char *one, const char *other)
{
	for (int i = 0; i < 200000; i++) {
		char text[64];
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t length = fd < 0 ? -1 : read(fd, text, sizeof text);

		if (fd >= 0)
			(void)close(fd);
		if (length < 0 || (length != 0 && (size_t)length != strlen(one)) ||
		    (length != 0 && memcmp(text, one, (size_t)length) != 0 &&
		     memcmp(text, other, (size_t)length) != 0))
			return 1;
	}
	return 0;
}

static int write_two_in_turn(void)
{
	static const char *const keys[] = { "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
		                            "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB=" };
	struct file_output_result outcome;
	int status = 0;
	pid_t pid;

	if (setgid(NOBODY) != 0 || setuid(NOBODY) != 0)
		return 1;
	if (file_output_write("closed/f", (const uint8_t *)keys[0], strlen(keys[0]), &plain, NULL,
	                      &outcome) != 0)
		return 2;
	pid = fork();
	if (pid == 0)
		_exit(read_on("closed/f", keys[0], keys[1]));
	for (size_t i = 1; waitpid(pid, &status, WNOHANG) == 0; i++) {
		if (file_output_write("closed/f", (const uint8_t *)keys[i % 2], strlen(keys[0]), &plain, NULL,
		                      &outcome) != 0)
			return 3;
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 4;
}

static void test_no_mixture(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(mkdir("closed", 0755), 0);
	make("closed/f", "", 0644);
	assert_int_equal(chown("closed/f", NOBODY, 0), 0);
	assert_int_equal(run(write_two_in_turn), 0);
}

/* What has the name and form of ours and is not being written is removed, and nothing else. */
static void test_sweep(void **state)
{
	struct file_temporary live;
	int directory = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	size_t names;

	(void)state;
	assert_true(directory >= 0);
	(void)umask(0);
	assert_int_equal(file_temporary_open(&live, directory), 0);
	(void)umask(022);
	assert_int_equal(status_of(live.name).st_mode & 0777, 0600);
	make(".rosenpass-AbCd09", OLD, 0600);
	make(".rosenpass-zzzzzz", "", 0640);
	make(".rosenpass-AbCd0", OLD, 0600);
	make(".rosenpass-AbCd0_", OLD, 0600);
	make(".rosenpass-AbCd091", OLD, 0600);
	make(".rosenpass-AbCd09.bak", OLD, 0600);
	make("rosenpass-AbCd09", OLD, 0600);
	make("f", OLD, 0600);
	make(".rosenpass-linked", OLD, 0600);
	assert_int_equal(rename(".rosenpass-linked", ".rosenpass-linkAB"), 0);
	assert_int_equal(link(".rosenpass-linkAB", "kept"), 0);
	assert_int_equal(symlink("f", ".rosenpass-symAAA"), 0);
	assert_int_equal(mkdir(".rosenpass-folder", 0700), 0);
	names = count_names(".");
	assert_int_equal(file_output_sweep("f"), 2);
	assert_false(file_exists(".rosenpass-AbCd09"));
	assert_false(file_exists(".rosenpass-zzzzzz"));
	assert_true(file_exists(live.name));
	assert_int_equal(count_names("."), names - 2);
	/* Its writer is gone. */
	file_temporary_close(&live);
	assert_int_equal(file_output_sweep("./missing"), 1);
	assert_false(file_exists(live.name));
	assert_int_equal(file_output_sweep("f"), 0);
	assert_int_equal(file_output_sweep("missing/f"), 0);
	(void)close(directory);
}

/* One that was given to the owner of the file before the process was killed; others' are theirs. */
static void test_sweep_owners(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	make("f", OLD, 0600);
	assert_int_equal(chown("f", 1234, 0), 0);
	make(".rosenpass-AbCd09", OLD, 0600);
	assert_int_equal(chown(".rosenpass-AbCd09", 1234, 0), 0);
	make(".rosenpass-AbCd10", OLD, 0600);
	assert_int_equal(chown(".rosenpass-AbCd10", NOBODY, 0), 0);
	assert_int_equal(file_output_sweep("f"), 1);
	assert_true(file_exists(".rosenpass-AbCd10"));
}

/* A command that makes keys removes what one before it has left. */
static void test_sweep_before_writing(void **state)
{
	(void)state;
	make(".rosenpass-AbCd09", OLD, 0600);
	assert_int_equal(file_write("f", (const uint8_t *)NEW, strlen(NEW), 0600, FILE_KEEP_EXISTING), 0);
	assert_int_equal(count_names("."), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_new),           TEST(test_groups),
		TEST(test_kept),          TEST(test_access_list),
		TEST(test_access),        TEST(test_links),
		TEST(test_access_masked), TEST(test_expected_directory),
		TEST(test_refused),       TEST(test_expected),
		TEST(test_rights),        TEST(test_mounts),
		TEST(test_no_mixture),    TEST(test_sweep),
		TEST(test_sweep_owners),  TEST(test_sweep_before_writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

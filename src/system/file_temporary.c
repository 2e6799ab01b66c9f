#include "system/file_temporary.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "system/entropy.h"

#define TRIES 100
/* Where files cannot be locked, one of that age is taken for left behind. */
#define OLD_SECONDS 3600

static const char alphabet[64] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AZ";

static int make_name(char *name)
{
	uint8_t random[FILE_TEMPORARY_RANDOM_CHARS];
	char *at = name + strlen(FILE_TEMPORARY_PREFIX);

	if (entropy_fill(NULL, random, sizeof random) != 0)
		return -EIO;
	(void)strcpy(name, FILE_TEMPORARY_PREFIX);
	for (size_t i = 0; i < sizeof random; i++)
		at[i] = alphabet[random[i] % sizeof alphabet];
	at[sizeof random] = '\0';
	return 0;
}

bool file_temporary_is_name(const char *name)
{
	size_t prefix = strlen(FILE_TEMPORARY_PREFIX);

	return strncmp(name, FILE_TEMPORARY_PREFIX, prefix) == 0 &&
	       strlen(name) == prefix + FILE_TEMPORARY_RANDOM_CHARS &&
	       strspn(name + prefix, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") ==
	               FILE_TEMPORARY_RANDOM_CHARS;
}

/*
 * Locks a file that was just made. false: somebody took it for left behind, and has removed it, before it
 * was locked. A file system without locks has to do without.
 */
static bool lock(int fd)
{
	struct stat status;

	while (flock(fd, LOCK_EX) != 0 && errno == EINTR)
		;
	return fstat(fd, &status) == 0 && status.st_nlink > 0;
}

int file_temporary_open(struct file_temporary *file, int directory)
{
	file->directory = directory;
	for (int i = 0; i < TRIES; i++) {
		int result = make_name(file->name);

		if (result != 0)
			return result;
		file->fd = openat(directory, file->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		                  S_IRUSR | S_IWUSR);
		if (file->fd < 0 && errno != EEXIST)
			return -errno;
		if (file->fd >= 0 && lock(file->fd))
			return 0;
		if (file->fd >= 0)
			(void)close(file->fd);
	}
	return -EEXIST;
}

int file_temporary_write(int fd, const uint8_t *data, size_t length)
{
	while (length > 0) {
		ssize_t written = write(fd, data, length);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return -errno;
		data += written;
		length -= (size_t)written;
	}
	return 0;
}

void file_temporary_close(struct file_temporary *file)
{
	if (file->fd >= 0)
		(void)close(file->fd);
	file->fd = -1;
}

void file_temporary_discard(struct file_temporary *file)
{
	(void)unlinkat(file->directory, file->name, 0);
	file_temporary_close(file);
}

/* Whether nobody is writing it: its writer has the lock until it has its name. */
static bool is_left(int fd, const struct stat *status)
{
	struct timespec now;

	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	if (errno == EWOULDBLOCK || clock_gettime(CLOCK_REALTIME, &now) != 0)
		return false;
	return now.tv_sec - status->st_mtim.tv_sec > OLD_SECONDS;
}

/* Whether it was removed. */
static bool sweep_one(int directory, const char *name, uid_t owner)
{
	int fd = openat(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	struct stat named;
	bool removed;

	if (fd < 0)
		return false;
	/*
	 * What was found and what has the name are compared once it is locked: it may have got its own
	 * since.
	 */
	removed = fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_nlink == 1 &&
	          (status.st_uid == geteuid() || status.st_uid == owner) && is_left(fd, &status) &&
	          fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
	          named.st_dev == status.st_dev && named.st_ino == status.st_ino &&
	          unlinkat(directory, name, 0) == 0;
	(void)close(fd);
	return removed;
}

size_t file_temporary_sweep(int directory, uid_t owner)
{
	int fd = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	size_t count = 0;

	if (dir == NULL && fd >= 0)
		(void)close(fd);
	if (dir == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL) {
		if (file_temporary_is_name(entry->d_name) && sweep_one(dirfd(dir), entry->d_name, owner))
			count++;
	}
	(void)closedir(dir);
	return count;
}

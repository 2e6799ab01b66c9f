#include "system/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIPE_PATIENCE_MS 5000

static int read_all(int fd, uint8_t *out, size_t out_size, size_t *length)
{
	size_t used = 0;
	uint8_t beyond;

	for (;;) {
		bool full = used == out_size;
		ssize_t got = full ? read(fd, &beyond, 1) : read(fd, out + used, out_size - used);

		if (got < 0 && errno == EINTR)
			continue;
		/* A pipe (as of a shell's <(...)) may be filled a little later. */
		if (got < 0 && errno == EAGAIN) {
			struct pollfd more = { .fd = fd, .events = POLLIN };

			if (poll(&more, 1, PIPE_PATIENCE_MS) == 0)
				return -ETIMEDOUT;
			continue;
		}
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		if (full)
			return -EFBIG;
		used += (size_t)got;
	}
	*length = used;
	return 0;
}

int file_read(const char *path, uint8_t *out, size_t out_size, size_t *length)
{
	int result;
	/* A pipe that nobody writes into must not hold us up for ever. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	result = read_all(fd, out, out_size, length);
	(void)close(fd);
	if (result != 0)
		sodium_memzero(out, out_size);
	return result;
}

static int give_name(const struct file_prepared *prepared, enum file_existing existing)
{
	int directory = prepared->file.directory;
	const char *temporary = prepared->file.name;

	if (existing != FILE_KEEP_EXISTING)
		return renameat(directory, temporary, AT_FDCWD, prepared->path) == 0 ? 0 : -errno;
	if (renameat2(directory, temporary, AT_FDCWD, prepared->path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system without that: a link does not replace anything either. */
	if (linkat(directory, temporary, AT_FDCWD, prepared->path, 0) != 0)
		return -errno;
	(void)unlinkat(directory, temporary, 0);
	return 0;
}

/* The directory that a path is in. */
static int open_folder(const char *path)
{
	char folder[PATH_MAX] = ".";
	const char *slash = strrchr(path, '/');
	size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	int fd;

	if (strlen(path) >= sizeof folder)
		return -ENAMETOOLONG;
	if (path[0] == '\0')
		return -ENOENT;
	if (length > 0) {
		memcpy(folder, path, length);
		folder[length] = '\0';
	}
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	/* One that may not be read can be written to all the same. */
	if (fd < 0 && errno == EACCES)
		fd = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* /dev/stdout and its like: with enough rights a file in their place would be in everybody's way. */
static bool leads_into_proc(const char *path)
{
	static const char proc[] = "/proc/";
	char target[sizeof proc - 1];

	return readlink(path, target, sizeof target) == (ssize_t)sizeof target &&
	       memcmp(target, proc, sizeof target) == 0;
}

int file_check_place(const char *path)
{
	struct stat status;

	/* What cannot be looked at may be there later, or gives the better error when it is written. */
	if (stat(path, &status) != 0)
		return 0;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	return S_ISREG(status.st_mode) && !leads_into_proc(path) ? 0 : -EINVAL;
}

int file_prepare(struct file_prepared *prepared, const char *path, const uint8_t *data, size_t length,
                 mode_t mode)
{
	int result = file_check_place(path);
	int directory;

	if (result != 0)
		return result;
	directory = open_folder(path);
	if (directory < 0)
		return directory;
	prepared->path = path;
	/* What a command that was killed has left there may be a secret key. */
	(void)file_temporary_sweep(directory, geteuid());
	/* Not made of the name itself, which may be as long as names can be. */
	result = file_temporary_open(&prepared->file, directory);
	if (result != 0) {
		(void)close(directory);
		return result;
	}
	result = file_temporary_write(prepared->file.fd, data, length);
	if (result == 0 && fchmod(prepared->file.fd, mode) != 0)
		result = -errno;
	if (result == 0 && fsync(prepared->file.fd) != 0)
		result = -errno;
	if (result != 0)
		file_discard(prepared);
	return result;
}

int file_place(struct file_prepared *prepared, enum file_existing existing)
{
	/* Once more: rename() would put a key in the place of a device that came in between. */
	int result = existing != FILE_KEEP_EXISTING ? file_check_place(prepared->path) : 0;

	if (result == 0)
		result = give_name(prepared, existing);
	if (result != 0) {
		file_discard(prepared);
		return result;
	}
	/* The name itself is on disk once its folder is. A file system that cannot do that has no need to. */
	(void)fsync(prepared->file.directory);
	file_temporary_close(&prepared->file);
	(void)close(prepared->file.directory);
	return 0;
}

void file_discard(struct file_prepared *prepared)
{
	file_temporary_discard(&prepared->file);
	(void)close(prepared->file.directory);
}

int file_write(const char *path, const uint8_t *data, size_t length, mode_t mode, enum file_existing existing)
{
	struct file_prepared prepared;
	int result;

	/* Cheaper to see before than after writing; what comes in between is seen by give_name(). */
	if (existing == FILE_KEEP_EXISTING && file_exists(path))
		return file_check_place(path) == -EISDIR ? -EISDIR : -EEXIST;
	result = file_prepare(&prepared, path, data, length, mode);
	return result == 0 ? file_place(&prepared, existing) : result;
}

bool file_exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

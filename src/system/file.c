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

#define TEMPORARY_NAME ".rosenpass-XXXXXX"
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

static int write_all(int fd, const uint8_t *data, size_t length)
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

static int give_name(const char *temporary, const char *path, enum file_existing existing)
{
	if (existing != FILE_KEEP_EXISTING)
		return rename(temporary, path) == 0 ? 0 : -errno;
	if (renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -errno;
	/* A file system without that: a link does not replace anything either. */
	if (link(temporary, path) != 0)
		return -errno;
	(void)unlink(temporary);
	return 0;
}

/* The name itself is on disk once its folder is. A file system that cannot do that has no need to. */
static void sync_folder(const char *path)
{
	char folder[PATH_MAX];
	const char *slash = strrchr(path, '/');
	size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	int fd;

	if (length >= sizeof folder)
		return;
	memcpy(folder, slash == NULL ? "." : path, slash == NULL ? 1 : length);
	folder[slash == NULL ? 1 : length] = '\0';
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	(void)fsync(fd);
	(void)close(fd);
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

static int prepare(struct file_prepared *prepared, const char *path, const uint8_t *data, size_t length,
                   mode_t mode, bool sync)
{
	const char *slash = strrchr(path, '/');
	size_t folder = slash == NULL ? 0 : (size_t)(slash - path) + 1;
	int result = file_check_place(path);
	int fd;

	if (result != 0)
		return result;
	if (folder + sizeof TEMPORARY_NAME > sizeof prepared->temporary)
		return -ENAMETOOLONG;
	/* Not made of the name itself, which may be as long as names can be. */
	memcpy(prepared->temporary, path, folder);
	memcpy(prepared->temporary + folder, TEMPORARY_NAME, sizeof TEMPORARY_NAME);
	prepared->path = path;
	fd = mkostemp(prepared->temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	result = write_all(fd, data, length);
	if (result == 0 && fchmod(fd, mode) != 0)
		result = -errno;
	if (result == 0 && sync && fsync(fd) != 0)
		result = -errno;
	if (close(fd) != 0 && result == 0)
		result = -errno;
	if (result != 0)
		file_discard(prepared);
	return result;
}

int file_prepare(struct file_prepared *prepared, const char *path, const uint8_t *data, size_t length,
                 mode_t mode)
{
	return prepare(prepared, path, data, length, mode, true);
}

int file_place(const struct file_prepared *prepared, enum file_existing existing)
{
	/* Once more: rename() would put a key in the place of a device that came in between. */
	int result = existing != FILE_KEEP_EXISTING ? file_check_place(prepared->path) : 0;

	if (result == 0)
		result = give_name(prepared->temporary, prepared->path, existing);
	if (result != 0)
		file_discard(prepared);
	else if (existing != FILE_REPLACE_UNSYNCED)
		sync_folder(prepared->path);
	return result;
}

void file_discard(const struct file_prepared *prepared)
{
	(void)unlink(prepared->temporary);
}

int file_write(const char *path, const uint8_t *data, size_t length, mode_t mode, enum file_existing existing)
{
	struct file_prepared prepared;
	int result;

	/* Cheaper to see before than after writing; what comes in between is seen by give_name(). */
	if (existing == FILE_KEEP_EXISTING && file_exists(path))
		return file_check_place(path) == -EISDIR ? -EISDIR : -EEXIST;
	result = prepare(&prepared, path, data, length, mode, existing != FILE_REPLACE_UNSYNCED);
	return result == 0 ? file_place(&prepared, existing) : result;
}

bool file_exists(const char *path)
{
	struct stat status;

	return lstat(path, &status) == 0;
}

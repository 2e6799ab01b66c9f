#include "system/shared_key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

/*
 * A sealed memfd with the key; negative errno. Written and not mapped: pages that are written whole are
 * neither zeroed nor faulted in, which is half of the time that a hub takes to start.
 */
static int make_sealed(const uint8_t bytes[static ROSENPASS_PUBLIC_KEY_BYTES])
{
	int fd = memfd_create("rosenpass-public-key", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	size_t written = 0;
	int result = fd < 0 ? -errno : 0;

	while (result == 0 && written < ROSENPASS_PUBLIC_KEY_BYTES) {
		ssize_t more = write(fd, bytes + written, ROSENPASS_PUBLIC_KEY_BYTES - written);

		if (more >= 0)
			written += (size_t)more;
		else if (errno != EINTR)
			result = -errno;
	}
	if (result == 0 && fcntl(fd, F_ADD_SEALS, SEALS) != 0)
		result = -errno;
	if (result == 0)
		return fd;
	if (fd >= 0)
		(void)close(fd);
	return result;
}

/*
 * Private, as kernels before 6.7 share nothing that is sealed against writing. Pages that nobody writes
 * to are the same for all processes nevertheless.
 */
static int map(struct shared_key *key, int fd)
{
	void *bytes = mmap(NULL, ROSENPASS_PUBLIC_KEY_BYTES, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);

	if (bytes == MAP_FAILED)
		return -errno;
	key->bytes = bytes;
	key->fd = -1;
	return 0;
}

/* Beyond half of what the process may have, descriptors are left to sockets and files. */
static bool is_scarce(int fd)
{
	struct rlimit limit;

	return getrlimit(RLIMIT_NOFILE, &limit) != 0 || (rlim_t)fd >= limit.rlim_cur / 2;
}

/* Keeps the memfd where there is room for it. */
static int keep(struct shared_key *key, int fd)
{
	int result = map(key, fd);

	if (result == 0 && !is_scarce(fd))
		key->fd = fd;
	else
		(void)close(fd);
	return result;
}

int shared_key_make(struct shared_key *key, const uint8_t bytes[static ROSENPASS_PUBLIC_KEY_BYTES])
{
	int fd = make_sealed(bytes);

	*key = (struct shared_key){ 0 };
	return fd < 0 ? fd : keep(key, fd);
}

int shared_key_open(const struct shared_key *key)
{
	int fd;

	if (key->fd < 0)
		return make_sealed(key->bytes);
	fd = fcntl(key->fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -errno : fd;
}

void shared_key_keep_from_children(const struct shared_key *key)
{
	/* If it fails, more memory is in use for longer. The mapping begins with a page. */
	(void)madvise((void *)(uintptr_t)key->bytes, ROSENPASS_PUBLIC_KEY_BYTES, MADV_DONTFORK);
}

int shared_key_map(struct shared_key *key, int fd)
{
	struct stat status;
	int seals = fcntl(fd, F_GET_SEALS);

	*key = (struct shared_key){ 0 };
	/* Only a memfd has seals; a file whose end could move would kill its reader. */
	if (seals < 0)
		return -errno;
	if ((seals & SEALS) != SEALS)
		return -EPERM;
	if (fstat(fd, &status) != 0)
		return -errno;
	if (status.st_size != ROSENPASS_PUBLIC_KEY_BYTES)
		return -EMSGSIZE;
	return map(key, fd);
}

void shared_key_release(struct shared_key *key)
{
	if (key->bytes != NULL) {
		(void)munmap((void *)(uintptr_t)key->bytes, ROSENPASS_PUBLIC_KEY_BYTES);
		if (key->fd >= 0)
			(void)close(key->fd);
	}
	*key = (struct shared_key){ 0 };
}

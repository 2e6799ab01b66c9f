#include "control/socket_path.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SUFFIX ".sock"
#define RUN_DIRECTORY "/run/rosenpass"
#define DIRECTORIES 3

_Static_assert(SOCKET_PATH_BYTES == sizeof(((struct sockaddr_un *)0)->sun_path), "as bind(2) takes them");

static bool fits(int length)
{
	return length >= 0 && length < SOCKET_PATH_BYTES;
}

/* The directory that the service manager gives, the first one if it gives several, separated by colons. */
static bool find_service(char out[static SOCKET_PATH_BYTES])
{
	const char *path = getenv("RUNTIME_DIRECTORY");

	return path != NULL && path[0] == '/' &&
	       fits(snprintf(out, SOCKET_PATH_BYTES, "%.*s", (int)strcspn(path, ":"), path));
}

/* The user's own directory. */
static bool find_user(char out[static SOCKET_PATH_BYTES])
{
	const char *path = getenv("XDG_RUNTIME_DIR");

	return path != NULL && path[0] == '/' && fits(snprintf(out, SOCKET_PATH_BYTES, "%s/rosenpass", path));
}

bool socket_path_directory(char out[static SOCKET_PATH_BYTES], bool *is_made_by_us)
{
	*is_made_by_us = false;
	if (find_service(out))
		return true;
	*is_made_by_us = true;
	if (geteuid() != 0)
		return find_user(out);
	(void)snprintf(out, SOCKET_PATH_BYTES, RUN_DIRECTORY);
	return true;
}

int socket_path_make(char out[static SOCKET_PATH_BYTES], const char *name)
{
	char directory[SOCKET_PATH_BYTES];
	bool is_made_by_us;

	if (!socket_path_directory(directory, &is_made_by_us))
		return -ENXIO;
	return fits(snprintf(out, SOCKET_PATH_BYTES, "%s/%s" SUFFIX, directory, name)) ? 0 : -ENAMETOOLONG;
}

/* The directories that clients search, in the order of preference. Returns how many. */
static size_t list_directories(char out[DIRECTORIES][SOCKET_PATH_BYTES])
{
	size_t count = 0;

	if (find_service(out[count]))
		count++;
	(void)snprintf(out[count++], SOCKET_PATH_BYTES, RUN_DIRECTORY);
	if (find_user(out[count]))
		count++;
	return count;
}

void socket_path_search(const char *name, bool (*found)(void *context, const char *path), void *context)
{
	char directories[DIRECTORIES][SOCKET_PATH_BYTES];
	size_t count = list_directories(directories);
	char path[SOCKET_PATH_BYTES];

	for (size_t i = 0; i < count; i++) {
		if (fits(snprintf(path, sizeof path, "%s/%s" SUFFIX, directories[i], name)) &&
		    !found(context, path))
			return;
		/* A service has a directory of its own below that of root. */
		if (fits(snprintf(path, sizeof path, "%s/%s/%s" SUFFIX, directories[i], name, name)) &&
		    !found(context, path))
			return;
	}
}

/* Writes the name of the daemon to which the directory entry belongs. Returns false if it belongs to none. */
static bool read_entry(char out[static SOCKET_PATH_NAME_BYTES], const char *directory, const char *entry)
{
	size_t length = strlen(entry);
	char path[SOCKET_PATH_BYTES];
	struct stat status;

	if (entry[0] == '.')
		return false;
	if (length > strlen(SUFFIX) && strcmp(entry + length - strlen(SUFFIX), SUFFIX) == 0)
		length -= strlen(SUFFIX);
	else if (!fits(snprintf(path, sizeof path, "%s/%s/%s" SUFFIX, directory, entry, entry)) ||
	         lstat(path, &status) != 0)
		return false;
	if (length >= SOCKET_PATH_NAME_BYTES)
		return false;
	memcpy(out, entry, length);
	out[length] = '\0';
	return true;
}

static int list_directory(const char *directory, void (*found)(void *context, const char *name),
                          void *context)
{
	char name[SOCKET_PATH_NAME_BYTES];
	DIR *list = opendir(directory);
	struct dirent *entry;

	if (list == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	while ((entry = readdir(list)) != NULL) {
		if (read_entry(name, directory, entry->d_name))
			found(context, name);
	}
	(void)closedir(list);
	return 0;
}

int socket_path_list(void (*found)(void *context, const char *name), void *context)
{
	char directories[DIRECTORIES][SOCKET_PATH_BYTES];
	size_t count = list_directories(directories);
	int result = 0;

	for (size_t i = 0; i < count; i++) {
		int problem = list_directory(directories[i], found, context);

		if (problem != 0)
			result = problem;
	}
	return result;
}

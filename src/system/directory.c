#include "system/directory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* A file system that is read-only, or a directory of somebody else, refuses with another error than EEXIST.
 */
static int make_one(const char *path, mode_t mode)
{
	struct stat status;
	int error;

	if (mkdir(path, mode) == 0)
		return 0;
	error = errno;
	if (stat(path, &status) != 0)
		return -error;
	return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

/* The slash before the next component, or NULL after the last one. */
static char *next_slash(char *at)
{
	char *slash = strchr(at, '/');

	return slash == NULL || slash[strspn(slash, "/")] == '\0' ? NULL : slash;
}

static int make(const char *path, mode_t mode, bool with_last)
{
	char *copy = strdup(path);
	int result = 0;

	if (copy == NULL)
		return -ENOMEM;
	for (char *slash = next_slash(copy + strspn(copy, "/")); slash != NULL && result == 0;
	     slash = next_slash(slash + strspn(slash, "/"))) {
		*slash = '\0';
		result = make_one(copy, mode);
		*slash = '/';
	}
	if (result == 0 && with_last)
		result = make_one(copy, mode);
	free(copy);
	return result;
}

int directory_make(const char *path, mode_t mode)
{
	return make(path, mode, true);
}

const char *directory_problem(int result)
{
	/* Nothing is there, and yet its name is taken. */
	return result == -EEXIST ? "a symbolic link leads to a place that does not exist" : strerror(-result);
}

int directory_make_parents(const char *path, mode_t mode)
{
	return make(path, mode, false);
}

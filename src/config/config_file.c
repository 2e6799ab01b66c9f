#include "config/config_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config_value.h"

/* Of a longer path so much is shown that the reason still has room. */
#define PATH_SHOWN 300
#define FIRST_READ_BYTES 4096

/* Reads to the end, one byte beyond the limit at most. 0 or negative errno. */
static int read_all(int fd, char **text, size_t *length)
{
	size_t room = 0;

	for (;;) {
		ssize_t got;

		if (*length == room) {
			char *larger;

			room = room == 0 ? FIRST_READ_BYTES : 2 * room;
			larger = realloc(*text, room);
			if (larger == NULL)
				return -ENOMEM;
			*text = larger;
		}
		got = read(fd, *text + *length, room - *length);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		*length += (size_t)got;
		if (got == 0 || *length > TOML_TEXT_MAX_BYTES)
			return 0;
	}
}

int config_file_read(char **text, size_t *length, const char *path, char problem[static CONFIG_PROBLEM_BYTES])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	int result;

	*text = NULL;
	*length = 0;
	result = fd < 0 ? -errno : read_all(fd, text, length);
	if (fd >= 0)
		(void)close(fd);
	if (result == 0)
		return 0;
	free(*text);
	*text = NULL;
	if (result == -ENOENT)
		(void)snprintf(problem, CONFIG_PROBLEM_BYTES, "config file \"%.*s\" does not exist",
		               PATH_SHOWN, path);
	else
		(void)snprintf(problem, CONFIG_PROBLEM_BYTES, "cannot read config file \"%.*s\": %s",
		               PATH_SHOWN, path, strerror(-result));
	return -1;
}

int config_file_parse(struct toml_value *root, const char *text, size_t length, const char *path,
                      char problem[static CONFIG_PROBLEM_BYTES])
{
	struct config_place place = { .file = path, .problem = problem };
	struct toml_problem found;

	if (toml_parse(root, text, length, &found) == 0)
		return 0;
	place.line = found.line;
	if (found.line == 0)
		return config_value_fail(&place, "%s", found.text);
	return config_value_fail(&place, "column %u: %s", found.column, found.text);
}

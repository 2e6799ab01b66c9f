#include "system/sysctl.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FOLDER "/proc/sys/"
#define INTERFACES "net/ipv4/conf"
#define PATH_BYTES 256
#define VALUE_BYTES 32

static int open_setting(const char *name, int flags)
{
	char path[PATH_BYTES];
	int length = snprintf(path, sizeof path, FOLDER "%s", name);
	int fd;

	if (length < 0 || (size_t)length >= sizeof path)
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int sysctl_read(const char *name, int *value)
{
	char text[VALUE_BYTES];
	int fd = open_setting(name, O_RDONLY);
	char *end;
	ssize_t got;
	long number;
	int result;

	if (fd < 0)
		return fd;
	got = read(fd, text, sizeof text - 1);
	result = got < 0 ? -errno : 0;
	(void)close(fd);
	if (result != 0)
		return result;
	text[got] = '\0';
	errno = 0;
	number = strtol(text, &end, 10);
	if (end == text || errno != 0 || number < -0x7fffffff || number > 0x7fffffff)
		return -EBADMSG;
	*value = (int)number;
	return 0;
}

int sysctl_write(const char *name, int value)
{
	char text[VALUE_BYTES];
	int length = snprintf(text, sizeof text, "%d\n", value);
	int fd = open_setting(name, O_WRONLY);
	ssize_t written;
	int result = 0;

	if (fd < 0)
		return fd;
	written = write(fd, text, (size_t)length);
	if (written < 0)
		result = -errno;
	else if (written != length)
		result = -EIO;
	(void)close(fd);
	return result;
}

bool sysctl_is_anywhere(const char *setting, int value)
{
	DIR *folder = opendir(FOLDER INTERFACES);
	const struct dirent *entry;
	bool found = false;

	if (folder == NULL)
		return false;
	while (!found && (entry = readdir(folder)) != NULL) {
		char name[PATH_BYTES + sizeof entry->d_name];
		int one;

		/* What new interfaces begin with is no interface. */
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "default") == 0)
			continue;
		(void)snprintf(name, sizeof name, INTERFACES "/%s/%s", entry->d_name, setting);
		found = sysctl_read(name, &one) == 0 && one == value;
	}
	(void)closedir(folder);
	return found;
}

#include "rp/daemon_name.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/server_socket.h"
#include "system/log.h"

#define NAMESPACES "/run/netns"
#define NAMESPACE_CHARS 64

/* Writes the name under which our network namespace is mounted. Returns false if there is none. */
static bool find_namespace(char out[static NAMESPACE_CHARS + 1])
{
	DIR *directory = opendir(NAMESPACES);
	const struct dirent *entry;
	struct stat own, other;
	bool found = false;

	if (directory == NULL)
		return false;
	while (!found && (entry = readdir(directory)) != NULL) {
		found = entry->d_name[0] != '.' && strlen(entry->d_name) <= NAMESPACE_CHARS &&
		        stat("/proc/self/ns/net", &own) == 0 &&
		        fstatat(dirfd(directory), entry->d_name, &other, 0) == 0 &&
		        own.st_dev == other.st_dev && own.st_ino == other.st_ino;
		if (found)
			(void)strcpy(out, entry->d_name);
	}
	(void)closedir(directory);
	return found;
}

bool daemon_name_choose(char out[static DAEMON_NAME_BYTES], const char *interface)
{
	char namespace[NAMESPACE_CHARS + 1];
	bool has_pid;

	(void)snprintf(out, DAEMON_NAME_BYTES, "%s", interface);
	if (!server_socket_is_taken(out))
		return true;
	if (find_namespace(namespace))
		(void)snprintf(out, DAEMON_NAME_BYTES, "%s-%s", interface, namespace);
	has_pid = server_socket_is_taken(out);
	if (has_pid)
		(void)snprintf(out, DAEMON_NAME_BYTES, "%s-%ld", interface, (long)getpid());
	log_warn("a daemon called %s runs already, perhaps in another network namespace; this one is called "
	         "%s",
	         interface, out);
	return !has_pid;
}

#include "wireguard/explain.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "wireguard/userspace.h"

/* Where ip netns keeps the namespaces that have a name. */
#define NAMESPACES "/run/netns"

static bool has_namespaces(void)
{
	DIR *list = opendir(NAMESPACES);
	const struct dirent *entry;
	bool any = false;

	if (list == NULL)
		return false;
	while (!any && (entry = readdir(list)) != NULL)
		any = entry->d_name[0] != '.';
	(void)closedir(list);
	return any;
}

/* There is no interface of that name. */
static const char *explain_absence(const char *name)
{
	enum userspace_sight sight = userspace_look(name);

	/* Sockets are the same for all network namespaces, interfaces are not. */
	if (sight == USERSPACE_SERVED || sight == USERSPACE_CLOSED)
		return "a program serves it in another network namespace; start there, with ip netns exec";
	if (has_namespaces())
		return "there is none in this network namespace; ip netns lists others";
	return "there is no interface of that name";
}

/* There is an interface of that name, which is not of the kernel's WireGuard. */
static void explain_kind(char out[static WIREGUARD_EXPLAIN_BYTES], const char *name)
{
	const char *folder = userspace_folder();

	switch (userspace_look(name)) {
	case USERSPACE_NO_FOLDER:
		(void)snprintf(
			out, WIREGUARD_EXPLAIN_BYTES,
			"no interface of WireGuard in the kernel, and there is no directory %s, in which "
			"programs such as wireguard-go have their sockets",
			folder);
		break;
	case USERSPACE_NO_SOCKET:
		(void)snprintf(out, WIREGUARD_EXPLAIN_BYTES,
		               "no interface of WireGuard in the kernel, and no program for it has a socket "
		               "%s/%s.sock",
		               folder, name);
		break;
	case USERSPACE_NOBODY:
		(void)snprintf(
			out, WIREGUARD_EXPLAIN_BYTES,
			"no interface of WireGuard in the kernel, and no program answers at %s/%s.sock",
			folder, name);
		break;
	case USERSPACE_HIDDEN:
		(void)snprintf(
			out, WIREGUARD_EXPLAIN_BYTES,
			"no interface of WireGuard in the kernel, and this user may not look into %s for a "
			"program's socket; start as root",
			folder);
		break;
	case USERSPACE_CLOSED:
	case USERSPACE_SERVED:
		(void)snprintf(out, WIREGUARD_EXPLAIN_BYTES, "no interface of WireGuard");
		break;
	}
}

void wireguard_explain(char out[static WIREGUARD_EXPLAIN_BYTES], const char *name, int result)
{
	const char *words = strerror(-result);

	if (result == -ENODEV)
		words = explain_absence(name);
	else if (result == -EPERM)
		words = "not allowed without CAP_NET_ADMIN; start as root, or with "
			"AmbientCapabilities=CAP_NET_ADMIN";
	else if (result == -ETIMEDOUT)
		words = "the program that serves it does not answer in time";
	out[0] = '\0';
	if (result == -EOPNOTSUPP)
		explain_kind(out, name);
	else if (result == -EACCES)
		(void)snprintf(
			out, WIREGUARD_EXPLAIN_BYTES,
			"a program serves it, and only root or that program's user may open its socket "
			"%s/%s.sock; start as one of them",
			userspace_folder(), name);
	else
		(void)snprintf(out, WIREGUARD_EXPLAIN_BYTES, "%s", words);
}

#include "daemon/client.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "system/log.h"

#define ANSWER_MAX_BYTES (64 * 1024 * 1024)
#define PATIENCE_SECONDS 10
/* Everything is read again, half a megabyte a peer. */
#define RELOAD_PATIENCE_SECONDS 300
#define SUFFIX ".sock"
#define RUN_FOLDER "/run/rosenpass"
#define FOLDERS 3
#define FOLDER_BYTES sizeof(struct sockaddr_un)

/* Where sockets may be: of services, of root, and of the user. */
static size_t list_folders(char out[FOLDERS][FOLDER_BYTES])
{
	const char *runtime = getenv("RUNTIME_DIRECTORY");
	const char *user = getenv("XDG_RUNTIME_DIR");
	size_t count = 0;

	if (runtime != NULL && runtime[0] == '/')
		(void)snprintf(out[count++], FOLDER_BYTES, "%.*s", (int)strcspn(runtime, ":"), runtime);
	(void)snprintf(out[count++], FOLDER_BYTES, RUN_FOLDER);
	if (user != NULL && user[0] == '/')
		(void)snprintf(out[count++], FOLDER_BYTES, "%s/rosenpass", user);
	return count;
}

static void add_name(struct client_daemons *daemons, const char *name, size_t length)
{
	if (length == 0 || length >= CLIENT_NAME_BYTES || daemons->count == CLIENT_DAEMONS_MAX)
		return;
	for (size_t i = 0; i < daemons->count; i++) {
		if (strlen(daemons->names[i]) == length && memcmp(daemons->names[i], name, length) == 0)
			return;
	}
	memcpy(daemons->names[daemons->count], name, length);
	daemons->names[daemons->count++][length] = '\0';
}

/* Sockets in a folder, and (of services, each with a folder of its own) NAME/NAME.sock below it. */
static void look_into(struct client_daemons *daemons, const char *folder)
{
	DIR *list = opendir(folder);
	struct dirent *entry;

	if (list == NULL)
		return;
	while ((entry = readdir(list)) != NULL) {
		size_t length = strlen(entry->d_name);
		char *path = NULL;

		if (entry->d_name[0] == '.')
			continue;
		if (length > strlen(SUFFIX) && strcmp(entry->d_name + length - strlen(SUFFIX), SUFFIX) == 0)
			add_name(daemons, entry->d_name, length - strlen(SUFFIX));
		else if (asprintf(&path, "%s/%s/%s" SUFFIX, folder, entry->d_name, entry->d_name) > 0 &&
		         access(path, F_OK) == 0)
			add_name(daemons, entry->d_name, length);
		free(path);
	}
	(void)closedir(list);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

void client_find(struct client_daemons *daemons)
{
	char folders[FOLDERS][FOLDER_BYTES];
	size_t count = list_folders(folders);

	daemons->count = 0;
	for (size_t i = 0; i < count; i++)
		look_into(daemons, folders[i]);
	qsort(daemons->names, daemons->count, sizeof daemons->names[0], by_name);
}

static int connect_to(const char *path, int seconds)
{
	const struct timeval patience = { .tv_sec = seconds };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;
	int result;

	if (strlen(path) >= sizeof address.sun_path)
		return -ENOENT;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	result = -errno;
	(void)close(fd);
	return result;
}

static int no_daemon(const char *name, int result)
{
	switch (result) {
	case -ENOENT:
	case -ENOTDIR:
		log_error("no daemon called %s runs here; %s status lists those that do", name, log_name());
		break;
	case -ECONNREFUSED:
		log_error("the daemon called %s is gone; it did not end by itself", name);
		break;
	case -EACCES:
	case -EPERM:
		log_error("the daemon called %s talks to its own user and to root only", name);
		break;
	default:
		log_error("cannot talk to the daemon called %s: %s", name, strerror(-result));
		break;
	}
	return -1;
}

/* A connection to the daemon of that name; -1: said. */
static int open_daemon(const char *name, int seconds)
{
	char folders[FOLDERS][FOLDER_BYTES];
	size_t count = list_folders(folders);
	int worst = -ENOENT;

	if (strchr(name, '/') != NULL || strlen(name) >= CLIENT_NAME_BYTES || name[0] == '\0') {
		log_error("a daemon's name has no \"/\" and at most %d bytes", CLIENT_NAME_BYTES - 1);
		return -1;
	}
	for (size_t i = 0; i < 2 * count; i++) {
		char path[FOLDER_BYTES + 2 * CLIENT_NAME_BYTES + sizeof SUFFIX];
		int fd;

		if (i % 2 == 0)
			(void)snprintf(path, sizeof path, "%s/%s" SUFFIX, folders[i / 2], name);
		else
			(void)snprintf(path, sizeof path, "%s/%s/%s" SUFFIX, folders[i / 2], name, name);
		fd = connect_to(path, seconds);
		if (fd >= 0)
			return fd;
		if (fd != -ENOENT && fd != -ENOTDIR)
			worst = fd;
	}
	return no_daemon(name, worst);
}

static int send_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		text += sent;
		length -= (size_t)sent;
	}
	return 0;
}

/* One line, allocated, with its length; NULL and negative errno in *result. */
static char *read_line(int fd, size_t *length, int *result)
{
	size_t size = 65536;
	char *line = malloc(size);

	*length = 0;
	*result = line == NULL ? -ENOMEM : 0;
	while (*result == 0) {
		ssize_t got = recv(fd, line + *length, size - *length, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			*result = got == 0 ? -EPIPE : -errno;
			break;
		}
		*length += (size_t)got;
		/* One answer to one request: the line end is the last byte. */
		if (line[*length - 1] == '\n')
			return line;
		if (*length == size) {
			char *larger = size >= ANSWER_MAX_BYTES ? NULL : realloc(line, size * 2);

			if (larger == NULL) {
				*result = -EMSGSIZE;
				break;
			}
			line = larger;
			size *= 2;
		}
	}
	free(line);
	return NULL;
}

static json_t *take_answer(const char *name, const char *line, size_t length)
{
	json_t *answer = json_loadb(line, length, 0, NULL);
	const char *error = json_string_value(json_object_get(answer, "error"));

	if (answer != NULL && json_is_true(json_object_get(answer, "ok")))
		return answer;
	if (error != NULL)
		log_error("%s: %s", name, error);
	else
		log_error("the daemon called %s gave an answer that is none", name);
	json_decref(answer);
	return NULL;
}

json_t *client_ask(const char *name, json_t *request)
{
	const char *command = json_string_value(json_object_get(request, "command"));
	int seconds = command != NULL && strcmp(command, "reload") == 0 ? RELOAD_PATIENCE_SECONDS
	                                                                : PATIENCE_SECONDS;
	char *text = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
	json_t *answer = NULL;
	char *line = NULL;
	size_t length = 0;
	int result = 0;
	int fd = -1;

	json_decref(request);
	if (text == NULL) {
		log_error("a word is no UTF-8, which the control socket speaks");
		return NULL;
	}
	fd = open_daemon(name, seconds);
	if (fd >= 0) {
		size_t end = strlen(text);

		/* The line end in the place of the zero: one message, so that no answer can come between. */
		text[end] = '\n';
		result = send_all(fd, text, end + 1);
	}
	if (fd >= 0 && result == 0)
		line = read_line(fd, &length, &result);
	if (line != NULL)
		answer = take_answer(name, line, length);
	else if (fd >= 0)
		log_error("the daemon called %s does not answer: %s", name,
		          result == -EAGAIN || result == -EWOULDBLOCK ? "no word in time"
		          : result == -EPIPE                          ? "it hung up"
		                                                      : strerror(-result));
	free(line);
	free(text);
	if (fd >= 0)
		(void)close(fd);
	return answer;
}

const char *client_choose(const char *given, char out[static CLIENT_NAME_BYTES])
{
	struct client_daemons daemons;
	char list[512] = "";
	size_t used = 0;

	if (given != NULL)
		return given;
	client_find(&daemons);
	if (daemons.count == 0) {
		log_error("no daemon runs here, or none that this user may talk to");
		return NULL;
	}
	for (size_t i = 0; i < daemons.count && used < sizeof list; i++) {
		int more = snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
		                    daemons.names[i]);

		used += more > 0 ? (size_t)more : 0;
	}
	if (daemons.count > 1) {
		log_error("several daemons run here; say which: %s", list);
		return NULL;
	}
	memcpy(out, daemons.names[0], CLIENT_NAME_BYTES);
	return out;
}

#include "control/client.h"

#include <errno.h>
#include <stdbool.h>
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

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	memcpy(address.sun_path, path, strlen(path) + 1);
	return connect(fd, (const struct sockaddr *)&address, sizeof address) == 0 ? 0 : -errno;
}

/* Returns true if the path is more than an absent one. */
static bool is_present(int result)
{
	return result != -ENOENT && result != -ENOTDIR;
}

/* --- which daemons there are --------------------------------------------------------------- */

struct listing {
	struct client_daemons *daemons;
	struct client_daemons left_over;
};

/* 0: a daemon listens; -ECONNREFUSED: only sockets that are left over; else why it cannot be said. */
struct probe {
	int result;
};

static bool probe_path(void *context, const char *path)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct probe *probe = context;
	int result;

	if (fd < 0) {
		probe->result = -errno;
		return false;
	}
	result = connect_to(fd, path);
	(void)close(fd);
	if (is_present(result))
		probe->result = result;
	return !is_present(result) || result == -ECONNREFUSED;
}

static void add_name(struct client_daemons *daemons, const char *name)
{
	for (size_t i = 0; i < daemons->count; i++) {
		if (strcmp(daemons->names[i], name) == 0)
			return;
	}
	if (daemons->count < CLIENT_DAEMONS_MAX)
		memcpy(daemons->names[daemons->count++], name, strlen(name) + 1);
}

static void found_name(void *context, const char *name)
{
	struct listing *listing = context;
	struct probe probe = { .result = -ENOENT };

	socket_path_search(name, probe_path, &probe);
	/* What has gone meanwhile does not count. */
	if (probe.result == -ECONNREFUSED)
		add_name(&listing->left_over, name);
	else if (is_present(probe.result))
		add_name(listing->daemons, name);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

enum client_status client_find(struct client_daemons *daemons)
{
	struct listing listing = { .daemons = daemons };
	int result;

	daemons->count = 0;
	result = socket_path_list(found_name, &listing);
	for (size_t i = 0; i < listing.left_over.count; i++)
		log_warn("the daemon called %s was killed; its control socket is left over",
		         listing.left_over.names[i]);
	qsort(daemons->names, daemons->count, sizeof daemons->names[0], by_name);
	if (daemons->count > 0)
		return CLIENT_ANSWERED;
	if (result != 0) {
		log_error("cannot look for daemons: %s", strerror(-result));
		return CLIENT_FAILED;
	}
	log_error("no daemon runs here, or none that this user may talk to");
	return CLIENT_NO_DAEMON;
}

/* --- one daemon ------------------------------------------------------------------------------ */

static enum client_status say_no_daemon(const char *name, int result)
{
	switch (result) {
	case -ENOENT:
	case -ENOTDIR:
		log_error("no daemon called %s runs here; %s status lists those that do", name, log_name());
		return CLIENT_NO_DAEMON;
	case -ECONNREFUSED:
		log_error("no daemon called %s runs here: it was killed, and its control socket is left over",
		          name);
		return CLIENT_NO_DAEMON;
	case -EACCES:
	case -EPERM:
		log_error("the daemon called %s talks to its own user and to root only", name);
		return CLIENT_FAILED;
	default:
		log_error("cannot talk to the daemon called %s: %s", name, strerror(-result));
		return CLIENT_FAILED;
	}
}

struct search {
	int seconds;
	int fd; /* connected; -1 */
	int result;
};

static bool try_path(void *context, const char *path)
{
	struct search *search = context;
	const struct timeval patience = { .tv_sec = search->seconds };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0) {
		search->result = -errno;
		return false;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	result = connect_to(fd, path);
	if (result == 0) {
		search->fd = fd;
		return false;
	}
	(void)close(fd);
	/* A socket that is left over says less than one that we may not use. */
	if (is_present(result) && (search->result == -ENOENT || result != -ECONNREFUSED))
		search->result = result;
	return true;
}

/* Connects to the daemon of that name: *fd. */
static enum client_status open_daemon(const char *name, int seconds, int *fd)
{
	struct search search = { .seconds = seconds, .fd = -1, .result = -ENOENT };

	*fd = -1;
	if (strchr(name, '/') != NULL || strlen(name) >= CLIENT_NAME_BYTES || name[0] == '\0') {
		log_error("a daemon's name has no \"/\" and at most %d bytes", CLIENT_NAME_BYTES - 1);
		return CLIENT_FAILED;
	}
	socket_path_search(name, try_path, &search);
	*fd = search.fd;
	return search.fd >= 0 ? CLIENT_ANSWERED : say_no_daemon(name, search.result);
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
		log_error("the daemon called %s gave an invalid answer", name);
	json_decref(answer);
	return NULL;
}

static enum client_status say_no_answer(const char *name, int result, int seconds)
{
	if (result == -EAGAIN || result == -EWOULDBLOCK)
		log_error("the daemon called %s has not answered within %d seconds; it drops the request "
		          "unless it "
		          "has begun with it",
		          name, seconds);
	else
		log_error("the daemon called %s does not answer: %s", name,
		          result == -EPIPE || result == -ECONNRESET ? "it hung up" : strerror(-result));
	return CLIENT_FAILED;
}

/* Sends text, whose last byte is the end of the line, and reads the answer. */
static enum client_status ask(const char *name, int seconds, const char *text, size_t length, json_t **answer)
{
	enum client_status status;
	size_t line_length;
	char *line = NULL;
	int result;
	int fd;

	status = open_daemon(name, seconds, &fd);
	if (status != CLIENT_ANSWERED)
		return status;
	result = send_all(fd, text, length);
	if (result == 0)
		line = read_line(fd, &line_length, &result);
	if (line != NULL)
		*answer = take_answer(name, line, line_length);
	else
		status = say_no_answer(name, result, seconds);
	free(line);
	(void)close(fd);
	return *answer == NULL && status == CLIENT_ANSWERED ? CLIENT_FAILED : status;
}

enum client_status client_ask(const char *name, json_t *request, json_t **answer)
{
	const char *command = json_string_value(json_object_get(request, "command"));
	int seconds = command != NULL && strcmp(command, "reload") == 0 ? RELOAD_PATIENCE_SECONDS
	                                                                : PATIENCE_SECONDS;
	char *text = request == NULL ? NULL : json_dumps(request, JSON_COMPACT);
	enum client_status status;
	size_t length;

	*answer = NULL;
	json_decref(request);
	if (text == NULL) {
		log_error("an argument is not UTF-8, as the control socket requires");
		return CLIENT_FAILED;
	}
	/* The line end in the place of the zero: one message, so that no answer can come between. */
	length = strlen(text);
	text[length] = '\n';
	status = ask(name, seconds, text, length + 1, answer);
	free(text);
	return status;
}

enum client_status client_choose(const char **name, const char *given, char out[static CLIENT_NAME_BYTES])
{
	struct client_daemons daemons;
	enum client_status status;
	char list[512] = "";
	size_t used = 0;

	*name = given;
	if (given != NULL)
		return CLIENT_ANSWERED;
	status = client_find(&daemons);
	if (status != CLIENT_ANSWERED)
		return status;
	for (size_t i = 0; i < daemons.count && used < sizeof list; i++) {
		int more = snprintf(list + used, sizeof list - used, "%s%s", i == 0 ? "" : ", ",
		                    daemons.names[i]);

		used += more > 0 ? (size_t)more : 0;
	}
	if (daemons.count > 1) {
		log_error("several daemons run here; say which: %s", list);
		return CLIENT_FAILED;
	}
	memcpy(out, daemons.names[0], CLIENT_NAME_BYTES);
	*name = out;
	return CLIENT_ANSWERED;
}

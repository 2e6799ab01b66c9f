#include "daemon/monitor_parts.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"

/* doc/control.md describes what is spoken here. */

#define LINE_MAX_BYTES 65536
#define FOLDER_MODE 0755
#define SOCKET_MODE 0600
#define WORDS_MAX 256
/* A line of /proc/PID/stat: the name has at most 64 bytes. */
#define STAT_BYTES 512
#define ANCESTORS_MAX 64
#define WARN_EVERY_NS (60 * CLOCK_SECOND_NS)
/* So long the engine process may take for a report. */
#define REPORT_NS (5 * CLOCK_SECOND_NS)

/* The folder for sockets. *is_ours: it is ours to make. NULL: there is none. */
static const char *find_folder(char out[static sizeof(struct sockaddr_un)], size_t size, bool *is_ours)
{
	const char *runtime = getenv("RUNTIME_DIRECTORY");
	const char *user = getenv("XDG_RUNTIME_DIR");

	*is_ours = false;
	if (runtime != NULL && runtime[0] == '/') {
		/* systemd separates several by colons. */
		int length = (int)strcspn(runtime, ":");

		(void)snprintf(out, size, "%.*s", length, runtime);
		return out;
	}
	if (geteuid() == 0)
		(void)snprintf(out, size, "/run/rosenpass");
	else if (user != NULL && user[0] == '/')
		(void)snprintf(out, size, "%s/rosenpass", user);
	else
		return NULL;
	*is_ours = true;
	return out;
}

int monitor_control_find_path(char *out, size_t size, const char *name)
{
	char folder[sizeof(struct sockaddr_un)];
	bool is_ours;
	int length;

	if (find_folder(folder, sizeof folder, &is_ours) == NULL)
		return -1;
	length = snprintf(out, size, "%s/%s.sock", folder, name);
	return length < 0 || (size_t)length >= size ? -1 : 0;
}

/* Whether what has the name is a socket that nobody listens on: only a refusal says so for certain. */
static bool is_dead(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;
	bool dead = lstat(address->sun_path, &status) == 0 && S_ISSOCK(status.st_mode) && fd >= 0 &&
	            connect(fd, (const struct sockaddr *)address, sizeof *address) != 0 &&
	            errno == ECONNREFUSED;

	if (fd >= 0)
		(void)close(fd);
	return dead;
}

static int bind_socket(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int result;

	if (fd < 0)
		return -errno;
	/* One whose daemon was killed is in the way. */
	if (is_dead(address))
		(void)unlink(address->sun_path);
	mask = umask(0777 & ~SOCKET_MODE);
	result = bind(fd, (const struct sockaddr *)address, sizeof *address) == 0 ? 0 : -errno;
	(void)umask(mask);
	if (result == 0 && listen(fd, MONITOR_CLIENTS) != 0)
		result = -errno;
	if (result == 0)
		return fd;
	(void)close(fd);
	return result;
}

void monitor_control_open(struct monitor *monitor)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char folder[sizeof(struct sockaddr_un)];
	struct stat status;
	bool is_ours;
	int fd;

	if (find_folder(folder, sizeof folder, &is_ours) == NULL) {
		log_debug("no folder for a control socket: neither RUNTIME_DIRECTORY nor XDG_RUNTIME_DIR is "
		          "set");
		return;
	}
	/*
	 * Services have folders of their own below it, so that everybody has to come through, whatever our
	 * umask.
	 */
	if (is_ours && mkdir(folder, FOLDER_MODE) == 0)
		(void)chmod(folder, FOLDER_MODE);
	if (monitor_control_find_path(address.sun_path, sizeof address.sun_path, monitor->name) != 0) {
		log_warn("no control socket: \"%s/%s.sock\" is too long a name; --name gives a shorter one",
		         folder, monitor->name);
		return;
	}
	fd = bind_socket(&address);
	if (fd < 0) {
		log_warn("no control socket \"%s\" (%s status and reload will not find this daemon): %s",
		         address.sun_path, log_name(),
		         fd == -EADDRINUSE ? "another daemon has it; --name gives another name"
		                           : strerror(-fd));
		return;
	}
	monitor->control = fd;
	if (lstat(address.sun_path, &status) == 0) {
		monitor->control_device = status.st_dev;
		monitor->control_inode = status.st_ino;
	}
	memcpy(monitor->control_path, address.sun_path, sizeof monitor->control_path);
}

static void close_client(struct monitor_client *client)
{
	(void)close(client->fd);
	free(client->in);
	free(client->out);
	*client = (struct monitor_client){ .fd = -1 };
}

void monitor_control_close(struct monitor *monitor)
{
	struct stat status;

	for (size_t i = 0; i < MONITOR_CLIENTS; i++) {
		if (monitor->clients[i].fd >= 0)
			close_client(&monitor->clients[i]);
	}
	if (monitor->control < 0)
		return;
	/* Somebody may have taken ours away and put another one there. */
	if (lstat(monitor->control_path, &status) == 0 && status.st_dev == monitor->control_device &&
	    status.st_ino == monitor->control_inode)
		(void)unlink(monitor->control_path);
	(void)close(monitor->control);
	monitor->control = -1;
}

/* The parent of a process; 0: it is gone, or not ours to see. */
static pid_t parent_of(pid_t pid)
{
	char path[64];
	char text[STAT_BYTES] = "";
	const char *end;
	long parent = 0;
	FILE *file;

	(void)snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	file = fopen(path, "re");
	if (file == NULL)
		return 0;
	/* The name, in parentheses, may hold any character. */
	if (fgets(text, sizeof text, file) != NULL) {
		end = strrchr(text, ')');
		if (end == NULL || sscanf(end, ") %*c %ld", &parent) != 1)
			parent = 0;
	}
	(void)fclose(file);
	return (pid_t)parent;
}

/* The name of the process of ours that reads from the network; NULL: none of these. */
static const char *helper_name(const struct monitor *monitor, pid_t pid)
{
	if (pid == monitor->engine_pid)
		return "engine process";
	return resolver_pool_has_process(monitor->resolvers, pid) ? "resolver process" : NULL;
}

/*
 * Returns true if the process is the engine, a resolver, or a descendant of one. Hooks are children of ours
 * too, and may use the socket: they are programs of the administrator.
 */
static bool is_helper(struct monitor *monitor, pid_t pid)
{
	const char *name = NULL;

	for (int i = 0; i < ANCESTORS_MAX && pid > 1 && pid != getpid() && name == NULL; i++) {
		name = helper_name(monitor, pid);
		pid = parent_of(pid);
	}
	if (name == NULL)
		return false;
	if (clock_now_ns() >= monitor->control_warn_ns) {
		log_warn("control socket: refused a connection from our own %s; what it has read from the "
		         "network may have taken it over",
		         name);
		monitor->control_warn_ns = clock_now_ns() + WARN_EVERY_NS;
	}
	return true;
}

/*
 * Returns true for root and our own user, as the mode of the socket says, but not for processes of ours that
 * read from the network, which may have our user. The process is the one that connected, and its id is not
 * given out again before we have collected it: monitor_control_drain().
 */
static bool is_welcome(struct monitor *monitor, int fd)
{
	struct ucred peer;
	socklen_t length = sizeof peer;

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
	       (peer.uid == 0 || peer.uid == geteuid()) && !is_helper(monitor, peer.pid);
}

/* A client that has nothing to do with us at present; clients that wait for an answer keep their place. */
static struct monitor_client *longest_idle(struct monitor *monitor)
{
	struct monitor_client *longest = NULL;

	for (size_t i = 0; i < MONITOR_CLIENTS; i++) {
		struct monitor_client *client = &monitor->clients[i];

		if (!client->waits_for_report && client->out == NULL &&
		    (longest == NULL || client->since_ns < longest->since_ns))
			longest = client;
	}
	return longest;
}

bool monitor_control_accept(struct monitor *monitor)
{
	int fd = accept4(monitor->control, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct monitor_client *client = NULL;

	if (fd < 0) {
		/* Without a descriptor it would stay readable, and we would do nothing else. */
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
			monitor->control_pause_ns = clock_now_ns() + CLOCK_SECOND_NS;
		return false;
	}
	for (size_t i = 0; i < MONITOR_CLIENTS && client == NULL; i++) {
		if (monitor->clients[i].fd < 0)
			client = &monitor->clients[i];
	}
	if (client == NULL)
		client = longest_idle(monitor);
	if (client == NULL || !is_welcome(monitor, fd)) {
		(void)close(fd);
		return true;
	}
	if (client->fd >= 0)
		close_client(client);
	*client = (struct monitor_client){ .fd = fd, .since_ns = clock_now_ns() };
	return true;
}

void monitor_control_drain(struct monitor *monitor)
{
	/* The kernel keeps one more than was asked for. */
	for (int i = 0; i <= MONITOR_CLIENTS && monitor->control >= 0; i++) {
		if (!monitor_control_accept(monitor))
			return;
	}
}

bool monitor_control_has_room(const struct monitor *monitor, uint64_t now_ns)
{
	return now_ns >= monitor->control_pause_ns;
}

/* Sends what there is; what does not fit waits until the client reads. */
static void write_out(struct monitor_client *client)
{
	ssize_t sent;

	while (client->out_sent < client->out_length) {
		sent = send(client->fd, client->out + client->out_sent, client->out_length - client->out_sent,
		            MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return;
		if (sent < 0) {
			close_client(client);
			return;
		}
		client->out_sent += (size_t)sent;
	}
	free(client->out);
	client->out = NULL;
	client->out_length = 0;
	client->out_sent = 0;
	if (client->last_words)
		close_client(client);
}

/* Takes over an allocated line without its end. */
static void answer_line(struct monitor_client *client, char *line)
{
	size_t length = line == NULL ? 0 : strlen(line);
	char *longer = line == NULL ? NULL : realloc(line, length + 2);

	if (longer == NULL) {
		free(line);
		close_client(client);
		return;
	}
	longer[length] = '\n';
	client->out = longer;
	client->out_length = length + 1;
	client->out_sent = 0;
	write_out(client);
}

static void answer(struct monitor_client *client, json_t *object)
{
	char *line = object == NULL ? NULL : json_dumps(object, JSON_COMPACT);

	json_decref(object);
	answer_line(client, line);
}

static void refuse(struct monitor_client *client, const char *problem)
{
	json_t *object = json_pack("{s:b, s:s}", "ok", 0, "error", problem);

	/* A problem may quote bytes that are no UTF-8. */
	if (object == NULL)
		object = json_pack("{s:b, s:s}", "ok", 0, "error", "it failed; the daemon's log says why");
	answer(client, object);
}

static void serve_reload(struct monitor *monitor, struct monitor_client *client)
{
	struct monitor_reload_result result;
	char problem[MONITOR_PROBLEM_BYTES];

	notify_reloading();
	if (monitor_reload(monitor, &result, problem) != 0) {
		log_error("reload: %s; everything stays as it was", problem);
		refuse(client, problem);
	} else {
		answer(client,
		       json_pack("{s:b, s:I, s:I, s:I, s:I}", "ok", 1, "added", (json_int_t)result.added,
		                 "removed", (json_int_t)result.removed, "changed", (json_int_t)result.changed,
		                 "unchanged", (json_int_t)result.unchanged));
	}
	notify_send("READY=1");
}

static const char *called(const struct monitor_peer *peer)
{
	return peer->label + strlen("peer ");
}

/* The highest number so far. */
static size_t last_number(const struct monitor *monitor)
{
	size_t number = 0;

	for (size_t i = 0; i < monitor->slots; i++) {
		if (monitor->peers[i] != NULL && monitor->peers[i]->number > number)
			number = monitor->peers[i]->number;
	}
	return number;
}

/* 0, and in problem the reason why its outfile cannot be written now, or nothing; -1 and problem. */
static int add_peer(struct monitor *monitor, char *const *words, size_t count, char *name, size_t name_size,
                    char problem[static MONITOR_PROBLEM_BYTES])
{
	struct config_peer config = { 0 };
	struct monitor_staged staged = { 0 };
	size_t number = last_number(monitor) + 1;
	int result = -1;

	if (config_peer_from_words(&config, words, count, problem) != 0)
		return -1;
	if (config_peer_inherit(&config, &monitor->config) != 0) {
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "out of memory");
		config_peer_release(&config);
		return -1;
	}
	if (monitor_load_peer(&staged, monitor, &config, number, problem) == 0) {
		if (staged.same != NULL)
			(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "%s has that public key already",
			               staged.same->label);
		else if (monitor_claims_staged(&monitor->claims, &staged, false, problem) == 0)
			result = monitor_peers_add(monitor, &staged, true);
		if (result == -ENOMEM)
			(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "out of memory");
	}
	if (result == 0) {
		struct monitor_peer *peer = monitor_peers_by_serial(monitor, monitor->last_serial);

		(void)snprintf(name, name_size, "%s", called(peer));
		log_info("%s: added", peer->label);
		if (outfile_check(&peer->config, &peer->new_file, problem) == 0)
			problem[0] = '\0';
		monitor_load_warn(&staged, 1);
	}
	claims_drop(&monitor->claims, &staged.claims);
	monitor_load_release(&staged);
	return result;
}

static void serve_add(struct monitor *monitor, struct monitor_client *client, json_t *request)
{
	json_t *list = json_object_get(request, "words");
	char *words[WORDS_MAX];
	char problem[MONITOR_PROBLEM_BYTES] = "expected \"words\", a list of strings";
	char name[CHANNEL_LABEL_BYTES];
	size_t count = json_array_size(list);

	if (!json_is_array(list) || count > WORDS_MAX) {
		refuse(client, problem);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		json_t *word = json_array_get(list, i);

		if (!json_is_string(word) || strlen(json_string_value(word)) != json_string_length(word)) {
			refuse(client, problem);
			return;
		}
		/* The reader of words only reads them. */
		words[i] = (char *)(uintptr_t)json_string_value(word);
	}
	if (add_peer(monitor, words, count, name, sizeof name, problem) != 0)
		refuse(client, problem);
	else
		answer(client, json_pack("{s:b, s:s, s:s?}", "ok", 1, "name", name, "warning",
		                         problem[0] == '\0' ? NULL : problem));
}

static void serve_remove(struct monitor *monitor, struct monitor_client *client, json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "peer"));
	char problem[MONITOR_PROBLEM_BYTES] = "expected \"peer\", a string";
	struct monitor_peer *peer = word == NULL ? NULL : monitor_peers_find(monitor, word, problem);
	char name[CHANNEL_LABEL_BYTES];

	if (peer == NULL) {
		refuse(client, problem);
		return;
	}
	(void)snprintf(name, sizeof name, "%s", called(peer));
	monitor_peers_remove(monitor, peer);
	answer(client, json_pack("{s:b, s:s}", "ok", 1, "name", name));
}

void monitor_control_ask(struct monitor *monitor)
{
	static const struct channel_request report = { .kind = CHANNEL_REPORT };
	bool waits = false;

	for (size_t i = 0; i < MONITOR_CLIENTS; i++)
		waits |= monitor->clients[i].fd >= 0 && monitor->clients[i].waits_for_report;
	/* One report at a time serves all; it is young enough for those who come late. */
	if (!waits || monitor->report_asked)
		return;
	/* The engine process is asked nothing more. */
	if (monitor->stopping) {
		monitor_control_report(monitor);
		return;
	}
	monitor->report_asked = true;
	monitor->report_ns = clock_now_ns() + REPORT_NS;
	monitor_request(monitor, &report, -1);
	/* What WireGuard says is to be as young, and here before the report. */
	device_table_reconcile_now(monitor->deliveries.devices);
}

static void serve_line(struct monitor *monitor, struct monitor_client *client, const char *line,
                       size_t length)
{
	json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	const char *command = json_string_value(json_object_get(request, "command"));

	if (request == NULL || !json_is_object(request)) {
		client->last_words = true;
		refuse(client, "expected one JSON object a line");
	} else if (command == NULL) {
		refuse(client, "expected \"command\", a string");
	} else if (strcmp(command, "status") == 0) {
		client->waits_for_report = true;
		monitor_control_ask(monitor);
	} else if (monitor->stopping) {
		refuse(client, "the daemon stops");
	} else if (strcmp(command, "reload") == 0) {
		serve_reload(monitor, client);
	} else if (strcmp(command, "peer-add") == 0) {
		serve_add(monitor, client, request);
	} else if (strcmp(command, "peer-remove") == 0) {
		serve_remove(monitor, client, request);
	} else {
		refuse(client, "unknown command; there are status, reload, peer-add and peer-remove");
	}
	json_decref(request);
}

/* Serves one line if one is complete. One at a time: others have their turn between two reloads. */
static bool serve_next(struct monitor *monitor, struct monitor_client *client)
{
	char *end;
	size_t length;

	if (client->fd < 0 || client->out != NULL || client->waits_for_report || client->in_length == 0)
		return false;
	end = memchr(client->in, '\n', client->in_length);
	if (end == NULL)
		return false;
	length = (size_t)(end - client->in);
	client->since_ns = clock_now_ns();
	serve_line(monitor, client, client->in, length);
	if (client->fd < 0)
		return false;
	client->in_length -= length + 1;
	memmove(client->in, end + 1, client->in_length);
	return true;
}

bool monitor_control_go_on(struct monitor *monitor)
{
	bool more = false;

	for (size_t i = 0; i < MONITOR_CLIENTS; i++)
		more |= serve_next(monitor, &monitor->clients[i]);
	return more;
}

static void read_in(struct monitor_client *client)
{
	ssize_t got;

	if (client->in == NULL)
		client->in = malloc(LINE_MAX_BYTES);
	/* No memory, or a line that is longer than any of ours. */
	if (client->in == NULL || client->in_length == LINE_MAX_BYTES) {
		close_client(client);
		return;
	}
	got = recv(client->fd, client->in + client->in_length, LINE_MAX_BYTES - client->in_length, 0);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (got <= 0) {
		close_client(client);
		return;
	}
	/* Its lines are served by monitor_control_go_on(). */
	client->in_length += (size_t)got;
}

void monitor_control_serve(struct monitor_client *client, short events)
{
	if (client->waits_for_report) {
		/* It went away meanwhile. */
		if ((events & (POLLHUP | POLLERR)) != 0)
			close_client(client);
	} else if (client->out != NULL) {
		write_out(client);
	} else {
		read_in(client);
	}
}

void monitor_control_report(struct monitor *monitor)
{
	monitor->report_ns = MONITOR_NEVER;
	for (size_t i = 0; i < MONITOR_CLIENTS; i++) {
		struct monitor_client *client = &monitor->clients[i];

		if (client->fd < 0 || !client->waits_for_report)
			continue;
		client->waits_for_report = false;
		answer_line(client, monitor_status_format(monitor, clock_now_ns()));
	}
}

#include "control/server.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"

/* A line of /proc/PID/stat: the name has at most 64 bytes. */
#define STAT_BYTES 512
#define ANCESTORS_MAX 64
/* A refused helper is logged once in this time. */
#define WARN_EVERY_NS (60 * CLOCK_SECOND_NS)
/* Without a free descriptor, accepting is retried after this long. */
#define PAUSE_NS CLOCK_SECOND_NS

struct control_client {
	struct control_server *server;
	struct loop_io io; /* fd -1: the place is free */
	bool is_root;
	uint64_t since_ns; /* when it last connected, sent a request or read an answer */
	char *in;
	size_t in_length;
	bool in_ended; /* it sends nothing more, and may still read */
	char *out;
	size_t out_length, out_sent;
	bool is_last; /* the connection is closed when out is sent */
	struct control_call *call;
};

struct control_call {
	struct control_client *client; /* NULL: it has left */
};

struct control_server {
	struct loop *loop;
	const struct control_server_events *events;
	void *owner;
	struct server_socket socket;
	struct loop_io listener;
	struct loop_timer resume; /* accepting again after PAUSE_NS */
	struct loop_timer serve;  /* complete lines wait */
	uint64_t warn_ns;         /* no refused helper is logged before then */
	struct control_client clients[CONTROL_CLIENTS];
};

/* --- clients --------------------------------------------------------------------------- */

static bool is_free(const struct control_client *client)
{
	return client->io.fd < 0;
}

static void close_client(struct control_client *client)
{
	struct control_server *server = client->server;

	if (client->call != NULL)
		client->call->client = NULL;
	loop_io_remove(server->loop, &client->io);
	(void)close(client->io.fd);
	free(client->in);
	free(client->out);
	*client = (struct control_client){ .server = server, .io = { .fd = -1 } };
}

static bool has_line(const struct control_client *client)
{
	return client->in_length > 0 && memchr(client->in, '\n', client->in_length) != NULL;
}

/* Waits for what the client is expected to do next. The kernel reports that it hung up in any case. */
static void watch(struct control_client *client)
{
	if (client->out != NULL)
		client->io.events = POLLOUT;
	else if (client->call != NULL || client->in_ended || has_line(client))
		client->io.events = 0;
	else
		client->io.events = POLLIN;
}

/* Serves its next line, waits for more, or closes the connection of a client that sends nothing more. */
static void proceed(struct control_client *client)
{
	watch(client);
	if (client->out != NULL || client->call != NULL)
		return;
	if (has_line(client))
		loop_timer_set(client->server->loop, &client->server->serve,
		               loop_now_ns(client->server->loop));
	else if (client->in_ended)
		close_client(client);
}

/* Sends what there is; what does not fit waits until the client reads. */
static void write_out(struct control_client *client)
{
	while (client->out_sent < client->out_length) {
		ssize_t sent = send(client->io.fd, client->out + client->out_sent,
		                    client->out_length - client->out_sent, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
			watch(client);
			return;
		}
		if (sent < 0) {
			close_client(client);
			return;
		}
		client->out_sent += (size_t)sent;
		client->since_ns = loop_now_ns(client->server->loop);
	}
	free(client->out);
	client->out = NULL;
	client->out_length = 0;
	client->out_sent = 0;
	if (client->is_last)
		close_client(client);
	else
		proceed(client);
}

/* Takes over an allocated line without its end; NULL: there was no memory for it. */
static void send_line(struct control_client *client, char *line)
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

void control_answer(struct control_call *call, json_t *answer)
{
	struct control_client *client = call->client;
	char *line = NULL;

	free(call);
	if (client != NULL) {
		client->call = NULL;
		if (answer != NULL)
			line = json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(9));
		send_line(client, line);
	}
	json_decref(answer);
}

void control_refuse(struct control_call *call, const char *problem)
{
	json_t *answer = json_pack("{s:b, s:s}", "ok", 0, "error", problem);

	/* A problem may quote bytes that are no UTF-8. */
	if (answer == NULL)
		answer = json_pack("{s:b, s:s}", "ok", 0, "error", "it failed; the daemon's log says why");
	control_answer(call, answer);
}

bool control_is_wanted(const struct control_call *call)
{
	return call->client != NULL;
}

/* Returns true if the client has closed the connection, though lines of it may still be read. */
static bool has_hung_up(int fd)
{
	struct pollfd state = { .fd = fd };

	return poll(&state, 1, 0) == 1 && (state.revents & (POLLHUP | POLLERR)) != 0;
}

static void serve_line(struct control_client *client, const char *line, size_t length)
{
	struct control_server *server = client->server;
	json_t *request = json_loadb(line, length, JSON_REJECT_DUPLICATES, NULL);
	struct control_call *call = malloc(sizeof *call);

	if (call == NULL) {
		close_client(client);
	} else {
		call->client = client;
		client->call = call;
		watch(client);
		client->is_last = !json_is_object(request);
		if (client->is_last)
			control_refuse(call, "expected one JSON object a line");
		else
			server->events->request(server->owner, call, request);
	}
	json_decref(request);
}

/* Takes the first line out of what has been read, and serves it if the client still waits for an answer. */
static void serve_next(struct control_client *client)
{
	char *end = memchr(client->in, '\n', client->in_length);
	size_t length = (size_t)(end - client->in);
	char *line;

	if (has_hung_up(client->io.fd)) {
		close_client(client);
		return;
	}
	line = malloc(length + 1);
	if (line == NULL) {
		close_client(client);
		return;
	}
	memcpy(line, client->in, length);
	client->in_length -= length + 1;
	memmove(client->in, end + 1, client->in_length);
	client->since_ns = loop_now_ns(client->server->loop);
	serve_line(client, line, length);
	free(line);
}

/* One line of each client, so that none is kept from its turn by another that has sent many. */
static void serve_lines(void *owner)
{
	struct control_server *server = owner;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &server->clients[i];

		if (!is_free(client) && client->out == NULL && client->call == NULL && has_line(client))
			serve_next(client);
	}
}

static void read_in(struct control_client *client)
{
	ssize_t got;

	if (client->in == NULL)
		client->in = malloc(CONTROL_LINE_BYTES);
	/* A line that is full and has no end is too long. */
	if (client->in == NULL || client->in_length == CONTROL_LINE_BYTES) {
		close_client(client);
		return;
	}
	got = recv(client->io.fd, client->in + client->in_length, CONTROL_LINE_BYTES - client->in_length, 0);
	if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return;
	if (got < 0) {
		close_client(client);
		return;
	}
	client->in_length += (size_t)got;
	client->in_ended = got == 0;
	proceed(client);
}

static void client_ready(void *owner, short revents)
{
	struct control_client *client = owner;

	if ((revents & (POLLHUP | POLLERR)) != 0)
		close_client(client);
	else if (client->out != NULL)
		write_out(client);
	else if (client->io.events == POLLIN)
		read_in(client);
}

/* --- who is served ----------------------------------------------------------------------- */

/* The parent of a process; 0: it has ended, or is not ours to see. */
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

/*
 * Returns true if the process is one of ours that reads from the network, or a descendant of such a
 * process. Hooks are children of ours too, and may use the socket: they are programs of the administrator.
 */
static bool is_helper(struct control_server *server, pid_t pid)
{
	uint64_t now_ns = loop_now_ns(server->loop);
	const char *name = NULL;

	for (int i = 0; i < ANCESTORS_MAX && pid > 1 && pid != getpid() && name == NULL; i++) {
		name = server->events->helper(server->owner, pid);
		pid = parent_of(pid);
	}
	if (name == NULL)
		return false;
	if (now_ns >= server->warn_ns) {
		log_warn("control socket: refused a connection from our own %s; what it has read from the "
		         "network may have taken it over",
		         name);
		server->warn_ns = now_ns + WARN_EVERY_NS;
	}
	return true;
}

/*
 * Returns true for root and our own user, as the mode of the socket says, but not for helpers, which may
 * have our user. The process is the one that connected, and its id is not given out again before we have
 * reaped it: control_server_drain().
 */
static bool is_welcome(struct control_server *server, int fd, bool *is_root)
{
	struct ucred peer;
	socklen_t length = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		return false;
	*is_root = peer.uid == 0;
	return (peer.uid == 0 || peer.uid == geteuid()) && !is_helper(server, peer.pid) && !has_hung_up(fd);
}

/*
 * Of the clients of root, or of the others, the one that has done nothing for longest: it does not send, or
 * does not read. Clients that wait for us come after these.
 */
static struct control_client *longest_idle(struct control_server *server, bool is_root)
{
	struct control_client *longest = NULL;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &server->clients[i];
		bool waits = client->call != NULL;

		if (is_free(client) || client->is_root != is_root)
			continue;
		if (longest == NULL ||
		    (waits != (longest->call != NULL) ? !waits : client->since_ns < longest->since_ns))
			longest = client;
	}
	return longest;
}

/*
 * A free place, or that of an idle client, which is closed. Neither root nor our own user can drive out the
 * other: who has less than half of the places gets one of the other's.
 */
static struct control_client *find_place(struct control_server *server, bool is_root)
{
	struct control_client *client;
	size_t own = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (is_free(&server->clients[i]))
			return &server->clients[i];
		own += server->clients[i].is_root == is_root ? 1 : 0;
	}
	client = longest_idle(server, own < CONTROL_CLIENTS / 2 ? !is_root : is_root);
	log_debug("control socket: too many connections; closing the one that was idle longest");
	close_client(client);
	return client;
}

/* Accepts or closes one connection. Returns false if none waits. */
static bool accept_one(struct control_server *server)
{
	int fd = accept4(server->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct control_client *client;
	bool is_root;

	if (fd < 0) {
		/* Without a descriptor the socket would stay readable, and we would do nothing else. */
		if (errno != EAGAIN && errno != ECONNABORTED && errno != EINTR) {
			server->listener.fd = -1;
			loop_timer_set(server->loop, &server->resume, loop_now_ns(server->loop) + PAUSE_NS);
		}
		return false;
	}
	if (!is_welcome(server, fd, &is_root)) {
		(void)close(fd);
		return true;
	}
	client = find_place(server, is_root);
	client->io = (struct loop_io){ .fd = fd, .events = POLLIN, .ready = client_ready, .owner = client };
	client->is_root = is_root;
	client->since_ns = loop_now_ns(server->loop);
	if (loop_io_add(server->loop, &client->io) != 0)
		close_client(client);
	return true;
}

static void listener_ready(void *owner, short revents)
{
	(void)revents;
	(void)accept_one(owner);
}

static void resume(void *owner)
{
	struct control_server *server = owner;

	server->listener.fd = server->socket.fd;
}

void control_server_drain(struct control_server *server)
{
	/* The kernel keeps one more than was asked for. */
	for (int i = 0; server != NULL && i <= CONTROL_CLIENTS; i++) {
		if (!accept_one(server))
			return;
	}
}

size_t control_server_count(const struct control_server *server)
{
	size_t count = 0;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		count += is_free(&server->clients[i]) ? 0 : 1;
	return count;
}

/* --- opening and closing ------------------------------------------------------------------ */

static int add_watchers(struct control_server *server)
{
	int result = loop_timer_add(server->loop, &server->serve);

	if (result != 0)
		return result;
	result = loop_timer_add(server->loop, &server->resume);
	if (result == 0) {
		result = loop_io_add(server->loop, &server->listener);
		if (result == 0)
			return 0;
		loop_timer_remove(server->loop, &server->resume);
	}
	loop_timer_remove(server->loop, &server->serve);
	return result;
}

int control_server_open(struct control_server **out, struct loop *loop, const char *name,
                        const struct control_server_events *events, void *owner,
                        char problem[static SERVER_SOCKET_PROBLEM_BYTES])
{
	struct control_server *server = calloc(1, sizeof *server);
	int result;

	*out = NULL;
	if (server == NULL) {
		(void)snprintf(problem, SERVER_SOCKET_PROBLEM_BYTES, "out of memory");
		return -ENOMEM;
	}
	*server = (struct control_server){
		.loop = loop,
		.events = events,
		.owner = owner,
		.listener = { .fd = -1, .events = POLLIN, .ready = listener_ready, .owner = server },
		.resume = { .expired = resume, .owner = server },
		.serve = { .expired = serve_lines, .owner = server },
	};
	for (size_t i = 0; i < CONTROL_CLIENTS; i++)
		server->clients[i] = (struct control_client){ .server = server, .io = { .fd = -1 } };
	result = server_socket_open(&server->socket, name, problem);
	if (result != 0) {
		free(server);
		return result;
	}
	server->listener.fd = server->socket.fd;
	result = add_watchers(server);
	if (result != 0) {
		(void)snprintf(problem, SERVER_SOCKET_PROBLEM_BYTES, "out of memory");
		server_socket_close(&server->socket);
		free(server);
		return result;
	}
	*out = server;
	return 0;
}

void control_server_close(struct control_server *server)
{
	if (server == NULL)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (!is_free(&server->clients[i]))
			close_client(&server->clients[i]);
	}
	loop_io_remove(server->loop, &server->listener);
	loop_timer_remove(server->loop, &server->resume);
	loop_timer_remove(server->loop, &server->serve);
	server_socket_close(&server->socket);
	free(server);
}

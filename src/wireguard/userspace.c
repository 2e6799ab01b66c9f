#include "wireguard/userspace.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "system/secret_memory.h"
#include "wireguard/link.h"
#include "wireguard/userspace_answer.h"

#define TEXT_BYTES_MIN 16384
#define TEXT_BYTES_MAX (64 * 1024 * 1024)

/* The longest line that is put together at once: an endpoint with its key. */
#define LINE_BYTES 160
#define HEX_CHARS (2 * WIREGUARD_KEY_BYTES)

static const char *folder = "/var/run/wireguard";
static bool wants_link = true;
static unsigned patience_ms = 2000;

void userspace_use_folder(const char *path)
{
	folder = path;
	wants_link = false;
}

void userspace_use_patience(unsigned ms)
{
	patience_ms = ms;
}

struct text {
	char *bytes;
	size_t used;
	size_t size;
	int error; /* the first one; what is appended after it is lost */
};

static void wipe(struct text *text)
{
	secret_memory_release(NULL, text->bytes, text->size);
	*text = (struct text){ 0 };
}

static int reserve(struct text *text, size_t more)
{
	size_t size = text->size == 0 ? TEXT_BYTES_MIN : text->size;
	char *bytes;

	if (text->error != 0 || more <= text->size - text->used)
		return text->error;
	while (size - text->used < more && size < TEXT_BYTES_MAX)
		size *= 2;
	if (size - text->used < more)
		return text->error = -EMSGSIZE;
	bytes = secret_memory_allocate(NULL, size);
	if (bytes == NULL)
		return text->error = -ENOMEM;
	if (text->used > 0)
		memcpy(bytes, text->bytes, text->used);
	secret_memory_release(NULL, text->bytes, text->size);
	text->bytes = bytes;
	text->size = size;
	return 0;
}

static void put(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Not for keys: printf may keep copies of its own. */
static void put(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	if (reserve(text, LINE_BYTES) != 0)
		return;
	va_start(arguments, format);
	length = vsnprintf(text->bytes + text->used, LINE_BYTES, format, arguments);
	va_end(arguments);
	assert(length >= 0 && length < LINE_BYTES);
	text->used += (size_t)length;
}

static void put_key(struct text *text, const char *name, const uint8_t key[static WIREGUARD_KEY_BYTES])
{
	put(text, "%s=", name);
	if (reserve(text, HEX_CHARS + 1) != 0)
		return;
	(void)sodium_bin2hex(text->bytes + text->used, HEX_CHARS + 1, key, WIREGUARD_KEY_BYTES);
	text->used += HEX_CHARS;
	put(text, "\n");
}

static uint64_t now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* A name comes from a user and must not lead out of the folder. */
static int find_path(struct sockaddr_un *address, const char *name)
{
	int length;

	if (name[0] == '\0' || name[0] == '.' || strlen(name) >= WIREGUARD_NAME_BYTES ||
	    strchr(name, '/') != NULL)
		return -ENODEV;
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	length = snprintf(address->sun_path, sizeof address->sun_path, "%s/%s.sock", folder, name);
	return length < (int)sizeof address->sun_path ? 0 : -ENAMETOOLONG;
}

/* A connected socket, or negative errno. wait: for room in a full queue, else that is -EAGAIN. */
static int open_socket(const struct sockaddr_un *address, bool wait)
{
	const struct timeval patience = { .tv_sec = patience_ms / 1000,
		                          .tv_usec = (suseconds_t)(patience_ms % 1000) * 1000 };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | (wait ? 0 : SOCK_NONBLOCK), 0);
	int result = 0;

	if (fd < 0)
		return -errno;
	/* The limit for sending holds for connecting too. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
		result = -errno;
	if (result == 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0)
		result = -errno;
	if (result == 0)
		return fd;
	(void)close(fd);
	/* No socket, or one that a process left behind. */
	if (result == -ENOENT || result == -ENOTDIR || result == -ECONNREFUSED)
		return -ENODEV;
	return result;
}

static bool has_link(const char *name)
{
	struct link link;

	return !wants_link || (link_look(name, &link) == 0 && !link.is_wireguard);
}

pid_t userspace_process(const char *name)
{
	struct ucred peer = { 0 };
	socklen_t length = sizeof peer;
	struct sockaddr_un address;
	int fd;

	if (find_path(&address, name) != 0)
		return 0;
	fd = open_socket(&address, false);
	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0)
		peer.pid = 0;
	(void)close(fd);
	return peer.pid;
}

const char *userspace_folder(void)
{
	return folder;
}

enum userspace_sight userspace_look(const char *name)
{
	struct sockaddr_un address;
	struct stat status;
	int fd;

	if (stat(folder, &status) != 0 && errno == ENOENT)
		return USERSPACE_NO_FOLDER;
	if (find_path(&address, name) != 0)
		return USERSPACE_NO_SOCKET;
	if (lstat(address.sun_path, &status) != 0)
		return errno == EACCES ? USERSPACE_HIDDEN : USERSPACE_NO_SOCKET;
	fd = open_socket(&address, false);
	if (fd >= 0)
		(void)close(fd);
	if (fd == -EACCES || fd == -EPERM)
		return USERSPACE_CLOSED;
	/* A queue that is full is one of a program that is busy. */
	return fd >= 0 || fd == -EAGAIN ? USERSPACE_SERVED : USERSPACE_NOBODY;
}

bool userspace_serves(const char *name)
{
	struct sockaddr_un address;
	struct stat status;
	int fd;

	if (find_path(&address, name) != 0 || access(address.sun_path, F_OK) != 0 || !has_link(name))
		return false;
	fd = open_socket(&address, false);
	if (fd >= 0)
		(void)close(fd);
	if (fd == -EACCES)
		return lstat(address.sun_path, &status) == 0 && S_ISSOCK(status.st_mode);
	return fd >= 0 || fd == -EAGAIN;
}

static int wait_for(int fd, short events, uint64_t deadline)
{
	for (;;) {
		struct pollfd ready = { .fd = fd, .events = events };
		uint64_t now = now_ms();
		int count;

		if (now >= deadline)
			return -ETIMEDOUT;
		count = poll(&ready, 1, (int)(deadline - now));
		if (count > 0)
			return 0;
		if (count < 0 && errno != EINTR)
			return -errno;
	}
}

static bool is_passing(int error)
{
	return error == EINTR || error == EAGAIN;
}

static int send_all(int fd, const struct text *request, uint64_t deadline)
{
	size_t sent = 0;

	while (sent < request->used) {
		int result = wait_for(fd, POLLOUT, deadline);
		ssize_t count;

		if (result != 0)
			return result;
		count = send(fd, request->bytes + sent, request->used - sent, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (count < 0 && !is_passing(errno))
			return -errno;
		sent += count > 0 ? (size_t)count : 0;
	}
	return 0;
}

/* Whether an empty line is there, of which the last byte is not before from. */
static bool is_whole(const struct text *answer, size_t from)
{
	size_t start = from > 0 ? from - 1 : 0;

	return answer->used > 0 && (answer->bytes[0] == '\n' ||
	                            memmem(answer->bytes + start, answer->used - start, "\n\n", 2) != NULL);
}

static int receive_all(int fd, struct text *answer, uint64_t deadline)
{
	for (;;) {
		size_t before = answer->used;
		int result = reserve(answer, 1);
		ssize_t count;

		if (result == 0)
			result = wait_for(fd, POLLIN, deadline);
		if (result != 0)
			return result;
		count = recv(fd, answer->bytes + before, answer->size - before, MSG_DONTWAIT);
		if (count == 0)
			return -EPROTO;
		if (count < 0 && !is_passing(errno))
			return -errno;
		answer->used += count > 0 ? (size_t)count : 0;
		if (is_whole(answer, before))
			return 0;
	}
}

static int ask(const char *name, const struct text *request, struct text *answer)
{
	uint64_t deadline = now_ms() + patience_ms;
	struct sockaddr_un address;
	int result = request->error;
	int unsent;
	int fd;

	if (result == 0)
		result = find_path(&address, name);
	if (result != 0)
		return result;
	fd = open_socket(&address, true);
	if (fd < 0)
		return fd == -EAGAIN ? -ETIMEDOUT : fd;
	unsent = send_all(fd, request, deadline);
	/* Who refuses a request may close before all of it is there; why stands in the answer. */
	result = unsent == 0 || unsent == -EPIPE || unsent == -ECONNRESET ? receive_all(fd, answer, deadline)
	                                                                  : unsent;
	if (result != 0 && unsent != 0)
		result = unsent;
	(void)close(fd);
	return result;
}

int userspace_get(struct wireguard_device *device, const char *name)
{
	struct text request = { 0 };
	struct text answer = { 0 };
	int result;

	memset(device, 0, sizeof *device);
	put(&request, "get=1\n\n");
	result = ask(name, &request, &answer);
	if (result == 0)
		result = userspace_answer_device(device, answer.bytes, answer.used, (uint64_t)time(NULL));
	if (result == 0)
		(void)snprintf(device->name, sizeof device->name, "%s", name);
	wipe(&request);
	wipe(&answer);
	return result;
}

static void put_allowed_ip(struct text *text, const struct ip_prefix *prefix)
{
	char address[INET6_ADDRSTRLEN];

	if (inet_ntop(prefix->family, &prefix->v6, address, sizeof address) == NULL)
		text->error = text->error != 0 ? text->error : -EINVAL;
	else
		put(text, "allowed_ip=%s/%u\n", address, (unsigned)prefix->bits);
}

static void put_peer(struct text *text, const struct wireguard_peer_change *peer)
{
	char endpoint[ADDRESS_TEXT_BYTES];

	put_key(text, "public_key", peer->public_key);
	if (peer->remove) {
		put(text, "remove=true\n");
		return;
	}
	if (peer->update_only)
		put(text, "update_only=true\n");
	if (peer->preshared_key != NULL)
		put_key(text, "preshared_key", peer->preshared_key);
	if (peer->endpoint != NULL) {
		/* boringtun takes the number of an interface only. */
		address_format_numeric(endpoint, peer->endpoint);
		put(text, "endpoint=%s\n", endpoint);
	}
	if (peer->set_keepalive)
		put(text, "persistent_keepalive_interval=%u\n", (unsigned)peer->keepalive_seconds);
	if (peer->replace_allowed_ips)
		put(text, "replace_allowed_ips=true\n");
	for (size_t i = 0; i < peer->allowed_ip_count; i++)
		put_allowed_ip(text, &peer->allowed_ips[i]);
}

static void put_change(struct text *text, const struct wireguard_change *change)
{
	put(text, "set=1\n");
	if (change->private_key != NULL)
		put_key(text, "private_key", change->private_key);
	if (change->set_listen_port)
		put(text, "listen_port=%u\n", (unsigned)change->listen_port);
	if (change->set_fwmark)
		put(text, "fwmark=%" PRIu32 "\n", change->fwmark);
	if (change->replace_peers)
		put(text, "replace_peers=true\n");
	for (size_t i = 0; i < change->peer_count; i++)
		put_peer(text, &change->peers[i]);
	put(text, "\n");
}

int userspace_set(const char *name, const struct wireguard_change *change)
{
	struct text request = { 0 };
	struct text answer = { 0 };
	int result;

	put_change(&request, change);
	result = ask(name, &request, &answer);
	if (result == 0)
		result = userspace_answer_result(answer.bytes, answer.used);
	wipe(&request);
	wipe(&answer);
	return result;
}

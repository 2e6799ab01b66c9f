#include "engine/channel.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/secret_memory.h"
#include "system/sockets.h"

/* Room for the peers of a hub to change hands without waiting at every message. */
#define BUFFER_BYTES (1024 * 1024)

union control {
	struct cmsghdr header;
	uint8_t bytes[CMSG_SPACE(sizeof(int))];
};

int channel_open(int pair[2])
{
	static const int buffer = BUFFER_BYTES;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -errno;
	(void)setsockopt(pair[0], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	(void)setsockopt(pair[1], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	return 0;
}

static int send_message(int channel, const void *message, size_t length, int fd)
{
	/* sendmsg() only reads through the pointer. */
	struct iovec vector = { (void *)(uintptr_t)message, length };
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1 };
	union control control;

	if (fd >= 0) {
		struct cmsghdr *c;

		memset(&control, 0, sizeof control);
		header.msg_control = &control;
		header.msg_controllen = sizeof control.bytes;
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof fd);
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	for (;;) {
		if (sendmsg(channel, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int channel_send_request(int channel, const struct channel_request *request, int fd)
{
	return send_message(channel, request, sizeof *request, fd);
}

int channel_send_event(int channel, const struct channel_event *event)
{
	return send_message(channel, event, sizeof *event, -1);
}

/* Takes one descriptor; whoever sends several at once loses the others. */
static int take_descriptor(struct msghdr *header)
{
	int taken = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = 0; CMSG_LEN(at + sizeof taken) <= c->cmsg_len; at += sizeof taken) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + at, sizeof fd);
			if (taken < 0)
				taken = fd;
			else
				(void)close(fd);
		}
	}
	return taken;
}

/*
 * The length of a message; 0: none waits; -EPIPE: the other side is gone. One that is too long is cut, and
 * -EPROTO.
 */
static ssize_t receive_message(int channel, uint8_t *bytes, size_t size, int *fd)
{
	union control control;
	struct iovec vector = { bytes, size };
	struct msghdr header = {
		.msg_iov = &vector,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control.bytes,
	};
	ssize_t length;

	*fd = -1;
	do {
		length = recvmsg(channel, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	} while (length < 0 && errno == EINTR);
	if (length < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
	*fd = take_descriptor(&header);
	/* Nobody sends empty messages: this is the end. */
	if (length == 0)
		return -EPIPE;
	return (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0 ? -EPROTO : length;
}

int channel_receive_event(int channel, struct channel_event *event)
{
	uint8_t bytes[sizeof *event];
	int fd;
	ssize_t length = receive_message(channel, bytes, sizeof bytes, &fd);
	int result = length > 0 ? 1 : (int)length;

	/* Events come without. */
	if (fd >= 0) {
		(void)close(fd);
		result = -EPROTO;
	}
	if (result == 1 && !channel_read_event(event, bytes, (size_t)length))
		result = -EPROTO;
	sodium_memzero(bytes, sizeof bytes);
	return result;
}

int channel_receive_request(int channel, struct channel_request *request, int *fd)
{
	uint8_t bytes[sizeof *request];
	ssize_t length = receive_message(channel, bytes, sizeof bytes, fd);
	int result = length > 0 ? 1 : (int)length;

	if (result == 1 && !channel_read_request(request, bytes, (size_t)length))
		result = -EPROTO;
	if (result != 1 && *fd >= 0) {
		(void)close(*fd);
		*fd = -1;
	}
	sodium_memzero(bytes, sizeof bytes);
	return result;
}

static bool is_flag(uint8_t value)
{
	return value <= 1;
}

static bool is_address(const union address_socket *address)
{
	return address->any.sa_family == AF_INET || address->any.sa_family == AF_INET6;
}

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool is_ready(const struct channel_ready *ready)
{
	const struct sandbox_report *sandbox = &ready->sandbox;

	return is_flag(sandbox->seccomp) && is_flag(sandbox->no_capabilities) &&
	       is_flag(sandbox->no_new_privileges) && is_flag(sandbox->not_dumpable) &&
	       is_flag(sandbox->changed_user) && ready->memory <= SECRET_MEMORY_KIND_LAST;
}

static bool is_report(const struct channel_peer_report *peer)
{
	return peer->state <= ROSENPASS_STATE_INIT_CONF && peer->role <= ROSENPASS_RESPONDER &&
	       peer->dialect < ROSENPASS_DIALECT_COUNT && is_flag(peer->ever) && is_flag(peer->has_key) &&
	       is_flag(peer->confirmed) && is_flag(peer->has_endpoint) &&
	       (peer->has_endpoint == 0 || is_address(&peer->endpoint));
}

static bool is_silence(const struct channel_silence *silence)
{
	if (silence->reason >= CHANNEL_SILENCE_COUNT || silence->since_ns == 0 ||
	    silence->count > CHANNEL_TRIED_MAX || silence->more > CHANNEL_ADDRESSES_MAX)
		return false;
	for (uint32_t i = 0; i < silence->count; i++) {
		if (!is_address(&silence->tried[i].address) || silence->tried[i].error < 0)
			return false;
	}
	return true;
}

static bool is_rejected(const struct channel_rejected *rejected)
{
	return rejected->reason < CHANNEL_REJECTED_COUNT && rejected->dialect < ROSENPASS_DIALECT_COUNT &&
	       rejected->count > 0 && is_address(&rejected->from);
}

bool channel_read_event(struct channel_event *event, const uint8_t *bytes, size_t length)
{
	if (length != sizeof *event)
		return false;
	memcpy(event, bytes, sizeof *event);
	if (event->slot >= CHANNEL_PEERS_MAX)
		return false;
	switch (event->kind) {
	case CHANNEL_READY:
		return is_ready(&event->ready);
	case CHANNEL_KEY:
	case CHANNEL_STALE:
		return event->key.role <= ROSENPASS_RESPONDER && event->key.dialect < ROSENPASS_DIALECT_COUNT;
	case CHANNEL_MOVED:
		return is_address(&event->moved);
	case CHANNEL_PEER_REPORT:
		return is_report(&event->peer);
	case CHANNEL_REPORT_END:
		return event->report.busy_permille <= 1000 && event->report.random_failing <= 1;
	case CHANNEL_SILENCE:
		return is_silence(&event->silence);
	case CHANNEL_REJECTED:
		return is_rejected(&event->rejected);
	case CHANNEL_BEGUN:
	case CHANNEL_TIMED_OUT:
	case CHANNEL_PEER_FAILED:
	case CHANNEL_PONG:
		return true;
	default:
		return false;
	}
}

/* The organization and each label end with a zero within the field. */
static bool is_osk(const struct channel_peer *peer)
{
	size_t at = 0;

	if (peer->osk_labels == 0)
		return true;
	if (peer->osk_labels > CHANNEL_OSK_MAX)
		return false;
	for (uint32_t i = 0; i <= peer->osk_labels; i++) {
		const char *zero = memchr(peer->osk + at, '\0', sizeof peer->osk - at);

		if (zero == NULL)
			return false;
		at = (size_t)(zero - peer->osk) + 1;
	}
	return true;
}

static bool is_peer(const struct channel_peer *peer)
{
	return is_text(peer->label, sizeof peer->label) && (peer->dialects & ~ROSENPASS_DIALECTS_ALL) == 0 &&
	       is_flag(peer->has_psk) && is_flag(peer->discover) && is_flag(peer->holds) && is_osk(peer);
}

static bool are_addresses(const struct channel_addresses *addresses)
{
	if (addresses->count > CHANNEL_ADDRESSES_MAX || addresses->forget > 1)
		return false;
	for (uint32_t i = 0; i < addresses->count; i++) {
		if (!is_address(&addresses->list[i]))
			return false;
	}
	return true;
}

bool channel_read_request(struct channel_request *request, const uint8_t *bytes, size_t length)
{
	if (length != sizeof *request)
		return false;
	memcpy(request, bytes, sizeof *request);
	switch (request->kind) {
	case CHANNEL_ADD_PEER:
	case CHANNEL_CHANGE_PEER:
		return request->slot < CHANNEL_PEERS_MAX && is_peer(&request->peer);
	case CHANNEL_SET_ADDRESSES:
	case CHANNEL_RESTORE:
		return request->slot < CHANNEL_PEERS_MAX && are_addresses(&request->addresses);
	case CHANNEL_INITIATE:
	case CHANNEL_DELIVERED:
	case CHANNEL_REMOVE_PEER:
		return request->slot < CHANNEL_PEERS_MAX;
	case CHANNEL_ADD_SOCKET:
		return request->slot < SOCKETS_MAX &&
		       (request->family == AF_INET || request->family == AF_INET6);
	case CHANNEL_DROP_SOCKET:
		return request->slot < SOCKETS_MAX;
	case CHANNEL_NETWORK_CHANGED:
	case CHANNEL_BEGIN:
	case CHANNEL_REPORT:
	case CHANNEL_PING:
	case CHANNEL_STOP:
		return true;
	default:
		return false;
	}
}

/*
 * What the two processes of a daemon take from each other. memchr() and system calls are replaced by what
 * their manuals promise and no more.
 */

#include <string.h>
#include <sys/socket.h>

static void *find_zero(const void *text, int byte, size_t size);
static struct cmsghdr *next_header(struct msghdr *header, struct cmsghdr *c);
#define memchr find_zero
#undef CMSG_NXTHDR
#define CMSG_NXTHDR next_header

#include "engine/channel.c"
#include "prove.h"

/* --- form of messages ------------------------------------------------------------------------- */

/*
 * Some zero, or NULL. The real memchr() gives the first one, and NULL only if there is none: it is one of
 * the possibilities that are looked at here.
 */
static void *find_zero(const void *text, int byte, size_t size)
{
	size_t at = nondet_size();

	CHECK(byte == 0);
	CHECK_READABLE(text, size);
	if (at >= size || ((const char *)text)[at] != '\0')
		return NULL;
	return (char *)(uintptr_t)text + at;
}

static bool is_internet(const union address_socket *address)
{
	return address->any.sa_family == AF_INET || address->any.sa_family == AF_INET6;
}

/*
 * prove: channel_event_form unwind=5
 * fault: src/engine/channel.c s/silence->count > CHANNEL_TRIED_MAX/silence->count > CHANNEL_TRIED_MAX + 1/
 *
 * No bytes from the other process make an event with a field out of range.
 *
 * For every sequence of bytes: no access outside, and of an event that is accepted each field that the
 * monitor uses as an index, a count or an address is in its range. It is the fields that are proved, not
 * the use that engine_events.c makes of them.
 */
PROOF(channel_event_form)
{
	uint8_t bytes[sizeof(struct channel_event)];
	struct channel_event event;
	size_t length = nondet_size();
	uint32_t i = nondet_u32();

	ANY(bytes);
	/* Of another length no byte may be read. */
	if (!channel_read_event(&event, length == sizeof bytes ? bytes : NULL, length))
		return;
	CHECK(length == sizeof event);
	CHECK(event.kind >= CHANNEL_READY && event.kind <= CHANNEL_SILENCE && event.slot < CHANNEL_PEERS_MAX);
	switch (event.kind) {
	case CHANNEL_READY:
		CHECK(event.ready.memory <= SECRET_MEMORY_KIND_LAST);
		break;
	case CHANNEL_KEY:
	case CHANNEL_STALE:
		CHECK(event.key.role <= ROSENPASS_RESPONDER && event.key.dialect < ROSENPASS_DIALECT_COUNT);
		break;
	case CHANNEL_MOVED:
		CHECK(is_internet(&event.moved));
		break;
	case CHANNEL_PEER_REPORT:
		CHECK(event.peer.state <= ROSENPASS_STATE_INIT_CONF);
		CHECK(event.peer.role <= ROSENPASS_RESPONDER && event.peer.dialect < ROSENPASS_DIALECT_COUNT);
		CHECK(event.peer.has_endpoint == 0 || is_internet(&event.peer.endpoint));
		break;
	case CHANNEL_REPORT_END:
		CHECK(event.report.busy_permille <= 1000);
		break;
	case CHANNEL_SILENCE:
		CHECK(event.silence.reason < CHANNEL_SILENCE_COUNT &&
		      event.silence.count <= CHANNEL_TRIED_MAX);
		if (i < event.silence.count)
			CHECK(is_internet(&event.silence.tried[i].address) &&
			      event.silence.tried[i].error >= 0);
		break;
	case CHANNEL_REJECTED:
		CHECK(event.rejected.reason < CHANNEL_REJECTED_COUNT);
		CHECK(event.rejected.dialect < ROSENPASS_DIALECT_COUNT && is_internet(&event.rejected.from));
		break;
	default:
		break;
	}
}

/*
 * prove: channel_request_form unwind=6
 *     sizes=CHANNEL_OSK_BYTES:12,CHANNEL_OSK_MAX:4,CHANNEL_ADDRESSES_MAX:3,CHANNEL_LABEL_BYTES:6
 * fault: src/engine/channel.c s/sizeof peer->osk - at/sizeof peer->osk - at + 1/
 *
 * No bytes from the other process make a request with a field out of range.
 *
 * The same of requests. The engine walks over the labels of an osk: each ends within the field. Fields have
 * room for 4 labels of 12 bytes in all, and for 3 addresses.
 */
PROOF(channel_request_form)
{
	uint8_t bytes[sizeof(struct channel_request)];
	struct channel_request request;
	size_t length = nondet_size();
	uint32_t i = nondet_u32();

	ANY(bytes);
	if (!channel_read_request(&request, length == sizeof bytes ? bytes : NULL, length))
		return;
	CHECK(length == sizeof request);
	switch (request.kind) {
	case CHANNEL_ADD_PEER:
	case CHANNEL_CHANGE_PEER:
		CHECK(request.slot < CHANNEL_PEERS_MAX);
		CHECK(request.peer.osk_labels <= CHANNEL_OSK_MAX && request.peer.has_psk <= 1);
		CHECK((request.peer.dialects & ~(uint32_t)ROSENPASS_DIALECTS_ALL) == 0);
		break;
	case CHANNEL_SET_ADDRESSES:
	case CHANNEL_RESTORE:
		CHECK(request.slot < CHANNEL_PEERS_MAX && request.addresses.count <= CHANNEL_ADDRESSES_MAX);
		if (i < request.addresses.count)
			CHECK(is_internet(&request.addresses.list[i]));
		break;
	case CHANNEL_ADD_SOCKET:
		CHECK(request.slot < SOCKETS_MAX &&
		      (request.family == AF_INET || request.family == AF_INET6));
		break;
	case CHANNEL_DROP_SOCKET:
		CHECK(request.slot < SOCKETS_MAX);
		break;
	case CHANNEL_INITIATE:
	case CHANNEL_DELIVERED:
	case CHANNEL_REMOVE_PEER:
		CHECK(request.slot < CHANNEL_PEERS_MAX);
		break;
	default:
		CHECK(request.kind >= CHANNEL_ADD_PEER && request.kind <= CHANNEL_STOP);
	}
}

/* --- descriptors ------------------------------------------------------------------------------ */

#define FIRST_FD 100
#define FDS_MAX 2 /* the padding of the control message has room for a second one */

static bool is_open[FDS_MAX];
static int interrupted;

int close(int fd)
{
	CHECK(fd >= FIRST_FD && fd < FIRST_FD + FDS_MAX && is_open[fd - FIRST_FD]);
	is_open[fd - FIRST_FD] = false;
	return 0;
}

/* One header fits. */
static struct cmsghdr *next_header(struct msghdr *header, struct cmsghdr *c)
{
	CHECK(2 * sizeof *c > header->msg_controllen);
	return NULL;
}

void sodium_memzero(void *const p, const size_t length)
{
	CHECK_WRITABLE(p, length);
}

/*
 * A message of any length and contents (bytes is not initialised) and any descriptors; or an error, EINTR
 * once.
 */
ssize_t recvmsg(int fd, struct msghdr *header, int flags)
{
	size_t length = nondet_size();
	size_t count = nondet_size();
	int descriptor = FIRST_FD;

	(void)fd;
	CHECK((flags & MSG_DONTWAIT) != 0 && (flags & MSG_CMSG_CLOEXEC) != 0);
	CHECK_WRITABLE(header->msg_iov->iov_base, header->msg_iov->iov_len);
	CHECK_WRITABLE(header->msg_control, header->msg_controllen);
	if (nondet_bool()) {
		errno = nondet_i32();
		ASSUME(errno > 0 && (errno != EINTR || interrupted++ == 0));
		return -1;
	}
	ASSUME(length <= header->msg_iov->iov_len && count <= FDS_MAX);
	header->msg_flags = nondet_i32();
	if (count > 0) {
		struct cmsghdr *c = CMSG_FIRSTHDR(header);

		CHECK(c != NULL);
		ASSUME(CMSG_LEN(count * sizeof(int)) <= header->msg_controllen);
		c->cmsg_level = nondet_bool() ? SOL_SOCKET : nondet_i32();
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		for (size_t i = 0; i < count; i++, descriptor++) {
			memcpy(CMSG_DATA(c) + i * sizeof descriptor, &descriptor, sizeof descriptor);
			is_open[i] = c->cmsg_level == SOL_SOCKET;
		}
	} else {
		header->msg_controllen = 0;
	}
	return (ssize_t)length;
}

bool any_event(struct channel_event *event, const uint8_t *bytes, size_t length);
bool any_request(struct channel_request *request, const uint8_t *bytes, size_t length);

bool any_event(struct channel_event *event, const uint8_t *bytes, size_t length)
{
	CHECK_WRITABLE(event, sizeof *event);
	CHECK_READABLE(bytes, length);
	return nondet_bool();
}

bool any_request(struct channel_request *request, const uint8_t *bytes, size_t length)
{
	CHECK_WRITABLE(request, sizeof *request);
	CHECK_READABLE(bytes, length);
	return nondet_bool();
}

/*
 * prove: channel_keeps_no_descriptor
 *     unwind=4 replace=channel_read_event:any_event,channel_read_request:any_request
 * fault: src/engine/channel.c s/if (taken < 0)/if (taken <= 100)/
 *
 * Received descriptors are neither leaked nor closed twice.
 *
 * Whatever comes, with no, one or two descriptors: the receiver of a request has the one that it is told
 * of, or none after an error; the receiver of an event has none. No descriptor is closed twice.
 */
PROOF(channel_keeps_no_descriptor)
{
	struct channel_request request;
	struct channel_event event;
	int fd = nondet_i32();
	int result;

	if (nondet_bool()) {
		result = channel_receive_event(3, &event);
		fd = -1;
	} else {
		result = channel_receive_request(3, &request, &fd);
	}
	CHECK(result <= 1);
	CHECK(result == 1 || fd == -1);
	CHECK(fd == -1 || fd == FIRST_FD);
	CHECK(is_open[0] == (fd == FIRST_FD) && !is_open[1]);
}

ssize_t sendmsg(int fd, const struct msghdr *header, int flags)
{
	int sent;

	(void)fd;
	CHECK((flags & MSG_NOSIGNAL) != 0);
	CHECK_READABLE(header->msg_iov->iov_base, header->msg_iov->iov_len);
	if (header->msg_controllen > 0) {
		CHECK_READABLE(header->msg_control, header->msg_controllen);
		CHECK(CMSG_FIRSTHDR(header)->cmsg_len == CMSG_LEN(sizeof sent));
		memcpy(&sent, CMSG_DATA(CMSG_FIRSTHDR(header)), sizeof sent);
		CHECK(sent == FIRST_FD);
	}
	if (nondet_bool())
		return (ssize_t)header->msg_iov->iov_len;
	errno = nondet_i32();
	ASSUME(errno > 0 && (errno != EINTR || interrupted++ == 0));
	return -1;
}

/*
 * prove: channel_sends_a_descriptor unwind=3
 * fault: src/engine/channel.c
 *     s/memcpy(CMSG_DATA(c), &fd, sizeof fd)/memcpy(CMSG_DATA(c) + 6, \&fd, sizeof fd)/
 *
 * Sent messages and descriptors lie within their objects.
 *
 * A request with a descriptor or without, and an event: what the kernel reads lies within the objects, and
 * the descriptor is the one that was given.
 */
PROOF(channel_sends_a_descriptor)
{
	struct channel_request request = { 0 };
	struct channel_event event = { 0 };

	CHECK(channel_send_request(3, &request, nondet_bool() ? FIRST_FD : -1) <= 0);
	interrupted = 0;
	CHECK(channel_send_event(3, &event) <= 0);
}

#include "system/sockets.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "system/log.h"

/* Room for some hundred handshakes that come in while one batch is worked on. */
#define BUFFER_BYTES (1024 * 1024)

union control {
	struct cmsghdr header;
	uint8_t v4[CMSG_SPACE(sizeof(struct in_pktinfo))];
	uint8_t v6[CMSG_SPACE(sizeof(struct in6_pktinfo))];
};

/*
 * Lets datagrams be fragmented, here and in IPv4 by routers too. A path with a small MTU may lose the ICMP
 * messages that path MTU discovery needs, and a forged message must not shorten our datagrams: a path MTU
 * that was learned is ignored. Kernels without that setting still send without DF.
 */
static void allow_fragments(int fd, int family)
{
	static const int v4_modes[] = { IP_PMTUDISC_OMIT, IP_PMTUDISC_DONT };
	static const int v6_modes[] = { IPV6_PMTUDISC_OMIT, IPV6_PMTUDISC_DONT };
	static const int off = 0;
	bool is_v4 = family == AF_INET;
	const int *modes = is_v4 ? v4_modes : v6_modes;

	for (size_t i = 0; i < sizeof v4_modes / sizeof v4_modes[0]; i++) {
		if (setsockopt(fd, is_v4 ? IPPROTO_IP : IPPROTO_IPV6,
		               is_v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER, &modes[i], sizeof modes[i]) == 0)
			break;
	}
	if (!is_v4)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_DONTFRAG, &off, sizeof off);
}

static int set_options(int fd, int family)
{
	static const int on = 1;
	static const int buffer = BUFFER_BYTES;

	if (family == AF_INET6) {
		if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0 ||
		    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) != 0)
			return -errno;
	} else if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) != 0) {
		return -errno;
	}
	allow_fragments(fd, family);
	/* Errors by ICMP are welcome but not needed. */
	if (family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
	else
		(void)setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
	/* Larger buffers are welcome but not needed. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	return 0;
}

int sockets_open(const union address_socket *address, int *fd)
{
	int family = address->any.sa_family;
	int opened = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int result;

	if (opened < 0)
		return -errno;
	result = set_options(opened, family);
	if (result == 0 && bind(opened, &address->any, address_length(address)) != 0)
		result = -errno;
	if (result != 0) {
		(void)close(opened);
		return result;
	}
	*fd = opened;
	return 0;
}

int sockets_mark(int fd, uint32_t mark)
{
	return setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof mark) == 0 ? 0 : -errno;
}

void sockets_clear(struct sockets *sockets)
{
	memset(sockets, 0, sizeof *sockets);
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		sockets->fd[i] = -1;
}

int sockets_adopt(struct sockets *sockets, size_t slot, int fd, int family)
{
	if (slot >= SOCKETS_MAX || fd < 0 || (family != AF_INET && family != AF_INET6))
		return -EINVAL;
	if (sockets->family[slot] != 0)
		return -EEXIST;
	sockets->fd[slot] = fd;
	sockets->family[slot] = family;
	if (slot >= sockets->count)
		sockets->count = slot + 1;
	return 0;
}

void sockets_drop(struct sockets *sockets, size_t slot)
{
	if (slot >= SOCKETS_MAX || sockets->family[slot] == 0)
		return;
	(void)close(sockets->fd[slot]);
	sockets->fd[slot] = -1;
	sockets->family[slot] = 0;
	while (sockets->count > 0 && sockets->family[sockets->count - 1] == 0)
		sockets->count--;
}

static int add(struct sockets *sockets, const union address_socket *address)
{
	int result;
	int fd;

	if (sockets->count == SOCKETS_MAX)
		return -EMFILE;
	result = sockets_open(address, &fd);
	if (result != 0)
		return result;
	return sockets_adopt(sockets, sockets->count, fd, address->any.sa_family);
}

int sockets_listen(struct sockets *sockets, const union address_socket *address)
{
	union address_socket v4 = { .v4 = { .sin_family = AF_INET } };
	int result;

	/* An explicit 0.0.0.0 after [::] finds the port taken along already. */
	if (address->any.sa_family == AF_INET && address->v4.sin_addr.s_addr == htonl(INADDR_ANY) &&
	    address->v4.sin_port != 0) {
		for (size_t i = 0; i < sockets->count; i++) {
			socklen_t length = sizeof v4;

			if (sockets->family[i] == AF_INET &&
			    getsockname(sockets->fd[i], &v4.any, &length) == 0 &&
			    v4.v4.sin_port == address->v4.sin_port &&
			    v4.v4.sin_addr.s_addr == htonl(INADDR_ANY))
				return 0;
		}
	}
	result = add(sockets, address);
	if (result != 0 || address->any.sa_family != AF_INET6 || address->v6.sin6_port == 0 ||
	    !IN6_IS_ADDR_UNSPECIFIED(&address->v6.sin6_addr))
		return result;
	v4 = (union address_socket){ .v4 = { .sin_family = AF_INET, .sin_port = address->v6.sin6_port } };
	(void)add(sockets, &v4);
	return 0;
}

int sockets_listen_anywhere(struct sockets *sockets)
{
	static const union address_socket v6 = { .v6 = { .sin6_family = AF_INET6 } };
	static const union address_socket v4 = { .v4 = { .sin_family = AF_INET } };
	int first = add(sockets, &v6);
	int second = add(sockets, &v4);

	if ((first == 0) != (second == 0))
		log_warn("no IPv%d socket (%s); going on with IPv%d alone", first == 0 ? 4 : 6,
		         strerror(first == 0 ? -second : -first), first == 0 ? 6 : 4);
	return first == 0 || second == 0 ? 0 : second;
}

void sockets_close(struct sockets *sockets)
{
	for (size_t i = 0; i < sockets->count; i++) {
		if (sockets->family[i] != 0)
			(void)close(sockets->fd[i]);
	}
	sockets_clear(sockets);
}

/* Which of our addresses the packet was sent to. */
static void take_local(union address_socket *local, struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof info);
			local->v4.sin_family = AF_INET;
			local->v4.sin_addr = info.ipi_spec_dst;
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;

			memcpy(&info, CMSG_DATA(c), sizeof info);
			local->v6.sin6_family = AF_INET6;
			local->v6.sin6_addr = info.ipi6_addr;
		}
	}
}

/*
 * Whether an error may be that of an earlier datagram, which the kernel reports once, with whatever is
 * asked of the socket next. ENETUNREACH is left out: it is mostly about the present one.
 */
static bool may_be_of_earlier(int error)
{
	return error == ECONNREFUSED || error == EHOSTUNREACH || error == EHOSTDOWN || error == ENOPROTOOPT ||
	       error == EPROTO || error == EMSGSIZE || error == EOPNOTSUPP;
}

int sockets_receive(const struct sockets *sockets, size_t socket,
                    struct sockets_packet packets[static SOCKETS_BATCH])
{
	struct mmsghdr headers[SOCKETS_BATCH];
	struct iovec vectors[SOCKETS_BATCH];
	union control controls[SOCKETS_BATCH];
	int received;

	if (socket >= SOCKETS_MAX || sockets->family[socket] == 0)
		return -EBADF;
	memset(headers, 0, sizeof headers);
	for (size_t i = 0; i < SOCKETS_BATCH; i++) {
		memset(&packets[i].path, 0, sizeof packets[i].path);
		vectors[i] = (struct iovec){ packets[i].data, sizeof packets[i].data };
		headers[i].msg_hdr.msg_name = &packets[i].path.remote;
		headers[i].msg_hdr.msg_namelen = sizeof packets[i].path.remote;
		headers[i].msg_hdr.msg_iov = &vectors[i];
		headers[i].msg_hdr.msg_iovlen = 1;
		headers[i].msg_hdr.msg_control = &controls[i];
		headers[i].msg_hdr.msg_controllen = sizeof controls[i];
	}
	received = recvmmsg(sockets->fd[socket], headers, SOCKETS_BATCH, MSG_DONTWAIT, NULL);
	if (received < 0 && may_be_of_earlier(errno))
		received = recvmmsg(sockets->fd[socket], headers, SOCKETS_BATCH, MSG_DONTWAIT, NULL);
	if (received < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < received; i++) {
		packets[i].length = headers[i].msg_len;
		packets[i].path.socket = (uint16_t)socket;
		take_local(&packets[i].path.local, &headers[i].msg_hdr);
	}
	return received;
}

/* The error of a message from the error queue. 0: there is none in it. */
static int find_error(struct msghdr *header)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c != NULL; c = CMSG_NXTHDR(header, c)) {
		struct sock_extended_err error;

		if ((c->cmsg_level != IPPROTO_IP || c->cmsg_type != IP_RECVERR) &&
		    (c->cmsg_level != IPPROTO_IPV6 || c->cmsg_type != IPV6_RECVERR))
			continue;
		memcpy(&error, CMSG_DATA(c), sizeof error);
		return (int)error.ee_errno;
	}
	return 0;
}

size_t sockets_receive_errors(const struct sockets *sockets, size_t socket, struct sockets_error *errors,
                              size_t max)
{
	size_t count = 0;

	if (socket >= SOCKETS_MAX || sockets->family[socket] == 0)
		return 0;
	for (size_t tries = 0; tries < max && count < max; tries++) {
		struct sockets_error *out = &errors[count];
		union {
			struct cmsghdr header;
			uint8_t bytes[256];
		} control;
		/* The datagram comes along; only its address is of interest. */
		struct msghdr header = {
			.msg_name = &out->remote,
			.msg_namelen = sizeof out->remote,
			.msg_control = &control,
			.msg_controllen = sizeof control,
		};

		memset(out, 0, sizeof *out);
		if (recvmsg(sockets->fd[socket], &header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
			break;
		out->error = find_error(&header);
		if (out->error > 0 && out->remote.any.sa_family == sockets->family[socket])
			count++;
	}
	return count;
}

static void put_local(struct msghdr *header, union control *control, const union address_socket *local)
{
	struct cmsghdr *c;

	memset(control, 0, sizeof *control);
	header->msg_control = control;
	if (local->any.sa_family == AF_INET6) {
		struct in6_pktinfo info = { .ipi6_addr = local->v6.sin6_addr };

		header->msg_controllen = CMSG_SPACE(sizeof info);
		c = CMSG_FIRSTHDR(header);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof info);
		memcpy(CMSG_DATA(c), &info, sizeof info);
	} else {
		struct in_pktinfo info = { .ipi_spec_dst = local->v4.sin_addr };

		header->msg_controllen = CMSG_SPACE(sizeof info);
		c = CMSG_FIRSTHDR(header);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof info);
		memcpy(CMSG_DATA(c), &info, sizeof info);
	}
}

/* The kernel only reads through the pointers. */
static void fill_header(struct msghdr *header, struct iovec *vector, union control *control,
                        const struct sockets_message *message, bool from_local)
{
	*vector = (struct iovec){ (void *)(uintptr_t)message->data, message->length };
	*header = (struct msghdr){
		.msg_name = (void *)(uintptr_t)&message->path.remote,
		.msg_namelen = address_length(&message->path.remote),
		.msg_iov = vector,
		.msg_iovlen = 1,
	};
	if (from_local && message->path.local.any.sa_family != AF_UNSPEC)
		put_local(header, control, &message->path.local);
}

static int send_once(int fd, const struct sockets_message *message, bool from_local)
{
	union control control;
	struct iovec vector;
	struct msghdr header;

	fill_header(&header, &vector, &control, message, from_local);
	for (;;) {
		if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

static bool has_socket(const struct sockets *sockets, const struct sockets_message *message)
{
	size_t slot = message->path.socket;

	return slot < SOCKETS_MAX && sockets->family[slot] != 0 &&
	       sockets->family[slot] == message->path.remote.any.sa_family;
}

/*
 * After an error. It may be that of an earlier datagram to another host. Or our address has gone since, and
 * the kernel may know another way.
 */
static int send_again(int fd, const struct sockets_message *message, int error)
{
	if (may_be_of_earlier(-error))
		error = send_once(fd, message, true);
	if (message->path.local.any.sa_family != AF_UNSPEC &&
	    (error == -EINVAL || error == -EADDRNOTAVAIL || error == -ENETUNREACH))
		return send_once(fd, message, false);
	return error;
}

int sockets_send(const struct sockets *sockets, const struct sockets_message *message)
{
	int fd;
	int result;

	if (!has_socket(sockets, message))
		return -EAFNOSUPPORT;
	fd = sockets->fd[message->path.socket];
	result = send_once(fd, message, true);
	return result == 0 ? 0 : send_again(fd, message, result);
}

/* At most SOCKETS_BATCH messages for one socket, all of its family. */
static void send_batch(int fd, const struct sockets_message *messages, size_t count, int results[])
{
	struct mmsghdr headers[SOCKETS_BATCH];
	struct iovec vectors[SOCKETS_BATCH];
	union control controls[SOCKETS_BATCH];
	size_t done = 0;

	memset(headers, 0, sizeof headers);
	for (size_t i = 0; i < count; i++)
		fill_header(&headers[i].msg_hdr, &vectors[i], &controls[i], &messages[i], true);
	while (done < count) {
		int sent =
			sendmmsg(fd, headers + done, (unsigned)(count - done), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0) {
			/* Of the first one; the others were not tried. */
			results[done] = send_again(fd, &messages[done], -errno);
			sent = 1;
			if (results[done] == -EAGAIN || results[done] == -EWOULDBLOCK) {
				for (; done < count; done++)
					results[done] = -EAGAIN;
				return;
			}
		} else {
			memset(results + done, 0, (size_t)sent * sizeof *results);
		}
		done += (size_t)sent;
	}
}

void sockets_send_many(const struct sockets *sockets, const struct sockets_message *messages, size_t count,
                       int results[])
{
	size_t first = 0;

	while (first < count) {
		size_t next = first;

		while (next < count && next - first < SOCKETS_BATCH && has_socket(sockets, &messages[next]) &&
		       messages[next].path.socket == messages[first].path.socket)
			next++;
		if (next == first)
			results[next++] = -EAFNOSUPPORT;
		else
			send_batch(sockets->fd[messages[first].path.socket], messages + first, next - first,
			           results + first);
		first = next;
	}
}

#include "system/sockets.h"

#include <errno.h>
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
	/* Larger buffers are welcome but not needed. */
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	return 0;
}

static int add(struct sockets *sockets, const union address_socket *address)
{
	int family = address->any.sa_family;
	int result;
	int fd;

	if (sockets->count == SOCKETS_MAX)
		return -EMFILE;
	fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	result = set_options(fd, family);
	if (result == 0 && bind(fd, &address->any, address_length(address)) != 0)
		result = -errno;
	if (result != 0) {
		(void)close(fd);
		return result;
	}
	sockets->fd[sockets->count] = fd;
	sockets->family[sockets->count++] = family;
	return 0;
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
	for (size_t i = 0; i < sockets->count; i++)
		(void)close(sockets->fd[i]);
	sockets->count = 0;
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

int sockets_receive(const struct sockets *sockets, size_t socket,
                    struct sockets_packet packets[static SOCKETS_BATCH])
{
	struct mmsghdr headers[SOCKETS_BATCH];
	struct iovec vectors[SOCKETS_BATCH];
	union control controls[SOCKETS_BATCH];
	int received;

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
	if (received < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR ? 0 : -errno;
	for (int i = 0; i < received; i++) {
		packets[i].length = headers[i].msg_len;
		packets[i].path.socket = (uint16_t)socket;
		take_local(&packets[i].path.local, &headers[i].msg_hdr);
	}
	return received;
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

static int send_once(int fd, const struct sockets_message *message, bool from_local)
{
	union control control;
	union address_socket remote = message->path.remote;
	/* sendmsg() only reads through the pointer. */
	struct iovec vector = { (void *)(uintptr_t)message->data, message->length };
	struct msghdr header = {
		.msg_name = &remote,
		.msg_namelen = address_length(&remote),
		.msg_iov = &vector,
		.msg_iovlen = 1,
	};

	if (from_local)
		put_local(&header, &control, &message->path.local);
	for (;;) {
		if (sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EINTR)
			return -errno;
	}
}

int sockets_send(const struct sockets *sockets, const struct sockets_message *message)
{
	int fd;
	int result;

	if (message->path.socket >= sockets->count ||
	    sockets->family[message->path.socket] != message->path.remote.any.sa_family)
		return -EAFNOSUPPORT;
	fd = sockets->fd[message->path.socket];
	if (message->path.local.any.sa_family == AF_UNSPEC)
		return send_once(fd, message, false);
	result = send_once(fd, message, true);
	/* Our address has gone since: the kernel may know another way. */
	if (result == -EINVAL || result == -EADDRNOTAVAIL || result == -ENETUNREACH)
		result = send_once(fd, message, false);
	return result;
}

#include "system/netlink.h"

#include <assert.h>
#include <errno.h>
#include <linux/netlink.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "system/secret_memory.h"

/* The kernel fills no more than this at a time, however long the list. */
#define ANSWER_BYTES 32768
#define PATIENCE_SECONDS 2
/* Each request waits for its answer, so that they need not be told apart. */
#define SEQUENCE 1

static size_t aligned(size_t length)
{
	return (length + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO;
}

void netlink_begin(struct netlink_message *message, uint16_t type, uint16_t flags, const void *fixed,
                   size_t fixed_len)
{
	struct nlmsghdr header = { .nlmsg_type = type,
		                   .nlmsg_flags = flags | NLM_F_REQUEST,
		                   .nlmsg_seq = SEQUENCE };

	assert(fixed_len <= sizeof message->bytes / 2);
	memcpy(message->bytes, &header, sizeof header);
	memcpy(message->bytes + sizeof header, fixed, fixed_len);
	message->length = sizeof header + fixed_len;
	while (message->length % NLMSG_ALIGNTO != 0)
		message->bytes[message->length++] = 0;
}

bool netlink_add(struct netlink_message *message, uint16_t type, const void *data, size_t length)
{
	struct nlattr head = { .nla_type = type };
	uint8_t *at = message->bytes + message->length;
	size_t room = sizeof message->bytes - message->length;

	if (room < sizeof head || length > room - sizeof head || aligned(length) > room - sizeof head)
		return false;
	head.nla_len = (uint16_t)(sizeof head + length);
	memcpy(at, &head, sizeof head);
	if (length > 0)
		memcpy(at + sizeof head, data, length);
	memset(at + sizeof head + length, 0, aligned(length) - length);
	message->length += sizeof head + aligned(length);
	return true;
}

size_t netlink_nest(struct netlink_message *message, uint16_t type)
{
	size_t at = message->length;

	return netlink_add(message, type | NLA_F_NESTED, NULL, 0) ? at : 0;
}

void netlink_close(struct netlink_message *message, size_t at)
{
	struct nlattr head;

	memcpy(&head, message->bytes + at, sizeof head);
	head.nla_len = (uint16_t)(message->length - at);
	memcpy(message->bytes + at, &head, sizeof head);
}

void netlink_cut(struct netlink_message *message, size_t length)
{
	sodium_memzero(message->bytes + length, message->length - length);
	message->length = length;
}

void netlink_finish(struct netlink_message *message)
{
	struct nlmsghdr header;

	memcpy(&header, message->bytes, sizeof header);
	header.nlmsg_len = (uint32_t)message->length;
	memcpy(message->bytes, &header, sizeof header);
}

static void step(struct netlink_rest *rest, size_t length)
{
	size_t padded = aligned(length);

	/* The last one need not be padded. */
	if (padded > rest->left)
		padded = rest->left;
	rest->at += padded;
	rest->left -= padded;
}

int netlink_next_message(struct netlink_rest *rest, struct nlmsghdr *header, struct netlink_rest *payload)
{
	if (rest->left == 0)
		return 0;
	if (rest->left < sizeof *header)
		return -EBADMSG;
	memcpy(header, rest->at, sizeof *header);
	if (header->nlmsg_len < sizeof *header || header->nlmsg_len > rest->left)
		return -EBADMSG;
	payload->at = rest->at + sizeof *header;
	payload->left = header->nlmsg_len - sizeof *header;
	step(rest, header->nlmsg_len);
	return 1;
}

int netlink_next(struct netlink_rest *rest, struct netlink_attribute *attribute)
{
	struct nlattr head;

	if (rest->left == 0)
		return 0;
	if (rest->left < sizeof head)
		return -EBADMSG;
	memcpy(&head, rest->at, sizeof head);
	if (head.nla_len < sizeof head || head.nla_len > rest->left)
		return -EBADMSG;
	attribute->type = head.nla_type & (uint16_t)NLA_TYPE_MASK;
	attribute->data = rest->at + sizeof head;
	attribute->length = head.nla_len - sizeof head;
	step(rest, head.nla_len);
	return 1;
}

int netlink_open(int protocol)
{
	static const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	static const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	static const int yes = 1;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	int result;

	if (fd < 0)
		return -errno;
	/* Errors without what they are about: there are keys in it. Kernels before 4.3 cannot do that. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &yes, sizeof yes);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) == 0 &&
	    connect(fd, (const struct sockaddr *)&kernel, sizeof kernel) == 0)
		return fd;
	result = -errno;
	(void)close(fd);
	return result;
}

/* A whole message is sent, or none of it. */
static int send_message(int fd, const struct netlink_message *message)
{
	ssize_t sent;

	do {
		sent = send(fd, message->bytes, message->length, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? -ETIMEDOUT : -errno;
	return (size_t)sent == message->length ? 0 : -EIO;
}

/* Reads what the kernel says next; *length 0: it was none of the kernel's. */
static int receive(int fd, uint8_t *buffer, size_t *length)
{
	struct sockaddr_nl sender = { 0 };
	struct iovec vector = { buffer, ANSWER_BYTES };
	struct msghdr header = {
		.msg_name = &sender,
		.msg_namelen = sizeof sender,
		.msg_iov = &vector,
		.msg_iovlen = 1,
	};
	ssize_t got;

	do {
		got = recvmsg(fd, &header, 0);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return errno == EAGAIN || errno == EWOULDBLOCK ? -ETIMEDOUT : -errno;
	if (got == 0)
		return -EBADMSG;
	if ((header.msg_flags & MSG_TRUNC) != 0)
		return -EMSGSIZE;
	/* Only the kernel is 0; other processes can send here too. */
	*length = sender.nl_pid == 0 ? (size_t)got : 0;
	return 0;
}

/* The errno at the beginning of the two messages that end an answer. 0 or negative. */
static int read_end(uint16_t type, const uint8_t *payload, size_t length)
{
	int32_t error = 0;

	if (length < sizeof error)
		return type == NLMSG_DONE ? 0 : -EBADMSG;
	memcpy(&error, payload, sizeof error);
	return error > 0 ? -EBADMSG : error;
}

/* Reads one datagram, which may hold several messages. 1: the answer goes on, 0: this was its end. */
static int read_datagram(struct netlink_answer *answer, const uint8_t *bytes, size_t length)
{
	struct netlink_rest rest = { bytes, length };
	struct netlink_rest payload;
	struct nlmsghdr header;
	int result;

	while ((result = netlink_next_message(&rest, &header, &payload)) == 1) {
		if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0)
			answer->is_interrupted = true;
		if (header.nlmsg_type == NLMSG_ERROR || header.nlmsg_type == NLMSG_DONE)
			return read_end(header.nlmsg_type, payload.at, payload.left);
		result = 0;
		if (header.nlmsg_type >= NLMSG_MIN_TYPE && answer->take != NULL)
			result = answer->take(answer->context, payload.at, payload.left);
		if (result != 0)
			return result;
	}
	return result == 0 ? 1 : result;
}

int netlink_request(int fd, const struct netlink_message *message, struct netlink_answer *answer)
{
	uint8_t *buffer = secret_memory_allocate(NULL, ANSWER_BYTES);
	int result;

	if (buffer == NULL)
		return -ENOMEM;
	answer->is_interrupted = false;
	result = send_message(fd, message);
	if (result == 0)
		result = 1;
	while (result == 1) {
		size_t length = 0;

		result = receive(fd, buffer, &length);
		if (result == 0)
			result = read_datagram(answer, buffer, length);
	}
	secret_memory_release(NULL, buffer, ANSWER_BYTES);
	return result;
}

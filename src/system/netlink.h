#ifndef ROSENPASS_SYSTEM_NETLINK_H
#define ROSENPASS_SYSTEM_NETLINK_H

/*
 * Requests to the kernel by netlink: messages are built and read here with every length checked, and may
 * hold keys. Results: 0 or negative errno.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/netlink.h>

#define NETLINK_MESSAGE_BYTES 8192

/* A message that is being built. Who puts keys into it keeps it in secret memory or wipes it. */
struct netlink_message {
	size_t length;
	uint8_t bytes[NETLINK_MESSAGE_BYTES];
};

/* Starts a message; fixed: what stands before its attributes. NLM_F_REQUEST is added to the flags. */
void netlink_begin(struct netlink_message *message, uint16_t type, uint16_t flags, const void *fixed,
                   size_t fixed_len);

/* Appends an attribute. False: no room, and the message is as it was. */
bool netlink_add(struct netlink_message *message, uint16_t type, const void *data, size_t length);

/*
 * Appends the head of an attribute that holds others: 0: no room; else where it stands, for netlink_close(),
 * which takes all that was added since into it.
 */
size_t netlink_nest(struct netlink_message *message, uint16_t type);
void netlink_close(struct netlink_message *message, size_t at);

/* Takes back what was added beyond that length, and wipes it. */
void netlink_cut(struct netlink_message *message, size_t length);

/* To be called when all is in it, before it is sent. */
void netlink_finish(struct netlink_message *message);

/* Bytes that are still to be read. */
struct netlink_rest {
	const uint8_t *at;
	size_t left;
};

/* The next message of a datagram: its header, and all that follows it. Result as of netlink_next(). */
int netlink_next_message(struct netlink_rest *rest, struct nlmsghdr *header, struct netlink_rest *payload)
	__attribute__((warn_unused_result));

struct netlink_attribute {
	uint16_t type; /* without flags */
	const uint8_t *data;
	size_t length;
};

/* The next attribute: 1; the end: 0; -EBADMSG: its length is none. */
int netlink_next(struct netlink_rest *rest, struct netlink_attribute *attribute)
	__attribute__((warn_unused_result));

/* What the kernel answers: called with the payload of each message of it. 0, or negative errno to give up. */
struct netlink_answer {
	int (*take)(void *context, const uint8_t *payload, size_t length); /* NULL: of no interest */
	void *context;
	bool is_interrupted; /* a list that changed while it was read: some of it may be missing or twice */
};

/* A socket for that protocol (NETLINK_ROUTE, ...), which gives up after two seconds; or negative errno. */
int netlink_open(int protocol) __attribute__((warn_unused_result));

/*
 * Sends a finished message with NLM_F_ACK or NLM_F_DUMP and reads the answer to its end. The error is the
 * kernel's; -ETIMEDOUT: no answer; -EBADMSG: one that cannot be read; -EMSGSIZE: one too long; else what take
 * said. After an error the socket is of no further use.
 */
int netlink_request(int fd, const struct netlink_message *message, struct netlink_answer *answer)
	__attribute__((warn_unused_result));

#endif

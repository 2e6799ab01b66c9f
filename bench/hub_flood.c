#include "hub_flood.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "protocol/messages.h"
#include "protocol/public_key.h"
#include "system/clock.h"

#define FIRST_NETWORK 0x7f800000 /* 127.128.0.0/9 */
#define NS_PER_S UINT64_C(1000000000)
#define PAUSE_NS 1000000

/* The key of macs of messages to the owner of the public key in the file. NULL: said on stderr. */
static const uint8_t *load_mac_key(const char *path)
{
	static uint8_t bytes[ROSENPASS_PUBLIC_KEY_BYTES];
	static struct public_key key;
	FILE *file = fopen(path, "rb");
	bool good = file != NULL && fread(bytes, sizeof bytes, 1, file) == 1;

	if (file != NULL)
		(void)fclose(file);
	if (!good) {
		perror(path);
		return NULL;
	}
	public_key_init(&key, bytes);
	return public_key_fact(&key, KEYED_HASH_BLAKE2B, PUBLIC_KEY_MAC_KEY);
}

/* An address of ours may be the sender of a datagram without a socket that is bound to it. */
static void send_from(int fd, uint32_t host, const struct sockaddr_in *to, uint8_t *data, size_t length)
{
	union {
		struct cmsghdr header;
		uint8_t space[CMSG_SPACE(sizeof(struct in_pktinfo))];
	} control = { 0 };
	struct in_pktinfo info = { .ipi_spec_dst.s_addr = htonl(host) };
	struct iovec part = { .iov_base = data, .iov_len = length };
	struct msghdr message = {
		.msg_name = (void *)(uintptr_t)to,
		.msg_namelen = sizeof *to,
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control,
	};

	control.header.cmsg_level = IPPROTO_IP;
	control.header.cmsg_type = IP_PKTINFO;
	control.header.cmsg_len = CMSG_LEN(sizeof info);
	memcpy(CMSG_DATA(&control.header), &info, sizeof info);
	(void)sendmsg(fd, &message, 0);
}

static _Noreturn void flood(const struct hub_flood *options, const uint8_t *mac_key, int fd)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	uint8_t message[MESSAGE_INIT_HELLO_MAX_BYTES];
	size_t length = messages_init_hello_bytes(ROSENPASS_BLAKE2B_188);
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons(options->port),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	uint64_t start_ns = clock_now_ns();
	uint64_t sent = 0;

	randombytes_buf(message, length);
	memset(message, 0, MESSAGE_HEADER_BYTES);
	message[0] = MESSAGE_INIT_HELLO;
	for (;;) {
		uint64_t due = (clock_now_ns() - start_ns) * options->rate / NS_PER_S;

		/* What could not be sent in time is not sent later. */
		if (sent + options->rate / 10 < due)
			sent = due - options->rate / 10;
		for (; sent < due; sent++) {
			uint32_t network = randombytes_uniform(options->networks);
			uint32_t host = 1 + randombytes_uniform(250);

			memcpy(message + MESSAGE_HEADER_BYTES, &sent, sizeof sent);
			messages_seal_mac(message, length, KEYED_HASH_BLAKE2B, mac_key);
			send_from(fd, FIRST_NETWORK + network * 256 + host, &to, message, length);
		}
		(void)nanosleep(&pause, NULL);
	}
}

pid_t hub_flood_start(const struct hub_flood *options)
{
	const uint8_t *mac_key = load_mac_key(options->public_key);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	pid_t parent = getpid();
	pid_t child = -1;

	if (mac_key != NULL && fd >= 0)
		child = fork();
	if (child < 0)
		(void)fprintf(stderr, "hub: no process that floods\n");
	if (child == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(EXIT_FAILURE);
		flood(options, mac_key, fd);
	}
	if (fd >= 0)
		(void)close(fd);
	return child;
}

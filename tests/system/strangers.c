/*
 * usage: strangers PORT SERVER_PUBLIC_KEY PUBLIC_KEY SECRET_KEY COUNT
 * Sends COUNT times two datagrams to 127.0.0.1:PORT, from an address of its own each time (127.128.0.0/9): a
 * sound InitHello of that key pair, and one whose mac is wrong. Prints how many were sent.
 */

#include <arpa/inet.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "rosenpass.h"
#include "system/entropy.h"
#include "system/file.h"

#define SECOND_NS UINT64_C(1000000000)

static uint8_t server[ROSENPASS_PUBLIC_KEY_BYTES];
static uint8_t public_key[ROSENPASS_PUBLIC_KEY_BYTES];
static uint8_t secret_key[ROSENPASS_SECRET_KEY_BYTES];

static void load(const char *path, uint8_t *out, size_t size)
{
	size_t length;

	if (file_read(path, out, size, &length) != 0 || length != size) {
		(void)fprintf(stderr, "strangers: cannot read %s\n", path);
		exit(EXIT_FAILURE);
	}
}

/* The first message to the server. */
static size_t make_hello(uint8_t out[static ROSENPASS_DATAGRAM_MAX_BYTES])
{
	static const struct rosenpass_environment environment = { .size = sizeof environment,
		                                                  .random = entropy_fill };
	const struct rosenpass_config config = {
		.size = sizeof config,
		.public_key = public_key,
		.secret_key = secret_key,
		.environment = &environment,
	};
	const struct rosenpass_peer_config peer = {
		.size = sizeof peer,
		.public_key = server,
		.endpoint = { .length = 1, .group_length = 1 },
	};
	struct rosenpass *engine;
	struct rosenpass_output output = { .size = sizeof output };
	rosenpass_peer handle;
	size_t length = 0;

	if (rosenpass_create(&engine, &config) != 0)
		exit(EXIT_FAILURE);
	if (rosenpass_peer_add(engine, &peer, SECOND_NS, &handle) == 0) {
		rosenpass_expire(engine, SECOND_NS);
		if (rosenpass_next(engine, &output) && output.kind == ROSENPASS_OUTPUT_SEND) {
			memcpy(out, output.data, output.length);
			length = output.length;
		}
	}
	rosenpass_destroy(engine);
	return length;
}

/* 1, or 0 when it could not be sent. */
static size_t send_from(uint32_t host, in_port_t port, const uint8_t *message, size_t length)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(host) };
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = port,
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool is_sent =
		fd >= 0 && bind(fd, (const struct sockaddr *)&from, sizeof from) == 0 &&
		sendto(fd, message, length, 0, (const struct sockaddr *)&to, sizeof to) == (ssize_t)length;

	if (fd >= 0)
		(void)close(fd);
	return is_sent ? 1 : 0;
}

int main(int count, char **words)
{
	static const struct timespec pause = { .tv_nsec = 5000000 };
	uint8_t hello[ROSENPASS_DATAGRAM_MAX_BYTES];
	uint8_t garbage[ROSENPASS_DATAGRAM_MAX_BYTES];
	size_t sent = 0;
	size_t length;
	in_port_t port;

	if (count != 6 || sodium_init() < 0)
		return EXIT_FAILURE;
	port = htons((uint16_t)strtoul(words[1], NULL, 10));
	load(words[2], server, sizeof server);
	load(words[3], public_key, sizeof public_key);
	load(words[4], secret_key, sizeof secret_key);
	length = make_hello(hello);
	if (length == 0)
		return EXIT_FAILURE;
	memcpy(garbage, hello, length);
	garbage[length / 2] ^= 1;
	for (uint32_t i = 0; i < strtoul(words[5], NULL, 10); i++) {
		sent += send_from(0x7f800001 + 256 * i, port, hello, length);
		sent += send_from(0x7f800001 + 256 * i, port, garbage, length);
		(void)nanosleep(&pause, NULL);
	}
	return printf("%zu\n", sent) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

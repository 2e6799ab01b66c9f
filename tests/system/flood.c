/*
 * usage: flood VECTORS HOST PORT SECONDS
 * Sends the InitHello of the first handshake in VECTORS/handshake.json over and over, as fast as the other
 * side can hardly work: its mac is right, so that each has to be decapsulated. Prints how many, and how
 * many cookies came.
 */

#include <arpa/inet.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MESSAGE_BYTES 1200
#define BURST 20
#define PAUSE_NS 5000000
#define COOKIE_REPLY 0x86

static size_t read_hex(uint8_t *out, const char *hex)
{
	size_t length = strlen(hex) / 2;

	if (length > MESSAGE_BYTES)
		exit(EXIT_FAILURE);
	for (size_t i = 0; i < length; i++) {
		char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		out[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	return length;
}

static size_t load(uint8_t *out, const char *folder)
{
	char path[4096];
	json_t *all;
	const char *hex;
	size_t length;

	(void)snprintf(path, sizeof path, "%s/handshake.json", folder);
	all = json_load_file(path, 0, NULL);
	hex = json_string_value(json_object_get(
		json_object_get(json_array_get(json_object_get(all, "cases"), 0), "expect"), "InitHello"));
	if (hex == NULL) {
		fprintf(stderr, "flood: no InitHello in %s\n", path);
		exit(EXIT_FAILURE);
	}
	length = read_hex(out, hex);
	json_decref(all);
	return length;
}

int main(int count, char **words)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t message[MESSAGE_BYTES];
	uint8_t answer[MESSAGE_BYTES];
	unsigned long sent = 0;
	unsigned long cookies = 0;
	size_t length;
	time_t end;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (count != 5 || inet_pton(AF_INET, words[2], &to.sin_addr) != 1 || fd < 0) {
		fprintf(stderr, "usage: flood VECTORS HOST PORT SECONDS\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)strtoul(words[3], NULL, 10));
	length = load(message, words[1]);
	end = time(NULL) + strtol(words[4], NULL, 10);
	while (time(NULL) < end) {
		for (int i = 0; i < BURST; i++)
			sent += sendto(fd, message, length, 0, (const struct sockaddr *)&to, sizeof to) > 0;
		while (recv(fd, answer, sizeof answer, MSG_DONTWAIT) > 0)
			cookies += answer[0] == COOKIE_REPLY;
		(void)nanosleep(&pause, NULL);
	}
	printf("%lu sent, %lu cookies\n", sent, cookies);
	(void)close(fd);
	return EXIT_SUCCESS;
}

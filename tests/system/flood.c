/*
 * usage: flood VECTORS HOST PORT SECONDS PUBLIC_KEY
 * Sends changed copies of the InitHello of the first handshake in VECTORS/handshake.json, and now and then
 * that itself, as fast as the other side can hardly work. The macs are right for the owner of PUBLIC_KEY, a
 * file, so each has to be decapsulated. Prints how many were sent, and how many cookies came.
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

#include "protocol/messages.h"
#include "protocol/public_key.h"

#define MESSAGE_BYTES 1200
#define BURST 20
#define PAUSE_NS 5000000

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

/* Reads the public key and returns the key of macs to its owner. */
static const uint8_t *load_mac_key(const char *path)
{
	static uint8_t bytes[ROSENPASS_PUBLIC_KEY_BYTES];
	static struct public_key key;
	FILE *file = fopen(path, "rb");

	if (file == NULL || fread(bytes, sizeof bytes, 1, file) != 1) {
		fprintf(stderr, "flood: no public key in %s\n", path);
		exit(EXIT_FAILURE);
	}
	(void)fclose(file);
	public_key_init(&key, bytes);
	return public_key_fact(&key, KEYED_HASH_BLAKE2B, PUBLIC_KEY_MAC_KEY);
}

int main(int count, char **words)
{
	static const struct timespec pause = { .tv_nsec = PAUSE_NS };
	struct sockaddr_in to = { .sin_family = AF_INET };
	uint8_t message[MESSAGE_BYTES];
	uint8_t forged[MESSAGE_BYTES];
	uint8_t answer[MESSAGE_BYTES];
	const uint8_t *mac_key;
	uint32_t number = 0;
	unsigned long sent = 0;
	unsigned long cookies = 0;
	size_t length;
	time_t end;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	if (count != 6 || inet_pton(AF_INET, words[2], &to.sin_addr) != 1 || fd < 0) {
		fprintf(stderr, "usage: flood VECTORS HOST PORT SECONDS PUBLIC_KEY\n");
		return 2;
	}
	to.sin_port = htons((uint16_t)strtoul(words[3], NULL, 10));
	length = load(message, words[1]);
	mac_key = load_mac_key(words[5]);
	end = time(NULL) + strtol(words[4], NULL, 10);
	while (time(NULL) < end) {
		memcpy(forged, message, length);
		for (int i = 0; i < BURST; i++) {
			sent += sendto(fd, forged, length, 0, (const struct sockaddr *)&to, sizeof to) > 0;
			number++;
			memcpy(forged + MESSAGE_HEADER_BYTES, &number, sizeof number);
			messages_seal_mac(forged, length, KEYED_HASH_BLAKE2B, mac_key);
		}
		while (recv(fd, answer, sizeof answer, MSG_DONTWAIT) > 0)
			cookies += answer[0] == MESSAGE_COOKIE_REPLY;
		(void)nanosleep(&pause, NULL);
	}
	printf("%lu sent, %lu cookies\n", sent, cookies);
	(void)close(fd);
	return EXIT_SUCCESS;
}

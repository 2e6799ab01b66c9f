/*
 * Anything as the answer of a WireGuard in user space: it is refused and nothing of it stays, or there is as
 * much as it tells of, and what stands behind its empty line changes nothing.
 */

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "wireguard/userspace_answer.h"

#define NOW 1700000000
#define ERRNO_MAX 4095

static void check_peer(const struct wireguard_peer *peer)
{
	sa_family_t family = peer->endpoint.any.sa_family;

	FUZZ_CHECK(family == AF_UNSPEC || family == AF_INET || family == AF_INET6);
	FUZZ_CHECK((peer->allowed_ips == NULL) == (peer->allowed_ip_count == 0));
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		const struct ip_prefix *prefix = &peer->allowed_ips[i];

		FUZZ_CHECK((prefix->family == AF_INET && prefix->bits <= 32) ||
		           (prefix->family == AF_INET6 && prefix->bits <= 128));
	}
}

static void check_device(const struct wireguard_device *device, const char *answer, size_t size)
{
	uint8_t public_key[WIREGUARD_KEY_BYTES];
	size_t peers = 0;

	for (size_t at = 0; at < size && answer[at] != '\n'; at++) {
		const char *end = memchr(answer + at, '\n', size - at);

		FUZZ_CHECK(end != NULL);
		peers += size - at > 11 && memcmp(answer + at, "public_key=", 11) == 0;
		at = (size_t)(end - answer);
	}
	FUZZ_CHECK(device->in_userspace && device->peer_count == peers);
	FUZZ_CHECK(device->name[0] == '\0' && device->index == 0);
	FUZZ_CHECK(sodium_is_zero(device->private_key, WIREGUARD_KEY_BYTES) == !device->has_private_key);
	if (device->has_private_key && memmem(answer, size, "own_public_key", 14) == NULL) {
		FUZZ_CHECK(crypto_scalarmult_base(public_key, device->private_key) == 0);
		FUZZ_CHECK(memcmp(public_key, device->public_key, sizeof public_key) == 0);
	}
	for (size_t i = 0; i < device->peer_count; i++)
		check_peer(&device->peers[i]);
}

static int try_answer(const char *answer, size_t size)
{
	struct wireguard_device device;
	int result = userspace_answer_result(answer, size);
	int read;

	FUZZ_CHECK(result <= 0 && result >= -ERRNO_MAX);
	memset(&device, 'x', sizeof device);
	read = userspace_answer_device(&device, answer, size, NOW);
	FUZZ_CHECK(result == 0 ? read == 0 || read == -EPROTO : read == result);
	if (read == 0) {
		check_device(&device, answer, size);
		wireguard_release(&device);
	}
	FUZZ_CHECK(sodium_is_zero((const unsigned char *)&device, sizeof device) == 1);
	return read;
}

/* Up to the end of the empty line; size: there is none. */
static size_t whole_length(const char *answer, size_t size)
{
	const char *empty = memmem(answer, size, "\n\n", 2);

	if (size > 0 && answer[0] == '\n')
		return 1;
	return empty == NULL ? size : (size_t)(empty - answer) + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *answer = (const char *)data;
	size_t whole = whole_length(answer, size);
	int result = try_answer(answer, size);
	/* With nothing behind it that could be read by mistake. */
	char *copy = malloc(whole > 0 ? whole : 1);

	if (copy == NULL)
		abort();
	memcpy(copy, answer, whole);
	FUZZ_CHECK(try_answer(copy, whole) == result);
	if (whole > 0)
		FUZZ_CHECK(try_answer(copy, whole - 1) == -EPROTO);
	free(copy);
	return 0;
}

#define KEY "77076d0a7318a57d3c16c17251b26645C6A1BC9B8F3A6E2AB4D6D5E5B1D2A0FF"
#define PEER "public_key=" KEY "\n"
#define END "errno=0\n\n"

size_t fuzz_seed(size_t number, uint8_t *out, size_t out_max)
{
	static const char *const seeds[] = {
		END,
		"errno=-22\n\n",
		"errno=5\n\nmore",
		"private_key=" KEY "\nlisten_port=51820\nfwmark=7\n" END,
		"own_public_key=" KEY "\n" PEER "last_handshake_time_sec=5\n" END,
		PEER
		"preshared_key=" KEY "\nprotocol_version=1\nendpoint=192.0.2.1:51820\n"
		"last_handshake_time_sec=1699999990\nlast_handshake_time_nsec=5\ntx_bytes=5\nrx_bytes=6\n"
		"persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\n" END,
		PEER
		"endpoint=[fe80::1%1]:5\nallowed_ip=::/0\nallowed_ip=fd00::1\nallowed_ip=0.0.0.0/0\n" PEER
			END,
		"new_key=new value\n" END,
		PEER "rx_bytes=18446744073709551616\n" END,
	};
	size_t size;

	if (number >= sizeof seeds / sizeof seeds[0])
		return 0;
	size = strlen(seeds[number]);
	if (size > out_max)
		return 0;
	memcpy(out, seeds[number], size);
	return size;
}

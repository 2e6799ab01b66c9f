#include "wireguard/userspace_answer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "system/secret_memory.h"

#define ERRNO_MAX 4095

/* Times since 1970 are greater by far than times since a handshake. */
#define LONG_AGO_SECONDS UINT64_C(1000000000)

struct span {
	const char *at;
	size_t length;
};

/* Takes "key=value\n" off the front. 1; 0: the empty line, or nothing is left; -EPROTO: no such line. */
static int next_line(struct span *rest, struct span *key, struct span *value)
{
	const char *end = memchr(rest->at, '\n', rest->length);
	const char *equals;
	size_t length;

	if (rest->length == 0)
		return 0;
	if (end == NULL)
		return -EPROTO;
	length = (size_t)(end - rest->at);
	if (length == 0)
		return 0;
	equals = memchr(rest->at, '=', length);
	if (equals == NULL)
		return -EPROTO;
	*key = (struct span){ rest->at, (size_t)(equals - rest->at) };
	*value = (struct span){ equals + 1, length - key->length - 1 };
	rest->at += length + 1;
	rest->length -= length + 1;
	return 1;
}

/* Of the names of lines, which are no secret. */
static bool is(const struct span *span, const char *text)
{
	return span->length == strlen(text) && memcmp(span->at, text, span->length) == 0;
}

static int read_number(uint64_t *out, const struct span *value, uint64_t most)
{
	uint64_t number = 0;

	if (value->length == 0)
		return -EPROTO;
	for (size_t i = 0; i < value->length; i++) {
		unsigned digit = (unsigned)(unsigned char)value->at[i] - '0';

		if (digit > 9 || number > most / 10 || number * 10 > most - digit)
			return -EPROTO;
		number = number * 10 + digit;
	}
	*out = number;
	return 0;
}

static int read_key(uint8_t out[static WIREGUARD_KEY_BYTES], const struct span *value)
{
	size_t length = 0;

	if (sodium_hex2bin(out, WIREGUARD_KEY_BYTES, value->at, value->length, NULL, &length, NULL) == 0 &&
	    length == WIREGUARD_KEY_BYTES)
		return 0;
	sodium_memzero(out, WIREGUARD_KEY_BYTES);
	return -EPROTO;
}

/* A string of its own, for functions that need one. */
static int read_string(char *out, size_t size, const struct span *value)
{
	if (value->length == 0 || value->length >= size || memchr(value->at, '\0', value->length) != NULL)
		return -EPROTO;
	memcpy(out, value->at, value->length);
	out[value->length] = '\0';
	return 0;
}

struct reading {
	struct wireguard_device *device;
	struct wireguard_peer *peer; /* the one that lines are about; NULL: they are about the device */
	size_t most;                 /* peers that there is room for */
	bool tells_time_since;       /* a handshake */
	uint64_t now_seconds;
};

static int read_private_key(struct reading *reading, const struct span *value)
{
	struct wireguard_device *device = reading->device;

	if (read_key(device->private_key, value) != 0)
		return -EPROTO;
	device->has_private_key = sodium_is_zero(device->private_key, sizeof device->private_key) == 0;
	if (!device->has_private_key)
		return 0;
	return crypto_scalarmult_base(device->public_key, device->private_key) == 0 ? 0 : -EPROTO;
}

/* Only boringtun has it. */
static int read_own_public_key(struct reading *reading, const struct span *value)
{
	reading->tells_time_since = true;
	reading->device->replaces_peers = true;
	return read_key(reading->device->public_key, value);
}

static int read_listen_port(struct reading *reading, const struct span *value)
{
	uint64_t port = 0;

	if (read_number(&port, value, UINT16_MAX) != 0)
		return -EPROTO;
	reading->device->listen_port = (uint16_t)port;
	return 0;
}

static int read_fwmark(struct reading *reading, const struct span *value)
{
	uint64_t mark = 0;

	if (read_number(&mark, value, UINT32_MAX) != 0)
		return -EPROTO;
	reading->device->fwmark = (uint32_t)mark;
	return 0;
}

static int read_public_key(struct reading *reading, const struct span *value)
{
	if (reading->device->peer_count == reading->most)
		return -EPROTO;
	reading->peer = &reading->device->peers[reading->device->peer_count++];
	return read_key(reading->peer->public_key, value);
}

static int read_preshared_key(struct reading *reading, const struct span *value)
{
	return read_key(reading->peer->preshared_key, value);
}

static int read_endpoint(struct reading *reading, const struct span *value)
{
	union address_socket *endpoint = &reading->peer->endpoint;
	char text[ADDRESS_TEXT_BYTES];
	const char *problem;

	if (read_string(text, sizeof text, value) != 0 || !address_is_literal(text))
		return -EPROTO;
	/* The interface of a link-local one may be gone: no reason to know nothing about the device. */
	if (address_parse(text, endpoint, &problem) != 0)
		*endpoint = (union address_socket){ .any.sa_family = AF_UNSPEC };
	return 0;
}

static int read_keepalive(struct reading *reading, const struct span *value)
{
	uint64_t seconds = 0;

	if (read_number(&seconds, value, UINT16_MAX) != 0)
		return -EPROTO;
	reading->peer->keepalive_seconds = (uint16_t)seconds;
	return 0;
}

static int read_last_handshake(struct reading *reading, const struct span *value)
{
	uint64_t seconds = 0;

	if (read_number(&seconds, value, INT64_MAX) != 0)
		return -EPROTO;
	/* There the line is missing where there was no handshake: 0 means right now. */
	if (reading->tells_time_since && seconds < LONG_AGO_SECONDS)
		seconds = seconds < reading->now_seconds ? reading->now_seconds - seconds : 1;
	reading->peer->last_handshake_seconds = seconds;
	return 0;
}

static int read_received(struct reading *reading, const struct span *value)
{
	return read_number(&reading->peer->received_bytes, value, UINT64_MAX);
}

static int read_sent(struct reading *reading, const struct span *value)
{
	return read_number(&reading->peer->sent_bytes, value, UINT64_MAX);
}

static int add_allowed_ip(struct wireguard_peer *peer, const struct ip_prefix *added)
{
	size_t count = peer->allowed_ip_count;
	struct ip_prefix *longer;

	/* Room for 1, 2, 4, ... of them. */
	if ((count & (count - 1)) == 0) {
		longer = reallocarray(peer->allowed_ips, count == 0 ? 1 : 2 * count, sizeof *longer);
		if (longer == NULL)
			return -ENOMEM;
		peer->allowed_ips = longer;
	}
	peer->allowed_ips[count] = *added;
	peer->allowed_ip_count++;
	return 0;
}

static int read_allowed_ip(struct reading *reading, const struct span *value)
{
	char text[INET6_ADDRSTRLEN + sizeof "/128"];
	struct ip_prefix prefix = { 0 };
	uint64_t bits;
	char *slash;

	if (read_string(text, sizeof text, value) != 0)
		return -EPROTO;
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash++ = '\0';
	if (inet_pton(AF_INET, text, &prefix.v4) == 1)
		prefix.family = AF_INET;
	else if (inet_pton(AF_INET6, text, &prefix.v6) == 1)
		prefix.family = AF_INET6;
	else
		return -EPROTO;
	bits = prefix.family == AF_INET ? 32 : 128;
	if (slash != NULL && read_number(&bits, &(struct span){ slash, strlen(slash) }, bits) != 0)
		return -EPROTO;
	prefix.bits = (uint8_t)bits;
	return add_allowed_ip(reading->peer, &prefix);
}

static const struct field {
	const char *key;
	bool of_peer;
	int (*read)(struct reading *reading, const struct span *value);
} fields[] = {
	{ "private_key", false, read_private_key },
	{ "own_public_key", false, read_own_public_key },
	{ "listen_port", false, read_listen_port },
	{ "fwmark", false, read_fwmark },
	{ "public_key", false, read_public_key },
	{ "preshared_key", true, read_preshared_key },
	{ "endpoint", true, read_endpoint },
	{ "persistent_keepalive_interval", true, read_keepalive },
	{ "last_handshake_time_sec", true, read_last_handshake },
	{ "rx_bytes", true, read_received },
	{ "tx_bytes", true, read_sent },
	{ "allowed_ip", true, read_allowed_ip },
};

static int read_field(struct reading *reading, const struct span *key, const struct span *value)
{
	for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
		if (!is(key, fields[i].key))
			continue;
		if (fields[i].of_peer && reading->peer == NULL)
			return -EPROTO;
		return fields[i].read(reading, value);
	}
	/* Of a newer protocol. */
	return 0;
}

static int read_fields(struct reading *reading, struct span rest)
{
	struct span key;
	struct span value;
	int result;

	while ((result = next_line(&rest, &key, &value)) > 0) {
		result = read_field(reading, &key, &value);
		if (result != 0)
			return result;
	}
	return result;
}

static size_t count_peers(struct span rest)
{
	struct span key;
	struct span value;
	size_t count = 0;

	while (next_line(&rest, &key, &value) > 0)
		count += is(&key, "public_key");
	return count;
}

int userspace_answer_result(const char *answer, size_t length)
{
	struct span rest = { answer, length };
	struct span key;
	struct span value;
	uint64_t error = 0;
	bool found = false;
	int result;

	while ((result = next_line(&rest, &key, &value)) > 0) {
		if (!is(&key, "errno"))
			continue;
		/* wireguard-go gives it with a minus, boringtun without. */
		if (value.length > 0 && value.at[0] == '-')
			value = (struct span){ value.at + 1, value.length - 1 };
		if (found || read_number(&error, &value, ERRNO_MAX) != 0)
			return -EPROTO;
		found = true;
	}
	/* Without the empty line something is missing. */
	if (result != 0 || rest.length == 0 || !found)
		return -EPROTO;
	return -(int)error;
}

int userspace_answer_device(struct wireguard_device *device, const char *answer, size_t length,
                            uint64_t now_seconds)
{
	struct reading reading = { .device = device, .now_seconds = now_seconds };
	const struct span whole = { answer, length };
	int result = userspace_answer_result(answer, length);

	memset(device, 0, sizeof *device);
	if (result != 0)
		return result;
	reading.most = count_peers(whole);
	if (reading.most > 0) {
		device->peers = secret_memory_allocate(NULL, reading.most * sizeof *device->peers);
		if (device->peers == NULL)
			return -ENOMEM;
	}
	device->in_userspace = true;
	result = read_fields(&reading, whole);
	if (result != 0)
		wireguard_release(device);
	return result;
}

/*
 * usage: wireguard_probe get DEVICE             prints it as `wg show DEVICE dump` does, without the times
 *        wireguard_probe many DEVICE COUNT      gives it a key and that many peers, reads back and compares
 *        wireguard_probe psk DEVICE PEER KEY    gives a peer (base64) a preshared key, confirmed
 *        wireguard_probe remove DEVICE PEER
 * What the library makes of a WireGuard device. Ends with 0, or says the name of the error and ends with 1.
 */

#include <arpa/inet.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wireguard/wireguard.h"

#define BASE64_CHARS 45
#define PORT 51820

static void print_key(const uint8_t *key)
{
	char text[BASE64_CHARS];

	(void)printf("%s\t", sodium_bin2base64(text, sizeof text, key, WIREGUARD_KEY_BYTES,
	                                       sodium_base64_VARIANT_ORIGINAL));
}

static void print_key_or_none(const uint8_t *key)
{
	if (sodium_is_zero(key, WIREGUARD_KEY_BYTES) == 1)
		(void)printf("(none)\t");
	else
		print_key(key);
}

static int read_key(uint8_t out[static WIREGUARD_KEY_BYTES], const char *text)
{
	size_t length = 0;

	return sodium_base642bin(out, WIREGUARD_KEY_BYTES, text, strlen(text), NULL, &length, NULL,
	                         sodium_base64_VARIANT_ORIGINAL) == 0 &&
	                       length == WIREGUARD_KEY_BYTES
	               ? 0
	               : -EINVAL;
}

static void print_peer(const struct wireguard_peer *peer)
{
	char text[ADDRESS_TEXT_BYTES] = "(none)";

	print_key(peer->public_key);
	print_key_or_none(peer->preshared_key);
	if (peer->endpoint.any.sa_family != AF_UNSPEC)
		address_format(text, &peer->endpoint);
	(void)printf("%s\t", text);
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		const struct ip_prefix *prefix = &peer->allowed_ips[i];

		(void)inet_ntop(prefix->family, &prefix->v6, text, sizeof text);
		(void)printf("%s%s/%u", i > 0 ? "," : "", text, (unsigned)prefix->bits);
	}
	if (peer->allowed_ip_count == 0)
		(void)printf("(none)");
	if (peer->keepalive_seconds == 0)
		(void)printf("\toff\n");
	else
		(void)printf("\t%u\n", (unsigned)peer->keepalive_seconds);
}

static int get(const char *name)
{
	struct wireguard_device device;
	int result = wireguard_get(&device, name);

	if (result != 0)
		return result;
	print_key_or_none(device.private_key);
	print_key_or_none(device.public_key);
	(void)printf("%u\t", (unsigned)device.listen_port);
	if (device.fwmark == 0)
		(void)printf("off\n");
	else
		(void)printf("0x%x\n", (unsigned)device.fwmark);
	for (size_t i = 0; i < device.peer_count; i++)
		print_peer(&device.peers[i]);
	wireguard_release(&device);
	return 0;
}

/* A key that depends on two numbers alone. */
static void make_key(uint8_t key[static WIREGUARD_KEY_BYTES], size_t number, uint8_t kind)
{
	uint8_t seed[randombytes_SEEDBYTES] = { kind };

	memcpy(seed + 1, &number, sizeof number);
	randombytes_buf_deterministic(key, WIREGUARD_KEY_BYTES, seed);
}

struct made {
	uint8_t preshared_key[WIREGUARD_KEY_BYTES];
	union address_socket endpoint;
	struct ip_prefix allowed_ips[2];
};

/* IPv4 and IPv6 in turn. */
static void make_peer(struct wireguard_peer_change *peer, struct made *made, size_t number)
{
	uint32_t host = (uint32_t)number;

	make_key(peer->public_key, number, 1);
	make_key(made->preshared_key, number, 2);
	if (number % 2 == 0) {
		made->endpoint.v4 = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(PORT) };
		made->endpoint.v4.sin_addr.s_addr = htonl(0xc6120000 + host);
	} else {
		made->endpoint.v6 =
			(struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
		(void)inet_pton(AF_INET6, "2001:db8::", &made->endpoint.v6.sin6_addr);
		memcpy(&made->endpoint.v6.sin6_addr.s6_addr[12], &host, sizeof host);
	}
	made->allowed_ips[0] = (struct ip_prefix){ .family = AF_INET, .bits = 32 };
	made->allowed_ips[0].v4.s_addr = htonl(0x0a000000 + host);
	made->allowed_ips[1] = (struct ip_prefix){ .family = AF_INET6, .bits = 128 };
	made->allowed_ips[1].v6.s6_addr[0] = 0xfd;
	memcpy(&made->allowed_ips[1].v6.s6_addr[12], &host, sizeof host);
	peer->preshared_key = made->preshared_key;
	peer->endpoint = &made->endpoint;
	peer->set_keepalive = true;
	peer->keepalive_seconds = (uint16_t)(number + 1);
	peer->replace_allowed_ips = true;
	peer->allowed_ips = made->allowed_ips;
	peer->allowed_ip_count = 2;
}

static bool has_allowed_ip(const struct wireguard_peer *peer, const struct ip_prefix *wanted)
{
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		const struct ip_prefix *prefix = &peer->allowed_ips[i];

		if (prefix->family == wanted->family && prefix->bits == wanted->bits &&
		    memcmp(&prefix->v6, &wanted->v6, prefix->family == AF_INET ? 4 : 16) == 0)
			return true;
	}
	return false;
}

static bool has_peer(const struct wireguard_device *device, const struct wireguard_peer_change *wanted)
{
	const struct wireguard_peer *peer = wireguard_find(device, wanted->public_key);

	return peer != NULL && memcmp(peer->preshared_key, wanted->preshared_key, WIREGUARD_KEY_BYTES) == 0 &&
	       address_equal(&peer->endpoint, wanted->endpoint) &&
	       peer->keepalive_seconds == wanted->keepalive_seconds && peer->allowed_ip_count == 2 &&
	       has_allowed_ip(peer, &wanted->allowed_ips[0]) && has_allowed_ip(peer, &wanted->allowed_ips[1]);
}

static int compare(const char *name, const struct wireguard_change *change)
{
	uint8_t public_key[WIREGUARD_KEY_BYTES];
	struct wireguard_device device;
	int result = wireguard_get(&device, name);

	if (result != 0)
		return result;
	if (crypto_scalarmult_base(public_key, change->private_key) != 0 || !device.has_private_key ||
	    memcmp(public_key, device.public_key, sizeof public_key) != 0 || device.listen_port != PORT ||
	    device.fwmark != change->fwmark || device.peer_count != change->peer_count)
		result = -EIO;
	for (size_t i = 0; i < change->peer_count && result == 0; i++)
		result = has_peer(&device, &change->peers[i]) ? 0 : -EIO;
	wireguard_release(&device);
	return result;
}

static int many(const char *name, size_t count)
{
	struct wireguard_peer_change *peers = calloc(count + 1, sizeof *peers);
	struct made *made = calloc(count + 1, sizeof *made);
	uint8_t private_key[WIREGUARD_KEY_BYTES];
	const struct wireguard_change change = {
		.private_key = private_key,
		.set_listen_port = true,
		.listen_port = PORT,
		.set_fwmark = true,
		.fwmark = 0xca6c,
		.replace_peers = true,
		.peers = peers,
		.peer_count = count,
	};
	int result = peers == NULL || made == NULL ? -ENOMEM : 0;

	make_key(private_key, 0, 0);
	/* As generators make them: a device may show a key with these bits set, whatever it was given. */
	private_key[0] &= 248;
	private_key[31] = (uint8_t)((private_key[31] & 127) | 64);
	for (size_t i = 0; i < count && result == 0; i++)
		make_peer(&peers[i], &made[i], i);
	if (result == 0)
		result = wireguard_set(name, &change);
	if (result == 0)
		result = compare(name, &change);
	free(peers);
	free(made);
	return result;
}

/* Whether the peer is there, and has that preshared key; NULL: any. */
static int check_key(const char *name, const uint8_t *public_key, const uint8_t *preshared_key)
{
	const struct wireguard_peer *peer;
	struct wireguard_device device;
	int result = wireguard_get(&device, name);

	if (result != 0)
		return result;
	peer = wireguard_find(&device, public_key);
	if (peer == NULL)
		result = -ENOENT;
	else if (preshared_key != NULL &&
	         memcmp(peer->preshared_key, preshared_key, WIREGUARD_KEY_BYTES) != 0)
		result = -EIO;
	wireguard_release(&device);
	return result;
}

static int set_key(const char *name, const char *peer, const char *key)
{
	uint8_t preshared_key[WIREGUARD_KEY_BYTES];
	struct wireguard_peer_change change = { .update_only = true, .preshared_key = preshared_key };
	int result;

	if (read_key(change.public_key, peer) != 0 || read_key(preshared_key, key) != 0)
		return -EINVAL;
	result = check_key(name, change.public_key, NULL);
	if (result == 0)
		result = wireguard_set(name, &(struct wireguard_change){ .peers = &change, .peer_count = 1 });
	return result != 0 ? result : check_key(name, change.public_key, preshared_key);
}

static int remove_peer(const char *name, const char *text)
{
	struct wireguard_peer_change peer = { .remove = true };

	if (read_key(peer.public_key, text) != 0)
		return -EINVAL;
	return wireguard_set(name, &(struct wireguard_change){ .peers = &peer, .peer_count = 1 });
}

int main(int argc, char **argv)
{
	int result = -EINVAL;

	if (sodium_init() < 0)
		return 1;
	if (argc == 3 && strcmp(argv[1], "get") == 0)
		result = get(argv[2]);
	else if (argc == 4 && strcmp(argv[1], "many") == 0)
		result = many(argv[2], strtoul(argv[3], NULL, 10));
	else if (argc == 5 && strcmp(argv[1], "psk") == 0)
		result = set_key(argv[2], argv[3], argv[4]);
	else if (argc == 4 && strcmp(argv[1], "remove") == 0)
		result = remove_peer(argv[2], argv[3]);
	if (result != 0)
		(void)printf("%s\n", strerrorname_np(-result));
	return result != 0;
}

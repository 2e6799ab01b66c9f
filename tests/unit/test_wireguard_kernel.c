#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "wireguard/kernel.h"

/* What the kernel might call WireGuard. */
#define FAMILY 0x1f
#define PEERS 2000
#define MANY_IPS 5000
#define MUTATIONS 20000

static struct netlink_message message;

static const uint8_t *key_of(uint8_t number)
{
	static uint8_t keys[256][WIREGUARD_KEY_BYTES];

	memset(keys[number], number, WIREGUARD_KEY_BYTES);
	return keys[number];
}

static struct wireguard_allowed_ip ip_of(const char *text, uint8_t bits)
{
	struct wireguard_allowed_ip ip = { .family = strchr(text, ':') == NULL ? AF_INET : AF_INET6, .bits = bits };

	assert_int_equal(inet_pton(ip.family, text, &ip.v6), 1);
	return ip;
}

static void check_ip(const struct wireguard_allowed_ip *a, const struct wireguard_allowed_ip *b)
{
	assert_int_equal(a->family, b->family);
	assert_int_equal(a->bits, b->bits);
	assert_memory_equal(&a->v6, &b->v6, a->family == AF_INET ? sizeof a->v4 : sizeof a->v6);
}

/* --- writing ------------------------------------------------------------------------- */

/* The one that matters most, byte for byte. */
static void test_preshared_key_bytes(void **state)
{
	static const char hex[] = "740000001f000500010000000000000001010000080002007767300058000880"
				  "5400008024000100"
				  "1111111111111111111111111111111111111111111111111111111111111111"
				  "24000200"
				  "2222222222222222222222222222222222222222222222222222222222222222"
				  "0800030004000000";
	struct wireguard_peer_change peer = { .update_only = true, .preshared_key = key_of(0x22) };
	struct wireguard_change change = { .peers = &peer, .peer_count = 1 };
	struct kernel_writer writer = { .name = "wg0", .change = &change, .family = FAMILY };
	uint8_t expected[116];

	(void)state;
	memcpy(peer.public_key, key_of(0x11), WIREGUARD_KEY_BYTES);
	fixture_hex(hex, expected, sizeof expected);
	assert_true(kernel_write(&writer, &message));
	assert_int_equal(message.length, sizeof expected);
	assert_memory_equal(message.bytes, expected, sizeof expected);
	assert_false(kernel_write(&writer, &message));
}

/* Device, peer and allowed ip with all that can be said, and a peer that goes. */
static void test_all_bytes(void **state)
{
	static const char hex[] = "2c0100001f0005000100000000000000010100000a00020077673130000000002400"
				  "0300"
				  "3333333333333333333333333333333333333333333333333333333333333333"
				  "060006006cca0000080007000a00000008000500010000"
				  "00"
				  "d8000880"
				  "a4000080"
				  "24000100"
				  "1111111111111111111111111111111111111111111111111111111111111111"
				  "0800030002000000"
				  "14000400020000500a00000100000000000000000600050019000000"
				  "50000980"
				  "1c0000800600010002000000080002000a0000000500030008000000"
				  "300000800600010"
				  "00a000000"
				  "14000200fd000000000000000000000000000000"
				  "0500030040000000";
	struct wireguard_allowed_ip ips[] = { ip_of("10.0.0.0", 8), ip_of("fd00::", 64) };
	union address_socket endpoint = { .v4 = { .sin_family = AF_INET, .sin_port = htons(80) } };
	struct wireguard_peer_change peers[2] = {
		{ .endpoint = &endpoint,
		  .set_keepalive = true,
		  .keepalive_seconds = 25,
		  .replace_allowed_ips = true,
		  .allowed_ips = ips,
		  .allowed_ip_count = 2 },
		/* Nothing else counts. */
		{ .remove = true, .preshared_key = key_of(9), .allowed_ips = ips, .allowed_ip_count = 2 },
	};
	struct wireguard_change change = {
		.private_key = key_of(0x33),
		.set_listen_port = true,
		.listen_port = 51820,
		.set_fwmark = true,
		.fwmark = 10,
		.replace_peers = true,
		.peers = peers,
		.peer_count = 2,
	};
	struct kernel_writer writer = { .name = "wg10", .change = &change, .family = FAMILY };
	uint8_t expected[sizeof hex / 2];

	(void)state;
	(void)expected;
	endpoint.v4.sin_addr.s_addr = htonl(0x0a000001);
	memcpy(peers[0].public_key, key_of(0x11), WIREGUARD_KEY_BYTES);
	memcpy(peers[1].public_key, key_of(0x44), WIREGUARD_KEY_BYTES);
	assert_true(kernel_write(&writer, &message));
	for (size_t i = 0; i < message.length; i++)
		printf("%02x%s", message.bytes[i], i % 4 == 3 ? "\n" : "");
	assert_false(kernel_write(&writer, &message));
}

#include "wireguard_fixture.h"

#include <endian.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>

#include "wireguard/kernel.h"

/* What the kernel might call WireGuard. */
#define FAMILY 0x1f
#define PEERS 2000
#define MANY_IPS 5000

static struct netlink_message message;

/* The one that matters most, byte for byte. */
static void test_preshared_key_bytes(void **state)
{
	static const char hex[] = "740000001f00050001000000000000000101000008000200776730005800088054000080"
				  "24000100"
				  "1111111111111111111111111111111111111111111111111111111111111111"
				  "24000200"
				  "2222222222222222222222222222222222222222222222222222222222222222"
				  "0800030004000000";
	uint8_t key[WIREGUARD_KEY_BYTES];
	struct wireguard_peer_change peer = { .update_only = true, .preshared_key = key };
	struct wireguard_change change = { .peers = &peer, .peer_count = 1 };
	struct kernel_writer writer = { .name = "wg0", .change = &change, .family = FAMILY };
	uint8_t expected[116];

	(void)state;
	set_key(peer.public_key, 0x11);
	set_key(key, 0x22);
	fixture_hex(hex, expected, sizeof expected);
	assert_true(kernel_write(&writer, &message));
	assert_int_equal(message.length, sizeof expected);
	/* The numbers in it are little-endian. */
	if (htole32(1) == 1)
		assert_memory_equal(message.bytes, expected, sizeof expected);
	assert_false(kernel_write(&writer, &message));
}

/* One attribute's own bytes: as a number where they are as long as one, else in hexadecimal digits. */
static void describe_bytes(FILE *out, const uint8_t *at, size_t length)
{
	uint32_t word = 0;
	uint16_t half = 0;

	if (length == sizeof word) {
		memcpy(&word, at, sizeof word);
		(void)fprintf(out, "%u ", word);
	} else if (length == sizeof half) {
		memcpy(&half, at, sizeof half);
		(void)fprintf(out, "%u ", half);
	} else if (length == 1) {
		(void)fprintf(out, "%u ", *at);
	} else {
		for (size_t i = 0; i < length; i++)
			(void)fprintf(out, "%02x", at[i]);
		(void)fputc(' ', out);
	}
}

/* Appends attributes as text: "1=<bytes> 8={ ... } ", braces for those that are marked as nested. */
static void describe(FILE *out, const uint8_t *at, size_t length)
{
	while (length > 0) {
		struct nlattr head;
		size_t step;

		assert_true(length >= sizeof head);
		memcpy(&head, at, sizeof head);
		assert_true(head.nla_len >= sizeof head && head.nla_len <= length);
		step = (head.nla_len + 3u) / 4 * 4;
		/* Padded even at the end, and with zeros. */
		assert_true(step <= length);
		assert_true(fixture_is_zero(at + head.nla_len, step - head.nla_len));
		(void)fprintf(out, "%u=", head.nla_type & 0x3fffu);
		if ((head.nla_type & NLA_F_NESTED) != 0) {
			(void)fputs("{ ", out);
			describe(out, at + sizeof head, head.nla_len - sizeof head);
			(void)fputs("} ", out);
		} else {
			describe_bytes(out, at + sizeof head, head.nla_len - sizeof head);
		}
		at += step;
		length -= step;
	}
}

static void check_description(const char *expected)
{
	char *text = NULL;
	size_t length = 0;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	describe(out, message.bytes + NLMSG_HDRLEN + GENL_HDRLEN,
	         message.length - NLMSG_HDRLEN - GENL_HDRLEN);
	(void)fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

#define K1 "1111111111111111111111111111111111111111111111111111111111111111 "
#define K2 "2222222222222222222222222222222222222222222222222222222222222222 "
#define K3 "3333333333333333333333333333333333333333333333333333333333333333 "
#define K4 "4444444444444444444444444444444444444444444444444444444444444444 "
#define K0 "0000000000000000000000000000000000000000000000000000000000000000 "

/* At the beginning of socket addresses, in the order of this machine. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define V4 "0200"
#define V6 "0a00"
#else
#define V4 "0002"
#define V6 "000a"
#endif

/* All that can be said of a device, of peers and allowed IPs. */
static void test_all_fields(void **state)
{
	/* 10.1.1.10 is the same number in both orders. */
	static const char expected[] =
		"2=7767313000 3=" K3 "6=4660 7=10 5=1 8={ "
		"0={ 1=" K1 "2=" K0 "3=2 4=" V4 "00500a0000010000000000000000 5=25 9={ "
		"0={ 1=2 2=167837962 3=32 } "
		"0={ 1=10 2=fd000000000000000000000000000000 3=64 } "
		"0={ 1=2 2=0 3=0 } } } "
		"0={ 1=" K2 "3=1 } "
		"0={ 1=" K3 "3=6 4=" V6 "005000000000fd00000000000000000000000000000000000000 5=0 } "
		"0={ 1=" K4 "} } ";
	uint8_t private_key[WIREGUARD_KEY_BYTES];
	uint8_t preshared_key[WIREGUARD_KEY_BYTES] = { 0 };
	struct ip_prefix ips[] = { ip_of("10.1.1.10", 32), ip_of("fd00::", 64), ip_of("0.0.0.0", 0) };
	union address_socket v4 = { .v4 = { .sin_family = AF_INET, .sin_port = htons(80) } };
	union address_socket v6 = { .v6 = { .sin6_family = AF_INET6, .sin6_port = htons(80) } };
	struct wireguard_peer_change peers[] = {
		{ .preshared_key = preshared_key,
		  .endpoint = &v4,
		  .set_keepalive = true,
		  .keepalive_seconds = 25,
		  .replace_allowed_ips = true,
		  .allowed_ips = ips,
		  .allowed_ip_count = FIXTURE_COUNT(ips) },
		/* Of one that goes nothing else counts. */
		{ .remove = true,
		  .preshared_key = preshared_key,
		  .update_only = true,
		  .endpoint = &v4,
		  .allowed_ips = ips,
		  .allowed_ip_count = FIXTURE_COUNT(ips) },
		/* Keepalive to be switched off; flags together; a list that is emptied. */
		{ .update_only = true, .replace_allowed_ips = true, .endpoint = &v6, .set_keepalive = true },
		{ .keepalive_seconds = 9 },
	};
	struct wireguard_change change = {
		.private_key = private_key,
		.set_listen_port = true,
		.listen_port = 0x1234,
		.set_fwmark = true,
		.fwmark = 10,
		.replace_peers = true,
		.peers = peers,
		.peer_count = FIXTURE_COUNT(peers),
	};
	struct kernel_writer writer = { .name = "wg10", .change = &change, .family = FAMILY };

	(void)state;
	set_key(private_key, 0x33);
	set_key(peers[0].public_key, 0x11);
	set_key(peers[1].public_key, 0x22);
	set_key(peers[2].public_key, 0x33);
	set_key(peers[3].public_key, 0x44);
	v4.v4.sin_addr.s_addr = htonl(0x0a000001);
	v6.v6.sin6_addr.s6_addr[0] = 0xfd;
	assert_true(kernel_write(&writer, &message));
	check_description(expected);
	assert_false(kernel_write(&writer, &message));
}

/* Nothing at all, and what does not need peers. */
static void test_no_peers(void **state)
{
	struct wireguard_change change = { 0 };
	struct kernel_writer writer = { .name = "wg", .change = &change, .family = FAMILY };

	(void)state;
	assert_true(kernel_write(&writer, &message));
	check_description("2=776700 ");
	assert_false(kernel_write(&writer, &message));
	change = (struct wireguard_change){ .set_fwmark = true, .replace_peers = true };
	writer = (struct kernel_writer){ .name = "wg", .change = &change, .family = FAMILY };
	assert_true(kernel_write(&writer, &message));
	check_description("2=776700 7=0 5=1 ");
	assert_false(kernel_write(&writer, &message));
}

/* --- fragments ----------------------------------------------------------------------- */

/* What is wanted of many peers. */
struct crowd {
	struct wireguard_change change;
	struct wireguard_peer_change *peers;
	struct ip_prefix *ips;
	uint8_t preshared_key[WIREGUARD_KEY_BYTES];
	union address_socket endpoint;
};

static void make_crowd(struct crowd *crowd, uint64_t *random, size_t count, size_t least_ips, size_t most_ips)
{
	size_t used = 0;

	memset(crowd, 0, sizeof *crowd);
	crowd->peers = calloc(count, sizeof *crowd->peers);
	crowd->ips = calloc(count * most_ips + 1, sizeof *crowd->ips);
	assert_true(crowd->peers != NULL && crowd->ips != NULL);
	set_key(crowd->preshared_key, 0x77);
	crowd->endpoint.v6.sin6_family = AF_INET6;
	for (size_t i = 0; i < count; i++) {
		struct wireguard_peer_change *peer = &crowd->peers[i];

		fixture_fill(random, peer->public_key, sizeof peer->public_key);
		peer->preshared_key = fixture_below(random, 2) == 0 ? NULL : crowd->preshared_key;
		peer->endpoint = fixture_below(random, 2) == 0 ? NULL : &crowd->endpoint;
		peer->set_keepalive = fixture_below(random, 2) == 0;
		peer->keepalive_seconds = 25;
		peer->replace_allowed_ips = fixture_below(random, 2) == 0;
		peer->update_only = fixture_below(random, 4) == 0;
		peer->allowed_ips = &crowd->ips[used];
		peer->allowed_ip_count = least_ips + fixture_below(random, most_ips - least_ips + 1);
		for (size_t j = 0; j < peer->allowed_ip_count; j++, used++) {
			crowd->ips[used].family = fixture_below(random, 2) == 0 ? AF_INET : AF_INET6;
			crowd->ips[used].bits = (uint8_t)fixture_below(random, 33);
			fixture_fill(random, crowd->ips[used].v6.s6_addr, 16);
		}
	}
	crowd->change = (struct wireguard_change){ .replace_peers = true,
		                                   .private_key = crowd->preshared_key,
		                                   .peers = crowd->peers,
		                                   .peer_count = count };
}

static void release_crowd(struct crowd *crowd)
{
	free(crowd->peers);
	free(crowd->ips);
}

/* The next attribute of that type within others, or NULL. */
static const uint8_t *find(const uint8_t *at, size_t length, uint16_t type, size_t *found_length)
{
	struct netlink_rest rest = { at, length };
	struct netlink_attribute attribute;

	while (netlink_next(&rest, &attribute) == 1) {
		if (attribute.type == type) {
			*found_length = attribute.length;
			return attribute.data;
		}
	}
	return NULL;
}

/* Only the public key, "go on" and allowed IPs may stand in a peer that was begun in an earlier message. */
static void check_rest_of_peer(const uint8_t *at, size_t length)
{
	uint32_t flags = 0;
	size_t found = 0;
	const uint8_t *data = find(at, length, WGPEER_A_FLAGS, &found);

	assert_true(data != NULL && found == sizeof flags);
	memcpy(&flags, data, sizeof flags);
	assert_int_equal(flags, WGPEER_F_UPDATE_ONLY);
	assert_null(find(at, length, WGPEER_A_PRESHARED_KEY, &found));
	assert_null(find(at, length, WGPEER_A_ENDPOINT, &found));
	assert_null(find(at, length, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, &found));
	assert_non_null(find(at, length, WGPEER_A_ALLOWEDIPS, &found));
	assert_true(found > 0);
}

static void check_first_of_peer(const uint8_t *at, size_t length, const struct wireguard_peer_change *peer)
{
	uint32_t flags = 0;
	size_t found = 0;
	const uint8_t *data = find(at, length, WGPEER_A_FLAGS, &found);

	if (data != NULL)
		memcpy(&flags, data, sizeof flags);
	assert_int_equal(flags, (peer->replace_allowed_ips ? WGPEER_F_REPLACE_ALLOWEDIPS : 0) |
	                                (peer->update_only ? WGPEER_F_UPDATE_ONLY : 0));
	assert_int_equal(find(at, length, WGPEER_A_PRESHARED_KEY, &found) != NULL,
	                 peer->preshared_key != NULL);
	assert_int_equal(find(at, length, WGPEER_A_ENDPOINT, &found) != NULL, peer->endpoint != NULL);
	assert_int_equal(find(at, length, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, &found) != NULL,
	                 peer->set_keepalive);
	/* A list for which there was no room is not begun. */
	assert_true(find(at, length, WGPEER_A_ALLOWEDIPS, &found) == NULL || found > 0);
}

/* One message of a crowd, *seen: peers that were begun so far. */
static void check_fragment(const struct crowd *crowd, size_t *seen)
{
	size_t at_most = message.length - NLMSG_HDRLEN - GENL_HDRLEN;
	const uint8_t *start = message.bytes + NLMSG_HDRLEN + GENL_HDRLEN;
	size_t length = 0;
	size_t found = 0;
	const uint8_t *list = find(start, at_most, WGDEVICE_A_PEERS, &length);
	struct netlink_rest rest = { list, length };
	struct netlink_attribute peer;
	bool is_first = *seen == 0;

	assert_non_null(list);
	assert_non_null(find(start, at_most, WGDEVICE_A_IFNAME, &found));
	/* Said once more, it would take away the peers that the messages before have set. */
	assert_int_equal(find(start, at_most, WGDEVICE_A_FLAGS, &found) != NULL, is_first);
	assert_int_equal(find(start, at_most, WGDEVICE_A_PRIVATE_KEY, &found) != NULL, is_first);
	while (netlink_next(&rest, &peer) == 1) {
		const uint8_t *key = find(peer.data, peer.length, WGPEER_A_PUBLIC_KEY, &found);

		assert_true(key != NULL && found == WIREGUARD_KEY_BYTES);
		if (*seen > 0 && memcmp(crowd->peers[*seen - 1].public_key, key, WIREGUARD_KEY_BYTES) == 0) {
			/* The rest of a peer comes first. */
			assert_ptr_equal(peer.data, list + sizeof(struct nlattr));
			check_rest_of_peer(peer.data, peer.length);
			continue;
		}
		assert_true(*seen < crowd->change.peer_count);
		check_first_of_peer(peer.data, peer.length, &crowd->peers[*seen]);
		++*seen;
	}
}

/* Reads all messages of a crowd back: every one of its peers and allowed IPs is there, in its order. */
static void check_crowd(const struct crowd *crowd, size_t most_messages)
{
	struct kernel_writer writer = { .name = "wg0", .change = &crowd->change, .family = FAMILY };
	struct wireguard_device device = { 0 };
	size_t seen = 0;
	size_t messages = 0;

	while (kernel_write(&writer, &message)) {
		struct nlmsghdr header;

		assert_true(++messages <= most_messages);
		assert_true(message.length <= NETLINK_MESSAGE_BYTES);
		memcpy(&header, message.bytes, sizeof header);
		assert_int_equal(header.nlmsg_len, message.length);
		assert_int_equal(header.nlmsg_flags, NLM_F_REQUEST | NLM_F_ACK);
		check_fragment(crowd, &seen);
		assert_int_equal(
			kernel_take(&device, message.bytes + NLMSG_HDRLEN, message.length - NLMSG_HDRLEN), 0);
	}
	assert_int_equal(seen, crowd->change.peer_count);
	assert_int_equal(device.peer_count, crowd->change.peer_count);
	for (size_t i = 0; i < device.peer_count; i++) {
		const struct wireguard_peer_change *wanted = &crowd->peers[i];

		assert_memory_equal(device.peers[i].public_key, wanted->public_key, WIREGUARD_KEY_BYTES);
		assert_true(is_key(device.peers[i].preshared_key, wanted->preshared_key == NULL ? 0 : 0x77));
		assert_int_equal(device.peers[i].endpoint.any.sa_family,
		                 wanted->endpoint == NULL ? AF_UNSPEC : AF_INET6);
		assert_int_equal(device.peers[i].allowed_ip_count, wanted->allowed_ip_count);
		for (size_t j = 0; j < wanted->allowed_ip_count; j++)
			assert_true(same_ip(&device.peers[i].allowed_ips[j], &wanted->allowed_ips[j]));
	}
	wireguard_release(&device);
}

static void test_fragments(void **state)
{
	static const struct {
		size_t peers;
		size_t least_ips;
		size_t most_ips;
		size_t most_messages;
	} cases[] = {
		{ PEERS, 3, 8, 150 },          { PEERS, 0, 0, 40 },  { 1, MANY_IPS, MANY_IPS, 30 },
		{ 3, MANY_IPS, MANY_IPS, 90 }, { 50, 100, 400, 60 }, { 1, 1, 1, 1 },
	};
	uint64_t random = 1;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct crowd crowd;

		make_crowd(&crowd, &random, cases[i].peers, cases[i].least_ips, cases[i].most_ips);
		check_crowd(&crowd, cases[i].most_messages);
		release_crowd(&crowd);
	}
}

/* Messages that end at every possible place: with each number of allowed IPs before the second peer. */
static void test_fragment_ends(void **state)
{
	uint64_t random = 2;

	(void)state;
	for (size_t count = 150; count < 320; count++) {
		struct crowd crowd;

		make_crowd(&crowd, &random, 3, count, count);
		check_crowd(&crowd, 6);
		release_crowd(&crowd);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_preshared_key_bytes),
		cmocka_unit_test(test_all_fields),
		cmocka_unit_test(test_no_peers),
		cmocka_unit_test(test_fragments),
		cmocka_unit_test(test_fragment_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "wireguard_fixture.h"

#include <endian.h>
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
#define MUTATIONS 30000

static struct netlink_message message;

/* --- reading ------------------------------------------------------------------------- */

/* The beginning of a message of a dump. */
static void begin_dump(uint16_t flags)
{
	static const struct genlmsghdr header = { .cmd = WG_CMD_GET_DEVICE, .version = WG_GENL_VERSION };

	netlink_begin(&message, FAMILY, NLM_F_MULTI | flags, &header, sizeof header);
}

static void add_key(uint16_t type, uint8_t number)
{
	uint8_t key[WIREGUARD_KEY_BYTES];

	set_key(key, number);
	assert_true(netlink_add(&message, type, key, sizeof key));
}

static void add_ip(const char *text, uint8_t bits)
{
	struct ip_prefix ip = ip_of(text, bits);
	size_t at = netlink_nest(&message, 0);

	assert_true(netlink_add(&message, WGALLOWEDIP_A_FAMILY, &ip.family, sizeof ip.family));
	assert_true(netlink_add(&message, WGALLOWEDIP_A_IPADDR, &ip.v6, ip.family == AF_INET ? 4 : 16));
	assert_true(netlink_add(&message, WGALLOWEDIP_A_CIDR_MASK, &ip.bits, sizeof ip.bits));
	netlink_close(&message, at);
}

/* A peer with no more than its key and an allowed ip. */
static void add_short_peer(uint8_t number, const char *ip, uint8_t bits)
{
	size_t at = netlink_nest(&message, 0);
	size_t list;

	add_key(WGPEER_A_PUBLIC_KEY, number);
	list = netlink_nest(&message, WGPEER_A_ALLOWEDIPS);
	add_ip(ip, bits);
	netlink_close(&message, list);
	netlink_close(&message, at);
}

static void add_full_peer(uint8_t number)
{
	const uint64_t counts[2] = { 1000, UINT64_MAX };
	const int64_t seen[2] = { INT64_C(5000000000), 999999999 };
	const uint16_t keepalive = 25;
	const uint32_t version = 1;
	struct sockaddr_in endpoint = { .sin_family = AF_INET, .sin_port = htons(51820) };
	size_t at = netlink_nest(&message, 0);
	size_t list;

	endpoint.sin_addr.s_addr = htonl(0xc0000201);
	add_key(WGPEER_A_PUBLIC_KEY, number);
	add_key(WGPEER_A_PRESHARED_KEY, (uint8_t)(number + 1));
	assert_true(netlink_add(&message, WGPEER_A_LAST_HANDSHAKE_TIME, seen, sizeof seen));
	assert_true(
		netlink_add(&message, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, &keepalive, sizeof keepalive));
	assert_true(netlink_add(&message, WGPEER_A_TX_BYTES, &counts[0], sizeof counts[0]));
	assert_true(netlink_add(&message, WGPEER_A_RX_BYTES, &counts[1], sizeof counts[1]));
	assert_true(netlink_add(&message, WGPEER_A_PROTOCOL_VERSION, &version, sizeof version));
	assert_true(netlink_add(&message, WGPEER_A_ENDPOINT, &endpoint, sizeof endpoint));
	assert_true(netlink_add(&message, 77, "unknown", 7));
	list = netlink_nest(&message, WGPEER_A_ALLOWEDIPS);
	add_ip("10.0.0.1", 32);
	add_ip("fd00::", 8);
	netlink_close(&message, list);
	netlink_close(&message, at);
}

static void add_full_device(void)
{
	const uint32_t index = 7;
	const uint32_t mark = 0x80000001;
	const uint16_t port = 51820;

	assert_true(netlink_add(&message, WGDEVICE_A_LISTEN_PORT, &port, sizeof port));
	assert_true(netlink_add(&message, WGDEVICE_A_FWMARK, &mark, sizeof mark));
	assert_true(netlink_add(&message, WGDEVICE_A_IFINDEX, &index, sizeof index));
	assert_true(netlink_add(&message, WGDEVICE_A_IFNAME, "wg0", 4));
	add_key(WGDEVICE_A_PRIVATE_KEY, 0x51);
	add_key(WGDEVICE_A_PUBLIC_KEY, 0x52);
	assert_true(netlink_add(&message, 99, "unknown", 7));
}

/* A dump of one message with all fields: a device, a full peer, a short one. */
static void make_dump(void)
{
	size_t list;

	begin_dump(0);
	add_full_device();
	list = netlink_nest(&message, WGDEVICE_A_PEERS);
	add_full_peer(0x11);
	add_short_peer(0x21, "10.1.0.0", 16);
	netlink_close(&message, list);
	netlink_finish(&message);
}

static int take(struct wireguard_device *device)
{
	return kernel_take(device, message.bytes + NLMSG_HDRLEN, message.length - NLMSG_HDRLEN);
}

static void check_full_peer(const struct wireguard_peer *peer)
{
	struct ip_prefix ips[] = { ip_of("10.0.0.1", 32), ip_of("fd00::", 8) };

	assert_true(is_key(peer->public_key, 0x11));
	assert_true(is_key(peer->preshared_key, 0x12));
	assert_int_equal(peer->endpoint.any.sa_family, AF_INET);
	assert_int_equal(peer->endpoint.v4.sin_port, htons(51820));
	assert_int_equal(peer->endpoint.v4.sin_addr.s_addr, htonl(0xc0000201));
	assert_int_equal(peer->keepalive_seconds, 25);
	assert_true(peer->last_handshake_seconds == UINT64_C(5000000000));
	assert_true(peer->sent_bytes == 1000 && peer->received_bytes == UINT64_MAX);
	assert_true(peer->allowed_ip_count >= 2);
	assert_true(same_ip(&peer->allowed_ips[0], &ips[0]) && same_ip(&peer->allowed_ips[1], &ips[1]));
}

static void test_read_all(void **state)
{
	struct ip_prefix ip = ip_of("10.1.0.0", 16);
	struct wireguard_device device = { 0 };

	(void)state;
	make_dump();
	assert_int_equal(take(&device), 0);
	assert_int_equal(device.index, 7);
	assert_int_equal(device.listen_port, 51820);
	assert_true(device.fwmark == 0x80000001);
	assert_true(device.has_private_key && is_key(device.private_key, 0x51) &&
	            is_key(device.public_key, 0x52));
	assert_int_equal(device.peer_count, 2);
	check_full_peer(&device.peers[0]);
	assert_int_equal(device.peers[0].allowed_ip_count, 2);
	assert_true(is_key(device.peers[1].public_key, 0x21) && is_key(device.peers[1].preshared_key, 0));
	assert_int_equal(device.peers[1].endpoint.any.sa_family, AF_UNSPEC);
	assert_true(device.peers[1].last_handshake_seconds == 0);
	assert_int_equal(device.peers[1].allowed_ip_count, 1);
	assert_true(same_ip(device.peers[1].allowed_ips, &ip));
	wireguard_release(&device);
	assert_true(fixture_is_zero(&device, sizeof device));
	begin_dump(0);
	assert_int_equal(take(&device), 0);
	assert_false(device.has_private_key);
	assert_int_equal(device.peer_count, 0);
	wireguard_release(&device);
}

/* The last peer goes on in the messages that follow; the same key further on is another entry. */
static void test_continued(void **state)
{
	struct wireguard_device device = { 0 };
	size_t list;

	(void)state;
	begin_dump(0);
	list = netlink_nest(&message, WGDEVICE_A_PEERS);
	add_full_peer(0x11);
	netlink_close(&message, list);
	assert_int_equal(take(&device), 0);
	for (unsigned i = 0; i < 3; i++) {
		begin_dump(0);
		list = netlink_nest(&message, WGDEVICE_A_PEERS);
		add_short_peer(0x11, "10.2.0.0", (uint8_t)(16 + i));
		if (i == 2)
			add_short_peer(0x31, "10.3.0.0", 16);
		netlink_close(&message, list);
		assert_int_equal(take(&device), 0);
	}
	assert_int_equal(device.peer_count, 2);
	check_full_peer(&device.peers[0]);
	assert_int_equal(device.peers[0].allowed_ip_count, 5);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(device.peers[0].allowed_ips[2 + i].bits, 16 + i);
	assert_true(is_key(device.peers[1].public_key, 0x31));
	assert_int_equal(device.peers[1].allowed_ip_count, 1);
	begin_dump(0);
	list = netlink_nest(&message, WGDEVICE_A_PEERS);
	add_short_peer(0x11, "10.2.0.0", 30);
	netlink_close(&message, list);
	assert_int_equal(take(&device), 0);
	assert_int_equal(device.peer_count, 3);
	wireguard_release(&device);
}

static void test_endpoints(void **state)
{
	static const struct {
		size_t length;
		uint16_t family;
		uint16_t expected;
	} cases[] = {
		{ sizeof(struct sockaddr_in), AF_INET, AF_INET },
		{ sizeof(struct sockaddr_in6), AF_INET6, AF_INET6 },
		{ sizeof(struct sockaddr_in6), AF_INET, AF_UNSPEC },
		{ sizeof(struct sockaddr_in), AF_INET6, AF_UNSPEC },
		{ sizeof(struct sockaddr_in), AF_UNIX, AF_UNSPEC },
		{ sizeof(struct sockaddr_in6), AF_UNIX, AF_UNSPEC },
		{ sizeof(struct sockaddr_in6), AF_UNSPEC, AF_UNSPEC },
		{ sizeof(struct sockaddr_in6) + 4, AF_INET6, AF_UNSPEC },
		{ 2, AF_INET, AF_UNSPEC },
		{ 0, AF_INET, AF_UNSPEC },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct wireguard_device device = { 0 };
		struct sockaddr_storage address = { .ss_family = cases[i].family };
		size_t list;
		size_t at;

		begin_dump(0);
		list = netlink_nest(&message, WGDEVICE_A_PEERS);
		at = netlink_nest(&message, 0);
		add_key(WGPEER_A_PUBLIC_KEY, 1);
		assert_true(netlink_add(&message, WGPEER_A_ENDPOINT, &address, cases[i].length));
		netlink_close(&message, at);
		netlink_close(&message, list);
		assert_int_equal(take(&device), 0);
		assert_int_equal(device.peers[0].endpoint.any.sa_family, cases[i].expected);
		wireguard_release(&device);
	}
}

/* Attributes of another length than theirs, at the three depths. */
static void test_wrong_lengths(void **state)
{
	static const struct {
		int depth;
		uint16_t type;
		size_t length;
		int expected;
	} cases[] = {
		{ 0, WGDEVICE_A_IFINDEX, 4, 0 },
		{ 0, WGDEVICE_A_IFINDEX, 2, -EBADMSG },
		{ 0, WGDEVICE_A_PRIVATE_KEY, 31, -EBADMSG },
		{ 0, WGDEVICE_A_PRIVATE_KEY, 33, -EBADMSG },
		{ 0, WGDEVICE_A_PUBLIC_KEY, 0, -EBADMSG },
		{ 0, WGDEVICE_A_LISTEN_PORT, 4, -EBADMSG },
		{ 0, WGDEVICE_A_FWMARK, 2, -EBADMSG },
		{ 0, WGDEVICE_A_PEERS, 3, -EBADMSG },
		{ 1, WGPEER_A_PRESHARED_KEY, 32, 0 },
		{ 1, WGPEER_A_PRESHARED_KEY, 31, -EBADMSG },
		{ 1, WGPEER_A_PRESHARED_KEY, 33, -EBADMSG },
		{ 1, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL, 4, -EBADMSG },
		{ 1, WGPEER_A_LAST_HANDSHAKE_TIME, 16, 0 },
		{ 1, WGPEER_A_LAST_HANDSHAKE_TIME, 8, -EBADMSG },
		{ 1, WGPEER_A_RX_BYTES, 4, -EBADMSG },
		{ 1, WGPEER_A_TX_BYTES, 4, -EBADMSG },
		{ 1, WGPEER_A_ALLOWEDIPS, 3, -EBADMSG },
		{ 2, 55, 40, 0 },
		{ 2, WGALLOWEDIP_A_FAMILY, 4, -EBADMSG },
		{ 2, WGALLOWEDIP_A_FAMILY, 2, -EBADMSG },  /* none that we know */
		{ 2, WGALLOWEDIP_A_IPADDR, 16, -EBADMSG }, /* of an IPv4 one */
		{ 2, WGALLOWEDIP_A_IPADDR, 17, -EBADMSG },
		{ 2, WGALLOWEDIP_A_IPADDR, 4, 0 },
		{ 2, WGALLOWEDIP_A_CIDR_MASK, 2, -EBADMSG },
		{ 2, WGALLOWEDIP_A_CIDR_MASK, 1, -EBADMSG }, /* 33 */
	};
	static const uint8_t zeros[64];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		const uint16_t family = AF_INET;
		const bool is_mask = cases[i].depth == 2 && cases[i].type == WGALLOWEDIP_A_CIDR_MASK;
		struct wireguard_device device = { 0 };
		size_t at[4] = { 0 };

		begin_dump(0);
		if (cases[i].depth > 0) {
			at[0] = netlink_nest(&message, WGDEVICE_A_PEERS);
			at[1] = netlink_nest(&message, 0);
			add_key(WGPEER_A_PUBLIC_KEY, 1);
		}
		if (cases[i].depth == 2) {
			at[2] = netlink_nest(&message, WGPEER_A_ALLOWEDIPS);
			at[3] = netlink_nest(&message, 0);
			assert_true(netlink_add(&message, WGALLOWEDIP_A_FAMILY, &family, sizeof family));
			assert_true(netlink_add(&message, WGALLOWEDIP_A_IPADDR, zeros, 4));
		}
		assert_true(netlink_add(&message, cases[i].type, is_mask ? (const uint8_t *)"!!" : zeros,
		                        cases[i].length));
		for (size_t j = FIXTURE_COUNT(at); j > 0; j--) {
			if (at[j - 1] != 0)
				netlink_close(&message, at[j - 1]);
		}
		if (take(&device) != cases[i].expected)
			fail_msg("depth %d, type %u, %zu bytes", cases[i].depth, cases[i].type,
			         cases[i].length);
		wireguard_release(&device);
	}
}

/* A message with one peer, which has that public key (none: 0 bytes) and handshake. */
static void make_odd_peer(size_t key_bytes, const int64_t handshake[2])
{
	static const uint8_t key[WIREGUARD_KEY_BYTES + 1];
	size_t list;
	size_t at;

	begin_dump(0);
	list = netlink_nest(&message, WGDEVICE_A_PEERS);
	at = netlink_nest(&message, 0);
	if (key_bytes > 0)
		assert_true(netlink_add(&message, WGPEER_A_PUBLIC_KEY, key, key_bytes));
	assert_true(netlink_add(&message, WGPEER_A_LAST_HANDSHAKE_TIME, handshake, 2 * sizeof handshake[0]));
	netlink_close(&message, at);
	netlink_close(&message, list);
}

/* A peer without a key, or with one of another length, and a time before 1970. */
static void test_odd_peers(void **state)
{
	static const size_t wrong[] = { 0, 1, WIREGUARD_KEY_BYTES - 1, WIREGUARD_KEY_BYTES + 1 };
	static const int64_t before[2] = { -1, 0 };
	struct wireguard_device device = { 0 };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(wrong); i++) {
		make_odd_peer(wrong[i], before);
		assert_int_equal(take(&device), -EBADMSG);
		assert_int_equal(device.peer_count, 0);
	}
	make_odd_peer(WIREGUARD_KEY_BYTES, before);
	assert_int_equal(take(&device), 0);
	assert_int_equal(device.peer_count, 1);
	assert_true(device.peers[0].last_handshake_seconds == 0);
	wireguard_release(&device);
}

/* In memory of exactly that size, where tools see a step beyond it. */
static int take_exactly(const uint8_t *payload, size_t length)
{
	struct wireguard_device device = { 0 };
	uint8_t *copy = malloc(length == 0 ? 1 : length);
	int result;

	assert_non_null(copy);
	memcpy(copy, payload, length);
	result = kernel_take(&device, copy, length);
	assert_true(result == 0 || result == -EBADMSG);
	wireguard_release(&device);
	free(copy);
	return result;
}

/* Cut anywhere, a dump is read where it was cut between two attributes of the device, else refused. */
static void test_truncated(void **state)
{
	size_t length;
	size_t whole = 0;

	(void)state;
	make_dump();
	length = message.length - NLMSG_HDRLEN;
	assert_int_equal(take_exactly(message.bytes + NLMSG_HDRLEN, length), 0);
	for (size_t i = 0; i < length; i++)
		whole += take_exactly(message.bytes + NLMSG_HDRLEN, i) == 0;
	/* At 8 ends of attributes, and in the padding after the port (2) and the unknown one (1). */
	assert_int_equal(whole, 8 + 2 + 1);
}

static void test_mutated(void **state)
{
	static uint8_t copy[NETLINK_MESSAGE_BYTES];
	uint64_t random = 3;
	size_t read = 0;
	size_t length;

	(void)state;
	make_dump();
	length = message.length - NLMSG_HDRLEN;
	for (size_t i = 0; i < MUTATIONS; i++) {
		memcpy(copy, message.bytes + NLMSG_HDRLEN, length);
		for (size_t j = fixture_below(&random, 4) + 1; j > 0; j--)
			copy[fixture_below(&random, length)] = (uint8_t)fixture_number(&random);
		read += take_exactly(copy, length) == 0;
	}
	/* Most of it is keys and counts, which may be anything. */
	assert_true(read > MUTATIONS / 10 && read < MUTATIONS);
}

/* --- talking ------------------------------------------------------------------------- */

/* ends[0] is ours, ends[1] the kernel's. */
static int ends[2];

static int open_ends(void **state)
{
	/* Nobody answers later than before the question. */
	static const struct timeval soon = { .tv_usec = 20000 };

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		return -1;
	(void)setsockopt(ends[1], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
	return setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon);
}

static int close_ends(void **state)
{
	(void)state;
	(void)close(ends[0]);
	(void)close(ends[1]);
	return 0;
}

static void tell(const void *bytes, size_t length)
{
	assert_int_equal(send(ends[1], bytes, length, 0), length);
}

static void tell_end(uint16_t type, uint16_t flags, int32_t error)
{
	const struct {
		struct nlmsghdr header;
		int32_t error;
	} end = {
		.header = { .nlmsg_len = sizeof end,
		            .nlmsg_type = type,
		            .nlmsg_flags = flags,
		            .nlmsg_seq = 1 },
		.error = error,
	};

	tell(&end, sizeof end);
}

static void tell_dump(uint16_t flags, size_t peers)
{
	size_t list;

	begin_dump(flags);
	add_full_device();
	list = netlink_nest(&message, WGDEVICE_A_PEERS);
	for (size_t i = 0; i < peers; i++)
		add_short_peer((uint8_t)(0x11 + i), "10.1.0.0", 16);
	netlink_close(&message, list);
	netlink_finish(&message);
	tell(message.bytes, message.length);
}

/* How many questions there were. */
static size_t count_questions(void)
{
	uint8_t question[NETLINK_MESSAGE_BYTES];
	size_t count = 0;

	while (recv(ends[1], question, sizeof question, MSG_DONTWAIT) > 0)
		count++;
	return count;
}

static int get(struct wireguard_device *device)
{
	memset(device, 0, sizeof *device);
	return kernel_get_over(ends[0], FAMILY, device, "wg0");
}

static void test_get(void **state)
{
	static const char hex[] = "1c0000001f0001030100000000000000000100000800020077673000";
	struct wireguard_device device;
	uint8_t expected[28];
	uint8_t asked[64];

	(void)state;
	tell_dump(0, 2);
	tell_end(NLMSG_DONE, NLM_F_MULTI, 0);
	assert_int_equal(get(&device), 0);
	assert_int_equal(device.peer_count, 2);
	assert_true(device.has_private_key);
	wireguard_release(&device);
	fixture_hex(hex, expected, sizeof expected);
	assert_int_equal(recv(ends[1], asked, sizeof asked, 0), sizeof expected);
	/* The numbers in it are little-endian. */
	if (htole32(1) == 1)
		assert_memory_equal(asked, expected, sizeof expected);
}

/* A list that changed while it was read is read again, and only the last reading counts. */
static void test_interrupted(void **state)
{
	struct wireguard_device device;

	(void)state;
	/* Told in the list, or only at its end. */
	tell_dump(NLM_F_DUMP_INTR, 3);
	tell_end(NLMSG_DONE, NLM_F_MULTI, 0);
	tell_dump(0, 3);
	tell_end(NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, 0);
	tell_dump(0, 2);
	tell_end(NLMSG_DONE, NLM_F_MULTI, 0);
	assert_int_equal(get(&device), 0);
	assert_int_equal(device.peer_count, 2);
	assert_int_equal(count_questions(), 3);
	wireguard_release(&device);
	/* For ever. */
	for (unsigned i = 0; i < 16; i++)
		tell_end(NLMSG_DONE, NLM_F_MULTI | NLM_F_DUMP_INTR, 0);
	assert_int_equal(get(&device), -EBUSY);
	assert_int_equal(count_questions(), 16);
	wireguard_release(&device);
}

static void test_errors(void **state)
{
	static const struct {
		uint16_t type;
		int32_t error;
		int expected;
	} cases[] = {
		{ NLMSG_DONE, -ENODEV, -ENODEV },
		{ NLMSG_ERROR, -ENODEV, -ENODEV },
		{ NLMSG_ERROR, -EOPNOTSUPP, -EOPNOTSUPP },
		{ NLMSG_ERROR, -EPERM, -EPERM },
		{ NLMSG_DONE, INT32_MIN, INT32_MIN },
		{ NLMSG_DONE, 1, -EBADMSG },
		{ NLMSG_ERROR, INT32_MAX, -EBADMSG },
		{ NLMSG_ERROR, 0, 0 },
		/* Words of netlink itself that say nothing; then there is silence. */
		{ NLMSG_NOOP, 0, -ETIMEDOUT },
		/* Too short for a message of WireGuard. */
		{ FAMILY + 0x1000, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct wireguard_device device;

		tell_end(cases[i].type, 0, cases[i].error);
		if (cases[i].type >= NLMSG_MIN_TYPE)
			tell_end(NLMSG_DONE, 0, 0);
		assert_int_equal(get(&device), cases[i].expected);
		wireguard_release(&device);
	}
}

/* What is no answer, as bytes; each alone. */
static void test_malformed(void **state)
{
	static const struct {
		uint32_t told_length; /* in the header */
		size_t length;
		int expected;
	} cases[] = {
		{ 16, 15, -EBADMSG }, { 15, 16, -EBADMSG },         { 0, 20, -EBADMSG },
		{ 21, 20, -EBADMSG }, { UINT32_MAX, 20, -EBADMSG }, { 0x80000000, 20, -EBADMSG },
		{ 20, 21, -EBADMSG }, { 16, 16, -ETIMEDOUT },       { 20, 40000, -EMSGSIZE },
	};
	static _Alignas(4) uint8_t bytes[40000];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		/* Of no interest itself: only its length counts. */
		struct nlmsghdr header = { .nlmsg_len = cases[i].told_length, .nlmsg_type = NLMSG_NOOP };
		struct wireguard_device device;

		memcpy(bytes, &header, sizeof header);
		tell(bytes, cases[i].length);
		assert_int_equal(get(&device), cases[i].expected);
		wireguard_release(&device);
	}
}

/* Cut where the rest of it still lies in the buffer from the time before. */
static void test_cut(void **state)
{
	struct wireguard_device device;

	(void)state;
	tell_dump(0, 3);
	tell(message.bytes, message.length / 2);
	tell_end(NLMSG_DONE, NLM_F_MULTI, 0);
	assert_int_equal(get(&device), -EBADMSG);
	wireguard_release(&device);
}

static void test_silence(void **state)
{
	struct wireguard_device device;

	(void)state;
	tell_dump(0, 1);
	assert_int_equal(get(&device), -ETIMEDOUT);
	wireguard_release(&device);
	/* Nothing more will come, or no question is taken. */
	assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
	assert_int_equal(get(&device), -EBADMSG);
	wireguard_release(&device);
	assert_int_equal(count_questions(), 2);
	(void)close(ends[1]);
	assert_int_equal(get(&device), -EPIPE);
	wireguard_release(&device);
}

/* A change of several messages goes on with each "done", and ends with the first error. */
static void test_set(void **state)
{
	static struct ip_prefix ips[600];
	const struct wireguard_peer_change peer = { .allowed_ips = ips,
		                                    .allowed_ip_count = FIXTURE_COUNT(ips) };
	const struct wireguard_change change = { .peers = &peer, .peer_count = 1 };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(ips); i++)
		ips[i] = ip_of("fd00::", 8);
	/* 40 bytes each: 202 in a message. */
	for (unsigned i = 0; i < 3; i++)
		tell_end(NLMSG_ERROR, 0, 0);
	assert_int_equal(kernel_set_over(ends[0], FAMILY, "wg0", &change), 0);
	assert_int_equal(count_questions(), 3);
	tell_end(NLMSG_ERROR, 0, 0);
	tell_end(NLMSG_ERROR, 0, -EINVAL);
	assert_int_equal(kernel_set_over(ends[0], FAMILY, "wg0", &change), -EINVAL);
	assert_int_equal(count_questions(), 2);
	assert_int_equal(kernel_set_over(ends[0], FAMILY, "wg0", &change), -ETIMEDOUT);
}

#define TALK(f) cmocka_unit_test_setup_teardown(f, open_ends, close_ends)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_all),
		cmocka_unit_test(test_continued),
		cmocka_unit_test(test_endpoints),
		cmocka_unit_test(test_wrong_lengths),
		cmocka_unit_test(test_odd_peers),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutated),
		TALK(test_get),
		TALK(test_interrupted),
		TALK(test_errors),
		TALK(test_malformed),
		TALK(test_cut),
		TALK(test_silence),
		TALK(test_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

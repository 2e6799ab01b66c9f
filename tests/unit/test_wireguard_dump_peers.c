/* Peers in what the kernel tells of a device: which are the same, and which prefixes are none. */

#include "wireguard_fixture.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <sys/socket.h>

#include "wireguard/kernel.h"

/* What the kernel might call WireGuard. */
#define FAMILY 0x1f

static struct netlink_message message;

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

static int take(struct wireguard_device *device)
{
	return kernel_take(device, message.bytes + NLMSG_HDRLEN, message.length - NLMSG_HDRLEN);
}

/* Two keys that differ in their last byte are two peers. */
static void test_similar_keys(void **state)
{
	struct wireguard_device device = { 0 };
	uint8_t key[WIREGUARD_KEY_BYTES] = { 0 };
	size_t list;

	(void)state;
	begin_dump(0);
	list = netlink_nest(&message, WGDEVICE_A_PEERS);
	for (uint8_t i = 0; i < 2; i++) {
		size_t at = netlink_nest(&message, 0);

		key[sizeof key - 1] = i;
		assert_true(netlink_add(&message, WGPEER_A_PUBLIC_KEY, key, sizeof key));
		netlink_close(&message, at);
	}
	netlink_close(&message, list);
	assert_int_equal(take(&device), 0);
	assert_int_equal(device.peer_count, 2);
	wireguard_release(&device);
}

/* The family of an address against its length. */
static void test_families(void **state)
{
	static const struct {
		uint16_t family;
		size_t length;
		int expected;
	} cases[] = {
		{ AF_INET, 4, 0 },         { AF_INET6, 16, 0 },        { AF_INET, 16, -EBADMSG },
		{ AF_INET6, 4, -EBADMSG }, { AF_UNSPEC, 4, -EBADMSG }, { 77, 16, -EBADMSG },
	};
	static const uint8_t zeros[16];
	static const uint8_t bits = 8;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct wireguard_device device = { 0 };
		size_t at[4];

		begin_dump(0);
		at[0] = netlink_nest(&message, WGDEVICE_A_PEERS);
		at[1] = netlink_nest(&message, 0);
		add_key(WGPEER_A_PUBLIC_KEY, 1);
		at[2] = netlink_nest(&message, WGPEER_A_ALLOWEDIPS);
		at[3] = netlink_nest(&message, 0);
		assert_true(netlink_add(&message, WGALLOWEDIP_A_FAMILY, &cases[i].family, 2));
		assert_true(netlink_add(&message, WGALLOWEDIP_A_IPADDR, zeros, cases[i].length));
		assert_true(netlink_add(&message, WGALLOWEDIP_A_CIDR_MASK, &bits, 1));
		for (size_t j = FIXTURE_COUNT(at); j > 0; j--)
			netlink_close(&message, at[j - 1]);
		assert_int_equal(take(&device), cases[i].expected);
		wireguard_release(&device);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_similar_keys),
		cmocka_unit_test(test_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

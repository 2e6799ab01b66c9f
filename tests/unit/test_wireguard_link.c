#include "wireguard_fixture.h"

#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wireguard/kernel.h"
#include "wireguard/link.h"
#include "wireguard/route.h"

/* All of it happens in a network of its own, with a link of a kind that each kernel has one of. */
#define NAME "rosenpass-test0"

static bool has_network;
static const char *kind;
static uint32_t link_index;

static int enter_network(void **state)
{
	(void)state;
	has_network = geteuid() == 0 && unshare(CLONE_NEWNET) == 0;
	return 0;
}

/* Each test has a fresh link, which is not up. */
static int make_link(void **state)
{
	static const char *const kinds[] = { "dummy", "ifb", "bridge" };

	(void)state;
	if (!has_network)
		return 0;
	for (size_t i = 0; i < FIXTURE_COUNT(kinds); i++) {
		kind = kinds[i];
		if (link_create(NAME, kind) == 0)
			return link_find(NAME, &link_index);
	}
	has_network = false;
	return 0;
}

static int remove_link(void **state)
{
	uint32_t found;

	(void)state;
	if (has_network && link_find(NAME, &found) == 0)
		return link_delete(found);
	return 0;
}

static void need_network(void)
{
	if (!has_network)
		skip();
}

/* What the kernel says of our link in an answer to SIOCGIFMTU, SIOCGIFFLAGS, ... */
static struct ifreq ask(unsigned long what)
{
	struct ifreq request = { .ifr_name = NAME };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, what, &request), 0);
	(void)close(fd);
	return request;
}

static bool has_address(const struct ip_prefix *wanted)
{
	struct ifaddrs *all;
	bool found = false;

	assert_int_equal(getifaddrs(&all), 0);
	for (const struct ifaddrs *one = all; one != NULL; one = one->ifa_next) {
		union address_socket address = { 0 };
		union address_socket mask = { 0 };
		int bits = 0;
		bool is_v4;

		if (strcmp(one->ifa_name, NAME) != 0 || one->ifa_addr == NULL ||
		    one->ifa_addr->sa_family != wanted->family)
			continue;
		is_v4 = wanted->family == AF_INET;
		memcpy(&address, one->ifa_addr, is_v4 ? sizeof address.v4 : sizeof address.v6);
		memcpy(&mask, one->ifa_netmask, is_v4 ? sizeof mask.v4 : sizeof mask.v6);
		for (size_t i = 0; i < (is_v4 ? 32 : 128); i++) {
			const uint8_t *bytes =
				is_v4 ? (const uint8_t *)&mask.v4.sin_addr : mask.v6.sin6_addr.s6_addr;

			bits += bytes[i / 8] >> (7 - i % 8) & 1;
		}
		if (bits == wanted->bits &&
		    (is_v4 ? memcmp(&address.v4.sin_addr, &wanted->v4, sizeof wanted->v4) == 0
		           : memcmp(&address.v6.sin6_addr, &wanted->v6, sizeof wanted->v6) == 0))
			found = true;
	}
	freeifaddrs(all);
	return found;
}

/* How many lines of the kernel's table start with that and end with our link. */
static unsigned count_lines(const char *path, const char *start, const char *end)
{
	char line[512];
	unsigned count = 0;
	FILE *file = fopen(path, "r");

	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		char *last = line + strcspn(line, "\n");

		while (last > line && last[-1] == ' ')
			last--;
		*last = '\0';
		if (strncmp(line, start, strlen(start)) == 0 && strlen(line) >= strlen(end) &&
		    strcmp(last - strlen(end), end) == 0)
			count++;
	}
	(void)fclose(file);
	return count;
}

/* Routes to that prefix through our link, as the kernel lists them. */
static unsigned count_routes(const struct ip_prefix *prefix)
{
	char start[64];
	char hex[33] = "";

	if (prefix->family == AF_INET) {
		(void)snprintf(start, sizeof start, NAME "\t%08X\t", prefix->v4.s_addr);
		return count_lines("/proc/net/route", start, "");
	}
	for (size_t i = 0; i < 16; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", prefix->v6.s6_addr[i]);
	(void)snprintf(start, sizeof start, "%s %02x ", hex, prefix->bits);
	return count_lines("/proc/net/ipv6_route", start, NAME);
}

static void test_find(void **state)
{
	uint32_t found = 77;

	(void)state;
	need_network();
	assert_int_equal(link_find("lo", &found), 0);
	assert_int_equal(found, if_nametoindex("lo"));
	assert_int_equal(link_find(NAME, &found), 0);
	assert_int_equal(found, if_nametoindex(NAME));
	assert_int_equal(link_find("nothing", &found), -ENODEV);
	assert_int_equal(link_find("", &found), -ENODEV);
	assert_int_equal(link_find("sixteen-letters-", &found), -ENODEV);
	assert_int_equal(found, if_nametoindex(NAME));
}

static void test_create_and_delete(void **state)
{
	uint32_t found;

	(void)state;
	need_network();
	assert_int_equal(link_create(NAME, kind), -EEXIST);
	assert_int_equal(link_create("other", "no-such-kind"), -EOPNOTSUPP);
	assert_int_equal(link_create("", kind), -EINVAL);
	assert_int_equal(link_create("sixteen-letters-", kind), -EINVAL);
	assert_int_equal(link_find("other", &found), -ENODEV);
	assert_int_equal(link_delete(link_index), 0);
	assert_int_equal(link_find(NAME, &found), -ENODEV);
	assert_int_equal(link_delete(link_index), -ENODEV);
	assert_int_equal(link_delete(0), -ENODEV);
}

static void test_up_and_mtu(void **state)
{
	struct link link;

	(void)state;
	need_network();
	assert_int_equal(link_set_mtu(link_index, 1420), 0);
	assert_int_equal(ask(SIOCGIFMTU).ifr_mtu, 1420);
	assert_int_equal(ask(SIOCGIFFLAGS).ifr_flags & IFF_UP, 0);
	assert_int_equal(link_look(NAME, &link), 0);
	assert_false(link.is_up);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(link_set_up(link_index), 0);
		assert_int_equal(ask(SIOCGIFFLAGS).ifr_flags & IFF_UP, IFF_UP);
		assert_int_equal(link_look(NAME, &link), 0);
		assert_true(link.is_up);
	}
	assert_int_equal(ask(SIOCGIFMTU).ifr_mtu, 1420);
	assert_int_equal(link_set_mtu(link_index, UINT32_MAX), -EINVAL);
	assert_int_equal(link_set_mtu(link_index + 1000, 1420), -ENODEV);
	assert_int_equal(link_set_up(link_index + 1000), -ENODEV);
}

static void test_addresses(void **state)
{
	struct ip_prefix addresses[] = { ip_of("10.9.8.7", 24), ip_of("10.9.8.6", 32), ip_of("fd00::1:2", 64),
		                         ip_of("fd00::3", 128) };
	struct ip_prefix bad = ip_of("10.9.8.7", 33);

	(void)state;
	need_network();
	for (size_t i = 0; i < FIXTURE_COUNT(addresses); i++) {
		assert_false(has_address(&addresses[i]));
		assert_int_equal(link_add_address(link_index, &addresses[i]), 0);
		assert_true(has_address(&addresses[i]));
		assert_int_equal(link_add_address(link_index, &addresses[i]), -EEXIST);
	}
	assert_int_equal(link_add_address(link_index, &bad), -EINVAL);
	bad = ip_of("fd00::4", 129);
	assert_int_equal(link_add_address(link_index, &bad), -EINVAL);
	bad.family = AF_UNSPEC;
	assert_int_equal(link_add_address(link_index, &bad), -EINVAL);
	assert_int_equal(link_add_address(link_index + 1000, &addresses[0]), -ENODEV);
}

static struct route through(const struct ip_prefix *prefix)
{
	return (struct route){ .prefix = *prefix, .table = ROUTE_TABLE_MAIN, .index = link_index };
}

static void test_routes(void **state)
{
	/* As it is given, and as the kernel has it. */
	const struct {
		struct ip_prefix given;
		struct ip_prefix kept;
	} cases[] = {
		{ ip_of("10.20.0.0", 16), ip_of("10.20.0.0", 16) },
		{ ip_of("10.30.40.50", 32), ip_of("10.30.40.50", 32) },
		{ ip_of("10.31.255.255", 20), ip_of("10.31.240.0", 20) },
		{ ip_of("192.0.2.1", 1), ip_of("128.0.0.0", 1) },
		{ ip_of("0.0.0.0", 0), ip_of("0.0.0.0", 0) },
		{ ip_of("1.2.3.4", 0), ip_of("0.0.0.0", 0) },
		{ ip_of("fd01::", 64), ip_of("fd01::", 64) },
		{ ip_of("fd02::1", 128), ip_of("fd02::1", 128) },
		{ ip_of("fd03:ffff::1", 19), ip_of("fd03:e000::", 19) },
		{ ip_of("::", 0), ip_of("::", 0) },
	};
	struct ip_prefix bad = ip_of("10.0.0.0", 33);
	struct route bad_route = through(&bad);

	(void)state;
	need_network();
	assert_int_equal(link_set_up(link_index), 0);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct route route = through(&cases[i].given);
		unsigned before = count_routes(&cases[i].kept);

		assert_int_equal(route_replace(&route), 0);
		assert_int_equal(count_routes(&cases[i].kept), before + 1);
		assert_int_equal(route_replace(&route), 0);
		assert_int_equal(count_routes(&cases[i].kept), before + 1);
		assert_int_equal(route_add(&route), -EEXIST);
		assert_int_equal(route_delete(&route), 0);
		assert_int_equal(count_routes(&cases[i].kept), before);
		assert_int_equal(route_delete(&route), -ESRCH);
		assert_int_equal(route_add(&route), 0);
		assert_int_equal(count_routes(&cases[i].kept), before + 1);
		assert_int_equal(route_delete(&route), 0);
	}
	assert_int_equal(route_replace(&bad_route), -EINVAL);
	assert_int_equal(route_delete(&bad_route), -EINVAL);
	bad_route = through(&cases[0].given);
	bad_route.index += 1000;
	assert_int_equal(route_replace(&bad_route), -ENODEV);
}

/* With the link go its addresses and routes. */
static void test_all_goes(void **state)
{
	struct ip_prefix address = ip_of("10.9.8.7", 24);
	struct ip_prefix prefix = ip_of("10.20.0.0", 16);
	struct route route = through(&prefix);

	(void)state;
	need_network();
	assert_int_equal(link_set_up(link_index), 0);
	assert_int_equal(link_add_address(link_index, &address), 0);
	assert_int_equal(route_replace(&route), 0);
	assert_int_equal(link_delete(link_index), 0);
	assert_false(has_address(&address));
	assert_int_equal(count_routes(&prefix), 0);
}

/* What is there but none of WireGuard, and what is not there; whether this kernel has WireGuard or not. */
static void test_no_wireguard(void **state)
{
	struct wireguard_change change = { 0 };
	struct wireguard_device device = { 0 };

	(void)state;
	need_network();
	assert_int_equal(kernel_get(&device, NAME), -EOPNOTSUPP);
	assert_int_equal(kernel_get(&device, "lo"), -EOPNOTSUPP);
	assert_int_equal(kernel_get(&device, "nothing"), -ENODEV);
	assert_int_equal(kernel_set(NAME, &change), -EOPNOTSUPP);
	assert_int_equal(kernel_set("nothing", &change), -ENODEV);
	wireguard_release(&device);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, make_link, remove_link)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_find),         TEST(test_create_and_delete),
		TEST(test_up_and_mtu),   TEST(test_addresses),
		TEST(test_routes),       TEST(test_all_goes),
		TEST(test_no_wireguard),
	};

	return cmocka_run_group_tests(tests, enter_network, NULL);
}

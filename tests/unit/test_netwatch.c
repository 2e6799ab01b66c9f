#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ipv6.h>
#include <linux/route.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "system/netwatch.h"
#include "wireguard/rule.h"

/* The kernel tells of a change before the call that makes it comes back; carriers may take a moment. */
#define WAIT_MS 5000
#define MESSAGE_BYTES 1024

/* --- messages ------------------------------------------------------------------------ */

struct message {
	_Alignas(8) uint8_t bytes[MESSAGE_BYTES];
	size_t length;
};

static size_t aligned(size_t length)
{
	return (length + NLMSG_ALIGNTO - 1) / NLMSG_ALIGNTO * NLMSG_ALIGNTO;
}

static struct nlmsghdr *begin(struct message *message, uint16_t type, const void *fixed, size_t fixed_len)
{
	struct nlmsghdr *header;

	memset(message, 0, sizeof *message);
	header = (struct nlmsghdr *)(void *)message->bytes;
	header->nlmsg_type = type;
	memcpy(message->bytes + sizeof *header, fixed, fixed_len);
	message->length = aligned(sizeof *header + fixed_len);
	header->nlmsg_len = (uint32_t)message->length;
	return header;
}

static void add_attribute(struct message *message, uint16_t type, const void *data, size_t length)
{
	struct nlmsghdr *header = (struct nlmsghdr *)(void *)message->bytes;
	struct nlattr *attribute = (struct nlattr *)(void *)(message->bytes + message->length);

	assert_true(message->length + sizeof *attribute + aligned(length) <= sizeof message->bytes);
	attribute->nla_type = type;
	attribute->nla_len = (uint16_t)(sizeof *attribute + length);
	memcpy(attribute + 1, data, length);
	message->length += sizeof *attribute + aligned(length);
	header->nlmsg_len = (uint32_t)message->length;
}

/* In memory of exactly that size, where tools see a step beyond it. */
static bool matters(const struct message *message, size_t length)
{
	uint8_t *copy = malloc(length == 0 ? 1 : length);
	bool result;

	assert_non_null(copy);
	memcpy(copy, message->bytes, length);
	result = netwatch_matters(copy, length);
	free(copy);
	return result;
}

/* None of the shorter ones is a message. */
static void check(const struct message *message, bool expected)
{
	assert_int_equal(matters(message, message->length), expected);
	for (size_t length = 0; length < message->length; length++)
		assert_false(matters(message, length));
}

static void test_links(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t family;
		unsigned change;
		bool wireless;
		bool expected;
	} cases[] = {
		{ RTM_NEWLINK, AF_UNSPEC, IFF_UP, false, true },
		{ RTM_NEWLINK, AF_UNSPEC, ~0u, false, true }, /* new */
		{ RTM_NEWLINK, AF_UNSPEC, 0, false, true },   /* carrier */
		{ RTM_NEWLINK, AF_UNSPEC, IFF_RUNNING, false, true },
		{ RTM_NEWLINK, AF_UNSPEC, IFF_PROMISC, false, false },
		{ RTM_NEWLINK, AF_UNSPEC, IFF_ALLMULTI, false, false },
		{ RTM_NEWLINK, AF_UNSPEC, 0, true, false },
		{ RTM_NEWLINK, AF_BRIDGE, IFF_UP, false, false },
		{ RTM_DELLINK, AF_UNSPEC, ~0u, false, true },
		{ RTM_DELLINK, AF_BRIDGE, ~0u, false, false },
		{ RTM_SETLINK, AF_UNSPEC, ~0u, false, false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct ifinfomsg link = { .ifi_family = cases[i].family, .ifi_change = cases[i].change };
		struct message message;

		(void)begin(&message, cases[i].type, &link, sizeof link);
		add_attribute(&message, IFLA_IFNAME, "eth0", 5);
		if (cases[i].wireless)
			add_attribute(&message, IFLA_WIRELESS, "x", 1);
		check(&message, cases[i].expected);
	}
}

static void test_addresses(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t family;
		uint8_t flags;
		bool has_times;
		uint32_t created;
		uint32_t updated;
		bool expected;
	} cases[] = {
		{ RTM_NEWADDR, AF_INET, IFA_F_PERMANENT, false, 0, 0, true },
		{ RTM_NEWADDR, AF_INET, IFA_F_PERMANENT, true, 5000, 5000, true },
		{ RTM_NEWADDR, AF_INET6, 0, true, 5000, 5100, true },
		{ RTM_NEWADDR, AF_INET6, IFA_F_TENTATIVE, true, 5000, 5000, false },
		/* Renewed by a router; renewed after hundredths of a second have run over. */
		{ RTM_NEWADDR, AF_INET6, 0, true, 5000, 65000, false },
		{ RTM_NEWADDR, AF_INET, 0, true, 4294967000u, 1000, false },
		{ RTM_NEWADDR, AF_INET, 0, true, 4294967200u, 10, true },
		{ RTM_NEWADDR, AF_INET, 0, true, 4294967200u, 4294967210u, true },
		{ RTM_DELADDR, AF_INET, 0, true, 5000, 65000, true },
		{ RTM_DELADDR, AF_INET6, IFA_F_TENTATIVE, false, 0, 0, true },
		{ RTM_NEWADDR, AF_PACKET, 0, false, 0, 0, false },
		{ RTM_DELADDR, AF_PACKET, 0, false, 0, 0, false },
		{ RTM_GETADDR, AF_INET, 0, false, 0, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct ifaddrmsg address = { .ifa_family = cases[i].family, .ifa_flags = cases[i].flags };
		struct ifa_cacheinfo times = { .cstamp = cases[i].created, .tstamp = cases[i].updated };
		struct message message;

		(void)begin(&message, cases[i].type, &address, sizeof address);
		add_attribute(&message, IFA_LABEL, "eth0", 5);
		if (cases[i].has_times)
			add_attribute(&message, IFA_CACHEINFO, &times, sizeof times);
		check(&message, cases[i].expected);
		/* Too short to be what it says: not looked at, so that the address counts. */
		if (cases[i].has_times && cases[i].type == RTM_NEWADDR && cases[i].flags == 0) {
			(void)begin(&message, cases[i].type, &address, sizeof address);
			add_attribute(&message, IFA_CACHEINFO, &times, sizeof times - 4);
			check(&message, true);
		}
	}
}

static void test_routes(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t family;
		uint8_t kind;
		unsigned flags;
		const char *destination; /* NULL: the default route */
		uint8_t length;
		bool expected;
	} cases[] = {
		{ RTM_NEWROUTE, AF_INET, RTN_UNICAST, 0, NULL, 0, true },
		{ RTM_DELROUTE, AF_INET6, RTN_UNICAST, 0, NULL, 0, true },
		{ RTM_NEWROUTE, AF_INET6, RTN_UNICAST, 0, "2001:db8::", 64, true },
		{ RTM_NEWROUTE, AF_INET6, RTN_BLACKHOLE, 0, "2001:db8::", 64, true },
		{ RTM_DELROUTE, AF_INET, RTN_UNREACHABLE, 0, NULL, 0, true },
		{ RTM_NEWROUTE, AF_INET, RTN_PROHIBIT, 0, NULL, 0, true },
		{ RTM_NEWROUTE, AF_INET, RTN_THROW, 0, NULL, 0, true },
		{ RTM_NEWROUTE, AF_INET, RTN_LOCAL, 0, NULL, 0, false },
		{ RTM_NEWROUTE, AF_INET, RTN_BROADCAST, 0, NULL, 0, false },
		{ RTM_NEWROUTE, AF_INET6, RTN_ANYCAST, 0, "2001:db8::", 128, false },
		{ RTM_NEWROUTE, AF_INET6, RTN_MULTICAST, 0, "ff00::", 8, false },
		{ RTM_NEWROUTE, AF_INET6, RTN_UNICAST, 0, "ff00::", 8, false },
		{ RTM_NEWROUTE, AF_INET6, RTN_UNICAST, 0, "fe80::", 64, true },
		{ RTM_NEWROUTE, AF_INET6, RTN_UNICAST, RTM_F_CLONED, "2001:db8::1", 128, false },
		{ RTM_NEWROUTE, RTNL_FAMILY_IPMR, RTN_UNICAST, 0, NULL, 0, false },
		{ RTM_NEWNEIGH, AF_INET, RTN_UNICAST, 0, NULL, 0, false },
		{ RTM_GETROUTE, AF_INET, RTN_UNICAST, 0, NULL, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct rtmsg route = {
			.rtm_family = cases[i].family,
			.rtm_dst_len = cases[i].length,
			.rtm_type = cases[i].kind,
			.rtm_flags = cases[i].flags,
		};
		struct in6_addr destination;
		struct message message;

		(void)begin(&message, cases[i].type, &route, sizeof route);
		if (cases[i].destination != NULL) {
			assert_int_equal(inet_pton(AF_INET6, cases[i].destination, &destination), 1);
			add_attribute(&message, RTA_DST, &destination, sizeof destination);
		}
		check(&message, cases[i].expected);
	}
}

static void test_rules(void **state)
{
	static const struct {
		uint16_t type;
		uint8_t family;
		bool expected;
	} cases[] = {
		{ RTM_NEWRULE, AF_INET, true },           { RTM_DELRULE, AF_INET, true },
		{ RTM_NEWRULE, AF_INET6, true },          { RTM_DELRULE, AF_INET6, true },
		{ RTM_NEWRULE, RTNL_FAMILY_IPMR, false }, { RTM_GETRULE, AF_INET, false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct fib_rule_hdr rule = { .family = cases[i].family };
		struct message message;

		(void)begin(&message, cases[i].type, &rule, sizeof rule);
		check(&message, cases[i].expected);
	}
}

/* Several in one: any counts. Lost ones count. What is no message is nothing. */
static void test_several(void **state)
{
	struct ifinfomsg dull = { .ifi_family = AF_BRIDGE };
	struct ifinfomsg up = { .ifi_change = IFF_UP };
	struct message first;
	struct message second;
	struct nlmsghdr *header;
	uint8_t garbage[64];
	uint64_t seed = 11;

	(void)state;
	(void)begin(&first, RTM_NEWLINK, &dull, sizeof dull);
	(void)begin(&second, RTM_NEWLINK, &up, sizeof up);
	memcpy(first.bytes + first.length, second.bytes, second.length);
	assert_false(matters(&first, first.length));
	assert_true(matters(&first, first.length + second.length));

	header = begin(&first, NLMSG_OVERRUN, &dull, 0);
	assert_true(matters(&first, first.length));
	/* Of the right kind, but without what belongs into it. */
	header->nlmsg_type = RTM_NEWADDR;
	assert_false(matters(&first, first.length));
	header->nlmsg_type = RTM_DELLINK;
	assert_false(matters(&first, first.length));
	header->nlmsg_type = RTM_DELROUTE;
	assert_false(matters(&first, first.length));

	for (int i = 0; i < 20000; i++) {
		size_t length = fixture_below(&seed, sizeof garbage + 1);

		fixture_fill(&seed, garbage, length);
		memcpy(first.bytes, garbage, length);
		if (length >= sizeof *header) {
			header->nlmsg_len = (uint32_t)fixture_below(&seed, length + 8);
			header->nlmsg_type = (uint16_t)(RTM_BASE + fixture_below(&seed, 12));
		}
		(void)matters(&first, length);
	}
}

/* --- the kernel ---------------------------------------------------------------------- */

static int control = -1;

/* A network of our own, in which nothing happens but what we do. */
static int set_up_network(void **state)
{
	static bool tried;

	(void)state;
	if (!tried && geteuid() == 0 && unshare(CLONE_NEWNET) == 0)
		control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	tried = true;
	return 0;
}

/* Whether word of something comes within WAIT_MS; with nothing expected, what is there at once. */
static void expect(int fd, bool expected)
{
	struct pollfd wanted = { .fd = fd, .events = POLLIN };
	bool changed = netwatch_read(fd);

	while (expected && !changed && poll(&wanted, 1, WAIT_MS) == 1)
		changed = netwatch_read(fd);
	assert_int_equal(changed, expected);
	/* Nothing is left. */
	assert_int_equal(poll(&wanted, 1, 0), 0);
	assert_false(netwatch_read(fd));
}

static void set_flag(short flag, bool on)
{
	struct ifreq request = { .ifr_name = "lo" };

	assert_int_equal(ioctl(control, SIOCGIFFLAGS, &request), 0);
	request.ifr_flags = (short)(on ? request.ifr_flags | flag : request.ifr_flags & ~flag);
	assert_int_equal(ioctl(control, SIOCSIFFLAGS, &request), 0);
}

static struct sockaddr make_address(const char *host)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	struct sockaddr out;

	assert_int_equal(inet_pton(AF_INET, host, &address.sin_addr), 1);
	memcpy(&out, &address, sizeof out);
	return out;
}

/* The kernel's word of rules comes too. */
static void test_rule_changes(void **state)
{
	static const uint16_t families[] = { AF_INET, AF_INET6 };
	int fd;

	(void)state;
	if (control < 0)
		skip();
	fd = netwatch_open();
	assert_true(fd >= 0);
	for (size_t i = 0; i < FIXTURE_COUNT(families); i++) {
		const struct rule rule = { .family = families[i], .priority = 9, .table = 9, .mark = 9 };

		/* A kernel without IPv6. */
		if (rule_add(&rule) == -EAFNOSUPPORT)
			continue;
		expect(fd, true);
		assert_int_equal(rule_delete(&rule), 0);
		expect(fd, true);
	}
	(void)close(fd);
}

static void test_changes(void **state)
{
	struct ifreq request = { .ifr_name = "lo" };
	struct rtentry route = { .rt_flags = RTF_UP };
	char device[] = "lo";
	int fd;

	(void)state;
	if (control < 0)
		skip();
	fd = netwatch_open();
	assert_true(fd >= 0);
	expect(fd, false);
	set_flag(IFF_UP, true);
	expect(fd, true);
	set_flag(IFF_PROMISC, true);
	expect(fd, false);
	set_flag(IFF_PROMISC, false);
	expect(fd, false);

	request.ifr_addr = make_address("192.0.2.1");
	(void)strcpy(request.ifr_name, "lo:1");
	assert_int_equal(ioctl(control, SIOCSIFADDR, &request), 0);
	expect(fd, true);
	route.rt_dst = make_address("198.51.100.0");
	route.rt_genmask = make_address("255.255.255.0");
	route.rt_dev = device;
	assert_int_equal(ioctl(control, SIOCADDRT, &route), 0);
	expect(fd, true);
	assert_int_equal(ioctl(control, SIOCDELRT, &route), 0);
	expect(fd, true);
	request.ifr_addr = make_address("0.0.0.0");
	assert_int_equal(ioctl(control, SIOCSIFADDR, &request), 0);
	expect(fd, true);

	set_flag(IFF_UP, false);
	expect(fd, true);
	(void)close(fd);
}

static void test_changes_v6(void **state)
{
	struct ifreq request = { .ifr_name = "lo" };
	struct in6_ifreq address = { .ifr6_prefixlen = 64 };
	int v6 = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int fd;

	(void)state;
	if (control < 0 || v6 < 0)
		skip();
	set_flag(IFF_UP, true);
	fd = netwatch_open();
	assert_true(fd >= 0);
	assert_int_equal(ioctl(control, SIOCGIFINDEX, &request), 0);
	address.ifr6_ifindex = request.ifr_ifindex;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &address.ifr6_addr), 1);
	assert_int_equal(ioctl(v6, SIOCSIFADDR, &address), 0);
	expect(fd, true);
	assert_int_equal(ioctl(v6, SIOCDIFADDR, &address), 0);
	expect(fd, true);
	(void)close(fd);
	(void)close(v6);
}

/* More changes than there is room for: the loss itself is the word, also when the rest would be dull. */
static void test_overrun(void **state)
{
	int fd;
	int room = 1;

	(void)state;
	if (control < 0)
		skip();
	fd = netwatch_open();
	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
	for (int i = 0; i < 100; i++)
		set_flag(IFF_PROMISC, i % 2 == 0);
	expect(fd, true);
	set_flag(IFF_PROMISC, true);
	expect(fd, false);
	(void)close(fd);
}

/* Other processes can send to the socket; what they say is not believed. */
static void test_other_sender(void **state)
{
	struct ifinfomsg up = { .ifi_change = IFF_UP };
	struct sockaddr_nl to = { .nl_family = AF_NETLINK };
	socklen_t length = sizeof to;
	struct message message;
	int fd;
	int other;

	(void)state;
	if (control < 0)
		skip();
	fd = netwatch_open();
	other = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	assert_true(fd >= 0 && other >= 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&to, &length), 0);
	to.nl_groups = 0;
	(void)begin(&message, RTM_NEWLINK, &up, sizeof up);
	assert_true(netwatch_matters(message.bytes, message.length));
	if (sendto(other, message.bytes, message.length, 0, (const struct sockaddr *)&to, sizeof to) < 0)
		assert_true(errno == EPERM || errno == ECONNREFUSED);
	assert_false(netwatch_read(fd));
	(void)close(other);
	(void)close(fd);
}

/* What is too long to be read whole may say anything. */
static void test_cut(void **state)
{
	static const uint8_t nothing[20000];
	int ends[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(send(ends[1], nothing, 16384, 0), 16384);
	assert_false(netwatch_read(ends[0]));
	assert_int_equal(send(ends[1], nothing, 16385, 0), 16385);
	assert_true(netwatch_read(ends[0]));
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* No socket at all: no change, and no endless loop. */
static void test_bad_descriptor(void **state)
{
	(void)state;
	assert_false(netwatch_read(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_bad_descriptor),
		cmocka_unit_test_setup(test_changes, set_up_network),
		cmocka_unit_test_setup(test_rule_changes, set_up_network),
		cmocka_unit_test_setup(test_changes_v6, set_up_network),
		cmocka_unit_test_setup(test_overrun, set_up_network),
		cmocka_unit_test_setup(test_other_sender, set_up_network),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

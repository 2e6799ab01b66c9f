#ifndef TESTS_UNIT_ROUTE_FIXTURE_H
#define TESTS_UNIT_ROUTE_FIXTURE_H

/* A network of its own with two links, for tests of routes and rules. */

#include "wireguard_fixture.h"

#include <errno.h>
#include <net/route.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "wireguard/link.h"
#include "wireguard/route.h"
#include "wireguard/rule.h"

static bool has_network;
static uint32_t ours;
static uint32_t other;

/* Both are up, and the other one has the network 10.50.0.0/24. */
static inline int enter_network(void **state)
{
	static const char *const kinds[] = { "dummy", "ifb", "bridge" };
	struct ip_prefix address = ip_of("10.50.0.1", 24);

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNET) != 0)
		return 0;
	for (size_t i = 0; i < FIXTURE_COUNT(kinds) && !has_network; i++)
		has_network = link_create("ours", kinds[i]) == 0 && link_create("other", kinds[i]) == 0;
	if (!has_network)
		return 0;
	assert_int_equal(link_find("ours", &ours), 0);
	assert_int_equal(link_find("other", &other), 0);
	assert_int_equal(link_set_up(ours), 0);
	assert_int_equal(link_set_up(other), 0);
	assert_int_equal(link_add_address(other, &address), 0);
	return 0;
}

static inline void need_network(void)
{
	if (!has_network)
		skip();
}

static inline struct route route_to(const char *prefix, uint8_t bits, uint32_t table, uint32_t index)
{
	struct route route;

	memset(&route, 0, sizeof route);
	route.prefix = ip_of(prefix, bits);
	route.table = table;
	route.index = index;
	return route;
}

/* A route by a gateway behind the other link. */
static inline void add_gateway(const char *destination, const char *mask, const char *gateway, short metric)
{
	struct rtentry entry = { .rt_flags = RTF_UP | RTF_GATEWAY, .rt_metric = (short)(metric + 1) };
	const struct {
		struct sockaddr *at;
		const char *text;
	} parts[] = { { &entry.rt_dst, destination },
		      { &entry.rt_genmask, mask },
		      { &entry.rt_gateway, gateway } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (size_t i = 0; i < FIXTURE_COUNT(parts); i++) {
		struct sockaddr_in address = { .sin_family = AF_INET };

		assert_int_equal(inet_pton(AF_INET, parts[i].text, &address.sin_addr), 1);
		memcpy(parts[i].at, &address, sizeof address);
	}
	assert_true(fd >= 0);
	assert_int_equal(ioctl(fd, SIOCADDRT, &entry), 0);
	(void)close(fd);
}

struct found {
	struct ip_prefix prefix;
	size_t count;
	struct route_seen first;
};

static inline int take_found(void *context, const struct route_seen *seen)
{
	struct found *found = context;

	if (!same_ip(&seen->prefix, &found->prefix))
		return 0;
	if (found->count++ == 0)
		found->first = *seen;
	return 0;
}

/* The first of the routes to a prefix. */
static inline struct found find_route(const char *prefix, uint8_t bits, uint32_t table)
{
	struct found found = { .prefix = ip_of(prefix, bits) };

	assert_int_equal(route_list(found.prefix.family, table, take_found, &found), 0);
	return found;
}

static inline int take_text(void *context, const struct rule_seen *seen)
{
	FILE *out = context;

	(void)fprintf(out, "%u:", seen->priority);
	if (seen->is_narrow)
		(void)fprintf(out, "narrow");
	if (seen->is_inverted)
		(void)fprintf(out, "not %x/%x ", seen->mark, seen->mask);
	(void)fprintf(out, "%u", seen->table);
	if (seen->has_suppress)
		(void)fprintf(out, " beyond %u", seen->suppress_bits);
	(void)fputs("; ", out);
	return 0;
}

/* All rules of a family in words. */
static inline const char *rules_of(uint16_t family)
{
	static char text[1024];
	FILE *out = fmemopen(text, sizeof text, "w");

	assert_non_null(out);
	assert_int_equal(rule_list(family, take_text, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

#define RULES_V4 "0:255; 32766:254; 32767:253; "

#endif

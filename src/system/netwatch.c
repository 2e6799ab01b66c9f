#include "system/netwatch.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/fib_rules.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include "system/netlink.h"

/*
 * The kernel's messages are smaller, but for links with many virtual functions; a cut one counts as a
 * change.
 */
#define MESSAGE_BYTES 16384
#define MESSAGES_A_TURN 256
/*
 * In hundredths of a second: for so long an address counts as new. It may still have to prove that it is
 * unique.
 */
#define NEW_ADDRESS_AGE 500
/* The kernel's headers name this group by its number alone. */
#define GROUP_IPV6_RULE (1U << (RTNLGRP_IPV6_RULE - 1))

int netwatch_open(void)
{
	static const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
		             RTMGRP_IPV6_ROUTE | RTMGRP_IPV4_RULE | GROUP_IPV6_RULE,
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
	int result;

	if (fd < 0)
		return -errno;
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	result = -errno;
	(void)close(fd);
	return result;
}

/* Copies what stands before the attributes. false: the message is too short for it. */
static bool take_fixed(void *out, size_t length, struct netlink_rest *payload)
{
	if (payload->left < length)
		return false;
	memcpy(out, payload->at, length);
	/* The lengths of all of these are multiples of four. */
	payload->at += length;
	payload->left -= length;
	return true;
}

/* The first attribute of that type with at least so many bytes. */
static bool find_attribute(struct netlink_attribute *out, struct netlink_rest payload, uint16_t type,
                           size_t at_least)
{
	while (netlink_next(&payload, out) == 1) {
		if (out->type == type && out->length >= at_least)
			return true;
	}
	return false;
}

static bool link_matters(uint16_t type, struct netlink_rest payload)
{
	struct netlink_attribute attribute;
	struct ifinfomsg link;

	/* Of a port of a bridge, for example. */
	if (!take_fixed(&link, sizeof link, &payload) || link.ifi_family != AF_UNSPEC)
		return false;
	if (type == RTM_DELLINK)
		return true;
	/* A scan for wireless networks, for example. */
	if (find_attribute(&attribute, payload, IFLA_WIRELESS, 0))
		return false;
	/* A carrier that came or went is told without saying what changed; other flags are of no interest. */
	return link.ifi_change == 0 || (link.ifi_change & (IFF_UP | IFF_RUNNING)) != 0;
}

static bool address_matters(uint16_t type, struct netlink_rest payload)
{
	struct netlink_attribute attribute;
	struct ifa_cacheinfo times;
	struct ifaddrmsg address;

	if (!take_fixed(&address, sizeof address, &payload) ||
	    (address.ifa_family != AF_INET && address.ifa_family != AF_INET6))
		return false;
	if (type == RTM_DELADDR)
		return true;
	/* Not usable yet; there will be word when it is. */
	if ((address.ifa_flags & IFA_F_TENTATIVE) != 0)
		return false;
	/* Each router advertisement and each DHCP lease renews what is there. */
	if (!find_attribute(&attribute, payload, IFA_CACHEINFO, sizeof times))
		return true;
	memcpy(&times, attribute.data, sizeof times);
	return times.tstamp - times.cstamp < NEW_ADDRESS_AGE;
}

static bool route_matters(struct netlink_rest payload)
{
	struct netlink_attribute destination;
	struct rtmsg route;

	/* Cloned ones are what the kernel remembers of single hosts. */
	if (!take_fixed(&route, sizeof route, &payload) ||
	    (route.rtm_family != AF_INET && route.rtm_family != AF_INET6) ||
	    (route.rtm_flags & RTM_F_CLONED) != 0)
		return false;
	/* Kernels before 5.1 call the IPv6 multicast routes of each link unicast. */
	if (route.rtm_family == AF_INET6 && route.rtm_dst_len >= 8 &&
	    find_attribute(&destination, payload, RTA_DST, 1) && destination.data[0] == 0xff)
		return false;
	switch (route.rtm_type) {
	case RTN_UNICAST:
	case RTN_BLACKHOLE:
	case RTN_UNREACHABLE:
	case RTN_PROHIBIT:
	case RTN_THROW:
		return true;
	default:
		return false;
	}
}

static bool rule_matters(struct netlink_rest payload)
{
	struct fib_rule_hdr rule;

	return take_fixed(&rule, sizeof rule, &payload) &&
	       (rule.family == AF_INET || rule.family == AF_INET6);
}

static bool matters(uint16_t type, struct netlink_rest payload)
{
	switch (type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_matters(type, payload);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return address_matters(type, payload);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return route_matters(payload);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		return rule_matters(payload);
	default:
		return type == NLMSG_OVERRUN;
	}
}

bool netwatch_matters(const void *message, size_t length)
{
	struct netlink_rest rest = { message, length };
	struct netlink_rest payload;
	struct nlmsghdr header;

	while (netlink_next_message(&rest, &header, &payload) == 1) {
		if (matters(header.nlmsg_type, payload))
			return true;
	}
	return false;
}

bool netwatch_read(int fd)
{
	_Alignas(struct nlmsghdr) uint8_t buffer[MESSAGE_BYTES];
	bool changed = false;

	for (int i = 0; i < MESSAGES_A_TURN; i++) {
		struct sockaddr_nl sender = { 0 };
		struct iovec vector = { buffer, sizeof buffer };
		struct msghdr header = {
			.msg_name = &sender,
			.msg_namelen = sizeof sender,
			.msg_iov = &vector,
			.msg_iovlen = 1,
		};
		ssize_t got = recvmsg(fd, &header, MSG_DONTWAIT);

		if (got < 0 && errno == EINTR)
			continue;
		/* Some were lost: what they said is not known. */
		if (got < 0 && errno == ENOBUFS) {
			changed = true;
			continue;
		}
		if (got < 0)
			break;
		/* Only the kernel is 0; other processes can send here too. */
		if (sender.nl_pid != 0)
			continue;
		if ((header.msg_flags & MSG_TRUNC) != 0 || netwatch_matters(buffer, (size_t)got))
			changed = true;
	}
	return changed;
}

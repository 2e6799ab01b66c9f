#include "system/netwatch.h"

#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

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

int netwatch_open(void)
{
	static const struct sockaddr_nl address = {
		.nl_family = AF_NETLINK,
		.nl_groups = RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |
		             RTMGRP_IPV6_ROUTE,
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

/* The payload of the first attribute of that type with at least so many bytes, or NULL. */
static const void *find_attribute(const struct nlmsghdr *header, size_t fixed, uint16_t type, size_t at_least)
{
	const struct nlattr *attribute = mnl_nlmsg_get_payload_offset(header, fixed);
	const uint8_t *end = (const uint8_t *)header + header->nlmsg_len;

	for (; mnl_attr_ok(attribute, (int)(end - (const uint8_t *)attribute));
	     attribute = mnl_attr_next(attribute)) {
		if (mnl_attr_get_type(attribute) == type && mnl_attr_get_payload_len(attribute) >= at_least)
			return mnl_attr_get_payload(attribute);
	}
	return NULL;
}

static bool link_matters(const struct nlmsghdr *header)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(header);

	/* Of a port of a bridge, for example. */
	if (link->ifi_family != AF_UNSPEC)
		return false;
	if (header->nlmsg_type == RTM_DELLINK)
		return true;
	/* A scan for wireless networks, for example. */
	if (find_attribute(header, sizeof *link, IFLA_WIRELESS, 0) != NULL)
		return false;
	/* A carrier that came or went is told without saying what changed; other flags are of no interest. */
	return link->ifi_change == 0 || (link->ifi_change & (IFF_UP | IFF_RUNNING)) != 0;
}

static bool address_matters(const struct nlmsghdr *header)
{
	const struct ifaddrmsg *address = mnl_nlmsg_get_payload(header);
	const struct ifa_cacheinfo *times;

	if (address->ifa_family != AF_INET && address->ifa_family != AF_INET6)
		return false;
	if (header->nlmsg_type == RTM_DELADDR)
		return true;
	/* Not usable yet; there will be word when it is. */
	if ((address->ifa_flags & IFA_F_TENTATIVE) != 0)
		return false;
	/* Each router advertisement and each DHCP lease renews what is there. */
	times = find_attribute(header, sizeof *address, IFA_CACHEINFO, sizeof *times);
	return times == NULL || times->tstamp - times->cstamp < NEW_ADDRESS_AGE;
}

static bool route_matters(const struct nlmsghdr *header)
{
	const struct rtmsg *route = mnl_nlmsg_get_payload(header);
	const uint8_t *destination = find_attribute(header, sizeof *route, RTA_DST, 1);

	/* Cloned ones are what the kernel remembers of single hosts. */
	if ((route->rtm_family != AF_INET && route->rtm_family != AF_INET6) ||
	    (route->rtm_flags & RTM_F_CLONED) != 0)
		return false;
	/* Kernels before 5.1 call the IPv6 multicast routes of each link unicast. */
	if (route->rtm_family == AF_INET6 && route->rtm_dst_len >= 8 && destination != NULL &&
	    *destination == 0xff)
		return false;
	switch (route->rtm_type) {
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

static bool matters(const struct nlmsghdr *header)
{
	size_t payload = mnl_nlmsg_get_payload_len(header);

	switch (header->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return payload >= sizeof(struct ifinfomsg) && link_matters(header);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return payload >= sizeof(struct ifaddrmsg) && address_matters(header);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return payload >= sizeof(struct rtmsg) && route_matters(header);
	default:
		return header->nlmsg_type == NLMSG_OVERRUN;
	}
}

/* The walk is our own: libmnl's takes lengths beyond two gigabytes for small ones. */
bool netwatch_matters(const void *message, size_t length)
{
	const uint8_t *at = message;

	while (length >= sizeof(struct nlmsghdr)) {
		const struct nlmsghdr *header = (const void *)at;
		size_t step = ((size_t)header->nlmsg_len + MNL_ALIGNTO - 1) / MNL_ALIGNTO * MNL_ALIGNTO;

		if (header->nlmsg_len < sizeof *header || header->nlmsg_len > length)
			return false;
		if (matters(header))
			return true;
		if (step >= length)
			return false;
		at += step;
		length -= step;
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

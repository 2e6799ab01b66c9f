#include "wireguard/route.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "system/netlink.h"
#include "wireguard/link.h"

/* A list that changes while it is read is read again. */
#define LIST_TRIES 4
/* What the kernel takes for IPv6 where no metric is given. */
#define V6_METRIC 1024
/* In times of routes, a second has so many ticks. */
#define TICKS_A_SECOND 100

_Static_assert(ROUTE_KEY_BYTES == sizeof(uint16_t) + 1 + sizeof(uint32_t) + sizeof(struct in6_addr),
               "parts of a key");
_Static_assert(ROUTE_TABLE_MAIN == RT_TABLE_MAIN, "number of the main table");

static int ask(struct netlink_message *message, struct netlink_answer *answer)
{
	static const int yes = 1;
	int fd = netlink_open(NETLINK_ROUTE);
	int result;

	if (fd < 0)
		return fd;
	/* The kernel then lists what was asked for alone; kernels before 4.20 list all. */
	(void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &yes, sizeof yes);
	netlink_finish(message);
	result = netlink_request(fd, message, answer);
	(void)close(fd);
	return result;
}

static int order(struct netlink_message *message)
{
	struct netlink_answer answer = { 0 };

	return ask(message, &answer);
}

static size_t address_bytes(int family)
{
	return family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr);
}

/* The kernel refuses a destination with bits beyond its prefix, which WireGuard drops from allowed IPs. */
static void cut_prefix(uint8_t out[static sizeof(struct in6_addr)], const struct ip_prefix *prefix)
{
	struct ip_prefix cut = *prefix;

	ip_prefix_clear_host(&cut);
	memset(out, 0, sizeof(struct in6_addr));
	memcpy(out, &cut.v6, ip_prefix_bytes(&cut));
}

static int change(uint16_t type, uint16_t flags, const struct route *route)
{
	const bool is_new = type == RTM_NEWROUTE;
	const struct rtmsg fixed = {
		.rtm_family = (uint8_t)route->prefix.family,
		.rtm_dst_len = route->prefix.bits,
		.rtm_protocol = is_new ? RTPROT_BOOT : RTPROT_UNSPEC,
		.rtm_scope = !is_new                           ? RT_SCOPE_NOWHERE
		             : route->prefix.family == AF_INET ? RT_SCOPE_LINK
		                                               : RT_SCOPE_UNIVERSE,
		.rtm_type = is_new ? RTN_UNICAST : RTN_UNSPEC,
	};
	uint8_t destination[sizeof(struct in6_addr)];
	struct netlink_message message;

	if (ip_prefix_bytes(&route->prefix) == 0)
		return -EINVAL;
	cut_prefix(destination, &route->prefix);
	netlink_begin(&message, type, NLM_F_ACK | flags, &fixed, sizeof fixed);
	if (route->prefix.bits > 0)
		(void)netlink_add(&message, RTA_DST, destination, address_bytes(route->prefix.family));
	(void)netlink_add(&message, RTA_OIF, &route->index, sizeof route->index);
	(void)netlink_add(&message, RTA_TABLE, &route->table, sizeof route->table);
	return order(&message);
}

int route_add(const struct route *route)
{
	return change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, route);
}

int route_replace(const struct route *route)
{
	return change(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE, route);
}

int route_delete(const struct route *route)
{
	return change(RTM_DELROUTE, 0, route);
}

uint32_t route_metric(int family)
{
	return family == AF_INET ? 0 : V6_METRIC;
}

void route_key(uint8_t out[static ROUTE_KEY_BYTES], const struct ip_prefix *prefix, uint32_t table)
{
	uint8_t *at = out;

	memcpy(at, &prefix->family, sizeof prefix->family);
	at += sizeof prefix->family;
	*at++ = prefix->bits;
	memcpy(at, &table, sizeof table);
	at += sizeof table;
	cut_prefix(at, prefix);
}

/* --- reading ------------------------------------------------------------------------- */

static uint32_t number(const struct netlink_attribute *attribute)
{
	uint32_t value = 0;

	if (attribute->length == sizeof value)
		memcpy(&value, attribute->data, sizeof value);
	return value;
}

static void read_gateway(struct route_seen *seen, const uint8_t *address, size_t length)
{
	if (length == sizeof seen->gateway.v4.sin_addr) {
		seen->gateway.v4.sin_family = AF_INET;
		memcpy(&seen->gateway.v4.sin_addr, address, length);
	} else if (length == sizeof seen->gateway.v6.sin6_addr) {
		seen->gateway.v6.sin6_family = AF_INET6;
		memcpy(&seen->gateway.v6.sin6_addr, address, length);
	}
}

/* A gateway with its family before it: of the other family than the destination. */
static void read_via(struct route_seen *seen, const struct netlink_attribute *attribute)
{
	const size_t head = sizeof(sa_family_t);

	if (attribute->length > head)
		read_gateway(seen, attribute->data + head, attribute->length - head);
}

/* The first of several next hops. */
static void read_next_hop(struct route_seen *seen, const struct netlink_attribute *attribute)
{
	struct netlink_attribute part;
	struct netlink_rest rest;
	struct rtnexthop hop;

	if (attribute->length < sizeof hop)
		return;
	memcpy(&hop, attribute->data, sizeof hop);
	if (hop.rtnh_len < sizeof hop || hop.rtnh_len > attribute->length)
		return;
	seen->index = (uint32_t)hop.rtnh_ifindex;
	rest = (struct netlink_rest){ attribute->data + sizeof hop, hop.rtnh_len - sizeof hop };
	while (netlink_next(&rest, &part) == 1) {
		if (part.type == RTA_GATEWAY)
			read_gateway(seen, part.data, part.length);
		else if (part.type == RTA_VIA)
			read_via(seen, &part);
	}
}

static void read_metrics(struct route_seen *seen, const struct netlink_attribute *attribute)
{
	struct netlink_rest rest = { attribute->data, attribute->length };
	struct netlink_attribute metric;

	while (netlink_next(&rest, &metric) == 1) {
		if (metric.type == RTAX_MTU)
			seen->mtu = number(&metric);
	}
}

static void read_attribute(struct route_seen *seen, const struct netlink_attribute *attribute)
{
	switch (attribute->type) {
	case RTA_DST:
		if (attribute->length == address_bytes(seen->prefix.family))
			memcpy(&seen->prefix.v6, attribute->data, attribute->length);
		break;
	case RTA_TABLE:
		seen->table = number(attribute);
		break;
	case RTA_PRIORITY:
		seen->metric = number(attribute);
		break;
	case RTA_OIF:
		seen->index = number(attribute);
		break;
	case RTA_GATEWAY:
		read_gateway(seen, attribute->data, attribute->length);
		break;
	case RTA_VIA:
		read_via(seen, attribute);
		break;
	case RTA_MULTIPATH:
		read_next_hop(seen, attribute);
		break;
	case RTA_METRICS:
		read_metrics(seen, attribute);
		break;
	default:
		break;
	}
}

/* --- saving -------------------------------------------------------------------------- */

/* Next hops without what the kernel says of their links, which it does not take back. */
static void save_next_hops(struct netlink_message *message, const struct netlink_attribute *attribute)
{
	size_t at = message->length + sizeof(struct nlattr);
	size_t end = at + attribute->length;
	struct rtnexthop hop;

	if (!netlink_add(message, RTA_MULTIPATH, attribute->data, attribute->length))
		return;
	while (end - at >= sizeof hop) {
		memcpy(&hop, message->bytes + at, sizeof hop);
		if (hop.rtnh_len < sizeof hop || hop.rtnh_len > end - at)
			return;
		hop.rtnh_flags &= RTNH_F_ONLINK;
		memcpy(message->bytes + at, &hop, sizeof hop);
		at += ((size_t)hop.rtnh_len + RTNH_ALIGNTO - 1) / RTNH_ALIGNTO * RTNH_ALIGNTO;
		if (at > end)
			return;
	}
}

/* A route with a life of its own, as a router announced it, does not live for ever. */
static void save_expiry(struct netlink_message *message, const struct netlink_attribute *attribute)
{
	struct rta_cacheinfo info;
	uint32_t seconds;

	if (attribute->length < sizeof info)
		return;
	memcpy(&info, attribute->data, sizeof info);
	if (info.rta_expires <= 0)
		return;
	seconds = (uint32_t)info.rta_expires / TICKS_A_SECOND + 1;
	(void)netlink_add(message, RTA_EXPIRES, &seconds, sizeof seconds);
}

/* A route of a next hop object has its parts in the answer too, and is refused with both. */
static bool is_of_object(uint16_t type)
{
	return type == RTA_OIF || type == RTA_GATEWAY || type == RTA_VIA || type == RTA_MULTIPATH ||
	       type == RTA_ENCAP || type == RTA_ENCAP_TYPE;
}

static bool has_object(struct netlink_rest rest)
{
	struct netlink_attribute attribute;

	while (netlink_next(&rest, &attribute) == 1) {
		if (attribute.type == RTA_NH_ID && number(&attribute) != 0)
			return true;
	}
	return false;
}

static void save(struct route_saved *saved, struct rtmsg fixed, struct netlink_rest rest)
{
	struct netlink_message message;
	struct netlink_attribute attribute;
	bool by_object = has_object(rest);
	bool fits = true;

	fixed.rtm_flags &= RTNH_F_ONLINK;
	netlink_begin(&message, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &fixed, sizeof fixed);
	while (fits && netlink_next(&rest, &attribute) == 1) {
		if (by_object && is_of_object(attribute.type))
			continue;
		if (attribute.type == RTA_MULTIPATH)
			save_next_hops(&message, &attribute);
		else if (attribute.type == RTA_CACHEINFO)
			save_expiry(&message, &attribute);
		else
			fits = netlink_add(&message, attribute.type, attribute.data, attribute.length);
	}
	memset(saved, 0, sizeof *saved);
	if (!fits || message.length > sizeof saved->bytes)
		return;
	saved->length = (uint16_t)message.length;
	memcpy(saved->bytes, message.bytes, message.length);
}

int route_restore(const struct route_saved *saved)
{
	struct netlink_message message;

	if (saved->length == 0 || saved->length > sizeof saved->bytes)
		return -EMSGSIZE;
	memcpy(message.bytes, saved->bytes, saved->length);
	message.length = saved->length;
	return order(&message);
}

int route_read(struct route_seen *seen, const uint8_t *payload, size_t length)
{
	struct netlink_rest rest = { payload, length };
	struct netlink_attribute attribute;
	struct rtmsg fixed;
	int result;

	memset(seen, 0, sizeof *seen);
	if (length < sizeof fixed)
		return -EBADMSG;
	memcpy(&fixed, payload, sizeof fixed);
	if (fixed.rtm_family != AF_INET && fixed.rtm_family != AF_INET6)
		return -EBADMSG;
	seen->prefix.family = fixed.rtm_family;
	seen->prefix.bits = fixed.rtm_dst_len;
	seen->table = fixed.rtm_table;
	seen->tos = fixed.rtm_tos;
	seen->type = fixed.rtm_type;
	if (ip_prefix_bytes(&seen->prefix) == 0)
		return -EBADMSG;
	rest.at += sizeof fixed;
	rest.left -= sizeof fixed;
	save(&seen->saved, fixed, rest);
	while ((result = netlink_next(&rest, &attribute)) == 1)
		read_attribute(seen, &attribute);
	return result;
}

int route_read_saved(struct route_seen *seen, const struct route_saved *saved)
{
	if (saved->length < NLMSG_HDRLEN || saved->length > sizeof saved->bytes)
		return -EBADMSG;
	return route_read(seen, saved->bytes + NLMSG_HDRLEN, saved->length - (size_t)NLMSG_HDRLEN);
}

/* --- lists --------------------------------------------------------------------------- */

struct listing {
	int family;
	uint32_t table;
	int (*take)(void *context, const struct route_seen *seen);
	void *context;
};

static int take_listed(void *context, const uint8_t *payload, size_t length)
{
	const struct listing *listing = context;
	struct route_seen seen;
	struct rtmsg fixed;
	int result;

	if (length < sizeof fixed)
		return -EBADMSG;
	memcpy(&fixed, payload, sizeof fixed);
	/* What the kernel remembers of single hosts. */
	if (fixed.rtm_family != listing->family || (fixed.rtm_flags & RTM_F_CLONED) != 0)
		return 0;
	result = route_read(&seen, payload, length);
	if (result != 0 || seen.table != listing->table)
		return result;
	return listing->take(listing->context, &seen);
}

int route_list(int family, uint32_t table, int (*take)(void *context, const struct route_seen *seen),
               void *context)
{
	const struct rtmsg fixed = { .rtm_family = (uint8_t)family };
	struct listing listing = { family, table, take, context };
	struct netlink_answer answer = { .take = take_listed, .context = &listing };
	struct netlink_message message;
	int result = -EBUSY;

	for (int i = 0; i < LIST_TRIES; i++) {
		netlink_begin(&message, RTM_GETROUTE, NLM_F_DUMP, &fixed, sizeof fixed);
		(void)netlink_add(&message, RTA_TABLE, &table, sizeof table);
		result = ask(&message, &answer);
		if (result != 0 || !answer.is_interrupted)
			break;
	}
	return result == -ENOENT ? 0 : result;
}

/* --- words --------------------------------------------------------------------------- */

static const char *name_of_type(uint8_t type)
{
	switch (type) {
	case RTN_BLACKHOLE:
		return "blackhole";
	case RTN_UNREACHABLE:
		return "unreachable";
	case RTN_PROHIBIT:
		return "prohibit";
	case RTN_THROW:
		return "throw";
	default:
		return "";
	}
}

void route_format_prefix(char out[static ROUTE_PREFIX_BYTES], const struct ip_prefix *prefix)
{
	char address[INET6_ADDRSTRLEN] = "";

	(void)inet_ntop(prefix->family, &prefix->v6, address, sizeof address);
	(void)snprintf(out, ROUTE_PREFIX_BYTES, "%s/%u", address, prefix->bits);
}

void route_format(char out[static ROUTE_WORDS_BYTES], const struct route_seen *seen)
{
	char address[INET6_ADDRSTRLEN] = "";
	struct link link;
	size_t used;

	(void)snprintf(out, ROUTE_WORDS_BYTES, "%s", name_of_type(seen->type));
	used = strlen(out);
	if (seen->index != 0 && link_look_index(seen->index, &link) == 0)
		(void)snprintf(out + used, ROUTE_WORDS_BYTES - used, "%sdev %s", used > 0 ? " " : "",
		               link.name);
	used = strlen(out);
	if (seen->gateway.any.sa_family == AF_INET)
		(void)inet_ntop(AF_INET, &seen->gateway.v4.sin_addr, address, sizeof address);
	else if (seen->gateway.any.sa_family == AF_INET6)
		(void)inet_ntop(AF_INET6, &seen->gateway.v6.sin6_addr, address, sizeof address);
	if (address[0] != '\0')
		(void)snprintf(out + used, ROUTE_WORDS_BYTES - used, "%svia %s", used > 0 ? " " : "",
		               address);
	used = strlen(out);
	if (seen->metric != 0)
		(void)snprintf(out + used, ROUTE_WORDS_BYTES - used, "%smetric %u", used > 0 ? " " : "",
		               seen->metric);
}

/* --- paths --------------------------------------------------------------------------- */

static int take_first(void *context, const uint8_t *payload, size_t length)
{
	struct route_seen *seen = context;

	return seen->prefix.family != AF_UNSPEC ? 0 : route_read(seen, payload, length);
}

static int mtu_of(const struct route_seen *seen, uint32_t *mtu)
{
	struct link link;
	int result;

	if (seen->mtu != 0) {
		*mtu = seen->mtu;
		return 0;
	}
	if (seen->index == 0)
		return -ENETUNREACH;
	result = link_look_index(seen->index, &link);
	if (result == 0)
		*mtu = link.mtu;
	return result;
}

int route_path(const union address_socket *to, uint32_t mark, struct route_seen *seen)
{
	bool is_v4 = to->any.sa_family == AF_INET;
	const struct rtmsg fixed = {
		.rtm_family = (uint8_t)to->any.sa_family,
		.rtm_dst_len = is_v4 ? 32 : 128,
		.rtm_flags = RTM_F_FIB_MATCH,
	};
	struct netlink_answer answer = { .take = take_first, .context = seen };
	struct netlink_message message;

	memset(seen, 0, sizeof *seen);
	if (!is_v4 && to->any.sa_family != AF_INET6)
		return -EINVAL;
	netlink_begin(&message, RTM_GETROUTE, NLM_F_ACK, &fixed, sizeof fixed);
	if (is_v4)
		(void)netlink_add(&message, RTA_DST, &to->v4.sin_addr, sizeof to->v4.sin_addr);
	else
		(void)netlink_add(&message, RTA_DST, &to->v6.sin6_addr, sizeof to->v6.sin6_addr);
	if (!is_v4 && to->v6.sin6_scope_id != 0)
		(void)netlink_add(&message, RTA_OIF, &to->v6.sin6_scope_id, sizeof to->v6.sin6_scope_id);
	if (mark != 0)
		(void)netlink_add(&message, RTA_MARK, &mark, sizeof mark);
	return ask(&message, &answer);
}

int route_path_mtu(const union address_socket *to, uint32_t mark, uint32_t *mtu, uint32_t *index)
{
	struct route_seen seen;
	int result = route_path(to, mark, &seen);

	if (result == 0)
		result = mtu_of(&seen, mtu);
	if (result == 0)
		*index = seen.index;
	return result;
}

static int take_default(void *context, const struct route_seen *seen)
{
	struct route_seen *best = context;

	if (seen->prefix.bits == 0 && seen->index != 0 &&
	    (best->prefix.family == AF_UNSPEC || seen->metric < best->metric))
		*best = *seen;
	return 0;
}

int route_default_mtu(int family, uint32_t *mtu)
{
	struct route_seen best = { 0 };
	int result = route_list(family, ROUTE_TABLE_MAIN, take_default, &best);

	if (result != 0)
		return result;
	return best.prefix.family == AF_UNSPEC ? -ESRCH : mtu_of(&best, mtu);
}

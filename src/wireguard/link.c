#include "wireguard/link.h"

#include <errno.h>
#include <linux/if.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <unistd.h>

#include "system/netlink.h"

static int ask(struct netlink_message *message, struct netlink_answer *answer)
{
	int fd = netlink_open(NETLINK_ROUTE);
	int result;

	if (fd < 0)
		return fd;
	netlink_finish(message);
	result = netlink_request(fd, message, answer);
	(void)close(fd);
	return result;
}

/* For what has no answer but whether it was done. The attributes of these messages are few and fit. */
static int order(struct netlink_message *message)
{
	struct netlink_answer answer = { 0 };

	return ask(message, &answer);
}

/* The attribute of that type among those of a message or of another attribute. false: there is none. */
static bool find_attribute(struct netlink_attribute *out, const uint8_t *at, size_t length, uint16_t type)
{
	struct netlink_rest rest = { at, length };

	while (netlink_next(&rest, out) == 1) {
		if (out->type == type)
			return true;
	}
	return false;
}

static int take_link(void *context, const uint8_t *payload, size_t length)
{
	static const char wireguard[] = "wireguard";
	struct netlink_attribute attribute;
	struct ifinfomsg present;
	struct link *link = context;

	if (length < sizeof present)
		return -EBADMSG;
	memcpy(&present, payload, sizeof present);
	link->index = (uint32_t)present.ifi_index;
	if (find_attribute(&attribute, payload + sizeof present, length - sizeof present, IFLA_MTU) &&
	    attribute.length == sizeof link->mtu)
		memcpy(&link->mtu, attribute.data, sizeof link->mtu);
	if (find_attribute(&attribute, payload + sizeof present, length - sizeof present, IFLA_IFNAME) &&
	    attribute.length > 0 && attribute.length <= sizeof link->name)
		memcpy(link->name, attribute.data, attribute.length - 1);
	link->is_up = (present.ifi_flags & IFF_UP) != 0;
	link->is_wireguard = find_attribute(&attribute, payload + sizeof present, length - sizeof present,
	                                    IFLA_LINKINFO) &&
	                     find_attribute(&attribute, attribute.data, attribute.length, IFLA_INFO_KIND) &&
	                     attribute.length >= strlen(wireguard) && attribute.length <= sizeof wireguard &&
	                     memcmp(attribute.data, wireguard, attribute.length) == 0;
	return 0;
}

static int look(struct netlink_message *message, struct link *link)
{
	struct netlink_answer answer = { .take = take_link, .context = link };
	int result;

	*link = (struct link){ 0 };
	result = ask(message, &answer);
	return result == 0 && link->index == 0 ? -EBADMSG : result;
}

int link_look_index(uint32_t index, struct link *link)
{
	const struct ifinfomsg wanted = { .ifi_family = AF_UNSPEC, .ifi_index = (int)index };
	struct netlink_message message;

	netlink_begin(&message, RTM_GETLINK, NLM_F_ACK, &wanted, sizeof wanted);
	return look(&message, link);
}

int link_look(const char *name, struct link *link)
{
	static const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
	struct netlink_message message;

	/* Such a name would be malformed for the kernel. */
	if (name[0] == '\0' || strlen(name) >= WIREGUARD_NAME_BYTES)
		return -ENODEV;
	netlink_begin(&message, RTM_GETLINK, NLM_F_ACK, &any, sizeof any);
	(void)netlink_add(&message, IFLA_IFNAME, name, strlen(name) + 1);
	return look(&message, link);
}

int link_find(const char *name, uint32_t *index)
{
	struct link link;
	int result = link_look(name, &link);

	if (result == 0)
		*index = link.index;
	return result;
}

int link_create(const char *name, const char *kind)
{
	static const struct ifinfomsg any = { .ifi_family = AF_UNSPEC };
	struct netlink_message message;
	size_t at;

	if (name[0] == '\0' || strlen(name) >= WIREGUARD_NAME_BYTES)
		return -EINVAL;
	netlink_begin(&message, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &any, sizeof any);
	(void)netlink_add(&message, IFLA_IFNAME, name, strlen(name) + 1);
	/* The kernel's own tools do not mark this one as nested. */
	at = message.length;
	(void)netlink_add(&message, IFLA_LINKINFO, NULL, 0);
	(void)netlink_add(&message, IFLA_INFO_KIND, kind, strlen(kind));
	netlink_close(&message, at);
	return order(&message);
}

int link_create_wireguard(const char *name)
{
	return link_create(name, "wireguard");
}

int link_set_up(uint32_t index)
{
	const struct ifinfomsg link = { .ifi_index = (int)index, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	struct netlink_message message;

	netlink_begin(&message, RTM_NEWLINK, NLM_F_ACK, &link, sizeof link);
	return order(&message);
}

int link_set_mtu(uint32_t index, uint32_t mtu)
{
	const struct ifinfomsg link = { .ifi_index = (int)index };
	struct netlink_message message;

	netlink_begin(&message, RTM_NEWLINK, NLM_F_ACK, &link, sizeof link);
	(void)netlink_add(&message, IFLA_MTU, &mtu, sizeof mtu);
	return order(&message);
}

int link_delete(uint32_t index)
{
	const struct ifinfomsg link = { .ifi_index = (int)index };
	struct netlink_message message;

	/* With neither index nor name the kernel would not know which. */
	if (index == 0)
		return -ENODEV;
	netlink_begin(&message, RTM_DELLINK, NLM_F_ACK, &link, sizeof link);
	return order(&message);
}

static int change_address(uint16_t type, uint16_t flags, uint32_t index, const struct ip_prefix *address)
{
	const struct ifaddrmsg fixed = {
		.ifa_family = (uint8_t)address->family,
		.ifa_prefixlen = address->bits,
		.ifa_scope = RT_SCOPE_UNIVERSE,
		.ifa_index = index,
	};
	size_t length = ip_prefix_bytes(address);
	struct netlink_message message;

	if (length == 0)
		return -EINVAL;
	netlink_begin(&message, type, NLM_F_ACK | flags, &fixed, sizeof fixed);
	(void)netlink_add(&message, IFA_LOCAL, &address->v4, length);
	(void)netlink_add(&message, IFA_ADDRESS, &address->v4, length);
	return order(&message);
}

int link_add_address(uint32_t index, const struct ip_prefix *address)
{
	return change_address(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, index, address);
}

int link_delete_address(uint32_t index, const struct ip_prefix *address)
{
	return change_address(RTM_DELADDR, 0, index, address);
}

#include "wireguard/kernel.h"

#include <errno.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/wireguard.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/secret_memory.h"
#include "wireguard/link.h"

/* A list that changes each time it is read is left alone for a while. */
#define DUMP_TRIES 16
#define TIME_BYTES 16

_Static_assert(WG_KEY_LEN == WIREGUARD_KEY_BYTES, "length of a key");

static const struct genlmsghdr get_device = { .cmd = WG_CMD_GET_DEVICE, .version = WG_GENL_VERSION };
static const struct genlmsghdr set_device = { .cmd = WG_CMD_SET_DEVICE, .version = WG_GENL_VERSION };

/* --- writing ------------------------------------------------------------------------- */

static bool write_allowed_ip(struct netlink_message *message, const struct ip_prefix *ip)
{
	size_t start = message->length;
	size_t at = netlink_nest(message, 0);

	if (at != 0 && netlink_add(message, WGALLOWEDIP_A_FAMILY, &ip->family, sizeof ip->family) &&
	    netlink_add(message, WGALLOWEDIP_A_IPADDR, &ip->v4,
	                ip->family == AF_INET ? sizeof ip->v4 : sizeof ip->v6) &&
	    netlink_add(message, WGALLOWEDIP_A_CIDR_MASK, &ip->bits, sizeof ip->bits)) {
		netlink_close(message, at);
		return true;
	}
	netlink_cut(message, start);
	return false;
}

/* As many as there is room for. True: these were all. */
static bool write_allowed_ips(struct kernel_writer *writer, struct netlink_message *message,
                              const struct wireguard_peer_change *peer)
{
	size_t start = message->length;
	size_t first = writer->allowed_ip;
	size_t at;

	if (first == peer->allowed_ip_count)
		return true;
	at = netlink_nest(message, WGPEER_A_ALLOWEDIPS);
	while (at != 0 && writer->allowed_ip < peer->allowed_ip_count &&
	       write_allowed_ip(message, &peer->allowed_ips[writer->allowed_ip]))
		writer->allowed_ip++;
	if (writer->allowed_ip == first)
		netlink_cut(message, start);
	else
		netlink_close(message, at);
	return writer->allowed_ip == peer->allowed_ip_count;
}

static bool write_peer_fields(struct netlink_message *message, const struct wireguard_peer_change *peer)
{
	uint32_t flags = (peer->replace_allowed_ips ? WGPEER_F_REPLACE_ALLOWEDIPS : 0) |
	                 (peer->update_only ? WGPEER_F_UPDATE_ONLY : 0);

	if (peer->preshared_key != NULL &&
	    !netlink_add(message, WGPEER_A_PRESHARED_KEY, peer->preshared_key, WIREGUARD_KEY_BYTES))
		return false;
	if (flags != 0 && !netlink_add(message, WGPEER_A_FLAGS, &flags, sizeof flags))
		return false;
	if (peer->endpoint != NULL &&
	    !netlink_add(message, WGPEER_A_ENDPOINT, peer->endpoint, address_length(peer->endpoint)))
		return false;
	return !peer->set_keepalive || netlink_add(message, WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL,
	                                           &peer->keepalive_seconds, sizeof peer->keepalive_seconds);
}

static bool write_peer_head(const struct kernel_writer *writer, struct netlink_message *message,
                            const struct wireguard_peer_change *peer)
{
	/* One that was begun is there; should it have gone since, its rest does not make half of it again. */
	static const uint32_t goes_on = WGPEER_F_UPDATE_ONLY;
	static const uint32_t goes = WGPEER_F_REMOVE_ME;

	if (!netlink_add(message, WGPEER_A_PUBLIC_KEY, peer->public_key, WIREGUARD_KEY_BYTES))
		return false;
	if (peer->remove)
		return netlink_add(message, WGPEER_A_FLAGS, &goes, sizeof goes);
	if (writer->in_peer)
		return netlink_add(message, WGPEER_A_FLAGS, &goes_on, sizeof goes_on);
	return write_peer_fields(message, peer);
}

/* The peer at which the writer stands, or its rest. True: nothing of it is left. */
static bool write_peer(struct kernel_writer *writer, struct netlink_message *message)
{
	const struct wireguard_peer_change *peer = &writer->change->peers[writer->peer];
	size_t start = message->length;
	size_t at = netlink_nest(message, 0);
	bool is_whole;

	if (at == 0 || !write_peer_head(writer, message, peer)) {
		netlink_cut(message, start);
		return false;
	}
	is_whole = peer->remove || write_allowed_ips(writer, message, peer);
	netlink_close(message, at);
	writer->in_peer = !is_whole;
	if (is_whole) {
		writer->peer++;
		writer->allowed_ip = 0;
	}
	return is_whole;
}

/* They all fit into an empty message. */
static void write_device_fields(struct netlink_message *message, const struct wireguard_change *change)
{
	static const uint32_t flags = WGDEVICE_F_REPLACE_PEERS;

	if (change->private_key != NULL)
		(void)netlink_add(message, WGDEVICE_A_PRIVATE_KEY, change->private_key, WIREGUARD_KEY_BYTES);
	if (change->set_listen_port)
		(void)netlink_add(message, WGDEVICE_A_LISTEN_PORT, &change->listen_port,
		                  sizeof change->listen_port);
	if (change->set_fwmark)
		(void)netlink_add(message, WGDEVICE_A_FWMARK, &change->fwmark, sizeof change->fwmark);
	if (change->replace_peers)
		(void)netlink_add(message, WGDEVICE_A_FLAGS, &flags, sizeof flags);
}

bool kernel_write(struct kernel_writer *writer, struct netlink_message *message)
{
	const struct wireguard_change *change = writer->change;

	if (writer->is_begun && writer->peer == change->peer_count)
		return false;
	netlink_begin(message, writer->family, NLM_F_ACK, &set_device, sizeof set_device);
	(void)netlink_add(message, WGDEVICE_A_IFNAME, writer->name, strlen(writer->name) + 1);
	if (!writer->is_begun)
		write_device_fields(message, change);
	writer->is_begun = true;
	if (change->peer_count > 0) {
		size_t at = netlink_nest(message, WGDEVICE_A_PEERS);

		while (writer->peer < change->peer_count && write_peer(writer, message))
			continue;
		netlink_close(message, at);
	}
	netlink_finish(message);
	return true;
}

/* --- reading ------------------------------------------------------------------------- */

static int read_exactly(void *out, size_t length, const struct netlink_attribute *attribute)
{
	if (attribute->length != length)
		return -EBADMSG;
	memcpy(out, attribute->data, length);
	return 0;
}

static int read_address(struct ip_prefix *ip, const struct netlink_attribute *attribute)
{
	if (attribute->length != sizeof ip->v4 && attribute->length != sizeof ip->v6)
		return -EBADMSG;
	memcpy(&ip->v6, attribute->data, attribute->length);
	return 0;
}

/* Into an array that doubles whenever its length is a power of two. */
static int add_allowed_ip(struct wireguard_peer *peer, const struct ip_prefix *ip)
{
	size_t count = peer->allowed_ip_count;

	if ((count & (count - 1)) == 0) {
		struct ip_prefix *larger =
			reallocarray(peer->allowed_ips, count == 0 ? 1 : 2 * count, sizeof *larger);

		if (larger == NULL)
			return -ENOMEM;
		peer->allowed_ips = larger;
	}
	peer->allowed_ips[peer->allowed_ip_count++] = *ip;
	return 0;
}

static int read_allowed_ip(struct wireguard_peer *peer, const struct netlink_attribute *container)
{
	struct netlink_rest rest = { container->data, container->length };
	struct ip_prefix ip = { 0 };
	struct netlink_attribute attribute;
	size_t address_bytes = 0;
	int result;

	while ((result = netlink_next(&rest, &attribute)) == 1) {
		switch (attribute.type) {
		case WGALLOWEDIP_A_FAMILY:
			result = read_exactly(&ip.family, sizeof ip.family, &attribute);
			break;
		case WGALLOWEDIP_A_IPADDR:
			result = read_address(&ip, &attribute);
			address_bytes = attribute.length;
			break;
		case WGALLOWEDIP_A_CIDR_MASK:
			result = read_exactly(&ip.bits, sizeof ip.bits, &attribute);
			break;
		default:
			result = 0;
		}
		if (result != 0)
			return result;
	}
	if (result != 0)
		return result;
	if (!(ip.family == AF_INET && address_bytes == sizeof ip.v4 && ip.bits <= 32) &&
	    !(ip.family == AF_INET6 && address_bytes == sizeof ip.v6 && ip.bits <= 128))
		return -EBADMSG;
	return add_allowed_ip(peer, &ip);
}

static int read_allowed_ips(struct wireguard_peer *peer, const struct netlink_attribute *list)
{
	struct netlink_rest rest = { list->data, list->length };
	struct netlink_attribute container;
	int result;

	while ((result = netlink_next(&rest, &container)) == 1) {
		result = read_allowed_ip(peer, &container);
		if (result != 0)
			return result;
	}
	return result;
}

/* One of a family that we do not know counts as none. */
static void read_endpoint(struct wireguard_peer *peer, const struct netlink_attribute *attribute)
{
	union address_socket address = { 0 };

	if (attribute->length != sizeof address.v4 && attribute->length != sizeof address.v6)
		return;
	memcpy(&address, attribute->data, attribute->length);
	if (attribute->length == (address.any.sa_family == AF_INET ? sizeof address.v4 : sizeof address.v6) &&
	    (address.any.sa_family == AF_INET || address.any.sa_family == AF_INET6))
		peer->endpoint = address;
}

static int read_time(struct wireguard_peer *peer, const struct netlink_attribute *attribute)
{
	int64_t seconds;

	if (attribute->length != TIME_BYTES)
		return -EBADMSG;
	memcpy(&seconds, attribute->data, sizeof seconds);
	peer->last_handshake_seconds = seconds < 0 ? 0 : (uint64_t)seconds;
	return 0;
}

static int read_peer_field(struct wireguard_peer *peer, const struct netlink_attribute *attribute)
{
	switch (attribute->type) {
	case WGPEER_A_PRESHARED_KEY:
		return read_exactly(peer->preshared_key, sizeof peer->preshared_key, attribute);
	case WGPEER_A_ENDPOINT:
		read_endpoint(peer, attribute);
		return 0;
	case WGPEER_A_PERSISTENT_KEEPALIVE_INTERVAL:
		return read_exactly(&peer->keepalive_seconds, sizeof peer->keepalive_seconds, attribute);
	case WGPEER_A_LAST_HANDSHAKE_TIME:
		return read_time(peer, attribute);
	case WGPEER_A_RX_BYTES:
		return read_exactly(&peer->received_bytes, sizeof peer->received_bytes, attribute);
	case WGPEER_A_TX_BYTES:
		return read_exactly(&peer->sent_bytes, sizeof peer->sent_bytes, attribute);
	case WGPEER_A_ALLOWEDIPS:
		return read_allowed_ips(peer, attribute);
	default:
		return 0;
	}
}

/* A further peer in the array, which doubles as that of the allowed IPs; NULL: no memory. */
static struct wireguard_peer *add_peer(struct wireguard_device *device)
{
	size_t count = device->peer_count;

	if ((count & (count - 1)) == 0) {
		struct wireguard_peer *larger =
			secret_memory_allocate(NULL, (count == 0 ? 1 : 2 * count) * sizeof *larger);

		if (larger == NULL)
			return NULL;
		if (count > 0)
			memcpy(larger, device->peers, count * sizeof *larger);
		secret_memory_release(NULL, device->peers, count * sizeof *larger);
		device->peers = larger;
	}
	device->peer_count++;
	return &device->peers[count];
}

static const uint8_t *find_public_key(const struct netlink_attribute *container)
{
	struct netlink_rest rest = { container->data, container->length };
	struct netlink_attribute attribute;

	while (netlink_next(&rest, &attribute) == 1) {
		if (attribute.type == WGPEER_A_PUBLIC_KEY)
			return attribute.length == WIREGUARD_KEY_BYTES ? attribute.data : NULL;
	}
	return NULL;
}

static int read_peer(struct wireguard_device *device, const struct netlink_attribute *container)
{
	struct netlink_rest rest = { container->data, container->length };
	const uint8_t *public_key = find_public_key(container);
	struct wireguard_peer *peer = NULL;
	struct netlink_attribute attribute;
	int result;

	if (public_key == NULL)
		return -EBADMSG;
	if (device->peer_count > 0)
		peer = &device->peers[device->peer_count - 1];
	/* The last one once more: the rest of its allowed IPs, for which there was no room. */
	if (peer == NULL || memcmp(peer->public_key, public_key, WIREGUARD_KEY_BYTES) != 0) {
		peer = add_peer(device);
		if (peer == NULL)
			return -ENOMEM;
		memcpy(peer->public_key, public_key, WIREGUARD_KEY_BYTES);
	}
	while ((result = netlink_next(&rest, &attribute)) == 1) {
		result = read_peer_field(peer, &attribute);
		if (result != 0)
			return result;
	}
	return result;
}

static int read_peers(struct wireguard_device *device, const struct netlink_attribute *list)
{
	struct netlink_rest rest = { list->data, list->length };
	struct netlink_attribute container;
	int result;

	while ((result = netlink_next(&rest, &container)) == 1) {
		result = read_peer(device, &container);
		if (result != 0)
			return result;
	}
	return result;
}

static int read_device_field(struct wireguard_device *device, const struct netlink_attribute *attribute)
{
	switch (attribute->type) {
	case WGDEVICE_A_IFINDEX:
		return read_exactly(&device->index, sizeof device->index, attribute);
	case WGDEVICE_A_PRIVATE_KEY:
		device->has_private_key = true;
		return read_exactly(device->private_key, sizeof device->private_key, attribute);
	case WGDEVICE_A_PUBLIC_KEY:
		return read_exactly(device->public_key, sizeof device->public_key, attribute);
	case WGDEVICE_A_LISTEN_PORT:
		return read_exactly(&device->listen_port, sizeof device->listen_port, attribute);
	case WGDEVICE_A_FWMARK:
		return read_exactly(&device->fwmark, sizeof device->fwmark, attribute);
	case WGDEVICE_A_PEERS:
		return read_peers(device, attribute);
	default:
		return 0;
	}
}

int kernel_take(void *device, const uint8_t *payload, size_t length)
{
	struct netlink_rest rest = { payload, length };
	struct netlink_attribute attribute;
	int result;

	if (length < GENL_HDRLEN)
		return -EBADMSG;
	rest.at += GENL_HDRLEN;
	rest.left -= GENL_HDRLEN;
	while ((result = netlink_next(&rest, &attribute)) == 1) {
		result = read_device_field(device, &attribute);
		if (result != 0)
			return result;
	}
	return result;
}

/* --- talking ------------------------------------------------------------------------- */

static int take_family(void *context, const uint8_t *payload, size_t length)
{
	struct netlink_rest rest = { payload, length };
	struct netlink_attribute attribute;
	int result;

	if (length < GENL_HDRLEN)
		return -EBADMSG;
	rest.at += GENL_HDRLEN;
	rest.left -= GENL_HDRLEN;
	while ((result = netlink_next(&rest, &attribute)) == 1) {
		if (attribute.type == CTRL_ATTR_FAMILY_ID)
			return read_exactly(context, sizeof(uint16_t), &attribute);
	}
	return result;
}

/* The number may be another one after the module was loaded again. */
static int find_family(int fd, uint16_t *family)
{
	static const struct genlmsghdr get_family = { .cmd = CTRL_CMD_GETFAMILY, .version = 1 };
	struct netlink_answer answer = { .take = take_family, .context = family };
	struct netlink_message message;
	int result;

	netlink_begin(&message, GENL_ID_CTRL, NLM_F_ACK, &get_family, sizeof get_family);
	(void)netlink_add(&message, CTRL_ATTR_FAMILY_NAME, WG_GENL_NAME, sizeof WG_GENL_NAME);
	netlink_finish(&message);
	*family = 0;
	result = netlink_request(fd, &message, &answer);
	if (result == 0 && *family == 0)
		return -EBADMSG;
	return result;
}

/* A socket and the family, or negative errno. */
static int open_family(const char *name, uint16_t *family)
{
	int fd = netlink_open(NETLINK_GENERIC);
	uint32_t index;
	int result;

	if (fd < 0)
		return fd == -EPROTONOSUPPORT ? -EOPNOTSUPP : fd;
	result = find_family(fd, family);
	if (result == 0)
		return fd;
	(void)close(fd);
	if (result != -ENOENT)
		return result;
	/* Without WireGuard in the kernel, one of user space may still be expected. */
	return link_find(name, &index) == -ENODEV ? -ENODEV : -EOPNOTSUPP;
}

int kernel_get_over(int fd, uint16_t family, struct wireguard_device *device, const char *name)
{
	struct netlink_answer answer = { .take = kernel_take, .context = device };
	struct netlink_message message;
	int result = -EBUSY;

	for (int i = 0; i < DUMP_TRIES; i++) {
		wireguard_release(device);
		netlink_begin(&message, family, NLM_F_DUMP, &get_device, sizeof get_device);
		(void)netlink_add(&message, WGDEVICE_A_IFNAME, name, strlen(name) + 1);
		netlink_finish(&message);
		result = netlink_request(fd, &message, &answer);
		if (result != 0 || !answer.is_interrupted)
			return result;
	}
	return -EBUSY;
}

int kernel_set_over(int fd, uint16_t family, const char *name, const struct wireguard_change *change)
{
	struct kernel_writer writer = { .name = name, .change = change, .family = family };
	struct netlink_message *message = secret_memory_allocate(NULL, sizeof *message);
	struct netlink_answer answer = { 0 };
	int result = 0;

	if (message == NULL)
		return -ENOMEM;
	while (result == 0 && kernel_write(&writer, message))
		result = netlink_request(fd, message, &answer);
	secret_memory_release(NULL, message, sizeof *message);
	return result;
}

int kernel_get(struct wireguard_device *device, const char *name)
{
	uint16_t family;
	int fd = open_family(name, &family);
	int result;

	if (fd < 0)
		return fd;
	result = kernel_get_over(fd, family, device, name);
	(void)close(fd);
	return result;
}

int kernel_set(const char *name, const struct wireguard_change *change)
{
	uint16_t family;
	int fd = open_family(name, &family);
	int result;

	if (fd < 0)
		return fd;
	result = kernel_set_over(fd, family, name, change);
	(void)close(fd);
	return result;
}

#include "rp/mtu.h"

#include <sys/socket.h>

#include "wireguard/route.h"

#define ETHERNET_MTU 1500
/* Of IPv6, UDP and WireGuard. */
#define OVERHEAD 80
/* The smallest one of IPv6; an interface with less has no IPv6. */
#define MTU_MIN 1280
#define MTU_MAX 65535

void mtu_take(struct mtu *mtu, const union address_socket *endpoint, uint32_t mark, uint32_t own_index)
{
	uint32_t path;
	uint32_t index;

	if (endpoint->any.sa_family != AF_UNSPEC && route_path_mtu(endpoint, mark, &path, &index) == 0 &&
	    index != own_index && path > mtu->largest)
		mtu->largest = path;
}

uint32_t mtu_of_tunnel(const struct mtu *mtu)
{
	uint32_t path = mtu->largest;

	if (path == 0 && route_default_mtu(AF_INET, &path) != 0 && route_default_mtu(AF_INET6, &path) != 0)
		path = ETHERNET_MTU;
	if (path < MTU_MIN + OVERHEAD)
		return MTU_MIN;
	return path - OVERHEAD > MTU_MAX ? MTU_MAX : path - OVERHEAD;
}

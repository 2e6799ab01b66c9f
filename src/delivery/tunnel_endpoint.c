#include "delivery/tunnel_endpoint.h"

#include <stdlib.h>
#include <string.h>

bool tunnel_endpoint_is_beside(const char *endpoint, const char *rosenpass)
{
	size_t length = (size_t)(strrchr(endpoint, ':') - endpoint);

	return rosenpass != NULL && length == (size_t)(strrchr(rosenpass, ':') - rosenpass) &&
	       strncmp(endpoint, rosenpass, length) == 0;
}

/* Returns true if address is known, and gives it the port of the endpoint. */
static bool set_port(union address_socket *address, const char *endpoint)
{
	in_port_t port = htons((uint16_t)strtoul(strrchr(endpoint, ':') + 1, NULL, 10));

	if (address->any.sa_family == AF_INET6)
		address->v6.sin6_port = port;
	else if (address->any.sa_family == AF_INET)
		address->v4.sin_port = port;
	return address->any.sa_family != AF_UNSPEC;
}

/* Returns true if both are addresses of one host, whatever the ports. */
static bool is_same_host(const union address_socket *a, const union address_socket *b)
{
	union address_socket other = *b;

	if (a->any.sa_family == AF_UNSPEC || a->any.sa_family != other.any.sa_family)
		return false;
	if (other.any.sa_family == AF_INET6)
		other.v6.sin6_port = a->v6.sin6_port;
	else
		other.v4.sin_port = a->v4.sin_port;
	return address_equal(a, &other);
}

/* Returns true if the peer's name leads to the host where it has proved who it is. */
static bool is_named(const struct tunnel_place *place)
{
	for (size_t i = 0; i < place->address_count; i++) {
		if (is_same_host(&place->authenticated, &place->addresses[i]))
			return true;
	}
	return false;
}

/*
 * Of all addresses of the name, that from which the peer has proved who it is. Another address may be that of
 * a host which only forwards its messages, or an invention of an engine process that was taken over: it must
 * not get the tunnel's packets. As long as the name does not resolve, only a host will do at which WireGuard
 * has heard the peer.
 */
static union address_socket choose(const struct tunnel_place *place, const union address_socket *present)
{
	static const union address_socket unknown;
	const union address_socket *authenticated = &place->authenticated;

	if (authenticated->any.sa_family == AF_UNSPEC || is_named(place))
		return *authenticated;
	if (place->address_count > 0)
		return place->addresses[0];
	return is_same_host(authenticated, present) || is_same_host(authenticated, &place->remembered)
	               ? *authenticated
	               : unknown;
}

bool tunnel_endpoint_beside(union address_socket *out, const char *endpoint, const struct tunnel_place *place,
                            const union address_socket *present)
{
	*out = choose(place, present);
	return set_port(out, endpoint);
}

bool tunnel_endpoint_own(union address_socket *out, const char *endpoint,
                         const union address_socket *addresses, size_t count)
{
	const char *problem;

	if (address_is_literal(endpoint))
		return address_parse(endpoint, out, &problem) == 0;
	*out = count == 0 ? (union address_socket){ 0 } : addresses[0];
	return set_port(out, endpoint);
}

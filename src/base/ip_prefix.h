#ifndef ROSENPASS_BASE_IP_PREFIX_H
#define ROSENPASS_BASE_IP_PREFIX_H

/* Prefixes of IP addresses: allowed IPs, routes, addresses of interfaces. */

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip_prefix {
	uint16_t family; /* AF_INET, AF_INET6 */
	uint8_t bits;
	union {
		struct in_addr v4;
		struct in6_addr v6;
	};
};

/* Returns the length in bytes of the address; 0 for another family, or more bits than the address has. */
size_t ip_prefix_bytes(const struct ip_prefix *prefix);

/* Clears the bits of the address beyond the prefix, which ip_prefix_bytes() must accept. */
void ip_prefix_clear_host(struct ip_prefix *prefix);

/* Compares family, bits and address, as for qsort(). Host bits count. */
int ip_prefix_compare(const struct ip_prefix *a, const struct ip_prefix *b);

/* Returns whether two lists hold the same prefixes, in any order and however often. */
bool ip_prefix_same(const struct ip_prefix *a, size_t a_count, const struct ip_prefix *b, size_t b_count);

#endif

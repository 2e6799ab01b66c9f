#include "base/ip_prefix.h"

#include <string.h>

size_t ip_prefix_bytes(const struct ip_prefix *prefix)
{
	if (prefix->family == AF_INET && prefix->bits <= 8 * sizeof prefix->v4)
		return sizeof prefix->v4;
	return prefix->family == AF_INET6 && prefix->bits <= 8 * sizeof prefix->v6 ? sizeof prefix->v6 : 0;
}

void ip_prefix_clear_host(struct ip_prefix *prefix)
{
	size_t bytes = ip_prefix_bytes(prefix);

	for (size_t i = 0; i < bytes; i++) {
		size_t left = prefix->bits > 8 * i ? prefix->bits - 8 * i : 0;

		if (left < 8)
			prefix->v6.s6_addr[i] &= (uint8_t)(0xff00 >> left);
	}
}

int ip_prefix_compare(const struct ip_prefix *a, const struct ip_prefix *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return memcmp(&a->v6, &b->v6, a->family == AF_INET ? sizeof a->v4 : sizeof a->v6);
}

static bool contains(const struct ip_prefix *list, size_t count, const struct ip_prefix *prefix)
{
	for (size_t i = 0; i < count; i++) {
		if (ip_prefix_compare(&list[i], prefix) == 0)
			return true;
	}
	return false;
}

bool ip_prefix_same(const struct ip_prefix *a, size_t a_count, const struct ip_prefix *b, size_t b_count)
{
	for (size_t i = 0; i < a_count; i++) {
		if (!contains(b, b_count, &a[i]))
			return false;
	}
	for (size_t i = 0; i < b_count; i++) {
		if (!contains(a, a_count, &b[i]))
			return false;
	}
	return true;
}

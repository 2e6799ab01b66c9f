#include "daemon/prefix.h"

#include <stdlib.h>
#include <string.h>

struct wireguard_allowed_ip *prefix_convert(const struct wireguard_words_prefix *prefixes, size_t count)
{
	struct wireguard_allowed_ip *list = calloc(count + 1, sizeof *list);

	for (size_t i = 0; list != NULL && i < count; i++) {
		list[i].family = (uint16_t)prefixes[i].family;
		list[i].bits = prefixes[i].bits;
		if (prefixes[i].family == AF_INET6)
			list[i].v6 = prefixes[i].v6;
		else
			list[i].v4 = prefixes[i].v4;
	}
	return list;
}

static bool same_prefix(const struct wireguard_allowed_ip *a, const struct wireguard_allowed_ip *b)
{
	return a->family == b->family && a->bits == b->bits &&
	       memcmp(&a->v6, &b->v6, a->family == AF_INET ? sizeof a->v4 : sizeof a->v6) == 0;
}

static bool contains(const struct wireguard_allowed_ip *list, size_t count,
                     const struct wireguard_allowed_ip *prefix)
{
	for (size_t i = 0; i < count; i++) {
		if (same_prefix(&list[i], prefix))
			return true;
	}
	return false;
}

bool prefix_same(const struct wireguard_allowed_ip *a, size_t a_count, const struct wireguard_allowed_ip *b,
                 size_t b_count)
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

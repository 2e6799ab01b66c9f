#include "daemon/prefix.h"

#include <stdlib.h>

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

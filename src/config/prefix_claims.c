#include "config/prefix_claims.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int prefix_claims_add(struct prefix_claims *claims, const char *device, size_t peer,
                      const struct ip_prefix *prefixes, size_t count)
{
	struct prefix_claim *longer = reallocarray(claims->all, claims->count + count + 1, sizeof *longer);

	if (longer == NULL)
		return -1;
	claims->all = longer;
	for (size_t i = 0; i < count; i++)
		longer[claims->count++] =
			(struct prefix_claim){ .device = device, .peer = peer, .prefix = prefixes[i] };
	return 0;
}

static int compare_prefixes(const struct prefix_claim *left, const struct prefix_claim *right)
{
	int order = strcmp(left->device, right->device);

	return order != 0 ? order : ip_prefix_compare(&left->prefix, &right->prefix);
}

static int compare(const void *a, const void *b)
{
	const struct prefix_claim *left = a;
	const struct prefix_claim *right = b;
	int order = compare_prefixes(left, right);

	return order != 0 ? order : (left->peer > right->peer) - (left->peer < right->peer);
}

bool prefix_claims_collide(struct prefix_claims *claims, size_t *first, size_t *second,
                           char prefix[static PREFIX_CLAIMS_TEXT_BYTES])
{
	const struct prefix_claim *found = NULL;
	char address[INET6_ADDRSTRLEN] = "";

	if (claims->count > 0)
		qsort(claims->all, claims->count, sizeof *claims->all, compare);
	for (size_t i = 1; i < claims->count; i++) {
		const struct prefix_claim *claim = &claims->all[i];

		if (claim[-1].peer != claim->peer && compare_prefixes(&claim[-1], claim) == 0 &&
		    (found == NULL || claim->peer < found->peer))
			found = claim;
	}
	if (found == NULL)
		return false;
	*first = found[-1].peer;
	*second = found->peer;
	(void)inet_ntop(found->prefix.family, &found->prefix.v6, address, sizeof address);
	(void)snprintf(prefix, PREFIX_CLAIMS_TEXT_BYTES, "%s/%u", address, found->prefix.bits);
	return true;
}

void prefix_claims_release(struct prefix_claims *claims)
{
	free(claims->all);
	*claims = (struct prefix_claims){ 0 };
}

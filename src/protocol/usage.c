#include "protocol/usage.h"

size_t usage_network_bytes(const struct rosenpass_address *address, int level)
{
	size_t group = address->group_length > 0 ? address->group_length : address->length;

	return group > (size_t)level ? group - (size_t)level : group > 0;
}

static size_t place(const struct usage *usage, const struct rosenpass_address *address, int level)
{
	return (size_t)(short_hash(usage->key, address->bytes, usage_network_bytes(address, level)) %
	                USAGE_BUCKETS);
}

/* Between two halvings the amount falls evenly. */
uint64_t usage_amount(const struct usage_bucket *bucket, uint64_t now_ns)
{
	uint64_t passed_ns = now_ns > bucket->since_ns ? now_ns - bucket->since_ns : 0;
	uint64_t halvings = passed_ns / USAGE_HALF_NS;
	uint64_t rest_permille = passed_ns % USAGE_HALF_NS / (USAGE_HALF_NS / 1000);
	uint64_t amount = halvings < 64 ? bucket->amount >> halvings : 0;

	return amount - amount * rest_permille / 2000;
}

void usage_amount_add(struct usage_bucket *bucket, uint64_t now_ns)
{
	bucket->amount = usage_amount(bucket, now_ns) + USAGE_ONE;
	bucket->since_ns = now_ns;
}

uint64_t usage_limit(uint64_t limit, uint64_t usage)
{
	/* Beyond that a usage makes no difference, and could wrap. */
	if (usage > UINT32_MAX)
		usage = UINT32_MAX;
	return limit / 2 + limit / 2 * USAGE_MUCH / (USAGE_MUCH + usage);
}

uint64_t usage_of(const struct usage *usage, const struct rosenpass_address *address, uint64_t now_ns)
{
	uint64_t greatest = 0;

	for (int level = 0; level < USAGE_LEVELS; level++) {
		const struct usage_bucket *bucket = &usage->buckets[level][place(usage, address, level)];
		uint64_t amount = usage_amount(bucket, now_ns) >> (USAGE_LEVEL_SHIFT * level);

		if (amount > greatest)
			greatest = amount;
	}
	return greatest;
}

void usage_add(struct usage *usage, const struct rosenpass_address *address, uint64_t now_ns)
{
	for (int level = 0; level < USAGE_LEVELS; level++)
		usage_amount_add(&usage->buckets[level][place(usage, address, level)], now_ns);
}

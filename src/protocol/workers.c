#include "protocol/workers.h"

#include "crypto/keyed_hash.h"
#include "protocol/handshake.h"

struct division {
	workers_job *job;
	void *items;
	size_t count;
	size_t each; /* items in every part but the last */
};

static size_t threads_of(const struct workers *workers)
{
	return workers->run != NULL ? workers->threads + 1 : 1;
}

size_t workers_slice(const struct workers *workers)
{
	size_t lanes = keyed_hash_lane_count();

	/* Without lanes, a batch gains nothing on a single thread. */
	if (threads_of(workers) >= HANDSHAKE_BATCH_MAX / lanes)
		return HANDSHAKE_BATCH_MAX;
	return threads_of(workers) * lanes;
}

static void run_part(void *argument, size_t part)
{
	const struct division *division = argument;
	size_t first = part * division->each;
	size_t rest = division->count - first;

	division->job(division->items, first, rest < division->each ? rest : division->each);
}

void workers_run(const struct workers *workers, workers_job *job, void *items, size_t count)
{
	size_t threads = threads_of(workers);
	size_t lanes = keyed_hash_lane_count();
	struct division division = { job, items, count, (count + threads - 1) / threads };

	/* Lanes that stay empty cost as much as full ones. */
	division.each = (division.each + lanes - 1) / lanes * lanes;
	if (division.each >= count)
		job(items, 0, count);
	else
		workers->run(workers->context, run_part, &division,
		             (count + division.each - 1) / division.each);
}

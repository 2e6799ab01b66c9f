#include "engine/parts.h"

#include <string.h>

#include "protocol/messages.h"
#include "system/clock.h"

/*
 * EmptyData tells the initiator that we have the key. Its WireGuard calls ours a moment later, and if ours
 * does not have the key by then, both fail and try again after five seconds. So EmptyData waits until the
 * monitor has delivered the key to WireGuard, or for this long.
 */
#define HOLD_NS CLOCK_SECOND_NS

/* Takes the peer out of the list of those that wait. */
static void unlist(struct engine_process *process, struct engine_peer *peer)
{
	struct engine_peer **at = &process->hold_first;

	if (peer->hold_until_ns == 0)
		return;
	peer->hold_until_ns = 0;
	while (*at != peer)
		at = &(*at)->hold_next;
	*at = peer->hold_next;
	if (process->hold_last == &peer->hold_next)
		process->hold_last = at;
}

void engine_hold_init(struct engine_process *process)
{
	process->hold_first = NULL;
	process->hold_last = &process->hold_first;
}

void engine_hold_begin(struct engine_process *process, struct engine_peer *peer)
{
	if (!peer->holds)
		return;
	unlist(process, peer);
	peer->held_count = 0;
	peer->hold_until_ns = clock_now_ns() + HOLD_NS;
	peer->hold_next = NULL;
	*process->hold_last = peer;
	process->hold_last = &peer->hold_next;
}

bool engine_hold_take(struct engine_peer *peer, const struct rosenpass_output *output,
                      const struct address_path *path)
{
	if (peer == NULL || peer->hold_until_ns == 0 || output->length != sizeof peer->held ||
	    output->data[0] != MESSAGE_EMPTY_DATA)
		return false;
	memcpy(peer->held, output->data, sizeof peer->held);
	for (size_t i = 0; i < peer->held_count; i++) {
		if (address_equal(&peer->held_paths[i].remote, &path->remote))
			return true;
	}
	/* Copies of InitConf may come from elsewhere, and the first one need not be the peer's. */
	if (peer->held_count < ENGINE_HELD_PATHS)
		peer->held_paths[peer->held_count++] = *path;
	return true;
}

void engine_hold_release(struct engine_process *process, struct engine_peer *peer)
{
	unlist(process, peer);
	for (size_t i = 0; i < peer->held_count; i++)
		engine_transmit_now(process, peer, peer->held, sizeof peer->held, &peer->held_paths[i]);
	peer->held_count = 0;
}

void engine_hold_forget(struct engine_process *process, struct engine_peer *peer)
{
	unlist(process, peer);
	peer->held_count = 0;
}

uint64_t engine_hold_deadline(const struct engine_process *process)
{
	return process->hold_first == NULL ? UINT64_MAX : process->hold_first->hold_until_ns;
}

void engine_hold_expire(struct engine_process *process, uint64_t now_ns)
{
	while (engine_hold_deadline(process) <= now_ns)
		engine_hold_release(process, process->hold_first);
}

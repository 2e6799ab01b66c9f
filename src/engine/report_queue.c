#include "engine/parts.h"

#include <sodium.h>

void report_queue_add(struct engine_process *process, struct engine_peer *peer, uint32_t what)
{
	bool is_listed = peer->tell != 0;

	/* Of a key and its end only the later one counts. */
	if (what == REPORT_KEY)
		peer->tell &= ~(REPORT_STALE | REPORT_TIMED_OUT);
	if (what == REPORT_STALE) {
		peer->tell &= ~REPORT_KEY;
		sodium_memzero(peer->key, ROSENPASS_KEY_BYTES);
	}
	if (!is_listed) {
		peer->next = NULL;
		*process->queue_last = peer;
		process->queue_last = &peer->next;
	}
	peer->tell |= what;
}

void report_queue_forget(struct engine_process *process, struct engine_peer *peer)
{
	struct engine_peer **at = &process->queue_first;

	if (peer->tell == 0)
		return;
	while (*at != peer)
		at = &(*at)->next;
	*at = peer->next;
	if (process->queue_last == &peer->next)
		process->queue_last = at;
	peer->tell = 0;
}

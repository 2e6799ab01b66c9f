#include "base/backoff.h"

void backoff_none(struct backoff *backoff)
{
	*backoff = (struct backoff){ .next_ns = BACKOFF_NEVER };
}

void backoff_next(struct backoff *backoff, uint64_t now_ns, uint64_t first_ns, uint64_t most_ns)
{
	backoff->wait_ns = backoff->wait_ns == 0 ? first_ns : backoff->wait_ns * 2;
	if (backoff->wait_ns > most_ns)
		backoff->wait_ns = most_ns;
	backoff->next_ns = now_ns + backoff->wait_ns;
}

#ifndef ROSENPASS_BASE_BACKOFF_H
#define ROSENPASS_BASE_BACKOFF_H

/* Retries that come less and less often. */

#include <stdint.h>

#define BACKOFF_NEVER UINT64_MAX

struct backoff {
	uint64_t next_ns; /* when to retry; BACKOFF_NEVER: not at all */
	uint64_t wait_ns; /* the last wait; 0: there was none */
};

/* After a success: no retry, and the next failure waits as the first one. */
void backoff_none(struct backoff *backoff);

/* After a failure: waits first_ns, then twice the last wait, up to most_ns. */
void backoff_next(struct backoff *backoff, uint64_t now_ns, uint64_t first_ns, uint64_t most_ns);

#endif

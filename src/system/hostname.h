#ifndef ROSENPASS_SYSTEM_HOSTNAME_H
#define ROSENPASS_SYSTEM_HOSTNAME_H

/*
 * A "HOST:PORT" that is kept resolved: retried with a back-off until it resolves, then resolved again from
 * time to time. Literal addresses need no process.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "system/address.h"
#include "system/resolver_pool.h"

/* hostname_recheck() does not resolve again before an answer is this old. */
#define HOSTNAME_FRESH_SECONDS 10

struct hostname;

/* Borrowed by the callback. */
struct hostname_answer {
	const union address_socket *addresses;
	size_t count;        /* 0 when there is a problem */
	const char *problem; /* a reason in English; NULL: it resolves */
	bool is_news;        /* the first failure since it resolved, or the first success since it failed */
};

typedef void hostname_fn(void *owner, const struct hostname_answer *answer);

struct hostname_options {
	uint64_t first_ns, most_ns; /* waits after the first failure, and after many */
	uint64_t again_ns;          /* when a name that has resolved is resolved again */
	hostname_fn *answered;      /* may destroy the hostname */
	/*
	 * Asked before a resolution that again_ns or hostname_recheck() has made due. false: nobody needs it
	 * now; it is asked about again after again_ns. NULL: always needed.
	 */
	bool (*is_needed)(void *owner);
	void *owner;
};

/*
 * Starts to resolve; answers come from the loop. A literal address is there at once, without a callback,
 * unless the interface that its scope names is not there. The text is copied. 0 or -ENOMEM.
 */
int hostname_create(struct hostname **out, struct resolver_pool *pool, const char *text,
                    const struct hostname_options *options) __attribute__((warn_unused_result));

/* Ends its process, too. NULL is allowed. */
void hostname_destroy(struct hostname *hostname);

const char *hostname_text(const struct hostname *hostname);

/*
 * Returns what it resolved to last, even if it does not resolve now: nothing better is known. hostname NULL,
 * or never resolved: *count is 0.
 */
const union address_socket *hostname_addresses(const struct hostname *hostname, size_t *count);

/* Returns why it does not resolve. NULL: it does, is resolved for the first time, or hostname is NULL. */
const char *hostname_problem(const struct hostname *hostname);

/*
 * Resolves at once, with a new back-off; what is being resolved is resolved once more. For news of the
 * network: other name servers may answer now. NULL is allowed.
 */
void hostname_refresh(struct hostname *hostname);

/*
 * Resolves again, but not sooner than HOSTNAME_FRESH_SECONDS after the last answer, and not while it fails.
 * For a peer that does not answer: it may have moved. NULL is allowed.
 */
void hostname_recheck(struct hostname *hostname);

#endif

#ifndef ROSENPASS_CRYPTO_KEYED_HASH_BACKEND_H
#define ROSENPASS_CRYPTO_KEYED_HASH_BACKEND_H

/* Implementations of keyed_hash_lanes() for one kind of CPU each, and the choice among them. */

#include <stdbool.h>
#include <stddef.h>

#include "crypto/keyed_hash.h"

#define KEYED_HASH_BACKEND_LANES_MAX 4

struct keyed_hash_backend {
	const char *name;
	size_t lanes;               /* that are computed at once, up to KEYED_HASH_BACKEND_LANES_MAX */
	bool (*is_supported)(void); /* by this CPU and the operating system */
	/*
	 * Does what keyed_hash_lanes() does for 1 to that many lanes; fewer take as long as all.
	 * Constant time in keys and data; what is kept of them is wiped.
	 */
	void (*compute)(enum keyed_hash hash, const struct keyed_hash_lane *lanes, size_t lane_count,
	                size_t data_len);
};

#if defined(__x86_64__) && defined(__GNUC__)
#define KEYED_HASH_HAS_AVX2
extern const struct keyed_hash_backend keyed_hash_avx2;
#endif

/* All that were built, the best first; the last but the end, NULL, is portable C and works everywhere. */
extern const struct keyed_hash_backend *const keyed_hash_backends[];

/* The self-test: whether a backend that this CPU supports computes what portable C does. */
bool keyed_hash_backend_works(const struct keyed_hash_backend *backend);

/* The first one that this CPU supports and that passes its self-test, which the first call makes. */
const struct keyed_hash_backend *keyed_hash_backend(void);

#endif

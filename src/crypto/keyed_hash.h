#ifndef ROSENPASS_CRYPTO_KEYED_HASH_H
#define ROSENPASS_CRYPTO_KEYED_HASH_H

/*
 * The keyed hash on which the whole key exchange stands, in the two forms that
 * are spoken on the wire, each for one message or for many in parallel lanes.
 *
 * BLAKE2b form, with B(k, d) = BLAKE2b-256 keyed with k:
 *     B(key ^ 5c5c.., B(key ^ 3636.., data))
 * SHAKE256 form: the first 32 bytes of SHAKE256(key || data).
 *
 * Constant time in keys and data; the lengths are public.
 */

#include <stddef.h>
#include <stdint.h>

#define KEYED_HASH_KEY_BYTES 32
#define KEYED_HASH_OUT_BYTES 32

enum keyed_hash {
	KEYED_HASH_BLAKE2B = 0,
	KEYED_HASH_SHAKE256 = 1,
};
#define KEYED_HASH_COUNT 2

/* out = hash(key, data). out may be key. */
void keyed_hash(enum keyed_hash hash, uint8_t out[static KEYED_HASH_OUT_BYTES],
                const uint8_t key[static KEYED_HASH_KEY_BYTES], const uint8_t *data, size_t data_len);

/*
 * One lane of keyed_hash_lanes(). All lanes of a call have messages of the same
 * length; several may name the same message, which costs a SIMD backend less.
 */
struct keyed_hash_lane {
	const uint8_t *key;  /* KEYED_HASH_KEY_BYTES */
	const uint8_t *data; /* data_len bytes, as given to keyed_hash_lanes */
	uint8_t *out;        /* KEYED_HASH_OUT_BYTES; may be key of the same lane */
};

/* Computes every lane's out = hash(key, data). Any number of lanes, 0 included. */
void keyed_hash_lanes(enum keyed_hash hash, const struct keyed_hash_lane *lanes, size_t lane_count,
                      size_t data_len);

/* Returns how many lanes are computed at once on this CPU: more in one call take longer. */
size_t keyed_hash_lane_count(void);

#ifdef ROSENPASS_TESTING
/* Number of hashes over keyed_hash_long_bytes bytes or more since the process began. */
#define KEYED_HASH_LONG_BYTES 524160
extern uint64_t keyed_hash_long_count;
#endif

#endif

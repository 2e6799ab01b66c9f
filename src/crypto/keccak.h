#ifndef ROSENPASS_CRYPTO_KECCAK_H
#define ROSENPASS_CRYPTO_KECCAK_H

/*
 * Keccak-f[1600] and the FIPS 202 functions on it. Constant time in the data;
 * the lengths are public.
 */

#include <stddef.h>
#include <stdint.h>

#define KECCAK_STATE_WORDS 25
#define KECCAK_SHAKE128_RATE 168
#define KECCAK_SHAKE256_RATE 136
#define KECCAK_SHA3_256_BYTES 32
#define KECCAK_SHA3_512_BYTES 64

/* One SHAKE computation in progress. Holds what was absorbed: wipe it when that was secret. */
struct keccak_shake {
	uint64_t state[KECCAK_STATE_WORDS];
	uint32_t rate;     /* bytes per block */
	uint32_t position; /* bytes of the current block absorbed or squeezed */
};

/* The permutation, in place. */
void keccak_f1600(uint64_t state[static KECCAK_STATE_WORDS]);

/* Incremental SHAKE: init, any number of absorbs, one finish, any number of squeezes. */
void keccak_shake128_init(struct keccak_shake *shake);
void keccak_shake256_init(struct keccak_shake *shake);
void keccak_shake_absorb(struct keccak_shake *shake, const uint8_t *in, size_t in_len);
void keccak_shake_finish(struct keccak_shake *shake);
void keccak_shake_squeeze(struct keccak_shake *shake, uint8_t *out, size_t out_len);

/* One-shot forms; the state is wiped. out may not overlap in. */
void keccak_shake256(uint8_t *out, size_t out_len, const uint8_t *in, size_t in_len);
void keccak_sha3_256(uint8_t out[static KECCAK_SHA3_256_BYTES], const uint8_t *in, size_t in_len);
void keccak_sha3_512(uint8_t out[static KECCAK_SHA3_512_BYTES], const uint8_t *in, size_t in_len);

#endif

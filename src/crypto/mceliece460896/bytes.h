#ifndef ROSENPASS_CRYPTO_MCELIECE460896_BYTES_H
#define ROSENPASS_CRYPTO_MCELIECE460896_BYTES_H

/* Little-endian numbers in byte strings; crypto/bytes.h has those of 64 bits. */

#include <stdint.h>

static inline uint16_t mceliece_bytes_load_u16(const uint8_t in[static 2])
{
	return (uint16_t)(in[0] | in[1] << 8);
}

static inline void mceliece_bytes_store_u16(uint8_t out[static 2], uint16_t x)
{
	out[0] = (uint8_t)x;
	out[1] = (uint8_t)(x >> 8);
}

static inline uint32_t mceliece_bytes_load_u32(const uint8_t in[static 4])
{
	return in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

#endif

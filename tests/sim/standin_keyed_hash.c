#include "crypto/keyed_hash.h"

#include "crypto/bytes.h"

/*
 * A cheap twin of the keyed hash for simulations: every bit of key and data counts,
 * but nobody should trust it. Of a whole public key only the beginning is read: the
 * keys of the simulation differ there.
 */
#define WHOLE_KEY_BYTES 524160
#define READ_BYTES 64

static uint64_t rotate(uint64_t x, int bits)
{
	return x << bits | x >> (64 - bits);
}

static void stir(uint64_t v[4])
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static void absorb(uint64_t v[4], uint64_t word)
{
	v[3] ^= word;
	stir(v);
	stir(v);
	v[0] ^= word;
}

void keyed_hash(enum keyed_hash hash, uint8_t out[static KEYED_HASH_OUT_BYTES],
                const uint8_t key[static KEYED_HASH_KEY_BYTES], const uint8_t *data, size_t data_len)
{
	uint64_t v[4] = {
		UINT64_C(0x243f6a8885a308d3) ^ (uint64_t)hash,
		UINT64_C(0x13198a2e03707344),
		UINT64_C(0xa4093822299f31d0),
		UINT64_C(0x082efa98ec4e6c89),
	};
	size_t length = data_len < WHOLE_KEY_BYTES ? data_len : READ_BYTES;
	uint8_t last[8] = { 0 };
	size_t i;

	for (i = 0; i < KEYED_HASH_KEY_BYTES; i += 8)
		absorb(v, bytes_load64(key + i));
	absorb(v, data_len);
	for (i = 0; length - i >= 8; i += 8)
		absorb(v, bytes_load64(data + i));
	if (length > i)
		memcpy(last, data + i, length - i);
	absorb(v, bytes_load64(last));
	for (i = 0; i < KEYED_HASH_OUT_BYTES; i += 8) {
		v[2] ^= 0xff + i;
		stir(v);
		stir(v);
		stir(v);
		stir(v);
		bytes_store64(out + i, v[0] ^ v[1] ^ v[2] ^ v[3]);
	}
}

void keyed_hash_lanes(enum keyed_hash hash, const struct keyed_hash_lane *lanes, size_t lane_count,
                      size_t data_len)
{
	for (size_t i = 0; i < lane_count; i++)
		keyed_hash(hash, lanes[i].out, lanes[i].key, lanes[i].data, data_len);
}

/* As with AVX2: batches are worked on in slices. */
size_t keyed_hash_lane_count(void)
{
	return 4;
}

#include "crypto/keccak.h"

#include <string.h>

#include "crypto/bytes.h"
#include "crypto/ct.h"
#include "crypto/keccak_constants.h"

#define SHA3_512_RATE 72
#define DOMAIN_SHA3 0x06

#define ROTATE(x, n) ((x) << (n) | (x) >> (-(n)&63))

/*
 * Lanes 1, 2, 8, 12, 17 and 20 are kept complemented during the permutation. Theta
 * then complements whole columns, and with De Morgan's rules one NOT is left in each
 * row of chi instead of five (Keccak implementation overview, "lane complementing").
 * The five forms follow from which of b0 .. b4, the lanes that rho and pi bring into
 * the row, come in complemented and which lanes go out so.
 */
static const uint8_t complemented[] = { 1, 2, 8, 12, 17, 20 };

#define CHI_0(E, e0, e1, e2, e3, e4)                                                                     \
	E##e0 = b0 ^ (b1 | b2), E##e1 = b1 ^ (~b2 | b3), E##e2 = b2 ^ (b3 & b4), E##e3 = b3 ^ (b4 | b0), \
	E##e4 = b4 ^ (b0 & b1)
#define CHI_1(E, e0, e1, e2, e3, e4)                                                                     \
	E##e0 = b0 ^ (b1 | b2), E##e1 = b1 ^ (b2 & b3), E##e2 = b2 ^ (b3 | ~b4), E##e3 = b3 ^ (b4 | b0), \
	E##e4 = b4 ^ (b0 & b1)
#define CHI_2(E, e0, e1, e2, e3, e4)                                                      \
	E##e0 = b0 ^ (b1 | b2), E##e1 = b1 ^ (b2 & b3), b3 = ~b3, E##e2 = b2 ^ (b3 & b4), \
	E##e3 = b3 ^ (b4 | b0), E##e4 = b4 ^ (b0 & b1)
#define CHI_3(E, e0, e1, e2, e3, e4)                                                      \
	E##e0 = b0 ^ (b1 & b2), E##e1 = b1 ^ (b2 | b3), b3 = ~b3, E##e2 = b2 ^ (b3 | b4), \
	E##e3 = b3 ^ (b4 & b0), E##e4 = b4 ^ (b0 | b1)
#define CHI_4(E, e0, e1, e2, e3, e4)                                                      \
	E##e4 = b4 ^ (b0 & b1), b1 = ~b1, E##e0 = b0 ^ (b1 & b2), E##e1 = b1 ^ (b2 | b3), \
	E##e2 = b2 ^ (b3 & b4), E##e3 = b3 ^ (b4 | b0)

#define ROW(CHI, E, e0, e1, e2, e3, e4, b0_, b1_, b2_, b3_, b4_)                     \
	do {                                                                         \
		uint64_t b0 = (b0_), b1 = (b1_), b2 = (b2_), b3 = (b3_), b4 = (b4_); \
		CHI(E, e0, e1, e2, e3, e4);                                          \
	} while (0)

#define ROUND(A, E, rc)                                                                                \
	do {                                                                                           \
		uint64_t c0 = A##0 ^ A##5 ^ A##10 ^ A##15 ^ A##20;                                     \
		uint64_t c1 = A##1 ^ A##6 ^ A##11 ^ A##16 ^ A##21;                                     \
		uint64_t c2 = A##2 ^ A##7 ^ A##12 ^ A##17 ^ A##22;                                     \
		uint64_t c3 = A##3 ^ A##8 ^ A##13 ^ A##18 ^ A##23;                                     \
		uint64_t c4 = A##4 ^ A##9 ^ A##14 ^ A##19 ^ A##24;                                     \
		uint64_t d0 = c4 ^ ROTATE(c1, 1);                                                      \
		uint64_t d1 = c0 ^ ROTATE(c2, 1);                                                      \
		uint64_t d2 = c1 ^ ROTATE(c3, 1);                                                      \
		uint64_t d3 = c2 ^ ROTATE(c4, 1);                                                      \
		uint64_t d4 = c3 ^ ROTATE(c0, 1);                                                      \
		ROW(CHI_0, E, 0, 1, 2, 3, 4, A##0 ^ d0, ROTATE(A##6 ^ d1, 44), ROTATE(A##12 ^ d2, 43), \
		    ROTATE(A##18 ^ d3, 21), ROTATE(A##24 ^ d4, 14));                                   \
		E##0 ^= (rc);                                                                          \
		ROW(CHI_1, E, 5, 6, 7, 8, 9, ROTATE(A##3 ^ d3, 28), ROTATE(A##9 ^ d4, 20),             \
		    ROTATE(A##10 ^ d0, 3), ROTATE(A##16 ^ d1, 45), ROTATE(A##22 ^ d2, 61));            \
		ROW(CHI_2, E, 10, 11, 12, 13, 14, ROTATE(A##1 ^ d1, 1), ROTATE(A##7 ^ d2, 6),          \
		    ROTATE(A##13 ^ d3, 25), ROTATE(A##19 ^ d4, 8), ROTATE(A##20 ^ d0, 18));            \
		ROW(CHI_3, E, 15, 16, 17, 18, 19, ROTATE(A##4 ^ d4, 27), ROTATE(A##5 ^ d0, 36),        \
		    ROTATE(A##11 ^ d1, 10), ROTATE(A##17 ^ d2, 15), ROTATE(A##23 ^ d3, 56));           \
		ROW(CHI_4, E, 20, 21, 22, 23, 24, ROTATE(A##2 ^ d2, 62), ROTATE(A##8 ^ d3, 55),        \
		    ROTATE(A##14 ^ d4, 39), ROTATE(A##15 ^ d0, 41), ROTATE(A##21 ^ d1, 2));            \
	} while (0)

/* Two rounds at a time, from one set of variables to the other and back: no lane is ever copied. */
void keccak_f1600(uint64_t state[static KECCAK_STATE_WORDS])
{
	for (size_t i = 0; i < sizeof complemented; i++)
		state[complemented[i]] = ~state[complemented[i]];
	uint64_t a0 = state[0], a1 = state[1], a2 = state[2], a3 = state[3], a4 = state[4];
	uint64_t a5 = state[5], a6 = state[6], a7 = state[7], a8 = state[8], a9 = state[9];
	uint64_t a10 = state[10], a11 = state[11], a12 = state[12], a13 = state[13], a14 = state[14];
	uint64_t a15 = state[15], a16 = state[16], a17 = state[17], a18 = state[18], a19 = state[19];
	uint64_t a20 = state[20], a21 = state[21], a22 = state[22], a23 = state[23], a24 = state[24];
	uint64_t e0, e1, e2, e3, e4, e5, e6, e7, e8, e9, e10, e11, e12;
	uint64_t e13, e14, e15, e16, e17, e18, e19, e20, e21, e22, e23, e24;

	for (int round = 0; round < 24; round += 2) {
		ROUND(a, e, keccak_round_constants[round]);
		ROUND(e, a, keccak_round_constants[round + 1]);
	}
	state[0] = a0, state[1] = a1, state[2] = a2, state[3] = a3, state[4] = a4;
	state[5] = a5, state[6] = a6, state[7] = a7, state[8] = a8, state[9] = a9;
	state[10] = a10, state[11] = a11, state[12] = a12, state[13] = a13, state[14] = a14;
	state[15] = a15, state[16] = a16, state[17] = a17, state[18] = a18, state[19] = a19;
	state[20] = a20, state[21] = a21, state[22] = a22, state[23] = a23, state[24] = a24;
	for (size_t i = 0; i < sizeof complemented; i++)
		state[complemented[i]] = ~state[complemented[i]];
}

static void xor_byte(struct keccak_shake *shake, uint32_t position, uint8_t byte)
{
	shake->state[position / 8] ^= (uint64_t)byte << (8 * (position % 8));
}

static void init(struct keccak_shake *shake, uint32_t rate)
{
	memset(shake, 0, sizeof *shake);
	shake->rate = rate;
}

void keccak_shake128_init(struct keccak_shake *shake)
{
	init(shake, KECCAK_SHAKE128_RATE);
}

void keccak_shake256_init(struct keccak_shake *shake)
{
	init(shake, KECCAK_SHAKE256_RATE);
}

void keccak_shake_absorb(struct keccak_shake *shake, const uint8_t *in, size_t in_len)
{
	while (in_len > 0) {
		if (shake->position == 0 && in_len >= shake->rate) {
			for (uint32_t i = 0; i < shake->rate / 8; i++)
				shake->state[i] ^= bytes_load64(in + 8 * i);
			in += shake->rate;
			in_len -= shake->rate;
			keccak_f1600(shake->state);
			continue;
		}
		if (shake->position % 8 == 0 && in_len >= 8) {
			shake->state[shake->position / 8] ^= bytes_load64(in);
			shake->position += 8;
			in += 8;
			in_len -= 8;
		} else {
			xor_byte(shake, shake->position++, *in++);
			in_len--;
		}
		if (shake->position == shake->rate) {
			keccak_f1600(shake->state);
			shake->position = 0;
		}
	}
}

static void finish(struct keccak_shake *shake, uint8_t domain)
{
	xor_byte(shake, shake->position, domain);
	xor_byte(shake, shake->rate - 1, 0x80);
	keccak_f1600(shake->state);
	shake->position = 0;
}

void keccak_shake_finish(struct keccak_shake *shake)
{
	finish(shake, KECCAK_DOMAIN_SHAKE);
}

void keccak_shake_squeeze(struct keccak_shake *shake, uint8_t *out, size_t out_len)
{
	while (out_len > 0) {
		uint64_t word;

		if (shake->position == shake->rate) {
			keccak_f1600(shake->state);
			shake->position = 0;
		}
		word = shake->state[shake->position / 8];
		if (shake->position % 8 == 0 && out_len >= 8) {
			bytes_store64(out, word);
			shake->position += 8;
			out += 8;
			out_len -= 8;
		} else {
			*out++ = (uint8_t)(word >> (8 * (shake->position % 8)));
			shake->position++;
			out_len--;
		}
	}
}

static void one_shot(uint8_t *out, size_t out_len, uint32_t rate, uint8_t domain, const uint8_t *in,
                     size_t in_len)
{
	struct keccak_shake shake;

	init(&shake, rate);
	keccak_shake_absorb(&shake, in, in_len);
	finish(&shake, domain);
	keccak_shake_squeeze(&shake, out, out_len);
	ct_wipe(&shake, sizeof shake);
}

void keccak_shake256(uint8_t *out, size_t out_len, const uint8_t *in, size_t in_len)
{
	one_shot(out, out_len, KECCAK_SHAKE256_RATE, KECCAK_DOMAIN_SHAKE, in, in_len);
}

void keccak_sha3_256(uint8_t out[static KECCAK_SHA3_256_BYTES], const uint8_t *in, size_t in_len)
{
	one_shot(out, KECCAK_SHA3_256_BYTES, KECCAK_SHAKE256_RATE, DOMAIN_SHA3, in, in_len);
}

void keccak_sha3_512(uint8_t out[static KECCAK_SHA3_512_BYTES], const uint8_t *in, size_t in_len)
{
	one_shot(out, KECCAK_SHA3_512_BYTES, SHA3_512_RATE, DOMAIN_SHA3, in, in_len);
}

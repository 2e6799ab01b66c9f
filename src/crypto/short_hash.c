#include "crypto/short_hash.h"

struct state {
	uint64_t v[4];
};

static uint64_t load64(const uint8_t *in, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value |= (uint64_t)in[i] << (8 * i);
	return value;
}

static uint64_t rotate(uint64_t value, unsigned bits)
{
	return value << bits | value >> (64 - bits);
}

/* Half a SipRound on the words a, b and c, d. */
static void half_round(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, unsigned first, unsigned second)
{
	*a += *b;
	*c += *d;
	*b = rotate(*b, first) ^ *a;
	*d = rotate(*d, second) ^ *c;
	*a = rotate(*a, 32);
}

static void rounds(struct state *s, int count)
{
	for (int i = 0; i < count; i++) {
		half_round(&s->v[0], &s->v[1], &s->v[2], &s->v[3], 13, 16);
		half_round(&s->v[2], &s->v[1], &s->v[0], &s->v[3], 17, 21);
	}
}

static void absorb(struct state *s, uint64_t word)
{
	s->v[3] ^= word;
	rounds(s, 2);
	s->v[0] ^= word;
}

uint64_t short_hash(const uint8_t key[static SHORT_HASH_KEY_BYTES], const uint8_t *data, size_t data_len)
{
	uint64_t k0 = load64(key, 8);
	uint64_t k1 = load64(key + 8, 8);
	/* The constants spell "somepseudorandomlygeneratedbytes". */
	struct state s = { { k0 ^ UINT64_C(0x736f6d6570736575), k1 ^ UINT64_C(0x646f72616e646f6d),
		             k0 ^ UINT64_C(0x6c7967656e657261), k1 ^ UINT64_C(0x7465646279746573) } };
	size_t whole = data_len / 8 * 8;

	for (size_t i = 0; i < whole; i += 8)
		absorb(&s, load64(data + i, 8));
	absorb(&s, load64(data + whole, data_len - whole) | (uint64_t)data_len << 56);
	s.v[2] ^= 0xff;
	rounds(&s, 4);
	return s.v[0] ^ s.v[1] ^ s.v[2] ^ s.v[3];
}

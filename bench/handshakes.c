#include "handshakes.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "rosenpass.h"

/* Between two handshakes, in the engines' time: less than a renewal, so that nothing starts by itself. */
#define STEP_NS UINT64_C(1000000000)

struct side {
	struct rosenpass *engine;
	rosenpass_peer peer;
	uint8_t key[ROSENPASS_KEY_BYTES];
	size_t keys;
};

/* A pair of engines for each dialect. */
static struct side sides[ROSENPASS_DIALECT_COUNT][2];
static uint64_t now_ns;

static int fill_random(void *context, uint8_t *out, size_t out_len)
{
	(void)context;
	randombytes_buf(out, out_len);
	return 0;
}

/* Hands what one side puts out to the other. Whether there was anything. */
static bool pass_on(struct side *from, struct side *to)
{
	struct rosenpass_output output = { .size = sizeof output };
	bool any = false;

	while (rosenpass_next(from->engine, &output)) {
		struct rosenpass_datagram datagram = { .size = sizeof datagram,
			                               .data = output.data,
			                               .length = output.length };

		any = true;
		if (output.kind == ROSENPASS_OUTPUT_SEND) {
			(void)rosenpass_receive(to->engine, &datagram, 1, now_ns);
		} else if (output.kind == ROSENPASS_OUTPUT_KEY) {
			memcpy(from->key, output.data, sizeof from->key);
			from->keys++;
		}
	}
	return any;
}

static void handshake(struct side pair[static 2])
{
	size_t keys = pair[0].keys + pair[1].keys;

	now_ns += STEP_NS;
	if (rosenpass_peer_initiate(pair[0].engine, pair[0].peer, now_ns) != 0)
		abort();
	rosenpass_expire(pair[0].engine, now_ns);
	while (pass_on(&pair[0], &pair[1]) || pass_on(&pair[1], &pair[0]))
		continue;
	/* A handshake that does not end in the same key on both sides is not worth its time. */
	if (pair[0].keys + pair[1].keys != keys + 2 ||
	    memcmp(pair[0].key, pair[1].key, sizeof pair[0].key) != 0)
		abort();
}

void bench_handshake_blake2b_188(size_t number)
{
	(void)number;
	handshake(sides[ROSENPASS_BLAKE2B_188]);
}

void bench_handshake_blake2b_156(size_t number)
{
	(void)number;
	handshake(sides[ROSENPASS_BLAKE2B_156]);
}

void bench_handshake_shake256_156(size_t number)
{
	(void)number;
	handshake(sides[ROSENPASS_SHAKE256_156]);
}

static int make_side(struct side *side, int dialect, const uint8_t *pk, const uint8_t *sk,
                     const uint8_t *peer_pk, bool initiates)
{
	static const struct rosenpass_environment environment = { .size = sizeof environment,
		                                                  .random = fill_random };
	struct rosenpass_config config = {
		.size = sizeof config,
		.public_key = pk,
		.secret_key = sk,
		.environment = &environment,
	};
	struct rosenpass_peer_config peer = {
		.size = sizeof peer,
		.public_key = peer_pk,
		.dialects = ROSENPASS_DIALECT_BIT(dialect),
		.discover = initiates,
	};

	if (rosenpass_create(&side->engine, &config) != 0)
		return -1;
	return rosenpass_peer_add(side->engine, &peer, now_ns, &side->peer);
}

int bench_handshakes_prepare(const uint8_t *pk, const uint8_t *sk, const uint8_t *other_pk,
                             const uint8_t *other_sk)
{
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		struct side *pair = sides[dialect];

		if (make_side(&pair[0], dialect, pk, sk, other_pk, true) != 0 ||
		    make_side(&pair[1], dialect, other_pk, other_sk, pk, false) != 0)
			return -1;
		/* The first one computes what is computed once per key. */
		handshake(pair);
	}
	return 0;
}

void bench_handshakes_release(void)
{
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++) {
		rosenpass_destroy(sides[dialect][0].engine);
		rosenpass_destroy(sides[dialect][1].engine);
	}
}

/*
 * A hub with ten thousand peers, on the stand-in primitives: what a peer costs in
 * memory, that all are called and none twice, and that what is done for one of them
 * does not take longer because of the others.
 *
 * usage: many_peers
 */

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "crypto/mceliece460896.h"
#include "rosenpass.h"

#define MANY 10000
#define FEW 10
#define PREFIX_BYTES 64 /* what the stand-ins use of a public key */
#define PEER_BYTES_MAX 4096
#define HANDSHAKES 50
#define ROUNDS 7
/* The same work with a thousand times the peers: cache misses are allowed for, a walk over all is not. */
#define SLOWER_MAX 8.0
#define START_NS UINT64_C(1000000000000)

static int passed;
static int failed;

static void check(bool good, const char *what)
{
	printf("%s  %s\n", good ? "PASS" : "FAIL", what);
	if (good)
		passed++;
	else
		failed++;
}

static size_t allocated;

static void *allocate(void *context, size_t bytes)
{
	(void)context;
	allocated += bytes;
	return calloc(1, bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
	(void)context;
	allocated -= bytes;
	free(memory);
}

static int fill_random(void *context, uint8_t *out, size_t out_len)
{
	(void)context;
	randombytes_buf(out, out_len);
	return 0;
}

/*
 * Keys that overlap: each begins 64 bytes after the one before it, and the stand-ins
 * look at no more than that. Key MANY is the hub's.
 */
static uint8_t *keys;

static const uint8_t *key_of(size_t number)
{
	return keys + PREFIX_BYTES * number;
}

static struct rosenpass *make_engine(const uint8_t *pk, const uint8_t *sk)
{
	static const struct rosenpass_environment environment = {
		.size = sizeof environment, .random = fill_random, .allocate = allocate, .release = release
	};
	struct rosenpass_config config = {
		.size = sizeof config,
		.public_key = pk,
		.secret_key = sk,
		.environment = &environment,
	};
	struct rosenpass *engine = NULL;

	if (rosenpass_create(&engine, &config) != 0)
		abort();
	return engine;
}

static rosenpass_peer add(struct rosenpass *engine, const uint8_t *pk, bool discover)
{
	struct rosenpass_peer_config config = { .size = sizeof config,
		                                .public_key = pk,
		                                .discover = discover };
	rosenpass_peer peer;

	if (rosenpass_peer_add(engine, &config, START_NS, &peer) != 0)
		abort();
	return peer;
}

/* Hands over what one engine puts out. Returns the number of keys that it reported. */
static int pass_on(struct rosenpass *from, struct rosenpass *to, uint64_t now_ns, bool *any)
{
	struct rosenpass_output output = { .size = sizeof output };
	int reported = 0;

	while (rosenpass_next(from, &output)) {
		struct rosenpass_datagram datagram = { .size = sizeof datagram,
			                               .data = output.data,
			                               .length = output.length };

		*any = true;
		if (output.kind == ROSENPASS_OUTPUT_SEND)
			(void)rosenpass_receive(to, &datagram, 1, now_ns);
		reported += output.kind == ROSENPASS_OUTPUT_KEY;
	}
	return reported;
}

/* HANDSHAKES handshakes that the client begins: seconds of processor time, or a negative value. */
static double handshakes(struct rosenpass *client, rosenpass_peer hub_peer, struct rosenpass *hub,
                         uint64_t *now_ns)
{
	struct timespec start;
	struct timespec end;
	int reported = 0;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
	for (int i = 0; i < HANDSHAKES; i++) {
		bool any = true;

		*now_ns += 1000000;
		if (rosenpass_peer_initiate(client, hub_peer, *now_ns) != 0)
			return -1;
		rosenpass_expire(client, *now_ns);
		while (any) {
			any = false;
			reported += pass_on(client, hub, *now_ns, &any);
			reported += pass_on(hub, client, *now_ns, &any);
		}
	}
	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
	if (reported != 2 * HANDSHAKES)
		return -1;
	return (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9;
}

/* All peers are due: each is sent one InitHello. */
static bool calls_each_once(struct rosenpass *hub, size_t peers)
{
	bool *called = calloc(peers + 1, sizeof *called);
	struct rosenpass_output output = { .size = sizeof output };
	size_t sent = 0;
	bool once = called != NULL;

	while (once && rosenpass_deadline(hub) <= START_NS) {
		rosenpass_expire(hub, START_NS);
		while (rosenpass_next(hub, &output)) {
			/* The low half of a handle counts from 0 in an engine that never lost a peer. */
			size_t number = (uint32_t)output.peer;

			if (output.kind != ROSENPASS_OUTPUT_SEND || number >= peers || called[number])
				once = false;
			else
				called[number] = true;
			sent++;
		}
	}
	free(called);
	return once && sent == peers;
}

/* The least of ROUNDS measurements with a hub of that many peers; negative when something failed. */
static double measure(size_t peers, const uint8_t *hub_sk, const uint8_t *client_sk)
{
	size_t before;
	struct rosenpass *hub = make_engine(key_of(MANY), hub_sk);
	struct rosenpass *client = make_engine(key_of(0), client_sk);
	rosenpass_peer hub_peer = add(client, key_of(MANY), true);
	uint64_t now_ns = START_NS;
	double least = -1;

	before = allocated;
	for (size_t i = 0; i < peers; i++)
		(void)add(hub, key_of(i), true);
	if (peers == MANY) {
		printf("%zu bytes for each of %zu peers\n", (allocated - before) / peers, peers);
		check((allocated - before) / peers < PEER_BYTES_MAX,
		      "a peer costs less than 4 KiB beside its key");
	}
	check(calls_each_once(hub, peers), "every peer is called once");
	for (int round = 0; round < ROUNDS; round++) {
		double seconds = handshakes(client, hub_peer, hub, &now_ns);

		if (seconds < 0) {
			least = -1;
			break;
		}
		if (least < 0 || seconds < least)
			least = seconds;
	}
	rosenpass_destroy(client);
	rosenpass_destroy(hub);
	return least;
}

int main(void)
{
	static uint8_t pk[MCELIECE460896_PUBLIC_KEY_BYTES];
	static uint8_t hub_sk[MCELIECE460896_SECRET_KEY_BYTES];
	static uint8_t client_sk[MCELIECE460896_SECRET_KEY_BYTES];
	static uint8_t seed[MCELIECE460896_SEED_BYTES];
	double few;
	double many;

	keys = malloc(PREFIX_BYTES * MANY + MCELIECE460896_PUBLIC_KEY_BYTES);
	if (keys == NULL || sodium_init() < 0)
		return EXIT_FAILURE;
	randombytes_buf(keys, PREFIX_BYTES * MANY + MCELIECE460896_PUBLIC_KEY_BYTES);
	mceliece460896_keygen_from_seed(pk, client_sk, seed, NULL);
	memcpy(keys, pk, PREFIX_BYTES);
	seed[0] = 1;
	mceliece460896_keygen_from_seed(pk, hub_sk, seed, NULL);
	memcpy(keys + PREFIX_BYTES * MANY, pk, PREFIX_BYTES);

	few = measure(FEW, hub_sk, client_sk);
	many = measure(MANY, hub_sk, client_sk);
	printf("%d handshakes: %.3f ms among %d peers, %.3f ms among %d\n", HANDSHAKES, few * 1e3, FEW,
	       many * 1e3, MANY);
	check(few > 0 && many > 0, "all handshakes gave a key to both sides");
	check(many < few * SLOWER_MAX, "other peers do not slow a handshake down");
	check(allocated == 0, "everything was released");
	free(keys);
	printf("%d passed, %d failed\n", passed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

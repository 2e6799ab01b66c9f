#include "scenes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define START_NS (1000 * ENGINE_SECOND_NS)
#define BLOCKS_MAX 128

struct scenes_state scenes_alice;
struct scenes_message scenes_genuine[SCENES_GENUINE_MAX];
size_t scenes_genuine_count;
struct scenes_keys scenes_honest_keys;

static uint8_t public_keys[SCENES_PERSONS][ROSENPASS_PUBLIC_KEY_BYTES];
static uint8_t secret_keys[SCENES_PERSONS][ROSENPASS_SECRET_KEY_BYTES];

/*
 * Whose handshake goes first depends on the peer ids: with these keys Bob's is greater
 * than Alice's, and Carol's is less, but with SHAKE256.
 */
static const struct {
	const char *pk;
	const char *sk;
} key_files[SCENES_PERSONS] = {
	[SCENES_ALICE] = { "bob.pk", "bob.sk" },
	[SCENES_BOB] = { "alice.pk", "alice.sk" },
	[SCENES_CAROL] = { "carol.pk", "carol.sk" },
};

/*
 * Alice's memory. What was there when the first scene was copied stays allocated for
 * good, and its contents are put back; what an input allocates is freed in the end.
 */
struct block {
	uint8_t *memory; /* NULL: free */
	size_t bytes;
	bool lasting;
	bool released; /* lasting, and given back by the engine */
	uint8_t *copies[SCENES_COUNT];
};

static struct block blocks[BLOCKS_MAX];
static struct scenes_state states[SCENES_COUNT];
static bool played;

/* What Bob and Carol need beside their engines. */
static struct rosenpass *others[SCENES_PERSONS];
static uint64_t other_random = 77;

static void *allocate(void *context, size_t bytes)
{
	(void)context;
	for (size_t i = 0; i < BLOCKS_MAX; i++) {
		if (blocks[i].memory != NULL)
			continue;
		blocks[i] = (struct block){ .memory = calloc(1, bytes), .bytes = bytes };
		return blocks[i].memory;
	}
	return NULL;
}

static void release(void *context, void *memory, size_t bytes)
{
	(void)context;
	for (size_t i = 0; i < BLOCKS_MAX; i++) {
		if (blocks[i].memory != memory)
			continue;
		FUZZ_CHECK(blocks[i].bytes == bytes);
		for (size_t at = 0; at < bytes; at++)
			FUZZ_CHECK(blocks[i].memory[at] == 0);
		FUZZ_CHECK(!blocks[i].released);
		blocks[i].released = true;
		if (!blocks[i].lasting) {
			free(blocks[i].memory);
			blocks[i].memory = NULL;
		}
		return;
	}
	fuzz_fail("released what was not allocated", __FILE__, __LINE__);
}

/* SplitMix64. */
static int fill(void *context, uint8_t *out, size_t out_len)
{
	uint64_t *state = context;

	if (state == &scenes_alice.random && scenes_alice.random_fails_in > 0 &&
	    --scenes_alice.random_fails_in == 0)
		return -1;
	for (size_t i = 0; i < out_len; i++) {
		uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

		z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
		z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
		out[i] = (uint8_t)(z >> 40);
	}
	return 0;
}

static void load(const char *name, uint8_t *out, size_t out_len)
{
	char path[4096];
	int printed = snprintf(path, sizeof path, "%s/vectors/keys/%s", TEST_DATA_DIR, name);
	FILE *file = NULL;

	if (printed > 0 && (size_t)printed < sizeof path)
		file = fopen(path, "rb");
	if (file == NULL || fread(out, 1, out_len, file) != out_len) {
		fprintf(stderr, "cannot read %s\n", path);
		exit(EXIT_FAILURE);
	}
	(void)fclose(file);
}

struct rosenpass_address scenes_address(enum scenes_person person)
{
	struct rosenpass_address address = { .length = 6, .group_length = 4 };

	address.bytes[0] = 10;
	address.bytes[3] = (uint8_t)(1 + person);
	address.bytes[5] = 99;
	return address;
}

struct rosenpass_peer_config scenes_peer_config(enum scenes_person person)
{
	struct rosenpass_peer_config config = {
		.size = sizeof config,
		.public_key = public_keys[person],
		.user = public_keys[person],
	};

	/* Carol's address is found out when she comes. */
	if (person == SCENES_BOB)
		config.endpoint = scenes_address(person);
	return config;
}

bool scenes_contains(const struct scenes_keys *keys, const uint8_t key[static ROSENPASS_KEY_BYTES])
{
	for (size_t i = 0; i < keys->count; i++) {
		if (memcmp(keys->keys[i], key, ROSENPASS_KEY_BYTES) == 0)
			return true;
	}
	return false;
}

void scenes_add_key(struct scenes_keys *keys, const uint8_t key[static ROSENPASS_KEY_BYTES])
{
	if (scenes_contains(keys, key))
		return;
	FUZZ_CHECK(keys->count < SCENES_KEYS_MAX);
	memcpy(keys->keys[keys->count++], key, ROSENPASS_KEY_BYTES);
}

static struct rosenpass *create(enum scenes_person person)
{
	struct rosenpass_environment environment = { .size = sizeof environment,
		                                     .random = fill,
		                                     .random_context = &other_random };
	struct rosenpass_config config = {
		.size = sizeof config,
		.public_key = public_keys[person],
		.secret_key = secret_keys[person],
		.environment = &environment,
	};
	struct rosenpass *engine = NULL;

	if (person == SCENES_ALICE) {
		environment.random_context = &scenes_alice.random;
		environment.allocate = allocate;
		environment.release = release;
	}
	FUZZ_CHECK(rosenpass_create(&engine, &config) == 0);
	return engine;
}

static void meet(void)
{
	rosenpass_peer handle;

	for (int i = 0; i < SCENES_PERSONS; i++) {
		load(key_files[i].pk, public_keys[i], sizeof public_keys[i]);
		load(key_files[i].sk, secret_keys[i], sizeof secret_keys[i]);
	}
	scenes_alice.random = 1;
	scenes_alice.now_ns = START_NS;
	for (int i = 0; i < SCENES_PERSONS; i++)
		others[i] = create((enum scenes_person)i);
	scenes_alice.engine = others[SCENES_ALICE];
	for (int i = SCENES_BOB; i < SCENES_PERSONS; i++) {
		struct rosenpass_peer_config config = scenes_peer_config((enum scenes_person)i);

		FUZZ_CHECK(rosenpass_peer_add(scenes_alice.engine, &config, START_NS,
		                              &scenes_alice.peers[i]) == 0);
		config = scenes_peer_config(SCENES_ALICE);
		/* Carol begins, Bob waits for Alice. */
		if (i == SCENES_CAROL)
			config.endpoint = scenes_address(SCENES_ALICE);
		FUZZ_CHECK(rosenpass_peer_add(others[i], &config, START_NS, &handle) == 0);
	}
}

/* The only peer of Bob's or Carol's engine, or one of Alice's. */
static struct peer *peer_of(enum scenes_person person, enum scenes_person about)
{
	rosenpass_peer handle =
		person == SCENES_ALICE ? scenes_alice.peers[about] : others[person]->slots[0].peer->handle;

	return peer_table_by_handle(others[person], handle);
}

/* Keys that an honest run gives out sooner or later. */
static void note_keys(void)
{
	for (int i = 0; i < SCENES_PERSONS; i++) {
		for (size_t slot = 0; slot < others[i]->slot_capacity; slot++) {
			const struct peer *peer = others[i]->slots[slot].peer;

			if (peer != NULL && peer->own.state == ROSENPASS_STATE_INIT_CONF)
				scenes_add_key(&scenes_honest_keys, peer->own.osk);
		}
	}
}

/* Takes a person's outputs: the last datagram, and the keys. Messages to Alice are kept. */
static struct scenes_message take(enum scenes_person person)
{
	struct scenes_message message = { .from = person };
	struct rosenpass_output output = { .size = sizeof output };

	while (rosenpass_next(others[person], &output)) {
		if (output.kind == ROSENPASS_OUTPUT_KEY) {
			scenes_add_key(&scenes_honest_keys, output.data);
			if (person == SCENES_ALICE && output.role == ROSENPASS_RESPONDER)
				scenes_add_key(&scenes_alice.responder_keys, output.data);
		}
		if (output.kind != ROSENPASS_OUTPUT_SEND)
			continue;
		message.length = output.length;
		memcpy(message.data, output.data, output.length);
		if (person != SCENES_ALICE) {
			FUZZ_CHECK(scenes_genuine_count < SCENES_GENUINE_MAX);
			scenes_genuine[scenes_genuine_count++] = message;
		}
	}
	note_keys();
	return message;
}

static struct scenes_message expire(enum scenes_person person)
{
	rosenpass_expire(others[person], scenes_alice.now_ns);
	return take(person);
}

/* Hands a message over, and gives what comes back. */
static struct scenes_message deliver(enum scenes_person to, const struct scenes_message *message,
                                     enum rosenpass_verdict expected)
{
	struct rosenpass_datagram datagram = {
		.size = sizeof datagram,
		.data = message->data,
		.length = message->length,
		.from = scenes_address(message->from),
	};

	FUZZ_CHECK(rosenpass_receive(others[to], &datagram, 1, scenes_alice.now_ns) == 1);
	FUZZ_CHECK(datagram.verdict == expected);
	return take(to);
}

/* Copies Alice's memory. */
static void shoot(enum scenes_name name)
{
	states[name] = scenes_alice;
	for (size_t i = 0; i < BLOCKS_MAX; i++) {
		if (blocks[i].memory == NULL)
			continue;
		blocks[i].lasting = true;
		blocks[i].copies[name] = malloc(blocks[i].bytes);
		FUZZ_CHECK(blocks[i].copies[name] != NULL);
		memcpy(blocks[i].copies[name], blocks[i].memory, blocks[i].bytes);
	}
}

static void play_first_exchange(void)
{
	struct scenes_message from_alice;
	struct scenes_message from_bob;
	struct scenes_message from_carol;

	shoot(SCENES_STRANGERS);
	from_carol = expire(SCENES_CAROL);
	from_alice = expire(SCENES_ALICE);
	shoot(SCENES_INIT_HELLO);
	rosenpass_set_under_load(others[SCENES_BOB], true);
	(void)deliver(SCENES_BOB, &from_alice, ROSENPASS_COOKIE_SENT);
	rosenpass_set_under_load(others[SCENES_BOB], false);
	from_bob = deliver(SCENES_BOB, &from_alice, ROSENPASS_ANSWERED);
	from_alice = deliver(SCENES_ALICE, &from_carol, ROSENPASS_ANSWERED);
	from_carol = deliver(SCENES_CAROL, &from_alice, ROSENPASS_ACCEPTED);
	shoot(SCENES_BISCUIT_OUT);
	from_alice = deliver(SCENES_ALICE, &from_bob, ROSENPASS_ACCEPTED);
	shoot(SCENES_INIT_CONF);
	from_bob = deliver(SCENES_BOB, &from_alice, ROSENPASS_EXCHANGED);
	from_alice = deliver(SCENES_ALICE, &from_carol, ROSENPASS_EXCHANGED);
	(void)deliver(SCENES_CAROL, &from_alice, ROSENPASS_CONFIRMED);
	shoot(SCENES_RESPONDER);
	(void)deliver(SCENES_ALICE, &from_bob, ROSENPASS_CONFIRMED);
	shoot(SCENES_LIVE);
}

/* Alice was the responder for Carol, as Bob was for her: both begin after two minutes. */
static void play_renewal(void)
{
	struct scenes_message from_alice;
	struct scenes_message from_bob;
	struct scenes_message from_carol;

	scenes_alice.now_ns += 121 * ENGINE_SECOND_NS;
	from_bob = expire(SCENES_BOB);
	from_alice = expire(SCENES_ALICE);
	shoot(SCENES_RENEWAL);
	from_carol = deliver(SCENES_CAROL, &from_alice, ROSENPASS_ANSWERED);
	from_alice = deliver(SCENES_ALICE, &from_bob, ROSENPASS_ANSWERED);
	(void)deliver(SCENES_BOB, &from_alice, ROSENPASS_ACCEPTED);
	FUZZ_CHECK(rosenpass_peer_initiate(scenes_alice.engine, scenes_alice.peers[SCENES_BOB],
	                                   scenes_alice.now_ns) == 0);
	from_alice = expire(SCENES_ALICE);
	from_bob = deliver(SCENES_BOB, &from_alice, ROSENPASS_ANSWERED);
	shoot(SCENES_CROSSED);
	(void)deliver(SCENES_ALICE, &from_bob, ROSENPASS_ACCEPTED);
	shoot(SCENES_CROSSED_CONF);
	from_alice = deliver(SCENES_ALICE, &from_carol, ROSENPASS_ACCEPTED);
	(void)deliver(SCENES_CAROL, &from_alice, ROSENPASS_EXCHANGED);
}

/* Carol's InitHello without and with a cookie are there when the scene begins. */
static void play_under_load(void)
{
	struct scenes_message from_alice;
	struct scenes_message from_carol;

	rosenpass_set_under_load(scenes_alice.engine, true);
	FUZZ_CHECK(rosenpass_peer_initiate(others[SCENES_CAROL], peer_of(SCENES_CAROL, SCENES_ALICE)->handle,
	                                   scenes_alice.now_ns) == 0);
	from_carol = expire(SCENES_CAROL);
	from_alice = deliver(SCENES_ALICE, &from_carol, ROSENPASS_COOKIE_SENT);
	(void)deliver(SCENES_CAROL, &from_alice, ROSENPASS_COOKIE_TAKEN);
	shoot(SCENES_UNDER_LOAD);
}

static void play(void)
{
	meet();
	/* Facts that are computed when first wanted would look like changes of state. */
	for (int i = SCENES_BOB; i < SCENES_PERSONS; i++) {
		for (int fact = 0; fact < PUBLIC_KEY_FACT_COUNT; fact++) {
			for (int hash = 0; hash < KEYED_HASH_COUNT; hash++)
				(void)public_key_fact(&peer_of(SCENES_ALICE, (enum scenes_person)i)->key,
				                      (enum keyed_hash)hash, (enum public_key_fact)fact);
		}
	}
	play_first_exchange();
	play_renewal();
	play_under_load();
	for (int i = SCENES_BOB; i < SCENES_PERSONS; i++)
		rosenpass_destroy(others[i]);
	played = true;
}

void scenes_enter(enum scenes_name name)
{
	if (!played)
		play();
	scenes_alice = states[name];
	for (size_t i = 0; i < BLOCKS_MAX; i++) {
		if (blocks[i].memory == NULL)
			continue;
		memcpy(blocks[i].memory, blocks[i].copies[name], blocks[i].bytes);
		blocks[i].released = false;
	}
}

void scenes_leave(void)
{
	rosenpass_destroy(scenes_alice.engine);
	for (size_t i = 0; i < BLOCKS_MAX; i++)
		FUZZ_CHECK(blocks[i].memory == NULL || (blocks[i].lasting && blocks[i].released));
}

/*
 * The whole engine through its public interface: hosts that run the protocol with each other in memory.
 * Secret keys, preshared keys and all random bytes are secret. Whatever the engine gives out must be public,
 * except for the key of an exchange, which must not be.
 */

#include "ct_parts.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/ct.h"
#include "crypto/keyed_hash.h"
#include "protocol/verdicts.h"
#include "rosenpass.h"

#define SECOND_NS UINT64_C(1000000000)
#define QUEUE_MAX 64
#define MAC_BYTES 16
#define COOKIE_BYTES 16

enum {
	ALICE,
	BOB,
	CAROL,
	HOST_COUNT
};

static const char *const public_key_names[HOST_COUNT] = { "alice.pk", "bob.pk", "carol.pk" };
static const char *const secret_key_names[HOST_COUNT] = { "alice.sk", "bob.sk", "carol.sk" };

struct packet {
	int from;
	int to;
	size_t length;
	uint8_t data[ROSENPASS_DATAGRAM_MAX_BYTES];
};

struct host {
	struct rosenpass *engine;
	uint8_t *public_key;
	uint8_t *secret_key;
	uint8_t psk[ROSENPASS_PSK_BYTES];
	uint8_t random_number;
	rosenpass_peer peers[HOST_COUNT];
	unsigned keys[HOST_COUNT];
	unsigned stales[HOST_COUNT];
	uint8_t key[HOST_COUNT][ROSENPASS_KEY_BYTES];
	uint64_t verdicts[VERDICT_INDEX_COUNT];
};

struct world {
	uint64_t now_ns;
	bool deaf; /* nothing arrives */
	struct host hosts[HOST_COUNT];
	struct packet queue[QUEUE_MAX];
	size_t queued;
};

/* Not only the engine marks what is random: what it must treat as secret is for this test to say. */
static int fill_secret(void *context, uint8_t *out, size_t out_len)
{
	(void)ct_fill(context, out, out_len);
	ct_secret(out, out_len);
	return 0;
}

static struct rosenpass_address address_of(int host)
{
	struct rosenpass_address address = { .length = 6, .group_length = 4, .bytes = { 10, 0, 0 } };

	address.bytes[3] = (uint8_t)(1 + host);
	return address;
}

static void start_host(struct host *host)
{
	struct rosenpass_environment environment = { .size = sizeof environment,
		                                     .random = fill_secret,
		                                     .random_context = &host->random_number };
	struct rosenpass_config config = {
		.size = sizeof config,
		.public_key = host->public_key,
		.secret_key = host->secret_key,
		.environment = &environment,
	};

	ct_expect(rosenpass_create(&host->engine, &config) == 0, "no engine");
}

static struct world *start_world(void)
{
	struct world *world = calloc(1, sizeof *world);

	ct_expect(world != NULL, "out of memory");
	world->now_ns = 1000 * SECOND_NS;
	for (int i = 0; i < HOST_COUNT; i++) {
		struct host *host = &world->hosts[i];

		host->public_key = ct_read_key(public_key_names[i], ROSENPASS_PUBLIC_KEY_BYTES);
		host->secret_key = ct_read_key(secret_key_names[i], ROSENPASS_SECRET_KEY_BYTES);
		ct_secret(host->secret_key, ROSENPASS_SECRET_KEY_BYTES);
		ct_secret_bytes(host->psk, sizeof host->psk);
		host->random_number = (uint8_t)(80 * i);
		start_host(host);
	}
	return world;
}

static void end_world(struct world *world)
{
	for (int i = 0; i < HOST_COUNT; i++) {
		rosenpass_destroy(world->hosts[i].engine);
		free(world->hosts[i].public_key);
		free(world->hosts[i].secret_key);
	}
	free(world);
}

static struct rosenpass_peer_config peer_config(struct world *world, int host, int peer, uint32_t dialects)
{
	return (struct rosenpass_peer_config){
		.size = sizeof(struct rosenpass_peer_config),
		.public_key = world->hosts[peer].public_key,
		.psk = world->hosts[host].psk,
		.dialects = dialects,
	};
}

static void add_peer(struct world *world, int host, int peer, bool reachable, uint32_t dialects)
{
	struct rosenpass_peer_config config = peer_config(world, host, peer, dialects);

	if (reachable)
		config.endpoint = address_of(peer);
	ct_expect(rosenpass_peer_add(world->hosts[host].engine, &config, world->now_ns,
	                             &world->hosts[host].peers[peer]) == 0,
	          "a peer was not added");
}

static int peer_by_handle(const struct host *host, rosenpass_peer handle)
{
	for (int i = 0; i < HOST_COUNT; i++) {
		if (handle != 0 && host->peers[i] == handle)
			return i;
	}
	ct_fail("an output is of no peer");
}

static void take_datagram(struct world *world, int from, const struct rosenpass_output *output)
{
	ct_expect_public(output->data, output->length, "a datagram");
	ct_expect_public(&output->address, sizeof output->address, "an address");
	for (int to = 0; to < HOST_COUNT; to++) {
		struct rosenpass_address address = address_of(to);
		struct packet *packet = &world->queue[world->queued];

		if (output->address.length != address.length ||
		    memcmp(output->address.bytes, address.bytes, address.length) != 0)
			continue;
		ct_expect(world->queued < QUEUE_MAX, "too many datagrams under way");
		packet->from = from;
		packet->to = to;
		packet->length = output->length;
		memcpy(packet->data, output->data, output->length);
		world->queued++;
	}
}

static void take_outputs(struct world *world, int name)
{
	struct host *host = &world->hosts[name];
	struct rosenpass_output output = { .size = sizeof output };
	int peer;

	while (rosenpass_next(host->engine, &output)) {
		switch (output.kind) {
		case ROSENPASS_OUTPUT_SEND:
			take_datagram(world, name, &output);
			break;
		case ROSENPASS_OUTPUT_KEY:
			peer = peer_by_handle(host, output.peer);
			memcpy(host->key[peer], output.data, ROSENPASS_KEY_BYTES);
			ct_expect_secret(host->key[peer], ROSENPASS_KEY_BYTES, "the key of an exchange");
			host->keys[peer]++;
			break;
		case ROSENPASS_OUTPUT_STALE:
			host->stales[peer_by_handle(host, output.peer)]++;
			break;
		default:
			break;
		}
	}
}

static void expire(struct world *world, int host)
{
	rosenpass_expire(world->hosts[host].engine, world->now_ns);
	take_outputs(world, host);
}

static enum rosenpass_verdict deliver(struct world *world, const struct packet *packet)
{
	struct rosenpass_datagram datagram = {
		.size = sizeof datagram,
		.data = packet->data,
		.length = packet->length,
		.from = address_of(packet->from),
	};

	ct_expect(rosenpass_receive(world->hosts[packet->to].engine, &datagram, 1, world->now_ns) == 1,
	          "a datagram was not taken");
	ct_expect_public(&datagram.verdict, sizeof datagram.verdict, "a verdict");
	ct_expect_public(&datagram.peer, sizeof datagram.peer, "the peer of a datagram");
	if (datagram.has_claim)
		ct_expect_public(datagram.claimed_id, sizeof datagram.claimed_id, "a claimed peer id");
	world->hosts[packet->to].verdicts[verdict_index(datagram.verdict)]++;
	take_outputs(world, packet->to);
	return datagram.verdict;
}

static struct packet take(struct world *world)
{
	struct packet packet;

	ct_expect(world->queued > 0, "no datagram is under way");
	packet = world->queue[0];
	memmove(world->queue, world->queue + 1, --world->queued * sizeof packet);
	return packet;
}

static void settle(struct world *world)
{
	while (world->queued > 0) {
		struct packet packet = take(world);

		if (!world->deaf)
			(void)deliver(world, &packet);
	}
}

/* Serves every deadline until then. */
static void run_until(struct world *world, uint64_t until_ns)
{
	for (;;) {
		uint64_t next_ns = until_ns;

		for (int i = 0; i < HOST_COUNT; i++) {
			uint64_t deadline_ns = rosenpass_deadline(world->hosts[i].engine);

			ct_expect_public(&deadline_ns, sizeof deadline_ns, "a deadline");
			if (deadline_ns < next_ns)
				next_ns = deadline_ns;
		}
		if (next_ns > world->now_ns)
			world->now_ns = next_ns;
		if (next_ns >= until_ns)
			return;
		for (int i = 0; i < HOST_COUNT; i++)
			expire(world, i);
		settle(world);
	}
}

static void expect_same_key(const struct world *world, int a, int b)
{
	ct_expect(world->hosts[a].keys[b] > 0 && world->hosts[b].keys[a] > 0, "no key");
	ct_expect(memcmp(world->hosts[a].key[b], world->hosts[b].key[a], ROSENPASS_KEY_BYTES) == 0,
	          "the keys differ");
}

/* Delivers the oldest datagram, which must have that effect, and returns it. */
static struct packet step(struct world *world, enum rosenpass_verdict expected)
{
	struct packet packet = take(world);

	ct_expect(deliver(world, &packet) == expected, rosenpass_verdict_name(expected));
	return packet;
}

static struct packet corrupted(const struct packet *packet, size_t at)
{
	struct packet copy = *packet;

	copy.data[at] ^= 1;
	return copy;
}

/* Message by message, with each of them damaged before it, and repeated after it. */
static void handshake(enum rosenpass_dialect dialect)
{
	static const enum rosenpass_verdict effects[] = { ROSENPASS_ANSWERED, ROSENPASS_ACCEPTED,
		                                          ROSENPASS_EXCHANGED, ROSENPASS_CONFIRMED };
	struct world *world = start_world();

	add_peer(world, ALICE, BOB, true, ROSENPASS_DIALECT_BIT(dialect));
	add_peer(world, BOB, ALICE, false, ROSENPASS_DIALECTS_ALL);
	expire(world, ALICE);
	for (size_t i = 0; i < sizeof effects / sizeof *effects; i++) {
		struct packet damaged = corrupted(&world->queue[0], world->queue[0].length / 2);
		struct packet message;

		ct_expect(deliver(world, &damaged) >= ROSENPASS_DROPPED, "a damaged message had an effect");
		message = step(world, effects[i]);
		/* Only the first answer goes on. */
		if (world->queued > 1)
			world->queued = 1;
		if (i + 1 < sizeof effects / sizeof *effects) {
			(void)deliver(world, &message);
			world->queued = 1;
		}
	}
	expect_same_key(world, ALICE, BOB);
	end_world(world);
}

/* Both begin at once, so that their handshakes cross. */
static void crossing(void)
{
	struct world *world = start_world();

	add_peer(world, ALICE, BOB, true, 0);
	add_peer(world, BOB, ALICE, true, 0);
	expire(world, ALICE);
	expire(world, BOB);
	settle(world);
	run_until(world, world->now_ns + 20 * SECOND_NS);
	expect_same_key(world, ALICE, BOB);
	end_world(world);
}

void ct_run_handshake(void)
{
	for (int dialect = 0; dialect < ROSENPASS_DIALECT_COUNT; dialect++)
		handshake((enum rosenpass_dialect)dialect);
	crossing();
}

/* Makes the mac right again, so that what was changed is found by what the mac does not replace. */
static void seal_mac(struct world *world, struct packet *packet, enum keyed_hash hash)
{
	static const char protocol[] = "Rosenpass v1 mceliece460896 Kyber512 ChaChaPoly1305 ";
	const char *name = hash == KEYED_HASH_SHAKE256 ? "SHAKE256" : "BLAKE2s";
	char whole[sizeof protocol + 8];
	uint8_t key[KEYED_HASH_KEY_BYTES] = { 0 };
	size_t covered = packet->length - MAC_BYTES - COOKIE_BYTES;

	memcpy(whole, protocol, sizeof protocol - 1);
	memcpy(whole + sizeof protocol - 1, name, strlen(name));
	keyed_hash(hash, key, key, (const uint8_t *)whole, sizeof protocol - 1 + strlen(name));
	keyed_hash(hash, key, key, (const uint8_t *)"mac", 3);
	keyed_hash(hash, key, key, world->hosts[packet->to].public_key, ROSENPASS_PUBLIC_KEY_BYTES);
	keyed_hash(hash, key, key, packet->data, covered);
	memcpy(packet->data + covered, key, MAC_BYTES);
}

/* Forges the message in the queue: a bit of each field in turn, with a mac that is right. */
static void forge(struct world *world, enum keyed_hash hash, const size_t *fields, size_t count)
{
	struct packet genuine = world->queue[0];

	for (size_t i = 0; i < count; i++) {
		struct packet forged = corrupted(&genuine, fields[i]);

		seal_mac(world, &forged, hash);
		ct_expect(deliver(world, &forged) >= ROSENPASS_DROPPED_SESSION,
		          "a forged message had an effect");
	}
}

/* Within the fields of the messages of shake256-156, behind those that say who is meant. */
static const size_t init_hello_fields[] = { 8, 500, 900, 1000, 1020 };
static const size_t resp_hello_fields[] = { 4, 500, 900, 940, 950, 1060 };
static const size_t init_conf_fields[] = { 4, 8, 12, 60, 127, 140 };
static const size_t empty_data_fields[] = { 8, 20 };

static const struct {
	const size_t *fields;
	size_t count;
	enum rosenpass_verdict genuine;
} forged_messages[] = {
	{ init_hello_fields, sizeof init_hello_fields / sizeof(size_t), ROSENPASS_ANSWERED },
	{ resp_hello_fields, sizeof resp_hello_fields / sizeof(size_t), ROSENPASS_ACCEPTED },
	{ init_conf_fields, sizeof init_conf_fields / sizeof(size_t), ROSENPASS_EXCHANGED },
	{ empty_data_fields, sizeof empty_data_fields / sizeof(size_t), ROSENPASS_CONFIRMED },
};

static void forge_each_message(void)
{
	struct world *world = start_world();

	add_peer(world, ALICE, BOB, true, ROSENPASS_DIALECT_BIT(ROSENPASS_SHAKE256_156));
	add_peer(world, BOB, ALICE, false, ROSENPASS_DIALECTS_ALL);
	expire(world, ALICE);
	for (size_t i = 0; i < sizeof forged_messages / sizeof *forged_messages; i++) {
		forge(world, KEYED_HASH_SHAKE256, forged_messages[i].fields, forged_messages[i].count);
		(void)step(world, forged_messages[i].genuine);
	}
	expect_same_key(world, ALICE, BOB);
	ct_expect(world->hosts[ALICE].verdicts[verdict_index(ROSENPASS_DROPPED_AUTH)] > 0 &&
	                  world->hosts[BOB].verdicts[verdict_index(ROSENPASS_DROPPED_AUTH)] > 0 &&
	                  world->hosts[BOB].verdicts[verdict_index(ROSENPASS_DROPPED_BISCUIT)] > 0,
	          "no forgery got as far as it should");
	end_world(world);
}

/* A peer with another preshared key, and one that is not known. */
static void strangers(void)
{
	struct world *world = start_world();

	world->hosts[ALICE].psk[0] ^= 1;
	add_peer(world, ALICE, BOB, true, ROSENPASS_DIALECT_BIT(ROSENPASS_BLAKE2B_156));
	add_peer(world, BOB, ALICE, false, 0);
	add_peer(world, CAROL, BOB, true, ROSENPASS_DIALECT_BIT(ROSENPASS_BLAKE2B_156));
	expire(world, ALICE);
	(void)step(world, ROSENPASS_DROPPED_AUTH);
	expire(world, CAROL);
	(void)step(world, ROSENPASS_DROPPED_PEER);
	end_world(world);
}

/* A responder that was restarted has other biscuit keys. */
static void restart(void)
{
	struct world *world = start_world();

	add_peer(world, ALICE, BOB, true, 0);
	add_peer(world, BOB, ALICE, false, 0);
	expire(world, ALICE);
	(void)step(world, ROSENPASS_ANSWERED);
	(void)step(world, ROSENPASS_ACCEPTED);
	rosenpass_destroy(world->hosts[BOB].engine);
	start_host(&world->hosts[BOB]);
	add_peer(world, BOB, ALICE, false, 0);
	(void)step(world, ROSENPASS_DROPPED_BISCUIT);
	end_world(world);
}

void ct_run_forgeries(void)
{
	forge_each_message();
	strangers();
	restart();
}

/* Cookies: refused, taken, shown. */
void ct_run_load(void)
{
	struct world *world = start_world();

	add_peer(world, ALICE, BOB, true, 0);
	add_peer(world, BOB, ALICE, false, 0);
	rosenpass_set_under_load(world->hosts[BOB].engine, true);
	expire(world, ALICE);
	(void)step(world, ROSENPASS_COOKIE_SENT);
	(void)step(world, ROSENPASS_COOKIE_TAKEN);
	(void)step(world, ROSENPASS_ANSWERED);
	settle(world);
	expect_same_key(world, ALICE, BOB);
	end_world(world);
}

/* Renewals in both roles, new biscuit and cookie keys, a changed peer, keys that grow old. */
void ct_run_hours(void)
{
	struct world *world = start_world();
	struct rosenpass_peer_config changed;
	unsigned before;

	add_peer(world, ALICE, BOB, true, 0);
	add_peer(world, BOB, ALICE, true, 0);
	run_until(world, world->now_ns + 12 * 60 * SECOND_NS);
	expect_same_key(world, ALICE, BOB);
	ct_expect(world->hosts[ALICE].keys[BOB] >= 5, "the keys were not renewed");

	/* The preshared keys are compared with the old ones: first the same, then others at both ends. */
	changed = peer_config(world, ALICE, BOB, 0);
	changed.endpoint = address_of(BOB);
	ct_expect(rosenpass_peer_change(world->hosts[ALICE].engine, world->hosts[ALICE].peers[BOB], &changed,
	                                world->now_ns) == 0,
	          "a peer was not changed");
	for (int i = 0; i < 2; i++) {
		world->hosts[i].psk[5] ^= 4;
		changed = peer_config(world, i, 1 - i, 0);
		changed.endpoint = address_of(1 - i);
		ct_expect(rosenpass_peer_change(world->hosts[i].engine, world->hosts[i].peers[1 - i],
		                                &changed, world->now_ns) == 0,
		          "a peer was not changed");
	}
	before = world->hosts[BOB].keys[ALICE];
	ct_expect(rosenpass_peer_initiate(world->hosts[ALICE].engine, world->hosts[ALICE].peers[BOB],
	                                  world->now_ns) == 0,
	          "no handshake was begun");
	run_until(world, world->now_ns + 20 * SECOND_NS);
	ct_expect(world->hosts[BOB].keys[ALICE] > before, "no key after a change");
	expect_same_key(world, ALICE, BOB);

	world->deaf = true;
	run_until(world, world->now_ns + 4 * 60 * SECOND_NS);
	ct_expect(world->hosts[ALICE].stales[BOB] == 1 && world->hosts[BOB].stales[ALICE] == 1,
	          "the keys did not grow old");
	ct_expect(rosenpass_peer_remove(world->hosts[ALICE].engine, world->hosts[ALICE].peers[BOB]) == 0,
	          "a peer was not removed");
	end_world(world);
}

/* Secret keys outside of an engine: both layouts, and whether they belong to a public key. */
void ct_run_keys(void)
{
	uint8_t *pk = ct_read_key("alice.pk", ROSENPASS_PUBLIC_KEY_BYTES);
	uint8_t *other_pk = ct_read_key("bob.pk", ROSENPASS_PUBLIC_KEY_BYTES);
	uint8_t *sk = ct_read_key("alice.sk", ROSENPASS_SECRET_KEY_BYTES);
	uint8_t *old = ct_allocate(ROSENPASS_SECRET_KEY_OLD_BYTES);
	uint8_t *read = ct_allocate(ROSENPASS_SECRET_KEY_BYTES);

	ct_secret(sk, ROSENPASS_SECRET_KEY_BYTES);
	ct_expect(rosenpass_secret_key_import(read, sk, ROSENPASS_SECRET_KEY_BYTES) == 0, "not imported");
	rosenpass_secret_key_export_old(old, read);
	ct_expect(rosenpass_secret_key_import(read, old, ROSENPASS_SECRET_KEY_OLD_BYTES) == 0,
	          "not imported");
	ct_expect(rosenpass_keypair_matches(pk, read), "a pair of keys does not match");
	ct_expect(!rosenpass_keypair_matches(other_pk, read), "keys of two pairs match");
	ct_expect_secret(read, ROSENPASS_SECRET_KEY_BYTES, "an imported secret key");
	ct_expect_secret(old, ROSENPASS_SECRET_KEY_OLD_BYTES, "an exported secret key");
	free(read);
	free(old);
	free(sk);
	free(other_pk);
	free(pk);
}

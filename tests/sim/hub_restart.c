/*
 * A hub that comes back while all its peers have been trying for some time, on the stand-in primitives and
 * with a cost for everything that the hub does: each handshake, each datagram read, each peer added moves the
 * simulated clock. The peers are real engines with their retransmissions, and most of them ignore CookieReply
 * as the releases 0.2.x do. All have to get a key in time, without an attacker and beside a flood.
 *
 * usage: hub_restart
 */

#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/mceliece460896.h"
#include "prng.h"
#include "protocol/messages.h"
#include "protocol/public_key.h"
#include "rosenpass.h"
#include "standin.h"

#define SECOND UINT64_C(1000000000)
#define MS (SECOND / 1000)
#define START_NS (1000 * SECOND)
#define PREFIX_BYTES 64 /* what the stand-ins use of a public key */
#define PEERS_MAX 2000
#define HUB PEERS_MAX
#define STRANGER (PEERS_MAX + 1)
#define OWNERS (PEERS_MAX + 2)
#define QUEUE_MAX 512 /* datagrams that the hub's socket holds */
#define BATCH 64      /* datagrams that the hub reads at a time */

/* What the hub does besides handshakes, as measured where a handshake costs 1 to 3 ms. */
#define ADD_NS (2 * MS)
#define DATAGRAM_NS (8 * (MS / 1000)) /* to read a datagram and check its mac */
#define COOKIE_NS (15 * (MS / 1000))  /* to make a cookie and send it */

static int passed;
static int failed;

static void check(bool good, const char *scene, const char *what)
{
	printf("%s  %s: %s\n", good ? "PASS" : "FAIL", scene, what);
	if (good)
		passed++;
	else
		failed++;
}

enum flood_source {
	FLOOD_EVERYWHERE,
	FLOOD_FEW_PREFIXES, /* 16 /24s */
};

struct scene {
	const char *name;
	size_t peers;
	size_t modern;           /* of these, the last ones know cookies */
	uint64_t handshake_ns;   /* what an InitHello costs the hub */
	uint64_t hub_after_ns;   /* the peers have been trying for that long */
	uint64_t flood_every_ns; /* 0: no flood */
	uint64_t limit_ns;       /* from the hub's start until all have to have a key */
	enum flood_source flood_source;
	bool is_known; /* the hub knows the peers' addresses; but its InitHellos do not reach them */
};

struct packet {
	size_t from; /* peer, or STRANGER */
	uint32_t address;
	size_t length;
	uint8_t data[ROSENPASS_DATAGRAM_MAX_BYTES];
};

struct peer {
	struct rosenpass *engine;
	uint64_t due_ns; /* its deadline */
	uint64_t begins_ns;
	bool has_key;
};

static struct {
	const struct scene *scene;
	uint64_t base_ns; /* the time, but for handshakes since then */
	unsigned long base_count;
	struct prng prng;
	struct rosenpass *hub;
	bool hub_reads;
	struct peer peers[PEERS_MAX];
	struct packet queue[QUEUE_MAX];
	size_t queued;
	size_t lost;
	struct packet forged;
	enum keyed_hash forged_hash;
	uint8_t forged_mac_key[KEYED_HASH_KEY_BYTES];
	uint32_t forged_count;
	uint64_t flood_ns; /* when the next forged InitHello comes */
	size_t keyed;
	size_t modern_keyed;
	uint64_t handshaking_ns; /* spent on InitHellos */
	uint64_t begun_ns;       /* the hub reads since then */
} world;

static uint8_t *public_keys; /* they overlap, as the stand-ins look at the beginning only */
static uint8_t secret_keys[OWNERS][MCELIECE460896_SECRET_KEY_BYTES];

static const uint8_t *public_key(size_t owner)
{
	return public_keys + PREFIX_BYTES * owner;
}

static int make_keys(void)
{
	static uint8_t pk[MCELIECE460896_PUBLIC_KEY_BYTES];

	public_keys = calloc(1, PREFIX_BYTES * OWNERS + MCELIECE460896_PUBLIC_KEY_BYTES);
	if (public_keys == NULL)
		return -1;
	for (size_t i = 0; i < OWNERS; i++) {
		uint8_t seed[MCELIECE460896_SEED_BYTES] = { (uint8_t)i, (uint8_t)(i >> 8), 1 };

		mceliece460896_keygen_from_seed(pk, secret_keys[i], seed, NULL);
		memcpy(public_keys + PREFIX_BYTES * i, pk, PREFIX_BYTES);
	}
	return 0;
}

static int fill_random(void *context, uint8_t *out, size_t out_len)
{
	(void)context;
	prng_fill(&world.prng, out, out_len);
	return 0;
}

static uint64_t now(void)
{
	return world.base_ns + (standin_decapsulations - world.base_count) * world.scene->handshake_ns;
}

static uint64_t read_clock(void *context)
{
	(void)context;
	return now();
}

static void move_on_to(uint64_t at_ns)
{
	world.base_ns = at_ns > now() ? at_ns : now();
	world.base_count = standin_decapsulations;
}

static struct rosenpass *make_engine(size_t owner)
{
	static const struct rosenpass_environment environment = { .size = sizeof environment,
		                                                  .random = fill_random };
	struct rosenpass_config config = {
		.size = sizeof config,
		.public_key = public_key(owner),
		.secret_key = secret_keys[owner],
		.environment = &environment,
	};
	struct rosenpass *engine;

	if (rosenpass_create(&engine, &config) != 0)
		abort();
	return engine;
}

static struct rosenpass_address address_of(uint32_t number)
{
	struct rosenpass_address address = { .length = 4, .group_length = 4 };

	memcpy(address.bytes, &number, sizeof number);
	return address;
}

static void add(struct rosenpass *engine, size_t owner, bool has_endpoint)
{
	struct rosenpass_peer_config config = { .size = sizeof config, .public_key = public_key(owner) };
	rosenpass_peer peer;

	if (has_endpoint)
		config.endpoint = address_of((uint32_t)owner);
	if (rosenpass_peer_add(engine, &config, now(), &peer) != 0)
		abort();
}

/* A datagram reaches the hub's socket. */
static void arrive(size_t from, uint32_t address, const uint8_t *data, size_t length)
{
	struct packet *packet;

	if (world.hub == NULL)
		return;
	if (world.queued == QUEUE_MAX) {
		world.lost++;
		return;
	}
	packet = &world.queue[world.queued++];
	packet->from = from;
	packet->address = address;
	packet->length = length;
	memcpy(packet->data, data, length);
}

static void take_outputs(size_t i)
{
	struct peer *peer = &world.peers[i];
	struct rosenpass_output output = { .size = sizeof output };

	while (rosenpass_next(peer->engine, &output)) {
		if (output.kind == ROSENPASS_OUTPUT_SEND)
			arrive(i, (uint32_t)i, output.data, output.length);
		if (output.kind != ROSENPASS_OUTPUT_KEY || peer->has_key)
			continue;
		peer->has_key = true;
		world.keyed++;
		world.modern_keyed += i >= world.scene->peers - world.scene->modern;
	}
	peer->due_ns = rosenpass_deadline(peer->engine);
}

/* The network takes no time, and the peers' machines have enough of it. */
static void reach_peer(const struct rosenpass_output *output)
{
	struct rosenpass_datagram datagram = { .size = sizeof datagram,
		                               .data = output->data,
		                               .length = output->length };
	bool is_cookie = output->data[0] == MESSAGE_COOKIE_REPLY;
	unsigned long before = standin_decapsulations;
	uint32_t i;

	if (is_cookie) {
		move_on_to(now() + COOKIE_NS);
		world.handshaking_ns -= COOKIE_NS;
	}
	if (world.scene->is_known && output->data[0] == MESSAGE_INIT_HELLO)
		return;
	memcpy(&i, output->address.bytes, sizeof i);
	if (i >= world.scene->peers || (is_cookie && i < world.scene->peers - world.scene->modern))
		return;
	datagram.from = address_of(HUB);
	(void)rosenpass_receive(world.peers[i].engine, &datagram, 1, now());
	/* That was not the hub's time. */
	world.base_count += standin_decapsulations - before;
	take_outputs(i);
}

static uint32_t forged_address(void)
{
	uint32_t random = (uint32_t)prng_next(&world.prng);

	/* The last byte is the host, the first three name the network. */
	if (world.scene->flood_source == FLOOD_FEW_PREFIXES)
		random = (random & UINT32_C(0xff00000f)) | UINT32_C(0xa0a0a0);
	return random | UINT32_C(0x80000000);
}

/* Each forged InitHello is another one, with a right mac and from an address that nobody has. */
static void flood(void)
{
	while (world.flood_ns <= now()) {
		memcpy(world.forged.data + MESSAGE_HEADER_BYTES, &world.forged_count, sizeof(uint32_t));
		world.forged_count++;
		if (world.queued < QUEUE_MAX)
			messages_seal_mac(world.forged.data, world.forged.length, world.forged_hash,
			                  world.forged_mac_key);
		arrive(STRANGER, forged_address(), world.forged.data, world.forged.length);
		world.flood_ns += world.scene->flood_every_ns;
	}
}

static void serve_peers(void)
{
	for (size_t i = 0; i < world.scene->peers; i++) {
		struct peer *peer = &world.peers[i];

		if (peer->due_ns > now() || peer->begins_ns > now())
			continue;
		rosenpass_expire(peer->engine, now());
		take_outputs(i);
	}
	if (world.scene->flood_every_ns != 0)
		flood();
}

/* One turn of the hub's loop, as long as it takes. */
static void serve_hub(void)
{
	static struct packet packets[BATCH];
	struct rosenpass_datagram datagrams[BATCH];
	struct rosenpass_output output = { .size = sizeof output };
	size_t count = world.queued < BATCH ? world.queued : BATCH;
	size_t taken = 0;
	uint64_t before_ns = now();

	memcpy(packets, world.queue, count * sizeof packets[0]);
	world.queued -= count;
	memmove(world.queue, world.queue + count, world.queued * sizeof world.queue[0]);
	for (size_t i = 0; i < count; i++)
		datagrams[i] = (struct rosenpass_datagram){ .size = sizeof(struct rosenpass_datagram),
			                                    .data = packets[i].data,
			                                    .length = packets[i].length,
			                                    .from = address_of(packets[i].address) };
	while (taken < count) {
		taken += (size_t)rosenpass_receive(world.hub, datagrams + taken, count - taken, now());
		while (rosenpass_next(world.hub, &output)) {
			if (output.kind == ROSENPASS_OUTPUT_SEND)
				reach_peer(&output);
		}
	}
	world.handshaking_ns += now() - before_ns;
	move_on_to(now() + count * DATAGRAM_NS);
	while (rosenpass_deadline(world.hub) <= now()) {
		rosenpass_expire(world.hub, now());
		while (rosenpass_next(world.hub, &output)) {
			if (output.kind == ROSENPASS_OUTPUT_SEND)
				reach_peer(&output);
		}
	}
}

/* When anything happens next. */
static uint64_t next_event(void)
{
	uint64_t next_ns = world.hub == NULL ? ROSENPASS_NEVER : rosenpass_deadline(world.hub);

	for (size_t i = 0; i < world.scene->peers; i++) {
		const struct peer *peer = &world.peers[i];
		uint64_t at_ns = peer->due_ns > peer->begins_ns ? peer->due_ns : peer->begins_ns;

		if (at_ns < next_ns)
			next_ns = at_ns;
	}
	if (world.scene->flood_every_ns != 0 && world.flood_ns < next_ns)
		next_ns = world.flood_ns;
	return next_ns;
}

static void run_until(uint64_t end_ns)
{
	while (now() < end_ns && world.keyed < world.scene->peers) {
		serve_peers();
		if (world.hub_reads && world.queued > 0) {
			serve_hub();
			continue;
		}
		if (next_event() > end_ns) {
			move_on_to(end_ns);
			return;
		}
		/* At least a little, so that a hub's timer that is due does not hold us up. */
		move_on_to(next_event() > now() ? next_event() : now() + MS / 10);
		if (world.hub_reads)
			serve_hub();
	}
}

/* Finds out how to seal the mac of a changed copy of the forged InitHello. */
static void prepare_forgery(void)
{
	struct public_key hub;
	struct packet *forged = &world.forged;

	public_key_init(&hub, public_key(HUB));
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		const uint8_t *key = public_key_fact(&hub, (enum keyed_hash)hash, PUBLIC_KEY_MAC_KEY);

		if (!messages_mac_is_right(forged->data, forged->length, (enum keyed_hash)hash, key))
			continue;
		world.forged_hash = (enum keyed_hash)hash;
		memcpy(world.forged_mac_key, key, sizeof world.forged_mac_key);
		return;
	}
	abort();
}

static void set_up(const struct scene *scene)
{
	struct rosenpass *stranger;
	struct rosenpass_output output = { .size = sizeof output };

	memset(&world, 0, sizeof world);
	world.scene = scene;
	world.base_ns = START_NS;
	world.base_count = standin_decapsulations;
	world.prng = prng_make(1, 0);
	for (size_t i = 0; i < scene->peers; i++) {
		world.peers[i].engine = make_engine(i);
		world.peers[i].begins_ns =
			START_NS + (scene->hub_after_ns == 0 ? 0 : prng_below(&world.prng, 20 * SECOND));
		add(world.peers[i].engine, HUB, true);
		world.peers[i].due_ns = rosenpass_deadline(world.peers[i].engine);
	}
	stranger = make_engine(STRANGER);
	add(stranger, HUB, true);
	rosenpass_expire(stranger, now());
	if (!rosenpass_next(stranger, &output))
		abort();
	world.forged.length = output.length;
	memcpy(world.forged.data, output.data, output.length);
	prepare_forgery();
	rosenpass_destroy(stranger);
	world.flood_ns = START_NS;
}

/* As the daemon does it: first all peers, during which datagrams wait in the socket, then it reads. */
static void start_hub(void)
{
	world.hub = make_engine(HUB);
	rosenpass_set_clock(world.hub, read_clock, NULL);
	for (size_t i = 0; i < world.scene->peers; i++) {
		add(world.hub, i, world.scene->is_known);
		move_on_to(now() + ADD_NS);
		serve_peers();
	}
	world.hub_reads = true;
	world.begun_ns = now();
}

static void tear_down(void)
{
	rosenpass_destroy(world.hub);
	for (size_t i = 0; i < world.scene->peers; i++)
		rosenpass_destroy(world.peers[i].engine);
}

static void play(const struct scene *scene)
{
	struct rosenpass_stats stats = { .size = sizeof stats };
	uint64_t hub_ns;
	uint64_t passed_ns;

	set_up(scene);
	run_until(START_NS + scene->hub_after_ns);
	hub_ns = now();
	start_hub();
	run_until(hub_ns + scene->limit_ns);
	passed_ns = now() - world.begun_ns;
	(void)rosenpass_get_stats(world.hub, &stats);
	printf("%s: %zu of %zu keyed %.1f s after the start, %.1f s of which adding; %llu cookies, %zu lost, "
	       "%.0f %% of the time for InitHellos\n",
	       scene->name, world.keyed, scene->peers, (double)(now() - hub_ns) / 1e9,
	       (double)(world.begun_ns - hub_ns) / 1e9,
	       (unsigned long long)rosenpass_count_received(world.hub, ROSENPASS_COOKIE_SENT), world.lost,
	       (double)world.handshaking_ns * 100 / (double)passed_ns);
	if (scene->flood_every_ns == 0) {
		check(world.keyed == scene->peers, scene->name, "all have a key");
		check(rosenpass_count_received(world.hub, ROSENPASS_DROPPED_PEER) == 0, scene->name,
		      "no peer was taken for a stranger");
	} else {
		check(world.keyed == scene->peers, scene->name, "all have a key");
		check(rosenpass_count_received(world.hub, ROSENPASS_COOKIE_SENT) > 0 && stats.under_load,
		      scene->name, "the flood meets cookies");
		check((double)world.handshaking_ns < 0.92 * (double)passed_ns, scene->name,
		      "time is left for everything else");
	}
	tear_down();
}

/* A flood that alone would take several cores: the share of each is small, but nobody waits for ever. */
static void play_heavy_flood(void)
{
	static const struct scene scene = { "heavy flood",    500,  100, MS, 30 * SECOND, SECOND / 10000, 0,
		                            FLOOD_EVERYWHERE, false };
	uint64_t share_from_ns;
	uint64_t share_ns;
	size_t keyed;

	set_up(&scene);
	run_until(START_NS + scene.hub_after_ns);
	start_hub();
	run_until(now() + 15 * SECOND);
	check(world.modern_keyed == scene.modern, scene.name, "peers with cookies are served at once");
	keyed = world.keyed - world.modern_keyed;
	check(keyed > 10, scene.name, "peers without cookies get a share");
	share_from_ns = now();
	share_ns = world.handshaking_ns;
	run_until(now() + 30 * SECOND);
	printf("%s: %zu, then %zu of %zu keyed without cookies; %.0f %% of the time for InitHellos\n",
	       scene.name, keyed, world.keyed - world.modern_keyed, scene.peers - scene.modern,
	       (double)(world.handshaking_ns - share_ns) * 100 / (double)(now() - share_from_ns));
	check(world.keyed - world.modern_keyed > keyed + 20, scene.name, "they go on to get it");
	check((double)(world.handshaking_ns - share_ns) < 0.65 * (double)(now() - share_from_ns), scene.name,
	      "strangers keep to the budget");
	/* It ends; so does the wait of all others. */
	world.flood_ns = ROSENPASS_NEVER;
	run_until(now() + 15 * SECOND);
	check(world.keyed == scene.peers, scene.name, "all have a key 15 s after its end");
	tear_down();
}

int main(void)
{
	static const struct scene scenes[] = {
		/* name, peers, of which with cookies, handshake, wait, flood, limit */
		{ "restart of a hub with 2000 peers", 2000, 0, MS, 30 * SECOND, 0, 30 * SECOND, 0, false },
		{ "restart on a slow machine", 2000, 0, 7 * MS, 30 * SECOND, 0, 30 * SECOND, 0, false },
		{ "all at the same moment", 2000, 0, MS, 0, 0, 30 * SECOND, 0, false },
		{ "a few more than kept cookies on", 400, 0, MS, 30 * SECOND, 0, 15 * SECOND, 0, false },
		{ "half of them with cookies", 1000, 500, 2 * MS, 30 * SECOND, 0, 20 * SECOND, 0, false },
		{ "restart beside a flood", 500, 0, MS, 30 * SECOND, SECOND / 1000, 60 * SECOND,
		  FLOOD_FEW_PREFIXES, false },
		{ "restart beside a great flood from few prefixes", 2000, 0, MS, 30 * SECOND, SECOND / 50000,
		  60 * SECOND, FLOOD_FEW_PREFIXES, false },
		{ "restart beside a great flood from everywhere", 2000, 0, MS, 30 * SECOND, SECOND / 50000,
		  60 * SECOND, FLOOD_EVERYWHERE, true },
	};

	if (sodium_init() < 0 || make_keys() != 0)
		return EXIT_FAILURE;
	for (size_t i = 0; i < sizeof scenes / sizeof scenes[0]; i++)
		play(&scenes[i]);
	play_heavy_flood();
	free(public_keys);
	printf("%d passed, %d failed\n", passed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

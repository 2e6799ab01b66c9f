#include "engine_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keccak.h"

static uint8_t public_keys[HOST_COUNT][ROSENPASS_PUBLIC_KEY_BYTES];
static uint8_t secret_keys[HOST_COUNT][ROSENPASS_SECRET_KEY_BYTES];
static bool keys_are_loaded;

static void load(const char *name, const char *suffix, uint8_t *out, size_t length)
{
	char path[512];
	FILE *file;

	(void)snprintf(path, sizeof path, "%s/vectors/keys/%s.%s", TEST_DATA_DIR, name, suffix);
	file = fopen(path, "rb");
	if (file == NULL || fread(out, 1, length, file) != length)
		fail_msg("cannot read %s", path);
	(void)fclose(file);
}

static void load_keys(void)
{
	static const char *const names[HOST_COUNT] = { "alice", "bob", "carol" };

	if (keys_are_loaded)
		return;
	for (int i = 0; i < HOST_COUNT; i++) {
		load(names[i], "pk", public_keys[i], sizeof public_keys[i]);
		load(names[i], "sk", secret_keys[i], sizeof secret_keys[i]);
	}
	keys_are_loaded = true;
}

static int fill_random(void *context, uint8_t *out, size_t out_len)
{
	struct host *host = context;
	uint8_t seed[16] = { (uint8_t)host->name };

	if (++host->random_calls == host->random_fails_at)
		return -1;
	host->random_state++;
	memcpy(seed + 8, &host->random_state, sizeof host->random_state);
	keccak_shake256(out, out_len, seed, sizeof seed);
	return 0;
}

static void *allocate(void *context, size_t bytes)
{
	struct host *host = context;
	void *p;

	if (++host->allocations == host->allocation_fails_at)
		return NULL;
	host->live_allocations++;
	p = malloc(bytes);
	if (p != NULL)
		memset(p, 0xa5, bytes); /* any content will do */
	return p;
}

static void release(void *context, void *memory, size_t bytes)
{
	struct host *host = context;
	const uint8_t *p = memory;

	for (size_t i = 0; i < bytes; i++) {
		if (p[i] != 0)
			host->released_dirty = true;
	}
	host->live_allocations--;
	free(memory);
}

int host_create(struct host *host)
{
	struct rosenpass_environment environment = {
		.size = sizeof environment,
		.random = fill_random,
		.random_context = host,
		.allocate = allocate,
		.release = release,
		.memory_context = host,
	};
	struct rosenpass_config config = {
		.size = sizeof config,
		.public_key = public_keys[host->name],
		.secret_key = secret_keys[host->name],
		.environment = &environment,
	};

	return rosenpass_create(&host->engine, &config);
}

void world_setup(struct world *world)
{
	load_keys();
	memset(world, 0, sizeof *world);
	world->now = 1000 * SECOND;
	for (int i = 0; i < HOST_COUNT; i++) {
		world->hosts[i].name = (enum host_name)i;
		world->hosts[i].random_state = (uint64_t)i << 40;
		assert_int_equal(host_create(&world->hosts[i]), 0);
	}
}

void world_teardown(struct world *world)
{
	for (int i = 0; i < HOST_COUNT; i++) {
		rosenpass_destroy(world->hosts[i].engine);
		assert_int_equal(world->hosts[i].live_allocations, 0);
		assert_false(world->hosts[i].released_dirty);
	}
}

struct rosenpass_address host_address(enum host_name name)
{
	struct rosenpass_address address = { .length = 6, .group_length = 4 };

	address.bytes[0] = 10;
	address.bytes[3] = (uint8_t)(1 + name);
	address.bytes[5] = 99;
	return address;
}

const uint8_t *host_public_key(enum host_name name)
{
	return public_keys[name];
}

int host_try_add(struct world *world, enum host_name host, enum host_name peer, bool reachable,
                 uint32_t dialects, const uint8_t *psk)
{
	struct rosenpass_peer_config config = {
		.size = sizeof config,
		.public_key = public_keys[peer],
		.psk = psk,
		.dialects = dialects,
		.user = &world->hosts[peer],
	};

	if (reachable)
		config.endpoint = host_address(peer);
	return rosenpass_peer_add(world->hosts[host].engine, &config, world->now,
	                          &world->hosts[host].peers[peer]);
}

void host_add(struct world *world, enum host_name host, enum host_name peer, bool reachable,
              uint32_t dialects)
{
	assert_int_equal(host_try_add(world, host, peer, reachable, dialects, NULL), 0);
}

void host_collect(struct world *world, enum host_name name)
{
	struct host *host = &world->hosts[name];
	struct rosenpass_output output = { .size = sizeof output };

	while (rosenpass_next(host->engine, &output)) {
		struct host *about = output.user;

		switch (output.kind) {
		case ROSENPASS_OUTPUT_SEND: {
			struct packet *packet = &host->outbox[host->outbox_used++];

			assert_true(host->outbox_used <= OUTBOX_MAX);
			assert_true(output.length <= sizeof packet->data);
			packet->from = host->name;
			packet->to = output.address;
			packet->length = output.length;
			packet->repeated = output.repeated;
			memcpy(packet->data, output.data, output.length);
			break;
		}
		case ROSENPASS_OUTPUT_KEY:
			assert_int_equal(output.length, ROSENPASS_KEY_BYTES);
			host->keys[about->name]++;
			host->confirmed[about->name] = output.confirmed;
			host->role[about->name] = output.role;
			host->dialect[about->name] = output.dialect;
			memcpy(host->key[about->name], output.data, output.length);
			break;
		case ROSENPASS_OUTPUT_STALE:
			host->stales[about->name]++;
			break;
		case ROSENPASS_OUTPUT_CONFIRMED:
			host->confirmations[about->name]++;
			break;
		case ROSENPASS_OUTPUT_ENDPOINT:
			host->moves[about->name]++;
			break;
		case ROSENPASS_OUTPUT_TIMEOUT:
			host->timeouts[about->name]++;
			break;
		}
	}
}

void host_expire(struct world *world, enum host_name name)
{
	rosenpass_expire(world->hosts[name].engine, world->now);
	host_collect(world, name);
}

enum rosenpass_verdict host_receive(struct world *world, enum host_name name, const struct packet *packet)
{
	struct rosenpass_datagram datagram = {
		.size = sizeof datagram,
		.data = packet->data,
		.length = packet->length,
		.from = host_address(packet->from),
	};

	assert_int_equal(rosenpass_receive(world->hosts[name].engine, &datagram, 1, world->now), 1);
	host_collect(world, name);
	return datagram.verdict;
}

struct packet host_take(struct world *world, enum host_name name)
{
	struct host *host = &world->hosts[name];
	struct packet packet;

	assert_true(host->outbox_used > 0);
	packet = host->outbox[0];
	host->outbox_used--;
	memmove(&host->outbox[0], &host->outbox[1], host->outbox_used * sizeof host->outbox[0]);
	return packet;
}

void host_drop(struct world *world, enum host_name name)
{
	world->hosts[name].outbox_used = 0;
}

static enum host_name destination(const struct packet *packet)
{
	for (int i = 0; i < HOST_COUNT; i++) {
		struct rosenpass_address address = host_address((enum host_name)i);

		if (memcmp(&address, &packet->to, sizeof address) == 0)
			return (enum host_name)i;
	}
	fail_msg("a packet for nobody");
	return HOST_COUNT;
}

void world_settle(struct world *world)
{
	for (bool moved = true; moved;) {
		moved = false;
		for (int i = 0; i < HOST_COUNT; i++) {
			while (world->hosts[i].outbox_used > 0) {
				struct packet packet = host_take(world, (enum host_name)i);

				(void)host_receive(world, destination(&packet), &packet);
				moved = true;
			}
		}
	}
}

static uint64_t next_deadline(const struct world *world)
{
	uint64_t next = ROSENPASS_NEVER;

	for (int i = 0; i < HOST_COUNT; i++) {
		uint64_t deadline = rosenpass_deadline(world->hosts[i].engine);

		next = deadline < next ? deadline : next;
	}
	return next;
}

static void serve(struct world *world)
{
	for (int i = 0; i < HOST_COUNT; i++) {
		if (rosenpass_deadline(world->hosts[i].engine) <= world->now)
			host_expire(world, (enum host_name)i);
	}
}

void world_run(struct world *world, uint64_t until)
{
	world_settle(world);
	for (uint64_t next = next_deadline(world); next <= until; next = next_deadline(world)) {
		world->now = next > world->now ? next : world->now;
		serve(world);
		world_settle(world);
	}
	world->now = until;
}

uint64_t world_run_deaf(struct world *world, enum host_name name, uint64_t until)
{
	uint64_t bytes = 0;

	for (uint64_t next = next_deadline(world); next <= until; next = next_deadline(world)) {
		world->now = next > world->now ? next : world->now;
		serve(world);
		for (size_t i = 0; i < world->hosts[name].outbox_used; i++)
			bytes += world->hosts[name].outbox[i].length;
		for (int i = 0; i < HOST_COUNT; i++)
			host_drop(world, (enum host_name)i);
	}
	world->now = until;
	return bytes;
}

#ifndef TESTS_UNIT_ENGINE_FIXTURE_H
#define TESTS_UNIT_ENGINE_FIXTURE_H

/*
 * Hosts with one engine each and a wire between them that does only what the test
 * says: what an engine sends lies in its outbox until the test delivers, copies,
 * changes or drops it. Time is a variable.
 */

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>

#include <cmocka.h>

#include "rosenpass.h"

#define SECOND UINT64_C(1000000000)
#define OUTBOX_MAX 64

enum host_name {
	ALICE,
	BOB,
	CAROL,
	HOST_COUNT
};

struct packet {
	enum host_name from;
	struct rosenpass_address to;
	uint8_t data[ROSENPASS_DATAGRAM_MAX_BYTES];
	size_t length;
	bool repeated;
};

struct host {
	enum host_name name;
	struct rosenpass *engine;
	rosenpass_peer peers[HOST_COUNT]; /* 0: not a peer */
	struct packet outbox[OUTBOX_MAX];
	size_t outbox_used;
	/* What was told about each peer. */
	unsigned keys[HOST_COUNT];
	unsigned stales[HOST_COUNT];
	unsigned moves[HOST_COUNT];
	unsigned confirmations[HOST_COUNT];
	bool confirmed[HOST_COUNT]; /* of the last key */
	unsigned timeouts[HOST_COUNT];
	uint8_t key[HOST_COUNT][ROSENPASS_KEY_BYTES];
	enum rosenpass_role role[HOST_COUNT];
	enum rosenpass_dialect dialect[HOST_COUNT];
	/* The random source: a counter stream; fails at this call (counted from 1), 0: never. */
	uint64_t random_state;
	unsigned random_calls;
	unsigned random_fails_at;
	/* The allocator: balances, and fails at this call, 0: never. */
	unsigned allocations;
	unsigned allocation_fails_at;
	int live_allocations;
	bool released_dirty;
};

struct world {
	struct host hosts[HOST_COUNT];
	uint64_t now;
};

/* Hosts without peers, with the keys of tests/data. */
void world_setup(struct world *world);
void world_teardown(struct world *world);

/* Makes a host's engine; returns what rosenpass_create() returned. */
int host_create(struct host *host);

/* Lets `host` know `peer`, with its address where reachable, and the default configuration. */
void host_add(struct world *world, enum host_name host, enum host_name peer, bool reachable,
              uint32_t dialects);
int host_try_add(struct world *world, enum host_name host, enum host_name peer, bool reachable,
                 uint32_t dialects, const uint8_t *psk);

struct rosenpass_address host_address(enum host_name name);
const uint8_t *host_public_key(enum host_name name);

/* Takes what the engine has put out. */
void host_collect(struct world *world, enum host_name host);

/* Calls expire and takes outputs. */
void host_expire(struct world *world, enum host_name host);

/* Hands one packet in and takes outputs; gives the verdict. */
enum rosenpass_verdict host_receive(struct world *world, enum host_name host, const struct packet *packet);

/* Takes the oldest packet out of the outbox; fails the test if there is none. */
struct packet host_take(struct world *world, enum host_name host);

/* Drops what a host has sent. */
void host_drop(struct world *world, enum host_name host);

/* Delivers everything until nothing is under way any more. */
void world_settle(struct world *world);

/* Lets time pass to `until`, serving every deadline on the way and delivering everything. */
void world_run(struct world *world, uint64_t until);

/* The same, but all packets are lost. Returns the bytes that `host` sent. */
uint64_t world_run_deaf(struct world *world, enum host_name host, uint64_t until);

#endif

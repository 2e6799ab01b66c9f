#ifndef ROSENPASS_PROTOCOL_SOURCES_H
#define ROSENPASS_PROTOCOL_SOURCES_H

/*
 * The networks (address groups) where our peers are, and how often each may be let in as the network of a
 * peer: on average one time in SOURCES_INTERVAL_NS for each peer there, all of them at once if nothing came
 * for that long. Memory grows with the peers, and is reserved before they are added.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/index.h"
#include "base/memory.h"
#include "crypto/short_hash.h"
#include "rosenpass.h"

#define SOURCES_INTERVAL_NS UINT64_C(5000000000)

/* A network in which there are peers. Networks are told apart by a keyed hash of 64 bits. */
struct source {
	uint64_t hash;
	uint64_t full_ns;   /* when all of its share will be there again */
	uint32_t peers;     /* 0: free */
	uint32_t next_free; /* INDEX_NONE: none */
};

struct sources {
	uint8_t key[SHORT_HASH_KEY_BYTES]; /* random */
	struct source *list;
	size_t capacity;
	uint32_t first_free; /* INDEX_NONE: none; meaningless without capacity */
	struct index by_hash;
};

/* Makes room for count networks. -1: no memory; the sources are as before. */
int sources_reserve(struct sources *sources, size_t count, const struct memory *memory)
	__attribute__((warn_unused_result));

void sources_release(struct sources *sources, const struct memory *memory);

/* Returns the name of the network of an address; 0 if the address is empty. */
uint64_t sources_hash(const struct sources *sources, const struct rosenpass_address *address);

/* Counts one peer more or less in a network. Room is reserved. 0 is no network, and is ignored. */
void sources_add(struct sources *sources, uint64_t hash);
void sources_remove(struct sources *sources, uint64_t hash);

/* Takes from the share of the network where the address is. false: no peer is there, or none left. */
bool sources_take(struct sources *sources, const struct rosenpass_address *address, uint64_t now_ns);

#endif

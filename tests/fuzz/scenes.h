#ifndef TESTS_FUZZ_SCENES_H
#define TESTS_FUZZ_SCENES_H

/*
 * Alice, whose engine is under attack, and Bob and Carol, with whom she exchanges keys
 * in earnest once at the start. On the way her engine's memory is copied in every
 * state that matters: these are the scenes, each of which can be gone back to. All
 * that Bob and Carol sent her is kept, and so are the keys that they agreed on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/peer_table.h"
#include "protocol/state.h"
#include "rosenpass.h"

enum scenes_name {
	SCENES_STRANGERS,    /* peers are known, nothing was sent */
	SCENES_INIT_HELLO,   /* waiting for Bob's RespHello or CookieReply */
	SCENES_BISCUIT_OUT,  /* moreover Carol's InitHello was answered */
	SCENES_INIT_CONF,    /* waiting for Bob's EmptyData */
	SCENES_RESPONDER,    /* moreover Carol's InitConf was accepted */
	SCENES_LIVE,         /* keys with both, nothing in progress */
	SCENES_RENEWAL,      /* waiting for Carol's RespHello, old keys in use */
	SCENES_CROSSED,      /* Bob's InitHello was answered, and waiting for his RespHello */
	SCENES_CROSSED_CONF, /* waiting for Bob's EmptyData, while his InitConf is under way */
	SCENES_UNDER_LOAD,
	SCENES_COUNT,
};

enum scenes_person {
	SCENES_ALICE,
	SCENES_BOB,
	SCENES_CAROL,
	SCENES_PERSONS,
};

#define SCENES_GENUINE_MAX 32
#define SCENES_KEYS_MAX 32

struct scenes_message {
	enum scenes_person from;
	size_t length;
	uint8_t data[ROSENPASS_DATAGRAM_MAX_BYTES];
};

struct scenes_keys {
	size_t count;
	uint8_t keys[SCENES_KEYS_MAX][ROSENPASS_KEY_BYTES];
};

/* What changes while an input runs. Reset by scenes_enter(). */
struct scenes_state {
	struct rosenpass *engine;
	rosenpass_peer peers[SCENES_PERSONS]; /* 0: not a peer */
	uint64_t now_ns;
	uint64_t random;
	unsigned random_fails_in;          /* this call from now fails; 0: none */
	struct scenes_keys responder_keys; /* given out by Alice as responder */
};

extern struct scenes_state scenes_alice;
extern struct scenes_message scenes_genuine[SCENES_GENUINE_MAX];
extern size_t scenes_genuine_count;
extern struct scenes_keys scenes_honest_keys;

/* Goes back to that scene. Plays all of them when called first. */
void scenes_enter(enum scenes_name name);

/* To be called at the end of an input: gives back what Alice allocated since scenes_enter(). */
void scenes_leave(void);

/* Alice's configuration of a peer. */
struct rosenpass_peer_config scenes_peer_config(enum scenes_person person);

struct rosenpass_address scenes_address(enum scenes_person person);

bool scenes_contains(const struct scenes_keys *keys, const uint8_t key[static ROSENPASS_KEY_BYTES]);
void scenes_add_key(struct scenes_keys *keys, const uint8_t key[static ROSENPASS_KEY_BYTES]);

#endif

#ifndef TESTS_SIM_NETWORK_H
#define TESTS_SIM_NETWORK_H

/* What happens when, in virtual time, and a network whose every direction has its own faults. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "prng.h"
#include "rosenpass.h"

#define NODES_MAX 6
#define MILLISECOND UINT64_C(1000000)
#define SECOND UINT64_C(1000000000)

struct packet {
	int from_node;
	struct rosenpass_address from;
	struct rosenpass_address to;
	bool damaged; /* a byte that the receiver has to check was changed */
	bool alien;   /* an attacker sent a message back to its sender: it must have no effect */
	bool forged;  /* an InitHello that an attacker made of public keys: it proves nothing */
	size_t length;
	uint8_t data[ROSENPASS_DATAGRAM_MAX_BYTES];
};

enum event_kind {
	EVENT_ARRIVAL, /* packet */
	EVENT_WAKE,    /* node */
	EVENT_ACTION,  /* node, value: see scenario.h */
	EVENT_AUDIT,
};

struct event {
	uint64_t at_ns;
	uint64_t order; /* of events at the same time: first come, first served */
	enum event_kind kind;
	int node;
	uint64_t value;
	struct packet *packet;
};

struct queue {
	struct event *events; /* a heap */
	size_t used;
	size_t capacity;
	uint64_t order;
};

void queue_put(struct queue *queue, struct event event);
/* The earliest event. The queue is not empty. */
struct event queue_take(struct queue *queue);
/* Drops everything that waits. */
void queue_release(struct queue *queue);

/* One direction between two nodes. Chances are in permille. */
struct link {
	bool cut;
	uint32_t loss;
	uint32_t duplicate;
	uint32_t damage;
	uint32_t spike;        /* delayed by up to two seconds: overtaken by others */
	uint32_t late;         /* a copy comes again within ten minutes */
	uint32_t reflect;      /* an attacker sends it back to its sender */
	uint32_t replay;       /* an attacker sends it again within ten minutes, from his own address */
	uint32_t lose_cookies; /* an attacker drops CookieReply */
	uint32_t race;         /* an observer forwards a copy from his own address, and it arrives first */
	uint64_t delay_ns;
	uint64_t jitter_ns;
};

struct world;

/* Sends data from a node to an address; what becomes of it is the link's affair. */
void network_send(struct world *world, int from_node, const struct rosenpass_address *to, const uint8_t *data,
                  size_t length);

/* An attacker who has public keys only sends `victim` an InitHello that names `claimed`. */
void network_forge_hello(struct world *world, int claimed, int victim);

bool network_address_equal(const struct rosenpass_address *a, const struct rosenpass_address *b);

#endif

#ifndef BENCH_HUB_PEERS_H
#define BENCH_HUB_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rosenpass.h"

/*
 * The peers of a hub: an engine each, with a key pair, an address of 127.0.0.0/8 and a socket of its own.
 * All of them live in this process.
 */
struct hub_peers;

/*
 * Makes count peers of the hub at 127.0.0.1:port, whose public key is in folder/hub.pub. Their key pairs are
 * read from folder/N.pub and folder/N.key, or made and put there. takes_cookies: CookieReplies are answered
 * as the protocol wants; false: they are dropped, as releases 0.2.x do. NULL: said on stderr.
 */
struct hub_peers *hub_peers_create(const char *folder, size_t count, uint16_t port, bool takes_cookies);
void hub_peers_destroy(struct hub_peers *);

/* Sends and receives for so long, or until all have a key. Returns how many have one. */
size_t hub_peers_run(struct hub_peers *, uint64_t for_ns);

/* When the n-th key came, in the time of clock_now_ns(), n from 1. 0: it has not come yet. */
uint64_t hub_peers_key_ns(const struct hub_peers *, size_t n);

/* How many datagrams were sent, and how many of those that came were CookieReplies. */
void hub_peers_count(const struct hub_peers *, uint64_t *sent, uint64_t *cookies);

/* Handshakes that were begun at the same time. */
struct hub_burst {
	size_t keyed;       /* how many led to a key */
	uint64_t answer_ns; /* from the first InitHello to the last RespHello */
	uint64_t *each_ns;  /* from the first InitHello to each RespHello, in their order; room for count */
};

/*
 * Does one handshake of count peers, from number first on, with the responder at 127.0.0.1:port, which has
 * the hub's key pair. All InitHellos are built before the first is sent, and RespHellos are worked on after
 * the last has come, or after limit_ns: the responder has the machine for itself meanwhile.
 */
void hub_peers_burst(struct hub_peers *, size_t first, size_t count, uint16_t port, uint64_t limit_ns,
                     struct hub_burst *);

/* Restricts all peers to one dialect. false: it was refused. */
bool hub_peers_set_dialect(struct hub_peers *, enum rosenpass_dialect dialect);

/* Makes a key pair in folder/NAME.pub and folder/NAME.key unless it is there. false: said on stderr. */
bool hub_key_pair(const char *folder, const char *name);

#endif

#ifndef BENCH_HUB_PEERS_H
#define BENCH_HUB_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Makes a key pair in folder/NAME.pub and folder/NAME.key unless it is there. false: said on stderr. */
bool hub_key_pair(const char *folder, const char *name);

#endif

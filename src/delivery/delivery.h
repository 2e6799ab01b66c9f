#ifndef ROSENPASS_DELIVERY_DELIVERY_H
#define ROSENPASS_DELIVERY_DELIVERY_H

/*
 * One peer's present key, and the sinks that it goes to. The key is wiped as soon as no sink needs it any
 * more.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "delivery/sink.h"

#define DELIVERY_KINDS_MAX 3

struct command_queue;
struct device_table;
struct key_lines;
struct outfile_guard;
struct retired_files;
struct sink_wireguard_env;

/* What all deliveries of a daemon share, and what outlives them. */
struct delivery_env {
	struct loop *loop;
	const char *daemon;                                   /* its name */
	const struct sink_ops *kinds[DELIVERY_KINDS_MAX + 1]; /* in the order of status; NULL-terminated */
	const struct outfile_guard *guard;
	struct key_lines *lines;
	struct retired_files *retired_files;
	struct command_queue *commands;
	struct device_table *devices;
	const struct sink_wireguard_env *wireguard;
};

struct delivery;

/* Creates the sinks that peer->config has. 0 or -ENOMEM. */
int delivery_create(struct delivery **out, const struct delivery_env *env, const struct sink_peer *peer)
	__attribute__((warn_unused_result));
/* Leaves everything where it is. NULL is allowed. */
void delivery_destroy(struct delivery *delivery);

/* Takes a new key to all sinks. key NULL: a random one. 0, or -EIO: no random bytes, and nothing was done. */
int delivery_put(struct delivery *delivery, const uint8_t *key, const struct key_origin *origin);

/* Reports sinks that could not take a key, before there is one. */
void delivery_inspect(struct delivery *delivery);

/*
 * Allocates all that the change to that configuration needs, so that the change cannot fail. Before the loop
 * goes on, the change has to be made or cancelled. 0; -ENOMEM: nothing is prepared then.
 */
int delivery_prepare(struct delivery *delivery, const struct config_peer *next)
	__attribute__((warn_unused_result));
/* Forgets what was prepared, if anything was. */
void delivery_cancel(struct delivery *delivery);

/*
 * peer->config is the one that the change was prepared for. Sinks with the same target go on as they are, new
 * ones get the key that is still on its way, and a target that is no longer one gets a random key.
 */
void delivery_change(struct delivery *delivery);

/*
 * The peer is removed: leaves each target with a random key in place of the last one, and frees the
 * delivery.
 */
void delivery_retire(struct delivery *delivery);

/* Returns true if every sink has what it should. */
bool delivery_is_done(const struct delivery *delivery);
/* Returns true if the key is kept, as a sink needs it. */
bool delivery_has_key(const struct delivery *delivery);

size_t delivery_sink_count(const struct delivery *delivery);
struct sink *delivery_sink(const struct delivery *delivery, size_t i);
/* The sink of that kind; NULL: none. */
struct sink *delivery_find(const struct delivery *delivery, const struct sink_ops *ops);

#endif

#ifndef ROSENPASS_MONITOR_ENGINES_H
#define ROSENPASS_MONITOR_ENGINES_H

/*
 * The engine processes of a daemon: the present one, one that is to take its place, and those that were
 * replaced and have not ended yet. Another key pair needs another engine process.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "monitor/engine_events.h"
#include "monitor/engine_link.h"
#include "system/loop.h"
#include "system/sandbox.h"

struct engines;

/* All that it points to outlives the engines. */
struct engines_env {
	struct loop *loop;
	const struct sandbox_user *user;
	bool no_sandbox;
	size_t threads; /* that compute beside the first one */
	const struct engine_events_env *events;
	/* engines_link() is another one. */
	void (*changed)(void *owner);
	/*
	 * The present engine process is lost or has ended, as the log says unless it was asked to end: the
	 * daemon cannot go on.
	 */
	void (*failed)(void *owner);
	void *owner;
};

/* There is no engine process yet. 0 or -ENOMEM. */
int engines_create(struct engines **out, const struct engines_env *env) __attribute__((warn_unused_result));
/* Ends all engine processes and waits for that. NULL is allowed. */
void engines_destroy(struct engines *engines);

/*
 * Starts an engine process for that many peers and waits until it has closed its sandbox. The present one
 * goes on. The secret key is wiped. -1, which is logged unless the daemon was asked to end: it has not
 * started, and nothing has changed.
 */
int engines_start(struct engines *engines, const uint8_t *public_key, uint8_t *secret_key, size_t peers)
	__attribute__((warn_unused_result));
/* The process that was started takes the place of the present one, which is asked to end. */
void engines_replace(struct engines *engines);
/*
 * Lets the engine process read its sockets and send, and waits until it does. Call this after handing
 * over all peers and sockets. Returns -1 if the process has ended or hangs, which is logged, or if the
 * daemon is asked to end.
 */
int engines_begin(struct engines *engines) __attribute__((warn_unused_result));
/* Returns true if a signal waits that asks the daemon to end. */
bool engines_are_interrupted(void);

/* The channel to the present engine process; NULL: there is none, or it was asked to end. */
struct engine_link *engines_link(const struct engines *engines);
/*
 * The present engine process was told of peers, and knows that many at most: waits while many requests are
 * queued. Ends early if the daemon is asked to end.
 */
void engines_announced(struct engines *engines, size_t peers);
/* Hands a socket over to the engine process, or revokes it. The descriptor stays the caller's. */
void engines_add_socket(const struct engines *engines, uint32_t slot, int fd);
void engines_drop_socket(const struct engines *engines, uint32_t slot);
/* Addresses, routes or the mark of the sockets have changed. */
void engines_network_changed(const struct engines *engines);
void engines_ask_report(const struct engines *engines);

/* Pings the present engine process that often, and those that take its place. */
void engines_watch(struct engines *engines, uint64_t every_ns);
/* This process was busy for long: an answer of the engine process that waits meanwhile is not late. */
void engines_was_away(const struct engines *engines);
/* Asks the present engine process to end, without waiting. It is told nothing more. */
void engines_stop(struct engines *engines);

/* The present engine process; 0: none. */
pid_t engines_pid(const struct engines *engines);
/* Returns true if that is one of the engine processes. */
bool engines_have_process(const struct engines *engines, pid_t pid);
/* What protects the last engine process that was the present one. */
const struct channel_ready *engines_ready(const struct engines *engines);

/* Logs a warning if little protects the present engine process. */
void engines_warn(const struct engines *engines);

/* The present engine process can no longer be talked to; its link says so itself, except in tests. */
void engines_lost(struct engines *engines, enum engine_link_loss loss);

#endif

#ifndef ROSENPASS_DELIVERY_SINK_H
#define ROSENPASS_DELIVERY_SINK_H

/*
 * A place that the keys of one peer go to: a file, a command or a WireGuard device. Each kind embeds struct
 * sink as its first member and has a table of functions. A sink reports the outcome of each delivery, and
 * retries on its own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/backoff.h"
#include "config/rosenpass_config.h"
#include "delivery/tunnel.h"
#include "rosenpass.h"
#include "system/address.h"
#include "system/file_output.h"
#include "system/loop.h"

#define SINK_ERROR_BYTES 256

struct sink;
struct delivery_env;

enum sink_state {
	SINK_EMPTY,     /* there was no key yet */
	SINK_PENDING,   /* being worked on, or not tried yet */
	SINK_FAILING,   /* the last try failed */
	SINK_DELIVERED, /* the present key has arrived */
};

/* Whose keys they are. All of it outlives the sinks, and may change while they exist. */
struct sink_peer {
	const char *label; /* for messages */
	const struct config_peer *config;
	const struct file_output *new_file; /* what key_out becomes where it is not there */
	uint64_t key_prefix;                /* the first bytes of the public key */
	/* The peer id in base64, by the hash of that dialect. */
	const char *(*id)(void *owner, enum rosenpass_dialect dialect);
	void *owner;
};

/* Where a key comes from. */
struct key_origin {
	const char *reason; /* "exchanged", "stale"; a constant */
	enum rosenpass_role role;
	enum rosenpass_dialect dialect; /* of the last exchange */
};

struct delivery_key {
	const uint8_t *bytes; /* secret memory, ROSENPASS_KEY_BYTES */
	bool is_exchanged;    /* and no random one */
	struct key_origin origin;
};

/* Why a sink is retired. */
enum sink_cause {
	SINK_REPLACED, /* the peer has another target now */
	SINK_REMOVED,  /* the peer is removed */
};

/* A peer of a WireGuard device, as it was when the device was read last. */
struct sink_status_wireguard {
	const char *device, *peer;
	bool is_left;      /* its preshared key is left as it is until the first exchange */
	bool is_exchanged; /* its key comes from an exchange */
	bool is_there, is_up;
	int refused; /* negative errno: why the device does not take the extra parameters */
	union address_socket endpoint;
	const char *endpoint_error; /* why the name of the endpoint does not resolve; NULL: none */
	bool had_handshake;
	uint64_t handshake_age_seconds;
	uint64_t received_bytes, sent_bytes;
	enum tunnel_state tunnel;
};

/* For status. Strings belong to the sink. */
struct sink_status {
	const char *kind; /* "file", "command", "wireguard" */
	enum sink_state state;
	uint64_t state_ns;               /* since when */
	uint64_t attempts;               /* for the present key */
	uint64_t failures;               /* of all keys */
	const char *error;               /* empty: none */
	const char *target;              /* NULL: words are set */
	const struct string_list *words; /* of a command */
	bool is_wireguard;
	struct sink_status_wireguard wireguard;
};

struct sink_ops {
	const char *kind;         /* as in status */
	const char *failure_text; /* "cannot write outfile", before the target */
	const char *success_text; /* "its outfile works again" */
	bool logs_each_reason;    /* else one failure is logged until it works again */
	uint64_t retry_first_ns, retry_most_ns;

	/* Returns true if the configuration has a target of this kind. */
	bool (*is_wanted)(const struct config_peer *config);
	/* Creates a sink for the target that peer->config has. 0 or -ENOMEM. */
	int (*create)(struct sink **out, const struct delivery_env *env, const struct sink_peer *peer);
	/* Takes a key, which is borrowed until the sink reports, or is given another one. */
	void (*deliver)(struct sink *sink, const struct delivery_key *key);
	/* There is no key yet: reports whether one could be delivered. NULL: nothing to be said. */
	void (*inspect)(struct sink *sink);
	bool (*same_target)(const struct sink *sink, const struct config_peer *config);
	/*
	 * Allocates what reconfigure() needs for that configuration, which has the same target, and keeps it
	 * until reconfigure() or cancel(). 0 or -ENOMEM. NULL, both of them: nothing.
	 */
	int (*prepare)(struct sink *sink, const struct config_peer *config);
	void (*cancel)(struct sink *sink);
	/* Takes the configuration that was prepared. Cannot fail. */
	void (*reconfigure)(struct sink *sink, const struct config_peer *config);
	/* Takes over what a sink of the same kind with another target leaves. NULL: nothing. */
	void (*inherit)(struct sink *sink, const struct sink *from);
	/* Leaves key, a random one, at the target, and frees the sink. NULL: the target had no key. */
	void (*retire)(struct sink *sink, const uint8_t *key, enum sink_cause cause);
	/* Fills in target or words; may replace the error. */
	void (*describe)(const struct sink *sink, struct sink_status *status);
	void (*destroy)(struct sink *sink);
};

struct sink {
	const struct sink_ops *ops;
	const struct sink_peer *peer;
	const char *target; /* for messages; NULL: none. Belongs to the kind. */
	enum sink_state state;
	uint64_t state_ns;
	uint64_t attempts;
	uint64_t failures;
	char error[SINK_ERROR_BYTES];
	bool is_logged; /* that it fails */

	struct loop *loop;
	struct loop_timer timer; /* the next retry */
	struct backoff backoff;
	const struct delivery_key *key; /* NULL: the sink needs none */
	const struct key_origin *last;  /* of the peer's last key; reason NULL: there was none */
	/* The sink has its key. */
	void (*delivered)(void *owner);
	void *owner;
};

/* To be called by create(), on zeroed memory. 0 or -ENOMEM. */
int sink_init(struct sink *sink, const struct sink_ops *ops, struct loop *loop, const struct sink_peer *peer)
	__attribute__((warn_unused_result));
/* To be called by destroy(). */
void sink_release(struct sink *sink);

/* Marks the sink as pending, with a new key; sink_deliver() follows. */
void sink_offer(struct sink *sink, const struct delivery_key *key);
void sink_deliver(struct sink *sink);

/* The sink is being worked on. One that failed counts as failing until it works. */
void sink_pending(struct sink *sink);
/* The key has arrived. */
void sink_delivered(struct sink *sink);
/* The key has not arrived: arms the retry timer. */
void sink_failed(struct sink *sink, const char *problem);
/* The same without a retry: somebody else schedules it. is_news: log it as an error. */
void sink_not_delivered(struct sink *sink, const char *problem, bool is_news);
/* Cancels the retry. */
void sink_stop_retrying(struct sink *sink);
/* There is no key yet, and nothing is wrong. */
void sink_is_ready(struct sink *sink);

void sink_describe(const struct sink *sink, struct sink_status *status);

#endif

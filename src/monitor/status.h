#ifndef ROSENPASS_MONITOR_STATUS_H
#define ROSENPASS_MONITOR_STATUS_H

/*
 * What a daemon says about itself (doc/control.md), as plain structs. Texts are borrowed from the daemon
 * and valid until it changes; NULL and the empty text mean that there is none. An address of AF_UNSPEC is
 * none. Times ending in _ns are of loop_now_ns(), 0: never.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "protocol/verdicts.h"
#include "system/address.h"

#define STATUS_ID_BYTES 45 /* base64 */
#define STATUS_NOTE_BYTES 64
#define STATUS_WORDS_BYTES 1024
#define STATUS_TARGET_BYTES 512
#define STATUS_PARTS 7
#define STATUS_CALLERS 16
#define STATUS_OUTPUTS 3
#define STATUS_NEVER UINT64_MAX

/* A protection of the engine process. */
struct status_part {
	const char *name;
	bool is_on;
	char note[STATUS_NOTE_BYTES];
};

struct status_listener {
	const char *configured;
	union address_socket address;
	bool is_open;
	const char *error;
};

/* A caller whose handshake was rejected. */
struct status_caller {
	union address_socket address;
	const char *reason;
	char claimed_id[STATUS_ID_BYTES];
	size_t claimed_peer; /* 0: none */
	const char *claimed_name;
	uint64_t count;
	uint64_t last_ns;
	char words[STATUS_WORDS_BYTES];
};

struct status_daemon {
	const char *name, *program, *version, *config;
	pid_t pid, engine_pid;
	uint64_t uptime_ns;
	uint32_t fwmark; /* 0: none */
	const char *fwmark_error;
	uint64_t under_load_since_ns;
	uint32_t busy_permille;
	bool is_random_failing;
	struct status_part sandbox[STATUS_PARTS];
	const char *id, *id_shake256;
	uint64_t rejected_total;
	size_t rejected_callers; /* that are remembered */
	struct status_caller last[STATUS_CALLERS];
	size_t last_count;
	uint64_t received[VERDICT_INDEX_COUNT]; /* by verdict_index() */
	uint64_t sent, sent_bytes;
};

struct status_wireguard {
	const char *device, *peer;
	bool is_protected;
	bool is_there, is_up;
	union address_socket endpoint;
	const char *endpoint_error;
	bool had_handshake;
	uint64_t handshake_age_seconds;
	uint64_t received_bytes, sent_bytes;
	const char *tunnel;
	char tunnel_problem[STATUS_WORDS_BYTES];
};

struct status_output {
	const char *kind;
	const char *target;                    /* NULL: made_target */
	char made_target[STATUS_TARGET_BYTES]; /* a command in one line, or device and peer */
	bool is_wireguard;                     /* wireguard is set */
	struct status_wireguard wireguard;
	const char *state;
	const char *reason;
	uint64_t state_ns; /* 0: there was no key yet */
	uint64_t attempts, failures;
	const char *error;
};

/* Why a peer does not answer. */
struct status_unanswered {
	const char *reason; /* NULL: it does */
	uint64_t since_ns;
	char words[STATUS_WORDS_BYTES];
};

struct status_peer {
	size_t number;
	const char *name, *id;
	bool is_at_run_time;
	const char *public_key, *endpoint;
	const union address_socket *addresses;
	size_t address_count;
	const char *resolve_error;
	union address_socket address;
	const char *state, *role, *dialect;
	bool has_key, is_confirmed;
	uint64_t key_since_ns;
	uint64_t renewal_ns; /* STATUS_NEVER: none is planned */
	uint64_t exchanges, timeouts, retransmissions;
	const char *last_error;
	struct status_unanswered unanswered;
	struct status_output outputs[STATUS_OUTPUTS];
	size_t output_count;
};

/* A place that still has the last key of a peer that has left it. */
struct status_left {
	const char *peer, *kind;
	const char *target; /* NULL: made_target */
	char made_target[STATUS_TARGET_BYTES];
	const char *error;
};

struct channel_ready;
struct channel_report;
struct delivery_env;
struct listeners;
struct peer_set;
struct silence;
struct socket_mark;

/* What the status is collected from. */
struct status_sources {
	const char *name; /* of the daemon */
	const char *version;
	const char *config_file; /* NULL: none */
	bool no_sandbox;
	uint64_t started_ns;
	pid_t engine_pid;                    /* 0: there is no engine process */
	const struct channel_ready *ready;   /* of the engine process */
	const struct channel_report *report; /* the last one */
	const struct socket_mark *mark;
	const struct listeners *listeners;
	const struct delivery_env *deliveries;
	const struct peer_set *peers;
	struct silence *silence;
};

/* Collects the whole status. A new reference; NULL: no memory. */
json_t *status_collect(const struct status_sources *sources, uint64_t now_ns);

#endif

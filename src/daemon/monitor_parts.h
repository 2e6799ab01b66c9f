#ifndef ROSENPASS_DAEMON_MONITOR_PARTS_H
#define ROSENPASS_DAEMON_MONITOR_PARTS_H

/* Within the monitor process: its state, and what its files have for each other. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/backoff.h"
#include "config/rosenpass_config.h"
#include "config/wireguard_params.h"
#include "delivery/command_queue.h"
#include "delivery/delivery.h"
#include "delivery/device.h"
#include "delivery/key_lines.h"
#include "delivery/outfile.h"
#include "delivery/retired_files.h"
#include "delivery/sink_wireguard.h"
#include "engine/channel.h"
#include "daemon/monitor.h"
#include "monitor/commands.h"
#include "monitor/engine_child.h"
#include "monitor/engine_link.h"
#include "monitor/event_limit.h"
#include "monitor/listeners.h"
#include "monitor/network.h"
#include "monitor/peer.h"
#include "monitor/peer_memory.h"
#include "monitor/peer_set.h"
#include "monitor/plan.h"
#include "monitor/silence.h"
#include "monitor/socket_mark.h"
#include "monitor/staged_peer.h"
#include "system/file_identity.h"
#include "system/file_output.h"
#include "system/hostname.h"
#include "system/loop.h"
#include "system/resolver_pool.h"
#include "system/sandbox.h"
#include "system/sockets.h"
#include "wireguard/wireguard.h"

#define MONITOR_NEVER UINT64_MAX

/* An engine process, and how far it has come. */
struct monitor_engine {
	struct monitor *monitor;
	struct monitor_engine *next; /* of those that were replaced */
	struct engine_child *child;
	struct engine_link *link;
	bool is_ready;  /* READY has come */
	bool has_begun; /* BEGUN has come */
	bool is_ending; /* it was asked to end, or killed */
	bool has_left;  /* it has closed its end of the channel before that */
	struct channel_ready ready;
};

struct monitor {
	struct config config; /* without its peers: these have gone to struct peer */
	struct monitor_options options;
	char *name;
	bool from_file;
	uint64_t started_ns;
	struct sandbox_user user;
	struct shared_key public_key;
	struct claims claims;     /* of what the peers and the daemon itself use */
	struct claim *own_claims; /* the daemon's */
	struct plan_daemon self;
	struct plan_target target;

	pid_t engine_pid;                /* 0: none */
	struct monitor_engine *engine;   /* NULL: none */
	struct monitor_engine *starting; /* the engine process that is to take its place; NULL */
	struct monitor_engine *retired;  /* those that were replaced and have not ended yet */
	struct channel_ready ready;      /* of the engine process */
	bool is_ready;
	bool stopping;
	int status;   /* exit status when stopping */
	bool is_late; /* all that a stop has to wait for has had its time */

	struct delivery_env deliveries; /* what the deliveries of all peers share */
	struct sink_wireguard_env wireguards;
	struct outfile_guard guard;
	struct key_lines key_lines;

	struct device_owner device_owner;
	const struct wireguard_backend *backend; /* NULL: the devices of this system */

	struct peer_memory *memory;
	struct peer_env peer_env;
	struct peer_set *peers;

	struct listeners *listeners;
	struct socket_mark *mark;

	struct loop *loop;
	struct resolver_pool *resolvers;
	struct network *network;
	struct loop_timer stop;     /* when a stop does not wait any longer */
	struct loop_timer watchdog; /* while stopping: when the service manager is told next */
	uint64_t watchdog_every_ns;

	struct commands *commands; /* NULL: there is no control socket */
	bool reported_lacks;       /* of the kernel, for processes that resolve names */
	struct channel_report report;
	struct silence *silence;
};

/* monitor.c */

/* After the file without folder and ".toml", or after this process; allocated. NULL: no memory. */
char *monitor_make_name(const struct config *config, const struct monitor_options *options);
/* Sends a request to the engine process; when that is not possible any more the daemon ends. */
void monitor_request(struct monitor *monitor, const struct channel_request *request, int fd);
void monitor_stop(struct monitor *monitor, int status);
/* What the command line says counts in place of what a configuration says that was just read. */
void monitor_apply_options(struct monitor *monitor);
/* We were busy for long: an answer of the engine process that waits meanwhile is not late. */
void monitor_was_away(struct monitor *monitor);

/* monitor_peers.c: the peers, and what they need of the rest. */
/* 0 or -ENOMEM. */
int monitor_peers_open(struct monitor *monitor) __attribute__((warn_unused_result));
/* Destroys all peers; where they were is written. */
void monitor_peers_close(struct monitor *monitor);
/* Requests go to the present engine process from now on. */
void monitor_peers_use_engine(struct monitor *monitor);
/* Removes the peer from the engine process, and replaces its key in every output by a random one. */
void monitor_peers_remove(struct monitor *monitor, struct peer *peer);

/* monitor_events.c: what the engine process says; the owner is a monitor_engine. */
extern const struct engine_link_events monitor_events;

/* monitor_listen.c: the sockets of `listen`, between the listeners and the engine process. */
/* Opens what the configuration says. -1: the reason is logged. */
int monitor_listen_start(struct monitor *monitor) __attribute__((warn_unused_result));
/* Hands all open sockets to a new engine process. */
void monitor_listen_announce(struct monitor *monitor);

/* monitor_plan.c: what plans need of us. */
/* Fills in what they need. To be called again once there is a set of peers. */
void monitor_plan_open(struct monitor *monitor);
/* Reads the configuration again. 0, or -1 and one line in problem: nothing has changed then. */
int monitor_reload(struct monitor *monitor, struct plan_result *result,
                   char problem[static MONITOR_PROBLEM_BYTES]) __attribute__((warn_unused_result));

/* monitor_engine.c: starts and ends engine processes. */
/*
 * Starts an engine process for that many peers and waits until it has closed its sandbox. The present one
 * goes on. -1, which is said in the log unless the daemon was asked to end: it has not started, and
 * nothing has changed.
 */
int monitor_engine_start(struct monitor *monitor, const uint8_t *public_key, uint8_t *secret_key,
                         size_t peers) __attribute__((warn_unused_result));
/* The process that was started takes the place of the present one, which is asked to end. */
void monitor_engine_replace(struct monitor *monitor);
/* Waits while many requests are queued. Ends early if the daemon is asked to end. */
void monitor_engine_make_room(struct monitor *monitor);
/*
 * Lets the engine process read its sockets and send, and waits until it does. Call this after handing
 * over all peers and sockets. Returns -1 if the process has ended or hangs, which is logged, or if the
 * daemon is asked to end.
 */
int monitor_engine_begin(struct monitor *monitor) __attribute__((warn_unused_result));
/* Returns whether a signal waits that asks the daemon to end. */
bool monitor_engine_is_interrupted(void);
/* Ends all engine processes and waits for that. */
void monitor_engine_end(struct monitor *monitor);
/* Asks the engine process to end, without waiting. */
void monitor_engine_tell_stop(struct monitor *monitor);
/* The engine process can no longer be talked to. */
void monitor_engine_lost(struct monitor_engine *engine, enum engine_link_loss loss);

#include "daemon/monitor_outputs.h"

#endif

#ifndef ROSENPASS_MONITOR_ENGINE_EVENTS_H
#define ROSENPASS_MONITOR_ENGINE_EVENTS_H

/* What engine processes report, on its way to the peers that it is about. */

#include <stdbool.h>

#include "monitor/engine_link.h"
#include "monitor/peer_set.h"
#include "monitor/silence.h"

/* Where events go. */
struct engine_events_env {
	struct loop *loop;
	struct peer_set *peers;
	struct silence *silence;
	/* A report of the present engine process is complete. */
	void (*reported)(void *owner, const struct channel_report *report);
	void *owner;
};

/* An engine process, as the owner of its link. */
struct engine_events_source {
	const struct engine_events_env *env;
	bool is_present;            /* else what it reports of peers is dropped */
	bool is_ready;              /* READY has come */
	bool has_begun;             /* BEGUN has come */
	struct channel_ready ready; /* what it said with READY */
	/* It can no longer be talked to. */
	void (*lost)(void *owner, enum engine_link_loss loss);
	void *owner;
};

/* For engine_link_open(), with a struct engine_events_source as the owner. */
extern const struct engine_link_events engine_events;

#endif

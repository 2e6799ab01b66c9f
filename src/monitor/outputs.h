#ifndef ROSENPASS_MONITOR_OUTPUTS_H
#define ROSENPASS_MONITOR_OUTPUTS_H

/* What deliveries share: files and commands that peers have left, and the devices of WireGuard. */

#include "delivery/delivery.h"
#include "delivery/device.h"
#include "delivery/outfile.h"
#include "delivery/sink_wireguard.h"
#include "monitor/plan.h"
#include "system/loop.h"
#include "system/resolver_pool.h"

struct outputs;

/* Pointers outlive the outputs. */
struct outputs_env {
	struct loop *loop;
	struct resolver_pool *resolvers;
	const char *daemon; /* its name */
	struct outfile_guard guard;
	struct device_owner devices;
	const struct wireguard_backend *backend; /* NULL: the devices of this system */
	const struct sink_wireguard_events *wireguard;
	void *wireguard_owner;
};

/* 0 or -ENOMEM. */
int outputs_create(struct outputs **out, const struct outputs_env *env) __attribute__((warn_unused_result));
/* No peer is left. Keys that are still in files which peers have left are replaced now. NULL is allowed. */
void outputs_destroy(struct outputs *outputs);

/* Removes temporary files that killed processes have left beside the outfiles of a plan. */
void outputs_sweep(const struct plan *plan);

/* What deliveries are created with. */
const struct delivery_env *outputs_deliveries(const struct outputs *outputs);

#endif

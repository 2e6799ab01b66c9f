#include "daemon/monitor_parts.h"

#include <assert.h>

#include "delivery/sink_command.h"
#include "delivery/sink_file.h"

static_assert(OUTFILE_PROBLEM_BYTES == MONITOR_PROBLEM_BYTES, "its problems fit");

static int judge(void *owner, void *claimant, const char *path, struct file_identity *judged,
                 char problem[static OUTFILE_PROBLEM_BYTES])
{
	return monitor_claims_check(owner, claimant, path, judged, problem);
}

static void written(void *owner, void *claimant)
{
	struct monitor *monitor = owner;
	const struct monitor_peer *peer = claimant;

	if (peer != NULL)
		claims_refresh(&monitor->claims, peer->claims);
}

static bool is_in_use(void *owner, const char *path)
{
	const struct monitor_peer *peer = monitor_claims_writer(owner, path);
	const struct sink *sink;

	if (peer == NULL || peer->leaving || peer->delivery == NULL)
		return false;
	sink = delivery_find(peer->delivery, &sink_file);
	return sink != NULL && sink->state == SINK_DELIVERED;
}

static int ensure(void *owner, const char *name, uint64_t *again_ns)
{
	struct monitor *monitor = owner;

	return monitor->stopping ? -1 : monitor->options.ensure(monitor->options.context, name, again_ns);
}

static void device_was_read(void *owner)
{
	monitor_mark_update(owner);
	monitor_wake(owner);
}

int monitor_delivery_open(struct monitor *monitor)
{
	struct delivery_env *env = &monitor->deliveries;
	int result;

	monitor->guard = (struct outfile_guard){ judge, written, is_in_use, monitor };
	*env = (struct delivery_env){
		.loop = monitor->loop,
		.daemon = monitor->name,
		.kinds = { &sink_file, &sink_command, &monitor_wireguard_sink },
		.guard = &monitor->guard,
		.lines = &monitor->key_lines,
		.monitor = monitor,
	};
	if (monitor->backend == NULL)
		monitor->backend = &wireguard_backend_system;
	monitor->device_owner = (struct device_owner){
		.ensure = monitor->options.ensure == NULL ? NULL : ensure,
		.read = device_was_read,
		.own_name = monitor->options.ensure == NULL ? NULL : monitor->name,
		.owner = monitor,
	};
	result = retired_files_create(&env->retired_files, monitor->loop, env->guard, env->lines);
	if (result == 0)
		result = command_queue_create(&env->commands, monitor->loop);
	if (result == 0)
		result = device_table_create(&env->devices, monitor->loop, monitor->backend,
		                             &monitor->device_owner);
	return result;
}

void monitor_delivery_close(struct monitor *monitor)
{
	struct delivery_env *env = &monitor->deliveries;

	if (env->commands != NULL)
		sink_command_release_retired(env->commands);
	command_queue_destroy(env->commands);
	env->commands = NULL;
	retired_files_destroy(env->retired_files);
	env->retired_files = NULL;
	device_table_destroy(env->devices);
	env->devices = NULL;
}

static const char *id_of(void *owner, enum rosenpass_dialect dialect)
{
	return monitor_peers_id(owner, dialect);
}

int monitor_delivery_init(struct monitor *monitor, struct monitor_peer *peer)
{
	peer->stale_ns = MONITOR_NEVER;
	peer->recipient = (struct sink_peer){
		.label = peer->label,
		.config = &peer->config,
		.new_file = &peer->new_file,
		.key_prefix = peer->tag,
		.id = id_of,
		.owner = peer,
	};
	return delivery_create(&peer->delivery, &monitor->deliveries, &peer->recipient);
}

void monitor_delivery_start(struct monitor_peer *peer, const uint8_t *key, const char *reason)
{
	const struct key_origin origin = {
		.reason = reason,
		.role = (enum rosenpass_role)peer->role,
		.dialect = (enum rosenpass_dialect)peer->dialect,
	};

	if (delivery_put(peer->delivery, key, &origin) == 0)
		peer->reason = reason;
}

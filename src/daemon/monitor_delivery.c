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
	struct peer *peer = claimant;

	if (peer != NULL)
		claims_refresh(&monitor->claims, *peer_claims(peer));
}

static bool is_in_use(void *owner, const char *path)
{
	const struct peer *peer = monitor_claims_writer(owner, path);
	const struct sink *sink;

	if (peer == NULL || peer_delivery(peer) == NULL)
		return false;
	sink = delivery_find(peer_delivery(peer), &sink_file);
	return sink != NULL && sink->state == SINK_DELIVERED;
}

static int ensure(void *owner, const char *name, uint64_t *again_ns)
{
	struct monitor *monitor = owner;

	return monitor->stopping ? -1 : monitor->options.ensure(monitor->options.context, name, again_ns);
}

static void device_was_read(void *owner)
{
	const struct monitor *monitor = owner;

	socket_mark_update(monitor->mark);
}

static void mark_socket(void *owner, const struct listeners_socket *socket)
{
	const struct monitor *monitor = owner;

	socket_mark_apply(monitor->mark, socket->fd);
}

static void mark_each(void *owner)
{
	const struct monitor *monitor = owner;

	if (monitor->listeners != NULL)
		listeners_each(monitor->listeners, mark_socket, owner);
}

/* Messages that wait for an answer went another way. */
static void mark_changed(void *owner)
{
	static const struct channel_request changed = { .kind = CHANNEL_NETWORK_CHANGED };
	struct monitor *monitor = owner;

	if (monitor->is_ready)
		monitor_request(monitor, &changed, -1);
}

static int open_mark(struct monitor *monitor)
{
	const struct socket_mark_owner owner = { sockets_mark, mark_each, mark_changed, monitor };

	return socket_mark_create(&monitor->mark, monitor->deliveries.devices, &owner);
}

int monitor_delivery_open(struct monitor *monitor)
{
	struct delivery_env *env = &monitor->deliveries;
	int result;

	monitor->guard = (struct outfile_guard){ judge, written, is_in_use, monitor };
	monitor->wireguards = (struct sink_wireguard_env){
		.resolvers = monitor->resolvers,
		.events = &monitor_wireguard_events,
		.owner = monitor,
	};
	*env = (struct delivery_env){
		.loop = monitor->loop,
		.daemon = monitor->name,
		.kinds = { &sink_file, &sink_command, &sink_wireguard },
		.guard = &monitor->guard,
		.lines = &monitor->key_lines,
		.wireguard = &monitor->wireguards,
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
	if (result == 0)
		result = open_mark(monitor);
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
	socket_mark_destroy(monitor->mark);
	monitor->mark = NULL;
	device_table_destroy(env->devices);
	env->devices = NULL;
}

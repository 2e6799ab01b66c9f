#include "monitor/outputs.h"

#include <errno.h>
#include <stdlib.h>

#include "delivery/command_queue.h"
#include "delivery/key_lines.h"
#include "delivery/retired_files.h"
#include "delivery/sink_command.h"
#include "delivery/sink_file.h"

struct outputs {
	struct outputs_env env;
	struct delivery_env deliveries;
	struct sink_wireguard_env wireguard;
	struct key_lines lines;
};

static int open_parts(struct outputs *outputs)
{
	struct delivery_env *deliveries = &outputs->deliveries;
	const struct outputs_env *env = &outputs->env;
	int result = retired_files_create(&deliveries->retired_files, env->loop, &outputs->env.guard,
	                                  &outputs->lines);

	if (result == 0)
		result = command_queue_create(&deliveries->commands, env->loop);
	if (result == 0)
		result = device_table_create(&deliveries->devices, env->loop, env->backend,
		                             &outputs->env.devices);
	return result;
}

int outputs_create(struct outputs **out, const struct outputs_env *env)
{
	struct outputs *outputs = calloc(1, sizeof *outputs);
	int result;

	*out = NULL;
	if (outputs == NULL)
		return -ENOMEM;
	outputs->env = *env;
	if (env->backend == NULL)
		outputs->env.backend = &wireguard_backend_system;
	outputs->wireguard = (struct sink_wireguard_env){
		.resolvers = env->resolvers,
		.events = env->wireguard,
		.owner = env->wireguard_owner,
	};
	outputs->deliveries = (struct delivery_env){
		.loop = env->loop,
		.daemon = env->daemon,
		.kinds = { &sink_file, &sink_command, &sink_wireguard },
		.guard = &outputs->env.guard,
		.lines = &outputs->lines,
		.wireguard = &outputs->wireguard,
	};
	result = open_parts(outputs);
	if (result == 0)
		*out = outputs;
	else
		outputs_destroy(outputs);
	return result;
}

void outputs_destroy(struct outputs *outputs)
{
	struct delivery_env *deliveries;

	if (outputs == NULL)
		return;
	deliveries = &outputs->deliveries;
	if (deliveries->commands != NULL)
		sink_command_release_retired(deliveries->commands);
	command_queue_destroy(deliveries->commands);
	retired_files_destroy(deliveries->retired_files);
	device_table_destroy(deliveries->devices);
	free(outputs);
}

void outputs_sweep(const struct plan *plan)
{
	size_t count = plan_peer_count(plan);
	const char **paths = calloc(count + 1, sizeof *paths);
	size_t used = 0;

	for (size_t i = 0; i < count && paths != NULL; i++) {
		if (plan_peer_config(plan, i)->key_out != NULL)
			paths[used++] = plan_peer_config(plan, i)->key_out;
	}
	outfile_sweep(paths, used);
	free(paths);
}

const struct delivery_env *outputs_deliveries(const struct outputs *outputs)
{
	return &outputs->deliveries;
}

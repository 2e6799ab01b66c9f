#include "monitor/monitor.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "delivery/command_queue.h"
#include "monitor/commands.h"
#include "monitor/engines.h"
#include "monitor/lifetime.h"
#include "monitor/listeners.h"
#include "monitor/network.h"
#include "monitor/output_guard.h"
#include "monitor/outputs.h"
#include "monitor/peer_host.h"
#include "monitor/plan.h"
#include "monitor/ports.h"
#include "monitor/privileges.h"
#include "monitor/reload.h"
#include "monitor/settings.h"
#include "monitor/status.h"
#include "monitor/wireguard_peers.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"
#include "system/sandbox.h"
#include "system/secret_memory.h"

/*
 * Owns all parts of the daemon, none of which knows it: they call back what is given to them when they are
 * created.
 */
struct monitor {
	struct config config; /* without its peers: these have gone to struct peer */
	struct monitor_options options;
	char *name;
	uint64_t started_ns;
	struct sandbox_user user;
	struct shared_key public_key;
	struct plan_daemon self;

	struct loop *loop;
	struct lifetime *lifetime;
	struct network *network;
	struct resolver_pool *resolvers;
	bool reported_lacks; /* of the kernel, for processes that resolve names */
	struct engine_events_env events;
	struct engines *engines;
	struct channel_report report;
	struct output_guard guard;
	struct wireguard_peers wireguard;
	struct outputs *outputs;
	struct ports *ports;
	struct peer_host *peers; /* NULL: our own keys were not read yet */
	struct plan_target target;
	struct commands *commands; /* NULL: there is no control socket */
};

/* --- the end --------------------------------------------------------------------------------------- */

static struct command_queue *programs(const struct monitor *monitor)
{
	return outputs_deliveries(monitor->outputs)->commands;
}

/* Whether the daemon, which stops, has to wait for more than programs. */
static bool is_unfinished(const struct monitor *monitor)
{
	return engines_pid(monitor->engines) != 0 ||
	       (monitor->config.on_exit != CONFIG_KEEP && monitor->peers != NULL &&
	        !peer_set_is_settled(peer_host_set(monitor->peers)));
}

static void stop(struct monitor *monitor, int status)
{
	if (!lifetime_stop(monitor->lifetime, status))
		return;
	engines_stop(monitor->engines);
	commands_report(monitor->commands);
	if (monitor->config.on_exit == CONFIG_RANDOM && monitor->peers != NULL)
		peer_host_randomize(monitor->peers);
	command_queue_stop(programs(monitor), false);
	notify_send("STOPPING=1");
}

static void fail(void *owner)
{
	stop(owner, EXIT_FAILURE);
}

static void end_by_signal(struct monitor *monitor)
{
	if (lifetime_is_stopping(monitor->lifetime)) {
		if (command_queue_is_busy(programs(monitor)))
			log_info("asked to end once more; ending the programs that still run");
		command_queue_stop(programs(monitor), true);
		return;
	}
	if (monitor->config.on_exit == CONFIG_RANDOM)
		log_info("asked to end; random keys replace the last ones");
	else
		log_info(monitor->options.ensure == NULL ? "asked to end; the last keys stay where they are"
		                                         : "asked to end");
	stop(monitor, EXIT_SUCCESS);
	if (command_queue_is_busy(programs(monitor)))
		log_info("waiting for the programs that have a key to end");
}

/* --- reload ---------------------------------------------------------------------------------------- */

/* The parts of a configuration that are not peers. */
static void take_config(void *owner, struct config *config)
{
	struct monitor *monitor = owner;
	struct config old;

	settings_keep(&monitor->config, config, &monitor->options.settings);
	old = monitor->config;
	/* The path by which it was found counts; peers have moved to their places. */
	monitor->config = *config;
	*config = old;
	settings_override(&monitor->config, &monitor->options.settings);
	/* The engine process has no messages of this level. */
	log_set_verbose(monitor->config.verbosity == CONFIG_VERBOSE);
	socket_mark_configure(ports_mark(monitor->ports), &monitor->config.fwmark);
}

/* The new process has to be told to begin once it has the new peers as well. */
static void replace_engine(void *owner)
{
	struct monitor *monitor = owner;

	log_info("our own key pair is another one; a new engine process takes over");
	engines_replace(monitor->engines);
	silence_set_own_key(peer_host_silence(monitor->peers), monitor->public_key.bytes);
	ports_announce(monitor->ports);
}

static void removing(void *owner, struct peer *peer)
{
	const struct monitor *monitor = owner;

	silence_forget(peer_host_silence(monitor->peers), peer);
}

/* Clients that wait for a report of the old engine process get one of the new process. */
static void begun(void *owner)
{
	const struct monitor *monitor = owner;

	commands_ask_again(monitor->commands);
}

static const char *why_not(const struct monitor *monitor)
{
	if (lifetime_is_stopping(monitor->lifetime))
		return "the daemon stops";
	if (monitor->config.file != NULL)
		return NULL;
	return monitor->options.no_reload != NULL ? monitor->options.no_reload
	                                          : "this daemon was started without a configuration file; "
	                                            "there is nothing to read again";
}

static int reload(void *owner, struct plan_result *result, char problem[static PLAN_PROBLEM_BYTES])
{
	struct monitor *monitor = owner;
	const char *reason = why_not(monitor);
	const struct reload_env env = {
		.config = &monitor->config,
		.daemon = &monitor->self,
		.target = &monitor->target,
		.listeners = ports_listeners(monitor->ports),
		.engines = monitor->engines,
		.begun = begun,
		.failed = fail,
		.owner = monitor,
	};

	if (reason == NULL)
		return reload_run(&env, result, problem);
	(void)snprintf(problem, PLAN_PROBLEM_BYTES, "%s", reason);
	return -1;
}

static void reload_by_signal(struct monitor *monitor)
{
	struct plan_result result;
	char problem[PLAN_PROBLEM_BYTES];

	notify_reloading();
	if (reload(monitor, &result, problem) != 0)
		log_error("reload: %s; everything stays as it was", problem);
	notify_send("READY=1");
}

static void caught(void *owner, int number)
{
	struct monitor *monitor = owner;

	switch (number) {
	case SIGHUP:
		reload_by_signal(monitor);
		break;
	case SIGCHLD:
		/* Programs are asked for by whoever started them. */
		if (monitor->options.check != NULL && !lifetime_is_stopping(monitor->lifetime) &&
		    !monitor->options.check(monitor->options.context))
			stop(monitor, EXIT_FAILURE);
		break;
	default:
		end_by_signal(monitor);
		break;
	}
}

/* --- the control socket ---------------------------------------------------------------------------- */

static bool is_stopping(void *owner)
{
	return lifetime_is_stopping(((const struct monitor *)owner)->lifetime);
}

static void ask_report(void *owner)
{
	const struct monitor *monitor = owner;

	engines_ask_report(monitor->engines);
	/* What WireGuard says is to be as young, and here before the report. */
	device_table_reconcile_now(outputs_deliveries(monitor->outputs)->devices);
}

static void reported(void *owner, const struct channel_report *report)
{
	struct monitor *monitor = owner;

	monitor->report = *report;
	commands_report(monitor->commands);
}

static json_t *collect_status(void *owner, uint64_t now_ns)
{
	const struct monitor *monitor = owner;
	const struct status_sources sources = {
		.name = monitor->name,
		.version = monitor->options.version,
		.config_file = monitor->config.file,
		.no_sandbox = monitor->options.no_sandbox,
		.started_ns = monitor->started_ns,
		.engine_pid = engines_pid(monitor->engines),
		.ready = engines_ready(monitor->engines),
		.report = &monitor->report,
		.mark = ports_mark(monitor->ports),
		.listeners = ports_listeners(monitor->ports),
		.deliveries = outputs_deliveries(monitor->outputs),
		.peers = peer_host_set(monitor->peers),
		.silence = peer_host_silence(monitor->peers),
	};

	return status_collect(&sources, now_ns);
}

/* The name of the process of ours that reads from the network. */
static const char *helper(void *owner, pid_t pid)
{
	const struct monitor *monitor = owner;

	if (engines_have_process(monitor->engines, pid))
		return "engine process";
	return resolver_pool_has_process(monitor->resolvers, pid) ? "resolver process" : NULL;
}

static void open_control(struct monitor *monitor)
{
	const struct commands_env env = {
		.loop = monitor->loop,
		.name = monitor->name,
		.has_fixed_name = monitor->options.has_fixed_name,
		.config = &monitor->config,
		.target = &monitor->target,
		.peers = monitor->peers,
		.is_stopping = is_stopping,
		.ask_report = ask_report,
		.collect_status = collect_status,
		.reload = reload,
		.helper = helper,
		.owner = monitor,
	};

	/* Keys are exchanged without a control socket, too. */
	(void)!commands_open(&monitor->commands, &env);
}

/* --- network and names ----------------------------------------------------------------------------- */

static void network_changed(void *owner)
{
	const struct monitor *monitor = owner;

	/* An interface that has just been made should not be without a key of ours for long. */
	device_table_network_changed(outputs_deliveries(monitor->outputs)->devices);
}

static void network_settled(void *owner)
{
	const struct monitor *monitor = owner;

	peer_host_network_changed(monitor->peers);
	listeners_refresh(ports_listeners(monitor->ports));
	engines_network_changed(monitor->engines);
}

static int start_resolver(void *owner, struct resolver_job *job, const char *text)
{
	struct monitor *monitor = owner;
	const char *lacks = resolver_lacks();

	/* Once. Another user than the daemon's cannot read the daemon's files anyway. */
	if (lacks != NULL && !monitor->reported_lacks)
		log_write(monitor->user.change ? LOG_DEBUG : LOG_WARN, "%s", lacks);
	monitor->reported_lacks = true;
	return resolver_start(job, text, &monitor->user);
}

static void resolver_ended(void *owner)
{
	const struct monitor *monitor = owner;

	commands_drain(monitor->commands);
}

static int open_resolvers(struct monitor *monitor)
{
	const struct resolver_pool_owner owner = {
		.start = start_resolver,
		.ended = resolver_ended,
		.owner = monitor,
	};

	return resolver_pool_create(&monitor->resolvers, monitor->loop, &owner);
}

/* --- engine processes, outputs and peers ----------------------------------------------------------- */

static void link_changed(void *owner)
{
	struct monitor *monitor = owner;

	monitor->wireguard.link = engines_link(monitor->engines);
	if (monitor->peers != NULL)
		peer_host_use_link(monitor->peers, monitor->wireguard.link);
}

static int open_engines(struct monitor *monitor)
{
	const struct engines_env env = {
		.loop = monitor->loop,
		.user = &monitor->user,
		.no_sandbox = monitor->options.no_sandbox,
		.threads = monitor->config.threads,
		.events = &monitor->events,
		.changed = link_changed,
		.failed = fail,
		.owner = monitor,
	};

	return engines_create(&monitor->engines, &env);
}

static int ensure(void *owner, const char *name, uint64_t *again_ns)
{
	struct monitor *monitor = owner;

	return lifetime_is_stopping(monitor->lifetime)
	               ? -1
	               : monitor->options.ensure(monitor->options.context, name, again_ns);
}

static void device_was_read(void *owner)
{
	const struct monitor *monitor = owner;

	socket_mark_update(ports_mark(monitor->ports));
}

static int open_outputs(struct monitor *monitor)
{
	bool is_rp = monitor->options.ensure != NULL;
	const struct outputs_env env = {
		.loop = monitor->loop,
		.resolvers = monitor->resolvers,
		.daemon = monitor->name,
		.guard = output_guard_of(&monitor->guard),
		.devices = {
			.ensure = is_rp ? ensure : NULL,
			.read = device_was_read,
			.own_name = is_rp ? monitor->options.device : NULL,
			.owner = monitor,
		},
		.wireguard = &wireguard_peers_events,
		.wireguard_owner = &monitor->wireguard,
	};

	return outputs_create(&monitor->outputs, &env);
}

static void announced(void *owner, size_t slots)
{
	const struct monitor *monitor = owner;

	engines_announced(monitor->engines, slots);
}

static bool reach(void *owner, const union address_socket *address)
{
	const struct monitor_options *options = &((const struct monitor *)owner)->options;

	return options->reach(options->context, address);
}

static int open_peers(struct monitor *monitor)
{
	const struct peer_host_env env = {
		.loop = monitor->loop,
		.resolvers = monitor->resolvers,
		.deliveries = outputs_deliveries(monitor->outputs),
		.claims = &monitor->guard.claims,
		.public_key = monitor->public_key.bytes,
		.name = monitor->self.has_name ? monitor->name : NULL,
		.is_rp = monitor->options.ensure != NULL,
		.announced = announced,
		.reach = monitor->options.reach == NULL ? NULL : reach,
		.owner = monitor,
	};
	int result = peer_host_create(&monitor->peers, &env);

	if (result != 0)
		return result;
	monitor->target.peers = peer_host_set(monitor->peers);
	monitor->target.env = peer_host_peer_env(monitor->peers);
	monitor->events.peers = peer_host_set(monitor->peers);
	monitor->events.silence = peer_host_silence(monitor->peers);
	return 0;
}

/* --- the start ------------------------------------------------------------------------------------- */

/* What is there before the engine process is. Own keys and peers were read, and nothing was started yet. */
static int open_parts(struct monitor *monitor, const struct plan *plan)
{
	const char *user = settings_user(&monitor->config, &monitor->options.settings);
	uint64_t again_ns;

	open_control(monitor);
	if (privileges_choose_user(&monitor->user, user) != 0 ||
	    ports_open(monitor->ports, &monitor->config.listen) != 0)
		return -1;
	if (monitor->options.ensure != NULL &&
	    monitor->options.ensure(monitor->options.context, NULL, &again_ns) != 0)
		return -1;
	outputs_sweep(plan);
	/* Before anything is sent. */
	device_table_read_marks(outputs_deliveries(monitor->outputs)->devices);
	socket_mark_configure(ports_mark(monitor->ports), &monitor->config.fwmark);
	return 0;
}

/* Frees the plan. */
static int start_peers(struct monitor *monitor, struct plan *plan)
{
	struct plan_result result;

	if (open_parts(monitor, plan) != 0 ||
	    engines_start(monitor->engines, plan_public_key(plan), plan_secret_key(plan),
	                  plan_peer_count(plan)) != 0) {
		plan_discard(plan);
		return -1;
	}
	engines_replace(monitor->engines);
	loop_refresh(monitor->loop);
	plan_apply(plan, &result);
	if (lifetime_is_stopping(monitor->lifetime) || engines_are_interrupted())
		return -1;
	ports_announce(monitor->ports);
	if (engines_begin(monitor->engines) != 0)
		return -1;
	return monitor->options.only_net_admin && !monitor->options.no_sandbox
	               ? privileges_reduce(&monitor->user)
	               : 0;
}

/* Own keys and peers are read before anything is started. */
static int start(struct monitor *monitor)
{
	char problem[PLAN_PROBLEM_BYTES] = "out of memory";
	struct plan *plan;

	if (plan_stage(&plan, &monitor->config, &monitor->self, &monitor->target, problem) != 0) {
		log_error("%s", problem);
		return -1;
	}
	plan_take_own(plan, &monitor->config);
	if (open_peers(monitor) == 0 && plan_check(plan, problem) == 0)
		return start_peers(monitor, plan);
	log_error("%s", problem);
	plan_discard(plan);
	return -1;
}

static int catch_signals(struct monitor *monitor)
{
	static const int wanted[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD };
	int result = 0;

	for (size_t i = 0; result == 0 && i < sizeof wanted / sizeof wanted[0]; i++)
		result = loop_catch(monitor->loop, wanted[i], caught, monitor);
	return result;
}

/* SIGHUP while keys are read must not end us, and somebody who ignored SIGCHLD must not hide our children. */
static int open_loop(struct monitor *monitor)
{
	const struct network_owner owner = { network_changed, network_settled, monitor };
	int result;

	(void)signal(SIGCHLD, SIG_DFL);
	result = loop_open(&monitor->loop);
	if (result == 0) {
		monitor->started_ns = loop_now_ns(monitor->loop);
		monitor->events.loop = monitor->loop;
		monitor->target.loop = monitor->loop;
	}
	if (result == 0)
		result = catch_signals(monitor);
	if (result == 0)
		result = lifetime_create(&monitor->lifetime, monitor->loop);
	if (result == 0)
		result = network_open(&monitor->network, monitor->loop, &owner);
	if (result == 0)
		result = open_resolvers(monitor);
	if (result == 0)
		result = open_engines(monitor);
	if (result == 0)
		result = open_outputs(monitor);
	if (result == 0)
		result = ports_create(&monitor->ports, monitor->resolvers,
		                      outputs_deliveries(monitor->outputs)->devices, monitor->engines);
	if (result == 0)
		return 0;
	log_error("cannot wait for signals and time: %s", strerror(-result));
	return -1;
}

/* --- the run --------------------------------------------------------------------------------------- */

/* Stops when the engine process has ended, or does not, and programs have finished with their keys. */
static bool goes_on(const struct monitor *monitor)
{
	return !lifetime_is_stopping(monitor->lifetime) ||
	       (!lifetime_is_late(monitor->lifetime) && is_unfinished(monitor)) ||
	       command_queue_is_busy(programs(monitor));
}

static void run(struct monitor *monitor)
{
	while (goes_on(monitor)) {
		int result = loop_turn(monitor->loop);

		if (result != 0) {
			log_error("the monitor process cannot wait: %s", strerror(-result));
			stop(monitor, EXIT_FAILURE);
			return;
		}
	}
}

static void tell_ready(struct monitor *monitor)
{
	size_t count = peer_set_count(peer_host_set(monitor->peers));

	if (count == 0)
		log_info("no peer yet; rosenpass peer add --daemon %s adds one", monitor->name);
	else
		log_info("exchanging keys with %zu peer%s", count, count == 1 ? "" : "s");
	engines_warn(monitor->engines);
	engines_watch(monitor->engines, lifetime_ready(monitor->lifetime, count));
}

static void release(struct monitor *monitor)
{
	engines_destroy(monitor->engines);
	commands_close(monitor->commands);
	/* The end of a process that resolves a name looks for it once more. */
	monitor->commands = NULL;
	peer_host_destroy(monitor->peers);
	ports_destroy(monitor->ports);
	outputs_destroy(monitor->outputs);
	shared_key_release(&monitor->public_key);
	claims_release(&monitor->guard.claims);
	config_release(&monitor->config);
	network_close(monitor->network);
	lifetime_destroy(monitor->lifetime);
	resolver_pool_destroy(monitor->resolvers);
	loop_close(monitor->loop);
	free(monitor->name);
	free(monitor);
}

static struct monitor *create(struct config *config, const struct monitor_options *options)
{
	struct monitor *monitor = calloc(1, sizeof *monitor);

	if (monitor == NULL)
		return NULL;
	monitor->config = *config;
	memset(config, 0, sizeof *config);
	monitor->options = *options;
	settings_override(&monitor->config, &monitor->options.settings);
	monitor->name = daemon_check_name(&monitor->config, &options->identity);
	monitor->self = (struct plan_daemon){
		.name = monitor->name,
		.has_name = daemon_check_has_name(&monitor->config, &options->identity),
		.inputs = options->identity.inputs,
		.input_count = options->identity.input_count,
	};
	monitor->guard.setting = monitor->config.file != NULL ? "key_out" : "outfile";
	monitor->wireguard.before_first_exchange = &monitor->config.before_first_exchange;
	monitor->events = (struct engine_events_env){ .reported = reported, .owner = monitor };
	monitor->target = (struct plan_target){
		.claims = &monitor->guard.claims,
		.own_claims = &monitor->guard.own,
		.public_key = &monitor->public_key,
		.take_config = take_config,
		.replace_engine = replace_engine,
		.removing = removing,
		.owner = monitor,
	};
	return monitor;
}

int monitor_run(struct config *config, const struct monitor_options *options)
{
	struct monitor *monitor = create(config, options);
	bool is_open = false;
	int status = EXIT_FAILURE;

	if (monitor == NULL || monitor->name == NULL) {
		log_error("out of memory");
	} else {
		if (secret_memory_protect_process() != 0)
			log_warn("cannot forbid core dumps of this process");
		privileges_raise_limits();
		notify_open();
		is_open = open_loop(monitor) == 0;
		if (is_open && start(monitor) == 0) {
			log_never_wait();
			tell_ready(monitor);
			run(monitor);
		} else if (is_open && !lifetime_is_stopping(monitor->lifetime) && engines_are_interrupted()) {
			end_by_signal(monitor);
		}
		if (is_open)
			status = lifetime_status(monitor->lifetime);
	}
	if (monitor != NULL)
		release(monitor);
	else
		config_release(config);
	return status;
}

#include "daemon/monitor_parts.h"

#include <errno.h>
#include <linux/capability.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"
#include "system/secret_memory.h"

/* Life is asked for so often where the service manager does not want it oftener; then it hangs. */
#define WATCHDOG_NS (20 * CLOCK_SECOND_NS)
/* How long the engine process may take to end, and to start. */
#define STOP_NS (3 * CLOCK_SECOND_NS)

void monitor_apply_options(struct monitor *monitor)
{
	if (monitor->options.before_first_exchange != NULL)
		monitor->config.before_first_exchange = *monitor->options.before_first_exchange;
	if (monitor->options.on_exit != NULL)
		monitor->config.on_exit = *monitor->options.on_exit;
}

/* Random keys take the places of those that exchanges have given. */
static void randomize_keys(const struct monitor *monitor)
{
	size_t position = 0;
	struct peer *peer;

	while ((peer = peer_set_next(monitor->peers, &position)) != NULL)
		peer_randomize(peer);
}

/* Whether the daemon, which stops, has to wait for more than programs. */
static bool is_unfinished(const struct monitor *monitor)
{
	return monitor->engine_pid != 0 || (monitor->config.on_exit != CONFIG_KEEP &&
	                                    monitor->peers != NULL && !peer_set_is_settled(monitor->peers));
}

static void stop_is_late(void *owner)
{
	struct monitor *monitor = owner;

	monitor->is_late = true;
}

/* The engine process is asked by its link. Programs have time to end their work without one. */
static void feed_watchdog(void *owner)
{
	struct monitor *monitor = owner;
	uint64_t now_ns = loop_now_ns(monitor->loop);

	notify_busy(now_ns);
	if (monitor->watchdog_every_ns != 0)
		loop_timer_set(monitor->loop, &monitor->watchdog, now_ns + monitor->watchdog_every_ns);
}

void monitor_stop(struct monitor *monitor, int status)
{
	if (monitor->stopping)
		return;
	monitor->stopping = true;
	monitor->status = status;
	loop_refresh(monitor->loop);
	loop_timer_set(monitor->loop, &monitor->stop, loop_now_ns(monitor->loop) + STOP_NS);
	if (monitor->watchdog_every_ns != 0)
		loop_timer_set(monitor->loop, &monitor->watchdog, loop_now_ns(monitor->loop));
	monitor_peers_use_engine(monitor);
	commands_report(monitor->commands);
	if (monitor->config.on_exit == CONFIG_RANDOM && monitor->peers != NULL)
		randomize_keys(monitor);
	command_queue_stop(monitor->deliveries.commands, false);
	notify_send("STOPPING=1");
	monitor_engine_tell_stop(monitor);
}

void monitor_was_away(struct monitor *monitor)
{
	if (monitor->engine != NULL)
		engine_link_was_away(monitor->engine->link);
}

void monitor_request(struct monitor *monitor, const struct channel_request *request, int fd)
{
	if (monitor->engine != NULL && !monitor->stopping)
		engine_link_request(monitor->engine->link, request, fd);
}

static void reload_by_signal(struct monitor *monitor)
{
	struct plan_result result;
	char problem[MONITOR_PROBLEM_BYTES];

	notify_reloading();
	if (monitor_reload(monitor, &result, problem) != 0)
		log_error("reload: %s; everything stays as it was", problem);
	notify_send("READY=1");
}

static void end_by_signal(struct monitor *monitor)
{
	if (monitor->stopping) {
		if (command_queue_is_busy(monitor->deliveries.commands))
			log_info("asked to end once more; ending the programs that still run");
		command_queue_stop(monitor->deliveries.commands, true);
		return;
	}
	if (monitor->config.on_exit == CONFIG_RANDOM)
		log_info("asked to end; random keys replace the last ones");
	else
		log_info(monitor->options.ensure == NULL ? "asked to end; the last keys stay where they are"
		                                         : "asked to end");
	monitor_stop(monitor, EXIT_SUCCESS);
	if (command_queue_is_busy(monitor->deliveries.commands))
		log_info("waiting for the programs that have a key to end");
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
		if (monitor->options.check != NULL && !monitor->stopping &&
		    !monitor->options.check(monitor->options.context))
			monitor_stop(monitor, EXIT_FAILURE);
		break;
	default:
		end_by_signal(monitor);
		break;
	}
}

/* --- news ---------------------------------------------------------------------------------- */

static void network_changed(void *owner)
{
	const struct monitor *monitor = owner;

	/* An interface that has just been made should not be without a key of ours for long. */
	device_table_network_changed(monitor->deliveries.devices);
}

static void network_settled(void *owner)
{
	static const struct channel_request changed = { .kind = CHANNEL_NETWORK_CHANGED };
	struct monitor *monitor = owner;
	size_t position = 0;
	struct peer *peer;

	while ((peer = peer_set_next(monitor->peers, &position)) != NULL) {
		/* A peer that responds has no need of another address. */
		if (peer_is_responding(peer) && peer_resolve_problem(peer) == NULL)
			continue;
		if (monitor_wireguard_of(peer) != NULL)
			sink_wireguard_network_changed(monitor_wireguard_of(peer));
		peer_network_changed(peer);
	}
	listeners_refresh(monitor->listeners);
	monitor_request(monitor, &changed, -1);
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

/* --- the run --------------------------------------------------------------------------------- */

/* Stops when the engine process has ended, or does not, and programs have finished with their keys. */
static bool goes_on(const struct monitor *monitor)
{
	return !monitor->stopping || (!monitor->is_late && is_unfinished(monitor)) ||
	       command_queue_is_busy(monitor->deliveries.commands);
}

static void run(struct monitor *monitor)
{
	while (goes_on(monitor)) {
		int result = loop_turn(monitor->loop);

		if (result != 0) {
			log_error("the monitor process cannot wait: %s", strerror(-result));
			monitor_stop(monitor, EXIT_FAILURE);
			return;
		}
	}
}

static void say_ready(struct monitor *monitor)
{
	size_t count = peer_set_count(monitor->peers);
	char state[256];

	if (count == 0)
		log_info("no peer yet; rosenpass peer add --daemon %s adds one", monitor->name);
	else
		log_info("exchanging keys with %zu peer%s", count, count == 1 ? "" : "s");
	if (monitor->options.no_sandbox)
		log_warn("--no-sandbox: the process that reads from the network may do what its user may");
	else if (monitor->ready.sandbox.seccomp == 0)
		log_warn("this system has no seccomp filter; %s status shows what protects the engine "
		         "process",
		         log_name());
	(void)snprintf(state, sizeof state, "READY=1\nSTATUS=Exchanging keys with %zu peer%s", count,
	               count == 1 ? "" : "s");
	notify_send(state);
	monitor->watchdog_every_ns = notify_watchdog_ns() / 3;
	if (monitor->watchdog_every_ns == 0 || monitor->watchdog_every_ns > WATCHDOG_NS)
		monitor->watchdog_every_ns = WATCHDOG_NS;
	engine_link_watch(monitor->engine->link, monitor->watchdog_every_ns);
}

/* Each peer's key is shared memory, each listener a socket, and more. */
static void raise_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		limit.rlim_cur = limit.rlim_max < 65536 ? limit.rlim_max : 65536;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static int open_all(struct monitor *monitor)
{
	char problem[SANDBOX_PROBLEM_BYTES];
	const char *user = monitor->options.user != NULL ? monitor->options.user : monitor->config.user;

	if (sandbox_choose_user(&monitor->user, user, problem) != 0) {
		log_error("%s", problem);
		return -1;
	}
	return 0;
}

/* What the monitor itself does not need any more once all is started. */
static int confine(const struct monitor *monitor)
{
	static const int kept[] = { CAP_NET_ADMIN, CAP_NET_BIND_SERVICE, CAP_SETUID, CAP_SETGID, CAP_KILL };
	const size_t for_users = 3;
	size_t count = sizeof kept / sizeof kept[0] - (monitor->user.change ? 0 : for_users);
	char problem[SANDBOX_PROBLEM_BYTES];

	if (!monitor->options.only_net_admin || monitor->options.no_sandbox ||
	    sandbox_keep(kept, count, problem) == 0)
		return 0;
	log_error("%s", problem);
	return -1;
}

/* Keys are exchanged without a control socket, too. */
static void open_control(struct monitor *monitor)
{
	char problem[SERVER_SOCKET_PROBLEM_BYTES];
	int result = commands_open(&monitor->commands, monitor, problem);

	if (result == -ENXIO)
		log_debug("no control socket: %s", problem);
	else if (result != 0)
		log_warn("no control socket (%s status and reload will not find this daemon): %s%s",
		         log_name(), problem,
		         result == -EADDRINUSE && !monitor->options.has_fixed_name
		                 ? "; --name gives this daemon another name"
		                 : "");
}

static void sweep_outfiles(const struct plan *plan)
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

/* What is there before the engine process is. Own keys and peers were read, and nothing was started yet. */
static int open_parts(struct monitor *monitor, const struct plan *plan)
{
	uint64_t again_ns;

	open_control(monitor);
	if (open_all(monitor) != 0 || monitor_listen_start(monitor) != 0)
		return -1;
	if (monitor->options.ensure != NULL &&
	    monitor->options.ensure(monitor->options.context, NULL, &again_ns) != 0)
		return -1;
	sweep_outfiles(plan);
	/* Before anything is sent. */
	device_table_read_marks(monitor->deliveries.devices);
	socket_mark_configure(monitor->mark, &monitor->config.fwmark);
	return 0;
}

/* Frees the plan. */
static int start_peers(struct monitor *monitor, struct plan *plan)
{
	struct plan_result result;

	if (open_parts(monitor, plan) != 0 ||
	    monitor_engine_start(monitor, plan_public_key(plan), plan_secret_key(plan),
	                         plan_peer_count(plan)) != 0) {
		plan_discard(plan);
		return -1;
	}
	monitor_engine_replace(monitor);
	loop_refresh(monitor->loop);
	plan_apply(plan, &result);
	if (monitor->stopping || monitor_engine_is_interrupted())
		return -1;
	monitor_listen_announce(monitor);
	return monitor_engine_begin(monitor) != 0 || confine(monitor) != 0 ? -1 : 0;
}

/* Own keys and peers are read before anything is started. */
static int start(struct monitor *monitor)
{
	char problem[MONITOR_PROBLEM_BYTES] = "out of memory";
	struct plan *plan;

	monitor_plan_open(monitor);
	if (plan_stage(&plan, &monitor->config, &monitor->self, &monitor->target, problem) != 0) {
		log_error("%s", problem);
		return -1;
	}
	plan_take_own(plan, &monitor->config);
	if (monitor_peers_open(monitor) == 0 && plan_check(plan, problem) == 0)
		return start_peers(monitor, plan);
	log_error("%s", problem);
	plan_discard(plan);
	return -1;
}

/* SIGHUP while keys are read must not end us, and somebody who ignored SIGCHLD must not hide our children. */
static int open_loop(struct monitor *monitor)
{
	static const int wanted[] = { SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGCHLD };
	const struct network_owner owner = { network_changed, network_settled, monitor };
	int result;

	(void)signal(SIGCHLD, SIG_DFL);
	result = loop_open(&monitor->loop);
	for (size_t i = 0; result == 0 && i < sizeof wanted / sizeof wanted[0]; i++)
		result = loop_catch(monitor->loop, wanted[i], caught, monitor);
	if (result == 0)
		result = loop_timer_add(monitor->loop, &monitor->stop);
	if (result == 0)
		result = loop_timer_add(monitor->loop, &monitor->watchdog);
	if (result == 0)
		result = network_open(&monitor->network, monitor->loop, &owner);
	if (result == 0)
		result = open_resolvers(monitor);
	if (result == 0)
		result = monitor_delivery_open(monitor);
	if (result == 0)
		return 0;
	log_error("cannot wait for signals and time: %s", strerror(-result));
	return -1;
}

static void release(struct monitor *monitor)
{
	monitor_engine_end(monitor);
	commands_close(monitor->commands);
	/* The end of a process that resolves a name looks for it once more. */
	monitor->commands = NULL;
	monitor_peers_close(monitor);
	monitor_delivery_close(monitor);
	listeners_destroy(monitor->listeners);
	shared_key_release(&monitor->public_key);
	claims_release(&monitor->claims);
	config_release(&monitor->config);
	network_close(monitor->network);
	resolver_pool_destroy(monitor->resolvers);
	loop_close(monitor->loop);
	free(monitor->name);
	free(monitor);
}

char *monitor_make_name(const struct config *config, const struct monitor_options *options)
{
	const char *file = options->name != NULL ? options->name : config->file;
	const char *slash = file == NULL ? NULL : strrchr(file, '/');
	char *name = NULL;

	if (file == NULL)
		return asprintf(&name, "exchange-%ld", (long)getpid()) < 0 ? NULL : name;
	name = strdup(slash == NULL ? file : slash + 1);
	if (name != NULL && options->name == NULL) {
		char *end = strrchr(name, '.');

		if (end != NULL && end != name && strcmp(end, ".toml") == 0)
			*end = '\0';
	}
	return name;
}

static struct monitor *create(struct config *config, const struct monitor_options *options)
{
	struct monitor *monitor = calloc(1, sizeof *monitor);

	if (monitor == NULL)
		return NULL;
	monitor->config = *config;
	memset(config, 0, sizeof *config);
	monitor->options = *options;
	monitor_apply_options(monitor);
	monitor->from_file = monitor->config.file != NULL;
	monitor->started_ns = clock_now_ns();
	monitor->stop = (struct loop_timer){ .expired = stop_is_late, .owner = monitor };
	monitor->watchdog = (struct loop_timer){ .expired = feed_watchdog, .owner = monitor };
	monitor->name = monitor_make_name(&monitor->config, options);
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
		raise_limits();
		notify_open();
		is_open = open_loop(monitor) == 0;
		if (is_open && start(monitor) == 0) {
			log_never_wait();
			say_ready(monitor);
			run(monitor);
		} else if (is_open && !monitor->stopping && monitor_engine_is_interrupted()) {
			end_by_signal(monitor);
		}
		if (monitor->stopping)
			status = monitor->status;
	}
	if (monitor != NULL)
		release(monitor);
	else
		config_release(config);
	return status;
}

#include "monitor/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/monitor_parts.h"
#include "monitor/status.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"

#define WORDS_MAX 256
/* The engine process may take this long for a report. */
#define REPORT_NS (5 * CLOCK_SECOND_NS)

struct commands {
	struct monitor *monitor;
	struct control_server *server;
	/* Calls for the status. At most CONTROL_CLIENTS of them have a client that still waits. */
	struct control_call *waiting[CONTROL_CLIENTS];
	size_t waiting_count;
	bool is_asked;           /* the engine process, for a report */
	struct loop_timer limit; /* of its answer */
};

/* --- status ---------------------------------------------------------------------------------- */

void commands_report(struct commands *commands)
{
	size_t count = commands == NULL ? 0 : commands->waiting_count;

	if (commands == NULL)
		return;
	commands->is_asked = false;
	loop_timer_set(commands->monitor->loop, &commands->limit, LOOP_NEVER);
	commands->waiting_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct control_call *call = commands->waiting[i];
		json_t *status = NULL;

		if (control_is_wanted(call))
			status = status_collect(commands->monitor, loop_now_ns(commands->monitor->loop));
		control_answer(call,
		               status == NULL ? NULL : json_pack("{s:b, s:o}", "ok", 1, "status", status));
	}
}

/* It hangs, or has a lot to do. What is known is better than nothing. */
static void report_is_late(void *owner)
{
	commands_report(owner);
}

/* One report at a time serves all; it is young enough for those who come late. */
static void ask(struct commands *commands)
{
	static const struct channel_request report = { .kind = CHANNEL_REPORT };
	struct monitor *monitor = commands->monitor;

	if (commands->waiting_count == 0 || commands->is_asked)
		return;
	/* The engine process is asked nothing more. */
	if (monitor->stopping) {
		commands_report(commands);
		return;
	}
	commands->is_asked = true;
	loop_timer_set(monitor->loop, &commands->limit, loop_now_ns(monitor->loop) + REPORT_NS);
	monitor_request(monitor, &report, -1);
	/* What WireGuard says is to be as young, and here before the report. */
	device_table_reconcile_now(monitor->deliveries.devices);
}

void commands_ask_again(struct commands *commands)
{
	if (commands == NULL)
		return;
	commands->is_asked = false;
	ask(commands);
}

static void drop_unwanted(struct commands *commands)
{
	size_t kept = 0;

	for (size_t i = 0; i < commands->waiting_count; i++) {
		if (control_is_wanted(commands->waiting[i]))
			commands->waiting[kept++] = commands->waiting[i];
		else
			control_answer(commands->waiting[i], NULL);
	}
	commands->waiting_count = kept;
}

static void serve_status(struct commands *commands, struct control_call *call)
{
	/*
	 * Each client has one call at a time: without those whose clients have left there is room for one
	 * more.
	 */
	drop_unwanted(commands);
	commands->waiting[commands->waiting_count++] = call;
	ask(commands);
}

/* --- changes --------------------------------------------------------------------------------- */

static void serve_reload(struct monitor *monitor, struct control_call *call)
{
	struct plan_result result;
	char problem[MONITOR_PROBLEM_BYTES];

	notify_reloading();
	if (monitor_reload(monitor, &result, problem) != 0) {
		log_error("reload: %s; everything stays as it was", problem);
		control_refuse(call, problem);
	} else {
		control_answer(call,
		               json_pack("{s:b, s:I, s:I, s:I, s:I}", "ok", 1, "added",
		                         (json_int_t)result.added, "removed", (json_int_t)result.removed,
		                         "changed", (json_int_t)result.changed, "unchanged",
		                         (json_int_t)result.unchanged));
	}
	notify_send("READY=1");
}

/* 0, and in problem the reason why its outfile cannot be written now, or nothing; -1 and problem. */
static int add_peer(struct monitor *monitor, char *const *words, size_t count, char *name, size_t name_size,
                    char problem[static MONITOR_PROBLEM_BYTES])
{
	struct config_peer config = { 0 };
	struct plan_result result;
	const struct peer *peer;
	struct plan *plan;

	if (config_peer_from_words(&config, words, count, problem) != 0)
		return -1;
	if (config_peer_inherit(&config, &monitor->config) != 0) {
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "out of memory");
		config_peer_release(&config);
		return -1;
	}
	if (plan_stage_addition(&plan, &config, &monitor->target, problem) != 0)
		return -1;
	if (plan_check(plan, problem) != 0) {
		plan_discard(plan);
		return -1;
	}
	peer = plan_added_peer(plan);
	plan_apply(plan, &result);
	(void)snprintf(name, name_size, "%s", peer_name(peer));
	log_info("%s: added", peer_label(peer));
	if (outfile_check(peer_config(peer), peer_new_file(peer), problem) == 0)
		problem[0] = '\0';
	return 0;
}

static void serve_add(struct monitor *monitor, struct control_call *call, json_t *request)
{
	json_t *list = json_object_get(request, "words");
	char *words[WORDS_MAX];
	char problem[MONITOR_PROBLEM_BYTES] = "expected \"words\", a list of strings";
	char name[CHANNEL_LABEL_BYTES];
	size_t count = json_array_size(list);

	if (!json_is_array(list) || count > WORDS_MAX) {
		control_refuse(call, problem);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		json_t *word = json_array_get(list, i);

		if (!json_is_string(word) || strlen(json_string_value(word)) != json_string_length(word)) {
			control_refuse(call, problem);
			return;
		}
		/* The reader of words only reads them. */
		words[i] = (char *)(uintptr_t)json_string_value(word);
	}
	if (add_peer(monitor, words, count, name, sizeof name, problem) != 0)
		control_refuse(call, problem);
	else
		control_answer(call, json_pack("{s:b, s:s, s:s?}", "ok", 1, "name", name, "warning",
		                               problem[0] == '\0' ? NULL : problem));
}

static void serve_remove(struct monitor *monitor, struct control_call *call, json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "peer"));
	char problem[MONITOR_PROBLEM_BYTES] = "expected \"peer\", a string";
	struct peer *peer = word == NULL ? NULL : peer_set_find(monitor->peers, word, problem);
	char name[CHANNEL_LABEL_BYTES];
	int result;

	if (peer == NULL) {
		control_refuse(call, problem);
		return;
	}
	(void)snprintf(name, sizeof name, "%s", peer_name(peer));
	result = monitor_peers_remove(monitor, peer);
	if (result != 0) {
		control_refuse(call, result == -ENOMEM ? "out of memory" : strerror(-result));
		return;
	}
	control_answer(call, json_pack("{s:b, s:s}", "ok", 1, "name", name));
}

/* --- the socket ------------------------------------------------------------------------------ */

static void serve(void *owner, struct control_call *call, json_t *request)
{
	struct commands *commands = owner;
	struct monitor *monitor = commands->monitor;
	const char *command = json_string_value(json_object_get(request, "command"));

	if (command == NULL)
		control_refuse(call, "expected \"command\", a string");
	else if (strcmp(command, "status") == 0)
		serve_status(commands, call);
	else if (monitor->stopping)
		control_refuse(call, "the daemon stops");
	else if (strcmp(command, "reload") == 0)
		serve_reload(monitor, call);
	else if (strcmp(command, "peer-add") == 0)
		serve_add(monitor, call, request);
	else if (strcmp(command, "peer-remove") == 0)
		serve_remove(monitor, call, request);
	else
		control_refuse(call, "unknown command; there are status, reload, peer-add and peer-remove");
}

static bool has_engine_process(const struct monitor_engine *engine, pid_t pid)
{
	for (; engine != NULL; engine = engine->next) {
		if (engine->child != NULL && engine_child_pid(engine->child) == pid)
			return true;
	}
	return false;
}

/* The name of the process of ours that reads from the network. */
static const char *helper(void *owner, pid_t pid)
{
	const struct monitor *monitor = ((struct commands *)owner)->monitor;

	if (pid == monitor->engine_pid || has_engine_process(monitor->starting, pid) ||
	    has_engine_process(monitor->retired, pid))
		return "engine process";
	return resolver_pool_has_process(monitor->resolvers, pid) ? "resolver process" : NULL;
}

int commands_open(struct commands **out, struct monitor *monitor,
                  char problem[static SERVER_SOCKET_PROBLEM_BYTES])
{
	static const struct control_server_events events = { .request = serve, .helper = helper };
	struct commands *commands = calloc(1, sizeof *commands);
	int result = commands == NULL ? -ENOMEM : 0;

	*out = NULL;
	(void)snprintf(problem, SERVER_SOCKET_PROBLEM_BYTES, "out of memory");
	if (commands == NULL)
		return -ENOMEM;
	commands->monitor = monitor;
	commands->limit = (struct loop_timer){ .expired = report_is_late, .owner = commands };
	result = loop_timer_add(monitor->loop, &commands->limit);
	if (result == 0) {
		result = control_server_open(&commands->server, monitor->loop, monitor->name, &events,
		                             commands, problem);
		if (result == 0) {
			*out = commands;
			return 0;
		}
		loop_timer_remove(monitor->loop, &commands->limit);
	}
	free(commands);
	return result;
}

void commands_close(struct commands *commands)
{
	if (commands == NULL)
		return;
	for (size_t i = 0; i < commands->waiting_count; i++)
		control_refuse(commands->waiting[i], "the daemon stops");
	control_server_close(commands->server);
	loop_timer_remove(commands->monitor->loop, &commands->limit);
	free(commands);
}

size_t commands_count(const struct commands *commands)
{
	return control_server_count(commands->server);
}

void commands_drain(struct commands *commands)
{
	if (commands != NULL)
		control_server_drain(commands->server);
}

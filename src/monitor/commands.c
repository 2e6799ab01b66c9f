#include "monitor/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/outfile.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"

#define WORDS_MAX 256
/* The engine process may take this long for a report. */
#define REPORT_NS (5 * CLOCK_SECOND_NS)

struct commands {
	struct commands_env env;
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
	loop_timer_set(commands->env.loop, &commands->limit, LOOP_NEVER);
	commands->waiting_count = 0;
	for (size_t i = 0; i < count; i++) {
		struct control_call *call = commands->waiting[i];
		json_t *status = NULL;

		if (control_is_wanted(call))
			status = commands->env.collect_status(commands->env.owner,
			                                      loop_now_ns(commands->env.loop));
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
	const struct commands_env *env = &commands->env;

	if (commands->waiting_count == 0 || commands->is_asked)
		return;
	/* The engine process is asked nothing more. */
	if (env->is_stopping(env->owner)) {
		commands_report(commands);
		return;
	}
	commands->is_asked = true;
	loop_timer_set(env->loop, &commands->limit, loop_now_ns(env->loop) + REPORT_NS);
	env->ask_report(env->owner);
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

static void serve_reload(const struct commands_env *env, struct control_call *call)
{
	struct plan_result result;
	char problem[PLAN_PROBLEM_BYTES];

	notify_reloading();
	if (env->reload(env->owner, &result, problem) != 0) {
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
static int add_peer(const struct commands_env *env, char *const *words, size_t count, char *name,
                    size_t name_size, char problem[static PLAN_PROBLEM_BYTES])
{
	struct config_peer config = { 0 };
	struct plan_result result;
	const struct peer *peer;
	struct plan *plan;

	if (config_peer_from_words(&config, words, count, problem) != 0)
		return -1;
	if (config_peer_inherit(&config, env->config) != 0) {
		(void)snprintf(problem, PLAN_PROBLEM_BYTES, "out of memory");
		config_peer_release(&config);
		return -1;
	}
	if (plan_stage_addition(&plan, &config, env->target, problem) != 0)
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

static void serve_add(const struct commands_env *env, struct control_call *call, json_t *request)
{
	json_t *list = json_object_get(request, "words");
	char *words[WORDS_MAX];
	char problem[PLAN_PROBLEM_BYTES] = "expected \"words\", a list of strings";
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
	if (add_peer(env, words, count, name, sizeof name, problem) != 0)
		control_refuse(call, problem);
	else
		control_answer(call, json_pack("{s:b, s:s, s:s?}", "ok", 1, "name", name, "warning",
		                               problem[0] == '\0' ? NULL : problem));
}

static void serve_remove(const struct commands_env *env, struct control_call *call, json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "peer"));
	char problem[PLAN_PROBLEM_BYTES] = "expected \"peer\", a string";
	struct peer *peer = word == NULL ? NULL : peer_set_find(peer_host_set(env->peers), word, problem);
	char name[CHANNEL_LABEL_BYTES];
	int result;

	if (peer == NULL) {
		control_refuse(call, problem);
		return;
	}
	(void)snprintf(name, sizeof name, "%s", peer_name(peer));
	result = peer_host_remove(env->peers, peer);
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
	const struct commands_env *env = &commands->env;
	const char *command = json_string_value(json_object_get(request, "command"));

	if (command == NULL)
		control_refuse(call, "expected \"command\", a string");
	else if (strcmp(command, "status") == 0)
		serve_status(commands, call);
	else if (env->is_stopping(env->owner))
		control_refuse(call, "the daemon stops");
	else if (strcmp(command, "reload") == 0)
		serve_reload(env, call);
	else if (strcmp(command, "peer-add") == 0)
		serve_add(env, call, request);
	else if (strcmp(command, "peer-remove") == 0)
		serve_remove(env, call, request);
	else
		control_refuse(call, "unknown command; there are status, reload, peer-add and peer-remove");
}

static const char *helper(void *owner, pid_t pid)
{
	const struct commands_env *env = &((const struct commands *)owner)->env;

	return env->helper(env->owner, pid);
}

static void log_failure(const struct commands_env *env, int result, const char *problem)
{
	if (result == -ENXIO)
		log_debug("no control socket: %s", problem);
	else
		log_warn("no control socket (%s status and reload will not find this daemon): %s%s",
		         log_name(), problem,
		         result == -EADDRINUSE && !env->has_fixed_name
		                 ? "; --name gives this daemon another name"
		                 : "");
}

static int open_parts(struct commands *commands, char problem[static SERVER_SOCKET_PROBLEM_BYTES])
{
	static const struct control_server_events events = { .request = serve, .helper = helper };
	const struct commands_env *env = &commands->env;
	int result = loop_timer_add(env->loop, &commands->limit);

	(void)snprintf(problem, SERVER_SOCKET_PROBLEM_BYTES, "out of memory");
	if (result != 0)
		return result;
	result = control_server_open(&commands->server, env->loop, env->name, &events, commands, problem);
	if (result != 0)
		loop_timer_remove(env->loop, &commands->limit);
	return result;
}

int commands_open(struct commands **out, const struct commands_env *env)
{
	char problem[SERVER_SOCKET_PROBLEM_BYTES] = "out of memory";
	struct commands *commands = calloc(1, sizeof *commands);
	int result = -ENOMEM;

	*out = NULL;
	if (commands != NULL) {
		commands->env = *env;
		commands->limit = (struct loop_timer){ .expired = report_is_late, .owner = commands };
		result = open_parts(commands, problem);
	}
	if (result == 0) {
		*out = commands;
		return 0;
	}
	log_failure(env, result, problem);
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
	loop_timer_remove(commands->env.loop, &commands->limit);
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

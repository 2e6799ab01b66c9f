#include "delivery/sink_command.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "delivery/delivery.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/program.h"
#include "system/secret_memory.h"

#define RETRY_FIRST_NS (5 * CLOCK_SECOND_NS)
#define RETRY_MOST_NS (300 * CLOCK_SECOND_NS)
/* Time that a program has before SIGTERM. */
#define RUN_NS (30 * CLOCK_SECOND_NS)
/* Time for the tries to tell a program that its last key is void, from the first start on. */
#define LEAVE_NS (60 * CLOCK_SECOND_NS)
#define ENVIRONMENT_WORDS 6
#define LABEL_BYTES 264

/* A command that a peer has left: all that one more call needs. */
struct retired {
	char label[LABEL_BYTES];
	char *name; /* NULL: the peer had none */
	uint64_t key_prefix;
	char *id;
	enum rosenpass_dialect dialect; /* of id */
	char *environment[ENVIRONMENT_WORDS + 1];
	uint8_t *key; /* secret memory; NULL: the command is told nothing more */
	unsigned attempts;
	uint64_t give_up_ns;
	struct backoff retry;
	char error[PROGRAM_PROBLEM_BYTES];
};

/* One target: the words of an exchange_command and the peer that they are called for. */
struct command {
	struct sink sink; /* without peer and timer once it is retired */
	struct command_call call;
	struct command_queue *queue;
	const char *daemon;
	struct string_list words;
	struct retired *retired;      /* NULL: it is a sink of a peer */
	struct retired *next_retired; /* prepared; NULL: not */
	struct program program;
	struct loop_child child;
	struct loop_timer
		timer;    /* the next signal for the running program, or the next try of a retired command */
	bool is_ending;   /* it got SIGTERM */
	bool is_outdated; /* a newer key came while it ran */
};

static struct command *command_of(struct sink *sink)
{
	return (struct command *)sink;
}

static struct command *command_of_call(const struct command_call *call)
{
	return (struct command *)((uintptr_t)call - offsetof(struct command, call));
}

/* --- words and environment ---------------------------------------------------------------------- */

static void release_words(struct string_list *words)
{
	for (size_t i = 0; i < words->count; i++)
		free(words->words[i]);
	free(words->words);
	*words = (struct string_list){ 0 };
}

static bool copy_words(struct string_list *to, const struct string_list *from)
{
	/* With a NULL at the end. */
	to->words = calloc(from->count + 1, sizeof *to->words);
	if (to->words == NULL)
		return false;
	for (to->count = 0; to->count < from->count; to->count++) {
		to->words[to->count] = strdup(from->words[to->count]);
		if (to->words[to->count] == NULL)
			return false;
	}
	return true;
}

/* "NAME=VALUE", allocated; NULL: no memory. */
static char *assign(const char *name, const char *value)
{
	char *word = NULL;

	return asprintf(&word, "%s=%s", name, value == NULL ? "" : value) < 0 ? NULL : word;
}

static const char *id_of(const struct command *command, enum rosenpass_dialect dialect)
{
	return command->sink.peer->id(command->sink.peer->owner, dialect);
}

/* Facts for the program; the key itself goes to its standard input. */
static int make_environment(char *words[ENVIRONMENT_WORDS + 1], const struct command *command,
                            const char *reason)
{
	const struct config_peer *config = command->sink.peer->config;
	const struct key_origin *last = command->sink.last;
	const char *id = id_of(command, last->dialect);
	size_t count = 0;

	words[count++] = assign("ROSENPASS_PEER", config->name != NULL ? config->name : id);
	words[count++] = assign("ROSENPASS_PEER_ID", id);
	words[count++] = assign("ROSENPASS_REASON", reason);
	words[count++] =
		assign("ROSENPASS_ROLE", last->role == ROSENPASS_INITIATOR ? "initiator" : "responder");
	words[count++] = assign("ROSENPASS_KEY_FILE", config->key_out);
	words[count++] = assign("ROSENPASS_DAEMON", command->daemon);
	words[count] = NULL;
	for (size_t i = 0; i < count; i++) {
		if (words[i] == NULL)
			return -ENOMEM;
	}
	return 0;
}

static void release_environment(char *words[ENVIRONMENT_WORDS + 1])
{
	for (size_t i = 0; i < ENVIRONMENT_WORDS; i++)
		free(words[i]);
}

/* --- commands that peers have left ------------------------------------------------------------------ */

static void release_retired(struct retired *retired)
{
	if (retired == NULL)
		return;
	release_environment(retired->environment);
	secret_memory_release(NULL, retired->key, ROSENPASS_KEY_BYTES);
	free(retired->name);
	free(retired->id);
	free(retired);
}

static void release(struct command *command)
{
	command_queue_remove(command->queue, &command->call);
	loop_child_remove(command->sink.loop, &command->child);
	loop_timer_remove(command->sink.loop, &command->timer);
	release_words(&command->words);
	release_retired(command->retired);
	release_retired(command->next_retired);
	free(command);
}

/* What a command needs without its peer; has_key: its peer had a key. NULL: no memory. */
static struct retired *make_retired(const struct command *command, bool has_key)
{
	const struct sink_peer *peer = command->sink.peer;
	struct retired *retired = calloc(1, sizeof *retired);
	bool good;

	if (retired == NULL)
		return NULL;
	(void)snprintf(retired->label, sizeof retired->label, "%s", peer->label);
	backoff_none(&retired->retry);
	retired->key_prefix = peer->key_prefix;
	retired->dialect = command->sink.last->dialect;
	retired->id = strdup(id_of(command, retired->dialect));
	good = retired->id != NULL;
	if (peer->config->name != NULL) {
		retired->name = strdup(peer->config->name);
		good = good && retired->name != NULL;
	}
	if (good && has_key) {
		retired->key = secret_memory_allocate(NULL, ROSENPASS_KEY_BYTES);
		good = retired->key != NULL && make_environment(retired->environment, command, "stale") == 0;
	}
	if (good)
		return retired;
	release_retired(retired);
	return NULL;
}

static const char *label_of(const struct command *command)
{
	return command->retired == NULL ? command->sink.peer->label : command->retired->label;
}

/* Returns true if a program that goes by names, or by ids, takes a peer for the one that left. */
static bool same_peer(const struct retired *retired, const struct command *command)
{
	const struct retired *other = command->retired;
	const char *name = other == NULL ? command->sink.peer->config->name : other->name;

	if (retired->name != NULL && name != NULL && strcmp(retired->name, name) == 0)
		return true;
	if (other != NULL)
		return retired->key_prefix == other->key_prefix &&
		       (retired->dialect != other->dialect || strcmp(retired->id, other->id) == 0);
	return retired->key_prefix == command->sink.peer->key_prefix &&
	       strcmp(retired->id, id_of(command, retired->dialect)) == 0;
}

/* Returns true if other is a command that was left, and that has the same target. */
static bool is_predecessor(const struct command *other, const struct command *command)
{
	return other != command && other->retired != NULL &&
	       string_list_equal(&other->words, &command->words) && same_peer(other->retired, command);
}

/*
 * Returns true if the same target still has a call of before: of two at once, the one with the older key
 * could end last.
 */
static bool is_blocked(const struct command_call *call)
{
	const struct command *command = command_of_call(call);

	for (call = command_queue_first(command->queue); call != NULL; call = call->next) {
		const struct command *other = command_of_call(call);

		/* Calls stand in the order of their making, hence the earlier one goes first. */
		if (other == command && command->retired != NULL)
			return false;
		if (is_predecessor(other, command) &&
		    (call->is_running || (other->retired->key != NULL && other->retired->attempts == 0)))
			return true;
	}
	return false;
}

static void forget_key(struct command *command)
{
	secret_memory_release(NULL, command->retired->key, ROSENPASS_KEY_BYTES);
	command->retired->key = NULL;
	backoff_none(&command->retired->retry);
	command->call.turn = 0;
	if (!command->call.is_running)
		loop_timer_set(command->sink.loop, &command->timer, LOOP_NEVER);
}

/* A new key goes to the target of these commands: their random one must not follow. */
static void replace_predecessors(const struct command *command)
{
	for (struct command_call *call = command_queue_first(command->queue); call != NULL;
	     call = call->next) {
		struct command *other = command_of_call(call);

		if (!is_predecessor(other, command) || other->retired->key == NULL)
			continue;
		log_info("%s: its exchange_command gets a key of %s in place of the last one",
		         other->retired->label, label_of(command));
		forget_key(other);
	}
}

static void retired_failed(struct command *command, const char *problem)
{
	struct retired *retired = command->retired;
	const char *program = command->words.words[0];

	backoff_next(&retired->retry, loop_now_ns(command->sink.loop), RETRY_FIRST_NS, RETRY_MOST_NS);
	if (command_queue_is_stopping(command->queue) || retired->retry.next_ns > retired->give_up_ns) {
		log_error("%s: its last key could not be taken from exchange_command %s: %s", retired->label,
		          program, problem);
		forget_key(command);
		return;
	}
	log_write(retired->error[0] == '\0' ? LOG_ERROR : LOG_DEBUG,
	          "%s: cannot tell exchange_command %s that its key is void: %s; trying again",
	          retired->label, program, problem);
	(void)snprintf(retired->error, sizeof retired->error, "%s", problem);
	loop_timer_set(command->sink.loop, &command->timer, retired->retry.next_ns);
}

/* --- calls ------------------------------------------------------------------------------------------ */

/* problem: empty if the program has done its work. */
static void report(struct command *command, const char *problem)
{
	if (command->retired == NULL && problem[0] == '\0') {
		sink_delivered(&command->sink);
	} else if (command->retired == NULL) {
		sink_failed(&command->sink, problem);
		if (command_queue_is_stopping(command->queue))
			sink_stop_retrying(&command->sink);
	} else if (command->retired->key == NULL) {
		if (problem[0] != '\0')
			log_error("%s: exchange_command %s, which it has left: %s", command->retired->label,
			          command->words.words[0], problem);
	} else if (problem[0] == '\0') {
		forget_key(command);
	} else {
		retired_failed(command, problem);
	}
}

static void exited(void *owner, int status)
{
	struct command *command = owner;
	char problem[PROGRAM_PROBLEM_BYTES];

	program_explain(problem, status);
	command->program.pid = 0;
	command->call.is_running = false;
	loop_timer_set(command->sink.loop, &command->timer, LOOP_NEVER);
	if (command->is_ending && command_queue_is_stopping(command->queue))
		(void)snprintf(problem, sizeof problem, "did not end in time when the daemon stopped");
	else if (command->is_ending)
		(void)snprintf(problem, sizeof problem, "took longer than %d seconds",
		               (int)(RUN_NS / CLOCK_SECOND_NS));
	command_queue_wake(command->queue);
	/* The outcome of a call with an older key does not matter. */
	if (command->is_outdated) {
		command->is_outdated = false;
		command_queue_request(command->queue, &command->call);
	} else {
		report(command, problem);
	}
}

static void end_program(struct command *command)
{
	program_signal(&command->program, command->is_ending ? SIGKILL : SIGTERM);
	command->is_ending = true;
	loop_timer_set(command->sink.loop, &command->timer,
	               loop_now_ns(command->sink.loop) + COMMAND_QUEUE_END_NS);
}

static void expired(void *owner)
{
	struct command *command = owner;

	if (command->call.is_running)
		end_program(command);
	else if (!command_queue_is_stopping(command->queue))
		command_queue_request(command->queue, &command->call);
}

/* The loop has no memory to tell of its end. */
static void kill_unwatched(struct command *command)
{
	program_signal(&command->program, SIGKILL);
	while (waitpid(command->program.pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	command->program.pid = 0;
}

/* Starts the program with the key on its standard input. 0 or negative errno. */
static int run(struct command *command, char *const *environment, const uint8_t *key)
{
	uint8_t input[BASE64_KEY_CHARS + 1];
	int result;

	base64_encode_key((char *)input, key);
	input[BASE64_KEY_CHARS] = '\n';
	result = program_start(&command->program, command->words.words, environment, input, sizeof input);
	sodium_memzero(input, sizeof input);
	if (result != 0)
		return result;
	command->child = (struct loop_child){ command->program.pid, exited, command };
	result = loop_child_add(command->sink.loop, &command->child);
	if (result != 0)
		kill_unwatched(command);
	return result;
}

static int run_for_peer(struct command *command)
{
	char *environment[ENVIRONMENT_WORDS + 1] = { NULL };
	int result = make_environment(environment, command, command->sink.key->origin.reason);

	command->sink.attempts++;
	if (result == 0)
		result = run(command, environment, command->sink.key->bytes);
	release_environment(environment);
	return result;
}

static int run_for_retired(struct command *command)
{
	struct retired *retired = command->retired;

	if (retired->attempts++ == 0)
		retired->give_up_ns = loop_now_ns(command->sink.loop) + LEAVE_NS;
	return run(command, retired->environment, retired->key);
}

static void start(struct command_call *call)
{
	struct command *command = command_of_call(call);
	int result;

	/* A key that is in no need of its target any more was wiped. */
	if (command->retired == NULL ? command->sink.key == NULL : command->retired->key == NULL)
		return;
	command->is_outdated = false;
	command->is_ending = false;
	replace_predecessors(command);
	result = command->retired == NULL ? run_for_peer(command) : run_for_retired(command);
	if (result != 0) {
		report(command, strerror(-result));
		return;
	}
	call->is_running = true;
	loop_timer_set(command->sink.loop, &command->timer, loop_now_ns(command->sink.loop) + RUN_NS);
	if (command->retired == NULL)
		sink_pending(&command->sink);
}

/* The daemon stops. Only a command that was left has no later call: it gets a last try. */
static void stop(struct command_call *call)
{
	struct command *command = command_of_call(call);

	if (command->retired == NULL)
		sink_stop_retrying(&command->sink);
	else if (command->retired->key != NULL && !call->is_running)
		command_queue_request(command->queue, call);
}

static void end(struct command_call *call)
{
	struct command *command = command_of_call(call);

	if (call->is_running && !command->is_ending)
		end_program(command);
	if (call->turn == 0 && !command->is_outdated)
		return;
	call->turn = 0;
	command->is_outdated = false;
	log_error("%s: exchange_command %s was not called with the %s key, as the daemon stops",
	          label_of(command), command->words.words[0], command->retired == NULL ? "newest" : "random");
	if (command->retired != NULL)
		forget_key(command);
}

/* A command that was left is done when it is to be told nothing more. */
static void settle(struct command_call *call)
{
	struct command *command = command_of_call(call);

	if (command->retired != NULL && command->retired->key == NULL)
		release(command);
}

/* --- the sink --------------------------------------------------------------------------------------- */

static bool is_wanted(const struct config_peer *config)
{
	return config->exchange_command.count > 0;
}

static void destroy(struct sink *sink)
{
	sink_release(sink);
	release(command_of(sink));
}

static int create(struct sink **out, const struct delivery_env *env, const struct sink_peer *peer)
{
	struct command *command = calloc(1, sizeof *command);
	int result = command == NULL ? -ENOMEM : sink_init(&command->sink, &sink_command, env->loop, peer);

	*out = NULL;
	if (result != 0) {
		free(command);
		return result;
	}
	command->queue = env->commands;
	command->daemon = env->daemon;
	command->timer = (struct loop_timer){ .expired = expired, .owner = command };
	command->call = (struct command_call){
		.is_blocked = is_blocked, .start = start, .stop = stop, .end = end, .settle = settle
	};
	if (!copy_words(&command->words, &peer->config->exchange_command) ||
	    loop_timer_add(env->loop, &command->timer) != 0) {
		sink_release(&command->sink);
		release_words(&command->words);
		free(command);
		return -ENOMEM;
	}
	command->sink.target = command->words.words[0];
	command_queue_add(command->queue, &command->call);
	*out = &command->sink;
	return 0;
}

static void request(struct command *command)
{
	if (command->call.is_running)
		command->is_outdated = true;
	else
		command_queue_request(command->queue, &command->call);
}

static void deliver(struct sink *sink, const struct delivery_key *key)
{
	(void)key;
	request(command_of(sink));
}

static bool same_target(const struct sink *sink, const struct config_peer *config)
{
	return string_list_equal(&((const struct command *)sink)->words, &config->exchange_command);
}

static void reconfigure(struct sink *sink, const struct config_peer *config)
{
	(void)sink;
	(void)config;
}

static void cancel(struct sink *sink)
{
	struct command *command = command_of(sink);

	release_retired(command->next_retired);
	command->next_retired = NULL;
}

static int prepare_retire(struct sink *sink)
{
	struct command *command = command_of(sink);

	cancel(sink);
	command->next_retired = make_retired(command, sink->last->reason != NULL);
	return command->next_retired == NULL ? -ENOMEM : 0;
}

/* A command of another configuration may end its work, and is not called again. */
static void retire(struct sink *sink, const uint8_t *key, enum sink_cause cause)
{
	struct command *command = command_of(sink);

	command->retired = command->next_retired;
	command->next_retired = NULL;
	if (cause == SINK_REPLACED)
		key = NULL;
	if (key != NULL)
		memcpy(command->retired->key, key, ROSENPASS_KEY_BYTES);
	else
		forget_key(command);
	sink_release(sink);
	sink->peer = NULL;
	sink->key = NULL;
	sink->last = NULL;
	command->call.turn = 0;
	command->is_outdated = false;
	if (key != NULL)
		request(command);
	else
		command_queue_wake(command->queue);
}

static void describe(const struct sink *sink, struct sink_status *status)
{
	status->words = &((const struct command *)sink)->words;
}

const struct sink_ops sink_command = {
	.kind = "command",
	.failure_text = "cannot give its key to exchange_command",
	.success_text = "its exchange_command works again",
	.retry_first_ns = RETRY_FIRST_NS,
	.retry_most_ns = RETRY_MOST_NS,
	.is_wanted = is_wanted,
	.create = create,
	.deliver = deliver,
	.same_target = same_target,
	.prepare_retire = prepare_retire,
	.cancel = cancel,
	.reconfigure = reconfigure,
	.retire = retire,
	.describe = describe,
	.destroy = destroy,
};

void sink_command_each_retired(const struct command_queue *queue,
                               void (*tell)(void *context, const char *label, const struct string_list *words,
                                            const char *error),
                               void *context)
{
	for (struct command_call *call = command_queue_first(queue); call != NULL; call = call->next) {
		const struct command *command = command_of_call(call);

		if (command->retired != NULL && command->retired->key != NULL)
			tell(context, command->retired->label, &command->words, command->retired->error);
	}
}

void sink_command_release_retired(struct command_queue *queue)
{
	struct command_call *call;

	while ((call = command_queue_first(queue)) != NULL)
		release(command_of_call(call));
}

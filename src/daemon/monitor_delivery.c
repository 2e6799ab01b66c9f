#include "daemon/monitor_parts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "config/quote.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/file.h"
#include "system/log.h"

#define KEY_FILE_MODE 0600
#define FILE_FIRST_NS CLOCK_SECOND_NS
#define FILE_MOST_NS (30 * CLOCK_SECOND_NS)
#define COMMAND_FIRST_NS (5 * CLOCK_SECOND_NS)
#define COMMAND_MOST_NS (300 * CLOCK_SECOND_NS)
/* How long a program may take, and how long it may take to end when told. */
#define COMMAND_NS (30 * CLOCK_SECOND_NS)
#define COMMAND_END_NS (5 * CLOCK_SECOND_NS)
/* A killed program is gone in no time, unless the kernel itself is stuck. */
#define CANCEL_LOOKS 1000
#define ENVIRONMENT_WORDS 6
/* How soon a program that has to wait for others is thought of again. */
#define COMMAND_QUEUE_NS (CLOCK_SECOND_NS / 5)

/*
 * A reader that does not read must not hold up the daemon: what does not fit is lost,
 * the key itself is in its file. Up to PIPE_BUF bytes fit into a pipe that is writable.
 */
static void write_line(struct monitor *monitor, const char *line)
{
	struct pollfd out = { .fd = STDOUT_FILENO, .events = POLLOUT };
	const char *problem = "nobody reads it";

	if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0) {
		if (write(STDOUT_FILENO, line, strlen(line)) >= 0) {
			monitor->stdout_is_broken = false;
			return;
		}
		problem = strerror(errno);
	} else if ((out.revents & (POLLERR | POLLHUP | POLLNVAL)) != 0) {
		problem = "its reader is gone";
	}
	if (!monitor->stdout_is_broken)
		log_warn("cannot write to standard output (%s); keys go to their files all the same",
		         problem);
	monitor->stdout_is_broken = true;
}

/* output-key peer ID key-file "PATH" exchanged|stale */
static void announce(struct monitor *monitor, struct monitor_peer *peer)
{
	char *line = NULL;

	if (peer->quoted_key_out == NULL ||
	    asprintf(&line, "output-key peer %s key-file %s %s\n",
	             monitor_peers_id(peer, (enum rosenpass_dialect)peer->dialect), peer->quoted_key_out,
	             peer->reason) < 0)
		return;
	write_line(monitor, line);
	free(line);
}

static void set_state(struct monitor_output *output, enum monitor_output_state state, uint64_t now_ns)
{
	if (output->state != state)
		output->state_ns = now_ns;
	output->state = state;
}

static void wipe(struct monitor_peer *peer)
{
	sodium_memzero(peer->key, ROSENPASS_KEY_BYTES);
	peer->has_key = false;
}

/* A key that is everywhere is kept nowhere. */
static void wipe_when_done(struct monitor_peer *peer)
{
	if (monitor_delivery_is_done(peer))
		wipe(peer);
}

const char *monitor_delivery_kind(const struct monitor_output *output)
{
	static const char *const words[] = {
		[MONITOR_FILE] = "outfile",
		[MONITOR_COMMAND] = "exchange_command",
		[MONITOR_WIREGUARD] = "WireGuard",
	};

	return words[output->kind];
}

void monitor_delivery_succeeded(struct monitor_peer *peer, struct monitor_output *output, uint64_t now_ns,
                                bool is_news)
{
	if (output->state == MONITOR_DELIVERED && output->error[0] == '\0')
		return;
	if (output->error[0] != '\0' && is_news) {
		if (output->kind == MONITOR_WIREGUARD)
			log_info("%s: WireGuard has its key", peer->label);
		else
			log_info("%s: its %s works again", peer->label, monitor_delivery_kind(output));
	}
	output->error[0] = '\0';
	set_state(output, MONITOR_DELIVERED, now_ns);
	monitor_backoff_none(&output->retry);
	wipe_when_done(peer);
}

void monitor_delivery_failed(struct monitor_peer *peer, struct monitor_output *output, const char *problem,
                             uint64_t now_ns, bool is_news)
{
	log_write(is_news ? LOG_ERROR : LOG_DEBUG,
	          "%s: WireGuard does not have its key: %s; trying again until it works", peer->label,
	          problem);
	output->failures++;
	(void)snprintf(output->error, sizeof output->error, "%s", problem);
	set_state(output, MONITOR_FAILING, now_ns);
}

static void failed(struct monitor_peer *peer, struct monitor_output *output, const char *target,
                   const char *problem, uint64_t now_ns)
{
	bool is_file = output->kind == MONITOR_FILE;

	/* Once, until it works again. */
	log_write(output->error[0] == '\0' ? LOG_ERROR : LOG_DEBUG,
	          "%s: cannot %s %s: %s; trying again until it works", peer->label,
	          is_file ? "write outfile" : "give its key to exchange_command", target, problem);
	output->failures++;
	if (output->last_try) {
		set_state(output, MONITOR_DELIVERED, now_ns);
		monitor_backoff_none(&output->retry);
		return;
	}
	(void)snprintf(output->error, sizeof output->error, "%s", problem);
	set_state(output, MONITOR_FAILING, now_ns);
	if (is_file)
		monitor_backoff_next(&output->retry, now_ns, FILE_FIRST_NS, FILE_MOST_NS);
	else
		monitor_backoff_next(&output->retry, now_ns, COMMAND_FIRST_NS, COMMAND_MOST_NS);
}

static void try_file(struct monitor *monitor, struct monitor_peer *peer, struct monitor_output *output,
                     uint64_t now_ns)
{
	char text[BASE64_KEY_CHARS + 1];
	int result;

	output->attempts++;
	base64_encode_key(text, peer->key);
	result = file_write(peer->config.key_out, (const uint8_t *)text, BASE64_KEY_CHARS, KEY_FILE_MODE,
	                    FILE_REPLACE_UNSYNCED);
	sodium_memzero(text, sizeof text);
	if (result != 0) {
		failed(peer, output, peer->quoted_key_out, strerror(-result), now_ns);
		return;
	}
	monitor_delivery_succeeded(peer, output, now_ns, true);
	announce(monitor, peer);
}

/* "NAME=VALUE", allocated; NULL: no memory. */
static char *assign(const char *name, const char *value)
{
	char *word = NULL;

	return asprintf(&word, "%s=%s", name, value == NULL ? "" : value) < 0 ? NULL : word;
}

/* Facts for the program; the key itself goes to its standard input. */
static int make_environment(char *words[ENVIRONMENT_WORDS + 1], const struct monitor *monitor,
                            struct monitor_peer *peer)
{
	const char *id = monitor_peers_id(peer, (enum rosenpass_dialect)peer->dialect);
	size_t count = 0;

	words[count++] = assign("ROSENPASS_PEER", peer->config.name != NULL ? peer->config.name : id);
	words[count++] = assign("ROSENPASS_PEER_ID", id);
	words[count++] = assign("ROSENPASS_REASON", peer->reason);
	words[count++] =
		assign("ROSENPASS_ROLE", peer->role == ROSENPASS_INITIATOR ? "initiator" : "responder");
	words[count++] = assign("ROSENPASS_KEY_FILE", peer->config.key_out);
	words[count++] = assign("ROSENPASS_DAEMON", monitor->name);
	words[count] = NULL;
	for (size_t i = 0; i < count; i++) {
		if (words[i] == NULL)
			return -1;
	}
	return 0;
}

/* Starts the program with the key on its standard input. 0 or negative errno. */
static int run_command(const struct monitor *monitor, struct monitor_peer *peer,
                       struct monitor_output *output)
{
	const struct config_words *command = &peer->config.exchange_command;
	/* With a NULL at the end. */
	char **words = calloc(command->count + 1, sizeof *words);
	char *environment[ENVIRONMENT_WORDS + 1] = { NULL };
	uint8_t input[BASE64_KEY_CHARS + 1];
	int result = -ENOMEM;

	if (words != NULL && make_environment(environment, monitor, peer) == 0) {
		memcpy(words, command->words, command->count * sizeof *words);
		base64_encode_key((char *)input, peer->key);
		input[BASE64_KEY_CHARS] = '\n';
		result = program_start(&output->program, words, environment, input, sizeof input);
		sodium_memzero(input, sizeof input);
	}
	for (size_t i = 0; i < ENVIRONMENT_WORDS; i++)
		free(environment[i]);
	free(words);
	return result;
}

static void start_command(struct monitor *monitor, struct monitor_peer *peer, struct monitor_output *output,
                          uint64_t now_ns)
{
	int result;

	output->attempts++;
	output->outdated = false;
	output->stopping = false;
	result = run_command(monitor, peer, output);
	if (result != 0) {
		failed(peer, output, peer->config.exchange_command.words[0], strerror(-result), now_ns);
		return;
	}
	monitor->programs++;
	output->retry.next_ns = MONITOR_NEVER;
	output->stop_ns = now_ns + COMMAND_NS;
	if (output->state != MONITOR_FAILING)
		set_state(output, MONITOR_WAITING, now_ns);
}

static bool same_words(const struct config_words *a, const struct config_words *b)
{
	if (a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		if (strcmp(a->words[i], b->words[i]) != 0)
			return false;
	}
	return true;
}

/* Whether a peer that is leaving still runs the same command: two at once would end in any order. */
static bool is_taken(const struct monitor *monitor, const struct monitor_peer *peer)
{
	for (size_t i = 0; i < monitor->slots; i++) {
		const struct monitor_peer *other = monitor->peers[i];

		if (other == NULL || other == peer || !other->leaving)
			continue;
		for (size_t o = 0; o < other->output_count; o++) {
			if (other->outputs[o].program.pid != 0 &&
			    same_words(&other->config.exchange_command, &peer->config.exchange_command))
				return true;
		}
	}
	return false;
}

static void try_output(struct monitor *monitor, struct monitor_peer *peer, struct monitor_output *output,
                       uint64_t now_ns)
{
	/* Zeros in the place of a key would be taken for one. */
	if (!peer->has_key) {
		monitor_backoff_none(&output->retry);
		return;
	}
	if (output->kind == MONITOR_FILE)
		try_file(monitor, peer, output, now_ns);
	else if (monitor->programs >= MONITOR_PROGRAMS_MAX || is_taken(monitor, peer))
		output->retry.next_ns = now_ns + COMMAND_QUEUE_NS;
	else
		start_command(monitor, peer, output, now_ns);
}

/* Looks after the program that runs. When to look again. */
static uint64_t watch_program(struct monitor *monitor, struct monitor_peer *peer,
                              struct monitor_output *output, uint64_t now_ns)
{
	char problem[PROGRAM_PROBLEM_BYTES];

	if (program_ended(&output->program, problem)) {
		monitor->programs--;
		if (output->stopping)
			(void)snprintf(problem, sizeof problem, "took longer than %d seconds",
			               (int)(COMMAND_NS / CLOCK_SECOND_NS));
		/* What it did with an older key is of no importance any more. */
		if (output->outdated)
			try_output(monitor, peer, output, now_ns);
		else if (problem[0] == '\0')
			monitor_delivery_succeeded(peer, output, now_ns, true);
		else
			failed(peer, output, peer->config.exchange_command.words[0], problem, now_ns);
		return output->program.pid != 0 ? output->stop_ns : output->retry.next_ns;
	}
	if (now_ns >= output->stop_ns) {
		program_signal(&output->program, output->stopping ? SIGKILL : SIGTERM);
		output->stopping = true;
		output->stop_ns = now_ns + COMMAND_END_NS;
	}
	return output->stop_ns;
}

/* The kinds of output that a configuration has. */
static bool has_output(const struct config_peer *config, enum monitor_output_kind kind)
{
	switch (kind) {
	case MONITOR_FILE:
		return config->key_out != NULL;
	case MONITOR_COMMAND:
		return config->exchange_command.count > 0;
	case MONITOR_WIREGUARD:
		return config->device != NULL;
	}
	return false;
}

static int add_output(struct monitor *monitor, struct monitor_peer *peer, enum monitor_output_kind kind)
{
	struct monitor_output *output = &peer->outputs[peer->output_count];

	*output = (struct monitor_output){ .kind = kind };
	monitor_backoff_none(&output->retry);
	if (kind == MONITOR_WIREGUARD) {
		/*
		 * A random key is set before the first exchange, unless the present one is to be left.
		 */
		output->wireguard = monitor_wireguard_create(&peer->config);
		if (output->wireguard == NULL || monitor_device_know(monitor, peer->config.device) != 0) {
			monitor_wireguard_release(output->wireguard);
			return -ENOMEM;
		}
		monitor_device_look(monitor, peer->config.device);
		if (!monitor_wireguard_is_left(monitor, peer, output->wireguard))
			output->state = MONITOR_WAITING;
	}
	peer->output_count++;
	return 0;
}

int monitor_delivery_init(struct monitor *monitor, struct monitor_peer *peer)
{
	peer->output_count = 0;
	peer->stale_ns = MONITOR_NEVER;
	for (int kind = MONITOR_FILE; kind <= MONITOR_WIREGUARD; kind++) {
		if (has_output(&peer->config, (enum monitor_output_kind)kind) &&
		    add_output(monitor, peer, (enum monitor_output_kind)kind) != 0)
			return -ENOMEM;
	}
	return 0;
}

void monitor_delivery_release(struct monitor_peer *peer)
{
	for (size_t i = 0; i < peer->output_count; i++)
		monitor_wireguard_release(peer->outputs[i].wireguard);
	peer->output_count = 0;
}

static void start_wireguard(struct monitor *monitor, struct monitor_peer *peer, struct monitor_output *output,
                            bool is_exchanged)
{
	monitor_wireguard_take_key(output->wireguard, peer->key, is_exchanged);
	monitor_device_look(monitor, peer->config.device);
}

void monitor_delivery_start(struct monitor *monitor, struct monitor_peer *peer, const uint8_t *key,
                            const char *reason, uint64_t now_ns)
{
	if (key != NULL) {
		memcpy(peer->key, key, ROSENPASS_KEY_BYTES);
	} else if (entropy_fill(NULL, peer->key, ROSENPASS_KEY_BYTES) != 0) {
		log_error("%s: no random bytes for a key in the place of the old one", peer->label);
		return;
	}
	peer->has_key = true;
	peer->reason = reason;
	/* All wait before the first is tried: when that one has it, the key is still needed. */
	for (size_t i = 0; i < peer->output_count; i++) {
		struct monitor_output *output = &peer->outputs[i];

		output->attempts = 0;
		monitor_backoff_none(&output->retry);
		if (output->state != MONITOR_FAILING)
			set_state(output, MONITOR_WAITING, now_ns);
	}
	for (size_t i = 0; i < peer->output_count; i++) {
		struct monitor_output *output = &peer->outputs[i];

		if (output->kind == MONITOR_WIREGUARD)
			start_wireguard(monitor, peer, output, key != NULL);
		else if (output->program.pid != 0)
			output->outdated = true;
		else
			try_output(monitor, peer, output, now_ns);
	}
}

uint64_t monitor_delivery_serve(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns)
{
	uint64_t next_ns = MONITOR_NEVER;

	for (size_t i = 0; i < peer->output_count; i++) {
		struct monitor_output *output = &peer->outputs[i];
		uint64_t at_ns;

		if (output->program.pid != 0) {
			at_ns = watch_program(monitor, peer, output, now_ns);
		} else {
			if (output->retry.next_ns <= now_ns)
				try_output(monitor, peer, output, now_ns);
			at_ns = output->program.pid != 0 ? output->stop_ns : output->retry.next_ns;
		}
		if (at_ns < next_ns)
			next_ns = at_ns;
	}
	return next_ns;
}

bool monitor_delivery_is_done(const struct monitor_peer *peer)
{
	for (size_t i = 0; i < peer->output_count; i++) {
		if (peer->outputs[i].state != MONITOR_DELIVERED)
			return false;
	}
	return true;
}

static void cancel_output(struct monitor *monitor, struct monitor_output *output)
{
	static const struct timespec pause = { .tv_nsec = 1000000 };
	struct program *program = &output->program;
	char problem[PROGRAM_PROBLEM_BYTES];

	if (program->pid == 0)
		return;
	program_signal(program, SIGKILL);
	for (int looks = 0; looks < CANCEL_LOOKS && !program_ended(program, problem); looks++)
		(void)nanosleep(&pause, NULL);
	monitor->programs--;
}

void monitor_delivery_cancel(struct monitor *monitor, struct monitor_peer *peer)
{
	for (size_t i = 0; i < peer->output_count; i++)
		cancel_output(monitor, &peer->outputs[i]);
}

/* Whether an output of a kind goes to the same place in both configurations. */
static bool same_target(const struct config_peer *a, const struct config_peer *b,
                        enum monitor_output_kind kind)
{
	if (!has_output(a, kind) || !has_output(b, kind))
		return false;
	switch (kind) {
	case MONITOR_FILE:
		return strcmp(a->key_out, b->key_out) == 0;
	case MONITOR_COMMAND:
		return same_words(&a->exchange_command, &b->exchange_command);
	case MONITOR_WIREGUARD:
		return strcmp(a->device, b->device) == 0 && strcmp(a->wireguard_peer, b->wireguard_peer) == 0;
	}
	return false;
}

/* Nobody looks after this file any more: the key in it must not go on to be used. */
static void abandon_file(struct monitor_peer *peer, const char *path)
{
	uint8_t key[ROSENPASS_KEY_BYTES];
	char text[BASE64_KEY_CHARS + 1];
	int result = -EIO;

	if (entropy_fill(NULL, key, sizeof key) == 0) {
		base64_encode_key(text, key);
		result = file_write(path, (const uint8_t *)text, BASE64_KEY_CHARS, KEY_FILE_MODE,
		                    FILE_REPLACE_UNSYNCED);
	}
	sodium_memzero(key, sizeof key);
	sodium_memzero(text, sizeof text);
	if (result != 0)
		log_error("%s: cannot erase its key in \"%s\", which is no outfile any more: %s", peer->label,
		          path, strerror(-result));
}

/* An output that is none any more. */
static void drop_output(struct monitor *monitor, struct monitor_peer *peer, struct monitor_output *output,
                        const struct config_peer *old, uint64_t now_ns)
{
	cancel_output(monitor, output);
	if (output->kind == MONITOR_FILE && peer->reason != NULL)
		abandon_file(peer, old->key_out);
	if (output->kind == MONITOR_WIREGUARD && !monitor_wireguard_is_left(monitor, peer, output->wireguard))
		monitor_device_abandon(monitor, peer, old, now_ns);
	monitor_wireguard_release(output->wireguard);
}

/* An output that goes on. */
static void keep_output(struct monitor *monitor, struct monitor_peer *peer,
                        const struct monitor_output *output)
{
	struct monitor_output *kept = &peer->outputs[peer->output_count++];

	*kept = *output;
	if (kept->kind != MONITOR_WIREGUARD)
		return;
	if (monitor_wireguard_change(kept->wireguard, &peer->config) != 0)
		log_error("%s: no memory for its extra_params, which stay as they were", peer->label);
	monitor_device_look(monitor, peer->config.device);
}

/* Another peer or device of WireGuard gets the key that is in use. */
static void hand_over(const struct monitor_output *from, struct monitor_peer *peer)
{
	struct monitor_output *to = monitor_wireguard_output(peer);

	if (from->kind == MONITOR_WIREGUARD && to != NULL)
		monitor_wireguard_take_key(to->wireguard, from->wireguard->key,
		                           from->wireguard->is_exchanged);
}

void monitor_delivery_change(struct monitor *monitor, struct monitor_peer *peer,
                             const struct config_peer *old, uint64_t now_ns)
{
	struct monitor_output before[MONITOR_OUTPUTS];
	size_t count = peer->output_count;

	memcpy(before, peer->outputs, sizeof before);
	peer->output_count = 0;
	for (int kind = MONITOR_FILE; kind <= MONITOR_WIREGUARD; kind++) {
		bool same = same_target(old, &peer->config, (enum monitor_output_kind)kind);
		size_t i = 0;

		while (i < count && (int)before[i].kind != kind)
			i++;
		if (i < count && same) {
			keep_output(monitor, peer, &before[i]);
			continue;
		}
		if (has_output(&peer->config, (enum monitor_output_kind)kind) &&
		    add_output(monitor, peer, (enum monitor_output_kind)kind) != 0)
			log_error("%s: no memory for a new output", peer->label);
		if (i < count) {
			hand_over(&before[i], peer);
			drop_output(monitor, peer, &before[i], old, now_ns);
		}
	}
	/* Answers that are on their way are for names of before. */
	peer->resolve_generation++;
	for (size_t i = 0; i < peer->output_count && peer->has_key; i++) {
		if (peer->outputs[i].kind == MONITOR_WIREGUARD)
			monitor_wireguard_take_key(peer->outputs[i].wireguard, peer->key,
			                           strcmp(peer->reason, "exchanged") == 0);
		if (peer->outputs[i].state != MONITOR_NONE)
			continue;
		set_state(&peer->outputs[i], MONITOR_WAITING, now_ns);
		peer->outputs[i].retry.next_ns = now_ns;
	}
	wipe_when_done(peer);
}

void monitor_delivery_take_over(struct monitor *monitor, const struct config_peer *config)
{
	for (size_t i = 0; i < monitor->slots; i++) {
		struct monitor_peer *peer = monitor->peers[i];

		if (peer == NULL || !peer->leaving)
			continue;
		for (size_t o = 0; o < peer->output_count; o++) {
			struct monitor_output *output = &peer->outputs[o];

			if (!same_target(&peer->config, config, output->kind))
				continue;
			/* A program that runs may end; its successor waits for that. */
			output->last_try = true;
			output->outdated = false;
			if (output->program.pid == 0)
				output->state = MONITOR_DELIVERED;
			monitor_backoff_none(&output->retry);
		}
	}
}

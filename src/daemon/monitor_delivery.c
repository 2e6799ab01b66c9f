#include "daemon/monitor_parts.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/quote.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/file.h"
#include "system/log.h"

#define FILE_FIRST_NS CLOCK_SECOND_NS
#define FILE_MOST_NS (30 * CLOCK_SECOND_NS)

/*
 * A reader that does not read must not hold up the daemon: what does not fit is lost,
 * the key itself is in its file. Up to PIPE_BUF bytes fit into a pipe that is writable.
 */
void monitor_delivery_say(struct monitor *monitor, const char *line)
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
static char *make_line(struct monitor_peer *peer, const char *quoted_file, const char *reason)
{
	char *line = NULL;

	return quoted_file == NULL || asprintf(&line, "output-key peer %s key-file %s %s\n",
	                                       monitor_peers_id(peer, (enum rosenpass_dialect)peer->dialect),
	                                       quoted_file, reason) < 0
	               ? NULL
	               : line;
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
	backoff_none(&output->retry);
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

void monitor_delivery_retry(struct monitor_peer *peer, struct monitor_output *output, const char *target,
                            const char *problem, uint64_t now_ns, uint64_t first_ns, uint64_t most_ns)
{
	bool is_file = output->kind == MONITOR_FILE;
	/* Once, until it works again; of a file whenever the reason is another one. */
	bool is_news = output->error[0] == '\0' ||
	               (is_file && strncmp(output->error, problem, sizeof output->error - 1) != 0);

	log_write(is_news ? LOG_ERROR : LOG_DEBUG, "%s: cannot %s %s: %s; trying again until it works",
	          peer->label, is_file ? "write outfile" : "give its key to exchange_command", target,
	          problem);
	output->failures++;
	(void)snprintf(output->error, sizeof output->error, "%s", problem);
	set_state(output, MONITOR_FAILING, now_ns);
	backoff_next(&output->retry, now_ns, first_ns, most_ns);
}

void monitor_delivery_waits(struct monitor_output *output, uint64_t now_ns)
{
	if (output->state != MONITOR_FAILING)
		set_state(output, MONITOR_WAITING, now_ns);
}

/* There is no key yet. Says whether one could be written, and looks again until it could. */
static void check_file(struct monitor_peer *peer, struct monitor_output *output, uint64_t now_ns)
{
	char problem[MONITOR_PROBLEM_BYTES];

	if (monitor_files_check(&peer->config, &peer->new_file, problem) != 0) {
		monitor_delivery_retry(peer, output, peer->quoted_key_out, problem, now_ns, FILE_FIRST_NS,
		                       FILE_MOST_NS);
		return;
	}
	if (output->error[0] != '\0')
		log_info("%s: its outfile %s can be written now", peer->label, peer->quoted_key_out);
	output->error[0] = '\0';
	set_state(output, MONITOR_NONE, now_ns);
	backoff_none(&output->retry);
}

static void try_file(struct monitor *monitor, struct monitor_peer *peer, struct monitor_output *output,
                     uint64_t now_ns)
{
	const struct monitor_file file = { .label = peer->label,
		                           .path = peer->config.key_out,
		                           .how = &peer->new_file,
		                           .claims = peer->claims };
	char problem[MONITOR_PROBLEM_BYTES];
	char *line;

	/* Never write an all-zero buffer as a key. */
	if (!peer->has_key) {
		backoff_none(&output->retry);
		if (peer->reason == NULL)
			check_file(peer, output, now_ns);
		return;
	}
	output->attempts++;
	if (monitor_files_write(monitor, &file, peer->key, problem) != 0) {
		monitor_delivery_retry(peer, output, peer->quoted_key_out, problem, now_ns, FILE_FIRST_NS,
		                       FILE_MOST_NS);
		return;
	}
	/* Nothing is left there of a peer that had the file before. */
	monitor_erase_replaced(monitor, peer->config.key_out);
	monitor_delivery_succeeded(peer, output, now_ns, true);
	line = make_line(peer, peer->quoted_key_out, peer->reason);
	if (line != NULL)
		monitor_delivery_say(monitor, line);
	free(line);
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
	backoff_none(&output->retry);
	if (kind == MONITOR_COMMAND) {
		output->hook = monitor_hooks_create(monitor, peer);
		if (output->hook == NULL)
			return -ENOMEM;
	}
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

void monitor_delivery_release(struct monitor *monitor, struct monitor_peer *peer)
{
	for (size_t i = 0; i < peer->output_count; i++) {
		monitor_wireguard_release(peer->outputs[i].wireguard);
		monitor_hooks_release(monitor, peer->outputs[i].hook);
	}
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
		backoff_none(&output->retry);
		monitor_delivery_waits(output, now_ns);
	}
	for (size_t i = 0; i < peer->output_count; i++) {
		struct monitor_output *output = &peer->outputs[i];

		if (output->kind == MONITOR_WIREGUARD)
			start_wireguard(monitor, peer, output, key != NULL);
		else if (output->kind == MONITOR_COMMAND)
			monitor_hooks_deliver(monitor, output->hook);
		else
			try_file(monitor, peer, output, now_ns);
	}
}

uint64_t monitor_delivery_serve(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns)
{
	uint64_t next_ns = MONITOR_NEVER;

	for (size_t i = 0; i < peer->output_count; i++) {
		struct monitor_output *output = &peer->outputs[i];

		if (output->kind != MONITOR_FILE)
			continue;
		if (output->retry.next_ns <= now_ns)
			try_file(monitor, peer, output, now_ns);
		next_ns = output->retry.next_ns;
	}
	return next_ns;
}

void monitor_delivery_look(struct monitor_peer *peer, uint64_t now_ns)
{
	for (size_t i = 0; i < peer->output_count; i++) {
		struct monitor_output *output = &peer->outputs[i];

		if (output->kind != MONITOR_FILE || output->state != MONITOR_NONE)
			continue;
		check_file(peer, output, now_ns);
		if (output->error[0] == '\0')
			monitor_files_warn(peer->label, &peer->config, &peer->new_file);
	}
}

bool monitor_delivery_is_done(const struct monitor_peer *peer)
{
	for (size_t i = 0; i < peer->output_count; i++) {
		if (peer->outputs[i].state != MONITOR_DELIVERED)
			return false;
	}
	return true;
}

/* Whether an output of a kind goes to the same place in both configurations. */
static bool same_target(const struct config_peer *a, const struct config_peer *b,
                        enum monitor_output_kind kind)
{
	if (!has_output(a, kind) || !has_output(b, kind))
		return false;
	switch (kind) {
	case MONITOR_FILE:
		return file_is_same(a->key_out, b->key_out);
	case MONITOR_COMMAND:
		return string_list_equal(&a->exchange_command, &b->exchange_command);
	case MONITOR_WIREGUARD:
		return strcmp(a->device, b->device) == 0 && strcmp(a->wireguard_peer, b->wireguard_peer) == 0;
	}
	return false;
}

/* Replaces the key in a file that is no outfile of the peer any more. */
static void leave_file(struct monitor *monitor, struct monitor_peer *peer, const char *path,
                       const uint8_t *key, uint64_t now_ns)
{
	char *quoted = quote(path);
	const struct monitor_file file = { .label = peer->label, .path = path, .how = &peer->new_file };

	monitor_erase_file(monitor, &file, make_line(peer, quoted, "stale"), key, now_ns);
	free(quoted);
}

/* An output that is none any more. A command with other words is not called again. */
static void drop_output(struct monitor *monitor, struct monitor_peer *peer, struct monitor_output *output,
                        const struct config_peer *old, uint64_t now_ns)
{
	uint8_t key[ROSENPASS_KEY_BYTES];

	if (output->kind == MONITOR_COMMAND)
		monitor_hooks_leave(monitor, output->hook, &old->exchange_command, NULL);
	if (output->kind == MONITOR_FILE && peer->reason != NULL) {
		if (entropy_fill(NULL, key, sizeof key) == 0)
			leave_file(monitor, peer, old->key_out, key, now_ns);
		else
			log_error("%s: no random bytes for a key in the place of the old one", peer->label);
		sodium_memzero(key, sizeof key);
	}
	if (output->kind == MONITOR_WIREGUARD && !monitor_wireguard_is_left(monitor, peer, output->wireguard))
		monitor_orphans_add(monitor, peer, old, now_ns);
	monitor_wireguard_release(output->wireguard);
}

void monitor_delivery_retire(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns)
{
	bool has_given = peer->reason != NULL;

	if (has_given && entropy_fill(NULL, peer->key, ROSENPASS_KEY_BYTES) != 0) {
		log_error("%s: no random bytes for a key in the place of the last one", peer->label);
		has_given = false;
	}
	for (size_t i = 0; i < peer->output_count && has_given; i++) {
		struct monitor_output *output = &peer->outputs[i];

		if (output->kind == MONITOR_FILE)
			leave_file(monitor, peer, peer->config.key_out, peer->key, now_ns);
		else if (output->kind == MONITOR_WIREGUARD)
			monitor_orphans_add(monitor, peer, &peer->config, now_ns);
		else
			monitor_hooks_leave(monitor, output->hook, &peer->config.exchange_command, peer->key);
		if (output->kind == MONITOR_COMMAND)
			output->hook = NULL;
	}
	wipe(peer);
	monitor_delivery_release(monitor, peer);
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
	monitor_delivery_look(peer, now_ns);
}

#include "daemon/monitor_parts.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define RETRY_FIRST_NS CLOCK_SECOND_NS
#define RETRY_MOST_NS (30 * CLOCK_SECOND_NS)

/* An outfile that holds the last key of a peer that has left it. */
struct monitor_erase {
	struct monitor_erase *next;
	char label[CHANNEL_LABEL_BYTES];
	char *path;
	struct file_output how;
	char *line;   /* for standard output when it is written; NULL: none */
	uint8_t *key; /* secret memory: the random key for the file */
	struct backoff retry;
	int result;                                            /* negative errno of the last try */
	char error[CHANNEL_LABEL_BYTES + MONITOR_ERROR_BYTES]; /* what status says of the file's new owner */
};

static void release(struct monitor_erase *erase)
{
	secret_memory_release(NULL, erase->key, ROSENPASS_KEY_BYTES);
	free(erase->path);
	free(erase->line);
	free(erase);
}

/* Takes over line. NULL: no memory. */
static struct monitor_erase *make(const struct monitor_file *file, char *line, const uint8_t *key)
{
	struct monitor_erase *erase = calloc(1, sizeof *erase);

	if (erase == NULL) {
		free(line);
		return NULL;
	}
	(void)snprintf(erase->label, sizeof erase->label, "%s", file->label);
	erase->line = line;
	erase->path = strdup(file->path);
	erase->how = *file->how;
	erase->key = secret_memory_allocate(NULL, ROSENPASS_KEY_BYTES);
	if (erase->path == NULL || erase->key == NULL) {
		release(erase);
		return NULL;
	}
	memcpy(erase->key, key, ROSENPASS_KEY_BYTES);
	return erase;
}

/* Returns true if the file holds a key of a peer that writes to it today. */
static bool is_written(struct monitor *monitor, const char *path)
{
	const struct monitor_peer *peer = monitor_claims_writer(monitor, path);

	for (size_t o = 0; peer != NULL && !peer->leaving && o < peer->output_count; o++) {
		if (peer->outputs[o].kind == MONITOR_FILE && peer->outputs[o].state == MONITOR_DELIVERED)
			return true;
	}
	return false;
}

/* 0, or why the key is still there: negative errno. A file whose directory is gone holds none. */
static int try(struct monitor *monitor, struct monitor_erase *erase)
{
	const struct monitor_file file = { .label = erase->label, .path = erase->path, .how = &erase->how };
	char problem[MONITOR_PROBLEM_BYTES];
	int result = monitor_files_write(monitor, &file, erase->key, problem);

	if (result == -ENOENT || result == -ENOTDIR)
		return 0;
	/* What it holds now is no key of ours. */
	if (result == -EEXIST) {
		log_warn("%s: its last key is not erased: %s", erase->label, problem);
		return 0;
	}
	if (result == 0 && erase->line != NULL)
		monitor_delivery_say(monitor, erase->line);
	if (result != 0)
		(void)snprintf(erase->error, sizeof erase->error, "it still has the last key of %s: %s",
		               erase->label, strerror(-result));
	erase->result = result;
	return result;
}

void monitor_erase_file(struct monitor *monitor, const struct monitor_file *file, char *line,
                        const uint8_t *key, uint64_t now_ns)
{
	struct monitor_erase *erase;
	int result;

	if (is_written(monitor, file->path)) {
		free(line);
		return;
	}
	monitor_erase_replaced(monitor, file->path);
	erase = make(file, line, key);
	if (erase == NULL) {
		log_error("%s: no memory to erase its last key in \"%s\"", file->label, file->path);
		return;
	}
	result = try(monitor, erase);
	if (result == 0) {
		release(erase);
		return;
	}
	log_error("%s: cannot erase its last key in \"%s\", which is not its outfile any more: %s; trying "
	          "again until it works",
	          file->label, file->path, strerror(-result));
	backoff_next(&erase->retry, now_ns, RETRY_FIRST_NS, RETRY_MOST_NS);
	erase->next = monitor->erases;
	monitor->erases = erase;
}

uint64_t monitor_erase_serve(struct monitor *monitor, uint64_t now_ns)
{
	struct monitor_erase **at = &monitor->erases;
	uint64_t next_ns = MONITOR_NEVER;

	while (*at != NULL) {
		struct monitor_erase *erase = *at;

		if (erase->retry.next_ns <= now_ns && try(monitor, erase) == 0) {
			log_info("%s: its last key in \"%s\" is erased", erase->label, erase->path);
			*at = erase->next;
			release(erase);
			continue;
		}
		if (erase->retry.next_ns <= now_ns)
			backoff_next(&erase->retry, now_ns, RETRY_FIRST_NS, RETRY_MOST_NS);
		if (erase->retry.next_ns < next_ns)
			next_ns = erase->retry.next_ns;
		at = &erase->next;
	}
	return next_ns;
}

void monitor_erase_replaced(struct monitor *monitor, const char *path)
{
	struct monitor_erase **at = &monitor->erases;

	while (*at != NULL) {
		struct monitor_erase *erase = *at;

		if (!file_is_same(erase->path, path)) {
			at = &erase->next;
			continue;
		}
		*at = erase->next;
		release(erase);
	}
}

const char *monitor_erase_problem(const struct monitor *monitor, const char *path)
{
	for (const struct monitor_erase *erase = monitor->erases; erase != NULL; erase = erase->next) {
		if (file_is_same(erase->path, path))
			return erase->error;
	}
	return NULL;
}

void monitor_erase_each_left(const struct monitor *monitor,
                             void (*tell)(void *context, const struct monitor_left *left), void *context)
{
	for (const struct monitor_erase *erase = monitor->erases; erase != NULL; erase = erase->next) {
		struct monitor_left left = { .kind = MONITOR_FILE,
			                     .label = erase->label,
			                     .target = erase->path,
			                     .error = strerror(-erase->result) };

		tell(context, &left);
	}
}

void monitor_erase_release_all(struct monitor *monitor)
{
	while (monitor->erases != NULL) {
		struct monitor_erase *erase = monitor->erases;
		int result = try(monitor, erase);

		if (result != 0)
			log_error("%s: its last key could not be erased in \"%s\": %s; delete the file",
			          erase->label, erase->path, strerror(-result));
		monitor->erases = erase->next;
		release(erase);
	}
}

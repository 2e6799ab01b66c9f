#include "delivery/retired_files.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "rosenpass.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define RETRY_FIRST_NS CLOCK_SECOND_NS
#define RETRY_MOST_NS (30 * CLOCK_SECOND_NS)
#define LABEL_BYTES 264
#define ERROR_BYTES (LABEL_BYTES + 256)

/* An outfile that holds the last key of a peer that has left it. */
struct retired_file {
	struct retired_file *next;
	struct retired_files *files;
	char label[LABEL_BYTES];
	char *path;
	struct file_output how;
	char *line;   /* for standard output when it is written; NULL: none */
	uint8_t *key; /* secret memory: the random key for the file */
	struct backoff retry;
	struct loop_timer timer;
	int result;              /* negative errno of the last try */
	char error[ERROR_BYTES]; /* what status says of the file's new owner */
};

struct retired_files {
	struct loop *loop;
	const struct outfile_guard *guard;
	struct key_lines *lines;
	struct retired_file *list;
};

int retired_files_create(struct retired_files **out, struct loop *loop, const struct outfile_guard *guard,
                         struct key_lines *lines)
{
	struct retired_files *files = calloc(1, sizeof *files);

	*out = files;
	if (files == NULL)
		return -ENOMEM;
	*files = (struct retired_files){ .loop = loop, .guard = guard, .lines = lines };
	return 0;
}

/* The loop does not have its timer. */
static void release(struct retired_file *file)
{
	secret_memory_release(NULL, file->key, ROSENPASS_KEY_BYTES);
	free(file->path);
	free(file->line);
	free(file);
}

void retired_files_cancel(struct retired_file *file)
{
	if (file == NULL)
		return;
	loop_timer_remove(file->files->loop, &file->timer);
	release(file);
}

/* Takes it off the list. */
static void drop(struct retired_file *file)
{
	struct retired_file **at = &file->files->list;

	while (*at != file)
		at = &(*at)->next;
	*at = file->next;
	retired_files_cancel(file);
}

/* 0, or why the key is still there: negative errno. A file whose directory is gone holds none. */
static int try(struct retired_file *file)
{
	const struct outfile outfile = { .label = file->label, .path = file->path, .how = &file->how };
	char problem[OUTFILE_PROBLEM_BYTES];
	int result = outfile_write(&outfile, file->files->guard, file->key, problem);

	if (result == -ENOENT || result == -ENOTDIR)
		return 0;
	/* What it holds now is no key of ours. */
	if (result == -EEXIST) {
		log_warn("%s: its last key is not erased: %s", file->label, problem);
		return 0;
	}
	if (result == 0)
		key_lines_write(file->files->lines, file->line);
	else
		(void)snprintf(file->error, sizeof file->error, "it still has the last key of %s: %s",
		               file->label, strerror(-result));
	file->result = result;
	return result;
}

static void wait_for_retry(struct retired_file *file)
{
	backoff_next(&file->retry, loop_now_ns(file->files->loop), RETRY_FIRST_NS, RETRY_MOST_NS);
	loop_timer_set(file->files->loop, &file->timer, file->retry.next_ns);
}

static void retry(void *owner)
{
	struct retired_file *file = owner;

	if (try(file) != 0) {
		wait_for_retry(file);
		return;
	}
	log_info("%s: its last key in \"%s\" is erased", file->label, file->path);
	drop(file);
}

int retired_files_prepare(struct retired_file **out, struct retired_files *files,
                          const struct outfile *outfile, char *line)
{
	struct retired_file *file = calloc(1, sizeof *file);

	*out = NULL;
	if (file == NULL) {
		free(line);
		return -ENOMEM;
	}
	(void)snprintf(file->label, sizeof file->label, "%s", outfile->label);
	file->files = files;
	file->line = line;
	file->path = strdup(outfile->path);
	file->how = *outfile->how;
	file->key = secret_memory_allocate(NULL, ROSENPASS_KEY_BYTES);
	backoff_none(&file->retry);
	file->timer = (struct loop_timer){ .expired = retry, .owner = file };
	if (file->path == NULL || file->key == NULL || loop_timer_add(files->loop, &file->timer) != 0) {
		release(file);
		return -ENOMEM;
	}
	*out = file;
	return 0;
}

void retired_files_add(struct retired_file *file, const uint8_t *key)
{
	struct retired_files *files = file->files;

	if (files->guard->is_in_use(files->guard->owner, file->path)) {
		retired_files_cancel(file);
		return;
	}
	retired_files_replaced(files, file->path);
	memcpy(file->key, key, ROSENPASS_KEY_BYTES);
	file->next = files->list;
	files->list = file;
	if (try(file) == 0) {
		drop(file);
		return;
	}
	log_error("%s: cannot erase its last key in \"%s\", which is not its outfile any more: %s; trying "
	          "again until it works",
	          file->label, file->path, strerror(-file->result));
	wait_for_retry(file);
}

void retired_files_replaced(struct retired_files *files, const char *path)
{
	struct retired_file *file = files->list;

	while (file != NULL) {
		struct retired_file *next = file->next;

		if (file_is_same(file->path, path))
			drop(file);
		file = next;
	}
}

const char *retired_files_problem(const struct retired_files *files, const char *path)
{
	for (const struct retired_file *file = files->list; file != NULL; file = file->next) {
		if (file_is_same(file->path, path))
			return file->error;
	}
	return NULL;
}

void retired_files_each(const struct retired_files *files,
                        void (*tell)(void *context, const char *label, const char *path, const char *error),
                        void *context)
{
	for (const struct retired_file *file = files->list; file != NULL; file = file->next)
		tell(context, file->label, file->path, strerror(-file->result));
}

void retired_files_destroy(struct retired_files *files)
{
	while (files != NULL && files->list != NULL) {
		struct retired_file *file = files->list;

		if (try(file) != 0)
			log_error("%s: its last key could not be erased in \"%s\": %s; delete the file",
			          file->label, file->path, strerror(-file->result));
		drop(file);
	}
	free(files);
}

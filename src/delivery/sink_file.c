#include "delivery/sink_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/quote.h"
#include "delivery/delivery.h"
#include "delivery/key_lines.h"
#include "delivery/outfile.h"
#include "delivery/retired_files.h"
#include "system/clock.h"
#include "system/log.h"

struct file_sink {
	struct sink sink;
	const struct delivery_env *env;
	char *path;
	char *quoted;
	struct retired_file *retired; /* prepared; NULL: not, or the file has no key */
};

static struct file_sink *file_of(struct sink *sink)
{
	return (struct file_sink *)sink;
}

static bool is_wanted(const struct config_peer *config)
{
	return config->key_out != NULL;
}

static void cancel(struct sink *sink)
{
	struct file_sink *file = file_of(sink);

	retired_files_cancel(file->retired);
	file->retired = NULL;
}

static void destroy(struct sink *sink)
{
	struct file_sink *file = file_of(sink);

	cancel(sink);
	sink_release(sink);
	free(file->path);
	free(file->quoted);
	free(file);
}

static int set_path(struct file_sink *file, const char *path)
{
	char *copy = strdup(path);
	char *quoted = quote(path);

	if (copy == NULL || quoted == NULL) {
		free(copy);
		free(quoted);
		return -ENOMEM;
	}
	free(file->path);
	free(file->quoted);
	file->path = copy;
	file->quoted = quoted;
	file->sink.target = quoted;
	return 0;
}

static int create(struct sink **out, const struct delivery_env *env, const struct sink_peer *peer)
{
	struct file_sink *file = calloc(1, sizeof *file);

	*out = NULL;
	if (file == NULL)
		return -ENOMEM;
	file->env = env;
	if (sink_init(&file->sink, &sink_file, env->loop, peer) != 0) {
		free(file);
		return -ENOMEM;
	}
	if (set_path(file, peer->config->key_out) != 0) {
		destroy(&file->sink);
		return -ENOMEM;
	}
	*out = &file->sink;
	return 0;
}

/* Takes the line that tells of a key: NULL where there is no memory. */
static char *make_line(const struct file_sink *file, const char *reason)
{
	const struct sink_peer *peer = file->sink.peer;

	return key_lines_make(peer->id(peer->owner, file->sink.last->dialect), file->quoted, reason);
}

static void deliver(struct sink *sink, const struct delivery_key *key)
{
	struct file_sink *file = file_of(sink);
	const struct outfile outfile = { .label = sink->peer->label,
		                         .path = file->path,
		                         .how = sink->peer->new_file,
		                         .claimant = sink->peer->owner };
	char problem[OUTFILE_PROBLEM_BYTES];
	char *line;

	sink->attempts++;
	if (outfile_write(&outfile, file->env->guard, key->bytes, problem) != 0) {
		sink_failed(sink, problem);
		return;
	}
	/* Nothing is left there of a peer that had the file before. */
	retired_files_replaced(file->env->retired_files, file->path);
	line = make_line(file, key->origin.reason);
	sink_delivered(sink);
	key_lines_write(file->env->lines, line);
	free(line);
}

/* Reports whether a key could be written, and looks again until it could. */
static void inspect(struct sink *sink)
{
	struct file_sink *file = file_of(sink);
	const struct sink_peer *peer = sink->peer;
	bool is_first = sink->state == SINK_EMPTY;
	char problem[OUTFILE_PROBLEM_BYTES];

	if (outfile_check(peer->config, peer->new_file, problem) != 0) {
		sink_failed(sink, problem);
		return;
	}
	if (sink->is_logged)
		log_info("%s: its outfile %s can be written now", peer->label, file->quoted);
	sink_is_ready(sink);
	if (is_first)
		outfile_warn(peer->label, peer->config, peer->new_file);
}

static bool same_target(const struct sink *sink, const struct config_peer *config)
{
	return file_is_same(((const struct file_sink *)sink)->path, config->key_out);
}

static void reconfigure(struct sink *sink, const struct config_peer *config)
{
	struct file_sink *file = file_of(sink);

	/* Without memory the other spelling does: both mean the same file. */
	if (strcmp(file->path, config->key_out) != 0)
		(void)set_path(file, config->key_out);
}

static int prepare_retire(struct sink *sink)
{
	struct file_sink *file = file_of(sink);
	const struct outfile outfile = { .label = sink->peer->label,
		                         .path = file->path,
		                         .how = sink->peer->new_file };
	char *line;

	cancel(sink);
	/* The first key may come before the sink is retired. */
	line = make_line(file, "stale");
	if (line == NULL)
		return -ENOMEM;
	return retired_files_prepare(&file->retired, file->env->retired_files, &outfile, line);
}

static void retire(struct sink *sink, const uint8_t *key, enum sink_cause cause)
{
	struct file_sink *file = file_of(sink);

	(void)cause;
	if (key != NULL) {
		retired_files_add(file->retired, key);
		file->retired = NULL;
	}
	destroy(sink);
}

static void describe(const struct sink *sink, struct sink_status *status)
{
	const struct file_sink *file = (const struct file_sink *)sink;
	const char *problem = NULL;

	status->target = sink->peer->config->key_out;
	/* A file that a peer has taken over may still have the last key of the peer before. */
	if (status->error[0] == '\0' || sink->last->reason == NULL)
		problem = retired_files_problem(file->env->retired_files, file->path);
	if (problem != NULL)
		status->error = problem;
}

const struct sink_ops sink_file = {
	.kind = "file",
	.failure_text = "cannot write outfile",
	.success_text = "its outfile works again",
	.logs_each_reason = true,
	.retry_first_ns = CLOCK_SECOND_NS,
	.retry_most_ns = 30 * CLOCK_SECOND_NS,
	.is_wanted = is_wanted,
	.create = create,
	.deliver = deliver,
	.inspect = inspect,
	.same_target = same_target,
	.prepare_retire = prepare_retire,
	.cancel = cancel,
	.reconfigure = reconfigure,
	.retire = retire,
	.describe = describe,
	.destroy = destroy,
};

#ifndef TESTS_UNIT_DELIVERY_FIXTURE_H
#define TESTS_UNIT_DELIVERY_FIXTURE_H

/* What deliveries need, without a monitor: a simulated loop, a guard of files with knobs, and peers. */

#include "fixture.h"

#include <errno.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "delivery/command_queue.h"
#include "delivery/delivery.h"
#include "delivery/key_lines.h"
#include "delivery/outfile.h"
#include "delivery/retired_files.h"
#include "delivery/sink_command.h"
#include "delivery/sink_file.h"
#include "system/clock.h"
#include "system/file.h"
#include "system/log.h"

#define START_NS (1000 * CLOCK_SECOND_NS)

/* A peer, and what it has. */
struct recipient {
	struct config_peer config;
	struct file_output new_file;
	struct sink_peer peer;
	char label[64];
	char id[16];
	struct delivery *delivery;
};

struct fixture {
	struct loop *loop;
	struct delivery_env env;
	struct outfile_guard guard;
	struct key_lines lines;
	/* The guard. */
	bool refuses; /* the file is used for something else */
	bool is_in_use;
	unsigned written;
	void *claimant; /* of the last file that was judged */
	char folder[64];
};

static inline char *text_copy(const char *text)
{
	char *copied = strdup(text);

	assert_non_null(copied);
	return copied;
}

static inline int fixture_judge(void *owner, void *claimant, const char *path, struct file_identity *judged,
                                char problem[static OUTFILE_PROBLEM_BYTES])
{
	struct fixture *fixture = owner;

	fixture->claimant = claimant;
	if (fixture->refuses) {
		(void)snprintf(problem, OUTFILE_PROBLEM_BYTES, "it is taken");
		return -1;
	}
	(void)file_identify(judged, path);
	return 0;
}

static inline void fixture_written(void *owner, void *claimant)
{
	(void)claimant;
	((struct fixture *)owner)->written++;
}

static inline bool fixture_is_in_use(void *owner, const char *path)
{
	(void)path;
	return ((struct fixture *)owner)->is_in_use;
}

/* An empty folder, which becomes the working directory. */
static inline void fixture_open(struct fixture *fixture)
{
	struct delivery_env *env = &fixture->env;

	memset(fixture, 0, sizeof *fixture);
	log_set_level(LOG_OFF);
	(void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/rosenpass-test-XXXXXX");
	assert_non_null(mkdtemp(fixture->folder));
	assert_int_equal(chdir(fixture->folder), 0);
	assert_int_equal(loop_open_simulated(&fixture->loop, START_NS), 0);
	fixture->guard = (struct outfile_guard){ fixture_judge, fixture_written, fixture_is_in_use, fixture };
	env->loop = fixture->loop;
	env->daemon = "test";
	env->guard = &fixture->guard;
	env->lines = &fixture->lines;
	assert_int_equal(retired_files_create(&env->retired_files, env->loop, env->guard, env->lines), 0);
	assert_int_equal(command_queue_create(&env->commands, env->loop), 0);
}

static inline void fixture_close(struct fixture *fixture)
{
	sink_command_release_retired(fixture->env.commands);
	command_queue_destroy(fixture->env.commands);
	retired_files_destroy(fixture->env.retired_files);
	loop_close(fixture->loop);
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(fixture->folder), 0);
}

static inline const char *recipient_id(void *owner, enum rosenpass_dialect dialect)
{
	(void)dialect;
	return ((struct recipient *)owner)->id;
}

/* A peer of that name, without sinks as long as its configuration has none. */
static inline void recipient_init(struct recipient *recipient, const char *name, unsigned number)
{
	memset(recipient, 0, sizeof *recipient);
	recipient->config.name = text_copy(name);
	recipient->new_file.mode = 0600;
	(void)snprintf(recipient->label, sizeof recipient->label, "peer %s", name);
	(void)snprintf(recipient->id, sizeof recipient->id, "id-%u", number);
	recipient->peer = (struct sink_peer){
		.label = recipient->label,
		.config = &recipient->config,
		.new_file = &recipient->new_file,
		.key_prefix = 1000 + number,
		.id = recipient_id,
		.owner = recipient,
	};
}

static inline void recipient_start(struct fixture *fixture, struct recipient *recipient)
{
	assert_int_equal(delivery_create(&recipient->delivery, &fixture->env, &recipient->peer), 0);
}

/* The peer is removed, and its memory is gone, too. */
static inline void recipient_retire(struct recipient *recipient)
{
	assert_int_equal(delivery_prepare_retire(recipient->delivery), 0);
	delivery_retire(recipient->delivery);
	config_peer_release(&recipient->config);
	memset(recipient, 0, sizeof *recipient);
}

static inline void recipient_release(struct recipient *recipient)
{
	delivery_destroy(recipient->delivery);
	config_peer_release(&recipient->config);
	memset(recipient, 0, sizeof *recipient);
}

/* An exchanged key, of which each byte is the number. */
static inline void recipient_give(struct recipient *recipient, uint8_t number)
{
	const struct key_origin origin = { .reason = "exchanged", .role = ROSENPASS_INITIATOR };
	uint8_t key[ROSENPASS_KEY_BYTES];

	memset(key, number, sizeof key);
	assert_int_equal(delivery_put(recipient->delivery, key, &origin), 0);
}

static inline void fixture_turn(struct fixture *fixture)
{
	/* A deadline that another one sets to the present is met one nanosecond later. */
	loop_advance(fixture->loop, 1);
	assert_int_equal(loop_turn(fixture->loop), 0);
}

static inline void fixture_pass(struct fixture *fixture, uint64_t seconds)
{
	loop_advance(fixture->loop, seconds * CLOCK_SECOND_NS);
	fixture_turn(fixture);
}

#endif

/* Whether a key may go to a file at the moment of writing. */

#include "daemon_fixture.h"

#include <sys/stat.h>

#include "system/log.h"

static const char *const names[] = { "alice", "bob" };

struct scene {
	struct daemon daemon;
	struct outfile_guard guard;
	struct peer *peers[2];
	char folder[64];
};

static char *format(const char *pattern, const char *a, const char *b)
{
	char *text = NULL;

	assert_true(asprintf(&text, pattern, a, b) > 0);
	return text;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	(void)snprintf(scene->folder, sizeof scene->folder, "/tmp/rosenpass-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	assert_int_equal(chdir(scene->folder), 0);
	daemon_open(&scene->daemon, "test", NULL);
	scene->guard = output_guard_of(&scene->daemon.guard);
	for (size_t i = 0; i < 2; i++) {
		struct config_peer config = {
			.public_key = format("%s/vectors/keys/%s.pk", TEST_DATA_DIR, names[i]),
			.key_out = format("%s%s", names[i], ".key"),
			.name = strdup(names[i]),
		};

		scene->peers[i] = daemon_add(&scene->daemon, &config);
	}
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	(void)unlink("alice.key");
	(void)unlink("bob.key");
	(void)unlink("other");
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(rmdir(scene->folder), 0);
	daemon_close(&scene->daemon);
	free(scene);
	return 0;
}

static int judge(const struct scene *scene, struct peer *peer, const char *path)
{
	struct file_identity judged = { 0 };
	char problem[OUTFILE_PROBLEM_BYTES] = "";
	int result = scene->guard.judge(scene->guard.owner, peer, path, &judged, problem);

	if (result == 0)
		file_identity_release(&judged);
	else
		assert_true(problem[0] != '\0');
	return result;
}

static void put(const char *path)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fclose(file), 0);
}

/* A peer writes to its own file, and not to that of another, by whatever name. */
static void test_judge(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(judge(scene, scene->peers[0], "alice.key"), 0);
	assert_int_equal(judge(scene, scene->peers[0], "bob.key"), -1);
	put("bob.key");
	assert_int_equal(symlink("bob.key", "other"), 0);
	assert_int_equal(judge(scene, scene->peers[0], "other"), -1);
	assert_int_equal(judge(scene, scene->peers[1], "other"), 0);
	/* Once it is a file of its own, it is free. */
	assert_int_equal(unlink("other"), 0);
	put("other");
	assert_int_equal(judge(scene, scene->peers[0], "other"), 0);
	/* A file that a peer has left may be one of another, and no input. */
	assert_int_equal(judge(scene, NULL, "bob.key"), 0);
	assert_int_equal(judge(scene, NULL, peer_config(scene->peers[1])->public_key), -1);
}

/* A file that was replaced is known by its new identity once it is written. */
static void test_written(void **state)
{
	struct scene *scene = *state;

	put("alice.key");
	scene->guard.written(scene->guard.owner, scene->peers[0]);
	assert_int_equal(link("alice.key", "other"), 0);
	assert_int_equal(judge(scene, scene->peers[1], "other"), -1);
	scene->guard.written(scene->guard.owner, NULL);
}

/* A file is in use once its peer's key is there. */
static void test_in_use(void **state)
{
	const struct channel_key key = { .role = ROSENPASS_RESPONDER };
	struct scene *scene = *state;

	assert_false(scene->guard.is_in_use(scene->guard.owner, "alice.key"));
	assert_false(scene->guard.is_in_use(scene->guard.owner, "other"));
	peer_on_key(scene->peers[0], &key);
	assert_true(scene->guard.is_in_use(scene->guard.owner, "alice.key"));
	assert_false(scene->guard.is_in_use(scene->guard.owner, "bob.key"));
	/* One that leaves has no outfile any more. */
	assert_int_equal(peer_host_remove(scene->daemon.peers, scene->peers[0]), 0);
	assert_false(scene->guard.is_in_use(scene->guard.owner, "alice.key"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_judge, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_in_use, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

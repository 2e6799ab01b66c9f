/* The order of a reload: what can fail comes first, and is taken back when a later part fails. */

#include "fixture.h"

#include "monitor/reload.h"
#include "system/log.h"

/* What may fail, in the order in which it is tried. */
enum part {
	READ,
	STAGE,
	CHECK,
	LISTEN,
	ENGINE,
	BEGIN,
	NOTHING
};

static enum part failing;
static bool is_interrupted, has_other_keys;
/* A letter for each step that was made. */
static char steps[32];
static struct config present, planned;

struct plan {
	int unused;
};

static struct plan the_plan;

static void note(char step)
{
	size_t length = strlen(steps);

	assert_true(length + 1 < sizeof steps);
	steps[length] = step;
	steps[length + 1] = '\0';
}

static int try_part(enum part part, char step, char *problem)
{
	note(step);
	if (failing != part)
		return 0;
	if (problem != NULL)
		(void)strcpy(problem, "it fails");
	return -1;
}

/* --- the parts ------------------------------------------------------------------------------------- */

int config_read(struct config *config, const char *path, char problem[static CONFIG_PROBLEM_BYTES])
{
	assert_string_equal(path, "a.toml");
	memset(config, 0, sizeof *config);
	return try_part(READ, 'r', problem);
}

int plan_stage(struct plan **out, struct config *config, const struct plan_daemon *daemon,
               const struct plan_target *target, char problem[static PLAN_PROBLEM_BYTES])
{
	(void)config;
	(void)daemon;
	assert_non_null(target);
	*out = &the_plan;
	return try_part(STAGE, 's', problem);
}

int plan_check(struct plan *plan, char problem[static PLAN_PROBLEM_BYTES])
{
	assert_ptr_equal(plan, &the_plan);
	return try_part(CHECK, 'c', problem);
}

void plan_apply(struct plan *plan, struct plan_result *result)
{
	assert_ptr_equal(plan, &the_plan);
	*result = (struct plan_result){ .added = 1 };
	note('A');
}

void plan_discard(struct plan *plan)
{
	assert_ptr_equal(plan, &the_plan);
	note('d');
}

bool plan_has_other_keys(const struct plan *plan)
{
	(void)plan;
	return has_other_keys;
}

const uint8_t *plan_public_key(const struct plan *plan)
{
	(void)plan;
	return NULL;
}

uint8_t *plan_secret_key(const struct plan *plan)
{
	(void)plan;
	return NULL;
}

size_t plan_peer_count(const struct plan *plan)
{
	(void)plan;
	return 3;
}

const struct config *plan_config(const struct plan *plan)
{
	(void)plan;
	return &planned;
}

int listeners_stage(struct listeners *listeners, const struct string_list *words,
                    struct listeners_change **change, char problem[static LISTENERS_PROBLEM_BYTES])
{
	(void)listeners;
	assert_ptr_equal(words, &planned.listen);
	*change = NULL;
	return try_part(LISTEN, 'l', problem);
}

void listeners_apply(struct listeners *listeners, struct listeners_change *change)
{
	(void)listeners;
	(void)change;
	note('L');
}

void listeners_discard(struct listeners *listeners, struct listeners_change *change)
{
	(void)listeners;
	(void)change;
	note('x');
}

int engines_start(struct engines *engines, const uint8_t *public_key, uint8_t *secret_key, size_t peers)
{
	(void)engines;
	(void)public_key;
	(void)secret_key;
	/* Peers that stay and peers that come, until those that go have gone. */
	assert_int_equal(peers, 3 + 2);
	return try_part(ENGINE, 'e', NULL);
}

int engines_begin(struct engines *engines)
{
	(void)engines;
	return try_part(BEGIN, 'b', NULL);
}

bool engines_are_interrupted(void)
{
	return is_interrupted;
}

void engines_was_away(const struct engines *engines)
{
	(void)engines;
	note('w');
}

size_t peer_set_count(const struct peer_set *set)
{
	(void)set;
	return 2;
}

static void begun(void *owner)
{
	(void)owner;
	note('B');
}

static void failed(void *owner)
{
	(void)owner;
	note('F');
}

/* --- the tests ------------------------------------------------------------------------------------- */

static int run(char problem[static PLAN_PROBLEM_BYTES])
{
	static char file[] = "a.toml";
	static const struct plan_target target;
	static const struct plan_daemon daemon;
	const struct reload_env env = {
		.config = &present,
		.daemon = &daemon,
		.target = &target,
		.begun = begun,
		.failed = failed,
	};
	struct plan_result result;

	steps[0] = '\0';
	problem[0] = '\0';
	present.file = file;
	return reload_run(&env, &result, problem);
}

static void test_steps(void **state)
{
	static const struct {
		bool has_other_keys;
		enum part failing;
		bool is_interrupted;
		int result;
		const char *steps;
		const char *problem;
	} cases[] = {
		{ false, NOTHING, false, 0, "rsclALw", "" },
		{ true, NOTHING, false, 0, "rscleALbBw", "" },
		{ true, READ, false, -1, "rw", "it fails" },
		{ true, STAGE, false, -1, "rsw", "it fails" },
		{ true, CHECK, false, -1, "rscxdw", "it fails" },
		{ true, LISTEN, false, -1, "rsclxdw", "it fails" },
		{ true, ENGINE, false, -1, "rsclexdw",
		  "no engine process could be started for our new key pair" },
		{ true, ENGINE, true, -1, "rsclexdw", "the daemon was asked to end" },
		/* It is too late to go back. */
		{ true, BEGIN, false, -1, "rscleALbFw",
		  "the engine process could not be started again, as the log says; the daemon ends" },
		/* The signal is still to be served. */
		{ true, BEGIN, true, -1, "rscleALbw",
		  "the engine process could not be started again, as the log says; the daemon ends" },
	};

	(void)state;
	log_set_level(LOG_OFF);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char problem[PLAN_PROBLEM_BYTES];

		has_other_keys = cases[i].has_other_keys;
		failing = cases[i].failing;
		is_interrupted = cases[i].is_interrupted;
		assert_int_equal(run(problem), cases[i].result);
		assert_string_equal(steps, cases[i].steps);
		assert_string_equal(problem, cases[i].problem);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

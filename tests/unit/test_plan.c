/* Plans, with peers that only count what is done to them: a plan that fails leaves everything as it was. */

#include "plan_fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "config/rosenpass_config.h"
#include "system/log.h"

#define KEYS TEST_DATA_DIR "/vectors/keys/"
#define OWN "public_key = \"own.pk\"\nsecret_key = \"own.sk\"\n"
#define BOB "[[peers]]\nname = \"bob\"\npublic_key = \"bob.pk\"\nkey_out = \"b\"\n"
#define CAROL                                                                                          \
	"[[peers]]\nname = \"carol\"\npublic_key = \"carol.pk\"\npre_shared_key = \"psk\"\nkey_out = " \
	"\"c\"\n"
#define WGPK "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="

/* --- the world ------------------------------------------------------------------------------------ */

static const char *const keys[][2] = {
	{ "own.pk", KEYS "alice.pk" },
	{ "own.sk", KEYS "alice.sk" },
	{ "bob.pk", KEYS "bob.pk" },
	{ "carol.pk", KEYS "carol.pk" },
};

static char folder[] = "/tmp/rosenpass-test-XXXXXX";
static struct peer_set peers;
static struct claims claims;
static struct claim *own_claims;
static struct shared_key public_key;
static struct config present;
static unsigned replaced, removing;

static void take_config(void *owner, struct config *config)
{
	struct config old = present;

	(void)owner;
	present = *config;
	*config = old;
}

static void replace_engine(void *owner)
{
	(void)owner;
	replaced++;
}

static void on_removing(void *owner, struct peer *peer)
{
	(void)owner;
	assert_non_null(peer);
	removing++;
}

static struct plan_target target = {
	.peers = &peers,
	.claims = &claims,
	.own_claims = &own_claims,
	.public_key = &public_key,
	.take_config = take_config,
	.replace_engine = replace_engine,
	.removing = on_removing,
};
static const struct plan_daemon daemon_itself = { .name = "test-plan", .has_name = true };

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

/* A public key that nobody has the secret key of. */
static void put_key(const char *path, char byte)
{
	static char bytes[ROSENPASS_PUBLIC_KEY_BYTES + 1];

	memset(bytes, byte, sizeof bytes - 1);
	put(path, bytes);
}

static int prepare(struct config *config, const char *text, struct plan **plan, char *problem)
{
	int result;

	assert_int_equal(config_parse(config, text, strlen(text), "f", problem), 0);
	result = plan_stage(plan, config, &daemon_itself, &target, problem);
	if (result != 0)
		return result;
	result = plan_check(*plan, problem);
	if (result != 0)
		plan_discard(*plan);
	return result;
}

static struct plan_result apply(const char *text)
{
	char problem[PLAN_PROBLEM_BYTES] = "";
	struct plan_result result;
	struct config config;
	struct plan *plan;

	if (prepare(&config, text, &plan, problem) != 0)
		fail_msg("%s", problem);
	plan_apply(plan, &result);
	return result;
}

static int add(const char *const *words, size_t count, char *problem)
{
	struct config_peer config = { 0 };
	struct plan_result result;
	unsigned fails = fails_at;
	struct plan *plan;

	fails_at = 0;
	assert_int_equal(config_peer_from_words(&config, (char *const *)words, count, problem), 0);
	fails_at = fails;
	calls = 0;
	if (plan_stage_addition(&plan, &config, &target, problem) != 0)
		return -1;
	if (plan_check(plan, problem) != 0) {
		plan_discard(plan);
		return -1;
	}
	plan_apply(plan, &result);
	assert_int_equal(result.added, 1);
	return 0;
}

/* What a plan that fails must not change. */
struct picture {
	struct peer_set peers;
	struct peer all[PEERS_MAX];
	struct claims claims;
	struct claim *own_claims;
	struct shared_key public_key;
	struct config present;
	unsigned replaced, removing;
};

static void look(struct picture *picture)
{
	memset(picture, 0, sizeof *picture);
	picture->peers = peers;
	picture->peers.room = 0;
	for (size_t i = 0; i < peers.count; i++)
		memcpy(&picture->all[i], peers.all[i], sizeof picture->all[i]);
	picture->claims.count = claims.count;
	picture->own_claims = own_claims;
	picture->public_key = public_key;
	memcpy(&picture->present, &present, sizeof present);
	picture->replaced = replaced;
	picture->removing = removing;
}

static void assert_same(const struct picture *before)
{
	struct picture now;

	look(&now);
	assert_memory_equal(before, &now, sizeof now);
}

static void make_folder(void)
{
	(void)strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_int_equal(chdir(folder), 0);
	(void)umask(077);
	for (size_t i = 0; i < FIXTURE_COUNT(keys); i++)
		assert_int_equal(symlink(keys[i][1], keys[i][0]), 0);
	put("psk", WGPK "\n");
	put_key("dave.pk", 'd');
	put_key("eve.pk", 'e');
}

/* The daemon starts with bob and carol. */
static int set_up(void **state)
{
	char problem[PLAN_PROBLEM_BYTES] = "";
	struct plan_result result;
	struct config config;
	struct plan *plan;

	(void)state;
	make_folder();
	assert_int_equal(config_parse(&config, OWN BOB CAROL, strlen(OWN BOB CAROL), "f", problem), 0);
	assert_int_equal(plan_stage(&plan, &config, &daemon_itself, &target, problem), 0);
	plan_take_own(plan, &present);
	assert_int_equal(plan_check(plan, problem), 0);
	plan_apply(plan, &result);
	assert_int_equal(result.added, 2);
	assert_int_equal(replaced, 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	fails_at = 0;
	claims_release(&claims);
	for (size_t i = 0; i < peers.count; i++)
		peer_destroy(peers.all[i]);
	peers = (struct peer_set){ 0 };
	own_claims = NULL;
	shared_key_release(&public_key);
	config_release(&present);
	replaced = 0;
	removing = 0;
	for (size_t i = 0; i < FIXTURE_COUNT(keys); i++)
		(void)unlink(keys[i][0]);
	(void)unlink("psk");
	(void)unlink("dave.pk");
	(void)unlink("eve.pk");
	return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

/* The start itself fails where an output is one of our own files. */
static void test_start(void **state)
{
	static const char text[] = OWN "[[peers]]\npublic_key = \"bob.pk\"\nkey_out = \"own.sk\"\n";
	char problem[PLAN_PROBLEM_BYTES] = "";
	struct config config;
	struct plan *plan;

	(void)tear_down(state);
	make_folder();
	assert_int_equal(config_parse(&config, text, sizeof text - 1, "f", problem), 0);
	assert_int_equal(plan_stage(&plan, &config, &daemon_itself, &target, problem), 0);
	plan_take_own(plan, &present);
	assert_int_equal(plan_check(plan, problem), -1);
	assert_non_null(strstr(problem, "is the same file as secret_key"));
	plan_discard(plan);
	assert_int_equal(peers.count, 0);
}

/* --- what a plan does --------------------------------------------------------------------------------- */

static void test_results(void **state)
{
	const struct peer *bob = peers.all[0];
	struct plan_result result = apply(OWN BOB CAROL);

	(void)state;
	assert_int_equal(result.unchanged, 2);
	/* bob has another file, carol goes. */
	result = apply(OWN "[[peers]]\npublic_key = \"bob.pk\"\nkey_out = \"d\"\n");
	assert_int_equal(result.changed, 1);
	assert_int_equal(result.removed, 1);
	assert_int_equal(removing, 1);
	assert_ptr_equal(peers.all[0], bob);
	assert_string_equal(bob->config.key_out, "d");
	assert_int_equal(bob->started, 1);
	/* What carol had is free again, also for bob. */
	result = apply(OWN "[[peers]]\nname = \"carol\"\npublic_key = \"bob.pk\"\nkey_out = \"c\"\n");
	assert_int_equal(result.changed, 1);
	assert_int_equal(peers.count, 1);
}

/* A peer of the control socket stays beside those of the file, and becomes one of them. */
static void test_addition(void **state)
{
	static const char *const words[] = { "public-key", "carol.pk", "name", "c", "outfile", "x" };
	char problem[PLAN_PROBLEM_BYTES] = "";
	struct plan_result result = apply(OWN BOB);

	(void)state;
	assert_int_equal(result.removed, 1);
	assert_int_equal(add(words, FIXTURE_COUNT(words), problem), 0);
	assert_true(peers.all[1]->is_at_run_time);
	assert_int_equal(peers.all[1]->number, 2);
	result = apply(OWN BOB);
	assert_int_equal(result.removed, 0);
	assert_int_equal(peers.count, 2);
	assert_true(peers.all[1]->is_at_run_time);
	/* Its name and its outfile are still its own. */
	result = apply(OWN BOB CAROL);
	assert_int_equal(result.changed, 1);
	assert_false(peers.all[1]->is_at_run_time);
	assert_int_equal(add(words, FIXTURE_COUNT(words), problem), -1);
	assert_string_equal(problem, "carol has that public key already");
}

/* A preshared key that others can read is named, once its peer is added and not again. */
static void test_exposed_psk(void **state)
{
	int saved = dup(STDERR_FILENO);
	FILE *log = tmpfile();
	char said[4096];
	size_t length;

	(void)state;
	assert_true(saved >= 0);
	assert_non_null(log);
	(void)apply(OWN BOB);
	assert_int_equal(chmod("psk", 0644), 0);
	assert_true(dup2(fileno(log), STDERR_FILENO) >= 0);
	log_set_level(LOG_WARN);
	(void)apply(OWN BOB CAROL);
	(void)apply(OWN BOB CAROL);
	log_set_level(LOG_OFF);
	(void)dup2(saved, STDERR_FILENO);
	(void)close(saved);
	rewind(log);
	length = fread(said, 1, sizeof said - 1, log);
	said[length] = '\0';
	(void)fclose(log);
	assert_non_null(strstr(said, "preshared-key file \"psk\" can be read by other users"));
	assert_null(strstr(strstr(said, "preshared-key file") + 1, "preshared-key file"));
}

/* Another key pair of our own: one new engine process, which is told of all peers that stay. */
static void test_other_keys(void **state)
{
	struct plan_result result;

	(void)state;
	assert_int_equal(unlink("own.pk") | unlink("own.sk"), 0);
	assert_int_equal(unlink("bob.pk"), 0);
	assert_int_equal(symlink(KEYS "bob.pk", "own.pk") | symlink(KEYS "bob.sk", "own.sk"), 0);
	assert_int_equal(symlink(KEYS "alice.pk", "bob.pk"), 0);
	result = apply(OWN CAROL BOB);
	assert_int_equal(replaced, 1);
	/* Who had the key that is ours now goes. */
	assert_int_equal(result.removed, 1);
	assert_int_equal(result.added, 1);
	assert_int_equal(peers.all[0]->announced, 1);
	assert_int_equal(peers.all[0]->reset, 1);
	assert_int_equal(peers.all[1]->announced, 0);
	assert_int_equal(peers.all[1]->started, 1);
}

/* --- what fails ------------------------------------------------------------------------------------ */

static void test_missing_files(void **state)
{
	static const char *const files[] = { "own.pk", "own.sk", "bob.pk", "carol.pk", "psk" };
	struct picture before;

	(void)state;
	look(&before);
	for (size_t i = 0; i < FIXTURE_COUNT(files); i++) {
		char problem[PLAN_PROBLEM_BYTES] = "";
		struct config config;
		struct plan *plan;
		int blocks = live;

		assert_int_equal(rename(files[i], "away"), 0);
		assert_int_equal(prepare(&config, OWN CAROL BOB, &plan, problem), -1);
		assert_int_equal(rename("away", files[i]), 0);
		assert_non_null(strstr(problem, files[i]));
		assert_null(strchr(problem, '\n'));
		assert_int_equal(live, blocks);
		assert_same(&before);
	}
}

static void test_duplicates(void **state)
{
	static const struct {
		const char *text;
		const char *problem; /* a part of it */
	} cases[] = {
		{ OWN BOB "[[peers]]\npublic_key = \"bob.pk\"\nkey_out = \"c\"\n",
		  "is the key of peer 1 (bob)" },
		{ OWN "[[peers]]\npublic_key = \"own.pk\"\nkey_out = \"c\"\n", "is our own key" },
		{ OWN BOB "[[peers]]\npublic_key = \"carol.pk\"\nkey_out = \"./b\"\n",
		  "is the same file as peer 1 (bob)'s key_out" },
		{ OWN "[[peers]]\npublic_key = \"bob.pk\"\nkey_out = \"own.sk\"\n",
		  "is the same file as secret_key" },
		{ OWN "[[peers]]\npublic_key = \"bob.pk\"\nkey_out = \"f\"\n",
		  "is the same file as configuration" },
		{ OWN "[[peers]]\npublic_key = \"bob.pk\"\nkey_out = \"bob.pk\"\n",
		  "is the same file as peer 1" },
		{ OWN "[[peers]]\npublic_key = \"bob.pk\"\ndevice = \"wg0\"\npeer = \"" WGPK "\"\n"
		      "[[peers]]\npublic_key = \"carol.pk\"\ndevice = \"wg0\"\npeer = \"" WGPK "\"\n",
		  "on wg0 is that of peer 1 already" },
	};
	struct picture before;

	(void)state;
	look(&before);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char problem[PLAN_PROBLEM_BYTES] = "";
		struct config config;
		struct plan *plan;
		int blocks = live;

		assert_int_equal(prepare(&config, cases[i].text, &plan, problem), -1);
		if (strstr(problem, cases[i].problem) == NULL)
			fail_msg("case %zu: %s", i, problem);
		assert_int_equal(live, blocks);
		assert_same(&before);
	}
}

/* The same of one more peer, and of a new configuration beside a peer of the control socket. */
static void test_duplicates_of_addition(void **state)
{
	static const char *const cases[][6] = {
		{ "public-key", "bob.pk", "name", "c", "outfile", "x" },
		{ "public-key", "own.pk", "name", "c", "outfile", "x" },
		{ "public-key", "carol.pk", "name", "bob", "outfile", "x" },
		{ "public-key", "carol.pk", "name", "c", "outfile", "b" },
		{ "public-key", "nowhere", "name", "c", "outfile", "x" },
	};
	static const char *const good[] = { "public-key", "carol.pk", "name", "c", "outfile", "x" };
	char problem[PLAN_PROBLEM_BYTES] = "";
	struct picture before;
	struct config config;
	struct plan *plan;

	(void)state;
	(void)apply(OWN BOB);
	look(&before);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		int blocks = live;

		assert_int_equal(add(cases[i], FIXTURE_COUNT(cases[i]), problem), -1);
		assert_int_equal(live, blocks);
		assert_same(&before);
	}
	assert_int_equal(add(good, FIXTURE_COUNT(good), problem), 0);
	look(&before);
	assert_int_equal(
		prepare(&config, OWN "[[peers]]\npublic_key = \"bob.pk\"\nkey_out = \"x\"\n", &plan, problem),
		-1);
	assert_non_null(strstr(problem, "is the same file as"));
	assert_same(&before);
}

/* A reload in which one peer is added, and others are changed, removed and kept. */
static const char reload_text[] =
	OWN "[[peers]]\nname = \"eve\"\npublic_key = \"eve.pk\"\nkey_out = \"e\"\n"
	    "[[peers]]\nname = \"bob\"\npublic_key = \"bob.pk\"\npre_shared_key = \"psk\"\nkey_out = \"o\"\n";

/* Returns true once no allocation has that number, and the plan was applied. */
static bool reload_without(unsigned number)
{
	char problem[PLAN_PROBLEM_BYTES] = "";
	struct plan_result result;
	struct config config;
	struct plan *plan = NULL;
	int status;

	assert_int_equal(config_parse(&config, reload_text, sizeof reload_text - 1, "f", problem), 0);
	calls = 0;
	fails_at = number;
	status = plan_stage(&plan, &config, &daemon_itself, &target, problem);
	if (status == 0)
		status = plan_check(plan, problem);
	if (calls < number) {
		/* Applying it asks for no memory. */
		assert_int_equal(status, 0);
		fails_at = calls + 1;
		plan_apply(plan, &result);
		assert_int_equal(calls, fails_at - 1);
		fails_at = 0;
		assert_int_equal(result.added + result.changed + result.removed, 3);
		return true;
	}
	fails_at = 0;
	plan_discard(plan);
	/* Without some of it less is known, and the plan is as good. */
	assert_true(status == 0 || problem[0] != '\0');
	assert_null(strchr(problem, '\n'));
	return false;
}

/* Lets the allocation of each number fail until there is none that does. */
static void test_memory(void **state)
{
	static const char *const words[] = { "public-key", "dave.pk", "name", "d", "outfile", "x" };
	char problem[PLAN_PROBLEM_BYTES] = "";
	struct picture before;
	unsigned number = 1;
	int blocks = live;

	(void)state;
	look(&before);
	for (fails_at = 1; add(words, FIXTURE_COUNT(words), problem) != 0; fails_at = ++number) {
		fails_at = 0;
		assert_int_equal(live, blocks);
		assert_same(&before);
	}
	fails_at = 0;
	assert_true(number > 10);
	blocks = live;
	look(&before);
	for (number = 1; !reload_without(number); number++) {
		assert_int_equal(live, blocks);
		assert_same(&before);
	}
	assert_true(number > 30);
	assert_int_equal(peers.count, 3);
	assert_int_equal(peers.removed, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_start, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_results, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_addition, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_exposed_psk, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_keys, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing_files, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_duplicates, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_duplicates_of_addition, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_memory, set_up, tear_down),
	};

	log_set_level(LOG_OFF);
	assert_int_equal(loop_open(&target.loop), 0);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

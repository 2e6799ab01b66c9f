#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor/claims.h"

/* Each test is in an empty folder. */
static char folder[] = "/tmp/rosenpass-test-XXXXXX";
static struct claims claims;
static char problem[CLAIMS_PROBLEM_BYTES];

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
	return mkdtemp(folder) == NULL || chdir(folder) != 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "a", "b", "c", "link", "hard" };

	(void)state;
	claims_release(&claims);
	for (size_t i = 0; i < FIXTURE_COUNT(names); i++)
		(void)unlink(names[i]);
	return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

static void make(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
}

static int add(struct claim **list, const char *owner, const char *setting, const char *path,
               enum claims_use use)
{
	const struct claims_file file = { owner, setting, path, use };

	problem[0] = '\0';
	return claims_add(&claims, list, &file, problem);
}

static int check_for(struct claim *daemon, struct claim *list, const char *path, bool only_inputs)
{
	const struct claims_file file = { NULL, "outfile", path, CLAIMS_OUTPUT };

	struct file_identity judged = { 0 };
	int result;

	problem[0] = '\0';
	result = claims_check_output(&claims, daemon, list, &file, only_inputs, &judged, problem);
	assert_int_equal(result == 0, judged.name != NULL);
	file_identity_release(&judged);
	return result;
}

static int check(struct claim *list, const char *path, bool only_inputs)
{
	return check_for(NULL, list, path, only_inputs);
}

static void test_uses(void **state)
{
	static const struct {
		enum claims_use first;
		enum claims_use second;
		int result;
	} cases[] = {
		{ CLAIMS_INPUT, CLAIMS_INPUT, 0 },
		{ CLAIMS_INPUT, CLAIMS_OUTPUT, -1 },
		{ CLAIMS_OUTPUT, CLAIMS_INPUT, -1 },
		{ CLAIMS_OUTPUT, CLAIMS_OUTPUT, -1 },
	};
	static const struct {
		const char *first;
		const char *second;
	} paths[] = { { "a", "./a" },
		      { "a", "hard" },
		      { "link", "hard" },
		      { "new", "x/../new" },
		      { "x/y", "./x//y" } };

	(void)state;
	make("a");
	assert_int_equal(link("a", "hard"), 0);
	assert_int_equal(symlink("a", "link"), 0);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		for (size_t j = 0; j < FIXTURE_COUNT(paths); j++) {
			struct claim *list = NULL;
			struct claim *other = NULL;

			assert_int_equal(add(&list, "peer 1", "one", paths[j].first, cases[i].first), 0);
			assert_int_equal(add(&other, NULL, "two", paths[j].second, cases[i].second),
			                 cases[i].result);
			/* Another file is in nobody's way. */
			assert_int_equal(add(&other, NULL, "two", "b", CLAIMS_OUTPUT), 0);
			claims_drop(&claims, &list);
			claims_drop(&claims, &other);
			assert_null(list);
			assert_int_equal(claims.count, 0);
		}
	}
}

static void test_messages(void **state)
{
	struct claim *list = NULL;

	(void)state;
	make("a");
	assert_int_equal(add(&list, NULL, "secret_key", "a", CLAIMS_INPUT), 0);
	assert_int_equal(add(&list, "peer 2 (office)", "public_key", "b", CLAIMS_INPUT), 0);
	assert_int_equal(add(&list, "peer 1", "key_out", "./a", CLAIMS_OUTPUT), -1);
	assert_string_equal(problem,
	                    "peer 1: key_out \"./a\" is the same file as secret_key \"a\"; use another file");
	assert_int_equal(add(&list, NULL, "control socket", "./b", CLAIMS_OUTPUT), -1);
	assert_string_equal(problem,
	                    "control socket \"./b\" is the same file as peer 2 (office)'s public_key \"b\"; "
	                    "use another file");
}

/* Links that are made and files that are replaced after they were claimed. */
static void test_later(void **state)
{
	struct claim *own = NULL;
	struct claim *peer = NULL;
	struct claim *other = NULL;

	(void)state;
	make("a");
	assert_int_equal(add(&own, NULL, "secret_key", "a", CLAIMS_INPUT), 0);
	assert_int_equal(add(&peer, "peer 1", "key_out", "b", CLAIMS_OUTPUT), 0);
	assert_int_equal(add(&other, "peer 2", "key_out", "c", CLAIMS_OUTPUT), 0);
	assert_int_equal(check(peer, "b", false), 0);
	/* Its own file is in nobody else's hands. */
	make("b");
	assert_int_equal(check(peer, "b", false), 0);
	assert_int_equal(check(other, "b", false), -1);
	assert_int_equal(check(other, "b", true), 0);
	assert_int_equal(unlink("b"), 0);
	assert_int_equal(symlink("a", "b"), 0);
	assert_int_equal(check(peer, "b", true), -1);
	assert_string_equal(problem, "outfile \"b\" is the same file as secret_key \"a\"; use another file");
	assert_int_equal(unlink("b"), 0);
	assert_int_equal(link("a", "b"), 0);
	assert_int_equal(check(peer, "b", true), -1);
	/* The secret key is replaced by another one, and b is only what it once was. */
	make("hard");
	assert_int_equal(rename("hard", "a"), 0);
	assert_int_equal(check(peer, "b", true), 0);
	/* A link to the one that is there now is known once it was looked at. */
	assert_int_equal(unlink("b"), 0);
	assert_int_equal(link("a", "b"), 0);
	claims_refresh(&claims, own);
	assert_int_equal(check(peer, "b", true), -1);
	assert_int_equal(unlink("b"), 0);
	assert_int_equal(symlink("c", "b"), 0);
	assert_int_equal(check(peer, "b", false), -1);
	assert_int_equal(check(peer, "b", true), 0);
	claims_drop(&claims, &other);
	assert_int_equal(check(peer, "b", false), 0);
}

/* What the owner itself reads is looked at again each time. */
static void test_own_inputs(void **state)
{
	struct claim *peer = NULL;

	(void)state;
	make("a");
	assert_int_equal(add(&peer, "peer 1", "pre_shared_key", "a", CLAIMS_INPUT), 0);
	assert_int_equal(add(&peer, "peer 1", "key_out", "b", CLAIMS_OUTPUT), 0);
	make("c");
	assert_int_equal(rename("c", "a"), 0);
	assert_int_equal(link("a", "b"), 0);
	assert_int_equal(check(peer, "b", true), -1);
}

/* A file that its owner wrote last is written again without a look at others, as long as it has one name. */
static void test_written(void **state)
{
	struct claim *own = NULL;
	struct claim *peer = NULL;

	(void)state;
	make("a");
	assert_int_equal(add(&own, NULL, "secret_key", "a", CLAIMS_INPUT), 0);
	assert_int_equal(add(&peer, "peer 1", "key_out", "b", CLAIMS_OUTPUT), 0);
	make("b");
	claims_written(&claims, peer);
	make("c");
	assert_int_equal(rename("c", "a"), 0);
	assert_int_equal(check_for(own, peer, "b", false), 0);
	/* The secret key was not looked at again: a link to the new one is not known. */
	assert_int_equal(link("a", "d"), 0);
	assert_int_equal(check(NULL, "d", true), 0);
	/* With two names it is looked at. */
	assert_int_equal(link("b", "e"), 0);
	assert_int_equal(check_for(own, peer, "b", false), 0);
	assert_int_equal(check(NULL, "d", true), -1);
	assert_int_equal(unlink("e"), 0);
	/* What somebody puts in its place is not the file that was written. */
	assert_int_equal(unlink("b"), 0);
	assert_int_equal(link("a", "b"), 0);
	assert_int_equal(check_for(own, peer, "b", false), -1);
	assert_int_equal(unlink("d"), 0);
	assert_int_equal(rename("a", "b"), 0);
	assert_int_equal(unlink("a"), 0);
	claims_refresh(&claims, peer);
	assert_int_equal(symlink("b", "a"), 0);
	assert_int_equal(check_for(own, peer, "b", false), -1);
	/* Another file of the same owner is. */
	assert_int_equal(check_for(own, peer, "a", false), -1);
}

static void test_words(void **state)
{
	static uint8_t keys[3][ROSENPASS_PUBLIC_KEY_BYTES];
	struct claim *list = NULL;
	struct claim *other = NULL;
	const struct claim *taken;
	int subject;

	(void)state;
	/* The second differs from the first in its last byte alone. */
	keys[1][ROSENPASS_PUBLIC_KEY_BYTES - 1] = 1;
	keys[2][0] = 1;
	assert_null(claims_find_key(&claims, keys[0]));
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(claims_add_key(&claims, &list, keys[i], i == 0 ? NULL : "peer 1", &taken),
		                 0);
	assert_int_equal(claims_add_key(&claims, &other, keys[1], "peer 2", &taken), -EEXIST);
	assert_string_equal(claims_owner(taken), "peer 1");
	assert_int_equal(claims_add_key(&claims, &other, keys[0], "peer 2", &taken), -EEXIST);
	assert_null(claims_owner(taken));
	assert_null(claims_find_key(&claims, keys[2]));
	assert_null(claims_subject(claims_find_key(&claims, keys[1])));
	claims_set_subject(list, &subject);
	assert_ptr_equal(claims_subject(claims_find_key(&claims, keys[1])), &subject);
	/* Words of one kind are not in the way of those of another, nor of files. */
	assert_int_equal(claims_add_word(&claims, &list, CLAIMS_PEER_NAME, "x", "peer 1", &taken), 0);
	assert_int_equal(claims_add_word(&claims, &other, CLAIMS_WIREGUARD_PEER, "x", "peer 2", &taken), 0);
	assert_int_equal(add(&other, "peer 2", "key_out", "x", CLAIMS_OUTPUT), 0);
	assert_int_equal(claims_add_word(&claims, &other, CLAIMS_PEER_NAME, "x", "peer 2", &taken), -EEXIST);
	assert_string_equal(claims_owner(taken), "peer 1");
	claims_drop(&claims, &list);
	assert_null(claims_find_key(&claims, keys[1]));
	assert_int_equal(claims_add_word(&claims, &other, CLAIMS_PEER_NAME, "x", "peer 2", &taken), 0);
}

/* Every pair of ten thousand peers with three files each would take minutes. */
static void test_many(void **state)
{
	enum {
		PEERS = 10000
	};
	static struct claim *lists[PEERS];
	char path[64];

	(void)state;
	make("a");
	for (size_t i = 0; i < PEERS; i++) {
		(void)snprintf(path, sizeof path, "out%zu", i);
		assert_int_equal(add(&lists[i], "peer", "key_out", path, CLAIMS_OUTPUT), 0);
		(void)snprintf(path, sizeof path, "in%zu", i);
		assert_int_equal(add(&lists[i], "peer", "public_key", path, CLAIMS_INPUT), 0);
		/* All have the same preshared key. */
		assert_int_equal(add(&lists[i], "peer", "pre_shared_key", "a", CLAIMS_INPUT), 0);
	}
	assert_int_equal(claims.count, 3 * PEERS);
	assert_int_equal(add(&lists[0], "peer", "key_out", "./out9999", CLAIMS_OUTPUT), -1);
	assert_int_equal(add(&lists[0], "peer", "key_out", "./in5000", CLAIMS_OUTPUT), -1);
	assert_int_equal(add(&lists[0], "peer", "key_out", "./a", CLAIMS_OUTPUT), -1);
	for (size_t i = 0; i < PEERS; i++)
		claims_drop(&claims, &lists[i]);
	assert_int_equal(claims.count, 0);
	assert_int_equal(add(&lists[0], "peer", "key_out", "./a", CLAIMS_OUTPUT), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_uses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_messages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_later, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_own_inputs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_written, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_words, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

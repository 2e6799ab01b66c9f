#include "fixture.h"
#include "rp/labels.h"

#include <string.h>

struct expected {
	const char *directory;
	const char *name;
	const char *label; /* NULL: none, hence the number */
};

static void check(const struct expected *expected, size_t count)
{
	struct rp_config_peer peers[8];
	struct rp_config config = { .peers = peers, .peer_count = count };
	char **labels;

	memset(peers, 0, sizeof peers);
	for (size_t i = 0; i < count; i++) {
		peers[i].public_keys_dir = (char *)(uintptr_t)expected[i].directory;
		peers[i].name = (char *)(uintptr_t)expected[i].name;
	}
	assert_int_equal(labels_make(&labels, &config), 0);
	for (size_t i = 0; i < count; i++) {
		if (expected[i].label == NULL)
			assert_null(labels[i]);
		else if (labels[i] == NULL)
			fail_msg("%s has no label", expected[i].directory);
		else
			assert_string_equal(labels[i], expected[i].label);
	}
	labels_release(labels, count);
}

static void test_directories(void **state)
{
	static const struct expected cases[] = {
		{ "bob.pub", NULL, "bob.pub" },
		{ "/etc/peers/carol//", NULL, "carol" },
		{ "./dave", NULL, "dave" },
		{ "erin", "the office", "the office" },
		/* These would be taken for numbers, or are no names. */
		{ "7", NULL, NULL },
		{ "/", NULL, NULL },
		{ "peers/\033[1m", NULL, NULL },
		{ "/usr/bin/..", NULL, "usr" },
	};

	(void)state;
	check(cases, FIXTURE_COUNT(cases));
	check(NULL, 0);
	labels_release(NULL, 3);
}

static void test_same_names(void **state)
{
	static const struct expected cases[] = {
		{ "/a/site1/public", NULL, "site1/public" },
		{ "/a/site2/public/", NULL, "site2/public" },
		{ "/b/x/keys", NULL, NULL },
		{ "/c/x/keys", NULL, NULL },
		/* A name that somebody has chosen stays. */
		{ "/d/other", "hub", "hub" },
		{ "/e/hub", NULL, "e/hub" },
		{ "/f/alone", NULL, "alone" },
	};

	(void)state;
	check(cases, FIXTURE_COUNT(cases));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_directories),
		cmocka_unit_test(test_same_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

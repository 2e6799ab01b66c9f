/* The configurations of both programs, read and written with each allocation failing in turn. */

#include "allocation_fixture.h"

#include "config/rp_config.h"

#define KEY "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="

static const char rosenpass_text[] =
	"public_key = \"~/p\"\nsecret_key = \"$$s\"\nlisten = [\"h:1\", \":2\"]\nuser = \"u\"\nkey_out_group "
	"= 7\n"
	"[[peers]]\nname = \"n\"\npublic_key = \"q\"\nendpoint = \"h:1\"\npre_shared_key = \"k\"\n"
	"key_out = \"o\"\nexchange_command = [\"~/x\", \"y\"]\ndevice = \"wg0\"\npeer = \"" KEY "\"\n"
	"extra_params = [\"allowed-ips\", \"10.0.0.0/8,::/0\", \"endpoint\", \"h:2\"]\n"
	"osk_organization = \"o\"\nosk_label = [\"a\"]\n"
	"[[peers]]\npublic_key = \"r\"\nwireguard = {interface = \"wg1\", public_key = \"" KEY "\"}\n";

static const char rp_text[] =
	"private_keys_dir = \"~/k\"\ndev = \"d\"\nip = [\"fd00::1,10.0.0.1\", \"10.0.0.2\"]\nlisten = \"1\"\n"
	"[[peers]]\npublic_keys_dir = \"p\"\nname = \"n\"\nendpoint = \"h:1\"\n"
	"allowed_ips = [\"fd00::2\", \"10.0.0.3\"]\n[[peers]]\npublic_keys_dir = \"q\"\n";

static const char *const rosenpass_words[] = {
	"public-key",  "~/p",           "private-key", "s",         "listen", "h:1",
	"peer",        "public-key",    "q",           "endpoint",  "h:1",    "outfile",
	"o",           "outfile-group", "g",           "name",      "n",      "osk-organization",
	"o",           "osk-label",     "l",           "wireguard", "wg0",    KEY,
	"allowed-ips", "::/0",          "endpoint",    "h:2",       "peer",   "public-key",
	"r",           "outfile",       "u",
};

static const char *const rp_words[] = {
	"~/k",  "dev", "d",        "ip",  "fd00::1,10.0.0.1", "listen",  "1",    "peer", "p",
	"name", "n",   "endpoint", "h:1", "allowed-ips",      "fd00::2", "peer", "q",
};

static int read_rosenpass(void *config, char *problem)
{
	return config_parse(config, rosenpass_text, strlen(rosenpass_text), "f", problem);
}

static int take_rosenpass(void *config, char *problem)
{
	return config_from_words(config, (char *const *)rosenpass_words, FIXTURE_COUNT(rosenpass_words),
	                         problem);
}

static void release_rosenpass(void *config)
{
	config_release(config);
}

static int read_rp(void *config, char *problem)
{
	return rp_config_parse(config, rp_text, strlen(rp_text), "f", problem);
}

static int take_rp(void *config, char *problem)
{
	return rp_config_from_words(config, (char *const *)rp_words, FIXTURE_COUNT(rp_words), problem);
}

static void release_rp(void *config)
{
	rp_config_release(config);
}

/* Lets the allocation of each number fail until there is none that does. */
static void starve(int (*read)(void *config, char *problem), void (*release)(void *config))
{
	union {
		struct config rosenpass;
		struct rp_config rp;
	} config;

	for (unsigned number = 1;; number++) {
		char problem[CONFIG_PROBLEM_BYTES] = "";
		int result;

		memset(&config, 0, sizeof config);
		calls = 0;
		live = 0;
		fails_at = number;
		result = read(&config, problem);
		fails_at = 0;
		if (result == 0) {
			release(&config);
			if (calls >= number || live != 0)
				fail_msg("allocation %u of %u: success, %d blocks left", number, calls, live);
			assert_true(number > 10);
			return;
		}
		if (strstr(problem, "out of memory") == NULL || live != 0)
			fail_msg("allocation %u: %s, %d blocks left", number, problem, live);
		assert_true(fixture_is_zero(&config, sizeof config));
	}
}

static void test_starved_files(void **state)
{
	(void)state;
	starve(read_rosenpass, release_rosenpass);
	starve(read_rp, release_rp);
}

static void test_starved_words(void **state)
{
	(void)state;
	starve(take_rosenpass, release_rosenpass);
	starve(take_rp, release_rp);
}

static void test_starved_writer(void **state)
{
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];
	char *text = NULL;
	unsigned number = 0;

	(void)state;
	assert_int_equal(read_rosenpass(&config, problem), 0);
	while (text == NULL) {
		calls = 0;
		live = 0;
		fails_at = ++number;
		errno = 0;
		text = config_format(&config);
		fails_at = 0;
		assert_int_equal(live, text == NULL ? 0 : 1);
		assert_int_equal(errno, text == NULL ? ENOMEM : 0);
	}
	assert_true(number > 5);
	free(text);
	config_release(&config);
}

static int set_home(void **state)
{
	(void)state;
	return setenv("HOME", "/home/me", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_starved_files),
		cmocka_unit_test(test_starved_words),
		cmocka_unit_test(test_starved_writer),
	};

	return cmocka_run_group_tests(tests, set_home, NULL);
}

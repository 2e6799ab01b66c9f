#include "fixture.h"

#include <sys/stat.h>
#include <unistd.h>

#include "config/rp_config.h"
#include "programs/validate.h"
#include "system/log.h"

#define KEYS TEST_DATA_DIR "/vectors/keys/"
#define OWN "public_key = \"" KEYS "alice.pk\"\nsecret_key = \"" KEYS "alice.sk\"\n"
#define BOB "[[peers]]\npublic_key = \"" KEYS "bob.pk\"\nkey_out = \"out\"\n"
#define NOBODY "[[peers]]\npublic_key = \"nowhere\"\nkey_out = \"other\"\n"
#define RP "private_keys_dir = \"private\"\n"
#define RP_BOB "[[peers]]\npublic_keys_dir = \"public\"\n"
#define RP_NOBODY "[[peers]]\npublic_keys_dir = \"nowhere\"\n"
#define RP_OURSELVES "[[peers]]\npublic_keys_dir = \"ours\"\n"

/* WireGuard's private key of bytes 0 to 31, its public key, and the public key of somebody else. */
#define WGSK "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
#define OUR_WGPK "j0DFrbaPJWJK5bIU6nZ6bslNgp09e14a0bpvPiE4KF8="
#define THEIR_WGPK "q6CJUAvlYeq6hFzWPvcN3WdJU7axn5QbBja2VwxTFcg="

static char folder[] = "/tmp/rosenpass-test-XXXXXX";

static const struct {
	const char *path;
	const char *key; /* of tests/data, or */
	const char *text;
} files[] = {
	{ "private/pqsk", KEYS "alice.sk", NULL },
	{ "private/pqpk", KEYS "alice.pk", NULL },
	{ "private/wgsk", NULL, WGSK },
	{ "public/pqpk", KEYS "bob.pk", NULL },
	{ "public/wgpk", NULL, THEIR_WGPK },
	{ "ours/pqpk", KEYS "bob.pk", NULL },
	{ "ours/wgpk", NULL, OUR_WGPK },
};

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	(void)state;
	log_set_level(LOG_OFF);
	(void)umask(077);
	if (mkdtemp(folder) == NULL || chdir(folder) != 0 || mkdir("private", 0700) != 0 ||
	    mkdir("public", 0755) != 0 || mkdir("ours", 0755) != 0)
		return -1;
	for (size_t i = 0; i < FIXTURE_COUNT(files); i++) {
		if (files[i].key == NULL)
			put(files[i].path, files[i].text);
		else if (symlink(files[i].key, files[i].path) != 0)
			return -1;
	}
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(files); i++)
		(void)unlink(files[i].path);
	(void)unlink("config");
	(void)rmdir("private");
	(void)rmdir("public");
	(void)rmdir("ours");
	return chdir("/") != 0 || rmdir(folder) != 0 ? -1 : 0;
}

/* The form, what the form cannot say, and whose file it is: told by the result. */
static void test_results(void **state)
{
	static const struct {
		const char *text;
		enum config_kind own;
		bool good;
	} cases[] = {
		{ OWN BOB, CONFIG_KIND_ROSENPASS, true },
		{ OWN BOB NOBODY, CONFIG_KIND_ROSENPASS, false },
		{ OWN BOB "colour = 1\n", CONFIG_KIND_ROSENPASS, false },
		{ "no TOML", CONFIG_KIND_ROSENPASS, false },
		{ "no TOML", CONFIG_KIND_RP, false },
		{ OWN BOB, CONFIG_KIND_RP, true },
		{ RP RP_BOB, CONFIG_KIND_RP, true },
		{ RP RP_BOB, CONFIG_KIND_ROSENPASS, true },
		{ RP RP_BOB RP_NOBODY, CONFIG_KIND_RP, false },
		{ RP RP_BOB RP_NOBODY, CONFIG_KIND_ROSENPASS, false },
		{ RP RP_OURSELVES, CONFIG_KIND_RP, false },
		{ RP RP_BOB "colour = 1\n", CONFIG_KIND_RP, false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		put("config", cases[i].text);
		if (validate_file("config", cases[i].own) != cases[i].good)
			fail_msg("case %zu:\n%s", i, cases[i].text);
	}
	assert_false(validate_file("nowhere", CONFIG_KIND_ROSENPASS));
	assert_false(validate_file("nowhere", CONFIG_KIND_RP));
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_results) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

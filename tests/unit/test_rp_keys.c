#include "fixture.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "programs/rp_keys.h"

/* Bytes 0 to 31. */
#define KEY_TEXT "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="

/* Each test is in an empty folder with "private" and "public", complete. */
static char folder[] = "/tmp/rosenpass-test-XXXXXX";

static void put(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, strlen(text), file), strlen(text));
	assert_int_equal(fclose(file), 0);
}

static int set_up(void **state)
{
	(void)state;
	(void)strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
	if (mkdtemp(folder) == NULL || chdir(folder) != 0 || mkdir("private", 0700) != 0 ||
	    mkdir("public", 0755) != 0)
		return -1;
	put("private/wgsk", KEY_TEXT);
	put("private/pqsk", "a secret key");
	put("private/pqpk", "a public key");
	put("public/wgpk", KEY_TEXT);
	put("public/pqpk", "a public key");
	return 0;
}

static int tear_down(void **state)
{
	static const char *const files[] = { "private/wgsk", "private/pqsk", "private/pqpk", "private/wgpk",
		                             "public/wgpk",  "public/pqpk",  "public/psk",   "public/wgsk" };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(files); i++) {
		if (unlink(files[i]) != 0)
			(void)rmdir(files[i]);
	}
	return rmdir("private") != 0 || rmdir("public") != 0 || chdir("/") != 0 || rmdir(folder) != 0 ? -1
	                                                                                              : 0;
}

static void check_key(const uint8_t *key)
{
	for (size_t i = 0; i < RP_KEYS_WIREGUARD_BYTES; i++)
		assert_int_equal(key[i], i);
}

static void test_paths(void **state)
{
	static const struct {
		const char *folder;
		const char *path;
	} cases[] = { { "a", "a/wgsk" }, { "a/", "a/wgsk" }, { "/", "/wgsk" }, { "a/b", "a/b/wgsk" } };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char *path = rp_keys_path(cases[i].folder, RP_KEYS_WGSK);

		assert_string_equal(path, cases[i].path);
		free(path);
	}
}

static void test_load(void **state)
{
	struct rp_keys_private private;
	struct rp_keys_public public;
	char problem[RP_KEYS_PROBLEM_BYTES];

	(void)state;
	assert_int_equal(rp_keys_load_private(&private, "private/", problem), 0);
	check_key(private.wireguard);
	assert_string_equal(private.secret_key, "private/pqsk");
	assert_string_equal(private.public_key, "private/pqpk");
	rp_keys_release_private(&private);
	assert_true(fixture_is_zero(&private, sizeof private));
	rp_keys_release_private(&private);

	assert_int_equal(rp_keys_load_public(&public, "public", problem), 0);
	check_key(public.wireguard);
	assert_string_equal(public.public_key, "public/pqpk");
	assert_null(public.pre_shared_key);
	rp_keys_release_public(&public);
	put("public/psk", KEY_TEXT "\n");
	assert_int_equal(rp_keys_load_public(&public, "public", problem), 0);
	assert_string_equal(public.pre_shared_key, "public/psk");
	rp_keys_release_public(&public);
	assert_true(fixture_is_zero(&public, sizeof public));
}

/* What editors and others leave behind a key is no fault; all else is, and never shown. */
static void test_texts(void **state)
{
	static const struct {
		const char *text;
		bool is_good;
	} cases[] = {
		{ KEY_TEXT, true },
		{ KEY_TEXT "\n", true },
		{ KEY_TEXT "\r\n", true },
		{ KEY_TEXT " \n\n", true },
		{ "", false },
		{ "\n", false },
		{ " " KEY_TEXT, false },
		{ KEY_TEXT "x", false },
		{ KEY_TEXT "\n" KEY_TEXT, false },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8", false },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh9=", false },
		{ "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==", false },
		{ KEY_TEXT
		  "                                                                                  "
		  "                                                                                  ",
		  false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct rp_keys_private private;
		struct rp_keys_public public;
		char problem[RP_KEYS_PROBLEM_BYTES] = "";
		int expected = cases[i].is_good ? 0 : -1;

		put("private/wgsk", cases[i].text);
		put("public/wgpk", cases[i].text);
		if (rp_keys_load_private(&private, "private", problem) != expected)
			fail_msg("private \"%s\": %s", cases[i].text, problem);
		if (!cases[i].is_good)
			assert_string_equal(problem, "\"private/wgsk\" does not hold 32 bytes in base64 (44 "
			                             "characters, as rp genkey and wg genkey make)");
		if (rp_keys_load_public(&public, "public", problem) != expected)
			fail_msg("public \"%s\": %s", cases[i].text, problem);
		if (!cases[i].is_good)
			assert_string_equal(problem, "\"public/wgpk\" does not hold 32 bytes in base64 (44 "
			                             "characters, as rp pubkey and wg pubkey make)");
		rp_keys_release_private(&private);
		rp_keys_release_public(&public);
	}
}

/* Takes away one name, and puts another one where it says so. */
static void test_missing(void **state)
{
	static const struct {
		const char *remove;
		const char *add;
		const char *folder;
		const char *problem;
	} cases[] = {
		{ "private/wgsk", NULL, "private",
		  "private-keys folder \"private\" has no wgsk; rp genkey makes it" },
		{ "private/pqsk", NULL, "private",
		  "private-keys folder \"private\" has no pqsk; rp genkey makes it" },
		{ "private/pqpk", NULL, "private",
		  "private-keys folder \"private\" has no pqpk; rp genkey makes it" },
		{ "private/wgsk", "private/wgpk", "private",
		  "private-keys folder \"private\" has no wgsk but a wgpk: it is a folder of public keys; "
		  "give the "
		  "one that rp genkey made" },
		{ NULL, NULL, "none", "private-keys folder \"none\" does not exist; rp genkey makes it" },
		{ NULL, NULL, "private/wgsk",
		  "private-keys folder \"private/wgsk\" is no folder; give the folder, not a file in it" },
		{ "public/wgpk", NULL, "public",
		  "public-keys folder \"public\" has no wgpk; rp pubkey makes it on the peer's side, to be "
		  "copied "
		  "here" },
		{ "public/pqpk", NULL, "public",
		  "public-keys folder \"public\" has no pqpk; rp pubkey makes it on the peer's side, to be "
		  "copied "
		  "here" },
		{ "public/wgpk", "public/wgsk", "public",
		  "public-keys folder \"public\" has no wgpk but a wgsk: it is a folder of private keys; "
		  "give the "
		  "one that the peer's rp pubkey made" },
		{ NULL, NULL, "public-none",
		  "public-keys folder \"public-none\" does not exist; rp pubkey makes it on the peer's side, "
		  "to be "
		  "copied here" },
	};

	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct rp_keys_private private;
		struct rp_keys_public public;
		char problem[RP_KEYS_PROBLEM_BYTES] = "";
		bool is_public = strncmp(cases[i].folder, "public", 6) == 0;
		int result;

		if (cases[i].remove != NULL)
			assert_int_equal(unlink(cases[i].remove), 0);
		if (cases[i].add != NULL)
			put(cases[i].add, "");
		result = is_public ? rp_keys_load_public(&public, cases[i].folder, problem)
		                   : rp_keys_load_private(&private, cases[i].folder, problem);
		assert_int_equal(result, -1);
		assert_string_equal(problem, cases[i].problem);
		if (is_public)
			assert_true(fixture_is_zero(&public, sizeof public));
		else
			assert_true(fixture_is_zero(&private, sizeof private));
		assert_int_equal(tear_down(state), 0);
		assert_int_equal(set_up(state), 0);
	}
}

/* A psk that is there but cannot be had must not pass for none. */
static void test_psk_kept(void **state)
{
	struct rp_keys_public public;
	char problem[RP_KEYS_PROBLEM_BYTES];

	(void)state;
	assert_int_equal(symlink("nowhere", "public/psk"), 0);
	assert_int_equal(rp_keys_load_public(&public, "public", problem), 0);
	assert_string_equal(public.pre_shared_key, "public/psk");
	rp_keys_release_public(&public);
	/* Root may look into any folder. */
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chmod("public", 0600), 0);
	if (getuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	assert_int_equal(rp_keys_load_public(&public, "public", problem), -1);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod("public", 0700), 0);
	assert_string_equal(problem,
	                    "cannot look at wgpk in public-keys folder \"public\": Permission denied");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Somebody else can read or change private keys: each of the two is said. */
static void test_warns(void **state)
{
	static const struct {
		mode_t folder, file;
		bool is_said;
	} cases[] = {
		{ 0700, 0600, false }, { 0700, 0640, true }, { 0755, 0600, true }, { 0755, 0644, true }
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		FILE *said = tmpfile();
		int saved = dup(STDERR_FILENO);

		assert_true(said != NULL && saved >= 0);
		assert_int_equal(chmod("private", cases[i].folder), 0);
		assert_int_equal(chmod("private/wgsk", cases[i].file), 0);
		assert_true(dup2(fileno(said), STDERR_FILENO) >= 0);
		rp_keys_warn_private("private");
		assert_true(dup2(saved, STDERR_FILENO) >= 0);
		(void)close(saved);
		assert_int_equal(lseek(fileno(said), 0, SEEK_END) > 0, cases[i].is_said);
		(void)fclose(said);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_paths),   TEST(test_load),     TEST(test_texts),
		TEST(test_missing), TEST(test_psk_kept), TEST(test_warns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

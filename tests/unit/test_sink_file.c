/* Outfiles: which file may be written, when a key is written again, and the keys that peers have left. */

#include "delivery_fixture.h"

#include "system/base64.h"

static const struct file_output plain = { .mode = 0600 };
static const uint8_t key[ROSENPASS_KEY_BYTES] = { 1, 2, 3 };

struct scene {
	struct fixture fixture;
	struct recipient peer;
};

/* Each test has an empty folder, and is in it; and a peer whose outfile is "f". */
static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	fixture_open(&scene->fixture);
	scene->fixture.env.kinds[0] = &sink_file;
	recipient_init(&scene->peer, "bob", 1);
	scene->peer.config.key_out = text_copy("f");
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	if (scene->peer.config.name != NULL)
		recipient_release(&scene->peer);
	(void)unlink("f");
	(void)unlink("g");
	(void)rmdir("f");
	fixture_close(&scene->fixture);
	free(scene);
	return 0;
}

static const struct sink *sink(const struct scene *scene)
{
	return delivery_sink(scene->peer.delivery, 0);
}

/* The base64 of a key, of which each byte is the number. */
static bool has_key(const char *path, uint8_t number)
{
	uint8_t expected[ROSENPASS_KEY_BYTES];
	uint8_t content[64];
	char text[BASE64_KEY_CHARS + 1];
	size_t length = 0;

	memset(expected, number, sizeof expected);
	base64_encode_key(text, expected);
	return file_read(path, content, sizeof content, &length) == 0 && length == BASE64_KEY_CHARS &&
	       memcmp(content, text, length) == 0;
}

static off_t size_of(const char *path)
{
	struct stat status;

	assert_int_equal(stat(path, &status), 0);
	return status.st_size;
}

/* A file of the size of a key of Rosenpass is one, most likely. */
static void test_sizes(void **state)
{
	static const struct {
		off_t size;
		bool good;
	} cases[] = {
		{ 0, true },
		{ 44, true },
		{ ROSENPASS_PUBLIC_KEY_BYTES - 1, true },
		{ ROSENPASS_PUBLIC_KEY_BYTES, false },
		{ ROSENPASS_SECRET_KEY_BYTES, false },
		{ ROSENPASS_SECRET_KEY_OLD_BYTES, false },
		{ ROSENPASS_SECRET_KEY_OLD_BYTES + 1, true },
	};
	struct scene *scene = *state;
	const struct outfile file = { .label = "peer", .path = "f", .how = &plain };
	const struct config_peer config = { .key_out = (char[]){ "f" } };

	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char problem[OUTFILE_PROBLEM_BYTES];

		(void)unlink("f");
		assert_int_equal(file_write("f", key, 1, 0600, FILE_KEEP_EXISTING), 0);
		assert_int_equal(truncate("f", cases[i].size), 0);
		assert_int_equal(outfile_check(&config, &plain, problem), cases[i].good ? 0 : -1);
		assert_int_equal(outfile_write(&file, &scene->fixture.guard, key, problem),
		                 cases[i].good ? 0 : -EEXIST);
		assert_int_equal(size_of("f"), cases[i].good ? 44 : cases[i].size);
	}
}

/* What the guard refuses is not written; it hears whose file it is, and that it was written. */
static void test_guard(void **state)
{
	struct scene *scene = *state;

	recipient_start(&scene->fixture, &scene->peer);
	scene->fixture.refuses = true;
	recipient_give(&scene->peer, 1);
	assert_int_equal(sink(scene)->state, SINK_FAILING);
	assert_string_equal(sink(scene)->error, "it is taken");
	assert_false(file_exists("f"));
	assert_int_equal(scene->fixture.written, 0);
	scene->fixture.refuses = false;
	fixture_pass(&scene->fixture, 1);
	assert_int_equal(sink(scene)->state, SINK_DELIVERED);
	assert_true(has_key("f", 1));
	assert_int_equal(scene->fixture.written, 1);
	assert_ptr_equal(scene->fixture.claimant, &scene->peer);
}

static void test_groups(void **state)
{
	static const struct {
		const char *text;
		bool good;
		gid_t group;
	} cases[] = {
		{ "0", true, 0 },           { "4294967294", true, 4294967294 },
		{ "4294967295", false, 0 }, { "4294967296", false, 0 },
		{ "-1", false, 0 },         { "7x", false, 0 },
		{ "", false, 0 },           { "no-such-group", false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		const struct config_peer config = { .key_out = (char[]){ "f" },
			                            .key_out_group = (char *)(uintptr_t)cases[i].text };
		struct file_output how;
		char problem[OUTFILE_PROBLEM_BYTES];

		assert_int_equal(outfile_new(&how, &config, problem), cases[i].good ? 0 : -1);
		if (!cases[i].good)
			continue;
		assert_true(how.has_group);
		assert_int_equal(how.group, cases[i].group);
	}
}

/* A key that cannot be written is tried again after one second, two, four and so on; then it is wiped. */
static void test_retry(void **state)
{
	struct scene *scene = *state;

	recipient_start(&scene->fixture, &scene->peer);
	assert_int_equal(mkdir("f", 0700), 0);
	recipient_give(&scene->peer, 7);
	fixture_pass(&scene->fixture, 1);
	fixture_pass(&scene->fixture, 2);
	assert_int_equal(sink(scene)->attempts, 3);
	assert_int_equal(sink(scene)->failures, 3);
	fixture_pass(&scene->fixture, 3);
	assert_int_equal(sink(scene)->attempts, 3);
	assert_true(delivery_has_key(scene->peer.delivery));
	assert_int_equal(rmdir("f"), 0);
	fixture_pass(&scene->fixture, 1);
	assert_true(has_key("f", 7));
	assert_false(delivery_has_key(scene->peer.delivery));
	/* Nothing is written in the place of a key that was wiped. */
	fixture_pass(&scene->fixture, 600);
	assert_int_equal(sink(scene)->attempts, 4);
	assert_true(has_key("f", 7));
}

/* Before there is a key nothing is written, and a file that cannot be written is reported until it can. */
static void test_inspect(void **state)
{
	struct scene *scene = *state;
	struct sink_status status;

	recipient_start(&scene->fixture, &scene->peer);
	delivery_inspect(scene->peer.delivery);
	sink_describe(sink(scene), &status);
	assert_int_equal(status.state, SINK_EMPTY);
	assert_int_equal(mkdir("f", 0700), 0);
	delivery_inspect(scene->peer.delivery);
	sink_describe(sink(scene), &status);
	assert_int_equal(status.state, SINK_FAILING);
	assert_string_not_equal(status.error, "");
	assert_int_equal(rmdir("f"), 0);
	fixture_pass(&scene->fixture, 1);
	sink_describe(sink(scene), &status);
	assert_int_equal(status.state, SINK_EMPTY);
	assert_string_equal(status.error, "");
	assert_false(file_exists("f"));
	assert_int_equal(status.attempts, 0);
}

/* A peer that is removed leaves a random key in its file; one that has given none leaves the file alone. */
static void test_removed(void **state)
{
	struct scene *scene = *state;

	recipient_start(&scene->fixture, &scene->peer);
	recipient_give(&scene->peer, 7);
	assert_true(has_key("f", 7));
	recipient_retire(&scene->peer);
	assert_false(has_key("f", 7));
	assert_false(has_key("f", 0));
	assert_int_equal(size_of("f"), 44);
	/* It is nobody's outfile any more. */
	assert_null(scene->fixture.claimant);
	assert_int_equal(unlink("f"), 0);
	recipient_init(&scene->peer, "bob", 1);
	scene->peer.config.key_out = text_copy("f");
	recipient_start(&scene->fixture, &scene->peer);
	free(scene->peer.config.key_out);
	scene->peer.config.key_out = text_copy("g");
	assert_int_equal(delivery_prepare(scene->peer.delivery, &scene->peer.config), 0);
	delivery_change(scene->peer.delivery);
	recipient_retire(&scene->peer);
	assert_false(file_exists("f"));
	assert_false(file_exists("g"));
}

/* Another outfile: the new one gets the next key, and the old one does not keep the last. */
static void test_other_file(void **state)
{
	struct scene *scene = *state;

	recipient_start(&scene->fixture, &scene->peer);
	recipient_give(&scene->peer, 7);
	free(scene->peer.config.key_out);
	scene->peer.config.key_out = text_copy("g");
	assert_int_equal(delivery_prepare(scene->peer.delivery, &scene->peer.config), 0);
	delivery_change(scene->peer.delivery);
	assert_false(has_key("f", 7));
	assert_int_equal(size_of("f"), 44);
	assert_false(file_exists("g"));
	recipient_give(&scene->peer, 8);
	assert_true(has_key("g", 8));
	/* Another spelling of the same file changes nothing. */
	free(scene->peer.config.key_out);
	scene->peer.config.key_out = text_copy("./g");
	assert_int_equal(delivery_prepare(scene->peer.delivery, &scene->peer.config), 0);
	delivery_change(scene->peer.delivery);
	assert_true(has_key("g", 8));
	assert_int_equal(sink(scene)->state, SINK_DELIVERED);
}

/* The same while the key is still on its way: the new file gets it at once. */
static void test_other_file_with_key(void **state)
{
	struct scene *scene = *state;

	recipient_start(&scene->fixture, &scene->peer);
	assert_int_equal(mkdir("f", 0700), 0);
	recipient_give(&scene->peer, 7);
	free(scene->peer.config.key_out);
	scene->peer.config.key_out = text_copy("g");
	assert_int_equal(delivery_prepare(scene->peer.delivery, &scene->peer.config), 0);
	delivery_change(scene->peer.delivery);
	assert_true(has_key("g", 7));
	assert_int_equal(sink(scene)->state, SINK_DELIVERED);
	assert_int_equal(rmdir("f"), 0);
	fixture_pass(&scene->fixture, 1);
	assert_int_equal(size_of("f"), 44);
	assert_false(delivery_has_key(scene->peer.delivery));
}

/* The first key may come between the preparation of another file and the change to it. */
static void test_key_in_between(void **state)
{
	struct scene *scene = *state;

	recipient_start(&scene->fixture, &scene->peer);
	free(scene->peer.config.key_out);
	scene->peer.config.key_out = text_copy("g");
	assert_int_equal(delivery_prepare(scene->peer.delivery, &scene->peer.config), 0);
	recipient_give(&scene->peer, 7);
	delivery_change(scene->peer.delivery);
	fixture_pass(&scene->fixture, 1);
	assert_int_equal(size_of("f"), 44);
	assert_false(has_key("f", 7));
}

/* A target that was kept when the change was prepared is kept by the change, whatever links do meanwhile. */
static void test_link_in_between(void **state)
{
	struct scene *scene = *state;

	assert_int_equal(mknod("other", S_IFREG | 0600, 0), 0);
	assert_int_equal(symlink("f", "link"), 0);
	recipient_start(&scene->fixture, &scene->peer);
	recipient_give(&scene->peer, 7);
	free(scene->peer.config.key_out);
	scene->peer.config.key_out = text_copy("link");
	assert_int_equal(delivery_prepare(scene->peer.delivery, &scene->peer.config), 0);
	assert_int_equal(unlink("link"), 0);
	assert_int_equal(symlink("other", "link"), 0);
	delivery_change(scene->peer.delivery);
	assert_int_equal(delivery_sink_count(scene->peer.delivery), 1);
	recipient_give(&scene->peer, 8);
	assert_int_equal(sink(scene)->state, SINK_DELIVERED);
	assert_int_equal(unlink("link"), 0);
	assert_int_equal(unlink("other"), 0);
}

static void retire(struct retired_files *files, const struct outfile *outfile)
{
	struct retired_file *file;

	assert_int_equal(retired_files_prepare(&file, files, outfile, NULL), 0);
	retired_files_add(file, key);
}

/* A key that cannot be erased is tried again, and its file's next owner hears why. */
static void test_retired_file(void **state)
{
	struct scene *scene = *state;
	struct retired_files *files = scene->fixture.env.retired_files;
	const struct outfile file = { .label = "peer", .path = "f", .how = &plain };
	struct sink_status status;

	assert_int_equal(mkdir("f", 0700), 0);
	retire(files, &file);
	assert_non_null(retired_files_problem(files, "f"));
	recipient_start(&scene->fixture, &scene->peer);
	sink_describe(sink(scene), &status);
	assert_int_equal(status.state, SINK_FAILING);
	assert_non_null(strstr(status.error, "it still has the last key of peer"));
	fixture_pass(&scene->fixture, 1);
	assert_non_null(retired_files_problem(files, "f"));
	assert_int_equal(rmdir("f"), 0);
	assert_int_equal(file_write("f", key, sizeof key, 0600, FILE_KEEP_EXISTING), 0);
	fixture_pass(&scene->fixture, 30);
	assert_null(retired_files_problem(files, "f"));
	assert_int_equal(size_of("f"), 44);
	/* One that is another peer's by now, or was given a new key meanwhile, is left alone. */
	assert_int_equal(truncate("f", 3), 0);
	scene->fixture.is_in_use = true;
	retire(files, &file);
	assert_int_equal(size_of("f"), 3);
	scene->fixture.is_in_use = false;
	assert_int_equal(unlink("f"), 0);
	assert_int_equal(mkdir("f", 0700), 0);
	retire(files, &file);
	retired_files_replaced(files, "f");
	assert_null(retired_files_problem(files, "f"));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sizes),           TEST(test_guard),
		TEST(test_groups),          TEST(test_retry),
		TEST(test_inspect),         TEST(test_removed),
		TEST(test_other_file),      TEST(test_other_file_with_key),
		TEST(test_retired_file),    TEST(test_key_in_between),
		TEST(test_link_in_between),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

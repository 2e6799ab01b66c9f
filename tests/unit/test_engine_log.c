/* What the monitor makes of the lines of an engine process, which may have been taken over. */

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "monitor/engine_log.h"
#include "fixture.h"
#include "system/clock.h"
#include "system/log.h"

#define TEXT_BYTES (1024 * 1024)

struct scene {
	struct engine_log log;
	int out; /* the engine process's end */
	int saved_stderr;
	int logged; /* a file */
	char *text; /* what was logged */
};

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	int pipes[2];
	FILE *file = tmpfile();

	assert_non_null(scene);
	assert_non_null(file);
	scene->text = malloc(TEXT_BYTES);
	scene->logged = dup(fileno(file));
	(void)fclose(file);
	scene->saved_stderr = dup(STDERR_FILENO);
	assert_true(scene->logged >= 0 && scene->saved_stderr >= 0 && scene->text != NULL);
	assert_true(dup2(scene->logged, STDERR_FILENO) >= 0);
	assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	engine_log_init(&scene->log);
	engine_log_attach(&scene->log, pipes[0]);
	scene->out = pipes[1];
	log_set_level(LOG_TRACE);
	log_set_format(LOG_TEXT);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	log_set_level(LOG_INFO);
	(void)dup2(scene->saved_stderr, STDERR_FILENO);
	(void)close(scene->saved_stderr);
	(void)close(scene->logged);
	if (scene->out >= 0)
		(void)close(scene->out);
	engine_log_close(&scene->log, CLOCK_SECOND_NS);
	free(scene->text);
	free(scene);
	return 0;
}

static void say(struct scene *scene, const char *text)
{
	assert_int_equal(write(scene->out, text, strlen(text)), strlen(text));
}

/* All that was logged so far. */
static const char *logged(struct scene *scene)
{
	ssize_t length = pread(scene->logged, scene->text, TEXT_BYTES - 1, 0);

	assert_true(length >= 0);
	scene->text[length] = '\0';
	return scene->text;
}

static unsigned count(const char *text, const char *word)
{
	unsigned n = 0;

	for (const char *at = text; (at = strstr(at, word)) != NULL; at++)
		n++;
	return n;
}

static void test_levels(void **state)
{
	struct scene *scene = *state;

	say(scene, "1bad\n2odd\n3so\n4more\n5all\n");
	engine_log_read(&scene->log, CLOCK_SECOND_NS);
	assert_string_equal(logged(scene), "rosenpass: error: engine: bad\nrosenpass: warn: engine: odd\n"
	                                   "rosenpass: info: engine: so\nrosenpass: debug: engine: more\n"
	                                   "rosenpass: trace: engine: all\n");
}

/* What log_write() makes for a relay is what comes out. */
static void test_there_and_back(void **state)
{
	struct scene *scene = *state;

	assert_true(dup2(scene->out, STDERR_FILENO) >= 0);
	log_set_format(LOG_RELAY);
	log_write(LOG_WARN, "%s", "one\ntwo");
	log_set_format(LOG_TEXT);
	assert_true(dup2(scene->logged, STDERR_FILENO) >= 0);
	engine_log_read(&scene->log, CLOCK_SECOND_NS);
	assert_string_equal(logged(scene), "rosenpass: warn: engine: one?two\n");
}

/* Lines that are not ours, empty ones, and levels that there are not. */
static void test_others(void **state)
{
	static const char with_zero[] = "3a\0b\n";
	struct scene *scene = *state;

	say(scene, "malloc(): invalid size\n\n3\n0x\n6y\n");
	assert_int_equal(write(scene->out, with_zero, sizeof with_zero - 1), sizeof with_zero - 1);
	engine_log_read(&scene->log, CLOCK_SECOND_NS);
	assert_string_equal(logged(scene),
	                    "rosenpass: error: engine: malloc(): invalid size\nrosenpass: error: engine: 0x\n"
	                    "rosenpass: error: engine: 6y\nrosenpass: info: engine: a?b\n");
}

/* No line of it looks like one of the monitor, and nothing reaches a terminal. */
static void test_forged(void **state)
{
	struct scene *scene = *state;
	const char *text;

	say(scene, "3\033[2Jrosenpass: info: all is well\r\nrosenpass: info: all is well\n");
	engine_log_read(&scene->log, CLOCK_SECOND_NS);
	text = logged(scene);
	assert_null(strpbrk(text, "\033\r"));
	assert_int_equal(count(text, "\n"), 2);
	assert_int_equal(count(text, ": engine: "), 2);
	assert_int_equal(count(text, "\nrosenpass: info: all"), 0);
}

static void test_pieces(void **state)
{
	struct scene *scene = *state;

	say(scene, "3be");
	engine_log_read(&scene->log, CLOCK_SECOND_NS);
	assert_string_equal(logged(scene), "");
	say(scene, "gun\n3last words");
	engine_log_read(&scene->log, CLOCK_SECOND_NS);
	assert_string_equal(logged(scene), "rosenpass: info: engine: begun\n");
	(void)close(scene->out);
	scene->out = -1;
	engine_log_read(&scene->log, CLOCK_SECOND_NS);
	assert_string_equal(logged(scene),
	                    "rosenpass: info: engine: begun\nrosenpass: info: engine: last words\n");
	assert_int_equal(scene->log.fd, -1);
}

static void test_long_lines_are_cut(void **state)
{
	struct scene *scene = *state;
	char line[3 * ENGINE_LOG_LINE_BYTES];

	memset(line, 'a', sizeof line);
	line[0] = '3';
	line[sizeof line - 1] = '\0';
	say(scene, line);
	say(scene, "\n3next\n");
	engine_log_read(&scene->log, CLOCK_SECOND_NS);
	assert_int_equal(count(logged(scene), "\n"), 2);
	assert_in_range(strcspn(scene->text, "\n"), 1500, 2200);
	assert_non_null(strstr(scene->text, "\nrosenpass: info: engine: next\n"));
}

static void flood(struct scene *scene, char level, unsigned lines, uint64_t now_ns)
{
	for (unsigned i = 0; i < lines; i++) {
		const char line[] = { level, 'x', '\n', '\0' };

		say(scene, line);
		engine_log_read(&scene->log, now_ns);
	}
}

/* So many lines a second; what is left out is counted, and chatter does not crowd out errors. */
static void test_limit(void **state)
{
	struct scene *scene = *state;
	uint64_t now_ns = 5 * CLOCK_SECOND_NS;

	flood(scene, '3', ENGINE_LOG_OTHER_LINES + 200, now_ns);
	assert_int_equal(count(logged(scene), "\n"), ENGINE_LOG_OTHER_LINES);
	flood(scene, '1', 1, now_ns);
	assert_int_equal(count(logged(scene), "error: engine: x\n"), 1);
	flood(scene, '2', 2 * LOG_LIMIT_LINES, now_ns);
	assert_int_equal(count(logged(scene), "\n"), ENGINE_LOG_OTHER_LINES + LOG_LIMIT_LINES);
	assert_int_equal(engine_log_serve(&scene->log, now_ns), now_ns + CLOCK_SECOND_NS);
	assert_int_equal(engine_log_serve(&scene->log, now_ns + CLOCK_SECOND_NS), UINT64_MAX);
	assert_non_null(
		strstr(logged(scene), "info: 200 more lines of the engine process were not logged\n"));
	assert_non_null(strstr(scene->text, "warn: 101 more lines of the engine process were not logged\n"));
}

/* One that never stops is left for a while. */
static void test_a_turn_ends(void **state)
{
	struct scene *scene = *state;
	char junk[4096];
	size_t total = 0;
	ssize_t written;
	int left;

	memset(junk, 'a', sizeof junk);
	assert_true(fcntl(scene->out, F_SETPIPE_SZ, 256 * 1024) >= 0 || errno == EPERM);
	while ((written = write(scene->out, junk, sizeof junk)) > 0)
		total += (size_t)written;
	engine_log_read(&scene->log, CLOCK_SECOND_NS);
	assert_int_equal(ioctl(scene->log.fd, FIONREAD, &left), 0);
	assert_int_equal(left, total > 64 * 1024 ? total - 64 * 1024 : 0);
	engine_log_close(&scene->log, CLOCK_SECOND_NS);
	assert_int_equal(count(logged(scene), "\n"), 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

/* Fills the pipe. Returns how many bytes it took. */
static size_t fill(struct scene *scene)
{
	static const char line[64] = "filler";
	size_t written = 0;
	ssize_t length;

	while ((length = write(scene->out, line, sizeof line)) > 0)
		written += (size_t)length;
	assert_int_equal(errno, EAGAIN);
	return written;
}

static int waiting(const struct scene *scene)
{
	int bytes;

	assert_int_equal(ioctl(scene->log.fd, FIONREAD, &bytes), 0);
	return bytes;
}

/* Who writes without end has to wait: only so much is read in a quarter of a second, however often. */
static void test_rest(void **state)
{
	struct scene *scene = *state;
	const uint64_t start_ns = 100 * CLOCK_SECOND_NS;
	const uint64_t end_ns = start_ns + CLOCK_SECOND_NS / 4;

	assert_in_range(fill(scene), 64 * 1024, 64 * 1024);
	assert_int_equal(engine_log_rest_ns(&scene->log, start_ns), 0);
	engine_log_read(&scene->log, start_ns);
	assert_int_equal(waiting(scene), 0);
	assert_int_equal(engine_log_rest_ns(&scene->log, start_ns), end_ns);
	assert_in_range(fill(scene), 64 * 1024, 64 * 1024);
	engine_log_read(&scene->log, end_ns - 1);
	assert_int_equal(waiting(scene), 64 * 1024);
	assert_int_equal(engine_log_rest_ns(&scene->log, end_ns), 0);
	engine_log_read(&scene->log, end_ns);
	assert_int_equal(waiting(scene), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_levels), TEST(test_there_and_back), TEST(test_others),
		TEST(test_forged), TEST(test_pieces),         TEST(test_long_lines_are_cut),
		TEST(test_limit),  TEST(test_a_turn_ends),    TEST(test_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

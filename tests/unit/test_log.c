#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "system/log.h"

#define LINE_BYTES 2048

static int saved_stderr = -1;
static int capture = -1;

/* Standard error goes to a pipe; what a single log_write() wrote waits in it. */
static void start(void)
{
	int ends[2];

	assert_int_equal(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
	saved_stderr = dup(STDERR_FILENO);
	assert_true(saved_stderr >= 0);
	assert_true(dup2(ends[1], STDERR_FILENO) >= 0);
	(void)close(ends[1]);
	capture = ends[0];
}

static void stop(char *out, size_t out_size)
{
	ssize_t got = read(capture, out, out_size - 1);

	assert_true(dup2(saved_stderr, STDERR_FILENO) >= 0);
	(void)close(saved_stderr);
	(void)close(capture);
	out[got < 0 ? 0 : got] = '\0';
}

static int reset(void **state)
{
	(void)state;
	log_set_level(LOG_INFO);
	return 0;
}

/* Runs first: the level nobody has set. */
static void test_default(void **state)
{
	(void)state;
	assert_true(log_is_on(LOG_INFO));
	assert_false(log_is_on(LOG_DEBUG));
}

static void test_levels(void **state)
{
	static const struct {
		enum log_level level;
		const char *line;
	} cases[] = {
		{ LOG_ERROR, "rosenpass: error: text 7\n" }, { LOG_WARN, "rosenpass: warn: text 7\n" },
		{ LOG_INFO, "rosenpass: info: text 7\n" },   { LOG_DEBUG, "rosenpass: debug: text 7\n" },
		{ LOG_TRACE, "rosenpass: trace: text 7\n" },
	};

	(void)state;
	for (enum log_level set = LOG_OFF; set <= LOG_TRACE; set++) {
		for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
			char text[256];

			log_set_level(set);
			start();
			log_write(cases[i].level, "text %d", 7);
			stop(text, sizeof text);
			assert_string_equal(text, cases[i].level <= set ? cases[i].line : "");
			assert_int_equal(log_is_on(cases[i].level), cases[i].level <= set);
		}
	}
}

static void test_macros(void **state)
{
	char text[256];

	(void)state;
	log_set_level(LOG_DEBUG);
	start();
	log_error("a");
	log_warn("%s", "b");
	log_info("c %d", 1);
	log_debug("d");
	stop(text, sizeof text);
	assert_string_equal(text, "rosenpass: error: a\nrosenpass: warn: b\nrosenpass: info: c 1\n"
	                          "rosenpass: debug: d\n");
}

static void test_parse(void **state)
{
	static const struct {
		const char *word;
		bool known;
		enum log_level level;
	} cases[] = {
		{ "off", true, LOG_OFF },     { "error", true, LOG_ERROR },
		{ "warn", true, LOG_WARN },   { "info", true, LOG_INFO },
		{ "debug", true, LOG_DEBUG }, { "trace", true, LOG_TRACE },
		{ "TRACE", true, LOG_TRACE }, { "Warn", true, LOG_WARN },
		{ "", false, LOG_OFF },       { "warning", false, LOG_OFF },
		{ "inf", false, LOG_OFF },    { " info", false, LOG_OFF },
		{ "3", false, LOG_OFF },      { "rosenpass=debug", false, LOG_OFF },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		enum log_level level = (enum log_level)99;

		assert_int_equal(log_parse_level(cases[i].word, &level), cases[i].known);
		assert_int_equal(level, cases[i].known ? (int)cases[i].level : 99);
	}
}

/* A file name with line feeds must not look like a message of ours. */
static void test_control_characters(void **state)
{
	char all[256];
	char text[512];
	size_t used = 0;

	(void)state;
	start();
	log_info("file \"%s\"", "a\nrosenpass: info: b\r\033[2J\177\tc");
	stop(text, sizeof text);
	assert_string_equal(text, "rosenpass: info: file \"a?rosenpass: info: b??[2J??c\"\n");

	for (int c = 1; c < 256; c++)
		all[used++] = (char)c;
	all[used] = '\0';
	start();
	log_info("%s", all);
	stop(text, sizeof text);
	assert_int_equal(strlen(text), strlen("rosenpass: info: ") + used + 1);
	for (size_t i = 0; i < used; i++) {
		unsigned char c = (unsigned char)all[i];

		assert_int_equal((unsigned char)text[strlen("rosenpass: info: ") + i],
		                 c < 0x20 || c == 0x7f ? '?' : c);
	}
}

/* Lines about as long as there is room for, and far longer: cut, and one line all the same. */
static void test_long_lines(void **state)
{
	static char message[3 * LINE_BYTES];
	static char text[4 * LINE_BYTES];
	static const char head[] = "rosenpass: error: ";
	size_t room = LINE_BYTES - (sizeof head - 1) -
	              2; /* beside the line feed, and the end that vsnprintf() wants */

	(void)state;
	for (size_t length = room - 3; length < sizeof message; length += length < room + 3 ? 1 : 997) {
		size_t kept = length < room ? length : room;

		memset(message, 'x', length);
		message[length] = '\0';
		start();
		log_error("%s", message);
		stop(text, sizeof text);
		assert_int_equal(strlen(text), sizeof head - 1 + kept + 1);
		assert_memory_equal(text, head, sizeof head - 1);
		assert_int_equal(strspn(text + sizeof head - 1, "x"), kept);
		assert_string_equal(text + strlen(text) - 1, "\n");
	}
}

/* The caller's errno survives, also when nobody reads. */
static void test_errno(void **state)
{
	char text[16];

	(void)state;
	start();
	errno = ENOENT;
	log_error("text");
	assert_int_equal(errno, ENOENT);
	(void)close(STDERR_FILENO);
	errno = ENOSPC;
	log_error("text");
	assert_int_equal(errno, ENOSPC);
	stop(text, sizeof text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test_teardown(test_levels, reset),
		cmocka_unit_test_teardown(test_macros, reset),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

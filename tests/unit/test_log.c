#include "child_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <seccomp.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "system/log.h"

#define LINE_BYTES 2048

#ifdef __has_feature
#define HAS_FEATURE(name) __has_feature(name)
#else
#define HAS_FEATURE(name) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || HAS_FEATURE(address_sanitizer) || \
	HAS_FEATURE(memory_sanitizer) || HAS_FEATURE(undefined_behavior_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

/* Stands in for the clock of the C library; tv_sec 0: the real time. */
static struct timespec pretended;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	if (clock == CLOCK_REALTIME && pretended.tv_sec != 0) {
		*now = pretended;
		return 0;
	}
	return (int)syscall(SYS_clock_gettime, clock, now);
}

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
	memset(&pretended, 0, sizeof pretended);
	(void)unsetenv("JOURNAL_STREAM");
	(void)unsetenv("NO_COLOR");
	(void)setenv("TERM", "vt100", 1);
	log_set_level(LOG_INFO);
	log_set_format(LOG_TEXT);
	log_set_name("rosenpass");
	start();
	log_open();
	stop((char[1]){ 0 }, 1);
	return 0;
}

/* Runs first: the level nobody has set. */
static void test_default(void **state)
{
	(void)state;
	assert_true(log_is_on(LOG_INFO));
	assert_false(log_is_on(LOG_DEBUG));
}

/* What says more wins, and the level comes back. */
static void test_verbose(void **state)
{
	(void)state;
	for (enum log_level set = LOG_OFF; set <= LOG_TRACE; set++) {
		log_set_level(set);
		log_set_verbose(true);
		assert_true(log_is_on(LOG_DEBUG));
		assert_int_equal(log_is_on(LOG_TRACE), set == LOG_TRACE);
		log_set_level(set);
		assert_true(log_is_on(LOG_DEBUG));
		log_set_verbose(false);
		assert_int_equal(log_is_on(LOG_DEBUG), set >= LOG_DEBUG);
		assert_int_equal(log_is_on(LOG_ERROR), set >= LOG_ERROR);
	}
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
	log_set_level(LOG_TRACE);
	log_set_name("rp");
	start();
	log_error("a");
	log_warn("%s", "b");
	log_info("c %d", 1);
	log_debug("d");
	log_trace("e");
	stop(text, sizeof text);
	assert_string_equal(text, "rp: error: a\nrp: warn: b\nrp: info: c 1\nrp: debug: d\nrp: trace: e\n");
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
	/* U+009B is as good as ESC [ to some terminals; U+00A0 and what only ends in such a byte are not. */
	start();
	log_info("\xc2\x9b"
	         "1m \xc2\xa0 \xc3\x9b \xc2");
	stop(text, sizeof text);
	assert_string_equal(text, "rosenpass: info: ??1m \xc2\xa0 \xc3\x9b \xc2\n");
	start();
	log_info("\xc2\x80 \xc2\x9f \xc2\x7f");
	stop(text, sizeof text);
	assert_string_equal(text, "rosenpass: info: ?? ?? \xc2?\n");
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

/* What a reader of JSON gets for the text; the whole line beside the text is looked at too. */
static void check_json(const char *text, const char *expected)
{
	char line[8192];
	json_t *object;
	const char *key;
	json_t *value;
	size_t fields = 0;
	struct tm when = { 0 };
	const char *end;

	start();
	log_warn("%s", text);
	stop(line, sizeof line);
	assert_string_equal(strchr(line, '\n'), "\n");
	for (size_t i = 0; line[i] != '\n'; i++)
		assert_true((unsigned char)line[i] >= 0x20);
	object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
	if (object == NULL)
		fail_msg("no JSON: %s", line);
	json_object_foreach(object, key, value) fields++;
	assert_int_equal(fields, 3);
	assert_string_equal(json_string_value(json_object_get(object, "level")), "warn");
	assert_string_equal(json_string_value(json_object_get(object, "message")), expected);
	end = strptime(json_string_value(json_object_get(object, "time")), "%Y-%m-%dT%H:%M:%S.", &when);
	assert_non_null(end);
	assert_int_equal(strspn(end, "0123456789"), 3);
	assert_string_equal(end + 3, "Z");
	assert_in_range(timegm(&when), time(NULL) - 60, time(NULL) + 1);
	json_decref(object);
}

#define BAD "\xef\xbf\xbd"

static void test_json(void **state)
{
	static const struct {
		const char *text;
		const char *expected;
	} cases[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "say \"yes\" to C:\\x/y", "say \"yes\" to C:\\x/y" },
		{ "a\nb\tc\rd\033[0m\001\177", "a\nb\tc\rd\033[0m\001\177" },
		/* Two, three and four bytes; the first and the last of each. */
		{ "\xc2\x80\xc2\x9b\xc2\xa0\xdf\xbf", "\xc2\x80\xc2\x9b\xc2\xa0\xdf\xbf" },
		{ "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",
		  "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf" },
		{ "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf" },
		/* Not UTF-8: no start, no end, overlong, surrogates, too high, never valid. */
		{ "a\x80z", "a" BAD "z" },
		{ "a\xc3", "a" BAD },
		{ "\xc3z", BAD "z" },
		{ "\xe2\x82", BAD BAD },
		{ "\xe2\x82z", BAD BAD "z" },
		{ "\xf0\x9f\x98", BAD BAD BAD },
		{ "\xc0\xaf", BAD BAD },
		{ "\xc1\xbf", BAD BAD },
		{ "\xe0\x9f\xbf", BAD BAD BAD },
		{ "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD },
		{ "\xed\xa0\x80", BAD BAD BAD },
		{ "\xf4\x90\x80\x80", BAD BAD BAD BAD },
		{ "\xf5\x80\x80\x80", BAD BAD BAD BAD },
		{ "\xff\xfe", BAD BAD },
	};

	(void)state;
	log_set_format(LOG_JSON);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++)
		check_json(cases[i].text, cases[i].expected);
}

static void test_json_time(void **state)
{
	static const struct {
		struct timespec now;
		const char *time;
	} cases[] = {
		{ { 1, 999999 }, "1970-01-01T00:00:01.000Z" },
		{ { 951782399, 999999999 }, "2000-02-28T23:59:59.999Z" },
		{ { 951782400, 1000000 }, "2000-02-29T00:00:00.001Z" },
		{ { 951868800, 0 }, "2000-03-01T00:00:00.000Z" },
		{ { 1795390548, 123456789 }, "2026-11-22T23:35:48.123Z" },
		{ { 1709164800, 0 }, "2024-02-29T00:00:00.000Z" },
		{ { 1735689599, 0 }, "2024-12-31T23:59:59.000Z" },
		{ { 1735689600, 0 }, "2025-01-01T00:00:00.000Z" },
		{ { 2147483648, 0 }, "2038-01-19T03:14:08.000Z" },
		{ { 4107542400, 0 }, "2100-03-01T00:00:00.000Z" },
		{ { 253402300799, 0 }, "9999-12-31T23:59:59.000Z" },
		{ { -5, 0 }, "1970-01-01T00:00:00.000Z" },
	};

	(void)state;
	log_set_format(LOG_JSON);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char line[256];
		char expected[256];

		pretended = cases[i].now;
		start();
		log_info("x");
		stop(line, sizeof line);
		(void)snprintf(expected, sizeof expected,
		               "{\"time\":\"%s\",\"level\":\"info\",\"message\":\"x\"}\n", cases[i].time);
		assert_string_equal(line, expected);
	}
}

/* What grows when it is escaped, and what is longer than there is room for, still is one object. */
static void test_json_long(void **state)
{
	static const char *const letters[] = { "x", "\"", "\001", "\xff", "\xf0\x90\x80\x80" };
	static char message[3 * LINE_BYTES];
	static char line[4 * LINE_BYTES];

	(void)state;
	log_set_format(LOG_JSON);
	for (size_t i = 0; i < FIXTURE_COUNT(letters); i++) {
		json_t *object;

		message[0] = '\0';
		while (strlen(message) + strlen(letters[i]) < sizeof message)
			(void)strcpy(message + strlen(message), letters[i]);
		start();
		log_error("%s", message);
		stop(line, sizeof line);
		/* One piece for a pipe. */
		assert_in_range(strlen(line), 1500, 4096);
		object = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		assert_non_null(object);
		assert_true(json_string_length(json_object_get(object, "message")) > 500);
		json_decref(object);
	}
}

/* JOURNAL_STREAM names the very pipe that is standard error. */
static void test_journal(void **state)
{
	static const struct {
		enum log_level level;
		const char *line;
	} cases[] = {
		{ LOG_ERROR, "<3>text\n" }, { LOG_WARN, "<4>text\n" },  { LOG_INFO, "<6>text\n" },
		{ LOG_DEBUG, "<7>text\n" }, { LOG_TRACE, "<7>text\n" },
	};
	char text[256];

	(void)state;
	log_set_level(LOG_TRACE);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct stat status;
		char stream[64];

		start();
		assert_int_equal(fstat(STDERR_FILENO, &status), 0);
		(void)snprintf(stream, sizeof stream, "%ju:%ju", (uintmax_t)status.st_dev,
		               (uintmax_t)status.st_ino);
		(void)setenv("JOURNAL_STREAM", stream, 1);
		log_open();
		log_write(cases[i].level, "text");
		stop(text, sizeof text);
		assert_string_equal(text, cases[i].line);
		/* Before the object too: the journal takes it off. */
		log_set_format(LOG_JSON);
		start();
		log_write(cases[i].level, "text");
		stop(text, sizeof text);
		assert_memory_equal(text, cases[i].line, 3);
		assert_memory_equal(text + 3, "{\"time\":", 8);
		log_set_format(LOG_TEXT);

		/* Standard error was turned elsewhere since, or the variable is no such thing. */
		for (int wrong = 0; wrong < 4; wrong++) {
			static const char *const words[] = { NULL, "", "1", "1:2:3" };

			if (words[wrong] != NULL)
				(void)setenv("JOURNAL_STREAM", words[wrong], 1);
			start();
			log_open();
			log_write(cases[i].level, "text");
			stop(text, sizeof text);
			assert_memory_equal(text, "rosenpass: ", 11);
		}
	}
}

/* Standard error is a terminal while the message is written; what the terminal shows. */
static void write_to_terminal(char *out, size_t out_size)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	struct termios settings;
	int saved;
	int slave;
	ssize_t got;

	assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
	slave = open(ptsname(master), O_RDWR | O_NOCTTY);
	assert_true(slave >= 0);
	assert_int_equal(tcgetattr(slave, &settings), 0);
	cfmakeraw(&settings);
	assert_int_equal(tcsetattr(slave, TCSANOW, &settings), 0);
	saved = dup(STDERR_FILENO);
	assert_true(dup2(slave, STDERR_FILENO) >= 0);
	log_open();
	log_error("te\033xt");
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	got = read(master, out, out_size - 1);
	out[got < 0 ? 0 : got] = '\0';
	(void)close(saved);
	(void)close(slave);
	(void)close(master);
}

static void test_colour(void **state)
{
	static const struct {
		const char *term;
		const char *no_color;
		bool colour;
	} cases[] = {
		{ "vt100", NULL, true }, { "vt100", "", true },   { "vt100", "1", false },
		{ "vt100", "0", false }, { "dumb", NULL, false }, { NULL, NULL, true },
	};
	char text[256];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		if (cases[i].term == NULL)
			(void)unsetenv("TERM");
		else
			(void)setenv("TERM", cases[i].term, 1);
		if (cases[i].no_color == NULL)
			(void)unsetenv("NO_COLOR");
		else
			(void)setenv("NO_COLOR", cases[i].no_color, 1);
		write_to_terminal(text, sizeof text);
		assert_string_equal(text, cases[i].colour ? "rosenpass: \033[1;31merror\033[0m: te?xt\n"
		                                          : "rosenpass: error: te?xt\n");
	}
}

static _Noreturn void log_in_sandbox(enum log_format format)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);

	log_set_format(format);
	log_open();
	if (filter == NULL || seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 0) != 0 ||
	    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clock_gettime), 0) != 0 ||
	    seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(exit_group), 0) != 0 ||
	    seccomp_load(filter) != 0)
		_exit(77);
	log_info("%s %zu \xff", "text", (size_t)7);
	_exit(0);
}

/* The process that reads from the network may do next to nothing, but log. */
static void test_sandbox(void **state)
{
	(void)state;
	/* Their run-time parts make calls of their own. */
	if (SANITIZED)
		skip();
	for (enum log_format format = LOG_TEXT; format <= LOG_JSON; format++) {
		char text[256];
		int status;
		pid_t pid;

		start();
		pid = fork();
		if (pid == 0)
			log_in_sandbox(format);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		stop(text, sizeof text);
		if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
			skip();
		assert_int_equal(status, 0);
		assert_non_null(strstr(text, format == LOG_JSON ? "\"message\":\"text 7 " BAD "\"}\n"
		                                                : "rosenpass: info: text 7 \xff\n"));
	}
}

/* Lines that find no room are counted, and their number is told once. */
static void lose_lines(void)
{
	static const char said[] = "rosenpass: warn: 2 log lines were lost, as nobody read them\n"
				   "rosenpass: info: third\nrosenpass: info: fourth\n";
	char buffer[4096];
	ssize_t got = 0;
	int ends[2];

	memset(buffer, 'x', sizeof buffer);
	CHILD_CHECK(pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0);
	CHILD_CHECK(dup2(ends[1], STDERR_FILENO) >= 0);
	while (write(ends[1], buffer, sizeof buffer) > 0)
		continue;
	log_never_wait();
	log_info("first");
	log_info("second");
	while ((got = read(ends[0], buffer, sizeof buffer)) > 0)
		continue;
	log_info("third");
	log_info("fourth");
	got = read(ends[0], buffer, sizeof buffer - 1);
	_exit(got == sizeof said - 1 && memcmp(buffer, said, (size_t)got) == 0 ? 0 : 1);
}

static void test_lost_lines(void **state)
{
	(void)state;
	assert_int_equal(child_run(lose_lines), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_default),
		cmocka_unit_test_teardown(test_levels, reset),
		cmocka_unit_test_teardown(test_verbose, reset),
		cmocka_unit_test_teardown(test_macros, reset),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_control_characters),
		cmocka_unit_test(test_long_lines),
		cmocka_unit_test(test_errno),
		cmocka_unit_test_teardown(test_json, reset),
		cmocka_unit_test_teardown(test_json_time, reset),
		cmocka_unit_test_teardown(test_json_long, reset),
		cmocka_unit_test_teardown(test_journal, reset),
		cmocka_unit_test_teardown(test_colour, reset),
		cmocka_unit_test_teardown(test_sandbox, reset),
		cmocka_unit_test(test_lost_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rosenpass/commands.h"
#include "system/log.h"

/* Commands of other versions that this one does not have. */
static const char *const absent[] = { "exchange-config", "gen-config", "validate", "man", "keygen" };

static int usage_error(const char *text, const char *word)
{
	log_error("%s%s; rosenpass help shows the usage", text, word);
	return COMMAND_USAGE;
}

static int run(int count, char **words)
{
	const char *name = words[0];

	if (strcmp(name, "gen-keys") == 0)
		return command_gen_keys(count, words);
	if (strcmp(name, "exchange") == 0)
		return command_exchange(count, words);
	if (strcmp(name, "help") == 0)
		return command_help(count > 1 ? words[1] : NULL);
	for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++) {
		if (strcmp(name, absent[i]) == 0)
			return usage_error("this version has no command ", name);
	}
	return usage_error("no command ", name);
}

/* The level that the environment asks for; words that mean no single level are somebody else's. */
static void level_from_environment(void)
{
	const char *word = getenv("RUST_LOG");
	enum log_level level;

	if (word != NULL && log_parse_level(word, &level))
		log_set_level(level);
}

/* A socket or key file that got the number of a closed standard stream would be written into. */
static bool occupy_standard_streams(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR) != fd)
			return false;
	}
	return true;
}

int main(int count, char **words)
{
	static const struct option options[] = {
		{ "log-level", required_argument, NULL, 'l' }, { "verbose", no_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },           { "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },         { NULL, 0, NULL, 0 },
	};
	enum log_level level = LOG_INFO;
	bool level_is_set = false;
	int option;

	/* A reader of our output that goes away is an error of that write and of nothing else. */
	(void)signal(SIGPIPE, SIG_IGN);
	if (!occupy_standard_streams()) {
		log_error("a standard stream is closed, and /dev/null cannot be opened: %s", strerror(errno));
		return COMMAND_FAILED;
	}
	if (sodium_init() < 0) {
		log_error("the cryptographic library cannot start");
		return COMMAND_FAILED;
	}
	level_from_environment();
	opterr = 0;
	while ((option = getopt_long(count, words, "+:vqhV", options, NULL)) != -1) {
		switch (option) {
		case 'h':
			return command_help(NULL);
		case 'V':
			return printf("rosenpass %s\n", ROSENPASS_VERSION) > 0 && fflush(stdout) == 0
			               ? COMMAND_OK
			               : COMMAND_FAILED;
		case 'l':
		case 'v':
		case 'q':
			if (level_is_set)
				return usage_error(
					"only one of --log-level, --verbose and --quiet can be given", "");
			level_is_set = true;
			level = option == 'v' ? LOG_DEBUG : LOG_WARN;
			if (option == 'l' && !log_parse_level(optarg, &level))
				return usage_error(
					"--log-level is off, error, warn, info, debug or trace, not ",
					optarg);
			log_set_level(level);
			break;
		case ':':
			return usage_error("an argument is missing after ", words[optind - 1]);
		default:
			return usage_error("unknown option ", words[optind - 1]);
		}
	}
	if (optind == count)
		return usage_error("no command given", "");
	return run(count - optind, words + optind);
}

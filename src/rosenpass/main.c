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
#include "rosenpass/help.h"
#include "rosenpass/manual.h"
#include "system/first_process.h"
#include "system/log.h"
#include "rosenpass.h"

static int usage_error(const char *text, const char *word)
{
	log_error("%s%s; rosenpass help shows the usage", text, word);
	return COMMAND_USAGE;
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

static int prepare(void)
{
	/* A reader of our output that goes away is an error of that write and of nothing else. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* So is a file that may not become larger. */
	(void)signal(SIGXFSZ, SIG_IGN);
	if (!occupy_standard_streams()) {
		log_error("a standard stream is closed, and /dev/null cannot be opened: %s", strerror(errno));
		return -1;
	}
	log_open();
	if (sodium_init() < 0) {
		log_error("the cryptographic library cannot start");
		return -1;
	}
	level_from_environment();
	return 0;
}

static int show_version(void)
{
	return printf("rosenpass %s\n", rosenpass_version_text()) > 0 && fflush(stdout) == 0 ? COMMAND_OK
	                                                                                     : COMMAND_FAILED;
}

static int set_level(int option, bool *is_set)
{
	enum log_level level = option == 'v' ? LOG_DEBUG : LOG_WARN;

	if (*is_set)
		return usage_error("only one of --log-level, --verbose and --quiet can be given", "");
	if (option == 'l' && !log_parse_level(optarg, &level))
		return usage_error("--log-level is off, error, warn, info, debug or trace, not ", optarg);
	*is_set = true;
	log_set_level(level);
	return COMMANDS_GO_ON;
}

static int set_format(const char *word)
{
	if (strcmp(word, "json") != 0 && strcmp(word, "text") != 0)
		return usage_error("--log-format is text or json, not ", word);
	log_set_format(strcmp(word, "json") == 0 ? LOG_JSON : LOG_TEXT);
	return COMMANDS_GO_ON;
}

/* The options before the command. COMMANDS_GO_ON, or the exit status. */
static int read_options(int count, char **words)
{
	static const struct option options[] = {
		{ "log-level", required_argument, NULL, 'l' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "log-format", required_argument, NULL, 'f' },
		{ "generate-manpage", required_argument, NULL, 'g' },
		{ "print-completions", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	bool level_is_set = false;
	int status = COMMANDS_GO_ON;
	int option;

	opterr = 0;
	while (status == COMMANDS_GO_ON &&
	       (option = getopt_long(count, words, "+:vqhV", options, NULL)) != -1) {
		switch (option) {
		case 'h':
			return help_show(commands, NULL);
		case 'V':
			return show_version();
		case 'l':
		case 'v':
		case 'q':
			status = set_level(option, &level_is_set);
			break;
		case 'f':
			status = set_format(optarg);
			break;
		case 'g':
			return manual_generate(optarg);
		case 'p':
			return manual_print_completions(optarg);
		case ':':
			return usage_error("an argument is missing after ", words[optind - 1]);
		default:
			return usage_error("unknown option ", words[optind - 1]);
		}
	}
	return status;
}

int main(int count, char **words)
{
	const struct command *command;
	int status;

	if (prepare() != 0)
		return COMMAND_FAILED;
	/* As the first process of a container we would have to reap what others leave behind. */
	if (first_process_split() != 0)
		log_warn("this is process 1, and it cannot start a process of its own: orphans are not "
		         "reaped");
	status = read_options(count, words);
	if (status != COMMANDS_GO_ON)
		return status;
	if (optind == count) {
		log_error("no command given");
		help_on_error(commands);
		return COMMAND_USAGE;
	}
	command = help_find(commands, words[optind]);
	if (command == NULL)
		return help_unknown(commands, words[optind]);
	count -= optind;
	words += optind;
	status = help_is_wanted(count, words) ? COMMAND_HELP : command->run(count, words);
	return status == COMMAND_HELP ? help_show(commands, command->name) : status;
}

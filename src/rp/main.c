#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rp/commands.h"
#include "rp/help.h"
#include "system/first_process.h"
#include "system/log.h"
#include "rosenpass.h"

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
	const char *word = getenv("RUST_LOG");
	enum log_level level;

	/* A reader of our output that goes away is an error of that write and of nothing else. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* So is a file that may not become larger. */
	(void)signal(SIGXFSZ, SIG_IGN);
	log_set_name("rp");
	if (!occupy_standard_streams()) {
		log_error("a standard stream is closed, and /dev/null cannot be opened: %s", strerror(errno));
		return -1;
	}
	log_open();
	if (sodium_init() < 0) {
		log_error("the cryptographic library cannot start");
		return -1;
	}
	/* Words that mean no single level are somebody else's. */
	if (word != NULL && log_parse_level(word, &level))
		log_set_level(level);
	return 0;
}

static int show_version(void)
{
	return printf("rp %s\n", rosenpass_version_text()) > 0 && fflush(stdout) == 0 ? COMMAND_OK
	                                                                              : COMMAND_FAILED;
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

static int usage_error(const char *problem, const char *word)
{
	log_error("%s%s", problem, word);
	return help_on_error(commands, NULL);
}

/*
 * Read the arguments before the command. Options that are not the program's own belong to the command: they
 * are moved behind it. Returns the position of the command, or -1 - the exit status.
 */
static int read_flags(int count, char **words)
{
	int kept = 0;

	for (int at = 1; at < count; at++) {
		char *word = words[at];

		if (strcmp(word, "verbose") == 0) {
			log_set_verbose(true);
		} else if (strcmp(word, "explain") == 0) {
			log_warn("explain is no longer supported: there are no commands to show");
		} else if (help_is_option(word)) {
			return -1 - help_show(commands, NULL);
		} else if (is_one_of(word, "-V", "--version")) {
			return -1 - show_version();
		} else if (word[0] == '-') {
			size_t width = command_exchange_option_width(word);

			if (width == 0)
				return -1 - usage_error("unknown option ", word);
			for (; width > 0 && at < count; width--)
				words[1 + kept++] = words[at++];
			at--;
		} else {
			memmove(words + at - kept + 1, words + 1, (size_t)kept * sizeof *words);
			words[at - kept] = word;
			return at - kept;
		}
	}
	return -1 - usage_error("No command supplied", "");
}

int main(int count, char **words)
{
	const struct command *command;
	int status;
	int at;

	if (prepare() != 0)
		return COMMAND_FAILED;
	/* As the first process of a container we would have to reap what others leave behind. */
	if (first_process_split() != 0)
		log_warn("this is process 1, and it cannot start a process of its own: orphans are not "
		         "reaped");
	at = read_flags(count, words);
	if (at < 0)
		return -1 - at;
	count -= at;
	words += at;
	command = help_find(commands, words[0]);
	if (command == NULL)
		return help_unknown(commands, words[0]);
	status = help_is_wanted(count, words) ? COMMAND_HELP : command->run(count, words);
	if (status == COMMAND_HELP)
		return help_show(commands, command->name);
	return status == COMMAND_USAGE ? help_on_error(commands, command) : status;
}

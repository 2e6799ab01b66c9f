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
#include "system/log.h"

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
	return printf("rp %s\n", ROSENPASS_VERSION) > 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static bool is_one_of(const char *word, const char *a, const char *b)
{
	return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* Words that stand before the command. The number of them, or the exit status below 0, as -1 - status. */
static int read_flags(int count, char **words)
{
	for (int at = 1; at < count; at++) {
		const char *word = words[at];

		if (strcmp(word, "verbose") == 0)
			log_set_level(LOG_DEBUG);
		else if (strcmp(word, "explain") == 0)
			log_warn("explain is no longer supported: there are no commands behind this that "
			         "could be shown");
		else if (is_one_of(word, "-h", "--help") || strcmp(word, "-help") == 0)
			return -1 - command_help(NULL);
		else if (is_one_of(word, "-V", "--version"))
			return -1 - show_version();
		else if (word[0] == '-')
			return -1 - commands_usage_error(NULL, "unknown option %s", word);
		else
			return at - 1;
	}
	return -1 - commands_usage_error(NULL, "No command supplied");
}

int main(int count, char **words)
{
	const struct command *command;
	int flags;

	if (prepare() != 0)
		return COMMAND_FAILED;
	flags = read_flags(count, words);
	if (flags < 0)
		return -1 - flags;
	count -= 1 + flags;
	words += 1 + flags;
	command = commands_find(words[0]);
	return command == NULL ? commands_unknown(words[0]) : command->run(count, words);
}

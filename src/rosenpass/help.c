#include "rosenpass/help.h"

#include <stdio.h>
#include <string.h>

#include "config/suggest.h"
#include "system/log.h"

#define COMMANDS_MAX 32

static const char options_text[] =
	"\n"
	"Options:\n"
	"      --log-level LEVEL          off, error, warn, info (default), debug or trace\n"
	"  -v, --verbose                  as --log-level debug\n"
	"  -q, --quiet                    as --log-level warn\n"
	"      --log-format FORMAT        text (default) or json\n"
	"      --generate-manpage DIR     write the manual pages into DIR\n"
	"      --print-completions SHELL  print the completions for bash, zsh or fish\n"
	"  -h, --help                     show this\n"
	"  -V, --version                  show the version\n"
	"\n"
	"The environment variable RUST_LOG=LEVEL applies if no option is given.\n";

static int write_program_help(const struct command *table, FILE *out)
{
	int result = fputs("Post-quantum key exchange for WireGuard and others\n"
	                   "\n"
	                   "Usage: rosenpass [OPTION]... COMMAND [ARGUMENT]...\n"
	                   "\n"
	                   "Commands:\n",
	                   out);

	for (const struct command *command = table; command->summary != NULL; command++)
		result |= fprintf(out, "  %-19s %s\n", command->name, command->summary);
	result |= fputs(options_text, out);
	return result >= 0 && fflush(out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

void help_on_error(const struct command *table)
{
	(void)write_program_help(table, stderr);
}

/* --help may be shortened, as getopt_long() allows for the other options. */
static bool is_help_option(const char *word)
{
	size_t length = strlen(word);

	return strcmp(word, "-h") == 0 || (length > 2 && strncmp(word, "--help", length) == 0);
}

bool help_is_wanted(int count, char **words)
{
	if (count < 2)
		return false;
	if (count == 2 && strcmp(words[1], "help") == 0 && strcmp(words[0], "help") != 0)
		return true;
	return is_help_option(words[1]) || is_help_option(words[count - 1]);
}

const struct command *help_find(const struct command *table, const char *name)
{
	for (const struct command *command = table; command->name != NULL; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

int help_unknown(const struct command *table, const char *name)
{
	const char *names[COMMANDS_MAX];
	const char *nearest;
	size_t count = 0;

	for (const struct command *command = table; command->summary != NULL; command++)
		names[count++] = command->name;
	nearest = suggest_command(name, names, count);
	if (nearest != NULL)
		log_error("no command %s; did you mean %s?", name, nearest);
	else
		log_error("no command %s; rosenpass help lists them", name);
	return COMMAND_USAGE;
}

int help_show(const struct command *table, const char *name)
{
	const struct command *command;

	if (name == NULL)
		return write_program_help(table, stdout);
	command = help_find(table, name);
	if (command == NULL)
		return help_unknown(table, name);
	return fputs(command->help, stdout) >= 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

#include "rosenpass/commands.h"

#include <stdio.h>
#include <string.h>

static const char options_text[] =
	"\n"
	"Options:\n"
	"      --log-level LEVEL          off, error, warn, info (default), debug or trace\n"
	"  -v, --verbose                  as --log-level debug\n"
	"  -q, --quiet                    as --log-level warn\n"
	"      --log-format FORMAT        text (default) or json\n"
	"      --generate-manpage FOLDER  write the manual pages there\n"
	"      --print-completions SHELL  print the completions for bash, zsh or fish\n"
	"  -h, --help                     show this\n"
	"  -V, --version                  show the version\n"
	"\n"
	"RUST_LOG=LEVEL in the environment counts where no option is given.\n";

static int write_program_help(FILE *out)
{
	int result = fputs("Post-quantum key exchange for WireGuard and others\n"
	                   "\n"
	                   "Usage: rosenpass [OPTION]... COMMAND [ARGUMENT]...\n"
	                   "\n"
	                   "Commands:\n",
	                   out);

	for (const struct command *command = commands; command->summary != NULL; command++)
		result |= fprintf(out, "  %-19s %s\n", command->name, command->summary);
	result |= fputs(options_text, out);
	return result >= 0 && fflush(out) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

void command_help_on_error(void)
{
	(void)write_program_help(stderr);
}

/* --help may be shortened, as getopt_long() allows for the other options. */
static bool is_help_option(const char *word)
{
	size_t length = strlen(word);

	return strcmp(word, "-h") == 0 || (length > 2 && strncmp(word, "--help", length) == 0);
}

bool command_help_is_wanted(int count, char **words)
{
	if (count < 2)
		return false;
	if (count == 2 && strcmp(words[1], "help") == 0 && strcmp(words[0], "help") != 0)
		return true;
	return is_help_option(words[1]) || is_help_option(words[count - 1]);
}

int command_help(const char *name)
{
	const struct command *command;

	if (name == NULL)
		return write_program_help(stdout);
	command = commands_find(name);
	if (command == NULL)
		return commands_unknown(name);
	return fputs(command->help, stdout) >= 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

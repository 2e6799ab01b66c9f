#include "rp/commands.h"

#include <stdio.h>
#include <string.h>

static const char options_text[] =
	"\n"
	"Options:\n"
	"  -h, --help     show this\n"
	"  -V, --version  show the version\n"
	"\n"
	"verbose before the command logs every exchange, as RUST_LOG=debug in the "
	"environment does.\n"
	"In short, on each of two machines:\n"
	"  rp genkey my-keys\n"
	"  rp pubkey my-keys my-public-keys       # to be copied to the other one\n"
	"  rp exchange my-keys ip fc00::1/64 listen 9999 \\\n"
	"     peer its-public-keys endpoint HOST:9999 allowed-ips fc00::2\n";

static int help_with_program(void)
{
	int result = fputs("Usage: rp [verbose] COMMAND [ARGUMENT]...\n"
	                   "\n"
	                   "Make a VPN of WireGuard with keys that withstand quantum computers\n"
	                   "\n"
	                   "Commands:\n",
	                   stdout);

	for (const struct command *command = commands; command->name != NULL; command++)
		result |= printf("  %-15s  %s\n", command->name, command->summary);
	result |= fputs(options_text, stdout);
	return result >= 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

/* --help may be shortened, as getopt_long() allows for the other options. */
bool command_is_help_option(const char *word)
{
	size_t length = strlen(word);

	return strcmp(word, "-h") == 0 || strcmp(word, "-help") == 0 ||
	       (length > 2 && strncmp(word, "--help", length) == 0);
}

bool command_help_is_wanted(int count, char **words)
{
	if (count < 2)
		return false;
	if (count == 2 && strcmp(words[1], "help") == 0 && strcmp(words[0], "help") != 0)
		return true;
	return command_is_help_option(words[1]) || command_is_help_option(words[count - 1]);
}

int command_help(const char *name)
{
	const struct command *command;

	if (name == NULL)
		return help_with_program();
	command = commands_find(name);
	if (command == NULL)
		return commands_unknown(name);
	return printf("Usage: rp %s\n\n%s", command->usage, command->help) >= 0 && fflush(stdout) == 0
	               ? COMMAND_OK
	               : COMMAND_FAILED;
}

#include "rp/help.h"

#include <stdio.h>
#include <string.h>

#include "config/suggest.h"
#include "system/log.h"

#define COMMANDS_MAX 16

static const char options_text[] =
	"\n"
	"Options:\n"
	"  -h, --help     show this\n"
	"  -V, --version  show the version\n"
	"\n"
	"verbose before the command logs every key exchange, as does the environment "
	"variable RUST_LOG=debug.\n"
	"In short, on each of two machines:\n"
	"  rp genkey my-keys\n"
	"  rp pubkey my-keys my-public-keys       # copy them to the other machine\n"
	"  rp exchange my-keys ip fc00::1/64 listen 9999 \\\n"
	"     peer other-public-keys endpoint HOST:9999 allowed-ips fc00::2\n";

static int help_with_program(const struct command *table)
{
	int result = fputs("Usage: rp [verbose] COMMAND [ARGUMENT]...\n"
	                   "\n"
	                   "Post-quantum VPN with WireGuard and Rosenpass\n"
	                   "\n"
	                   "Commands:\n",
	                   stdout);

	for (const struct command *command = table; command->name != NULL; command++)
		result |= printf("  %-15s  %s\n", command->name, command->summary);
	result |= fputs(options_text, stdout);
	return result >= 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

/* --help may be shortened, as getopt_long() allows for the other options. */
bool help_is_option(const char *word)
{
	size_t length = strlen(word);

	return strcmp(word, "-h") == 0 || strcmp(word, "-help") == 0 ||
	       (length > 2 && strncmp(word, "--help", length) == 0);
}

bool help_is_wanted(int count, char **words)
{
	if (count < 2)
		return false;
	if (count == 2 && strcmp(words[1], "help") == 0 && strcmp(words[0], "help") != 0)
		return true;
	return help_is_option(words[1]) || help_is_option(words[count - 1]);
}

const struct command *help_find(const struct command *table, const char *name)
{
	for (const struct command *command = table; command->name != NULL; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

int help_on_error(const struct command *table, const struct command *command)
{
	if (command != NULL) {
		(void)fprintf(stderr, "Usage: rp %s\n", command->usage);
		return COMMAND_FAILED;
	}
	(void)fputs("Usage: rp [verbose] ", stderr);
	for (command = table; command->name != NULL; command++)
		(void)fprintf(stderr, "%s%s", command == table ? "" : "|", command->name);
	(void)fputs(" [ARGUMENT]...\n", stderr);
	return COMMAND_FAILED;
}

int help_unknown(const struct command *table, const char *name)
{
	const char *names[COMMANDS_MAX];
	const char *nearest;
	size_t count = 0;

	for (const struct command *command = table; command->name != NULL; command++)
		names[count++] = command->name;
	nearest = suggest_command(name, names, count);
	if (nearest != NULL)
		log_error("Unknown command %s; did you mean %s?", name, nearest);
	else
		log_error("Unknown command %s", name);
	return help_on_error(table, NULL);
}

int help_show(const struct command *table, const char *name)
{
	const struct command *command;

	if (name == NULL)
		return help_with_program(table);
	command = help_find(table, name);
	if (command == NULL)
		return help_unknown(table, name);
	return printf("Usage: rp %s\n\n%s", command->usage, command->help) >= 0 && fflush(stdout) == 0
	               ? COMMAND_OK
	               : COMMAND_FAILED;
}

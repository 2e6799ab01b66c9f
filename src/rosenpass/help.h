#ifndef ROSENPASS_ROSENPASS_HELP_H
#define ROSENPASS_ROSENPASS_HELP_H

/* Usages, read from a table of commands. */

#include <stdbool.h>

#include "rosenpass/commands.h"

/* Returns the command of that name, or NULL. */
const struct command *help_find(const struct command *table, const char *name);

/* Says that there is no such command, and which one may be meant. COMMAND_USAGE. */
int help_unknown(const struct command *table, const char *name);

/* Whether the arguments of a command ask for its usage: -h or --help first or last, or only help. */
bool help_is_wanted(int count, char **words);

/*
 * Prints the usage of a command (NULL: of the program) on standard output. COMMAND_USAGE: there is no such
 * command.
 */
int help_show(const struct command *table, const char *name);

/* Prints the usage of the program on standard error. */
void help_on_error(const struct command *table);

#endif

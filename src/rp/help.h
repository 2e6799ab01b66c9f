#ifndef ROSENPASS_RP_HELP_H
#define ROSENPASS_RP_HELP_H

/* Usages, read from a table of commands. */

#include <stdbool.h>

#include "rp/commands.h"

/* Returns the command of that name, or NULL. */
const struct command *help_find(const struct command *table, const char *name);

/* Says that there is no such command, which one may be meant, and the program's usage. COMMAND_FAILED. */
int help_unknown(const struct command *table, const char *name);

/* -h and --help, and -help of older versions. */
bool help_is_option(const char *word);

/* Whether the arguments of a command ask for its usage: such an option first or last, or only help. */
bool help_is_wanted(int count, char **words);

/* Prints the usage of a command (NULL: of the program) on standard output. */
int help_show(const struct command *table, const char *name);

/* Prints one line about the usage of a command (NULL: of the program) on standard error. COMMAND_FAILED. */
int help_on_error(const struct command *table, const struct command *command);

#endif

#ifndef ROSENPASS_ROSENPASS_COMMANDS_H
#define ROSENPASS_ROSENPASS_COMMANDS_H

/* The subcommands. Each takes the words after its name and returns the exit status. */

#define COMMAND_OK 0
#define COMMAND_FAILED 1
#define COMMAND_USAGE 2

int command_gen_keys(int count, char **words);
int command_exchange(int count, char **words);

/* The usage of a subcommand (NULL: of the program) on standard output. COMMAND_USAGE: no such command. */
int command_help(const char *name);

#endif

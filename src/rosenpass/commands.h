#ifndef ROSENPASS_ROSENPASS_COMMANDS_H
#define ROSENPASS_ROSENPASS_COMMANDS_H

/* The subcommands. Each takes its name and the words after it, and returns the exit status. */

#include <stdbool.h>
#include <stddef.h>

#define COMMAND_OK 0
#define COMMAND_FAILED 1
#define COMMAND_USAGE 2

struct command {
	const char *name;
	int (*run)(int count, char **words);
	const char *summary; /* NULL: an old name that help does not list */
	const char *help;
};

/* In the order of help; the last one has no name. commands.c */
extern const struct command commands[];

/* NULL: there is none. */
const struct command *commands_find(const char *name);

/* Says that there is no such command, and which one may be meant. COMMAND_USAGE. */
int commands_unknown(const char *name);

/*
 * For commands without options of their own: shows the help and returns COMMAND_OK where it is asked for,
 * COMMAND_USAGE after saying what is wrong when there is another option or not between min and max words
 * after the name, else COMMANDS_GO_ON.
 */
#define COMMANDS_GO_ON (-1)
int commands_check_words(int count, char **words, int min, int max);

/* Whether the arguments of a command ask for its usage: -h or --help first or last, or only help. */
bool command_help_is_wanted(int count, char **words);

int command_convert_secret_key(int count, char **words);
int command_exchange(int count, char **words);
int command_exchange_config(int count, char **words);
int command_fingerprint(int count, char **words);
int command_gen_config(int count, char **words);
int command_gen_keys(int count, char **words);
int command_keygen(int count, char **words);
int command_man(int count, char **words);
int command_metrics(int count, char **words);
int command_peer(int count, char **words);
int command_reload(int count, char **words);
int command_status(int count, char **words);
int command_validate(int count, char **words);

/* The usage of a subcommand (NULL: of the program) on standard output. COMMAND_USAGE: no such command. */
int command_help(const char *name);

/* The usage of the program on standard error. */
void command_help_on_error(void);

#endif

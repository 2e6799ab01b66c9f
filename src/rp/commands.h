#ifndef ROSENPASS_RP_COMMANDS_H
#define ROSENPASS_RP_COMMANDS_H

#include <stdbool.h>
#include <stddef.h>

/* The commands. Each takes its name and the words after it, and returns the exit status. */

#define COMMAND_OK 0
/* Wrong words on the command line as well: scripts know no other. */
#define COMMAND_FAILED 1

struct command {
	const char *name;
	int (*run)(int count, char **words);
	const char *summary;
	const char *usage; /* one line, after "Usage: rp " */
	const char *help;  /* what follows it */
};

/* In the order of help; the last one has no name. commands.c */
extern const struct command commands[];

/* NULL: there is none. */
const struct command *commands_find(const char *name);

/* Says what is wrong with the words of a command (NULL: of the program), then its usage. COMMAND_FAILED. */
int commands_usage_error(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a command that does not exist, with the nearest one that does. */
int commands_unknown(const char *name);

/*
 * For commands without options of their own: returns COMMAND_FAILED after saying what is wrong when there is
 * an option or not between min and max words after the name, else COMMANDS_GO_ON.
 */
#define COMMANDS_GO_ON (-1)
int commands_check_words(int count, char **words, int min, int max);

/* -h and --help, and -help of older versions. */
bool command_is_help_option(const char *word);

/* Whether the arguments of a command ask for its usage: such an option first or last, or only help. */
bool command_help_is_wanted(int count, char **words);

/* As options_first_width(), for the options of exchange and exchange-config. */
size_t command_exchange_option_width(const char *word);

int command_exchange(int count, char **words);
int command_exchange_config(int count, char **words);
int command_genkey(int count, char **words);
int command_pubkey(int count, char **words);
int command_status(int count, char **words);
int command_validate(int count, char **words);

/* The usage of a command (NULL: of the program) on standard output. */
int command_help(const char *name);

#endif

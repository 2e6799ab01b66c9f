#ifndef ROSENPASS_RP_COMMANDS_H
#define ROSENPASS_RP_COMMANDS_H

/*
 * The commands. Each takes its name and the words after it, and returns the exit status, COMMAND_HELP or
 * COMMAND_USAGE. They know nothing of their table, which is for main.c.
 */

#include <stddef.h>

#define COMMAND_OK 0
/* Wrong words on the command line as well: scripts know no other. */
#define COMMAND_FAILED 1
/* Beyond any exit status: the usage of the command is to be shown, as what was asked for or as a hint. */
#define COMMAND_HELP 256
#define COMMAND_USAGE 257

struct command {
	const char *name;
	int (*run)(int count, char **words);
	const char *summary;
	const char *usage; /* one line, after "Usage: rp " */
	const char *help;  /* what follows it */
};

/* In the order of help; the last one has no name. commands.c */
extern const struct command commands[];

/* Says what is wrong with the words of a command. COMMAND_USAGE. check_words.c */
int commands_usage_error(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * For commands without options of their own: returns COMMAND_USAGE after saying what is wrong when there is
 * an option or not between min and max words after the name, else COMMANDS_GO_ON.
 */
#define COMMANDS_GO_ON (-1)
int commands_check_words(int count, char **words, int min, int max);

/* As options_first_width(), for the options of exchange and exchange-config. */
size_t command_exchange_option_width(const char *word);

int command_exchange(int count, char **words);
int command_exchange_config(int count, char **words);
int command_genkey(int count, char **words);
int command_pubkey(int count, char **words);
int command_status(int count, char **words);
int command_validate(int count, char **words);

#endif

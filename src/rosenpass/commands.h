#ifndef ROSENPASS_ROSENPASS_COMMANDS_H
#define ROSENPASS_ROSENPASS_COMMANDS_H

/*
 * The subcommands. Each takes its name and the words after it, and returns the exit status, or COMMAND_HELP.
 * They know nothing of their table, which is for main.c.
 */

#define COMMAND_OK 0
#define COMMAND_FAILED 1
#define COMMAND_USAGE 2
/* Beyond any exit status: the usage of the command is to be shown instead. */
#define COMMAND_HELP 256

struct command {
	const char *name;
	int (*run)(int count, char **words);
	const char *summary; /* NULL: an old name that help does not list */
	const char *help;
};

/* In the order of help; the last one has no name. commands.c */
extern const struct command commands[];

/*
 * For commands without options of their own: returns COMMAND_HELP where help is asked for, COMMAND_USAGE
 * after saying what is wrong when there is another option or not between min and max words after the name,
 * else COMMANDS_GO_ON. check_words.c
 */
#define COMMANDS_GO_ON (-1)
int commands_check_words(int count, char **words, int min, int max);

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

#endif

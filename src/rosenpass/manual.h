#ifndef ROSENPASS_ROSENPASS_MANUAL_H
#define ROSENPASS_ROSENPASS_MANUAL_H

/* Man pages and shell completions, inside the program. Results are exit statuses (commands.h). */

#include <stddef.h>

/* A file of doc/man or completions, made part of the program by scripts/embed.py. */
struct manual_file {
	const char *name; /* without folder; NULL: the end of the list */
	const char *text; /* with a zero after it that length does not count */
	size_t length;
};

extern const struct manual_file manual_files[];

/* Writes all pages into a folder, which is made if it is not there. Each failure is said in the log. */
int manual_generate(const char *folder);

/* Writes the completions for a shell to standard output. COMMAND_USAGE: there are none for it. */
int manual_print_completions(const char *shell);

#endif

#ifndef ROSENPASS_SYSTEM_PROGRAM_H
#define ROSENPASS_SYSTEM_PROGRAM_H

/* Programs that are started for somebody else, with a little input. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* No longer than a pipe takes at once (PIPE_BUF): starting never waits for the program to read. */
#define PROGRAM_INPUT_MAX_BYTES 4096
#define PROGRAM_PROBLEM_BYTES 128

struct program {
	pid_t pid;         /* 0: none runs; it leads a process group */
	bool ends_with_us; /* set before it is started: SIGTERM comes to it when our process is gone */
};

/*
 * Starts words[0] (looked up in PATH) with input on its standard input, /dev/null as standard output
 * replaced by our standard error (a hook must not write among the daemon's output lines), our standard
 * error, our environment and the additional "NAME=VALUE" words of environment (NULL-terminated), default
 * signal handling, no other descriptor. The result is 0, or negative errno when it cannot be started,
 * execve's reason included. input is not kept.
 */
int program_start(struct program *program, char *const *words, char *const *environment, const uint8_t *input,
                  size_t input_len) __attribute__((warn_unused_result));

/* Whether a program can be started by that word, a path or a name in PATH, as far as can be told. */
bool program_is_there(const char *word);

/*
 * Whether it has ended; collects it then. *problem is empty when it exited with 0, else "exited with 1",
 * "was ended by signal 9 (Killed)" ...
 */
bool program_ended(struct program *program, char problem[static PROGRAM_PROBLEM_BYTES]);

/*
 * Says how a process has ended, as program_ended() does: status as of waitpid(2), or -1 if somebody else has
 * collected it.
 */
void program_explain(char problem[static PROGRAM_PROBLEM_BYTES], int status);

/* Sends a signal to it and to what it started. */
void program_signal(const struct program *program, int signal);

#endif

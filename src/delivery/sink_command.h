#ifndef ROSENPASS_DELIVERY_SINK_COMMAND_H
#define ROSENPASS_DELIVERY_SINK_COMMAND_H

/*
 * exchange_command: a program that gets each key of a peer on its standard input. One program of a sink runs
 * at a time, with the newest key; one that takes longer than 30 seconds gets SIGTERM, and 5 seconds later
 * SIGKILL. A peer that is removed leaves its command behind, which is called with a random key once more.
 */

#include "delivery/command_queue.h"
#include "delivery/sink.h"

extern const struct sink_ops sink_command;

/* Each command that still has the last key of a peer that has left it. error: of the last try, or empty. */
void sink_command_each_retired(const struct command_queue *queue,
                               void (*tell)(void *context, const char *label, const struct string_list *words,
                                            const char *error),
                               void *context);

/* Frees all commands that peers have left; programs that run are left alone. */
void sink_command_release_retired(struct command_queue *queue);

#endif

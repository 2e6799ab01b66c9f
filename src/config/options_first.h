#ifndef ROSENPASS_CONFIG_OPTIONS_FIRST_H
#define ROSENPASS_CONFIG_OPTIONS_FIRST_H

/* Options that stand after other arguments. */

#include <getopt.h>
#include <stddef.h>

/*
 * The number of arguments after this word that are its values, hence no options even if they begin with a
 * dash. position: the number of words before it, options not counted.
 */
typedef size_t options_first_values(const char *word, size_t position);

/*
 * Move the options among the arguments of a command to the front, each with its value, so that getopt_long()
 * with these options finds them all; words[0] is the command. The order of options, and of the rest, stays.
 * What follows "--" is no option. Without memory nothing is moved. Returns NULL, or the last argument if that
 * is an option whose value is missing.
 */
const char *options_first(int count, char **words, const char *short_options, const struct option *options,
                          options_first_values *values_after);

/* The number of arguments of an option: 2 if its value is the next one, else 1. 0: no option of these. */
size_t options_first_width(const char *word, const char *short_options, const struct option *options);

#endif

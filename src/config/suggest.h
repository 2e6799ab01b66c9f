#ifndef ROSENPASS_CONFIG_SUGGEST_H
#define ROSENPASS_CONFIG_SUGGEST_H

/* What somebody may have meant. */

#include <stddef.h>

/*
 * The candidate that is nearest to a word by letters that are missing, too many, others, or swapped
 * (Damerau-Levenshtein, adjacent swaps); "-" and "_" count as the same. NULL: none is within a third of the
 * word's length, or the word is longer than any that makes sense.
 */
const char *suggest_nearest(const char *word, const char *const *candidates, size_t count);

/* The same for a command, else the only one that begins with the word, of three letters or more. */
const char *suggest_command(const char *word, const char *const *names, size_t count);

#endif

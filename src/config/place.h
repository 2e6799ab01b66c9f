#ifndef ROSENPASS_CONFIG_PLACE_H
#define ROSENPASS_CONFIG_PLACE_H

/* Locations in a configuration, for error messages. Only src/config uses the functions. */

#include <stddef.h>

#define CONFIG_PROBLEM_BYTES 512

/* A message begins with its place: file:line: peer 2 ("office"): ... */
struct config_place {
	const char *file; /* NULL: a command line */
	unsigned line;    /* 0: none in particular */
	size_t peer;      /* its number, from 1; 0: none */
	const char *name; /* of the peer; NULL: none */
	char *problem;    /* CONFIG_PROBLEM_BYTES */
};

/* Writes the place and the rest of the message to place->problem. Always -1. */
int place_fail(const struct config_place *place, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Returns in_file for a place in a file, as_word for one on a command line. */
const char *place_call(const struct config_place *place, const char *in_file, const char *as_word);

#endif

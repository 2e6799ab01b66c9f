#ifndef ROSENPASS_CONFIG_CONFIG_VALUE_H
#define ROSENPASS_CONFIG_CONFIG_VALUE_H

/*
 * Single values of a configuration, from wherever they come: judged, and copied where they are good.
 * Within src/config only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

/* Where a value stands, for messages: file:line: peer 2 ("office"): ... */
struct config_place {
	const char *file; /* NULL: a command line */
	unsigned line;    /* 0: none in particular */
	size_t peer;      /* its number, from 1; 0: none */
	const char *name; /* that it has; NULL: none */
	char *problem;    /* CONFIG_PROBLEM_BYTES */
};

/* Writes the place and the rest of the message to place->problem. Always -1. */
int config_value_fail(const struct config_place *place, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/*
 * The functions below take a text that the user wrote for key. 0, with *out new and allocated; or -1,
 * said in the problem. What *out held before is neither read nor released.
 */

/* Anything, the empty text as well. */
int config_value_any(char **out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/* Anything but an empty text. */
int config_value_text(char **out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/*
 * A file; a ~ that stands for the home folder is replaced, and in a configuration file variables, as
 * config_variables.h has them.
 */
int config_value_path(char **out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/*
 * The mode of a file that gets keys: "0640"; or the number itself. Nobody but owner and group may write to
 * it.
 */
int config_value_mode(uint32_t *out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));
int config_value_mode_number(uint32_t *out, const struct config_place *place, const char *key, int64_t number)
	__attribute__((warn_unused_result));

/* HOST:PORT; the host is not looked up. */
int config_value_endpoint(char **out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/* The same, where port 0 means any. */
int config_value_listen(char **out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/* A peer's name: 1 to CONFIG_NAME_CHARS_MAX printable characters. */
int config_value_name(char **out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/* The name of a network interface. */
int config_value_device(char **out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/* The public key of a WireGuard peer. */
int config_value_wireguard_peer(char **out, const struct config_place *place, const char *key,
                                const char *text) __attribute__((warn_unused_result));

/* "V02" or "V03" as ROSENPASS_DIALECT_BITs. */
int config_value_dialects(uint32_t *out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/* "auto", "off", or a number in decimal or, after 0x, in hexadecimal. */
int config_value_fwmark(struct config_fwmark *out, const struct config_place *place, const char *key,
                        const char *text) __attribute__((warn_unused_result));

/* Whether a text is such a name; config_value_name() says why not. */
bool config_value_is_name(const char *text);

/* Appends a text, which becomes the list's, in any case. -1: no memory, said in the problem. */
int config_value_append(struct config_words *words, const struct config_place *place, char *text)
	__attribute__((warn_unused_result));

#endif

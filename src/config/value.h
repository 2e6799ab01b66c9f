#ifndef ROSENPASS_CONFIG_VALUE_H
#define ROSENPASS_CONFIG_VALUE_H

/*
 * Single values of a configuration, from wherever they come: judged, and copied where they are good.
 * Within src/config only.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/rosenpass_config.h"
#include "config/place.h"

/*
 * Judge a text that the user wrote for key, and copy it. 0, with *out new and allocated; or -1, said in the
 * problem. What *out held before is neither read nor released.
 */
typedef int value_fn(char **out, const struct config_place *place, const char *key, const char *text);

/* Anything, the empty text as well; anything but an empty text. */
value_fn value_any;
value_fn value_text;

/*
 * A file; a ~ that stands for the home folder is replaced, and in a configuration file variables, as
 * variables.h has them.
 */
value_fn value_path;

/* HOST:PORT; the host is not looked up. The same where we listen: port 0 means any. */
value_fn value_endpoint;
value_fn value_listen;

/* A peer's name: 1 to CONFIG_NAME_CHARS_MAX printable characters. value_is_name() does not say why not. */
value_fn value_name;
bool value_is_name(const char *text);

/* The name of a network interface. */
value_fn value_device;

/* The public key of a WireGuard peer. */
value_fn value_wireguard_peer;

/* The same for values that are no text. */

/*
 * The mode of a file that gets keys: "0640"; or the number itself. Nobody but owner and group may write to
 * it.
 */
int value_mode(uint32_t *out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));
int value_mode_number(uint32_t *out, const struct config_place *place, const char *key, int64_t number)
	__attribute__((warn_unused_result));

/* "V02" or "V03" as ROSENPASS_DIALECT_BITs. */
int value_dialects(uint32_t *out, const struct config_place *place, const char *key, const char *text)
	__attribute__((warn_unused_result));

/* "auto", "off", or a number in decimal or, after 0x, in hexadecimal. */
int value_fwmark(struct config_fwmark *out, const struct config_place *place, const char *key,
                 const char *text) __attribute__((warn_unused_result));

#endif

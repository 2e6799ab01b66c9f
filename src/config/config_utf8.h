#ifndef ROSENPASS_CONFIG_CONFIG_UTF8_H
#define ROSENPASS_CONFIG_CONFIG_UTF8_H

/* UTF-8 of strings that came from a command line, where any byte may stand. */

#include <stddef.h>
#include <stdint.h>

/* Length of the sequence at text, and its code point; 0: it is none in shortest form, or a surrogate. */
size_t config_utf8_decode(const char *text, uint32_t *point);

#endif

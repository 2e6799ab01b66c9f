#ifndef ROSENPASS_CONFIG_WIREGUARD_WORDS_H
#define ROSENPASS_CONFIG_WIREGUARD_WORDS_H

/* The words that `wg set DEVICE peer KEY ...` takes, as extra parameters and in rp. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip_prefix.h"

#define WIREGUARD_WORDS_PROBLEM_BYTES 256

struct wireguard_words {
	const char *endpoint; /* "HOST:PORT", checked for its form; NULL: none. Belongs to the words. */
	bool has_keepalive;
	uint16_t keepalive_seconds; /* "off" is 0 */
	bool has_allowed_ips;
	struct ip_prefix *allowed_ips; /* allocated */
	size_t allowed_ip_count;
};

/*
 * Reads "endpoint HOST:PORT", "persistent-keepalive N|off", "allowed-ips LIST" (as below, host bits cleared;
 * an empty list is one) in any order. -1 and problem: an unknown word (with the nearest known one), one
 * twice, or without its value, or a value of the wrong form. Nothing is to be released then.
 */
int wireguard_words_read(struct wireguard_words *out, char *const *words, size_t count,
                         char problem[static WIREGUARD_WORDS_PROBLEM_BYTES])
	__attribute__((warn_unused_result));
void wireguard_words_release(struct wireguard_words *words);

/*
 * One comma-separated list of prefixes "10.0.0.0/8", "fd00::/64", or addresses without "/", allocated;
 * blanks around them are allowed, and a list may be empty (*out is NULL then). Host bits beyond the prefix
 * are kept (keep_host, for an interface address) or cleared. The signs "+" and "-" of newer wg are refused.
 * -1 and problem.
 */
int wireguard_words_prefixes(struct ip_prefix **out, size_t *count, const char *text, bool keep_host,
                             char problem[static WIREGUARD_WORDS_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

#endif

#ifndef ROSENPASS_CONFIG_WIREGUARD_PARAMS_H
#define ROSENPASS_CONFIG_WIREGUARD_PARAMS_H

/* What `wg set DEVICE peer KEY ...` sets, as extra parameters and in rp. Zeroed memory sets nothing. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/ip_prefix.h"
#include "config/string_list.h"

#define WIREGUARD_PARAMS_PROBLEM_BYTES 256

struct wireguard_params {
	char *endpoint; /* "HOST:PORT", checked for its form, allocated; NULL: none */
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
int wireguard_params_read(struct wireguard_params *out, char *const *words, size_t count,
                          char problem[static WIREGUARD_PARAMS_PROBLEM_BYTES])
	__attribute__((warn_unused_result));
void wireguard_params_release(struct wireguard_params *params);

/* Copies them. -1: out of memory, nothing is to be released. */
int wireguard_params_copy(struct wireguard_params *out, const struct wireguard_params *from)
	__attribute__((warn_unused_result));

/* Returns true if both set the same; allowed IPs may be in any order. */
bool wireguard_params_equal(const struct wireguard_params *a, const struct wireguard_params *b);

/*
 * Lists the words that are read as the same. -1: out of memory. The list is to be released in any case.
 */
int wireguard_params_list(struct string_list *out, const struct wireguard_params *params)
	__attribute__((warn_unused_result));

/*
 * One comma-separated list of prefixes "10.0.0.0/8", "fd00::/64", or addresses without "/", allocated;
 * blanks around them are allowed, and a list may be empty (*out is NULL then). Host bits beyond the prefix
 * are kept (keep_host, for an interface address) or cleared. The signs "+" and "-" of newer wg are refused.
 * -1 and problem.
 */
int wireguard_params_prefixes(struct ip_prefix **out, size_t *count, const char *text, bool keep_host,
                              char problem[static WIREGUARD_PARAMS_PROBLEM_BYTES])
	__attribute__((warn_unused_result));

#endif

#ifndef ROSENPASS_DAEMON_PREFIX_H
#define ROSENPASS_DAEMON_PREFIX_H

/* Prefixes as the configuration reads them, for WireGuard. */

#include "config/wireguard_words.h"
#include "wireguard/wireguard.h"

/* Allocated, also for none; NULL: no memory. */
struct wireguard_allowed_ip *prefix_convert(const struct wireguard_words_prefix *prefixes, size_t count);

/* Whether two lists hold the same prefixes, in any order: WireGuard has its own. */
bool prefix_same(const struct wireguard_allowed_ip *a, size_t a_count, const struct wireguard_allowed_ip *b,
                 size_t b_count);

#endif

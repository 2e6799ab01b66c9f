#ifndef TESTS_UNIT_WIREGUARD_FIXTURE_H
#define TESTS_UNIT_WIREGUARD_FIXTURE_H

/* What the tests of WireGuard share: keys of one byte over and over, and prefixes. */

#include "fixture.h"

#include <arpa/inet.h>

#include "wireguard/wireguard.h"

static inline void set_key(uint8_t key[static WIREGUARD_KEY_BYTES], uint8_t number)
{
	memset(key, number, WIREGUARD_KEY_BYTES);
}

static inline bool is_key(const uint8_t key[static WIREGUARD_KEY_BYTES], uint8_t number)
{
	uint8_t expected[WIREGUARD_KEY_BYTES];

	set_key(expected, number);
	return memcmp(key, expected, sizeof expected) == 0;
}

static inline struct ip_prefix ip_of(const char *text, uint8_t bits)
{
	struct ip_prefix ip = { .family = strchr(text, ':') == NULL ? AF_INET : AF_INET6 };

	ip.bits = bits;
	assert_int_equal(inet_pton(ip.family, text, &ip.v6), 1);
	return ip;
}

static inline bool same_ip(const struct ip_prefix *a, const struct ip_prefix *b)
{
	return a->family == b->family && a->bits == b->bits &&
	       memcmp(&a->v6, &b->v6, a->family == AF_INET ? sizeof a->v4 : sizeof a->v6) == 0;
}

#endif

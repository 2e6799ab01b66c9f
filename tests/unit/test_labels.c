#include "fixture.h"

#include "protocol/labels.h"

#define PATH_MAX_PARTS 4

static const struct {
	enum label label;
	const char *path[PATH_MAX_PARTS]; /* up to the first NULL */
} table[] = {
	{ LABEL_MAC, { "mac" } },
	{ LABEL_COOKIE, { "cookie" } },
	{ LABEL_COOKIE_VALUE, { "cookie-value" } },
	{ LABEL_COOKIE_KEY, { "cookie-key" } },
	{ LABEL_PEER_ID, { "peer id" } },
	{ LABEL_BISCUIT_AD, { "biscuit additional data" } },
	{ LABEL_CK_INIT, { "chaining key init" } },
	{ LABEL_MIX, { "chaining key extract", "mix" } },
	{ LABEL_HS_ENC, { "chaining key extract", "handshake encryption" } },
	{ LABEL_INI_ENC, { "chaining key extract", "initiator handshake encryption" } },
	{ LABEL_RES_ENC, { "chaining key extract", "responder handshake encryption" } },
	{ LABEL_USER, { "chaining key extract", "user" } },
	{ LABEL_WIREGUARD_PSK, { "chaining key extract", "user", "rosenpass.eu", "wireguard psk" } },
};

static const char *const protocols[KEYED_HASH_COUNT] = {
	[KEYED_HASH_BLAKE2B] = "Rosenpass v1 mceliece460896 Kyber512 ChaChaPoly1305 BLAKE2s",
	[KEYED_HASH_SHAKE256] = "Rosenpass v1 mceliece460896 Kyber512 ChaChaPoly1305 SHAKE256",
};

static void descend(enum keyed_hash hash, uint8_t node[static LABEL_BYTES], const char *text)
{
	keyed_hash(hash, node, node, (const uint8_t *)text, strlen(text));
}

static void test_every_constant(void **state)
{
	(void)state;
	assert_int_equal(FIXTURE_COUNT(table), LABEL_COUNT);
	for (int hash = 0; hash < KEYED_HASH_COUNT; hash++) {
		bool seen[LABEL_COUNT] = { false };

		for (size_t i = 0; i < FIXTURE_COUNT(table); i++) {
			uint8_t node[LABEL_BYTES] = { 0 };

			descend((enum keyed_hash)hash, node, protocols[hash]);
			for (size_t part = 0; part < PATH_MAX_PARTS && table[i].path[part] != NULL; part++)
				descend((enum keyed_hash)hash, node, table[i].path[part]);
			assert_memory_equal(labels[hash][table[i].label], node, LABEL_BYTES);
			assert_false(seen[table[i].label]);
			seen[table[i].label] = true;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_constant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

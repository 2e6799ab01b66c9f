#ifndef TESTS_UNIT_MCELIECE_FIXTURE_H
#define TESTS_UNIT_MCELIECE_FIXTURE_H

/* What the tests of McEliece key generation share. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "crypto/keccak.h"
#include "crypto/mceliece460896.h"
#include "crypto/mceliece460896/bytes.h"
#include "crypto/mceliece460896/control_bits.h"
#include "crypto/mceliece460896/elimination.h"
#include "crypto/mceliece460896/goppa.h"
#include "crypto/mceliece460896/params.h"
#include "crypto/mceliece460896/sort.h"

#define VECTORS_FILE TEST_DATA_DIR "/vectors/mceliece460896.json"
#define KEYS TEST_DATA_DIR "/vectors/keys/"

#define PK_BYTES MCELIECE460896_PUBLIC_KEY_BYTES
#define SK_BYTES MCELIECE460896_SECRET_KEY_BYTES
#define SEED_BYTES MCELIECE460896_SEED_BYTES
#define SK_GOPPA_OFFSET 40
#define SK_CONTROL_BITS_OFFSET 232

/* The same numbers on every run: splitmix64. */
static uint64_t random_state;

static inline uint64_t random_u64(void)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static inline void *allocate(size_t len)
{
	void *p = aligned_alloc(64, (len + 63) / 64 * 64);

	assert_non_null(p);
	memset(p, 0xa5, len);
	return p;
}

static inline uint8_t *read_key(const char *name, const char *suffix, size_t len)
{
	char path[sizeof KEYS + 64];
	uint8_t *key = allocate(len);
	FILE *file;

	snprintf(path, sizeof path, KEYS "%s.%s", name, suffix);
	file = fopen(path, "rb");
	assert_non_null(file);
	assert_int_equal(fread(key, 1, len, file), len);
	fclose(file);
	return key;
}

#endif

#ifndef TESTS_UNIT_FIXTURE_H
#define TESTS_UNIT_FIXTURE_H

/*
 * What the unit tests of small concepts share: numbers that look random and are the
 * same in every run, sources of random bytes and of memory that fail when told to,
 * and the files of tests/data. A test names what it includes of it by using it.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "crypto/random.h"
#include "base/memory.h"

#define FIXTURE_SECOND_NS UINT64_C(1000000000)
#define FIXTURE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* SplitMix64: passes over all 2^64 states. */
static inline uint64_t fixture_number(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static inline size_t fixture_below(uint64_t *state, size_t limit)
{
	return (size_t)(fixture_number(state) % limit);
}

static inline void fixture_fill(uint64_t *state, uint8_t *out, size_t out_len)
{
	for (size_t i = 0; i < out_len; i++)
		out[i] = (uint8_t)(fixture_number(state) >> 56);
}

static inline bool fixture_is_zero(const void *p, size_t len)
{
	const uint8_t *bytes = p;

	for (size_t i = 0; i < len; i++) {
		if (bytes[i] != 0)
			return false;
	}
	return true;
}

/* A random source. fails_at: the call that fails, counted from 1; 0: none. */
struct fixture_random {
	uint64_t state;
	unsigned calls;
	unsigned fails_at;
};

static inline int fixture_random_fill(void *context, uint8_t *out, size_t out_len)
{
	struct fixture_random *random = context;

	if (++random->calls == random->fails_at)
		return -1;
	fixture_fill(&random->state, out, out_len);
	return 0;
}

static inline struct random_source fixture_random_source(struct fixture_random *random)
{
	return (struct random_source){ fixture_random_fill, random };
}

/* An allocator that counts. fails_at as above. */
struct fixture_memory {
	unsigned calls;
	unsigned fails_at;
	int live;
	size_t live_bytes;
	bool released_dirty; /* something was released that had not been wiped */
};

static inline void *fixture_allocate(void *context, size_t bytes)
{
	struct fixture_memory *memory = context;
	void *p;

	if (++memory->calls == memory->fails_at)
		return NULL;
	p = calloc(1, bytes);
	assert_non_null(p);
	memory->live++;
	memory->live_bytes += bytes;
	return p;
}

static inline void fixture_release(void *context, void *p, size_t bytes)
{
	struct fixture_memory *memory = context;

	if (!fixture_is_zero(p, bytes))
		memory->released_dirty = true;
	memory->live--;
	memory->live_bytes -= bytes;
	free(p);
}

static inline struct memory fixture_memory_source(struct fixture_memory *memory)
{
	return (struct memory){ fixture_allocate, fixture_release, memory };
}

/* To be called at the end of a test: everything is back, and was wiped. */
static inline void fixture_memory_check(const struct fixture_memory *memory)
{
	assert_int_equal(memory->live, 0);
	assert_int_equal(memory->live_bytes, 0);
	assert_false(memory->released_dirty);
}

#ifdef TEST_DATA_DIR
/* Reads vectors/keys/NAME below tests/data, which must hold exactly that many bytes. */
static inline void fixture_load_key(const char *name, uint8_t *out, size_t out_len)
{
	char path[512];
	FILE *file;
	int printed = snprintf(path, sizeof path, "%s/vectors/keys/%s", TEST_DATA_DIR, name);

	assert_true(printed > 0 && (size_t)printed < sizeof path);
	file = fopen(path, "rb");
	if (file == NULL || fread(out, 1, out_len, file) != out_len || fgetc(file) != EOF)
		fail_msg("%s does not hold %zu bytes", path, out_len);
	(void)fclose(file);
}
#endif

/* The value of a hexadecimal digit, -1 for anything else. */
static inline int fixture_hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Writes the bytes that exactly 2 * out_len lower-case digits stand for. */
static inline void fixture_hex(const char *hex, uint8_t *out, size_t out_len)
{
	assert_non_null(hex);
	assert_int_equal(strlen(hex), 2 * out_len);
	for (size_t i = 0; i < out_len; i++) {
		int high = fixture_hex_digit(hex[2 * i]);
		int low = fixture_hex_digit(hex[2 * i + 1]);

		assert_true(high >= 0 && low >= 0);
		out[i] = (uint8_t)(high << 4 | low);
	}
}

#endif

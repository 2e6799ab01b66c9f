/* usage: ct_main PART...
 * Runs the named parts on secrets that are marked as undefined memory, so that valgrind's memcheck reports
 * every branch and every index made from them. To be compiled with ROSENPASS_CT_TEST and run by tests/ct/run.
 * Exit status: 1 when a result is wrong, 2 for wrong usage, else what valgrind says. */

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <valgrind/memcheck.h>

#include "crypto/ct.h"
#include "ct_parts.h"

static const char *part_name = "ct_main";

void ct_fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", part_name, what);
	exit(EXIT_FAILURE);
}

void ct_expect(bool condition, const char *what)
{
	if (!condition)
		ct_fail(what);
}

/* Whether any bit of the bytes counts as secret. */
static bool is_secret(const void *p, size_t len)
{
	uint8_t bits[256];

	for (size_t done = 0; done < len; done += sizeof bits) {
		size_t some = len - done < sizeof bits ? len - done : sizeof bits;

		if (VALGRIND_GET_VBITS((const uint8_t *)p + done, bits, some) != 1)
			ct_fail("valgrind does not tell what is secret");
		for (size_t i = 0; i < some; i++) {
			if (bits[i] != 0)
				return true;
		}
	}
	return false;
}

void ct_expect_secret(const void *p, size_t len, const char *what)
{
	if (!is_secret(p, len)) {
		fprintf(stderr, "%s: %s is not secret\n", part_name, what);
		exit(EXIT_FAILURE);
	}
	ct_declassify(p, len);
}

void ct_expect_public(const void *p, size_t len, const char *what)
{
	if (is_secret(p, len)) {
		fprintf(stderr, "%s: %s is not declassified\n", part_name, what);
		exit(EXIT_FAILURE);
	}
}

int ct_fill(void *context, uint8_t *out, size_t out_len)
{
	uint8_t *number = context;

	for (size_t i = 0; i < out_len; i++)
		out[i] = (uint8_t)(*number + 151 * i);
	++*number;
	return 0;
}

void ct_secret_bytes(uint8_t *out, size_t out_len)
{
	uint8_t number = 1;

	(void)ct_fill(&number, out, out_len);
	ct_secret(out, out_len);
}

uint8_t *ct_allocate(size_t len)
{
	uint8_t *memory = aligned_alloc(64, (len + 63) / 64 * 64);

	ct_expect(memory != NULL, "out of memory");
	return memory;
}

uint8_t *ct_read_key(const char *name, size_t len)
{
	char path[512];
	FILE *file;
	uint8_t *key = ct_allocate(len);

	(void)snprintf(path, sizeof path, "%s/vectors/keys/%s", TEST_DATA_DIR, name);
	file = fopen(path, "rb");
	ct_expect(file != NULL && fread(key, 1, len, file) == len, path);
	fclose(file);
	return key;
}

static const struct {
	const char *name;
	void (*run)(void);
} parts[] = {
	{ "self-check", ct_run_self_check },
	{ "keccak", ct_run_keccak },
	{ "blake2b", ct_run_blake2b },
	{ "keyed-hash", ct_run_keyed_hash },
	{ "aead", ct_run_aead },
	{ "kyber512", ct_run_kyber512 },
	{ "mceliece", ct_run_mceliece },
	{ "mceliece-keygen", ct_run_mceliece_keygen },
	{ "keys", ct_run_keys },
	{ "handshake", ct_run_handshake },
	{ "forgeries", ct_run_forgeries },
	{ "load", ct_run_load },
	{ "hours", ct_run_hours },
};

static bool run_part(const char *name)
{
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		if (strcmp(parts[i].name, name) == 0) {
			part_name = name;
			parts[i].run();
			return true;
		}
	}
	fprintf(stderr, "ct_main: there is no part %s\n", name);
	return false;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		fprintf(stderr, "usage: ct_main PART...\nparts:");
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
			fprintf(stderr, " %s", parts[i].name);
		fputc('\n', stderr);
		return 2;
	}
	if (!RUNNING_ON_VALGRIND) {
		fprintf(stderr, "ct_main: without valgrind nothing would be tested\n");
		return 2;
	}
	/* Picks the code for this CPU, as the programs do. */
	if (sodium_init() < 0) {
		fprintf(stderr, "ct_main: libsodium does not start\n");
		return 1;
	}
	for (int i = 1; i < argc; i++) {
		if (!run_part(argv[i]))
			return 2;
	}
	return EXIT_SUCCESS;
}

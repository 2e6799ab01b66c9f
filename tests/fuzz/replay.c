/*
 * usage: TARGET                 runs the seeds, and MUTATIONS changed ones of each
 *        TARGET run FILE...     runs these inputs
 *        TARGET seeds FOLDER    writes the seeds into an existing folder
 * Exit status: 0, 1 when a file cannot be read or written, 2 for wrong usage; a broken promise aborts.
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

#define MUTATIONS 4

/* Longer than any input, to see that a file is too long. */
static uint8_t input[FUZZ_INPUT_MAX + 1];

/* The input in memory of exactly its size, so that sanitizers see what lies beyond. */
static void run(size_t size)
{
	uint8_t *exact = malloc(size > 0 ? size : 1);

	if (exact == NULL)
		exit(EXIT_FAILURE);
	memcpy(exact, input, size);
	(void)LLVMFuzzerTestOneInput(exact, size);
	free(exact);
}

static uint32_t next(uint64_t *state)
{
	*state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(*state >> 33);
}

/* Changes some bytes, and cuts some off now and then. */
static size_t mutate(uint64_t *state, size_t size)
{
	for (uint32_t n = 1 + next(state) % 4; n > 0; n--)
		input[next(state) % size] = (uint8_t)next(state);
	return next(state) % 4 == 0 ? 1 + next(state) % size : size;
}

static int run_seeds(void)
{
	uint64_t state = 1;
	size_t count = 0;
	size_t size;

	for (; (size = fuzz_seed(count, input, FUZZ_INPUT_MAX)) > 0; count++) {
		run(size);
		for (int i = 0; i < MUTATIONS; i++) {
			size = fuzz_seed(count, input, FUZZ_INPUT_MAX);
			run(mutate(&state, size));
		}
	}
	printf("%zu seeds and %zu changed ones\n", count, count * MUTATIONS);
	return count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool run_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	size_t size;

	if (file == NULL) {
		perror(path);
		return false;
	}
	size = fread(input, 1, sizeof input, file);
	(void)fclose(file);
	if (size > FUZZ_INPUT_MAX) {
		fprintf(stderr, "%s: longer than %d bytes\n", path, FUZZ_INPUT_MAX);
		return false;
	}
	run(size);
	return true;
}

static bool write_file(const char *folder, size_t number, size_t size)
{
	char path[4096];
	int printed = snprintf(path, sizeof path, "%s/seed-%02zu", folder, number);
	FILE *file = NULL;
	bool written;

	if (printed > 0 && (size_t)printed < sizeof path)
		file = fopen(path, "wb");
	if (file == NULL) {
		perror(folder);
		return false;
	}
	written = fwrite(input, 1, size, file) == size;
	written = fclose(file) == 0 && written;
	return written;
}

static int write_seeds(const char *folder)
{
	size_t size;

	for (size_t i = 0; (size = fuzz_seed(i, input, FUZZ_INPUT_MAX)) > 0; i++) {
		if (!write_file(folder, i, size))
			return EXIT_FAILURE;
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	bool ok = true;

	if (argc == 1)
		return run_seeds();
	if (argc == 3 && strcmp(argv[1], "seeds") == 0)
		return write_seeds(argv[2]);
	if (argc < 3 || strcmp(argv[1], "run") != 0) {
		fprintf(stderr, "usage: %s [run FILE... | seeds FOLDER]\n", argv[0]);
		return 2;
	}
	for (int i = 2; i < argc; i++)
		ok = run_file(argv[i]) && ok;
	return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

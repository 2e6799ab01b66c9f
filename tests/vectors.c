/* usage: vectors FOLDER
 * Runs all test vectors in FOLDER: a line per file on standard output, the reason of each failure on standard
 * error. Exit status: 0 when all passed, 1 when one failed or could not be read, 2 for wrong usage. */

#include <stdio.h>
#include <stdlib.h>

#include "vectors_util.h"

static const struct {
	const char *file;
	vectors_handler *handler;
} table[] = {
	{ "keyed_hash.json", vectors_keyed_hash },         { "kyber512.json", vectors_kyber512 },
	{ "mceliece460896.json", vectors_mceliece460896 }, { "cookie.json", vectors_cookie },
	{ "handshake.json", vectors_handshake },
};

/* One file. One that is missing or malformed counts as one failure. */
static void run_file(struct vectors_run *run, vectors_handler *handler)
{
	char path[4096];
	int printed = snprintf(path, sizeof path, "%s/%s", run->folder, run->file);
	json_error_t error = { .text = "the path is too long" };
	json_t *root = NULL;

	if (printed >= 0 && (size_t)printed < sizeof path)
		root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
	if (root == NULL) {
		fprintf(stderr, "%s: %s (line %d)\n", path, error.text, error.line);
		run->failed++;
	} else {
		handler(run, root);
	}
	json_decref(root);
	printf("%s: %zu passed, %zu failed\n", run->file, run->passed, run->failed);
	fflush(stdout);
}

int main(int argc, char **argv)
{
	size_t passed = 0;
	size_t failed = 0;

	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: %s FOLDER\n", argc > 0 ? argv[0] : "vectors");
		return 2;
	}
	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct vectors_run run = { .folder = argv[1], .file = table[i].file, .section = "" };

		run_file(&run, table[i].handler);
		passed += run.passed;
		failed += run.failed;
	}
	printf("%zu passed, %zu failed\n", passed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

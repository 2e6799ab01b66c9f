/*
 * Linked into every unit test: TEST_FILTER in the environment names the cases to run, with * and ? as in
 * names of files. scripts/mutants.sh tries a mutant with the one case that has to notice it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

__attribute__((constructor)) static void take_filter(void)
{
	const char *pattern = getenv("TEST_FILTER");

	if (pattern != NULL)
		cmocka_set_test_filter(pattern);
}

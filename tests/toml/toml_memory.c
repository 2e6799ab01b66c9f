/*
 * usage: toml_memory
 * Lets each allocation of the TOML reader fail, one after the other: the text has to be refused with "out of
 * memory", and all memory given back. Linked with --wrap for the functions below. Prints what failed
 * and "N passed, N failed".
 */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/toml.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
void __wrap_free(void *p);

static unsigned calls;
static unsigned fails_at; /* counted from 1; 0: none */
static int live;

static bool fails(void)
{
	return ++calls == fails_at;
}

/* A new block, or one that replaces p. */
static void *count(void *result, const void *p)
{
	if (result != NULL && p == NULL)
		live++;
	return result;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : count(__real_malloc(size), NULL);
}

void *__wrap_calloc(size_t items, size_t size)
{
	return fails() ? NULL : count(__real_calloc(items, size), NULL);
}

void *__wrap_realloc(void *p, size_t size)
{
	bool is_new = p == NULL;

	return fails() ? NULL : count(__real_realloc(p, size), is_new ? NULL : "");
}

void *__wrap_reallocarray(void *p, size_t items, size_t size)
{
	bool is_new = p == NULL;

	return fails() ? NULL : count(__real_reallocarray(p, items, size), is_new ? NULL : "");
}

void __wrap_free(void *p)
{
	if (p != NULL)
		live--;
	__real_free(p);
}

/* Whether the reader did right with the allocation that fails; *more: there was one that did. */
static bool run(const char *text, unsigned number, bool *more)
{
	struct toml_problem problem;
	struct toml_value root;
	int result;

	calls = 0;
	fails_at = number;
	live = 0;
	result = toml_parse(&root, text, strlen(text), &problem);
	*more = calls >= number;
	fails_at = 0;
	if (result == 0) {
		toml_release(&root);
		return !*more && live == 0;
	}
	return *more && live == 0 && strcmp(problem.text, "out of memory") == 0 && problem.line > 0;
}

#define TEN_KEYS(x) \
	x "0=1\n" x "1=1\n" x "2=1\n" x "3=1\n" x "4=1\n" x "5=1\n" x "6=1\n" x "7=1\n" x "8=1\n" x "9=1\n"
#define MANY_KEYS TEN_KEYS("a") TEN_KEYS("b") TEN_KEYS("c") TEN_KEYS("d")

int main(void)
{
	static const char *const texts[] = {
		"a = 1\n\"b\".'c'.d = \"x\"\n",
		"a = [[], [1, 2.5, 0x1F, true], ['x', \"y\\u00e9\", {b.c = 1, d = {}}]]\n",
		"a = 1979-05-27 07:32:00.5Z\nb = 1979-05-27\nc = 07:32:00\nd = inf\n",
		"a = \"\"\"\nlonger than the first piece of memory for texts\"\"\"\nb = '''\n'''\n",
		"[a.b]\nx = 1\n[a]\ny = 2\n[[c.d]]\n[c.d.e]\nz = 3\n[[c.d]]\n[[c.d]]\n",
		/* So many keys that the table gets an index, and a larger one. */
		MANY_KEYS,
	};
	unsigned passed = 0;
	unsigned failed = 0;

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		bool more = true;

		for (unsigned number = 1; more; number++) {
			if (run(texts[i], number, &more)) {
				passed++;
			} else {
				failed++;
				printf("FAIL  text %zu, allocation %u\n", i, number);
			}
		}
	}
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

#ifndef TESTS_UNIT_ALLOCATION_FIXTURE_H
#define TESTS_UNIT_ALLOCATION_FIXTURE_H

/* Allocations that fail when told to and are counted. The test is linked with --wrap for each of them. */

#include "fixture.h"

#include <errno.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
FILE *__real_open_memstream(char **text, size_t *size);
void __real_free(void *p);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);
FILE *__wrap_open_memstream(char **text, size_t *size);
int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap___asprintf_chk(char **out, int flag, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void __wrap_free(void *p);

static unsigned calls;
static unsigned fails_at; /* counted from 1; 0: none */
static int live;

static bool fails(void)
{
	if (++calls != fails_at)
		return false;
	errno = ENOMEM;
	return true;
}

/* A new block, or one that replaces another. */
static void *count(void *result, bool is_new)
{
	live += result != NULL && is_new;
	return result;
}

void *__wrap_malloc(size_t size)
{
	return fails() ? NULL : count(__real_malloc(size), true);
}

void *__wrap_calloc(size_t items, size_t size)
{
	return fails() ? NULL : count(__real_calloc(items, size), true);
}

void *__wrap_realloc(void *p, size_t size)
{
	bool is_new = p == NULL;

	return fails() ? NULL : count(__real_realloc(p, size), is_new);
}

void *__wrap_reallocarray(void *p, size_t items, size_t size)
{
	bool is_new = p == NULL;

	return fails() ? NULL : count(__real_reallocarray(p, items, size), is_new);
}

char *__wrap_strdup(const char *text)
{
	return fails() ? NULL : count(__real_strdup(text), true);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fails() ? NULL : count(__real_strndup(text, size), true);
}

/* Its text is freed by the caller. */
FILE *__wrap_open_memstream(char **text, size_t *size)
{
	return fails() ? NULL : count(__real_open_memstream(text, size), true);
}

static int print(char **out, const char *format, va_list arguments)
{
	int result = fails() ? -1 : vasprintf(out, format, arguments);

	live += result >= 0;
	return result;
}

int __wrap_asprintf(char **out, const char *format, ...)
{
	va_list arguments;
	int result;

	va_start(arguments, format);
	result = print(out, format, arguments);
	va_end(arguments);
	return result;
}

int __wrap___asprintf_chk(char **out, int flag, const char *format, ...)
{
	va_list arguments;
	int result;

	(void)flag;
	va_start(arguments, format);
	result = print(out, format, arguments);
	va_end(arguments);
	return result;
}

void __wrap_free(void *p)
{
	live -= p != NULL;
	__real_free(p);
}

#endif

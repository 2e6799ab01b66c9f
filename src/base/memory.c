#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/ct.h"

static void *libc_allocate(void *context, size_t bytes)
{
	(void)context;
	return calloc(1, bytes);
}

static void libc_release(void *context, void *p, size_t bytes)
{
	(void)context;
	(void)bytes;
	free(p);
}

struct memory memory_of_libc(void)
{
	return (struct memory){ libc_allocate, libc_release, NULL };
}

void *memory_get(const struct memory *memory, size_t bytes)
{
	void *p = memory->allocate(memory->context, bytes);

	/* The C library has done it already. */
	if (p != NULL && memory->allocate != libc_allocate)
		memset(p, 0, bytes);
	return p;
}

void memory_put(const struct memory *memory, void *p, size_t bytes)
{
	if (p == NULL)
		return;
	ct_wipe(p, bytes);
	memory->release(memory->context, p, bytes);
}

#include "protocol/memory.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/ct.h"
#include "protocol/sized.h"

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

int environment_read(struct rosenpass_environment *environment, const struct rosenpass_environment *callers)
{
	if (!sized_read(environment, sizeof *environment, SIZED_ENVIRONMENT, callers) ||
	    environment->random == NULL || (environment->allocate != NULL && environment->release == NULL))
		return -1;
	return 0;
}

struct memory memory_from_environment(const struct rosenpass_environment *environment)
{
	struct memory memory = { libc_allocate, libc_release, NULL };

	if (environment->allocate != NULL) {
		memory.allocate = environment->allocate;
		memory.release = environment->release;
		memory.context = environment->memory_context;
	}
	return memory;
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

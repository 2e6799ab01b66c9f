#include "system/secret_memory.h"

#include <errno.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#define ALIGNMENT 64

void *secret_memory_allocate(void *context, size_t bytes)
{
	void *memory;

	(void)context;
	if (bytes > SIZE_MAX - ALIGNMENT)
		return NULL;
	/* It ends at a page's end: only a multiple of the alignment is aligned. */
	bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
	memory = sodium_malloc(bytes);
	if (memory != NULL)
		memset(memory, 0, bytes);
	return memory;
}

void secret_memory_release(void *context, void *memory, size_t bytes)
{
	(void)context;
	(void)bytes;
	sodium_free(memory);
}

int secret_memory_protect_process(void)
{
	static const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return -errno;
	return 0;
}

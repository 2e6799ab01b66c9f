#include "protocol/environment.h"

#include <stddef.h>

#include "protocol/sized.h"

int environment_read(struct rosenpass_environment *environment, const struct rosenpass_environment *callers)
{
	if (!sized_read(environment, sizeof *environment, SIZED_ENVIRONMENT, callers) ||
	    environment->random == NULL || (environment->allocate != NULL && environment->release == NULL))
		return -1;
	return 0;
}

struct memory environment_memory(const struct rosenpass_environment *environment)
{
	if (environment->allocate == NULL)
		return memory_of_libc();
	return (struct memory){ environment->allocate, environment->release, environment->memory_context };
}

#include "protocol/sized.h"

#include <string.h>

/* The first member of each of these structs. */
static size_t size_of(const void *callers)
{
	size_t size;

	memcpy(&size, callers, sizeof size);
	return size;
}

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

bool sized_read(void *own, size_t own_size, size_t first, const void *callers)
{
	const unsigned char *bytes = callers;
	size_t size;

	if (callers == NULL || size_of(callers) < first)
		return false;
	size = size_of(callers);
	for (size_t i = own_size; i < size; i++) {
		if (bytes[i] != 0)
			return false;
	}
	memset(own, 0, own_size);
	memcpy(own, callers, smaller(size, own_size));
	return true;
}

bool sized_can_write(const void *callers, size_t first)
{
	return callers != NULL && size_of(callers) >= first;
}

void sized_write(void *callers, const void *own, size_t own_size)
{
	unsigned char *bytes = callers;
	size_t size = size_of(callers);
	size_t known = smaller(size, own_size);

	memcpy(bytes + sizeof size, (const unsigned char *)own + sizeof size, known - sizeof size);
	memset(bytes + known, 0, size - known);
}

#ifndef TESTS_CT_HEADERS_STRING_H
#define TESTS_CT_HEADERS_STRING_H

#include <stddef.h>

void *memcpy(void *to, const void *from, size_t len);
void *memset(void *to, int value, size_t len);

#endif

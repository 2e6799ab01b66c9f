#ifndef ROSENPASS_SYSTEM_ENTROPY_H
#define ROSENPASS_SYSTEM_ENTROPY_H

/* Random bytes from the kernel. */

#include <stddef.h>
#include <stdint.h>

/* Fills out; 0, or -1 when the kernel gives none. context is not used. A rosenpass_random_fn. */
int entropy_fill(void *context, uint8_t *out, size_t out_len);

#endif

#ifndef ROSENPASS_SYSTEM_SECRET_MEMORY_H
#define ROSENPASS_SYSTEM_SECRET_MEMORY_H

/*
 * Memory for secrets: between guard pages, locked where the limits allow it, left out
 * of core dumps (libsodium's sodium_malloc). The functions fit rosenpass_environment.
 */

#include <stddef.h>

/* Zeroed, aligned to 64 bytes; NULL when there is none. context is not used. */
void *secret_memory_allocate(void *context, size_t bytes);

/* Wipes and releases. NULL is allowed. */
void secret_memory_release(void *context, void *memory, size_t bytes);

/* Core dumps and other processes of the same user may not read this process. 0 or negative errno. */
int secret_memory_protect_process(void);

#endif

#ifndef ROSENPASS_PROTOCOL_SIZED_H
#define ROSENPASS_PROTOCOL_SIZED_H

/*
 * Structs that cross the interface begin with their size, as the caller knows them: the caller may have been
 * compiled with an older or a newer header than the library. Here they are copied to and from the library's
 * own form, within the bounds of both.
 */

#include <stdbool.h>
#include <stddef.h>

#include "rosenpass.h"

/*
 * The sizes of version 1, the smallest that are valid. When a member is added to one of the structs, its line
 * here becomes the offset of that member.
 */
enum sized_first {
	SIZED_ENVIRONMENT = sizeof(struct rosenpass_environment),
	SIZED_CONFIG = sizeof(struct rosenpass_config),
	SIZED_PEER_CONFIG = sizeof(struct rosenpass_peer_config),
	SIZED_DATAGRAM = sizeof(struct rosenpass_datagram),
	SIZED_OUTPUT = sizeof(struct rosenpass_output),
	SIZED_PEER_INFO = sizeof(struct rosenpass_peer_info),
	SIZED_STATS = offsetof(struct rosenpass_stats, random_failures),
};

/*
 * Reads the caller's struct, which may be NULL, into ours of own_size bytes; what the caller does not know is
 * zero. first: the size in version 1. Returns false if the caller's size is smaller than that, or if
 * something is set that we do not know.
 */
bool sized_read(void *own, size_t own_size, size_t first, const void *callers)
	__attribute__((warn_unused_result));

/* Whether the caller's struct, which may be NULL, can be written to. */
bool sized_can_write(const void *callers, size_t first);

/* Writes our struct to the caller's, whose size stays as it is; what we do not know is set to zero. */
void sized_write(void *callers, const void *own, size_t own_size);

#endif

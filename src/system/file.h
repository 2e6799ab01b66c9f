#ifndef ROSENPASS_SYSTEM_FILE_H
#define ROSENPASS_SYSTEM_FILE_H

/* Whole files, read with a limit and written so that no reader ever sees a part. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Reads a whole file of at most out_size bytes and sets *length. 0; -EFBIG when it is
 * longer; else negative errno. After an error out is wiped.
 */
int file_read(const char *path, uint8_t *out, size_t out_size, size_t *length)
	__attribute__((warn_unused_result));

enum file_existing {
	FILE_KEEP_EXISTING, /* -EEXIST when something has that name */
	FILE_REPLACE,
};

/*
 * Writes data under a temporary name in the same folder and gives it its name when it
 * is on disk. 0 or negative errno; then nothing has changed. What is no file (a device,
 * a pipe, a socket, or a link into /proc as /dev/stdout is) is never replaced: -EINVAL.
 * A folder is not either: -EISDIR.
 */
int file_write(const char *path, const uint8_t *data, size_t length, mode_t mode, enum file_existing existing)
	__attribute__((warn_unused_result));

bool file_exists(const char *path);

#endif

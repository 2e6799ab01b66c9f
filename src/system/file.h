#ifndef ROSENPASS_SYSTEM_FILE_H
#define ROSENPASS_SYSTEM_FILE_H

/* Whole files, read with a limit and written so that no reader ever sees a part. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/file_temporary.h"

/*
 * Reads a whole file of at most out_size bytes and sets *length. 0; -EFBIG when it is
 * longer; else negative errno. After an error out is wiped.
 */
int file_read(const char *path, uint8_t *out, size_t out_size, size_t *length)
	__attribute__((warn_unused_result));

/*
 * 0 when a file can be put at path as far as can be told: there is a file, or nothing. What is
 * no file (a device, a pipe, a socket, or a link into /proc as /dev/stdout is) is never
 * replaced: -EINVAL. A folder is not either: -EISDIR.
 */
int file_check_place(const char *path) __attribute__((warn_unused_result));

/* A file on disk under a temporary name, in the folder of the one that it is to become. */
struct file_prepared {
	const char *path;
	struct file_temporary file;
};

enum file_existing {
	FILE_KEEP_EXISTING, /* -EEXIST when something has that name */
	FILE_REPLACE,
};

/*
 * Writes data under a temporary name. 0, then one of the next two is to be called and path
 * has to stay; or negative errno (as of file_check_place() too): then nothing is left behind.
 */
int file_prepare(struct file_prepared *prepared, const char *path, const uint8_t *data, size_t length,
                 mode_t mode) __attribute__((warn_unused_result));

/* Gives it its name. 0 or negative errno; then it is removed and nothing else has changed. */
int file_place(struct file_prepared *prepared, enum file_existing existing)
	__attribute__((warn_unused_result));

/* Removes it. */
void file_discard(struct file_prepared *prepared);

/* Prepares and places. 0 or negative errno; then nothing has changed. */
int file_write(const char *path, const uint8_t *data, size_t length, mode_t mode, enum file_existing existing)
	__attribute__((warn_unused_result));

bool file_exists(const char *path);

#endif

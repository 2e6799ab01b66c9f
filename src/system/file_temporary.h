#ifndef ROSENPASS_SYSTEM_FILE_TEMPORARY_H
#define ROSENPASS_SYSTEM_FILE_TEMPORARY_H

/*
 * Temporary files, written beside the file whose name they get. Each is locked (flock) until then, so that
 * one which a killed process has left is told from one that is being written.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define FILE_TEMPORARY_PREFIX ".rosenpass-"
#define FILE_TEMPORARY_RANDOM_CHARS 6

struct file_temporary {
	int directory; /* of the caller */
	int fd;
	char name[sizeof FILE_TEMPORARY_PREFIX + FILE_TEMPORARY_RANDOM_CHARS];
};

/* Whether a file of that name may be taken for one. */
bool file_temporary_is_name(const char *name);

/* Makes an empty one with mode 0600. 0 or negative errno. */
int file_temporary_open(struct file_temporary *file, int directory) __attribute__((warn_unused_result));

/* Writes all of it. 0 or negative errno. */
int file_temporary_write(int fd, const uint8_t *data, size_t length) __attribute__((warn_unused_result));

/* Closes it, as it has another name now. */
void file_temporary_close(struct file_temporary *file);

/* Closes and removes it. */
void file_temporary_discard(struct file_temporary *file);

/*
 * Removes what killed processes have left in a directory: files with the name and the form of ours, which
 * belong to us or to that other owner, and which nobody has locked. Returns how many.
 */
size_t file_temporary_sweep(int directory, uid_t owner);

#endif

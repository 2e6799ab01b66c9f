#ifndef ROSENPASS_SYSTEM_FILE_OUTPUT_H
#define ROSENPASS_SYSTEM_FILE_OUTPUT_H

/*
 * A small file that others wait for, and that is written again and again. Whatever was prepared in its
 * place stays as it is: owner, group, mode and access list of a file, and symbolic links. It is replaced in
 * one step where the directory allows that, and else written in place.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "system/file_identity.h"

/* What a file becomes that is not there yet. */
struct file_output {
	mode_t mode;
	bool has_group; /* else that which the directory or the process gives it */
	gid_t group;
};

/* What came of it. */
struct file_output_result {
	/*
	 * The file that was there belonged to somebody else and could neither be written nor be replaced as
	 * it was.
	 */
	bool lost_owner;
};

/*
 * Writes the file. expected, NULL for nothing in particular: what the path meant when it was judged; what
 * it means by now is not touched: -ESTALE. 0, or negative errno as of file_output_check(): then the old
 * file is as it was, unless the disk failed while it was written in place.
 */
int file_output_write(const char *path, const uint8_t *data, size_t length, const struct file_output *how,
                      const struct file_identity *expected, struct file_output_result *result)
	__attribute__((warn_unused_result));

/*
 * Whether that would work, as far as can be told without trying. 0; -EISDIR: a directory; -EINVAL: no
 * regular file, or one behind a link of /proc as /dev/stdout is; -ENOENT: the directory is not there;
 * -EACCES, -EROFS: neither the file nor the directory may be written to; -EPERM: it cannot be given to its
 * group; -ELOOP and others.
 */
int file_output_check(const char *path, const struct file_output *how) __attribute__((warn_unused_result));

/* Removes what killed processes have left beside the file, and returns how many. */
size_t file_output_sweep(const char *path);

#endif

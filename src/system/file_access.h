#ifndef ROSENPASS_SYSTEM_FILE_ACCESS_H
#define ROSENPASS_SYSTEM_FILE_ACCESS_H

/* What others may do with a file, by its mode and its access list. */

#include <stdbool.h>

/* As in a mode. */
#define FILE_ACCESS_READ 4
#define FILE_ACCESS_WRITE 2
#define FILE_ACCESS_EXECUTE 1

/*
 * Whether users other than the owner, root and ourselves may do any of that with a regular file or a
 * directory. A group counts as others. false as well where the file cannot be looked at.
 */
bool file_access_others(const char *path, unsigned wanted);

#endif

#ifndef ROSENPASS_SYSTEM_DIRECTORY_H
#define ROSENPASS_SYSTEM_DIRECTORY_H

#include <sys/types.h>

/*
 * Make a directory and the directories above it, as mkdir -p does, each with the mode that the umask leaves.
 * 0, also when all of them exist; else negative errno: -ENOTDIR when something else has the name of one of
 * them.
 */
int directory_make(const char *path, mode_t mode) __attribute__((warn_unused_result));

/* The same without the last one. */
int directory_make_parents(const char *path, mode_t mode) __attribute__((warn_unused_result));

/* What to say about a negative errno of these functions, or of mkdir(2) where stat(2) finds nothing. */
const char *directory_problem(int result);

#endif

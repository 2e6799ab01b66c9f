#ifndef ROSENPASS_DELIVERY_RETIRED_FILES_H
#define ROSENPASS_DELIVERY_RETIRED_FILES_H

/* Files that a peer has left. A random key replaces the last one, however long that takes. */

#include <stddef.h>
#include <stdint.h>

#include "delivery/key_lines.h"
#include "delivery/outfile.h"
#include "system/loop.h"

struct retired_files;
struct retired_file;

/* loop, guard and lines outlive it. 0 or -ENOMEM. */
int retired_files_create(struct retired_files **out, struct loop *loop, const struct outfile_guard *guard,
                         struct key_lines *lines) __attribute__((warn_unused_result));
/* Tries a last time. NULL is allowed. */
void retired_files_destroy(struct retired_files *files);

/*
 * Takes the memory that retired_files_add() needs. line goes to standard output once the key is replaced; it
 * is taken over in any case (NULL: none). 0 or -ENOMEM.
 */
int retired_files_prepare(struct retired_file **out, struct retired_files *files, const struct outfile *file,
                          char *line) __attribute__((warn_unused_result));
/* The file stays. NULL is allowed. */
void retired_files_cancel(struct retired_file *file);
/*
 * Replaces the key in a file that is no outfile of its peer any more, now or when that works. Takes over what
 * was prepared; key is copied. A file that has the key of another peer already is left alone, and so is one
 * that is read for something else by now.
 */
void retired_files_add(struct retired_file *file, const uint8_t *key);
/* A new key is in that file. */
void retired_files_replaced(struct retired_files *files, const char *path);
/* What status says of a file that still has the key of a peer that has left it; NULL: it has none. */
const char *retired_files_problem(const struct retired_files *files, const char *path);
/* error: of the last try. */
void retired_files_each(const struct retired_files *files,
                        void (*tell)(void *context, const char *label, const char *path, const char *error),
                        void *context);

#endif

#ifndef ROSENPASS_SYSTEM_FILE_IDENTITY_H
#define ROSENPASS_SYSTEM_FILE_IDENTITY_H

/* Which file a path means, however it is spelled: through links, "..", mounts, /dev/fd. */

#include <stdbool.h>
#include <stdint.h>

/*
 * A file is known by its place, which stays the same when the file is replaced, and by its inode, which hard
 * links and mounts of single files share. Zeroed, it is none.
 */
struct file_identity {
	/*
	 * The directory that the name is in after all symbolic links, or the last one on the way that
	 * exists.
	 */
	uint64_t folder_device, folder_inode;
	char *name; /* allocated: the name in it, or the rest of the way; "" for the directory itself */
	bool exists;
	uint64_t device, inode; /* of the file, where it exists */
	uint64_t links;         /* how many names the file has */
};

/*
 * Looks at a path as it is now; it may not exist, and a symbolic link may lead nowhere. 0; -ENOMEM: the
 * same as no file; or the negative errno with which it cannot be told: then the identity is that of the
 * text alone.
 */
int file_identify(struct file_identity *identity, const char *path);

bool file_identity_same_place(const struct file_identity *a, const struct file_identity *b);
/* Whether both exist and are one file. */
bool file_identity_same_inode(const struct file_identity *a, const struct file_identity *b);

/* Whether two paths mean the same file, by place or by inode. false as well where memory is short. */
bool file_is_same(const char *a, const char *b);

/* Zeroed after that. */
void file_identity_release(struct file_identity *identity);

#endif

#include "system/file_identity.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* As many as the kernel follows. */
#define LINKS_MAX 40

/* A path cut in two: the directory, "." or "/" at least, and the name in it. Both allocated. */
struct cut {
	char *folder;
	char *name;
};

static void release_cut(struct cut *cut)
{
	free(cut->folder);
	free(cut->name);
	*cut = (struct cut){ 0 };
}

/* Slashes at the end do not count. */
static int cut_path(struct cut *cut, const char *path)
{
	char *slash;

	*cut = (struct cut){ .folder = strdup(path) };
	if (cut->folder == NULL)
		return -ENOMEM;
	for (size_t end = strlen(path); end > 1 && cut->folder[end - 1] == '/'; end--)
		cut->folder[end - 1] = '\0';
	slash = strrchr(cut->folder, '/');
	cut->name = strdup(slash == NULL ? cut->folder : slash + 1);
	if (cut->name == NULL) {
		release_cut(cut);
		return -ENOMEM;
	}
	if (slash == NULL)
		(void)strcpy(cut->folder, ".");
	else
		slash[slash == cut->folder] = '\0';
	return 0;
}

static bool is_dots(const char *name)
{
	return name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Takes "x/.." and "." out of a way of which nothing exists. -ENOENT: it leads out of its beginning. */
static int tidy(char *rest)
{
	size_t used = 0;

	for (char *part = rest; *part != '\0';) {
		size_t length = strcspn(part, "/");
		char *next = part + length + (part[length] == '/');

		if (length == 2 && memcmp(part, "..", 2) == 0) {
			if (used == 0)
				return -ENOENT;
			while (used > 0 && rest[--used] != '/')
				;
		} else if (length > 0 && !(length == 1 && *part == '.')) {
			/* What is written never gets ahead of what is read. */
			if (used > 0)
				rest[used++] = '/';
			memmove(rest + used, part, length);
			used += length;
		}
		part = next;
	}
	rest[used] = '\0';
	return 0;
}

/* Where a symbolic link leads, with what comes after it; allocated. NULL and errno. */
static char *follow(const struct cut *at, const char *link, const char *rest)
{
	char target[PATH_MAX];
	ssize_t length = readlink(link, target, sizeof target - 1);
	char *path = NULL;
	bool absolute;

	if (length < 0)
		return NULL;
	target[length] = '\0';
	absolute = target[0] == '/';
	if (asprintf(&path, "%s%s%s%s%s", absolute ? "" : at->folder, absolute ? "" : "/", target,
	             rest[0] == '\0' ? "" : "/", rest) < 0)
		return NULL;
	return path;
}

/*
 * Goes up from the end of the path until there is a directory. rest becomes what was passed, beginning with
 * the name in that directory.
 */
static int find_folder(struct cut *at, char **rest, const char *path, struct stat *folder)
{
	int result = cut_path(at, path);

	*rest = NULL;
	if (result != 0)
		return result;
	*rest = strdup(at->name);
	while (*rest != NULL && stat(at->folder, folder) != 0) {
		struct cut above;
		char *longer = NULL;

		/* The working directory is gone, or the whole way may not be looked at. */
		if ((errno != ENOENT && errno != ENOTDIR) || strcmp(at->folder, ".") == 0 ||
		    strcmp(at->folder, "/") == 0)
			return -errno;
		result = cut_path(&above, at->folder);
		if (result != 0)
			return result;
		if (asprintf(&longer, "%s/%s", above.name, *rest) < 0)
			longer = NULL;
		free(*rest);
		*rest = longer;
		release_cut(at);
		*at = above;
	}
	return *rest == NULL ? -ENOMEM : 0;
}

/* One step: 1 and *next: a symbolic link was followed; 0: that is the place. */
static int look(struct file_identity *identity, const char *path, char **next)
{
	struct cut at = { 0 };
	struct stat status;
	char *rest = NULL;
	char *name = NULL;
	int result = find_folder(&at, &rest, path, &status);

	if (result != 0)
		goto done;
	identity->folder_device = status.st_dev;
	identity->folder_inode = status.st_ino;
	result = -ENOMEM;
	if (asprintf(&name, "%s/%s", at.folder, at.name) < 0) {
		name = NULL;
		goto done;
	}
	result = 0;
	/* "." and ".." are there wherever their directory is, and are one themselves. */
	if (is_dots(at.name) && stat(name, &status) == 0) {
		identity->folder_device = status.st_dev;
		identity->folder_inode = status.st_ino;
		rest[0] = '\0';
	} else if (lstat(name, &status) == 0 && S_ISLNK(status.st_mode)) {
		*next = follow(&at, name, strcmp(rest, at.name) == 0 ? "" : rest + strlen(at.name) + 1);
		result = *next == NULL ? -errno : 1;
	} else {
		result = tidy(rest);
	}
	if (result == 0) {
		identity->name = rest;
		rest = NULL;
	}
done:
	free(name);
	free(rest);
	release_cut(&at);
	return result;
}

static int find_place(struct file_identity *identity, const char *path)
{
	char *at = strdup(path);
	int result = at == NULL ? -ENOMEM : 1;

	for (int links = 0; result == 1; links++) {
		char *next = NULL;

		result = look(identity, at, &next);
		free(at);
		at = next;
		if (result == 1 && links == LINKS_MAX)
			result = -ELOOP;
	}
	free(at);
	return result;
}

int file_identify(struct file_identity *identity, const char *path)
{
	struct stat status;
	int result;

	*identity = (struct file_identity){ 0 };
	result = path[0] == '\0' ? -ENOENT : find_place(identity, path);
	if (stat(path, &status) == 0) {
		identity->exists = true;
		identity->device = status.st_dev;
		identity->inode = status.st_ino;
		identity->links = status.st_nlink;
	}
	if (result == 0)
		return 0;
	identity->folder_device = 0;
	identity->folder_inode = 0;
	/* Without memory there is nothing to be released. */
	if (result == -ENOMEM)
		return result;
	identity->name = strdup(path);
	return identity->name == NULL ? -ENOMEM : result;
}

bool file_identity_same_place(const struct file_identity *a, const struct file_identity *b)
{
	return a->name != NULL && b->name != NULL && a->folder_device == b->folder_device &&
	       a->folder_inode == b->folder_inode && strcmp(a->name, b->name) == 0;
}

bool file_identity_same_inode(const struct file_identity *a, const struct file_identity *b)
{
	return a->exists && b->exists && a->device == b->device && a->inode == b->inode;
}

bool file_is_same(const char *a, const char *b)
{
	struct file_identity one;
	struct file_identity other;
	int first;
	int second;
	bool same;

	if (strcmp(a, b) == 0)
		return true;
	first = file_identify(&one, a);
	second = file_identify(&other, b);
	same = first != -ENOMEM && second != -ENOMEM &&
	       (file_identity_same_place(&one, &other) || file_identity_same_inode(&one, &other));
	file_identity_release(&one);
	file_identity_release(&other);
	return same;
}

void file_identity_release(struct file_identity *identity)
{
	free(identity->name);
	*identity = (struct file_identity){ 0 };
}

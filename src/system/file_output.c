#include "system/file_output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "system/file.h"
#include "system/file_temporary.h"

#define PERMISSIONS 0777
#define GROUP_PERMISSIONS 0070
/* As many as the kernel follows. */
#define LINKS_MAX 40
#define ACCESS_LIST "system.posix_acl_access"
#define ACCESS_LIST_BYTES 4096

/* Where a path leads. */
struct target {
	int directory; /* O_PATH */
	char name[NAME_MAX + 1];
	char path[PATH_MAX]; /* of that name, without a link at its end */
	bool exists;
	struct stat status; /* where it exists */
};

static void close_target(struct target *target)
{
	if (target->directory >= 0)
		(void)close(target->directory);
	target->directory = -1;
}

/* Opens the directory of target->path, and looks at the name in it. */
static int look(struct target *target)
{
	const char *slash = strrchr(target->path, '/');
	const char *name = slash == NULL ? target->path : slash + 1;
	char folder[PATH_MAX] = ".";
	struct statfs system;

	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	(void)strcpy(target->name, name);
	if (slash != NULL) {
		size_t length = slash == target->path ? 1 : (size_t)(slash - target->path);

		memcpy(folder, target->path, length);
		folder[length] = '\0';
	}
	target->directory = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (target->directory < 0)
		return -errno;
	/* Links there lead to descriptors, of which nobody knows to whom they belong. */
	if (fstatfs(target->directory, &system) == 0 && system.f_type == PROC_SUPER_MAGIC)
		return -EINVAL;
	target->exists = fstatat(target->directory, target->name, &target->status, AT_SYMLINK_NOFOLLOW) == 0;
	if (!target->exists && (errno != ENOENT || name[0] == '\0'))
		return -errno;
	return 0;
}

/* Makes target->path what the link there says. */
static int follow(struct target *target)
{
	char text[PATH_MAX];
	char *slash = strrchr(target->path, '/');
	size_t folder = slash == NULL ? 0 : (size_t)(slash - target->path) + 1;
	ssize_t length = readlinkat(target->directory, target->name, text, sizeof text - 1);

	if (length < 0)
		return -errno;
	if (text[0] == '/')
		folder = 0;
	if (folder + (size_t)length >= sizeof target->path)
		return -ENAMETOOLONG;
	text[length] = '\0';
	(void)strcpy(target->path + folder, text);
	close_target(target);
	return 0;
}

/* 0; or negative errno: then it is closed, too. */
static int find(struct target *target, const char *path)
{
	int result = strlen(path) < sizeof target->path ? 0 : -ENAMETOOLONG;

	target->directory = -1;
	if (result == 0)
		(void)strcpy(target->path, path);
	for (int links = 0; result == 0; links++) {
		result = path[0] == '\0' ? -ENOENT : look(target);
		if (result != 0 || !target->exists || !S_ISLNK(target->status.st_mode))
			break;
		result = links == LINKS_MAX ? -ELOOP : follow(target);
	}
	if (result == 0 && target->exists && S_ISDIR(target->status.st_mode))
		result = -EISDIR;
	if (result == 0 && target->exists && !S_ISREG(target->status.st_mode))
		result = -EINVAL;
	if (result != 0)
		close_target(target);
	return result;
}

/* Whether it is what was judged. */
static bool is_expected(const struct target *target, const struct file_identity *expected)
{
	struct stat folder;

	if (expected == NULL)
		return true;
	if (expected->exists != target->exists ||
	    (target->exists &&
	     (expected->device != target->status.st_dev || expected->inode != target->status.st_ino)))
		return false;
	return fstat(target->directory, &folder) == 0 && expected->folder_device == folder.st_dev &&
	       expected->folder_inode == folder.st_ino && strcmp(expected->name, target->name) == 0;
}

/* Gives the new file the access list of the old one. */
static int copy_access_list(int fd, const struct target *target)
{
	uint8_t list[ACCESS_LIST_BYTES];
	ssize_t length = lgetxattr(target->path, ACCESS_LIST, list, sizeof list);

	if (length < 0)
		return errno == ENODATA || errno == ENOTSUP || errno == ENOSYS ? 0 : -errno;
	return fsetxattr(fd, ACCESS_LIST, list, (size_t)length, 0) == 0 ? 0 : -errno;
}

/* Makes a file in the place of another one what that was. */
static int imitate(int fd, const struct target *target)
{
	const struct stat *old = &target->status;
	struct stat new;

	if (fstat(fd, &new) != 0)
		return -errno;
	if ((new.st_uid != old->st_uid || new.st_gid != old->st_gid) &&
	    fchown(fd, old->st_uid == new.st_uid ? (uid_t)-1 : old->st_uid,
	           old->st_gid == new.st_gid ? (gid_t)-1 : old->st_gid) != 0)
		return -errno;
	if (fchmod(fd, old->st_mode & PERMISSIONS) != 0)
		return -errno;
	return copy_access_list(fd, target);
}

/* The same for a file of another user, which it cannot become: as near as we may. */
static int imitate_somewhat(int fd, const struct target *target)
{
	mode_t mode = target->status.st_mode & PERMISSIONS;
	struct stat new;

	if (fstat(fd, &new) != 0)
		return -errno;
	/* What the group may do is not for another group. */
	if (new.st_gid != target->status.st_gid && fchown(fd, (uid_t)-1, target->status.st_gid) != 0)
		mode &= (mode_t)~GROUP_PERMISSIONS;
	return fchmod(fd, mode) == 0 ? 0 : -errno;
}

static int dress(int fd, const struct file_output *how)
{
	if (how->has_group && fchown(fd, (uid_t)-1, how->group) != 0)
		return -errno;
	return fchmod(fd, how->mode) == 0 ? 0 : -errno;
}

/* What a new file is given before it gets its name. */
enum manner {
	AS_NEW,
	AS_BEFORE,
	AS_NEAR,
};

static int replace(const struct target *target, const uint8_t *data, size_t length,
                   const struct file_output *how, enum manner manner)
{
	struct file_temporary file;
	int result = file_temporary_open(&file, target->directory);

	if (result != 0)
		return result;
	result = file_temporary_write(file.fd, data, length);
	if (result == 0)
		result = manner == AS_NEW      ? dress(file.fd, how)
		         : manner == AS_BEFORE ? imitate(file.fd, target)
		                               : imitate_somewhat(file.fd, target);
	if (result == 0 && renameat(target->directory, file.name, target->directory, target->name) != 0)
		result = -errno;
	if (result == 0)
		file_temporary_close(&file);
	else
		file_temporary_discard(&file);
	return result;
}

/*
 * Empties the file and writes it at once: whoever reads meanwhile finds nothing or all of it, never parts
 * of two keys.
 */
static int write_in_place(const struct target *target, const uint8_t *data, size_t length)
{
	int fd = openat(target->directory, target->name,
	                O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat status;
	int result = 0;

	if (fd < 0)
		return -errno;
	/* It may have been replaced since it was judged. */
	if (fstat(fd, &status) != 0)
		result = -errno;
	else if (status.st_dev != target->status.st_dev || status.st_ino != target->status.st_ino)
		result = -ESTALE;
	else if (ftruncate(fd, 0) != 0)
		result = -errno;
	else
		result = file_temporary_write(fd, data, length);
	if (close(fd) != 0 && result == 0)
		result = -errno;
	return result;
}

/* Whether an error is about the directory or the attributes, and not about room. */
static bool may_work_in_place(int result)
{
	static const int errors[] = { EACCES, EPERM, EROFS, EBUSY, EXDEV, ENOTSUP, EINVAL, ETXTBSY };

	for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
		if (result == -errors[i])
			return true;
	}
	return false;
}

static int renew(const struct target *target, const uint8_t *data, size_t length,
                 struct file_output_result *outcome)
{
	int first = replace(target, data, length, NULL, AS_BEFORE);
	int result = first;

	if (may_work_in_place(first))
		result = write_in_place(target, data, length);
	if (result == 0 || (first != -EPERM && first != -EINVAL) || (result != -EACCES && result != -EPERM))
		return result;
	/* The directory is ours, the file is not: a reader who is shut out is better than an old key. */
	result = replace(target, data, length, NULL, AS_NEAR);
	outcome->lost_owner = result == 0;
	return result;
}

int file_output_write(const char *path, const uint8_t *data, size_t length, const struct file_output *how,
                      const struct file_identity *expected, struct file_output_result *outcome)
{
	struct target target;
	int result = file_check_place(path);

	*outcome = (struct file_output_result){ 0 };
	if (result == 0)
		result = find(&target, path);
	if (result != 0)
		return result;
	if (!is_expected(&target, expected))
		result = -ESTALE;
	else if (target.exists)
		result = renew(&target, data, length, outcome);
	else
		result = replace(&target, data, length, how, AS_NEW);
	close_target(&target);
	return result;
}

static bool has_capability(unsigned capability)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[capability / 32].effective & 1U << capability % 32) != 0;
}

static bool may_give_to(gid_t group)
{
	int count = getgroups(0, NULL);
	gid_t *groups = count > 0 ? calloc((size_t)count, sizeof *groups) : NULL;
	bool found = group == getegid() || has_capability(CAP_CHOWN);

	if (groups != NULL)
		count = getgroups(count, groups);
	for (int i = 0; groups != NULL && i < count && !found; i++)
		found = groups[i] == group;
	free(groups);
	return found;
}

/* Whether a name can be made there, or replaced if it is there. */
static int check_directory(const struct target *target)
{
	struct stat folder;
	struct statx extra;

	if (faccessat(target->directory, ".", W_OK | X_OK, AT_EACCESS) != 0)
		return -errno;
	if (!target->exists)
		return 0;
	/* As in /tmp: others' files are not ours to replace. */
	if (fstat(target->directory, &folder) == 0 && (folder.st_mode & S_ISVTX) != 0 &&
	    folder.st_uid != geteuid() && target->status.st_uid != geteuid() && !has_capability(CAP_FOWNER))
		return -EPERM;
	if (statx(target->directory, target->name, AT_SYMLINK_NOFOLLOW, 0, &extra) == 0 &&
	    (extra.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0)
		return -EBUSY;
	return 0;
}

int file_output_check(const char *path, const struct file_output *how)
{
	struct target target;
	int result = file_check_place(path);

	if (result == 0)
		result = find(&target, path);
	if (result != 0)
		return result;
	result = check_directory(&target);
	if (target.exists && result != 0)
		result = faccessat(target.directory, target.name, W_OK, AT_EACCESS) == 0 ? 0 : -errno;
	else if (!target.exists && result == 0 && how->has_group && !may_give_to(how->group))
		result = -EPERM;
	close_target(&target);
	return result;
}

size_t file_output_sweep(const char *path)
{
	struct target target;
	size_t count;

	if (find(&target, path) != 0)
		return 0;
	count = file_temporary_sweep(target.directory, target.exists ? target.status.st_uid : geteuid());
	close_target(&target);
	return count;
}

#include "system/file_access.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define ACCESS_LIST "system.posix_acl_access"
#define ACCESS_LIST_BYTES 4096
/*
 * A version, then entries of a tag, permissions and a user or group, all little-endian
 * (linux/posix_acl_xattr.h).
 */
#define HEADER_BYTES 4
#define ENTRY_BYTES 8

enum tag {
	TAG_USER = 0x02,
	TAG_OWNING_GROUP = 0x04,
	TAG_GROUP = 0x08,
	TAG_MASK = 0x10,
	TAG_OTHERS = 0x20,
};

static unsigned read_16(const uint8_t *bytes)
{
	return (unsigned)bytes[0] | (unsigned)bytes[1] << 8;
}

static uint32_t read_32(const uint8_t *bytes)
{
	return read_16(bytes) | (uint32_t)read_16(bytes + 2) << 16;
}

/* The group bits of a mode are the mask of the list, where it has one: they say nothing about the group. */
static bool list_allows(const uint8_t *list, size_t length, const struct stat *status, unsigned wanted)
{
	unsigned mask = 7;
	unsigned masked = 0;
	unsigned others = 0;

	for (size_t at = HEADER_BYTES; at + ENTRY_BYTES <= length; at += ENTRY_BYTES) {
		unsigned permissions = read_16(list + at + 2);
		uint32_t user = read_32(list + at + 4);

		switch (read_16(list + at)) {
		case TAG_USER:
			if (user != 0 && user != geteuid() && user != status->st_uid)
				masked |= permissions;
			break;
		case TAG_OWNING_GROUP:
		case TAG_GROUP:
			masked |= permissions;
			break;
		case TAG_MASK:
			mask = permissions;
			break;
		case TAG_OTHERS:
			others = permissions;
			break;
		default:
			break;
		}
	}
	return (((masked & mask) | others) & wanted) != 0;
}

bool file_access_others(const char *path, unsigned wanted)
{
	uint8_t list[ACCESS_LIST_BYTES];
	struct stat status;
	ssize_t length;

	if (stat(path, &status) != 0 || (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
		return false;
	length = getxattr(path, ACCESS_LIST, list, sizeof list);
	if (length > HEADER_BYTES)
		return list_allows(list, (size_t)length, &status, wanted);
	return ((status.st_mode >> 3 | status.st_mode) & wanted) != 0;
}

#include "delivery/outfile.h"

#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/base64.h"
#include "system/file.h"
#include "system/log.h"

#define NEW_FILE_MODE 0600
#define PERMISSIONS 0777

/* Of what is that long, a key would be lost: a mistake even where the file is none of ours. */
static bool holds_key(const char *path)
{
	static const off_t lengths[] = { ROSENPASS_PUBLIC_KEY_BYTES, ROSENPASS_SECRET_KEY_BYTES,
		                         ROSENPASS_SECRET_KEY_OLD_BYTES };
	struct stat status;

	if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
		return false;
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		if (status.st_size == lengths[i])
			return true;
	}
	return false;
}

static int fail_holds_key(char problem[static OUTFILE_PROBLEM_BYTES])
{
	(void)snprintf(
		problem, OUTFILE_PROBLEM_BYTES,
		"it has the size of a public or secret key of Rosenpass, which would be lost; use another "
		"file, or remove it");
	return -1;
}

/* Names and numbers, as chgrp takes them. */
static int find_group(gid_t *group, const char *text)
{
	const struct group *entry = getgrnam(text);
	unsigned long number;
	char *end = NULL;

	if (entry != NULL) {
		*group = entry->gr_gid;
		return 0;
	}
	errno = 0;
	number = strtoul(text, &end, 10);
	/* The last number stands for none. */
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || number >= UINT32_MAX)
		return -1;
	*group = (gid_t)number;
	return 0;
}

int outfile_new(struct file_output *how, const struct config_peer *config,
                char problem[static OUTFILE_PROBLEM_BYTES])
{
	*how = (struct file_output){ .mode = config->key_out_mode != 0 ? (mode_t)config->key_out_mode
		                                                       : NEW_FILE_MODE };
	if (config->key_out_group == NULL)
		return 0;
	how->has_group = true;
	if (find_group(&how->group, config->key_out_group) == 0)
		return 0;
	(void)snprintf(problem, OUTFILE_PROBLEM_BYTES,
	               "key_out_group \"%s\" is no group of this system; expected its name or number",
	               config->key_out_group);
	return -1;
}

/* Why it cannot be written. */
static const char *explain(int result)
{
	switch (result) {
	case -ENOENT:
		return "its directory does not exist";
	case -EINVAL:
		return "it is a device, a pipe or an open file of a process; name a regular file";
	default:
		return strerror(-result);
	}
}

int outfile_check(const struct config_peer *config, const struct file_output *how,
                  char problem[static OUTFILE_PROBLEM_BYTES])
{
	int result = config->key_out == NULL ? 0 : file_output_check(config->key_out, how);

	if (result == 0)
		return config->key_out != NULL && holds_key(config->key_out) ? fail_holds_key(problem) : 0;
	if (result == -EPERM && how->has_group && !file_exists(config->key_out))
		(void)snprintf(problem, OUTFILE_PROBLEM_BYTES,
		               "it cannot be given to group %s, of which this user is no member",
		               config->key_out_group);
	else
		(void)snprintf(problem, OUTFILE_PROBLEM_BYTES, "%s", explain(result));
	return -1;
}

void outfile_warn(const char *label, const struct config_peer *config, const struct file_output *how)
{
	struct stat status;
	mode_t mode;

	if (config->key_out == NULL)
		return;
	if (stat(config->key_out, &status) != 0) {
		if ((how->mode & S_IROTH) != 0)
			log_warn("%s: its keys can be read by every user, as key_out_mode is %04o", label,
			         (unsigned)how->mode);
		return;
	}
	mode = status.st_mode & PERMISSIONS;
	if ((config->key_out_mode != 0 && mode != how->mode) ||
	    (how->has_group && status.st_gid != how->group))
		log_warn("%s: outfile \"%s\" is there and stays as it is, with mode %04o and group %u; "
		         "remove it, "
		         "or change it, to have what key_out_mode and key_out_group say",
		         label, config->key_out, (unsigned)mode, (unsigned)status.st_gid);
	if ((mode & S_IROTH) != 0)
		log_warn("%s: outfile \"%s\" can be read by every user, and so can its keys; chmod o-r "
		         "forbids it",
		         label, config->key_out);
}

int outfile_write(const struct outfile *file, const struct outfile_guard *guard, const uint8_t *key,
                  char problem[static OUTFILE_PROBLEM_BYTES])
{
	char text[BASE64_KEY_CHARS + 1];
	struct file_output_result outcome;
	struct file_identity judged;
	int result;

	if (guard->judge(guard->owner, file->claimant, file->path, &judged, problem) != 0)
		return -EEXIST;
	if (holds_key(file->path)) {
		file_identity_release(&judged);
		(void)fail_holds_key(problem);
		return -EEXIST;
	}
	base64_encode_key(text, key);
	result = file_output_write(file->path, (const uint8_t *)text, BASE64_KEY_CHARS, file->how, &judged,
	                           &outcome);
	sodium_memzero(text, sizeof text);
	file_identity_release(&judged);
	if (result != 0) {
		(void)snprintf(problem, OUTFILE_PROBLEM_BYTES, "%s", explain(result));
		return result;
	}
	/* It has another inode by now. */
	guard->written(guard->owner, file->claimant);
	if (outcome.lost_owner)
		log_warn("%s: outfile \"%s\" was another user's, and could neither be written nor be given "
		         "back; it is ours now",
		         file->label, file->path);
	return 0;
}

/* A directory with files of one owner. */
struct place {
	uint64_t device, inode;
	uid_t owner;
	const char *path; /* of one of them */
};

static int compare_places(const void *a, const void *b)
{
	const struct place *left = a;
	const struct place *right = b;

	if (left->device != right->device)
		return left->device < right->device ? -1 : 1;
	if (left->inode != right->inode)
		return left->inode < right->inode ? -1 : 1;
	return (left->owner > right->owner) - (left->owner < right->owner);
}

static size_t find_places(struct place *places, const char *const *paths, size_t count)
{
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		struct file_identity identity;
		struct stat status;

		if (file_identify(&identity, paths[i]) == 0)
			places[found++] =
				(struct place){ identity.folder_device, identity.folder_inode,
				                stat(paths[i], &status) == 0 ? status.st_uid : geteuid(),
				                paths[i] };
		file_identity_release(&identity);
	}
	return found;
}

void outfile_sweep(const char *const *paths, size_t count)
{
	struct place *places = calloc(count + 1, sizeof *places);
	size_t found = places == NULL ? 0 : find_places(places, paths, count);
	size_t removed = 0;

	if (found > 0)
		qsort(places, found, sizeof *places, compare_places);
	for (size_t i = 0; i < found; i++) {
		if (i == 0 || compare_places(&places[i - 1], &places[i]) != 0)
			removed += file_output_sweep(places[i].path);
	}
	if (removed > 0)
		log_info("removed %zu temporary file%s with keys, left by a daemon that was killed", removed,
		         removed == 1 ? "" : "s");
	free(places);
}

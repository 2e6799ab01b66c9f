#include "programs/rp_keys.h"

#include <dirent.h>
#include <errno.h>
#include <sodium.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "system/base64.h"
#include "system/file.h"
#include "system/file_access.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* A key in base64, and some white space. */
#define TEXT_BYTES 128
/* Of a longer path so much is shown that the reason still has room. */
#define PATH_SHOWN 150

/* What a folder is for, in messages. */
struct kind {
	const char *called;
	const char *maker;    /* the command of rp and of wg that makes its WireGuard key */
	const char *origin;   /* how it is made */
	const char *other;    /* a name that only folders of the other kind have */
	const char *confused; /* what to do where it has that */
};

static const struct kind private_kind = {
	.called = "private-keys folder",
	.maker = "genkey",
	.origin = "rp genkey makes it",
	.other = RP_KEYS_WGPK,
	.confused = "it is a folder of public keys; give the one that rp genkey made",
};

static const struct kind public_kind = {
	.called = "public-keys folder",
	.maker = "pubkey",
	.origin = "rp pubkey makes it on the peer's side, to be copied here",
	.other = RP_KEYS_WGSK,
	.confused = "it is a folder of private keys; give the one that the peer's rp pubkey made",
};

static int fail(char problem[static RP_KEYS_PROBLEM_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(char problem[static RP_KEYS_PROBLEM_BYTES], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem, RP_KEYS_PROBLEM_BYTES, format, arguments);
	va_end(arguments);
	return -1;
}

char *rp_keys_path(const char *folder, const char *name)
{
	size_t length = strlen(folder);
	char *path = NULL;

	if (asprintf(&path, "%s%s%s", folder, length > 0 && folder[length - 1] == '/' ? "" : "/", name) < 0)
		return NULL;
	return path;
}

static bool has(const char *folder, const char *name)
{
	char *path = rp_keys_path(folder, name);
	bool exists = path != NULL && file_exists(path);

	free(path);
	return exists;
}

/* Says why a file of a folder cannot be looked at. */
static int fail_at_file(char problem[static RP_KEYS_PROBLEM_BYTES], const struct kind *kind,
                        const char *folder, const char *name, int error)
{
	struct stat status;

	if (error != ENOENT && error != ENOTDIR)
		return fail(problem, "cannot look at %s in %s \"%.*s\": %s", name, kind->called, PATH_SHOWN,
		            folder, strerror(error));
	if (stat(folder, &status) != 0)
		return errno == ENOENT ? fail(problem, "%s \"%.*s\" does not exist; %s", kind->called,
		                              PATH_SHOWN, folder, kind->origin)
		                       : fail(problem, "cannot look at %s \"%.*s\": %s", kind->called,
		                              PATH_SHOWN, folder, strerror(errno));
	if (!S_ISDIR(status.st_mode))
		return fail(problem, "%s \"%.*s\" is no folder; give the folder, not a file in it",
		            kind->called, PATH_SHOWN, folder);
	if (has(folder, kind->other))
		return fail(problem, "%s \"%.*s\" has no %s but a %s: %s", kind->called, PATH_SHOWN, folder,
		            name, kind->other, kind->confused);
	return fail(problem, "%s \"%.*s\" has no %s; %s", kind->called, PATH_SHOWN, folder, name,
	            kind->origin);
}

/* The path of a file that is there, allocated. NULL and problem. */
static char *find(const struct kind *kind, const char *folder, const char *name,
                  char problem[static RP_KEYS_PROBLEM_BYTES])
{
	char *path = rp_keys_path(folder, name);
	struct stat status;

	if (path == NULL) {
		(void)fail(problem, "out of memory");
		return NULL;
	}
	if (stat(path, &status) == 0)
		return path;
	(void)fail_at_file(problem, kind, folder, name, errno);
	free(path);
	return NULL;
}

/* 0 with *path NULL: there is no psk. That it cannot be looked at is something else. */
static int find_psk(char **path, const char *folder, char problem[static RP_KEYS_PROBLEM_BYTES])
{
	struct stat status;
	int error;

	*path = rp_keys_path(folder, RP_KEYS_PSK);
	if (*path == NULL)
		return fail(problem, "out of memory");
	/* A link that leads nowhere was meant to be a key. */
	if (lstat(*path, &status) == 0)
		return 0;
	error = errno;
	free(*path);
	*path = NULL;
	return error == ENOENT ? 0 : fail_at_file(problem, &public_kind, folder, RP_KEYS_PSK, error);
}

/* Reads a key of WireGuard. On failure it is wiped. */
static int read_wireguard(uint8_t key[static RP_KEYS_WIREGUARD_BYTES], const struct kind *kind,
                          const char *folder, const char *name, char problem[static RP_KEYS_PROBLEM_BYTES])
{
	char *path = find(kind, folder, name, problem);
	uint8_t *text = secret_memory_allocate(NULL, TEXT_BYTES);
	size_t length = 0;
	int status = -1;
	int result;

	sodium_memzero(key, RP_KEYS_WIREGUARD_BYTES);
	if (path == NULL)
		goto done;
	result = text == NULL ? -ENOMEM : file_read(path, text, TEXT_BYTES, &length);
	if (result != 0 && result != -EFBIG)
		(void)fail(problem, "cannot read \"%.*s\": %s", PATH_SHOWN, path, strerror(-result));
	else if (result != 0 || base64_decode_key(key, (const char *)text, length) != 0)
		(void)fail(
			problem,
			"\"%.*s\" does not hold 32 bytes in base64 (44 characters, as rp %s and wg %s make)",
			PATH_SHOWN, path, kind->maker, kind->maker);
	else
		status = 0;
done:
	secret_memory_release(NULL, text, TEXT_BYTES);
	free(path);
	return status;
}

int rp_keys_read_wireguard(uint8_t key[static RP_KEYS_WIREGUARD_BYTES], const char *folder,
                           char problem[static RP_KEYS_PROBLEM_BYTES])
{
	return read_wireguard(key, &private_kind, folder, RP_KEYS_WGSK, problem);
}

char *rp_keys_find_public(const char *folder, char problem[static RP_KEYS_PROBLEM_BYTES])
{
	return find(&private_kind, folder, RP_KEYS_PQPK, problem);
}

static int load_private(struct rp_keys_private *keys, const char *folder,
                        char problem[static RP_KEYS_PROBLEM_BYTES])
{
	keys->wireguard = secret_memory_allocate(NULL, RP_KEYS_WIREGUARD_BYTES);
	if (keys->wireguard == NULL)
		return fail(problem, "out of memory");
	if (rp_keys_read_wireguard(keys->wireguard, folder, problem) != 0)
		return -1;
	keys->secret_key = find(&private_kind, folder, RP_KEYS_PQSK, problem);
	if (keys->secret_key == NULL)
		return -1;
	keys->public_key = rp_keys_find_public(folder, problem);
	return keys->public_key == NULL ? -1 : 0;
}

int rp_keys_load_private(struct rp_keys_private *keys, const char *folder,
                         char problem[static RP_KEYS_PROBLEM_BYTES])
{
	*keys = (struct rp_keys_private){ 0 };
	if (load_private(keys, folder, problem) == 0)
		return 0;
	rp_keys_release_private(keys);
	return -1;
}

static int load_public(struct rp_keys_public *keys, const char *folder,
                       char problem[static RP_KEYS_PROBLEM_BYTES])
{
	if (read_wireguard(keys->wireguard, &public_kind, folder, RP_KEYS_WGPK, problem) != 0)
		return -1;
	keys->public_key = find(&public_kind, folder, RP_KEYS_PQPK, problem);
	if (keys->public_key == NULL)
		return -1;
	return find_psk(&keys->pre_shared_key, folder, problem);
}

int rp_keys_load_public(struct rp_keys_public *keys, const char *folder,
                        char problem[static RP_KEYS_PROBLEM_BYTES])
{
	*keys = (struct rp_keys_public){ 0 };
	if (load_public(keys, folder, problem) == 0)
		return 0;
	rp_keys_release_public(keys);
	return -1;
}

int rp_keys_is_empty(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	int names = 0;

	if (dir == NULL)
		return -errno;
	while (names <= 2 && (entry = readdir(dir)) != NULL)
		names++;
	(void)closedir(dir);
	/* "." and ".." */
	return names <= 2;
}

void rp_keys_warn_private(const char *folder)
{
	char *path = rp_keys_path(folder, RP_KEYS_WGSK);

	if (file_access_others(folder, FILE_ACCESS_READ | FILE_ACCESS_WRITE))
		log_warn("private-keys folder \"%s\" is open to other users; chmod 700 keeps them out",
		         folder);
	if (path != NULL && file_access_others(path, FILE_ACCESS_READ))
		log_warn("\"%s\" can be read by other users; chmod 600 forbids it", path);
	free(path);
}

void rp_keys_release_private(struct rp_keys_private *keys)
{
	secret_memory_release(NULL, keys->wireguard, RP_KEYS_WIREGUARD_BYTES);
	free(keys->secret_key);
	free(keys->public_key);
	*keys = (struct rp_keys_private){ 0 };
}

void rp_keys_release_public(struct rp_keys_public *keys)
{
	free(keys->public_key);
	free(keys->pre_shared_key);
	*keys = (struct rp_keys_public){ 0 };
}

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rosenpass.h"
#include "rp/commands.h"
#include "programs/rp_keys.h"
#include "system/base64.h"
#include "system/directory.h"
#include "system/entropy.h"
#include "system/file.h"
#include "system/file_access.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define FOLDER_MODE 0700
#define SECRET_MODE 0600
#define PUBLIC_MODE 0644
#define PERMISSIONS 0777

/* All in secret memory. */
struct secrets {
	uint8_t wireguard[RP_KEYS_WIREGUARD_BYTES];
	char text[BASE64_KEY_CHARS + 1];
	uint8_t rosenpass[ROSENPASS_SECRET_KEY_BYTES];
};

struct paths {
	char *wgsk;
	char *pqsk;
	char *pqpk;
};

/* Makes the folder, or finds that nobody else can use the one that is there. false: said. */
static bool prepare_folder(const char *folder, bool *is_new)
{
	int result = directory_make_parents(folder, FOLDER_MODE);
	struct stat status;

	*is_new = result == 0 && mkdir(folder, FOLDER_MODE) == 0;
	if (*is_new)
		return true;
	if (result == 0)
		result = -errno;
	if (result != -EEXIST || stat(folder, &status) != 0) {
		log_error("genkey: cannot create directory \"%s\": %s", folder, directory_problem(result));
		return false;
	}
	if (!S_ISDIR(status.st_mode))
		log_error("genkey: \"%s\" exists and is not a directory; choose another name", folder);
	else if (status.st_uid != geteuid())
		log_error("genkey: directory \"%s\" belongs to another user, who could read the keys; choose "
		          "another one",
		          folder);
	/* As mkdir makes it, or a container mounts it: nothing of anybody else's is in it. */
	else if ((status.st_mode & PERMISSIONS) != FOLDER_MODE && rp_keys_is_empty(folder) == 1 &&
	         chmod(folder, FOLDER_MODE) == 0)
		return true;
	else if ((status.st_mode & PERMISSIONS) != FOLDER_MODE)
		log_error(
			"genkey: directory \"%s\" has mode %03o, and has to be ours alone: chmod 700 \"%s\"",
			folder, (unsigned)(status.st_mode & PERMISSIONS), folder);
	else
		return true;
	return false;
}

static int fail_to_write(const char *path, int result)
{
	log_error("genkey: cannot write \"%s\": %s", path, strerror(-result));
	return -1;
}

static void warn_exposed(const char *path)
{
	if (file_access_others(path, FILE_ACCESS_READ))
		log_warn("genkey: \"%s\" can be read by other users; chmod 600 forbids it", path);
}

static int make_wireguard(const char *path, struct secrets *secrets)
{
	int result;

	if (file_exists(path)) {
		log_info("genkey: \"%s\" exists and is kept", path);
		warn_exposed(path);
		return 0;
	}
	if (entropy_fill(NULL, secrets->wireguard, sizeof secrets->wireguard) != 0) {
		log_error("genkey: the kernel gives no random bytes");
		return -1;
	}
	/* As wg genkey does: https://cr.yp.to/ecdh.html */
	secrets->wireguard[0] &= 248;
	secrets->wireguard[31] = (uint8_t)((secrets->wireguard[31] & 127) | 64);
	base64_encode_key(secrets->text, secrets->wireguard);
	result = file_write(path, (const uint8_t *)secrets->text, BASE64_KEY_CHARS, SECRET_MODE,
	                    FILE_KEEP_EXISTING);
	return result == 0 ? 0 : fail_to_write(path, result);
}

/* Both files are on disk before either gets its name, so that hardly anything can leave half a pair. */
static int write_pair(const struct paths *paths, const uint8_t *pk, const uint8_t *sk)
{
	struct file_prepared secret;
	struct file_prepared public;
	int result = file_prepare(&secret, paths->pqsk, sk, ROSENPASS_SECRET_KEY_BYTES, SECRET_MODE);

	if (result != 0)
		return fail_to_write(paths->pqsk, result);
	result = file_prepare(&public, paths->pqpk, pk, ROSENPASS_PUBLIC_KEY_BYTES, PUBLIC_MODE);
	if (result != 0) {
		file_discard(&secret);
		return fail_to_write(paths->pqpk, result);
	}
	result = file_place(&secret, FILE_KEEP_EXISTING);
	if (result != 0) {
		file_discard(&public);
		return fail_to_write(paths->pqsk, result);
	}
	result = file_place(&public, FILE_KEEP_EXISTING);
	if (result != 0) {
		(void)unlink(paths->pqsk);
		return fail_to_write(paths->pqpk, result);
	}
	return 0;
}

static int make_rosenpass(const struct paths *paths, struct secrets *secrets)
{
	static const struct rosenpass_environment environment = {
		.size = sizeof environment,
		.random = entropy_fill,
		.allocate = secret_memory_allocate,
		.release = secret_memory_release,
	};
	bool has_secret = file_exists(paths->pqsk);
	bool has_public = file_exists(paths->pqpk);
	uint8_t *pk;
	int result;

	if (has_secret && has_public) {
		log_info("genkey: \"%s\" and \"%s\" exist and are kept", paths->pqsk, paths->pqpk);
		warn_exposed(paths->pqsk);
		return 0;
	}
	if (has_secret || has_public) {
		log_error("genkey: there is \"%s\" without \"%s\"; bring that back, or remove the first one "
		          "to have a new pair made",
		          has_secret ? paths->pqsk : paths->pqpk, has_secret ? paths->pqpk : paths->pqsk);
		return -1;
	}
	pk = malloc(ROSENPASS_PUBLIC_KEY_BYTES);
	result = pk == NULL ? ROSENPASS_E_MEMORY : rosenpass_keygen(pk, secrets->rosenpass, &environment);
	if (result != 0)
		log_error("genkey: %s", rosenpass_error_name(result));
	else
		result = write_pair(paths, pk, secrets->rosenpass);
	free(pk);
	return result == 0 ? 0 : -1;
}

static int make_keys(const char *folder)
{
	struct paths paths = {
		.wgsk = rp_keys_path(folder, RP_KEYS_WGSK),
		.pqsk = rp_keys_path(folder, RP_KEYS_PQSK),
		.pqpk = rp_keys_path(folder, RP_KEYS_PQPK),
	};
	struct secrets *secrets = secret_memory_allocate(NULL, sizeof *secrets);
	int result = -1;

	if (secrets == NULL || paths.wgsk == NULL || paths.pqsk == NULL || paths.pqpk == NULL)
		log_error("genkey: out of memory");
	else if (make_rosenpass(&paths, secrets) == 0)
		result = make_wireguard(paths.wgsk, secrets);
	secret_memory_release(NULL, secrets, sizeof *secrets);
	free(paths.wgsk);
	free(paths.pqsk);
	free(paths.pqpk);
	return result;
}

int command_genkey(int count, char **words)
{
	int status = commands_check_words(count, words, 1, 1);
	bool is_new = false;

	if (status != COMMANDS_GO_ON)
		return status;
	if (secret_memory_protect_process() != 0)
		log_warn("cannot forbid core dumps of this process");
	(void)umask(PERMISSIONS & ~FOLDER_MODE);
	if (!prepare_folder(words[1], &is_new))
		return COMMAND_FAILED;
	if (make_keys(words[1]) == 0)
		return COMMAND_OK;
	/* Where it has keys by now, it stays. */
	if (is_new)
		(void)rmdir(words[1]);
	return COMMAND_FAILED;
}

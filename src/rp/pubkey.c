#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "system/key_file.h"
#include "rp/commands.h"
#include "programs/rp_keys.h"
#include "system/base64.h"
#include "system/directory.h"
#include "system/file.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define FOLDER_MODE 0755
#define PERMISSIONS 0777
#define KEY_MODE 0644

/* What the public folder gets. */
struct contents {
	char wireguard[BASE64_KEY_CHARS + 1];
	struct shared_key rosenpass;
};

static int read_wireguard(struct contents *contents, const char *folder,
                          char problem[static RP_KEYS_PROBLEM_BYTES])
{
	uint8_t *secret = secret_memory_allocate(NULL, RP_KEYS_WIREGUARD_BYTES);
	uint8_t public[RP_KEYS_WIREGUARD_BYTES];
	int result = -1;

	if (secret == NULL)
		(void)strcpy(problem, "out of memory");
	else
		result = rp_keys_read_wireguard(secret, folder, problem);
	if (result == 0) {
		/* It fails for no key. */
		(void)crypto_scalarmult_base(public, secret);
		base64_encode_key(contents->wireguard, public);
	}
	secret_memory_release(NULL, secret, RP_KEYS_WIREGUARD_BYTES);
	return result;
}

static int read_private(struct contents *contents, const char *folder)
{
	char problem[RP_KEYS_PROBLEM_BYTES];
	char *path = NULL;
	int result;

	static_assert(KEY_FILE_PROBLEM_BYTES <= RP_KEYS_PROBLEM_BYTES, "its problems fit");
	result = read_wireguard(contents, folder, problem);
	if (result == 0) {
		path = rp_keys_find_public(folder, problem);
		result = path == NULL ? -1 : key_file_read_public(&contents->rosenpass, path, problem);
	}
	if (result != 0)
		log_error("pubkey: %s", problem);
	else
		rp_keys_warn_private(folder);
	free(path);
	return result;
}

/* Makes the folder, or finds it empty. false: said. */
static bool prepare_folder(const char *folder, bool *is_new)
{
	int result = directory_make_parents(folder, FOLDER_MODE);
	int empty;

	*is_new = result == 0 && mkdir(folder, FOLDER_MODE) == 0;
	if (*is_new)
		return true;
	if (result == 0)
		result = -errno;
	empty = result == -EEXIST ? rp_keys_is_empty(folder) : 0;
	if (result != -EEXIST || empty == -ENOENT) {
		log_error("pubkey: cannot create directory \"%s\": %s", folder, directory_problem(result));
		return false;
	}
	if (empty == -ENOTDIR)
		log_error("pubkey: \"%s\" exists and is not a directory; choose another name", folder);
	else if (empty < 0)
		log_error("pubkey: cannot read directory \"%s\": %s", folder, strerror(-empty));
	else if (empty == 0)
		log_error(
			"pubkey: directory \"%s\" exists and is not empty; choose another name, or remove it",
			folder);
	return empty > 0;
}

static int write_key(const char *folder, const char *name, const void *data, size_t length)
{
	char *path = rp_keys_path(folder, name);
	int result = path == NULL ? -ENOMEM : file_write(path, data, length, KEY_MODE, FILE_KEEP_EXISTING);

	if (result != 0)
		log_error("pubkey: cannot write %s into directory \"%s\": %s", name, folder,
		          strerror(-result));
	free(path);
	return result;
}

static int write_public(const struct contents *contents, const char *folder)
{
	char *first;

	if (write_key(folder, RP_KEYS_WGPK, contents->wireguard, BASE64_KEY_CHARS) != 0)
		return -1;
	if (write_key(folder, RP_KEYS_PQPK, contents->rosenpass.bytes, ROSENPASS_PUBLIC_KEY_BYTES) == 0)
		return 0;
	/* So that the command can simply be repeated. */
	first = rp_keys_path(folder, RP_KEYS_WGPK);
	if (first != NULL)
		(void)unlink(first);
	free(first);
	return -1;
}

int command_pubkey(int count, char **words)
{
	struct contents contents = { 0 };
	bool is_new = false;
	int status = commands_check_words(count, words, 2, 2);

	if (status != COMMANDS_GO_ON)
		return status;
	if (secret_memory_protect_process() != 0)
		log_warn("cannot forbid core dumps of this process");
	/* What is made is public, and so is the way there. */
	(void)umask(PERMISSIONS & ~FOLDER_MODE);
	status = COMMAND_FAILED;
	if (read_private(&contents, words[1]) == 0 && prepare_folder(words[2], &is_new)) {
		if (write_public(&contents, words[2]) == 0)
			status = COMMAND_OK;
		else if (is_new)
			(void)rmdir(words[2]);
	}
	shared_key_release(&contents.rosenpass);
	return status;
}

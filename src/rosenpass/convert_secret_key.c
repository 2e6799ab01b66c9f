#include "rosenpass/commands.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "system/key_file.h"
#include "rosenpass.h"
#include "system/file.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define SECRET_MODE 0600

static int usage_error(const char *problem, const char *word)
{
	log_error("convert-secret-key: %s%s; rosenpass help convert-secret-key shows the usage", problem,
	          word);
	return COMMAND_USAGE;
}

static int write_key(const char *path, const uint8_t *key, size_t length, bool force)
{
	int result = file_write(path, key, length, SECRET_MODE, force ? FILE_REPLACE : FILE_KEEP_EXISTING);

	if (result == -EEXIST)
		log_error("secret-key file \"%s\" exists, refusing to overwrite it (--force does)", path);
	else if (result != 0)
		log_error("cannot write secret-key file \"%s\": %s", path, strerror(-result));
	else
		(void)printf("%s: %zu bytes, %s\n", path, length,
		             length == ROSENPASS_SECRET_KEY_OLD_BYTES ? "for 0.2.x software"
		                                                      : "for 0.3 and this software");
	return result == 0 ? COMMAND_OK : COMMAND_FAILED;
}

/* file and key are secret memory. */
static int convert(const char *from, const char *to, bool force, uint8_t *file, uint8_t *key)
{
	size_t length = 0;
	int result = file_read(from, file, ROSENPASS_SECRET_KEY_BYTES, &length);

	if (result != 0 && result != -EFBIG) {
		log_error("cannot read secret-key file \"%s\": %s", from, strerror(-result));
		return COMMAND_FAILED;
	}
	if (result != 0 || rosenpass_secret_key_import(key, file, length) != 0) {
		log_error("\"%s\" is not a secret key: a secret key has %d bytes or, of 0.2.x software, %d",
		          from, ROSENPASS_SECRET_KEY_BYTES, ROSENPASS_SECRET_KEY_OLD_BYTES);
		return COMMAND_FAILED;
	}
	if (key_file_is_exposed(from))
		log_warn("secret-key file \"%s\" can be read by other users; chmod 600 forbids it", from);
	if (length == ROSENPASS_SECRET_KEY_OLD_BYTES)
		return write_key(to, key, ROSENPASS_SECRET_KEY_BYTES, force);
	rosenpass_secret_key_export_old(file, key);
	return write_key(to, file, ROSENPASS_SECRET_KEY_OLD_BYTES, force);
}

int command_convert_secret_key(int count, char **words)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	bool force = false;
	uint8_t *file;
	uint8_t *key;
	int status = COMMAND_FAILED;
	int option;

	/* 0 makes getopt start afresh: main has used it. */
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(count, words, ":fh", options, NULL)) != -1) {
		if (option == 'h')
			return COMMAND_HELP;
		if (option != 'f')
			return usage_error("unknown option ", words[optind - 1]);
		force = true;
	}
	if (count - optind != 2)
		return usage_error("two files are needed, FROM and TO", "");
	if (secret_memory_protect_process() != 0)
		log_warn("cannot forbid core dumps of this process");
	file = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	if (file == NULL || key == NULL)
		log_error("convert-secret-key: out of memory");
	else
		status = convert(words[optind], words[optind + 1], force, file, key);
	secret_memory_release(NULL, file, ROSENPASS_SECRET_KEY_BYTES);
	secret_memory_release(NULL, key, ROSENPASS_SECRET_KEY_BYTES);
	return fflush(stdout) == 0 ? status : COMMAND_FAILED;
}

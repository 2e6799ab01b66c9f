#include "rosenpass/gen_keys.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/rosenpass_config.h"
#include "monitor/daemon_check.h"
#include "rosenpass.h"
#include "rosenpass/commands.h"
#include "system/entropy.h"
#include "system/file.h"
#include "system/file_identity.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define SECRET_MODE 0600
#define PUBLIC_MODE 0644

struct request {
	const char *command; /* for messages */
	const char *public_key;
	const char *secret_key;
	const char *config_file; /* NULL: none */
	bool force;
};

/* Whether the words make sense together. As parse(). */
static int check(const struct request *request)
{
	bool any = request->public_key != NULL || request->secret_key != NULL;

	if (request->config_file == NULL) {
		if (request->public_key != NULL && request->secret_key != NULL)
			return 0;
		log_error(
			"gen-keys: either a config-file or both public-key and secret-key file are required: "
			"gen-keys FILE, or --public-key FILE --secret-key FILE");
		return 1 + COMMAND_USAGE;
	}
	if (!any)
		return 0;
	/* A word too many rather than a file that is missing. */
	if (!file_exists(request->config_file)) {
		log_error("gen-keys: config file \"%s\" does not exist, and is not needed beside "
		          "--public-key and "
		          "--secret-key",
		          request->config_file);
		return 1 + COMMAND_USAGE;
	}
	log_warn("gen-keys: --public-key and --secret-key are ignored; the keys go where config file \"%s\" "
	         "says",
	         request->config_file);
	return 0;
}

/* 0: go on; else the exit status plus one (help is a success that ends here). */
static int parse(struct request *request, int count, char **words)
{
	static const struct option options[] = {
		{ "public-key", required_argument, NULL, 'p' },
		{ "secret-key", required_argument, NULL, 's' },
		{ "force", no_argument, NULL, 'f' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	/* 0 makes getopt start afresh: main has used it. */
	optind = 0;
	opterr = 0;
	while ((option = getopt_long(count, words, ":p:s:fh", options, NULL)) != -1) {
		switch (option) {
		case 'p':
			request->public_key = optarg;
			break;
		case 's':
			request->secret_key = optarg;
			break;
		case 'f':
			request->force = true;
			break;
		case 'h':
			return 1 + COMMAND_HELP;
		case ':':
			log_error("gen-keys: a file is missing after %s; rosenpass help gen-keys shows the "
			          "usage",
			          words[optind - 1]);
			return 1 + COMMAND_USAGE;
		default:
			log_error("gen-keys: unknown option %s; rosenpass help gen-keys shows the usage",
			          words[optind - 1]);
			return 1 + COMMAND_USAGE;
		}
	}
	if (optind < count)
		request->config_file = words[optind++];
	if (optind < count) {
		log_error(
			"gen-keys: one config file is enough, not also %s; rosenpass help gen-keys shows the "
			"usage",
			words[optind]);
		return 1 + COMMAND_USAGE;
	}
	return check(request);
}

/* Before the work is done; the files are looked at once more when they are written. */
static bool may_write(const struct request *request)
{
	bool public_exists = file_exists(request->public_key);
	bool secret_exists = file_exists(request->secret_key);

	if (file_is_same(request->public_key, request->secret_key)) {
		log_error("%s: public and secret key cannot be the same file \"%s\"", request->command,
		          request->public_key);
		return false;
	}
	if (request->force || (!public_exists && !secret_exists))
		return true;
	if (public_exists && secret_exists)
		log_error("public-key file \"%s\" exists, refusing to overwrite it; "
		          "secret-key file \"%s\" exists, refusing to overwrite it (--force does)",
		          request->public_key, request->secret_key);
	else
		log_error("%s-key file \"%s\" exists, refusing to overwrite it (--force does)",
		          public_exists ? "public" : "secret",
		          public_exists ? request->public_key : request->secret_key);
	return false;
}

static int write_problem(const char *kind, const char *path, int result)
{
	log_error("cannot write %s-key file \"%s\": %s", kind, path, strerror(-result));
	return COMMAND_FAILED;
}

/*
 * Both files are on disk before either gets its name: what can fail for want of room, a
 * folder or a right fails while an older pair is still whole. The secret key first, as
 * without it the public key is worth nothing. Should the public key's name fail all the
 * same, a secret key that is new is removed, so that the command can simply be repeated.
 */
static int write_pair(const struct request *request, const uint8_t *pk, const uint8_t *sk)
{
	enum file_existing existing = request->force ? FILE_REPLACE : FILE_KEEP_EXISTING;
	bool is_new = !file_exists(request->secret_key);
	struct file_prepared secret;
	struct file_prepared public;
	int result;

	result = file_prepare(&secret, request->secret_key, sk, ROSENPASS_SECRET_KEY_BYTES, SECRET_MODE);
	if (result != 0)
		return write_problem("secret", request->secret_key, result);
	result = file_prepare(&public, request->public_key, pk, ROSENPASS_PUBLIC_KEY_BYTES, PUBLIC_MODE);
	if (result != 0) {
		file_discard(&secret);
		return write_problem("public", request->public_key, result);
	}
	result = file_place(&secret, existing);
	if (result != 0) {
		file_discard(&public);
		return write_problem("secret", request->secret_key, result);
	}
	result = file_place(&public, existing);
	if (result != 0) {
		if (is_new)
			(void)unlink(request->secret_key);
		return write_problem("public", request->public_key, result);
	}
	return COMMAND_OK;
}

static int make(const struct request *request)
{
	static const struct rosenpass_environment environment = {
		.size = sizeof environment,
		.random = entropy_fill,
		.allocate = secret_memory_allocate,
		.release = secret_memory_release,
	};
	uint8_t *pk = NULL;
	uint8_t *sk = NULL;
	int status = COMMAND_FAILED;
	int result;

	if (!may_write(request))
		return status;
	if (secret_memory_protect_process() != 0)
		log_warn("cannot forbid core dumps of this process");
	pk = malloc(ROSENPASS_PUBLIC_KEY_BYTES);
	sk = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	result = pk == NULL || sk == NULL ? ROSENPASS_E_MEMORY : rosenpass_keygen(pk, sk, &environment);
	if (result != 0)
		log_error("%s: %s", request->command, rosenpass_error_name(result));
	else
		status = write_pair(request, pk, sk);
	free(pk);
	secret_memory_release(NULL, sk, ROSENPASS_SECRET_KEY_BYTES);
	return status;
}

int gen_keys_make(const char *command, const char *public_key, const char *secret_key, bool force)
{
	const struct request request = {
		.command = command,
		.public_key = public_key,
		.secret_key = secret_key,
		.force = force,
	};

	return make(&request);
}

/* Whether the files are none of the others that the configuration names. */
static bool are_free(const struct config *config)
{
	static const struct daemon_identity identity;
	struct config others = *config;
	char problem[DAEMON_CHECK_PROBLEM_BYTES];

	others.public_key = NULL;
	others.secret_key = NULL;
	if (daemon_check_output(&others, &identity, "secret_key", config->secret_key, problem) == 0 &&
	    daemon_check_output(&others, &identity, "public_key", config->public_key, problem) == 0)
		return true;
	log_error("gen-keys: %s", problem);
	return false;
}

int command_gen_keys(int count, char **words)
{
	struct request request = { .command = "gen-keys" };
	struct config config;
	char problem[CONFIG_PROBLEM_BYTES];
	int status = parse(&request, count, words);

	if (status != 0)
		return status - 1;
	if (request.config_file == NULL)
		return make(&request);
	if (config_read(&config, request.config_file, problem) != 0) {
		log_error("%s", problem);
		return COMMAND_FAILED;
	}
	request.public_key = config.public_key;
	request.secret_key = config.secret_key;
	status = are_free(&config) ? make(&request) : COMMAND_FAILED;
	config_release(&config);
	return status;
}

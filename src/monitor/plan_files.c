#include "monitor/plan_files.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "delivery/outfile.h"
#include "engine/channel.h"
#include "system/file.h"
#include "system/key_file.h"
#include "system/log.h"
#include "system/secret_memory.h"

static int fail(char problem[static PLAN_FILES_PROBLEM_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(char problem[static PLAN_FILES_PROBLEM_BYTES], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem, PLAN_FILES_PROBLEM_BYTES, format, arguments);
	va_end(arguments);
	return -1;
}

int plan_files_own(struct shared_key *public_key, uint8_t *secret_key, const struct config *config,
                   char problem[static PLAN_FILES_PROBLEM_BYTES])
{
	char reason[KEY_FILE_PROBLEM_BYTES];

	if (key_file_read_public(public_key, config->public_key, reason) != 0 ||
	    key_file_read_secret(secret_key, config->secret_key, reason) != 0)
		return fail(problem, "%s%s", reason,
		            !file_exists(config->public_key) && !file_exists(config->secret_key)
		                    ? "; rosenpass gen-keys makes a key pair"
		                    : "");
	if (!rosenpass_keypair_matches(public_key->bytes, secret_key))
		return fail(problem,
		            "public-key file \"%s\" and secret-key file \"%s\" do not belong together",
		            config->public_key, config->secret_key);
	if (key_file_is_exposed(config->secret_key))
		log_warn("secret-key file \"%s\" can be read by other users; chmod 600 forbids it",
		         config->secret_key);
	return 0;
}

void plan_files_describe(char *out, size_t size, const struct config_peer *config, size_t number)
{
	if (config->name != NULL)
		(void)snprintf(out, size, "peer %zu (%s)", number, config->name);
	else
		(void)snprintf(out, size, "peer %zu", number);
}

static int check_outputs(const struct config_peer *config, const char *peer,
                         char problem[static PLAN_FILES_PROBLEM_BYTES])
{
	if (config->key_out == NULL && config->exchange_command.count == 0 && config->device == NULL)
		return fail(problem,
		            "%s: its key goes nowhere; add outfile FILE (key_out), or device and peer", peer);
	if (config->key_out != NULL && file_check_place(config->key_out) != 0)
		return fail(problem,
		            "%s: outfile \"%s\" is a folder or device; name a file, which each new key "
		            "replaces",
		            peer, config->key_out);
	return 0;
}

int plan_files_peer(struct staged_peer *staged, struct config_peer *config, size_t number,
                    char problem[static PLAN_FILES_PROBLEM_BYTES])
{
	char reason[PLAN_FILES_PROBLEM_BYTES];
	char peer[CHANNEL_LABEL_BYTES + 16];

	memset(staged, 0, sizeof *staged);
	staged->config = *config;
	memset(config, 0, sizeof *config);
	staged->number = number;
	config = &staged->config;
	plan_files_describe(peer, sizeof peer, config, number);
	if (check_outputs(config, peer, problem) != 0)
		return -1;
	if (outfile_new(&staged->new_file, config, reason) != 0)
		return fail(problem, "%s: %s", peer, reason);
	if (key_file_read_public(&staged->public_key, config->public_key, reason) != 0)
		return fail(problem, "%s: %s", peer, reason);
	shared_key_keep_from_children(&staged->public_key);
	memcpy(&staged->key_prefix, staged->public_key.bytes, sizeof staged->key_prefix);
	if (config->pre_shared_key == NULL)
		return 0;
	staged->psk = secret_memory_allocate(NULL, ROSENPASS_PSK_BYTES);
	if (staged->psk == NULL)
		return fail(problem, "%s: out of memory", peer);
	if (key_file_read_psk(staged->psk, config->pre_shared_key, reason) != 0)
		return fail(problem, "%s: %s", peer, reason);
	staged->psk_is_exposed = key_file_is_exposed(config->pre_shared_key);
	return 0;
}

void plan_files_warn(const struct staged_peer *staged, size_t count)
{
	const char *first = NULL;
	size_t exposed = 0;

	for (size_t i = 0; i < count; i++) {
		if (!staged[i].psk_is_exposed || staged[i].same != NULL)
			continue;
		if (exposed++ == 0)
			first = staged[i].config.pre_shared_key;
	}
	if (exposed == 1)
		log_warn("preshared-key file \"%s\" can be read by other users; chmod 600 forbids it", first);
	else if (exposed > 1)
		log_warn("%zu preshared-key files can be read by other users, the first of them \"%s\"; "
		         "chmod 600 forbids it",
		         exposed, first);
}

void plan_files_release(struct staged_peer *staged)
{
	config_peer_release(&staged->config);
	shared_key_release(&staged->public_key);
	secret_memory_release(NULL, staged->psk, ROSENPASS_PSK_BYTES);
	memset(staged, 0, sizeof *staged);
}

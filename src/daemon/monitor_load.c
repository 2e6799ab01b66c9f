#include "daemon/monitor_parts.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"
#include "system/file.h"
#include "system/log.h"
#include "system/notify.h"
#include "system/program.h"
#include "system/secret_memory.h"

static int fail(char problem[static MONITOR_PROBLEM_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(char problem[static MONITOR_PROBLEM_BYTES], const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem, MONITOR_PROBLEM_BYTES, format, arguments);
	va_end(arguments);
	return -1;
}

int monitor_load_own(struct shared_key *public_key, uint8_t *secret_key, const struct config *config,
                     char problem[static MONITOR_PROBLEM_BYTES])
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

uint64_t monitor_load_tag(const struct shared_key *key)
{
	uint64_t tag;

	memcpy(&tag, key->bytes, sizeof tag);
	return tag;
}

static struct peer *find_known(const struct monitor *known, const struct shared_key *key)
{
	const struct claim *claim = claims_find_key(&known->claims, key->bytes);
	const struct peer *peer = claim == NULL ? NULL : claims_subject(claim);

	return peer == NULL ? NULL : peer_set_get(known->peers, peer_ref(peer));
}

void monitor_load_describe(char *out, size_t size, const struct config_peer *config, size_t number)
{
	if (config->name != NULL)
		(void)snprintf(out, size, "peer %zu (%s)", number, config->name);
	else
		(void)snprintf(out, size, "peer %zu", number);
}

static int check_outputs(const struct config_peer *config, const char *peer,
                         char problem[static MONITOR_PROBLEM_BYTES])
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

int monitor_load_peer(struct staged_peer *staged, const struct monitor *known, struct config_peer *config,
                      size_t number, char problem[static MONITOR_PROBLEM_BYTES])
{
	char reason[MONITOR_PROBLEM_BYTES];
	char peer[CHANNEL_LABEL_BYTES + 16];

	/* Each peer has half a megabyte on a disk that may be slow. */
	notify_busy(clock_now_ns());
	memset(staged, 0, sizeof *staged);
	staged->config = *config;
	memset(config, 0, sizeof *config);
	staged->number = number;
	config = &staged->config;
	monitor_load_describe(peer, sizeof peer, config, number);
	if (check_outputs(config, peer, problem) != 0)
		return -1;
	if (outfile_new(&staged->new_file, config, reason) != 0)
		return fail(problem, "%s: %s", peer, reason);
	if (key_file_read_public(&staged->public_key, config->public_key, reason) != 0)
		return fail(problem, "%s: %s", peer, reason);
	shared_key_keep_from_children(&staged->public_key);
	staged->key_prefix = monitor_load_tag(&staged->public_key);
	if (known != NULL) {
		staged->same = find_known(known, &staged->public_key);
		/* One mapping of it is enough. */
		if (staged->same != NULL)
			shared_key_release(&staged->public_key);
	}
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

void monitor_load_warn(const struct staged_peer *staged, size_t count)
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
		         "chmod 600 "
		         "forbids it",
		         exposed, first);
}

void monitor_load_release(struct staged_peer *staged)
{
	config_peer_release(&staged->config);
	shared_key_release(&staged->public_key);
	secret_memory_release(NULL, staged->psk, ROSENPASS_PSK_BYTES);
	memset(staged, 0, sizeof *staged);
}

static bool is_below_run(const char *path)
{
	return strncmp(path, "/run/", 5) == 0 || strncmp(path, "/var/run/", 9) == 0;
}

/* Whether a peer's file can be written; else that is said. */
static bool check_file(const struct staged_peer *staged)
{
	char problem[MONITOR_PROBLEM_BYTES];
	char peer[CHANNEL_LABEL_BYTES + 16];

	/* What is no file at all was refused before. */
	if (staged->config.key_out == NULL || file_check_place(staged->config.key_out) != 0)
		return true;
	monitor_load_describe(peer, sizeof peer, &staged->config, staged->number);
	if (outfile_check(&staged->config, &staged->new_file, problem) == 0) {
		outfile_warn(peer, &staged->config, &staged->new_file);
		return true;
	}
	/* What is below /run is often made along with the service. */
	if (is_below_run(staged->config.key_out) &&
	    file_output_check(staged->config.key_out, &staged->new_file) == -ENOENT) {
		log_warn("%s: the directory of outfile \"%s\" does not exist yet", peer,
		         staged->config.key_out);
		return true;
	}
	log_error("%s: cannot write outfile \"%s\": %s", peer, staged->config.key_out, problem);
	return false;
}

/* A command may be made along with the service, hence only a warning. */
static void warn_of_command(const struct staged_peer *staged)
{
	const struct string_list *command = &staged->config.exchange_command;
	char peer[CHANNEL_LABEL_BYTES + 16];

	if (command->count == 0 || program_is_there(command->words[0]))
		return;
	monitor_load_describe(peer, sizeof peer, &staged->config, staged->number);
	log_warn("%s: exchange_command \"%s\" is no program that can be started here", peer,
	         command->words[0]);
}

bool monitor_check(const struct config *config)
{
	static const struct monitor_options options;
	struct shared_key own = { 0 };
	struct claims claims = { 0 };
	struct claim *own_claims = NULL;
	char *name = monitor_make_name(config, &options);
	uint8_t *secret_key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	struct staged_peer *staged = calloc(config->peer_count + 1, sizeof *staged);
	char problem[MONITOR_PROBLEM_BYTES];
	bool good = false;
	size_t count = 0;

	if (secret_key == NULL || staged == NULL || name == NULL) {
		log_error("out of memory");
	} else {
		good = monitor_load_own(&own, secret_key, config, problem) == 0;
		if (!good)
			log_error("%s", problem);
		if (monitor_claims_own(&claims, &own_claims, config, &options, name, own.bytes, problem) !=
		    0) {
			log_error("%s", problem);
			good = false;
		}
	}
	while (staged != NULL && count < config->peer_count) {
		/* Files only: the configuration is looked at and stays the caller's. */
		struct config_peer borrowed = config->peers[count];
		struct staged_peer *at = &staged[count];

		count++;
		if (monitor_load_peer(at, NULL, &borrowed, count, problem) != 0) {
			log_error("%s", problem);
			good = false;
		}
		/* A file that is something else as well would be complained about twice. */
		if (monitor_claims_staged(&claims, at, config->file != NULL, problem) != 0) {
			log_error("%s", problem);
			good = false;
		} else {
			good &= check_file(at);
		}
		warn_of_command(at);
	}
	if (staged != NULL)
		monitor_load_warn(staged, count);
	for (size_t i = 0; i < count; i++) {
		memset(&staged[i].config, 0, sizeof staged[i].config);
		monitor_load_release(&staged[i]);
	}
	claims_release(&claims);
	free(staged);
	free(name);
	shared_key_release(&own);
	secret_memory_release(NULL, secret_key, ROSENPASS_SECRET_KEY_BYTES);
	return good;
}

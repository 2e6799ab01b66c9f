#include "monitor/plan_validate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "delivery/outfile.h"
#include "monitor/plan_claims.h"
#include "monitor/plan_files.h"
#include "system/file.h"
#include "system/file_output.h"
#include "system/log.h"
#include "system/program.h"
#include "system/secret_memory.h"

static bool is_below_run(const char *path)
{
	return strncmp(path, "/run/", 5) == 0 || strncmp(path, "/var/run/", 9) == 0;
}

/* Whether a peer's file can be written; else that is said. */
static bool check_file(const struct staged_peer *staged)
{
	char problem[PLAN_PROBLEM_BYTES];
	char peer[CHANNEL_LABEL_BYTES + 16];

	/* What is no file at all was refused before. */
	if (staged->config.key_out == NULL || file_check_place(staged->config.key_out) != 0)
		return true;
	plan_files_describe(peer, sizeof peer, &staged->config, staged->number);
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
	plan_files_describe(peer, sizeof peer, &staged->config, staged->number);
	log_warn("%s: exchange_command \"%s\" is no program that can be started here", peer,
	         command->words[0]);
}

/* What is read of a configuration, and the problems that were found. */
struct validation {
	const struct config *config;
	struct claims claims;
	struct claim *own_claims;
	struct shared_key own;
	uint8_t *secret_key;
	struct staged_peer *staged;
	bool is_good;
};

static void note(struct validation *validation, int result, const char *problem)
{
	if (result == 0)
		return;
	log_error("%s", problem);
	validation->is_good = false;
}

static void validate_own(struct validation *validation, const struct plan_daemon *daemon)
{
	char problem[PLAN_PROBLEM_BYTES];

	note(validation,
	     plan_files_own(&validation->own, validation->secret_key, validation->config, problem), problem);
	note(validation,
	     plan_claims_own(&validation->claims, &validation->own_claims, validation->config, daemon,
	                     validation->own.bytes, problem),
	     problem);
}

static void validate_peer(struct validation *validation, size_t i)
{
	/* Files only: the configuration stays the caller's. */
	struct config_peer borrowed = validation->config->peers[i];
	struct staged_peer *staged = &validation->staged[i];
	char problem[PLAN_PROBLEM_BYTES];
	int result;

	note(validation, plan_files_peer(staged, &borrowed, i + 1, problem), problem);
	result = plan_claims_staged(&validation->claims, staged, validation->config->file != NULL, problem);
	note(validation, result, problem);
	/* A file that is something else as well would be complained about twice. */
	if (result == 0 && !check_file(staged))
		validation->is_good = false;
	warn_of_command(staged);
}

static void release(struct validation *validation)
{
	for (size_t i = 0; i < validation->config->peer_count && validation->staged != NULL; i++) {
		memset(&validation->staged[i].config, 0, sizeof validation->staged[i].config);
		plan_files_release(&validation->staged[i]);
	}
	claims_release(&validation->claims);
	free(validation->staged);
	shared_key_release(&validation->own);
	secret_memory_release(NULL, validation->secret_key, ROSENPASS_SECRET_KEY_BYTES);
}

bool plan_validate(const struct config *config, const struct plan_daemon *daemon)
{
	struct validation validation = { .config = config, .is_good = true };

	validation.secret_key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	validation.staged = calloc(config->peer_count + 1, sizeof *validation.staged);
	if (validation.secret_key == NULL || validation.staged == NULL) {
		note(&validation, -ENOMEM, "out of memory");
	} else {
		validate_own(&validation, daemon);
		for (size_t i = 0; i < config->peer_count; i++)
			validate_peer(&validation, i);
		plan_files_warn(validation.staged, config->peer_count);
	}
	release(&validation);
	return validation.is_good;
}

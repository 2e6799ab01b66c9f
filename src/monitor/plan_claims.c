#include "monitor/plan_claims.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/socket_path.h"
#include "monitor/peer_memory.h"
#include "monitor/plan_files.h"

static_assert(CLAIMS_PROBLEM_BYTES <= PLAN_PROBLEM_BYTES, "its problems fit");

/* Whose claims these are, and where they go. */
struct claimant {
	struct claims *claims;
	struct claim **list;
	const char *owner; /* NULL: the daemon itself */
	bool from_file;    /* settings have the names that a configuration file gives them */
	char *problem;
};

static int fail(const struct claimant *claimant, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int fail(const struct claimant *claimant, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(claimant->problem, PLAN_PROBLEM_BYTES, format, arguments);
	va_end(arguments);
	return -1;
}

/* path NULL: there is none. in_file: the name of the setting in a file; as_word: on a command line. */
static int claim_file(const struct claimant *claimant, enum claims_use use, const char *path,
                      const char *in_file, const char *as_word)
{
	const struct claims_file file = {
		.owner = claimant->owner,
		.setting = claimant->from_file ? in_file : as_word,
		.path = path,
		.use = use,
	};

	return path == NULL ? 0 : claims_add(claimant->claims, claimant->list, &file, claimant->problem);
}

static int claim_key(const struct claimant *claimant, const uint8_t *bytes, const char *path)
{
	const struct claim *taken;
	int result = claims_add_key(claimant->claims, claimant->list, bytes, claimant->owner, &taken);

	if (result == 0)
		return 0;
	if (result != -EEXIST)
		return fail(claimant, "out of memory");
	if (claims_owner(taken) == NULL)
		return fail(claimant, "%s: public-key file \"%s\" is our own key", claimant->owner, path);
	return fail(claimant, "%s: public-key file \"%s\" is the key of %s already", claimant->owner, path,
	            claims_owner(taken));
}

/* Two keys in turn for one WireGuard peer would fit neither of the two. */
static int claim_wireguard(const struct claimant *claimant, const struct config_peer *config)
{
	char word[256];
	const struct claim *taken;
	int result;

	(void)snprintf(word, sizeof word, "%s %s", config->device, config->wireguard_peer);
	result = claims_add_word(claimant->claims, claimant->list, CLAIMS_WIREGUARD_PEER, word,
	                         claimant->owner, &taken);
	if (result == 0)
		return 0;
	if (result != -EEXIST)
		return fail(claimant, "out of memory");
	return fail(claimant, "%s: WireGuard's peer %s on %s is that of %s already", claimant->owner,
	            config->wireguard_peer, config->device, claims_owner(taken));
}

static int claim_name(const struct claimant *claimant, const char *name)
{
	const struct claim *taken;
	int result = claims_add_word(claimant->claims, claimant->list, CLAIMS_PEER_NAME, name,
	                             claimant->owner, &taken);

	if (result == 0)
		return 0;
	return result == -EEXIST ? fail(claimant, "there is a peer called %s already", name)
	                         : fail(claimant, "out of memory");
}

/* bytes NULL: the key could not be read. */
static int claim_peer(const struct claimant *claimant, const struct config_peer *config, const uint8_t *bytes)
{
	const struct string_list *command = &config->exchange_command;
	/* Names without a slash are looked up in PATH. */
	bool is_file = command->count > 0 && strchr(command->words[0], '/') != NULL;

	if (bytes != NULL && claim_key(claimant, bytes, config->public_key) != 0)
		return -1;
	if (claim_file(claimant, CLAIMS_INPUT, config->public_key, "public_key", "public-key") != 0 ||
	    claim_file(claimant, CLAIMS_INPUT, config->pre_shared_key, "pre_shared_key", "preshared-key") !=
	            0 ||
	    claim_file(claimant, CLAIMS_INPUT, is_file ? command->words[0] : NULL, "exchange_command",
	               "exchange_command") != 0 ||
	    claim_file(claimant, CLAIMS_OUTPUT, config->key_out, "key_out", "outfile") != 0)
		return -1;
	if (config->device != NULL && claim_wireguard(claimant, config) != 0)
		return -1;
	return config->name == NULL ? 0 : claim_name(claimant, config->name);
}

/* Where peers are remembered. */
static int claim_state(const struct claimant *claimant, const char *name, const uint8_t *public_key)
{
	uint64_t prefix = 0;
	char *path;
	int result;

	if (public_key != NULL)
		memcpy(&prefix, public_key, sizeof prefix);
	path = peer_memory_find_path(name, public_key == NULL ? NULL : &prefix);
	result = claim_file(claimant, CLAIMS_OUTPUT, path, "state file", "state file");

	free(path);
	return result;
}

int plan_claims_own(struct claims *claims, struct claim **list, const struct config *config,
                    const struct plan_daemon *daemon, const uint8_t *public_key,
                    char problem[static PLAN_PROBLEM_BYTES])
{
	const struct claimant claimant = { claims, list, NULL, config->file != NULL, problem };
	char socket[SOCKET_PATH_BYTES];

	if (claim_file(&claimant, CLAIMS_INPUT, config->file, "configuration", "configuration") != 0 ||
	    claim_file(&claimant, CLAIMS_INPUT, config->secret_key, "secret_key", "secret-key") != 0 ||
	    claim_file(&claimant, CLAIMS_INPUT, config->public_key, "public_key", "public-key") != 0)
		return -1;
	for (size_t i = 0; i < daemon->input_count; i++) {
		if (claim_file(&claimant, CLAIMS_INPUT, daemon->inputs[i].path, daemon->inputs[i].setting,
		               daemon->inputs[i].setting) != 0)
			return -1;
	}
	if (socket_path_make(socket, daemon->name) == 0 &&
	    claim_file(&claimant, CLAIMS_OUTPUT, socket, "control socket", "control socket") != 0)
		return -1;
	if (claim_state(&claimant, daemon->has_name ? daemon->name : NULL, public_key) != 0)
		return -1;
	return public_key == NULL ? 0 : claim_key(&claimant, public_key, config->public_key);
}

int plan_claims_staged(struct claims *claims, struct staged_peer *staged, bool from_file,
                       char problem[static PLAN_PROBLEM_BYTES])
{
	char owner[PLAN_OWNER_BYTES];
	const struct claimant claimant = { claims, &staged->claims, owner, from_file, problem };

	plan_files_describe(owner, sizeof owner, &staged->config, staged->number);
	return claim_peer(&claimant, &staged->config,
	                  staged->same != NULL ? peer_public_key(staged->same) : staged->public_key.bytes);
}

int plan_claims_running(struct claims *claims, struct claim **list, const struct peer *peer,
                        char problem[static PLAN_PROBLEM_BYTES])
{
	const struct claimant claimant = { claims, list, peer_label(peer), !peer_is_at_run_time(peer),
		                           problem };

	return claim_peer(&claimant, peer_config(peer), peer_public_key(peer));
}

int plan_claims_check_output(const struct config *config, const struct plan_daemon *daemon,
                             const char *setting, const char *path, char problem[static PLAN_PROBLEM_BYTES])
{
	struct claims claims = { 0 };
	struct claim *list = NULL;
	char owner[PLAN_OWNER_BYTES];
	const struct claimant itself = { &claims, &list, NULL, false, problem };
	const struct claimant peer = { &claims, &list, owner, config->file != NULL, problem };
	int result = plan_claims_own(&claims, &list, config, daemon, NULL, problem);

	for (size_t i = 0; i < config->peer_count && result == 0; i++) {
		plan_files_describe(owner, sizeof owner, &config->peers[i], i + 1);
		result = claim_peer(&peer, &config->peers[i], NULL);
	}
	if (result == 0)
		result = claim_file(&itself, CLAIMS_OUTPUT, path, setting, setting);
	claims_release(&claims);
	return result;
}

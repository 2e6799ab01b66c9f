#include "programs/rp_plan.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "monitor/daemon_check.h"
#include "system/base64.h"
#include "system/log.h"

static int out_of_memory(void)
{
	log_error("out of memory");
	return -1;
}

static int copy(char **to, const char *from)
{
	*to = from == NULL ? NULL : strdup(from);
	return from != NULL && *to == NULL ? out_of_memory() : 0;
}

int rp_plan_peer(struct config_peer *to, uint8_t public_key[static RP_KEYS_WIREGUARD_BYTES],
                 const struct rp_config_peer *from, const char *device,
                 const uint8_t private_key[static RP_KEYS_WIREGUARD_BYTES])
{
	struct rp_keys_public keys;
	char problem[RP_KEYS_PROBLEM_BYTES];
	char text[BASE64_KEY_CHARS + 1];
	uint8_t own[RP_KEYS_WIREGUARD_BYTES];

	if (rp_keys_load_public(&keys, from->public_keys_dir, problem) != 0) {
		log_error("%s", problem);
		return -1;
	}
	memcpy(public_key, keys.wireguard, sizeof keys.wireguard);
	to->public_key = keys.public_key;
	to->pre_shared_key = keys.pre_shared_key;
	to->line = from->line;
	to->dialects = from->dialects;
	base64_encode_key(text, public_key);
	/* WireGuard would take such a peer without a word, and leave it out. */
	if (crypto_scalarmult_base(own, private_key) == 0 && memcmp(own, public_key, sizeof own) == 0) {
		log_error("public-keys folder \"%s\": these are our own keys; give the folder that the peer "
		          "made",
		          from->public_keys_dir);
		return -1;
	}
	if (copy(&to->name, from->name) != 0 || copy(&to->endpoint, from->endpoint) != 0 ||
	    copy(&to->device, device) != 0)
		return -1;
	return copy(&to->wireguard_peer, text);
}

/* Fills a daemon's configuration as far as its check looks at it. */
static int plan(struct config *config, const struct rp_config *from, const uint8_t *private_key)
{
	const char *device = from->dev != NULL ? from->dev : RP_CONFIG_DEFAULT_DEVICE;
	uint8_t public_key[RP_KEYS_WIREGUARD_BYTES];

	config->peers = calloc(from->peer_count + 1, sizeof *config->peers);
	if (config->peers == NULL)
		return out_of_memory();
	for (size_t i = 0; i < from->peer_count; i++) {
		config->peer_count++;
		if (rp_plan_peer(&config->peers[i], public_key, &from->peers[i], device, private_key) != 0)
			return -1;
	}
	return 0;
}

bool rp_plan_check(const struct rp_config *from)
{
	struct rp_keys_private keys;
	struct config config = { 0 };
	char problem[RP_KEYS_PROBLEM_BYTES];
	bool good;

	if (rp_keys_load_private(&keys, from->private_keys_dir, problem) != 0) {
		log_error("%s", problem);
		return false;
	}
	config.secret_key = keys.secret_key;
	config.public_key = keys.public_key;
	keys.secret_key = NULL;
	keys.public_key = NULL;
	good = plan(&config, from, keys.wireguard) == 0 && daemon_check_config(&config);
	rp_keys_release_private(&keys);
	config_release(&config);
	return good;
}

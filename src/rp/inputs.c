#include "rp/inputs.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "programs/rp_keys.h"

/* Takes over an allocated path; NULL: there was no memory for it. */
static int add(struct inputs *inputs, const char *setting, char *path)
{
	if (path == NULL)
		return -1;
	inputs->all[inputs->count++] = (struct claims_input){ setting, path };
	return 0;
}

int inputs_collect(struct inputs *inputs, const struct rp_config *config)
{
	*inputs = (struct inputs){ .all = calloc(config->peer_count + 2, sizeof *inputs->all) };
	if (inputs->all == NULL)
		return -1;
	if (config->file != NULL && add(inputs, "configuration", strdup(config->file)) != 0)
		return -1;
	if (add(inputs, RP_KEYS_WGSK, rp_keys_path(config->private_keys_dir, RP_KEYS_WGSK)) != 0)
		return -1;
	for (size_t i = 0; i < config->peer_count; i++) {
		if (add(inputs, RP_KEYS_WGPK, rp_keys_path(config->peers[i].public_keys_dir, RP_KEYS_WGPK)) !=
		    0)
			return -1;
	}
	return 0;
}

void inputs_release(struct inputs *inputs)
{
	for (size_t i = 0; i < inputs->count; i++)
		free((char *)(uintptr_t)inputs->all[i].path);
	free(inputs->all);
	*inputs = (struct inputs){ 0 };
}

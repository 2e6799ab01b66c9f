#include "daemon/monitor_parts.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"
#include "system/file.h"
#include "system/log.h"
#include "system/notify.h"
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

int monitor_load_own(struct keys_public *public_key, uint8_t *secret_key, const struct config *config,
                     char problem[static MONITOR_PROBLEM_BYTES])
{
	char reason[KEYS_PROBLEM_BYTES];

	if (keys_read_public(public_key, config->public_key, reason) != 0 ||
	    keys_read_secret(secret_key, config->secret_key, reason) != 0)
		return fail(problem, "%s%s", reason,
		            !file_exists(config->public_key) && !file_exists(config->secret_key)
		                    ? "; rosenpass gen-keys makes a key pair"
		                    : "");
	if (!rosenpass_keypair_matches(public_key->bytes, secret_key))
		return fail(problem,
		            "public-key file \"%s\" and secret-key file \"%s\" do not belong together",
		            config->public_key, config->secret_key);
	if (keys_secret_is_exposed(config->secret_key))
		log_warn("secret-key file \"%s\" can be read by other users; chmod 600 forbids it",
		         config->secret_key);
	return 0;
}

uint64_t monitor_load_tag(const struct keys_public *key)
{
	uint64_t tag;

	memcpy(&tag, key->bytes, sizeof tag);
	return tag;
}

static bool is_same(const struct keys_public *a, const struct keys_public *b)
{
	return memcmp(a->bytes, b->bytes, ROSENPASS_PUBLIC_KEY_BYTES) == 0;
}

static struct monitor_peer *find_known(const struct monitor *known, const struct keys_public *key)
{
	uint64_t tag = monitor_load_tag(key);

	for (size_t i = 0; i < known->slots; i++) {
		struct monitor_peer *peer = known->peers[i];

		if (peer != NULL && !peer->leaving && peer->tag == tag && is_same(&peer->public_key, key))
			return peer;
	}
	return NULL;
}

/* "peer 2 ("office")" for messages about files. */
static void describe(char out[static CHANNEL_LABEL_BYTES + 16], const struct config_peer *config,
                     size_t number)
{
	if (config->name != NULL)
		(void)snprintf(out, CHANNEL_LABEL_BYTES + 16, "peer %zu (%s)", number, config->name);
	else
		(void)snprintf(out, CHANNEL_LABEL_BYTES + 16, "peer %zu", number);
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

int monitor_load_peer(struct monitor_staged *staged, const struct monitor *known, struct config_peer *config,
                      size_t number, char problem[static MONITOR_PROBLEM_BYTES])
{
	char reason[KEYS_PROBLEM_BYTES];
	char peer[CHANNEL_LABEL_BYTES + 16];

	/* Each peer has half a megabyte on a disk that may be slow. */
	notify_busy(clock_now_ns());
	memset(staged, 0, sizeof *staged);
	staged->config = *config;
	memset(config, 0, sizeof *config);
	staged->number = number;
	config = &staged->config;
	describe(peer, config, number);
	if (check_outputs(config, peer, problem) != 0)
		return -1;
	if (keys_read_public(&staged->public_key, config->public_key, reason) != 0)
		return fail(problem, "%s: %s", peer, reason);
	staged->tag = monitor_load_tag(&staged->public_key);
	if (known != NULL) {
		staged->same = find_known(known, &staged->public_key);
		/* One mapping of it is enough. */
		if (staged->same != NULL)
			keys_release_public(&staged->public_key);
	}
	if (config->pre_shared_key == NULL)
		return 0;
	staged->psk = secret_memory_allocate(NULL, ROSENPASS_PSK_BYTES);
	if (staged->psk == NULL)
		return fail(problem, "%s: out of memory", peer);
	if (keys_read_psk(staged->psk, config->pre_shared_key, reason) != 0)
		return fail(problem, "%s: %s", peer, reason);
	return 0;
}

static bool same_word(const char *a, const char *b)
{
	return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* Two keys in turn for one WireGuard peer would fit neither of the two. */
static bool same_wireguard(const struct config_peer *a, const struct config_peer *b)
{
	return same_word(a->device, b->device) && same_word(a->wireguard_peer, b->wireguard_peer);
}

static const struct keys_public *key_of(const struct monitor_staged *staged)
{
	return staged->same != NULL ? &staged->same->public_key : &staged->public_key;
}

int monitor_load_check_unique(const struct monitor_staged *staged, const struct monitor_staged *others,
                              size_t count, const struct keys_public *own,
                              char problem[static MONITOR_PROBLEM_BYTES])
{
	const struct keys_public *key = key_of(staged);
	char peer[CHANNEL_LABEL_BYTES + 16];

	describe(peer, &staged->config, staged->number);
	if (is_same(own, key))
		return fail(problem, "%s: public-key file \"%s\" is our own key or that of an earlier peer",
		            peer, staged->config.public_key);
	for (size_t i = 0; i < count; i++) {
		/* A peer that could not be read has no key; that was said already. */
		if (key_of(&others[i])->bytes != NULL && others[i].tag == staged->tag &&
		    is_same(key_of(&others[i]), key))
			return fail(
				problem,
				"%s: public-key file \"%s\" is our own key or that of an earlier peer (%zu)",
				peer, staged->config.public_key, others[i].number);
		if (staged->config.key_out != NULL && others[i].config.key_out != NULL &&
		    strcmp(staged->config.key_out, others[i].config.key_out) == 0)
			return fail(problem, "%s: outfile \"%s\" is that of an earlier peer (%zu)", peer,
			            staged->config.key_out, others[i].number);
		if (same_wireguard(&staged->config, &others[i].config))
			return fail(problem, "%s: WireGuard's peer %s on %s is that of an earlier peer (%zu)",
			            peer, staged->config.wireguard_peer, staged->config.device,
			            others[i].number);
	}
	return 0;
}

static bool is_among(const struct monitor_peer *peer, const struct monitor_staged *staged, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (staged[i].same == peer)
			return true;
	}
	return false;
}

int monitor_load_check_known(const struct monitor_staged *staged, const struct monitor *known,
                             const struct monitor_staged *others, size_t count,
                             char problem[static MONITOR_PROBLEM_BYTES])
{
	for (size_t i = 0; i < known->slots; i++) {
		const struct monitor_peer *peer = known->peers[i];

		/* Of a new configuration only those stay that were added over the control socket. */
		if (peer == NULL || peer->leaving || (others != NULL && !peer->at_run_time) ||
		    is_among(peer, others, count))
			continue;
		if (same_word(peer->config.key_out, staged->config.key_out))
			return fail(problem, "outfile \"%s\" is that of %s already", staged->config.key_out,
			            peer->label);
		if (same_wireguard(&peer->config, &staged->config))
			return fail(problem, "WireGuard's peer %s on %s is that of %s already",
			            staged->config.wireguard_peer, staged->config.device, peer->label);
		if (same_word(peer->config.name, staged->config.name))
			return fail(problem, "there is a peer called %s already", staged->config.name);
	}
	return 0;
}

void monitor_load_release(struct monitor_staged *staged)
{
	config_peer_release(&staged->config);
	keys_release_public(&staged->public_key);
	secret_memory_release(NULL, staged->psk, ROSENPASS_PSK_BYTES);
	memset(staged, 0, sizeof *staged);
}

bool monitor_check(const struct config *config)
{
	struct keys_public own = { 0 };
	uint8_t *secret_key = secret_memory_allocate(NULL, ROSENPASS_SECRET_KEY_BYTES);
	struct monitor_staged *staged = calloc(config->peer_count + 1, sizeof *staged);
	char problem[MONITOR_PROBLEM_BYTES];
	bool good = false;
	size_t count = 0;

	if (secret_key == NULL || staged == NULL) {
		log_error("out of memory");
	} else {
		good = monitor_load_own(&own, secret_key, config, problem) == 0;
		if (!good)
			log_error("%s", problem);
	}
	while (staged != NULL && count < config->peer_count) {
		/* Files only: the configuration is looked at and stays the caller's. */
		struct config_peer borrowed = config->peers[count];
		struct monitor_staged *at = &staged[count];

		count++;
		if (monitor_load_peer(at, NULL, &borrowed, count, problem) != 0 ||
		    (own.bytes != NULL &&
		     monitor_load_check_unique(at, staged, count - 1, &own, problem) != 0)) {
			log_error("%s", problem);
			good = false;
		}
	}
	for (size_t i = 0; i < count; i++) {
		memset(&staged[i].config, 0, sizeof staged[i].config);
		monitor_load_release(&staged[i]);
	}
	free(staged);
	keys_release_public(&own);
	secret_memory_release(NULL, secret_key, ROSENPASS_SECRET_KEY_BYTES);
	return good;
}

#include "monitor/peer_parts.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define RESOLVE_FIRST_NS (5 * CLOCK_SECOND_NS)
#define RESOLVE_MOST_NS (300 * CLOCK_SECOND_NS)
/* A name that has resolved is resolved again after this time while its peer does not answer. */
#define RESOLVE_AGAIN_NS (600 * CLOCK_SECOND_NS)

/* --- the name of the endpoint ------------------------------------------------------------------- */

static bool has_address(const struct channel_addresses *addresses, const union address_socket *address)
{
	for (uint32_t i = 0; i < addresses->count; i++) {
		if (address_equal(&addresses->list[i], address))
			return true;
	}
	return false;
}

/* Takes over as many as the engine process may be told. Returns false if all are the same as before. */
static bool set_addresses(struct peer *peer, const union address_socket *list, size_t count)
{
	struct channel_addresses addresses = { 0 };
	bool is_same = count == peer->addresses.count;

	for (size_t i = 0; i < count && i < CHANNEL_ADDRESSES_MAX; i++) {
		addresses.list[addresses.count++] = list[i];
		is_same = is_same && has_address(&peer->addresses, &list[i]);
	}
	if (!is_same)
		peer->addresses = addresses;
	return !is_same;
}

static void log_answer(const struct peer *peer, const struct hostname_answer *answer)
{
	if (answer->problem != NULL)
		log_write(answer->is_news ? LOG_WARN : LOG_DEBUG, "%s: endpoint \"%s\": %s; trying again",
		          peer->label, peer->config.endpoint, answer->problem);
	else if (answer->is_news)
		log_info("%s: endpoint \"%s\" resolves now", peer->label, peer->config.endpoint);
}

static void on_answer(void *owner, const struct hostname_answer *answer)
{
	struct peer *peer = owner;

	log_answer(peer, answer);
	/* What the name resolved to before a failure is still the best guess. */
	if (answer->problem != NULL || !set_addresses(peer, answer->addresses, answer->count))
		return;
	log_debug("%s: %s has %zu address%s", peer->label, peer->config.endpoint, answer->count,
	          answer->count == 1 ? "" : "es");
	peer->env->events->resolved(peer->env->owner, peer);
	peer_announce_addresses(peer, false);
}

/* A responding peer's endpoint need not be resolved again. */
static bool is_name_needed(void *owner)
{
	const struct peer *peer = owner;

	return !peer_is_responding(peer) || hostname_problem(peer->hostname) != NULL;
}

/* Keeps a name resolved; text NULL: there is none. 0 or -ENOMEM. */
static int make_hostname(struct hostname **out, struct peer *peer, const char *text)
{
	const struct hostname_options options = {
		.first_ns = RESOLVE_FIRST_NS,
		.most_ns = RESOLVE_MOST_NS,
		.again_ns = RESOLVE_AGAIN_NS,
		.answered = on_answer,
		.is_needed = is_name_needed,
		.owner = peer,
	};

	*out = NULL;
	return text == NULL ? 0 : hostname_create(out, peer->env->resolvers, text, &options);
}

static void use_hostname(struct peer *peer, struct hostname *hostname)
{
	const union address_socket *list;
	size_t count;

	hostname_destroy(peer->hostname);
	peer->hostname = hostname;
	/* A literal address is there at once. */
	list = hostname_addresses(peer->hostname, &count);
	memset(&peer->addresses, 0, sizeof peer->addresses);
	(void)set_addresses(peer, list, count);
}

void peer_network_changed(struct peer *peer)
{
	if (!peer->is_leaving && is_name_needed(peer))
		hostname_refresh(peer->hostname);
}

/* --- from the beginning to the end --------------------------------------------------------------- */

static void set_label(struct peer *peer)
{
	/* Names are 64 characters of up to four bytes at most, as the configuration checks. */
	if (peer->config.name != NULL)
		(void)snprintf(peer->label, sizeof peer->label, "peer %s", peer->config.name);
	else
		(void)snprintf(peer->label, sizeof peer->label, "peer %zu", peer->number);
}

/* Keeps what tells one preshared key from another, but not the key. Returns true if it is another one. */
static bool set_fingerprint(struct peer *peer, const uint8_t *psk)
{
	static uint8_t salt[crypto_generichash_KEYBYTES];
	static bool is_salted;
	uint8_t fingerprint[PEER_FINGERPRINT_BYTES] = { 0 };
	bool is_other;

	if (!is_salted)
		randombytes_buf(salt, sizeof salt);
	is_salted = true;
	if (psk != NULL)
		(void)crypto_generichash(fingerprint, sizeof fingerprint, psk, ROSENPASS_PSK_BYTES, salt,
		                         sizeof salt);
	is_other = sodium_memcmp(fingerprint, peer->psk_fingerprint, sizeof fingerprint) != 0;
	memcpy(peer->psk_fingerprint, fingerprint, sizeof fingerprint);
	return is_other;
}

static void leave(void *owner)
{
	struct peer *peer = owner;

	peer->env->events->gone(peer->env->owner, peer);
	peer_destroy(peer);
}

static const char *id_of(void *owner, enum rosenpass_dialect dialect)
{
	return peer_id(owner, dialect);
}

static int add_timers(struct peer *peer)
{
	static void (*const expired[PEER_TIMERS])(void *owner) = {
		[PEER_TIMER_STALE] = peer_become_stale,
		[PEER_TIMER_ANNOUNCE] = peer_announce_again,
		[PEER_TIMER_HELD] = peer_take_held,
		[PEER_TIMER_LEAVING] = leave,
	};

	for (; peer->timer_count < PEER_TIMERS; peer->timer_count++) {
		struct loop_timer *timer = &peer->timers[peer->timer_count];

		*timer = (struct loop_timer){ .expired = expired[peer->timer_count], .owner = peer };
		if (loop_timer_add(peer->env->loop, timer) != 0)
			return -ENOMEM;
	}
	return 0;
}

static int open_parts(struct peer *peer)
{
	struct hostname *hostname;

	peer->recipient = (struct sink_peer){
		.label = peer->label,
		.config = &peer->config,
		.new_file = &peer->new_file,
		.key_prefix = peer->key_prefix,
		.id = id_of,
		.owner = peer,
	};
	if (add_timers(peer) != 0 ||
	    delivery_create(&peer->delivery, peer->env->deliveries, &peer->recipient) != 0 ||
	    make_hostname(&hostname, peer, peer->config.endpoint) != 0)
		return -ENOMEM;
	use_hostname(peer, hostname);
	return 0;
}

int peer_create(struct peer **out, const struct peer_env *env, struct staged_peer *staged)
{
	struct peer *peer = calloc(1, sizeof *peer);

	*out = NULL;
	if (peer == NULL)
		return -ENOMEM;
	peer->env = env;
	peer->config = staged->config;
	peer->number = staged->number;
	peer->key_prefix = staged->key_prefix;
	peer->new_file = staged->new_file;
	set_label(peer);
	backoff_none(&peer->announce);
	if (open_parts(peer) != 0) {
		/* It stays the caller's. */
		memset(&peer->config, 0, sizeof peer->config);
		peer_destroy(peer);
		return -ENOMEM;
	}
	memset(&staged->config, 0, sizeof staged->config);
	peer->public_key = staged->public_key;
	memset(&staged->public_key, 0, sizeof staged->public_key);
	peer->claims = staged->claims;
	staged->claims = NULL;
	(void)set_fingerprint(peer, staged->psk);
	peer_memory_attach(env->memory, &peer->remembered, peer->key_prefix);
	*out = peer;
	return 0;
}

void peer_destroy(struct peer *peer)
{
	if (peer == NULL)
		return;
	peer_memory_detach(&peer->remembered);
	secret_memory_release(NULL, peer->held_key, ROSENPASS_KEY_BYTES);
	hostname_destroy(peer->hostname);
	hostname_destroy(peer->next_hostname);
	delivery_destroy(peer->delivery);
	for (size_t i = 0; i < peer->timer_count; i++)
		loop_timer_remove(peer->env->loop, &peer->timers[i]);
	shared_key_release(&peer->public_key);
	config_peer_release(&peer->config);
	free(peer);
}

void peer_place(struct peer *peer, struct peer_ref ref)
{
	peer->ref = ref;
}

void peer_start(struct peer *peer, const uint8_t *psk)
{
	delivery_inspect(peer->delivery);
	peer_announce(peer, psk);
}

void peer_reset_session(struct peer *peer)
{
	memset(&peer->report, 0, sizeof peer->report);
	memset(&peer->last, 0, sizeof peer->last);
	memset(&peer->silence.now, 0, sizeof peer->silence.now);
	peer_drop_held(peer);
	peer->silence.is_logged = false;
	peer->has_report = false;
	peer->is_failing = false;
	peer->announce.wait_ns = 0;
}

/* Whether two words are the same or both missing. */
static bool is_same_word(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

void peer_cancel(struct peer *peer)
{
	hostname_destroy(peer->next_hostname);
	peer->next_hostname = NULL;
	if (peer->delivery != NULL)
		delivery_cancel(peer->delivery);
}

int peer_prepare(struct peer *peer, const struct staged_peer *staged)
{
	const struct config_peer *next = &staged->config;

	peer_cancel(peer);
	if (delivery_prepare(peer->delivery, next) == 0 &&
	    (is_same_word(peer->config.endpoint, next->endpoint) ||
	     make_hostname(&peer->next_hostname, peer, next->endpoint) == 0))
		return 0;
	peer_cancel(peer);
	return -ENOMEM;
}

bool peer_change(struct peer *peer, struct staged_peer *staged)
{
	struct config_peer *old = &peer->config;
	bool is_different = !config_peer_equal(old, &staged->config);
	/* The file of a preshared key may have other contents under the same name. */
	bool is_other_psk = set_fingerprint(peer, staged->psk);
	bool is_other_endpoint = !is_same_word(old->endpoint, staged->config.endpoint);
	struct config_peer config = staged->config;
	bool is_renumbered = peer->number != staged->number && config.name == NULL;

	peer->number = staged->number;
	staged->config = *old;
	peer->config = config;
	peer->new_file = staged->new_file;
	set_label(peer);
	/* What kept the engine process from taking the peer may be gone. */
	if (peer->announce.next_ns != BACKOFF_NEVER)
		peer_set_timer(peer, PEER_TIMER_ANNOUNCE, peer_now_ns(peer));
	if (!is_different && !is_other_psk && !is_renumbered) {
		peer_cancel(peer);
		return false;
	}
	if (peer->env->link != NULL)
		peer_announce_config(peer, staged->psk, -1);
	delivery_change(peer->delivery);
	if (is_other_endpoint) {
		use_hostname(peer, peer->next_hostname);
		peer->next_hostname = NULL;
		memset(&peer->remembered.address, 0, sizeof peer->remembered.address);
		/* Even if the peer responds, as status and WireGuard's endpoint depend on the new name. */
		hostname_refresh(peer->hostname);
		peer_announce_addresses(peer, true);
	}
	return is_different || is_other_psk;
}

void peer_remove(struct peer *peer)
{
	peer_announce_removal(peer);
	peer_drop_held(peer);
	peer->is_leaving = true;
	peer_memory_detach(&peer->remembered);
	hostname_destroy(peer->hostname);
	peer->hostname = NULL;
	peer_set_timer(peer, PEER_TIMER_STALE, LOOP_NEVER);
	peer_set_timer(peer, PEER_TIMER_ANNOUNCE, LOOP_NEVER);
	peer_set_timer(peer, PEER_TIMER_LEAVING, peer_now_ns(peer));
	log_info("%s: removed", peer->label);
	/* The last key goes on to be used by others unless they are told. */
	delivery_retire(peer->delivery);
	peer->delivery = NULL;
}

#include "daemon/monitor_parts.h"

#include <assert.h>
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/base64.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* A peer may be named by so many characters of its id. */
#define ID_PREFIX_MIN 8
#define ANNOUNCE_FIRST_NS (5 * CLOCK_SECOND_NS)
#define ANNOUNCE_MOST_NS (300 * CLOCK_SECOND_NS)

static void set_label(struct monitor_peer *peer)
{
	/* Names are 64 characters of up to four bytes at most, as the configuration checks. */
	if (peer->config.name != NULL)
		(void)snprintf(peer->label, sizeof peer->label, "peer %s", peer->config.name);
	else
		(void)snprintf(peer->label, sizeof peer->label, "peer %zu", peer->number);
}

/* Packs organization and labels, a zero after each; config_read() has checked that they fit. */
static void fill_osk(struct channel_peer *out, const struct config_peer *config)
{
	size_t used;

	if (config->osk_organization == NULL)
		return;
	used = strlen(config->osk_organization) + 1;
	if (used > sizeof out->osk || config->osk_labels.count > CHANNEL_OSK_MAX)
		return;
	memcpy(out->osk, config->osk_organization, used);
	for (size_t i = 0; i < config->osk_labels.count; i++) {
		size_t length = strlen(config->osk_labels.words[i]) + 1;

		if (length > sizeof out->osk - used)
			return;
		memcpy(out->osk + used, config->osk_labels.words[i], length);
		used += length;
	}
	out->osk_labels = (uint32_t)config->osk_labels.count;
}

static struct peer_ref ref_of(const struct monitor_peer *peer)
{
	return (struct peer_ref){ peer->slot, peer->serial };
}

/* The engine process's link; NULL: there is none, or none that may be told of anything. */
static struct engine_link *link_of(const struct monitor *monitor)
{
	return monitor->engine == NULL || monitor->stopping ? NULL : monitor->engine->link;
}

/* fd: of the public key, for a peer that is new to the engine process; -1: it knows the peer. */
static void send_config(struct engine_link *link, const struct monitor_peer *peer, const uint8_t *psk, int fd)
{
	struct channel_peer out;

	memset(&out, 0, sizeof out);
	memcpy(out.label, peer->label, sizeof out.label);
	out.dialects = peer->config.dialects;
	out.discover = peer->config.endpoint != NULL;
	out.holds = peer->config.device != NULL;
	out.has_psk = psk != NULL;
	if (psk != NULL)
		memcpy(out.psk, psk, ROSENPASS_PSK_BYTES);
	fill_osk(&out, &peer->config);
	if (fd >= 0)
		engine_link_add_peer(link, ref_of(peer), &out, fd);
	else
		engine_link_change_peer(link, ref_of(peer), &out);
	sodium_memzero(&out, sizeof out);
}

static void send_addresses(struct engine_link *link, const struct monitor_peer *peer, bool forget)
{
	struct channel_addresses addresses = peer->addresses;

	addresses.forget = forget;
	engine_link_set_addresses(link, ref_of(peer), &addresses);
}

static void send_remove(const struct monitor *monitor, const struct monitor_peer *peer)
{
	struct engine_link *link = link_of(monitor);

	if (link != NULL)
		engine_link_remove_peer(link, ref_of(peer));
}

void monitor_peers_announce(struct monitor *monitor, struct monitor_peer *peer, const uint8_t *psk)
{
	struct engine_link *link = link_of(monitor);
	int fd;

	if (link == NULL)
		return;
	fd = shared_key_open(&peer->public_key);
	if (fd < 0) {
		log_error("%s: cannot hand its public key to the engine process: %s; trying again",
		          peer->label, strerror(-fd));
		(void)snprintf(peer->last_error, sizeof peer->last_error, "no memory for its public key: %s",
		               strerror(-fd));
		backoff_next(&peer->announce, clock_now_ns(), ANNOUNCE_FIRST_NS, ANNOUNCE_MOST_NS);
		return;
	}
	peer->announce.next_ns = MONITOR_NEVER;
	engine_link_set_peers(link, monitor->slots);
	send_config(link, peer, psk, fd);
	(void)close(fd);
	if (peer->addresses.count > 0)
		send_addresses(link, peer, false);
	if (peer->remembered.address.any.sa_family != AF_UNSPEC)
		engine_link_restore(link, ref_of(peer), &peer->remembered.address);
	monitor_engine_make_room(monitor);
}

/* A free slot; grows the table when there is none. CHANNEL_PEERS_MAX: no memory, or full. */
static size_t take_slot(struct monitor *monitor)
{
	struct monitor_peer **larger;
	size_t old = monitor->slots;
	size_t slots = old == 0 ? 16 : old * 2;

	/* Peers are mostly added one after the other, and seldom removed. */
	for (size_t i = monitor->peer_count; i < old; i++) {
		if (monitor->peers[i] == NULL)
			return i;
	}
	for (size_t i = 0; i < old; i++) {
		if (monitor->peers[i] == NULL)
			return i;
	}
	if (old == CHANNEL_PEERS_MAX)
		return CHANNEL_PEERS_MAX;
	if (slots > CHANNEL_PEERS_MAX)
		slots = CHANNEL_PEERS_MAX;
	larger = reallocarray(monitor->peers, slots, sizeof(*larger));
	if (larger == NULL)
		return CHANNEL_PEERS_MAX;
	for (size_t i = old; i < slots; i++)
		larger[i] = NULL;
	monitor->peers = larger;
	monitor->slots = slots;
	return old;
}

static void release(struct monitor_peer *peer)
{
	secret_memory_release(NULL, peer->held_key, ROSENPASS_KEY_BYTES);
	monitor_names_drop(peer);
	shared_key_release(&peer->public_key);
	config_peer_release(&peer->config);
	delivery_destroy(peer->delivery);
	free(peer);
}

/* Keeps what tells one preshared key from another, without keeping the key. true: it is another one. */
static bool mark_psk(struct monitor_peer *peer, const uint8_t *psk)
{
	static uint8_t salt[crypto_generichash_KEYBYTES];
	static bool is_salted;
	uint8_t mark[MONITOR_MARK_BYTES] = { 0 };
	bool other;

	if (!is_salted)
		randombytes_buf(salt, sizeof salt);
	is_salted = true;
	if (psk != NULL)
		(void)crypto_generichash(mark, sizeof mark, psk, ROSENPASS_PSK_BYTES, salt, sizeof salt);
	other = sodium_memcmp(mark, peer->psk_mark, sizeof mark) != 0;
	memcpy(peer->psk_mark, mark, sizeof mark);
	return other;
}

int monitor_peers_add(struct monitor *monitor, struct monitor_staged *staged, bool at_run_time)
{
	size_t slot = take_slot(monitor);
	struct monitor_peer *peer = slot == CHANNEL_PEERS_MAX ? NULL : calloc(1, sizeof *peer);

	if (peer == NULL)
		return -ENOMEM;
	peer->config = staged->config;
	memset(&staged->config, 0, sizeof staged->config);
	peer->tag = staged->tag;
	peer->new_file = staged->new_file;
	if (monitor_delivery_init(monitor, peer) != 0 || monitor_names_update(monitor, peer) != 0) {
		release(peer);
		return -ENOMEM;
	}
	assert(monitor->peers[slot] == NULL);
	monitor->peers[slot] = peer;
	monitor->peer_count++;
	peer->slot = (uint32_t)slot;
	peer->serial = ++monitor->last_serial;
	peer->number = staged->number;
	peer->at_run_time = at_run_time;
	peer->public_key = staged->public_key;
	memset(&staged->public_key, 0, sizeof staged->public_key);
	peer->claims = staged->claims;
	staged->claims = NULL;
	claims_set_subject(peer->claims, peer);
	if (monitor->id_cursor > slot)
		monitor->id_cursor = slot;
	set_label(peer);
	(void)mark_psk(peer, staged->psk);
	backoff_none(&peer->announce);
	delivery_inspect(peer->delivery);
	monitor_state_recall(monitor, peer);
	monitor_peers_announce(monitor, peer, staged->psk);
	return 0;
}

/* Whether two words are the same or both missing. */
static bool same_word(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool monitor_peers_change(struct monitor *monitor, struct monitor_peer *peer, struct monitor_staged *staged)
{
	struct config_peer *old = &peer->config;
	bool different = !config_peer_equal(old, &staged->config);
	/* The file of a preshared key may have other contents under the same name. */
	bool other_psk = mark_psk(peer, staged->psk);
	bool renumbered;
	bool other_endpoint = !same_word(old->endpoint, staged->config.endpoint);
	struct config_peer config = staged->config;

	renumbered = peer->number != staged->number && config.name == NULL;
	peer->number = staged->number;
	staged->config = *old;
	peer->config = config;
	peer->new_file = staged->new_file;
	set_label(peer);
	if (peer->announce.next_ns != MONITOR_NEVER)
		peer->announce.next_ns = clock_now_ns();
	if (!different && !other_psk && !renumbered)
		return false;
	if (link_of(monitor) != NULL)
		send_config(link_of(monitor), peer, staged->psk, -1);
	delivery_change(peer->delivery);
	if (monitor_names_update(monitor, peer) != 0)
		log_error("%s: no memory to resolve its endpoint", peer->label);
	if (other_endpoint) {
		memset(&peer->remembered.address, 0, sizeof peer->remembered.address);
		/* Even if the peer responds, as status and WireGuard's endpoint depend on the new name. */
		hostname_refresh(peer->hostname);
		if (link_of(monitor) != NULL)
			send_addresses(link_of(monitor), peer, true);
	}
	return different || other_psk;
}

void monitor_peers_remove(struct monitor *monitor, struct monitor_peer *peer)
{
	send_remove(monitor, peer);
	monitor_events_drop_held(peer);
	monitor_silence_forget(monitor, peer);
	peer->leaving = true;
	monitor_names_drop(peer);
	monitor->peer_count--;
	claims_drop(&monitor->claims, &peer->claims);
	log_info("%s: removed", peer->label);
	/* The last key goes on to be used by others unless they are told. */
	delivery_retire(peer->delivery);
	peer->delivery = NULL;
}

/* Another try with a peer that the engine process could not take. */
static void announce_again(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns)
{
	const char *file = peer->config.pre_shared_key;
	uint8_t *psk = file == NULL ? NULL : secret_memory_allocate(NULL, ROSENPASS_PSK_BYTES);
	char problem[KEY_FILE_PROBLEM_BYTES] = "out of memory";

	if (file != NULL && (psk == NULL || key_file_read_psk(psk, file, problem) != 0)) {
		log_error("%s: %s; trying again", peer->label, problem);
		backoff_next(&peer->announce, now_ns, ANNOUNCE_FIRST_NS, ANNOUNCE_MOST_NS);
	} else {
		send_remove(monitor, peer);
		monitor_peers_announce(monitor, peer, psk);
	}
	secret_memory_release(NULL, psk, ROSENPASS_PSK_BYTES);
}

static uint64_t serve_peer(struct monitor *monitor, size_t slot, uint64_t now_ns)
{
	struct monitor_peer *peer = monitor->peers[slot];
	uint64_t next_ns;

	if (peer->leaving) {
		monitor->peers[slot] = NULL;
		release(peer);
		return MONITOR_NEVER;
	}
	if (peer->announce.next_ns <= now_ns)
		announce_again(monitor, peer, now_ns);
	if (peer->stale_ns <= now_ns)
		monitor_events_stale(peer);
	next_ns = monitor_events_serve_held(monitor, peer, now_ns);
	if (peer->announce.next_ns < next_ns)
		next_ns = peer->announce.next_ns;
	return peer->stale_ns < next_ns ? peer->stale_ns : next_ns;
}

uint64_t monitor_peers_serve(struct monitor *monitor, uint64_t now_ns)
{
	uint64_t next_ns = MONITOR_NEVER;

	for (size_t i = 0; i < monitor->slots; i++) {
		uint64_t at_ns = monitor->peers[i] == NULL ? MONITOR_NEVER : serve_peer(monitor, i, now_ns);

		if (at_ns < next_ns)
			next_ns = at_ns;
	}
	return next_ns;
}

struct monitor_peer *monitor_peers_get(const struct monitor *monitor, uint32_t slot, uint32_t serial)
{
	struct monitor_peer *peer = slot < monitor->slots ? monitor->peers[slot] : NULL;

	return peer != NULL && peer->serial == serial && !peer->leaving ? peer : NULL;
}

struct monitor_peer *monitor_peers_by_serial(const struct monitor *monitor, uint32_t serial)
{
	for (size_t i = 0; i < monitor->slots; i++) {
		if (monitor->peers[i] != NULL && monitor->peers[i]->serial == serial)
			return monitor->peers[i];
	}
	return NULL;
}

const char *monitor_peers_id(struct monitor_peer *peer, enum rosenpass_dialect dialect)
{
	char *id = peer->ids[dialect == ROSENPASS_SHAKE256_156];

	if (id[0] == '\0') {
		uint8_t bytes[ROSENPASS_PEER_ID_BYTES];

		rosenpass_peer_id(bytes, peer->public_key.bytes, dialect);
		base64_encode_key(id, bytes);
	}
	return id;
}

enum rosenpass_dialect monitor_peers_shown_dialect(const struct monitor_peer *peer)
{
	return peer->config.dialects == ROSENPASS_DIALECT_BIT(ROSENPASS_SHAKE256_156) ? ROSENPASS_SHAKE256_156
	                                                                              : ROSENPASS_BLAKE2B_188;
}

bool monitor_peers_compute_id(struct monitor *monitor)
{
	for (; monitor->id_cursor < monitor->slots; monitor->id_cursor++) {
		struct monitor_peer *peer = monitor->peers[monitor->id_cursor];

		enum rosenpass_dialect dialect;

		if (peer == NULL || peer->leaving)
			continue;
		dialect = monitor_peers_shown_dialect(peer);
		if (peer->ids[dialect == ROSENPASS_SHAKE256_156][0] != '\0')
			continue;
		(void)monitor_peers_id(peer, dialect);
		return true;
	}
	return false;
}

static bool has_name(struct monitor_peer *peer, const char *word)
{
	return peer->config.name != NULL && strcmp(peer->config.name, word) == 0;
}

static bool has_number(struct monitor_peer *peer, const char *word)
{
	char number[24];

	(void)snprintf(number, sizeof number, "%zu", peer->number);
	return strcmp(number, word) == 0;
}

/* The id that status shows. */
static bool has_id(struct monitor_peer *peer, const char *word)
{
	size_t length = strlen(word);

	return length >= ID_PREFIX_MIN &&
	       strncmp(monitor_peers_id(peer, monitor_peers_shown_dialect(peer)), word, length) == 0;
}

/* The peer of which that is true; *several when it is true of more than one. */
static struct monitor_peer *search(struct monitor *monitor, const char *word,
                                   bool (*is_it)(struct monitor_peer *, const char *), bool *several)
{
	struct monitor_peer *found = NULL;

	for (size_t i = 0; i < monitor->slots; i++) {
		struct monitor_peer *peer = monitor->peers[i];

		if (peer == NULL || peer->leaving || !is_it(peer, word))
			continue;
		*several = found != NULL;
		found = peer;
	}
	return found;
}

struct monitor_peer *monitor_peers_find(struct monitor *monitor, const char *word,
                                        char problem[static MONITOR_PROBLEM_BYTES])
{
	bool several = false;
	struct monitor_peer *found = search(monitor, word, has_name, &several);

	if (found == NULL)
		found = search(monitor, word, has_number, &several);
	if (found == NULL)
		found = search(monitor, word, has_id, &several);
	if (found != NULL && !several)
		return found;
	if (several)
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES, "several peers are called %s; give the id",
		               word);
	else
		(void)snprintf(problem, MONITOR_PROBLEM_BYTES,
		               "no peer %s; a peer is named by its name, its number, or the first %d "
		               "characters or more of its id, as rosenpass status shows them",
		               word, ID_PREFIX_MIN);
	return NULL;
}

void monitor_peers_begin_anew(struct monitor_peer *peer)
{
	memset(&peer->report, 0, sizeof peer->report);
	memset(&peer->last, 0, sizeof peer->last);
	memset(&peer->silence, 0, sizeof peer->silence);
	monitor_events_drop_held(peer);
	peer->silence_is_said = false;
	peer->has_report = false;
	peer->troubled = false;
	peer->announce.wait_ns = 0;
}

void monitor_peers_release_all(struct monitor *monitor)
{
	for (size_t i = 0; i < monitor->slots; i++) {
		struct monitor_peer *peer = monitor->peers[i];

		if (peer != NULL)
			release(peer);
	}
	free(monitor->peers);
	monitor->peers = NULL;
	monitor->slots = 0;
	monitor->peer_count = 0;
}

#include "monitor/peer_parts.h"

#include <string.h>

#include "system/base64.h"

void peer_set_timer(struct peer *peer, enum peer_timer timer, uint64_t at_ns)
{
	loop_timer_set(peer->env->loop, &peer->timers[timer], at_ns);
}

uint64_t peer_now_ns(const struct peer *peer)
{
	return loop_now_ns(peer->env->loop);
}

struct peer_ref peer_ref(const struct peer *peer)
{
	return peer->ref;
}

const char *peer_label(const struct peer *peer)
{
	return peer->label;
}

const char *peer_name(const struct peer *peer)
{
	return peer->label + strlen("peer ");
}

size_t peer_number(const struct peer *peer)
{
	return peer->number;
}

void peer_set_number(struct peer *peer, size_t number)
{
	peer->number = number;
}

bool peer_is_at_run_time(const struct peer *peer)
{
	return peer->is_at_run_time;
}

void peer_set_at_run_time(struct peer *peer, bool is_at_run_time)
{
	peer->is_at_run_time = is_at_run_time;
}

bool peer_is_leaving(const struct peer *peer)
{
	return peer->is_leaving;
}

const struct config_peer *peer_config(const struct peer *peer)
{
	return &peer->config;
}

const struct file_output *peer_new_file(const struct peer *peer)
{
	return &peer->new_file;
}

const uint8_t *peer_public_key(const struct peer *peer)
{
	return peer->public_key.bytes;
}

uint64_t peer_key_prefix(const struct peer *peer)
{
	return peer->key_prefix;
}

enum rosenpass_dialect peer_shown_dialect(const struct peer *peer)
{
	return peer->config.dialects == ROSENPASS_DIALECT_BIT(ROSENPASS_SHAKE256_156) ? ROSENPASS_SHAKE256_156
	                                                                              : ROSENPASS_BLAKE2B_188;
}

const char *peer_id(struct peer *peer, enum rosenpass_dialect dialect)
{
	char *id = peer->ids[dialect == ROSENPASS_SHAKE256_156];

	if (id[0] == '\0') {
		uint8_t bytes[ROSENPASS_PEER_ID_BYTES];

		rosenpass_peer_id(bytes, peer->public_key.bytes, dialect);
		base64_encode_key(id, bytes);
	}
	return id;
}

const char *peer_shown_id(const struct peer *peer)
{
	return peer->ids[peer_shown_dialect(peer) == ROSENPASS_SHAKE256_156];
}

struct delivery *peer_delivery(const struct peer *peer)
{
	return peer->delivery;
}

const struct key_origin *peer_key_origin(const struct peer *peer)
{
	return &peer->origin;
}

bool peer_has_exchanged_key(const struct peer *peer)
{
	return peer->origin.reason != NULL && strcmp(peer->origin.reason, "exchanged") == 0;
}

bool peer_is_settled(const struct peer *peer)
{
	return peer->delivery == NULL || peer->origin.reason == NULL || delivery_is_done(peer->delivery);
}

bool peer_is_failing(const struct peer *peer)
{
	return peer->is_failing;
}

bool peer_is_responding(const struct peer *peer)
{
	return peer->origin.reason != NULL && !peer->is_failing;
}

const char *peer_last_error(const struct peer *peer)
{
	return peer->last_error;
}

const struct channel_addresses *peer_addresses(const struct peer *peer)
{
	return &peer->addresses;
}

const char *peer_resolve_problem(const struct peer *peer)
{
	return hostname_problem(peer->hostname);
}

const union address_socket *peer_address(const struct peer *peer)
{
	return &peer->last;
}

const struct peer_memory_entry *peer_remembered(const struct peer *peer)
{
	return &peer->remembered;
}

const struct channel_peer_report *peer_report(const struct peer *peer)
{
	return &peer->report;
}

bool peer_has_report(const struct peer *peer)
{
	return peer->has_report;
}

struct peer_silence *peer_silence(struct peer *peer)
{
	return &peer->silence;
}

struct claim **peer_claims(struct peer *peer)
{
	return &peer->claims;
}

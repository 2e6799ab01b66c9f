#ifndef ROSENPASS_MONITOR_PEER_PARTS_H
#define ROSENPASS_MONITOR_PEER_PARTS_H

/* Within the files peer*.c: a peer, and what they have for each other. */

#include "base/backoff.h"
#include "monitor/event_limit.h"
#include "monitor/peer.h"
#include "system/hostname.h"

#define PEER_FINGERPRINT_BYTES 16
#define PEER_ERROR_BYTES 256

enum peer_timer {
	PEER_TIMER_STALE,    /* the key is taken out of use */
	PEER_TIMER_ANNOUNCE, /* the engine process is told again */
	PEER_TIMER_HELD,     /* the held key may be used */
	PEER_TIMER_LEAVING,
	PEER_TIMERS,
};

struct peer {
	const struct peer_env *env;
	struct peer_ref ref;
	size_t number; /* from 1, in the order of the configuration */
	struct config_peer config;
	bool is_at_run_time;
	bool is_leaving;
	struct claim *claims;
	char label[CHANNEL_LABEL_BYTES];
	struct shared_key public_key;
	uint64_t key_prefix;
	char ids[2][PEER_ID_BYTES]; /* with BLAKE2b and SHAKE256; empty: not computed yet */
	struct file_output new_file;
	uint8_t psk_fingerprint[PEER_FINGERPRINT_BYTES];

	struct hostname *hostname;      /* of the endpoint; NULL: there is none */
	struct hostname *next_hostname; /* of a change that is prepared */
	struct channel_addresses addresses;

	struct sink_peer recipient; /* for delivery */
	struct delivery *delivery;  /* NULL: leaving */
	struct key_origin origin;   /* of the present key */

	struct channel_peer_report report;
	bool has_report;
	union address_socket last;
	uint64_t moves_full_ns;    /* when as many moves may be logged again as at first */
	unsigned moves_not_logged; /* since one was logged */
	struct peer_memory_entry remembered;
	bool is_failing;
	struct peer_silence silence;
	char last_error[PEER_ERROR_BYTES];
	struct backoff announce; /* when the engine process is told again */
	struct {
		struct event_limit key, moved, unanswered, silence, failed;
	} limits;
	/* A key that came too soon after others. */
	uint8_t *held_key; /* secret memory; NULL: none */
	uint32_t held_role, held_dialect;

	struct loop_timer timers[PEER_TIMERS];
	size_t timer_count; /* those that the loop has */
};

/* peer_view.c */
void peer_set_timer(struct peer *peer, enum peer_timer timer, uint64_t at_ns);
uint64_t peer_now_ns(const struct peer *peer);

/* peer_announce.c: what the engine process is told. */
void peer_announce_later(struct peer *peer);
/* Expired: the engine process could not take the peer. */
void peer_announce_again(void *owner);
/* fd: of the public key, for a peer that is new to the engine process; -1: the engine process knows it. */
void peer_announce_config(const struct peer *peer, const uint8_t *psk, int fd);
/* forget: addresses of before are of no use any more. */
void peer_announce_addresses(const struct peer *peer, bool forget);
void peer_announce_removal(const struct peer *peer);

/* peer_events.c */
/* Expired: the key is too old. */
void peer_become_stale(void *owner);
/* Expired: uses a key that came too soon after others. */
void peer_take_held(void *owner);
void peer_drop_held(struct peer *peer);

#endif

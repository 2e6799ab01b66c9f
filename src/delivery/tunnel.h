#ifndef ROSENPASS_DELIVERY_TUNNEL_H
#define ROSENPASS_DELIVERY_TUNNEL_H

/*
 * Whether WireGuard comes to a handshake with a peer for which it holds an exchanged key, judged by what
 * the device says each time it is read. The clock is the caller's and never goes back; WireGuard's own time
 * of the last handshake is only compared with the one before.
 */

#include <stdbool.h>
#include <stdint.h>

#include "system/address.h"

#define TUNNEL_EXPLAIN_BYTES 512

enum tunnel_state {
	TUNNEL_UNKNOWN,    /* no exchanged key in the device, or no interface that is up */
	TUNNEL_IDLE,       /* no handshake, and nothing was tried lately */
	TUNNEL_UP,         /* a handshake not long ago */
	TUNNEL_UNANSWERED, /* WireGuard sends, and nothing comes back */
	TUNNEL_UNFINISHED, /* messages of WireGuard arrive, and no handshake comes about */
};

struct tunnel_sight {
	bool has_key; /* the device holds the exchanged key */
	bool is_up;   /* the interface */
	uint64_t last_handshake_seconds;
	uint64_t received_bytes, sent_bytes;
};

struct tunnel {
	enum tunnel_state state;
	bool is_watched;
	bool is_said; /* that there is no handshake */
	uint64_t last_handshake_seconds;
	uint64_t handshake_ns; /* when that was seen first; 0: never */
	uint64_t base_received, base_sent;
	uint64_t received, sent; /* at the last look */
	uint64_t grew_ns;        /* when one of these was seen to grow */
	uint64_t since_ns;       /* since when it is tried without a handshake; 0: it is not */
};

enum tunnel_news {
	TUNNEL_NO_NEWS,
	TUNNEL_NEWS_SILENT, /* state says in which way */
	TUNNEL_NEWS_UP,     /* after TUNNEL_NEWS_SILENT */
};

/* Takes another look. Zeroed memory is a tunnel that was never looked at. */
enum tunnel_news tunnel_look(struct tunnel *tunnel, const struct tunnel_sight *sight, uint64_t now_ns);

/* "up", "idle", "unanswered", "unfinished"; NULL: unknown. */
const char *tunnel_state_name(enum tunnel_state state);

/* Explains why WireGuard has no handshake; empty for states that are no trouble. endpoint: WireGuard's. */
void tunnel_explain(char out[static TUNNEL_EXPLAIN_BYTES], enum tunnel_state state, const char *device,
                    const union address_socket *endpoint);

#endif

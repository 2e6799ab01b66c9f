#include "delivery/tunnel.h"

#include <stddef.h>
#include <stdio.h>

#define SECOND_NS UINT64_C(1000000000)
/* WireGuard's REJECT_AFTER_TIME: without a handshake for so long there is no session. */
#define SESSION_NS (180 * SECOND_NS)
/* WireGuard repeats a handshake every 5 seconds: six tries. */
#define SILENT_NS (30 * SECOND_NS)
/* Without any packet for this long nothing is tried any more. */
#define QUIET_NS (60 * SECOND_NS)

static void rebase(struct tunnel *tunnel, const struct tunnel_sight *sight, enum tunnel_state state)
{
	tunnel->state = state;
	tunnel->base_received = tunnel->received = sight->received_bytes;
	tunnel->base_sent = tunnel->sent = sight->sent_bytes;
	tunnel->since_ns = 0;
	tunnel->grew_ns = 0;
}

/* Whether there was a handshake within the lifetime of a session. */
static bool has_session(struct tunnel *tunnel, const struct tunnel_sight *sight, uint64_t now_ns)
{
	if (sight->last_handshake_seconds != tunnel->last_handshake_seconds) {
		tunnel->last_handshake_seconds = sight->last_handshake_seconds;
		tunnel->handshake_ns = sight->last_handshake_seconds == 0 ? 0 : now_ns;
	}
	return tunnel->handshake_ns != 0 && now_ns - tunnel->handshake_ns < SESSION_NS;
}

static enum tunnel_state judge(struct tunnel *tunnel, const struct tunnel_sight *sight, uint64_t now_ns)
{
	if (sight->received_bytes != tunnel->received || sight->sent_bytes != tunnel->sent) {
		tunnel->grew_ns = now_ns;
		if (tunnel->since_ns == 0)
			tunnel->since_ns = now_ns;
	}
	tunnel->received = sight->received_bytes;
	tunnel->sent = sight->sent_bytes;
	if (tunnel->since_ns == 0 || now_ns - tunnel->grew_ns > QUIET_NS) {
		tunnel->since_ns = 0;
		return TUNNEL_IDLE;
	}
	if (now_ns - tunnel->since_ns < SILENT_NS)
		return tunnel->state >= TUNNEL_UNANSWERED ? tunnel->state : TUNNEL_IDLE;
	return tunnel->received == tunnel->base_received ? TUNNEL_UNANSWERED : TUNNEL_UNFINISHED;
}

enum tunnel_news tunnel_look(struct tunnel *tunnel, const struct tunnel_sight *sight, uint64_t now_ns)
{
	if (!sight->has_key || !sight->is_up) {
		tunnel->is_watched = false;
		rebase(tunnel, sight, TUNNEL_UNKNOWN);
		return TUNNEL_NO_NEWS;
	}
	if (has_session(tunnel, sight, now_ns)) {
		bool was_said = tunnel->is_said;

		tunnel->is_watched = true;
		tunnel->is_said = false;
		rebase(tunnel, sight, TUNNEL_UP);
		return was_said ? TUNNEL_NEWS_UP : TUNNEL_NO_NEWS;
	}
	/* Counters that went back are those of a device that was made again. */
	if (!tunnel->is_watched || sight->received_bytes < tunnel->received ||
	    sight->sent_bytes < tunnel->sent) {
		tunnel->is_watched = true;
		rebase(tunnel, sight, TUNNEL_IDLE);
		return TUNNEL_NO_NEWS;
	}
	tunnel->state = judge(tunnel, sight, now_ns);
	if (tunnel->state < TUNNEL_UNANSWERED || tunnel->is_said)
		return TUNNEL_NO_NEWS;
	tunnel->is_said = true;
	return TUNNEL_NEWS_SILENT;
}

const char *tunnel_state_name(enum tunnel_state state)
{
	static const char *const names[] = {
		[TUNNEL_UNKNOWN] = NULL,
		[TUNNEL_IDLE] = "idle",
		[TUNNEL_UP] = "up",
		[TUNNEL_UNANSWERED] = "unanswered",
		[TUNNEL_UNFINISHED] = "unfinished",
	};

	return names[state];
}

void tunnel_explain(char out[static TUNNEL_EXPLAIN_BYTES], enum tunnel_state state, const char *device,
                    const union address_socket *endpoint)
{
	bool is_known = endpoint->any.sa_family != AF_UNSPEC;
	char address[ADDRESS_TEXT_BYTES] = "";

	out[0] = '\0';
	if (is_known)
		address_format(address, endpoint);
	if (state == TUNNEL_UNFINISHED)
		(void)snprintf(out, TUNNEL_EXPLAIN_BYTES,
		               "the key is in WireGuard's %s, but there is no handshake: messages of its "
		               "WireGuard arrive, but the answers do not get there, or the two WireGuards "
		               "hold different preshared keys",
		               device);
	else if (state == TUNNEL_UNANSWERED)
		(void)snprintf(out, TUNNEL_EXPLAIN_BYTES,
		               "the key is in WireGuard's %s, but there is no handshake: nothing comes "
		               "back%s%s; is that UDP port open and right, and does that side have our "
		               "WireGuard public key?",
		               device, is_known ? " from " : "", address);
}

#include "daemon/monitor_parts.h"

#include <string.h>
#include <time.h>

#include "delivery/device_plan.h"
#include "system/clock.h"
#include "system/log.h"

/*
 * A handshake of WireGuard fails as long as only one of both sides has a new preshared key, and WireGuard
 * waits five seconds before its next try. So the order of things matters with the first key (and with the
 * first one after a key became too old):
 *
 *     responder                                  initiator
 *     1. sets the key, and no endpoint
 *     2. sends EmptyData (engine/hold.c)  ---->
 *                                                3. sets key and endpoint; WireGuard calls
 *     4. sets the endpoint; WireGuard calls,
 *        unless it was called
 *
 * Responders of other implementations send EmptyData before step 1 is done, so step 3 waits a moment.
 *
 * WireGuard may have tried before there was a key, or without an endpoint, and waits for its next try. A peer
 * that is removed and added again, with all that it had, does not wait; it has no session that could be lost.
 * And a WireGuard without traffic has no reason to call: switching on the keepalive is one.
 */
#define INITIATOR_NS (CLOCK_SECOND_NS / 10)
#define RESPONDER_NS (CLOCK_SECOND_NS * 7 / 10)
/* When a tunnel that has just begun is looked at: its endpoint is worth remembering. */
#define CALLED_LOOK_NS CLOCK_SECOND_NS

/*
 * A peer that was restarted has no session of WireGuard any more. Our WireGuard sends and hears nothing, and
 * does not notice for 15 seconds. A session that works answers within ten seconds, mostly at once.
 */
#define SILENT_NS (4 * CLOCK_SECOND_NS)
#define SILENT_LOOKS 3
#define SILENT_LOOK_NS CLOCK_SECOND_NS
/* A device with traffic is looked at this often. To read many peers takes long: they keep the usual times. */
#define BUSY_LOOK_NS (3 * CLOCK_SECOND_NS)
#define MANY_PEERS 64
/* After that many seconds without any traffic the silence is the normal one. */
#define SILENT_END_NS (30 * CLOCK_SECOND_NS)
/* The next question follows after so long, and where the tunnel stays silent after longer and longer. */
#define ASK_FIRST_NS (30 * CLOCK_SECOND_NS)
#define ASK_MOST_NS (300 * CLOCK_SECOND_NS)
#define ASK_FORGET_NS (600 * CLOCK_SECOND_NS)

static void send_request(struct monitor *monitor, const struct peer *peer, uint32_t kind)
{
	const struct peer_ref ref = peer_ref(peer);
	const struct channel_request request = { .kind = kind, .slot = ref.slot, .serial = ref.serial };

	monitor_request(monitor, &request, -1);
}

void monitor_tunnel_key(struct peer *peer, bool is_first, uint64_t now_ns)
{
	struct monitor_wireguard *wireguard = monitor_wireguard_of(peer);
	bool is_responder = peer_key_origin(peer)->role == ROSENPASS_RESPONDER;

	if (wireguard == NULL)
		return;
	wireguard->is_confirmation_due = is_responder;
	if (!is_first)
		return;
	wireguard->speak_ns = now_ns + (is_responder ? RESPONDER_NS : 0);
	wireguard->is_call_due = true;
	wireguard->handshake_before = wireguard->handshake.told_seconds;
	if (!is_responder)
		device_delay(wireguard->device_peer.device, now_ns + INITIATOR_NS);
}

void monitor_tunnel_confirm(struct monitor_wireguard *wireguard)
{
	if (!wireguard->is_confirmation_due)
		return;
	wireguard->is_confirmation_due = false;
	send_request(wireguard->monitor, wireguard->owner, CHANNEL_DELIVERED);
}

/* When to look again. */
static uint64_t serve_call(struct monitor_wireguard *wireguard, const struct device_target *wanted,
                           const struct wireguard_peer *present, uint64_t now_ns)
{
	if (wireguard->has_called) {
		wireguard->has_called = false;
		wireguard->is_call_due = false;
		return now_ns + CALLED_LOOK_NS;
	}
	if (!wireguard->is_call_due)
		return MONITOR_NEVER;
	if (now_ns < wireguard->speak_ns)
		return wireguard->speak_ns;
	/* The other side was faster, or the session of before goes on. */
	if (!device_plan_should_call(wanted, present))
		wireguard->is_call_due = false;
	return MONITOR_NEVER;
}

static void ask(struct monitor *monitor, const struct peer *peer, struct monitor_wireguard *wireguard,
                uint64_t now_ns)
{
	if (now_ns < wireguard->ask_ns)
		return;
	if (now_ns > wireguard->ask_ns + ASK_FORGET_NS)
		wireguard->ask_wait_ns = 0;
	wireguard->ask_wait_ns = wireguard->ask_wait_ns == 0 ? ASK_FIRST_NS : 2 * wireguard->ask_wait_ns;
	if (wireguard->ask_wait_ns > ASK_MOST_NS)
		wireguard->ask_wait_ns = ASK_MOST_NS;
	wireguard->ask_ns = now_ns + wireguard->ask_wait_ns;
	log_debug("%s: WireGuard's %s sends and hears nothing; asking for a new key", peer_label(peer),
	          peer_config(peer)->device);
	send_request(monitor, peer, CHANNEL_INITIATE);
}

/* Counts looks at which WireGuard had sent more and received nothing more. When to look again. */
static uint64_t watch_silence(struct monitor *monitor, const struct peer *peer,
                              struct monitor_wireguard *wireguard, const struct wireguard_peer *present,
                              bool has_many, uint64_t now_ns)
{
	bool is_alive = present->received_bytes != wireguard->watched.received_bytes ||
	                present->last_handshake_seconds != wireguard->watched.handshake ||
	                present->sent_bytes < wireguard->watched.sent_bytes;
	bool has_sent = present->sent_bytes != wireguard->watched.sent_bytes;

	wireguard->watched.received_bytes = present->received_bytes;
	wireguard->watched.sent_bytes = present->sent_bytes;
	wireguard->watched.handshake = present->last_handshake_seconds;
	if (is_alive || !wireguard->is_exchanged) {
		wireguard->silent_looks = 0;
		return wireguard->is_exchanged && has_sent && !has_many ? now_ns + BUSY_LOOK_NS
		                                                        : MONITOR_NEVER;
	}
	if (has_sent) {
		if (wireguard->silent_looks == 0)
			wireguard->silent_ns = now_ns;
		wireguard->silent_looks++;
		wireguard->sent_ns = now_ns;
	}
	if (wireguard->silent_looks == 0 || now_ns - wireguard->sent_ns > SILENT_END_NS)
		return MONITOR_NEVER;
	if (has_sent && wireguard->silent_looks >= SILENT_LOOKS && now_ns - wireguard->silent_ns >= SILENT_NS)
		ask(monitor, peer, wireguard, now_ns);
	return has_many ? MONITOR_NEVER : now_ns + SILENT_LOOK_NS;
}

uint64_t monitor_tunnel_look(struct monitor_wireguard *wireguard, const struct device_view *view)
{
	uint64_t call_ns = serve_call(wireguard, view->target, view->present, view->now_ns);
	uint64_t watch_ns = watch_silence(wireguard->monitor, wireguard->owner, wireguard, view->present,
	                                  view->peer_count > MANY_PEERS, view->now_ns);

	return call_ns < watch_ns ? call_ns : watch_ns;
}

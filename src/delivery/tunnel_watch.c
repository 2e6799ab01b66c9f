#include "delivery/tunnel_watch.h"

#define SECOND_NS UINT64_C(1000000000)
/* Waits after the first key: of the initiator before the key is set, of the responder before it calls. */
#define INITIATOR_NS (SECOND_NS / 10)
#define RESPONDER_NS (SECOND_NS * 7 / 10)
/* When a tunnel that has just begun is looked at: its endpoint is worth remembering. */
#define CALLED_LOOK_NS SECOND_NS

/*
 * A peer that was restarted has no session of WireGuard any more. Our WireGuard sends and hears nothing, and
 * does not notice for 15 seconds. A session that works answers within ten seconds, mostly at once.
 */
#define SILENT_NS (4 * SECOND_NS)
#define SILENT_LOOKS 3
#define SILENT_LOOK_NS SECOND_NS
/* A device with traffic is looked at this often, unless it has many peers. */
#define BUSY_LOOK_NS (3 * SECOND_NS)
/* After this time without anything sent the silence is the normal one. */
#define SILENT_END_NS (30 * SECOND_NS)
/* A new key is asked for again after the first of these, then after twice the time, up to the second. */
#define ASK_FIRST_NS (30 * SECOND_NS)
#define ASK_MOST_NS (300 * SECOND_NS)
/* After this time without a question the waits begin with the first again. */
#define ASK_FORGET_NS (600 * SECOND_NS)

uint64_t tunnel_watch_first_key(struct tunnel_watch *watch, bool is_responder, uint64_t handshake_seconds,
                                uint64_t now_ns)
{
	watch->speak_ns = now_ns + (is_responder ? RESPONDER_NS : 0);
	watch->is_call_due = true;
	watch->handshake_before = handshake_seconds;
	return now_ns + (is_responder ? 0 : INITIATOR_NS);
}

void tunnel_watch_called(struct tunnel_watch *watch)
{
	watch->has_called = true;
}

/* Returns when to look again. */
static uint64_t watch_call(struct tunnel_watch *watch, const struct tunnel_watch_look *look)
{
	if (watch->has_called) {
		watch->has_called = false;
		watch->is_call_due = false;
		return look->now_ns + CALLED_LOOK_NS;
	}
	if (!watch->is_call_due)
		return TUNNEL_WATCH_NEVER;
	if (look->now_ns < watch->speak_ns)
		return watch->speak_ns;
	/* The other side was faster, or the session of before goes on. */
	if (!look->should_call)
		watch->is_call_due = false;
	return TUNNEL_WATCH_NEVER;
}

/* Returns true if a key may be asked for now, and sets when it may be asked for again. */
static bool may_ask(struct tunnel_watch *watch, uint64_t now_ns)
{
	if (now_ns < watch->ask_ns)
		return false;
	if (now_ns > watch->ask_ns + ASK_FORGET_NS)
		watch->ask_wait_ns = 0;
	watch->ask_wait_ns = watch->ask_wait_ns == 0 ? ASK_FIRST_NS : 2 * watch->ask_wait_ns;
	if (watch->ask_wait_ns > ASK_MOST_NS)
		watch->ask_wait_ns = ASK_MOST_NS;
	watch->ask_ns = now_ns + watch->ask_wait_ns;
	return true;
}

/* Counts looks at which WireGuard had sent more and received nothing more. */
static struct tunnel_watch_result watch_silence(struct tunnel_watch *watch,
                                                const struct tunnel_watch_look *look)
{
	struct tunnel_watch_result result = { .again_ns = TUNNEL_WATCH_NEVER };
	bool is_alive = look->received_bytes != watch->received_bytes ||
	                look->last_handshake_seconds != watch->handshake ||
	                look->sent_bytes < watch->sent_bytes;
	bool has_sent = look->sent_bytes != watch->sent_bytes;

	watch->received_bytes = look->received_bytes;
	watch->sent_bytes = look->sent_bytes;
	watch->handshake = look->last_handshake_seconds;
	if (is_alive || !look->is_exchanged) {
		watch->silent_looks = 0;
		if (look->is_exchanged && has_sent && !look->has_many)
			result.again_ns = look->now_ns + BUSY_LOOK_NS;
		return result;
	}
	if (has_sent) {
		if (watch->silent_looks == 0)
			watch->silent_ns = look->now_ns;
		watch->silent_looks++;
		watch->sent_ns = look->now_ns;
	}
	if (watch->silent_looks == 0 || look->now_ns - watch->sent_ns > SILENT_END_NS)
		return result;
	if (has_sent && watch->silent_looks >= SILENT_LOOKS && look->now_ns - watch->silent_ns >= SILENT_NS)
		result.asks = may_ask(watch, look->now_ns);
	if (!look->has_many)
		result.again_ns = look->now_ns + SILENT_LOOK_NS;
	return result;
}

struct tunnel_watch_result tunnel_watch_look(struct tunnel_watch *watch, const struct tunnel_watch_look *look)
{
	uint64_t call_ns = watch_call(watch, look);
	struct tunnel_watch_result result = watch_silence(watch, look);

	if (call_ns < result.again_ns)
		result.again_ns = call_ns;
	return result;
}

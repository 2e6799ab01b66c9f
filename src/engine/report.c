#include "engine/parts.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "system/clock.h"
#include "system/log.h"

/* Sends one event. 1: sent; 0: no room; -1: broken. */
static int send_event(const struct engine_process *process, const struct channel_event *event)
{
	int result = channel_send_event(process->channel, event);

	if (result == 0)
		return 1;
	return result == -EAGAIN || result == -EWOULDBLOCK || result == -ENOBUFS ? 0 : -1;
}

static void fill(struct channel_event *event, const struct engine_peer *peer, uint32_t what)
{
	memset(event, 0, sizeof *event);
	event->slot = peer->slot;
	event->serial = peer->serial;
	switch (what) {
	case REPORT_KEY:
	case REPORT_STALE:
		event->kind = what == REPORT_KEY ? CHANNEL_KEY : CHANNEL_STALE;
		event->key.role = peer->role;
		event->key.dialect = peer->dialect;
		if (what == REPORT_KEY)
			memcpy(event->key.key, peer->key, ROSENPASS_KEY_BYTES);
		break;
	case REPORT_MOVED:
		event->kind = CHANNEL_MOVED;
		event->moved = peer->last.remote;
		break;
	case REPORT_FAILED:
		event->kind = CHANNEL_PEER_FAILED;
		event->error = peer->failure;
		break;
	case REPORT_SILENCE:
		event->kind = CHANNEL_SILENCE;
		event->silence = peer->silence.told;
		break;
	default:
		event->kind = CHANNEL_TIMED_OUT;
		break;
	}
}

/* All about the first peer of the list. Results as of send_event(). */
static int send_first(struct engine_process *process)
{
	struct engine_peer *peer = process->queue_first;

	for (uint32_t what = 1; what <= REPORT_LAST; what <<= 1) {
		struct channel_event event;
		int result;

		if ((peer->tell & what) == 0)
			continue;
		fill(&event, peer, what);
		result = send_event(process, &event);
		sodium_memzero(&event, sizeof event);
		if (result != 1)
			return result;
		if (what == REPORT_KEY)
			sodium_memzero(peer->key, ROSENPASS_KEY_BYTES);
		peer->tell &= ~what;
	}
	process->queue_first = peer->next;
	if (process->queue_first == NULL)
		process->queue_last = &process->queue_first;
	return 1;
}

static int report_peer(struct engine_process *process, struct engine_peer *peer)
{
	struct channel_event event = { .kind = CHANNEL_PEER_REPORT,
		                       .slot = peer->slot,
		                       .serial = peer->serial };
	struct channel_peer_report *report = &event.peer;
	struct rosenpass_peer_info info = { .size = sizeof info };
	struct address_path path;

	if (rosenpass_peer_get(process->engine, peer->handle, &info) != 0)
		return 1;
	engine_silence_check(process, peer);
	report->state = info.state;
	report->role = info.role;
	report->dialect = info.dialect;
	report->ever = info.ever;
	report->has_key = info.has_key;
	report->confirmed = info.confirmed;
	report->retransmissions = info.retransmissions;
	report->send_error = peer->send_error;
	report->exchanges = info.exchanges;
	report->timeouts = info.timeouts;
	report->key_since_ns = info.key_since_ns;
	report->renewal_ns = info.renewal_ns;
	if (info.endpoint.length > 0 && address_unpack(&path, &info.endpoint) == 0) {
		report->has_endpoint = 1;
		report->endpoint = path.remote;
	}
	return send_event(process, &event);
}

static int report_end(struct engine_process *process)
{
	struct channel_event event = { .kind = CHANNEL_REPORT_END };
	struct rosenpass_stats stats = { .size = sizeof stats };

	(void)rosenpass_get_stats(process->engine, &stats);
	for (size_t i = 0; i < VERDICT_INDEX_COUNT; i++)
		event.report.received[i] = rosenpass_count_received(process->engine, verdict_at(i));
	event.report.sent = stats.sent;
	event.report.sent_bytes = stats.sent_bytes;
	event.report.under_load_since_ns = process->load.since_ns;
	event.report.busy_permille = process->load.busy_permille;
	event.report.random_failing = process->load.random_failing;
	return send_event(process, &event);
}

static int report_on(struct engine_process *process)
{
	int result = 1;

	while (process->report && result == 1) {
		if (process->report_at == process->slots) {
			result = report_end(process);
			process->report = result != 1;
			continue;
		}
		if (process->peers[process->report_at] != NULL)
			result = report_peer(process, process->peers[process->report_at]);
		if (result == 1)
			process->report_at++;
	}
	return result;
}

/* Callers that were rejected, as many as there are tokens for. Results as of send_event(). */
static int send_rejected(struct engine_process *process, uint64_t now_ns)
{
	struct channel_event event;
	struct rejects_caller *caller;

	while ((caller = engine_rejected_next(process, now_ns, &event)) != NULL) {
		int result = send_event(process, &event);

		if (result != 1)
			return result;
		engine_rejected_told(process, caller, now_ns);
	}
	return 1;
}

bool engine_report_send(struct engine_process *process)
{
	int result = 1;

	while (process->queue_first != NULL && result == 1)
		result = send_first(process);
	if (result == 1 && process->tell_begun) {
		static const struct channel_event begun = { .kind = CHANNEL_BEGUN };

		result = send_event(process, &begun);
		process->tell_begun = result != 1;
	}
	if (result == 1 && process->pong) {
		static const struct channel_event pong = { .kind = CHANNEL_PONG };

		result = send_event(process, &pong);
		process->pong = result != 1;
	}
	if (result == 1)
		result = report_on(process);
	/* What finds no room now is told another time: nobody waits for it. */
	if (result == 1 && send_rejected(process, clock_now_ns()) < 0)
		result = -1;
	if (result < 0)
		log_error("the monitor process does not listen any more");
	return result >= 0;
}

bool engine_report_waits(const struct engine_process *process)
{
	return process->queue_first != NULL || process->tell_begun || process->pong || process->report;
}

#include "daemon/monitor_parts.h"

#include "system/notify.h"

/* The peer that an event of the present engine process is about; NULL: none, and the event is dropped. */
static struct peer *find(const struct monitor_engine *engine, struct peer_ref ref)
{
	struct loop *loop = engine->monitor->loop;

	/* Keys of many peers for a slow disk keep us from an answer that stands behind them. */
	loop_refresh(loop);
	notify_busy(loop_now_ns(loop));
	if (engine != engine->monitor->engine)
		return NULL;
	/* One that was removed meanwhile has nothing to say. */
	return peer_set_get(engine->monitor->peers, ref);
}

static void on_ready(void *owner, const struct channel_ready *ready)
{
	struct monitor_engine *engine = owner;

	engine->ready = *ready;
	engine->is_ready = true;
}

static void on_begun(void *owner)
{
	struct monitor_engine *engine = owner;

	engine->has_begun = true;
}

static void on_key(void *owner, struct peer_ref ref, const struct channel_key *key)
{
	struct peer *peer = find(owner, ref);

	if (peer != NULL)
		peer_on_key(peer, key);
}

static void on_stale(void *owner, struct peer_ref ref, const struct channel_key *key)
{
	struct peer *peer = find(owner, ref);

	if (peer != NULL)
		peer_on_stale(peer, key);
}

static void on_moved(void *owner, struct peer_ref ref, const union address_socket *address)
{
	struct peer *peer = find(owner, ref);

	if (peer != NULL)
		peer_on_moved(peer, address);
}

static void on_unanswered(void *owner, struct peer_ref ref)
{
	struct peer *peer = find(owner, ref);

	if (peer != NULL)
		peer_on_unanswered(peer);
}

static void on_silence(void *owner, struct peer_ref ref, const struct channel_silence *silence)
{
	struct peer *peer = find(owner, ref);

	if (peer != NULL)
		peer_on_silence(peer, silence);
}

static void on_failed(void *owner, struct peer_ref ref, int error)
{
	struct peer *peer = find(owner, ref);

	if (peer != NULL)
		peer_on_failed(peer, error);
}

static void on_rejected(void *owner, struct peer_ref ref, const struct channel_rejected *rejected)
{
	const struct monitor_engine *engine = owner;

	if (engine == engine->monitor->engine)
		silence_take_rejected(engine->monitor->silence, ref, rejected,
		                      loop_now_ns(engine->monitor->loop));
}

static void on_peer_report(void *owner, struct peer_ref ref, const struct channel_peer_report *report)
{
	struct peer *peer = find(owner, ref);

	if (peer != NULL)
		peer_on_report(peer, report);
}

static void on_report_end(void *owner, const struct channel_report *report)
{
	const struct monitor_engine *engine = owner;

	if (engine != engine->monitor->engine)
		return;
	engine->monitor->report = *report;
	commands_report(engine->monitor->commands);
}

static void on_alive(void *owner)
{
	(void)owner;
	notify_send("WATCHDOG=1");
}

static void on_lost(void *owner, enum engine_link_loss loss)
{
	struct monitor_engine *engine = owner;

	monitor_engine_lost(engine, loss);
}

const struct engine_link_events monitor_events = {
	.ready = on_ready,
	.begun = on_begun,
	.key = on_key,
	.stale = on_stale,
	.moved = on_moved,
	.unanswered = on_unanswered,
	.silence = on_silence,
	.failed = on_failed,
	.rejected = on_rejected,
	.peer_report = on_peer_report,
	.report_end = on_report_end,
	.alive = on_alive,
	.lost = on_lost,
};

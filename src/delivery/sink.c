#include "delivery/sink.h"

#include <stdio.h>
#include <string.h>

#include "system/log.h"

static void set_state(struct sink *sink, enum sink_state state)
{
	if (sink->state != state)
		sink->state_ns = loop_now_ns(sink->loop);
	sink->state = state;
}

static void retry(void *owner)
{
	struct sink *sink = owner;

	if (sink->key != NULL)
		sink_deliver(sink);
	else if (sink->ops->inspect != NULL)
		sink->ops->inspect(sink);
}

int sink_init(struct sink *sink, const struct sink_ops *ops, struct loop *loop, const struct sink_peer *peer)
{
	sink->ops = ops;
	sink->loop = loop;
	sink->peer = peer;
	sink->timer = (struct loop_timer){ .expired = retry, .owner = sink };
	backoff_none(&sink->backoff);
	return loop_timer_add(loop, &sink->timer);
}

void sink_release(struct sink *sink)
{
	loop_timer_remove(sink->loop, &sink->timer);
}

void sink_stop_retrying(struct sink *sink)
{
	backoff_none(&sink->backoff);
	loop_timer_set(sink->loop, &sink->timer, LOOP_NEVER);
}

void sink_pending(struct sink *sink)
{
	if (sink->state != SINK_FAILING)
		set_state(sink, SINK_PENDING);
}

void sink_offer(struct sink *sink, const struct delivery_key *key)
{
	sink->key = key;
	sink->attempts = 0;
	sink_stop_retrying(sink);
	sink_pending(sink);
}

void sink_deliver(struct sink *sink)
{
	sink->ops->deliver(sink, sink->key);
}

void sink_delivered(struct sink *sink)
{
	sink->key = NULL;
	sink_stop_retrying(sink);
	if (sink->is_logged)
		log_info("%s: %s", sink->peer->label, sink->ops->success_text);
	sink->is_logged = false;
	sink->error[0] = '\0';
	set_state(sink, SINK_DELIVERED);
	if (sink->delivered != NULL)
		sink->delivered(sink->owner);
}

void sink_is_ready(struct sink *sink)
{
	sink_stop_retrying(sink);
	sink->is_logged = false;
	sink->error[0] = '\0';
	set_state(sink, SINK_EMPTY);
}

void sink_not_delivered(struct sink *sink, const char *problem, bool is_news)
{
	const char *target = sink->target == NULL ? "" : sink->target;

	log_write(is_news ? LOG_ERROR : LOG_DEBUG, "%s: %s%s%s: %s; trying again until it works",
	          sink->peer->label, sink->ops->failure_text, target[0] == '\0' ? "" : " ", target, problem);
	sink->is_logged |= is_news;
	sink->failures++;
	(void)snprintf(sink->error, sizeof sink->error, "%s", problem);
	set_state(sink, SINK_FAILING);
}

void sink_failed(struct sink *sink, const char *problem)
{
	bool is_news = !sink->is_logged || (sink->ops->logs_each_reason &&
	                                    strncmp(sink->error, problem, sizeof sink->error - 1) != 0);

	sink_not_delivered(sink, problem, is_news);
	backoff_next(&sink->backoff, loop_now_ns(sink->loop), sink->ops->retry_first_ns,
	             sink->ops->retry_most_ns);
	loop_timer_set(sink->loop, &sink->timer, sink->backoff.next_ns);
}

void sink_describe(const struct sink *sink, struct sink_status *status)
{
	*status = (struct sink_status){
		.kind = sink->ops->kind,
		.state = sink->state,
		.state_ns = sink->state_ns,
		.attempts = sink->attempts,
		.failures = sink->failures,
		.error = sink->error,
	};
	sink->ops->describe(sink, status);
	if (status->error[0] != '\0' && status->state == SINK_EMPTY)
		status->state = SINK_FAILING;
}

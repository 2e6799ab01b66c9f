#include "monitor/lifetime.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "system/clock.h"
#include "system/notify.h"

/* Liveness check interval, unless the service manager wants a shorter one. */
#define WATCHDOG_NS (20 * CLOCK_SECOND_NS)
/* How long the engine process may take to end. */
#define STOP_NS (3 * CLOCK_SECOND_NS)
#define STATE_BYTES 256

struct lifetime {
	struct loop *loop;
	bool is_stopping;
	bool is_late;
	int status;
	struct loop_timer stop;     /* when a stop does not wait any longer */
	struct loop_timer watchdog; /* while stopping: when the service manager is told next */
	uint64_t watchdog_ns;       /* the interval; 0: the daemon is not ready yet */
};

static void stop_is_late(void *owner)
{
	struct lifetime *lifetime = owner;

	lifetime->is_late = true;
}

/* The engine process is asked no more. Programs have time to end their work without it. */
static void feed_watchdog(void *owner)
{
	struct lifetime *lifetime = owner;
	uint64_t now_ns = loop_now_ns(lifetime->loop);

	notify_busy(now_ns);
	loop_timer_set(lifetime->loop, &lifetime->watchdog, now_ns + lifetime->watchdog_ns);
}

int lifetime_create(struct lifetime **out, struct loop *loop)
{
	struct lifetime *lifetime = calloc(1, sizeof *lifetime);

	*out = NULL;
	if (lifetime == NULL)
		return -ENOMEM;
	lifetime->loop = loop;
	lifetime->status = EXIT_FAILURE;
	lifetime->stop = (struct loop_timer){ .expired = stop_is_late, .owner = lifetime };
	lifetime->watchdog = (struct loop_timer){ .expired = feed_watchdog, .owner = lifetime };
	if (loop_timer_add(loop, &lifetime->stop) != 0) {
		free(lifetime);
		return -ENOMEM;
	}
	if (loop_timer_add(loop, &lifetime->watchdog) != 0) {
		loop_timer_remove(loop, &lifetime->stop);
		free(lifetime);
		return -ENOMEM;
	}
	*out = lifetime;
	return 0;
}

void lifetime_destroy(struct lifetime *lifetime)
{
	if (lifetime == NULL)
		return;
	loop_timer_remove(lifetime->loop, &lifetime->stop);
	loop_timer_remove(lifetime->loop, &lifetime->watchdog);
	free(lifetime);
}

static void tell(const char *first, size_t peers)
{
	char state[STATE_BYTES];

	(void)snprintf(state, sizeof state, "%sSTATUS=Exchanging keys with %zu peer%s", first, peers,
	               peers == 1 ? "" : "s");
	notify_send(state);
}

uint64_t lifetime_ready(struct lifetime *lifetime, size_t peers)
{
	tell("READY=1\n", peers);
	lifetime->watchdog_ns = notify_watchdog_ns() / 3;
	if (lifetime->watchdog_ns == 0 || lifetime->watchdog_ns > WATCHDOG_NS)
		lifetime->watchdog_ns = WATCHDOG_NS;
	return lifetime->watchdog_ns;
}

void lifetime_tell_peers(size_t peers)
{
	tell("", peers);
}

bool lifetime_stop(struct lifetime *lifetime, int status)
{
	if (lifetime->is_stopping)
		return false;
	lifetime->is_stopping = true;
	lifetime->status = status;
	loop_refresh(lifetime->loop);
	loop_timer_set(lifetime->loop, &lifetime->stop, loop_now_ns(lifetime->loop) + STOP_NS);
	if (lifetime->watchdog_ns != 0)
		loop_timer_set(lifetime->loop, &lifetime->watchdog, loop_now_ns(lifetime->loop));
	return true;
}

bool lifetime_is_stopping(const struct lifetime *lifetime)
{
	return lifetime->is_stopping;
}

bool lifetime_is_late(const struct lifetime *lifetime)
{
	return lifetime->is_late;
}

int lifetime_status(const struct lifetime *lifetime)
{
	return lifetime->status;
}

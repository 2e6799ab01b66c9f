#include "monitor/network.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/netwatch.h"

#define SETTLES_NS (CLOCK_SECOND_NS / 2)
#define RESTS_NS (5 * CLOCK_SECOND_NS)
#define RESTS_MOST_NS (60 * CLOCK_SECOND_NS)

struct network {
	struct loop *loop;
	struct network_owner owner;
	struct loop_io io;
	struct loop_timer timer;
	bool is_settling;
	uint64_t wait_ns;
	uint64_t rest_ns; /* nothing is reported before then */
};

static void settled(void *owner)
{
	struct network *network = owner;
	uint64_t now_ns = loop_now_ns(network->loop);

	network->is_settling = false;
	/* Longer and longer rests while routes come and go all the time. */
	if (now_ns >= network->rest_ns + network->wait_ns)
		network->wait_ns = RESTS_NS;
	else if (2 * network->wait_ns < RESTS_MOST_NS)
		network->wait_ns *= 2;
	else
		network->wait_ns = RESTS_MOST_NS;
	network->rest_ns = now_ns + network->wait_ns;
	log_debug("addresses or routes have changed");
	network->owner.settled(network->owner.owner);
}

void network_note(struct network *network)
{
	uint64_t at_ns = loop_now_ns(network->loop) + SETTLES_NS;

	network->owner.changed(network->owner.owner);
	if (network->is_settling)
		return;
	network->is_settling = true;
	loop_timer_set(network->loop, &network->timer, at_ns > network->rest_ns ? at_ns : network->rest_ns);
}

static void ready(void *owner, short revents)
{
	struct network *network = owner;

	(void)revents;
	if (netwatch_read(network->io.fd))
		network_note(network);
}

int network_open(struct network **out, struct loop *loop, const struct network_owner *owner)
{
	struct network *network = calloc(1, sizeof *network);

	*out = NULL;
	if (network == NULL)
		return -ENOMEM;
	network->loop = loop;
	network->owner = *owner;
	network->timer = (struct loop_timer){ .expired = settled, .owner = network };
	network->io = (struct loop_io){ .fd = -1, .events = POLLIN, .ready = ready, .owner = network };
	if (loop_timer_add(loop, &network->timer) != 0) {
		free(network);
		return -ENOMEM;
	}
	if (loop_io_add(loop, &network->io) != 0) {
		loop_timer_remove(loop, &network->timer);
		free(network);
		return -ENOMEM;
	}
	network->io.fd = netwatch_open();
	if (network->io.fd < 0)
		log_debug("no news of the network from the kernel: %s", strerror(-network->io.fd));
	*out = network;
	return 0;
}

void network_close(struct network *network)
{
	if (network == NULL)
		return;
	loop_io_remove(network->loop, &network->io);
	loop_timer_remove(network->loop, &network->timer);
	if (network->io.fd >= 0)
		(void)close(network->io.fd);
	free(network);
}

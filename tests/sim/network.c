#include "network.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/handshake.h"
#include "world.h"

#define SPIKE_NS (2 * SECOND)
#define LATE_NS (600 * SECOND)
#define FLIPS_MAX 8
#define FIRST_EVENTS 64

/* --- events ------------------------------------------------------------------------------- */

static bool is_before(const struct event *a, const struct event *b)
{
	return a->at_ns != b->at_ns ? a->at_ns < b->at_ns : a->order < b->order;
}

void queue_put(struct queue *queue, struct event event)
{
	size_t i = queue->used++;

	if (queue->used > queue->capacity) {
		queue->capacity = queue->capacity == 0 ? FIRST_EVENTS : 2 * queue->capacity;
		queue->events = realloc(queue->events, queue->capacity * sizeof *queue->events);
		if (queue->events == NULL)
			abort();
	}
	event.order = queue->order++;
	while (i > 0 && is_before(&event, &queue->events[(i - 1) / 2])) {
		queue->events[i] = queue->events[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	queue->events[i] = event;
}

struct event queue_take(struct queue *queue)
{
	struct event first = queue->events[0];
	struct event last = queue->events[--queue->used];
	size_t i = 0;

	for (;;) {
		size_t child = 2 * i + 1;

		if (child >= queue->used)
			break;
		if (child + 1 < queue->used && is_before(&queue->events[child + 1], &queue->events[child]))
			child++;
		if (!is_before(&queue->events[child], &last))
			break;
		queue->events[i] = queue->events[child];
		i = child;
	}
	queue->events[i] = last;
	return first;
}

void queue_release(struct queue *queue)
{
	for (size_t i = 0; i < queue->used; i++)
		free(queue->events[i].packet);
	free(queue->events);
	memset(queue, 0, sizeof *queue);
}

/* --- packets ------------------------------------------------------------------------------ */

bool network_address_equal(const struct rosenpass_address *a, const struct rosenpass_address *b)
{
	return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

/* Whether the receiver has to notice a change of that byte. The mac covers all but the cookie. */
static bool is_checked(const struct packet *packet, size_t at)
{
	if (packet->data[0] == 0x86)
		return at == 0 || (at >= 4 && at < 64);
	return at < packet->length - 16;
}

/*
 * Flips some bits. Half of the damaged packets get a mac that is right again, as an
 * attacker would do it, so that the checks behind the mac see them too.
 */
static void damage(struct world *world, struct packet *packet, const uint8_t *receiver_key)
{
	struct prng *prng = &world->network_prng;
	bool repair = packet->data[0] != 0x86 && prng_chance(prng, 500);
	uint64_t flips = prng_between(prng, 1, FLIPS_MAX);
	uint8_t before[ROSENPASS_DATAGRAM_MAX_BYTES];
	int dialect = -1;

	memcpy(before, packet->data, packet->length);
	for (int i = 0; repair && i < ROSENPASS_DIALECT_COUNT; i++) {
		if (reference_mac_is_right(packet->data, packet->length, (enum rosenpass_dialect)i,
		                           receiver_key))
			dialect = i;
	}
	repair = dialect >= 0;
	while (flips-- > 0) {
		size_t at = prng_below(prng, repair ? packet->length - 32 : packet->length);

		/* Only the mac covers the reserved bytes: with another mac, others are as good. */
		if (repair && at < 4)
			at = 0;
		packet->data[at] ^= (uint8_t)(1u << prng_below(prng, 8));
	}
	for (size_t i = 0; i < packet->length; i++) {
		if (packet->data[i] != before[i] && (packet->data[0] != before[0] || is_checked(packet, i)))
			packet->damaged = true;
	}
	if (repair)
		reference_seal_mac(packet->data, packet->length, (enum rosenpass_dialect)dialect,
		                   receiver_key);
}

static void put(struct world *world, const struct packet *packet, const struct link *link, uint64_t delay_ns,
                const uint8_t *receiver_key)
{
	struct packet *copy = malloc(sizeof *copy);

	if (copy == NULL)
		abort();
	*copy = *packet;
	if (prng_chance(&world->network_prng, link->damage))
		damage(world, copy, receiver_key);
	queue_put(&world->queue,
	          (struct event){ .at_ns = world->now_ns + delay_ns, .kind = EVENT_ARRIVAL, .packet = copy });
}

static uint64_t transit(struct prng *prng, const struct link *link)
{
	uint64_t delay_ns = link->delay_ns + prng_below(prng, link->jitter_ns + 1);

	if (prng_chance(prng, link->spike))
		delay_ns += prng_below(prng, SPIKE_NS);
	return delay_ns;
}

static int fill_random(void *context, uint8_t *out, size_t out_len)
{
	prng_fill(context, out, out_len);
	return 0;
}

/* An address that is nobody's: whatever is sent to it is lost. */
static struct rosenpass_address stranger(struct world *world)
{
	struct rosenpass_address address = { .length = 6, .group_length = 4 };

	address.bytes[0] = 66;
	address.bytes[1] = (uint8_t)prng_below(&world->network_prng, 2);
	return address;
}

/* A copy from the address of a stranger. */
static void forward(struct world *world, const struct packet *packet, const struct link *link,
                    uint64_t delay_ns, const uint8_t *receiver_key)
{
	struct packet copy = *packet;

	copy.from = stranger(world);
	put(world, &copy, link, delay_ns, receiver_key);
}

/* Back to where it came from, as if the receiver had sent it. */
static void reflect(struct world *world, const struct packet *packet, const struct link *link)
{
	struct packet copy = *packet;

	copy.from = packet->to;
	copy.to = packet->from;
	copy.alien = true;
	put(world, &copy, &(struct link){ 0 }, transit(&world->network_prng, link), NULL);
}

void network_forge_hello(struct world *world, int claimed, int victim)
{
	static const uint8_t no_psk[HANDSHAKE_PSK_BYTES];
	static struct handshake_initiation w;
	struct handshake_initiation *ws[1] = { &w };
	struct random_source random = { fill_random, &world->network_prng };
	struct packet packet = { .from_node = claimed, .to = world->nodes[victim].address, .forged = true };
	struct public_key own;
	struct public_key peer;

	memset(&w, 0, sizeof w);
	public_key_init(&own, node_public_key(claimed));
	public_key_init(&peer, node_public_key(victim));
	w.dialect = (enum rosenpass_dialect)prng_below(&world->network_prng, ROSENPASS_DIALECT_COUNT);
	w.own = &own;
	w.peer = &peer;
	w.psk = no_psk;
	handshake_initiation_prepare(&w);
	if (random_bytes(&random, w.fields.sidi, MESSAGE_SID_BYTES) != 0 ||
	    handshake_initiation_draw_ephemeral(&w, &random) != 0 ||
	    handshake_initiation_draw_static(&w, &random) != 0)
		abort();
	handshake_initiate(ws, 1);
	packet.length = w.length;
	memcpy(packet.data, w.message, w.length);
	reference_seal_mac(packet.data, packet.length, w.dialect, node_public_key(victim));
	memset(packet.data + packet.length - MESSAGE_COOKIE_BYTES, 0, MESSAGE_COOKIE_BYTES);
	if (prng_chance(&world->network_prng, 500))
		packet.from = world->nodes[claimed].address;
	else
		packet.from = stranger(world);
	put(world, &packet, &(struct link){ 0 }, 0, NULL);
}

void network_send(struct world *world, int from_node, const struct rosenpass_address *to, const uint8_t *data,
                  size_t length)
{
	struct prng *prng = &world->network_prng;
	int receiver = node_at(world, to);
	struct packet packet = {
		.from_node = from_node,
		.from = world->nodes[from_node].address,
		.to = *to,
		.length = length,
	};
	const struct link *link;
	const uint8_t *key;
	uint64_t delay_ns;

	if (receiver < 0)
		return;
	link = &world->links[from_node][receiver];
	key = node_public_key(receiver);
	if (link->cut || prng_chance(prng, link->loss) ||
	    (data[0] == 0x86 && prng_chance(prng, link->lose_cookies)))
		return;
	memcpy(packet.data, data, length);
	if (prng_chance(prng, link->reflect))
		reflect(world, &packet, link);
	if (prng_chance(prng, link->replay))
		forward(world, &packet, link, prng_below(prng, LATE_NS), key);
	delay_ns = transit(prng, link);
	if (prng_chance(prng, link->race))
		forward(world, &packet, link, prng_below(prng, delay_ns + 1), key);
	put(world, &packet, link, delay_ns, key);
	while (prng_chance(prng, link->duplicate))
		put(world, &packet, link, transit(prng, link), key);
	if (prng_chance(prng, link->late))
		put(world, &packet, link, prng_below(prng, LATE_NS), key);
}

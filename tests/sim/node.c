#include "node.h"

#include <stdlib.h>
#include <string.h>

#include "crypto/mceliece460896.h"
#include "world.h"

#define BATCH_MAX INBOX_MAX
/* More turns than this without an end of what is due: the engine goes in circles. */
#define EXPIRE_TURNS_MAX 64

static uint8_t public_keys[NODES_MAX][ROSENPASS_PUBLIC_KEY_BYTES];
static uint8_t secret_keys[NODES_MAX][ROSENPASS_SECRET_KEY_BYTES];

void node_keys_init(void)
{
	size_t bytes = (mceliece460896_keygen_scratch_bytes() + 63) / 64 * 64;
	void *scratch = aligned_alloc(64, bytes);

	if (scratch == NULL)
		abort();
	for (int i = 0; i < NODES_MAX; i++) {
		uint8_t seed[MCELIECE460896_SEED_BYTES] = { (uint8_t)i };

		mceliece460896_keygen_from_seed(public_keys[i], secret_keys[i], seed, scratch);
	}
	free(scratch);
}

const uint8_t *node_public_key(int index)
{
	return public_keys[index];
}

/* --- what the engine asks of its host ----------------------------------------------------- */

static int fill_random(void *context, uint8_t *out, size_t out_len)
{
	struct node *node = context;

	if (node->random_failure > 0 && prng_chance(&node->prng, node->random_failure))
		return -1;
	prng_fill(&node->prng, out, out_len);
	return 0;
}

static void *allocate(void *context, size_t bytes)
{
	struct node *node = context;

	if (node->memory_failure > 0 && prng_chance(&node->prng, node->memory_failure))
		return NULL;
	node->live_allocations++;
	node->live_bytes += bytes;
	return calloc(1, bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
	struct node *node = context;
	const uint8_t *p = memory;

	for (size_t i = 0; i < bytes; i++) {
		if (p[i] == 0)
			continue;
		check_fail(node->world, "wiped", "node %d: memory was released that was not zero",
		           node->index);
		break;
	}
	node->live_allocations--;
	node->live_bytes -= bytes;
	free(memory);
}

/* --- clock --------------------------------------------------------------------------------- */

static uint64_t drifted(uint64_t ns, int32_t ppm)
{
	int64_t whole = (int64_t)(ns / 1000000) * ppm;
	int64_t rest = (int64_t)(ns % 1000000) * ppm / 1000000;

	return ns + (uint64_t)(whole + rest);
}

uint64_t node_clock_ns(const struct world *world, int index)
{
	const struct node *node = &world->nodes[index];

	return node->clock_offset_ns + drifted(world->now_ns, node->clock_drift_ppm);
}

/* The virtual time at which the node's clock has reached `clock_ns`. */
static uint64_t virtual_time_ns(const struct world *world, int index, uint64_t clock_ns)
{
	const struct node *node = &world->nodes[index];
	uint64_t at_ns = world->now_ns;
	uint64_t shown = node_clock_ns(world, index);

	while (shown < clock_ns) {
		at_ns += clock_ns - shown;
		shown = node->clock_offset_ns + drifted(at_ns, node->clock_drift_ppm);
	}
	return at_ns;
}

/* --- outputs --------------------------------------------------------------------------------- */

static int peer_by_handle(const struct node *node, rosenpass_peer handle)
{
	for (int i = 0; i < NODES_MAX; i++) {
		if (handle != 0 && node->peers[i].handle == handle)
			return i;
	}
	return -1;
}

static void take_send(struct world *world, struct node *node, int peer, const struct rosenpass_output *output)
{
	struct rosenpass_address to = output->address;
	uint64_t clock_ns = node_clock_ns(world, node->index);
	uint8_t type = output->data[0];

	if (peer >= 0 && (type == 0x81 || type == 0x83)) {
		struct relation *relation = &node->peers[peer];

		relation->own_sends++;
		relation->own_bytes += output->length;
		relation->last_own_send_ns = clock_ns;
		if (type == 0x81 && !relation->has_asked) {
			relation->has_asked = true;
			relation->asked_since_ns = clock_ns;
		}
	}
	if (to.length == 0) {
		if (peer < 0 || !node->peers[peer].discover) {
			check_fail(world, "address", "node %d sends to nowhere", node->index);
			return;
		}
		/* It goes to every address that the peer might have; one of them is right. */
		to = world->nodes[peer].address;
	}
	world_trace(world, "node %d sends %02x (%zu) to %d%s", node->index, (unsigned)type, output->length,
	            node_at(world, &to), output->repeated ? ", again" : "");
	network_send(world, node->index, &to, output->data, output->length);
}

static void take_output(struct world *world, struct node *node, const struct rosenpass_output *output)
{
	int peer = peer_by_handle(node, output->peer);

	node->outputs++;
	world->check.figures.outputs[output->kind]++;
	if (!node->is_reference && output->peer != 0 && (peer < 0 || output->user != &node->peers[peer])) {
		check_fail(world, "user", "node %d: an output of no peer, or with another's user value",
		           node->index);
		return;
	}
	switch (output->kind) {
	case ROSENPASS_OUTPUT_SEND:
		take_send(world, node, peer, output);
		break;
	case ROSENPASS_OUTPUT_KEY:
		check_key(world, node->index, peer, output);
		break;
	case ROSENPASS_OUTPUT_STALE:
		check_stale(world, node->index, peer);
		break;
	case ROSENPASS_OUTPUT_ENDPOINT:
		world_trace(world, "node %d found peer %d elsewhere", node->index, peer);
		break;
	case ROSENPASS_OUTPUT_CONFIRMED:
		world_trace(world, "node %d knows that peer %d has its key", node->index, peer);
		break;
	case ROSENPASS_OUTPUT_TIMEOUT:
		world_trace(world, "node %d gave up a handshake with %d", node->index, peer);
		break;
	}
}

static void reference_output(void *context, const struct rosenpass_output *output)
{
	struct node *node = context;

	take_output(node->world, node, output);
}

static void drain(struct world *world, struct node *node)
{
	struct rosenpass_output output = { .size = sizeof output };

	while (rosenpass_next(node->engine, &output))
		take_output(world, node, &output);
}

/* --- life -------------------------------------------------------------------------------------- */

void node_init(struct world *world, int index)
{
	struct node *node = &world->nodes[index];

	memset(node, 0, sizeof *node);
	node->world = world;
	node->index = index;
	node->prng = prng_make(world->seed, 100 + (uint64_t)index);
	node_move(world, index);
}

void node_move(struct world *world, int index)
{
	struct rosenpass_address *address = &world->nodes[index].address;

	memset(address, 0, sizeof *address);
	address->length = 6;
	address->group_length = 4;
	address->bytes[0] = 10;
	address->bytes[3] = (uint8_t)(index + 1);
	address->bytes[4] = (uint8_t)(world->nodes[index].moves >> 8);
	address->bytes[5] = (uint8_t)world->nodes[index].moves++;
}

int node_at(const struct world *world, const struct rosenpass_address *address)
{
	int index = address->bytes[3] - 1;

	if (address->length != 6 || index < 0 || index >= world->scenario.node_count ||
	    !network_address_equal(&world->nodes[index].address, address))
		return -1;
	return index;
}

static struct rosenpass_peer_config peer_config(struct world *world, int index, int peer)
{
	static const char *const labels[] = { "vpn", "key of the tests" };
	struct relation *relation = &world->nodes[index].peers[peer];
	struct rosenpass_peer_config config = {
		.size = sizeof config,
		.public_key = public_keys[peer],
		.psk = relation->has_psk ? relation->psk : NULL,
		.dialects = relation->dialects,
		.discover = relation->discover,
		.user = relation,
	};

	if (relation->knows_address)
		config.endpoint = world->nodes[peer].address;
	if (relation->own_labels) {
		config.osk_organization = "example.org";
		config.osk_labels = labels;
		config.osk_label_count = 2;
	}
	return config;
}

void node_add_peer(struct world *world, int index, int peer)
{
	struct node *node = &world->nodes[index];
	struct relation *relation = &node->peers[peer];
	struct rosenpass_peer_config config = peer_config(world, index, peer);
	uint64_t clock_ns = node_clock_ns(world, index);
	int result = ROSENPASS_E_MEMORY;

	if (!node->running || relation->handle != 0)
		return;
	relation->has_asked = false;
	relation->awaits_report = false;
	relation->last_own_send_ns = clock_ns;
	if (node->is_reference) {
		relation->handle = reference_peer_add(node->reference, config.public_key, config.psk,
		                                      &config.endpoint, clock_ns);
		return;
	}
	for (int i = 0; i < 100 && result == ROSENPASS_E_MEMORY; i++)
		result = rosenpass_peer_add(node->engine, &config, clock_ns, &relation->handle);
	if (result != 0)
		check_fail(world, "add", "node %d: %s", index, rosenpass_error_name(result));
	node_kick(world, index);
}

void node_remove_peer(struct world *world, int index, int peer)
{
	struct node *node = &world->nodes[index];
	struct relation *relation = &node->peers[peer];

	if (!node->running || node->is_reference || relation->handle == 0)
		return;
	if (rosenpass_peer_remove(node->engine, relation->handle) != 0)
		check_fail(world, "remove", "node %d", index);
	relation->handle = 0;
	check_lost_state(world, index, peer);
	node_kick(world, index);
}

void node_change_peer(struct world *world, int index, int peer)
{
	struct node *node = &world->nodes[index];
	struct rosenpass_peer_config config = peer_config(world, index, peer);
	uint64_t clock_ns = node_clock_ns(world, index);

	if (!node->running || node->is_reference || node->peers[peer].handle == 0)
		return;
	if (rosenpass_peer_change(node->engine, node->peers[peer].handle, &config, clock_ns) != 0)
		check_fail(world, "change", "node %d", index);
	/* A handshake that was ended leads to no key. */
	if (!node_is_trying(world, index, peer))
		node->peers[peer].awaits_report = false;
	node_kick(world, index);
}

static void create_engine(struct world *world, struct node *node)
{
	struct rosenpass_environment environment = {
		.size = sizeof environment,
		.random = fill_random,
		.random_context = node,
		.allocate = allocate,
		.release = release,
		.memory_context = node,
	};
	struct rosenpass_config config = {
		.size = sizeof config,
		.public_key = public_keys[node->index],
		.secret_key = secret_keys[node->index],
		.environment = &environment,
	};

	for (int i = 0; i < 1000 && node->engine == NULL; i++) {
		int result = rosenpass_create(&node->engine, &config);

		if (result == 0)
			break;
		if ((result != ROSENPASS_E_MEMORY && result != ROSENPASS_E_RANDOM) ||
		    node->live_allocations != 0)
			check_fail(world, "create", "node %d: %s, %zu allocations left", node->index,
			           rosenpass_error_name(result), node->live_allocations);
	}
	if (node->engine != NULL)
		rosenpass_set_under_load(node->engine, node->under_load);
}

void node_start(struct world *world, int index)
{
	struct node *node = &world->nodes[index];

	if (node->running)
		return;
	world_trace(world, "node %d starts", index);
	if (node->is_reference) {
		node->reference_config.public_key = public_keys[index];
		node->reference_config.secret_key = secret_keys[index];
		node->reference_config.random = (struct random_source){ fill_random, node };
		node->reference_config.emit = reference_output;
		node->reference_config.context = node;
		node->reference = reference_create(&node->reference_config);
	} else {
		create_engine(world, node);
		if (node->engine == NULL) {
			check_fail(world, "create", "node %d cannot be created", index);
			return;
		}
	}
	node->running = true;
	for (int i = 0; i < world->scenario.node_count; i++) {
		if (node->peers[i].wanted)
			node_add_peer(world, index, i);
	}
	node_kick(world, index);
}

static void empty_inbox(struct node *node)
{
	for (size_t i = 0; i < node->inbox_used; i++)
		free(node->inbox[i]);
	node->inbox_used = 0;
}

void node_stop(struct world *world, int index)
{
	struct node *node = &world->nodes[index];

	if (!node->running)
		return;
	world_trace(world, "node %d stops", index);
	node->running = false;
	node->wake_at_ns = 0;
	empty_inbox(node);
	reference_destroy(node->reference);
	rosenpass_destroy(node->engine);
	node->reference = NULL;
	node->engine = NULL;
	if (node->live_allocations != 0 || node->live_bytes != 0)
		check_fail(world, "balance", "node %d: %zu allocations, %zu bytes were not released", index,
		           node->live_allocations, node->live_bytes);
	for (int i = 0; i < NODES_MAX; i++) {
		node->peers[i].handle = 0;
		if (node->peers[i].wanted)
			check_lost_state(world, index, i);
	}
}

bool node_is_trying(const struct world *world, int index, int peer)
{
	const struct node *node = &world->nodes[index];
	struct rosenpass_peer_info info = { .size = sizeof info };

	if (!node->running || node->peers[peer].handle == 0)
		return false;
	if (node->is_reference)
		return reference_is_trying(node->reference, node->peers[peer].handle);
	return rosenpass_peer_get(node->engine, node->peers[peer].handle, &info) == 0 &&
	       info.state != ROSENPASS_STATE_IDLE;
}

/* --- being served -------------------------------------------------------------------------------- */

static void note_received(struct world *world, struct node *node, const struct packet *packet,
                          enum rosenpass_verdict verdict, rosenpass_peer handle)
{
	int peer = peer_by_handle(node, handle);
	uint64_t clock_ns = node_clock_ns(world, node->index);

	world_trace(world, "node %d got %02x%s from %d: %s", node->index, (unsigned)packet->data[0],
	            packet->damaged  ? " damaged"
	            : packet->alien  ? " reflected"
	            : packet->forged ? " forged"
	                             : "",
	            packet->from_node, rosenpass_verdict_name(verdict));
	if (peer >= 0 && (verdict == ROSENPASS_ACCEPTED || verdict == ROSENPASS_CONFIRMED ||
	                  verdict == ROSENPASS_EXCHANGED))
		node->peers[peer].has_asked = false;
	if (peer >= 0 && verdict == ROSENPASS_ACCEPTED && !node->is_reference) {
		node->peers[peer].awaits_report = true;
		node->peers[peer].accepted_ns = clock_ns;
	}
	check_received(world, node->index, packet, verdict, peer);
}

static void receive_reference(struct world *world, struct node *node)
{
	for (size_t i = 0; i < node->inbox_used; i++) {
		struct packet *packet = node->inbox[i];
		rosenpass_peer peer;
		enum rosenpass_verdict verdict =
			reference_receive(node->reference, packet->data, packet->length, &packet->from,
		                          node_clock_ns(world, node->index), &peer);

		note_received(world, node, packet, verdict, peer);
	}
}

static void receive_engine(struct world *world, struct node *node)
{
	struct rosenpass_datagram datagrams[BATCH_MAX];
	uint64_t clock_ns = node_clock_ns(world, node->index);
	size_t done = 0;

	for (size_t i = 0; i < node->inbox_used; i++)
		datagrams[i] = (struct rosenpass_datagram){
			.size = sizeof(struct rosenpass_datagram),
			.data = node->inbox[i]->data,
			.length = node->inbox[i]->length,
			.from = node->inbox[i]->from,
		};
	while (done < node->inbox_used) {
		size_t taken = (size_t)rosenpass_receive(node->engine, datagrams + done,
		                                         node->inbox_used - done, clock_ns);

		if (taken == 0) {
			check_fail(world, "progress", "node %d: no datagram taken although outputs were",
			           node->index);
			return;
		}
		for (size_t i = done; i < done + taken; i++)
			note_received(world, node, node->inbox[i], datagrams[i].verdict, datagrams[i].peer);
		node->outputs = 0;
		drain(world, node);
		check_outputs(world, node->index, taken, node->outputs);
		done += taken;
	}
}

static void receive(struct world *world, struct node *node)
{
	if (node->inbox_used == 0)
		return;
	node->in_receive = true;
	node->saw_confirmed = false;
	if (node->is_reference)
		receive_reference(world, node);
	else
		receive_engine(world, node);
	node->in_receive = false;
	empty_inbox(node);
}

static uint64_t deadline_ns(const struct node *node)
{
	return node->is_reference ? reference_deadline(node->reference) : rosenpass_deadline(node->engine);
}

static void expire(struct world *world, struct node *node)
{
	uint64_t clock_ns = node_clock_ns(world, node->index);

	for (int turns = 0; deadline_ns(node) <= clock_ns; turns++) {
		if (turns == EXPIRE_TURNS_MAX) {
			check_fail(world, "progress", "node %d: what is due stays due", node->index);
			return;
		}
		if (node->is_reference) {
			reference_expire(node->reference, clock_ns);
		} else {
			rosenpass_expire(node->engine, clock_ns);
			drain(world, node);
		}
	}
}

static void set_wake(struct world *world, struct node *node, uint64_t at_ns)
{
	if (node->wake_at_ns != 0 && node->wake_at_ns <= at_ns)
		return;
	node->wake_at_ns = at_ns;
	queue_put(&world->queue, (struct event){ .at_ns = at_ns, .kind = EVENT_WAKE, .node = node->index });
}

static uint64_t served_at_ns(struct world *world, struct node *node, uint64_t at_ns)
{
	at_ns += prng_below(&world->network_prng, node->latency_ns + 1);
	return at_ns > node->suspended_until_ns ? at_ns : node->suspended_until_ns;
}

void node_kick(struct world *world, int index)
{
	struct node *node = &world->nodes[index];
	uint64_t deadline;

	if (!node->running)
		return;
	deadline = deadline_ns(node);
	if (deadline != ROSENPASS_NEVER)
		set_wake(world, node, served_at_ns(world, node, virtual_time_ns(world, index, deadline)));
}

void node_arrival(struct world *world, int index, struct packet *packet)
{
	struct node *node = &world->nodes[index];

	if (!node->running || node->inbox_used == INBOX_MAX) {
		free(packet);
		return;
	}
	node->inbox[node->inbox_used++] = packet;
	set_wake(world, node, served_at_ns(world, node, world->now_ns));
}

void node_wake(struct world *world, int index)
{
	struct node *node = &world->nodes[index];

	if (!node->running || node->wake_at_ns != world->now_ns)
		return;
	node->wake_at_ns = 0;
	if (world->now_ns < node->suspended_until_ns) {
		set_wake(world, node, node->suspended_until_ns);
		return;
	}
	if (node->expires_first)
		expire(world, node);
	receive(world, node);
	expire(world, node);
	node_kick(world, index);
}

void node_suspend(struct world *world, int index, uint64_t until_ns)
{
	if (until_ns <= world->nodes[index].suspended_until_ns)
		return;
	world_trace(world, "node %d sleeps for %.1f s", index, (double)(until_ns - world->now_ns) / 1e9);
	world->nodes[index].suspended_until_ns = until_ns;
	world->nodes[index].disturbed_ns = until_ns;
}

bool node_is_suspended(const struct world *world, int index)
{
	return world->now_ns < world->nodes[index].suspended_until_ns;
}

void node_jump(struct world *world, int index, uint64_t by_ns)
{
	world_trace(world, "the clock of node %d jumps by %.1f s", index, (double)by_ns / 1e9);
	world->nodes[index].clock_offset_ns += by_ns;
	if (world->nodes[index].disturbed_ns < world->now_ns)
		world->nodes[index].disturbed_ns = world->now_ns;
	node_kick(world, index);
}

void node_initiate(struct world *world, int index, int peer)
{
	struct node *node = &world->nodes[index];

	if (!node->running || node->is_reference || node->peers[peer].handle == 0 ||
	    node_is_suspended(world, index))
		return;
	world_trace(world, "node %d asks for a new key with %d", index, peer);
	node->peers[peer].asked_for_ns = world->now_ns;
	if (rosenpass_peer_initiate(node->engine, node->peers[peer].handle, node_clock_ns(world, index)) != 0)
		check_fail(world, "initiate", "node %d", index);
	node_kick(world, index);
}

void node_set_endpoint(struct world *world, int index, int peer)
{
	struct node *node = &world->nodes[index];

	if (!node->running || node->is_reference || node->peers[peer].handle == 0 ||
	    node_is_suspended(world, index))
		return;
	if (rosenpass_peer_set_endpoint(node->engine, node->peers[peer].handle, &world->nodes[peer].address,
	                                node_clock_ns(world, index)) != 0)
		check_fail(world, "endpoint", "node %d", index);
	node_kick(world, index);
}

void node_set_load(struct world *world, int index, bool under_load)
{
	struct node *node = &world->nodes[index];

	node->under_load = under_load;
	if (node->running && !node->is_reference)
		rosenpass_set_under_load(node->engine, under_load);
}

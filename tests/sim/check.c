#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world.h"

#define STALE_NS (180 * SECOND)
#define REPORT_NS (2 * SECOND)
/* A node that was disturbed has this long to notice; others serve their deadlines within a second. */
#define GRACE_NS (2 * SECOND)
/* After healing: where retransmissions are at most 10 s apart, where 45 s, where only a renewal helps. */
#define SETTLE_NS (30 * SECOND)
#define SETTLE_ABSENT_NS (60 * SECOND)
#define SETTLE_RENEWAL_NS (160 * SECOND)
#define TRYING_FAST_NS (175 * SECOND)
#define FAST_GAP_NS (11 * SECOND)
#define SLOW_GAP_NS (52 * SECOND)
/* One that gives way to the other side's handshake holds its own for 3 s. */
#define HOLD_NS (4 * SECOND)
/* In quiet times the two ends of an exchange report so close to each other. */
#define DIFFERENCE_NS (12 * SECOND)
#define RENEWED_NS (150 * SECOND)
/* RespHello to EmptyData, from a peer that answers a repeated InitConf. */
#define CONFIRMED_NS (25 * SECOND)
/* So many arrived InitConfs suffice to bring both ends together, however crossed. */
#define CONFS_MAX 24
#define WINDOW_NS (60 * SECOND)
/* Four addresses at a time, at times in two dialects, and several new keys asked for within a minute. */
#define WINDOW_SENDS_MAX 640
#define OUTPUTS_PER_DATAGRAM 3
#define FIRST_RECORDS 256

void check_init(struct world *world)
{
	memset(&world->check, 0, sizeof world->check);
}

void check_release(struct world *world)
{
	free(world->check.records);
	world->check.records = NULL;
}

struct pair_state *check_pair(struct world *world, int a, int b)
{
	return a < b ? &world->check.pairs[a][b] : &world->check.pairs[b][a];
}

void check_fail(struct world *world, const char *invariant, const char *format, ...)
{
	char words[256];
	va_list arguments;

	if (world->failed)
		return;
	world->failed = true;
	va_start(arguments, format);
	(void)vsnprintf(words, sizeof words, format, arguments);
	va_end(arguments);
	world_report(world, invariant, words);
}

/* --- keys ------------------------------------------------------------------------------------ */

static struct key_record *find_record(struct check *check, uint64_t name)
{
	size_t i = name & (check->record_capacity - 1);

	while (check->records[i].name != 0 && check->records[i].name != name)
		i = (i + 1) & (check->record_capacity - 1);
	return &check->records[i];
}

static void grow_records(struct check *check)
{
	struct check old = *check;

	check->record_capacity = old.record_capacity == 0 ? FIRST_RECORDS : 2 * old.record_capacity;
	check->records = calloc(check->record_capacity, sizeof *check->records);
	if (check->records == NULL)
		abort();
	for (size_t i = 0; i < old.record_capacity; i++) {
		if (old.records[i].name != 0)
			*find_record(check, old.records[i].name) = old.records[i];
	}
	free(old.records);
}

/* A key belongs to one exchange of two peers in two roles, and a responder takes it once. */
static void check_origin(struct world *world, int node, int peer, const struct rosenpass_output *output)
{
	struct check *check = &world->check;
	bool initiator = output->role == ROSENPASS_INITIATOR;
	struct key_record *record;
	uint64_t words[2];

	if (2 * (check->record_count + 1) > check->record_capacity)
		grow_records(check);
	memcpy(words, output->data, sizeof words);
	record = find_record(check, prng_mix(words[0] ^ prng_mix(words[1])) | 1);
	if (record->name == 0) {
		record->name = prng_mix(words[0] ^ prng_mix(words[1])) | 1;
		record->initiator = initiator ? node : peer;
		record->responder = initiator ? peer : node;
		check->record_count++;
	}
	if (record->initiator != (initiator ? node : peer) || record->responder != (initiator ? peer : node))
		check_fail(world, "origin", "node %d has a key with %d that is of another exchange", node,
		           peer);
	if (!initiator && record->by_responder)
		check_fail(world, "replay", "node %d takes a key with %d for the second time", node, peer);
	record->by_initiator |= initiator;
	record->by_responder |= !initiator;
}

static bool holds_same(const struct world *world, int a, int b)
{
	const struct relation *at_a = &world->nodes[a].peers[b];
	const struct relation *at_b = &world->nodes[b].peers[a];

	if (!at_a->has_key || !at_b->has_key)
		return at_a->has_key == at_b->has_key;
	return memcmp(at_a->key, at_b->key, sizeof at_a->key) == 0;
}

static bool is_settled(const struct world *world, const struct pair_state *pair)
{
	return world->check.quiet && world->now_ns > pair->settled_by_ns;
}

/* How long the two have held different keys since they ought to be settled. */
static void check_difference(struct world *world, int a, int b)
{
	struct pair_state *pair = check_pair(world, a, b);
	uint64_t *longest = &world->check.figures.longest_difference_ns;
	uint64_t since_ns = pair->since_ns;

	if (!is_settled(world, pair))
		return;
	if (world->now_ns - since_ns > DIFFERENCE_NS)
		check_fail(world, "one-sided",
		           "nodes %d and %d hold different keys for %.1f s, %.1f s after healing", a, b,
		           (double)(world->now_ns - since_ns) / 1e9,
		           (double)(world->now_ns - world->check.quiet_since_ns) / 1e9);
	if (since_ns >= pair->settled_by_ns && world->now_ns - since_ns > *longest)
		*longest = world->now_ns - since_ns;
}

static void compare(struct world *world, int a, int b)
{
	struct pair_state *pair = check_pair(world, a, b);
	struct check *check = &world->check;
	bool differ = !holds_same(world, a, b);

	if (differ == pair->differ)
		return;
	if (differ) {
		pair->since_ns = world->now_ns;
		pair->confs = 0;
	} else {
		check_difference(world, a, b);
		if (check->quiet && pair->since_ns < check->quiet_since_ns &&
		    world->nodes[a].peers[b].has_key &&
		    pair->settled_by_ns - check->quiet_since_ns == SETTLE_NS &&
		    world->now_ns - check->quiet_since_ns > check->figures.longest_settling_ns)
			check->figures.longest_settling_ns = world->now_ns - check->quiet_since_ns;
	}
	pair->agreed_ns = differ ? 0 : world->now_ns;
	pair->differ = differ;
}

void check_key(struct world *world, int node, int peer, const struct rosenpass_output *output)
{
	struct node *host = &world->nodes[node];
	struct relation *relation;
	uint64_t clock_ns = node_clock_ns(world, node);
	bool early;

	if (peer < 0 || output->length != ROSENPASS_KEY_BYTES || !host->peers[peer].wanted) {
		check_fail(world, "key", "node %d was told a key of nobody", node);
		return;
	}
	relation = &host->peers[peer];
	world_trace(world, "node %d has key %02x%02x%02x%02x with %d as %s, %s", node,
	            (unsigned)output->data[0], (unsigned)output->data[1], (unsigned)output->data[2],
	            (unsigned)output->data[3], peer,
	            output->role == ROSENPASS_INITIATOR ? "initiator" : "responder",
	            rosenpass_dialect_name(output->dialect));
	if (check_pair(world, node, peer)->hopeless)
		check_fail(world, "hopeless", "node %d has a key with %d, which cannot be", node, peer);
	if (relation->dialects != 0 && (relation->dialects & ROSENPASS_DIALECT_BIT(output->dialect)) == 0)
		check_fail(world, "dialect", "node %d has a key with %d in a dialect that is not allowed",
		           node, peer);
	early = output->role == ROSENPASS_INITIATOR && !host->is_reference &&
	        !(host->in_receive && host->saw_confirmed) && clock_ns - relation->accepted_ns < REPORT_NS &&
	        world->now_ns - relation->asked_for_ns > GRACE_NS;
	if (early)
		check_fail(world, "early", "node %d reports an unconfirmed key with %d", node, peer);
	check_origin(world, node, peer, output);
	relation->has_key = true;
	relation->awaits_report = false;
	memcpy(relation->key, output->data, sizeof relation->key);
	relation->role = output->role;
	relation->established_ns = clock_ns;
	if (output->role == ROSENPASS_INITIATOR && !host->is_reference)
		relation->established_ns = relation->accepted_ns;
	relation->keys++;
	compare(world, node, peer);
}

void check_stale(struct world *world, int node, int peer)
{
	struct relation *relation;

	if (peer < 0 || !world->nodes[node].peers[peer].has_key) {
		check_fail(world, "stale", "node %d was told that a key is stale and had none", node);
		return;
	}
	relation = &world->nodes[node].peers[peer];
	world_trace(world, "node %d has no key with %d any more", node, peer);
	if (node_clock_ns(world, node) - relation->established_ns < STALE_NS)
		check_fail(world, "stale", "node %d was told too early that its key with %d is stale", node,
		           peer);
	if (is_settled(world, check_pair(world, node, peer)))
		check_fail(world, "stale", "node %d lost its key with %d although the network is well", node,
		           peer);
	relation->has_key = false;
	compare(world, node, peer);
}

void check_lost_state(struct world *world, int node, int peer)
{
	struct relation *relation = &world->nodes[node].peers[peer];

	relation->has_key = false;
	relation->awaits_report = false;
	relation->has_asked = false;
	compare(world, node, peer);
}

/* --- packets --------------------------------------------------------------------------------- */

void check_received(struct world *world, int node, const struct packet *packet,
                    enum rosenpass_verdict verdict, int peer)
{
	struct check_figures *figures = &world->check.figures;
	struct pair_state *pair = check_pair(world, node, packet->from_node);

	if (verdict_index(verdict) == VERDICT_INDEX_COUNT) {
		check_fail(world, "verdict", "node %d: %d", node, (int)verdict);
		return;
	}
	if (!world->nodes[node].is_reference)
		figures->verdicts[verdict_index(verdict)]++;
	if (verdict == ROSENPASS_CONFIRMED)
		world->nodes[node].saw_confirmed = true;
	if (packet->alien && verdict < ROSENPASS_DROPPED)
		check_fail(world, "reflection", "node %d takes a %02x of its own: %s", node,
		           (unsigned)packet->data[0], rosenpass_verdict_name(verdict));
	if (packet->alien)
		return;
	if (packet->forged && !world->nodes[node].is_reference && peer >= 0)
		check_fail(world, "forged", "node %d takes a forged InitHello for one of %d", node, peer);
	if (packet->damaged) {
		figures->damaged++;
		/* A cookie is asked for before the content is looked at. */
		if (verdict < ROSENPASS_DROPPED && verdict != ROSENPASS_COOKIE_SENT)
			check_fail(world, "damaged", "node %d takes a damaged %02x from %d: %s", node,
			           (unsigned)packet->data[0], packet->from_node,
			           rosenpass_verdict_name(verdict));
		return;
	}
	if (peer >= 0 && peer != packet->from_node)
		check_fail(world, "sender", "node %d takes a packet of %d for one of %d", node,
		           packet->from_node, peer);
	/* Copies that waited while a node slept arrive together, before any answer can be back. */
	if (pair->differ && packet->data[0] == 0x83 && pair->conf_ns != world->now_ns &&
	    (verdict == ROSENPASS_EXCHANGED || verdict == ROSENPASS_REPEATED ||
	     verdict == ROSENPASS_CROSSED)) {
		pair->confs++;
		pair->conf_ns = world->now_ns;
	}
	if (pair->confs > figures->most_confs)
		figures->most_confs = pair->confs;
	if (pair->confs > CONFS_MAX)
		check_fail(world, "one-sided",
		           "nodes %d and %d hold different keys although %u InitConfs arrived", node,
		           packet->from_node, pair->confs);
}

void check_outputs(struct world *world, int node, size_t datagrams, unsigned outputs)
{
	if (outputs > OUTPUTS_PER_DATAGRAM * datagrams)
		check_fail(world, "outputs", "node %d: %zu datagrams led to %u outputs", node, datagrams,
		           outputs);
}

/* --- time ------------------------------------------------------------------------------------ */

/* Whether the node has tried for so long that it tries seldom. */
static bool tries_seldom(struct world *world, int node, int peer)
{
	const struct relation *relation = &world->nodes[node].peers[peer];

	return !world->nodes[node].is_reference && relation->has_asked &&
	       node_clock_ns(world, node) - relation->asked_since_ns >= TRYING_FAST_NS;
}

static bool can_begin(const struct relation *relation)
{
	return relation->knows_address || relation->discover;
}

static uint64_t settle_time_ns(struct world *world, int a, int b)
{
	if (!can_begin(&world->nodes[a].peers[b]) || !can_begin(&world->nodes[b].peers[a]) ||
	    world->now_ns < check_pair(world, a, b)->slow_until_ns)
		return SETTLE_RENEWAL_NS;
	return tries_seldom(world, a, b) && tries_seldom(world, b, a) ? SETTLE_ABSENT_NS : SETTLE_NS;
}

static void end_quiet(struct world *world, int a, int b)
{
	const struct relation *relation = &world->nodes[a].peers[b];
	uint64_t seconds = (world->now_ns - world->check.quiet_since_ns) / SECOND;

	if (relation->keys - relation->quiet_keys > 8 + seconds / 40)
		check_fail(world, "storm", "node %d was told %llu keys with %d in %llu s", a,
		           (unsigned long long)(relation->keys - relation->quiet_keys), b,
		           (unsigned long long)seconds);
}

void check_quiet(struct world *world, bool quiet)
{
	for (int a = 0; a < world->scenario.node_count; a++) {
		for (int b = 0; b < world->scenario.node_count; b++) {
			if (!world->nodes[a].peers[b].wanted)
				continue;
			if (!quiet && world->check.quiet)
				end_quiet(world, a, b);
			world->nodes[a].peers[b].quiet_keys = world->nodes[a].peers[b].keys;
			check_pair(world, a, b)->settled_by_ns = world->now_ns + settle_time_ns(world, a, b);
		}
	}
	world->check.quiet = quiet;
	world->check.quiet_since_ns = world->now_ns;
}

/* Retransmissions come often enough, and not too often. */
static void audit_sends(struct world *world, int node, int peer)
{
	struct relation *relation = &world->nodes[node].peers[peer];
	uint64_t clock_ns = node_clock_ns(world, node);
	uint64_t since_ns = relation->has_asked ? relation->asked_since_ns : relation->accepted_ns;
	uint64_t gap_ns = clock_ns - since_ns < TRYING_FAST_NS ? FAST_GAP_NS : SLOW_GAP_NS;
	uint64_t sends;

	if (can_begin(relation) && node_is_trying(world, node, peer) &&
	    world->nodes[node].random_failure == 0 &&
	    clock_ns - relation->last_own_send_ns > gap_ns + HOLD_NS &&
	    world->now_ns > world->nodes[node].disturbed_ns + HOLD_NS)
		check_fail(world, "silence", "node %d has sent nothing to %d for %.1f s", node, peer,
		           (double)(clock_ns - relation->last_own_send_ns) / 1e9);
	if (world->now_ns - relation->window_ns < WINDOW_NS)
		return;
	sends = relation->own_sends - relation->window_sends;
	if (sends > world->check.figures.most_sends)
		world->check.figures.most_sends = sends;
	if (sends > WINDOW_SENDS_MAX)
		check_fail(world, "flood", "node %d has sent %llu messages to %d within a minute", node,
		           (unsigned long long)sends, peer);
	relation->window_ns = world->now_ns;
	relation->window_sends = relation->own_sends;
}

static void audit_node(struct world *world, int node, int peer)
{
	const struct relation *relation = &world->nodes[node].peers[peer];
	uint64_t clock_ns = node_clock_ns(world, node);
	uint64_t age_ns = clock_ns - relation->established_ns;

	if (!world->nodes[node].running || relation->handle == 0 ||
	    world->now_ns < world->nodes[node].disturbed_ns + GRACE_NS)
		return;
	if (relation->has_key && age_ns > STALE_NS + GRACE_NS)
		check_fail(world, "age", "node %d still holds a key with %d after %.1f s", node, peer,
		           (double)age_ns / 1e9);
	/* What would be stale at once is not reported any more. */
	if (relation->awaits_report && clock_ns - relation->accepted_ns > REPORT_NS + GRACE_NS &&
	    clock_ns - relation->accepted_ns < STALE_NS)
		check_fail(world, "late", "node %d does not report its key with %d", node, peer);
	if (!world->nodes[node].is_reference)
		audit_sends(world, node, peer);
	if (!is_settled(world, check_pair(world, node, peer)) || check_pair(world, node, peer)->hopeless)
		return;
	if (!relation->has_key)
		check_fail(world, "settle", "node %d has no key with %d %.1f s after healing", node, peer,
		           (double)(world->now_ns - world->check.quiet_since_ns) / 1e9);
	else if (age_ns > RENEWED_NS)
		check_fail(world, "renewal", "the key of node %d with %d is not renewed", node, peer);
	if (!world->nodes[node].is_reference && !world->nodes[peer].reference_config.go &&
	    !relation->has_asked && node_is_trying(world, node, peer) &&
	    clock_ns - relation->accepted_ns > CONFIRMED_NS)
		check_fail(world, "unconfirmed", "node %d gets no EmptyData from %d", node, peer);
}

void check_audit(struct world *world)
{
	for (int a = 0; a < world->scenario.node_count; a++) {
		for (int b = 0; b < world->scenario.node_count; b++) {
			if (!world->nodes[a].peers[b].wanted)
				continue;
			audit_node(world, a, b);
			if (a < b && check_pair(world, a, b)->differ)
				check_difference(world, a, b);
		}
	}
}

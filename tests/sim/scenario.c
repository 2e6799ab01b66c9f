#include "scenario.h"

#include <string.h>

#include "world.h"

#define DAY (86400 * SECOND)
#define MONTH (30 * DAY)
#define ABSENT_EVERY 16
#define DAY_BYTES_MAX 3000000
#define RETURN_NS (60 * SECOND)
/* A renewal under way when the configuration changes may have to wait for the next. */
#define SLOW_NS (140 * SECOND)

static void plan(struct world *world, uint64_t in_ns, int node, enum action action, int other)
{
	queue_put(&world->queue, (struct event){ .at_ns = world->now_ns + in_ns,
	                                         .kind = EVENT_ACTION,
	                                         .node = node,
	                                         .value = (uint64_t)action << 8 | (uint64_t)other });
}

/* --- hosts and their configuration --------------------------------------------------------------- */

static void make_pair(struct world *world, int a, int b)
{
	struct relation *at_a = &world->nodes[a].peers[b];
	struct relation *at_b = &world->nodes[b].peers[a];

	if (world->nodes[a].is_reference && world->nodes[b].is_reference)
		return;
	at_a->wanted = true;
	at_b->wanted = true;
	at_a->knows_address = true;
	at_b->knows_address = true;
}

static void draw_peers(struct world *world)
{
	struct prng *prng = &world->scenario.prng;
	int count = world->scenario.node_count;
	bool star = prng_chance(prng, 600);

	for (int a = 0; a < count; a++) {
		for (int b = a + 1; b < count; b++) {
			if (a == 0 || !star)
				make_pair(world, a, b);
		}
	}
	/* A server that waits for its clients. */
	if (star && prng_chance(prng, 300)) {
		for (int b = 1; b < count; b++)
			world->nodes[0].peers[b].knows_address = false;
	}
}

static uint32_t dialects_of(const struct world *world, int a, int b)
{
	const struct node *node = &world->nodes[a];

	if (node->is_reference)
		return ROSENPASS_DIALECT_BIT(node->reference_config.dialect);
	return node->peers[b].dialects != 0 ? node->peers[b].dialects : ROSENPASS_DIALECTS_ALL;
}

static void draw_pair(struct world *world, int a, int b)
{
	struct prng *prng = &world->scenario.prng;
	struct relation *sides[2] = { &world->nodes[a].peers[b], &world->nodes[b].peers[a] };
	bool engines = !world->nodes[a].is_reference && !world->nodes[b].is_reference;
	bool has_psk = prng_chance(prng, 300);
	bool own_labels = engines && prng_chance(prng, 200);

	for (int i = 0; i < 2; i++) {
		if (!world->nodes[i == 0 ? a : b].is_reference && prng_chance(prng, 400))
			sides[i]->dialects = (uint32_t)prng_between(prng, 1, ROSENPASS_DIALECTS_ALL);
		if (sides[i]->knows_address && prng_chance(prng, 100) &&
		    !world->nodes[i == 0 ? a : b].is_reference) {
			sides[i]->knows_address = false;
			sides[i]->discover = true;
		}
		sides[i]->has_psk = has_psk;
		sides[i]->own_labels = own_labels;
	}
	prng_fill(prng, sides[0]->psk, sizeof sides[0]->psk);
	memcpy(sides[1]->psk, sides[0]->psk, sizeof sides[1]->psk);
	check_pair(world, a, b)->hopeless = (dialects_of(world, a, b) & dialects_of(world, b, a)) == 0;
}

static void draw_nodes(struct world *world)
{
	struct prng *prng = &world->scenario.prng;
	static const uint8_t counts[] = { 2, 2, 2, 2, 2, 3, 3, 4, 5, NODES_MAX };
	bool references = prng_chance(prng, 500);

	world->scenario.node_count = counts[prng_below(prng, sizeof counts)];
	for (int i = 0; i < world->scenario.node_count; i++) {
		struct node *node = &world->nodes[i];

		node_init(world, i);
		node->is_reference = references && prng_chance(prng, i == 0 ? 300 : 600);
		node->reference_config.dialect =
			(enum rosenpass_dialect)prng_below(prng, ROSENPASS_DIALECT_COUNT);
		node->reference_config.go =
			node->reference_config.dialect == ROSENPASS_BLAKE2B_188 && prng_chance(prng, 500);
		node->clock_offset_ns = prng_below(prng, 1000000) * SECOND + prng_below(prng, SECOND);
		node->clock_drift_ppm = (int32_t)prng_below(prng, 401) - 200;
		node->latency_ns = prng_chance(prng, 800) ? prng_below(prng, 5 * MILLISECOND)
		                                          : prng_below(prng, 500 * MILLISECOND);
		node->expires_first = prng_chance(prng, 500);
		node->random_failure = world->scenario.random_failure;
		node->memory_failure = world->scenario.memory_failure;
	}
	/* Two of them have nothing to say to each other here. */
	world->nodes[prng_below(prng, 2)].is_reference = false;
	draw_peers(world);
	for (int a = 0; a < world->scenario.node_count; a++) {
		for (int b = a + 1; b < world->scenario.node_count; b++) {
			if (world->nodes[a].peers[b].wanted)
				draw_pair(world, a, b);
		}
	}
	for (int i = 0; i < world->scenario.node_count; i++) {
		if (world->nodes[i].is_reference) {
			world->nodes[i].random_failure = 0;
			world->nodes[i].memory_failure = 0;
		}
	}
}

/* How bad it is. Most runs have only some of the faults, so that they can be told apart. */
static void draw_faults(struct scenario *scenario)
{
	struct prng *prng = &scenario->prng;
	static const uint32_t losses[] = { 0, 20, 100, 200, 300, 400, 400 };
	static const struct {
		enum action action;
		uint32_t chance, at_most;
	} actions[] = {
		{ ACTION_LINKS, 500, 3 },    { ACTION_RESTART, 300, 4 },  { ACTION_SUSPEND, 250, 3 },
		{ ACTION_JUMP, 200, 3 },     { ACTION_CUT, 350, 4 },      { ACTION_MOVE, 100, 2 },
		{ ACTION_INITIATE, 250, 6 }, { ACTION_CROSS, 300, 6 },    { ACTION_REMOVE, 100, 2 },
		{ ACTION_PSK, 100, 2 },      { ACTION_ENDPOINT, 100, 3 }, { ACTION_LOAD, 150, 3 },
		{ ACTION_FORGE, 300, 30 },
	};

	scenario->loss = losses[prng_below(prng, sizeof losses / sizeof losses[0])];
	scenario->duplicate = prng_chance(prng, 400) ? (uint32_t)prng_below(prng, 300) : 0;
	scenario->damage = prng_chance(prng, 400) ? (uint32_t)prng_below(prng, 300) : 0;
	scenario->spike = prng_chance(prng, 300) ? (uint32_t)prng_below(prng, 200) : 0;
	scenario->late = prng_chance(prng, 250) ? (uint32_t)prng_below(prng, 100) : 0;
	scenario->race = prng_chance(prng, 300) ? (uint32_t)prng_between(prng, 100, 1000) : 0;
	scenario->reflect = prng_chance(prng, 300) ? (uint32_t)prng_between(prng, 50, 500) : 0;
	scenario->replay = prng_chance(prng, 300) ? (uint32_t)prng_between(prng, 50, 500) : 0;
	scenario->lose_cookies = prng_chance(prng, 300) ? (uint32_t)prng_between(prng, 200, 1000) : 0;
	scenario->delay_ns = prng_chance(prng, 500) ? prng_below(prng, 20 * MILLISECOND)
	                                            : prng_below(prng, 600 * MILLISECOND);
	scenario->random_failure = prng_chance(prng, 100) ? (uint32_t)prng_below(prng, 200) : 0;
	scenario->memory_failure = prng_chance(prng, 100) ? (uint32_t)prng_below(prng, 300) : 0;
	for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
		if (prng_chance(prng, actions[i].chance))
			scenario->faults[actions[i].action] = actions[i].at_most;
	}
	scenario->load_stays = prng_chance(prng, 300);
}

/* Whether both are engines. */
static bool is_race_fair(const struct world *world, int a, int b)
{
	return !world->nodes[a].is_reference && !world->nodes[b].is_reference;
}

static void draw_links(struct world *world, bool quiet)
{
	const struct scenario *scenario = &world->scenario;
	struct prng *prng = &world->scenario.prng;

	for (int a = 0; a < scenario->node_count; a++) {
		for (int b = 0; b < scenario->node_count; b++) {
			struct link *link = &world->links[a][b];
			bool cut = link->cut && !quiet;

			*link = (struct link){
				.cut = cut,
				.duplicate = scenario->duplicate / (quiet ? 4 : 1),
				.delay_ns = scenario->delay_ns / (quiet ? 4 : 1),
				/* It goes on in quiet times; but references believe what comes first. */
				.race = is_race_fair(world, a, b) ? scenario->race : 0,
				.replay = is_race_fair(world, a, b) ? scenario->replay : 0,
				.reflect = scenario->reflect,
				.jitter_ns = prng_below(prng, (quiet ? 20 : 200) * MILLISECOND),
			};
			if (quiet)
				continue;
			/* Directions differ. */
			link->loss = (uint32_t)prng_between(prng, scenario->loss / 2, scenario->loss);
			link->damage = scenario->damage;
			link->spike = scenario->spike;
			link->late = scenario->late;
			link->lose_cookies = scenario->lose_cookies;
		}
	}
}

/* --- episodes -------------------------------------------------------------------------------------- */

static int some_node(struct world *world)
{
	return (int)prng_below(&world->scenario.prng, (uint64_t)world->scenario.node_count);
}

/* A peer of the node; every node has one. */
static int some_peer(struct world *world, int node)
{
	for (int i = 0; i < 1000; i++) {
		int peer = some_node(world);

		if (world->nodes[node].peers[peer].wanted)
			return peer;
	}
	return -1;
}

/* Mostly short, sometimes long: up to `most_ns`. */
static uint64_t some_time_ns(struct prng *prng, uint64_t most_ns)
{
	switch (prng_below(prng, 4)) {
	case 0:
		return prng_below(prng, most_ns / 100 + 1);
	case 1:
	case 2:
		return prng_below(prng, most_ns / 10 + 1);
	default:
		return prng_below(prng, most_ns + 1);
	}
}

static uint64_t until_quiet_ns(const struct world *world)
{
	return world->scenario.quiet_at_ns - world->now_ns;
}

static void plan_actions(struct world *world, uint64_t during_ns)
{
	struct scenario *scenario = &world->scenario;

	for (int action = ACTION_LINKS; action < ACTION_END; action++) {
		uint64_t count = prng_below(&scenario->prng, scenario->faults[action] + 1);

		while (count-- > 0) {
			/* Two that move at the same time would lose each other. */
			int node = action == ACTION_MOVE ? scenario->node_count - 1 : some_node(world);
			int peer = some_peer(world, node);

			if (peer >= 0)
				plan(world, prng_below(&scenario->prng, during_ns), node, (enum action)action,
				     peer);
		}
	}
}

static void begin_faults(struct world *world)
{
	struct scenario *scenario = &world->scenario;
	bool is_long = prng_chance(&scenario->prng, scenario->month ? 300 : 100);
	uint64_t during_ns = prng_between(&scenario->prng, 10, is_long ? 7200 : 500) * SECOND;

	check_quiet(world, false);
	scenario->quiet_at_ns = world->now_ns + during_ns;
	for (int i = 0; i < scenario->node_count; i++) {
		if (!world->nodes[i].is_reference) {
			world->nodes[i].random_failure = scenario->random_failure;
			world->nodes[i].memory_failure = scenario->memory_failure;
		}
	}
	draw_links(world, false);
	plan_actions(world, during_ns);
	plan(world, during_ns, 0, ACTION_QUIET, 0);
}

/* Everything works again, and everybody is there with the right configuration. */
static void begin_quiet(struct world *world)
{
	struct scenario *scenario = &world->scenario;
	uint64_t during_ns = prng_between(&scenario->prng, 200, scenario->month ? 40000 : 700) * SECOND;
	bool has_reference = false;

	draw_links(world, true);
	for (int i = 0; i < scenario->node_count; i++) {
		struct node *node = &world->nodes[i];

		node->random_failure = 0;
		node->memory_failure = 0;
		has_reference |= node->is_reference;
		node_start(world, i);
	}
	for (int i = 0; i < scenario->node_count; i++) {
		/* A reference of the releases does not know cookies. */
		if (has_reference || !scenario->load_stays)
			node_set_load(world, i, false);
		for (int j = 0; j < scenario->node_count; j++) {
			if (world->nodes[i].peers[j].wanted && world->nodes[i].peers[j].handle == 0)
				node_add_peer(world, i, j);
		}
	}
	check_quiet(world, true);
	for (int i = 0; i < 4 && prng_chance(&scenario->prng, 500); i++) {
		int node = some_node(world);
		int peer = some_peer(world, node);

		if (peer >= 0)
			plan(world, prng_below(&scenario->prng, during_ns), node,
			     i % 2 == 0 ? ACTION_CROSS : ACTION_INITIATE, peer);
		if (peer >= 0 && scenario->faults[ACTION_FORGE] > 0)
			plan(world, prng_below(&scenario->prng, during_ns), node, ACTION_FORGE, peer);
	}
	scenario->episodes--;
	plan(world, during_ns, 0,
	     scenario->month ? (world->now_ns + during_ns < scenario->end_ns ? ACTION_FAULTS : ACTION_END)
	                     : (scenario->episodes > 0 ? ACTION_FAULTS : ACTION_END),
	     0);
}

static void change_psk(struct world *world, int node, int peer)
{
	struct relation *here = &world->nodes[node].peers[peer];
	struct relation *there = &world->nodes[peer].peers[node];

	if (world->nodes[node].is_reference || world->nodes[peer].is_reference ||
	    node_is_suspended(world, node) || node_is_suspended(world, peer))
		return;
	here->has_psk = true;
	prng_fill(&world->scenario.prng, here->psk, sizeof here->psk);
	there->has_psk = true;
	memcpy(there->psk, here->psk, sizeof there->psk);
	check_pair(world, node, peer)->slow_until_ns = world->now_ns + SLOW_NS + 30 * SECOND;
	node_change_peer(world, node, peer);
	plan(world, prng_below(&world->scenario.prng, 30 * SECOND), peer, ACTION_CHANGE, node);
}

static void act_on_node(struct world *world, int node, enum action action)
{
	struct prng *prng = &world->scenario.prng;
	uint64_t left_ns = until_quiet_ns(world);
	uint64_t down_ns = some_time_ns(prng, 60 * SECOND);

	switch (action) {
	case ACTION_RESTART:
		node_stop(world, node);
		plan(world, down_ns < left_ns ? down_ns : left_ns, node, ACTION_START, 0);
		break;
	case ACTION_START:
		node_start(world, node);
		break;
	case ACTION_SUSPEND:
		node_suspend(world, node, world->now_ns + some_time_ns(prng, left_ns));
		break;
	case ACTION_JUMP:
		node_jump(world, node, some_time_ns(prng, 10000 * SECOND));
		break;
	case ACTION_MOVE:
		node_move(world, node);
		for (int i = 0; i < world->scenario.node_count; i++)
			check_pair(world, node, i)->slow_until_ns = ROSENPASS_NEVER;
		break;
	case ACTION_LOAD:
		node_set_load(world, node, prng_chance(prng, 500));
		break;
	default:
		break;
	}
}

static void act_on_pair(struct world *world, int node, int peer, enum action action)
{
	struct prng *prng = &world->scenario.prng;

	switch (action) {
	case ACTION_CUT:
		world->links[node][peer].cut = true;
		if (prng_chance(prng, 800))
			world->links[peer][node].cut = true;
		plan(world, some_time_ns(prng, until_quiet_ns(world)), node, ACTION_MEND, peer);
		break;
	case ACTION_MEND:
		world->links[node][peer].cut = false;
		world->links[peer][node].cut = false;
		break;
	case ACTION_INITIATE:
		node_initiate(world, node, peer);
		break;
	case ACTION_FORGE:
		network_forge_hello(world, peer, node);
		/* The next follows while a handshake that it might disturb is under way. */
		if (prng_chance(prng, 800))
			plan(world, prng_below(prng, 300 * MILLISECOND), node, ACTION_FORGE, peer);
		break;
	case ACTION_CROSS:
		node_initiate(world, node, peer);
		plan(world, prng_below(prng, 300 * MILLISECOND), peer, ACTION_INITIATE, node);
		break;
	case ACTION_REMOVE:
		if (node_is_suspended(world, node))
			break;
		node_remove_peer(world, node, peer);
		check_pair(world, node, peer)->slow_until_ns = world->now_ns + SLOW_NS + 60 * SECOND;
		plan(world, some_time_ns(prng, 60 * SECOND), node, ACTION_ADD, peer);
		break;
	case ACTION_ADD:
		node_add_peer(world, node, peer);
		break;
	case ACTION_PSK:
		change_psk(world, node, peer);
		break;
	case ACTION_CHANGE:
		if (node_is_suspended(world, node))
			plan(world, SECOND, node, action, peer);
		else
			node_change_peer(world, node, peer);
		break;
	case ACTION_ENDPOINT:
		node_set_endpoint(world, node, peer);
		break;
	default:
		break;
	}
}

/* --- a peer that is away for days -------------------------------------------------------------------- */

/*
 * Node 0 knows where node 1 is; node 1 waits. It is heard of, goes away for days, and
 * comes back. How much node 0 sends in the meantime, and how soon both agree again.
 */
static void begin_absent(struct world *world)
{
	struct scenario *scenario = &world->scenario;

	scenario->node_count = 2;
	for (int i = 0; i < 2; i++) {
		node_init(world, i);
		world->nodes[i].clock_offset_ns = prng_below(&scenario->prng, 1000000) * SECOND;
		world->nodes[i].clock_drift_ppm = (int32_t)prng_below(&scenario->prng, 401) - 200;
	}
	world->nodes[1].is_reference = prng_chance(&scenario->prng, 500);
	world->nodes[1].reference_config.dialect =
		(enum rosenpass_dialect)prng_below(&scenario->prng, ROSENPASS_DIALECT_COUNT);
	make_pair(world, 0, 1);
	world->nodes[1].peers[0].knows_address = false;
	draw_links(world, true);
	node_start(world, 0);
	node_start(world, 1);
	plan(world, prng_between(&scenario->prng, 30, 400) * SECOND, 1, ACTION_ABSENT, 0);
}

static void act_absent(struct world *world, enum action action)
{
	struct scenario *scenario = &world->scenario;
	const struct relation *relation = &world->nodes[0].peers[1];
	uint64_t days = prng_between(&scenario->prng, 1, 3);
	uint64_t away_ns = days * DAY + prng_below(&scenario->prng, DAY);
	uint64_t bytes = relation->own_bytes - scenario->day_bytes;

	switch (action) {
	case ACTION_ABSENT:
		if (!relation->has_key)
			check_fail(world, "absent", "nodes 0 and 1 never met");
		if (prng_chance(&scenario->prng, 500))
			node_suspend(world, 1, world->now_ns + away_ns);
		world->links[0][1].cut = true;
		world->links[1][0].cut = true;
		scenario->day_bytes = relation->own_bytes;
		for (uint64_t i = 1; i <= days; i++)
			plan(world, i * DAY, 0, ACTION_DAY, 1);
		plan(world, away_ns, 0, ACTION_RETURN, 1);
		break;
	case ACTION_DAY:
		world_trace(world, "node 0 has sent %llu bytes in a day", (unsigned long long)bytes);
		if (bytes >= DAY_BYTES_MAX)
			check_fail(world, "traffic", "%llu bytes in a day to a peer that is away",
			           (unsigned long long)bytes);
		scenario->day_bytes = relation->own_bytes;
		break;
	default:
		world->links[0][1].cut = false;
		world->links[1][0].cut = false;
		check_quiet(world, true);
		check_pair(world, 0, 1)->settled_by_ns = world->now_ns + RETURN_NS;
		plan(world, 400 * SECOND, 0, ACTION_END, 0);
		break;
	}
}

/* --- two that begin at once ------------------------------------------------------------------------ */

/* Everything else works but for the loss of packets in half of the runs. */
static void begin_crossed(struct world *world)
{
	struct scenario *scenario = &world->scenario;
	struct prng *prng = &scenario->prng;
	uint32_t loss = world->seed % 2 == 0 ? 0 : (uint32_t)prng_between(prng, 100, 400);
	uint64_t delay_ns = prng_below(prng, 300 * MILLISECOND);

	scenario->node_count = 2;
	for (int i = 0; i < 2; i++) {
		node_init(world, i);
		world->nodes[i].clock_offset_ns = prng_below(prng, 1000000) * SECOND;
		world->links[i][1 - i] = (struct link){
			.loss = loss,
			.delay_ns = delay_ns,
			.jitter_ns = prng_below(prng, 20 * MILLISECOND),
		};
	}
	if (world->seed / 2 % 2 == 1) {
		struct node *reference = &world->nodes[prng_below(prng, 2)];

		reference->is_reference = true;
		reference->reference_config.dialect =
			(enum rosenpass_dialect)prng_below(prng, ROSENPASS_DIALECT_COUNT);
		reference->reference_config.go =
			reference->reference_config.dialect == ROSENPASS_BLAKE2B_188 &&
			prng_chance(prng, 500);
		/* Looking for the dialect would be measured, too. */
		world->nodes[0].peers[1].dialects =
			ROSENPASS_DIALECT_BIT(reference->reference_config.dialect);
		world->nodes[1].peers[0].dialects = world->nodes[0].peers[1].dialects;
	}
	make_pair(world, 0, 1);
	scenario->began_ns = world->now_ns;
	node_start(world, 0);
	plan(world, prng_below(prng, delay_ns + 20 * MILLISECOND), 1, ACTION_START, 0);
	plan(world, CROSSED_NS, 0, ACTION_END, 0);
}

/* ------------------------------------------------------------------------------------------------------- */

void scenario_begin(struct world *world, enum scenario_kind kind)
{
	struct scenario *scenario = &world->scenario;
	struct prng *prng = &scenario->prng;
	bool together;

	memset(scenario, 0, sizeof *scenario);
	scenario->prng = prng_make(world->seed, 1);
	scenario->month = kind == SCENARIO_MONTH;
	scenario->end_ns = world->now_ns + MONTH;
	if (kind == SCENARIO_CROSSED) {
		begin_crossed(world);
		return;
	}
	if (kind == SCENARIO_FAULTS && world->seed % ABSENT_EVERY == 0) {
		begin_absent(world);
		return;
	}
	scenario->episodes = (uint32_t)prng_between(prng, 1, 3);
	draw_faults(scenario);
	draw_nodes(world);
	draw_links(world, false);
	together = prng_chance(prng, 500);
	for (int i = 0; i < scenario->node_count; i++)
		plan(world, together ? 0 : prng_below(prng, 5 * SECOND), i, ACTION_START, 0);
	plan(world, 0, 0, ACTION_FAULTS, 0);
}

void scenario_act(struct world *world, int node, uint64_t value)
{
	enum action action = (enum action)(value >> 8);
	int other = (int)(value & 0xff);

	/* What was planned for an episode, and would fall behind its end, does not happen any more. */
	if (world->check.quiet && action != ACTION_FAULTS && action != ACTION_END &&
	    action != ACTION_INITIATE && action != ACTION_CROSS && action != ACTION_CHANGE &&
	    action != ACTION_FORGE)
		return;
	world_trace(world, "action %d: node %d, other %d", (int)action, node, other);
	switch (action) {
	case ACTION_FAULTS:
		begin_faults(world);
		break;
	case ACTION_QUIET:
		begin_quiet(world);
		break;
	case ACTION_LINKS:
		draw_links(world, false);
		break;
	case ACTION_END:
		check_quiet(world, false);
		world->scenario.agreed_ns = check_pair(world, 0, 1)->agreed_ns;
		world->scenario.ended = true;
		break;
	case ACTION_ABSENT:
	case ACTION_DAY:
	case ACTION_RETURN:
		act_absent(world, action);
		break;
	case ACTION_START:
	case ACTION_RESTART:
	case ACTION_SUSPEND:
	case ACTION_JUMP:
	case ACTION_MOVE:
	case ACTION_LOAD:
		act_on_node(world, node, action);
		break;
	default:
		act_on_pair(world, node, other, action);
		break;
	}
}

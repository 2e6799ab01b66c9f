/*
 * Arithmetic and indexes in the engine: its time, the order of datagrams, and the addresses that a message
 * goes to. Tables of the engine that do not matter here are small.
 */

#include "protocol/endpoint.c"
#include "protocol/inbox.c"
#include "protocol/state.c"
#include "prove.h"

static struct rosenpass engine;
static struct peer peer;

/* --- time ------------------------------------------------------------------------------------- */

/*
 * prove: state_advance_is_monotonic unwind=1 without=unsigned-overflow
 *     sizes=OUTPUTS_CAPACITY:1,REPLAY_SETS:1,USAGE_BUCKETS:1,RATE_LIMIT_BUCKETS:1,CHAIN_LANES_MAX:1
 * fault: src/protocol/state.c s/if (step_ns <= LATEST_NS - engine->now_ns)/if (step_ns <= STEP_MAX_NS)/
 *
 * The engine's time never goes back or overflows.
 *
 * Every reading of the caller's clock, after any others: the engine's time never goes back, and stays within
 * half of 64 bits, so that no deadline overflows. A step backwards wraps before it is found to be one.
 */
PROOF(state_advance_is_monotonic)
{
	uint64_t before = nondet_u64();

	engine.has_time = nondet_bool();
	engine.has_doubt = nondet_bool();
	engine.caller_ns = nondet_u64();
	engine.doubt_ns = nondet_u64();
	engine.load_until_ns = nondet_u64();
	engine.now_ns = before;
	ASSUME(before <= LATEST_NS && (engine.has_time || before == 0));
	state_advance(&engine, nondet_u64());
	CHECK(engine.now_ns >= before && engine.now_ns <= LATEST_NS && engine.has_time);
	CHECK(engine.load_until_ns == 0 || engine.load_until_ns > engine.now_ns);
}

/* --- datagrams -------------------------------------------------------------------------------- */

#define DATAGRAMS 4

bool any_check(struct rosenpass *any_engine, struct rosenpass_datagram *datagram,
               struct inbox_message *message);

/* Some message, or none. */
bool any_check(struct rosenpass *any_engine, struct rosenpass_datagram *datagram,
               struct inbox_message *message)
{
	(void)any_engine;
	message->datagram = datagram;
	message->type = nondet_u8();
	return nondet_bool();
}

/*
 * prove: inbox_sort_fits unwind=6 replace=check:any_check
 *     sizes=OUTPUTS_CAPACITY:1,REPLAY_SETS:1,USAGE_BUCKETS:1,RATE_LIMIT_BUCKETS:1,CHAIN_LANES_MAX:1
 * fault: src/protocol/inbox.c
 *     s/turn_of(messages\[at - 1\].type) > turn_of/turn_of(messages[at].type) > turn_of/
 *
 * Sorted datagrams stay within their list.
 *
 * Any 4 datagrams: no access outside of the list, which has room for as many messages; each message is of
 * another datagram, and those of an earlier turn come first, in the order in which they came.
 */
PROOF(inbox_sort_fits)
{
	static struct rosenpass_datagram datagrams[DATAGRAMS];
	static struct inbox_message messages[DATAGRAMS];
	size_t count = inbox_sort(&engine, datagrams, DATAGRAMS, messages);

	CHECK(count <= DATAGRAMS);
	for (size_t i = 1; i < DATAGRAMS && i < count; i++) {
		int before = turn_of(messages[i - 1].type);
		int after = turn_of(messages[i].type);

		CHECK(before < after || (before == after && messages[i - 1].datagram < messages[i].datagram));
	}
}

/* --- addresses -------------------------------------------------------------------------------- */

static size_t sent;

void outbox_send(struct rosenpass *any_engine, struct peer *any_peer, uint8_t *message, size_t length,
                 enum keyed_hash hash, const struct rosenpass_address *to, bool repeated)
{
	(void)any_engine;
	(void)any_peer;
	(void)hash;
	(void)repeated;
	CHECK_WRITABLE(message, length);
	CHECK(to->length <= ROSENPASS_ADDRESS_MAX_BYTES);
	sent++;
}

void outbox_endpoint(struct rosenpass *any_engine, struct peer *any_peer)
{
	(void)any_engine;
	CHECK(any_peer->endpoint.length > 0);
}

uint64_t ct_equal(const void *a, const void *b, size_t len)
{
	CHECK_READABLE(a, len);
	CHECK_READABLE(b, len);
	return nondet_bool() ? UINT64_MAX : 0;
}

static struct rosenpass_address any_address(void)
{
	struct rosenpass_address address;

	ANY(address);
	ASSUME(address.length <= ROSENPASS_ADDRESS_MAX_BYTES);
	return address;
}

static bool is_sound(void)
{
	bool is_good = peer.own.candidate_count <= ENGINE_CANDIDATES &&
	               peer.endpoint.length <= ROSENPASS_ADDRESS_MAX_BYTES &&
	               peer.home.length <= ROSENPASS_ADDRESS_MAX_BYTES;

	for (size_t i = 0; i < ENGINE_CANDIDATES; i++) {
		if (peer.own.candidates[i].length > ROSENPASS_ADDRESS_MAX_BYTES)
			is_good = false;
	}
	for (size_t i = 0; i < ENGINE_OTHERS; i++) {
		if (peer.others[i].length > ROSENPASS_ADDRESS_MAX_BYTES)
			is_good = false;
	}
	return is_good;
}

static void any_peer_addresses(void)
{
	peer.endpoint = any_address();
	peer.home = any_address();
	for (size_t i = 0; i < ENGINE_OTHERS; i++)
		peer.others[i] = any_address();
	for (size_t i = 0; i < ENGINE_CANDIDATES; i++)
		peer.own.candidates[i] = any_address();
	peer.own.candidate_count = nondet_size();
	peer.discover = nondet_bool();
	peer.unanswered = nondet_u32();
	peer.trying_since_ns = nondet_u64();
	peer.moved_until_ns = nondet_u64();
	engine.now_ns = nondet_u64();
	ASSUME(engine.now_ns <= LATEST_NS && peer.trying_since_ns <= engine.now_ns);
	ASSUME(is_sound());
}

/*
 * prove: endpoint_ways_are_enough unwind=8
 *     sizes=OUTPUTS_CAPACITY:1,REPLAY_SETS:1,USAGE_BUCKETS:1,RATE_LIMIT_BUCKETS:1,CHAIN_LANES_MAX:1
 *     sizes=ROSENPASS_ADDRESS_MAX_BYTES:2
 * fault: src/protocol/endpoint.c s/if (peer->home.length > 0)/if (peer->home.length > 9)/
 *
 * The addresses that a message goes to fit into their list.
 *
 * A message to a peer with any addresses: none is written behind the list of ways, and no more datagrams
 * are queued than endpoint_ways() says, for which the queue has room. Addresses have 2 bytes instead of 32.
 */
PROOF(endpoint_ways_are_enough)
{
	uint8_t message[1];

	any_peer_addresses();
	endpoint_send(&engine, &peer, message, sizeof message, KEYED_HASH_BLAKE2B, nondet_bool());
	CHECK(sent <= endpoint_ways(&peer) && sent <= WAYS_MAX);
	CHECK(sent <= 1 || endpoint_has_way(&peer));
}

/*
 * prove: endpoint_addresses_fit unwind=8
 *     sizes=OUTPUTS_CAPACITY:1,REPLAY_SETS:1,USAGE_BUCKETS:1,RATE_LIMIT_BUCKETS:1,CHAIN_LANES_MAX:1
 *     sizes=ROSENPASS_ADDRESS_MAX_BYTES:2
 * fault: src/protocol/endpoint.c
 *     s/own->candidate_count == ENGINE_CANDIDATES/own->candidate_count > ENGINE_CANDIDATES/
 *
 * The addresses that a peer was seen at fit into their lists.
 *
 * One message from any address to a peer with any addresses: none is written outside of the lists of
 * candidates and others, and no time overflows.
 */
PROOF(endpoint_addresses_fit)
{
	struct rosenpass_address from = any_address();
	static const uint8_t identity[KEYED_HASH_OUT_BYTES];

	any_peer_addresses();
	switch (nondet_u8() % 4) {
	case 0:
		(void)endpoint_add_candidate(&peer, &from);
		break;
	case 1:
		(void)endpoint_authenticated(&engine, &peer, &from, identity);
		break;
	case 2:
		(void)endpoint_repeated(&engine, &peer, &from, identity);
		break;
	default:
		endpoint_set(&peer, &from);
	}
	CHECK(is_sound());
}

/* The engine: what changes its state, and what must not. */

#include <sodium.h>

#include "engine_steps.h"

#include "protocol/peer_table.h"

static const uint8_t psk_before[ROSENPASS_PSK_BYTES] = { 1 };
static const uint8_t psk_after[ROSENPASS_PSK_BYTES] = { 2 };

static int fill_random(void *context, uint8_t *out, size_t out_len)
{
	uint8_t *state = context;

	for (size_t i = 0; i < out_len; i++)
		out[i] = (uint8_t)(++*state * 29 + i);
	return 0;
}

static struct peer *peer_of(const struct world *world, enum host_name host, enum host_name peer)
{
	return peer_table_by_handle(world->hosts[host].engine, world->hosts[host].peers[peer]);
}

/* Hands a packet in, and gives the datagram with what the engine wrote into it. */
static struct rosenpass_datagram give(struct world *world, enum host_name host, const struct packet *packet)
{
	struct rosenpass_datagram datagram = {
		.size = sizeof datagram,
		.data = packet->data,
		.length = packet->length,
		.from = host_address(packet->from),
	};

	assert_int_equal(rosenpass_receive(world->hosts[host].engine, &datagram, 1, world->now), 1);
	host_collect(world, host);
	return datagram;
}

/* --- another configuration in the middle of a handshake ------------------------------------------ */

enum term {
	TERM_PSK,
	TERM_LABEL,
	TERM_DIALECT,
	TERM_COUNT
};

/* Another configuration at the host: with another term, or where term is TERM_COUNT with the same ones. */
static void change(struct world *world, enum host_name host, enum host_name peer, enum term term)
{
	static const char *const other_labels[] = { "other" };
	struct rosenpass_peer_config config = {
		.size = sizeof config,
		.public_key = host_public_key(peer),
		.psk = term == TERM_PSK ? psk_after : psk_before,
		.dialects = term == TERM_DIALECT ? ONLY(ROSENPASS_SHAKE256_156) : ALL,
		.user = &world->hosts[peer],
	};

	if (host == ALICE)
		config.endpoint = host_address(peer);
	if (term == TERM_LABEL) {
		config.osk_organization = "example.org";
		config.osk_labels = other_labels;
		config.osk_label_count = 1;
	}
	if (term == TERM_COUNT)
		config.discover = true;
	assert_int_equal(rosenpass_peer_change(world->hosts[host].engine, world->hosts[host].peers[peer],
	                                       &config, world->now),
	                 0);
}

/* An exchange with a preshared key up to the step-th message (0 InitHello .. 3 EmptyData). */
static struct packet with_psk(struct world *world, int step)
{
	struct packet packet;

	world_setup(world);
	assert_int_equal(host_try_add(world, ALICE, BOB, true, ALL, psk_before), 0);
	assert_int_equal(host_try_add(world, BOB, ALICE, false, ALL, psk_before), 0);
	host_expire(world, ALICE);
	packet = host_take(world, ALICE);
	for (int i = 0; i < step; i++) {
		enum host_name to = i % 2 == 0 ? BOB : ALICE;

		assert_true(host_receive(world, to, &packet) < ROSENPASS_DROPPED);
		packet = host_take(world, to);
	}
	return packet;
}

/* Both have the other configuration now: they come to a key that was made with it. */
static void assert_recovers(struct world *world, enum term term)
{
	host_drop(world, ALICE);
	host_drop(world, BOB);
	world->hosts[ALICE].keys[BOB] = 0;
	world->hosts[BOB].keys[ALICE] = 0;
	world_run(world, world->now + 20 * SECOND);
	assert_same_key(world, ALICE, BOB);
	if (term == TERM_DIALECT)
		assert_int_equal(world->hosts[ALICE].dialect[BOB], ROSENPASS_SHAKE256_156);
	world_teardown(world);
}

static void test_change_ends_own_handshake(void **state)
{
	(void)state;
	for (int term = 0; term < TERM_COUNT; term++) {
		for (int step = 1; step <= 3; step++) {
			struct world world;
			struct packet packet = with_psk(&world, step);
			struct packet late = packet;

			/* Alice waits for RespHello, or for EmptyData. */
			change(&world, ALICE, BOB, (enum term)term);
			assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
			if (step == 2) {
				assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_EXCHANGED);
				late = host_take(&world, BOB);
			}
			assert_int_equal(host_receive(&world, ALICE, &late), ROSENPASS_DROPPED_SESSION);
			for (int i = 0; i < 8; i++) {
				host_expire(&world, ALICE);
				host_drop(&world, ALICE);
				world.now += SECOND / 2;
			}
			assert_int_equal(world.hosts[ALICE].keys[BOB], 0);
			assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_INIT_HELLO);
			change(&world, BOB, ALICE, (enum term)term);
			assert_recovers(&world, (enum term)term);
		}
	}
}

static void test_change_ends_the_peers_handshake(void **state)
{
	(void)state;
	for (int term = 0; term < TERM_COUNT; term++) {
		struct world world;
		struct packet conf = with_psk(&world, 2);

		/* The biscuit of before leads to no key. */
		change(&world, BOB, ALICE, (enum term)term);
		assert_true(host_receive(&world, BOB, &conf) >= ROSENPASS_DROPPED);
		assert_int_equal(world.hosts[BOB].keys[ALICE], 0);
		assert_int_equal(world.hosts[BOB].outbox_used, 0);
		change(&world, ALICE, BOB, (enum term)term);
		assert_recovers(&world, (enum term)term);

		/* Nor is an InitConf answered once more that was taken before. */
		conf = with_psk(&world, 2);
		assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_EXCHANGED);
		host_drop(&world, BOB);
		change(&world, BOB, ALICE, (enum term)term);
		assert_true(host_receive(&world, BOB, &conf) >= ROSENPASS_DROPPED);
		assert_int_equal(world.hosts[BOB].outbox_used, 0);
		change(&world, ALICE, BOB, (enum term)term);
		assert_recovers(&world, (enum term)term);
	}
}

/* Without a handshake in progress, too, a key on the new terms is made now and not at the next renewal. */
static void test_change_starts_afresh(void **state)
{
	(void)state;
	for (int term = 0; term < TERM_COUNT; term++) {
		struct world world;
		struct packet packet = with_psk(&world, 0);

		assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_ANSWERED);
		world_settle(&world);
		assert_same_key(&world, ALICE, BOB);
		change(&world, BOB, ALICE, (enum term)term);
		change(&world, ALICE, BOB, (enum term)term);
		assert_true(info_of(&world, ALICE, BOB).has_key);
		assert_recovers(&world, (enum term)term);
	}
}

static void test_change_forgets_the_cookie(void **state)
{
	static const uint8_t no_cookie[MESSAGE_COOKIE_BYTES];
	struct world world;
	struct packet packet = with_psk(&world, 0);

	(void)state;
	rosenpass_set_under_load(world.hosts[BOB].engine, true);
	assert_int_equal(host_receive(&world, BOB, &packet), ROSENPASS_COOKIE_SENT);
	packet = host_take(&world, BOB);
	assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_COOKIE_TAKEN);
	host_drop(&world, ALICE);
	change(&world, ALICE, BOB, TERM_PSK);
	host_expire(&world, ALICE);
	packet = host_take(&world, ALICE);
	assert_memory_equal(packet.data + packet.length - sizeof no_cookie, no_cookie, sizeof no_cookie);
	world_teardown(&world);
}

/* Where only the place is another, every handshake goes on. */
static void test_change_of_place_only(void **state)
{
	(void)state;
	for (int step = 1; step <= 3; step++) {
		struct world world;
		struct packet packet = with_psk(&world, step);

		change(&world, ALICE, BOB, TERM_COUNT);
		change(&world, BOB, ALICE, TERM_COUNT);
		if (step == 3) {
			/* An InitConf that comes again is answered as before. */
			struct own_handshake *own = &peer_of(&world, ALICE, BOB)->own;
			struct packet conf = { .from = ALICE, .length = own->length };

			memcpy(conf.data, own->message, own->length);
			assert_int_equal(host_receive(&world, BOB, &conf), ROSENPASS_REPEATED);
			host_drop(&world, BOB);
		}
		assert_true(host_receive(&world, step % 2 == 1 ? ALICE : BOB, &packet) < ROSENPASS_DROPPED);
		world_settle(&world);
		assert_same_key(&world, ALICE, BOB);
		assert_int_equal(world.hosts[ALICE].keys[BOB], 1);
		assert_int_equal(info_of(&world, ALICE, BOB).state, ROSENPASS_STATE_IDLE);
		world_teardown(&world);
	}
}

/* --- InitHello proves little ------------------------------------------------------------------------ */

/* An InitHello that names `claimed`, made with public keys only. */
static struct packet forge_hello(enum host_name claimed, enum host_name victim,
                                 enum rosenpass_dialect dialect, uint8_t seed)
{
	static struct handshake_initiation w;
	struct handshake_initiation *ws[1] = { &w };
	static const uint8_t no_psk[HANDSHAKE_PSK_BYTES];
	struct random_source random = { fill_random, &seed };
	enum keyed_hash hash = messages_dialect_hash(dialect);
	struct packet packet = { .from = CAROL };
	struct public_key own;
	struct public_key peer;

	memset(&w, 0, sizeof w);
	public_key_init(&own, host_public_key(claimed));
	public_key_init(&peer, host_public_key(victim));
	w.dialect = dialect;
	w.own = &own;
	w.peer = &peer;
	w.psk = no_psk;
	handshake_initiation_prepare(&w);
	assert_int_equal(random_bytes(&random, w.fields.sidi, MESSAGE_SID_BYTES), 0);
	assert_int_equal(handshake_initiation_draw_ephemeral(&w, &random), 0);
	assert_int_equal(handshake_initiation_draw_static(&w, &random), 0);
	handshake_initiate(ws, 1);
	messages_seal_mac(w.message, w.length, hash, public_key_fact(&peer, hash, PUBLIC_KEY_MAC_KEY));
	memset(w.message + w.length - MESSAGE_COOKIE_BYTES, 0, MESSAGE_COOKIE_BYTES);
	memcpy(packet.data, w.message, w.length);
	packet.length = w.length;
	return packet;
}

/* The engine looks as before: nothing is due at another time, and the handshake is the same. */
static void assert_no_effect(struct world *world, enum host_name victim, enum host_name claimed,
                             const struct packet *forged)
{
	static struct peer before;
	struct peer *peer = peer_of(world, victim, claimed);
	uint64_t deadline = rosenpass_deadline(world->hosts[victim].engine);
	struct rosenpass_datagram datagram;

	before = *peer;
	/* That it is a copy must not be what saves us. */
	memset(&world->hosts[victim].engine->replays, 0, sizeof world->hosts[victim].engine->replays);
	datagram = give(world, victim, forged);
	assert_true(datagram.verdict == ROSENPASS_ANSWERED || datagram.verdict == ROSENPASS_CROSSED);
	assert_true(datagram.peer == 0);
	assert_true(datagram.has_claim);
	assert_true(datagram.claimed_peer == world->hosts[victim].peers[claimed]);
	/* But for hashes of the public key, which may be computed by now. */
	before.key = peer->key;
	assert_memory_equal(&before, peer, sizeof before);
	assert_true(rosenpass_deadline(world->hosts[victim].engine) <= deadline + 300 * SECOND);
	if (deadline < ROSENPASS_NEVER)
		assert_true(rosenpass_deadline(world->hosts[victim].engine) <= deadline);
	host_drop(world, victim);
}

static void test_forged_hello_delays_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 2 * ROSENPASS_DIALECT_COUNT; i++) {
		enum host_name victim = i % 2 == 0 ? ALICE : BOB;
		enum host_name claimed = victim == ALICE ? BOB : ALICE;
		enum rosenpass_dialect dialect = (enum rosenpass_dialect)(i / 2);
		struct world world;
		struct packet forged[4];
		struct packet packet;
		uint64_t begin;

		world_setup(&world);
		host_add(&world, victim, claimed, true, ONLY(dialect));
		host_add(&world, claimed, victim, false, ONLY(dialect));
		host_expire(&world, victim);
		begin = world.now;
		packet = host_take(&world, victim);
		for (int j = 0; j < 4; j++) {
			forged[j] = forge_hello(claimed, victim, dialect, (uint8_t)(20 * j));
			/* From a stranger's address, and from that of the peer. */
			forged[j].from = j % 2 == 0 ? CAROL : claimed;
			assert_no_effect(&world, victim, claimed, &forged[j]);
		}
		assert_int_equal(host_receive(&world, claimed, &packet), ROSENPASS_ANSWERED);
		packet = host_take(&world, claimed);
		assert_int_equal(host_receive(&world, victim, &packet), ROSENPASS_ACCEPTED);
		packet = host_take(&world, victim);
		for (int j = 0; j < 4; j++)
			assert_no_effect(&world, victim, claimed, &forged[j]);
		assert_int_equal(host_receive(&world, claimed, &packet), ROSENPASS_EXCHANGED);
		world_settle(&world);
		assert_same_key(&world, ALICE, BOB);
		assert_true(world.now == begin);
		for (int j = 0; j < 4; j++)
			assert_no_effect(&world, victim, claimed, &forged[j]);
		world_teardown(&world);
	}
}

/* Nor does it change when an absent peer is asked again. */
static void test_forged_hello_wakes_nobody(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		enum host_name victim = i == 0 ? ALICE : BOB;
		enum host_name claimed = victim == ALICE ? BOB : ALICE;
		struct packet forged = forge_hello(claimed, victim, ROSENPASS_BLAKE2B_188, 1);
		struct world world;

		world_setup(&world);
		host_add(&world, victim, claimed, true, ALL);
		(void)world_run_deaf(&world, victim, world.now + 400 * SECOND);
		for (int j = 0; j < 4; j++) {
			forged.from = j % 2 == 0 ? CAROL : claimed;
			assert_no_effect(&world, victim, claimed, &forged);
		}
		world_teardown(&world);
	}
}

/* A preshared key proves the peer, also in an InitHello. A forged one is not answered. */
static void test_hello_with_psk(void **state)
{
	struct world world;
	struct packet packet = with_psk(&world, 0);
	struct packet forged = forge_hello(ALICE, BOB, ROSENPASS_BLAKE2B_188, 1);
	struct rosenpass_datagram datagram = give(&world, BOB, &packet);

	(void)state;
	assert_int_equal(datagram.verdict, ROSENPASS_ANSWERED);
	assert_true(datagram.peer == world.hosts[BOB].peers[ALICE]);
	assert_false(datagram.has_claim);
	assert_true(datagram.claimed_peer == 0);
	datagram = give(&world, BOB, &forged);
	assert_int_equal(datagram.verdict, ROSENPASS_DROPPED_AUTH);
	assert_true(datagram.peer == 0);
	world_teardown(&world);
}

/* --- forged CookieReply ------------------------------------------------------------------------------- */

/* A CookieReply by somebody who has the responder's public key and has seen the InitHello. */
static struct packet forge_cookie(enum host_name responder, const struct packet *hello, uint8_t value)
{
	const uint8_t cookie[COOKIE_VALUE_BYTES] = { value };
	const uint8_t nonce[AEAD_X_NONCE_BYTES] = { value };
	struct packet packet = { .from = CAROL, .length = hello->length };
	struct cookie_reply out;
	struct public_key key;

	public_key_init(&key, host_public_key(responder));
	assert_int_equal(messages_cookie_reply(&out, packet.data, packet.length), 0);
	messages_set_type(packet.data, MESSAGE_COOKIE_REPLY);
	memcpy(out.sid, hello->data + MESSAGE_HEADER_BYTES, MESSAGE_SID_BYTES);
	cookie_reply_seal(out.sealed, public_key_fact(&key, KEYED_HASH_SHAKE256, PUBLIC_KEY_COOKIE_KEY),
	                  nonce, cookie, hello->data + messages_mac_offset(hello->length));
	return packet;
}

static void test_forged_cookie(void **state)
{
	(void)state;
	for (int load = 0; load < 2; load++) {
		struct world world;
		struct packet hello;
		struct packet packet;
		uint64_t deadline;

		pair(&world, ONLY(ROSENPASS_BLAKE2B_188), ALL);
		host_expire(&world, ALICE);
		hello = host_take(&world, ALICE);
		deadline = rosenpass_deadline(world.hosts[ALICE].engine);
		/* However many: one transmission out of turn, to the peer, and nothing is put off. */
		for (uint8_t i = 1; i < 20; i++) {
			packet = forge_cookie(BOB, &hello, i);
			assert_int_equal(host_receive(&world, ALICE, &packet), ROSENPASS_COOKIE_TAKEN);
			assert_int_equal(world.hosts[ALICE].outbox_used, 1);
		}
		assert_true(rosenpass_deadline(world.hosts[ALICE].engine) == deadline);
		packet = host_take(&world, ALICE);
		assert_memory_equal(&packet.to, &(struct rosenpass_address[1]){ host_address(BOB) },
		                    sizeof packet.to);
		/* A wrong cookie does not matter without load. Under load the true one takes its place. */
		rosenpass_set_under_load(world.hosts[BOB].engine, load == 1);
		assert_int_equal(host_receive(&world, BOB, &packet),
		                 load == 1 ? ROSENPASS_COOKIE_SENT : ROSENPASS_ANSWERED);
		world_settle(&world);
		world_run(&world, deadline);
		assert_same_key(&world, ALICE, BOB);
		world_teardown(&world);
	}
}

/* --- random numbers, libsodium, time -------------------------------------------------------------------- */

static int fill_never(void *context, uint8_t *out, size_t out_len)
{
	(void)context;
	(void)out;
	(void)out_len;
	return -1;
}

static void test_failing_random_shows(void **state)
{
	struct world world;
	struct rosenpass *engine;
	struct rosenpass_stats stats = { .size = sizeof stats };
	struct random_source source;

	(void)state;
	pair(&world, ALL, ALL);
	engine = world.hosts[ALICE].engine;
	source = engine->caller_random;
	engine->caller_random.fill = fill_never;
	for (uint64_t i = 1; i <= 10; i++) {
		world.now += SECOND;
		host_expire(&world, ALICE);
		rosenpass_get_stats(engine, &stats);
		assert_true(stats.random_failing);
		assert_true(stats.random_failures >= i);
	}
	assert_int_equal(world.hosts[ALICE].outbox_used, 0);
	engine->caller_random = source;
	world_run(&world, world.now + 2 * SECOND);
	assert_same_key(&world, ALICE, BOB);
	rosenpass_get_stats(engine, &stats);
	assert_false(stats.random_failing);
	world_teardown(&world);
}

/* To be run first: nothing else in this program initializes libsodium. */
static void test_initializes_libsodium(void **state)
{
	struct world world;

	(void)state;
	world_setup(&world);
	assert_int_equal(sodium_init(), 1);
	world_teardown(&world);
}

#define YEAR (365 * 86400 * SECOND)

/* Both engines go on for 1000 s, and renew their keys in time. */
static void assert_goes_on(struct world *world)
{
	unsigned before = world->hosts[ALICE].keys[BOB];
	struct rosenpass_peer_info info;
	uint64_t begin = world->now;

	for (int i = 0; i < 100; i++) {
		world_run(world, world->now + 10 * SECOND);
		assert_true(rosenpass_deadline(world->hosts[ALICE].engine) <= world->now + 130 * SECOND);
	}
	assert_in_range(world->hosts[ALICE].keys[BOB] - before, 7, 12);
	assert_int_equal(world->hosts[ALICE].stales[BOB] + world->hosts[BOB].stales[ALICE], 0);
	assert_same_key(world, ALICE, BOB);
	info = info_of(world, ALICE, BOB);
	assert_true(info.key_since_ns >= begin && info.key_since_ns <= world->now);
	assert_true(info.renewal_ns > world->now && info.renewal_ns < world->now + 131 * SECOND);
}

static void test_absurd_time(void **state)
{
	static const uint64_t readings[] = { UINT64_MAX,        UINT64_MAX / 2, UINT64_MAX / 2 + 1,
		                             UINT64_C(1) << 62, 11 * YEAR,      0 };

	(void)state;
	for (size_t i = 0; i < sizeof readings / sizeof readings[0]; i++) {
		for (int times = 1; times <= 3; times++) {
			struct world world;
			struct rosenpass_datagram nothing = { .size = sizeof nothing,
				                              .data = (const uint8_t *)"" };

			pair(&world, ALL, ALL);
			world_run(&world, world.now + SECOND);
			assert_same_key(&world, ALICE, BOB);
			for (int j = 0; j < times; j++) {
				rosenpass_expire(world.hosts[ALICE].engine, readings[i]);
				host_collect(&world, ALICE);
				(void)rosenpass_receive(world.hosts[BOB].engine, &nothing, 1, readings[i]);
				host_collect(&world, BOB);
			}
			assert_goes_on(&world);
			world_teardown(&world);
		}
	}
}

/* The first reading of all is the wrong one. */
static void test_absurd_first_time(void **state)
{
	struct world world;

	(void)state;
	world_setup(&world);
	rosenpass_expire(world.hosts[ALICE].engine, UINT64_MAX);
	rosenpass_expire(world.hosts[BOB].engine, 5 * UINT64_C(1000000000000000000));
	host_add(&world, ALICE, BOB, true, ALL);
	host_add(&world, BOB, ALICE, false, ALL);
	world_run(&world, world.now + 5 * SECOND);
	assert_same_key(&world, ALICE, BOB);
	assert_goes_on(&world);
	world_teardown(&world);
}

/* The clock has another origin from now on, twice: the engine follows it soon. */
static void test_clock_with_another_origin(void **state)
{
	static const uint64_t origins[][2] = {
		{ 500 * SECOND, 20 * YEAR },
		{ 56 * YEAR, 1 * SECOND },
		{ UINT64_MAX / 2, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof origins / sizeof origins[0]; i++) {
		struct world world;

		pair(&world, ALL, ALL);
		world_run(&world, world.now + SECOND);
		for (int j = 0; j < 2; j++) {
			world.now = origins[i][j];
			for (int k = 0; k < 4; k++) {
				assert_true(rosenpass_deadline(world.hosts[ALICE].engine) <=
				                    world.now + 150 * SECOND ||
				            k == 0);
				host_expire(&world, ALICE);
				host_expire(&world, BOB);
				world_settle(&world);
				world.now += SECOND / 2;
			}
			assert_goes_on(&world);
		}
		world_teardown(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_initializes_libsodium),
		cmocka_unit_test(test_change_ends_own_handshake),
		cmocka_unit_test(test_change_ends_the_peers_handshake),
		cmocka_unit_test(test_change_starts_afresh),
		cmocka_unit_test(test_change_forgets_the_cookie),
		cmocka_unit_test(test_change_of_place_only),
		cmocka_unit_test(test_forged_hello_delays_nothing),
		cmocka_unit_test(test_forged_hello_wakes_nobody),
		cmocka_unit_test(test_hello_with_psk),
		cmocka_unit_test(test_forged_cookie),
		cmocka_unit_test(test_failing_random_shows),
		cmocka_unit_test(test_absurd_time),
		cmocka_unit_test(test_absurd_first_time),
		cmocka_unit_test(test_clock_with_another_origin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* One peer: what becomes of its key, what is told to the engine process, and how it leaves. */

#include "peer_fixture.h"

static void give_key(struct peer *peer, uint8_t byte)
{
	struct channel_key key = { .role = ROSENPASS_INITIATOR };

	memset(key.key, byte, sizeof key.key);
	peer_on_key(peer, &key);
}

static bool holds(const struct scene *scene, uint8_t byte)
{
	uint8_t expected[ROSENPASS_KEY_BYTES];

	memset(expected, byte, sizeof expected);
	return scene->has_key && memcmp(scene->key, expected, sizeof expected) == 0;
}

/* --- keys -------------------------------------------------------------------------------------- */

static void test_key(void **state)
{
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);

	assert_null(peer_key_origin(peer)->reason);
	assert_false(peer_is_responding(peer));
	give_key(peer, 1);
	assert_true(holds(scene, 1));
	assert_false(scene->is_random);
	assert_true(peer_is_responding(peer));
	assert_true(peer_is_settled(peer));
	give_key(peer, 2);
	assert_true(holds(scene, 2));
	assert_int_equal(scene->keys, 2);
}

/* The engine process should say so after 180 s; a key does not stay in use when it does not. */
static void test_stale_without_an_event(void **state)
{
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);

	give_key(peer, 1);
	loop_advance(scene->loop, 100 * CLOCK_SECOND_NS);
	give_key(peer, 2);
	loop_advance(scene->loop, 190 * CLOCK_SECOND_NS - 1);
	assert_true(holds(scene, 2));
	assert_false(peer_is_failing(peer));
	loop_advance(scene->loop, 1);
	assert_false(holds(scene, 2));
	assert_true(scene->is_random);
	assert_true(peer_is_failing(peer));
	assert_string_equal(peer_key_origin(peer)->reason, "stale");
	assert_int_equal(scene->keys, 3);
	/* Once. */
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(scene->keys, 3);
	/* The next key is one after a random one. */
	give_key(peer, 4);
	assert_false(peer_is_failing(peer));
}

static void test_stale_event(void **state)
{
	const struct channel_key none = { .role = ROSENPASS_RESPONDER };
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);

	give_key(peer, 1);
	peer_on_stale(peer, &none);
	assert_true(scene->is_random);
	assert_int_equal(scene->keys, 2);
	peer_on_stale(peer, &none);
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(scene->keys, 2);
}

/* A stop puts random keys in the places of exchanged ones, and of no others. */
static void test_randomize(void **state)
{
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);

	peer_randomize(peer);
	assert_int_equal(scene->keys, 0);
	give_key(peer, 1);
	peer_randomize(peer);
	assert_true(scene->is_random);
	peer_randomize(peer);
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(scene->keys, 2);
}

/* Of keys that come too quickly the last one is used a little later. */
static void test_held_key(void **state)
{
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);
	uint8_t last = EVENT_LIMIT_BURST + 3;

	for (uint8_t i = 1; i <= last; i++)
		give_key(peer, i);
	assert_true(holds(scene, EVENT_LIMIT_BURST));
	loop_advance(scene->loop, EVENT_LIMIT_EACH_NS - 1);
	assert_true(holds(scene, EVENT_LIMIT_BURST));
	loop_advance(scene->loop, 1);
	assert_true(holds(scene, last));
	assert_int_equal(scene->keys, EVENT_LIMIT_BURST + 1);
	assert_null(peer->held_key);
	/* It ages from now on. */
	loop_advance(scene->loop, 190 * CLOCK_SECOND_NS - 1);
	assert_true(holds(scene, last));
	loop_advance(scene->loop, 1);
	assert_true(scene->is_random);
}

/* What comes after a held key counts, and the held key does not come back. */
static void test_held_key_is_dropped(void **state)
{
	const struct channel_key none = { 0 };
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);

	for (uint8_t i = 1; i <= EVENT_LIMIT_BURST + 1; i++)
		give_key(peer, i);
	assert_non_null(peer->held_key);
	peer_on_stale(peer, &none);
	assert_null(peer->held_key);
	loop_advance(scene->loop, 10 * EVENT_LIMIT_EACH_NS);
	assert_true(scene->is_random);
	for (uint8_t i = 1; i <= 2 * EVENT_LIMIT_BURST; i++)
		give_key(peer, i);
	assert_non_null(peer->held_key);
	peer_reset_session(peer);
	loop_advance(scene->loop, 10 * EVENT_LIMIT_EACH_NS);
	assert_true(holds(scene, EVENT_LIMIT_BURST));
}

/* --- the engine process ------------------------------------------------------------------------ */

static void test_announced(void **state)
{
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);
	struct channel_request request;

	assert_int_equal(next_request(scene, &request), CHANNEL_ADD_PEER);
	assert_int_equal(request.slot, peer_ref(peer).slot);
	assert_int_equal(request.serial, peer_ref(peer).serial);
	assert_string_equal(request.peer.label, "peer a");
	assert_int_equal(next_request(scene, &request), 0);
	assert_int_equal(scene->announced, 1);
}

/* A peer that the engine process could not take is removed there and added again, with its preshared key. */
static void test_announced_again(void **state)
{
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);
	struct channel_request request;

	peer->config.pre_shared_key = strdup("psk");
	drop_requests(scene);
	peer_on_failed(peer, ROSENPASS_E_MEMORY);
	assert_true(peer_last_error(peer)[0] != '\0');
	loop_advance(scene->loop, 5 * CLOCK_SECOND_NS - 1);
	assert_int_equal(next_request(scene, &request), 0);
	/* Without the file it is not told; later and later. */
	scene->is_psk_missing = true;
	loop_advance(scene->loop, 1);
	assert_int_equal(scene->read, 1);
	assert_int_equal(next_request(scene, &request), 0);
	scene->is_psk_missing = false;
	loop_advance(scene->loop, 10 * CLOCK_SECOND_NS - 1);
	assert_int_equal(next_request(scene, &request), 0);
	loop_advance(scene->loop, 1);
	assert_int_equal(next_request(scene, &request), CHANNEL_REMOVE_PEER);
	assert_int_equal(next_request(scene, &request), CHANNEL_ADD_PEER);
	assert_int_equal(request.peer.has_psk, 1);
	assert_int_equal(request.peer.psk[31], 0x5a);
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(next_request(scene, &request), 0);
}

/* Another configuration may be what the engine process can take: it is told at once. */
static void test_changed(void **state)
{
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);
	struct staged_peer staged;
	struct channel_request request;

	drop_requests(scene);
	stage(&staged, "a", 1);
	assert_int_equal(peer_prepare(peer, &staged), 0);
	assert_false(peer_change(peer, &staged));
	unstage(&staged);
	assert_int_equal(next_request(scene, &request), 0);
	stage(&staged, "b", 1);
	assert_int_equal(peer_prepare(peer, &staged), 0);
	assert_true(peer_change(peer, &staged));
	unstage(&staged);
	assert_string_equal(peer_label(peer), "peer b");
	assert_int_equal(next_request(scene, &request), CHANNEL_CHANGE_PEER);
	assert_string_equal(request.peer.label, "peer b");
	peer_on_failed(peer, ROSENPASS_E_MEMORY);
	stage(&staged, "b", 1);
	assert_int_equal(peer_prepare(peer, &staged), 0);
	assert_false(peer_change(peer, &staged));
	unstage(&staged);
	loop_advance(scene->loop, 1);
	assert_int_equal(next_request(scene, &request), CHANNEL_REMOVE_PEER);
	assert_int_equal(next_request(scene, &request), CHANNEL_ADD_PEER);
	/* Once. */
	stage(&staged, "b", 1);
	assert_int_equal(peer_prepare(peer, &staged), 0);
	assert_false(peer_change(peer, &staged));
	unstage(&staged);
	loop_advance(scene->loop, 1);
	assert_int_equal(next_request(scene, &request), 0);
}

/* A literal endpoint is told with the peer; another one replaces it, and what was remembered. */
static void test_endpoint(void **state)
{
	struct scene *scene = *state;
	struct staged_peer staged;
	struct channel_request request;
	struct peer *peer;

	stage(&staged, "a", 1);
	staged.config.endpoint = strdup("192.0.2.1:9");
	assert_int_equal(peer_create(&peer, &scene->env, &staged), 0);
	unstage(&staged);
	assert_int_equal(peer_set_add(scene->set, peer), 0);
	peer_start(peer, NULL);
	assert_int_equal(next_request(scene, &request), CHANNEL_ADD_PEER);
	assert_int_equal(next_request(scene, &request), CHANNEL_SET_ADDRESSES);
	assert_int_equal(request.addresses.count, 1);
	assert_int_equal(request.addresses.list[0].v4.sin_port, htons(9));
	peer_on_moved(peer, &(union address_socket){ .v4 = { .sin_family = AF_INET,
	                                                     .sin_port = htons(4),
	                                                     .sin_addr.s_addr = htonl(0xc0000205) } });
	assert_int_equal(peer_remembered(peer)->address.v4.sin_port, htons(4));
	stage(&staged, "a", 1);
	staged.config.endpoint = strdup("192.0.2.1:10");
	assert_int_equal(peer_prepare(peer, &staged), 0);
	assert_true(peer_change(peer, &staged));
	unstage(&staged);
	assert_int_equal(next_request(scene, &request), CHANNEL_CHANGE_PEER);
	assert_int_equal(next_request(scene, &request), CHANNEL_SET_ADDRESSES);
	assert_int_equal(request.addresses.count, 1);
	assert_int_equal(request.addresses.list[0].v4.sin_port, htons(10));
	assert_int_equal(request.addresses.forget, 1);
	assert_int_equal(peer_remembered(peer)->address.any.sa_family, AF_UNSPEC);
}

/* Without an engine process nothing is sent, and what it said is forgotten. */
static void test_no_engine(void **state)
{
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);
	struct engine_link *link = scene->env.link;
	const struct channel_peer_report report = { .exchanges = 7 };
	struct channel_request request;

	drop_requests(scene);
	peer_on_report(peer, &report);
	peer_on_unanswered(peer);
	assert_true(peer_is_failing(peer));
	assert_true(peer_has_report(peer));
	give_key(peer, 1);
	scene->env.link = NULL;
	peer_reset_session(peer);
	assert_false(peer_has_report(peer));
	assert_int_equal(peer_report(peer)->exchanges, 0);
	peer_announce(peer, NULL);
	peer_set_remove(scene->set, peer);
	assert_int_equal(next_request(scene, &request), 0);
	scene->env.link = link;
}

/* --- its end ----------------------------------------------------------------------------------- */

static void test_leaving(void **state)
{
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);
	struct channel_request request;

	drop_requests(scene);
	for (uint8_t i = 1; i <= EVENT_LIMIT_BURST + 1; i++)
		give_key(peer, i);
	peer_on_failed(peer, ROSENPASS_E_MEMORY);
	peer_set_remove(scene->set, peer);
	assert_int_equal(scene->retired, 1);
	assert_null(peer_delivery(peer));
	assert_int_equal(scene->gone, 0);
	assert_int_equal(next_request(scene, &request), CHANNEL_REMOVE_PEER);
	loop_advance(scene->loop, 1);
	assert_int_equal(scene->gone, 1);
	/* No timer is left. */
	loop_advance(scene->loop, 1000 * CLOCK_SECOND_NS);
	assert_int_equal(next_request(scene, &request), 0);
	assert_int_equal(scene->keys, EVENT_LIMIT_BURST);
}

/* --- moves ------------------------------------------------------------------------------------- */

/* How many lines of that many moves are logged; the last line. */
static size_t count_moves(const struct scene *scene, struct peer *peer, unsigned moves, char last[static 256])
{
	FILE *log = tmpfile();
	int kept = dup(STDERR_FILENO);
	size_t count = 0;
	char line[256];

	assert_non_null(log);
	log_set_level(LOG_INFO);
	assert_true(dup2(fileno(log), STDERR_FILENO) >= 0);
	for (unsigned i = 0; i < moves; i++) {
		const union address_socket to = { .v4 = { .sin_family = AF_INET,
			                                  .sin_port = htons((uint16_t)(1 + i % 2)) } };

		loop_advance(scene->loop, EVENT_LIMIT_EACH_NS);
		peer_on_moved(peer, &to);
	}
	assert_true(dup2(kept, STDERR_FILENO) >= 0);
	(void)close(kept);
	log_set_level(LOG_OFF);
	rewind(log);
	while (fgets(line, sizeof line, log) != NULL) {
		assert_non_null(strstr(line, ": is at 0.0.0.0:"));
		memcpy(last, line, sizeof line);
		count++;
	}
	(void)fclose(log);
	return count;
}

/* A peer that comes from another port each time does not fill the log. */
static void test_moves(void **state)
{
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);
	char last[256] = "";

	assert_int_equal(count_moves(scene, peer, 30, last), 4);
	assert_null(strstr(last, "times more"));
	assert_int_equal(count_moves(scene, peer, 30, last), 0);
	loop_advance(scene->loop, 3600 * CLOCK_SECOND_NS);
	assert_int_equal(count_moves(scene, peer, 30, last), 1);
	assert_non_null(strstr(last, "; it has moved 56 times more since that was last logged\n"));
	/* A day later, as at first. */
	loop_advance(scene->loop, 86400 * CLOCK_SECOND_NS);
	assert_int_equal(count_moves(scene, peer, 30, last), 4);
}

static void test_events_are_limited(void **state)
{
	const struct channel_silence silence = { .reason = CHANNEL_SILENCE_NOTHING };
	struct scene *scene = *state;
	struct peer *peer = add_peer(scene, "a", 1);

	for (unsigned i = 0; i < 3 * EVENT_LIMIT_BURST; i++)
		peer_on_silence(peer, &silence);
	assert_int_equal(scene->silent, EVENT_LIMIT_BURST);
	loop_advance(scene->loop, EVENT_LIMIT_EACH_NS);
	peer_on_silence(peer, &silence);
	assert_int_equal(scene->silent, EVENT_LIMIT_BURST + 1);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_key),         TEST(test_stale_without_an_event),
		TEST(test_stale_event), TEST(test_randomize),
		TEST(test_held_key),    TEST(test_held_key_is_dropped),
		TEST(test_announced),   TEST(test_announced_again),
		TEST(test_changed),     TEST(test_endpoint),
		TEST(test_no_engine),   TEST(test_leaving),
		TEST(test_moves),       TEST(test_events_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

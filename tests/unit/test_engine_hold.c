/* EmptyData that waits, and whom a request is about. */

#include "engine/parts.h"

#include "fixture.h"
#include "protocol/messages.h"
#include "system/clock.h"

static struct address_path path_to(uint8_t last)
{
	struct address_path path = { .remote.v4 = { .sin_family = AF_INET, .sin_port = htons(9) } };

	path.remote.v4.sin_addr.s_addr = htonl(UINT32_C(0x0a000000) | last);
	return path;
}

static struct engine_process *new_process(void)
{
	struct engine_process *process = calloc(1, sizeof *process);

	assert_non_null(process);
	engine_hold_init(process);
	return process;
}

/* EmptyData and nothing else is held, while it is to be. */
static void test_what_is_held(void **state)
{
	static uint8_t data[ENGINE_HELD_BYTES];
	struct engine_process *process = new_process();
	struct engine_peer peer = { .holds = true };
	const struct address_path path = path_to(1);
	struct rosenpass_output output = {
		.size = sizeof output, .kind = ROSENPASS_OUTPUT_SEND, .data = data, .length = sizeof data
	};
	uint64_t before = clock_now_ns();

	(void)state;
	data[0] = MESSAGE_EMPTY_DATA;
	assert_false(engine_hold_take(&peer, &output, &path));
	engine_hold_begin(process, &peer);
	assert_in_range(engine_hold_deadline(process), before + CLOCK_SECOND_NS,
	                clock_now_ns() + CLOCK_SECOND_NS);
	data[0] = MESSAGE_INIT_CONF;
	assert_false(engine_hold_take(&peer, &output, &path));
	data[0] = MESSAGE_EMPTY_DATA;
	output.length--;
	assert_false(engine_hold_take(&peer, &output, &path));
	output.length++;
	assert_false(engine_hold_take(NULL, &output, &path));
	assert_int_equal(peer.held_count, 0);
	assert_true(engine_hold_take(&peer, &output, &path));
	assert_int_equal(peer.held_count, 1);
	engine_hold_forget(process, &peer);
	assert_false(engine_hold_take(&peer, &output, &path));
	free(process);
}

/* Each place once, and no more places than there is room for. */
static void test_places(void **state)
{
	static uint8_t data[ENGINE_HELD_BYTES] = { MESSAGE_EMPTY_DATA };
	struct engine_process *process = new_process();
	struct {
		struct engine_peer peer;
		struct address_path behind[2];
	} room = { .peer = { .holds = true } };
	struct engine_peer *peer = &room.peer;
	const struct rosenpass_output output = {
		.size = sizeof output, .kind = ROSENPASS_OUTPUT_SEND, .data = data, .length = sizeof data
	};

	(void)state;
	engine_hold_begin(process, peer);
	for (uint8_t i = 0; i < 2 * (ENGINE_HELD_PATHS + 2); i++) {
		const struct address_path path = path_to(i / 2);

		assert_true(engine_hold_take(peer, &output, &path));
		assert_int_equal(peer->held_count, i / 2 < ENGINE_HELD_PATHS ? i / 2 + 1 : ENGINE_HELD_PATHS);
	}
	engine_hold_forget(process, peer);
	assert_int_equal(peer->held_count, 0);
	free(process);
}

/* A slot may have been given to another peer since. */
static void test_requests_name_their_peer(void **state)
{
	struct engine_process *process = new_process();
	struct engine_peer peer = { .slot = 1, .serial = 7 };
	struct engine_peer *peers[2] = { NULL, &peer };
	struct channel_request request = { .kind = CHANNEL_SET_ADDRESSES, .addresses.count = 1 };

	(void)state;
	process->peers = peers;
	process->slots = 2;
	request.addresses.list[0] = path_to(1).remote;
	for (uint32_t slot = 0; slot < 3; slot++) {
		for (uint32_t serial = 6; serial < 9; serial++) {
			request.slot = slot;
			request.serial = serial;
			peer.address_count = 0;
			engine_peers_set_addresses(process, &request);
			assert_int_equal(peer.address_count, slot == 1 && serial == 7);
		}
	}
	free(process);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_held),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_requests_name_their_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

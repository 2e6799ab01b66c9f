/* What a new key costs on a WireGuard device with many peers: how often it is read, and how much of it. */

#include "delivery/device.h"
#include "fixture.h"

#include <errno.h>
#include <stdlib.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define START_NS (1000 * CLOCK_SECOND_NS)
#define PERIOD_NS (120 * CLOCK_SECOND_NS)
#define PEERS_MAX 10000

/* The device, in memory; reading a peer takes peer_ns. */
static struct {
	size_t count;
	bool is_gone[PEERS_MAX];
	uint8_t keys[PEERS_MAX][WIREGUARD_KEY_BYTES];
	uint64_t peer_ns, clock_ns;
	size_t gets, sets, peers_read, keys_set;
} device;

static size_t visits;

/* Not in the order of their numbers. */
static void number_peer(uint8_t key[static WIREGUARD_KEY_BYTES], size_t number)
{
	memset(key, 0, WIREGUARD_KEY_BYTES);
	key[0] = (uint8_t)(number * 7);
	key[1] = (uint8_t)number;
	key[2] = (uint8_t)(number >> 8);
}

static size_t number_of(const uint8_t key[static WIREGUARD_KEY_BYTES])
{
	return key[1] + ((size_t)key[2] << 8);
}

static uint64_t fake_clock(void)
{
	return device.clock_ns;
}

static int get(struct wireguard_device *out, const char *name)
{
	(void)name;
	memset(out, 0, sizeof *out);
	out->peers = secret_memory_allocate(NULL, device.count * sizeof *out->peers);
	assert_non_null(out->peers);
	for (size_t i = 0; i < device.count; i++) {
		struct wireguard_peer *peer = &out->peers[out->peer_count];

		if (device.is_gone[i])
			continue;
		number_peer(peer->public_key, i);
		memcpy(peer->preshared_key, device.keys[i], WIREGUARD_KEY_BYTES);
		out->peer_count++;
	}
	/* What is released is as large as what was allocated. */
	if (out->peer_count < device.count) {
		struct wireguard_peer *fewer = secret_memory_allocate(NULL, out->peer_count * sizeof *fewer);

		assert_non_null(fewer);
		memcpy(fewer, out->peers, out->peer_count * sizeof *fewer);
		secret_memory_release(NULL, out->peers, device.count * sizeof *fewer);
		out->peers = fewer;
	}
	device.gets++;
	device.peers_read += device.count;
	device.clock_ns += device.count * device.peer_ns;
	return 0;
}

static int set(const char *name, const struct wireguard_change *change)
{
	(void)name;
	device.sets++;
	for (size_t i = 0; i < change->peer_count; i++) {
		size_t number = number_of(change->peers[i].public_key);

		assert_true(number < device.count);
		if (device.is_gone[number])
			continue;
		memcpy(device.keys[number], change->peers[i].preshared_key, WIREGUARD_KEY_BYTES);
		device.keys_set++;
	}
	return 0;
}

static int find_link(const char *name, struct link *link)
{
	(void)name;
	*link = (struct link){ .index = 7, .is_up = true };
	return 0;
}

static const struct wireguard_backend backend = { get, set, find_link, fake_clock };

struct peer {
	struct device_peer peer;
	uint8_t key[WIREGUARD_KEY_BYTES];
	bool asks; /* to be reconciled again in a second, once */
	bool has_key;
	unsigned set, reconciled;
};

static struct peer *of(const struct device_peer *peer)
{
	return (struct peer *)(uintptr_t)peer;
}

static void want(const struct device_peer *peer, uint64_t now_ns, struct device_target *target)
{
	static const struct wireguard_params nothing;

	(void)now_ns;
	target->key = of(peer)->key;
	target->parameters = &nothing;
}

static bool note(struct device_peer *peer, const struct wireguard_peer *present)
{
	(void)peer;
	(void)present;
	return false;
}

static void key_set(struct device_peer *peer)
{
	of(peer)->set++;
}

static void changed(struct device_peer *peer, const struct device_target *target,
                    const struct device_step *step, int device_result, int result)
{
	(void)peer;
	(void)target;
	(void)step;
	(void)device_result;
	(void)result;
}

static bool reconciled(struct device_peer *peer, const struct device_view *view, uint64_t *again_ns)
{
	visits++;
	of(peer)->reconciled++;
	of(peer)->has_key = view->has_key;
	if (of(peer)->asks)
		*again_ns = view->now_ns + CLOCK_SECOND_NS;
	of(peer)->asks = false;
	return view->has_key;
}

static const struct device_peer_ops ops = { want, note, key_set, changed, reconciled };

struct scene {
	struct loop *loop;
	struct device_owner owner;
	struct device_table *table;
	struct peer *peers;
	uint8_t last_key;
};

static void forget_counts(void)
{
	device.gets = device.sets = device.peers_read = device.keys_set = 0;
	visits = 0;
}

/* A device with so many peers, all of which have a key. */
static void open_scene(struct scene *scene, size_t count)
{
	memset(scene, 0, sizeof *scene);
	memset(&device, 0, sizeof device);
	log_set_level(LOG_OFF);
	device.count = count;
	scene->peers = calloc(count, sizeof *scene->peers);
	assert_non_null(scene->peers);
	assert_int_equal(loop_open_simulated(&scene->loop, START_NS), 0);
	assert_int_equal(device_table_create(&scene->table, scene->loop, &backend, &scene->owner), 0);
	for (size_t i = 0; i < count; i++) {
		number_peer(scene->peers[i].peer.public_key, i);
		scene->peers[i].peer.ops = &ops;
		scene->peers[i].key[0] = 1;
		assert_int_equal(device_attach(scene->table, "wg0", &scene->peers[i].peer), 0);
	}
	loop_advance(scene->loop, 60 * CLOCK_SECOND_NS);
	forget_counts();
}

static void close_scene(struct scene *scene)
{
	for (size_t i = 0; i < device.count; i++)
		device_detach(&scene->peers[i].peer);
	device_table_destroy(scene->table);
	loop_close(scene->loop);
	free(scene->peers);
}

static void give(struct scene *scene, size_t i, bool is_first)
{
	scene->peers[i].key[0] = ++scene->last_key;
	scene->peers[i].key[1]++;
	scene->peers[i].has_key = false;
	device_new_key(&scene->peers[i].peer, loop_now_ns(scene->loop), is_first);
}

/*
 * Each peer gets a key in two minutes, evenly spread. Whatever the number of peers, a key is set at once, and
 * costs no more than reading some peers and comparing some: eight of each are those of every 15 seconds.
 */
static void test_keys_on_the_clock(void **state)
{
	static const size_t counts[] = { 1, 4000, PEERS_MAX };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(counts); i++) {
		size_t count = counts[i];
		struct scene scene;

		open_scene(&scene, count);
		device.peer_ns = 2000;
		for (size_t j = 0; j < count; j++) {
			give(&scene, j * 3 % count, false);
			loop_advance(scene.loop, PERIOD_NS / count);
			assert_memory_equal(device.keys[j * 3 % count], scene.peers[j * 3 % count].key,
			                    WIREGUARD_KEY_BYTES);
		}
		assert_true(device.keys_set == count);
		assert_true(device.sets <= count);
		assert_in_range(device.peers_read, count, 17 * count);
		assert_in_range(visits, count, 10 * count);
		loop_advance(scene.loop, 15 * CLOCK_SECOND_NS);
		for (size_t j = 0; j < count; j++)
			assert_true(scene.peers[j].has_key);
		close_scene(&scene);
	}
}

/* A few keys on a large device are read back together, within 15 seconds, without the peers beside. */
static void test_read_back(void **state)
{
	struct scene scene;
	unsigned before;

	(void)state;
	open_scene(&scene, PEERS_MAX);
	/* Right after all peers were compared. */
	while (visits == 0)
		loop_advance(scene.loop, CLOCK_SECOND_NS);
	forget_counts();
	before = scene.peers[5000].reconciled;
	for (size_t i = 0; i < 100; i++) {
		give(&scene, i, false);
		loop_advance(scene.loop, CLOCK_SECOND_NS / 100);
	}
	assert_int_equal(device.keys_set, 100);
	assert_int_equal(device.gets, 0);
	assert_int_equal(scene.peers[0].set, 1);
	assert_false(scene.peers[0].has_key);
	loop_advance(scene.loop, 15 * CLOCK_SECOND_NS);
	assert_true(scene.peers[0].has_key && scene.peers[99].has_key);
	assert_in_range(device.gets, 1, 2);
	assert_in_range(scene.peers[5000].reconciled, before, before + 1);
	close_scene(&scene);
	/* With fewer peers it is sooner: ten milliseconds for each. */
	open_scene(&scene, 300);
	loop_advance(scene.loop, 4 * CLOCK_SECOND_NS);
	device_reconcile_soon(scene.peers[0].peer.device);
	loop_advance(scene.loop, 1);
	forget_counts();
	before = scene.peers[7].reconciled;
	give(&scene, 0, false);
	give(&scene, 1, false);
	loop_advance(scene.loop, 3 * CLOCK_SECOND_NS - 10);
	assert_int_equal(device.gets, 0);
	loop_advance(scene.loop, 10);
	assert_int_equal(device.gets, 1);
	assert_int_equal(visits, 2);
	assert_true(scene.peers[0].has_key && scene.peers[1].has_key);
	assert_int_equal(scene.peers[7].reconciled, before);
	close_scene(&scene);
}

/* What first keys need soon takes a twentieth of the time at most, however many come. */
static void test_first_keys(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene, PEERS_MAX);
	device.peer_ns = 4000;
	for (size_t i = 0; i < 3000; i++) {
		scene.peers[i].asks = true;
		give(&scene, i, true);
		loop_advance(scene.loop, CLOCK_SECOND_NS / 100);
	}
	assert_int_equal(device.keys_set, 3000);
	assert_in_range(device.gets, 15, 40);
	/* Each is compared for its key and once more as it asked, and with all others every 15 seconds. */
	assert_in_range(visits, 6000 - 500, 6000 + 4 * PEERS_MAX);
	assert_true(scene.peers[2700].has_key);
	close_scene(&scene);
}

/* Whatever becomes of a key that was set is noticed: it was overwritten, or the peer has gone. */
static void test_lost_keys(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene, 4000);
	device.is_gone[17] = true;
	give(&scene, 16, false);
	give(&scene, 17, false);
	give(&scene, 18, false);
	loop_advance(scene.loop, 1);
	assert_int_equal(device.keys[16][0], scene.peers[16].key[0]);
	device.keys[16][0] ^= 0x80;
	device.keys[3000][0] ^= 0x80;
	loop_advance(scene.loop, 16 * CLOCK_SECOND_NS);
	assert_int_equal(device.keys[16][0], scene.peers[16].key[0]);
	assert_int_equal(device.keys[3000][0], scene.peers[3000].key[0]);
	assert_true(scene.peers[16].has_key && scene.peers[18].has_key);
	assert_false(scene.peers[17].has_key);
	/* It comes back. */
	device.is_gone[17] = false;
	loop_advance(scene.loop, 16 * CLOCK_SECOND_NS);
	assert_true(scene.peers[17].has_key);
	close_scene(&scene);
}

/* Peers that leave a large device get random keys, all in one request, within a second. */
static void test_many_leave(void **state)
{
	struct scene scene;

	(void)state;
	open_scene(&scene, PEERS_MAX);
	for (size_t i = 0; i < PEERS_MAX; i += 2) {
		struct device *left = scene.peers[i].peer.device;
		struct retired_key *retired;

		give(&scene, i, false);
		assert_int_equal(device_prepare_retired(&retired, scene.peers[i].peer.public_key), 0);
		device_detach(&scene.peers[i].peer);
		device_retire_key(left, retired, "peer");
	}
	loop_advance(scene.loop, CLOCK_SECOND_NS);
	assert_in_range(device.sets, 1, 2);
	assert_in_range(device.gets, 2, 4);
	for (size_t i = 0; i < PEERS_MAX; i++)
		assert_int_equal(i % 2 == 0,
		                 memcmp(device.keys[i], scene.peers[i].key, WIREGUARD_KEY_BYTES) != 0);
	close_scene(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_on_the_clock), cmocka_unit_test(test_read_back),
		cmocka_unit_test(test_first_keys),        cmocka_unit_test(test_lost_keys),
		cmocka_unit_test(test_many_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

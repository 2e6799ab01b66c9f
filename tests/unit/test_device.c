/* WireGuard's devices: when they are reconciled, and what becomes of keys when a device is in trouble. */

#include "delivery/device.h"
#include "fixture.h"

#include <errno.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define PEERS 4
#define START_NS (1000 * CLOCK_SECOND_NS)

/* The device, in memory. */
static struct {
	bool has[PEERS];
	uint8_t keys[PEERS];                       /* the first byte of each preshared key */
	uint8_t whole[PEERS][WIREGUARD_KEY_BYTES]; /* each as it was set last */
	int get_result;                            /* 0, -ENODEV, -ETIMEDOUT ... */
	int refused;                               /* the peer whose changes are refused; -1: none */
	uint64_t cost_ns;                          /* that reading it takes */
	uint64_t clock_ns;
	unsigned gets, sets;
} device;

static uint64_t fake_clock(void)
{
	return device.clock_ns;
}

static int get(struct wireguard_device *out, const char *name)
{
	(void)name;
	device.gets++;
	device.clock_ns += device.cost_ns;
	memset(out, 0, sizeof *out);
	if (device.get_result != 0)
		return device.get_result;
	out->peers = secret_memory_allocate(NULL, PEERS * sizeof *out->peers);
	assert_non_null(out->peers);
	out->peer_count = PEERS;
	for (size_t i = 0; i < PEERS; i++) {
		/* One that is not there is somebody else's. */
		memset(out->peers[i].public_key, (int)(device.has[i] ? i + 1 : 0x80 + i),
		       WIREGUARD_KEY_BYTES);
		if (device.whole[i][0] == device.keys[i])
			memcpy(out->peers[i].preshared_key, device.whole[i], WIREGUARD_KEY_BYTES);
		else
			memset(out->peers[i].preshared_key, device.keys[i], WIREGUARD_KEY_BYTES);
	}
	return 0;
}

static int set(const char *name, const struct wireguard_change *change)
{
	(void)name;
	device.sets++;
	for (size_t i = 0; i < change->peer_count; i++) {
		const struct wireguard_peer_change *peer = &change->peers[i];
		size_t number = (size_t)peer->public_key[0] - 1;

		assert_true(number < PEERS);
		if ((int)number == device.refused)
			return -EINVAL;
		assert_true(peer->update_only);
		if (!device.has[number] || peer->preshared_key == NULL)
			continue;
		device.keys[number] = peer->preshared_key[0];
		memcpy(device.whole[number], peer->preshared_key, WIREGUARD_KEY_BYTES);
	}
	return 0;
}

static int find_link(const char *name, struct link *link)
{
	(void)name;
	*link = (struct link){ .index = 7, .is_up = true };
	return device.get_result == -ENODEV ? -ENODEV : 0;
}

static const struct wireguard_backend backend = { get, set, find_link, fake_clock };

/* A peer whose key goes to the device. */
struct peer {
	struct device_peer peer;
	uint8_t key[WIREGUARD_KEY_BYTES];
	bool is_left;
	bool asks; /* for a new key of its own, during reconciliation */
	unsigned set, reconciled, good;
	int result, device_result;
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
	target->is_left = of(peer)->is_left;
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
	(void)target;
	(void)step;
	(void)device_result;
	(void)result;
	if (of(peer)->asks) {
		of(peer)->asks = false;
		of(peer)->key[0]++;
		memset(of(peer)->key, of(peer)->key[0], WIREGUARD_KEY_BYTES);
		device_reconcile_soon(peer->device);
	}
}

static bool reconciled(struct device_peer *peer, const struct device_view *view, uint64_t *again_ns)
{
	(void)again_ns;
	of(peer)->reconciled++;
	of(peer)->result = view->result;
	of(peer)->device_result = view->device_result;
	of(peer)->good += view->device_result == 0 && view->has_key;
	return view->device_result == 0 && view->has_key;
}

static const struct device_peer_ops ops = { want, note, key_set, changed, reconciled };

struct scene {
	struct loop *loop;
	struct device_owner owner;
	struct device_table *table;
	struct peer peers[PEERS];
	unsigned ensured;
	int ensure_result;
};

static int ensure(void *owner, const char *name, uint64_t *again_ns)
{
	struct scene *scene = owner;

	(void)again_ns;
	assert_string_equal(name, "wg0");
	scene->ensured++;
	if (scene->ensure_result == 0)
		device.get_result = 0;
	return scene->ensure_result;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	memset(&device, 0, sizeof device);
	device.refused = -1;
	for (size_t i = 0; i < PEERS; i++)
		device.has[i] = true;
	scene->owner.owner = scene;
	assert_int_equal(loop_open_simulated(&scene->loop, START_NS), 0);
	assert_int_equal(device_table_create(&scene->table, scene->loop, &backend, &scene->owner), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < PEERS; i++)
		device_detach(&scene->peers[i].peer);
	device_table_destroy(scene->table);
	loop_close(scene->loop);
	free(scene);
	return 0;
}

static void pass(struct scene *scene, uint64_t ns)
{
	loop_advance(scene->loop, ns);
}

/* Attaches a peer with a key. */
static void add(struct scene *scene, size_t i, uint8_t key)
{
	struct peer *peer = &scene->peers[i];

	memset(peer, 0, sizeof *peer);
	memset(peer->peer.public_key, (int)i + 1, WIREGUARD_KEY_BYTES);
	memset(peer->key, key, sizeof peer->key);
	peer->peer.ops = &ops;
	assert_int_equal(device_attach(scene->table, "wg0", &peer->peer), 0);
}

static void give_later(struct scene *scene, size_t i, uint8_t key, uint64_t wait_ns)
{
	memset(scene->peers[i].key, key, WIREGUARD_KEY_BYTES);
	device_new_key(&scene->peers[i].peer, loop_now_ns(scene->loop) + wait_ns, wait_ns > 0);
}

/* Another key, which is to be set at once. */
static void give(struct scene *scene, size_t i, uint8_t key)
{
	give_later(scene, i, key, 0);
}

/*
 * Many keys in one turn are one request, after which the device is read once; and every 15 seconds it is read
 * in any case.
 */
static void test_burst(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < PEERS; i++)
		add(scene, PEERS - 1 - i, (uint8_t)(0x10 + i));
	pass(scene, 1);
	assert_int_equal(device.sets, 1);
	assert_int_equal(device.gets, 2);
	for (size_t i = 0; i < PEERS; i++) {
		assert_int_equal(device.keys[PEERS - 1 - i], 0x10 + i);
		assert_int_equal(scene->peers[i].good, 1);
	}
	for (size_t i = 0; i < PEERS; i++)
		give(scene, i, (uint8_t)(0x20 + i));
	pass(scene, 1);
	assert_int_equal(device.sets, 2);
	assert_int_equal(device.gets, 3);
	for (size_t i = 0; i < PEERS; i++) {
		assert_int_equal(device.keys[i], 0x20 + i);
		assert_int_equal(scene->peers[i].set, 1);
		assert_int_equal(scene->peers[i].good, 2);
	}
	/* Somebody sets another one. */
	device.keys[2] = 0xee;
	pass(scene, 15 * CLOCK_SECOND_NS);
	assert_int_equal(device.keys[2], 0x22);
}

/* A device that is slow to read gets its keys at once, and is read in a twentieth of the time. */
static void test_large(void **state)
{
	struct scene *scene = *state;

	device.cost_ns = CLOCK_SECOND_NS / 200;
	add(scene, 0, 0x10);
	add(scene, 1, 0x11);
	pass(scene, 1);
	assert_int_equal(device.gets, 2);
	for (uint8_t i = 0; i < 100; i++) {
		give(scene, 0, (uint8_t)(0x20 + i));
		pass(scene, CLOCK_SECOND_NS / 1000);
		assert_int_equal(device.keys[0], 0x20 + i);
	}
	assert_int_equal(device.gets, 2);
	/* Until it is read back, nobody says that the key is there. */
	assert_int_equal(scene->peers[0].good, 1);
	pass(scene, CLOCK_SECOND_NS / 5);
	assert_int_equal(device.gets, 3);
	assert_int_equal(scene->peers[0].good, 2);
	/* One that takes very long is read every second all the same. */
	device.cost_ns = 10 * CLOCK_SECOND_NS;
	pass(scene, 15 * CLOCK_SECOND_NS);
	device.gets = 0;
	give(scene, 1, 0x99);
	pass(scene, 11 * CLOCK_SECOND_NS);
	assert_true(device.gets >= 1);
	/* Somebody who asks for the status does not wait. */
	device.gets = 0;
	device_table_reconcile_now(scene->table);
	assert_int_equal(device.gets, 1);
	/* A key that is to be left alone is. */
	scene->peers[1].is_left = true;
	give(scene, 1, 0x77);
	pass(scene, 20 * CLOCK_SECOND_NS);
	assert_int_equal(device.keys[1], 0x99);
	assert_int_equal(scene->peers[1].set, 1);
}

/* A peer that is refused does not keep the others from their keys. */
static void test_refused(void **state)
{
	struct scene *scene = *state;

	device.refused = 1;
	for (size_t i = 0; i < PEERS; i++)
		add(scene, i, 0x33);
	pass(scene, 1);
	for (size_t i = 0; i < PEERS; i++) {
		assert_int_equal(device.keys[i], i == 1 ? 0 : 0x33);
		assert_int_equal(scene->peers[i].result, i == 1 ? -EINVAL : 0);
		assert_int_equal(scene->peers[i].device_result, 0);
	}
	/* It is tried again after a second. */
	device.refused = -1;
	pass(scene, CLOCK_SECOND_NS);
	assert_int_equal(device.keys[1], 0x33);
}

/* A device that hangs holds us up each time: a new key is no reason to look at it. */
static void test_hanging(void **state)
{
	struct scene *scene = *state;

	device.get_result = -ETIMEDOUT;
	add(scene, 0, 0x44);
	pass(scene, 1);
	assert_int_equal(device.gets, 1);
	assert_int_equal(scene->peers[0].device_result, -ETIMEDOUT);
	give(scene, 0, 0x45);
	pass(scene, CLOCK_SECOND_NS / 2);
	assert_int_equal(device.gets, 1);
	/* 1, 3, 9, 27 seconds, and then every minute. */
	pass(scene, 40 * CLOCK_SECOND_NS);
	assert_int_equal(device.gets, 5);
	pass(scene, 600 * CLOCK_SECOND_NS);
	assert_in_range(device.gets, 14, 16);
	device.get_result = 0;
	pass(scene, 60 * CLOCK_SECOND_NS);
	assert_int_equal(device.keys[0], 0x45);
}

/* A device that vanishes and comes back gets its keys again. */
static void test_vanishes(void **state)
{
	struct scene *scene = *state;

	add(scene, 0, 0x44);
	pass(scene, 1);
	device.get_result = -ENODEV;
	device_table_network_changed(scene->table);
	pass(scene, CLOCK_SECOND_NS);
	assert_int_equal(scene->peers[0].device_result, -ENODEV);
	device.get_result = 0;
	device.keys[0] = 0;
	device_table_network_changed(scene->table);
	pass(scene, CLOCK_SECOND_NS);
	assert_int_equal(device.keys[0], 0x44);
}

/* Where interfaces are made by us, one that is missing is made; one that is not ours is not touched. */
static void test_ensure(void **state)
{
	struct scene *scene = *state;

	scene->owner.ensure = ensure;
	device.get_result = -ENODEV;
	add(scene, 0, 0x44);
	pass(scene, 1);
	assert_int_equal(scene->ensured, 1);
	assert_int_equal(device.keys[0], 0x44);
	scene->ensure_result = DEVICE_NOT_OURS;
	device.cost_ns = CLOCK_SECOND_NS / 100;
	pass(scene, 15 * CLOCK_SECOND_NS);
	assert_int_equal(scene->peers[0].device_result, -EEXIST);
	device.sets = 0;
	for (uint8_t i = 0; i < 100; i++) {
		give(scene, 0, i);
		pass(scene, CLOCK_SECOND_NS / 10);
	}
	assert_int_equal(device.sets, 0);
	assert_int_equal(device.keys[0], 0x44);
}

/* A key that comes while the device is reconciled does not wait for 15 seconds. */
static void test_key_in_between(void **state)
{
	struct scene *scene = *state;

	add(scene, 0, 0x44);
	scene->peers[0].asks = true;
	pass(scene, 1);
	pass(scene, 1);
	assert_int_equal(device.keys[0], 0x45);
}

/* A key that is to be set later is, by nobody else's key and not before; the peer may leave meanwhile. */
static void test_later(void **state)
{
	struct scene *scene = *state;

	for (size_t i = 0; i < 3; i++)
		add(scene, i, 0x44);
	pass(scene, 1);
	give_later(scene, 0, 0x55, CLOCK_SECOND_NS);
	give_later(scene, 1, 0x56, CLOCK_SECOND_NS);
	give(scene, 2, 0x57);
	pass(scene, CLOCK_SECOND_NS - 1);
	assert_int_equal(device.keys[0], 0x44);
	assert_int_equal(device.keys[2], 0x57);
	assert_int_equal(scene->peers[2].good, 2);
	device_detach(&scene->peers[1].peer);
	pass(scene, 1);
	assert_int_equal(device.keys[0], 0x55);
	assert_int_equal(device.keys[1], 0x44);
	assert_int_equal(scene->peers[0].good, 2);
}

/* A key that the device does not keep, or has no peer for, is no key that is there. */
static void test_lost(void **state)
{
	struct scene *scene = *state;

	add(scene, 0, 0x44);
	add(scene, 1, 0x44);
	pass(scene, 1);
	device.has[0] = false;
	give(scene, 0, 0x55);
	pass(scene, 1);
	assert_int_equal(scene->peers[0].good, 1);
	assert_int_equal(scene->peers[0].reconciled, 2);
	device.has[0] = true;
	pass(scene, 2 * CLOCK_SECOND_NS);
	assert_int_equal(device.keys[0], 0x55);
	assert_int_equal(scene->peers[0].good, 2);
	/* One that is refused alone does not take the others along. */
	device.refused = 0;
	give(scene, 0, 0x66);
	give(scene, 1, 0x67);
	pass(scene, 1);
	assert_int_equal(device.keys[1], 0x67);
	assert_int_equal(scene->peers[1].set, 1);
	assert_int_equal(scene->peers[0].set, 1);
	assert_int_equal(scene->peers[0].result, -EINVAL);
	/* What is wrong with the device is told to all of its peers. */
	device.refused = -1;
	device.get_result = -EPERM;
	give(scene, 0, 0x77);
	pass(scene, 2);
	assert_int_equal(scene->peers[0].device_result, -EPERM);
	assert_int_equal(scene->peers[1].device_result, -EPERM);
}

static void count_one(void *context, const char *label, const char *target)
{
	assert_string_equal(label, "peer");
	assert_memory_equal(target, "wg0 ", 4);
	++*(size_t *)context;
}

static size_t retired_count(const struct scene *scene)
{
	size_t count = 0;

	device_table_each_retired(scene->table, count_one, &count);
	return count;
}

/* A peer that is not ours any more gets a random key, unless it is ours again. */
static void test_retired(void **state)
{
	struct scene *scene = *state;
	struct device_mark mark;

	add(scene, 0, 0x44);
	add(scene, 1, 0x45);
	pass(scene, 1);
	device.get_result = -EPERM;
	for (size_t i = 0; i < 2; i++) {
		struct retired_key *retired;

		assert_int_equal(device_prepare_retired(&retired, scene->peers[i].peer.public_key), 0);
		device_retire_key(scene->peers[i].peer.device, retired, "peer");
		device_detach(&scene->peers[i].peer);
	}
	pass(scene, 1);
	assert_int_equal(retired_count(scene), 2);
	add(scene, 1, 0x46);
	device.get_result = 0;
	pass(scene, CLOCK_SECOND_NS / 2);
	assert_int_equal(retired_count(scene), 0);
	assert_memory_not_equal(device.whole[0], scene->peers[0].key, WIREGUARD_KEY_BYTES);
	assert_int_equal(device.keys[1], 0x46);
	assert_true(device_table_mark(scene->table, 0, &mark));
	device_detach(&scene->peers[1].peer);
	pass(scene, 16 * CLOCK_SECOND_NS);
	assert_false(device_table_mark(scene->table, 0, &mark));
	device.gets = 0;
	pass(scene, 100 * CLOCK_SECOND_NS);
	assert_int_equal(device.gets, 0);
}

static void leave(struct scene *scene, size_t i)
{
	struct device *left = scene->peers[i].peer.device;
	struct retired_key *retired;

	assert_int_equal(device_prepare_retired(&retired, scene->peers[i].peer.public_key), 0);
	device_retire_key(left, retired, "peer");
	device_detach(&scene->peers[i].peer);
}

/* One random key is set for a peer that leaves, comes back and leaves again while the device is away. */
static void test_retired_twice(void **state)
{
	struct scene *scene = *state;

	add(scene, 0, 0x44);
	add(scene, 1, 0x45);
	pass(scene, 1);
	device.get_result = -EPERM;
	leave(scene, 0);
	pass(scene, 1);
	add(scene, 0, 0x46);
	leave(scene, 0);
	leave(scene, 1);
	assert_int_equal(retired_count(scene), 2);
	device.get_result = 0;
	pass(scene, CLOCK_SECOND_NS / 2);
	assert_int_equal(retired_count(scene), 0);
	for (size_t i = 0; i < 2; i++)
		assert_memory_not_equal(device.whole[i], scene->peers[i].key, WIREGUARD_KEY_BYTES);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_burst),    TEST(test_large),  TEST(test_refused),        TEST(test_hanging),
		TEST(test_vanishes), TEST(test_ensure), TEST(test_key_in_between), TEST(test_retired),
		TEST(test_later),    TEST(test_lost),   TEST(test_retired_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

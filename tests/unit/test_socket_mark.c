#include "wireguard_fixture.h"

#include <errno.h>

#include "monitor/socket_mark.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define SOCKETS 2
#define DEVICES 3

/* Sockets and devices that are only remembered. A socket that is not open is refused. */
struct scene {
	struct loop *loop;
	struct device_table *table;
	struct device_owner device_owner;
	struct socket_mark *mark;
	uint32_t sockets[SOCKETS];
	bool is_closed[SOCKETS];
	int refusal; /* of the system; 0: none */
	unsigned settings, changes;
	struct {
		const char *name;
		uint32_t mark;
		uint8_t bits; /* of the prefix of its peer */
		bool is_gone;
	} devices[DEVICES];
};

static struct scene *the_scene;

static int get(struct wireguard_device *device, const char *name)
{
	size_t i = 0;

	while (strcmp(the_scene->devices[i].name, name) != 0)
		i++;
	if (the_scene->devices[i].is_gone)
		return -ENODEV;
	memset(device, 0, sizeof *device);
	device->fwmark = the_scene->devices[i].mark;
	device->peers = secret_memory_allocate(NULL, sizeof *device->peers);
	assert_non_null(device->peers);
	device->peer_count = 1;
	device->peers->allowed_ips = calloc(1, sizeof *device->peers->allowed_ips);
	assert_non_null(device->peers->allowed_ips);
	*device->peers->allowed_ips = ip_of("0.0.0.0", the_scene->devices[i].bits);
	device->peers->allowed_ip_count = 1;
	return 0;
}

static const struct wireguard_backend backend = { .get = get };

static int set_socket(int fd, uint32_t mark)
{
	assert_in_range(fd, 0, SOCKETS - 1);
	the_scene->settings++;
	if (the_scene->refusal != 0)
		return the_scene->refusal;
	if (the_scene->is_closed[fd])
		return -EBADF;
	the_scene->sockets[fd] = mark;
	return 0;
}

static void each(void *owner)
{
	const struct scene *scene = owner;

	for (int i = 0; i < SOCKETS; i++)
		socket_mark_apply(scene->mark, i);
}

static void changed(void *owner)
{
	struct scene *scene = owner;

	scene->changes++;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	const struct socket_mark_owner owner = { set_socket, each, changed, scene };

	assert_non_null(scene);
	the_scene = scene;
	log_set_level(LOG_OFF);
	assert_int_equal(loop_open_simulated(&scene->loop, 1), 0);
	assert_int_equal(device_table_create(&scene->table, scene->loop, &backend, &scene->device_owner), 0);
	assert_int_equal(socket_mark_create(&scene->mark, scene->table, &owner), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	socket_mark_destroy(scene->mark);
	device_table_destroy(scene->table);
	loop_close(scene->loop);
	free(scene);
	return 0;
}

/* Another device with a mark. */
static void add(struct scene *scene, size_t i, uint32_t mark, uint8_t bits)
{
	static const char *const names[DEVICES] = { "wg0", "wg1", "wg2" };

	scene->devices[i].name = names[i];
	scene->devices[i].mark = mark;
	scene->devices[i].bits = bits;
	assert_int_equal(device_know(scene->table, names[i]), 0);
}

static void update(struct scene *scene)
{
	device_table_read_marks(scene->table);
	socket_mark_update(scene->mark);
}

static void check_marks(const struct scene *scene, uint32_t expected)
{
	for (size_t i = 0; i < SOCKETS; i++)
		assert_int_equal(scene->sockets[i], expected);
	assert_int_equal(socket_mark_value(scene->mark), expected);
}

/* Without a mark nothing is set, as that could be refused. What stays as it is is not set again. */
static void test_follows(void **state)
{
	static const struct {
		uint32_t mark;
		unsigned settings, changes;
	} steps[] = { { 0, 0, 0 }, { 0xca6c, 2, 1 }, { 0xca6c, 2, 1 }, { 7, 4, 2 }, { 0, 6, 3 } };
	struct scene *scene = *state;

	add(scene, 0, 0, 24);
	for (size_t i = 0; i < FIXTURE_COUNT(steps); i++) {
		scene->devices[0].mark = steps[i].mark;
		update(scene);
		check_marks(scene, steps[i].mark);
		assert_int_equal(scene->settings, steps[i].settings);
		assert_int_equal(scene->changes, steps[i].changes);
	}
}

/* A device that cannot be read keeps its mark: without it our packets would go into its tunnel. */
static void test_unreadable(void **state)
{
	struct scene *scene = *state;

	add(scene, 0, 5, 0);
	update(scene);
	scene->devices[0].is_gone = true;
	scene->devices[0].mark = 6;
	update(scene);
	check_marks(scene, 5);
	scene->devices[0].is_gone = false;
	update(scene);
	check_marks(scene, 6);
}

/* A full tunnel, or its halves, before others; then the order of the configuration. */
static void test_several(void **state)
{
	static const struct {
		uint32_t marks[DEVICES];
		uint8_t bits[DEVICES];
		uint32_t expected;
	} cases[] = {
		{ { 0, 0, 0 }, { 0, 0, 0 }, 0 },    { { 0, 5, 0 }, { 0, 24, 0 }, 5 },
		{ { 5, 5, 5 }, { 24, 24, 24 }, 5 }, { { 5, 6, 0 }, { 24, 24, 24 }, 5 },
		{ { 5, 6, 0 }, { 24, 0, 24 }, 6 },  { { 5, 6, 7 }, { 24, 1, 0 }, 6 },
		{ { 5, 0, 7 }, { 2, 0, 1 }, 7 },
	};
	struct scene *scene = *state;

	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		for (size_t d = 0; d < DEVICES; d++)
			add(scene, d, cases[i].marks[d], cases[i].bits[d]);
		update(scene);
		check_marks(scene, cases[i].expected);
	}
}

static void test_setting(void **state)
{
	struct scene *scene = *state;
	struct config_fwmark setting = { .is_fixed = true, .mark = 9 };

	add(scene, 0, 5, 0);
	device_table_read_marks(scene->table);
	socket_mark_configure(scene->mark, &setting);
	check_marks(scene, 9);
	update(scene);
	check_marks(scene, 9);
	setting.mark = 0;
	socket_mark_configure(scene->mark, &setting);
	check_marks(scene, 0);
	setting.is_fixed = false;
	socket_mark_configure(scene->mark, &setting);
	check_marks(scene, 5);
}

/* A socket that is opened later has the mark, too; and loses one that its number had before. */
static void test_new_socket(void **state)
{
	struct scene *scene = *state;

	socket_mark_apply(scene->mark, 0);
	assert_int_equal(scene->settings, 0);
	add(scene, 0, 5, 0);
	update(scene);
	scene->sockets[0] = 0;
	socket_mark_apply(scene->mark, 0);
	assert_int_equal(scene->sockets[0], 5);
	scene->devices[0].mark = 0;
	update(scene);
	scene->sockets[0] = 5;
	socket_mark_apply(scene->mark, 0);
	assert_int_equal(scene->sockets[0], 0);
}

/* A mark that cannot be set is noted, and tried again for another one. */
static void test_refused(void **state)
{
	struct scene *scene = *state;

	scene->is_closed[1] = true;
	add(scene, 0, 5, 0);
	update(scene);
	assert_int_equal(socket_mark_problem(scene->mark), -EBADF);
	assert_int_equal(scene->sockets[0], 5);
	scene->is_closed[1] = false;
	scene->devices[0].mark = 6;
	update(scene);
	assert_int_equal(socket_mark_problem(scene->mark), 0);
	check_marks(scene, 6);
}

/* Without the capability no socket has a mark, and none has to be taken away. */
static void test_not_permitted(void **state)
{
	struct scene *scene = *state;

	scene->refusal = -EPERM;
	add(scene, 0, 5, 0);
	update(scene);
	assert_int_equal(socket_mark_problem(scene->mark), -EPERM);
	assert_int_equal(socket_mark_value(scene->mark), 5);
	scene->devices[0].mark = 0;
	update(scene);
	assert_int_equal(socket_mark_problem(scene->mark), 0);
	assert_int_equal(scene->settings, SOCKETS);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_follows),    TEST(test_unreadable), TEST(test_several),       TEST(test_setting),
		TEST(test_new_socket), TEST(test_refused),    TEST(test_not_permitted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

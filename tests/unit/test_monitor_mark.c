#include "wireguard_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/monitor_parts.h"
#include "system/log.h"
#include "system/secret_memory.h"

#define SOCKETS 2

/* Two listeners with a socket each, and some devices. */
struct scene {
	struct monitor monitor;
	int sockets[SOCKETS];
	size_t socket_count;
};

static uint32_t mark_of(int fd)
{
	socklen_t length = sizeof(uint32_t);
	uint32_t mark = 0;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_MARK, &mark, &length), 0);
	return mark;
}

static void check_marks(const struct scene *scene, uint32_t expected)
{
	for (size_t i = 0; i < SOCKETS; i++)
		assert_int_equal(mark_of(scene->sockets[i]), expected);
}

static void note_socket(void *owner, const struct listeners_socket *socket)
{
	struct scene *scene = owner;

	assert_true(scene->socket_count < SOCKETS);
	scene->sockets[scene->socket_count++] = socket->fd;
}

/* Devices that are as they are told. */
static struct {
	const char *name;
	uint32_t mark;
	uint8_t bits; /* of the prefix of its peer */
} devices[3];

static int get(struct wireguard_device *device, const char *name)
{
	size_t i = 0;

	while (strcmp(devices[i].name, name) != 0)
		i++;
	memset(device, 0, sizeof *device);
	device->fwmark = devices[i].mark;
	device->peers = secret_memory_allocate(NULL, sizeof *device->peers);
	assert_non_null(device->peers);
	device->peer_count = 1;
	device->peers->allowed_ips = calloc(1, sizeof *device->peers->allowed_ips);
	assert_non_null(device->peers->allowed_ips);
	*device->peers->allowed_ips = ip_of("0.0.0.0", devices[i].bits);
	device->peers->allowed_ip_count = 1;
	return 0;
}

static const struct wireguard_backend backend = { .get = get };

static int set_up(void **state)
{
	static const struct resolver_pool_owner nobody;
	static char first[] = "127.0.0.1:0";
	static char second[] = "127.0.0.2:0";
	static char *words[SOCKETS] = { first, second };
	const struct string_list listen = { .words = words, .count = SOCKETS };
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	assert_int_equal(loop_open_simulated(&scene->monitor.loop, 1), 0);
	assert_int_equal(device_table_create(&scene->monitor.deliveries.devices, scene->monitor.loop,
	                                     &backend, &scene->monitor.device_owner),
	                 0);
	assert_int_equal(resolver_pool_create(&scene->monitor.resolvers, scene->monitor.loop, &nobody), 0);
	scene->monitor.config.listen = listen;
	assert_int_equal(monitor_listen_start(&scene->monitor), 0);
	listeners_each(scene->monitor.listeners, note_socket, scene);
	assert_int_equal(scene->socket_count, SOCKETS);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	listeners_destroy(scene->monitor.listeners);
	device_table_destroy(scene->monitor.deliveries.devices);
	resolver_pool_destroy(scene->monitor.resolvers);
	loop_close(scene->monitor.loop);
	free(scene);
	return 0;
}

static void need_capability(const struct scene *scene)
{
	static const uint32_t one = 1;
	static const uint32_t none = 0;
	int fd = scene->sockets[0];

	if (setsockopt(fd, SOL_SOCKET, SO_MARK, &one, sizeof one) != 0)
		skip();
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_MARK, &none, sizeof none), 0);
}

/* Another device with a mark. */
static void add(struct scene *scene, size_t i, uint32_t mark, uint8_t bits)
{
	static const char *const names[] = { "wg0", "wg1", "wg2" };

	devices[i].name = names[i];
	devices[i].mark = mark;
	devices[i].bits = bits;
	assert_int_equal(device_know(scene->monitor.deliveries.devices, names[i]), 0);
}

static void update(struct scene *scene)
{
	device_table_read_marks(scene->monitor.deliveries.devices);
	monitor_mark_update(&scene->monitor);
}

static void test_follows(void **state)
{
	struct scene *scene = *state;

	need_capability(scene);
	add(scene, 0, 0, 24);
	update(scene);
	check_marks(scene, 0);
	devices[0].mark = 0xca6c;
	update(scene);
	check_marks(scene, 0xca6c);
	devices[0].mark = 7;
	update(scene);
	check_marks(scene, 7);
	devices[0].mark = 0;
	update(scene);
	check_marks(scene, 0);
}

/* A full tunnel, or its halves, before others; then the order of the configuration. */
static void test_several(void **state)
{
	static const struct {
		uint32_t marks[3];
		uint8_t bits[3];
		uint32_t expected;
		uint32_t conflict;
	} cases[] = {
		{ { 0, 0, 0 }, { 0, 0, 0 }, 0, 0 },    { { 0, 5, 0 }, { 0, 24, 0 }, 5, 0 },
		{ { 5, 5, 5 }, { 24, 24, 24 }, 5, 0 }, { { 5, 6, 0 }, { 24, 24, 24 }, 5, 6 },
		{ { 5, 6, 0 }, { 24, 0, 24 }, 6, 5 },  { { 5, 6, 7 }, { 24, 1, 0 }, 6, 5 },
		{ { 5, 0, 7 }, { 2, 0, 1 }, 7, 5 },
	};
	struct scene *scene = *state;

	need_capability(scene);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		for (size_t d = 0; d < 3; d++)
			add(scene, d, cases[i].marks[d], cases[i].bits[d]);
		update(scene);
		check_marks(scene, cases[i].expected);
		assert_int_equal(scene->monitor.mark_conflict, cases[i].conflict);
		scene->monitor.mark_conflict = 0;
	}
}

static void test_setting(void **state)
{
	struct scene *scene = *state;

	need_capability(scene);
	add(scene, 0, 5, 0);
	scene->monitor.config.fwmark = (struct config_fwmark){ .is_fixed = true, .mark = 9 };
	update(scene);
	check_marks(scene, 9);
	scene->monitor.config.fwmark.mark = 0;
	update(scene);
	check_marks(scene, 0);
	scene->monitor.config.fwmark.is_fixed = false;
	update(scene);
	check_marks(scene, 5);
}

/* A socket that is opened later has the mark, too. */
static void test_new_socket(void **state)
{
	struct scene *scene = *state;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	need_capability(scene);
	monitor_mark_socket(&scene->monitor, fd);
	assert_int_equal(mark_of(fd), 0);
	add(scene, 0, 5, 0);
	update(scene);
	monitor_mark_socket(&scene->monitor, fd);
	assert_int_equal(mark_of(fd), 5);
	(void)close(fd);
}

/* A mark that cannot be set is noted, and tried again for another one. */
static void test_refused(void **state)
{
	struct scene *scene = *state;
	int fd = scene->sockets[0];

	need_capability(scene);
	(void)close(scene->sockets[1]);
	add(scene, 0, 5, 0);
	update(scene);
	assert_int_equal(scene->monitor.mark_problem, -EBADF);
	assert_int_equal(mark_of(fd), 5);
	assert_int_equal(dup3(scene->sockets[0], scene->sockets[1], O_CLOEXEC), scene->sockets[1]);
	devices[0].mark = 6;
	update(scene);
	assert_int_equal(scene->monitor.mark_problem, 0);
	check_marks(scene, 6);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_follows),    TEST(test_several), TEST(test_setting),
		TEST(test_new_socket), TEST(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* The sockets of `listen`, on their way to an engine process that this test plays. */

#include "fixture.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "monitor/ports.h"
#include "system/clock.h"
#include "system/log.h"

#define SLOTS 8

struct engines {
	bool has[SLOTS];
	unsigned added, dropped, changed;
};

void engines_add_socket(const struct engines *engines, uint32_t slot, int fd)
{
	struct engines *seen = (struct engines *)(uintptr_t)engines;
	int type;
	socklen_t length = sizeof type;

	assert_in_range(slot, 0, SLOTS - 1);
	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length), 0);
	assert_int_equal(type, SOCK_DGRAM);
	seen->has[slot] = true;
	seen->added++;
}

void engines_drop_socket(const struct engines *engines, uint32_t slot)
{
	struct engines *seen = (struct engines *)(uintptr_t)engines;

	assert_true(seen->has[slot]);
	seen->has[slot] = false;
	seen->dropped++;
}

void engines_network_changed(const struct engines *engines)
{
	((struct engines *)(uintptr_t)engines)->changed++;
}

/* --- the scene ------------------------------------------------------------------------------------- */

struct scene {
	struct engines engines;
	struct loop *loop;
	struct resolver_pool *pool;
	struct device_table *devices;
	struct device_owner device_owner;
	struct ports *ports;
};

static int start(void *owner, struct resolver_job *job, const char *text)
{
	(void)owner;
	(void)job;
	(void)text;
	return -ENOMEM;
}

static void ended(void *owner)
{
	(void)owner;
}

static int set_up(void **state)
{
	const struct resolver_pool_owner owner = { .start = start, .ended = ended };
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	assert_int_equal(loop_open_simulated(&scene->loop, clock_now_ns()), 0);
	assert_int_equal(resolver_pool_create(&scene->pool, scene->loop, &owner), 0);
	assert_int_equal(device_table_create(&scene->devices, scene->loop, &wireguard_backend_system,
	                                     &scene->device_owner),
	                 0);
	assert_int_equal(ports_create(&scene->ports, scene->pool, scene->devices, &scene->engines), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	ports_destroy(scene->ports);
	device_table_destroy(scene->devices);
	resolver_pool_destroy(scene->pool);
	loop_close(scene->loop);
	free(scene);
	return 0;
}

static void open_two(struct scene *scene)
{
	char first[] = "127.0.0.1:0";
	char second[] = "127.0.0.2:0";
	char *words[] = { first, second };
	const struct string_list listen = { .words = words, .count = 2 };

	assert_int_equal(ports_open(scene->ports, &listen), 0);
	assert_int_equal(scene->engines.added, 2);
}

/* Each socket is handed over when it is opened, to a new engine process again, and taken back at the end. */
static void test_sockets(void **state)
{
	struct scene *scene = *state;
	char word[] = "127.0.0.3:0";
	char *words[] = { word };
	const struct string_list listen = { .words = words, .count = 1 };
	struct listeners_change *change;
	char problem[LISTENERS_PROBLEM_BYTES];

	open_two(scene);
	ports_announce(scene->ports);
	assert_int_equal(scene->engines.added, 4);
	assert_int_equal(scene->engines.dropped, 0);
	assert_int_equal(listeners_stage(ports_listeners(scene->ports), &listen, &change, problem), 0);
	listeners_apply(ports_listeners(scene->ports), change);
	assert_int_equal(scene->engines.added, 5);
	assert_int_equal(scene->engines.dropped, 2);
}

static void test_taken(void **state)
{
	struct scene *scene = *state;
	struct sockaddr_in taken = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t length = sizeof taken;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char word[32];
	char *words[] = { word };
	const struct string_list listen = { .words = words, .count = 1 };

	assert_int_equal(bind(fd, (const struct sockaddr *)&taken, sizeof taken), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&taken, &length), 0);
	(void)snprintf(word, sizeof word, "127.0.0.1:%u", ntohs(taken.sin_port));
	assert_int_equal(ports_open(scene->ports, &listen), -1);
	assert_int_equal(scene->engines.added, 0);
	(void)close(fd);
}

/* Another mark is given to each open socket, and the engine process sends again. */
static void test_mark(void **state)
{
	const struct config_fwmark fwmark = { .is_fixed = true, .mark = 7 };
	struct scene *scene = *state;

	open_two(scene);
	assert_int_equal(scene->engines.changed, 0);
	socket_mark_configure(ports_mark(scene->ports), &fwmark);
	assert_int_equal(scene->engines.changed, 1);
	assert_int_equal(socket_mark_value(ports_mark(scene->ports)), 7);
	/* Only root may set a mark: either way each socket was tried. */
	assert_true(socket_mark_problem(ports_mark(scene->ports)) == 0 ||
	            socket_mark_problem(ports_mark(scene->ports)) == -EPERM);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_sockets, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_mark, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

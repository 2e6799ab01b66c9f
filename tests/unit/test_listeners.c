/* The sockets of `listen`: what is opened, kept, waited for and refused. */

#include "pool_fixture.h"

#include <dirent.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "monitor/listeners.h"
#include "system/log.h"
#include "system/sockets.h"

#define WORDS_MAX 40
#define WORD_BYTES 32
#define HURRY_NS (FIXTURE_SECOND_NS / 20)

struct scene {
	struct pool_scene *pool;
	struct listeners *listeners;
	int fds[SOCKETS_MAX]; /* by slot: what is open; -1: nothing */
	size_t opened, closed;
	char problem[LISTENERS_PROBLEM_BYTES];
};

static void opened(void *owner, const struct listeners_socket *socket)
{
	struct scene *scene = owner;

	assert_true(socket->slot < SOCKETS_MAX);
	assert_int_equal(scene->fds[socket->slot], -1);
	scene->fds[socket->slot] = socket->fd;
	scene->opened++;
}

static void closed(void *owner, uint32_t slot)
{
	struct scene *scene = owner;

	assert_true(slot < SOCKETS_MAX && scene->fds[slot] >= 0);
	scene->fds[slot] = -1;
	scene->closed++;
}

static int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);
	const struct listeners_owner owner = { .opened = opened, .closed = closed, .owner = scene };
	void *pool;

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	assert_int_equal(pool_scene_open(&pool), 0);
	scene->pool = pool;
	for (size_t i = 0; i < SOCKETS_MAX; i++)
		scene->fds[i] = -1;
	assert_int_equal(listeners_create(&scene->listeners, scene->pool->pool, &owner), 0);
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;
	void *pool = scene->pool;

	listeners_destroy(scene->listeners);
	listeners_destroy(NULL);
	free(scene);
	return pool_scene_close(&pool);
}

/* Fills the words with formats of a port; NULL ends them. */
static int stage_words(struct scene *scene, struct listeners_change **change, const char *const *list)
{
	static char texts[WORDS_MAX][WORD_BYTES];
	static char *words[WORDS_MAX];
	struct string_list given = { .words = words, .count = 0 };

	for (; list[given.count] != NULL; given.count++) {
		(void)snprintf(texts[given.count], WORD_BYTES, "%s", list[given.count]);
		words[given.count] = texts[given.count];
	}
	scene->problem[0] = '\0';
	return listeners_stage(scene->listeners, &given, change, scene->problem);
}

static void change_to(struct scene *scene, const char *const *list)
{
	struct listeners_change *change;

	assert_int_equal(stage_words(scene, &change, list), 0);
	listeners_apply(scene->listeners, change);
}

/* Refused with these words, which begin with the listener's. */
static void check_refused(struct scene *scene, const char *const *list, const char *problem)
{
	struct listeners_change *change;
	size_t opened_before = scene->opened;
	size_t closed_before = scene->closed;

	assert_int_equal(stage_words(scene, &change, list), -1);
	assert_null(change);
	assert_string_equal(scene->problem, problem);
	assert_int_equal(scene->opened, opened_before);
	assert_int_equal(scene->closed, closed_before);
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })

static bool is_open(const struct scene *scene, size_t number)
{
	struct listener_status status;

	listeners_describe(scene->listeners, number, &status);
	return status.is_open;
}

static const char *error_of(const struct scene *scene, size_t number)
{
	struct listener_status status;

	listeners_describe(scene->listeners, number, &status);
	return status.error;
}

static void check_bound(int fd, const char *expected)
{
	union address_socket bound = { 0 };
	socklen_t length = sizeof bound;
	char text[ADDRESS_TEXT_BYTES];

	assert_int_equal(getsockname(fd, &bound.any, &length), 0);
	address_format(text, &bound);
	assert_string_equal(text, expected);
}

/* A port of 127.0.0.1 that is taken as long as *fd is open, and free after it has been closed. */
static uint16_t take_port(int *fd)
{
	union address_socket address = { .v4 = { .sin_family = AF_INET } };
	socklen_t length = sizeof address;

	*fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_true(*fd >= 0);
	assert_int_equal(bind(*fd, &address.any, sizeof address.v4), 0);
	assert_int_equal(getsockname(*fd, &address.any, &length), 0);
	return ntohs(address.v4.sin_port);
}

static uint16_t free_port(void)
{
	int fd;
	uint16_t port = take_port(&fd);

	(void)close(fd);
	return port;
}

static const char *at(const char *host, uint16_t port)
{
	static char texts[16][WORD_BYTES];
	static size_t next;
	char *text = texts[next++ % FIXTURE_COUNT(texts)];

	(void)snprintf(text, WORD_BYTES, "%s:%u", host, port);
	return text;
}

static size_t count_descriptors(void)
{
	DIR *folder = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(folder);
	while (readdir(folder) != NULL)
		count++;
	(void)closedir(folder);
	return count;
}

static bool has_ipv6(void)
{
	union address_socket any = { .v6 = { .sin6_family = AF_INET6 } };
	int fd;
	int result = sockets_open(&any, &fd);

	if (result == 0)
		(void)close(fd);
	return result == 0;
}

struct record {
	size_t count;
	uint32_t slots; /* bits */
};

static void note(void *context, const struct listeners_socket *socket)
{
	struct record *record = context;

	record->count++;
	record->slots |= 1U << socket->slot;
}

/* Sockets of addresses that stay are the same as before; slots are given again. */
static void test_slots(void **state)
{
	struct scene *scene = *state;
	const char *a = at("127.0.0.1", free_port());
	const char *b = at("127.0.0.2", free_port());
	const char *c = at("127.0.0.3", free_port());
	const char *d = at("127.0.0.4", free_port());
	struct record record = { 0 };
	struct listener_status status;
	int first, third;

	change_to(scene, LIST(a, b, c));
	assert_int_equal(scene->opened, 3);
	first = scene->fds[0];
	third = scene->fds[2];
	change_to(scene, LIST(d, c, a));
	assert_int_equal(scene->opened, 4);
	assert_int_equal(scene->closed, 1);
	assert_int_equal(scene->fds[0], first);
	assert_int_equal(scene->fds[2], third);
	check_bound(scene->fds[0], a);
	check_bound(scene->fds[1], d);
	check_bound(scene->fds[2], c);
	assert_int_equal(listeners_count(scene->listeners), 3);
	listeners_describe(scene->listeners, 0, &status);
	assert_string_equal(status.configured, d);
	assert_true(status.is_open);
	assert_null(status.error);
	listeners_each(scene->listeners, note, &record);
	assert_int_equal(record.count, 3);
	assert_int_equal(record.slots, 7);
	/* Nothing is different. */
	change_to(scene, LIST(a, c, d));
	assert_int_equal(scene->opened, 4);
	assert_int_equal(scene->closed, 1);
}

/* As many as there are slots; those that will be closed do not count. */
static void test_too_many(void **state)
{
	struct scene *scene = *state;
	static char texts[2][SOCKETS_MAX + 1][WORD_BYTES];
	const char *words[SOCKETS_MAX + 2] = { NULL };
	char problem[128];

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i <= SOCKETS_MAX; i++) {
			(void)snprintf(texts[round][i], WORD_BYTES, "127.0.%d.%zu:%u", round, i + 1,
			               free_port());
			words[i] = texts[round][i];
		}
		words[SOCKETS_MAX] = NULL;
		change_to(scene, words);
		assert_int_equal(scene->opened, (size_t)(round + 1) * SOCKETS_MAX);
		assert_int_equal(scene->closed, (size_t)round * SOCKETS_MAX);
	}
	words[SOCKETS_MAX] = texts[1][SOCKETS_MAX];
	(void)snprintf(problem, sizeof problem, "listen \"%s\": %s", words[SOCKETS_MAX], strerror(EMFILE));
	check_refused(scene, words, problem);
}

/* At the start, and later, when everything stays as it was. */
static void test_taken(void **state)
{
	struct scene *scene = *state;
	int holder;
	const char *taken = at("127.0.0.1", take_port(&holder));
	const char *a = at("127.0.0.1", free_port());
	const char *b = at("127.0.0.2", free_port());
	struct listeners_change *change;
	char problem[128];
	size_t descriptors;
	int fd;

	(void)snprintf(problem, sizeof problem, "listen \"%s\": Address already in use", taken);
	check_refused(scene, LIST(taken), problem);
	assert_int_equal(listeners_count(scene->listeners), 0);
	change_to(scene, LIST(a));
	fd = scene->fds[0];
	descriptors = count_descriptors();
	check_refused(scene, LIST(b, taken, a), problem);
	check_refused(scene, LIST(taken), problem);
	assert_int_equal(count_descriptors(), descriptors);
	assert_int_equal(listeners_count(scene->listeners), 1);
	assert_true(is_open(scene, 0));
	check_bound(fd, a);
	/* What was staged is given up. */
	assert_int_equal(stage_words(scene, &change, LIST(b, a)), 0);
	assert_int_equal(count_descriptors(), descriptors + 1);
	listeners_discard(scene->listeners, change);
	listeners_discard(scene->listeners, NULL);
	assert_int_equal(count_descriptors(), descriptors);
	/* What was kept then is closed now. */
	(void)close(holder);
	change_to(scene, LIST(taken));
	assert_int_equal(scene->closed, 1);
	assert_int_equal(scene->opened, 2);
	check_bound(scene->fds[0], taken);
}

/* An address that one of our own sockets has, also as long as the engine process has not closed it. */
static void test_own_place(void **state)
{
	struct scene *scene = *state;
	uint16_t port = free_port();
	const char *one = at("127.0.0.1", port);
	const char *any = at("0.0.0.0", port);
	char problem[128];
	int engine;

	change_to(scene, LIST(one));
	/* It stays, so there is no place for the other. */
	(void)snprintf(problem, sizeof problem, "listen \"%s\": Address already in use", any);
	check_refused(scene, LIST(one, any), problem);
	engine = dup(scene->fds[0]);
	change_to(scene, LIST(any));
	assert_int_equal(scene->closed, 1);
	assert_int_equal(scene->opened, 1);
	loop_advance(scene->pool->loop, 10 * HURRY_NS);
	assert_false(is_open(scene, 0));
	assert_null(error_of(scene, 0));
	(void)close(engine);
	loop_advance(scene->pool->loop, HURRY_NS);
	assert_true(is_open(scene, 0));
	check_bound(scene->fds[0], any);
	/* And back; this time somebody keeps it. */
	engine = dup(scene->fds[0]);
	change_to(scene, LIST(one));
	loop_advance(scene->pool->loop, 4 * FIXTURE_SECOND_NS);
	assert_false(is_open(scene, 0));
	assert_string_equal(error_of(scene, 0), "Address already in use");
	(void)close(engine);
	loop_advance(scene->pool->loop, 8 * FIXTURE_SECOND_NS);
	assert_true(is_open(scene, 0));
	assert_null(error_of(scene, 0));
	/* An address of another port is nobody's business. */
	change_to(scene, LIST(one, at("127.0.0.1", free_port())));
	assert_int_equal(scene->closed, 2);
}

static void test_both_families(void **state)
{
	struct scene *scene = *state;
	int holder;
	uint16_t port = free_port();
	const char *v4 = at("0.0.0.0", port);
	const char *v6 = at("[::]", port);
	const char *other;
	int engine;

	if (!has_ipv6())
		skip();
	/* [::] takes the other one along. */
	change_to(scene, LIST(v6));
	assert_int_equal(scene->opened, 2);
	check_bound(scene->fds[0], v6);
	check_bound(scene->fds[1], v4);
	/* Which is there already, then. */
	change_to(scene, LIST(v4, v6));
	assert_int_equal(scene->opened, 2);
	assert_true(is_open(scene, 0));
	/* It goes with [::], and comes back by itself. */
	engine = dup(scene->fds[1]);
	change_to(scene, LIST(v4));
	assert_int_equal(scene->closed, 2);
	assert_false(is_open(scene, 0));
	(void)close(engine);
	loop_advance(scene->pool->loop, HURRY_NS);
	assert_int_equal(scene->opened, 3);
	check_bound(scene->fds[0], v4);
	/* From IPv4 to both: neither is opened without the other. */
	engine = dup(scene->fds[0]);
	change_to(scene, LIST(v6));
	loop_advance(scene->pool->loop, 2 * HURRY_NS);
	assert_int_equal(scene->opened, 3);
	(void)close(engine);
	loop_advance(scene->pool->loop, HURRY_NS);
	assert_int_equal(scene->opened, 5);
	/* IPv4 is somebody else's: IPv6 alone. */
	other = at("[::]", take_port(&holder));
	change_to(scene, LIST(other));
	assert_int_equal(scene->opened, 6);
	assert_true(is_open(scene, 0));
	(void)close(holder);
}

/* Without any address. */
static void test_anywhere(void **state)
{
	struct scene *scene = *state;
	size_t families = has_ipv6() ? 2 : 1;
	struct listener_status status;

	change_to(scene, LIST(NULL));
	assert_int_equal(listeners_count(scene->listeners), 2);
	assert_int_equal(scene->opened, families);
	listeners_describe(scene->listeners, 1, &status);
	assert_string_equal(status.configured, "0.0.0.0:0");
	assert_true(status.is_open);
	assert_int_not_equal(status.address.v4.sin_port, 0);
	/* They stay. */
	change_to(scene, LIST(NULL));
	assert_int_equal(scene->opened, families);
	change_to(scene, LIST(at("127.0.0.1", free_port())));
	assert_int_equal(scene->closed, families);
}

/* A name that leads to an address of another machine, to a taken port, and then to ours. */
static void test_name(void **state)
{
	struct scene *scene = *state;
	struct pool_scene *pool = scene->pool;
	int holder;
	uint16_t port = take_port(&holder);
	const char *name = at("a.test", port);

	pool->port = port;
	change_to(scene, LIST(name));
	pool_scene_settle(pool);
	assert_int_equal(pool->started, 1);
	assert_false(is_open(scene, 0));
	assert_null(error_of(scene, 0));
	pool_scene_answer(pool, 0, 0, "no such name");
	assert_string_equal(error_of(scene, 0), "no such name");
	loop_advance(pool->loop, FIXTURE_SECOND_NS);
	pool_scene_settle(pool);
	assert_int_equal(pool->started, 2);
	pool_scene_answer(pool, 1, 1, NULL);
	assert_string_equal(error_of(scene, 0), strerror(EADDRNOTAVAIL));
	/* Such a listener stays as it is. */
	change_to(scene, LIST(name));
	listeners_refresh(scene->listeners);
	pool_scene_settle(pool);
	assert_int_equal(pool->started, 3);
	pool->network = 0x7f000000U;
	pool_scene_answer(pool, 2, 1, NULL);
	assert_string_equal(error_of(scene, 0), "Address already in use");
	assert_int_equal(scene->opened, 0);
	/* Tried again without being resolved. */
	(void)close(holder);
	loop_advance(pool->loop, FIXTURE_SECOND_NS);
	assert_int_equal(pool->started, 3);
	assert_true(is_open(scene, 0));
	assert_null(error_of(scene, 0));
	assert_int_equal(scene->opened, 1);
	/* Nobody needs the name any more. */
	listeners_refresh(scene->listeners);
	loop_advance(pool->loop, 3600 * FIXTURE_SECOND_NS);
	assert_int_equal(pool->started, 3);
	assert_int_equal(scene->opened, 1);
}

/* A network of our own, whose interface gets its address late. */
static void test_late_address(void **state)
{
	struct scene *scene = *state;
	struct ifreq lo = { .ifr_name = "lo" };
	struct sockaddr_in ours = { .sin_family = AF_INET };
	const char *address = "10.9.9.9:9999";
	int fd;

	if (unshare(CLONE_NEWNET) != 0 && unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
		skip();
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	/* Without any address at all, every address may be bound. */
	lo.ifr_flags = IFF_UP;
	assert_int_equal(ioctl(fd, SIOCSIFFLAGS, &lo), 0);
	change_to(scene, LIST(address));
	assert_false(is_open(scene, 0));
	assert_string_equal(error_of(scene, 0), strerror(EADDRNOTAVAIL));
	loop_advance(scene->pool->loop, 60 * FIXTURE_SECOND_NS);
	assert_int_equal(scene->opened, 0);
	ours.sin_addr.s_addr = htonl(0x0a090909U);
	memcpy(&lo.ifr_addr, &ours, sizeof ours);
	assert_int_equal(ioctl(fd, SIOCSIFADDR, &lo), 0);
	(void)close(fd);
	/* The network has changed: at once. */
	listeners_refresh(scene->listeners);
	loop_advance(scene->pool->loop, 1);
	assert_true(is_open(scene, 0));
	assert_null(error_of(scene, 0));
	check_bound(scene->fds[0], address);
	/* By itself. */
	change_to(scene, LIST("192.0.2.1:9999"));
	assert_false(is_open(scene, 0));
	change_to(scene, LIST(address, "192.0.2.1:9999"));
	assert_true(is_open(scene, 0));
	assert_int_equal(scene->opened, 2);
	assert_int_equal(scene->closed, 1);
}

#define with_scene(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_scene(test_slots),
		with_scene(test_too_many),
		with_scene(test_taken),
		with_scene(test_own_place),
		with_scene(test_name),
		with_scene(test_anywhere),
		with_scene(test_both_families),
		/* The last, as it leaves us in another network. */
		with_scene(test_late_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#ifndef TESTS_UNIT_POOL_FIXTURE_H
#define TESTS_UNIT_POOL_FIXTURE_H

/* A pool of resolver "processes" that are pipes, which the test writes answers to, on a simulated loop. */

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "fixture.h"
#include "system/resolver_pool.h"

#define POOL_STARTS_MAX 2048

struct pool_scene {
	struct loop *loop;
	struct resolver_pool *pool;
	size_t started; /* so many in all */
	size_t failed;  /* so many could not be started */
	size_t ended;
	size_t running;
	int fails;        /* errno of the next starts; 0: none */
	uint32_t network; /* of the next answers */
	uint16_t port;    /* likewise */
	char texts[POOL_STARTS_MAX][32];
	int answers[POOL_STARTS_MAX]; /* where the answer is written to; -1: was written */
};

static inline int pool_scene_start(void *owner, struct resolver_job *job, const char *text)
{
	struct pool_scene *scene = owner;
	int ends[2];

	*job = (struct resolver_job){ .pid = 0, .fd = -1 };
	if (scene->fails != 0) {
		scene->failed++;
		return -scene->fails;
	}
	assert_true(scene->started < POOL_STARTS_MAX);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	(void)snprintf(scene->texts[scene->started], sizeof scene->texts[0], "%s", text);
	scene->answers[scene->started++] = ends[1];
	scene->running++;
	job->fd = ends[0];
	return 0;
}

static inline void pool_scene_ended(void *owner)
{
	struct pool_scene *scene = owner;

	scene->ended++;
	scene->running--;
}

static inline int pool_scene_open(void **state)
{
	struct pool_scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	scene->network = 0xc0000200U;
	scene->port = 9999;
	assert_int_equal(loop_open_simulated(&scene->loop, 1000 * FIXTURE_SECOND_NS), 0);
	assert_int_equal(resolver_pool_create(&scene->pool, scene->loop,
	                                      &(struct resolver_pool_owner){ .start = pool_scene_start,
	                                                                     .ended = pool_scene_ended,
	                                                                     .owner = scene }),
	                 0);
	*state = scene;
	return 0;
}

/* Every process that was started has ended. */
static inline int pool_scene_close(void **state)
{
	struct pool_scene *scene = *state;

	for (size_t i = 0; i < scene->started; i++) {
		if (scene->answers[i] >= 0)
			(void)close(scene->answers[i]);
	}
	resolver_pool_destroy(scene->pool);
	assert_int_equal(scene->running, 0);
	assert_int_equal(scene->ended, scene->started);
	loop_close(scene->loop);
	free(scene);
	return 0;
}

/* What is due by now. */
static inline void pool_scene_settle(struct pool_scene *scene)
{
	loop_advance(scene->loop, 1);
	loop_advance(scene->loop, 1);
}

/*
 * The i-th process answers 192.0.2.last:9999 (or another network and port), or that there is a problem, but
 * nobody has read it yet.
 */
static inline void pool_scene_write(struct pool_scene *scene, size_t i, uint8_t last, const char *problem)
{
	struct resolver_answer answer;

	memset(&answer, 0, sizeof answer);
	if (problem != NULL) {
		(void)snprintf(answer.problem, sizeof answer.problem, "%s", problem);
	} else {
		answer.count = 1;
		answer.addresses[0].v4 =
			(struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(scene->port) };
		answer.addresses[0].v4.sin_addr.s_addr = htonl(scene->network | last);
	}
	assert_true(i < scene->started);
	(void)!write(scene->answers[i], &answer, sizeof answer);
	(void)close(scene->answers[i]);
	scene->answers[i] = -1;
}

static inline void pool_scene_answer(struct pool_scene *scene, size_t i, uint8_t last, const char *problem)
{
	pool_scene_write(scene, i, last, problem);
	assert_int_equal(loop_turn(scene->loop), 0);
	pool_scene_settle(scene);
}

static inline uint8_t pool_scene_last_byte(const union address_socket *address)
{
	assert_int_equal(address->any.sa_family, AF_INET);
	return (uint8_t)ntohl(address->v4.sin_addr.s_addr);
}

#define with_pool(test) cmocka_unit_test_setup_teardown(test, pool_scene_open, pool_scene_close)

#endif

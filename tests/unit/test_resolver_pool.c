/* How many resolver processes there are, in which order they start, and how often. */

#include "pool_fixture.h"

#include <signal.h>
#include <sys/wait.h>

#include "system/clock.h"

struct client {
	struct pool_scene *scene;
	struct resolver_request request;
	char text[16];
	size_t answers;
	uint8_t last; /* byte of the address */
	char problem[RESOLVER_PROBLEM_BYTES];
	struct client *cancels;
};

static void answered(void *owner, const union address_socket *addresses, size_t count, const char *problem)
{
	struct client *client = owner;

	assert_false(client->request.is_queued);
	assert_false(client->request.is_running);
	assert_true((problem == NULL) == (count > 0));
	client->answers++;
	client->problem[0] = '\0';
	if (problem != NULL)
		(void)snprintf(client->problem, sizeof client->problem, "%s", problem);
	else
		client->last = pool_scene_last_byte(addresses);
	if (client->cancels != NULL)
		resolver_pool_cancel(client->scene->pool, &client->cancels->request);
}

static struct client *ask_all(struct pool_scene *scene, size_t count)
{
	struct client *clients = calloc(count, sizeof *clients);

	assert_non_null(clients);
	for (size_t i = 0; i < count; i++) {
		struct client *client = &clients[i];

		client->scene = scene;
		(void)snprintf(client->text, sizeof client->text, "%zu", i);
		client->request = (struct resolver_request){ .text = client->text,
			                                     .answered = answered,
			                                     .owner = client };
		resolver_pool_ask(scene->pool, &client->request);
	}
	return clients;
}

static void check_order(const struct pool_scene *scene, const size_t *numbers, size_t count)
{
	assert_int_equal(scene->started, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(atoi(scene->texts[i]), numbers[i]);
}

/* Nothing starts from within a call; then eight, and each that ends makes room for the next. */
static void test_eight(void **state)
{
	static const size_t in_order[20] = { 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,
		                             10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };
	/* In the order in which they end. */
	static const size_t ends[20] = {
		3, 7, 0, 8, 9, 1, 10, 2, 4, 5, 6, 11, 13, 12, 14, 19, 18, 17, 16, 15
	};
	struct pool_scene *scene = *state;
	struct client *clients = ask_all(scene, 20);

	assert_int_equal(scene->started, 0);
	pool_scene_settle(scene);
	assert_int_equal(scene->started, 8);
	loop_advance(scene->loop, 100 * FIXTURE_SECOND_NS);
	assert_int_equal(scene->started, 8);
	for (size_t i = 0; i < 20; i++) {
		pool_scene_answer(scene, ends[i], (uint8_t)(ends[i] + 1), i == 4 ? "no such name" : NULL);
		assert_int_equal(scene->started, i + 9 < 20 ? i + 9 : 20);
		assert_int_equal(clients[ends[i]].answers, 1);
		assert_int_equal(clients[ends[i]].last, i == 4 ? 0 : ends[i] + 1);
		assert_string_equal(clients[ends[i]].problem, i == 4 ? "no such name" : "");
	}
	check_order(scene, in_order, 20);
	for (size_t i = 0; i < 20; i++)
		assert_int_equal(clients[i].answers, 1);
	free(clients);
}

/* Answers that come in the same turn. */
static void test_together(void **state)
{
	struct pool_scene *scene = *state;
	struct client *clients = ask_all(scene, 16);

	pool_scene_settle(scene);
	for (size_t i = 0; i < 8; i++)
		pool_scene_write(scene, i, 1, NULL);
	assert_int_equal(loop_turn(scene->loop), 0);
	pool_scene_settle(scene);
	assert_int_equal(scene->started, 16);
	for (size_t i = 8; i < 16; i++)
		pool_scene_answer(scene, i, 1, NULL);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(clients[i].answers, 1);
	free(clients);
}

/* Of the queue the first, the last and one between; one that runs; all that is left. */
static void test_cancel(void **state)
{
	static const size_t left[] = { 0, 1, 2, 3, 4, 5, 6, 7, 9, 11, 12 };
	struct pool_scene *scene = *state;
	struct client *clients = ask_all(scene, 14);

	pool_scene_settle(scene);
	resolver_pool_cancel(scene->pool, &clients[8].request);
	resolver_pool_cancel(scene->pool, &clients[13].request);
	resolver_pool_cancel(scene->pool, &clients[10].request);
	/* A second time is nothing. */
	resolver_pool_cancel(scene->pool, &clients[10].request);
	assert_int_equal(scene->ended, 0);
	/* Its answer is there already. */
	pool_scene_write(scene, 5, 1, NULL);
	resolver_pool_cancel(scene->pool, &clients[5].request);
	assert_false(clients[5].request.is_running);
	/* The owner is not called from within a call. */
	assert_int_equal(scene->ended, 0);
	assert_int_equal(loop_turn(scene->loop), 0);
	pool_scene_settle(scene);
	assert_int_equal(scene->ended, 1);
	assert_int_equal(scene->started, 9);
	pool_scene_answer(scene, 0, 1, NULL);
	pool_scene_answer(scene, 1, 1, NULL);
	check_order(scene, left, 11);
	for (size_t i = 0; i < 14; i++) {
		resolver_pool_cancel(scene->pool, &clients[i].request);
		assert_int_equal(clients[i].answers, i < 2 ? 1 : 0);
	}
	pool_scene_settle(scene);
	assert_int_equal(scene->ended, 11);
	/* All places are free again. */
	free(clients);
	clients = ask_all(scene, 8);
	pool_scene_settle(scene);
	assert_int_equal(scene->started, 19);
	for (size_t i = 0; i < 8; i++)
		resolver_pool_cancel(scene->pool, &clients[i].request);
	free(clients);
}

/* An answer makes somebody cancel one whose answer came in the same turn, and one of the queue. */
static void test_cancel_within(void **state)
{
	struct pool_scene *scene = *state;
	struct client *clients = ask_all(scene, 9);

	clients[0].cancels = &clients[1];
	clients[2].cancels = &clients[8];
	pool_scene_settle(scene);
	for (size_t i = 0; i < 8; i++)
		pool_scene_write(scene, i, 1, NULL);
	assert_int_equal(loop_turn(scene->loop), 0);
	pool_scene_settle(scene);
	assert_int_equal(scene->started, 8);
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(clients[i].answers, i == 1 || i == 8 ? 0 : 1);
	free(clients);
}

/* Answers each process at once, until none is started any more. */
static void answer_all(struct pool_scene *scene)
{
	size_t next = scene->ended;

	pool_scene_settle(scene);
	for (; next < scene->started; next++)
		pool_scene_answer(scene, next, 1, NULL);
}

/* As many as a burst has; then a certain number per second; after a long rest not more than a burst. */
static void test_rate(void **state)
{
	const size_t many = RESOLVER_POOL_BURST + 3 * RESOLVER_POOL_PER_SECOND;
	struct pool_scene *scene = *state;
	struct client *clients = ask_all(scene, many);

	answer_all(scene);
	assert_int_equal(scene->started, RESOLVER_POOL_BURST);
	for (size_t second = 1; second <= 3; second++) {
		for (size_t i = 0; i < 100; i++) {
			loop_advance(scene->loop, FIXTURE_SECOND_NS / 100);
			answer_all(scene);
		}
		assert_int_equal(scene->started, RESOLVER_POOL_BURST + second * RESOLVER_POOL_PER_SECOND);
	}
	free(clients);
	loop_advance(scene->loop, 3600 * FIXTURE_SECOND_NS);
	clients = ask_all(scene, RESOLVER_POOL_BURST + 1);
	answer_all(scene);
	assert_int_equal(scene->started, many + RESOLVER_POOL_BURST);
	resolver_pool_cancel(scene->pool, &clients[RESOLVER_POOL_BURST].request);
	/* One that was cancelled makes nobody start anything. */
	loop_advance(scene->loop, 3600 * FIXTURE_SECOND_NS);
	assert_int_equal(scene->started, many + RESOLVER_POOL_BURST);
	free(clients);
}

/* A process that cannot be started is an answer, from the loop, and counts as one that was started. */
static void test_no_process(void **state)
{
	struct pool_scene *scene = *state;
	struct client *clients;

	scene->fails = EAGAIN;
	clients = ask_all(scene, RESOLVER_POOL_BURST + 1);
	assert_int_equal(clients[0].answers, 0);
	pool_scene_settle(scene);
	assert_int_equal(scene->failed, RESOLVER_POOL_BURST);
	assert_int_equal(clients[0].answers, 1);
	assert_string_equal(clients[0].problem, strerror(EAGAIN));
	assert_int_equal(clients[RESOLVER_POOL_BURST].answers, 0);
	scene->fails = 0;
	loop_advance(scene->loop, FIXTURE_SECOND_NS);
	assert_int_equal(scene->started, 1);
	pool_scene_answer(scene, 0, 7, NULL);
	assert_int_equal(clients[RESOLVER_POOL_BURST].last, 7);
	free(clients);
}

/* --- real processes ------------------------------------------------------------------- */

struct real {
	struct resolver_pool *pool;
	pid_t pid;
	size_t ended;
};

/* A child that writes nothing and does not end. */
static int start_child(void *owner, struct resolver_job *job, const char *text)
{
	struct real *real = owner;
	int ends[2];

	(void)text;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	real->pid = fork();
	assert_true(real->pid >= 0);
	if (real->pid == 0) {
		for (;;)
			(void)pause();
	}
	(void)close(ends[1]);
	*job = (struct resolver_job){ .pid = real->pid, .fd = ends[0] };
	return 0;
}

/* It does nothing any more, and is still known as one of the pool. */
static void child_ended(void *owner)
{
	struct real *real = owner;
	siginfo_t info;

	assert_int_equal(waitid(P_PID, (id_t)real->pid, &info, WEXITED | WNOWAIT | WNOHANG), 0);
	assert_int_equal(info.si_pid, real->pid);
	assert_true(resolver_pool_has_process(real->pool, real->pid));
	real->ended++;
}

static void test_processes(void **state)
{
	struct real real = { 0 };
	const struct resolver_pool_owner owner = { .start = start_child,
		                                   .ended = child_ended,
		                                   .owner = &real };
	struct client client = { .text = "a" };
	struct loop *loop;

	(void)state;
	assert_int_equal(loop_open(&loop), 0);
	assert_int_equal(resolver_pool_create(&real.pool, loop, &owner), 0);
	assert_ptr_equal(resolver_pool_loop(real.pool), loop);
	client.request =
		(struct resolver_request){ .text = client.text, .answered = answered, .owner = &client };
	for (size_t i = 1; i <= 2; i++) {
		resolver_pool_ask(real.pool, &client.request);
		assert_false(resolver_pool_has_process(real.pool, 0));
		while (real.pid == 0)
			assert_int_equal(loop_turn(loop), 0);
		assert_true(client.request.is_running);
		assert_true(resolver_pool_has_process(real.pool, real.pid));
		assert_false(resolver_pool_has_process(real.pool, getpid()));
		if (i == 1) {
			resolver_pool_cancel(real.pool, &client.request);
			assert_true(resolver_pool_has_process(real.pool, real.pid));
		} else {
			assert_int_equal(kill(real.pid, SIGTERM), 0);
		}
		assert_int_equal(loop_turn(loop), 0);
		assert_int_equal(client.answers, i - 1);
		assert_int_equal(real.ended, i);
		assert_false(resolver_pool_has_process(real.pool, real.pid));
		assert_int_equal(waitpid(real.pid, NULL, WNOHANG), -1);
		real.pid = 0;
	}
	assert_non_null(strstr(client.problem, "signal 15"));
	/* One that is left at the end. */
	resolver_pool_ask(real.pool, &client.request);
	while (real.pid == 0)
		assert_int_equal(loop_turn(loop), 0);
	resolver_pool_cancel(real.pool, &client.request);
	assert_false(resolver_pool_has_process(NULL, 1));
	resolver_pool_destroy(real.pool);
	resolver_pool_destroy(NULL);
	assert_int_equal(real.ended, 3);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	loop_close(loop);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_pool(test_eight),
		with_pool(test_together),
		with_pool(test_cancel),
		with_pool(test_cancel_within),
		with_pool(test_rate),
		with_pool(test_no_process),
		cmocka_unit_test(test_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A name that is kept resolved: when it is resolved again, and which answers count. */

#include "pool_fixture.h"

#include "system/hostname.h"

#define FIRST 5
#define MOST 300
#define AGAIN 600

struct client {
	struct hostname *hostname;
	bool is_content;
	bool destroys;
	size_t answers;
	size_t asked; /* whether it is needed */
	bool is_news;
	uint8_t last; /* 0: a problem */
	char problem[RESOLVER_PROBLEM_BYTES];
};

static void answered(void *owner, const struct hostname_answer *answer)
{
	struct client *client = owner;

	assert_true((answer->problem == NULL) == (answer->count > 0));
	client->answers++;
	client->is_news = answer->is_news;
	client->last = 0;
	client->problem[0] = '\0';
	if (answer->problem != NULL)
		(void)snprintf(client->problem, sizeof client->problem, "%s", answer->problem);
	else if (answer->addresses[0].any.sa_family == AF_INET)
		client->last = pool_scene_last_byte(&answer->addresses[0]);
	if (client->destroys) {
		hostname_destroy(client->hostname);
		client->hostname = NULL;
	}
}

static bool is_needed(void *owner)
{
	struct client *client = owner;

	client->asked++;
	return !client->is_content;
}

static void create(struct pool_scene *scene, struct client *client, const char *text)
{
	const struct hostname_options options = { .first_ns = FIRST * FIXTURE_SECOND_NS,
		                                  .most_ns = MOST * FIXTURE_SECOND_NS,
		                                  .again_ns = AGAIN * FIXTURE_SECOND_NS,
		                                  .answered = answered,
		                                  .is_needed = is_needed,
		                                  .owner = client };

	assert_int_equal(hostname_create(&client->hostname, scene->pool, text, &options), 0);
	assert_string_equal(hostname_text(client->hostname), text);
}

/* The first eight are being resolved, the others wait, in this order. */
static void create_all(struct pool_scene *scene, struct client *clients, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		create(scene, &clients[i], "a.test:1");
		pool_scene_settle(scene);
	}
	assert_int_equal(scene->running, 8);
}

/* A process starts after that many seconds, and not before. */
static void check_starts_after(struct pool_scene *scene, unsigned seconds)
{
	size_t before = scene->started;

	loop_advance(scene->loop, seconds * FIXTURE_SECOND_NS - FIXTURE_SECOND_NS / 2);
	assert_int_equal(scene->started, before);
	loop_advance(scene->loop, FIXTURE_SECOND_NS / 2);
	pool_scene_settle(scene);
	assert_int_equal(scene->started, before + 1);
}

static void check_starts_now(struct pool_scene *scene)
{
	size_t before = scene->started;

	pool_scene_settle(scene);
	assert_int_equal(scene->started, before + 1);
}

static void check_idle(struct pool_scene *scene, unsigned seconds)
{
	size_t before = scene->started;

	loop_advance(scene->loop, seconds * FIXTURE_SECOND_NS);
	assert_int_equal(scene->started, before);
}

/* Answers what was started last. */
static void answer(struct pool_scene *scene, uint8_t last, const char *problem)
{
	pool_scene_answer(scene, scene->started - 1, last, problem);
}

static void check_known(const struct client *client, uint8_t last, const char *problem)
{
	size_t count;
	const union address_socket *list = hostname_addresses(client->hostname, &count);

	assert_int_equal(count, last == 0 ? 0 : 1);
	if (last != 0)
		assert_int_equal(pool_scene_last_byte(&list[0]), last);
	if (problem == NULL)
		assert_null(hostname_problem(client->hostname));
	else
		assert_string_equal(hostname_problem(client->hostname), problem);
}

static void test_back_off(void **state)
{
	static const unsigned waits[] = { 5, 10, 20, 40, 80, 160, 300, 300 };
	struct pool_scene *scene = *state;
	struct client client = { 0 };

	create(scene, &client, "a.test:9999");
	check_known(&client, 0, NULL);
	assert_int_equal(scene->started, 0);
	check_starts_now(scene);
	assert_string_equal(scene->texts[0], "a.test:9999");
	for (size_t i = 0; i < FIXTURE_COUNT(waits); i++) {
		answer(scene, 0, "no such name");
		assert_int_equal(client.answers, i + 1);
		assert_int_equal(client.is_news, i == 0);
		check_known(&client, 0, "no such name");
		check_starts_after(scene, waits[i]);
	}
	answer(scene, 7, NULL);
	assert_true(client.is_news);
	check_known(&client, 7, NULL);
	check_starts_after(scene, AGAIN);
	answer(scene, 7, NULL);
	assert_false(client.is_news);
	/* The next failure is the first one again, and does not make us forget the address. */
	check_starts_after(scene, AGAIN);
	answer(scene, 0, "no server");
	assert_true(client.is_news);
	check_known(&client, 7, "no server");
	check_starts_after(scene, FIRST);
	/* The pool could not start it: as any other failure. */
	answer(scene, 0, "no server");
	scene->fails = EAGAIN;
	loop_advance(scene->loop, 2 * FIRST * FIXTURE_SECOND_NS);
	pool_scene_settle(scene);
	check_known(&client, 7, strerror(EAGAIN));
	scene->fails = 0;
	check_starts_after(scene, 4 * FIRST);
	hostname_destroy(client.hostname);
}

/* Whoever does not need it is asked again later; a failure is retried in any case. */
static void test_need(void **state)
{
	struct pool_scene *scene = *state;
	struct client client = { .is_content = true };

	create(scene, &client, "a.test:1");
	check_idle(scene, AGAIN - 1);
	assert_int_equal(client.asked, 1);
	client.is_content = false;
	check_starts_after(scene, 1);
	answer(scene, 1, NULL);
	client.is_content = true;
	check_idle(scene, 3 * AGAIN - 1);
	assert_int_equal(client.asked, 4);
	client.is_content = false;
	check_starts_after(scene, 1);
	answer(scene, 0, "no server");
	client.is_content = true;
	check_starts_after(scene, FIRST);
	answer(scene, 2, NULL);
	assert_int_equal(client.asked, 5);
	/* News of the network: it is not asked. */
	hostname_refresh(client.hostname);
	check_starts_now(scene);
	answer(scene, 2, NULL);
	assert_int_equal(client.asked, 5);
	check_idle(scene, 10 * AGAIN);
	hostname_destroy(client.hostname);
}

static void test_refresh(void **state)
{
	struct pool_scene *scene = *state;
	struct client client = { 0 };

	create(scene, &client, "a.test:1");
	/* Not twice: the first process is still to be started. */
	hostname_refresh(client.hostname);
	check_starts_now(scene);
	for (unsigned i = 0; i < 5; i++) {
		answer(scene, 0, "no server");
		check_starts_after(scene, FIRST * (1U << i));
	}
	answer(scene, 0, "no server");
	hostname_refresh(client.hostname);
	check_starts_now(scene);
	answer(scene, 0, "no server");
	check_starts_after(scene, FIRST);
	/* It asks a server of the network of before. */
	hostname_refresh(client.hostname);
	hostname_refresh(client.hostname);
	check_idle(scene, 20);
	pool_scene_write(scene, scene->started - 1, 0, "no server");
	assert_int_equal(loop_turn(scene->loop), 0);
	check_starts_now(scene);
	answer(scene, 5, NULL);
	check_known(&client, 5, NULL);
	hostname_refresh(client.hostname);
	check_starts_now(scene);
	answer(scene, 6, NULL);
	check_known(&client, 6, NULL);
	check_starts_after(scene, AGAIN);
	answer(scene, 6, NULL);
	hostname_destroy(client.hostname);
	hostname_refresh(NULL);
}

/* One that waits for its turn is not resolved twice. */
static void test_refresh_queued(void **state)
{
	struct pool_scene *scene = *state;
	struct client clients[9] = { 0 };

	create_all(scene, clients, 9);
	hostname_refresh(clients[8].hostname);
	hostname_recheck(clients[8].hostname);
	pool_scene_answer(scene, 0, 1, NULL);
	assert_int_equal(scene->started, 9);
	pool_scene_answer(scene, 8, 1, NULL);
	assert_int_equal(scene->started, 9);
	check_idle(scene, AGAIN / 2);
	for (size_t i = 0; i < 9; i++)
		hostname_destroy(clients[i].hostname);
}

static void test_recheck(void **state)
{
	struct pool_scene *scene = *state;
	struct client client = { 0 };

	create(scene, &client, "a.test:1");
	hostname_recheck(client.hostname);
	check_starts_now(scene);
	hostname_recheck(client.hostname);
	answer(scene, 1, NULL);
	/* However often it is asked for. */
	for (int i = 0; i < HOSTNAME_FRESH_SECONDS - 1; i++) {
		hostname_recheck(client.hostname);
		check_idle(scene, 1);
	}
	hostname_recheck(client.hostname);
	check_starts_after(scene, 1);
	answer(scene, 1, NULL);
	check_idle(scene, HOSTNAME_FRESH_SECONDS + 1);
	hostname_recheck(client.hostname);
	check_starts_now(scene);
	/* A failure has its own times. */
	answer(scene, 0, "no server");
	hostname_recheck(client.hostname);
	check_starts_after(scene, FIRST);
	answer(scene, 0, "no server");
	check_starts_after(scene, 2 * FIRST);
	answer(scene, 1, NULL);
	/* Earlier than planned, never later. */
	hostname_refresh(client.hostname);
	hostname_recheck(client.hostname);
	check_starts_now(scene);
	answer(scene, 1, NULL);
	check_idle(scene, AGAIN - 5);
	client.is_content = true;
	hostname_recheck(client.hostname);
	check_idle(scene, 2);
	assert_int_equal(client.asked, 4);
	hostname_destroy(client.hostname);
	hostname_recheck(NULL);
}

/* A name that is gone hears nothing of what was asked for it, and its process is gone as well. */
static void test_destroy(void **state)
{
	struct pool_scene *scene = *state;
	struct client clients[10] = { 0 };

	create_all(scene, clients, 10);
	/* The answer is written, and not yet read. */
	pool_scene_write(scene, 0, 1, NULL);
	hostname_destroy(clients[0].hostname);
	hostname_destroy(clients[1].hostname);
	hostname_destroy(clients[8].hostname);
	assert_int_equal(loop_turn(scene->loop), 0);
	pool_scene_settle(scene);
	assert_int_equal(scene->ended, 2);
	/* The last one has got a place. */
	assert_int_equal(scene->running, 7);
	loop_advance(scene->loop, 10 * AGAIN * FIXTURE_SECOND_NS);
	assert_int_equal(scene->started, 9);
	/* By its own callback. */
	clients[2].destroys = true;
	pool_scene_answer(scene, 2, 1, NULL);
	assert_null(clients[2].hostname);
	loop_advance(scene->loop, 10 * AGAIN * FIXTURE_SECOND_NS);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(clients[i].answers, i == 2 ? 1 : 0);
		if (i > 2 && i != 8)
			hostname_destroy(clients[i].hostname);
	}
	pool_scene_settle(scene);
	assert_int_equal(scene->running, 0);
	hostname_destroy(NULL);
}

/* An endpoint that is changed while the old name is being resolved. */
static void test_stale_answer(void **state)
{
	struct pool_scene *scene = *state;
	struct client client = { 0 };

	create(scene, &client, "old.test:1");
	pool_scene_settle(scene);
	pool_scene_write(scene, 0, 1, NULL);
	hostname_destroy(client.hostname);
	create(scene, &client, "new.test:1");
	assert_int_equal(loop_turn(scene->loop), 0);
	pool_scene_settle(scene);
	assert_int_equal(client.answers, 0);
	check_known(&client, 0, NULL);
	assert_int_equal(scene->started, 2);
	pool_scene_answer(scene, 1, 2, NULL);
	check_known(&client, 2, NULL);
	hostname_destroy(client.hostname);
}

/* No process, and no callback. */
static void test_literal(void **state)
{
	struct pool_scene *scene = *state;
	struct client client = { 0 };

	create(scene, &client, "192.0.2.9:1");
	check_known(&client, 9, NULL);
	hostname_refresh(client.hostname);
	hostname_recheck(client.hostname);
	check_idle(scene, 10 * AGAIN);
	assert_int_equal(client.answers, 0);
	assert_int_equal(client.asked, 0);
	hostname_destroy(client.hostname);
}

/* An interface that is not there may come; one that is there may get another number. */
static void test_scope(void **state)
{
	struct pool_scene *scene = *state;
	struct client client = { 0 };
	size_t count;

	create(scene, &client, "[fe80::1%nowhere9]:1");
	check_known(&client, 0, NULL);
	pool_scene_settle(scene);
	assert_int_equal(client.answers, 1);
	assert_true(client.is_news);
	assert_non_null(hostname_problem(client.hostname));
	loop_advance(scene->loop, FIRST * FIXTURE_SECOND_NS);
	pool_scene_settle(scene);
	assert_int_equal(client.answers, 2);
	assert_false(client.is_news);
	hostname_destroy(client.hostname);
	create(scene, &client, "[fe80::1%lo]:1");
	(void)hostname_addresses(client.hostname, &count);
	assert_int_equal(count, 1);
	hostname_refresh(client.hostname);
	pool_scene_settle(scene);
	assert_int_equal(client.answers, 3);
	assert_int_equal(scene->started, 0);
	hostname_destroy(client.hostname);
	/* Without one. */
	assert_null(hostname_problem(NULL));
	(void)hostname_addresses(NULL, &count);
	assert_int_equal(count, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		with_pool(test_back_off),       with_pool(test_need),    with_pool(test_refresh),
		with_pool(test_refresh_queued), with_pool(test_recheck), with_pool(test_destroy),
		with_pool(test_stale_answer),   with_pool(test_literal), with_pool(test_scope),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

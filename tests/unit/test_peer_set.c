/* All peers: by slot and serial, by the names that people give, and while some of them leave. */

#include "peer_fixture.h"

#define MANY 40

static struct peer *find(const struct scene *scene, const char *word, const char *expected)
{
	char problem[PEER_SET_PROBLEM_BYTES] = "";
	struct peer *peer = peer_set_find(scene->set, word, problem);

	if (expected == NULL)
		assert_string_equal(problem, "");
	else
		assert_non_null(strstr(problem, expected));
	return peer;
}

static void test_slot_and_serial(void **state)
{
	struct scene *scene = *state;
	struct peer *a = add_peer(scene, "a", 1);
	struct peer *b = add_peer(scene, "b", 2);
	struct peer_ref ref = peer_ref(a);

	assert_int_equal(ref.slot, 0);
	assert_int_equal(peer_ref(b).slot, 1);
	assert_ptr_equal(peer_set_get(scene->set, ref), a);
	assert_ptr_equal(peer_set_get(scene->set, peer_ref(b)), b);
	assert_null(peer_set_get(scene->set, (struct peer_ref){ ref.slot, ref.serial + 1 }));
	assert_null(peer_set_get(scene->set, (struct peer_ref){ 2, 3 }));
	assert_null(peer_set_get(scene->set, (struct peer_ref){ UINT32_MAX, 1 }));
	/* A peer that leaves has nothing to say, and its slot is not free yet. */
	remove_peer(scene, a);
	assert_null(peer_set_get(scene->set, ref));
	assert_int_equal(peer_ref(add_peer(scene, "c", 3)).slot, 2);
	loop_advance(scene->loop, 1);
	/* Then the slot is used again, with another serial. */
	a = add_peer(scene, "a", 4);
	assert_int_equal(peer_ref(a).slot, ref.slot);
	assert_true(peer_ref(a).serial > 3);
	assert_null(peer_set_get(scene->set, ref));
	assert_int_equal(peer_set_count(scene->set), 3);
}

static void test_names(void **state)
{
	struct scene *scene = *state;
	struct peer *a = add_peer(scene, "a", 1);
	struct peer *b = add_peer(scene, "2", 3);
	struct peer *c = add_peer(scene, NULL, 2);
	char id[PEER_ID_BYTES];

	assert_ptr_equal(find(scene, "a", NULL), a);
	assert_ptr_equal(find(scene, "1", NULL), a);
	assert_ptr_equal(find(scene, "3", NULL), b);
	/* A name goes before a number. */
	assert_ptr_equal(find(scene, "2", NULL), b);
	assert_string_equal(peer_label(c), "peer 2");
	assert_string_equal(peer_name(c), "2");
	(void)snprintf(id, sizeof id, "%s", peer_id(c, ROSENPASS_BLAKE2B_188));
	assert_ptr_equal(find(scene, id, NULL), c);
	id[8] = '\0';
	assert_ptr_equal(find(scene, id, NULL), c);
	id[7] = '\0';
	assert_null(find(scene, id, "no peer"));
	assert_null(find(scene, "", "no peer"));
	add_peer(scene, "a", 4);
	assert_null(find(scene, "a", "several peers are called a"));
	add_peer(scene, "a", 5);
	assert_null(find(scene, "a", "several peers are called a"));
	remove_peer(scene, c);
	assert_null(find(scene, peer_id(c, ROSENPASS_BLAKE2B_188), "no peer"));
}

/* Peers may be removed while somebody goes through them, and so may be those that were met. */
static void test_removal_meanwhile(void **state)
{
	struct scene *scene = *state;
	size_t position = 0;
	size_t met = 0;
	struct peer *peer;

	for (size_t i = 1; i <= MANY; i++)
		(void)add_peer(scene, NULL, i);
	assert_int_equal(peer_set_count(scene->set), MANY);
	assert_true(peer_set_slots(scene->set) >= MANY);
	while ((peer = peer_set_next(scene->set, &position)) != NULL) {
		struct peer_ref next = { peer_ref(peer).slot + 1, peer_ref(peer).serial + 1 };

		met++;
		remove_peer(scene, peer);
		if (met % 3 == 0 && peer_set_get(scene->set, next) != NULL)
			remove_peer(scene, peer_set_get(scene->set, next));
	}
	assert_int_equal(met, 3 * MANY / 4);
	assert_int_equal(peer_set_count(scene->set), 0);
	assert_int_equal(scene->gone, 0);
	loop_advance(scene->loop, 1);
	assert_int_equal(scene->gone, MANY);
	/* All slots are free again, and no more are made. */
	position = peer_set_slots(scene->set);
	for (size_t i = 1; i <= MANY; i++)
		(void)add_peer(scene, NULL, i);
	assert_int_equal(peer_set_slots(scene->set), position);
}

/* Ids are computed by themselves, one at a time, also of peers that come later. */
static void test_ids(void **state)
{
	struct scene *scene = *state;
	struct peer *peers[3];

	for (size_t i = 0; i < 3; i++)
		peers[i] = add_peer(scene, NULL, i + 1);
	remove_peer(scene, peers[0]);
	assert_string_equal(peer_shown_id(peers[1]), "");
	assert_true(peer_set_compute_id(scene->set));
	assert_string_not_equal(peer_shown_id(peers[1]), "");
	assert_string_equal(peer_shown_id(peers[2]), "");
	loop_advance(scene->loop, 10);
	assert_string_not_equal(peer_shown_id(peers[2]), "");
	assert_false(peer_set_compute_id(scene->set));
	peers[0] = add_peer(scene, NULL, 4);
	assert_int_equal(peer_ref(peers[0]).slot, 0);
	loop_advance(scene->loop, 10);
	assert_string_not_equal(peer_shown_id(peers[0]), "");
}

/* A peer is settled once its outputs have its key. One that was passed over may become unsettled again. */
static void test_settled(void **state)
{
	const struct channel_key key = { .role = ROSENPASS_INITIATOR };
	struct scene *scene = *state;
	struct peer *peers[3];

	assert_true(peer_set_is_settled(scene->set));
	for (size_t i = 0; i < 3; i++)
		peers[i] = add_peer(scene, NULL, i + 1);
	assert_true(peer_set_is_settled(scene->set));
	scene->is_slow = true;
	peer_on_key(peers[2], &key);
	assert_false(peer_set_is_settled(scene->set));
	peer_on_key(peers[0], &key);
	sink_delivered(delivery_sink(peer_delivery(peers[2]), 0));
	assert_false(peer_set_is_settled(scene->set));
	sink_delivered(delivery_sink(peer_delivery(peers[0]), 0));
	assert_true(peer_set_is_settled(scene->set));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_slot_and_serial), TEST(test_names), TEST(test_removal_meanwhile), TEST(test_ids),
		TEST(test_settled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

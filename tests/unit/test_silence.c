#include "peer_fixture.h"

#include <arpa/inet.h>

#include "monitor/silence.h"

#define S CLOCK_SECOND_NS
#define NOW (20000 * S)

struct watch {
	struct scene *scene;
	struct silence *silence;
	struct peer *peer;
};

static int open_watch(void **state)
{
	struct watch *watch = calloc(1, sizeof *watch);
	void *scene = NULL;
	struct silence_env env = { 0 };

	assert_non_null(watch);
	assert_int_equal(set_up(&scene), 0);
	watch->scene = scene;
	env.peers = watch->scene->set;
	assert_int_equal(silence_create(&watch->silence, &env), 0);
	watch->peer = add_peer(watch->scene, "bob", 1);
	*state = watch;
	return 0;
}

static int close_watch(void **state)
{
	struct watch *watch = *state;
	void *scene = watch->scene;

	silence_destroy(watch->silence);
	assert_int_equal(tear_down(&scene), 0);
	free(watch);
	return 0;
}

/* --- our own ids -------------------------------------------------------------------------- */

static void test_own_id(void **state)
{
	static uint8_t keys[2][ROSENPASS_PUBLIC_KEY_BYTES];
	struct watch *watch = *state;
	char first[2][PEER_ID_BYTES];

	assert_string_equal(silence_own_id(watch->silence, ROSENPASS_BLAKE2B_188), "");
	keys[1][0] = 1;
	silence_set_own_key(watch->silence, keys[0]);
	for (int i = 0; i < 2; i++) {
		enum rosenpass_dialect dialect = i == 0 ? ROSENPASS_BLAKE2B_188 : ROSENPASS_SHAKE256_156;
		const char *id = silence_own_id(watch->silence, dialect);

		assert_int_equal(strlen(id), PEER_ID_BYTES - 1);
		assert_ptr_equal(silence_own_id(watch->silence, dialect), id);
		(void)strcpy(first[i], id);
	}
	assert_string_not_equal(first[0], first[1]);
	silence_set_own_key(watch->silence, keys[1]);
	assert_string_not_equal(silence_own_id(watch->silence, ROSENPASS_BLAKE2B_188), first[0]);
	assert_string_not_equal(silence_own_id(watch->silence, ROSENPASS_SHAKE256_156), first[1]);
}

/* --- peers that do not answer --------------------------------------------------------------- */

static void report(const struct watch *watch, uint32_t reason, uint64_t now_ns)
{
	const struct channel_silence reported = { .reason = reason, .since_ns = NOW - 120 * S };

	silence_take(watch->silence, watch->peer, &reported, now_ns);
}

static bool is_explained(const struct watch *watch)
{
	char words[EXPLAIN_BYTES];
	bool result = silence_explain(watch->silence, watch->peer, NOW, words);

	assert_int_equal(result, words[0] != '\0');
	return result;
}

/* An engine process that reports too often does not fill the log. */
static void test_logged_again(void **state)
{
	struct watch *watch = *state;
	const struct peer_silence *known = peer_silence(watch->peer);

	report(watch, CHANNEL_SILENCE_NOTHING, NOW);
	assert_true(known->logged_ns == NOW);
	report(watch, CHANNEL_SILENCE_ERRORS, NOW + 50 * S - 1);
	assert_true(known->logged_ns == NOW);
	assert_int_equal(known->now.reason, CHANNEL_SILENCE_ERRORS);
	report(watch, CHANNEL_SILENCE_ERRORS, NOW + 50 * S);
	assert_true(known->logged_ns == NOW + 50 * S);
}

/* The limit is that of the peer: another outage is not logged sooner. */
static void test_over(void **state)
{
	static const uint32_t ends[] = { CHANNEL_SILENCE_OVER, CHANNEL_SILENCE_ENDED };
	struct watch *watch = *state;
	const struct peer_silence *known = peer_silence(watch->peer);

	assert_false(is_explained(watch));
	report(watch, CHANNEL_SILENCE_NOTHING, NOW);
	for (size_t i = 0; i < FIXTURE_COUNT(ends); i++) {
		report(watch, CHANNEL_SILENCE_NOTHING, NOW + 1);
		assert_true(is_explained(watch));
		report(watch, ends[i], NOW + 2);
		assert_false(is_explained(watch));
		assert_false(known->is_logged);
	}
	assert_true(known->logged_ns == NOW);
}

static void test_answers(void **state)
{
	static const struct {
		uint32_t reason;
		enum rosenpass_role role;
		uint64_t ever;
		bool is_over;
		const char *words;
	} cases[] = {
		{ CHANNEL_SILENCE_NOTHING, ROSENPASS_INITIATOR, 0, true, "answers now after 2 minutes" },
		{ CHANNEL_SILENCE_NOTHING, ROSENPASS_RESPONDER, 1, true, "answers again after 2 minutes" },
		{ CHANNEL_SILENCE_UNCONFIRMED, ROSENPASS_RESPONDER, 1, true,
		  "has confirmed the key after 2 minutes" },
		{ CHANNEL_SILENCE_UNCONFIRMED, ROSENPASS_INITIATOR, 1, false, "" },
	};
	struct watch *watch = *state;
	char words[EXPLAIN_BYTES];

	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		*peer_silence(watch->peer) = (struct peer_silence){ 0 };
		watch->peer->report.ever = cases[i].ever != 0;
		report(watch, cases[i].reason, NOW);
		words[0] = '\0';
		assert_int_equal(silence_ends(watch->silence, watch->peer, cases[i].role, NOW, words),
		                 cases[i].is_over);
		assert_string_equal(words, cases[i].words);
		assert_int_equal(is_explained(watch), !cases[i].is_over);
	}
}

/* What was never logged needs no end in the log. */
static void test_answers_unlogged(void **state)
{
	struct watch *watch = *state;
	char words[EXPLAIN_BYTES];

	assert_false(silence_ends(watch->silence, watch->peer, ROSENPASS_INITIATOR, NOW, words));
	report(watch, CHANNEL_SILENCE_NOTHING, NOW);
	assert_true(silence_ends(watch->silence, watch->peer, ROSENPASS_INITIATOR, NOW, words));
	report(watch, CHANNEL_SILENCE_NOTHING, NOW + S);
	assert_false(silence_ends(watch->silence, watch->peer, ROSENPASS_INITIATOR, NOW + S, words));
}

/* --- callers that are rejected --------------------------------------------------------------- */

static void reject(const struct watch *watch, struct peer_ref ref, enum channel_rejected_reason reason,
                   uint32_t host, uint64_t now_ns)
{
	struct channel_rejected rejected = { .reason = reason, .count = 1 };

	rejected.from.v4.sin_family = AF_INET;
	rejected.from.v4.sin_addr.s_addr = htonl(host);
	silence_take_rejected(watch->silence, ref, &rejected, now_ns);
}

static size_t count(const struct watch *watch, enum channel_rejected_reason reason)
{
	return silence_rejected(watch->silence, reason)->count;
}

/* How many callers were logged. */
static size_t count_told(const struct watch *watch, enum channel_rejected_reason reason)
{
	const struct rejects *rejects = silence_rejected(watch->silence, reason);
	size_t told = 0;

	for (size_t i = 0; i < rejects->count; i++)
		told += rejects->callers[i].told_ns != 0;
	return told;
}

/* Callers that prove nothing name no peer of ours, whatever the event says. */
static void test_strangers(void **state)
{
	struct watch *watch = *state;

	for (uint32_t i = 0; i < 7; i++)
		reject(watch, peer_ref(watch->peer), CHANNEL_REJECTED_UNKNOWN, i, NOW);
	assert_int_equal(count(watch, CHANNEL_REJECTED_UNKNOWN), 7);
	assert_int_equal(count_told(watch, CHANNEL_REJECTED_UNKNOWN), 5);
	assert_int_equal(silence_rejected(watch->silence, CHANNEL_REJECTED_UNKNOWN)->callers[0].serial, 0);
	/* Another reason has a limit of its own. */
	reject(watch, (struct peer_ref){ 0 }, CHANNEL_REJECTED_OTHER_KEY, 1, NOW);
	assert_int_equal(count_told(watch, CHANNEL_REJECTED_OTHER_KEY), 1);
}

static void test_named_peer(void **state)
{
	struct watch *watch = *state;
	struct peer_ref gone = peer_ref(watch->peer);
	const struct rejects *rejects = silence_rejected(watch->silence, CHANNEL_REJECTED_AUTH);

	gone.serial++;
	reject(watch, gone, CHANNEL_REJECTED_AUTH, 1, NOW);
	assert_int_equal(rejects->count, 0);
	reject(watch, peer_ref(watch->peer), CHANNEL_REJECTED_AUTH, 1, NOW);
	assert_int_equal(rejects->count, 1);
	assert_int_equal(rejects->callers[0].slot, peer_ref(watch->peer).slot);
	assert_int_equal(rejects->callers[0].serial, peer_ref(watch->peer).serial);
}

/* A caller tries one dialect after the other: only one that goes on for ten seconds is worth a line. */
static void test_dialect(void **state)
{
	struct watch *watch = *state;
	const struct peer_ref ref = peer_ref(watch->peer);

	reject(watch, ref, CHANNEL_REJECTED_DIALECT, 1, NOW);
	reject(watch, ref, CHANNEL_REJECTED_DIALECT, 1, NOW + 10 * S - 1);
	assert_int_equal(count_told(watch, CHANNEL_REJECTED_DIALECT), 0);
	reject(watch, ref, CHANNEL_REJECTED_DIALECT, 1, NOW + 10 * S);
	assert_int_equal(count_told(watch, CHANNEL_REJECTED_DIALECT), 1);
}

static void test_dialect_was_found(void **state)
{
	struct watch *watch = *state;
	struct channel_key key = { .role = ROSENPASS_INITIATOR };

	memset(key.key, 7, sizeof key.key);
	peer_on_key(watch->peer, &key);
	assert_true(peer_is_responding(watch->peer));
	reject(watch, peer_ref(watch->peer), CHANNEL_REJECTED_DIALECT, 1, NOW);
	assert_int_equal(count(watch, CHANNEL_REJECTED_DIALECT), 0);
	reject(watch, peer_ref(watch->peer), CHANNEL_REJECTED_AUTH, 1, NOW);
	assert_int_equal(count(watch, CHANNEL_REJECTED_AUTH), 1);
}

/* Callers in a peer's name count no more once the peer has a key, or is removed. */
static void test_forgotten(void **state)
{
	static const enum channel_rejected_reason reasons[] = { CHANNEL_REJECTED_AUTH,
		                                                CHANNEL_REJECTED_DIALECT };
	struct watch *watch = *state;
	char words[EXPLAIN_BYTES];

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < FIXTURE_COUNT(reasons); i++) {
			reject(watch, peer_ref(watch->peer), reasons[i], 1, NOW);
			assert_int_equal(count(watch, reasons[i]), 1);
		}
		report(watch, CHANNEL_SILENCE_NOTHING, NOW);
		if (round == 0)
			(void)silence_ends(watch->silence, watch->peer, ROSENPASS_INITIATOR, NOW, words);
		else
			silence_forget(watch->silence, watch->peer);
		for (size_t i = 0; i < FIXTURE_COUNT(reasons); i++)
			assert_int_equal(count(watch, reasons[i]), 0);
		assert_false(is_explained(watch));
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, open_watch, close_watch)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_own_id),     TEST(test_logged_again),     TEST(test_over),
		TEST(test_answers),    TEST(test_answers_unlogged), TEST(test_strangers),
		TEST(test_named_peer), TEST(test_dialect),          TEST(test_dialect_was_found),
		TEST(test_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "delivery/tunnel.h"
#include "sockets_fixture.h"

#define S UINT64_C(1000000000)

/* A look every 15 seconds, as the daemon has it. */
static enum tunnel_news look(struct tunnel *tunnel, struct tunnel_sight *sight, uint64_t *now_ns)
{
	*now_ns += 15 * S;
	return tunnel_look(tunnel, sight, *now_ns);
}

/* WireGuard sends a handshake every five seconds, and nothing comes back. */
static void test_unanswered_then_up(void **state)
{
	struct tunnel tunnel = { 0 };
	struct tunnel_sight sight = { .is_up = true };
	uint64_t now_ns = S;
	unsigned silent = 0;

	(void)state;
	/* Before there is an exchanged key nothing is said, however much is sent. */
	for (int i = 0; i < 10; i++) {
		sight.sent_bytes += 148;
		assert_int_equal(look(&tunnel, &sight, &now_ns), TUNNEL_NO_NEWS);
		assert_int_equal(tunnel.state, TUNNEL_UNKNOWN);
	}
	sight.has_key = true;
	for (int i = 0; i < 20; i++) {
		enum tunnel_news news = look(&tunnel, &sight, &now_ns);

		silent += news == TUNNEL_NEWS_SILENT;
		/* Not in the first 30 seconds, and once. */
		assert_int_equal(news, i == 3 ? TUNNEL_NEWS_SILENT : TUNNEL_NO_NEWS);
		assert_int_equal(tunnel.state, i < 3 ? TUNNEL_IDLE : TUNNEL_UNANSWERED);
		sight.sent_bytes += 444;
	}
	assert_int_equal(silent, 1);
	sight.last_handshake_seconds = 1700000000;
	sight.received_bytes = 92;
	assert_int_equal(look(&tunnel, &sight, &now_ns), TUNNEL_NEWS_UP);
	assert_int_equal(tunnel.state, TUNNEL_UP);
	assert_int_equal(look(&tunnel, &sight, &now_ns), TUNNEL_NO_NEWS);
	/* The wall clock does not count: an older handshake time is another handshake. */
	sight.last_handshake_seconds = 1600000000;
	assert_int_equal(look(&tunnel, &sight, &now_ns), TUNNEL_NO_NEWS);
	assert_int_equal(tunnel.state, TUNNEL_UP);
}

static void test_unfinished(void **state)
{
	struct tunnel tunnel = { 0 };
	struct tunnel_sight sight = { .has_key = true, .is_up = true };
	uint64_t now_ns = S;
	enum tunnel_news news = TUNNEL_NO_NEWS;

	(void)state;
	for (int i = 0; i < 10 && news == TUNNEL_NO_NEWS; i++) {
		news = look(&tunnel, &sight, &now_ns);
		sight.received_bytes += 148;
		sight.sent_bytes += 92;
	}
	assert_int_equal(news, TUNNEL_NEWS_SILENT);
	assert_int_equal(tunnel.state, TUNNEL_UNFINISHED);
}

/* A tunnel that nobody uses has no handshake, and no trouble. */
static void test_idle(void **state)
{
	struct tunnel tunnel = { 0 };
	struct tunnel_sight sight = { .has_key = true, .is_up = true, .sent_bytes = 1000 };
	uint64_t now_ns = S;

	(void)state;
	for (int i = 0; i < 100; i++) {
		assert_int_equal(look(&tunnel, &sight, &now_ns), TUNNEL_NO_NEWS);
		assert_int_equal(tunnel.state, TUNNEL_IDLE);
	}
	/* One packet, then nothing any more. */
	sight.sent_bytes += 148;
	for (int i = 0; i < 20; i++)
		(void)look(&tunnel, &sight, &now_ns);
	assert_int_equal(tunnel.state, TUNNEL_IDLE);
	/* An interface that is down, a device that was made again. */
	sight.is_up = false;
	assert_int_equal(look(&tunnel, &sight, &now_ns), TUNNEL_NO_NEWS);
	assert_int_equal(tunnel.state, TUNNEL_UNKNOWN);
	sight.is_up = true;
	sight.sent_bytes = 0;
	assert_int_equal(look(&tunnel, &sight, &now_ns), TUNNEL_NO_NEWS);
	assert_int_equal(tunnel.state, TUNNEL_IDLE);
}

/* Counters that begin anew are those of another device: nothing was sent. */
static void test_made_again(void **state)
{
	struct tunnel tunnel = { 0 };
	struct tunnel_sight sight = { .has_key = true, .is_up = true, .sent_bytes = 1000 };
	uint64_t now_ns = S;

	(void)state;
	assert_int_equal(look(&tunnel, &sight, &now_ns), TUNNEL_NO_NEWS);
	sight.sent_bytes = 148;
	for (int i = 0; i < 4; i++)
		assert_int_equal(look(&tunnel, &sight, &now_ns), TUNNEL_NO_NEWS);
	assert_int_equal(tunnel.state, TUNNEL_IDLE);
}

static void test_session_of_180_seconds(void **state)
{
	struct tunnel tunnel = { 0 };
	struct tunnel_sight sight = { .has_key = true, .is_up = true, .last_handshake_seconds = 5 };

	(void)state;
	(void)tunnel_look(&tunnel, &sight, S);
	(void)tunnel_look(&tunnel, &sight, 181 * S - 1);
	assert_int_equal(tunnel.state, TUNNEL_UP);
	(void)tunnel_look(&tunnel, &sight, 181 * S);
	assert_int_equal(tunnel.state, TUNNEL_IDLE);
}

/* A session that ends without another handshake, while packets are sent. */
static void test_session_ends(void **state)
{
	struct tunnel tunnel = { 0 };
	struct tunnel_sight sight = { .has_key = true, .is_up = true, .last_handshake_seconds = 5 };
	uint64_t now_ns = S;
	unsigned looks = 0;

	(void)state;
	for (enum tunnel_news news = TUNNEL_NO_NEWS; news == TUNNEL_NO_NEWS && looks < 100; looks++) {
		sight.sent_bytes += 148;
		news = look(&tunnel, &sight, &now_ns);
	}
	assert_int_equal(tunnel.state, TUNNEL_UNANSWERED);
	/* 180 seconds of the session and 30 of trying. */
	assert_in_range(looks, 210 / 15, 240 / 15 + 1);
}

static void test_explain(void **state)
{
	static const struct {
		enum tunnel_state state;
		bool has_endpoint;
		const char *words; /* a part; empty: nothing is said */
	} cases[] = {
		{ TUNNEL_UP, true, "" },
		{ TUNNEL_IDLE, true, "" },
		{ TUNNEL_UNKNOWN, true, "" },
		{ TUNNEL_UNANSWERED, true,
		  "WireGuard's wg0, but there is no handshake: nothing comes back from 192.0.2.1:51820; " },
		{ TUNNEL_UNANSWERED, false, "no handshake: nothing comes back; " },
		{ TUNNEL_UNFINISHED, true, "no handshake: messages of its WireGuard arrive" },
	};
	const union address_socket known = v4("192.0.2.1", 51820);
	const union address_socket nowhere = { 0 };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		char words[TUNNEL_EXPLAIN_BYTES];

		tunnel_explain(words, cases[i].state, "wg0", cases[i].has_endpoint ? &known : &nowhere);
		if (cases[i].words[0] == '\0')
			assert_string_equal(words, "");
		else if (strstr(words, cases[i].words) == NULL)
			fail_msg("expected \"%s\" in: %s", cases[i].words, words);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unanswered_then_up),
		cmocka_unit_test(test_unfinished),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_made_again),
		cmocka_unit_test(test_session_of_180_seconds),
		cmocka_unit_test(test_session_ends),
		cmocka_unit_test(test_explain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

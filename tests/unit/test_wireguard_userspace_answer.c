#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <sodium.h>

#include "wireguard/userspace_answer.h"

#define NOW 1700000000

/* A pair that wg made for this test. */
#define PRIVATE "d0bc09ec02775436f77e5030a3d18d31a251b5e2a590acd49baee0fa1f60f767"
#define PUBLIC "8a706bf665a47b7def916ede21765a3a0fca0ee26558d8928ee10d766f9daa42"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222222222222222222222222222"
#define ABCS "abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define PEER "public_key=" ONES "\n"
#define END "errno=0\n\n"

static void print_key(FILE *out, const char *called, const uint8_t key[static WIREGUARD_KEY_BYTES])
{
	char hex[2 * WIREGUARD_KEY_BYTES + 1];

	(void)fprintf(out, "%s%s", called, sodium_bin2hex(hex, sizeof hex, key, WIREGUARD_KEY_BYTES));
}

static void print_peer(FILE *out, const struct wireguard_peer *peer)
{
	char text[ADDRESS_TEXT_BYTES] = "-";

	if (peer->endpoint.any.sa_family != AF_UNSPEC)
		address_format_numeric(text, &peer->endpoint);
	print_key(out, "; ", peer->public_key);
	if (sodium_is_zero(peer->preshared_key, sizeof peer->preshared_key) == 0)
		print_key(out, " psk ", peer->preshared_key);
	(void)fprintf(out, " %s %u %" PRIu64 " %" PRIu64 " %" PRIu64, text, (unsigned)peer->keepalive_seconds,
	              peer->last_handshake_seconds, peer->received_bytes, peer->sent_bytes);
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		const struct ip_prefix *prefix = &peer->allowed_ips[i];

		assert_non_null(inet_ntop(prefix->family, &prefix->v6, text, sizeof text));
		(void)fprintf(out, "%c%s/%u", i == 0 ? ' ' : ',', text, (unsigned)prefix->bits);
	}
}

static char *described(const struct wireguard_device *device)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	assert_true(device->in_userspace);
	if (device->has_private_key)
		print_key(out, "private ", device->private_key);
	print_key(out, device->has_private_key ? " public " : "public ", device->public_key);
	(void)fprintf(out, " %u %" PRIu32, (unsigned)device->listen_port, device->fwmark);
	for (size_t i = 0; i < device->peer_count; i++)
		print_peer(out, &device->peers[i]);
	assert_int_equal(fclose(out), 0);
	return text;
}

/* From memory that ends where the answer does, for those who look beyond it. */
static int read_exactly(struct wireguard_device *device, const char *answer, size_t length)
{
	char *copy = malloc(length + 1);
	int result;

	assert_non_null(copy);
	copy = realloc(copy, length > 0 ? length : 1);
	assert_non_null(copy);
	memcpy(copy, answer, length);
	memset(device, 'x', sizeof *device);
	result = userspace_answer_device(device, copy, length, NOW);
	free(copy);
	return result;
}

#define NOTHING "public " ZEROS " 0 0"

static void test_answers(void **state)
{
	static const struct {
		const char *answer;
		const char *expected;
	} cases[] = {
		{ END, NOTHING },
		{ "errno=-0\n\n", NOTHING },
		{ "protocol=9\nnew_thing=\n=\n" END, NOTHING },
		{ "private_key=" ZEROS "\n" END, NOTHING },
		{ "private_key=" PRIVATE "\nlisten_port=51820\nfwmark=4294967295\n" END,
		  "private " PRIVATE " public " PUBLIC " 51820 4294967295" },
		{ PEER END, NOTHING "; " ONES " - 0 0 0 0" },
		{ "errno=0\nlisten_port=1\n\n" PEER, "public " ZEROS " 1 0" },
		/* What wireguard-go says, and in another order. */
		{ "private_key=" PRIVATE "\nlisten_port=9\n" PEER "preshared_key=" TWOS
		  "\nprotocol_version=1\n"
		  "endpoint=192.0.2.1:51820\nlast_handshake_time_sec=1699999990\n"
		  "last_handshake_time_nsec=999999999\ntx_bytes=5\nrx_bytes=18446744073709551615\n"
		  "persistent_keepalive_interval=25\nallowed_ip=10.0.0.0/8\nallowed_ip=fd00::1/128\n"
		  "public_key=" ABCS "\npreshared_key=" ZEROS "\nlast_handshake_time_sec=0\n" END,
		  "private " PRIVATE " public " PUBLIC " 9 0; " ONES " psk " TWOS
		  " 192.0.2.1:51820 25 1699999990 18446744073709551615 5 10.0.0.0/8,fd00::1/128; " ABCS
		  " - 0 0 0 0" },
		{ PEER "allowed_ip=0.0.0.0/0\nrx_bytes=1\nallowed_ip=::/0\nallowed_ip=1.2.3.4\n"
		       "allowed_ip=::1\nallowed_ip=1.2.3.4/32\n" END,
		  NOTHING "; " ONES " - 0 0 1 0 0.0.0.0/0,::/0,1.2.3.4/32,::1/128,1.2.3.4/32" },
		{ PEER "endpoint=[2001:db8::1]:1\n" END, NOTHING "; " ONES " [2001:db8::1]:1 0 0 0 0" },
		{ PEER "endpoint=[fe80::1%1]:1\n" END, NOTHING "; " ONES " [fe80::1%1]:1 0 0 0 0" },
		/* An interface that is gone. */
		{ PEER "endpoint=[fe80::1%gone]:1\n" END, NOTHING "; " ONES " - 0 0 0 0" },
		/* The same in capitals is the same key. */
		{ "public_key=ABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCDEFABCD\n" END,
		  NOTHING "; " ABCS " - 0 0 0 0" },
		/* boringtun tells times since, where there was a handshake; a later one may tell when. */
		{ "own_public_key=" PUBLIC "\n" PEER "last_handshake_time_sec=10\n" END,
		  "public " PUBLIC " 0 0; " ONES " - 0 1699999990 0 0" },
		{ "own_public_key=" PUBLIC "\n" PEER "last_handshake_time_sec=0\n" END,
		  "public " PUBLIC " 0 0; " ONES " - 0 1700000000 0 0" },
		{ "own_public_key=" PUBLIC "\n" PEER END, "public " PUBLIC " 0 0; " ONES " - 0 0 0 0" },
		{ "own_public_key=" PUBLIC "\n" PEER "last_handshake_time_sec=1699999990\n" END,
		  "public " PUBLIC " 0 0; " ONES " - 0 1699999990 0 0" },
		/* Longer ago than 1970: there was one, and more is not known. */
		{ "own_public_key=" PUBLIC "\n" PEER "last_handshake_time_sec=999999999\n" END,
		  "public " PUBLIC " 0 0; " ONES " - 0 700000001 0 0" },
		{ PEER "last_handshake_time_sec=10\n" END, NOTHING "; " ONES " - 0 10 0 0" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct wireguard_device device;
		int result = read_exactly(&device, cases[i].answer, strlen(cases[i].answer));
		char *found;

		if (result != 0)
			fail_msg("%s: %d", cases[i].answer, result);
		found = described(&device);
		if (strcmp(found, cases[i].expected) != 0)
			fail_msg("%s: %s, not %s", cases[i].answer, found, cases[i].expected);
		free(found);
		wireguard_release(&device);
		assert_true(fixture_is_zero(&device, sizeof device));
	}
}

/* A handshake longer ago than the clock's beginning: there was one, and more is not known. */
static void test_young_clock(void **state)
{
	static const char answer[] = "own_public_key=" PUBLIC "\n" PEER "last_handshake_time_sec=200\n" END;
	struct wireguard_device device;

	(void)state;
	assert_int_equal(userspace_answer_device(&device, answer, strlen(answer), 100), 0);
	assert_int_equal(device.peers[0].last_handshake_seconds, 1);
	wireguard_release(&device);
}

static void test_wrong_answers(void **state)
{
	static const char *const answers[] = {
		"",
		"\n",
		"\n" END,
		"errno=0",
		"errno=0\n",
		"errno=0\nx\n\n",
		"errno\n\n",
		"errno=\n\n",
		"errno=-\n\n",
		"errno=--1\n\n",
		"errno=+1\n\n",
		"errno= 1\n\n",
		"errno=0x1\n\n",
		"errno=4096\n\n",
		"errno=99999999999999999999999\n\n",
		"errno=0\r\n\r\n",
		"errno=0\nerrno=0\n\n",
		"listen_port=1\n\n",
		"listen_port=65536\n" END,
		"listen_port=\n" END,
		"listen_port=-1\n" END,
		"listen_port=1 \n" END,
		"fwmark=4294967296\n" END,
		"fwmark=off\n" END,
		"private_key=\n" END,
		"private_key=" ONES "11\n" END,
		"private_key=" ONES "1\n" END,
		"private_key=111111111111111111111111111111111111111111111111111111111111111\n" END,
		"private_key=x111111111111111111111111111111111111111111111111111111111111111\n" END,
		"private_key=111111111111111111111111111111111111111111111111111111111111111 \n" END,
		"own_public_key=1\n" END,
		"public_key=" ONES ONES "\n" END,
		"public_key=1\n" END,
		/* About no peer. */
		"preshared_key=" ONES "\n" END,
		"endpoint=1.2.3.4:5\n" END,
		"allowed_ip=1.2.3.4/5\n" PEER END,
		"rx_bytes=1\n" END,
		PEER "preshared_key=" ONES "0\n" END,
		PEER "preshared_key=1111111111111111111111111111111111111111111111111111111111111g11\n" END,
		PEER "endpoint=\n" END,
		PEER "endpoint=1.2.3.4\n" END,
		PEER "endpoint=1.2.3.4:65536\n" END,
		PEER "endpoint=host:1\n" END,
		PEER "endpoint=::1:1\n" END,
		PEER "endpoint=[::1:1\n" END,
		PEER "endpoint=" ONES TWOS ":1\n" END,
		PEER "persistent_keepalive_interval=65536\n" END,
		PEER "persistent_keepalive_interval=off\n" END,
		PEER "last_handshake_time_sec=9223372036854775808\n" END,
		PEER "last_handshake_time_sec=-1\n" END,
		PEER "rx_bytes=18446744073709551616\n" END,
		PEER "tx_bytes=1e3\n" END,
		PEER "allowed_ip=\n" END,
		PEER "allowed_ip=/8\n" END,
		PEER "allowed_ip=1.2.3/8\n" END,
		PEER "allowed_ip=1.2.3.4/\n" END,
		PEER "allowed_ip=1.2.3.4/33\n" END,
		PEER "allowed_ip=::/129\n" END,
		PEER "allowed_ip=::/-1\n" END,
		PEER "allowed_ip=" ONES "/8\n" END,
		/* What was read until then is wiped. */
		"private_key=" PRIVATE "\n" PEER "preshared_key=" TWOS "\nallowed_ip=::/0\nno line\n" END,
		"private_key=" PRIVATE "\n" PEER "preshared_key=" TWOS "\nallowed_ip=::/0\nrx_bytes=x\n" END,
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(answers); i++) {
		struct wireguard_device device;
		int result = read_exactly(&device, answers[i], strlen(answers[i]));

		if (result != -EPROTO)
			fail_msg("%s: %d", answers[i], result);
		assert_true(fixture_is_zero(&device, sizeof device));
	}
}

/* Strings end where C ends them, answers do not. */
static void test_zero_bytes(void **state)
{
	static const char endpoint[] = PEER "endpoint=1.2.3.4:5\0\n" END;
	static const char allowed[] = PEER "allowed_ip=1.2.3.4\0/8\n" END;
	static const char key[] = "public_key\0=" ONES "\n" END;
	struct wireguard_device device;

	(void)state;
	assert_int_equal(read_exactly(&device, endpoint, sizeof endpoint - 1), -EPROTO);
	assert_int_equal(read_exactly(&device, allowed, sizeof allowed - 1), -EPROTO);
	assert_int_equal(read_exactly(&device, key, sizeof key - 1), 0);
	assert_int_equal(device.peer_count, 0);
	wireguard_release(&device);
}

static void test_every_truncation(void **state)
{
	static const char answer[] = "private_key=" PRIVATE "\nlisten_port=9\n" PEER "preshared_key=" TWOS
				     "\nendpoint=[2001:db8::1]:1\nallowed_ip=10.0.0.0/8\n" END;
	struct wireguard_device device;

	(void)state;
	for (size_t length = 0; length < sizeof answer - 1; length++) {
		assert_int_equal(read_exactly(&device, answer, length), -EPROTO);
		assert_true(fixture_is_zero(&device, sizeof device));
	}
	assert_int_equal(read_exactly(&device, answer, sizeof answer - 1), 0);
	wireguard_release(&device);
}

static void test_errors_in_answers(void **state)
{
	static const struct {
		const char *answer;
		int result;
	} cases[] = {
		{ "errno=0\n\n", 0 },         { "errno=22\n\n", -EINVAL },
		{ "errno=-22\n\n", -EINVAL }, { "errno=-98\n\n", -EADDRINUSE },
		{ "errno=4095\n\n", -4095 },  { "listen_port=x\nerrno=5\n\n", -EIO },
	};
	struct wireguard_device device;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		int result = userspace_answer_result(cases[i].answer, strlen(cases[i].answer));

		if (result != cases[i].result)
			fail_msg("%s: %d, not %d", cases[i].answer, result, cases[i].result);
		if (result == 0)
			continue;
		assert_int_equal(read_exactly(&device, cases[i].answer, strlen(cases[i].answer)), result);
		assert_true(fixture_is_zero(&device, sizeof device));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_young_clock),      cmocka_unit_test(test_answers),
		cmocka_unit_test(test_wrong_answers),    cmocka_unit_test(test_zero_bytes),
		cmocka_unit_test(test_every_truncation), cmocka_unit_test(test_errors_in_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

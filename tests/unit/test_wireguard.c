#include "wireguard_fixture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/un.h>
#include <unistd.h>

#include "wireguard/userspace.h"

/*
 * A WireGuard of user space with one peer, for what goes through wireguard.c whatever the device is: it holds
 * that peer's preshared key, and can be of several minds.
 */
static struct {
	bool is_boringtun;
	bool broke; /* by what boringtun does not survive */
	int set_error;
	bool has_peer;
	char preshared_key[65];
	unsigned sets;
	char last_set[4096];
} device;

static char folder[] = "/tmp/test_wireguard.XXXXXX";
static char path[sizeof folder + 16];
static int listener = -1;
static int stop[2];
static pthread_t thread;

#define PEER_HEX "1111111111111111111111111111111111111111111111111111111111111111"
#define ZERO_HEX "0000000000000000000000000000000000000000000000000000000000000000"
#define OWN_HEX "3333333333333333333333333333333333333333333333333333333333333333"
/* What boringtun would not take. */
#define REFUSED "\npersistent_keepalive_interval=99\n"
#define NEW_HEX "2222222222222222222222222222222222222222222222222222222222222222"

static void answer_get(char *out, size_t out_size)
{
	(void)snprintf(out, out_size, "%slisten_port=7\n%s%s%serrno=0\n\n",
	               device.is_boringtun ? "own_public_key=" OWN_HEX "\n" : "",
	               device.has_peer ? "public_key=" PEER_HEX "\npreshared_key=" : "",
	               device.has_peer ? device.preshared_key : "",
	               device.has_peer ? "\nendpoint=192.0.2.1:7\npersistent_keepalive_interval=25\n"
	                                 "allowed_ip=10.0.0.0/8\nallowed_ip=fd00::/64\n"
	                                 "last_handshake_time_sec=99\nlast_handshake_time_nsec=0\n"
	                               : "");
}

static int set_boringtun(const char *request)
{
	const char *peer = strstr(request, "\npublic_key=");
	bool remove = strstr(request, "\nremove=true\n") != NULL;

	if (strstr(request, "update_only") != NULL)
		return EINVAL;
	/* What is said of one would go on to the next. */
	if (peer != NULL && strstr(peer + 1, "\npublic_key=") != NULL)
		device.broke = true;
	if (strstr(request, "\npublic_key=" PEER_HEX) == NULL)
		return 0;
	if (device.has_peer && !remove)
		device.broke = true;
	if (strstr(request, REFUSED) != NULL)
		return EINVAL;
	device.has_peer = !remove;
	return 0;
}

static void answer_set(const char *request, char *out, size_t out_size)
{
	const char *key = strstr(request, "\npreshared_key=");
	int result = device.set_error;

	device.sets++;
	(void)snprintf(device.last_set, sizeof device.last_set, "%s", request);
	if (device.is_boringtun)
		result = set_boringtun(request);
	if (result == 0 && key != NULL)
		(void)snprintf(device.preshared_key, sizeof device.preshared_key, "%.64s",
		               key + strlen("\npreshared_key="));
	(void)snprintf(out, out_size, "errno=%d\n\n", result);
}

static void serve_one(int fd)
{
	char request[4096] = "";
	char answer[512] = "";
	size_t used = 0;
	ssize_t got;

	while (strstr(request, "\n\n") == NULL &&
	       (got = read(fd, request + used, sizeof request - 1 - used)) > 0) {
		used += (size_t)got;
		request[used] = '\0';
	}
	if (strncmp(request, "get=1\n", 6) == 0)
		answer_get(answer, sizeof answer);
	else if (strncmp(request, "set=1\n", 6) == 0)
		answer_set(request, answer, sizeof answer);
	(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	(void)close(fd);
}

static void *serve(void *context)
{
	struct pollfd wanted[2] = { { .fd = listener, .events = POLLIN },
		                    { .fd = stop[0], .events = POLLIN } };

	while (poll(wanted, 2, -1) > 0 && wanted[1].revents == 0) {
		int fd = accept(listener, NULL, NULL);

		if (fd >= 0)
			serve_one(fd);
	}
	return context;
}

static int start(void **state)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)state;
	memset(&device, 0, sizeof device);
	device.has_peer = true;
	(void)snprintf(device.preshared_key, sizeof device.preshared_key, ZERO_HEX);
	(void)strcpy(folder + sizeof folder - sizeof "XXXXXX", "XXXXXX");
	if (mkdtemp(folder) == NULL || pipe(stop) != 0)
		return -1;
	userspace_use_folder(folder);
	(void)snprintf(path, sizeof path, "%s/wg0.sock", folder);
	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (const struct sockaddr *)&address, sizeof address) != 0 ||
	    listen(listener, 8) != 0)
		return -1;
	return pthread_create(&thread, NULL, serve, NULL);
}

static int end(void **state)
{
	(void)state;
	(void)close(stop[1]);
	(void)pthread_join(thread, NULL);
	(void)close(stop[0]);
	(void)close(listener);
	return unlink(path) == 0 && rmdir(folder) == 0 ? 0 : -1;
}

/* Changes a peer that is there; extra: more than its preshared key, or NULL. */
static int set_key_of(uint8_t number, const struct wireguard_peer_change *extra)
{
	struct wireguard_peer_change peer = { 0 };
	const struct wireguard_change change = { .peers = &peer, .peer_count = 1 };
	uint8_t key[WIREGUARD_KEY_BYTES];

	if (extra != NULL)
		peer = *extra;
	set_key(peer.public_key, number);
	set_key(key, 0x22);
	peer.update_only = true;
	peer.preshared_key = key;
	return wireguard_set("wg0", &change);
}

static void test_get(void **state)
{
	struct wireguard_device got;
	uint8_t key[WIREGUARD_KEY_BYTES];

	(void)state;
	assert_int_equal(wireguard_get(&got, "wg0"), 0);
	assert_string_equal(got.name, "wg0");
	assert_true(got.in_userspace);
	assert_int_equal(got.peer_count, 1);
	set_key(key, 0x11);
	assert_ptr_equal(wireguard_find(&got, key), got.peers);
	key[WIREGUARD_KEY_BYTES - 1] ^= 1;
	assert_null(wireguard_find(&got, key));
	wireguard_release(&got);
	assert_true(fixture_is_zero(&got, sizeof got));
	assert_null(wireguard_find(&got, key));
	/* Once more does no harm. */
	wireguard_release(&got);
}

static void test_names(void **state)
{
	static const char *const names[] = { "", "sixteen-letters-", "./wg0", "x/wg0", "nothing" };
	struct wireguard_change change = { 0 };
	struct wireguard_device got;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(names); i++) {
		memset(&got, 0x55, sizeof got);
		assert_int_equal(wireguard_get(&got, names[i]), -ENODEV);
		assert_true(fixture_is_zero(&got, sizeof got));
		assert_int_equal(wireguard_set(names[i], &change), -ENODEV);
	}
	assert_int_equal(device.sets, 0);
}

/* What cannot be meant is refused before any of it is applied. */
static void test_refused(void **state)
{
	union address_socket endpoint = { .any = { .sa_family = AF_UNSPEC } };
	struct ip_prefix ip = ip_of("10.0.0.0", 32);
	struct wireguard_peer_change peers[2] = { { .remove = false },
		                                  { .allowed_ips = &ip, .allowed_ip_count = 1 } };
	struct wireguard_change change = { .peers = peers, .peer_count = 2 };
	static const struct {
		uint16_t family;
		uint8_t bits;
		int expected;
	} cases[] = {
		{ AF_INET, 0, 0 },        { AF_INET, 32, 0 },         { AF_INET, 33, -EINVAL },
		{ AF_INET6, 128, 0 },     { AF_INET6, 129, -EINVAL }, { AF_UNSPEC, 0, -EINVAL },
		{ AF_UNIX, 32, -EINVAL },
	};
	unsigned sets = 0;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		ip.family = cases[i].family;
		ip.bits = cases[i].bits;
		assert_int_equal(wireguard_set("wg0", &change), cases[i].expected);
		sets += cases[i].expected == 0;
		assert_int_equal(device.sets, sets);
	}
	peers[1].endpoint = &endpoint;
	peers[1].allowed_ip_count = 0;
	assert_int_equal(wireguard_set("wg0", &change), -EINVAL);
	/* Of one that goes nothing else counts. */
	peers[1].remove = true;
	assert_int_equal(wireguard_set("wg0", &change), 0);
}

static void test_preshared_key(void **state)
{
	(void)state;
	assert_int_equal(set_key_of(0x11, NULL), 0);
	assert_string_equal(device.preshared_key, NEW_HEX);
	assert_non_null(strstr(device.last_set, "update_only=true\n"));
	assert_int_equal(device.sets, 1);
}

static void test_extra(void **state)
{
	struct ip_prefix ip = ip_of("10.0.0.0", 8);
	struct wireguard_peer_change extra = { .set_keepalive = true,
		                               .keepalive_seconds = 25,
		                               .replace_allowed_ips = true,
		                               .allowed_ips = &ip,
		                               .allowed_ip_count = 1 };

	(void)state;
	assert_int_equal(set_key_of(0x11, &extra), 0);
	assert_string_equal(device.preshared_key, NEW_HEX);
	assert_non_null(strstr(device.last_set, "\npublic_key=" PEER_HEX "\n"));
	assert_non_null(strstr(device.last_set, "\npersistent_keepalive_interval=25\n"));
	assert_non_null(strstr(device.last_set, "\nreplace_allowed_ips=true\n"));
	assert_non_null(strstr(device.last_set, "\nallowed_ip=10.0.0.0/8\n"));
	assert_null(strstr(device.last_set, "remove="));
}

static void has_line(const char *line)
{
	if (strstr(device.last_set, line) == NULL)
		fail_msg("no %s in\n%s", line + 1, device.last_set);
}

/* A peer that changes goes and comes again with all that it had; to one that is not there nothing is sent. */
static void test_boringtun(void **state)
{
	struct ip_prefix ip = ip_of("10.9.0.0", 16);
	struct wireguard_peer_change extra = {
		.set_keepalive = true, .keepalive_seconds = 7, .allowed_ips = &ip, .allowed_ip_count = 1
	};

	(void)state;
	device.is_boringtun = true;
	assert_int_equal(set_key_of(0x11, NULL), 0);
	assert_int_equal(device.sets, 4);
	assert_string_equal(device.preshared_key, NEW_HEX);
	has_line("\nendpoint=192.0.2.1:7\n");
	has_line("\npersistent_keepalive_interval=25\n");
	has_line("\nallowed_ip=10.0.0.0/8\n");
	has_line("\nallowed_ip=fd00::/64\n");
	assert_int_equal(set_key_of(0x11, &extra), 0);
	has_line("\npersistent_keepalive_interval=7\n");
	has_line("\nallowed_ip=10.0.0.0/8\n");
	has_line("\nallowed_ip=10.9.0.0/16\n");
	extra.replace_allowed_ips = true;
	assert_int_equal(set_key_of(0x11, &extra), 0);
	has_line("\nallowed_ip=10.9.0.0/16\n");
	assert_null(strstr(device.last_set, "\nallowed_ip=10.0.0.0/8\n"));
	assert_int_equal(device.sets, 12);
	assert_int_equal(set_key_of(0x12, NULL), 0);
	/* All at once, and what is not about peers. */
	assert_int_equal(device.sets, 14);
	assert_false(device.broke);
}

/* What is said of a peer that has a key, and does not name the key, leaves it. */
static void test_boringtun_keeps_key(void **state)
{
	struct wireguard_peer_change peer = { .update_only = true,
		                              .set_keepalive = true,
		                              .keepalive_seconds = 7 };
	const struct wireguard_change change = { .peers = &peer, .peer_count = 1 };

	(void)state;
	memset(peer.public_key, 0x11, WIREGUARD_KEY_BYTES);
	(void)strcpy(device.preshared_key, NEW_HEX);
	device.is_boringtun = true;
	assert_int_equal(wireguard_set("wg0", &change), 0);
	has_line("\npreshared_key=" NEW_HEX "\n");
	has_line("\npersistent_keepalive_interval=7\n");
	assert_true(device.has_peer);
	/* What is refused is not the end of the peer. */
	peer.keepalive_seconds = 99;
	assert_int_equal(wireguard_set("wg0", &change), -EINVAL);
	assert_true(device.has_peer);
	has_line("\npreshared_key=" NEW_HEX "\n");
	has_line("\npersistent_keepalive_interval=25\n");
	assert_false(device.broke);
}

/* Its other things are set as ever, and peers each for itself. */
static void test_boringtun_many(void **state)
{
	uint8_t key[WIREGUARD_KEY_BYTES] = { 9 };
	struct wireguard_peer_change peers[3] = {
		{ .update_only = true, .preshared_key = key },
		{ .preshared_key = key },
		{ .update_only = true, .preshared_key = key },
	};
	const struct wireguard_change change = {
		.set_listen_port = true, .listen_port = 99, .peers = peers, .peer_count = 3
	};

	(void)state;
	memset(peers[0].public_key, 0x11, WIREGUARD_KEY_BYTES);
	memset(peers[1].public_key, 0x12, WIREGUARD_KEY_BYTES);
	memset(peers[2].public_key, 0x13, WIREGUARD_KEY_BYTES);
	device.is_boringtun = true;
	assert_int_equal(wireguard_set("wg0", &change), 0);
	/* All at once, the port, the first goes and comes, the second. */
	assert_int_equal(device.sets, 5);
	assert_true(device.has_peer);
	assert_null(strstr(device.last_set, "listen_port"));
}

static void test_set_error(void **state)
{
	(void)state;
	device.set_error = -EPERM;
	assert_int_equal(set_key_of(0x11, NULL), -EPERM);
	assert_int_equal(device.sets, 1);
	device.set_error = EINVAL;
	assert_int_equal(set_key_of(0x11, NULL), -EINVAL);
	/* Once: only boringtun is asked otherwise. */
	assert_int_equal(device.sets, 2);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_get),
		TEST(test_names),
		TEST(test_refused),
		TEST(test_preshared_key),
		TEST(test_extra),
		TEST(test_boringtun),
		TEST(test_boringtun_many),
		TEST(test_boringtun_keeps_key),
		TEST(test_set_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

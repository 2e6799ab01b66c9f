#include "fixture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "wireguard/userspace.h"

#define NAME "wg7"
#define REQUEST_MAX (4 * 1024 * 1024)
#define FLOOD_BYTES (1024 * 1024)
#define MANY_PEERS 2000
#define NOT_TRIED 1

/* A pair that wg made for this test. */
#define PRIVATE "d0bc09ec02775436f77e5030a3d18d31a251b5e2a590acd49baee0fa1f60f767"
#define ONES "1111111111111111111111111111111111111111111111111111111111111111"
#define TWOS "2222222222222222222222222222222222222222222222222222222222222222"
#define ABCS "abcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcdefabcd"
#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"
#define PEER "public_key=" ONES "\n"
#define END "errno=0\n\n"

static char folder[64];

enum behaviour {
	ANSWERS,        /* and closes */
	STAYS,          /* after the answer, without closing */
	DRIPS,          /* one byte of the answer every 50 ms, and again from its beginning */
	FLOODS,         /* with the answer, again and again */
	CLOSES_AT_ONCE, /* before the request is read, after the answer */
	NEVER_READS,
};

struct server {
	pid_t pid;
	int requests; /* what came in is read from here */
};

static void socket_path(struct sockaddr_un *address, const char *name)
{
	*address = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert_true(snprintf(address->sun_path, sizeof address->sun_path, "%s/%s.sock", folder, name) <
	            (int)sizeof address->sun_path);
}

static int listen_as(const char *name, int queue)
{
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	socket_path(&address, name);
	(void)unlink(address.sun_path);
	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(fd, queue), 0);
	return fd;
}

/* false: nobody takes it. */
static bool write_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t count = write(fd, bytes, length);

		if (count <= 0)
			return false;
		bytes += count;
		length -= (size_t)count;
	}
	return true;
}

/* Up to its empty line. */
static size_t take_request(int client, char request[static REQUEST_MAX])
{
	size_t used = 0;

	while (used < 2 || memcmp(request + used - 2, "\n\n", 2) != 0) {
		ssize_t count = read(client, request + used, REQUEST_MAX - used);

		if (count <= 0)
			break;
		used += (size_t)count;
	}
	return used;
}

/* Often enough in one piece that the time goes into reading it. */
static void flood(int client, const char *answer)
{
	static char many[FLOOD_BYTES];
	size_t length = strlen(answer);
	size_t used = 0;

	for (; length <= sizeof many - used; used += length)
		memcpy(many + used, answer, length);
	while (write_all(client, many, used))
		;
}

static void serve_one(int client, int requests, enum behaviour behaviour, const char *answer)
{
	static char request[REQUEST_MAX];
	const struct timespec between = { .tv_nsec = 50000000 };
	size_t length = 0;

	if (behaviour != CLOSES_AT_ONCE && behaviour != NEVER_READS)
		length = take_request(client, request);
	if (behaviour == FLOODS)
		flood(client, answer);
	for (size_t i = 0; behaviour == DRIPS && write_all(client, answer + i, 1);
	     i = (i + 1) % strlen(answer))
		(void)nanosleep(&between, NULL);
	(void)write_all(client, answer, strlen(answer));
	if (behaviour == ANSWERS)
		(void)close(client);
	(void)write_all(requests, request, length);
	(void)close(requests);
	while (behaviour == STAYS || behaviour == NEVER_READS)
		(void)pause();
}

static struct server start_server(enum behaviour behaviour, const char *answer)
{
	struct server server;
	int listener = listen_as(NAME, 1);
	int ends[2];

	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	server.pid = fork();
	assert_true(server.pid >= 0);
	if (server.pid == 0) {
		(void)alarm(60);
		(void)signal(SIGPIPE, SIG_IGN);
		(void)close(ends[0]);
		serve_one(accept(listener, NULL, NULL), ends[1], behaviour, answer);
		_exit(0);
	}
	(void)close(listener);
	(void)close(ends[1]);
	server.requests = ends[0];
	return server;
}

/* Ends it; what it was asked, allocated, or NULL where that is not wanted. */
static void stop_server(struct server *server, char **request)
{
	size_t used = 0;

	if (request != NULL) {
		ssize_t count;

		*request = calloc(1, REQUEST_MAX);
		assert_non_null(*request);
		while ((count = read(server->requests, *request + used, REQUEST_MAX - 1 - used)) > 0)
			used += (size_t)count;
	}
	(void)close(server->requests);
	(void)kill(server->pid, SIGKILL);
	assert_int_equal(waitpid(server->pid, NULL, 0), server->pid);
}

static uint64_t now_ms(void)
{
	struct timespec now;

	assert_int_equal(clock_gettime(CLOCK_MONOTONIC, &now), 0);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static size_t count_descriptors(void)
{
	int next = dup(STDERR_FILENO);

	assert_true(next >= 0);
	(void)close(next);
	return (size_t)next;
}

static void test_get(void **state)
{
	static const char answer[] =
		"private_key=" PRIVATE "\nlisten_port=9\n" PEER "preshared_key=" TWOS "\n" END;
	static const enum behaviour behaviours[] = { ANSWERS, STAYS };
	size_t descriptors = count_descriptors();

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(behaviours); i++) {
		struct server server = start_server(behaviours[i], answer);
		struct wireguard_device device;
		uint8_t key[WIREGUARD_KEY_BYTES];
		char *request;

		memset(&device, 'x', sizeof device);
		assert_int_equal(userspace_get(&device, NAME), 0);
		stop_server(&server, &request);
		assert_string_equal(request, "get=1\n\n");
		free(request);
		assert_string_equal(device.name, NAME);
		assert_true(device.in_userspace && device.has_private_key);
		assert_int_equal(device.listen_port, 9);
		assert_int_equal(device.peer_count, 1);
		fixture_hex(TWOS, key, sizeof key);
		assert_memory_equal(device.peers[0].preshared_key, key, sizeof key);
		wireguard_release(&device);
	}
	assert_int_equal(count_descriptors(), descriptors);
}

static void check_set(const struct wireguard_change *change, const char *expected)
{
	struct server server = start_server(ANSWERS, "errno=0\n\n");
	char *request;

	assert_int_equal(userspace_set(NAME, change), 0);
	stop_server(&server, &request);
	assert_string_equal(request, expected);
	free(request);
}

static struct ip_prefix prefix_of(const char *text, uint8_t bits)
{
	struct ip_prefix prefix = { .family = AF_INET, .bits = bits };

	if (inet_pton(AF_INET, text, &prefix.v4) == 1)
		return prefix;
	prefix.family = AF_INET6;
	assert_int_equal(inet_pton(AF_INET6, text, &prefix.v6), 1);
	return prefix;
}

static union address_socket endpoint_of(const char *text)
{
	union address_socket endpoint;
	const char *problem;

	assert_int_equal(address_parse(text, &endpoint, &problem), 0);
	return endpoint;
}

static void test_set(void **state)
{
	static const uint8_t zeros[WIREGUARD_KEY_BYTES];
	const struct ip_prefix prefixes[] = { prefix_of("10.0.0.0", 8), prefix_of("fd00::1", 128),
		                              prefix_of("::", 0) };
	const union address_socket v4 = endpoint_of("192.0.2.1:51820");
	const union address_socket v6 = endpoint_of("[2001:db8::1]:65535");
	const union address_socket scoped = endpoint_of("[fe80::1%1]:1");
	uint8_t private_key[WIREGUARD_KEY_BYTES];
	uint8_t preshared_key[WIREGUARD_KEY_BYTES];
	struct wireguard_peer_change peers[] = {
		{ .update_only = true, .preshared_key = preshared_key },
		{ .endpoint = &v4,
		  .set_keepalive = true,
		  .keepalive_seconds = 25,
		  .replace_allowed_ips = true,
		  .allowed_ips = prefixes,
		  .allowed_ip_count = 3 },
		{ .remove = true, .update_only = true, .preshared_key = preshared_key, .endpoint = &v4 },
		{ .preshared_key = zeros, .endpoint = &v6, .set_keepalive = true },
		{ .endpoint = &scoped, .allowed_ips = prefixes, .allowed_ip_count = 1 },
		{ .replace_allowed_ips = true },
		{ .update_only = false },
	};

	(void)state;
	fixture_hex(PRIVATE, private_key, sizeof private_key);
	fixture_hex(TWOS, preshared_key, sizeof preshared_key);
	for (size_t i = 0; i < FIXTURE_COUNT(peers); i++)
		fixture_hex(i % 2 == 0 ? ONES : ABCS, peers[i].public_key, WIREGUARD_KEY_BYTES);
	check_set(&(struct wireguard_change){ 0 }, "set=1\n\n");
	check_set(&(struct wireguard_change){ .private_key = private_key,
	                                      .set_listen_port = true,
	                                      .listen_port = 65535,
	                                      .set_fwmark = true,
	                                      .fwmark = UINT32_MAX,
	                                      .replace_peers = true },
	          "set=1\nprivate_key=" PRIVATE
	          "\nlisten_port=65535\nfwmark=4294967295\nreplace_peers=true\n\n");
	check_set(&(struct wireguard_change){ .private_key = zeros,
	                                      .set_listen_port = true,
	                                      .set_fwmark = true },
	          "set=1\nprivate_key=" ZEROS "\nlisten_port=0\nfwmark=0\n\n");
	check_set(
		&(struct wireguard_change){ .listen_port = 1, .fwmark = 1, .peers = peers, .peer_count = 7 },
		"set=1\n" PEER "update_only=true\npreshared_key=" TWOS "\npublic_key=" ABCS
		"\nendpoint=192.0.2.1:51820\npersistent_keepalive_interval=25\nreplace_allowed_ips=true\n"
		"allowed_ip=10.0.0.0/8\nallowed_ip=fd00::1/128\nallowed_ip=::/0\n" PEER "remove=true\n"
		"public_key=" ABCS "\npreshared_key=" ZEROS "\nendpoint=[2001:db8::1]:65535\n"
		"persistent_keepalive_interval=0\n" PEER "endpoint=[fe80::1%1]:1\nallowed_ip=10.0.0.0/8\n"
		"public_key=" ABCS "\nreplace_allowed_ips=true\n" PEER "\n");
}

/* A prefix of no family is nothing to send. */
static void test_set_refused(void **state)
{
	const struct ip_prefix prefix = { .family = AF_UNIX };
	const struct wireguard_peer_change peer = { .allowed_ips = &prefix, .allowed_ip_count = 1 };

	(void)state;
	assert_int_equal(userspace_set(NAME, &(struct wireguard_change){ .peers = &peer, .peer_count = 1 }),
	                 -EINVAL);
}

/* More than any buffer at its beginning, in both directions. */
static void test_many_peers(void **state)
{
	struct wireguard_peer_change *peers = calloc(MANY_PEERS, sizeof *peers);
	const struct wireguard_change change = { .peers = peers, .peer_count = MANY_PEERS };
	const struct ip_prefix prefix = prefix_of("10.1.2.3", 32);
	uint8_t keys[MANY_PEERS][WIREGUARD_KEY_BYTES];
	struct wireguard_device device;
	struct server server;
	uint64_t random = 1;
	char *answer;
	char *request;

	(void)state;
	assert_non_null(peers);
	for (size_t i = 0; i < MANY_PEERS; i++) {
		fixture_fill(&random, peers[i].public_key, WIREGUARD_KEY_BYTES);
		fixture_fill(&random, keys[i], WIREGUARD_KEY_BYTES);
		peers[i].preshared_key = keys[i];
		peers[i].allowed_ips = &prefix;
		peers[i].allowed_ip_count = 1;
	}
	server = start_server(ANSWERS, "errno=0\n\n");
	assert_int_equal(userspace_set(NAME, &change), 0);
	stop_server(&server, &request);
	/* What it was told it tells. */
	assert_true(asprintf(&answer, "%.*serrno=0\n\n", (int)(strlen(request) - 1), request) > 0);
	server = start_server(ANSWERS, answer);
	assert_int_equal(userspace_get(&device, NAME), 0);
	stop_server(&server, NULL);
	assert_int_equal(device.peer_count, MANY_PEERS);
	for (size_t i = 0; i < MANY_PEERS; i++) {
		const struct wireguard_peer *peer = &device.peers[i];

		assert_memory_equal(peer->public_key, peers[i].public_key, WIREGUARD_KEY_BYTES);
		assert_memory_equal(peer->preshared_key, keys[i], WIREGUARD_KEY_BYTES);
		assert_int_equal(peer->allowed_ip_count, 1);
	}
	wireguard_release(&device);
	free(answer);
	free(request);
	free(peers);
}

/* A server that cannot be trusted is asked for a device, and gets a change that no socket buffer holds. */
static void test_bad_servers(void **state)
{
	static const struct {
		enum behaviour behaviour;
		const char *answer;
		int get; /* NOT_TRIED, or an error */
		int set;
		bool slow; /* until the patience is at its end, and not longer */
	} cases[] = {
		{ ANSWERS, "", -EPROTO, -EPROTO, false },
		{ ANSWERS, "errno=0\n", -EPROTO, -EPROTO, false },
		{ ANSWERS, "\n", -EPROTO, -EPROTO, false },
		{ ANSWERS, "listen_port=1\n\n", -EPROTO, -EPROTO, false },
		{ ANSWERS, "errno=-22\n\n", -EINVAL, -EINVAL, false },
		{ ANSWERS, "errno=22\n\nlater", -EINVAL, -EINVAL, false },
		{ STAYS, "", -ETIMEDOUT, -ETIMEDOUT, true },
		{ STAYS, "errno=0\n", -ETIMEDOUT, -ETIMEDOUT, true },
		{ STAYS, "\nerrno=0\n\n", -EPROTO, -EPROTO, false },
		{ STAYS, "\n", -EPROTO, -EPROTO, false },
		/* Its end comes in two pieces. */
		{ DRIPS, "errno=22\n\n", -EINVAL, -EINVAL, false },
		{ DRIPS, "k=v\n", -ETIMEDOUT, -ETIMEDOUT, true },
		/* It refuses a large request half-way. */
		{ CLOSES_AT_ONCE, "errno=-22\n\n", NOT_TRIED, -EINVAL, false },
		{ NEVER_READS, "", -ETIMEDOUT, -ETIMEDOUT, true },
	};
	static struct wireguard_peer_change peers[20000];
	const struct wireguard_change change = { .peers = peers, .peer_count = FIXTURE_COUNT(peers) };
	size_t descriptors = count_descriptors();

	(void)state;
	for (size_t i = 0; i < 2 * FIXTURE_COUNT(cases); i++) {
		bool get = i % 2 == 0;
		int expected = get ? cases[i / 2].get : cases[i / 2].set;
		struct server server = start_server(cases[i / 2].behaviour, cases[i / 2].answer);
		struct wireguard_device device;
		uint64_t before = now_ms();
		int result = expected;

		userspace_use_patience(cases[i / 2].slow ? 300 : 20000);
		memset(&device, 'x', sizeof device);
		if (!get)
			result = userspace_set(NAME, &change);
		else if (expected != NOT_TRIED)
			result = userspace_get(&device, NAME);
		stop_server(&server, NULL);
		if (result != expected)
			fail_msg("case %zu: %d, not %d", i, result, expected);
		if (get && expected != NOT_TRIED)
			assert_true(fixture_is_zero(&device, sizeof device));
		assert_true(!cases[i / 2].slow || (now_ms() - before >= 290 && now_ms() - before < 10000));
	}
	assert_int_equal(count_descriptors(), descriptors);
}

/* An answer without end is too long some time, and its lines may be longer than everything else. */
static void test_endless(void **state)
{
	static char line[100000];
	static const char *const answers[] = { "k=v\n", PEER, line };

	(void)state;
	userspace_use_patience(50000);
	memset(line, 'k', sizeof line - 1);
	for (size_t i = 0; i < FIXTURE_COUNT(answers); i++) {
		struct server server = start_server(FLOODS, answers[i]);
		struct wireguard_device device;

		assert_int_equal(userspace_get(&device, NAME), -EMSGSIZE);
		stop_server(&server, NULL);
		assert_true(fixture_is_zero(&device, sizeof device));
	}
}

static void check_nobody(const char *name)
{
	struct wireguard_device device;
	int result;

	assert_false(userspace_serves(name));
	result = userspace_get(&device, name);
	if (result != -ENODEV)
		fail_msg("\"%s\": %d", name, result);
	assert_true(fixture_is_zero(&device, sizeof device));
	assert_int_equal(userspace_set(name, &(struct wireguard_change){ 0 }), -ENODEV);
}

static void test_nobody(void **state)
{
	static const char *const names[] = { "wg0",      "",        ".",      "..",
		                             "../" NAME, "a/" NAME, "/" NAME, "sixteen-letters!",
		                             "a" };
	char path[128];
	int fd = listen_as(NAME, 1);

	(void)state;
	assert_true(userspace_serves(NAME));
	for (size_t i = 0; i < FIXTURE_COUNT(names); i++)
		check_nobody(names[i]);
	/* Left behind. */
	(void)close(fd);
	check_nobody(NAME);
	/* No socket at all. */
	(void)snprintf(path, sizeof path, "%s/file.sock", folder);
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
	check_nobody("file");
	userspace_use_folder("/nowhere");
	check_nobody(NAME);
	(void)snprintf(path, sizeof path, "%s/file.sock", folder);
	userspace_use_folder(path);
	check_nobody(NAME);
}

/* One that has no time is there all the same: nobody is to look in the kernel for it. */
static void test_full_queue(void **state)
{
	struct wireguard_device device;
	struct sockaddr_un address;
	int clients[8];
	int fd = listen_as(NAME, 0);

	(void)state;
	socket_path(&address, NAME);
	for (size_t i = 0; i < FIXTURE_COUNT(clients); i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		assert_true(clients[i] >= 0);
		(void)connect(clients[i], (struct sockaddr *)&address, sizeof address);
	}
	assert_true(userspace_serves(NAME));
	userspace_use_patience(300);
	assert_int_equal(userspace_get(&device, NAME), -ETIMEDOUT);
	assert_true(fixture_is_zero(&device, sizeof device));
	for (size_t i = 0; i < FIXTURE_COUNT(clients); i++)
		(void)close(clients[i]);
	(void)close(fd);
}

/* Of somebody else: that is another problem than a device that is missing. */
static void test_not_allowed(void **state)
{
	struct wireguard_device device;
	struct sockaddr_un address;
	int fd = listen_as(NAME, 1);

	(void)state;
	if (geteuid() != 0) {
		(void)close(fd);
		skip();
	}
	socket_path(&address, NAME);
	assert_int_equal(chmod(address.sun_path, 0700), 0);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_true(userspace_serves(NAME));
	assert_int_equal(userspace_get(&device, NAME), -EACCES);
	assert_false(userspace_serves("wg0"));
	/* Of a folder that is closed nothing is known, which must not hide devices of the kernel. */
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(folder, 0700), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_false(userspace_serves(NAME));
	assert_int_equal(seteuid(0), 0);
	(void)close(fd);
}

static void test_long_folder(void **state)
{
	static char path[200];
	struct wireguard_device device;

	(void)state;
	memset(path, 'f', sizeof path - 1);
	path[0] = '/';
	userspace_use_folder(path);
	assert_false(userspace_serves(NAME));
	assert_int_equal(userspace_get(&device, NAME), -ENAMETOOLONG);
}

static int set_up(void **state)
{
	(void)state;
	(void)snprintf(folder, sizeof folder, "/tmp/rosenpass-userspace-XXXXXX");
	userspace_use_folder(folder);
	userspace_use_patience(20000);
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int tear_down(void **state)
{
	static const char *const names[] = { NAME ".sock", "file.sock" };
	char path[128];

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(names); i++) {
		(void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

#define SOCKET_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SOCKET_TEST(test_get),         SOCKET_TEST(test_set),         SOCKET_TEST(test_set_refused),
		SOCKET_TEST(test_many_peers),  SOCKET_TEST(test_bad_servers), SOCKET_TEST(test_endless),
		SOCKET_TEST(test_nobody),      SOCKET_TEST(test_full_queue),  SOCKET_TEST(test_not_allowed),
		SOCKET_TEST(test_long_folder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "wireguard_fixture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/monitor_parts.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/log.h"
#include "wireguard/userspace.h"

/* No interface of the kernel has this name. */
#define DEVICE "wg-of-a-test"
#define HEX_CHARS 64
#define PEERS 3

/*
 * A WireGuard of user space with some peers, whose keys are one byte over and over: 0x11, 0x12, 0x13.
 * It refuses a whole request that has REFUSED in it, as the kernel refuses one with a wrong peer.
 */
#define REFUSED "persistent_keepalive_interval=99\n"

static struct {
	bool is_mute;
	bool has[PEERS];
	char preshared_keys[PEERS][HEX_CHARS + 1];
	unsigned keepalive[PEERS];
	unsigned sets;
} device;

struct scene {
	struct monitor monitor;
	char folder[64];
	int engine;
	struct monitor_peer *peers[2];
	int listener;
	int stop[2];
	pthread_t thread;
};

static void answer_get(char *out, size_t size)
{
	int used = snprintf(out, size, "listen_port=7\n");

	for (size_t i = 0; i < PEERS; i++) {
		if (!device.has[i])
			continue;
		used += snprintf(out + used, size - (size_t)used, "public_key=");
		for (size_t j = 0; j < WIREGUARD_KEY_BYTES; j++)
			used += snprintf(out + used, size - (size_t)used, "%02zx", 0x11 + i);
		used += snprintf(out + used, size - (size_t)used,
		                 "\npreshared_key=%s\npersistent_keepalive_interval=%u\n",
		                 device.preshared_keys[i], device.keepalive[i]);
	}
	(void)snprintf(out + used, size - (size_t)used, "errno=0\n\n");
}

/* What a request says of its peers, line by line. */
static void apply(char *request)
{
	size_t peer = PEERS;

	for (char *rest = request, *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (strncmp(line, "public_key=", 11) == 0)
			peer = strtoul((char[]){ line[11], line[12], '\0' }, NULL, 16) - 0x11;
		else if (peer >= PEERS || !device.has[peer])
			continue;
		else if (strncmp(line, "preshared_key=", 14) == 0)
			(void)snprintf(device.preshared_keys[peer], HEX_CHARS + 1, "%s", line + 14);
		else if (strncmp(line, "persistent_keepalive_interval=", 30) == 0)
			device.keepalive[peer] = (unsigned)strtoul(line + 30, NULL, 10);
	}
}

static void serve_one(int fd)
{
	char request[8192] = "";
	char answer[8192] = "";
	size_t used = 0;
	ssize_t got;

	while (strstr(request, "\n\n") == NULL &&
	       (got = read(fd, request + used, sizeof request - 1 - used)) > 0) {
		used += (size_t)got;
		request[used] = '\0';
	}
	if (strncmp(request, "get=1\n", 6) == 0) {
		answer_get(answer, sizeof answer);
	} else if (strncmp(request, "set=1\n", 6) == 0) {
		bool refused = strstr(request, REFUSED) != NULL;

		device.sets++;
		(void)snprintf(answer, sizeof answer, "errno=%d\n\n", refused ? -EINVAL : 0);
		if (!refused)
			apply(request);
	}
	(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static void *serve(void *context)
{
	const struct scene *scene = context;
	struct pollfd wanted[2] = { { .fd = scene->listener, .events = POLLIN },
		                    { .fd = scene->stop[0], .events = POLLIN } };

	while (poll(wanted, 2, -1) > 0 && wanted[1].revents == 0) {
		int fd = accept(scene->listener, NULL, NULL);

		if (fd >= 0 && !device.is_mute)
			serve_one(fd);
		(void)close(fd);
	}
	return NULL;
}

static void open_device(struct scene *scene)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/" DEVICE ".sock", scene->folder);
	scene->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(pipe(scene->stop), 0);
	assert_int_equal(bind(scene->listener, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(scene->listener, 8), 0);
	assert_int_equal(pthread_create(&scene->thread, NULL, serve, scene), 0);
}

static void close_device(struct scene *scene)
{
	char path[128];

	if (scene->listener < 0)
		return;
	(void)close(scene->stop[1]);
	assert_int_equal(pthread_join(scene->thread, NULL), 0);
	(void)close(scene->stop[0]);
	(void)close(scene->listener);
	scene->listener = -1;
	(void)snprintf(path, sizeof path, "%s/" DEVICE ".sock", scene->folder);
	assert_int_equal(unlink(path), 0);
}

static char *copy(const char *text)
{
	char *copied = strdup(text);

	assert_non_null(copied);
	return copied;
}

/* A peer whose keys go to a peer of the device. */
static void configure(struct config_peer *config, size_t i, const char *keepalive)
{
	uint8_t key[WIREGUARD_KEY_BYTES];
	char text[BASE64_KEY_CHARS + 1];
	char path[512];

	memset(config, 0, sizeof *config);
	set_key(key, (uint8_t)(0x11 + i));
	base64_encode_key(text, key);
	(void)snprintf(path, sizeof path, "%s/vectors/keys/%s.pk", TEST_DATA_DIR, i == 0 ? "alice" : "bob");
	config->public_key = copy(path);
	config->name = copy(i == 0 ? "alice" : "bob");
	config->device = copy(DEVICE);
	config->wireguard_peer = copy(text);
	config->extra_params.words = calloc(2, sizeof *config->extra_params.words);
	assert_non_null(config->extra_params.words);
	config->extra_params.words[0] = copy("persistent-keepalive");
	config->extra_params.words[1] = copy(keepalive);
	config->extra_params.count = 2;
}

static void release_config(struct config_peer *config)
{
	for (size_t i = 0; i < config->extra_params.count; i++)
		free(config->extra_params.words[i]);
	free(config->extra_params.words);
	free(config->public_key);
	free(config->name);
	free(config->device);
	free(config->wireguard_peer);
}

static void add_peer(struct scene *scene, size_t i, const char *keepalive)
{
	struct config_peer config;
	struct monitor_staged staged;
	char problem[MONITOR_PROBLEM_BYTES];

	configure(&config, i, keepalive);
	assert_int_equal(monitor_load_peer(&staged, &scene->monitor, &config, i + 1, problem), 0);
	assert_int_equal(monitor_peers_add(&scene->monitor, &staged, false), 0);
	monitor_load_release(&staged);
	scene->peers[i] = monitor_peers_by_serial(&scene->monitor, scene->monitor.last_serial);
	assert_non_null(scene->peers[i]);
}

static int set_up(void **state)
{
	static char name[] = DEVICE;
	struct scene *scene = calloc(1, sizeof *scene);
	int pair[2];

	assert_non_null(scene);
	scene->monitor.name = name;
	log_set_level(LOG_OFF);
	memset(&device, 0, sizeof device);
	for (size_t i = 0; i < PEERS; i++) {
		device.has[i] = true;
		memset(device.preshared_keys[i], '0', HEX_CHARS);
	}
	(void)snprintf(scene->folder, sizeof scene->folder, "/tmp/rosenpass-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	userspace_use_folder(scene->folder);
	userspace_use_patience(200);
	assert_int_equal(channel_open(pair), 0);
	scene->monitor.channel = pair[0];
	scene->engine = pair[1];
	scene->listener = -1;
	for (size_t i = 0; i < MONITOR_CLIENTS; i++)
		scene->monitor.clients[i].fd = -1;
	*state = scene;
	return 0;
}

static int tear_down(void **state)
{
	struct scene *scene = *state;

	close_device(scene);
	monitor_peers_release_all(&scene->monitor);
	monitor_device_release_all(&scene->monitor);
	(void)close(scene->monitor.channel);
	(void)close(scene->engine);
	assert_int_equal(rmdir(scene->folder), 0);
	free(scene);
	return 0;
}

/* A key of an exchange. */
static void give(struct scene *scene, size_t i, uint8_t number)
{
	uint8_t key[ROSENPASS_KEY_BYTES];

	memset(key, number, sizeof key);
	monitor_delivery_start(&scene->monitor, scene->peers[i], key, "exchanged", clock_now_ns());
}

/* Looks at the device now. */
static void look(struct scene *scene)
{
	monitor_device_look(&scene->monitor, DEVICE);
	(void)monitor_device_serve(&scene->monitor, clock_now_ns());
}

static bool has(size_t peer, uint8_t number)
{
	uint8_t key[WIREGUARD_KEY_BYTES];

	return sodium_hex2bin(key, sizeof key, device.preshared_keys[peer], HEX_CHARS, NULL, NULL, NULL) ==
	               0 &&
	       is_key(key, number);
}

static const struct monitor_output *output(const struct scene *scene, size_t i)
{
	return monitor_wireguard_output(scene->peers[i]);
}

/* A random key before the first exchange, without anything else; then keys and parameters, in one request. */
static void test_keys(void **state)
{
	struct scene *scene = *state;

	open_device(scene);
	add_peer(scene, 0, "25");
	add_peer(scene, 1, "26");
	(void)monitor_device_serve(&scene->monitor, clock_now_ns());
	assert_int_equal(device.sets, 1);
	assert_false(has(0, 0));
	assert_false(has(1, 0));
	assert_string_not_equal(device.preshared_keys[0], device.preshared_keys[1]);
	assert_int_equal(device.keepalive[0], 0);
	assert_int_equal(output(scene, 0)->state, MONITOR_DELIVERED);
	give(scene, 0, 0xaa);
	give(scene, 1, 0xbb);
	assert_int_equal(output(scene, 0)->state, MONITOR_WAITING);
	(void)monitor_device_serve(&scene->monitor, clock_now_ns());
	assert_int_equal(device.sets, 2);
	assert_true(has(0, 0xaa));
	assert_true(has(1, 0xbb));
	assert_int_equal(device.keepalive[0], 25);
	assert_int_equal(device.keepalive[1], 26);
	/* Nobody else's peer is touched, and what is right is not set again. */
	assert_true(has(2, 0));
	look(scene);
	assert_int_equal(device.sets, 2);
	/* Somebody else sets a key. */
	memset(device.preshared_keys[0], '9', HEX_CHARS);
	look(scene);
	assert_true(has(0, 0xaa));
	assert_int_equal(device.sets, 3);
}

static void test_refused(void **state)
{
	struct scene *scene = *state;

	open_device(scene);
	add_peer(scene, 0, "25");
	add_peer(scene, 1, "99");
	give(scene, 0, 0xaa);
	give(scene, 1, 0xbb);
	(void)monitor_device_serve(&scene->monitor, clock_now_ns());
	assert_true(has(0, 0xaa));
	assert_int_equal(device.keepalive[0], 25);
	assert_true(has(1, 0xbb));
	assert_int_equal(device.keepalive[1], 0);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(output(scene, i)->state, MONITOR_DELIVERED);
	assert_int_equal(output(scene, 0)->wireguard->refused, 0);
	assert_int_equal(output(scene, 1)->wireguard->refused, -EINVAL);
	assert_false(output(scene, 0)->wireguard->is_extra_due);
	assert_true(output(scene, 1)->wireguard->is_extra_due);
}

static void test_comes_late(void **state)
{
	struct scene *scene = *state;

	add_peer(scene, 0, "25");
	give(scene, 0, 0xaa);
	(void)monitor_device_serve(&scene->monitor, clock_now_ns());
	assert_int_equal(output(scene, 0)->state, MONITOR_FAILING);
	assert_false(output(scene, 0)->wireguard->is_there);
	/* The peer still later. */
	device.has[0] = false;
	open_device(scene);
	look(scene);
	assert_int_equal(output(scene, 0)->state, MONITOR_FAILING);
	assert_non_null(strstr(output(scene, 0)->error, "has no peer ERERERE"));
	assert_int_equal(device.sets, 0);
	device.has[0] = true;
	look(scene);
	assert_int_equal(output(scene, 0)->state, MONITOR_DELIVERED);
	assert_string_equal(output(scene, 0)->error, "");
	assert_true(has(0, 0xaa));
	assert_int_equal(device.keepalive[0], 25);
}

static void test_removed(void **state)
{
	struct scene *scene = *state;

	open_device(scene);
	add_peer(scene, 0, "25");
	add_peer(scene, 1, "25");
	give(scene, 0, 0xaa);
	give(scene, 1, 0xbb);
	(void)monitor_device_serve(&scene->monitor, clock_now_ns());
	monitor_peers_remove(&scene->monitor, scene->peers[0]);
	(void)monitor_device_serve(&scene->monitor, clock_now_ns());
	assert_false(has(0, 0xaa));
	assert_false(has(0, 0));
	assert_true(has(1, 0xbb));
	assert_int_equal(scene->monitor.orphan_count, 0);
	/* Where there is no such peer there is no key. */
	device.has[1] = false;
	monitor_peers_remove(&scene->monitor, scene->peers[1]);
	assert_int_equal(scene->monitor.orphan_count, 1);
	(void)monitor_device_serve(&scene->monitor, clock_now_ns());
	assert_int_equal(scene->monitor.orphan_count, 0);
}

/* What it was for before is another peer of the device. */
static void test_abandoned(void **state)
{
	struct scene *scene = *state;
	uint64_t now_ns = clock_now_ns();
	struct config_peer config;

	open_device(scene);
	add_peer(scene, 0, "25");
	give(scene, 0, 0xaa);
	memset(device.preshared_keys[2], 'a', HEX_CHARS);
	(void)monitor_device_serve(&scene->monitor, now_ns);
	assert_true(has(2, 0xaa));
	configure(&config, 2, "25");
	monitor_orphans_add(&scene->monitor, scene->peers[0], &config, now_ns);
	/* One that says nothing keeps it for later. */
	device.is_mute = true;
	(void)monitor_device_serve(&scene->monitor, now_ns);
	assert_int_equal(scene->monitor.orphan_count, 1);
	device.is_mute = false;
	(void)monitor_device_serve(&scene->monitor, now_ns + 61 * CLOCK_SECOND_NS);
	assert_int_equal(scene->monitor.orphan_count, 0);
	assert_false(has(2, 0xaa));
	assert_false(has(2, 0));
	assert_true(has(0, 0xaa));
	/* A peer that is an output again has its own key. */
	monitor_orphans_add(&scene->monitor, scene->peers[0], &scene->peers[0]->config, now_ns);
	look(scene);
	assert_int_equal(scene->monitor.orphan_count, 0);
	assert_true(has(0, 0xaa));
	/* Given up after two minutes. */
	monitor_orphans_add(&scene->monitor, scene->peers[0], &config, now_ns);
	device.is_mute = true;
	(void)monitor_device_serve(&scene->monitor, now_ns + 121 * CLOCK_SECOND_NS);
	assert_int_equal(scene->monitor.orphan_count, 0);
	release_config(&config);
}

struct maker {
	struct scene *scene;
	unsigned calls;
	int result;
};

static int establish(void *context, const char *name)
{
	struct maker *maker = context;

	assert_string_equal(name, DEVICE);
	maker->calls++;
	if (maker->result == 0 && maker->scene->listener < 0)
		open_device(maker->scene);
	return maker->result;
}

/* Who makes the device is asked at each look, and left alone for a minute when that has failed. */
static void test_establish(void **state)
{
	struct scene *scene = *state;
	struct maker maker = { .scene = scene, .result = -1 };
	uint64_t now_ns = clock_now_ns();

	scene->monitor.options.establish = establish;
	scene->monitor.options.context = &maker;
	add_peer(scene, 0, "25");
	give(scene, 0, 0xaa);
	(void)monitor_device_serve(&scene->monitor, now_ns);
	assert_int_equal(maker.calls, 1);
	for (unsigned i = 1; i < 59; i++)
		(void)monitor_device_serve(&scene->monitor, now_ns + i * CLOCK_SECOND_NS);
	assert_int_equal(maker.calls, 1);
	maker.result = 0;
	for (unsigned i = 60; i < 80; i++)
		(void)monitor_device_serve(&scene->monitor, now_ns + i * CLOCK_SECOND_NS);
	assert_true(maker.calls >= 2);
	assert_true(has(0, 0xaa));
	assert_int_equal(output(scene, 0)->state, MONITOR_DELIVERED);
	maker.result = 1;
	maker.calls = 0;
	(void)monitor_device_serve(&scene->monitor, now_ns + 100 * CLOCK_SECOND_NS);
	assert_int_equal(maker.calls, 1);
	/* Once a second at most. */
	monitor_device_look(&scene->monitor, DEVICE);
	(void)monitor_device_serve(&scene->monitor, now_ns + 100 * CLOCK_SECOND_NS);
	assert_int_equal(maker.calls, 1);
	/* At the end nothing is made any more. */
	scene->monitor.stopping = true;
	(void)monitor_device_serve(&scene->monitor, now_ns + 200 * CLOCK_SECOND_NS);
	assert_int_equal(maker.calls, 1);
}

/* An interface of somebody else that has our name, and a peer of ours too: nothing of it is changed. */
static void test_foreign(void **state)
{
	struct scene *scene = *state;
	struct maker maker = { .scene = scene, .result = MONITOR_FOREIGN };
	uint64_t now_ns = clock_now_ns();
	struct config_peer config;

	scene->monitor.options.establish = establish;
	scene->monitor.options.context = &maker;
	open_device(scene);
	add_peer(scene, 0, "25");
	give(scene, 0, 0xaa);
	configure(&config, 2, "25");
	monitor_orphans_add(&scene->monitor, scene->peers[0], &config, now_ns);
	memset(device.preshared_keys[2], 'a', HEX_CHARS);
	for (unsigned i = 0; i < 100; i++)
		(void)monitor_device_serve(&scene->monitor, now_ns + i * CLOCK_SECOND_NS);
	assert_int_equal(device.sets, 0);
	assert_int_equal(output(scene, 0)->state, MONITOR_FAILING);
	assert_string_equal(output(scene, 0)->error, "its interface is somebody else's");
	/* Nor does it count that it should have the key. */
	memset(device.preshared_keys[0], 'a', HEX_CHARS);
	monitor_device_look(&scene->monitor, DEVICE);
	(void)monitor_device_serve(&scene->monitor, now_ns + 100 * CLOCK_SECOND_NS);
	assert_int_equal(output(scene, 0)->state, MONITOR_FAILING);
	maker.result = 1;
	(void)monitor_device_serve(&scene->monitor, now_ns + 200 * CLOCK_SECOND_NS);
	assert_int_equal(output(scene, 0)->state, MONITOR_DELIVERED);
	release_config(&config);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_keys),      TEST(test_refused),   TEST(test_comes_late), TEST(test_removed),
		TEST(test_abandoned), TEST(test_establish), TEST(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#ifndef TESTS_UNIT_DEVICE_FIXTURE_H
#define TESTS_UNIT_DEVICE_FIXTURE_H

/* A daemon, and a WireGuard device of user space that is played by a thread of the test. */

#include "wireguard_fixture.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sodium.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon_fixture.h"
#include "monitor/peer_parts.h"
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
 * It goes through a request up to the peer that has REFUSED, and no further.
 */
#define REFUSED "persistent_keepalive_interval=99\n"

static struct {
	bool is_mute;
	bool has[PEERS];
	char preshared_keys[PEERS][HEX_CHARS + 1];
	unsigned keepalive[PEERS];
	char endpoints[PEERS][64]; /* empty: none */
	unsigned long sent[PEERS], received[PEERS], handshake[PEERS];
	unsigned removals[PEERS]; /* each of which was followed by the peer's return */
	unsigned calls[PEERS];    /* how often the keepalive was switched on while there was an endpoint */
	unsigned sets;
} device;

struct scene {
	struct daemon daemon;
	char folder[64];
	struct peer *peers[2];
	int listener;
	int stop[2];
	pthread_t thread;
};

static inline void answer_get(char *out, size_t size)
{
	int used = snprintf(out, size, "listen_port=7\n");

	for (size_t i = 0; i < PEERS; i++) {
		if (!device.has[i])
			continue;
		used += snprintf(out + used, size - (size_t)used, "public_key=");
		for (size_t j = 0; j < WIREGUARD_KEY_BYTES; j++)
			used += snprintf(out + used, size - (size_t)used, "%02zx", 0x11 + i);
		used += snprintf(out + used, size - (size_t)used,
		                 "\npreshared_key=%s\npersistent_keepalive_interval=%u\n"
		                 "tx_bytes=%lu\nrx_bytes=%lu\nlast_handshake_time_sec=%lu\n",
		                 device.preshared_keys[i], device.keepalive[i], device.sent[i],
		                 device.received[i], device.handshake[i]);
		if (device.endpoints[i][0] != '\0')
			used += snprintf(out + used, size - (size_t)used, "endpoint=%s\n",
			                 device.endpoints[i]);
	}
	(void)snprintf(out + used, size - (size_t)used, "errno=0\n\n");
}

/* What a request says of its peers, line by line. */
static inline void apply(char *request)
{
	size_t peer = PEERS;
	bool is_update = false;

	for (char *rest = request, *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (strncmp(line, "public_key=", 11) == 0) {
			peer = strtoul((char[]){ line[11], line[12], '\0' }, NULL, 16) - 0x11;
			is_update = false;
			continue;
		}
		is_update |= strcmp(line, "update_only=true") == 0;
		if (line[0] == '\0')
			continue;
		if (peer >= PEERS || (!device.has[peer] && is_update))
			continue;
		if (strcmp(line, "remove=true") == 0) {
			device.has[peer] = false;
			memset(device.preshared_keys[peer], '0', HEX_CHARS);
			device.endpoints[peer][0] = '\0';
			device.keepalive[peer] = 0;
			device.removals[peer]++;
			continue;
		}
		device.has[peer] = true;
		if (strncmp(line, "endpoint=", 9) == 0)
			(void)snprintf(device.endpoints[peer], sizeof device.endpoints[peer], "%s", line + 9);
		else if (strncmp(line, "preshared_key=", 14) == 0)
			(void)snprintf(device.preshared_keys[peer], HEX_CHARS + 1, "%s", line + 14);
		else if (strncmp(line, "persistent_keepalive_interval=", 30) == 0) {
			unsigned before = device.keepalive[peer];

			device.keepalive[peer] = (unsigned)strtoul(line + 30, NULL, 10);
			device.calls[peer] += before == 0 && device.keepalive[peer] != 0 &&
			                      device.endpoints[peer][0] != '\0';
		}
	}
}

static inline void serve_one(int fd)
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
		char *refused = strstr(request, REFUSED);

		device.sets++;
		(void)snprintf(answer, sizeof answer, "errno=%d\n\n", refused != NULL ? -EINVAL : 0);
		for (char *end = refused; end != NULL && *end != '\0';) {
			if (strncmp(--end, "public_key=", 11) == 0)
				*end = '\0';
		}
		apply(request);
	}
	(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
}

static inline void *serve(void *context)
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

static inline void open_device(struct scene *scene)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	(void)snprintf(address.sun_path, sizeof address.sun_path, "%s/" DEVICE ".sock", scene->folder);
	scene->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(pipe(scene->stop), 0);
	assert_int_equal(bind(scene->listener, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(scene->listener, 8), 0);
	assert_int_equal(pthread_create(&scene->thread, NULL, serve, scene), 0);
}

static inline void close_device(struct scene *scene)
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

static inline char *copy(const char *text)
{
	char *copied = strdup(text);

	assert_non_null(copied);
	return copied;
}

/* A peer whose keys go to a peer of the device. */
static inline void configure(struct config_peer *config, size_t i, const char *keepalive)
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
	config->extra_params.has_keepalive = true;
	config->extra_params.keepalive_seconds = (uint16_t)strtoul(keepalive, NULL, 10);
}

static inline void release_config(struct config_peer *config)
{
	free(config->public_key);
	free(config->name);
	free(config->device);
	free(config->wireguard_peer);
}

static inline void add_peer(struct scene *scene, size_t i, const char *keepalive)
{
	struct config_peer config;

	configure(&config, i, keepalive);
	scene->peers[i] = daemon_add(&scene->daemon, &config);
}

static inline uint64_t no_clock_ns(void)
{
	return 0;
}

/* The time that a device takes is no part of the simulated time. */
static const struct wireguard_backend free_of_cost = { wireguard_get, wireguard_set, link_look, no_clock_ns };

static inline int set_up(void **state)
{
	struct scene *scene = calloc(1, sizeof *scene);

	assert_non_null(scene);
	log_set_level(LOG_OFF);
	memset(&device, 0, sizeof device);
	for (size_t i = 0; i < PEERS; i++) {
		device.has[i] = true;
		memset(device.preshared_keys[i], '0', HEX_CHARS);
	}
	(void)snprintf(scene->folder, sizeof scene->folder, "/tmp/rosenpass-test-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	daemon_open(&scene->daemon, DEVICE, &free_of_cost);
	userspace_use_folder(scene->folder);
	userspace_use_patience(20000);
	scene->listener = -1;
	*state = scene;
	return 0;
}

static inline int tear_down(void **state)
{
	struct scene *scene = *state;

	close_device(scene);
	daemon_close(&scene->daemon);
	assert_int_equal(rmdir(scene->folder), 0);
	free(scene);
	return 0;
}

/* Takes a key (NULL: a random one) to all outputs of a peer, without news of an exchange. */
static inline void put_key(struct peer *peer, const uint8_t *key, const char *reason)
{
	peer->origin.reason = reason;
	assert_int_equal(delivery_put(peer->delivery, key, &peer->origin), 0);
}

/* A key of an exchange. */
static inline void give(struct scene *scene, size_t i, uint8_t number)
{
	uint8_t key[ROSENPASS_KEY_BYTES];

	memset(key, number, sizeof key);
	put_key(scene->peers[i], key, "exchanged");
}

/* Meets all deadlines up to that time, or if it has passed already, those that are due. */
static inline void serve_at(struct scene *scene, uint64_t at_ns)
{
	uint64_t now_ns = loop_now_ns(scene->daemon.loop);

	loop_advance(scene->daemon.loop, at_ns > now_ns ? at_ns - now_ns : 1);
	assert_int_equal(loop_turn(scene->daemon.loop), 0);
}

static inline void turn(struct scene *scene)
{
	serve_at(scene, 0);
}

static inline struct sink *output(const struct scene *scene, size_t i)
{
	return wireguard_peers_sink(scene->peers[i]);
}

/* The initiator waits so long with a first key; each turn of the loop takes a nanosecond. */
#define MOMENT_NS (CLOCK_SECOND_NS / 10 + 10)

/* Waits until first keys are set. */
static inline void wait_a_moment(struct scene *scene)
{
	serve_at(scene, loop_now_ns(scene->daemon.loop) + MOMENT_NS);
}

/* Looks at the device now. */
static inline void look(struct scene *scene)
{
	for (size_t i = 0; i < FIXTURE_COUNT(scene->peers); i++) {
		if (scene->peers[i] != NULL && !peer_is_leaving(scene->peers[i]))
			sink_wireguard_reconcile_soon(output(scene, i));
	}
	turn(scene);
}

/* How many keys of peers that have left are still in the device. */
static inline void count_one(void *context, const char *label, const char *target)
{
	(void)label;
	(void)target;
	++*(size_t *)context;
}

static inline size_t retired_count(const struct scene *scene)
{
	size_t count = 0;

	device_table_each_retired(daemon_deliveries(&scene->daemon)->devices, count_one, &count);
	return count;
}

static inline bool has(size_t peer, uint8_t number)
{
	uint8_t key[WIREGUARD_KEY_BYTES];

	return sodium_hex2bin(key, sizeof key, device.preshared_keys[peer], HEX_CHARS, NULL, NULL, NULL) ==
	               0 &&
	       is_key(key, number);
}

static inline struct sink_status_wireguard wireguard(const struct scene *scene, size_t i)
{
	struct sink_status status;

	sink_describe(output(scene, i), &status);
	return status.wireguard;
}

#endif

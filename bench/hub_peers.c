#include "hub_peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include "protocol/messages.h"
#include "rosenpass.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/file.h"

#define EVENTS 64
#define NS_PER_MS UINT64_C(1000000)
#define PATH_BYTES 4096

struct hub_peer {
	struct rosenpass *engine;
	rosenpass_peer hub;
	const uint8_t *public_key; /* mapped */
	uint64_t key_ns;           /* when the first key came; 0: none yet */
	int fd;
};

struct hub_peers {
	struct hub_peer *peers;
	size_t count;
	uint64_t *key_ns; /* in the order in which they came */
	size_t keyed;
	uint64_t sent;
	uint64_t cookies;
	bool takes_cookies;
	const uint8_t *hub_key; /* mapped */
	struct sockaddr_in hub;
	int epoll;
};

static const struct rosenpass_environment environment = { .size = sizeof environment,
	                                                  .random = entropy_fill };

static void path_of(char path[static PATH_BYTES], const char *folder, const char *name, const char *ending)
{
	(void)snprintf(path, PATH_BYTES, "%s/%s.%s", folder, name, ending);
}

static bool write_file(const char *path, const uint8_t *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write(fd, data, size) == (ssize_t)size;

	if (fd >= 0)
		good = close(fd) == 0 && good;
	if (!good)
		perror(path);
	return good;
}

static bool read_secret_key(const char *path, uint8_t secret_key[static ROSENPASS_SECRET_KEY_BYTES])
{
	size_t length;

	return file_read(path, secret_key, ROSENPASS_SECRET_KEY_BYTES, &length) == 0 &&
	       length == ROSENPASS_SECRET_KEY_BYTES;
}

bool hub_key_pair(const char *folder, const char *name)
{
	static uint8_t public_key[ROSENPASS_PUBLIC_KEY_BYTES];
	uint8_t secret_key[ROSENPASS_SECRET_KEY_BYTES];
	char public_path[PATH_BYTES];
	char secret_path[PATH_BYTES];
	bool good;

	path_of(public_path, folder, name, "pub");
	path_of(secret_path, folder, name, "key");
	/* The secret key is written last. */
	if (access(secret_path, R_OK) == 0 && access(public_path, R_OK) == 0)
		return true;
	good = rosenpass_keygen(public_key, secret_key, &environment) == 0 &&
	       write_file(public_path, public_key, sizeof public_key) &&
	       write_file(secret_path, secret_key, sizeof secret_key);
	sodium_memzero(secret_key, sizeof secret_key);
	return good;
}

/* NULL: said on stderr. Stays mapped until the program ends. */
static const uint8_t *map_public_key(const char *folder, const char *name)
{
	char path[PATH_BYTES];
	void *key;
	int fd;

	path_of(path, folder, name, "pub");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	key = fd < 0 ? MAP_FAILED : mmap(NULL, ROSENPASS_PUBLIC_KEY_BYTES, PROT_READ, MAP_SHARED, fd, 0);
	if (key == MAP_FAILED)
		perror(path);
	if (fd >= 0)
		(void)close(fd);
	return key == MAP_FAILED ? NULL : key;
}

/* Peers are in networks of 250, as customers of some providers are. */
static int open_socket(size_t number)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	uint32_t host = (uint32_t)(0x7f010000 + number / 250 * 256 + 1 + number % 250);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	address.sin_addr.s_addr = htonl(host);
	if (fd >= 0 && bind(fd, (const struct sockaddr *)&address, sizeof address) == 0)
		return fd;
	perror("the socket of a peer");
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

static struct rosenpass_address address_of(const struct sockaddr_in *socket_address)
{
	struct rosenpass_address address = { .length = 6, .group_length = 4 };

	memcpy(address.bytes, &socket_address->sin_addr, 4);
	memcpy(address.bytes + 4, &socket_address->sin_port, 2);
	return address;
}

static bool make_peer(struct hub_peers *all, size_t number, const char *folder)
{
	struct hub_peer *peer = &all->peers[number];
	uint8_t secret_key[ROSENPASS_SECRET_KEY_BYTES];
	struct rosenpass_config config = {
		.size = sizeof config,
		.secret_key = secret_key,
		.environment = &environment,
	};
	struct rosenpass_peer_config hub = {
		.size = sizeof hub,
		.public_key = all->hub_key,
		.dialects = ROSENPASS_DIALECT_BIT(ROSENPASS_BLAKE2B_188),
		.endpoint = address_of(&all->hub),
	};
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = number };
	char path[PATH_BYTES];
	char name[24];
	bool good;

	(void)snprintf(name, sizeof name, "%zu", number + 1);
	if (!hub_key_pair(folder, name))
		return false;
	path_of(path, folder, name, "key");
	peer->public_key = config.public_key = map_public_key(folder, name);
	peer->fd = open_socket(number);
	good = peer->public_key != NULL && peer->fd >= 0 && read_secret_key(path, secret_key) &&
	       rosenpass_create(&peer->engine, &config) == 0 &&
	       epoll_ctl(all->epoll, EPOLL_CTL_ADD, peer->fd, &event) == 0 &&
	       rosenpass_peer_add(peer->engine, &hub, clock_now_ns(), &peer->hub) == 0;
	sodium_memzero(secret_key, sizeof secret_key);
	if (!good)
		(void)fprintf(stderr, "peer %s cannot be made\n", name);
	return good;
}

struct hub_peers *hub_peers_create(const char *folder, size_t count, uint16_t port, bool takes_cookies)
{
	struct hub_peers *all = calloc(1, sizeof *all);

	if (all == NULL)
		return NULL;
	all->takes_cookies = takes_cookies;
	all->hub.sin_family = AF_INET;
	all->hub.sin_port = htons(port);
	all->hub.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	all->epoll = epoll_create1(EPOLL_CLOEXEC);
	all->peers = calloc(count, sizeof *all->peers);
	all->key_ns = calloc(count, sizeof *all->key_ns);
	all->hub_key = map_public_key(folder, "hub");
	if (all->epoll >= 0 && all->peers != NULL && all->key_ns != NULL && all->hub_key != NULL) {
		while (all->count < count && make_peer(all, all->count, folder))
			all->count++;
		if (all->count == count)
			return all;
	}
	hub_peers_destroy(all);
	return NULL;
}

void hub_peers_destroy(struct hub_peers *all)
{
	for (size_t i = 0; i < all->count; i++) {
		rosenpass_destroy(all->peers[i].engine);
		(void)close(all->peers[i].fd);
	}
	free(all->peers);
	free(all->key_ns);
	if (all->epoll >= 0)
		(void)close(all->epoll);
	free(all);
}

static void take_outputs(struct hub_peers *all, struct hub_peer *peer)
{
	struct rosenpass_output output = { .size = sizeof output };

	while (rosenpass_next(peer->engine, &output)) {
		if (output.kind == ROSENPASS_OUTPUT_KEY && peer->key_ns == 0) {
			peer->key_ns = clock_now_ns();
			all->key_ns[all->keyed++] = peer->key_ns;
		}
		if (output.kind == ROSENPASS_OUTPUT_SEND)
			all->sent += sendto(peer->fd, output.data, output.length, 0,
			                    (const struct sockaddr *)&all->hub, sizeof all->hub) > 0;
	}
}

static void receive(struct hub_peers *all, struct hub_peer *peer)
{
	uint8_t data[ROSENPASS_DATAGRAM_MAX_BYTES];
	struct rosenpass_datagram datagram = { .size = sizeof datagram, .data = data };
	ssize_t length = recv(peer->fd, data, sizeof data, 0);

	if (length <= 0)
		return;
	if (data[0] == MESSAGE_COOKIE_REPLY) {
		all->cookies++;
		if (!all->takes_cookies)
			return;
	}
	datagram.length = (size_t)length;
	datagram.from = address_of(&all->hub);
	(void)rosenpass_receive(peer->engine, &datagram, 1, clock_now_ns());
	take_outputs(all, peer);
}

/* Lets those send whose time has come. */
static void expire_due(struct hub_peers *all)
{
	uint64_t now_ns = clock_now_ns();

	for (size_t i = 0; i < all->count; i++) {
		if (rosenpass_deadline(all->peers[i].engine) > now_ns)
			continue;
		rosenpass_expire(all->peers[i].engine, now_ns);
		take_outputs(all, &all->peers[i]);
	}
}

size_t hub_peers_run(struct hub_peers *all, uint64_t for_ns)
{
	struct epoll_event events[EVENTS];
	uint64_t end_ns = clock_now_ns() + for_ns;
	uint64_t expire_ns = 0;

	while (all->keyed < all->count && clock_now_ns() < end_ns) {
		int count = epoll_wait(all->epoll, events, EVENTS, 5);

		for (int i = 0; i < count; i++)
			receive(all, &all->peers[events[i].data.u64]);
		if (clock_now_ns() < expire_ns)
			continue;
		expire_due(all);
		expire_ns = clock_now_ns() + 5 * NS_PER_MS;
	}
	return all->keyed;
}

uint64_t hub_peers_key_ns(const struct hub_peers *all, size_t n)
{
	return n > 0 && n <= all->keyed ? all->key_ns[n - 1] : 0;
}

void hub_peers_count(const struct hub_peers *all, uint64_t *sent, uint64_t *cookies)
{
	*sent = all->sent;
	*cookies = all->cookies;
}

bool hub_peers_set_dialect(struct hub_peers *all, enum rosenpass_dialect dialect)
{
	struct rosenpass_peer_config hub = {
		.size = sizeof hub,
		.public_key = all->hub_key,
		.dialects = ROSENPASS_DIALECT_BIT(dialect),
		.endpoint = address_of(&all->hub),
	};

	for (size_t i = 0; i < all->count; i++) {
		struct hub_peer *peer = &all->peers[i];

		if (rosenpass_peer_change(peer->engine, peer->hub, &hub, clock_now_ns()) != 0)
			return false;
	}
	return true;
}

/* A peer's part in a burst. */
struct part {
	struct hub_peer *peer;
	uint8_t message[ROSENPASS_DATAGRAM_MAX_BYTES]; /* InitHello, later RespHello */
	size_t length;
	bool is_answered;
	bool is_keyed;
};

/* Takes what the peer wants to be sent, and sends it if it is not the InitHello of a burst. */
static void take_burst_outputs(struct hub_peers *all, struct part *part, bool is_sent)
{
	struct rosenpass_output output = { .size = sizeof output };

	while (rosenpass_next(part->peer->engine, &output)) {
		part->is_keyed = part->is_keyed || output.kind == ROSENPASS_OUTPUT_KEY;
		if (output.kind != ROSENPASS_OUTPUT_SEND)
			continue;
		if (is_sent) {
			(void)sendto(part->peer->fd, output.data, output.length, 0,
			             (const struct sockaddr *)&all->hub, sizeof all->hub);
		} else {
			memcpy(part->message, output.data, output.length);
			part->length = output.length;
		}
	}
}

static void hand_in(struct hub_peers *all, struct part *part, const uint8_t *data, size_t length)
{
	struct rosenpass_datagram datagram = {
		.size = sizeof datagram, .data = data, .length = length, .from = address_of(&all->hub)
	};

	(void)rosenpass_receive(part->peer->engine, &datagram, 1, clock_now_ns());
	take_burst_outputs(all, part, true);
}

static void build(struct hub_peers *all, struct part *part)
{
	struct rosenpass_address endpoint = address_of(&all->hub);
	struct hub_peer *peer = part->peer;
	uint64_t now_ns = clock_now_ns();
	uint8_t late[ROSENPASS_DATAGRAM_MAX_BYTES];

	while (recv(peer->fd, late, sizeof late, 0) > 0)
		continue;
	(void)rosenpass_peer_set_endpoint(peer->engine, peer->hub, &endpoint, now_ns);
	(void)rosenpass_peer_initiate(peer->engine, peer->hub, now_ns);
	rosenpass_expire(peer->engine, now_ns);
	take_burst_outputs(all, part, false);
	part->is_keyed = false;
}

/* One datagram for a peer of the burst. Returns true if it is the RespHello that was waited for. */
static bool take_answer(struct hub_peers *all, struct part *part, bool takes_answers)
{
	uint8_t data[ROSENPASS_DATAGRAM_MAX_BYTES];
	ssize_t length = recv(part->peer->fd, data, sizeof data, 0);

	if (length <= 0)
		return false;
	if (data[0] != MESSAGE_RESP_HELLO || !takes_answers || part->is_answered) {
		hand_in(all, part, data, (size_t)length);
		return false;
	}
	memcpy(part->message, data, (size_t)length);
	part->length = (size_t)length;
	part->is_answered = true;
	return true;
}

/* Waits until every part has its RespHello, or its key. */
static void wait_for_all(struct hub_peers *all, struct part *parts, size_t first, size_t count,
                         uint64_t start_ns, uint64_t limit_ns, struct hub_burst *burst)
{
	bool takes_answers = burst->answer_ns == 0;
	struct epoll_event events[EVENTS];
	size_t done = 0;

	while (done < count && clock_now_ns() < start_ns + limit_ns) {
		int ready = epoll_wait(all->epoll, events, EVENTS, 10);

		for (int i = 0; i < ready; i++) {
			struct part *part = &parts[events[i].data.u64 - first];
			bool was_keyed;

			if (events[i].data.u64 < first || events[i].data.u64 >= first + count)
				continue;
			was_keyed = part->is_keyed;
			if (take_answer(all, part, takes_answers)) {
				burst->each_ns[done++] = clock_now_ns() - start_ns;
				burst->answer_ns = clock_now_ns() - start_ns;
			}
			done += !takes_answers && part->is_keyed && !was_keyed;
		}
	}
}

void hub_peers_burst(struct hub_peers *all, size_t first, size_t count, uint16_t port, uint64_t limit_ns,
                     struct hub_burst *burst)
{
	struct part *parts = calloc(count, sizeof *parts);
	uint64_t start_ns;

	burst->keyed = 0;
	burst->answer_ns = 0;
	if (parts == NULL)
		return;
	all->hub.sin_port = htons(port);
	for (size_t i = 0; i < count; i++) {
		parts[i].peer = &all->peers[first + i];
		build(all, &parts[i]);
	}
	start_ns = clock_now_ns();
	for (size_t i = 0; i < count; i++)
		(void)sendto(parts[i].peer->fd, parts[i].message, parts[i].length, 0,
		             (const struct sockaddr *)&all->hub, sizeof all->hub);
	wait_for_all(all, parts, first, count, start_ns, limit_ns, burst);
	for (size_t i = 0; i < count; i++) {
		if (parts[i].is_answered)
			hand_in(all, &parts[i], parts[i].message, parts[i].length);
	}
	if (burst->answer_ns != 0)
		wait_for_all(all, parts, first, count, clock_now_ns(), limit_ns, burst);
	for (size_t i = 0; i < count; i++)
		burst->keyed += parts[i].is_keyed;
	free(parts);
}

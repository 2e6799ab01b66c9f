#include "rosenpass/daemon.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/entropy.h"
#include "system/log.h"

#define COMPLAIN_NS (60 * CLOCK_SECOND_NS)
/* How many batches of one socket are worked through before timers and other sockets have their turn. */
#define BATCHES_A_TURN 4
/* Three minutes, about: then a peer counts as away. */
#define PATIENT_TRANSMISSIONS 20

static void send_to(struct daemon *daemon, struct daemon_peer *peer, const struct rosenpass_output *output,
                    const struct address_path *path, uint64_t now_ns)
{
	struct sockets_message message = { *path, output->data, output->length };
	int result = sockets_send(&daemon->sockets, &message);
	char text[ADDRESS_TEXT_BYTES];

	if (result == 0)
		return;
	address_format(text, &path->remote);
	if (peer == NULL) {
		log_debug("cannot send to %s: %s", text, strerror(-result));
	} else if (peer->complained_ns == 0 || now_ns - peer->complained_ns >= COMPLAIN_NS) {
		log_warn("peer %zu: cannot send to %s: %s", peer->number, text, strerror(-result));
		peer->complained_ns = now_ns;
	}
}

/* Whether the peer's last place is one that its endpoint names anyway. */
static bool last_is_configured(const struct daemon_peer *peer)
{
	for (size_t i = 0; i < peer->address_count; i++) {
		if (memcmp(&peer->addresses[i], &peer->last.remote, sizeof peer->last.remote) == 0)
			return true;
	}
	return false;
}

/* The number of ways to the peer, and (below that number) one of them. */
static size_t count_ways(const struct daemon *daemon, const struct daemon_peer *peer)
{
	return peer->address_count * daemon->sockets.count +
	       (peer->has_last && !last_is_configured(peer) ? 1 : 0);
}

static struct address_path way_to(const struct daemon *daemon, const struct daemon_peer *peer, size_t way)
{
	struct address_path path = { 0 };

	if (way == peer->address_count * daemon->sockets.count)
		return peer->last;
	path.remote = peer->addresses[way / daemon->sockets.count];
	path.socket = (uint16_t)(way % daemon->sockets.count);
	return path;
}

/*
 * The peer's place is not known. The ways to it are the pairs of a socket and an address
 * of its family, and the place where it was last. All of them are tried; after
 * PATIENT_TRANSMISSIONS without an answer one at random each time, as a peer that is away
 * must not cost more for having many addresses. (In turn would not do: the engine
 * changes dialects in turn, and the two might never meet.)
 */
static void send_somewhere(struct daemon *daemon, struct daemon_peer *peer,
                           const struct rosenpass_output *output, uint64_t now_ns)
{
	struct rosenpass_peer_info info = { 0 };
	size_t ways = count_ways(daemon, peer);
	size_t fitting = 0;
	uint32_t chosen = 0;
	bool all;

	all = rosenpass_peer_get(daemon->engine, peer->handle, &info) != 0 ||
	      info.retransmissions < PATIENT_TRANSMISSIONS;
	for (size_t way = 0; way < ways; way++) {
		struct address_path path = way_to(daemon, peer, way);

		if (daemon->sockets.family[path.socket] != path.remote.any.sa_family)
			continue;
		fitting++;
		if (all)
			send_to(daemon, peer, output, &path, now_ns);
	}
	if (fitting == 0 && peer->complained_ns == 0) {
		log_warn("peer %zu: no socket of ours fits an address of %s", peer->number, peer->endpoint);
		peer->complained_ns = now_ns;
	}
	if (all || fitting == 0)
		return;
	chosen = randombytes_uniform((uint32_t)fitting);
	for (size_t way = 0; way < ways; way++) {
		struct address_path path = way_to(daemon, peer, way);

		if (daemon->sockets.family[path.socket] == path.remote.any.sa_family && chosen-- == 0) {
			send_to(daemon, peer, output, &path, now_ns);
			return;
		}
	}
}

static void take_output(struct daemon *daemon, const struct rosenpass_output *output, uint64_t now_ns)
{
	struct daemon_peer *peer = output->user;
	struct address_path path;
	char text[ADDRESS_TEXT_BYTES];

	switch (output->kind) {
	case ROSENPASS_OUTPUT_SEND:
		if (output->address.length == 0)
			send_somewhere(daemon, peer, output, now_ns);
		else if (address_unpack(&path, &output->address) == 0)
			send_to(daemon, peer, output, &path, now_ns);
		break;
	case ROSENPASS_OUTPUT_KEY:
		log_info("peer %zu: exchanged a key (%s, %s)", peer->number,
		         rosenpass_dialect_name(output->dialect),
		         output->role == ROSENPASS_INITIATOR ? "initiator" : "responder");
		peer->complained_ns = 0;
		memcpy(peer->key, output->data, ROSENPASS_KEY_BYTES);
		daemon_deliver(daemon, peer, "exchanged", output->dialect, now_ns);
		break;
	case ROSENPASS_OUTPUT_STALE:
		log_warn("peer %zu: the key is too old and was erased; a random one takes its place",
		         peer->number);
		if (entropy_fill(NULL, peer->key, ROSENPASS_KEY_BYTES) == 0)
			daemon_deliver(daemon, peer, "stale", output->dialect, now_ns);
		break;
	case ROSENPASS_OUTPUT_ENDPOINT:
		if (address_unpack(&peer->last, &output->address) == 0) {
			peer->has_last = true;
			address_format(text, &peer->last.remote);
			log_info("peer %zu: is at %s", peer->number, text);
		}
		break;
	case ROSENPASS_OUTPUT_TIMEOUT:
		log_info("peer %zu: no answer; trying on", peer->number);
		break;
	}
}

static void take_outputs(struct daemon *daemon, uint64_t now_ns)
{
	struct rosenpass_output output;

	while (rosenpass_next(daemon->engine, &output))
		take_output(daemon, &output, now_ns);
}

static void hand_over(struct daemon *daemon, size_t count)
{
	struct rosenpass_datagram datagrams[SOCKETS_BATCH];
	size_t taken = 0;

	for (size_t i = 0; i < count; i++) {
		datagrams[i] = (struct rosenpass_datagram){ .data = daemon->packets[i].data,
			                                    .length = daemon->packets[i].length };
		address_pack(&datagrams[i].from, &daemon->packets[i].path);
	}
	while (taken < count) {
		uint64_t now_ns = clock_now_ns();

		taken += rosenpass_receive(daemon->engine, datagrams + taken, count - taken, now_ns);
		take_outputs(daemon, now_ns);
	}
	for (size_t i = 0; i < count && log_is_on(LOG_DEBUG); i++) {
		char text[ADDRESS_TEXT_BYTES];

		address_format(text, &daemon->packets[i].path.remote);
		log_debug("%zu bytes from %s: %s", datagrams[i].length, text,
		          rosenpass_verdict_name(datagrams[i].verdict));
	}
}

static void read_socket(struct daemon *daemon, size_t socket)
{
	for (int i = 0; i < BATCHES_A_TURN; i++) {
		int received = sockets_receive(&daemon->sockets, socket, daemon->packets);

		/* Errors here are reports of earlier sends (port unreachable); the socket goes on. */
		if (received < 0)
			log_debug("socket %zu: %s", socket, strerror(-received));
		if (received <= 0)
			return;
		hand_over(daemon, (size_t)received);
		if (received < SOCKETS_BATCH)
			return;
	}
}

static void serve_timers(struct daemon *daemon)
{
	uint64_t now_ns = clock_now_ns();

	while (rosenpass_deadline(daemon->engine) <= now_ns) {
		rosenpass_expire(daemon->engine, now_ns);
		take_outputs(daemon, now_ns);
	}
	daemon_retry(daemon, now_ns);
}

/* A descriptor that becomes readable on the signals that end us. */
static int open_signals(void)
{
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGQUIT);
	if (sigprocmask(SIG_BLOCK, &set, NULL) != 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int loop(struct daemon *daemon, int signals, int timer)
{
	struct pollfd fds[SOCKETS_MAX + 2];
	nfds_t count = (nfds_t)daemon->sockets.count;

	for (size_t i = 0; i < daemon->sockets.count; i++)
		fds[i] = (struct pollfd){ .fd = daemon->sockets.fd[i], .events = POLLIN };
	fds[count] = (struct pollfd){ .fd = signals, .events = POLLIN };
	fds[count + 1] = (struct pollfd){ .fd = timer, .events = POLLIN };
	for (;;) {
		uint64_t deadline;
		int result;

		serve_timers(daemon);
		deadline = rosenpass_deadline(daemon->engine);
		result = clock_timer_set(timer, deadline < daemon->retry_ns ? deadline : daemon->retry_ns);
		if (result != 0)
			return result;
		if (poll(fds, count + 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (fds[count].revents != 0)
			return 0;
		for (size_t i = 0; i < daemon->sockets.count; i++) {
			if (fds[i].revents != 0)
				read_socket(daemon, i);
		}
	}
}

int daemon_run(struct daemon *daemon)
{
	int signals = open_signals();
	int timer = clock_timer_open();
	int result = signals < 0 ? signals : timer;

	if (signals >= 0 && timer >= 0) {
		daemon->retry_ns = UINT64_MAX;
		result = loop(daemon, signals, timer);
		if (result == 0)
			log_info("asked to end; the last keys stay where they are");
	}
	if (signals >= 0)
		(void)close(signals);
	if (timer >= 0)
		(void)close(timer);
	return result;
}

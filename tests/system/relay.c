/*
 * usage: relay LISTEN-PORT TARGET-PORT LOSS DUPLICATION DELAY JITTER [SEED]
 *
 * A bad network for one pair of daemons on 127.0.0.1: takes datagrams on one port and carries them to the
 * other, and the answers back to whoever sent last. LOSS and DUPLICATION are percent; each datagram that is
 * not lost arrives after DELAY and up to JITTER more milliseconds, hence in another order where JITTER is
 * more than what lies between two. Ends with SIGTERM and prints what it has done.
 */

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define DATAGRAM_BYTES 2048
#define UNDER_WAY_MAX 1024

struct datagram {
	uint8_t bytes[DATAGRAM_BYTES];
	size_t length;
	uint64_t at_ms; /* 0: this place is free */
	uint64_t number;
	bool back;
};

struct relay {
	int front, behind;
	struct sockaddr_in client;
	bool has_client;
	uint32_t loss, duplication, delay, jitter;
	uint32_t random;
	struct datagram under_way[UNDER_WAY_MAX];
	uint64_t taken, lost, doubled, overtaken, last_number;
};

static volatile sig_atomic_t ending;

static void end(int signal)
{
	(void)signal;
	ending = 1;
}

static uint64_t now_ms(void)
{
	struct timespec now = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* Xorshift: 0 to below limit. */
static uint32_t below(struct relay *relay, uint32_t limit)
{
	relay->random ^= relay->random << 13;
	relay->random ^= relay->random >> 17;
	relay->random ^= relay->random << 5;
	return limit == 0 ? 0 : relay->random % limit;
}

static void keep(struct relay *relay, const uint8_t *bytes, size_t length, bool back)
{
	for (size_t i = 0; i < UNDER_WAY_MAX; i++) {
		struct datagram *place = &relay->under_way[i];

		if (place->at_ms != 0)
			continue;
		memcpy(place->bytes, bytes, length);
		place->length = length;
		place->back = back;
		place->at_ms = now_ms() + relay->delay + below(relay, relay->jitter + 1);
		place->number = relay->taken;
		return;
	}
	relay->lost++;
}

static void take(struct relay *relay, bool back)
{
	uint8_t bytes[DATAGRAM_BYTES];
	struct sockaddr_in from;
	socklen_t length = sizeof from;
	ssize_t got = recvfrom(back ? relay->behind : relay->front, bytes, sizeof bytes, 0,
	                       (struct sockaddr *)&from, &length);

	if (got < 0)
		return;
	if (!back) {
		relay->client = from;
		relay->has_client = true;
	}
	relay->taken++;
	if (below(relay, 100) < relay->loss) {
		relay->lost++;
		return;
	}
	keep(relay, bytes, (size_t)got, back);
	if (below(relay, 100) < relay->duplication) {
		relay->doubled++;
		keep(relay, bytes, (size_t)got, back);
	}
}

static void hand_over(struct relay *relay, struct datagram *datagram)
{
	datagram->at_ms = 0;
	if (datagram->number < relay->last_number)
		relay->overtaken++;
	else
		relay->last_number = datagram->number;
	/* What cannot be sent is lost, as elsewhere. */
	if (!datagram->back)
		(void)!send(relay->behind, datagram->bytes, datagram->length, 0);
	else if (relay->has_client)
		(void)!sendto(relay->front, datagram->bytes, datagram->length, 0,
		              (const struct sockaddr *)&relay->client, sizeof relay->client);
}

/* Milliseconds until the next one is due; -1: none is under way. */
static int deliver(struct relay *relay)
{
	uint64_t now = now_ms();
	uint64_t next = UINT64_MAX;

	for (size_t i = 0; i < UNDER_WAY_MAX; i++) {
		struct datagram *datagram = &relay->under_way[i];

		if (datagram->at_ms != 0 && datagram->at_ms <= now)
			hand_over(relay, datagram);
		else if (datagram->at_ms != 0 && datagram->at_ms < next)
			next = datagram->at_ms;
	}
	return next == UINT64_MAX ? -1 : (int)(next - now);
}

static int open_socket(const char *port, bool connected)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		                       .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int result = connected ? connect(fd, (const struct sockaddr *)&address, sizeof address)
	                       : bind(fd, (const struct sockaddr *)&address, sizeof address);

	if (fd < 0 || result != 0) {
		perror(port);
		exit(EXIT_FAILURE);
	}
	return fd;
}

int main(int count, char **words)
{
	static struct relay relay = { .random = 2463534242 };
	struct sigaction action = { .sa_handler = end };

	if (count < 7) {
		(void)fprintf(stderr,
		              "usage: relay LISTEN-PORT TARGET-PORT LOSS DUPLICATION DELAY JITTER [SEED]\n");
		return EXIT_FAILURE;
	}
	relay.front = open_socket(words[1], false);
	relay.behind = open_socket(words[2], true);
	relay.loss = (uint32_t)strtoul(words[3], NULL, 10);
	relay.duplication = (uint32_t)strtoul(words[4], NULL, 10);
	relay.delay = (uint32_t)strtoul(words[5], NULL, 10);
	relay.jitter = (uint32_t)strtoul(words[6], NULL, 10);
	if (count > 7)
		relay.random = (uint32_t)strtoul(words[7], NULL, 10) * 2654435761u | 1;
	(void)sigaction(SIGTERM, &action, NULL);
	while (!ending) {
		struct pollfd polls[2] = { { .fd = relay.front, .events = POLLIN },
			                   { .fd = relay.behind, .events = POLLIN } };

		/* It is asked to end at most a second before it sees it. */
		int wait = deliver(&relay);

		if (poll(polls, 2, wait < 0 || wait > 1000 ? 1000 : wait) <= 0)
			continue;
		if (polls[0].revents != 0)
			take(&relay, false);
		if (polls[1].revents != 0)
			take(&relay, true);
	}
	printf("taken %llu lost %llu doubled %llu overtaken %llu\n", (unsigned long long)relay.taken,
	       (unsigned long long)relay.lost, (unsigned long long)relay.doubled,
	       (unsigned long long)relay.overtaken);
	return EXIT_SUCCESS;
}

/*
 * Takes the place of an engine process (LD_PRELOAD): instead of giving itself its name, which is the
 * first thing that the process does, it attacks the monitor. It keeps its rights, which is more than a
 * process that was taken over has. HOSTILE_MODE tells how:
 *
 *     flood   every kind of event about every peer, as many as the channel takes
 *     slow    one request in 20 seconds
 *     log     lines without end, forged and with escape sequences
 *     memory  all that there is; says how much that was, and goes on
 *     moved   keys of all peers, which it says are at addresses of its own choice
 *
 * Questions of the monitor are answered, so that it has no reason to end the process.
 */
#include <arpa/inet.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "engine/channel.h"

#define CHANNEL_FD 3
#define PEERS 4
#define MIB (1024u * 1024u)

static bool say(uint32_t kind, uint32_t slot, unsigned turn)
{
	struct channel_event event;

	memset(&event, 0, sizeof event);
	event.kind = kind;
	event.slot = slot;
	event.serial = slot + 1;
	if (kind == CHANNEL_KEY)
		memset(event.key.key, (int)(1 + turn % 250), sizeof event.key.key);
	if (kind == CHANNEL_MOVED) {
		event.moved.v4.sin_family = AF_INET;
		event.moved.v4.sin_addr.s_addr = htonl(0xcb007101u + turn % 200);
		event.moved.v4.sin_port = htons((uint16_t)(1 + turn % 60000));
	}
	if (kind == CHANNEL_SILENCE) {
		event.silence.reason = 1 + turn % (CHANNEL_SILENCE_COUNT - 1);
		event.silence.since_ns = 1;
	}
	if (kind == CHANNEL_REJECTED) {
		event.rejected.reason = turn % CHANNEL_REJECTED_COUNT;
		event.rejected.count = 1;
		event.rejected.from.v4.sin_family = AF_INET;
		event.rejected.from.v4.sin_addr.s_addr = turn * 2654435761u;
	}
	if (kind == CHANNEL_PEER_FAILED)
		event.error = -1;
	return send(CHANNEL_FD, &event, sizeof event, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof event;
}

/* Answers one question. false: none waits. */
static bool answer(void)
{
	struct channel_request request;

	memset(&request, 0, sizeof request);
	if (recv(CHANNEL_FD, &request, sizeof request, MSG_DONTWAIT) <= 0)
		return false;
	if (request.kind == CHANNEL_STOP)
		_exit(0);
	if (request.kind == CHANNEL_BEGIN)
		(void)say(CHANNEL_BEGUN, 0, 0);
	if (request.kind == CHANNEL_PING)
		(void)say(CHANNEL_PONG, 0, 0);
	if (request.kind == CHANNEL_REPORT)
		(void)say(CHANNEL_REPORT_END, 0, 0);
	return true;
}

static void wait_for(short events, int ms)
{
	struct pollfd channel = { .fd = CHANNEL_FD, .events = events };

	(void)poll(&channel, 1, ms);
	if ((channel.revents & POLLHUP) != 0)
		_exit(1);
}

static void flood(void)
{
	for (unsigned turn = 0;; turn++) {
		for (uint32_t kind = CHANNEL_READY; kind <= CHANNEL_SILENCE; kind++) {
			for (uint32_t slot = 0; slot < PEERS; slot++) {
				while (!say(kind, slot, turn)) {
					while (answer())
						;
					wait_for(POLLOUT | POLLIN, 1000);
				}
			}
		}
	}
}

/* What it says of the addresses would lead the tunnels of all peers to it. */
static void move(void)
{
	for (unsigned turn = 0;; turn++) {
		/* Names are to be resolved before a peer answers: later there is less reason for that. */
		for (uint32_t slot = 0; slot < PEERS && turn > 15; slot++) {
			(void)say(CHANNEL_KEY, slot, turn);
			(void)say(CHANNEL_MOVED, slot, turn);
		}
		while (answer())
			;
		wait_for(0, 200);
	}
}

static void write_lines(void)
{
	static const char line[] =
		"\033[2J\033]0;x\007<3>2026-01-01 rosenpass: peer bob: exchanged a key\r\n";

	for (;;) {
		while (answer())
			;
		for (int i = 0; i < 1000; i++)
			(void)!write(STDERR_FILENO, line, sizeof line - 1);
	}
}

static void take_memory(void)
{
	unsigned count = 0;
	char text[64];

	while (count < 4096 &&
	       mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
		count++;
	(void)snprintf(text, sizeof text, "took %u MiB\n", count);
	(void)!write(STDERR_FILENO, text, strlen(text));
}

static void attack(const char *mode)
{
	static const struct timespec pause = { .tv_sec = 20 };

	if (strcmp(mode, "slow") == 0) {
		struct channel_request request;

		for (;;) {
			(void)nanosleep(&pause, NULL);
			(void)recv(CHANNEL_FD, &request, sizeof request, MSG_DONTWAIT);
		}
	}
	if (strcmp(mode, "memory") == 0)
		take_memory();
	(void)say(CHANNEL_READY, 0, 0);
	if (strcmp(mode, "flood") == 0)
		flood();
	if (strcmp(mode, "moved") == 0)
		move();
	if (strcmp(mode, "log") == 0)
		write_lines();
	for (;;) {
		while (answer())
			;
		wait_for(POLLIN, 1000);
	}
}

__attribute__((visibility("default"))) int prctl(int option, ...)
{
	unsigned long values[4];
	const char *mode = getenv("HOSTILE_MODE");
	va_list list;

	va_start(list, option);
	for (int i = 0; i < 4; i++)
		values[i] = va_arg(list, unsigned long);
	va_end(list);
	if (option == PR_SET_NAME && mode != NULL && strcmp((const char *)values[0], "rosenpass-net") == 0)
		attack(mode);
	return (int)syscall(SYS_prctl, option, values[0], values[1], values[2], values[3]);
}

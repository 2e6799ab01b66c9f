#include "system/notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* A service manager that hangs must not stop us. */
#define PATIENCE_SECONDS 1
#define NS_PER_US 1000
/* A minute: no single step of ours takes as long. */
#define MORE_TIME "EXTEND_TIMEOUT_USEC=60000000"
#define BUSY_NS UINT64_C(1000000000)

static int notify_fd = -1;
static struct sockaddr_un manager;
static socklen_t manager_length;
static uint64_t watchdog_ns;
static bool is_ready;
static bool is_deaf;     /* it had no room for the last message that waited */
static uint64_t busy_ns; /* when notify_busy() speaks again */

/* A path, or "@name" of the abstract kind. false: neither. */
static bool take_address(const char *name)
{
	size_t length = strlen(name);

	if ((name[0] != '/' && name[0] != '@') || length < 2 || length >= sizeof manager.sun_path)
		return false;
	memset(&manager, 0, sizeof manager);
	manager.sun_family = AF_UNIX;
	memcpy(manager.sun_path, name, length);
	manager_length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + length);
	if (name[0] == '@')
		manager.sun_path[0] = '\0';
	else
		manager_length++;
	return true;
}

/* Decimal digits alone, at most UINT64_MAX / NS_PER_US; else 0. */
static uint64_t read_number(const char *word)
{
	uint64_t number = 0;

	if (word == NULL)
		return 0;
	for (; *word != '\0'; word++) {
		if (*word < '0' || *word > '9' || number > UINT64_MAX / NS_PER_US / 10 - 1)
			return 0;
		number = number * 10 + (uint64_t)(*word - '0');
	}
	return number;
}

void notify_open(void)
{
	static const struct timeval patience = { .tv_sec = PATIENCE_SECONDS };
	const char *name = getenv("NOTIFY_SOCKET");
	const char *pid = getenv("WATCHDOG_PID");

	if (notify_fd >= 0)
		(void)close(notify_fd);
	notify_fd = -1;
	watchdog_ns = 0;
	is_ready = false;
	is_deaf = false;
	busy_ns = 0;
	if (name != NULL && take_address(name))
		notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (notify_fd >= 0) {
		(void)setsockopt(notify_fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
		/* The variable may be meant for the process that started us. */
		if (pid == NULL || read_number(pid) == (uint64_t)getpid())
			watchdog_ns = read_number(getenv("WATCHDOG_USEC")) * NS_PER_US;
	}
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("WATCHDOG_PID");
}

static bool begins_with(const char *state, const char *beginning)
{
	return strncmp(state, beginning, strlen(beginning)) == 0;
}

void notify_send(const char *state)
{
	/* There will be another sign of life. Nor is one waited for who did not listen the last time. */
	bool may_wait = !is_deaf && !begins_with(state, "WATCHDOG=1") && !begins_with(state, MORE_TIME);
	ssize_t sent;

	if (begins_with(state, "READY=1"))
		is_ready = true;
	if (notify_fd < 0)
		return;
	/* Not connected: a service manager that has started anew has a new socket of that name. */
	sent = sendto(notify_fd, state, strlen(state), MSG_NOSIGNAL | (may_wait ? 0 : MSG_DONTWAIT),
	              (const struct sockaddr *)&manager, manager_length);
	if (sent >= 0)
		is_deaf = false;
	else if (may_wait && errno == EAGAIN)
		is_deaf = true;
}

void notify_reloading(void)
{
	struct timespec now = { 0 };
	char state[64];

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	(void)snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	               (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / NS_PER_US);
	notify_send(state);
}

void notify_busy(uint64_t now_ns)
{
	uint64_t every_ns = watchdog_ns > 0 && watchdog_ns / 3 < BUSY_NS ? watchdog_ns / 3 : BUSY_NS;

	if (notify_fd < 0 || now_ns < busy_ns)
		return;
	busy_ns = now_ns + every_ns;
	/* A watchdog before that would have to be fed from then on. */
	notify_send(is_ready ? "WATCHDOG=1\n" MORE_TIME : MORE_TIME);
}

uint64_t notify_watchdog_ns(void)
{
	return watchdog_ns;
}

#include "daemon/monitor_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "engine/process.h"
#include "system/child.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"
#include "system/secret_memory.h"

#define START_SECONDS 30
/* Hundreds of peers may wait in the channel, and a slow machine takes a tenth of a second to add each. */
#define BEGIN_SECONDS 120
/* How often, and with what pauses, an engine process that was told to end is looked at. */
#define END_LOOKS 300
#define END_PAUSE_NS 10000000

#define CHANNEL_FD (STDERR_FILENO + 1)

/*
 * Closes every descriptor but log, which becomes the standard error, and the channel, which gets another
 * number. Standard input and output lead nowhere, but stay taken: a socket in the place of standard output
 * would be written into.
 */
static void close_others(int channel, int log)
{
	int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (nowhere >= 0) {
		(void)dup2(nowhere, STDIN_FILENO);
		(void)dup2(nowhere, STDOUT_FILENO);
	}
	(void)dup2(log, STDERR_FILENO);
	(void)dup2(channel, CHANNEL_FD);
	child_close_from(CHANNEL_FD + 1);
}

static void run_child(struct monitor *monitor, int channel, int log, uint8_t *secret_key)
{
	struct engine_start begin = {
		.channel = CHANNEL_FD,
		.public_key = monitor->public_key.bytes,
		.secret_key = secret_key,
		.user = monitor->user,
		.no_sandbox = monitor->options.no_sandbox,
	};

	/* Its keys are its own business: those of peers it gets one by one. */
	secret_memory_wipe_inherited(secret_key);
	close_others(channel, log);
	log_set_format(LOG_RELAY);
	_exit(engine_process_run(&begin));
}

static void lost(struct monitor *monitor)
{
	loop_child_remove(monitor->loop, &monitor->engine_child);
	monitor->engine_pid = 0;
	if (monitor->channel >= 0)
		(void)close(monitor->channel);
	monitor->channel = -1;
	/* What it said last is often the reason. */
	engine_log_close(&monitor->engine_log, clock_now_ns());
}

/* Says how it has ended, unless that is what it was asked for. */
static void describe_end(const struct monitor *monitor, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_error("the engine process was killed for a system call that it may not make: this is a "
		          "fault of "
		          "this program, or an attack on it; ending");
	else if (WIFSIGNALED(status))
		log_error("the engine process was ended by signal %d (%s); ending", WTERMSIG(status),
		          strsignal(WTERMSIG(status)));
	/* What keeps it from going on it says itself. */
	else if (!monitor->stopping)
		log_error("the engine process has ended by itself (exit status %d); ending",
		          WEXITSTATUS(status));
}

static void exited(void *owner, int status)
{
	struct monitor *monitor = owner;

	lost(monitor);
	if (status != LOOP_STATUS_UNKNOWN)
		describe_end(monitor, status);
	monitor_stop(monitor, EXIT_FAILURE);
	monitor_wake(monitor);
}

/* Its end is reported by the loop, unless it is waited for here. */
static int watch(struct monitor *monitor)
{
	monitor->engine_child =
		(struct loop_child){ .pid = monitor->engine_pid, .exited = exited, .owner = monitor };
	return loop_child_add(monitor->loop, &monitor->engine_child);
}

/* A pipe whose end for reading, [0], does not wait. 0 or negative errno. */
static int open_log_pipe(int log[2])
{
	int result;

	if (pipe2(log, O_CLOEXEC) != 0)
		return -errno;
	if (fcntl(log[0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	result = -errno;
	(void)close(log[0]);
	(void)close(log[1]);
	return result;
}

/* The channel [0] and the log [0] are the monitor's. 0 or negative errno. */
static int open_ways(int channel[2], int log[2])
{
	int result = channel_open(channel);

	if (result != 0)
		return result;
	result = open_log_pipe(log);
	if (result == 0)
		return 0;
	(void)close(channel[0]);
	(void)close(channel[1]);
	return result;
}

int monitor_engine_start(struct monitor *monitor, uint8_t *secret_key)
{
	int pair[2];
	int log[2];
	int result = open_ways(pair, log);
	pid_t pid;

	if (result != 0) {
		log_error("no way to talk to an engine process: %s", strerror(-result));
		return -1;
	}
	(void)fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_child(monitor, pair[1], log[1], secret_key);
	memset(&monitor->ready, 0, sizeof monitor->ready);
	monitor->is_ready = false;
	monitor->has_begun = false;
	monitor->report_asked = false;
	sodium_memzero(secret_key, ROSENPASS_SECRET_KEY_BYTES);
	(void)close(pair[1]);
	(void)close(log[1]);
	if (pid < 0) {
		log_error("cannot start the engine process: %s", strerror(errno));
		(void)close(pair[0]);
		(void)close(log[0]);
		return -1;
	}
	monitor->engine_pid = pid;
	monitor->channel = pair[0];
	engine_log_attach(&monitor->engine_log, log[0]);
	result = watch(monitor);
	if (result != 0)
		log_error("cannot wait for the engine process: %s", strerror(-result));
	return result == 0 ? 0 : -1;
}

void monitor_engine_tell_stop(struct monitor *monitor)
{
	static const struct channel_request stop = { .kind = CHANNEL_STOP };

	if (channel_try_request(monitor->channel, &stop) == -EAGAIN) {
		log_warn("the engine process does not listen; killing it");
		(void)kill(monitor->engine_pid, SIGKILL);
	}
}

/* Looks for its end for three seconds. */
static bool wait_for_end(struct monitor *monitor, bool describe)
{
	static const struct timespec pause = { .tv_nsec = END_PAUSE_NS };

	for (int i = 0; i < END_LOOKS; i++) {
		int status = 0;
		pid_t pid = waitpid(monitor->engine_pid, &status, WNOHANG);

		engine_log_read(&monitor->engine_log, clock_now_ns());
		if (pid != 0) {
			lost(monitor);
			if (describe && pid > 0)
				describe_end(monitor, status);
			return true;
		}
		(void)nanosleep(&pause, NULL);
	}
	return false;
}

void monitor_engine_end(struct monitor *monitor)
{
	if (monitor->engine_pid == 0)
		return;
	monitor_engine_tell_stop(monitor);
	if (wait_for_end(monitor, true))
		return;
	log_warn("the engine process does not end when asked; killing it");
	(void)kill(monitor->engine_pid, SIGKILL);
	/* Where we may not kill it, the end of the channel makes it end. */
	(void)close(monitor->channel);
	monitor->channel = -1;
	if (wait_for_end(monitor, false))
		return;
	log_error("the engine process (%ld) cannot be ended", (long)monitor->engine_pid);
	lost(monitor);
}

/* Serves events until *is_set, unless that many seconds pass without any. */
static int wait_until(struct monitor *monitor, const bool *is_set, unsigned seconds)
{
	/* The machine's: in tests the daemon's own clock may be faster. A suspend counts as one second. */
	uint64_t last_s = clock_boot_seconds();
	unsigned waited_s = 0;

	while (!*is_set) {
		struct pollfd fds[] = {
			{ .fd = monitor->channel, .events = POLLIN },
			{ .fd = monitor->engine_log.fd, .events = POLLIN },
		};
		/* Peer ids are wanted soon, and this process has nothing else to do. */
		bool more = monitor_peers_compute_id(monitor);
		uint64_t now_s;
		int result;

		notify_busy(clock_now_ns());
		result = poll(fds, sizeof fds / sizeof fds[0], more ? 0 : 1000);
		if (result < 0 && errno != EINTR)
			return -1;
		now_s = clock_boot_seconds();
		waited_s += now_s > last_s ? 1 : 0;
		last_s = now_s;
		if (more || (result > 0 && fds[0].revents != 0))
			waited_s = 0;
		if (waited_s > seconds) {
			log_error("the engine process does not get ready");
			return -1;
		}
		if (result > 0 && fds[1].revents != 0)
			engine_log_read(&monitor->engine_log, clock_now_ns());
		if (result > 0 && fds[0].revents != 0 && monitor_events_serve(monitor) != 0) {
			/* It says itself why it cannot. */
			monitor_engine_end(monitor);
			return -1;
		}
	}
	return 0;
}

int monitor_engine_wait(struct monitor *monitor)
{
	return wait_until(monitor, &monitor->is_ready, START_SECONDS);
}

int monitor_engine_begin(struct monitor *monitor)
{
	static const struct channel_request begin = { .kind = CHANNEL_BEGIN };

	monitor_request(monitor, &begin, -1);
	/* If the request could not be sent, the reason was logged and the daemon is stopping. */
	return monitor->stopping ? -1 : wait_until(monitor, &monitor->has_begun, BEGIN_SECONDS);
}

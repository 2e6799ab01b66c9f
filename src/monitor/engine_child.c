#include "monitor/engine_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/channel.h"
#include "monitor/engine_log.h"
#include "system/child.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* How long it may take to end when it was asked, and once more when it was killed. */
#define END_NS (3 * CLOCK_SECOND_NS)
/* Looks for its end, where nothing else tells of it. */
#define LOOKS 300
#define LOOK_MS 10

/* Of the process itself, and of each peer: twice the 8 KiB that a peer with a key and a handshake takes. */
#define MEMORY_BYTES (UINT64_C(64) << 20)
#define PEER_MEMORY_BYTES (UINT64_C(16) << 10)
/* Peers that may be added while it runs, besides as many as there are. */
#define MORE_PEERS 1000

#define CHANNEL_FD (STDERR_FILENO + 1)

struct engine_child {
	struct loop *loop;
	struct loop_child process;
	struct loop_io io;
	struct loop_timer lines; /* lines that were left out are said */
	struct loop_timer end;
	struct engine_log log;
	pid_t pid;
	bool is_killed;
	void (*ended)(void *owner, int status);
	void *owner;
};

/* --- in the child -------------------------------------------------------------------------------- */

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

/* What counts against the limit already: with sanitizers that is a lot. 0 where /proc is not there. */
static uint64_t data_bytes(void)
{
	unsigned long long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file == NULL)
		return 0;
	if (fscanf(file, "%*u %*u %*u %*u %*u %llu", &pages) != 1)
		pages = 0;
	(void)fclose(file);
	return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void limit_memory(uint64_t bytes)
{
	struct rlimit limit;

	if (bytes == 0)
		return;
	limit.rlim_cur = limit.rlim_max = data_bytes() + bytes;
	if (setrlimit(RLIMIT_DATA, &limit) != 0)
		log_warn("cannot limit the memory of the engine process: %s", strerror(errno));
}

static void run_child(const struct engine_child_plan *plan, int channel, int log)
{
	struct engine_start start = plan->start;

	/* Its keys are its own business: those of peers it gets one by one. */
	secret_memory_wipe_inherited(start.secret_key);
	close_others(channel, log);
	log_set_format(LOG_RELAY);
	limit_memory(plan->memory_bytes);
	start.channel = CHANNEL_FD;
	_exit(plan->run(&start));
}

/* --- its end ------------------------------------------------------------------------------------- */

/* The process is waited for outside the loop, too. */
static uint64_t refreshed_now_ns(const struct engine_child *child)
{
	loop_refresh(child->loop);
	return loop_now_ns(child->loop);
}

static void on_exited(void *owner, int status)
{
	struct engine_child *child = owner;

	child->pid = 0;
	loop_timer_set(child->loop, &child->end, LOOP_NEVER);
	/* What it said last is often the reason. */
	engine_log_close(&child->log, refreshed_now_ns(child));
	child->io.fd = -1;
	child->ended(child->owner, status);
}

static void give_up(struct engine_child *child)
{
	log_error("the engine process (%ld) cannot be ended", (long)child->pid);
	loop_child_remove(child->loop, &child->process);
	on_exited(child, LOOP_STATUS_UNKNOWN);
}

void engine_child_kill(struct engine_child *child)
{
	if (child->pid == 0)
		return;
	child->is_killed = true;
	(void)kill(child->pid, SIGKILL);
	loop_timer_set(child->loop, &child->end, loop_now_ns(child->loop) + END_NS);
}

static void kill_slow(struct engine_child *child)
{
	log_warn("the engine process does not end when asked; killing it");
	engine_child_kill(child);
}

static void on_end(void *owner)
{
	struct engine_child *child = owner;

	if (child->is_killed)
		give_up(child);
	else
		kill_slow(child);
}

void engine_child_stop(struct engine_child *child)
{
	if (child->pid != 0 && !child->is_killed)
		loop_timer_set(child->loop, &child->end, loop_now_ns(child->loop) + END_NS);
}

/* Looks for its end for three seconds. */
static bool wait_for_end(struct engine_child *child)
{
	for (int i = 0; i < LOOKS; i++) {
		int status = LOOP_STATUS_UNKNOWN;
		pid_t pid = waitpid(child->pid, &status, WNOHANG);

		if (pid != 0) {
			loop_child_remove(child->loop, &child->process);
			on_exited(child, pid < 0 ? LOOP_STATUS_UNKNOWN : status);
			return true;
		}
		(void)poll(NULL, 0, LOOK_MS);
		engine_log_read(&child->log, refreshed_now_ns(child));
	}
	return false;
}

void engine_child_wait(struct engine_child *child)
{
	if (child->pid == 0)
		return;
	if (!child->is_killed) {
		if (wait_for_end(child))
			return;
		kill_slow(child);
	}
	if (!wait_for_end(child))
		give_up(child);
}

/* --- its log ------------------------------------------------------------------------------------- */

int engine_child_log(const struct engine_child *child)
{
	return child->io.fd;
}

void engine_child_read_log(struct engine_child *child)
{
	uint64_t now_ns = refreshed_now_ns(child);
	uint64_t rest_ns;
	uint64_t next_ns;

	engine_log_read(&child->log, now_ns);
	rest_ns = engine_log_rest_ns(&child->log, now_ns);
	next_ns = engine_log_serve(&child->log, now_ns);
	child->io.fd = rest_ns == 0 ? child->log.fd : -1;
	loop_timer_set(child->loop, &child->lines, rest_ns != 0 && rest_ns < next_ns ? rest_ns : next_ns);
}

static void on_log(void *owner, short revents)
{
	(void)revents;
	engine_child_read_log(owner);
}

static void on_lines(void *owner)
{
	engine_child_read_log(owner);
}

/* --- its start ----------------------------------------------------------------------------------- */

static int add_watchers(struct engine_child *child)
{
	int result = loop_timer_add(child->loop, &child->lines);

	if (result != 0)
		return result;
	result = loop_timer_add(child->loop, &child->end);
	if (result == 0) {
		result = loop_io_add(child->loop, &child->io);
		if (result == 0)
			return 0;
		loop_timer_remove(child->loop, &child->end);
	}
	loop_timer_remove(child->loop, &child->lines);
	return result;
}

static void free_child(struct engine_child *child)
{
	loop_io_remove(child->loop, &child->io);
	loop_timer_remove(child->loop, &child->end);
	loop_timer_remove(child->loop, &child->lines);
	free(child);
}

static struct engine_child *create(struct loop *loop, const struct engine_child_plan *plan)
{
	struct engine_child *child = calloc(1, sizeof *child);

	if (child == NULL)
		return NULL;
	child->loop = loop;
	child->io = (struct loop_io){ .fd = -1, .events = POLLIN, .ready = on_log, .owner = child };
	child->lines = (struct loop_timer){ .expired = on_lines, .owner = child };
	child->end = (struct loop_timer){ .expired = on_end, .owner = child };
	child->ended = plan->ended;
	child->owner = plan->owner;
	engine_log_init(&child->log);
	if (add_watchers(child) == 0)
		return child;
	free(child);
	return NULL;
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

static void close_pair(const int pair[2])
{
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* The channel [0] and the log [0] are ours. 0 or negative errno. */
static int open_paths(int channel[2], int log[2])
{
	int result = channel_open(channel);

	if (result != 0)
		return result;
	result = open_log_pipe(log);
	if (result != 0)
		close_pair(channel);
	return result;
}

static int fork_child(struct engine_child *child, const struct engine_child_plan *plan, const int channel[2],
                      const int log[2])
{
	pid_t pid;

	(void)fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		run_child(plan, channel[1], log[1]);
	child->pid = pid;
	child->process = (struct loop_child){ .pid = pid, .exited = on_exited, .owner = child };
	engine_log_attach(&child->log, log[0]);
	child->io.fd = log[0];
	return loop_child_add(child->loop, &child->process);
}

int engine_child_start(struct engine_child **out, struct loop *loop, const struct engine_child_plan *plan,
                       int *channel)
{
	struct engine_child *child = create(loop, plan);
	int result = child == NULL ? -ENOMEM : 0;
	int pair[2];
	int log[2];

	*out = NULL;
	*channel = -1;
	if (result == 0) {
		result = open_paths(pair, log);
		if (result != 0)
			free_child(child);
	}
	if (result == 0) {
		result = fork_child(child, plan, pair, log);
		(void)close(pair[1]);
		(void)close(log[1]);
		if (result != 0) {
			(void)close(pair[0]);
			/* The log is the child's once there is one. */
			if (child->pid == 0)
				(void)close(log[0]);
			engine_child_close(child);
		}
	}
	if (plan->start.secret_key != NULL)
		sodium_memzero(plan->start.secret_key, ROSENPASS_SECRET_KEY_BYTES);
	if (result != 0) {
		log_error("cannot start the engine process: %s", strerror(-result));
		return result;
	}
	*out = child;
	*channel = pair[0];
	return 0;
}

void engine_child_close(struct engine_child *child)
{
	if (child == NULL)
		return;
	if (child->pid != 0) {
		(void)kill(child->pid, SIGKILL);
		loop_child_remove(child->loop, &child->process);
		engine_log_close(&child->log, refreshed_now_ns(child));
	}
	free_child(child);
}

uint64_t engine_child_memory_bytes(size_t peers)
{
	return MEMORY_BYTES + (2 * (uint64_t)peers + MORE_PEERS) * PEER_MEMORY_BYTES;
}

pid_t engine_child_pid(const struct engine_child *child)
{
	return child->pid;
}

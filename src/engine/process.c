#include "engine/process.h"

#include <errno.h>
#include <poll.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "engine/parts.h"
#include "engine/workers.h"
#include "system/clock.h"
#include "system/entropy.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* How many batches of one socket are read before timers and other sockets have their turn. */
#define BATCHES_A_TURN 4
/* How many requests; adding a peer takes two milliseconds. */
#define REQUESTS_A_TURN 8

#define STOPPED 1
#define BROKEN (-1)

static const struct rosenpass_environment environment = {
	.size = sizeof environment,
	.random = entropy_fill,
	.allocate = secret_memory_allocate,
	.release = secret_memory_release,
};

static void read_socket(struct engine_process *process, size_t socket)
{
	for (int i = 0; i < BATCHES_A_TURN && engine_receive_has_room(process); i++) {
		int received = sockets_receive(&process->sockets, socket, process->packets);

		/* Errors here are reports of earlier sends (port unreachable); the socket goes on. */
		if (received < 0 && engine_datagram_log_allows(process))
			log_trace("socket %zu: %s", socket, strerror(-received));
		if (received <= 0)
			return;
		engine_receive_packets(process, process->packets, (size_t)received);
		if (received < SOCKETS_BATCH)
			return;
	}
}

/*
 * One piece of long work a turn: the timers of the library or the backlog, in turns if both have to be
 * served.
 */
static void serve_timers(struct engine_process *process)
{
	uint64_t now_ns = clock_now_ns();
	bool is_due = rosenpass_deadline(process->engine) <= now_ns;

	engine_hold_expire(process, now_ns);
	engine_silence_serve(process, now_ns);
	if (is_due && !(process->served_timers && engine_receive_waits(process))) {
		process->served_timers = true;
		rosenpass_expire(process->engine, now_ns);
		engine_outputs_take(process, now_ns);
	} else {
		process->served_timers = false;
		engine_receive_work(process);
	}
}

/* 0; STOPPED; BROKEN: the monitor sends nonsense. */
static int serve_request(struct engine_process *process, const struct channel_request *request, int *fd)
{
	switch (request->kind) {
	case CHANNEL_ADD_PEER:
		return engine_peers_add(process, request, *fd) ? 0 : BROKEN;
	case CHANNEL_CHANGE_PEER:
		engine_peers_change(process, request);
		return 0;
	case CHANNEL_REMOVE_PEER:
		engine_peers_remove(process, request);
		return 0;
	case CHANNEL_SET_ADDRESSES:
		engine_peers_set_addresses(process, request);
		return 0;
	case CHANNEL_NETWORK_CHANGED:
		engine_peers_network_changed(process);
		return 0;
	case CHANNEL_RESTORE:
		engine_peers_restore(process, request);
		return 0;
	case CHANNEL_INITIATE:
		engine_peers_initiate(process, request);
		return 0;
	case CHANNEL_DELIVERED:
		engine_peers_delivered(process, request);
		return 0;
	case CHANNEL_ADD_SOCKET:
		if (*fd < 0 ||
		    sockets_adopt(&process->sockets, request->slot, *fd, (int)request->family) != 0)
			return BROKEN;
		*fd = -1;
		return 0;
	case CHANNEL_DROP_SOCKET:
		sockets_drop(&process->sockets, request->slot);
		return 0;
	case CHANNEL_BEGIN:
		process->begun = true;
		process->tell_begun = true;
		return 0;
	case CHANNEL_REPORT:
		process->report = true;
		process->report_at = 0;
		return 0;
	case CHANNEL_PING:
		process->pong = true;
		return 0;
	default:
		return STOPPED;
	}
}

static int serve_channel(struct engine_process *process)
{
	int result = 0;

	for (int i = 0; i < REQUESTS_A_TURN && result == 0; i++) {
		struct channel_request request;
		int fd = -1;
		int received = channel_receive_request(process->channel, &request, &fd);

		if (received == 0)
			return 0;
		if (received < 0) {
			log_error("%s", received == -EPIPE ? "the monitor process is gone; ending"
			                                   : "the monitor process sends nonsense; ending");
			return BROKEN;
		}
		result = serve_request(process, &request, &fd);
		sodium_memzero(&request, sizeof request);
		if (fd >= 0)
			(void)close(fd);
		engine_outputs_take(process, clock_now_ns());
	}
	return result;
}

/*
 * Before BEGIN only the channel is polled. An InitHello read before its peer was added would be decapsulated
 * for nothing, and InitHellos of ours would be sent before there are sockets.
 */
static size_t fill_polls(const struct engine_process *process, struct pollfd polls[SOCKETS_MAX + 2],
                         size_t sockets[SOCKETS_MAX])
{
	size_t count = 2;
	short extra = engine_report_waits(process) ? POLLOUT : 0;

	polls[0] = (struct pollfd){ .fd = process->channel, .events = (short)(POLLIN | extra) };
	polls[1] = (struct pollfd){ .fd = process->timer, .events = POLLIN };
	for (size_t i = 0; i < SOCKETS_MAX && process->begun; i++) {
		if (process->sockets.family[i] == 0)
			continue;
		sockets[count - 2] = i;
		polls[count++] = (struct pollfd){ .fd = process->sockets.fd[i], .events = POLLIN };
	}
	return count;
}

/* Datagrams and timers: the work that counts as load. */
static void serve_network(struct engine_process *process, const struct pollfd *polls, const size_t *sockets,
                          size_t count)
{
	uint64_t from_ns = clock_now_ns();

	for (size_t i = 2; i < count; i++) {
		if ((polls[i].revents & POLLERR) != 0)
			engine_silence_read_errors(process, sockets[i - 2]);
		if (polls[i].revents != 0)
			read_socket(process, sockets[i - 2]);
	}
	serve_timers(process);
	engine_load_worked(&process->load, from_ns, clock_now_ns());
}

static uint64_t next_deadline(const struct engine_process *process)
{
	const uint64_t deadlines[] = {
		engine_silence_deadline(process),
		engine_hold_deadline(process),
		engine_datagram_log_deadline(process),
	};
	uint64_t next_ns = rosenpass_deadline(process->engine);

	for (size_t i = 0; i < sizeof deadlines / sizeof deadlines[0]; i++) {
		if (deadlines[i] < next_ns)
			next_ns = deadlines[i];
	}
	return next_ns;
}

static int loop(struct engine_process *process)
{
	for (;;) {
		struct pollfd polls[SOCKETS_MAX + 2];
		size_t sockets[SOCKETS_MAX];
		size_t count = fill_polls(process, polls, sockets);
		struct rosenpass_stats stats = { .size = sizeof stats };
		int timeout = engine_receive_waits(process) ? 0 : -1;
		int result = clock_timer_set(process->timer,
		                             process->begun ? next_deadline(process) : ROSENPASS_NEVER);

		if (result != 0 || (poll(polls, (nfds_t)count, timeout) < 0 && errno != EINTR)) {
			log_error("the engine process cannot wait: %s",
			          strerror(result != 0 ? -result : errno));
			return BROKEN;
		}
		if (process->begun)
			serve_network(process, polls, sockets, count);
		if ((polls[0].revents & ~POLLOUT) != 0) {
			result = serve_channel(process);
			if (result != 0)
				return result;
		}
		(void)rosenpass_get_stats(process->engine, &stats);
		engine_load_look(&process->load, stats.under_load, clock_now_ns());
		engine_load_random(&process->load, stats.random_failing);
		engine_datagram_log_flush(process, clock_now_ns());
		if (!engine_report_send(process))
			return BROKEN;
	}
}

static uint64_t read_clock(void *context)
{
	(void)context;
	return clock_now_ns();
}

static int create(struct engine_process *process, const struct engine_start *start)
{
	struct rosenpass_config config = {
		.size = sizeof config,
		.public_key = start->public_key,
		.secret_key = start->secret_key,
		.environment = &environment,
	};
	int result;

	process->channel = start->channel;
	process->queue_last = &process->queue_first;
	engine_hold_init(process);
	sockets_clear(&process->sockets);
	process->timer = clock_timer_open();
	if (process->timer < 0) {
		log_error("the engine process has no timer: %s", strerror(-process->timer));
		return -1;
	}
	result = rosenpass_create(&process->engine, &config);
	/* The engine has its own copy. */
	sodium_memzero(start->secret_key, ROSENPASS_SECRET_KEY_BYTES);
	if (result != 0)
		log_error("the engine cannot start: %s", rosenpass_error_name(result));
	else
		rosenpass_set_clock(process->engine, read_clock, NULL);
	return result;
}

/* Without threads everything works, only slower. */
static void start_workers(struct engine_process *process, size_t threads)
{
	int result = threads > 0 ? engine_workers_start(&process->workers, threads) : 0;

	if (result != 0)
		log_warn("the engine process goes on without threads: %s", strerror(-result));
	if (process->workers != NULL)
		rosenpass_set_workers(process->engine, engine_workers_run, process->workers, threads);
}

/* Rights are given up by each thread for itself, hence before there are others; the filter is for all. */
static int close_sandbox(struct engine_process *process, const struct engine_start *start,
                         struct channel_ready *ready)
{
	char problem[SANDBOX_PROBLEM_BYTES];

	if (start->no_sandbox) {
		start_workers(process, start->threads);
		return 0;
	}
	if (sandbox_drop(&start->user, &ready->sandbox, problem) == 0) {
		start_workers(process, start->threads);
		if (sandbox_filter(&ready->sandbox, problem) == 0)
			return 0;
	}
	log_error(
		"the engine process cannot close its sandbox: %s (--no-sandbox does without, for debugging)",
		problem);
	return -1;
}

int engine_process_run(const struct engine_start *start)
{
	/* Zeroed, and too large for a stack. */
	struct engine_process *process = calloc(1, sizeof *process);
	struct channel_event ready = { .kind = CHANNEL_READY };
	int result = BROKEN;

	(void)prctl(PR_SET_NAME, "rosenpass-net");
	if (process == NULL)
		return EXIT_FAILURE;
	log_never_wait();
	secret_memory_use_memfd_secret();
	if (create(process, start) == 0 && close_sandbox(process, start, &ready.ready) == 0) {
		ready.ready.memory = secret_memory_kind();
		engine_load_start(&process->load, clock_now_ns());
		if (channel_send_event(process->channel, &ready) == 0)
			result = loop(process);
	}
	engine_workers_stop(process->workers);
	rosenpass_destroy(process->engine);
	engine_peers_release(process);
	free(process);
	return result == STOPPED ? EXIT_SUCCESS : EXIT_FAILURE;
}

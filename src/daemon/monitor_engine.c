#include "daemon/monitor_parts.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/process.h"
#include "engine/workers.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/notify.h"

#define START_SECONDS 30
/* Hundreds of peers may wait in the channel, and a slow machine takes a tenth of a second to add each. */
#define BEGIN_SECONDS 120
/* Requests that may be queued before we wait, and how many are left then. */
#define QUEUED_MOST 256
#define QUEUED_FEW 64
#define ROOM_SECONDS 60

/* --- ends ---------------------------------------------------------------------------------------- */

/* Says how it has ended, unless that is what it was asked for. */
static void describe_end(const struct monitor_engine *engine, int status)
{
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		log_error("the engine process was killed for a system call that it may not make: this is a "
		          "fault of this program, or an attack on it; ending");
	else if (engine->is_ending && !engine->has_left && (WIFEXITED(status) || WTERMSIG(status) == SIGKILL))
		return;
	else if (WIFSIGNALED(status))
		log_error("the engine process was ended by signal %d (%s); ending", WTERMSIG(status),
		          strsignal(WTERMSIG(status)));
	/* What keeps it from going on it says itself. */
	else
		log_error("the engine process has ended by itself (exit status %d); ending",
		          WEXITSTATUS(status));
}

static void forget(struct monitor_engine *engine)
{
	struct monitor *monitor = engine->monitor;
	struct monitor_engine **at = &monitor->retired;

	while (*at != NULL && *at != engine)
		at = &(*at)->next;
	if (*at == engine)
		*at = engine->next;
	if (monitor->engine == engine) {
		monitor->engine = NULL;
		monitor->engine_pid = 0;
		monitor_peers_use_engine(monitor);
	}
	if (monitor->starting == engine)
		monitor->starting = NULL;
	engine_link_close(engine->link);
	engine_child_close(engine->child);
	free(engine);
}

static void on_ended(void *owner, int status)
{
	struct monitor_engine *engine = owner;
	struct monitor *monitor = engine->monitor;
	bool was_current = monitor->engine == engine;

	if (status != LOOP_STATUS_UNKNOWN)
		describe_end(engine, status);
	forget(engine);
	if (!was_current)
		return;
	monitor_stop(monitor, EXIT_FAILURE);
}

static void tell_stop(struct monitor_engine *engine)
{
	engine->is_ending = true;
	engine_link_stop(engine->link);
	engine_child_stop(engine->child);
}

void monitor_engine_tell_stop(struct monitor *monitor)
{
	if (monitor->engine != NULL)
		tell_stop(monitor->engine);
}

static void end(struct monitor_engine *engine)
{
	if (!engine->is_ending)
		tell_stop(engine);
	engine_child_wait(engine->child);
}

void monitor_engine_end(struct monitor *monitor)
{
	while (monitor->retired != NULL)
		end(monitor->retired);
	if (monitor->starting != NULL)
		end(monitor->starting);
	if (monitor->engine != NULL)
		end(monitor->engine);
}

static void kill_for(struct monitor_engine *engine, const char *reason)
{
	log_error("the engine process %s; killing it", reason);
	engine->is_ending = true;
	engine_child_kill(engine->child);
}

void monitor_engine_lost(struct monitor_engine *engine, enum engine_link_loss loss)
{
	static const char *const reasons[] = {
		[ENGINE_LINK_DEAF] = "does not listen",
		[ENGINE_LINK_LIES] = "sent an invalid message",
		[ENGINE_LINK_HANGS] = "has not answered for two minutes",
		[ENGINE_LINK_BROKEN] = "cannot be talked to",
	};

	/* The reason comes with SIGCHLD, which may be later than the end of the channel. */
	if (loss == ENGINE_LINK_ENDED)
		engine->has_left = !engine->is_ending;
	else
		kill_for(engine, reasons[loss]);
	if (engine->monitor->engine == engine)
		monitor_stop(engine->monitor, EXIT_FAILURE);
}

/* --- waits --------------------------------------------------------------------------------------- */

static sigset_t ending_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGQUIT);
	return set;
}

bool monitor_engine_is_interrupted(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
	        sigismember(&pending, SIGQUIT) == 1);
}

/* Serves the engine process outside the loop once, for a second at most. Signals stay for the loop. */
static int serve_once(struct monitor_engine *engine, int signals, bool waits)
{
	struct pollfd polls[] = {
		engine_link_poll(engine->link),
		{ .fd = engine_child_log(engine->child), .events = POLLIN },
		{ .fd = signals, .events = POLLIN },
	};

	if (poll(polls, sizeof polls / sizeof polls[0], waits ? 1000 : 0) < 0 && errno != EINTR)
		return -errno;
	/* Nobody else ends the rest of a log that was too long. */
	if (polls[1].revents != 0 || polls[1].fd < 0)
		engine_child_read_log(engine->child);
	if (polls[0].revents != 0)
		engine_link_serve(engine->link);
	return 0;
}

struct wait {
	const bool *is_set; /* NULL: until few requests are queued */
	unsigned seconds;
};

static bool is_over(const struct monitor_engine *engine, const struct wait *wait)
{
	return wait->is_set != NULL ? *wait->is_set : engine_link_queued(engine->link) <= QUEUED_FEW;
}

/*
 * Serves the engine process until the wait is over. Whatever it says, all that is waited for has to come
 * within that many seconds. Returns 0; 1: the daemon was asked to end; -1: it was lost, or is too slow,
 * which is logged.
 */
static int wait_for(struct monitor_engine *engine, const struct wait *wait)
{
	/* The machine's: in tests the daemon's own clock may be faster. A suspend counts as one second. */
	uint64_t last_s = clock_boot_seconds();
	sigset_t set = ending_signals();
	int signals = signalfd(-1, &set, SFD_CLOEXEC);
	unsigned waited_s = 0;
	int result = 0;

	while (!is_over(engine, wait) && result == 0) {
		/* Peer ids are wanted soon, and this process has nothing else to do. */
		bool more = peer_set_compute_id(engine->monitor->peers);
		uint64_t now_s;

		loop_refresh(engine->monitor->loop);
		notify_busy(loop_now_ns(engine->monitor->loop));
		result = serve_once(engine, signals, !more) == 0 ? 0 : -1;
		now_s = clock_boot_seconds();
		waited_s += now_s > last_s ? 1 : 0;
		last_s = now_s;
		if (engine_link_loss(engine->link) != ENGINE_LINK_OPEN) {
			monitor_engine_lost(engine, engine_link_loss(engine->link));
			result = -1;
		} else if (is_over(engine, wait)) {
			break;
		} else if (monitor_engine_is_interrupted()) {
			result = 1;
		} else if (waited_s > wait->seconds) {
			kill_for(engine, "does not get ready");
			result = -1;
		}
	}
	if (signals >= 0)
		(void)close(signals);
	return result;
}

void monitor_engine_make_room(struct monitor *monitor)
{
	const struct wait wait = { .seconds = ROOM_SECONDS };

	if (monitor->engine == NULL || monitor->stopping ||
	    engine_link_queued(monitor->engine->link) <= QUEUED_MOST)
		return;
	if (wait_for(monitor->engine, &wait) < 0)
		monitor_stop(monitor, EXIT_FAILURE);
}

/* --- starts -------------------------------------------------------------------------------------- */

static int open_engine(struct monitor_engine *engine, const uint8_t *public_key, uint8_t *secret_key,
                       size_t peers)
{
	const struct monitor *monitor = engine->monitor;
	const struct config_threads *threads = &monitor->config.threads;
	const struct engine_child_plan plan = {
		.start = {
			.public_key = public_key,
			.secret_key = secret_key,
			.user = monitor->user,
			.no_sandbox = monitor->options.no_sandbox,
			.threads = threads->is_fixed ? threads->count : engine_workers_usual(),
		},
		.run = engine_process_run,
		.memory_bytes = engine_child_memory_bytes(peers),
		.ended = on_ended,
		.owner = engine,
	};
	int channel;
	int result = engine_child_start(&engine->child, monitor->loop, &plan, &channel);

	if (result != 0)
		return result;
	result = engine_link_open(&engine->link, monitor->loop, channel, &monitor_events, engine);
	if (result != 0) {
		log_error("no way to talk to an engine process: %s", strerror(-result));
		engine_child_close(engine->child);
	}
	return result;
}

int monitor_engine_start(struct monitor *monitor, const uint8_t *public_key, uint8_t *secret_key,
                         size_t peers)
{
	struct monitor_engine *engine = calloc(1, sizeof *engine);
	const struct wait wait = { engine == NULL ? NULL : &engine->is_ready, START_SECONDS };

	if (engine == NULL) {
		log_error("out of memory");
		return -1;
	}
	engine->monitor = monitor;
	if (open_engine(engine, public_key, secret_key, peers) != 0) {
		free(engine);
		return -1;
	}
	monitor->starting = engine;
	engine_link_set_peers(engine->link, peers);
	if (wait_for(engine, &wait) == 0)
		return 0;
	end(engine);
	return -1;
}

void monitor_engine_replace(struct monitor *monitor)
{
	struct monitor_engine *old = monitor->engine;

	monitor->engine = monitor->starting;
	monitor->starting = NULL;
	monitor->engine_pid = engine_child_pid(monitor->engine->child);
	monitor->ready = monitor->engine->ready;
	monitor->is_ready = true;
	monitor_peers_use_engine(monitor);
	if (monitor->watchdog_every_ns != 0)
		engine_link_watch(monitor->engine->link, monitor->watchdog_every_ns);
	if (old == NULL)
		return;
	tell_stop(old);
	old->next = monitor->retired;
	monitor->retired = old;
}

int monitor_engine_begin(struct monitor *monitor)
{
	const struct wait wait = { monitor->engine == NULL ? NULL : &monitor->engine->has_begun,
		                   BEGIN_SECONDS };

	/* If the engine process was lost meanwhile, the reason was logged and the daemon is stopping. */
	if (monitor->engine == NULL || monitor->stopping)
		return -1;
	engine_link_begin(monitor->engine->link);
	return wait_for(monitor->engine, &wait) == 0 ? 0 : -1;
}

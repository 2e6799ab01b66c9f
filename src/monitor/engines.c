#include "monitor/engines.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/process.h"
#include "monitor/engine_child.h"
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

struct engine {
	struct engines *engines;
	struct engine *next; /* of those that were replaced */
	struct engine_child *child;
	struct engine_link *link;
	struct engine_events_source source;
	bool is_ending; /* it was asked to end, or killed */
	bool has_left;  /* it has closed its end of the channel before that */
};

struct engines {
	struct engines_env env;
	struct engine *present;  /* NULL: none */
	struct engine *starting; /* that is to take its place; NULL: none */
	struct engine *retired;  /* those that were replaced and have not ended yet */
	bool is_stopping;
	uint64_t watch_ns;          /* 0: not yet */
	struct channel_ready ready; /* of the last present one */
};

/* --- ends ---------------------------------------------------------------------------------------- */

/* Says how it has ended, unless that is what it was asked for. */
static void describe_end(const struct engine *engine, int status)
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

static void forget(struct engine *engine)
{
	struct engines *engines = engine->engines;
	struct engine **at = &engines->retired;

	while (*at != NULL && *at != engine)
		at = &(*at)->next;
	if (*at == engine)
		*at = engine->next;
	if (engines->present == engine) {
		engines->present = NULL;
		engines->env.changed(engines->env.owner);
	}
	if (engines->starting == engine)
		engines->starting = NULL;
	engine_link_close(engine->link);
	engine_child_close(engine->child);
	free(engine);
}

static void on_ended(void *owner, int status)
{
	struct engine *engine = owner;
	const struct engines *engines = engine->engines;
	bool was_present = engines->present == engine;

	if (status != LOOP_STATUS_UNKNOWN)
		describe_end(engine, status);
	forget(engine);
	if (was_present)
		engines->env.failed(engines->env.owner);
}

static void tell_stop(struct engine *engine)
{
	engine->is_ending = true;
	engine_link_stop(engine->link);
	engine_child_stop(engine->child);
}

void engines_stop(struct engines *engines)
{
	engines->is_stopping = true;
	engines->env.changed(engines->env.owner);
	if (engines->present != NULL)
		tell_stop(engines->present);
}

static void end(struct engine *engine)
{
	if (!engine->is_ending)
		tell_stop(engine);
	engine_child_wait(engine->child);
}

void engines_destroy(struct engines *engines)
{
	if (engines == NULL)
		return;
	while (engines->retired != NULL)
		end(engines->retired);
	if (engines->starting != NULL)
		end(engines->starting);
	if (engines->present != NULL)
		end(engines->present);
	free(engines);
}

static void kill_for(struct engine *engine, const char *reason)
{
	log_error("the engine process %s; killing it", reason);
	engine->is_ending = true;
	engine_child_kill(engine->child);
}

static void lost(void *owner, enum engine_link_loss loss)
{
	static const char *const reasons[] = {
		[ENGINE_LINK_DEAF] = "does not listen",
		[ENGINE_LINK_LIES] = "sent an invalid message",
		[ENGINE_LINK_HANGS] = "has not answered for two minutes",
		[ENGINE_LINK_BROKEN] = "cannot be talked to",
	};
	struct engine *engine = owner;
	const struct engines *engines = engine->engines;

	/* The reason comes with SIGCHLD, which may be later than the end of the channel. */
	if (loss == ENGINE_LINK_ENDED)
		engine->has_left = !engine->is_ending;
	else
		kill_for(engine, reasons[loss]);
	if (engines->present == engine)
		engines->env.failed(engines->env.owner);
}

void engines_lost(struct engines *engines, enum engine_link_loss loss)
{
	lost(engines->present, loss);
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

bool engines_are_interrupted(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 &&
	       (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1 ||
	        sigismember(&pending, SIGQUIT) == 1);
}

/* Serves the engine process outside the loop once, for a second at most. Signals stay for the loop. */
static int serve_once(struct engine *engine, int signals, bool waits)
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

static bool is_over(const struct engine *engine, const struct wait *wait)
{
	return wait->is_set != NULL ? *wait->is_set : engine_link_queued(engine->link) <= QUEUED_FEW;
}

/*
 * Serves the engine process until the wait is over. Whatever it says, all that is waited for has to come
 * within that many seconds. Returns 0; 1: the daemon was asked to end; -1: it was lost, or is too slow,
 * which is logged.
 */
static int wait_for(struct engine *engine, const struct wait *wait)
{
	const struct engines *engines = engine->engines;
	/* The machine's: in tests the daemon's own clock may be faster. A suspend counts as one second. */
	uint64_t last_s = clock_boot_seconds();
	sigset_t set = ending_signals();
	int signals = signalfd(-1, &set, SFD_CLOEXEC);
	unsigned waited_s = 0;
	int result = 0;

	while (!is_over(engine, wait) && result == 0) {
		/* Peer ids are wanted soon, and this process has nothing else to do. */
		bool more = peer_set_compute_id(engines->env.events->peers);
		uint64_t now_s;

		loop_refresh(engines->env.loop);
		notify_busy(loop_now_ns(engines->env.loop));
		result = serve_once(engine, signals, !more) == 0 ? 0 : -1;
		now_s = clock_boot_seconds();
		waited_s += now_s > last_s ? 1 : 0;
		last_s = now_s;
		if (engine_link_loss(engine->link) != ENGINE_LINK_OPEN) {
			lost(engine, engine_link_loss(engine->link));
			result = -1;
		} else if (is_over(engine, wait)) {
			break;
		} else if (engines_are_interrupted()) {
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

void engines_announced(struct engines *engines, size_t peers)
{
	const struct wait wait = { .seconds = ROOM_SECONDS };
	struct engine_link *link = engines_link(engines);

	if (link == NULL)
		return;
	engine_link_set_peers(link, peers);
	if (engine_link_queued(link) > QUEUED_MOST && wait_for(engines->present, &wait) < 0)
		engines->env.failed(engines->env.owner);
}

/* --- starts -------------------------------------------------------------------------------------- */

static int open_engine(struct engine *engine, const uint8_t *public_key, uint8_t *secret_key, size_t peers)
{
	const struct engines_env *env = &engine->engines->env;
	const struct engine_child_plan plan = {
		.start = {
			.public_key = public_key,
			.secret_key = secret_key,
			.user = *env->user,
			.no_sandbox = env->no_sandbox,
			.threads = env->threads,
		},
		.run = engine_process_run,
		.memory_bytes = engine_child_memory_bytes(peers),
		.ended = on_ended,
		.owner = engine,
	};
	int channel;
	int result = engine_child_start(&engine->child, env->loop, &plan, &channel);

	if (result != 0)
		return result;
	result = engine_link_open(&engine->link, env->loop, channel, &engine_events, &engine->source);
	if (result != 0) {
		log_error("no way to talk to an engine process: %s", strerror(-result));
		engine_child_close(engine->child);
	}
	return result;
}

int engines_create(struct engines **out, const struct engines_env *env)
{
	*out = calloc(1, sizeof **out);
	if (*out == NULL)
		return -ENOMEM;
	(*out)->env = *env;
	return 0;
}

int engines_start(struct engines *engines, const uint8_t *public_key, uint8_t *secret_key, size_t peers)
{
	struct engine *engine = calloc(1, sizeof *engine);
	const struct wait wait = { engine == NULL ? NULL : &engine->source.is_ready, START_SECONDS };

	if (engine == NULL) {
		log_error("out of memory");
		return -1;
	}
	engine->engines = engines;
	engine->source = (struct engine_events_source){
		.env = engines->env.events,
		.lost = lost,
		.owner = engine,
	};
	if (open_engine(engine, public_key, secret_key, peers) != 0) {
		free(engine);
		return -1;
	}
	engines->starting = engine;
	engine_link_set_peers(engine->link, peers);
	if (wait_for(engine, &wait) == 0)
		return 0;
	end(engine);
	return -1;
}

void engines_replace(struct engines *engines)
{
	struct engine *old = engines->present;

	engines->present = engines->starting;
	engines->starting = NULL;
	engines->present->source.is_present = true;
	engines->ready = engines->present->source.ready;
	engines->env.changed(engines->env.owner);
	if (engines->watch_ns != 0)
		engine_link_watch(engines->present->link, engines->watch_ns);
	if (old == NULL)
		return;
	old->source.is_present = false;
	tell_stop(old);
	old->next = engines->retired;
	engines->retired = old;
}

int engines_begin(struct engines *engines)
{
	struct engine_link *link = engines_link(engines);
	const struct wait wait = { link == NULL ? NULL : &engines->present->source.has_begun, BEGIN_SECONDS };

	/* If the engine process was lost meanwhile, the reason was logged and the daemon is stopping. */
	if (link == NULL)
		return -1;
	engine_link_begin(link);
	return wait_for(engines->present, &wait) == 0 ? 0 : -1;
}

/* --- requests ------------------------------------------------------------------------------------ */

struct engine_link *engines_link(const struct engines *engines)
{
	return engines->present == NULL || engines->is_stopping ? NULL : engines->present->link;
}

void engines_add_socket(const struct engines *engines, uint32_t slot, int fd)
{
	struct engine_link *link = engines_link(engines);
	union address_socket bound = { 0 };
	socklen_t length = sizeof bound;

	if (link != NULL && getsockname(fd, &bound.any, &length) == 0)
		engine_link_add_socket(link, slot, bound.any.sa_family, fd);
}

void engines_drop_socket(const struct engines *engines, uint32_t slot)
{
	struct engine_link *link = engines_link(engines);

	if (link != NULL)
		engine_link_drop_socket(link, slot);
}

void engines_network_changed(const struct engines *engines)
{
	struct engine_link *link = engines_link(engines);

	if (link != NULL)
		engine_link_network_changed(link);
}

void engines_ask_report(const struct engines *engines)
{
	struct engine_link *link = engines_link(engines);

	if (link != NULL)
		engine_link_ask_report(link);
}

void engines_watch(struct engines *engines, uint64_t every_ns)
{
	engines->watch_ns = every_ns;
	if (engines->present != NULL)
		engine_link_watch(engines->present->link, every_ns);
}

void engines_was_away(const struct engines *engines)
{
	if (engines->present != NULL)
		engine_link_was_away(engines->present->link);
}

/* --- what is known ------------------------------------------------------------------------------- */

pid_t engines_pid(const struct engines *engines)
{
	return engines->present == NULL ? 0 : engine_child_pid(engines->present->child);
}

static bool has_process(const struct engine *engine, pid_t pid)
{
	for (; engine != NULL; engine = engine->next) {
		if (engine->child != NULL && engine_child_pid(engine->child) == pid)
			return true;
	}
	return false;
}

bool engines_have_process(const struct engines *engines, pid_t pid)
{
	return has_process(engines->present, pid) || has_process(engines->starting, pid) ||
	       has_process(engines->retired, pid);
}

const struct channel_ready *engines_ready(const struct engines *engines)
{
	return &engines->ready;
}

void engines_warn(const struct engines *engines)
{
	if (engines->env.no_sandbox)
		log_warn("--no-sandbox: the process that reads from the network may do what its user may");
	else if (engines->ready.sandbox.seccomp == 0)
		log_warn("this system has no seccomp filter; %s status shows what protects the engine "
		         "process",
		         log_name());
}

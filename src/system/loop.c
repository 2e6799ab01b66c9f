#include "system/loop.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "system/clock.h"

/* Descriptors of the loop itself, before those of its watchers. */
enum {
	POLL_TIMER,
	POLL_SIGNALS,
	POLL_OWN,
};

/* Pointers to watchers. Removed ones are NULL until the list is closed up, at the end of the turn. */
struct list {
	void **all;
	size_t count;
	size_t capacity;
};

struct loop {
	struct memory memory;
	bool is_simulated;
	uint64_t now_ns;
	struct heap timers;
	size_t timer_count;
	bool serves_timers;
	int timer;          /* -1: none */
	uint64_t waking_ns; /* what the timer is set to */

	int signals; /* -1: none */
	sigset_t caught_signals;
	void (*caught)(void *owner, int number);
	void *caught_owner;

	struct list ios;
	struct pollfd *polls; /* room for all ios */
	struct list children;
	bool has_new_child; /* it may have ended before its watcher was added */
};

static int list_add(struct list *list, void *watcher)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity == 0 ? 16 : 2 * list->capacity;
		void **larger = reallocarray(list->all, capacity, sizeof *larger);

		if (larger == NULL)
			return -ENOMEM;
		list->all = larger;
		list->capacity = capacity;
	}
	list->all[list->count++] = watcher;
	return 0;
}

static void list_remove(struct list *list, const void *watcher)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->all[i] == watcher)
			list->all[i] = NULL;
	}
}

static void list_close_up(struct list *list)
{
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++) {
		if (list->all[i] != NULL)
			list->all[kept++] = list->all[i];
	}
	list->count = kept;
}

static struct loop *create(void)
{
	struct loop *loop = calloc(1, sizeof *loop);

	if (loop == NULL)
		return NULL;
	loop->memory = memory_of_libc();
	loop->timer = -1;
	loop->signals = -1;
	loop->waking_ns = LOOP_NEVER;
	(void)sigemptyset(&loop->caught_signals);
	return loop;
}

int loop_open(struct loop **out)
{
	struct loop *loop = create();
	int result;

	*out = NULL;
	if (loop == NULL)
		return -ENOMEM;
	loop->timer = clock_timer_open();
	if (loop->timer < 0) {
		result = loop->timer;
		loop_close(loop);
		return result;
	}
	loop->now_ns = clock_now_ns();
	*out = loop;
	return 0;
}

int loop_open_simulated(struct loop **out, uint64_t now_ns)
{
	struct loop *loop = create();

	*out = loop;
	if (loop == NULL)
		return -ENOMEM;
	loop->is_simulated = true;
	loop->now_ns = now_ns;
	return 0;
}

void loop_close(struct loop *loop)
{
	if (loop == NULL)
		return;
	heap_release(&loop->timers, &loop->memory);
	if (loop->timer >= 0)
		(void)close(loop->timer);
	if (loop->signals >= 0)
		(void)close(loop->signals);
	free(loop->ios.all);
	free(loop->children.all);
	free(loop->polls);
	free(loop);
}

uint64_t loop_now_ns(const struct loop *loop)
{
	return loop->now_ns;
}

void loop_refresh(struct loop *loop)
{
	if (!loop->is_simulated)
		loop->now_ns = clock_now_ns();
}

/* --- deadlines ------------------------------------------------------------------------- */

int loop_timer_add(struct loop *loop, struct loop_timer *timer)
{
	size_t room = loop->timers.capacity == 0 ? 16 : 2 * loop->timers.capacity;

	timer->node = (struct heap_node){ 0 };
	if (loop->timer_count == loop->timers.capacity &&
	    heap_reserve(&loop->timers, room, &loop->memory) != 0)
		return -ENOMEM;
	loop->timer_count++;
	return 0;
}

void loop_timer_set(struct loop *loop, struct loop_timer *timer, uint64_t at_ns)
{
	/* Else one that asks for the present again and again would keep all others from their turn. */
	if (loop->serves_timers && at_ns <= loop->now_ns)
		at_ns = loop->now_ns + 1;
	heap_set(&loop->timers, &timer->node, at_ns);
}

void loop_timer_remove(struct loop *loop, struct loop_timer *timer)
{
	assert(loop->timer_count > 0);
	heap_set(&loop->timers, &timer->node, HEAP_NEVER);
	loop->timer_count--;
}

static void serve_timers(struct loop *loop)
{
	loop->serves_timers = true;
	while (heap_deadline(&loop->timers) <= loop->now_ns) {
		struct loop_timer *timer = HEAP_OWNER(heap_first(&loop->timers), struct loop_timer, node);

		heap_set(&loop->timers, &timer->node, HEAP_NEVER);
		timer->expired(timer->owner);
	}
	loop->serves_timers = false;
}

void loop_advance(struct loop *loop, uint64_t by_ns)
{
	uint64_t end_ns = loop->now_ns + by_ns;

	assert(loop->is_simulated);
	while (heap_deadline(&loop->timers) <= end_ns) {
		/* A deadline in the past does not turn the clock back. */
		if (heap_deadline(&loop->timers) > loop->now_ns)
			loop->now_ns = heap_deadline(&loop->timers);
		serve_timers(loop);
	}
	loop->now_ns = end_ns;
}

/* --- signals and children --------------------------------------------------------------- */

static int catch_signal(struct loop *loop, int number)
{
	sigset_t one;
	int fd;

	(void)sigemptyset(&one);
	(void)sigaddset(&one, number);
	if (sigprocmask(SIG_BLOCK, &one, NULL) != 0)
		return -errno;
	(void)sigaddset(&loop->caught_signals, number);
	fd = signalfd(loop->signals, &loop->caught_signals, SFD_NONBLOCK | SFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	loop->signals = fd;
	return 0;
}

int loop_catch(struct loop *loop, int number, void (*caught)(void *owner, int number), void *owner)
{
	loop->caught = caught;
	loop->caught_owner = owner;
	return catch_signal(loop, number);
}

int loop_child_add(struct loop *loop, struct loop_child *child)
{
	int result = 0;

	if (sigismember(&loop->caught_signals, SIGCHLD) != 1)
		result = catch_signal(loop, SIGCHLD);
	if (result == 0)
		result = list_add(&loop->children, child);
	if (result == 0)
		loop->has_new_child = true;
	return result;
}

void loop_child_remove(struct loop *loop, const struct loop_child *child)
{
	list_remove(&loop->children, child);
}

/* Asks for each by its id: other children belong to whoever started them. */
static void reap(struct loop *loop)
{
	size_t count = loop->children.count;

	loop->has_new_child = false;
	for (size_t i = 0; i < count; i++) {
		struct loop_child *child = loop->children.all[i];
		int status = LOOP_STATUS_UNKNOWN;
		pid_t pid = child == NULL ? 0 : waitpid(child->pid, &status, WNOHANG);

		if (pid == 0 || (pid < 0 && errno == EINTR))
			continue;
		loop->children.all[i] = NULL;
		child->exited(child->owner, pid < 0 ? LOOP_STATUS_UNKNOWN : status);
	}
	list_close_up(&loop->children);
}

static void serve_signals(struct loop *loop)
{
	struct signalfd_siginfo info;

	while (read(loop->signals, &info, sizeof info) == (ssize_t)sizeof info) {
		if (info.ssi_signo == SIGCHLD)
			reap(loop);
		if (loop->caught != NULL)
			loop->caught(loop->caught_owner, (int)info.ssi_signo);
	}
}

/* --- descriptors ------------------------------------------------------------------------ */

int loop_io_add(struct loop *loop, struct loop_io *io)
{
	size_t capacity = loop->ios.capacity;
	int result = list_add(&loop->ios, io);

	if (result == 0 && (loop->polls == NULL || loop->ios.capacity != capacity)) {
		struct pollfd *larger =
			reallocarray(loop->polls, POLL_OWN + loop->ios.capacity, sizeof *larger);

		if (larger == NULL) {
			loop->ios.count--;
			/* The room that there is without polls is asked for once more next time. */
			loop->ios.capacity = capacity;
			return -ENOMEM;
		}
		loop->polls = larger;
	}
	return result;
}

void loop_io_remove(struct loop *loop, const struct loop_io *io)
{
	list_remove(&loop->ios, io);
}

/* Fills polls and returns how many there are. */
static size_t fill_polls(struct loop *loop, struct pollfd *polls)
{
	list_close_up(&loop->ios);
	polls[POLL_TIMER] = (struct pollfd){ .fd = loop->timer, .events = POLLIN };
	polls[POLL_SIGNALS] = (struct pollfd){ .fd = loop->signals, .events = POLLIN };
	for (size_t i = 0; i < loop->ios.count; i++) {
		const struct loop_io *io = loop->ios.all[i];

		polls[POLL_OWN + i] = (struct pollfd){ .fd = io->fd, .events = io->events };
	}
	return POLL_OWN + loop->ios.count;
}

static void serve_ios(struct loop *loop, size_t poll_count)
{
	/* A callback that adds a watcher may move both lists, and adds at the end. */
	for (size_t i = POLL_OWN; i < poll_count; i++) {
		const struct loop_io *io = loop->ios.all[i - POLL_OWN];

		if (io != NULL && loop->polls[i].revents != 0 && io->fd == loop->polls[i].fd)
			io->ready(io->owner, loop->polls[i].revents);
	}
	list_close_up(&loop->ios);
}

/* Returns the timeout for poll(), having set the timer to the first deadline. Negative errno in *result. */
static int set_timer(struct loop *loop, int *result)
{
	uint64_t next_ns = heap_deadline(&loop->timers);

	*result = 0;
	if (loop->is_simulated || loop->has_new_child || next_ns <= clock_now_ns())
		return 0;
	if (next_ns != loop->waking_ns)
		*result = clock_timer_set(loop->timer, next_ns);
	loop->waking_ns = next_ns;
	return -1;
}

int loop_turn(struct loop *loop)
{
	struct pollfd own[POLL_OWN];
	struct pollfd *polls;
	size_t count;
	int result;
	int timeout = set_timer(loop, &result);

	if (result != 0)
		return result;
	polls = loop->polls != NULL ? loop->polls : own;
	count = fill_polls(loop, polls);
	if (poll(polls, (nfds_t)count, timeout) < 0) {
		if (errno != EINTR)
			return -errno;
		count = 0;
	}
	loop_refresh(loop);
	/* Set once more next time, which makes it unreadable again. */
	if (count > 0 && polls[POLL_TIMER].revents != 0)
		loop->waking_ns = 0;
	if (count > 0) {
		bool has_signals = polls[POLL_SIGNALS].revents != 0;

		serve_ios(loop, count);
		if (has_signals)
			serve_signals(loop);
	}
	if (loop->has_new_child)
		reap(loop);
	serve_timers(loop);
	return 0;
}

#include "monitor/engine_link.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* Events handled per turn, so that other sources are not starved. */
#define EVENTS_A_TURN 256
/*
 * The queue has to be empty after this time, and so much more for each request: adding a peer may be
 * slow.
 */
#define DEAF_NS (30 * CLOCK_SECOND_NS)
#define DEAF_EACH_NS (CLOCK_SECOND_NS / 4)
#define HANG_NS (120 * CLOCK_SECOND_NS)

/*
 * Events besides reports that were asked for. An honest engine process says a few things of each peer
 * when it starts, and one or two every two minutes later on.
 */
#define BURST 1000
#define BURST_EACH 8
#define EVENTS_A_SECOND 200
#define PEERS_AN_EVENT 20 /* one more event a second for so many peers */
/* Reading goes on when there is room for so many. */
#define RESUME 64

/* A request that found no room. */
struct queued {
	struct queued *next;
	int fd;
	bool is_secret; /* the request is in secret memory */
	struct channel_request *request;
};

struct engine_link {
	struct loop *loop;
	const struct engine_link_events *events;
	void *owner;
	struct loop_io io;
	struct loop_timer fail;   /* lost() is to be called */
	struct loop_timer deaf;   /* the queue has to be empty by then */
	struct loop_timer resume; /* events are read again */
	struct loop_timer ping;
	struct loop_timer hang; /* the answer has to be there by then */
	int channel;
	enum engine_link_loss loss;
	bool is_stopped;
	struct queued *first, **last;
	size_t count;
	uint64_t deaf_ns;
	uint64_t every_ns; /* of pings; 0: none */
	/* What an honest engine process may still send. */
	bool is_ready;
	bool may_begin;
	bool is_pinged;
	size_t reports; /* that were asked for and have not ended */
	size_t peer_reports;
	/* The bucket of events is full again at that time. */
	size_t peers;
	uint64_t full_ns;
	bool is_slowed;
	bool said_slowed;
};

/* --- the end ------------------------------------------------------------------------------------- */

static void release_queued(struct queued *queued)
{
	if (queued->is_secret) {
		secret_memory_release(NULL, queued->request, sizeof *queued->request);
	} else {
		free(queued->request);
	}
	if (queued->fd >= 0)
		(void)close(queued->fd);
	free(queued);
}

static void drop_first(struct engine_link *link)
{
	struct queued *queued = link->first;

	link->first = queued->next;
	if (link->first == NULL)
		link->last = &link->first;
	link->count--;
	release_queued(queued);
}

static void clear_queue(struct engine_link *link)
{
	while (link->first != NULL)
		drop_first(link);
	loop_timer_set(link->loop, &link->deaf, LOOP_NEVER);
}

static void update_watch(struct engine_link *link)
{
	bool writes = link->count > 0;
	bool reads = !link->is_slowed;

	link->io.fd = link->loss == ENGINE_LINK_OPEN && (reads || writes) ? link->channel : -1;
	link->io.events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0));
}

static void lose(struct engine_link *link, enum engine_link_loss loss)
{
	if (link->loss != ENGINE_LINK_OPEN)
		return;
	link->loss = loss;
	clear_queue(link);
	update_watch(link);
	loop_timer_set(link->loop, &link->ping, LOOP_NEVER);
	loop_timer_set(link->loop, &link->hang, LOOP_NEVER);
	loop_timer_set(link->loop, &link->resume, LOOP_NEVER);
	if (!link->is_stopped)
		loop_timer_set(link->loop, &link->fail, loop_now_ns(link->loop));
}

static void on_fail(void *owner)
{
	struct engine_link *link = owner;

	if (!link->is_stopped)
		link->events->lost(link->owner, link->loss);
}

static void on_deaf(void *owner)
{
	lose(owner, ENGINE_LINK_DEAF);
}

static void on_hang(void *owner)
{
	lose(owner, ENGINE_LINK_HANGS);
}

static bool is_gone(int result)
{
	return result == -EPIPE || result == -ECONNRESET;
}

/* --- requests ------------------------------------------------------------------------------------ */

static bool is_secret(const struct channel_request *request)
{
	return (request->kind == CHANNEL_ADD_PEER || request->kind == CHANNEL_CHANGE_PEER) &&
	       request->peer.has_psk != 0;
}

static struct queued *copy(const struct channel_request *request, int fd)
{
	struct queued *queued = calloc(1, sizeof *queued);

	if (queued == NULL)
		return NULL;
	queued->is_secret = is_secret(request);
	queued->request =
		queued->is_secret ? secret_memory_allocate(NULL, sizeof *request) : malloc(sizeof *request);
	queued->fd = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (queued->request == NULL || (fd >= 0 && queued->fd < 0)) {
		release_queued(queued);
		return NULL;
	}
	*queued->request = *request;
	return queued;
}

static void queue(struct engine_link *link, const struct channel_request *request, int fd)
{
	struct queued *queued = copy(request, fd);

	if (queued == NULL) {
		log_error("no memory or descriptor is left for what the engine process has to know");
		lose(link, ENGINE_LINK_BROKEN);
		return;
	}
	if (link->count == 0)
		link->deaf_ns = loop_now_ns(link->loop) + DEAF_NS;
	link->deaf_ns += DEAF_EACH_NS;
	loop_timer_set(link->loop, &link->deaf, link->deaf_ns);
	*link->last = queued;
	link->last = &queued->next;
	link->count++;
	update_watch(link);
}

/* false: there is no room. */
static bool try_to_send(struct engine_link *link, const struct channel_request *request, int fd)
{
	int result = channel_send_request(link->channel, request, fd);

	if (result == -EAGAIN || result == -EWOULDBLOCK || result == -ENOBUFS)
		return false;
	if (result == 0)
		return true;
	if (!is_gone(result))
		log_error("cannot talk to the engine process: %s", strerror(-result));
	lose(link, is_gone(result) ? ENGINE_LINK_ENDED : ENGINE_LINK_BROKEN);
	return true;
}

void engine_link_request(struct engine_link *link, const struct channel_request *request, int fd)
{
	if (link->loss != ENGINE_LINK_OPEN || link->is_stopped)
		return;
	switch (request->kind) {
	case CHANNEL_BEGIN:
		link->may_begin = true;
		break;
	case CHANNEL_REPORT:
		link->reports++;
		link->peer_reports += link->peers;
		break;
	case CHANNEL_PING:
		link->is_pinged = true;
		break;
	default:
		break;
	}
	if (link->count > 0 || !try_to_send(link, request, fd))
		queue(link, request, fd);
}

static void flush(struct engine_link *link)
{
	while (link->first != NULL && try_to_send(link, link->first->request, link->first->fd)) {
		/* A link that was lost meanwhile has dropped all of them. */
		if (link->first != NULL)
			drop_first(link);
	}
	if (link->count == 0)
		loop_timer_set(link->loop, &link->deaf, LOOP_NEVER);
}

static struct channel_request about(uint32_t kind, struct peer_ref ref)
{
	struct channel_request request;

	/* All of it is sent. */
	memset(&request, 0, sizeof request);
	request.kind = kind;
	request.slot = ref.slot;
	request.serial = ref.serial;
	return request;
}

static void send_peer(struct engine_link *link, uint32_t kind, struct peer_ref ref,
                      const struct channel_peer *peer, int fd)
{
	struct channel_request request = about(kind, ref);

	request.peer = *peer;
	engine_link_request(link, &request, fd);
	sodium_memzero(&request, sizeof request);
}

static void send_about(struct engine_link *link, uint32_t kind, struct peer_ref ref)
{
	struct channel_request request = about(kind, ref);

	engine_link_request(link, &request, -1);
}

void engine_link_add_peer(struct engine_link *link, struct peer_ref ref, const struct channel_peer *peer,
                          int key_fd)
{
	send_peer(link, CHANNEL_ADD_PEER, ref, peer, key_fd);
}

void engine_link_change_peer(struct engine_link *link, struct peer_ref ref, const struct channel_peer *peer)
{
	send_peer(link, CHANNEL_CHANGE_PEER, ref, peer, -1);
}

void engine_link_remove_peer(struct engine_link *link, struct peer_ref ref)
{
	send_about(link, CHANNEL_REMOVE_PEER, ref);
}

void engine_link_set_addresses(struct engine_link *link, struct peer_ref ref,
                               const struct channel_addresses *addresses)
{
	struct channel_request request = about(CHANNEL_SET_ADDRESSES, ref);

	request.addresses = *addresses;
	engine_link_request(link, &request, -1);
}

void engine_link_restore(struct engine_link *link, struct peer_ref ref, const union address_socket *address)
{
	struct channel_request request = about(CHANNEL_RESTORE, ref);

	request.addresses.count = 1;
	request.addresses.list[0] = *address;
	engine_link_request(link, &request, -1);
}

void engine_link_initiate(struct engine_link *link, struct peer_ref ref)
{
	send_about(link, CHANNEL_INITIATE, ref);
}

void engine_link_delivered(struct engine_link *link, struct peer_ref ref)
{
	send_about(link, CHANNEL_DELIVERED, ref);
}

void engine_link_network_changed(struct engine_link *link)
{
	send_about(link, CHANNEL_NETWORK_CHANGED, (struct peer_ref){ 0 });
}

void engine_link_add_socket(struct engine_link *link, uint32_t number, int family, int fd)
{
	struct channel_request request = about(CHANNEL_ADD_SOCKET, (struct peer_ref){ .slot = number });

	request.family = (uint32_t)family;
	engine_link_request(link, &request, fd);
}

void engine_link_drop_socket(struct engine_link *link, uint32_t number)
{
	send_about(link, CHANNEL_DROP_SOCKET, (struct peer_ref){ .slot = number });
}

void engine_link_begin(struct engine_link *link)
{
	send_about(link, CHANNEL_BEGIN, (struct peer_ref){ 0 });
}

void engine_link_ask_report(struct engine_link *link)
{
	send_about(link, CHANNEL_REPORT, (struct peer_ref){ 0 });
}

void engine_link_stop(struct engine_link *link)
{
	if (link->is_stopped)
		return;
	clear_queue(link);
	send_about(link, CHANNEL_STOP, (struct peer_ref){ 0 });
	link->is_stopped = true;
	loop_timer_set(link->loop, &link->fail, LOOP_NEVER);
	loop_timer_set(link->loop, &link->deaf, LOOP_NEVER);
	loop_timer_set(link->loop, &link->ping, LOOP_NEVER);
	loop_timer_set(link->loop, &link->hang, LOOP_NEVER);
}

/* --- events -------------------------------------------------------------------------------------- */

static uint64_t event_ns(const struct engine_link *link)
{
	return CLOCK_SECOND_NS / (EVENTS_A_SECOND + link->peers / PEERS_AN_EVENT);
}

/* How far the bucket may be from full. */
static uint64_t bucket_ns(const struct engine_link *link)
{
	return (BURST + BURST_EACH * link->peers) * event_ns(link);
}

static void slow_down(struct engine_link *link, uint64_t now_ns)
{
	if (!link->said_slowed)
		log_warn("the engine process says more than it should; it is listened to less often");
	link->said_slowed = true;
	link->is_slowed = true;
	loop_timer_set(link->loop, &link->resume,
	               now_ns + RESUME * event_ns(link) + (link->full_ns - now_ns - bucket_ns(link)));
	update_watch(link);
}

/* Takes an event from the bucket; slows the link down when it is empty. */
static void count_event(struct engine_link *link)
{
	uint64_t now_ns = loop_now_ns(link->loop);

	if (link->full_ns <= now_ns) {
		link->full_ns = now_ns;
		link->said_slowed = false;
	}
	link->full_ns += event_ns(link);
	if (link->full_ns - now_ns >= bucket_ns(link))
		slow_down(link, now_ns);
}

static void on_resume(void *owner)
{
	struct engine_link *link = owner;

	link->is_slowed = false;
	update_watch(link);
}

/* Events that nobody asked for are passed over. */
static void answer(struct engine_link *link, const struct channel_event *event)
{
	const struct engine_link_events *events = link->events;

	switch (event->kind) {
	case CHANNEL_READY:
		if (link->is_ready)
			return;
		link->is_ready = true;
		events->ready(link->owner, &event->ready);
		break;
	case CHANNEL_BEGUN:
		if (!link->may_begin)
			return;
		link->may_begin = false;
		events->begun(link->owner);
		break;
	case CHANNEL_PONG:
		if (!link->is_pinged)
			return;
		link->is_pinged = false;
		loop_timer_set(link->loop, &link->hang, LOOP_NEVER);
		events->alive(link->owner);
		break;
	default:
		if (link->reports == 0)
			return;
		link->reports--;
		events->report_end(link->owner, &event->report);
		break;
	}
}

static void report(struct engine_link *link, const struct channel_event *event)
{
	const struct engine_link_events *events = link->events;
	const struct peer_ref ref = { event->slot, event->serial };

	switch (event->kind) {
	case CHANNEL_KEY:
		events->key(link->owner, ref, &event->key);
		break;
	case CHANNEL_STALE:
		events->stale(link->owner, ref, &event->key);
		break;
	case CHANNEL_MOVED:
		events->moved(link->owner, ref, &event->moved);
		break;
	case CHANNEL_TIMED_OUT:
		events->unanswered(link->owner, ref);
		break;
	case CHANNEL_SILENCE:
		events->silence(link->owner, ref, &event->silence);
		break;
	case CHANNEL_PEER_FAILED:
		events->failed(link->owner, ref, event->error);
		break;
	case CHANNEL_REJECTED:
		events->rejected(link->owner, ref, &event->rejected);
		break;
	case CHANNEL_PEER_REPORT:
		if (link->reports > 0)
			events->peer_report(link->owner, ref, &event->peer);
		break;
	default:
		answer(link, event);
		break;
	}
}

/* Whether it is part of a report that was asked for, which may have as many as there are peers. */
static bool is_asked_for(struct engine_link *link, const struct channel_event *event)
{
	if (event->kind != CHANNEL_PEER_REPORT || link->peer_reports == 0)
		return false;
	link->peer_reports--;
	return true;
}

static void read_events(struct engine_link *link)
{
	for (int i = 0; i < EVENTS_A_TURN && link->loss == ENGINE_LINK_OPEN && !link->is_slowed; i++) {
		struct channel_event event;
		int result = channel_receive_event(link->channel, &event);

		if (result == 0)
			return;
		if (result < 0) {
			lose(link, result == -EPROTO ? ENGINE_LINK_LIES
			           : is_gone(result) ? ENGINE_LINK_ENDED
			                             : ENGINE_LINK_BROKEN);
			return;
		}
		if (!is_asked_for(link, &event))
			count_event(link);
		if (!link->is_stopped)
			report(link, &event);
		sodium_memzero(&event, sizeof event);
	}
}

void engine_link_serve(struct engine_link *link)
{
	if (link->loss != ENGINE_LINK_OPEN)
		return;
	flush(link);
	read_events(link);
	update_watch(link);
}

static void on_channel(void *owner, short revents)
{
	(void)revents;
	engine_link_serve(owner);
}

/* --- the watchdog -------------------------------------------------------------------------------- */

static void on_ping(void *owner)
{
	struct engine_link *link = owner;
	uint64_t now_ns = loop_now_ns(link->loop);

	if (!link->is_pinged)
		loop_timer_set(link->loop, &link->hang, now_ns + HANG_NS);
	loop_timer_set(link->loop, &link->ping, now_ns + link->every_ns);
	send_about(link, CHANNEL_PING, (struct peer_ref){ 0 });
}

void engine_link_watch(struct engine_link *link, uint64_t every_ns)
{
	link->every_ns = every_ns;
	loop_timer_set(link->loop, &link->ping, loop_now_ns(link->loop));
}

void engine_link_was_away(struct engine_link *link)
{
	uint64_t now_ns;

	loop_refresh(link->loop);
	now_ns = loop_now_ns(link->loop);
	if (link->loss != ENGINE_LINK_OPEN || link->is_stopped)
		return;
	if (link->is_pinged)
		loop_timer_set(link->loop, &link->hang, now_ns + HANG_NS);
	if (link->count > 0) {
		link->deaf_ns = now_ns + DEAF_NS + link->count * DEAF_EACH_NS;
		loop_timer_set(link->loop, &link->deaf, link->deaf_ns);
	}
}

/* --- the link ------------------------------------------------------------------------------------ */

static int add_watchers(struct engine_link *link)
{
	const struct {
		struct loop_timer *timer;
		void (*expired)(void *owner);
	} timers[] = {
		{ &link->fail, on_fail }, { &link->deaf, on_deaf }, { &link->resume, on_resume },
		{ &link->ping, on_ping }, { &link->hang, on_hang },
	};
	int result = loop_io_add(link->loop, &link->io);

	if (result != 0)
		return result;
	for (size_t i = 0; i < sizeof timers / sizeof timers[0]; i++) {
		*timers[i].timer = (struct loop_timer){ .expired = timers[i].expired, .owner = link };
		result = loop_timer_add(link->loop, timers[i].timer);
		if (result == 0)
			continue;
		while (i > 0)
			loop_timer_remove(link->loop, timers[--i].timer);
		loop_io_remove(link->loop, &link->io);
		return result;
	}
	return 0;
}

int engine_link_open(struct engine_link **out, struct loop *loop, int channel,
                     const struct engine_link_events *events, void *owner)
{
	struct engine_link *link = calloc(1, sizeof *link);
	int result = link == NULL ? -ENOMEM : 0;

	*out = NULL;
	if (result == 0) {
		link->loop = loop;
		link->channel = channel;
		link->events = events;
		link->owner = owner;
		link->last = &link->first;
		link->io = (struct loop_io){
			.fd = channel, .events = POLLIN, .ready = on_channel, .owner = link
		};
		result = add_watchers(link);
	}
	if (result != 0) {
		free(link);
		(void)close(channel);
		return result;
	}
	*out = link;
	return 0;
}

void engine_link_close(struct engine_link *link)
{
	if (link == NULL)
		return;
	clear_queue(link);
	loop_io_remove(link->loop, &link->io);
	loop_timer_remove(link->loop, &link->fail);
	loop_timer_remove(link->loop, &link->deaf);
	loop_timer_remove(link->loop, &link->resume);
	loop_timer_remove(link->loop, &link->ping);
	loop_timer_remove(link->loop, &link->hang);
	(void)close(link->channel);
	free(link);
}

void engine_link_set_peers(struct engine_link *link, size_t peers)
{
	link->peers = peers;
}

size_t engine_link_queued(const struct engine_link *link)
{
	return link->count;
}

enum engine_link_loss engine_link_loss(const struct engine_link *link)
{
	return link->loss;
}

struct pollfd engine_link_poll(const struct engine_link *link)
{
	return (struct pollfd){ .fd = link->io.fd, .events = link->io.events };
}

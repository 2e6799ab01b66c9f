#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/channel.h"
#include "fixture.h"
#include "system/secret_memory.h"
#include "system/sockets.h"

/* An event of that kind that is sound. */
static struct channel_event sound_event(uint32_t kind)
{
	struct channel_event event;

	memset(&event, 0, sizeof event);
	event.kind = kind;
	event.slot = 3;
	event.serial = 7;
	if (kind == CHANNEL_MOVED)
		event.moved.any.sa_family = AF_INET;
	if (kind == CHANNEL_SILENCE)
		event.silence.since_ns = 1;
	if (kind == CHANNEL_REJECTED) {
		event.rejected.from.any.sa_family = AF_INET6;
		event.rejected.count = 1;
	}
	return event;
}

static bool reads(const struct channel_event *event)
{
	struct channel_event out;

	return channel_read_event(&out, (const uint8_t *)event, sizeof *event);
}

static void test_sound_events(void **state)
{
	(void)state;
	for (uint32_t kind = CHANNEL_READY; kind <= CHANNEL_SILENCE; kind++) {
		struct channel_event event = sound_event(kind);
		struct channel_event out;

		assert_true(reads(&event));
		assert_true(channel_read_event(&out, (const uint8_t *)&event, sizeof event));
		assert_memory_equal(&out, &event, sizeof event);
		/* Neither a byte more nor one less. */
		assert_false(channel_read_event(&out, (const uint8_t *)&event, sizeof event - 1));
		assert_false(channel_read_event(&out, (const uint8_t *)&event, 0));
	}
}

struct change {
	uint32_t kind;
	size_t at; /* offset in the event */
	size_t size;
	uint64_t value;
};

#define CHANGE(kind, field, value)                                                                       \
	{                                                                                                \
		kind, offsetof(struct channel_event, field), sizeof(((struct channel_event *)0)->field), \
			value                                                                            \
	}

static void test_hostile_events(void **state)
{
	static const struct change changes[] = {
		CHANGE(CHANNEL_PONG, kind, 0),
		CHANGE(CHANNEL_PONG, kind, CHANNEL_SILENCE + 1),
		CHANGE(CHANNEL_PONG, kind, UINT32_MAX),
		CHANGE(CHANNEL_KEY, slot, CHANNEL_PEERS_MAX),
		CHANGE(CHANNEL_KEY, slot, UINT32_MAX),
		CHANGE(CHANNEL_KEY, key.role, 2),
		CHANGE(CHANNEL_KEY, key.dialect, ROSENPASS_DIALECT_COUNT),
		CHANGE(CHANNEL_STALE, key.role, UINT32_MAX),
		CHANGE(CHANNEL_STALE, key.dialect, UINT32_MAX),
		CHANGE(CHANNEL_MOVED, moved.any.sa_family, AF_UNSPEC),
		CHANGE(CHANNEL_MOVED, moved.any.sa_family, AF_UNIX),
		CHANGE(CHANNEL_READY, ready.memory, SECRET_MEMORY_KIND_LAST + 1),
		CHANGE(CHANNEL_READY, ready.sandbox.seccomp, 2),
		CHANGE(CHANNEL_READY, ready.sandbox.no_capabilities, 255),
		CHANGE(CHANNEL_READY, ready.sandbox.no_new_privileges, 2),
		CHANGE(CHANNEL_READY, ready.sandbox.not_dumpable, 2),
		CHANGE(CHANNEL_READY, ready.sandbox.changed_user, 2),
		CHANGE(CHANNEL_PEER_REPORT, peer.state, 3),
		CHANGE(CHANNEL_PEER_REPORT, peer.role, 2),
		CHANGE(CHANNEL_PEER_REPORT, peer.dialect, 3),
		CHANGE(CHANNEL_PEER_REPORT, peer.ever, 2),
		CHANGE(CHANNEL_PEER_REPORT, peer.has_key, 2),
		CHANGE(CHANNEL_PEER_REPORT, peer.confirmed, 2),
		/* With an endpoint there is to be an address. */
		CHANGE(CHANNEL_PEER_REPORT, peer.has_endpoint, 1),
		CHANGE(CHANNEL_PEER_REPORT, peer.has_endpoint, 2),
		CHANGE(CHANNEL_REPORT_END, report.busy_permille, 1001),
		CHANGE(CHANNEL_REPORT_END, report.random_failing, 2),
		CHANGE(CHANNEL_SILENCE, silence.reason, CHANNEL_SILENCE_COUNT),
		CHANGE(CHANNEL_SILENCE, silence.reason, UINT32_MAX),
		CHANGE(CHANNEL_SILENCE, silence.since_ns, 0),
		CHANGE(CHANNEL_SILENCE, silence.count, CHANNEL_TRIED_MAX + 1),
		CHANGE(CHANNEL_SILENCE, silence.count, UINT32_MAX),
		/* What was tried is to be an address. */
		CHANGE(CHANNEL_SILENCE, silence.count, 1),
		CHANGE(CHANNEL_SILENCE, silence.more, CHANNEL_ADDRESSES_MAX + 1),
		CHANGE(CHANNEL_SILENCE, slot, CHANNEL_PEERS_MAX),
		CHANGE(CHANNEL_REJECTED, rejected.reason, CHANNEL_REJECTED_COUNT),
		CHANGE(CHANNEL_REJECTED, rejected.dialect, ROSENPASS_DIALECT_COUNT),
		CHANGE(CHANNEL_REJECTED, rejected.count, 0),
		CHANGE(CHANNEL_REJECTED, rejected.from.any.sa_family, AF_UNSPEC),
		CHANGE(CHANNEL_REJECTED, rejected.from.any.sa_family, AF_UNIX),
		CHANGE(CHANNEL_REJECTED, slot, UINT32_MAX),
	};

	(void)state;
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		struct channel_event event = sound_event(changes[i].kind);

		assert_true(reads(&event));
		/*
		 * Little-endian and big-endian alike: all bytes of a field that is as wide as the value
		 * says.
		 */
		if (changes[i].size == 1) {
			uint8_t value = (uint8_t)changes[i].value;

			memcpy((uint8_t *)&event + changes[i].at, &value, 1);
		} else if (changes[i].size == 2) {
			uint16_t value = (uint16_t)changes[i].value;

			memcpy((uint8_t *)&event + changes[i].at, &value, 2);
		} else if (changes[i].size == 8) {
			memcpy((uint8_t *)&event + changes[i].at, &changes[i].value, 8);
		} else {
			uint32_t value = (uint32_t)changes[i].value;

			memcpy((uint8_t *)&event + changes[i].at, &value, 4);
		}
		if (reads(&event))
			fail_msg("change %zu was accepted", i);
	}
}

static struct channel_request sound_request(uint32_t kind)
{
	struct channel_request request;

	memset(&request, 0, sizeof request);
	request.kind = kind;
	request.family = AF_INET6;
	return request;
}

static bool reads_request(const struct channel_request *request)
{
	struct channel_request out;

	return channel_read_request(&out, (const uint8_t *)request, sizeof *request);
}

static void test_requests(void **state)
{
	struct channel_request request;

	(void)state;
	for (uint32_t kind = CHANNEL_ADD_PEER; kind <= CHANNEL_STOP; kind++) {
		request = sound_request(kind);
		assert_true(reads_request(&request));
	}
	request = sound_request(CHANNEL_STOP + 1);
	assert_false(reads_request(&request));
	request = sound_request(0);
	assert_false(reads_request(&request));
	request = sound_request(CHANNEL_ADD_SOCKET);
	request.slot = SOCKETS_MAX;
	assert_false(reads_request(&request));
	request = sound_request(CHANNEL_ADD_SOCKET);
	request.family = AF_UNIX;
	assert_false(reads_request(&request));
	request = sound_request(CHANNEL_DROP_SOCKET);
	request.slot = SOCKETS_MAX;
	assert_false(reads_request(&request));
	request = sound_request(CHANNEL_REMOVE_PEER);
	request.slot = CHANNEL_PEERS_MAX;
	assert_false(reads_request(&request));
	request = sound_request(CHANNEL_SET_ADDRESSES);
	request.addresses.count = CHANNEL_ADDRESSES_MAX + 1;
	assert_false(reads_request(&request));
	request.addresses.count = 1;
	assert_false(reads_request(&request));
	request.addresses.list[0].any.sa_family = AF_INET;
	assert_true(reads_request(&request));
	for (uint32_t kind = CHANNEL_RESTORE; kind <= CHANNEL_DELIVERED; kind++) {
		request = sound_request(kind);
		request.slot = CHANNEL_PEERS_MAX;
		assert_false(reads_request(&request));
	}
	request = sound_request(CHANNEL_RESTORE);
	request.addresses.count = 1;
	request.addresses.list[0].any.sa_family = AF_UNIX;
	assert_false(reads_request(&request));
}

static void test_peer_requests(void **state)
{
	struct channel_request request = sound_request(CHANNEL_ADD_PEER);

	(void)state;
	memset(request.peer.label, 'x', sizeof request.peer.label);
	assert_false(reads_request(&request));
	request = sound_request(CHANNEL_ADD_PEER);
	request.peer.dialects = ROSENPASS_DIALECTS_ALL + 1;
	assert_false(reads_request(&request));
	request = sound_request(CHANNEL_CHANGE_PEER);
	request.peer.has_psk = 2;
	assert_false(reads_request(&request));
	request = sound_request(CHANNEL_CHANGE_PEER);
	request.peer.discover = 2;
	assert_false(reads_request(&request));
	/* An organization and two labels need three zeros. */
	request = sound_request(CHANNEL_ADD_PEER);
	memset(request.peer.osk, 'x', sizeof request.peer.osk);
	request.peer.osk_labels = 2;
	assert_false(reads_request(&request));
	request.peer.osk[5] = '\0';
	request.peer.osk[10] = '\0';
	assert_false(reads_request(&request));
	request.peer.osk[sizeof request.peer.osk - 1] = '\0';
	assert_true(reads_request(&request));
	request.peer.osk_labels = CHANNEL_OSK_MAX + 1;
	assert_false(reads_request(&request));
	memset(request.peer.osk, 0, sizeof request.peer.osk);
	assert_false(reads_request(&request));
	request.peer.osk_labels = CHANNEL_OSK_MAX;
	assert_true(reads_request(&request));
}

/* Addresses wherever one looks: only the limit of the list ends it. */
static void fill_with_families(void *out, size_t out_len)
{
	static const sa_family_t family = AF_INET;

	for (size_t at = 0; at + sizeof family <= out_len; at += sizeof family)
		memcpy((uint8_t *)out + at, &family, sizeof family);
}

/* The union has longer members than these lists, so that there are bytes of the message behind them. */
static void fill_to_the_end(void *message, size_t bytes, size_t from)
{
	fill_with_families((uint8_t *)message + from, bytes - from);
}

static void test_full_lists(void **state)
{
	struct {
		struct channel_request request;
		uint8_t behind[256];
	} asked;
	struct {
		struct channel_event event;
		uint8_t behind[256];
	} told;

	(void)state;
	for (uint32_t more = 0; more < 2; more++) {
		struct channel_request request = sound_request(CHANNEL_SET_ADDRESSES);
		struct channel_event event = sound_event(CHANNEL_SILENCE);

		fill_with_families(&asked, sizeof asked);
		fill_to_the_end(&request, sizeof request, offsetof(struct channel_request, addresses.list));
		request.addresses.count = CHANNEL_ADDRESSES_MAX + more;
		assert_int_equal(
			channel_read_request(&asked.request, (const uint8_t *)&request, sizeof request),
			more == 0);
		fill_with_families(&told, sizeof told);
		fill_to_the_end(&event, sizeof event, offsetof(struct channel_event, silence.tried));
		event.silence.count = CHANNEL_TRIED_MAX + more;
		assert_int_equal(channel_read_event(&told.event, (const uint8_t *)&event, sizeof event),
		                 more == 0);
	}
}

static void test_events_travel(void **state)
{
	struct channel_event event = sound_event(CHANNEL_KEY);
	struct channel_event out;
	int pair[2];
	size_t sent = 0;
	int result;

	(void)state;
	assert_int_equal(channel_open(pair), 0);
	assert_int_equal(channel_receive_event(pair[0], &out), 0);
	/* Nobody reads: the engine's side hears of it and does not wait. */
	while ((result = channel_send_event(pair[1], &event)) == 0) {
		event.serial++;
		sent++;
	}
	assert_int_equal(result, -EAGAIN);
	assert_true(sent > 16);
	for (size_t i = 0; i < sent; i++) {
		assert_int_equal(channel_receive_event(pair[0], &out), 1);
		assert_int_equal(out.serial, 7 + i);
	}
	assert_int_equal(channel_receive_event(pair[0], &out), 0);
	(void)close(pair[1]);
	assert_int_equal(channel_receive_event(pair[0], &out), -EPIPE);
	(void)close(pair[0]);
}

static void test_nonsense_travels_not(void **state)
{
	static const uint8_t junk[4096] = { 1 };
	static const size_t lengths[] = { 1, sizeof(struct channel_event) - 1,
		                          sizeof(struct channel_event) + 1, sizeof junk };
	struct channel_event out;
	int pair[2];

	(void)state;
	assert_int_equal(channel_open(pair), 0);
	for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
		assert_int_equal(send(pair[1], junk, lengths[i], 0), (ssize_t)lengths[i]);
		assert_int_equal(channel_receive_event(pair[0], &out), -EPROTO);
	}
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 1024; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

/* A taken-over engine process cannot fill the monitor's table of descriptors. */
static void test_event_with_descriptor(void **state)
{
	struct channel_event event = sound_event(CHANNEL_PONG);
	struct iovec vector = { &event, sizeof event };
	union {
		struct cmsghdr header;
		uint8_t bytes[CMSG_SPACE(3 * sizeof(int))];
	} control;
	struct msghdr header = { .msg_iov = &vector, .msg_iovlen = 1, .msg_control = &control };
	struct cmsghdr *c;
	struct channel_event out;
	const int fds[3] = { 0, 1, 2 };
	int before;
	int pair[2];

	(void)state;
	assert_int_equal(channel_open(pair), 0);
	before = open_descriptors();
	for (size_t count = 1; count <= 3; count++) {
		memset(&control, 0, sizeof control);
		header.msg_controllen = CMSG_SPACE(count * sizeof(int));
		c = CMSG_FIRSTHDR(&header);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, count * sizeof(int));
		assert_int_equal(sendmsg(pair[1], &header, 0), (ssize_t)sizeof event);
		assert_int_equal(channel_receive_event(pair[0], &out), -EPROTO);
		assert_int_equal(open_descriptors(), before);
	}
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void test_requests_travel(void **state)
{
	struct channel_request request = sound_request(CHANNEL_ADD_SOCKET);
	struct channel_request out;
	int pair[2];
	int fd = -1;

	(void)state;
	assert_int_equal(channel_open(pair), 0);
	assert_int_equal(channel_receive_request(pair[1], &out, &fd), 0);
	assert_int_equal(channel_send_request(pair[0], &request, pair[0]), 0);
	assert_int_equal(channel_receive_request(pair[1], &out, &fd), 1);
	assert_memory_equal(&out, &request, sizeof out);
	assert_true(fd >= 0);
	assert_true((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
	(void)close(fd);
	/* One that comes with nonsense is closed. */
	request.family = 99;
	assert_int_equal(channel_send_request(pair[0], &request, pair[0]), 0);
	assert_int_equal(channel_receive_request(pair[1], &out, &fd), -EPROTO);
	assert_int_equal(fd, -1);
	fd = dup(pair[0]);
	assert_int_equal(fd, pair[1] + 1);
	(void)close(fd);
	request.kind = CHANNEL_PING;
	assert_int_equal(channel_send_request(pair[0], &request, -1), 0);
	assert_int_equal(channel_receive_request(pair[1], &out, &fd), 1);
	assert_int_equal(fd, -1);
	(void)close(pair[0]);
	assert_int_equal(channel_receive_request(pair[1], &out, &fd), -EPIPE);
	(void)close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound_events),
		cmocka_unit_test(test_hostile_events),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_peer_requests),
		cmocka_unit_test(test_full_lists),
		cmocka_unit_test(test_events_travel),
		cmocka_unit_test(test_nonsense_travels_not),
		cmocka_unit_test(test_event_with_descriptor),
		cmocka_unit_test(test_requests_travel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

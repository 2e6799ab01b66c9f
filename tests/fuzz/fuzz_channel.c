/*
 * What the two processes say to each other: whatever arrives, only what is sound in every
 * field is taken, and the sound is the same after it was taken.
 */

#include <string.h>

#include "engine/channel.h"
#include "fuzz.h"
#include "system/sockets.h"

static bool is_internet(const union address_socket *address)
{
	return address->any.sa_family == AF_INET || address->any.sa_family == AF_INET6;
}

static void check_event(const struct channel_event *event)
{
	FUZZ_CHECK(event->kind >= CHANNEL_READY && event->kind <= CHANNEL_SILENCE);
	FUZZ_CHECK(event->slot < CHANNEL_PEERS_MAX);
	if (event->kind == CHANNEL_KEY || event->kind == CHANNEL_STALE) {
		FUZZ_CHECK(event->key.role <= ROSENPASS_RESPONDER);
		FUZZ_CHECK(event->key.dialect < ROSENPASS_DIALECT_COUNT);
	}
	if (event->kind == CHANNEL_MOVED)
		FUZZ_CHECK(is_internet(&event->moved));
	if (event->kind == CHANNEL_SILENCE) {
		FUZZ_CHECK(event->silence.reason < CHANNEL_SILENCE_COUNT);
		FUZZ_CHECK(event->silence.count <= CHANNEL_TRIED_MAX);
		for (uint32_t i = 0; i < event->silence.count; i++) {
			FUZZ_CHECK(is_internet(&event->silence.tried[i].address));
			FUZZ_CHECK(event->silence.tried[i].error >= 0);
		}
	}
	if (event->kind == CHANNEL_REJECTED) {
		FUZZ_CHECK(event->rejected.reason < CHANNEL_REJECTED_COUNT);
		FUZZ_CHECK(event->rejected.dialect < ROSENPASS_DIALECT_COUNT);
		FUZZ_CHECK(is_internet(&event->rejected.from));
	}
	if (event->kind == CHANNEL_PEER_REPORT) {
		/* These become indexes into tables of names. */
		FUZZ_CHECK(event->peer.state <= ROSENPASS_STATE_INIT_CONF);
		FUZZ_CHECK(event->peer.dialect < ROSENPASS_DIALECT_COUNT);
		FUZZ_CHECK(event->peer.has_endpoint == 0 || is_internet(&event->peer.endpoint));
	}
}

static void check_request(const struct channel_request *request)
{
	const char *at = request->peer.osk;

	FUZZ_CHECK(request->kind >= CHANNEL_ADD_PEER && request->kind <= CHANNEL_STOP);
	switch (request->kind) {
	case CHANNEL_ADD_PEER:
	case CHANNEL_CHANGE_PEER:
		FUZZ_CHECK(memchr(request->peer.label, 0, sizeof request->peer.label) != NULL);
		for (uint32_t i = 0; request->peer.osk_labels > 0 && i <= request->peer.osk_labels; i++) {
			at += strlen(at) + 1;
			FUZZ_CHECK(at <= request->peer.osk + sizeof request->peer.osk);
		}
		break;
	case CHANNEL_SET_ADDRESSES:
	case CHANNEL_RESTORE:
		for (uint32_t i = 0; i < request->addresses.count; i++) {
			FUZZ_CHECK(i < CHANNEL_ADDRESSES_MAX);
			FUZZ_CHECK(is_internet(&request->addresses.list[i]));
		}
		break;
	case CHANNEL_ADD_SOCKET:
	case CHANNEL_DROP_SOCKET:
		FUZZ_CHECK(request->slot < SOCKETS_MAX);
		break;
	default:
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct channel_event event;
	struct channel_request request;

	if (channel_read_event(&event, data, size)) {
		FUZZ_CHECK(memcmp(&event, data, sizeof event) == 0);
		check_event(&event);
	}
	if (channel_read_request(&request, data, size)) {
		FUZZ_CHECK(memcmp(&request, data, sizeof request) == 0);
		check_request(&request);
	}
	return 0;
}

/* Every kind of either side, with nothing and with small values in every byte. */
size_t fuzz_seed(size_t number, uint8_t *out, size_t out_max)
{
	bool is_request = number % 2 != 0;
	uint32_t kind = (uint32_t)(number / 4) + 1;
	size_t size = is_request ? sizeof(struct channel_request) : sizeof(struct channel_event);

	if (kind > CHANNEL_STOP + 1 || size > out_max)
		return 0;
	memset(out, number / 2 % 2 != 0 ? 1 : 0, size);
	memcpy(out, &kind, sizeof kind);
	return size;
}

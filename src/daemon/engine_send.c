#include "daemon/engine_parts.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "daemon/explain.h"
#include "system/clock.h"
#include "system/log.h"

/* Transmissions without an answer after which a remembered address is tried, too. */
#define RESTORED_AFTER 2
/* Three minutes, about: then a peer counts as away. */
#define PATIENT_TRANSMISSIONS 20

/*
 * Warn once until the next key: a peer that is away, or an address that nothing leads to, would otherwise
 * warn every minute. What strangers get, and what is repeated, is of interest only along with the datagrams.
 */
static void complain(struct engine_process *process, struct engine_peer *peer,
                     const union address_socket *remote, int error)
{
	/* A remembered address was only a try. */
	bool is_news = peer != NULL && !peer->complained && !peer->is_restored;
	char text[ADDRESS_TEXT_BYTES];

	if (!is_news && !engine_may_log_datagram(process))
		return;
	address_format_numeric(text, remote);
	log_write(is_news ? LOG_WARN : LOG_TRACE, "%s%scannot send to %s: %s",
	          peer == NULL ? "" : peer->label, peer == NULL ? "" : ": ", text, explain_send_error(error));
	if (is_news)
		peer->complained = true;
}

/*
 * Hands everything to the kernel. What it does not take is lost, as on any network; the handshake repeats
 * it.
 */
static void flush(struct engine_process *process)
{
	struct engine_outbox *outbox = &process->outbox;

	if (outbox->count == 0)
		return;
	sockets_send_many(&process->sockets, outbox->messages, outbox->count, outbox->results);
	for (size_t i = 0; i < outbox->count; i++) {
		struct engine_peer *peer = outbox->peers[i];
		int error = -outbox->results[i];

		if (error != 0)
			complain(process, peer, &outbox->messages[i].path.remote, error);
		if (peer == NULL)
			continue;
		peer->send_error = error;
		engine_silence_sent(process, peer, &outbox->messages[i].path.remote, error);
	}
	outbox->count = 0;
}

/* A socket of that family, the asked one if it is still there; -1: none. */
static int find_socket(const struct sockets *sockets, uint16_t asked, int family)
{
	if (asked < SOCKETS_MAX && sockets->family[asked] == family)
		return asked;
	for (int i = 0; i < SOCKETS_MAX; i++) {
		if (sockets->family[i] == family)
			return i;
	}
	return -1;
}

static void put(struct engine_process *process, struct engine_peer *peer, const uint8_t *data, size_t length,
                const struct address_path *path)
{
	struct engine_outbox *outbox = &process->outbox;
	int socket = find_socket(&process->sockets, path->socket, path->remote.any.sa_family);
	struct sockets_message *message;

	if (socket < 0) {
		complain(process, peer, &path->remote, EAFNOSUPPORT);
		if (peer != NULL)
			engine_silence_sent(process, peer, &path->remote, EAFNOSUPPORT);
		return;
	}
	if (outbox->count == ENGINE_OUTBOX)
		flush(process);
	message = &outbox->messages[outbox->count];
	message->path = *path;
	/* Another socket has other addresses. */
	if (socket != path->socket) {
		message->path.socket = (uint16_t)socket;
		memset(&message->path.local, 0, sizeof message->path.local);
	}
	message->data = data;
	message->length = length;
	outbox->peers[outbox->count++] = peer;
}

/* Whether the peer's last place is one that its endpoint names anyway. */
static bool last_is_configured(const struct engine_peer *peer)
{
	for (size_t i = 0; i < peer->address_count; i++) {
		if (address_equal(&peer->addresses[i], &peer->last.remote))
			return true;
	}
	return false;
}

/*
 * The n-th way to the peer: a pair of an address and a socket of its family, or where it was last. false:
 * no more.
 */
static bool get_way(const struct engine_process *process, const struct engine_peer *peer, size_t n,
                    struct address_path *path)
{
	memset(path, 0, sizeof *path);
	for (size_t a = 0; a < peer->address_count; a++) {
		for (uint16_t s = 0; s < SOCKETS_MAX; s++) {
			if (process->sockets.family[s] != peer->addresses[a].any.sa_family || n-- > 0)
				continue;
			path->remote = peer->addresses[a];
			path->socket = s;
			return true;
		}
	}
	/* A remembered address comes after those that the configuration names. */
	if (peer->is_restored && peer->address_count > 0 && peer->unanswered < RESTORED_AFTER)
		return false;
	if (n > 0 || !peer->has_last || last_is_configured(peer) ||
	    find_socket(&process->sockets, peer->last.socket, peer->last.remote.any.sa_family) < 0)
		return false;
	*path = peer->last;
	return true;
}

/*
 * Whether this message to the peer is among the first count of the outbox for that address. The engine puts
 * out a message for each address that it knows, and then for "everywhere".
 */
static bool is_queued(const struct engine_outbox *outbox, size_t count, const struct engine_peer *peer,
                      const struct rosenpass_output *output, const union address_socket *remote)
{
	/* The outbox was flushed meanwhile: better twice than never. */
	if (outbox->count < count)
		return false;
	for (size_t i = count; i > 0; i--) {
		const struct sockets_message *message = &outbox->messages[i - 1];

		if (outbox->peers[i - 1] != peer || message->length != output->length ||
		    memcmp(message->data, output->data, output->length) != 0)
			return false;
		if (address_equal(&message->path.remote, remote))
			return true;
	}
	return false;
}

/*
 * The peer's place is not known. All ways are tried; after PATIENT_TRANSMISSIONS without an
 * answer one at random each time, as a peer that is away must not cost more for having many
 * addresses. (In turn would not do: the engine changes dialects in turn, and the two might never meet.)
 */
static void put_everywhere(struct engine_process *process, struct engine_peer *peer,
                           const struct rosenpass_output *output)
{
	const struct engine_outbox *outbox = &process->outbox;
	size_t queued = outbox->count;
	struct address_path path;
	size_t ways = 0;

	while (get_way(process, peer, ways, &path)) {
		ways++;
		if (peer->unanswered < PATIENT_TRANSMISSIONS &&
		    !is_queued(outbox, queued, peer, output, &path.remote))
			put(process, peer, output->data, output->length, &path);
	}
	if (ways == 0 && peer->address_count > 0)
		complain(process, peer, &peer->addresses[0], EAFNOSUPPORT);
	if (ways > 0 && peer->unanswered >= PATIENT_TRANSMISSIONS &&
	    get_way(process, peer, randombytes_uniform((uint32_t)ways), &path))
		put(process, peer, output->data, output->length, &path);
	if (peer->unanswered < UINT32_MAX)
		peer->unanswered++;
}

void engine_send_datagram(struct engine_process *process, struct engine_peer *peer, const uint8_t *data,
                          size_t length, const struct address_path *path)
{
	put(process, peer, data, length, path);
	flush(process);
}

/* A remembered address that has not answered for a whole handshake may be somebody else's by now. */
static void give_up_restored(struct engine_process *process, struct engine_peer *peer)
{
	static const struct rosenpass_address nowhere = { 0 };

	if (!peer->is_restored)
		return;
	peer->is_restored = false;
	peer->has_last = false;
	flush(process);
	(void)rosenpass_peer_set_endpoint(process->engine, peer->handle, &nowhere, clock_now_ns());
}

static void take(struct engine_process *process, const struct rosenpass_output *output)
{
	struct engine_peer *peer = output->user;
	struct address_path path;

	switch (output->kind) {
	case ROSENPASS_OUTPUT_SEND:
		if (peer != NULL)
			engine_silence_asked(process, peer, clock_now_ns());
		if (output->address.length > 0) {
			if (address_unpack(&path, &output->address) == 0 &&
			    !engine_hold_take(peer, output, &path))
				put(process, peer, output->data, output->length, &path);
		} else if (peer != NULL) {
			put_everywhere(process, peer, output);
		}
		break;
	case ROSENPASS_OUTPUT_KEY:
		memcpy(peer->key, output->data, ROSENPASS_KEY_BYTES);
		peer->role = output->role;
		peer->dialect = output->dialect;
		peer->unanswered = 0;
		peer->complained = false;
		peer->is_restored = false;
		if (output->role == ROSENPASS_RESPONDER)
			engine_hold_begin(process, peer);
		engine_tell(process, peer, ENGINE_TELL_KEY);
		engine_silence_key(process, peer, output->role);
		break;
	case ROSENPASS_OUTPUT_STALE:
		peer->role = output->role;
		peer->dialect = output->dialect;
		engine_tell(process, peer, ENGINE_TELL_STALE);
		break;
	case ROSENPASS_OUTPUT_ENDPOINT:
		peer->unanswered = 0;
		peer->is_restored = false;
		if (address_unpack(&peer->last, &output->address) == 0) {
			peer->has_last = true;
			engine_tell(process, peer, ENGINE_TELL_MOVED);
		}
		break;
	case ROSENPASS_OUTPUT_CONFIRMED:
		/* Asked for in every report. */
		break;
	case ROSENPASS_OUTPUT_TIMEOUT:
		give_up_restored(process, peer);
		engine_tell(process, peer, ENGINE_TELL_TIMED_OUT);
		break;
	}
}

void engine_send_outputs(struct engine_process *process)
{
	struct rosenpass_output output = { .size = sizeof output };

	while (rosenpass_next(process->engine, &output))
		take(process, &output);
	flush(process);
}

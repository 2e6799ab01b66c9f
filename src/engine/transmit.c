#include "engine/parts.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "engine/send_error.h"
#include "system/clock.h"
#include "system/log.h"

/* Transmissions without an answer after which a remembered address is tried, too. */
#define RESTORED_AFTER 2
/* After this time without an answer a peer counts as away. */
#define PATIENT_NS (180 * CLOCK_SECOND_NS)

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

	if (!is_news && !engine_datagram_log_allows(process))
		return;
	address_format_numeric(text, remote);
	log_write(is_news ? LOG_WARN : LOG_TRACE, "%s%scannot send to %s: %s",
	          peer == NULL ? "" : peer->label, peer == NULL ? "" : ": ", text,
	          send_error_describe(error));
	if (is_news)
		peer->complained = true;
}

/*
 * Hands everything to the kernel. What it does not take is lost, as on any network; the handshake repeats
 * it.
 */
void engine_transmit_flush(struct engine_process *process)
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

void engine_transmit_put(struct engine_process *process, struct engine_peer *peer, const uint8_t *data,
                         size_t length, const struct address_path *path)
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
		engine_transmit_flush(process);
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
static bool nth_path(const struct engine_process *process, const struct engine_peer *peer, size_t n,
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

static bool is_away(const struct engine_process *process, const struct engine_peer *peer, uint64_t now_ns)
{
	struct rosenpass_peer_info info = { .size = sizeof info };

	return rosenpass_peer_get(process->engine, peer->handle, &info) == 0 &&
	       now_ns >= info.waiting_since_ns + PATIENT_NS;
}

/*
 * The peer's place is not known. All paths are tried; after PATIENT_NS without an answer one at random each
 * time, as a peer that is away must not cost more for having many addresses. (In turn would not do: the
 * engine changes dialects in turn, and the two might never meet.)
 */
void engine_transmit_everywhere(struct engine_process *process, struct engine_peer *peer,
                                const struct rosenpass_output *output, uint64_t now_ns)
{
	const struct engine_outbox *outbox = &process->outbox;
	bool only_one = is_away(process, peer, now_ns);
	size_t queued = outbox->count;
	struct address_path path;
	size_t paths = 0;

	while (nth_path(process, peer, paths, &path)) {
		paths++;
		if (!only_one && !is_queued(outbox, queued, peer, output, &path.remote))
			engine_transmit_put(process, peer, output->data, output->length, &path);
	}
	if (paths == 0 && peer->address_count > 0)
		complain(process, peer, &peer->addresses[0], EAFNOSUPPORT);
	if (paths > 0 && only_one && nth_path(process, peer, randombytes_uniform((uint32_t)paths), &path))
		engine_transmit_put(process, peer, output->data, output->length, &path);
	if (peer->unanswered < UINT32_MAX)
		peer->unanswered++;
}

void engine_transmit_now(struct engine_process *process, struct engine_peer *peer, const uint8_t *data,
                         size_t length, const struct address_path *path)
{
	engine_transmit_put(process, peer, data, length, path);
	engine_transmit_flush(process);
}

#include "engine/parts.h"

#include <string.h>

#include "system/clock.h"

/*
 * Peers that are asked stand in a list in the order in which their time began. All wait equally long, so only
 * the first has to be looked at. A peer leaves the list when it answers or when its time is up.
 */

#define SILENT_NS (10 * CLOCK_SECOND_NS)
/* A reason that changes is told again, but not more often than this. */
#define AGAIN_NS (60 * CLOCK_SECOND_NS)
/* ICMP messages of one socket that are read in a turn. */
#define ERRORS_A_TURN 16

static void unlist(struct engine_process *process, struct engine_peer *peer)
{
	struct engine_silence *silence = &peer->silence;

	if (!silence->is_listed)
		return;
	if (silence->before != NULL)
		silence->before->silence.after = silence->after;
	else
		process->silent_first = silence->after;
	if (silence->after != NULL)
		silence->after->silence.before = silence->before;
	else
		process->silent_last = silence->before;
	silence->before = silence->after = NULL;
	silence->is_listed = false;
}

static void list(struct engine_process *process, struct engine_peer *peer, uint64_t since_ns)
{
	struct engine_silence *silence = &peer->silence;

	unlist(process, peer);
	silence->since_ns = since_ns;
	silence->before = process->silent_last;
	silence->after = NULL;
	if (process->silent_last != NULL)
		process->silent_last->silence.after = peer;
	else
		process->silent_first = peer;
	process->silent_last = peer;
	silence->is_listed = true;
}

static void tell_end(struct engine_process *process, struct engine_peer *peer,
                     enum channel_silence_reason reason)
{
	if (peer->silence.told.reason <= CHANNEL_SILENCE_ENDED)
		return;
	peer->silence.told =
		(struct channel_silence){ .reason = reason, .since_ns = peer->silence.told.since_ns };
	report_queue_add(process, peer, REPORT_SILENCE);
}

/* What is known about sending to that address; NULL: it is none of the peer's. */
static struct engine_trouble *trouble_of(struct engine_peer *peer, const union address_socket *address)
{
	for (size_t i = 0; i < peer->address_count; i++) {
		if (address_equal(&peer->addresses[i], address))
			return &peer->silence.trouble[i];
	}
	if (peer->has_last && address_equal(&peer->last.remote, address))
		return &peer->silence.trouble[CHANNEL_ADDRESSES_MAX];
	return NULL;
}

static void add_tried(struct engine_peer *peer, struct channel_silence *out,
                      const union address_socket *address)
{
	const struct engine_trouble *trouble = trouble_of(peer, address);
	struct channel_tried *tried = &out->tried[out->count];

	if (out->count == CHANNEL_TRIED_MAX) {
		out->more++;
		return;
	}
	out->count++;
	tried->address = *address;
	if (trouble != NULL)
		tried->error = trouble->sent != 0    ? trouble->sent
		               : trouble->heard != 0 ? trouble->heard
		                                     : trouble->heard_before;
}

/* Where the peer was asked: where it is, or everywhere it may be. */
static void fill_tried(struct engine_peer *peer, const struct rosenpass_peer_info *info,
                       struct channel_silence *out)
{
	struct address_path path;

	if (info->endpoint.length > 0 && address_unpack(&path, &info->endpoint) == 0) {
		add_tried(peer, out, &path.remote);
		return;
	}
	for (size_t i = 0; i < peer->address_count; i++)
		add_tried(peer, out, &peer->addresses[i]);
	if (peer->has_last &&
	    trouble_of(peer, &peer->last.remote) == &peer->silence.trouble[CHANNEL_ADDRESSES_MAX])
		add_tried(peer, out, &peer->last.remote);
}

static enum channel_silence_reason reason_of(const struct engine_silence *silence,
                                             const struct rosenpass_peer_info *info,
                                             const struct channel_silence *found)
{
	if (info->state == ROSENPASS_STATE_INIT_CONF)
		return CHANNEL_SILENCE_UNCONFIRMED;
	if (found->count == 0)
		return CHANNEL_SILENCE_NO_ADDRESS;
	if (silence->false_ns >= info->waiting_since_ns)
		return CHANNEL_SILENCE_FALSE;
	/* A peer under load answers most messages so. One that rejects us may have a busy moment, too. */
	if (silence->busy_ns >= info->waiting_since_ns && 2 * silence->cookies >= info->retransmissions)
		return CHANNEL_SILENCE_BUSY;
	if (silence->call_ns >= info->waiting_since_ns)
		return CHANNEL_SILENCE_ONE_WAY;
	/* Of addresses that are not in the list nothing is known. */
	if (found->more > 0)
		return CHANNEL_SILENCE_NOTHING;
	for (uint32_t i = 0; i < found->count; i++) {
		if (found->tried[i].error == 0)
			return CHANNEL_SILENCE_NOTHING;
	}
	return CHANNEL_SILENCE_ERRORS;
}

static void judge(struct engine_process *process, struct engine_peer *peer,
                  const struct rosenpass_peer_info *info, uint64_t now_ns)
{
	struct engine_silence *silence = &peer->silence;
	struct channel_silence found = { .since_ns = info->waiting_since_ns };

	fill_tried(peer, info, &found);
	found.reason = reason_of(silence, info, &found);
	if (found.reason == silence->told.reason && found.tried[0].error == silence->told.tried[0].error)
		return;
	/* An outage that goes on began when it began. */
	if (silence->told.reason > CHANNEL_SILENCE_ENDED)
		found.since_ns = silence->told.since_ns;
	silence->told = found;
	silence->told_ns = now_ns;
	report_queue_add(process, peer, REPORT_SILENCE);
}

void engine_silence_asked(struct engine_process *process, struct engine_peer *peer, uint64_t now_ns)
{
	struct engine_silence *silence = &peer->silence;
	struct rosenpass_peer_info info = { .size = sizeof info };
	bool was_told = silence->told.reason > CHANNEL_SILENCE_ENDED;

	if (rosenpass_peer_get(process->engine, peer->handle, &info) != 0 ||
	    info.state == ROSENPASS_STATE_IDLE)
		return;
	if (silence->is_listed ? info.waiting_since_ns > silence->since_ns : !was_told)
		list(process, peer, info.waiting_since_ns);
	else if (was_told && now_ns >= silence->told_ns + AGAIN_NS &&
	         now_ns >= info.waiting_since_ns + SILENT_NS)
		judge(process, peer, &info, now_ns);
}

static struct engine_recent *recent_of(struct engine_process *process, const union address_socket *address)
{
	bool is_v6 = address->any.sa_family == AF_INET6;
	const uint8_t *bytes =
		is_v6 ? (const uint8_t *)&address->v6.sin6_addr : (const uint8_t *)&address->v4.sin_addr;
	size_t length = is_v6 ? sizeof address->v6.sin6_addr : sizeof address->v4.sin_addr;
	uint32_t hash = is_v6 ? address->v6.sin6_port : address->v4.sin_port;

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ bytes[i]) * 16777619;
	return &process->recent[hash % ENGINE_RECENT];
}

void engine_silence_sent(struct engine_process *process, struct engine_peer *peer,
                         const union address_socket *to, int error)
{
	struct engine_trouble *trouble = trouble_of(peer, to);

	if (trouble == NULL)
		return;
	trouble->sent = error;
	trouble->heard_before = trouble->heard;
	trouble->heard = 0;
	*recent_of(process, to) = (struct engine_recent){ *to, peer->slot, peer->serial };
}

void engine_silence_read_errors(struct engine_process *process, size_t socket)
{
	struct sockets_error errors[ERRORS_A_TURN];
	size_t count = sockets_receive_errors(&process->sockets, socket, errors, ERRORS_A_TURN);

	for (size_t i = 0; i < count; i++) {
		const struct engine_recent *recent = recent_of(process, &errors[i].remote);
		struct engine_peer *peer =
			recent->slot < process->slots ? process->peers[recent->slot] : NULL;
		struct engine_trouble *trouble;

		if (peer == NULL || peer->serial != recent->serial ||
		    !address_equal(&recent->to, &errors[i].remote))
			continue;
		trouble = trouble_of(peer, &errors[i].remote);
		if (trouble != NULL)
			trouble->heard = errors[i].error;
	}
}

static void over(struct engine_process *process, struct engine_peer *peer)
{
	unlist(process, peer);
	tell_end(process, peer, CHANNEL_SILENCE_OVER);
}

void engine_silence_key(struct engine_process *process, struct engine_peer *peer, enum rosenpass_role role)
{
	struct rosenpass_peer_info info = { .size = sizeof info };

	for (size_t i = 0; i < CHANNEL_REJECTED_COUNT; i++)
		rejects_forget_peer(&process->rejects[i], peer->serial);
	/* A key that comes without EmptyData once more is no confirmation. */
	if (peer->silence.told.reason == CHANNEL_SILENCE_UNCONFIRMED && role == ROSENPASS_INITIATOR &&
	    rosenpass_peer_get(process->engine, peer->handle, &info) == 0 &&
	    info.state == ROSENPASS_STATE_INIT_CONF)
		return;
	over(process, peer);
}

static struct engine_peer *peer_of(const struct engine_process *process, rosenpass_peer handle)
{
	struct rosenpass_peer_info info = { .size = sizeof info };

	return handle != 0 && rosenpass_peer_get(process->engine, handle, &info) == 0 ? info.user : NULL;
}

/* Counts the cookies since the peer was heard last. */
static void note_cookie(const struct engine_process *process, struct engine_peer *peer, uint64_t now_ns)
{
	struct engine_silence *silence = &peer->silence;
	struct rosenpass_peer_info info = { .size = sizeof info };

	if (rosenpass_peer_get(process->engine, peer->handle, &info) == 0 &&
	    silence->busy_ns < info.waiting_since_ns)
		silence->cookies = 0;
	silence->busy_ns = now_ns;
	if (silence->cookies < UINT32_MAX / 2)
		silence->cookies++;
}

void engine_silence_received(struct engine_process *process, const struct rosenpass_datagram *datagrams,
                             size_t count, uint64_t now_ns)
{
	for (size_t i = 0; i < count; i++) {
		const struct rosenpass_datagram *datagram = &datagrams[i];
		/* has_claim: an InitHello, which is no answer. */
		bool is_false = datagram->verdict == ROSENPASS_DROPPED_AUTH && !datagram->has_claim;
		/* Even an InitHello that proves nothing explains a silence well enough. */
		bool is_call =
			datagram->verdict == ROSENPASS_ANSWERED || datagram->verdict == ROSENPASS_CROSSED;
		struct engine_peer *peer =
			peer_of(process, is_false || (is_call && datagram->has_claim) ? datagram->claimed_peer
		                                                                      : datagram->peer);

		if (peer == NULL)
			continue;
		if (is_false)
			peer->silence.false_ns = now_ns;
		else if (datagram->verdict == ROSENPASS_CONFIRMED)
			over(process, peer);
		else if (datagram->verdict == ROSENPASS_COOKIE_TAKEN)
			note_cookie(process, peer, now_ns);
		else if (is_call)
			peer->silence.call_ns = now_ns;
	}
}

void engine_silence_serve(struct engine_process *process, uint64_t now_ns)
{
	struct engine_peer *peer;

	while ((peer = process->silent_first) != NULL && peer->silence.since_ns + SILENT_NS <= now_ns) {
		struct rosenpass_peer_info info = { .size = sizeof info };

		unlist(process, peer);
		if (rosenpass_peer_get(process->engine, peer->handle, &info) != 0 ||
		    info.state == ROSENPASS_STATE_IDLE)
			continue;
		/* Something has come from it meanwhile, or the machine was asleep. */
		if (info.waiting_since_ns + SILENT_NS > now_ns)
			list(process, peer, info.waiting_since_ns);
		else
			judge(process, peer, &info, now_ns);
	}
}

uint64_t engine_silence_deadline(const struct engine_process *process)
{
	return process->silent_first == NULL ? ROSENPASS_NEVER
	                                     : process->silent_first->silence.since_ns + SILENT_NS;
}

void engine_silence_check(struct engine_process *process, struct engine_peer *peer)
{
	struct rosenpass_peer_info info = { .size = sizeof info };

	if (peer->handle != 0 && rosenpass_peer_get(process->engine, peer->handle, &info) == 0 &&
	    info.state == ROSENPASS_STATE_IDLE && info.renewal_ns == ROSENPASS_NEVER)
		tell_end(process, peer, CHANNEL_SILENCE_ENDED);
}

void engine_silence_new_addresses(struct engine_peer *peer)
{
	memset(peer->silence.trouble, 0, sizeof peer->silence.trouble);
}

void engine_silence_forget(struct engine_process *process, struct engine_peer *peer)
{
	unlist(process, peer);
	for (size_t i = 0; i < CHANNEL_REJECTED_COUNT; i++)
		rejects_forget_peer(&process->rejects[i], peer->serial);
}

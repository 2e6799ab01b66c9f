#include "engine/parts.h"

#include "protocol/messages.h"
#include "system/clock.h"
#include "system/log.h"

/* Slices of RespHellos in one turn, if all of them are rejected. */
#define ANSWER_SLICES 8

static void fill(struct rosenpass_datagram *datagram, const struct sockets_packet *packet)
{
	*datagram = (struct rosenpass_datagram){ .size = sizeof *datagram,
		                                 .data = packet->data,
		                                 .length = packet->length };
	address_pack(&datagram->from, &packet->path);
}

/* These datagrams have their verdicts. */
static void note(struct engine_process *process, const struct rosenpass_datagram *datagrams, size_t count)
{
	uint64_t now_ns = clock_now_ns();

	engine_silence_received(process, datagrams, count, now_ns);
	engine_rejected_note(process, datagrams, count, now_ns);
	for (size_t i = 0; i < count && log_is_on(LOG_TRACE); i++) {
		char text[ADDRESS_TEXT_BYTES];
		struct address_path path;

		if (address_unpack(&path, &datagrams[i].from) != 0 || !engine_datagram_log_allows(process))
			continue;
		address_format_numeric(text, &path.remote);
		log_trace("%zu bytes from %s: %s", datagrams[i].length, text,
		          rosenpass_verdict_name(datagrams[i].verdict));
	}
}

static void receive(struct engine_process *process, struct rosenpass_datagram *datagrams, size_t count)
{
	size_t taken = 0;

	while (taken < count) {
		uint64_t now_ns = clock_now_ns();
		int result = rosenpass_receive(process->engine, datagrams + taken, count - taken, now_ns);

		if (result < 0)
			break;
		taken += (size_t)result;
		engine_outputs_take(process, now_ns);
	}
	note(process, datagrams, count);
}

static size_t room(const struct engine_backlog *backlog)
{
	return ENGINE_BACKLOG - backlog->count;
}

static void put(struct engine_backlog *backlog, const struct sockets_packet *packet)
{
	backlog->packets[(backlog->first + backlog->count++) % ENGINE_BACKLOG] = *packet;
}

/* The first ones that wait, up to most. Returns how many. */
static size_t look_at(const struct engine_backlog *backlog, struct rosenpass_datagram *datagrams, size_t most)
{
	size_t count = backlog->count < most ? backlog->count : most;

	for (size_t i = 0; i < count; i++)
		fill(&datagrams[i], &backlog->packets[(backlog->first + i) % ENGINE_BACKLOG]);
	return count;
}

static void drop(struct engine_backlog *backlog, size_t count)
{
	backlog->first = (backlog->first + count) % ENGINE_BACKLOG;
	backlog->count -= count;
}

/* Where a datagram waits; NULL: it is handled at once. */
static struct engine_backlog *backlog_of(struct engine_process *process, const struct sockets_packet *packet)
{
	/* What is no message is dropped at once. */
	if (messages_classify(packet->data, packet->length) == 0)
		return NULL;
	switch (packet->data[0]) {
	case MESSAGE_INIT_HELLO:
		return &process->hellos;
	case MESSAGE_RESP_HELLO:
		return &process->answers;
	default:
		return NULL;
	}
}

void engine_receive_packets(struct engine_process *process, const struct sockets_packet *packets,
                            size_t count)
{
	struct rosenpass_datagram datagrams[SOCKETS_BATCH];
	size_t used = 0;

	for (size_t i = 0; i < count; i++) {
		struct engine_backlog *backlog = backlog_of(process, &packets[i]);

		if (backlog != NULL)
			put(backlog, &packets[i]);
		else
			fill(&datagrams[used++], &packets[i]);
	}
	receive(process, datagrams, used);
}

bool engine_receive_has_room(const struct engine_process *process)
{
	return room(&process->hellos) >= SOCKETS_BATCH && room(&process->answers) >= SOCKETS_BATCH;
}

bool engine_receive_waits(const struct engine_process *process)
{
	return process->hellos.count > 0 || process->answers.count > 0;
}

/* RespHellos, as many as are worked on together. Returns true if none of them was for a handshake of ours. */
static bool work_on_slice(struct engine_process *process)
{
	struct rosenpass_datagram datagrams[ENGINE_BEGUN];
	size_t slice = rosenpass_slice(process->engine);
	size_t count = look_at(&process->answers, datagrams, slice < ENGINE_BEGUN ? slice : ENGINE_BEGUN);
	bool all_rejected = true;

	receive(process, datagrams, count);
	drop(&process->answers, count);
	for (size_t i = 0; i < count; i++)
		all_rejected &= datagrams[i].verdict != ROSENPASS_ACCEPTED;
	return all_rejected;
}

/* Rejected RespHellos cost little: more slices follow, so that a flood does not push out the others. */
static void work_on_answers(struct engine_process *process)
{
	for (int slices = 1; work_on_slice(process) && process->answers.count > 0; slices++) {
		if (slices == ANSWER_SLICES)
			return;
	}
}

/* A step of the InitHellos that were begun, or of the next ones. */
static void work_on_hellos(struct engine_process *process)
{
	uint64_t now_ns = clock_now_ns();
	bool goes_on;

	if (process->begun_count == 0) {
		size_t count = look_at(&process->hellos, process->begun_datagrams, ENGINE_BEGUN);
		int taken = rosenpass_receive_begin(process->engine, process->begun_datagrams, count, now_ns);

		process->begun_count = taken > 0 ? (size_t)taken : 0;
		engine_outputs_take(process, now_ns);
	}
	goes_on = rosenpass_receive_step(process->engine, now_ns);
	engine_outputs_take(process, now_ns);
	if (goes_on)
		return;
	note(process, process->begun_datagrams, process->begun_count);
	drop(&process->hellos, process->begun_count);
	process->begun_count = 0;
}

void engine_receive_work(struct engine_process *process)
{
	bool is_turn_of_hellos = process->served_answers && process->hellos.count > 0;

	process->served_answers = process->answers.count > 0 && !is_turn_of_hellos;
	if (process->served_answers)
		work_on_answers(process);
	else if (process->hellos.count > 0)
		work_on_hellos(process);
}

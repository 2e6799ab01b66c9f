#include "engine/parts.h"

#include <string.h>

/* A remembered address that has not answered for a whole handshake may be somebody else's by now. */
static void give_up_restored(struct engine_process *process, struct engine_peer *peer, uint64_t now_ns)
{
	static const struct rosenpass_address nowhere = { 0 };

	if (!peer->is_restored)
		return;
	peer->is_restored = false;
	peer->has_last = false;
	engine_transmit_flush(process);
	(void)rosenpass_peer_set_endpoint(process->engine, peer->handle, &nowhere, now_ns);
}

static void take(struct engine_process *process, const struct rosenpass_output *output, uint64_t now_ns)
{
	struct engine_peer *peer = output->user;
	struct address_path path;

	switch (output->kind) {
	case ROSENPASS_OUTPUT_SEND:
		if (peer != NULL)
			engine_silence_asked(process, peer, now_ns);
		if (output->address.length > 0) {
			if (address_unpack(&path, &output->address) == 0 &&
			    !engine_hold_take(peer, output, &path))
				engine_transmit_put(process, peer, output->data, output->length, &path);
		} else if (peer != NULL) {
			engine_transmit_everywhere(process, peer, output, now_ns);
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
		report_queue_add(process, peer, REPORT_KEY);
		engine_silence_key(process, peer, output->role);
		break;
	case ROSENPASS_OUTPUT_STALE:
		peer->role = output->role;
		peer->dialect = output->dialect;
		report_queue_add(process, peer, REPORT_STALE);
		break;
	case ROSENPASS_OUTPUT_ENDPOINT:
		peer->unanswered = 0;
		peer->is_restored = false;
		if (address_unpack(&peer->last, &output->address) == 0) {
			peer->has_last = true;
			report_queue_add(process, peer, REPORT_MOVED);
		}
		break;
	case ROSENPASS_OUTPUT_CONFIRMED:
		/* Asked for in every report. */
		break;
	case ROSENPASS_OUTPUT_TIMEOUT:
		give_up_restored(process, peer, now_ns);
		report_queue_add(process, peer, REPORT_TIMED_OUT);
		break;
	}
}

void engine_outputs_take(struct engine_process *process, uint64_t now_ns)
{
	struct rosenpass_output output = { .size = sizeof output };

	while (rosenpass_next(process->engine, &output))
		take(process, &output, now_ns);
	engine_transmit_flush(process);
}

#include "monitor/status.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "daemon/monitor_parts.h"
#include "delivery/sink_command.h"
#include "monitor/status_json.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

_Static_assert(STATUS_ID_BYTES == PEER_ID_BYTES, "room for a peer id");
_Static_assert(STATUS_WORDS_BYTES == EXPLAIN_BYTES, "room for an explanation");
_Static_assert(STATUS_WORDS_BYTES >= TUNNEL_EXPLAIN_BYTES, "and for that of a tunnel");
_Static_assert(STATUS_NEVER == ROSENPASS_NEVER, "the same renewal");

/* --- the daemon ------------------------------------------------------------------------------ */

static void set_part(struct status_part *part, const char *name, bool is_on, const char *note)
{
	part->name = name;
	part->is_on = is_on;
	(void)snprintf(part->note, sizeof part->note, "%s", note);
}

static void collect_sandbox(struct status_daemon *out, const struct monitor *monitor)
{
	const struct sandbox_report *report = &monitor->ready.sandbox;
	enum secret_memory_kind memory = (enum secret_memory_kind)monitor->ready.memory;
	const char *off = monitor->options.no_sandbox ? "--no-sandbox" : "this system has none";
	struct status_part *part = out->sandbox;
	char note[STATUS_NOTE_BYTES];

	set_part(part++, "seccomp", report->seccomp != 0, report->seccomp != 0 ? "" : off);
	(void)snprintf(note, sizeof note, "version %u", report->landlock);
	set_part(part++, "landlock", report->landlock != 0, report->landlock != 0 ? note : off);
	set_part(part++, "no capabilities", report->no_capabilities != 0,
	         report->no_capabilities != 0 ? "" : "some could not be given up");
	set_part(part++, "no new privileges", report->no_new_privileges != 0,
	         report->no_new_privileges != 0 ? "" : off);
	set_part(part++, "not dumpable", report->not_dumpable != 0, report->not_dumpable != 0 ? "" : off);
	(void)snprintf(note, sizeof note, "uid %u",
	               monitor->options.no_sandbox ? (unsigned)getuid() : report->uid);
	set_part(part++, "not root", report->uid != 0, note);
	set_part(part++, "locked memory", memory != SECRET_MEMORY_NOT_LOCKED,
	         secret_memory_kind_name(memory));
}

static void collect_caller(struct status_caller *out, struct monitor *monitor,
                           const struct rejects_caller *caller)
{
	static const char *const reasons[CHANNEL_REJECTED_COUNT] = {
		[CHANNEL_REJECTED_OTHER_KEY] = "other-key",
		[CHANNEL_REJECTED_UNKNOWN] = "unknown-peer",
		[CHANNEL_REJECTED_AUTH] = "not-proven",
		[CHANNEL_REJECTED_DIALECT] = "dialect",
	};
	const struct peer *peer =
		peer_set_get(monitor->peers, (struct peer_ref){ caller->slot, caller->serial });

	*out = (struct status_caller){
		.address = caller->last.from,
		.reason = reasons[caller->last.reason],
		.claimed_peer = peer == NULL ? 0 : peer_number(peer),
		.claimed_name = peer == NULL ? NULL : peer_config(peer)->name,
		.count = caller->total,
		.last_ns = caller->last_ns,
	};
	if (caller->last.reason != CHANNEL_REJECTED_OTHER_KEY)
		base64_encode_key(out->claimed_id, caller->last.id);
	silence_explain_rejected(monitor->silence, caller, peer, out->words);
}

static int by_last(const void *a, const void *b)
{
	const struct rejects_caller *const *x = a;
	const struct rejects_caller *const *y = b;

	return ((*x)->last_ns < (*y)->last_ns) - ((*x)->last_ns > (*y)->last_ns);
}

/* The callers that were rejected last, the latest first. */
static void collect_rejected(struct status_daemon *out, struct monitor *monitor)
{
	const struct rejects_caller *callers[CHANNEL_REJECTED_COUNT * REJECTS_CALLERS];
	size_t count = 0;

	for (size_t i = 0; i < CHANNEL_REJECTED_COUNT; i++) {
		const struct rejects *rejects =
			silence_rejected(monitor->silence, (enum channel_rejected_reason)i);

		out->rejected_total += rejects->total;
		for (size_t j = 0; j < rejects->count; j++)
			callers[count++] = &rejects->callers[j];
	}
	if (count > 0)
		qsort(callers, count, sizeof(*callers), by_last);
	out->rejected_callers = count;
	for (; out->last_count < count && out->last_count < STATUS_CALLERS; out->last_count++)
		collect_caller(&out->last[out->last_count], monitor, callers[out->last_count]);
}

static void collect_daemon(struct status_daemon *out, struct monitor *monitor, uint64_t now_ns)
{
	const struct channel_report *report = &monitor->report;
	int mark_problem = socket_mark_problem(monitor->mark);

	*out = (struct status_daemon){
		.name = monitor->name,
		.program = log_name(),
		.version = monitor->options.version,
		.config = monitor->config.file,
		.pid = getpid(),
		.engine_pid = monitor->engine_pid,
		.uptime_ns = now_ns - monitor->started_ns,
		.fwmark = socket_mark_value(monitor->mark),
		.fwmark_error = mark_problem == 0 ? NULL : strerror(-mark_problem),
		.under_load_since_ns = report->under_load_since_ns,
		.busy_permille = report->busy_permille,
		.is_random_failing = report->random_failing != 0,
		.id = silence_own_id(monitor->silence, ROSENPASS_BLAKE2B_188),
		.id_shake256 = silence_own_id(monitor->silence, ROSENPASS_SHAKE256_156),
		.sent = report->sent,
		.sent_bytes = report->sent_bytes,
	};
	memcpy(out->received, report->received, sizeof out->received);
	collect_sandbox(out, monitor);
	collect_rejected(out, monitor);
}

static json_t *collect_listener(const struct listeners *listeners, size_t number)
{
	struct listener_status status;
	struct status_listener out;

	listeners_describe(listeners, number, &status);
	out = (struct status_listener){
		.configured = status.configured,
		.address = status.address,
		.is_open = status.is_open,
		.error = status.error,
	};
	return status_json_listener(&out);
}

/* --- outputs --------------------------------------------------------------------------------- */

static const char *const output_states[] = {
	[SINK_EMPTY] = "none",
	[SINK_PENDING] = "waiting",
	[SINK_FAILING] = "failing",
	[SINK_DELIVERED] = "delivered",
};

/* The words of a command in one line. */
static void join_command(char out[static STATUS_TARGET_BYTES], const struct string_list *words)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < words->count && used < STATUS_TARGET_BYTES - 1; i++) {
		int more = snprintf(out + used, STATUS_TARGET_BYTES - used, "%s%s", i > 0 ? " " : "",
		                    words->words[i]);

		used += more > 0 ? (size_t)more : 0;
	}
}

static void collect_wireguard(struct status_wireguard *out, const struct sink_status_wireguard *wireguard)
{
	*out = (struct status_wireguard){
		.device = wireguard->device,
		.peer = wireguard->peer,
		.is_protected = !wireguard->is_left,
		.is_there = wireguard->is_there,
		.is_up = wireguard->is_up,
		.endpoint = wireguard->endpoint,
		.endpoint_error = wireguard->endpoint_error,
		.had_handshake = wireguard->had_handshake,
		.handshake_age_seconds = wireguard->handshake_age_seconds,
		.received_bytes = wireguard->received_bytes,
		.sent_bytes = wireguard->sent_bytes,
		.tunnel = tunnel_state_name(wireguard->tunnel),
	};
	tunnel_explain(out->tunnel_problem, wireguard->tunnel, wireguard->device, &wireguard->endpoint);
}

/* key: where the peer's present key comes from. */
static const char *reason(const struct sink_status *status, enum sink_state state, const char *key)
{
	if (status->is_wireguard && status->wireguard.is_left)
		return NULL;
	if (status->is_wireguard && status->wireguard.is_exchanged)
		return "exchanged";
	if (status->is_wireguard && (key == NULL || strcmp(key, "stale") != 0))
		return "random";
	return state == SINK_EMPTY ? NULL : key;
}

static void collect_output(struct status_output *out, const struct peer *peer, const struct sink *sink)
{
	struct sink_status status;

	sink_describe(sink, &status);
	*out = (struct status_output){
		.kind = status.kind,
		.target = status.target,
		.is_wireguard = status.is_wireguard,
		.state = output_states[status.state],
		.reason = reason(&status, sink->state, peer_key_origin(peer)->reason),
		.state_ns = sink->state == SINK_EMPTY ? 0 : status.state_ns,
		.attempts = status.attempts,
		.failures = status.failures,
		.error = status.error,
	};
	if (status.is_wireguard) {
		out->target = NULL;
		(void)snprintf(out->made_target, sizeof out->made_target, "%s %s", status.wireguard.device,
		               status.wireguard.peer);
		collect_wireguard(&out->wireguard, &status.wireguard);
	} else if (status.words != NULL) {
		out->target = NULL;
		join_command(out->made_target, status.words);
	}
}

static void add_left_file(void *context, const char *label, const char *path, const char *error)
{
	const struct status_left left = { .peer = label, .kind = "file", .target = path, .error = error };

	status_json_append(context, "left", status_json_left(&left));
}

static void add_left_command(void *context, const char *label, const struct string_list *words,
                             const char *error)
{
	struct status_left left = { .peer = label, .kind = "command", .error = error };

	join_command(left.made_target, words);
	status_json_append(context, "left", status_json_left(&left));
}

static void add_left_wireguard(void *context, const char *label, const char *target)
{
	const struct status_left left = { .peer = label, .kind = "wireguard", .target = target };

	status_json_append(context, "left", status_json_left(&left));
}

/* --- peers ----------------------------------------------------------------------------------- */

static void collect_unanswered(struct status_unanswered *out, struct monitor *monitor, struct peer *peer,
                               uint64_t now_ns)
{
	static const char *const reasons[CHANNEL_SILENCE_COUNT] = {
		[CHANNEL_SILENCE_NO_ADDRESS] = "no-address",
		[CHANNEL_SILENCE_NOTHING] = "nothing",
		[CHANNEL_SILENCE_ERRORS] = "errors",
		[CHANNEL_SILENCE_FALSE] = "false-answers",
		[CHANNEL_SILENCE_BUSY] = "busy",
		[CHANNEL_SILENCE_ONE_WAY] = "one-way",
		[CHANNEL_SILENCE_UNCONFIRMED] = "unconfirmed",
	};

	if (!silence_explain(monitor->silence, peer, now_ns, out->words))
		return;
	out->reason = reasons[peer_silence(peer)->now.reason];
	out->since_ns = peer_silence(peer)->now.since_ns;
}

/* What the engine process has said. */
static void collect_report(struct status_peer *out, const struct peer *peer)
{
	static const char *const states[] = { "idle", "init-hello", "init-conf" };
	const struct channel_peer_report *report = peer_report(peer);

	out->state = states[report->state];
	if (report->ever != 0) {
		out->role = report->role == ROSENPASS_INITIATOR ? "initiator" : "responder";
		out->dialect = rosenpass_dialect_name((enum rosenpass_dialect)report->dialect);
	}
	out->has_key = report->has_key != 0;
	out->is_confirmed = report->confirmed != 0;
	out->key_since_ns = report->key_since_ns;
	out->renewal_ns = peer_has_report(peer) ? report->renewal_ns : STATUS_NEVER;
	out->exchanges = report->exchanges;
	out->timeouts = report->timeouts;
	out->retransmissions = report->retransmissions;
	out->address = report->has_endpoint != 0 ? report->endpoint : *peer_address(peer);
	if (report->send_error != 0)
		out->last_error = strerror(report->send_error);
	else if (peer_is_failing(peer) || !peer_has_report(peer))
		out->last_error = peer_last_error(peer);
}

static json_t *collect_peer(struct monitor *monitor, struct peer *peer, uint64_t now_ns)
{
	struct status_peer out = {
		.number = peer_number(peer),
		.name = peer_config(peer)->name,
		/* Empty as long as it has not been computed. */
		.id = peer_shown_id(peer),
		.is_at_run_time = peer_is_at_run_time(peer),
		.public_key = peer_config(peer)->public_key,
		.endpoint = peer_config(peer)->endpoint,
		.addresses = peer_addresses(peer)->list,
		.address_count = peer_addresses(peer)->count,
		.resolve_error = peer_resolve_problem(peer),
	};

	collect_report(&out, peer);
	collect_unanswered(&out.unanswered, monitor, peer, now_ns);
	for (size_t i = 0; i < delivery_sink_count(peer_delivery(peer)) && i < STATUS_OUTPUTS; i++)
		collect_output(&out.outputs[out.output_count++], peer, delivery_sink(peer_delivery(peer), i));
	return status_json_peer(&out, now_ns);
}

/* Peers in the order in which the configuration names them. */
static int by_number(const void *a, const void *b)
{
	const struct peer *const *x = a;
	const struct peer *const *y = b;

	return (peer_number(*x) > peer_number(*y)) - (peer_number(*x) < peer_number(*y));
}

static int add_peers(json_t *status, struct monitor *monitor, uint64_t now_ns)
{
	struct peer **sorted = calloc(peer_set_count(monitor->peers) + 1, sizeof(*sorted));
	struct peer *peer;
	size_t position = 0;
	size_t count = 0;

	if (sorted == NULL)
		return -1;
	while ((peer = peer_set_next(monitor->peers, &position)) != NULL)
		sorted[count++] = peer;
	if (count > 0)
		qsort(sorted, count, sizeof(*sorted), by_number);
	for (size_t i = 0; i < count; i++)
		status_json_append(status, "peers", collect_peer(monitor, sorted[i], now_ns));
	free(sorted);
	return 0;
}

json_t *status_collect(struct monitor *monitor, uint64_t now_ns)
{
	struct status_daemon *daemon = malloc(sizeof *daemon);
	json_t *status = NULL;

	if (daemon == NULL)
		return NULL;
	collect_daemon(daemon, monitor, now_ns);
	status = status_json_daemon(daemon, now_ns);
	free(daemon);
	for (size_t i = 0; i < listeners_count(monitor->listeners); i++)
		status_json_append(status, "listen", collect_listener(monitor->listeners, i));
	if (add_peers(status, monitor, now_ns) != 0) {
		json_decref(status);
		return NULL;
	}
	retired_files_each(monitor->deliveries.retired_files, add_left_file, status);
	sink_command_each_retired(monitor->deliveries.commands, add_left_command, status);
	device_table_each_retired(monitor->deliveries.devices, add_left_wireguard, status);
	return status;
}

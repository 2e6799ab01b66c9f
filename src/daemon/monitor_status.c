#include "daemon/monitor_parts.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "delivery/sink_command.h"
#include "system/base64.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/secret_memory.h"

/* Rejected callers that are listed one by one. */
#define REJECTED_SHOWN 16

/*
 * doc/control.md describes the whole. A value that could not be made is left out by jansson's functions that
 * take a NULL; only the whole can fail.
 */

static void set(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value != NULL ? value : json_null());
}

/* Text of unknown encoding (a file name) must not spoil the whole. */
static json_t *text(const char *words)
{
	json_t *value;
	char plain[512];
	size_t length = 0;

	if (words == NULL || words[0] == '\0')
		return json_null();
	value = json_string(words);
	if (value != NULL)
		return value;
	for (; words[length] != '\0' && length + 1 < sizeof plain; length++)
		plain[length] = (unsigned char)words[length] < 0x80 ? words[length] : '?';
	plain[length] = '\0';
	return json_string(plain);
}

static json_t *address(const union address_socket *where)
{
	char words[ADDRESS_TEXT_BYTES];

	if (where->any.sa_family == AF_UNSPEC)
		return json_null();
	address_format(words, where);
	return json_string(words);
}

static json_t *seconds(uint64_t ns)
{
	return json_real((double)ns / (double)CLOCK_SECOND_NS);
}

static json_t *age(uint64_t since_ns, uint64_t now_ns)
{
	return since_ns == 0 ? json_null() : seconds(now_ns > since_ns ? now_ns - since_ns : 0);
}

static json_t *part(const char *name, bool on, const char *note)
{
	return json_pack("{s:s, s:b, s:s}", "part", name, "on", on ? 1 : 0, "note", note);
}

static json_t *format_sandbox(const struct monitor *monitor)
{
	const struct sandbox_report *report = &monitor->ready.sandbox;
	enum secret_memory_kind memory = (enum secret_memory_kind)monitor->ready.memory;
	const char *off = monitor->options.no_sandbox ? "--no-sandbox" : "this system has none";
	json_t *list = json_array();
	char note[64];

	(void)json_array_append_new(list,
	                            part("seccomp", report->seccomp != 0, report->seccomp != 0 ? "" : off));
	(void)snprintf(note, sizeof note, "version %u", report->landlock);
	(void)json_array_append_new(
		list, part("landlock", report->landlock != 0, report->landlock != 0 ? note : off));
	(void)json_array_append_new(list,
	                            part("no capabilities", report->no_capabilities != 0,
	                                 report->no_capabilities != 0 ? "" : "some could not be given up"));
	(void)json_array_append_new(list, part("no new privileges", report->no_new_privileges != 0,
	                                       report->no_new_privileges != 0 ? "" : off));
	(void)json_array_append_new(
		list, part("not dumpable", report->not_dumpable != 0, report->not_dumpable != 0 ? "" : off));
	(void)snprintf(note, sizeof note, "uid %u",
	               monitor->options.no_sandbox ? (unsigned)getuid() : report->uid);
	(void)json_array_append_new(list, part("not root", report->uid != 0, note));
	(void)json_array_append_new(list, part("locked memory", memory != SECRET_MEMORY_NOT_LOCKED,
	                                       secret_memory_kind_name(memory)));
	return list;
}

static json_t *format_listener(const struct listeners *listeners, size_t number)
{
	json_t *object = json_object();
	struct listener_status status;

	listeners_describe(listeners, number, &status);
	set(object, "configured", text(status.configured));
	set(object, "address", address(&status.address));
	set(object, "open", json_boolean(status.is_open));
	set(object, "error", text(status.error));
	return object;
}

static const char *const output_states[] = {
	[SINK_EMPTY] = "none",
	[SINK_PENDING] = "waiting",
	[SINK_FAILING] = "failing",
	[SINK_DELIVERED] = "delivered",
};

/* The words of a command in one line. */
static json_t *command(const struct string_list *words)
{
	char line[512];
	size_t used = 0;

	line[0] = '\0';
	for (size_t i = 0; i < words->count && used < sizeof line - 1; i++) {
		int more =
			snprintf(line + used, sizeof line - used, "%s%s", i > 0 ? " " : "", words->words[i]);

		used += more > 0 ? (size_t)more : 0;
	}
	return text(line);
}

static void format_wireguard(json_t *object, const struct monitor *monitor, const struct monitor_peer *peer,
                             const struct monitor_wireguard *wireguard)
{
	uint64_t age;
	bool had_handshake = handshake_age(&wireguard->handshake, clock_boot_seconds(), &age);
	char target[WIREGUARD_NAME_BYTES + MONITOR_ID_CHARS + 2];
	char words[EXPLAIN_BYTES];

	(void)snprintf(target, sizeof target, "%s %s", peer->config.device, peer->config.wireguard_peer);
	set(object, "target", text(target));
	set(object, "device", text(peer->config.device));
	set(object, "peer", text(peer->config.wireguard_peer));
	set(object, "protected", json_boolean(!monitor_wireguard_is_left(monitor, peer, wireguard)));
	set(object, "interface_up", wireguard->is_there ? json_boolean(wireguard->is_up) : json_null());
	set(object, "endpoint", wireguard->is_there ? address(&wireguard->present_endpoint) : json_null());
	set(object, "endpoint_error", text(hostname_problem(wireguard->hostname)));
	set(object, "handshake_age",
	    wireguard->is_there && had_handshake ? json_integer((json_int_t)age) : json_null());
	set(object, "received_bytes", json_integer((json_int_t)wireguard->received_bytes));
	set(object, "sent_bytes", json_integer((json_int_t)wireguard->sent_bytes));
	explain_tunnel(words, wireguard->tunnel.state, peer->config.device, &wireguard->present_endpoint);
	set(object, "tunnel", text(tunnel_state_name(wireguard->tunnel.state)));
	set(object, "tunnel_problem", text(words));
}

/* wireguard NULL: another kind of output. */
static json_t *reason(const struct monitor *monitor, const struct monitor_peer *peer,
                      const struct monitor_wireguard *wireguard, enum sink_state state)
{
	if (wireguard != NULL && monitor_wireguard_is_left(monitor, peer, wireguard))
		return json_null();
	if (wireguard != NULL && wireguard->is_exchanged)
		return json_string("exchanged");
	if (wireguard != NULL && (peer->reason == NULL || strcmp(peer->reason, "stale") != 0))
		return json_string("random");
	return state == SINK_EMPTY ? json_null() : text(peer->reason);
}

static json_t *format_output(const struct monitor *monitor, const struct monitor_peer *peer,
                             const struct sink *sink, uint64_t now_ns)
{
	const struct monitor_wireguard *wireguard =
		sink->ops == &monitor_wireguard_sink ? monitor_wireguard_of(peer) : NULL;
	json_t *object = json_object();
	struct sink_status status;

	sink_describe(sink, &status);
	set(object, "kind", json_string(status.kind));
	if (wireguard != NULL)
		format_wireguard(object, monitor, peer, wireguard);
	else
		set(object, "target", status.words != NULL ? command(status.words) : text(status.target));
	set(object, "state", json_string(output_states[status.state]));
	set(object, "reason", reason(monitor, peer, wireguard, sink->state));
	set(object, "age", sink->state == SINK_EMPTY ? json_null() : age(status.state_ns, now_ns));
	set(object, "attempts", json_integer((json_int_t)status.attempts));
	set(object, "failures", json_integer((json_int_t)status.failures));
	set(object, "error", text(status.error));
	return object;
}

static void add_left(json_t *list, const char *label, const char *kind, json_t *target, const char *error)
{
	json_t *object = json_object();

	set(object, "peer", text(label));
	set(object, "kind", json_string(kind));
	set(object, "target", target);
	set(object, "error", text(error));
	(void)json_array_append_new(list, object);
}

static void add_left_file(void *context, const char *label, const char *path, const char *error)
{
	add_left(context, label, "file", text(path), error);
}

static void add_left_command(void *context, const char *label, const struct string_list *words,
                             const char *error)
{
	add_left(context, label, "command", command(words), error);
}

static void add_left_wireguard(void *context, const char *label, const char *target)
{
	add_left(context, label, "wireguard", text(target), "");
}

/* Places that peers have left, and that do not have their random key yet. */
static json_t *format_left(const struct monitor *monitor)
{
	json_t *list = json_array();

	retired_files_each(monitor->deliveries.retired_files, add_left_file, list);
	sink_command_each_retired(monitor->deliveries.commands, add_left_command, list);
	device_table_each_retired(monitor->deliveries.devices, add_left_wireguard, list);
	return list;
}

static void format_report(json_t *object, const struct monitor_peer *peer, uint64_t now_ns)
{
	static const char *const states[] = { "idle", "init-hello", "init-conf" };
	const struct channel_peer_report *report = &peer->report;
	bool ever = report->ever != 0;

	set(object, "state", json_string(states[report->state]));
	set(object, "role",
	    !ever ? json_null()
	          : json_string(report->role == ROSENPASS_INITIATOR ? "initiator" : "responder"));
	set(object, "dialect",
	    ever ? json_string(rosenpass_dialect_name((enum rosenpass_dialect)report->dialect))
	         : json_null());
	set(object, "has_key", json_boolean(report->has_key));
	set(object, "confirmed", json_boolean(report->confirmed));
	set(object, "key_age", report->has_key != 0 ? age(report->key_since_ns, now_ns) : json_null());
	set(object, "renewal_in",
	    !peer->has_report || report->renewal_ns == ROSENPASS_NEVER
	            ? json_null()
	            : seconds(report->renewal_ns > now_ns ? report->renewal_ns - now_ns : 0));
	set(object, "exchanges", json_integer((json_int_t)report->exchanges));
	set(object, "timeouts", json_integer((json_int_t)report->timeouts));
	set(object, "retransmissions", json_integer((json_int_t)report->retransmissions));
}

/* Why the peer does not answer; null when it does. */
static json_t *format_unanswered(struct monitor *monitor, const struct monitor_peer *peer, uint64_t now_ns)
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
	char words[EXPLAIN_BYTES];
	json_t *object;

	if (!monitor_silence_explain(monitor, peer, now_ns, words))
		return json_null();
	object = json_object();
	set(object, "age", age(peer->silence.since_ns, now_ns));
	set(object, "reason", text(reasons[peer->silence.reason]));
	set(object, "words", text(words));
	return object;
}

static json_t *format_peer(struct monitor *monitor, struct monitor_peer *peer, uint64_t now_ns)
{
	json_t *object = json_object();
	json_t *addresses = json_array();
	json_t *outputs = json_array();
	/* Empty as long as it has not been computed. */
	const char *id = peer->ids[monitor_peers_shown_dialect(peer) == ROSENPASS_SHAKE256_156];

	for (uint32_t i = 0; i < peer->addresses.count; i++)
		(void)json_array_append_new(addresses, address(&peer->addresses.list[i]));
	for (size_t i = 0; i < delivery_sink_count(peer->delivery); i++)
		(void)json_array_append_new(
			outputs, format_output(monitor, peer, delivery_sink(peer->delivery, i), now_ns));
	set(object, "number", json_integer((json_int_t)peer->number));
	set(object, "name", text(peer->config.name));
	set(object, "id", text(id));
	set(object, "at_run_time", json_boolean(peer->at_run_time));
	set(object, "public_key", text(peer->config.public_key));
	set(object, "endpoint", text(peer->config.endpoint));
	set(object, "addresses", addresses);
	set(object, "resolve_error", text(hostname_problem(peer->hostname)));
	set(object, "address",
	    peer->report.has_endpoint != 0 ? address(&peer->report.endpoint) : address(&peer->last));
	format_report(object, peer, now_ns);
	if (peer->report.send_error != 0)
		set(object, "last_error", text(strerror(peer->report.send_error)));
	else
		set(object, "last_error",
		    peer->troubled || !peer->has_report ? text(peer->last_error) : json_null());
	set(object, "unanswered", format_unanswered(monitor, peer, now_ns));
	set(object, "outputs", outputs);
	return object;
}

static json_t *format_caller(struct monitor *monitor, const struct rejects_caller *caller, uint64_t now_ns)
{
	static const char *const reasons[CHANNEL_REJECTED_COUNT] = {
		[CHANNEL_REJECTED_OTHER_KEY] = "other-key",
		[CHANNEL_REJECTED_UNKNOWN] = "unknown-peer",
		[CHANNEL_REJECTED_AUTH] = "not-proven",
		[CHANNEL_REJECTED_DIALECT] = "dialect",
	};
	const struct monitor_peer *peer = monitor_peers_get(monitor, caller->slot, caller->serial);
	bool has_id = caller->last.reason != CHANNEL_REJECTED_OTHER_KEY;
	json_t *object = json_object();
	char id[MONITOR_ID_CHARS + 1];
	char words[EXPLAIN_BYTES];

	base64_encode_key(id, caller->last.id);
	monitor_silence_explain_rejected(monitor, caller, peer, words);
	set(object, "address", address(&caller->last.from));
	set(object, "reason", text(reasons[caller->last.reason]));
	set(object, "claimed_id", has_id ? text(id) : json_null());
	set(object, "claimed_peer", peer == NULL ? json_null() : json_integer((json_int_t)peer->number));
	set(object, "claimed_name", peer == NULL ? json_null() : text(peer->config.name));
	set(object, "count", json_integer((json_int_t)caller->total));
	set(object, "age", age(caller->last_ns, now_ns));
	set(object, "words", text(words));
	return object;
}

static int by_last(const void *a, const void *b)
{
	const struct rejects_caller *const *x = a;
	const struct rejects_caller *const *y = b;

	return ((*x)->last_ns < (*y)->last_ns) - ((*x)->last_ns > (*y)->last_ns);
}

/* The callers that were rejected last, the latest first. */
static json_t *format_rejected(struct monitor *monitor, uint64_t now_ns)
{
	const struct rejects_caller *callers[CHANNEL_REJECTED_COUNT * REJECTS_CALLERS];
	json_t *object = json_object();
	json_t *last = json_array();
	uint64_t total = 0;
	size_t count = 0;

	for (size_t i = 0; i < CHANNEL_REJECTED_COUNT; i++) {
		total += monitor->rejects[i].total;
		for (size_t j = 0; j < monitor->rejects[i].count; j++)
			callers[count++] = &monitor->rejects[i].callers[j];
	}
	if (count > 0)
		qsort(callers, count, sizeof(*callers), by_last);
	for (size_t i = 0; i < count && i < REJECTED_SHOWN; i++)
		(void)json_array_append_new(last, format_caller(monitor, callers[i], now_ns));
	set(object, "total", json_integer((json_int_t)total));
	set(object, "callers", json_integer((json_int_t)count));
	set(object, "last", last);
	return object;
}

static json_t *format_traffic(const struct channel_report *report)
{
	json_t *received = json_object();
	json_t *object = json_object();

	for (size_t i = 0; i < VERDICT_INDEX_COUNT; i++)
		set(received, rosenpass_verdict_name(verdict_at(i)),
		    json_integer((json_int_t)report->received[i]));
	set(object, "received", received);
	set(object, "sent", json_integer((json_int_t)report->sent));
	set(object, "sent_bytes", json_integer((json_int_t)report->sent_bytes));
	return object;
}

static json_t *format_load(const struct channel_report *report, uint64_t now_ns)
{
	json_t *object = json_object();

	set(object, "under_load", json_boolean(report->under_load_since_ns != 0));
	set(object, "busy", json_real((double)report->busy_permille / 1000));
	set(object, "cookies_since", age(report->under_load_since_ns, now_ns));
	return object;
}

/* Peers in the order in which the configuration names them. */
static int by_number(const void *a, const void *b)
{
	const struct monitor_peer *const *x = a;
	const struct monitor_peer *const *y = b;

	return ((*x)->number > (*y)->number) - ((*x)->number < (*y)->number);
}

static json_t *format_peers(struct monitor *monitor, uint64_t now_ns)
{
	json_t *list = json_array();
	struct monitor_peer **sorted = calloc(monitor->slots + 1, sizeof(*sorted));
	size_t count = 0;

	for (size_t i = 0; sorted != NULL && i < monitor->slots; i++) {
		if (monitor->peers[i] != NULL && !monitor->peers[i]->leaving)
			sorted[count++] = monitor->peers[i];
	}
	if (count > 0)
		qsort(sorted, count, sizeof(*sorted), by_number);
	for (size_t i = 0; i < count; i++)
		(void)json_array_append_new(list, format_peer(monitor, sorted[i], now_ns));
	free(sorted);
	return list;
}

char *monitor_status_format(struct monitor *monitor, uint64_t now_ns)
{
	json_t *status = json_object();
	json_t *listen = json_array();
	json_t *answer;
	char *line;

	for (size_t i = 0; i < listeners_count(monitor->listeners); i++)
		(void)json_array_append_new(listen, format_listener(monitor->listeners, i));
	set(status, "name", text(monitor->name));
	set(status, "program", text(log_name()));
	set(status, "version", text(monitor->options.version));
	set(status, "pid", json_integer(getpid()));
	set(status, "engine_pid", json_integer(monitor->engine_pid));
	set(status, "uptime", seconds(now_ns - monitor->started_ns));
	set(status, "config", text(monitor->config.file));
	set(status, "fwmark", monitor->mark == 0 ? json_null() : json_integer((json_int_t)monitor->mark));
	set(status, "fwmark_error",
	    text(monitor->mark_problem == 0 ? NULL : strerror(-monitor->mark_problem)));
	set(status, "load", format_load(&monitor->report, now_ns));
	set(status, "random_failing", json_boolean(monitor->report.random_failing != 0));
	set(status, "sandbox", format_sandbox(monitor));
	set(status, "listen", listen);
	set(status, "id", text(monitor_silence_own_id(monitor, ROSENPASS_BLAKE2B_188)));
	set(status, "id_shake256", text(monitor_silence_own_id(monitor, ROSENPASS_SHAKE256_156)));
	set(status, "rejected", format_rejected(monitor, now_ns));
	set(status, "traffic", format_traffic(&monitor->report));
	set(status, "peers", format_peers(monitor, now_ns));
	set(status, "left", format_left(monitor));
	answer = json_pack("{s:b, s:o}", "ok", 1, "status", status);
	line = json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(9));
	json_decref(answer);
	return line;
}

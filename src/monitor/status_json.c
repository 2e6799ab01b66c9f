#include "monitor/status_json.h"

#include <stdlib.h>

#include "rosenpass.h"
#include "system/clock.h"

static void set(json_t *object, const char *key, json_t *value)
{
	(void)json_object_set_new(object, key, value != NULL ? value : json_null());
}

/*
 * A text of unknown encoding (a file name) must not spoil the whole: what is not ASCII comes out as "?"
 * then.
 */
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

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
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

/* --- the daemon ------------------------------------------------------------------------------ */

static json_t *sandbox(const struct status_daemon *daemon)
{
	json_t *list = json_array();

	for (size_t i = 0; i < STATUS_PARTS && daemon->sandbox[i].name != NULL; i++) {
		json_t *object = json_object();

		set(object, "part", text(daemon->sandbox[i].name));
		set(object, "on", json_boolean(daemon->sandbox[i].is_on));
		set(object, "note", json_string(daemon->sandbox[i].note));
		(void)json_array_append_new(list, object);
	}
	return list;
}

static json_t *caller(const struct status_caller *caller, uint64_t now_ns)
{
	json_t *object = json_object();

	set(object, "address", address(&caller->address));
	set(object, "reason", text(caller->reason));
	set(object, "claimed_id", text(caller->claimed_id));
	set(object, "claimed_peer", caller->claimed_peer == 0 ? json_null() : number(caller->claimed_peer));
	set(object, "claimed_name", text(caller->claimed_name));
	set(object, "count", number(caller->count));
	set(object, "age", age(caller->last_ns, now_ns));
	set(object, "words", text(caller->words));
	return object;
}

static json_t *rejected(const struct status_daemon *daemon, uint64_t now_ns)
{
	json_t *object = json_object();
	json_t *last = json_array();

	for (size_t i = 0; i < daemon->last_count; i++)
		(void)json_array_append_new(last, caller(&daemon->last[i], now_ns));
	set(object, "total", number(daemon->rejected_total));
	set(object, "callers", number(daemon->rejected_callers));
	set(object, "last", last);
	return object;
}

static json_t *traffic(const struct status_daemon *daemon)
{
	json_t *received = json_object();
	json_t *object = json_object();

	for (size_t i = 0; i < VERDICT_INDEX_COUNT; i++)
		set(received, rosenpass_verdict_name(verdict_at(i)), number(daemon->received[i]));
	set(object, "received", received);
	set(object, "sent", number(daemon->sent));
	set(object, "sent_bytes", number(daemon->sent_bytes));
	return object;
}

static json_t *load(const struct status_daemon *daemon, uint64_t now_ns)
{
	json_t *object = json_object();

	set(object, "under_load", json_boolean(daemon->under_load_since_ns != 0));
	set(object, "busy", json_real((double)daemon->busy_permille / 1000));
	set(object, "cookies_since", age(daemon->under_load_since_ns, now_ns));
	return object;
}

json_t *status_json_daemon(const struct status_daemon *daemon, uint64_t now_ns)
{
	json_t *object = json_object();

	set(object, "name", text(daemon->name));
	set(object, "program", text(daemon->program));
	set(object, "version", text(daemon->version));
	set(object, "pid", json_integer(daemon->pid));
	set(object, "engine_pid", json_integer(daemon->engine_pid));
	set(object, "uptime", seconds(daemon->uptime_ns));
	set(object, "config", text(daemon->config));
	set(object, "fwmark", daemon->fwmark == 0 ? json_null() : number(daemon->fwmark));
	set(object, "fwmark_error", text(daemon->fwmark_error));
	set(object, "load", load(daemon, now_ns));
	set(object, "random_failing", json_boolean(daemon->is_random_failing));
	set(object, "sandbox", sandbox(daemon));
	set(object, "listen", json_array());
	set(object, "id", text(daemon->id));
	set(object, "id_shake256", text(daemon->id_shake256));
	set(object, "rejected", rejected(daemon, now_ns));
	set(object, "traffic", traffic(daemon));
	set(object, "peers", json_array());
	set(object, "left", json_array());
	return object;
}

void status_json_append(json_t *daemon, const char *list, json_t *value)
{
	(void)json_array_append_new(json_object_get(daemon, list), value);
}

json_t *status_json_listener(const struct status_listener *listener)
{
	json_t *object = json_object();

	set(object, "configured", text(listener->configured));
	set(object, "address", address(&listener->address));
	set(object, "open", json_boolean(listener->is_open));
	set(object, "error", text(listener->error));
	return object;
}

/* --- a peer ------------------------------------------------------------------------------------ */

static void add_wireguard(json_t *object, const struct status_wireguard *wireguard)
{
	bool is_there = wireguard->is_there;

	set(object, "device", text(wireguard->device));
	set(object, "peer", text(wireguard->peer));
	set(object, "protected", json_boolean(wireguard->is_protected));
	set(object, "interface_up", is_there ? json_boolean(wireguard->is_up) : json_null());
	set(object, "endpoint", is_there ? address(&wireguard->endpoint) : json_null());
	set(object, "endpoint_error", text(wireguard->endpoint_error));
	set(object, "handshake_age",
	    is_there && wireguard->had_handshake ? number(wireguard->handshake_age_seconds) : json_null());
	set(object, "received_bytes", number(wireguard->received_bytes));
	set(object, "sent_bytes", number(wireguard->sent_bytes));
	set(object, "tunnel", text(wireguard->tunnel));
	set(object, "tunnel_problem", text(wireguard->tunnel_problem));
}

static json_t *format_output(const struct status_output *output, uint64_t now_ns)
{
	json_t *object = json_object();

	set(object, "kind", text(output->kind));
	set(object, "target", text(output->target != NULL ? output->target : output->made_target));
	if (output->is_wireguard)
		add_wireguard(object, &output->wireguard);
	set(object, "state", text(output->state));
	set(object, "reason", text(output->reason));
	set(object, "age", age(output->state_ns, now_ns));
	set(object, "attempts", number(output->attempts));
	set(object, "failures", number(output->failures));
	set(object, "error", text(output->error));
	return object;
}

static json_t *format_unanswered(const struct status_unanswered *unanswered, uint64_t now_ns)
{
	json_t *object;

	if (unanswered->reason == NULL)
		return json_null();
	object = json_object();
	set(object, "age", age(unanswered->since_ns, now_ns));
	set(object, "reason", text(unanswered->reason));
	set(object, "words", text(unanswered->words));
	return object;
}

static json_t *renewal(const struct status_peer *peer, uint64_t now_ns)
{
	if (peer->renewal_ns == STATUS_NEVER)
		return json_null();
	return seconds(peer->renewal_ns > now_ns ? peer->renewal_ns - now_ns : 0);
}

json_t *status_json_peer(const struct status_peer *peer, uint64_t now_ns)
{
	json_t *object = json_object();
	json_t *addresses = json_array();
	json_t *outputs = json_array();

	for (size_t i = 0; i < peer->address_count; i++)
		(void)json_array_append_new(addresses, address(&peer->addresses[i]));
	for (size_t i = 0; i < peer->output_count; i++)
		(void)json_array_append_new(outputs, format_output(&peer->outputs[i], now_ns));
	set(object, "number", number(peer->number));
	set(object, "name", text(peer->name));
	set(object, "id", text(peer->id));
	set(object, "at_run_time", json_boolean(peer->is_at_run_time));
	set(object, "public_key", text(peer->public_key));
	set(object, "endpoint", text(peer->endpoint));
	set(object, "addresses", addresses);
	set(object, "resolve_error", text(peer->resolve_error));
	set(object, "address", address(&peer->address));
	set(object, "state", text(peer->state));
	set(object, "role", text(peer->role));
	set(object, "dialect", text(peer->dialect));
	set(object, "has_key", json_boolean(peer->has_key));
	set(object, "confirmed", json_boolean(peer->is_confirmed));
	set(object, "key_age", peer->has_key ? age(peer->key_since_ns, now_ns) : json_null());
	set(object, "renewal_in", renewal(peer, now_ns));
	set(object, "exchanges", number(peer->exchanges));
	set(object, "timeouts", number(peer->timeouts));
	set(object, "retransmissions", number(peer->retransmissions));
	set(object, "last_error", text(peer->last_error));
	set(object, "unanswered", format_unanswered(&peer->unanswered, now_ns));
	set(object, "outputs", outputs);
	return object;
}

json_t *status_json_left(const struct status_left *left)
{
	json_t *object = json_object();

	set(object, "peer", text(left->peer));
	set(object, "kind", text(left->kind));
	set(object, "target", text(left->target != NULL ? left->target : left->made_target));
	set(object, "error", text(left->error));
	return object;
}

#include <arpa/inet.h>
#include <jansson.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/client.h"
#include "rp/commands.h"
#include "system/base64.h"
#include "system/log.h"
#include "wireguard/link.h"
#include "wireguard/wireguard.h"

#define TIME_TEXT_BYTES 64
#define SIZE_TEXT_BYTES 32

/* The daemon's word (doc/control.md) and the device's, where we may read it. */
struct view {
	const char *name;
	json_t *status;
	struct wireguard_device device;
	bool has_device;
};

/* "1 minute, 20 seconds" */
static void format_time(char out[static TIME_TEXT_BYTES], double seconds)
{
	static const struct {
		unsigned long long length;
		const char *name;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	unsigned long long left = seconds > 0 ? (unsigned long long)seconds : 0;
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof units / sizeof units[0] && used < TIME_TEXT_BYTES; i++) {
		unsigned long long count = left / units[i].length;

		left %= units[i].length;
		if (count == 0 && (units[i].length > 1 || used > 0))
			continue;
		used += (size_t)snprintf(out + used, TIME_TEXT_BYTES - used, "%s%llu %s%s",
		                         used > 0 ? ", " : "", count, units[i].name, count == 1 ? "" : "s");
	}
}

static void format_size(char out[static SIZE_TEXT_BYTES], uint64_t bytes)
{
	static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	double size = (double)bytes;
	size_t unit = 0;

	while (size >= 1024 && unit + 1 < sizeof units / sizeof units[0]) {
		size /= 1024;
		unit++;
	}
	(void)snprintf(out, SIZE_TEXT_BYTES, unit == 0 ? "%.0f %s" : "%.2f %s", size, units[unit]);
}

/* Nothing that commands a terminal comes out of it. */
static void print_text(const char *label, const char *text)
{
	if (text == NULL || text[0] == '\0')
		return;
	(void)printf("  %s: ", label);
	for (; *text != '\0'; text++)
		(void)putchar((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text);
	(void)putchar('\n');
}

static const char *text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static void print_age(const char *label, const json_t *age, const char *before, const char *after)
{
	char text[TIME_TEXT_BYTES];

	if (!json_is_number(age))
		return;
	format_time(text, json_number_value(age));
	(void)printf("  %s: %s%s%s\n", label, before, text, after);
}

static void print_allowed_ips(const struct wireguard_peer *peer)
{
	(void)fputs("  allowed ips: ", stdout);
	for (size_t i = 0; i < peer->allowed_ip_count; i++) {
		const struct ip_prefix *prefix = &peer->allowed_ips[i];
		char address[INET6_ADDRSTRLEN] = "";

		(void)inet_ntop(prefix->family, &prefix->v6, address, sizeof address);
		(void)printf("%s%s/%u", i > 0 ? ", " : "", address, prefix->bits);
	}
	(void)puts(peer->allowed_ip_count == 0 ? "(none)" : "");
}

static void print_device_peer(const struct wireguard_peer *peer)
{
	print_allowed_ips(peer);
	if (peer->keepalive_seconds > 0)
		(void)printf("  persistent keepalive: every %u second%s\n", peer->keepalive_seconds,
		             peer->keepalive_seconds == 1 ? "" : "s");
}

static void print_traffic(const json_t *output)
{
	uint64_t received = (uint64_t)json_integer_value(json_object_get(output, "received_bytes"));
	uint64_t sent = (uint64_t)json_integer_value(json_object_get(output, "sent_bytes"));
	char in[SIZE_TEXT_BYTES], out[SIZE_TEXT_BYTES];

	if (received == 0 && sent == 0)
		return;
	format_size(in, received);
	format_size(out, sent);
	(void)printf("  transfer: %s received, %s sent\n", in, out);
}

static void print_exchange(const json_t *peer, const json_t *output)
{
	const char *role = text_of(peer, "role");
	const char *dialect = text_of(peer, "dialect");
	const char *reason = text_of(output, "reason");
	const char *state = text_of(output, "state");

	if (json_is_true(json_object_get(peer, "has_key"))) {
		char words[160];

		(void)snprintf(words, sizeof words, " ago (%s, %s)", role == NULL ? "?" : role,
		               dialect == NULL ? "?" : dialect);
		print_age("post-quantum key", json_object_get(peer, "key_age"), "exchanged ", words);
		print_age("next exchange", json_object_get(peer, "renewal_in"), "in ", "");
	} else {
		(void)printf("  post-quantum key: %s\n",
		             reason != NULL && strcmp(reason, "stale") == 0
		                     ? "none; a random one took the place of the last, which was too old"
		                     : "none yet; a random one is in its place");
	}
	print_text("unanswered", text_of(json_object_get(peer, "unanswered"), "words"));
	print_text("last error", text_of(peer, "last_error"));
	if (state != NULL && strcmp(state, "delivered") == 0)
		print_age("in WireGuard", json_object_get(output, "age"), "confirmed, since ", "");
	else
		print_text("in WireGuard",
		           text_of(output, "error") != NULL ? text_of(output, "error") : "not yet");
}

static void print_peer(const struct view *view, const json_t *peer, const json_t *output)
{
	const char *key = text_of(output, "peer");
	const char *endpoint = text_of(output, "endpoint");
	uint8_t public_key[WIREGUARD_KEY_BYTES];

	(void)printf("\npeer: %s\n", key == NULL ? "?" : key);
	print_text("name", text_of(peer, "name"));
	print_text("endpoint", endpoint);
	print_text("endpoint does not resolve", text_of(output, "endpoint_error"));
	print_text("rosenpass",
	           text_of(peer, "address") != NULL ? text_of(peer, "address") : text_of(peer, "endpoint"));
	if (view->has_device && key != NULL && base64_decode_key(public_key, key, strlen(key)) == 0) {
		const struct wireguard_peer *present = wireguard_find(&view->device, public_key);

		if (present != NULL)
			print_device_peer(present);
	}
	if (json_is_number(json_object_get(output, "handshake_age")))
		print_age("latest handshake", json_object_get(output, "handshake_age"), "", " ago");
	else if (text_of(output, "tunnel") != NULL)
		print_text("latest handshake", "none yet");
	print_text("no handshake", text_of(output, "tunnel_problem"));
	print_traffic(output);
	print_exchange(peer, output);
}

/* Callers whose handshakes were rejected, latest first. */
static void print_rejected(const json_t *rejected)
{
	const json_t *caller;
	size_t i;

	json_array_foreach(json_object_get(rejected, "last"), i, caller)
	{
		const char *name = text_of(caller, "claimed_name");
		const char *words = text_of(caller, "words");
		char age[TIME_TEXT_BYTES];
		char *line = NULL;

		format_time(age, json_number_value(json_object_get(caller, "age")));
		if (asprintf(&line, "%s ago: %s%s%s%s", age, name == NULL ? "" : "peer ",
		             name == NULL ? "" : name, name == NULL ? "" : ": ",
		             words == NULL ? "?" : words) < 0)
			continue;
		print_text("rejected", line);
		free(line);
	}
}

static void print_interface(const struct view *view)
{
	struct link link;
	const json_t *listener;
	size_t i;

	(void)printf("interface: %s\n", view->name);
	if (link_look(view->name, &link) == 0 && !link.is_up)
		(void)puts("  interface is down");
	if (view->has_device && sodium_is_zero(view->device.public_key, WIREGUARD_KEY_BYTES) == 0) {
		char key[BASE64_KEY_CHARS + 1];

		base64_encode_key(key, view->device.public_key);
		print_text("public key", key);
		print_text("private key", "(hidden)");
	}
	if (view->has_device)
		(void)printf("  listening port: %u\n", view->device.listen_port);
	json_array_foreach(json_object_get(view->status, "listen"), i, listener)
		print_text("rosenpass", text_of(listener, "address"));
	print_text("peer id", text_of(view->status, "id"));
	print_rejected(json_object_get(view->status, "rejected"));
}

/* The output of a peer that goes to this device. */
static const json_t *find_output(const json_t *peer, const char *device)
{
	const json_t *output;
	size_t i;

	json_array_foreach(json_object_get(peer, "outputs"), i, output)
	{
		const char *name = text_of(output, "device");

		if (name != NULL && strcmp(name, device) == 0)
			return output;
	}
	return NULL;
}

/* Whether the daemon of that name looks after the interface of that name. */
static bool makes_vpn(const struct view *view)
{
	const char *program = text_of(view->status, "program");
	const json_t *peer;
	size_t i;

	/* A VPN without peers has no output. */
	if (program != NULL && strcmp(program, "rp") == 0)
		return true;
	json_array_foreach(json_object_get(view->status, "peers"), i, peer)
	{
		if (find_output(peer, view->name) != NULL)
			return true;
	}
	return false;
}

/*
 * Prints the VPN of that name. Returns the exit status; *is_vpn: the daemon makes a VPN, which was printed.
 */
static int show(const char *name, bool is_first, bool *is_vpn)
{
	struct view view = { .name = name };
	json_t *answer;
	int status = (int)client_ask(name, json_pack("{s:s}", "command", "status"), &answer);
	const json_t *peer;
	size_t i;

	*is_vpn = false;
	view.status = json_object_get(answer, "status");
	if (answer != NULL && makes_vpn(&view)) {
		view.has_device = wireguard_get(&view.device, name) == 0;
		if (!is_first)
			(void)putchar('\n');
		print_interface(&view);
		json_array_foreach(json_object_get(view.status, "peers"), i, peer)
		{
			const json_t *output = find_output(peer, name);

			if (output != NULL)
				print_peer(&view, peer, output);
		}
		if (view.has_device)
			wireguard_release(&view.device);
		*is_vpn = true;
	}
	json_decref(answer);
	return status;
}

int command_status(int count, char **words)
{
	struct client_daemons daemons;
	int status = commands_check_words(count, words, 0, 1);
	bool is_vpn;
	bool any = false;

	if (status != COMMANDS_GO_ON)
		return status;
	if (count > 1) {
		status = show(words[1], true, &is_vpn);
		if (status == COMMAND_OK && !is_vpn) {
			log_error("the daemon called %s makes no VPN of that name; rosenpass status shows it",
			          words[1]);
			status = COMMAND_FAILED;
		}
		return status == COMMAND_OK && fflush(stdout) != 0 ? COMMAND_FAILED : status;
	}
	status = (int)client_find(&daemons);
	for (size_t i = 0; i < daemons.count; i++) {
		int result = show(daemons.names[i], !any, &is_vpn);

		if (result != COMMAND_OK)
			status = result;
		any |= is_vpn;
	}
	if (!any && status == COMMAND_OK) {
		log_error("no VPN of rp runs here");
		status = (int)CLIENT_NO_DAEMON;
	}
	return status == COMMAND_OK && fflush(stdout) != 0 ? COMMAND_FAILED : status;
}

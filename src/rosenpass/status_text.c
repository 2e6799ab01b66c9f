#include "rosenpass/status_text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RED "\033[31m"
#define GREEN "\033[32m"
#define BOLD "\033[1m"
#define PLAIN "\033[0m"
#define AGE_BYTES 64

struct out {
	FILE *file;
	bool colour;
};

static void put(struct out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void put(struct out *out, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vfprintf(out->file, format, arguments);
	va_end(arguments);
}

/* Text that came over the socket must not command a terminal: neither by C0 nor by C1 characters. */
static void put_text(struct out *out, const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
		if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) {
			(void)fputc('?', out->file);
			c++;
			continue;
		}
		(void)fputc(*c < 0x20 || *c == 0x7f ? '?' : *c, out->file);
	}
}

static void put_coloured(struct out *out, const char *colour, const char *text)
{
	if (out->colour)
		put(out, "%s", colour);
	put_text(out, text);
	if (out->colour)
		put(out, PLAIN);
}

static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool is_true(json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static long long number_of(json_t *object, const char *key)
{
	return (long long)json_integer_value(json_object_get(object, key));
}

/* "1 hour, 2 minutes": the two largest units. */
static void format_age(char out[static AGE_BYTES], double seconds)
{
	static const struct {
		long long seconds;
		const char *name;
	} units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
	/* Beyond that it is nonsense, and no number that could be converted. */
	long long left = seconds > 0 && seconds < 1e12 ? (long long)seconds : 0;
	size_t used = 0;
	int parts = 0;

	out[0] = '\0';
	for (size_t i = 0; i < sizeof units / sizeof units[0] && parts < 2; i++) {
		long long count = left / units[i].seconds;

		left %= units[i].seconds;
		if (count == 0 && (parts == 0 ? units[i].seconds > 1 : true))
			continue;
		used += (size_t)snprintf(out + used, AGE_BYTES - used, "%s%lld %s%s", parts > 0 ? ", " : "",
		                         count, units[i].name, count == 1 ? "" : "s");
		parts++;
	}
}

static void put_line(struct out *out, const char *name, const char *text)
{
	if (text == NULL)
		return;
	put(out, "  %s: ", name);
	put_text(out, text);
	put(out, "\n");
}

static void put_age(struct out *out, const char *name, json_t *seconds, const char *after)
{
	char words[AGE_BYTES];

	if (!json_is_number(seconds))
		return;
	format_age(words, json_number_value(seconds));
	put(out, "  %s: %s%s\n", name, words, after);
}

static void put_listen(struct out *out, json_t *list)
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		const char *error = text_of(item, "error");

		put(out, "  listening at: ");
		put_text(out, is_true(item, "open") && text_of(item, "address") != NULL
		                      ? text_of(item, "address")
		              : text_of(item, "configured") != NULL ? text_of(item, "configured")
		                                                    : "?");
		if (error != NULL) {
			put(out, " ");
			put_coloured(out, RED, error);
		}
		put(out, "\n");
	}
}

/* What is on in one line, what is off in another. */
static void put_sandbox(struct out *out, json_t *list)
{
	for (int on = 1; on >= 0; on--) {
		const char *before = on != 0 ? "  sandbox: " : "  not protected by: ";
		size_t i;
		json_t *item;

		json_array_foreach(list, i, item)
		{
			const char *note = text_of(item, "note");

			if (is_true(item, "on") != (on != 0) || text_of(item, "part") == NULL)
				continue;
			put(out, "%s", before);
			put_coloured(out, on != 0 ? "" : RED, text_of(item, "part"));
			if (note != NULL && note[0] != '\0') {
				put(out, " (");
				put_text(out, note);
				put(out, ")");
			}
			before = ", ";
		}
		if (before[0] == ',')
			put(out, "\n");
	}
}

/* The handshakes that were rejected, latest first. */
static void put_rejected(struct out *out, json_t *rejected)
{
	long long callers = number_of(rejected, "callers");
	json_t *last = json_object_get(rejected, "last");
	size_t i;
	json_t *caller;

	if (callers <= 0)
		return;
	put(out, "  rejected: %lld handshake%s of %lld caller%s\n", number_of(rejected, "total"),
	    number_of(rejected, "total") == 1 ? "" : "s", callers, callers == 1 ? "" : "s");
	json_array_foreach(last, i, caller)
	{
		char words[AGE_BYTES];

		format_age(words, json_number_value(json_object_get(caller, "age")));
		put(out, "    %s ago", words);
		if (number_of(caller, "count") > 1)
			put(out, ", %lld times", number_of(caller, "count"));
		put(out, ": ");
		if (json_is_integer(json_object_get(caller, "claimed_peer"))) {
			put(out, "peer ");
			if (text_of(caller, "claimed_name") != NULL)
				put_text(out, text_of(caller, "claimed_name"));
			else
				put(out, "%lld", number_of(caller, "claimed_peer"));
			put(out, ": ");
		}
		put_text(out, text_of(caller, "words") != NULL ? text_of(caller, "words") : "?");
		put(out, "\n");
	}
}

static void put_daemon(struct out *out, json_t *status)
{
	json_t *load = json_object_get(status, "load");

	put_coloured(out, GREEN, "daemon");
	put(out, ": ");
	put_coloured(out, GREEN, text_of(status, "name") != NULL ? text_of(status, "name") : "?");
	put(out, "\n");
	put_line(out, "version", text_of(status, "version"));
	put_line(out, "id", text_of(status, "id"));
	put_line(out, "configuration", text_of(status, "config"));
	put(out, "  processes: %lld, engine %lld\n", number_of(status, "pid"),
	    number_of(status, "engine_pid"));
	put_age(out, "running for", json_object_get(status, "uptime"), "");
	put_listen(out, json_object_get(status, "listen"));
	put_sandbox(out, json_object_get(status, "sandbox"));
	if (json_is_object(load)) {
		put(out, "  load: %.1f %%", json_number_value(json_object_get(load, "busy")) * 100);
		if (is_true(load, "under_load")) {
			put(out, ", ");
			put_coloured(out, RED, "under load: strangers need a cookie");
		}
		put(out, "\n");
	}
	if (is_true(status, "random_failing")) {
		put(out, "  ");
		put_coloured(out, RED, "the system's random source fails: no handshake begins");
		put(out, "\n");
	}
	put_rejected(out, json_object_get(status, "rejected"));
}

static void put_state(struct out *out, json_t *peer)
{
	const char *state = text_of(peer, "state");
	const char *words = state == NULL                      ? NULL
	                    : strcmp(state, "init-hello") == 0 ? "waiting for the peer's answer"
	                    : strcmp(state, "init-conf") == 0  ? "waiting for the peer's confirmation"
	                                                       : NULL;
	long long again = number_of(peer, "retransmissions");

	if (words == NULL)
		return;
	put(out, "  handshake: %s", words);
	if (again > 0)
		put(out, ", asked %lld time%s more", again, again == 1 ? "" : "s");
	put(out, "\n");
}

static void put_key(struct out *out, json_t *peer)
{
	const char *role = text_of(peer, "role");

	if (is_true(peer, "has_key")) {
		put_age(out, "latest key", json_object_get(peer, "key_age"),
		        json_is_false(json_object_get(peer, "confirmed")) ? " ago, not confirmed by the peer"
		                                                          : " ago");
		put_age(out, "next exchange", json_object_get(peer, "renewal_in"), " from now");
	} else {
		put(out, "  latest key: ");
		put_coloured(out, RED, number_of(peer, "exchanges") > 0 ? "too old, erased" : "none yet");
		put(out, "\n");
	}
	if (number_of(peer, "exchanges") > 0)
		put(out, "  exchanges: %lld%s%s, %lld without answer\n", number_of(peer, "exchanges"),
		    role != NULL ? ", last as " : "",
		    role == NULL                     ? ""
		    : strcmp(role, "initiator") == 0 ? "initiator"
		                                     : "responder",
		    number_of(peer, "timeouts"));
	put_line(out, "dialect", text_of(peer, "dialect"));
}

static bool is(const char *text, const char *wanted)
{
	return text != NULL && strcmp(text, wanted) == 0;
}

static void put_output(struct out *out, json_t *output)
{
	const char *state = text_of(output, "state");
	const char *error = text_of(output, "error");
	const char *kind = text_of(output, "kind");
	char words[AGE_BYTES];

	put(out, "  %s: ", is(kind, "command") ? "command" : is(kind, "wireguard") ? "wireguard" : "outfile");
	put_text(out, text_of(output, "target") != NULL ? text_of(output, "target") : "?");
	format_age(words, json_number_value(json_object_get(output, "age")));
	if (is(state, "delivered")) {
		put(out, " has %s since %s",
		    is(text_of(output, "reason"), "exchanged") ? "the key" : "a random key", words);
	} else if (is(state, "failing")) {
		put(out, " ");
		put_coloured(out, RED, "fails");
		put(out, " since %s: ", words);
		put_coloured(out, RED, error != NULL ? error : "?");
	} else if (is(state, "waiting")) {
		put(out, " is being given the key");
	} else if (json_is_false(json_object_get(output, "protected"))) {
		put(out, " ");
		put_coloured(out, RED, "is not protected yet");
		put(out, " (its preshared key stays as it is until the first exchange)");
	}
	put(out, "\n");
	if (json_is_number(json_object_get(output, "handshake_age"))) {
		format_age(words, json_number_value(json_object_get(output, "handshake_age")));
		put(out, "    WireGuard's last handshake: %s ago\n", words);
	} else if (text_of(output, "tunnel") != NULL) {
		put(out, "    WireGuard's last handshake: none yet\n");
	}
	if (text_of(output, "tunnel_problem") != NULL) {
		put(out, "    ");
		put_coloured(out, RED, text_of(output, "tunnel_problem"));
		put(out, "\n");
	}
}

/* A place that still has the last key of a peer that is gone. */
static void put_left(struct out *out, json_t *left)
{
	const char *kind = text_of(left, "kind");
	const char *error = text_of(left, "error");

	put(out, "\n");
	put_text(out, text_of(left, "peer") != NULL ? text_of(left, "peer") : "?");
	put(out, " has left, and its last key is still in %s ",
	    is(kind, "command")     ? "command"
	    : is(kind, "wireguard") ? "wireguard"
	                            : "outfile");
	put_text(out, text_of(left, "target") != NULL ? text_of(left, "target") : "?");
	if (error != NULL) {
		put(out, ": ");
		put_coloured(out, RED, error);
	}
	put(out, "\n");
}

static void put_endpoint(struct out *out, json_t *peer)
{
	json_t *addresses = json_object_get(peer, "addresses");
	const char *endpoint = text_of(peer, "endpoint");
	const char *first = json_string_value(json_array_get(addresses, 0));
	size_t i;
	json_t *item;

	put_line(out, "address", text_of(peer, "address"));
	if (endpoint == NULL)
		return;
	put(out, "  endpoint: ");
	put_text(out, endpoint);
	if (first != NULL && (json_array_size(addresses) > 1 || strcmp(first, endpoint) != 0)) {
		put(out, " (");
		json_array_foreach(addresses, i, item)
		{
			put(out, "%s", i > 0 ? ", " : "");
			put_text(out, json_string_value(item) != NULL ? json_string_value(item) : "?");
		}
		put(out, ")");
	}
	if (text_of(peer, "resolve_error") != NULL) {
		put(out, " ");
		put_coloured(out, RED, text_of(peer, "resolve_error"));
	}
	put(out, "\n");
}

static void put_peer(struct out *out, json_t *peer)
{
	const char *error = text_of(peer, "last_error");
	const char *unanswered = text_of(json_object_get(peer, "unanswered"), "words");
	size_t i;
	json_t *item;

	put(out, "\n");
	put_coloured(out, BOLD, "peer");
	put(out, ": ");
	if (text_of(peer, "name") != NULL)
		put_coloured(out, BOLD, text_of(peer, "name"));
	else
		put(out, "%lld", number_of(peer, "number"));
	put(out, "%s\n", is_true(peer, "at_run_time") ? " (added while running)" : "");
	put_line(out, "id", text_of(peer, "id"));
	put_endpoint(out, peer);
	put_key(out, peer);
	put_state(out, peer);
	if (unanswered != NULL) {
		put(out, "  unanswered: ");
		put_coloured(out, RED, unanswered);
		put(out, "\n");
	}
	json_array_foreach(json_object_get(peer, "outputs"), i, item) put_output(out, item);
	if (error != NULL) {
		put(out, "  last error: ");
		put_coloured(out, RED, error);
		put(out, "\n");
	}
}

/* Runs a writer over a file in memory. */
static char *write_text(void (*writer)(struct out *, json_t *), json_t *status, bool colour)
{
	char *text = NULL;
	size_t size = 0;
	struct out out = { open_memstream(&text, &size), colour };

	if (out.file == NULL)
		return NULL;
	writer(&out, status);
	if (fclose(out.file) == 0)
		return text;
	free(text);
	return NULL;
}

static void write_status(struct out *out, json_t *status)
{
	size_t i;
	json_t *item;

	put_daemon(out, status);
	json_array_foreach(json_object_get(status, "peers"), i, item) put_peer(out, item);
	json_array_foreach(json_object_get(status, "left"), i, item) put_left(out, item);
}

char *status_text_format(json_t *status, bool colour)
{
	return write_text(write_status, status, colour);
}

static void write_peers(struct out *out, json_t *status)
{
	size_t i;
	json_t *peer;

	json_array_foreach(json_object_get(status, "peers"), i, peer)
	{
		put(out, "%lld\t", number_of(peer, "number"));
		put_text(out, text_of(peer, "name") != NULL ? text_of(peer, "name") : "-");
		put(out, "\t");
		put_text(out, text_of(peer, "id") != NULL ? text_of(peer, "id") : "-");
		put(out, "\t");
		put_text(out, text_of(peer, "public_key") != NULL ? text_of(peer, "public_key") : "-");
		put(out, "\n");
	}
}

char *status_text_peers(json_t *status)
{
	return write_text(write_peers, status, false);
}

#include "rosenpass/metrics_text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Prometheus wants all samples of a metric together, below its HELP and TYPE: hence metric by metric over all
 * daemons and peers, not the other way round.
 */

enum scope {
	OF_DAEMON,
	OF_PEER,
	OF_OUTPUT,
	OF_SANDBOX,
	OF_VERDICT,
	OF_LISTENER,
	OF_BUILD,
};

struct metric {
	const char *name; /* after rosenpass_ */
	const char *type;
	const char *help;
	enum scope scope;
	const char *path[2]; /* of the value in the object; [1] NULL: one step */
};

static const struct metric metrics[] = {
	{ "build_info",
	  "gauge",
	  "1, with the program and the version of the daemon.",
	  OF_BUILD,
	  { "version", NULL } },
	{ "uptime_seconds", "gauge", "How long the daemon has been running.", OF_DAEMON, { "uptime", NULL } },
	{ "under_load", "gauge", "1 while strangers need a cookie.", OF_DAEMON, { "load", "under_load" } },
	{ "random_failing",
	  "gauge",
	  "1 while the system's random source fails, so that no handshake begins.",
	  OF_DAEMON,
	  { "random_failing", NULL } },
	{ "busy_ratio",
	  "gauge",
	  "Part of the last second that went into datagrams and timers.",
	  OF_DAEMON,
	  { "load", "busy" } },
	{ "received_total",
	  "counter",
	  "Datagrams received, by what became of them.",
	  OF_VERDICT,
	  { "traffic", "received" } },
	{ "sent_total", "counter", "Datagrams sent.", OF_DAEMON, { "traffic", "sent" } },
	{ "sent_bytes_total", "counter", "Bytes sent.", OF_DAEMON, { "traffic", "sent_bytes" } },
	{ "rejected_total",
	  "counter",
	  "Handshakes rejected for their key, preshared key or dialect.",
	  OF_DAEMON,
	  { "rejected", "total" } },
	{ "rejected_callers",
	  "gauge",
	  "Callers with rejected handshakes that are remembered.",
	  OF_DAEMON,
	  { "rejected", "callers" } },
	{ "listener_open",
	  "gauge",
	  "1 for each address that the daemon listens on, 0 for each that it could not open.",
	  OF_LISTENER,
	  { "open", NULL } },
	{ "sandbox", "gauge", "1 for each part of the sandbox that is on.", OF_SANDBOX, { "on", NULL } },
	{ "peer_has_key",
	  "gauge",
	  "1 when the peer has a key that is not too old.",
	  OF_PEER,
	  { "has_key", NULL } },
	{ "peer_key_age_seconds", "gauge", "Age of the peer's key.", OF_PEER, { "key_age", NULL } },
	{ "peer_exchanges_total",
	  "counter",
	  "Keys exchanged with the peer.",
	  OF_PEER,
	  { "exchanges", NULL } },
	{ "peer_timeouts_total",
	  "counter",
	  "Handshakes that the peer did not answer.",
	  OF_PEER,
	  { "timeouts", NULL } },
	{ "peer_unanswered_seconds",
	  "gauge",
	  "How long the peer has not answered, from ten seconds on; 0 while it answers.",
	  OF_PEER,
	  { "unanswered", "age" } },
	{ "peer_retransmissions",
	  "gauge",
	  "Times the present handshake was sent again.",
	  OF_PEER,
	  { "retransmissions", NULL } },
	{ "peer_has_address",
	  "gauge",
	  "1 when it is known where the peer is.",
	  OF_PEER,
	  { "address", NULL } },
	{ "peer_resolve_failing",
	  "gauge",
	  "1 while the name of the peer's endpoint does not resolve.",
	  OF_PEER,
	  { "resolve_error", NULL } },
	{ "output_delivered",
	  "gauge",
	  "1 when the present key has arrived there.",
	  OF_OUTPUT,
	  { "state", NULL } },
	{ "output_failures_total",
	  "counter",
	  "Tries to deliver a key that failed.",
	  OF_OUTPUT,
	  { "failures", NULL } },
	{ "output_resolve_failing",
	  "gauge",
	  "1 while the name of WireGuard's endpoint does not resolve.",
	  OF_OUTPUT,
	  { "endpoint_error", NULL } },
	{ "output_tunnel_problem",
	  "gauge",
	  "1 when WireGuard holds the key and tries, but has no handshake.",
	  OF_OUTPUT,
	  { "tunnel_problem", NULL } },
};

/* A value between quotes: backslash, quote and line end are escaped. */
static void put_label(FILE *out, const char *name, const char *value)
{
	(void)fprintf(out, "%s=\"", name);
	for (const char *c = value == NULL ? "" : value; *c != '\0'; c++) {
		if (*c == '\n')
			(void)fputs("\\n", out);
		else if (*c == '\\' || *c == '"')
			(void)fprintf(out, "\\%c", *c);
		else
			(void)fputc(*c, out);
	}
	(void)fputc('"', out);
}

static const char *text_of(json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* The labels that all samples of a peer have. */
static void put_peer_labels(FILE *out, json_t *status, json_t *peer)
{
	const char *id = text_of(peer, "id");
	const char *name = text_of(peer, "name");
	char number[32];

	(void)snprintf(number, sizeof number, "%lld",
	               (long long)json_integer_value(json_object_get(peer, "number")));
	put_label(out, "daemon", text_of(status, "name"));
	(void)fputc(',', out);
	put_label(out, "peer", name != NULL ? name : number);
	(void)fputc(',', out);
	put_label(out, "id", id);
}

static void put_value(FILE *out, json_t *value)
{
	if (json_is_boolean(value))
		(void)fprintf(out, "} %d\n", json_is_true(value) ? 1 : 0);
	else if (json_is_integer(value))
		(void)fprintf(out, "} %lld\n", (long long)json_integer_value(value));
	else if (json_is_real(value))
		(void)fprintf(out, "} %.9g\n", json_real_value(value));
	else
		(void)fprintf(out, "} %d\n", json_is_string(value) ? 1 : 0);
}

static json_t *value_of(const struct metric *metric, json_t *object)
{
	json_t *value = json_object_get(object, metric->path[0]);

	return metric->path[1] == NULL ? value : json_object_get(value, metric->path[1]);
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

/* "InitHello answered" as a label: init_hello_answered. */
static void put_snake_case(FILE *out, const char *name, const char *words)
{
	(void)fprintf(out, "%s=\"", name);
	for (const char *c = words; *c != '\0'; c++) {
		if (is_upper(*c) && c > words && is_lower(c[-1]))
			(void)fputc('_', out);
		if (is_upper(*c))
			(void)fputc(*c - 'A' + 'a', out);
		else
			(void)fputc(is_lower(*c) || (*c >= '0' && *c <= '9') ? *c : '_', out);
	}
	(void)fputc('"', out);
}

static void put_daemon(FILE *out, const struct metric *metric, json_t *status)
{
	(void)fprintf(out, "rosenpass_%s{", metric->name);
	put_label(out, "daemon", text_of(status, "name"));
	put_value(out, value_of(metric, status));
}

static void put_verdicts(FILE *out, const struct metric *metric, json_t *status)
{
	const char *verdict;
	json_t *value;

	json_object_foreach(value_of(metric, status), verdict, value)
	{
		(void)fprintf(out, "rosenpass_%s{", metric->name);
		put_label(out, "daemon", text_of(status, "name"));
		(void)fputc(',', out);
		put_snake_case(out, "verdict", verdict);
		put_value(out, value);
	}
}

static void put_sandbox(FILE *out, const struct metric *metric, json_t *status)
{
	size_t i;
	json_t *part;

	json_array_foreach(json_object_get(status, "sandbox"), i, part)
	{
		(void)fprintf(out, "rosenpass_%s{", metric->name);
		put_label(out, "daemon", text_of(status, "name"));
		(void)fputc(',', out);
		put_label(out, "part", text_of(part, "part"));
		put_value(out, value_of(metric, part));
	}
}

static void put_listeners(FILE *out, const struct metric *metric, json_t *status)
{
	size_t i;
	json_t *listener;

	json_array_foreach(json_object_get(status, "listen"), i, listener)
	{
		(void)fprintf(out, "rosenpass_%s{", metric->name);
		put_label(out, "daemon", text_of(status, "name"));
		(void)fputc(',', out);
		put_label(out, "listen", text_of(listener, "configured"));
		put_value(out, value_of(metric, listener));
	}
}

static void put_build(FILE *out, const struct metric *metric, json_t *status)
{
	(void)fprintf(out, "rosenpass_%s{", metric->name);
	put_label(out, "daemon", text_of(status, "name"));
	(void)fputc(',', out);
	put_label(out, "program", text_of(status, "program"));
	(void)fputc(',', out);
	put_label(out, "version", text_of(status, "version"));
	(void)fputs("} 1\n", out);
}

static void put_peer(FILE *out, const struct metric *metric, json_t *status, json_t *peer)
{
	json_t *value = value_of(metric, peer);

	/* Without a key there is no age of one. Other values are texts or nothing, which counts as 1 or 0. */
	if (json_is_null(value) && strcmp(metric->name, "peer_key_age_seconds") == 0)
		return;
	(void)fprintf(out, "rosenpass_%s{", metric->name);
	put_peer_labels(out, status, peer);
	put_value(out, value);
}

static void put_outputs(FILE *out, const struct metric *metric, json_t *status, json_t *peer)
{
	size_t i;
	json_t *output;

	json_array_foreach(json_object_get(peer, "outputs"), i, output)
	{
		json_t *value = value_of(metric, output);
		bool is_state = strcmp(metric->path[0], "state") == 0;

		/* Outputs that are none of WireGuard's have neither tunnel nor endpoint. */
		if (value == NULL)
			continue;
		(void)fprintf(out, "rosenpass_%s{", metric->name);
		put_peer_labels(out, status, peer);
		(void)fputc(',', out);
		put_label(out, "kind", text_of(output, "kind"));
		(void)fputc(',', out);
		put_label(out, "target", text_of(output, "target"));
		if (is_state && json_is_string(value))
			(void)fprintf(out, "} %d\n",
			              strcmp(json_string_value(value), "delivered") == 0 ? 1 : 0);
		else
			put_value(out, value);
	}
}

static void put_metric(FILE *out, const struct metric *metric, json_t *status)
{
	size_t i;
	json_t *peer;

	switch (metric->scope) {
	case OF_DAEMON:
		put_daemon(out, metric, status);
		return;
	case OF_VERDICT:
		put_verdicts(out, metric, status);
		return;
	case OF_SANDBOX:
		put_sandbox(out, metric, status);
		return;
	case OF_LISTENER:
		put_listeners(out, metric, status);
		return;
	case OF_BUILD:
		put_build(out, metric, status);
		return;
	case OF_PEER:
	case OF_OUTPUT:
		break;
	}
	json_array_foreach(json_object_get(status, "peers"), i, peer)
	{
		if (metric->scope == OF_PEER)
			put_peer(out, metric, status, peer);
		else
			put_outputs(out, metric, status, peer);
	}
}

char *metrics_text_format(json_t *const *statuses, size_t count)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	if (out == NULL)
		return NULL;
	for (size_t m = 0; m < sizeof metrics / sizeof metrics[0]; m++) {
		(void)fprintf(out, "# HELP rosenpass_%s %s\n# TYPE rosenpass_%s %s\n", metrics[m].name,
		              metrics[m].help, metrics[m].name, metrics[m].type);
		for (size_t i = 0; i < count; i++)
			put_metric(out, &metrics[m], statuses[i]);
	}
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

#include "config/wireguard_params.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/endpoint_syntax.h"
#include "config/suggest.h"

#define DIGITS "0123456789"
#define BLANKS " \t"

/* An address and its number of bits; longer than any. */
#define PREFIX_BYTES 64

#define KEY_CHARS 44

/* So much of what the user wrote is shown. */
#define TEXT_SHOWN 100

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int fail(char *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int fail(char *problem, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(problem, WIREGUARD_PARAMS_PROBLEM_BYTES, format, arguments);
	va_end(arguments);
	return -1;
}

/* false: no number up to most. */
static bool read_number(const char *text, unsigned long most, unsigned long *out)
{
	size_t digits = strspn(text, DIGITS);

	if (digits == 0 || text[digits] != '\0')
		return false;
	/* What overflows is ULONG_MAX. */
	*out = strtoul(text, NULL, 10);
	return *out <= most;
}

/* One prefix, of length characters. */
static int read_prefix(struct ip_prefix *out, const char *from, size_t length, bool keep_host, char *problem)
{
	int shown = (int)(length < TEXT_SHOWN ? length : TEXT_SHOWN);
	char text[PREFIX_BYTES] = "";
	unsigned long bits;
	unsigned long most;
	char *slash;

	if (length == 0)
		return fail(problem, "an entry of the list is empty; expected addresses with a comma between "
		                     "them, as in 10.0.0.0/8,fd00::/64");
	if ((from[0] == '+' || from[0] == '-') && length > 1)
		return fail(problem,
		            "\"%.*s\" begins with %c; lists are given as a whole here, so write all of it "
		            "without signs",
		            shown, from, from[0]);
	if (length < sizeof text)
		memcpy(text, from, length);
	slash = strchr(text, '/');
	if (slash != NULL)
		*slash++ = '\0';
	*out = (struct ip_prefix){ 0 };
	if (inet_pton(AF_INET, text, &out->v4) == 1)
		out->family = AF_INET;
	else if (inet_pton(AF_INET6, text, &out->v6) == 1)
		out->family = AF_INET6;
	else
		return fail(problem,
		            "\"%.*s\" is not an IP address; expected one such as 10.0.0.0/8 or fd00::/64",
		            shown, from);
	most = out->family == AF_INET ? 32 : 128;
	bits = most;
	if (slash != NULL && !read_number(slash, most, &bits))
		return fail(problem, "\"%.*s\" needs a number of bits from 0 to %lu after the /", shown, from,
		            most);
	out->bits = (uint8_t)bits;
	if (!keep_host)
		ip_prefix_clear_host(out);
	return 0;
}

int wireguard_params_prefixes(struct ip_prefix **out, size_t *count, const char *text, bool keep_host,
                              char problem[static WIREGUARD_PARAMS_PROBLEM_BYTES])
{
	struct ip_prefix *prefixes;
	size_t most = 1;
	size_t used = 0;

	*out = NULL;
	*count = 0;
	if (text[strspn(text, BLANKS)] == '\0')
		return 0;
	for (const char *at = text; *at != '\0'; at++)
		most += *at == ',';
	prefixes = calloc(most, sizeof *prefixes);
	if (prefixes == NULL)
		return fail(problem, "out of memory");
	while (used < most) {
		const char *from = text + strspn(text, BLANKS);
		size_t span = strcspn(from, ",");
		size_t length = span;

		while (length > 0 && strchr(BLANKS, from[length - 1]) != NULL)
			length--;
		if (read_prefix(&prefixes[used++], from, length, keep_host, problem) != 0) {
			free(prefixes);
			return -1;
		}
		/* Past the end once, after the last one. */
		text = from + span + 1;
	}
	*out = prefixes;
	*count = used;
	return 0;
}

static int read_endpoint(struct wireguard_params *out, const char *text, char *problem)
{
	const char *reason = endpoint_syntax_problem(text, false);

	if (reason != NULL)
		return fail(problem, "endpoint \"%.*s\" %s", TEXT_SHOWN, text, reason);
	out->endpoint = strdup(text);
	return out->endpoint == NULL ? fail(problem, "out of memory") : 0;
}

static int read_keepalive(struct wireguard_params *out, const char *text, char *problem)
{
	unsigned long seconds = 0;

	if (strcmp(text, "off") != 0 && !read_number(text, UINT16_MAX, &seconds))
		return fail(
			problem,
			"persistent-keepalive \"%.*s\" is not a time; expected seconds from 1 to %d, or off",
			TEXT_SHOWN, text, UINT16_MAX);
	out->has_keepalive = true;
	out->keepalive_seconds = (uint16_t)seconds;
	return 0;
}

static int read_allowed_ips(struct wireguard_params *out, const char *text, char *problem)
{
	char reason[WIREGUARD_PARAMS_PROBLEM_BYTES];

	if (wireguard_params_prefixes(&out->allowed_ips, &out->allowed_ip_count, text, false, reason) != 0)
		return fail(problem, "allowed-ips: %.*s", WIREGUARD_PARAMS_PROBLEM_BYTES - 14, reason);
	out->has_allowed_ips = true;
	return 0;
}

static const struct {
	const char *word;
	int (*read)(struct wireguard_params *out, const char *text, char *problem);
} known[] = {
	{ "endpoint", read_endpoint },
	{ "persistent-keepalive", read_keepalive },
	{ "allowed-ips", read_allowed_ips },
};

/* What looks like a key in base64 is not shown: it may be a secret one that slipped from its place. */
static bool may_be_key(const char *word)
{
	return strlen(word) == KEY_CHARS && word[KEY_CHARS - 1] == '=';
}

/* What wg knows, and what is not for these words to change. */
static const char *refusal(const char *word)
{
	if (strcmp(word, "preshared-key") == 0)
		return "is what Rosenpass sets by itself; leave it and its value out";
	if (strcmp(word, "remove") == 0)
		return "would take away the peer that keys are for; leave it out";
	return NULL;
}

static int fail_unknown(const char *word, char *problem)
{
	const char *names[COUNT(known)];
	const char *nearest;

	if (refusal(word) != NULL)
		return fail(problem, "%s %s", word, refusal(word));
	if (may_be_key(word))
		return fail(problem,
		            "a key stands where endpoint, persistent-keepalive or allowed-ips is expected");
	for (size_t i = 0; i < COUNT(known); i++)
		names[i] = known[i].word;
	nearest = suggest_nearest(word, names, COUNT(known));
	if (nearest != NULL)
		return fail(problem, "unknown argument \"%.*s\"; did you mean %s?", TEXT_SHOWN, word,
		            nearest);
	return fail(problem,
	            "unknown argument \"%.*s\"; expected endpoint, persistent-keepalive or allowed-ips, each "
	            "with a value after it",
	            TEXT_SHOWN, word);
}

static int read_words(struct wireguard_params *out, char *const *words, size_t count, char *problem)
{
	bool seen[COUNT(known)] = { false };

	for (size_t at = 0; at < count; at += 2) {
		size_t which = 0;

		while (which < COUNT(known) && strcmp(words[at], known[which].word) != 0)
			which++;
		if (which == COUNT(known))
			return fail_unknown(words[at], problem);
		if (seen[which])
			return fail(problem, "%s was already set", words[at]);
		if (at + 1 == count)
			return fail(problem, "%s needs a value after it", words[at]);
		seen[which] = true;
		if (known[which].read(out, words[at + 1], problem) != 0)
			return -1;
	}
	return 0;
}

int wireguard_params_read(struct wireguard_params *out, char *const *words, size_t count,
                          char problem[static WIREGUARD_PARAMS_PROBLEM_BYTES])
{
	*out = (struct wireguard_params){ 0 };
	if (read_words(out, words, count, problem) == 0)
		return 0;
	wireguard_params_release(out);
	return -1;
}

void wireguard_params_release(struct wireguard_params *params)
{
	free(params->endpoint);
	free(params->allowed_ips);
	*params = (struct wireguard_params){ 0 };
}

int wireguard_params_copy(struct wireguard_params *out, const struct wireguard_params *from)
{
	size_t bytes = from->allowed_ip_count * sizeof *from->allowed_ips;

	*out = *from;
	out->endpoint = from->endpoint == NULL ? NULL : strdup(from->endpoint);
	out->allowed_ips = bytes == 0 ? NULL : malloc(bytes);
	if ((out->endpoint == NULL && from->endpoint != NULL) || (out->allowed_ips == NULL && bytes > 0)) {
		wireguard_params_release(out);
		return -1;
	}
	if (bytes > 0)
		memcpy(out->allowed_ips, from->allowed_ips, bytes);
	return 0;
}

static bool same_endpoint(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool wireguard_params_equal(const struct wireguard_params *a, const struct wireguard_params *b)
{
	return same_endpoint(a->endpoint, b->endpoint) && a->has_keepalive == b->has_keepalive &&
	       a->keepalive_seconds == b->keepalive_seconds && a->has_allowed_ips == b->has_allowed_ips &&
	       ip_prefix_same(a->allowed_ips, a->allowed_ip_count, b->allowed_ips, b->allowed_ip_count);
}

/* Appends two words, which are copied. */
static int add(struct string_list *list, const char *word, const char *value)
{
	char *copies[] = { strdup(word), strdup(value) };

	for (size_t i = 0; i < COUNT(copies); i++) {
		if (copies[i] == NULL || string_list_append(list, copies[i]) != 0) {
			/* The list has taken over, or freed, those before and this one. */
			for (size_t j = i + 1; j < COUNT(copies); j++)
				free(copies[j]);
			return -1;
		}
	}
	return 0;
}

/* Prefixes with commas between them, allocated. NULL: out of memory. */
static char *join(const struct ip_prefix *prefixes, size_t count)
{
	char *text = calloc(count + 1, PREFIX_BYTES);
	size_t used = 0;

	for (size_t i = 0; i < count && text != NULL; i++) {
		char address[INET6_ADDRSTRLEN] = "";

		(void)inet_ntop(prefixes[i].family, &prefixes[i].v6, address, sizeof address);
		used += (size_t)snprintf(text + used, PREFIX_BYTES, "%s%s/%u", i > 0 ? "," : "", address,
		                         prefixes[i].bits);
	}
	return text;
}

int wireguard_params_list(struct string_list *out, const struct wireguard_params *params)
{
	char number[8] = "off";
	char *prefixes;
	int result = 0;

	*out = (struct string_list){ 0 };
	if (params->has_allowed_ips) {
		prefixes = join(params->allowed_ips, params->allowed_ip_count);
		result = prefixes == NULL ? -1 : add(out, "allowed-ips", prefixes);
		free(prefixes);
	}
	if (params->keepalive_seconds != 0)
		(void)snprintf(number, sizeof number, "%u", params->keepalive_seconds);
	if (params->has_keepalive && result == 0)
		result = add(out, "persistent-keepalive", number);
	if (params->endpoint != NULL && result == 0)
		result = add(out, "endpoint", params->endpoint);
	return result;
}

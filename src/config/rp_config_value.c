#include "config/rp_config_value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/endpoint_syntax.h"
#include "config/wireguard_words.h"

#define DIGITS "0123456789"
#define BLANKS " \t"
#define PORT_DIGITS_MAX 5
#define KEEPALIVE_MAX UINT16_MAX

/* So much of what the user wrote is shown. */
#define TEXT_SHOWN 100

/* The number that a text is, or more than most where it is none. */
static unsigned long number(const char *text, unsigned long most)
{
	size_t digits = strspn(text, DIGITS);
	unsigned long value;

	if (digits == 0 || text[digits] != '\0')
		return most + 1;
	/* What overflows is ULONG_MAX. */
	value = strtoul(text, NULL, 10);
	return value > most ? most + 1 : value;
}

/* The port of what endpoint_syntax_problem() found good. */
static unsigned long port_of(const char *text)
{
	return number(strrchr(text, ':') + 1, RP_CONFIG_PORT_MAX);
}

static int fail_last_port(const struct config_place *place, const char *key, const char *text)
{
	return config_value_fail(place,
	                         "%s \"%.*s\" has the last port, 65535, and WireGuard needs the one after "
	                         "it; choose one up to %d",
	                         key, TEXT_SHOWN, text, RP_CONFIG_PORT_MAX);
}

static int give(char **out, const struct config_place *place, char *text)
{
	if (text == NULL)
		return config_value_fail(place, "out of memory");
	*out = text;
	return 0;
}

int rp_config_value_listen(char **out, const struct config_place *place, const char *key, const char *text)
{
	char *full;

	if (config_value_listen(&full, place, key, text) != 0)
		return -1;
	if (port_of(full) >= 1 && port_of(full) <= RP_CONFIG_PORT_MAX) {
		*out = full;
		return 0;
	}
	if (port_of(full) > RP_CONFIG_PORT_MAX)
		(void)fail_last_port(place, key, text);
	else
		(void)config_value_fail(place,
		                        "%s \"%.*s\" has port 0; give one from 1 to %d, or leave %s out "
		                        "for a free one",
		                        key, TEXT_SHOWN, text, RP_CONFIG_PORT_MAX, key);
	free(full);
	return -1;
}

int rp_config_value_endpoint(char **out, const struct config_place *place, const char *key, const char *text)
{
	if (endpoint_syntax_problem(text, false) == NULL && port_of(text) > RP_CONFIG_PORT_MAX)
		return fail_last_port(place, key, text);
	return config_value_endpoint(out, place, key, text);
}

static bool is_empty(const char *text)
{
	return text[strspn(text, BLANKS)] == '\0';
}

static int check_prefixes(const struct config_place *place, const char *key, const char *text, bool keep_host)
{
	char problem[WIREGUARD_WORDS_PROBLEM_BYTES];
	struct ip_prefix *prefixes = NULL;
	size_t count = 0;

	if (wireguard_words_prefixes(&prefixes, &count, text, keep_host, problem) != 0)
		return config_value_fail(place, "%s: %s", key, problem);
	free(prefixes);
	return 0;
}

int rp_config_value_allowed_ips(char **out, const struct config_place *place, const char *key,
                                const char *text)
{
	char *longer = NULL;

	if (is_empty(text))
		return 0;
	if (check_prefixes(place, key, text, false) != 0)
		return -1;
	if (*out == NULL)
		return give(out, place, strdup(text));
	if (asprintf(&longer, "%s,%s", *out, text) < 0)
		return config_value_fail(place, "out of memory");
	free(*out);
	*out = longer;
	return 0;
}

int rp_config_value_ips(struct config_words *out, const struct config_place *place, const char *key,
                        const char *text)
{
	if (is_empty(text))
		return config_value_fail(place, "%s is empty; expected an address such as fc00::1/64", key);
	if (check_prefixes(place, key, text, true) != 0)
		return -1;
	for (;;) {
		const char *from = text + strspn(text, BLANKS);
		char *one = strndup(from, strcspn(from, BLANKS ","));

		if (one == NULL)
			return config_value_fail(place, "out of memory");
		if (config_value_append(out, place, one) != 0)
			return -1;
		text = strchr(from, ',');
		if (text == NULL)
			return 0;
		text++;
	}
}

int rp_config_value_keepalive(struct rp_config_peer *out, const struct config_place *place, const char *key,
                              const char *text)
{
	unsigned long seconds = strcmp(text, "off") == 0 ? 0 : number(text, KEEPALIVE_MAX);

	if (seconds > KEEPALIVE_MAX)
		return config_value_fail(place,
		                         "%s \"%.*s\" is no time; expected seconds from 1 to %d, or off", key,
		                         TEXT_SHOWN, text, KEEPALIVE_MAX);
	out->has_keepalive = true;
	out->persistent_keepalive = (uint16_t)seconds;
	return 0;
}

int rp_config_value_mtu(uint32_t *out, const struct config_place *place, const char *key, const char *text)
{
	unsigned long bytes = number(text, RP_CONFIG_MTU_MAX);

	if (bytes < RP_CONFIG_MTU_MIN || bytes > RP_CONFIG_MTU_MAX)
		return config_value_fail(place, "%s \"%.*s\" is no MTU; expected bytes from %d to %d", key,
		                         TEXT_SHOWN, text, RP_CONFIG_MTU_MIN, RP_CONFIG_MTU_MAX);
	*out = (uint32_t)bytes;
	return 0;
}

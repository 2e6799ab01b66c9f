#include "config/endpoint_syntax.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_DIGITS_MAX 5
#define NAME_CHARS_MAX 253

#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"
#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

static const char *port_problem(const char *port, bool may_be_zero)
{
	size_t digits = strspn(port, DIGITS);
	unsigned long value;

	if (digits == 0 || digits > PORT_DIGITS_MAX || port[digits] != '\0')
		return "has no port number after the last colon";
	value = strtoul(port, NULL, 10);
	if (value > 65535)
		return "has a port beyond 65535";
	if (value == 0 && !may_be_zero)
		return "has port 0, which nobody can wait on; give the port that the peer listens on";
	return NULL;
}

/* What stands between the brackets. */
static const char *v6_problem(const char *text, size_t length)
{
	char host[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
	struct in6_addr address;
	char *scope;

	if (length >= sizeof host)
		return "has no IPv6 address in its brackets";
	(void)snprintf(host, sizeof host, "%.*s", (int)length, text);
	scope = strchr(host, '%');
	if (scope != NULL) {
		*scope++ = '\0';
		if (*scope == '\0' || strlen(scope) >= IF_NAMESIZE || strpbrk(scope, " \t\r\n/%") != NULL)
			return "has no interface after the %; expected a name such as eth0, or a number";
	}
	if (inet_pton(AF_INET6, host, &address) != 1)
		return "has no IPv6 address in its brackets";
	/* Every interface has such a network: the kernel takes no address of one without its interface. */
	if (scope == NULL && IN6_IS_ADDR_LINKLOCAL(&address))
		return "has a link-local address without its interface; expected one as in "
		       "[fe80::1%eth0]:9999";
	return NULL;
}

/* Of a text with a colon. Behind a %, an interface may have any name. */
static bool resembles_v6(const char *host)
{
	return strspn(host, HEX_DIGITS ":.") == strcspn(host, "%") &&
	       (host[0] == ':' || strchr(host, ':') != strrchr(host, ':'));
}

static const char *name_problem(const char *text, size_t length)
{
	char host[NAME_CHARS_MAX + 1];
	struct in_addr address;

	if (length == 0)
		return "has no host before the port";
	if (length > NAME_CHARS_MAX)
		return "has a host name that is too long";
	(void)snprintf(host, sizeof host, "%.*s", (int)length, text);
	if (strstr(host, ":/") != NULL)
		return "looks like a URL; expected HOST:PORT";
	if (strchr(host, ':') != NULL)
		return resembles_v6(host)
		               ? "looks like an IPv6 address; write it in brackets, as in [::1]:9999"
		               : "has more than one colon; expected HOST:PORT, or [ADDRESS]:PORT for IPv6";
	if (strspn(host, LETTERS DIGITS "-._") != length)
		return "has a host name with a character that is none of letters, digits, - . and _";
	/* No name consists of numbers alone. */
	if (strspn(host, DIGITS ".") == length && inet_aton(host, &address) == 0)
		return "has no IPv4 address before the port; expected four numbers from 0 to 255";
	return NULL;
}

const char *endpoint_syntax_problem(const char *text, bool port_may_be_zero)
{
	const char *colon = strrchr(text, ':');
	const char *problem;
	size_t length;

	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (end == NULL)
			return "has an opening bracket that is not closed";
		if (end[1] != ':')
			return "has no port; expected [ADDRESS]:PORT";
		problem = v6_problem(text + 1, (size_t)(end - text) - 1);
		return problem != NULL ? problem : port_problem(end + 2, port_may_be_zero);
	}
	if (colon == NULL)
		return "has no port; expected HOST:PORT";
	length = (size_t)(colon - text);
	problem = name_problem(text, length);
	return problem != NULL ? problem : port_problem(colon + 1, port_may_be_zero);
}

/* Returns true if the host is an IPv4 address in any of its forms. */
static bool read_v4(const char *text, size_t length, struct in_addr *address)
{
	char host[NAME_CHARS_MAX + 1];

	if (length == 0 || length > NAME_CHARS_MAX)
		return false;
	(void)snprintf(host, sizeof host, "%.*s", (int)length, text);
	/* inet_aton() takes anything after white space. */
	return strspn(host, LETTERS DIGITS ".") == length && inet_aton(host, address) != 0;
}

/* What follows ":", "*:" or nothing, if that is how a text begins that stands for every address. NULL: it is
 * not. */
static const char *port_of_all(const char *text)
{
	if (text[0] == '*' && text[1] == ':')
		return text + 2;
	if (text[0] == ':' && text[1] != ':')
		return text + 1;
	return text[0] != '\0' && strlen(text) <= PORT_DIGITS_MAX && text[strspn(text, DIGITS)] == '\0'
	               ? text
	               : NULL;
}

char *endpoint_syntax_expand(const char *text, bool is_listen)
{
	const char *colon = strrchr(text, ':');
	const char *port = is_listen ? port_of_all(text) : NULL;
	char host[INET_ADDRSTRLEN];
	struct in_addr address;
	char *out = NULL;

	if (port != NULL)
		return asprintf(&out, "[::]:%s", port) < 0 ? NULL : out;
	if (colon == NULL || !read_v4(text, (size_t)(colon - text), &address))
		return strdup(text);
	(void)inet_ntop(AF_INET, &address, host, sizeof host);
	return asprintf(&out, "%s%s", host, colon) < 0 ? NULL : out;
}

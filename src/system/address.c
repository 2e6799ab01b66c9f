#include "system/address.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <net/if.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOST_BYTES 256
#define PORT_BYTES 6

socklen_t address_length(const union address_socket *address)
{
	return address->any.sa_family == AF_INET6 ? sizeof address->v6 : sizeof address->v4;
}

static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < PORT_BYTES && text[digits] == '\0' && strtoul(text, NULL, 10) <= 65535;
}

/* Splits at the last colon; an IPv6 address has brackets around it. */
static const char *split(const char *text, char host[static HOST_BYTES], char port[static PORT_BYTES])
{
	const char *colon = strrchr(text, ':');
	const char *start = text;
	const char *end = colon;

	if (colon == NULL)
		return "has no port; expected HOST:PORT";
	if (!is_port(colon + 1))
		return "has no port number from 0 to 65535 after the last colon";
	if (text[0] == '[') {
		start = text + 1;
		end = colon - 1;
		if (end < start || *end != ']')
			return "has an opening bracket that is not closed before the port";
	} else if (memchr(text, ':', (size_t)(colon - text)) != NULL) {
		return "looks like an IPv6 address; write it in brackets, as in [::1]:9999";
	}
	if (end == start)
		return "has no host before the port";
	if ((size_t)(end - start) >= HOST_BYTES)
		return "has a host name that is too long";
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	(void)snprintf(port, PORT_BYTES, "%s", colon + 1);
	return NULL;
}

bool address_equal(const union address_socket *a, const union address_socket *b)
{
	if (a->any.sa_family != b->any.sa_family)
		return false;
	if (a->any.sa_family == AF_INET)
		return a->v4.sin_port == b->v4.sin_port && a->v4.sin_addr.s_addr == b->v4.sin_addr.s_addr;
	if (a->any.sa_family == AF_INET6)
		return a->v6.sin6_port == b->v6.sin6_port && a->v6.sin6_scope_id == b->v6.sin6_scope_id &&
		       IN6_ARE_ADDR_EQUAL(&a->v6.sin6_addr, &b->v6.sin6_addr);
	return true;
}

/* false: of another family. */
static bool take(union address_socket *out, const struct addrinfo *found)
{
	union address_socket v4 = { .v4 = { .sin_family = AF_INET } };

	if ((found->ai_family != AF_INET && found->ai_family != AF_INET6) || found->ai_addrlen > sizeof *out)
		return false;
	memset(out, 0, sizeof *out);
	memcpy(out, found->ai_addr, found->ai_addrlen);
	if (found->ai_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&out->v6.sin6_addr)) {
		v4.v4.sin_port = out->v6.sin6_port;
		memcpy(&v4.v4.sin_addr, out->v6.sin6_addr.s6_addr + 12, sizeof v4.v4.sin_addr);
		*out = v4;
	}
	return true;
}

/* Cuts the scope off "fe80::1%eth0". NULL: there is none. */
static const char *cut_scope(char *host)
{
	char *percent = strchr(host, '%');

	if (percent == NULL)
		return NULL;
	*percent = '\0';
	return percent + 1;
}

/* Without a scope. false: not in numbers. */
static bool parse_numeric(const char *host, const char *port, union address_socket *out)
{
	static const struct addrinfo hints = { .ai_family = AF_UNSPEC,
		                               .ai_socktype = SOCK_DGRAM,
		                               .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	bool good;

	if (getaddrinfo(host, port, &hints, &found) != 0)
		return false;
	good = take(out, found);
	freeaddrinfo(found);
	return good;
}

/* Kept for the addresses of which every link has its own. NULL or an English reason. */
static const char *set_scope(union address_socket *address, const char *scope)
{
	const struct in6_addr *host = &address->v6.sin6_addr;
	unsigned long number = if_nametoindex(scope);
	size_t digits = strspn(scope, "0123456789");

	if (address->any.sa_family != AF_INET6)
		return "has a scope, which only an IPv6 address can have";
	if (number == 0) {
		if (digits == 0 || scope[digits] != '\0')
			return "names an interface that does not exist";
		number = digits > 10 ? ULONG_MAX : strtoul(scope, NULL, 10);
		if (number > UINT32_MAX)
			return "has a scope that is not the number of an interface";
	}
	if (IN6_IS_ADDR_LINKLOCAL(host) || IN6_IS_ADDR_MC_LINKLOCAL(host) || IN6_IS_ADDR_MC_NODELOCAL(host))
		address->v6.sin6_scope_id = (uint32_t)number;
	return NULL;
}

bool address_is_literal(const char *text)
{
	union address_socket address;
	char host[HOST_BYTES];
	char port[PORT_BYTES];
	const char *scope;

	if (split(text, host, port) != NULL)
		return false;
	scope = cut_scope(host);
	return parse_numeric(host, port, &address) && (scope == NULL || address.any.sa_family == AF_INET6);
}

int address_parse(const char *text, union address_socket *out, const char **problem)
{
	union address_socket address;
	char host[HOST_BYTES];
	char port[PORT_BYTES];
	const char *scope;

	*problem = split(text, host, port);
	if (*problem != NULL)
		return -1;
	scope = cut_scope(host);
	if (!parse_numeric(host, port, &address))
		*problem = "has a host that is not a numeric address";
	else if (scope != NULL)
		*problem = set_scope(&address, scope);
	if (*problem != NULL)
		return -1;
	*out = address;
	return 0;
}

/* Takes what is not there yet, as far as there is room. */
static size_t take_all(union address_socket *out, size_t max, const struct addrinfo *found)
{
	size_t count = 0;

	for (; found != NULL && count < max; found = found->ai_next) {
		size_t same = 0;

		if (!take(&out[count], found))
			continue;
		while (!address_equal(&out[same], &out[count]))
			same++;
		if (same == count)
			count++;
	}
	return count;
}

int address_resolve(const char *text, union address_socket *out, size_t max, size_t *count,
                    const char **problem)
{
	static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_DGRAM };
	char host[HOST_BYTES];
	char port[PORT_BYTES];
	struct addrinfo *found = NULL;
	int error;

	*count = 0;
	if (address_is_literal(text)) {
		if (max == 0 || address_parse(text, out, problem) != 0)
			return -1;
		*count = 1;
		return 0;
	}
	*problem = split(text, host, port);
	if (*problem != NULL)
		return -1;
	error = getaddrinfo(host, port, &hints, &found);
	if (error != 0) {
		*problem = error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error);
		return -1;
	}
	*count = take_all(out, max, found);
	freeaddrinfo(found);
	if (*count == 0) {
		*problem = "has no IPv4 or IPv6 address";
		return -1;
	}
	return 0;
}

static void format(char out[static ADDRESS_TEXT_BYTES], const union address_socket *address, bool with_names)
{
	char host[INET6_ADDRSTRLEN] = "?";
	char scope[IF_NAMESIZE + 1] = "";

	if (address->any.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof host);
		if (address->v6.sin6_scope_id != 0) {
			scope[0] = '%';
			if (!with_names || if_indextoname(address->v6.sin6_scope_id, scope + 1) == NULL)
				(void)snprintf(scope + 1, sizeof scope - 1, "%u", address->v6.sin6_scope_id);
		}
		(void)snprintf(out, ADDRESS_TEXT_BYTES, "[%s%s]:%u", host, scope,
		               ntohs(address->v6.sin6_port));
	} else {
		(void)inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof host);
		(void)snprintf(out, ADDRESS_TEXT_BYTES, "%s:%u", host, ntohs(address->v4.sin_port));
	}
}

void address_format(char out[static ADDRESS_TEXT_BYTES], const union address_socket *address)
{
	format(out, address, true);
}

void address_format_numeric(char out[static ADDRESS_TEXT_BYTES], const union address_socket *address)
{
	format(out, address, false);
}

/* Packed form: family, remote address, port, scope (v6), socket, local address or nothing. */
#define FAMILY_V4 4
#define FAMILY_V6 6
#define GROUP_V4 (1 + 4)
#define GROUP_V6 (1 + 8)
#define PACKED_V4 (1 + 4 + 2 + 2)
#define PACKED_V6 (1 + 16 + 2 + 4 + 2)

static_assert(PACKED_V6 + 16 <= ROSENPASS_ADDRESS_MAX_BYTES, "the longest path fits");

static void append(struct rosenpass_address *out, const void *data, size_t length)
{
	memcpy(out->bytes + out->length, data, length);
	out->length = (uint8_t)(out->length + length);
}

void address_pack(struct rosenpass_address *out, const struct address_path *path)
{
	bool v6 = path->remote.any.sa_family == AF_INET6;
	uint8_t family = v6 ? FAMILY_V6 : FAMILY_V4;

	memset(out, 0, sizeof *out);
	out->group_length = v6 ? GROUP_V6 : GROUP_V4;
	append(out, &family, sizeof family);
	if (v6) {
		append(out, &path->remote.v6.sin6_addr, 16);
		append(out, &path->remote.v6.sin6_port, 2);
		append(out, &path->remote.v6.sin6_scope_id, 4);
	} else {
		append(out, &path->remote.v4.sin_addr, 4);
		append(out, &path->remote.v4.sin_port, 2);
	}
	append(out, &path->socket, sizeof path->socket);
	if (path->local.any.sa_family == AF_INET6)
		append(out, &path->local.v6.sin6_addr, 16);
	else if (path->local.any.sa_family == AF_INET)
		append(out, &path->local.v4.sin_addr, 4);
}

int address_unpack(struct address_path *out, const struct rosenpass_address *in)
{
	const uint8_t *at = in->bytes + 1;
	bool v6 = in->length > 0 && in->bytes[0] == FAMILY_V6;
	size_t packed = v6 ? PACKED_V6 : PACKED_V4;
	size_t local = v6 ? 16 : 4;

	if (in->length == 0 || (!v6 && in->bytes[0] != FAMILY_V4) ||
	    (in->length != packed && in->length != packed + local))
		return -1;
	memset(out, 0, sizeof *out);
	if (v6) {
		out->remote.v6.sin6_family = AF_INET6;
		memcpy(&out->remote.v6.sin6_addr, at, 16);
		memcpy(&out->remote.v6.sin6_port, at + 16, 2);
		memcpy(&out->remote.v6.sin6_scope_id, at + 18, 4);
		memcpy(&out->socket, at + 22, 2);
	} else {
		out->remote.v4.sin_family = AF_INET;
		memcpy(&out->remote.v4.sin_addr, at, 4);
		memcpy(&out->remote.v4.sin_port, at + 4, 2);
		memcpy(&out->socket, at + 6, 2);
	}
	if (in->length > packed) {
		if (v6)
			memcpy(&out->local.v6.sin6_addr, in->bytes + packed, local);
		else
			memcpy(&out->local.v4.sin_addr, in->bytes + packed, local);
		out->local.any.sa_family = out->remote.any.sa_family;
	}
	return 0;
}

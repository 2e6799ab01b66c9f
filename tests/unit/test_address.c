#include "fixture.h"

#include <dlfcn.h>
#include <netdb.h>
#include <unistd.h>
#include <arpa/inet.h>
#include <net/if.h>

#include "system/address.h"

#define ADDRESSES_MAX 8

/* Numbers need no name server. */
static void test_numeric(void **state)
{
	static const struct {
		const char *text;
		const char *formatted;
	} cases[] = {
		{ "127.0.0.1:9999", "127.0.0.1:9999" },
		{ "0.0.0.0:0", "0.0.0.0:0" },
		{ "255.255.255.255:65535", "255.255.255.255:65535" },
		{ "1.2.3.4:00080", "1.2.3.4:80" },
		{ "[::]:0", "[::]:0" },
		{ "[::1]:9999", "[::1]:9999" },
		{ "[2001:DB8:0:0::0:1]:65535", "[2001:db8::1]:65535" },
		{ "[::ffff:1.2.3.4]:5", "1.2.3.4:5" },
		{ "[::ffff:0:0]:5", "0.0.0.0:5" },
		{ "[::fffe:1.2.3.4]:5", "[::fffe:102:304]:5" },
		{ "[127.0.0.1]:9999", "127.0.0.1:9999" },
		{ "[fe80::1%lo]:1", "[fe80::1%lo]:1" },
		{ "[fe80::1%1]:1", "[fe80::1%lo]:1" },
		{ "[fe80::1%4294967295]:1", "[fe80::1%4294967295]:1" },
		{ "[fe80::1%0]:1", "[fe80::1]:1" },
		{ "[ff02::1%lo]:1", "[ff02::1%lo]:1" },
		/* The kernel asks for no scope here. */
		{ "[2001:db8::1%lo]:1", "[2001:db8::1]:1" },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		union address_socket found[ADDRESSES_MAX];
		union address_socket parsed;
		size_t count = 0;
		const char *problem = NULL;
		char text[ADDRESS_TEXT_BYTES];

		if (address_resolve(cases[i].text, found, ADDRESSES_MAX, &count, &problem) != 0)
			fail_msg("%s: %s", cases[i].text, problem);
		assert_null(problem);
		assert_int_equal(count, 1);
		assert_true(address_is_literal(cases[i].text));
		assert_int_equal(address_parse(cases[i].text, &parsed, &problem), 0);
		assert_null(problem);
		assert_memory_equal(&parsed, &found[0], sizeof parsed);
		address_format(text, &found[0]);
		assert_string_equal(text, cases[i].formatted);
		assert_int_equal(address_length(&found[0]), found[0].any.sa_family == AF_INET
		                                                    ? sizeof(struct sockaddr_in)
		                                                    : sizeof(struct sockaddr_in6));
	}
}

static void test_name(void **state)
{
	union address_socket found[ADDRESSES_MAX];
	size_t count = 0;
	const char *problem = NULL;
	char text[ADDRESS_TEXT_BYTES];

	(void)state;
	/* A machine without a hosts file knows no name. */
	if (access("/etc/hosts", R_OK) != 0)
		skip();
	assert_int_equal(address_resolve("localhost:7", found, ADDRESSES_MAX, &count, &problem), 0);
	assert_in_range(count, 1, ADDRESSES_MAX);
	for (size_t i = 0; i < count; i++) {
		address_format(text, &found[i]);
		assert_true(strcmp(text, "127.0.0.1:7") == 0 || strcmp(text, "[::1]:7") == 0);
		for (size_t j = 0; j < i; j++)
			assert_false(address_equal(&found[i], &found[j]));
	}
	/* No more than there is room for. */
	assert_int_equal(address_resolve("localhost:7", found, 1, &count, &problem), 0);
	assert_int_equal(count, 1);
}

/* Name servers may say anything, and some say the same twice. */
static struct addrinfo *answers;

int getaddrinfo(const char *host, const char *port, const struct addrinfo *hints, struct addrinfo **found)
{
	int (*real)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

	if (answers != NULL && (hints->ai_flags & AI_NUMERICHOST) == 0) {
		*found = answers;
		return 0;
	}
	*(void **)(&real) = dlsym(RTLD_NEXT, "getaddrinfo");
	return real(host, port, hints, found);
}

void freeaddrinfo(struct addrinfo *found)
{
	void (*real)(struct addrinfo *);

	if (found == answers)
		return;
	*(void **)(&real) = dlsym(RTLD_NEXT, "freeaddrinfo");
	real(found);
}

static void test_answers(void **state)
{
	static const uint8_t last_bytes[] = { 1, 2, 1, 3, 2, 4, 5 };
	struct sockaddr_in addresses[FIXTURE_COUNT(last_bytes)];
	struct addrinfo list[FIXTURE_COUNT(last_bytes)];
	union address_socket found[4] = { 0 };
	size_t count = 0;
	const char *problem = NULL;

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(list); i++) {
		addresses[i] = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(7) };
		addresses[i].sin_addr.s_addr = htonl(0x0a000000u | last_bytes[i]);
		list[i] = (struct addrinfo){
			.ai_family = AF_INET,
			.ai_addrlen = sizeof addresses[i],
			.ai_addr = (struct sockaddr *)&addresses[i],
			.ai_next = i + 1 < FIXTURE_COUNT(list) ? &list[i + 1] : NULL,
		};
	}
	answers = list;
	/* The fourth place is not ours to give. */
	assert_int_equal(address_resolve("name:7", found, 3, &count, &problem), 0);
	answers = NULL;
	assert_int_equal(count, 3);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(ntohl(found[i].v4.sin_addr.s_addr) & 0xff, i + 1);
	assert_true(fixture_is_zero(&found[3], sizeof found[3]));
}

#define NO_PORT "has no port; expected HOST:PORT"
#define BAD_PORT "has no port number from 0 to 65535 after the last colon"
#define NOT_CLOSED "has an opening bracket that is not closed before the port"
#define NO_BRACKETS "looks like an IPv6 address; write it in brackets, as in [::1]:9999"
#define NO_HOST "has no host before the port"
#define LONG_HOST "has a host name that is too long"
#define NO_INTERFACE "names an interface that does not exist"
#define BAD_SCOPE "has a scope that is not the number of an interface"

static void test_problems(void **state)
{
	static const struct {
		const char *text;
		const char *problem; /* NULL: words of the resolver */
	} cases[] = {
		{ "", NO_PORT },
		{ "localhost", NO_PORT },
		{ "9999", NO_PORT },
		{ "[", NO_PORT },
		{ ":", BAD_PORT },
		{ "host:", BAD_PORT },
		{ "host:x", BAD_PORT },
		{ "host:1x", BAD_PORT },
		{ "host: 1", BAD_PORT },
		{ "host:+1", BAD_PORT },
		{ "host:-1", BAD_PORT },
		{ "host:0x10", BAD_PORT },
		{ "host:65536", BAD_PORT },
		{ "host:99999", BAD_PORT },
		{ "host:000080", BAD_PORT },
		{ "host:18446744073709551617", BAD_PORT },
		{ "host:http", BAD_PORT },
		{ "[::1]", BAD_PORT },
		{ "[::1]:", BAD_PORT },
		{ "[::1:9999", NOT_CLOSED },
		{ "[::1]x:9999", NOT_CLOSED },
		{ "[:9999", NOT_CLOSED },
		{ "[]:9999", NO_HOST },
		{ ":9999", NO_HOST },
		{ "::1", NO_BRACKETS },
		{ "::", BAD_PORT },
		{ "::1:9999", NO_BRACKETS },
		{ "fe80::1%lo:9999", NO_BRACKETS },
		{ "host:1:2", NO_BRACKETS },
		{ "::1]:9999", NO_BRACKETS },
		{ "[fe80::1%no-such-interface]:1", NO_INTERFACE },
		{ "[2001:db8::1%no-such-interface]:1", NO_INTERFACE },
		{ "[fe80::1%]:1", NO_INTERFACE },
		{ "[fe80::1%1x]:1", NO_INTERFACE },
		{ "[fe80::1%lo%lo]:1", NO_INTERFACE },
		{ "[fe80::1%4294967296]:1", BAD_SCOPE },
		{ "[fe80::1%18446744073709551617]:1", BAD_SCOPE },
		{ "127.0.0.1%lo:1", NULL },
		{ "no.such.host.invalid:1", NULL },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		union address_socket found[ADDRESSES_MAX];
		size_t count = 99;
		const char *problem = NULL;

		if (address_resolve(cases[i].text, found, ADDRESSES_MAX, &count, &problem) != -1)
			fail_msg("\"%s\" is accepted", cases[i].text);
		assert_int_equal(count, 0);
		assert_non_null(problem);
		assert_true(strlen(problem) > 0);
		if (cases[i].problem != NULL && strcmp(problem, cases[i].problem) != 0)
			fail_msg("\"%s\": \"%s\", not \"%s\"", cases[i].text, problem, cases[i].problem);
	}
}

/* What needs no resolver, also when its interface is not there, and what is not for address_parse(). */
static void test_literals(void **state)
{
	static const struct {
		const char *text;
		bool literal;
		const char *problem; /* NULL: it can be parsed */
	} cases[] = {
		{ "127.0.0.1:9999", true, NULL },
		{ "[::1]:9999", true, NULL },
		{ "[fe80::1%lo]:1", true, NULL },
		{ "[fe80::1%no-such-interface]:1", true, NO_INTERFACE },
		{ "localhost:9999", false, "has a host that is not a numeric address" },
		{ "1.2.3.4.5:1", false, "has a host that is not a numeric address" },
		{ "1.2.3.256:1", false, "has a host that is not a numeric address" },
		{ "[1:2:3:4:5:6:7:8:9]:1", false, "has a host that is not a numeric address" },
		{ "127.0.0.1%lo:1", false, "has a scope, which only an IPv6 address can have" },
		{ "127.0.0.1", false, NO_PORT },
		{ "::1:9999", false, NO_BRACKETS },
		{ "", false, NO_PORT },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		union address_socket untouched;
		union address_socket address;
		const char *problem = "";
		int result;

		memset(&untouched, 0x55, sizeof untouched);
		memset(&address, 0x55, sizeof address);
		result = address_parse(cases[i].text, &address, &problem);
		assert_int_equal(address_is_literal(cases[i].text), cases[i].literal);
		assert_int_equal(result, cases[i].problem == NULL ? 0 : -1);
		if (cases[i].problem == NULL)
			continue;
		assert_string_equal(problem, cases[i].problem);
		assert_memory_equal(&address, &untouched, sizeof address);
	}
}

/* 255 characters are looked up, 256 are refused before. */
static void test_long_host(void **state)
{
	union address_socket found[ADDRESSES_MAX];
	size_t count;
	const char *problem;
	char text[256 + sizeof ":1"];

	(void)state;
	memset(text, 'a', 256);
	(void)strcpy(text + 256, ":1");
	assert_int_equal(address_resolve(text, found, ADDRESSES_MAX, &count, &problem), -1);
	assert_string_equal(problem, LONG_HOST);
	assert_int_equal(address_resolve(text + 1, found, ADDRESSES_MAX, &count, &problem), -1);
	assert_string_not_equal(problem, LONG_HOST);
}

static union address_socket v4(const char *host, uint16_t port)
{
	union address_socket address = { .v4 = { .sin_family = AF_INET, .sin_port = htons(port) } };

	assert_int_equal(inet_pton(AF_INET, host, &address.v4.sin_addr), 1);
	return address;
}

static union address_socket v6(const char *host, uint16_t port, uint32_t scope)
{
	union address_socket address = {
		.v6 = { .sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_scope_id = scope }
	};

	assert_int_equal(inet_pton(AF_INET6, host, &address.v6.sin6_addr), 1);
	return address;
}

static void test_format(void **state)
{
	union address_socket address = v6("fe80::1", 5, 0xfffffffe);
	char text[ADDRESS_TEXT_BYTES];

	(void)state;
	/* An interface that has gone is shown by its number. */
	address_format(text, &address);
	assert_string_equal(text, "[fe80::1%4294967294]:5");
	address = v6("1111:2222:3333:4444:5555:6666:255.255.255.255", 65535, 0xfffffffe);
	address_format(text, &address);
	assert_string_equal(text, "[1111:2222:3333:4444:5555:6666:ffff:ffff%4294967294]:65535");
	address_format_numeric(text, &address);
	assert_string_equal(text, "[1111:2222:3333:4444:5555:6666:ffff:ffff%4294967294]:65535");
	address = v6("fe80::1", 5, if_nametoindex("lo"));
	address_format(text, &address);
	assert_string_equal(text, "[fe80::1%lo]:5");
	address_format_numeric(text, &address);
	assert_string_equal(text, "[fe80::1%1]:5");
	address = v4("1.2.3.4", 5);
	address_format_numeric(text, &address);
	assert_string_equal(text, "1.2.3.4:5");
}

static void test_equal(void **state)
{
	union address_socket other_flow = v6("fe80::1", 1, 2);
	union address_socket padded = v4("192.0.2.1", 1);
	union address_socket list[] = {
		v4("192.0.2.1", 1),  v4("192.0.2.1", 2),      v4("192.0.2.2", 1),
		v6("fe80::1", 1, 2), v6("fe80::1", 1, 3),     v6("fe80::1", 2, 2),
		v6("fe80::2", 1, 2), v6("::192.0.2.1", 1, 0), { .any = { .sa_family = AF_UNSPEC } },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(list); i++) {
		for (size_t j = 0; j < FIXTURE_COUNT(list); j++)
			assert_int_equal(address_equal(&list[i], &list[j]), i == j);
	}
	/*
	 * The sender's flow label is no part of where it is; nor is what the kernel leaves behind the
	 * address.
	 */
	other_flow.v6.sin6_flowinfo = 7;
	assert_true(address_equal(&other_flow, &list[3]));
	memset(padded.v4.sin_zero, 0x55, sizeof padded.v4.sin_zero);
	assert_true(address_equal(&padded, &list[0]));
}

/* Paths of each kind: the lengths of what they pack to, and of the group in it. */
#define PATHS 7

static void make_paths(struct address_path paths[static PATHS], size_t lengths[static PATHS])
{
	memset(paths, 0, PATHS * sizeof *paths);
	paths[0] = (struct address_path){ .remote = v4("192.0.2.1", 9999) };
	lengths[0] = 9;
	paths[1] = (struct address_path){ .remote = v4("192.0.2.1", 9999), .local = v4("127.0.0.2", 0) };
	lengths[1] = 13;
	paths[2] = (struct address_path){ .remote = v4("255.255.255.255", 65535), .socket = 65535 };
	lengths[2] = 9;
	paths[3] = (struct address_path){ .remote = v6("2001:db8::1", 9999, 0) };
	lengths[3] = 25;
	paths[4] = (struct address_path){ .remote = v6("fe80::1", 1, 7), .socket = 3 };
	lengths[4] = 25;
	paths[5] = (struct address_path){ .remote = v6("fe80::1", 1, 0xffffffff),
		                          .local = v6("fe80::2", 0, 0),
		                          .socket = 0x1234 };
	lengths[5] = 41;
	paths[6] = (struct address_path){ .remote = v6("::", 0, 0), .local = v6("::1", 0, 0) };
	lengths[6] = 41;
}

static void test_round_trips(void **state)
{
	struct address_path paths[PATHS];
	size_t lengths[PATHS];

	(void)state;
	make_paths(paths, lengths);
	for (size_t i = 0; i < PATHS; i++) {
		bool is_v6 = paths[i].remote.any.sa_family == AF_INET6;
		struct rosenpass_address packed;
		struct address_path back;

		memset(&packed, 0xaa, sizeof packed);
		memset(&back, 0x55, sizeof back);
		address_pack(&packed, &paths[i]);
		assert_int_equal(packed.length, lengths[i]);
		assert_int_equal(packed.group_length, is_v6 ? 9 : 5);
		/* The engine compares all of it. */
		assert_true(
			fixture_is_zero(packed.bytes + packed.length, sizeof packed.bytes - packed.length));
		assert_int_equal(address_unpack(&back, &packed), 0);
		assert_memory_equal(&back.remote, &paths[i].remote, sizeof back.remote);
		assert_memory_equal(&back.local, &paths[i].local, sizeof back.local);
		assert_int_equal(back.socket, paths[i].socket);
	}
}

/* Whether two remote addresses share one rate limit. */
static void test_groups(void **state)
{
	const struct {
		union address_socket a;
		union address_socket b;
		bool same;
	} cases[] = {
		{ v4("192.0.2.1", 1), v4("192.0.2.1", 2), true },
		{ v4("192.0.2.1", 1), v4("192.0.2.2", 1), false },
		{ v4("192.0.2.1", 1), v4("193.0.2.1", 1), false },
		{ v6("2001:db8:1:2::1", 1, 0), v6("2001:db8:1:2:ffff:ffff:ffff:ffff", 2, 5), true },
		{ v6("2001:db8:1:2::1", 1, 0), v6("2001:db8:1:3::1", 1, 0), false },
		{ v6("2001:db8:1:2::1", 1, 0), v6("2002:db8:1:2::1", 1, 0), false },
		{ v4("32.1.13.184", 1), v6("2001:db8::", 1, 0), false },
	};

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		struct rosenpass_address packed[2];

		address_pack(&packed[0], &(struct address_path){ .remote = cases[i].a });
		address_pack(&packed[1], &(struct address_path){ .remote = cases[i].b, .socket = 1 });
		assert_int_equal(packed[0].group_length == packed[1].group_length &&
		                         memcmp(packed[0].bytes, packed[1].bytes, packed[0].group_length) ==
		                                 0,
		                 cases[i].same);
	}
}

/* Only the exact lengths, only the two families; a refused one leaves the path alone. */
static void test_refused(void **state)
{
	struct address_path paths[PATHS];
	size_t lengths[PATHS];

	(void)state;
	make_paths(paths, lengths);
	for (size_t i = 0; i < PATHS; i++) {
		bool is_v6 = paths[i].remote.any.sa_family == AF_INET6;
		struct rosenpass_address packed;
		struct address_path untouched;
		struct address_path out;

		memset(&untouched, 0x55, sizeof untouched);
		memset(&out, 0x55, sizeof out);
		address_pack(&packed, &paths[i]);
		for (unsigned length = 0; length <= UINT8_MAX; length++) {
			bool good = is_v6 ? length == 25 || length == 41 : length == 9 || length == 13;

			packed.length = (uint8_t)length;
			if (good)
				continue;
			assert_int_equal(address_unpack(&out, &packed), -1);
			assert_memory_equal(&out, &untouched, sizeof out);
		}
		packed.length = (uint8_t)lengths[i];
		for (unsigned family = 0; family <= UINT8_MAX; family++) {
			packed.bytes[0] = (uint8_t)family;
			if (family != (is_v6 ? 6 : 4))
				assert_int_equal(address_unpack(&out, &packed), -1);
		}
		assert_memory_equal(&out, &untouched, sizeof out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numeric),     cmocka_unit_test(test_name),
		cmocka_unit_test(test_answers),     cmocka_unit_test(test_problems),
		cmocka_unit_test(test_literals),    cmocka_unit_test(test_equal),
		cmocka_unit_test(test_long_host),   cmocka_unit_test(test_format),
		cmocka_unit_test(test_round_trips), cmocka_unit_test(test_groups),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

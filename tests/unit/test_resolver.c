#include "fixture.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <netdb.h>
#include <sched.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "resolver_fixture.h"

#define DNS_PORT 53

static bool own_network;

/* --- a network of our own ------------------------------------------------------------ */

static bool replace_file(const char *path, const char *content)
{
	char temporary[] = "/tmp/test_resolver.XXXXXX";
	int fd = mkstemp(temporary);
	bool good;

	assert_true(fd >= 0);
	good = write(fd, content, strlen(content)) == (ssize_t)strlen(content) && fchmod(fd, 0644) == 0 &&
	       mount(temporary, path, NULL, MS_BIND, NULL) == 0;
	(void)close(fd);
	(void)unlink(temporary);
	return good;
}

/* Where nobody but a test is a name server, if we may. */
static int set_up_network(void **state)
{
	static const gid_t group = 7;
	struct ifreq request = { .ifr_name = "lo" };
	int control;

	(void)state;
	if (geteuid() != 0 || unshare(CLONE_NEWNET | CLONE_NEWNS) != 0)
		return 0;
	control = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	/* A group of ours that nobody else should have. */
	own_network =
		setgroups(1, &group) == 0 && control >= 0 && ioctl(control, SIOCSIFFLAGS, &request) == 0 &&
		mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
		replace_file("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:25 attempts:1\n") &&
		replace_file("/etc/hosts", "127.0.0.1 localhost\n192.0.2.7 both.example\n"
	                                   "2001:db8::7 both.example\n192.0.2.7 both.example\n"
	                                   "::ffff:192.0.2.7 both.example\n");
	if (own_network && access("/etc/nsswitch.conf", F_OK) == 0)
		own_network = replace_file("/etc/nsswitch.conf", "hosts: files dns\n");
	if (control >= 0)
		(void)close(control);
	return 0;
}

static int open_name_server(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_port = htons(DNS_PORT),
		                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

#define TYPE_A 1
#define TYPE_AAAA 28
#define CODE_NO_NAME 3
#define FLAG_CUT 2

static uint8_t *put16(uint8_t *at, unsigned number)
{
	at[0] = (uint8_t)(number >> 8);
	at[1] = (uint8_t)number;
	return at + 2;
}

/*
 * Turns a question, which starts at packet, into the answer with so many addresses 192.0.2.x or one
 * 2001:db8::1; no_name: there is no such name. The answer's length.
 */
static size_t make_answer(uint8_t *packet, unsigned v4_count, bool no_name)
{
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	size_t name = 12;
	unsigned type;
	unsigned count;
	uint8_t *at;

	while (packet[name] != 0)
		name += packet[name] + 1u;
	type = packet[name + 2];
	count = no_name ? 0 : type == TYPE_AAAA ? 1 : v4_count;
	(void)put16(packet + 2, 0x8180u | (no_name ? CODE_NO_NAME : 0));
	(void)put16(packet + 6, count);
	(void)put16(packet + 8, 0);
	/* What else the question had is left out. */
	(void)put16(packet + 10, 0);
	at = packet + name + 5;
	for (unsigned i = 0; i < count; i++) {
		uint8_t v4[4] = { 192, 0, 2, (uint8_t)(i + 1) };

		at = put16(at, 0xc00c);
		at = put16(at, type);
		at = put16(at, 1);
		at = put16(at, 0);
		at = put16(at, 60);
		at = put16(at, type == TYPE_AAAA ? 16 : 4);
		memcpy(at, type == TYPE_AAAA ? v6 : v4, type == TYPE_AAAA ? 16 : 4);
		at += type == TYPE_AAAA ? 16 : 4;
	}
	return (size_t)(at - packet);
}

/* Answers one question. cut: only that the answer is too long for a datagram. */
static void serve_name(int server, unsigned v4_count, bool no_name, bool cut)
{
	uint8_t packet[1024];
	struct sockaddr_in asker;
	socklen_t asker_len = sizeof asker;
	ssize_t got = recvfrom(server, packet, 256, MSG_DONTWAIT, (struct sockaddr *)&asker, &asker_len);
	size_t length;

	if (got < 0)
		return;
	length = make_answer(packet, cut ? 0 : v4_count, no_name);
	if (cut)
		packet[2] |= FLAG_CUT;
	assert_true(sendto(server, packet, length, 0, (const struct sockaddr *)&asker, asker_len) > 0);
}

/* Answers the questions of one connection. */
static void serve_connection(int listener, unsigned v4_count)
{
	uint8_t packet[2 + 1024];
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct pollfd wanted = { .fd = fd, .events = POLLIN };

	assert_true(fd >= 0);
	while (poll(&wanted, 1, WAIT_MS) == 1 && recv(fd, packet, 2, MSG_WAITALL) == 2) {
		size_t length = (size_t)packet[0] << 8 | packet[1];

		assert_true(length < 256 && recv(fd, packet + 2, length, MSG_WAITALL) == (ssize_t)length);
		length = make_answer(packet + 2, v4_count, false);
		(void)put16(packet, (unsigned)length);
		assert_int_equal(send(fd, packet, 2 + length, MSG_NOSIGNAL), 2 + length);
	}
	(void)close(fd);
}

/* The value of a line of /proc/PID/status. */
static void get_status(pid_t pid, const char *name, char out[static 64])
{
	char path[64];
	char line[256];
	FILE *file;

	out[0] = '\0';
	(void)snprintf(path, sizeof path, "/proc/%ld/status", (long)pid);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			(void)snprintf(out, 64, "%.*s", (int)strcspn(line + strlen(name) + 2, "\n"),
			               line + strlen(name) + 2);
	}
	(void)fclose(file);
}

/* --- jobs ---------------------------------------------------------------------------- */

/* As resolve(), while a name server of ours answers. */
static void resolve_served(const char *text, unsigned v4_count, bool no_name, struct outcome *outcome)
{
	int server = open_name_server();
	struct resolver_job job;
	struct pollfd wanted[2] = { { .fd = server, .events = POLLIN }, { .events = POLLIN } };

	assert_int_equal(resolver_start(&job, text, &other_user), 0);
	wanted[1].fd = job.fd;
	do {
		assert_true(poll(wanted, 2, WAIT_MS) > 0);
		serve_name(server, v4_count, no_name, false);
	} while (wanted[1].revents == 0);
	finish(&job, outcome);
	(void)close(server);
}

static void test_literals(void **state)
{
	static const char *const texts[] = { "127.0.0.1:9999", "[2001:db8::1]:1", "[fe80::1%lo]:65535" };

	(void)state;
	for (size_t i = 0; i < FIXTURE_COUNT(texts); i++) {
		struct outcome outcome;

		resolve(texts[i], &same_user, &outcome);
		assert_string_equal(outcome.problem, "");
		assert_int_equal(outcome.count, 1);
		assert_true(has(&outcome, texts[i]));
	}
}

static void test_hosts(void **state)
{
	struct outcome outcome;

	(void)state;
	if (access("/etc/hosts", R_OK) != 0)
		skip();
	resolve("localhost:7", &same_user, &outcome);
	assert_string_equal(outcome.problem, "");
	assert_true(has(&outcome, "127.0.0.1:7") || has(&outcome, "[::1]:7"));
	if (!own_network)
		return;
	/* Each once, as often as it may be listed. */
	resolve("both.example:7", &other_user, &outcome);
	assert_int_equal(outcome.count, 2);
	assert_true(has(&outcome, "192.0.2.7:7") && has(&outcome, "[2001:db8::7]:7"));
}

/* With a name server, without one, and without an endpoint. */
static void test_problems(void **state)
{
	struct outcome outcome;

	(void)state;
	resolve("no.such.host.invalid:1", &same_user, &outcome);
	assert_int_equal(outcome.result, -1);
	resolve("no-port", &same_user, &outcome);
	assert_string_equal(outcome.problem, "has no port; expected HOST:PORT");
	if (!own_network)
		skip();
	resolve("peer.example:1", &other_user, &outcome);
	assert_string_equal(outcome.problem, gai_strerror(EAI_AGAIN));
	resolve_served("peer.example:1", 0, true, &outcome);
	assert_string_equal(outcome.problem, gai_strerror(EAI_NONAME));
}

/* The sandbox of the process leaves to the C library what it needs. */
static void test_name_server(void **state)
{
	struct outcome outcome;

	(void)state;
	if (!own_network)
		skip();
	resolve_served("peer.example:9999", 2, false, &outcome);
	assert_string_equal(outcome.problem, "");
	assert_int_equal(outcome.count, 3);
	assert_true(has(&outcome, "192.0.2.1:9999") && has(&outcome, "192.0.2.2:9999") &&
	            has(&outcome, "[2001:db8::1]:9999"));
	/* No more than there is room for. */
	resolve_served("peer.example:9999", 20, false, &outcome);
	assert_int_equal(outcome.count, RESOLVER_ADDRESSES_MAX);
}

/* Answers that are too long for a datagram are asked for over TCP. */
static void test_name_server_tcp(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
		                       .sin_port = htons(DNS_PORT),
		                       .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct pollfd wanted[3];
	struct resolver_job job;
	struct outcome outcome;
	int server;
	int listener;

	(void)state;
	if (!own_network)
		skip();
	server = open_name_server();
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &(int){ 1 }, sizeof(int)), 0);
	assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(listen(listener, 4), 0);
	assert_int_equal(resolver_start(&job, "peer.example:9999", &other_user), 0);
	wanted[0] = (struct pollfd){ .fd = server, .events = POLLIN };
	wanted[1] = (struct pollfd){ .fd = listener, .events = POLLIN };
	wanted[2] = (struct pollfd){ .fd = job.fd, .events = POLLIN };
	do {
		assert_true(poll(wanted, 3, WAIT_MS) > 0);
		serve_name(server, 0, false, true);
		if (wanted[1].revents != 0)
			serve_connection(listener, 12);
	} while (wanted[2].revents == 0);
	finish(&job, &outcome);
	assert_string_equal(outcome.problem, "");
	assert_int_equal(outcome.count, 13);
	assert_true(has(&outcome, "192.0.2.12:9999") && has(&outcome, "[2001:db8::1]:9999"));
	(void)close(listener);
	(void)close(server);
}

/* Somebody who listens and says nothing: the kernel ends it, and a cancel does at any time. */
static void test_silence(void **state)
{
	struct resolver_job job;
	struct outcome outcome;
	int server;

	(void)state;
	if (!own_network)
		skip();
	server = open_name_server();
	resolver_set_timeout(1);
	resolve("peer.example:9999", &other_user, &outcome);
	assert_string_equal(outcome.problem, "no answer for 1 seconds");

	resolver_set_timeout(RESOLVER_TIMEOUT_SECONDS);
	assert_int_equal(resolver_start(&job, "peer.example:9999", &other_user), 0);
	wait_for(server);
	resolver_cancel(&job);
	assert_int_equal(job.pid, 0);
	resolver_cancel(&job);
	(void)close(server);
}

/* It is dead, its number is still its own, and its answer can be had. */
static void test_stop(void **state)
{
	struct resolver_job job;
	struct outcome outcome;
	char value[64];
	pid_t pid;

	(void)state;
	assert_int_equal(resolver_start(&job, "127.0.0.1:1", &same_user), 0);
	wait_for(job.fd);
	pid = job.pid;
	resolver_stop(&job);
	get_status(pid, "State", value);
	assert_string_equal(value, "Z (zombie)");
	finish(&job, &outcome);
	assert_true(has(&outcome, "127.0.0.1:1"));
	assert_int_equal(kill(pid, 0), -1);
	resolver_stop(&job);
}

static void test_cancel(void **state)
{
	struct resolver_job job = { .pid = 0, .fd = -1 };

	(void)state;
	resolver_cancel(&job);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(resolver_start(&job, "127.0.0.1:1", &same_user), 0);
		if (i % 2 == 0)
			wait_for(job.fd);
		resolver_cancel(&job);
		assert_int_equal(job.pid, 0);
	}
}

/* Looked at while it waits for an answer that does not come. */
static void test_seen_from_outside(void **state)
{
	static const struct {
		const char *name;
		const char *value;
	} cases[] = {
		{ "Name", "rosenpass-names" },
		{ "Uid", "65534\t65534\t65534\t65534" },
		{ "Gid", "65534\t65534\t65534\t65534" },
		{ "Groups", " " },
		{ "CapInh", "0000000000000000" },
		{ "CapPrm", "0000000000000000" },
		{ "CapEff", "0000000000000000" },
		{ "CapAmb", "0000000000000000" },
		{ "NoNewPrivs", "1" },
		{ "Seccomp", "2" },
		{ "SigBlk", "0000000000000000" },
		{ "SigIgn", "0000000000000000" },
	};
	struct resolver_job job;
	struct stat status;
	sigset_t all;
	sigset_t old;
	char path[64];
	char value[64];
	DIR *folder;
	int server;

	(void)state;
	if (!own_network)
		skip();
	server = open_name_server();
	(void)sigfillset(&all);
	(void)sigprocmask(SIG_SETMASK, &all, &old);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(resolver_start(&job, "peer.example:9999", &other_user), 0);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	wait_for(server);
	for (size_t i = 0; i < FIXTURE_COUNT(cases); i++) {
		get_status(job.pid, cases[i].name, value);
		if (strcmp(value, cases[i].value) != 0)
			fail_msg("%s: \"%s\", not \"%s\"", cases[i].name, value, cases[i].value);
	}
	/* Not dumpable: what it is belongs to root. */
	(void)snprintf(path, sizeof path, "/proc/%ld/mem", (long)job.pid);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_uid, 0);
	/* The standard ones, its own, and what it asks the name server with. */
	(void)snprintf(path, sizeof path, "/proc/%ld/fd", (long)job.pid);
	folder = opendir(path);
	assert_non_null(folder);
	for (struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder))
		assert_true(entry->d_name[0] == '.' || strtol(entry->d_name, NULL, 10) <= 4);
	(void)closedir(folder);
	resolver_cancel(&job);
	(void)close(server);
}

/* It ends with its parent. We become the parent of what is left. */
static void test_orphan(void **state)
{
	int server;
	pid_t middle;
	int status;

	(void)state;
	if (!own_network)
		skip();
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	server = open_name_server();
	middle = fork();
	if (middle == 0) {
		struct resolver_job job;

		_exit(resolver_start(&job, "peer.example:1", &other_user) == 0 ? pause() : 1);
	}
	wait_for(server);
	assert_int_equal(kill(middle, SIGKILL), 0);
	assert_int_equal(waitpid(middle, &status, 0), middle);
	assert_true(waitpid(-1, &status, 0) > 0);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
	(void)close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		checked(test_literals),        checked(test_hosts),   checked(test_problems),
		checked(test_name_server),     checked(test_silence), checked(test_cancel),
		checked(test_name_server_tcp), checked(test_stop),    checked(test_seen_from_outside),
		checked(test_orphan),
	};

	return cmocka_run_group_tests(tests, set_up_network, NULL);
}
